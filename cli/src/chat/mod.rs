//! `yogi chat`: a conversation in this terminal.

mod connection;
mod screen;
mod sources;
mod transcript;

use std::collections::VecDeque;
use std::io::{self, BufRead as _};
use std::sync::Arc;
use std::time::Duration;

use client::account::{Account, Message, TurnState};
use client::rule::FinalTurn;
use client::tab::Ended;
use serde_json::json;
use shared::domain::{DocumentId, MessageText, SessionId, TurnKind};
use tokio::sync::mpsc;
use tokio::time::timeout;

use self::connection::{Connection, Event};
use self::screen::Screen;
use self::transcript::{Show, Transcript};
use crate::args::ChatArgs;
use crate::backend::public::{account, backend_error};
use crate::backend::{BackendError, BackendResult, DataPolicy, RetryTimeout, with_retries};
use crate::context::{Context, interrupted};
use crate::exit::{ExitStatus, usage};
use crate::output::note;
use crate::reference;

/// How long to wait for the socket before the first message is sent without it.
const CONNECT_WAIT: Duration = Duration::from_secs(2);
/// How many turns of the history are read at once.
const HISTORY_PAGE: u64 = 50;
const SEND_TIMEOUT: RetryTimeout = RetryTimeout(Duration::from_mins(1));
const HELP: &str = "\
/stop   stop the answer that is being written (or press Ctrl-C)
/cost   show what this conversation has cost so far
/quit   leave (or press Ctrl-D)";

/// Runs the command.
pub(crate) async fn run(context: &Context, args: &ChatArgs) -> anyhow::Result<ExitStatus> {
    let session = args
        .session
        .clone()
        .map(SessionId::parse)
        .transpose()
        .map_err(|error| usage(format!("--session {error}")))?;
    if let Some(document) = &args.document {
        DocumentId::parse(document.clone())
            .map_err(|error| usage(format!("--document {error}")))?;
    }
    args.provider.as_deref().map(reference::provider).transpose()?;
    context
        .with_backend(DataPolicy::CreateIfMissing, |backend| async move {
            let session =
                backend.chat_session(context.principal()?.as_str(), session.as_ref()).await?;
            let base_url = backend.public_url();
            let account = Arc::new(account(&base_url, &session)?);
            let session_id = session.session_id.to_string();
            let past = read_past(&account, &session_id).await;
            let past = past.map_err(|error| backend_error(&base_url, error))?;
            let connection = Connection::open(Arc::clone(&account), &session_id, past.cursor);
            let mut chat = ChatLoop {
                context,
                args,
                base_url,
                session_id,
                account,
                transcript: Transcript::new(past.cursor),
                connection,
                screen: Screen::new(context.output, args.message.is_none()),
                awaiting: None,
                cost: past.cost_micro_usd,
                typed_ahead: VecDeque::new(),
            };
            // The socket first, so that the first words of the answer are seen as they come.
            drop(timeout(CONNECT_WAIT, chat.connect()).await);
            match &args.message {
                Some(message) => chat.ask_once(message).await,
                None => chat.converse().await,
            }
        })
        .await
}

/// What a session holds already; it is not shown again.
#[derive(Default)]
struct Past {
    cursor: u64,
    cost_micro_usd: i64,
}

async fn read_past(
    account: &Account,
    session_id: &str,
) -> Result<Past, client::account::CallError> {
    let mut past = Past::default();
    loop {
        let page = account.history(session_id, past.cursor, HISTORY_PAGE).await?;
        let done = page.turns.iter().filter(|turn| turn.state == TurnState::Done);
        let Some(last) = done.clone().map(|turn| turn.turn).max() else { return Ok(past) };
        past.cost_micro_usd += done.filter_map(|turn| turn.cost_micro_usd).sum::<i64>();
        past.cursor = last;
    }
}

struct ChatLoop<'a> {
    context: &'a Context,
    args: &'a ChatArgs,
    base_url: String,
    session_id: String,
    account: Arc<Account>,
    transcript: Transcript,
    connection: Connection,
    screen: Screen,
    /// The message whose answer is awaited.
    awaiting: Option<String>,
    cost: i64,
    /// The lines that were typed while an answer was being written.
    typed_ahead: VecDeque<String>,
}

impl ChatLoop<'_> {
    /// Waits until the session is known on an open socket.
    async fn connect(&mut self) {
        loop {
            match self.connection.next().await {
                Event::Resumed | Event::Ended(_) => return,
                event => drop(self.handle(event)),
            }
        }
    }

    /// Sends one message, and prints the answer.
    async fn ask_once(&mut self, message: &str) -> anyhow::Result<ExitStatus> {
        self.send(message).await?;
        let answer = self.wait_for_answer(None).await?;
        Ok(match answer {
            Some(answer) if answer.kind == TurnKind::Reply => ExitStatus::Success,
            Some(_) => ExitStatus::Partial,
            None => ExitStatus::Interrupted,
        })
    }

    async fn converse(&mut self) -> anyhow::Result<ExitStatus> {
        note(&format!("session {}; type /help for the commands", self.session_id));
        let mut lines = lines();
        loop {
            self.screen.prompt();
            let line = if let Some(line) = self.typed_ahead.pop_front() {
                Some(line)
            } else {
                tokio::select! {
                    () = interrupted() => None,
                    line = lines.recv() => line,
                }
            };
            let Some(line) = line else { break };
            match line.trim() {
                "" => (),
                "/quit" | "/exit" => break,
                "/help" => note(HELP),
                "/cost" => self.screen.cost(self.cost),
                "/stop" => note("no answer is being written"),
                other if other.starts_with('/') => {
                    note("unknown command; type /help for the commands");
                }
                message => match self.send(message).await {
                    Ok(()) => drop(self.wait_for_answer(Some(&mut lines)).await?),
                    Err(error) => note(&format!("not sent: {error:#}")),
                },
            }
        }
        note(&format!("\nTo continue: `yogi chat --session {}`", self.session_id));
        Ok(ExitStatus::Success)
    }

    async fn send(&mut self, message: &str) -> anyhow::Result<()> {
        MessageText::parse(message).map_err(|error| usage(format!("the message {error}")))?;
        let id = self.context.new_id();
        let message = Message {
            document_id: self.args.document.clone(),
            provider: self.args.provider.clone(),
            ..Message::new(&self.session_id, &id, message)
        };
        // Before the request, because the answer can be there before the response.
        self.connection.tab.sending(&id);
        let sent =
            with_retries(SEND_TIMEOUT, || self.post(&message), |error| note(&error.to_string()));
        if let Err(error) = sent.await {
            self.connection.tab.unsent(&id);
            return Err(match error {
                BackendError::Refused { field: Some(field), detail } => {
                    usage(format!("{field}: {detail}"))
                }
                other => other.into(),
            });
        }
        self.awaiting = Some(id);
        Ok(())
    }

    async fn post(&self, message: &Message) -> BackendResult<()> {
        let posted = self.account.post(message).await;
        posted.map(drop).map_err(|error| backend_error(&self.base_url, error))
    }

    /// Shows what arrives until the awaited answer is final; `None` if the user left it.
    async fn wait_for_answer(
        &mut self,
        mut lines: Option<&mut mpsc::Receiver<String>>,
    ) -> anyhow::Result<Option<FinalTurn>> {
        let mut stopped = false;
        loop {
            let line = async {
                match &mut lines {
                    Some(lines) => lines.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = interrupted() => {
                    if stopped {
                        return Ok(None);
                    }
                    stopped = true;
                    self.stop().await;
                }
                line = line => match line.as_deref().map(str::trim) {
                    Some("/stop") => self.stop().await,
                    // Messages are sent one after the other: what is typed ahead waits until this
                    // answer is final.
                    Some(line) => self.typed_ahead.push_back(line.to_owned()),
                    None => lines = None,
                },
                event = self.connection.next() => {
                    if let Event::Ended(ended) = event {
                        return Err(self.gave_up(ended).into());
                    }
                    if let Some(answer) = self.handle(event) {
                        return Ok(Some(answer));
                    }
                }
            }
        }
    }

    fn gave_up(&self, ended: Ended) -> BackendError {
        match ended {
            Ended::Refused(status) => BackendError::NotAllowed(format!(
                "{} refused the connection with status {status}",
                self.base_url
            )),
            Ended::Gone | Ended::Closed => {
                BackendError::Missing(format!("the session {} no longer exists", self.session_id))
            }
        }
    }

    async fn stop(&mut self) {
        let Some(id) = &self.awaiting else { return };
        if let Err(error) = self.account.stop(&self.session_id, id).await {
            note(&format!("not stopped: {}", backend_error(&self.base_url, error)));
        }
    }

    /// Shows an event; returns the awaited answer once it is final.
    fn handle(&mut self, event: Event) -> Option<FinalTurn> {
        let shown = match event {
            Event::Connected(times) => {
                if times > 1 {
                    self.screen.phase("connected again");
                }
                Vec::new()
            }
            Event::Disconnected => {
                self.screen.phase("the connection was lost; reconnecting");
                Vec::new()
            }
            Event::Text { turn, text } => self.transcript.text(turn, &text),
            Event::Phase { turn, phase } => self.transcript.phase(turn, &phase),
            Event::Final(turn) => self.transcript.final_turn(turn),
            Event::Skipped { cursor } => {
                self.transcript.skip_to(cursor);
                Vec::new()
            }
            Event::Resumed | Event::Ended(_) => Vec::new(),
        };
        self.show(shown)
    }

    fn show(&mut self, shown: Vec<Show>) -> Option<FinalTurn> {
        let mut answer = None;
        for show in shown {
            match show {
                Show::Text(text) => self.screen.text(&text),
                Show::Restart => self.screen.restart(),
                Show::Phase(phase) => self.screen.phase(&phase),
                Show::Final(turn) => {
                    self.show_final(&turn);
                    if self.awaiting.as_deref() == Some(turn.message_id.as_str()) {
                        self.awaiting = None;
                        answer = Some(turn);
                    }
                }
            }
        }
        answer
    }

    fn show_final(&mut self, turn: &FinalTurn) {
        let details = &turn.details;
        self.cost += details.cost_micro_usd.unwrap_or(0);
        self.screen.end(turn);
        let mut answer = json!({
            "type": "answer", "session_id": self.session_id, "message_id": turn.message_id,
            "kind": turn.kind, "text": turn.text, "error": details.error_message,
            "finish_reason": turn.finish_reason,
            "model": details.model.as_ref().or(details.provider.as_ref()),
            "input_tokens": details.input_tokens, "output_tokens": details.output_tokens,
            "cost_micro_usd": details.cost_micro_usd,
        });
        if !details.citations.is_empty() {
            answer["citations"] = json!(details.citations);
        }
        self.context.output.object(&answer);
    }
}

/// Reads lines on a thread of its own: a terminal blocks.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
