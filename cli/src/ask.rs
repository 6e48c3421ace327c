//! Questions in memory through the queue: what replays, evaluations and judges have in common.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use shared::domain::{DocumentId, MessageId, MessageText, Principal, ProviderName, SessionId};
use shared::operator::{
    LookupRequest, MessageRef, MessageStatus, NewMessage, SubmitRequest, TurnView,
};
use shared::queue_messages::Replay;
use tokio::time::{Instant, sleep};

use crate::desk::interrupted;
use crate::home::{Home, RetryTimeout, with_retries};
use crate::output::Progress;

/// The most that one call sends or looks up.
const AT_ONCE: usize = 100;
const WAIT_MS: u64 = 2_000;
const PAUSE: Duration = Duration::from_millis(10);
const RETRY_TIMEOUT: RetryTimeout = RetryTimeout(Duration::from_mins(2));
/// How long nothing may be known of a question before it counts as unanswered.
const SILENCE: Duration = Duration::from_mins(2);

/// One question, in a session of its own.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) message: MessageText,
    pub(crate) document_id: Option<DocumentId>,
    pub(crate) provider: Option<ProviderName>,
    pub(crate) replay: Replay,
}

/// What came of a question.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// It was answered, or failed.
    Turn(Box<TurnView>),
    /// It could not be sent, or nothing was heard of it.
    Problem(String),
}

/// The replies in the order of the questions; those that were interrupted have none.
#[derive(Debug)]
pub(crate) struct Replies {
    pub(crate) replies: Vec<Option<Reply>>,
    pub(crate) interrupted: bool,
}

/// Asks questions, so many at once, as `<prefix>.<number>`.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) home: Arc<dyn Home>,
    pub(crate) principal: Principal,
    pub(crate) at_once: usize,
    pub(crate) quiet: bool,
}

impl Asker {
    /// Asks all of them.
    pub(crate) async fn all(
        &self,
        prefix: &str,
        questions: &[Question],
    ) -> anyhow::Result<Replies> {
        let progress = Progress::new(questions.len() as u64, self.quiet);
        let mut round =
            Round { asker: self, prefix, questions, progress, next: 0, waiting: HashMap::new() };
        let mut replies: Vec<Option<Reply>> = questions.iter().map(|_| None).collect();
        let ended = tokio::select! {
            () = interrupted() => Ok(true),
            ended = round.run(&mut replies) => ended.map(|()| false),
        };
        round.progress.end();
        Ok(Replies { replies, interrupted: ended? })
    }
}

struct Round<'a> {
    asker: &'a Asker,
    prefix: &'a str,
    questions: &'a [Question],
    progress: Progress,
    next: usize,
    waiting: HashMap<MessageRef, (usize, Instant)>,
}

impl Round<'_> {
    async fn run(&mut self, replies: &mut [Option<Reply>]) -> anyhow::Result<()> {
        loop {
            self.send(replies).await?;
            if self.waiting.is_empty() && self.next == self.questions.len() {
                return Ok(());
            }
            self.collect(replies).await?;
            self.progress.at(replies.iter().filter(|reply| reply.is_some()).count() as u64);
        }
    }

    async fn send(&mut self, replies: &mut [Option<Reply>]) -> anyhow::Result<()> {
        while self.waiting.len() < self.asker.at_once && self.next < self.questions.len() {
            let room = (self.asker.at_once - self.waiting.len()).min(AT_ONCE);
            let first = self.next;
            let messages = self.questions.iter().enumerate().skip(first).take(room);
            let messages = messages
                .map(|(number, question)| self.message(number, question))
                .collect::<Result<Vec<_>, _>>()?;
            self.next += messages.len();
            let request = SubmitRequest { principal: self.asker.principal.clone(), messages };
            let home = &self.asker.home;
            let response = with_retries(RETRY_TIMEOUT, || home.submit(&request), |_| ()).await?;
            for (number, submitted) in (first..).zip(response.messages) {
                match submitted.problem {
                    Some(problem) => replies[number] = Some(Reply::Problem(problem)),
                    None => drop(self.waiting.insert(submitted.pointer, (number, Instant::now()))),
                }
            }
        }
        Ok(())
    }

    async fn collect(&mut self, replies: &mut [Option<Reply>]) -> anyhow::Result<()> {
        let mut oldest: Vec<_> =
            self.waiting.iter().map(|(pointer, (number, _))| (*number, pointer.clone())).collect();
        oldest.sort_unstable_by_key(|(number, _)| *number);
        let messages: Vec<_> =
            oldest.into_iter().take(AT_ONCE).map(|(_, pointer)| pointer).collect();
        if messages.is_empty() {
            return Ok(());
        }
        let request = LookupRequest { messages, wait_ms: WAIT_MS };
        let home = &self.asker.home;
        let found = with_retries(RETRY_TIMEOUT, || home.lookup(&request), |_| ()).await?;
        let mut some = false;
        for (pointer, outcome) in request.messages.iter().zip(found.messages) {
            let Some((number, heard)) = self.waiting.get_mut(pointer) else { continue };
            let reply = match outcome {
                MessageStatus::Done { turn } => Reply::Turn(turn),
                MessageStatus::Unknown if heard.elapsed() > SILENCE => Reply::Problem(
                    "the server does not know it: the worker refused it, or it is a dead letter"
                        .to_owned(),
                ),
                MessageStatus::Unknown => continue,
                MessageStatus::Waiting | MessageStatus::Running => {
                    *heard = Instant::now();
                    continue;
                }
            };
            some = true;
            replies[*number] = Some(reply);
            self.waiting.remove(pointer);
        }
        if !some {
            sleep(PAUSE).await;
        }
        Ok(())
    }

    fn message(&self, number: usize, question: &Question) -> anyhow::Result<NewMessage> {
        let id = format!("{}.{}", self.prefix, number + 1);
        let replay = question.replay.clone();
        Ok(NewMessage {
            session_id: SessionId::parse(id.clone()).context("an id of ours")?,
            message_id: MessageId::parse(id).context("an id of ours")?,
            message: question.message.clone(),
            document_id: question.document_id.clone(),
            provider: question.provider,
            replay: (replay != Replay::default()).then(|| Box::new(replay)),
        })
    }
}
