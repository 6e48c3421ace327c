//! `yogi chat`: a conversation in this terminal.

mod link;
mod screen;
mod view;

use std::collections::VecDeque;
use std::io::{self, BufRead as _};
use std::time::Duration;

use serde_json::json;
use shared::domain::{DocumentId, MessageText, SessionId};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use self::link::{Link, News};
use self::screen::Screen;
use self::view::{Final, Show, View};
use crate::args::Chat;
use crate::desk::{Desk, interrupted};
use crate::exit::{Exit, usage};
use crate::home::{HomeError, Need, Public, RetryTimeout, with_retries};
use crate::output::note;
use crate::reference;

/// How long a socket is waited for before the first message goes without.
const HELLO: Duration = Duration::from_secs(2);
const TICK: Duration = Duration::from_millis(500);
const RETRY_TIMEOUT: RetryTimeout = RetryTimeout(Duration::from_mins(1));
const HELP: &str = "\
/stop   end the answer that is being written (so does Ctrl-C)
/cost   what this conversation cost so far
/quit   leave (so does Ctrl-D)";

/// Runs the command.
pub(crate) async fn run(desk: &Desk, what: &Chat) -> anyhow::Result<Exit> {
    let session = what
        .session
        .clone()
        .map(SessionId::parse)
        .transpose()
        .map_err(|error| usage(format!("--session {error}")))?;
    if let Some(document) = &what.document {
        DocumentId::parse(document.clone())
            .map_err(|error| usage(format!("--document {error}")))?;
    }
    what.provider.as_deref().map(reference::provider).transpose()?;
    desk.with_home(Need::Any, |home| async move {
        let chat = home.chat_session(desk.principal()?.as_str(), session.as_ref()).await?;
        let public = Public::new(home.public_url(), chat)?;
        // What was said before is not said again.
        let mut cursor = 0;
        let mut cost = 0;
        loop {
            let turns = public.turns(cursor, 0).await?;
            let done = turns.iter().filter(|turn| turn["state"] == "done");
            cost += done.clone().filter_map(|turn| turn["cost_micro_usd"].as_i64()).sum::<i64>();
            let Some(last) = done.filter_map(|turn| turn["turn"].as_u64()).max() else { break };
            cursor = last;
        }
        let mut talk = Talk {
            desk,
            what,
            public,
            view: View::new(cursor),
            link: Link::new(),
            screen: Screen::new(desk.output, what.message.is_none()),
            awaiting: None,
            cost,
            away: false,
            ahead: VecDeque::new(),
        };
        // An open socket first: the answer's first words are then seen as they come.
        drop(timeout(HELLO, talk.connect()).await);
        match &what.message {
            Some(message) => talk.once(message).await,
            None => talk.converse().await,
        }
    })
    .await
}

struct Talk<'a> {
    desk: &'a Desk,
    what: &'a Chat,
    public: Public,
    view: View,
    link: Link,
    screen: Screen,
    /// The message whose answer is awaited.
    awaiting: Option<String>,
    cost: i64,
    away: bool,
    /// What was typed while an answer was being written.
    ahead: VecDeque<String>,
}

impl Talk<'_> {
    /// Waits until the session is known on an open socket.
    async fn connect(&mut self) {
        while !self.view.has_resumed() {
            let news = self.link.next(&self.public).await;
            let shown = self.news(news).await;
            self.show(shown);
        }
    }

    /// Says one thing, and prints the answer.
    async fn once(&mut self, message: &str) -> anyhow::Result<Exit> {
        self.say(message).await?;
        let last = self.answer(None).await?;
        Ok(match last {
            Some(last) if last.kind == "reply" => Exit::Done,
            Some(_) => Exit::Partly,
            None => Exit::Interrupted,
        })
    }

    async fn converse(&mut self) -> anyhow::Result<Exit> {
        note(&format!("session {}; /help tells what can be done here", self.public.session_id()));
        let mut lines = lines();
        loop {
            self.screen.prompt();
            let line = if let Some(line) = self.ahead.pop_front() {
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
                "/stop" => note("nothing is being written"),
                other if other.starts_with('/') => {
                    note("there is no such command; /help tells which there are");
                }
                message => match self.say(message).await {
                    Ok(()) => drop(self.answer(Some(&mut lines)).await?),
                    Err(error) => note(&format!("not sent: {error:#}")),
                },
            }
        }
        note(&format!("\n`yogi chat --session {}` goes on with it", self.public.session_id()));
        Ok(Exit::Done)
    }

    async fn say(&mut self, message: &str) -> anyhow::Result<()> {
        MessageText::parse(message).map_err(|error| usage(format!("the message {error}")))?;
        let id = self.desk.new_id();
        let document = self.what.document.as_deref();
        let provider = self.what.provider.as_deref();
        let public = &self.public;
        let sent = with_retries(
            RETRY_TIMEOUT,
            || public.say(message, &id, document, provider),
            |error| note(&error.to_string()),
        )
        .await;
        sent.map_err(|error| match error {
            HomeError::Refused { field: Some(field), detail } => {
                usage(format!("{field}: {detail}"))
            }
            other => other.into(),
        })?;
        self.awaiting = Some(id);
        Ok(())
    }

    /// Shows what comes until the awaited answer is whole; none where it was left.
    async fn answer(
        &mut self,
        mut lines: Option<&mut mpsc::Receiver<String>>,
    ) -> anyhow::Result<Option<Final>> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopped = false;
        loop {
            let line = async {
                match &mut lines {
                    Some(lines) => lines.recv().await,
                    None => std::future::pending().await,
                }
            };
            let shown = tokio::select! {
                () = interrupted() => {
                    if stopped {
                        return Ok(None);
                    }
                    stopped = true;
                    self.stop().await;
                    Vec::new()
                }
                line = line => {
                    match line.as_deref().map(str::trim) {
                        Some("/stop") => self.stop().await,
                        // One after the other: what is typed ahead is said once this answer is
                        // whole.
                        Some(line) => self.ahead.push_back(line.to_owned()),
                        None => lines = None,
                    }
                    Vec::new()
                }
                _ = ticks.tick() => self.look_after().await,
                news = self.link.next(&self.public) => self.news(news).await,
            };
            if let Some(last) = self.show(shown) {
                return Ok(Some(last));
            }
        }
    }

    async fn news(&mut self, news: News) -> Vec<Show> {
        match news {
            News::Opened => {
                if std::mem::take(&mut self.away) {
                    self.screen.phase("connected again");
                }
                self.view.opened();
                self.link.resume(self.view.cursor).await;
                Vec::new()
            }
            News::Frame(frame) => self.view.frame(&frame),
            News::Lost => {
                if !std::mem::replace(&mut self.away, true) {
                    self.screen.phase("the connection was lost, trying again");
                }
                self.fetch(self.view.cursor).await
            }
        }
    }

    /// Does what is due.
    async fn look_after(&mut self) -> Vec<Show> {
        if let Some(turn) = self.view.to_fetch() {
            return self.fetch(turn - 1).await;
        }
        if self.view.is_due(self.awaiting.is_some()) {
            self.view.asked();
            self.link.resume(self.view.cursor).await;
        }
        Vec::new()
    }

    async fn fetch(&mut self, after: u64) -> Vec<Show> {
        match self.public.turns(after, 0).await {
            Ok(turns) => self.view.fetched(&turns),
            Err(_) => Vec::new(),
        }
    }

    async fn stop(&mut self) {
        let Some(id) = &self.awaiting else { return };
        if let Err(error) = self.public.stop(id).await {
            note(&format!("not stopped: {error}"));
        }
    }

    /// Shows what is new; returns the awaited answer once it is whole.
    fn show(&mut self, shown: Vec<Show>) -> Option<Final> {
        let mut found = None;
        for show in shown {
            match show {
                Show::Text(text) => self.screen.text(&text),
                Show::Again => self.screen.again(),
                Show::Phase(phase) => self.screen.phase(&phase),
                Show::Final(last) => {
                    self.cost += last.cost_micro_usd.unwrap_or(0);
                    self.screen.end(&last);
                    self.desk.output.object(&json!({
                        "type": "answer", "session_id": self.public.session_id(),
                        "message_id": last.message_id,
                        "kind": last.kind, "text": last.text, "error": last.error,
                        "finish_reason": last.finish_reason,
                        "model": last.model, "input_tokens": last.input_tokens,
                        "output_tokens": last.output_tokens,
                        "cost_micro_usd": last.cost_micro_usd,
                    }));
                    if self.awaiting.as_deref() == Some(last.message_id.as_str()) {
                        self.awaiting = None;
                        found = Some(last);
                    }
                }
            }
        }
        found
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
