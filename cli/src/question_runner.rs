//! Sends questions through the queue and waits for the answers, for replays, evaluations and judges.

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

use crate::backend::{Backend, RetryTimeout, with_retries};
use crate::context::interrupted;
use crate::output::Progress;

/// The maximum number of messages in one call.
const CALL_LIMIT: usize = 100;
const WAIT_MS: u64 = 2_000;
const PAUSE: Duration = Duration::from_millis(10);
const RETRY_TIMEOUT: RetryTimeout = RetryTimeout(Duration::from_mins(2));
/// How long a question may be unknown to the server before it counts as unanswered.
const SILENCE: Duration = Duration::from_mins(2);

/// A question, asked in a session of its own.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    pub(crate) message: MessageText,
    pub(crate) document_id: Option<DocumentId>,
    pub(crate) provider: Option<ProviderName>,
    pub(crate) replay: Replay,
}

/// The result of a question.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Its turn, answered or failed.
    Turn(Box<TurnView>),
    /// It could not be sent, or was lost.
    Problem(String),
}

/// The results in the order of the questions; unfinished questions have none.
#[derive(Debug)]
pub(crate) struct Replies {
    pub(crate) replies: Vec<Option<Reply>>,
    pub(crate) interrupted: bool,
}

/// Asks many questions concurrently, with the IDs `<prefix>.<number>`.
#[derive(Clone)]
pub(crate) struct QuestionRunner {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) principal: Principal,
    pub(crate) concurrency: usize,
    pub(crate) quiet: bool,
}

impl QuestionRunner {
    /// Asks all questions, and waits for their results.
    pub(crate) async fn all(
        &self,
        prefix: &str,
        questions: &[Question],
    ) -> anyhow::Result<Replies> {
        let progress = Progress::new(questions.len() as u64, self.quiet);
        let mut round = Progressing {
            runner: self,
            prefix,
            questions,
            progress,
            next: 0,
            waiting: HashMap::new(),
        };
        let mut replies: Vec<Option<Reply>> = questions.iter().map(|_| None).collect();
        let ended = tokio::select! {
            () = interrupted() => Ok(true),
            ended = round.run(&mut replies) => ended.map(|()| false),
        };
        round.progress.end();
        Ok(Replies { replies, interrupted: ended? })
    }
}

struct Progressing<'a> {
    runner: &'a QuestionRunner,
    prefix: &'a str,
    questions: &'a [Question],
    progress: Progress,
    next: usize,
    waiting: HashMap<MessageRef, (usize, Instant)>,
}

impl Progressing<'_> {
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
        while self.waiting.len() < self.runner.concurrency && self.next < self.questions.len() {
            let room = (self.runner.concurrency - self.waiting.len()).min(CALL_LIMIT);
            let first = self.next;
            let messages = self.questions.iter().enumerate().skip(first).take(room);
            let messages = messages
                .map(|(number, question)| self.message(number, question))
                .collect::<Result<Vec<_>, _>>()?;
            self.next += messages.len();
            let request = SubmitRequest { principal: self.runner.principal.clone(), messages };
            let backend = &self.runner.backend;
            let response = with_retries(RETRY_TIMEOUT, || backend.submit(&request), |_| ()).await?;
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
            oldest.into_iter().take(CALL_LIMIT).map(|(_, pointer)| pointer).collect();
        if messages.is_empty() {
            return Ok(());
        }
        let request = LookupRequest { messages, wait_ms: WAIT_MS };
        let backend = &self.runner.backend;
        let found = with_retries(RETRY_TIMEOUT, || backend.lookup(&request), |_| ()).await?;
        let mut some = false;
        for (pointer, outcome) in request.messages.iter().zip(found.messages) {
            let Some((number, heard)) = self.waiting.get_mut(pointer) else { continue };
            let reply = match outcome {
                MessageStatus::Done { turn } => Reply::Turn(turn),
                MessageStatus::Unknown if heard.elapsed() > SILENCE => Reply::Problem(
                    "the server does not know it: the worker rejected it, or it is a dead letter"
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
            session_id: SessionId::parse(id.clone()).context("a generated ID is valid")?,
            message_id: MessageId::parse(id).context("a generated ID is valid")?,
            message: question.message.clone(),
            document_id: question.document_id.clone(),
            provider: question.provider,
            replay: (replay != Replay::default()).then(|| Box::new(replay)),
        })
    }
}
