//! Runs a batch: fills the window of messages in flight, collects answers, and once a second
//! adapts to the load and checks for cancellation.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use shared::domain::{Principal, SessionKey};
use shared::operator::{
    LookupRequest, MessageRef, MessageStatus, NewMessage, QueueName, SubmitRequest, SubmitResponse,
    TurnView,
};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::answers::{AnswerLine, AnswersFile};
use super::feed::{Feed, NextLine};
use super::in_flight::{InFlight, LOOKUP_LIMIT, UnknownAction};
use super::item::{BatchItem, RejectedLine};
use super::journal::Journal;
use super::pace::{ConcurrencyWindow, RateLimit};
use super::rejects::RejectsFile;
use super::summary::{BatchSummary, CountedAnswer};
use crate::backend::{Backend, BackendError, RetryTimeout, with_retries};
use crate::context::interrupted;
use crate::output::{Progress, money};

const CHECK_INTERVAL: Duration = Duration::from_secs(1);
const WAIT: Duration = Duration::from_secs(2);
/// The minimum pause before a lookup without a result is repeated.
const PAUSE: Duration = Duration::from_millis(10);
/// How long a cancelled batch waits for the messages that it stopped.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunOutcome {
    /// Every line is answered or was rejected.
    Finished,
    /// It was interrupted, for example with Ctrl-C.
    Interrupted,
    /// The batch was cancelled.
    Cancelled,
    /// The budget is spent.
    Spent,
}

/// A running batch.
pub(super) struct BatchRunner {
    pub(super) backend: Arc<dyn Backend>,
    pub(super) principal: Principal,
    pub(super) feed: Feed,
    pub(super) journal: Journal,
    pub(super) answers: AnswersFile,
    pub(super) rejects: RejectsFile,
    pub(super) summary: BatchSummary,
    pub(super) flights: InFlight,
    pub(super) window: ConcurrencyWindow,
    pub(super) rate: Option<RateLimit>,
    /// The budget in millionths of a US dollar.
    pub(super) budget: Option<i64>,
    pub(super) retry_timeout: RetryTimeout,
    pub(super) progress: Progress,
    /// The file by which another process cancels the batch.
    pub(super) cancel: PathBuf,
    /// Whether nothing more is sent, and only messages in flight are collected.
    pub(super) stopping: bool,
    /// How long the oldest request has been waiting.
    pub(super) oldest: Duration,
}

impl BatchRunner {
    /// Runs until the end, and leaves everything on disk.
    pub(super) async fn run(&mut self) -> anyhow::Result<RunOutcome> {
        let ended = self.work().await;
        self.progress.end();
        let synced = self.answers.sync().and_then(|()| self.journal.sync());
        let end = ended?;
        synced?;
        Ok(end)
    }

    async fn work(&mut self) -> anyhow::Result<RunOutcome> {
        let mut stop = std::pin::pin!(interrupted());
        let mut around = interval(CHECK_INTERVAL);
        around.set_missed_tick_behavior(MissedTickBehavior::Delay);
        if self.stopping {
            self.fill().await?;
            return self.stop_all().await;
        }
        loop {
            let more = tokio::select! {
                () = &mut stop => return self.interrupted().await,
                more = self.fill() => more?,
            };
            if self.flights.len() == 0 && (!more || self.is_spent()) {
                return Ok(if more { RunOutcome::Spent } else { RunOutcome::Finished });
            }
            tokio::select! {
                () = &mut stop => return self.interrupted().await,
                _ = around.tick() => {
                    if self.check_state().await? {
                        return self.stop_all().await;
                    }
                }
                collected = Self::lookup(&self.backend, self.flights.turn(), self.wait(more), self.retry_timeout, &self.progress) => {
                    self.collect(collected?).await?;
                }
            }
        }
    }

    /// Sends what may be sent; returns whether there is more to come.
    async fn fill(&mut self) -> anyhow::Result<bool> {
        loop {
            let (batch, more) = self.gather()?;
            let full = batch.len() == LOOKUP_LIMIT;
            if !batch.is_empty() {
                self.send(batch).await?;
            }
            self.tell();
            if !full {
                return Ok(more);
            }
        }
    }

    /// Takes from the input what may be sent now. Lines that an earlier run sent are only tracked.
    fn gather(&mut self) -> anyhow::Result<(Vec<BatchItem>, bool)> {
        let mut batch = Vec::new();
        while batch.len() < LOOKUP_LIMIT
            && (self.stopping || self.flights.len() + batch.len() < self.window.size())
        {
            match self.feed.next(&self.answers.done)? {
                NextLine::End => return Ok((batch, false)),
                NextLine::Wait => return Ok((batch, true)),
                NextLine::Reject(reject) => self.reject(&reject)?,
                NextLine::Item(item) if self.journal.sent.contains(item.line) => {
                    self.flights.add(pointer(&self.principal, &item), *item);
                }
                NextLine::Item(_) if self.stopping => (),
                NextLine::Item(item) if self.is_spent() => {
                    self.feed.put_back(*item);
                    return Ok((batch, true));
                }
                NextLine::Item(item) => {
                    if self.rate.as_mut().is_some_and(|rate| !rate.take(Instant::now())) {
                        self.feed.put_back(*item);
                        return Ok((batch, true));
                    }
                    batch.push(*item);
                }
            }
        }
        Ok((batch, true))
    }

    fn is_spent(&self) -> bool {
        self.budget.is_some_and(|budget| self.summary.cost() >= budget)
    }

    async fn send(&mut self, batch: Vec<BatchItem>) -> anyhow::Result<()> {
        match self.submit(&batch).await {
            Ok(response) => self.sent(batch, response),
            Err(BackendError::Refused { .. }) if batch.len() > 1 => {
                // One of them is invalid: send each alone, so that the others are not held up.
                for item in batch {
                    Box::pin(self.send(vec![item])).await?;
                }
                Ok(())
            }
            Err(BackendError::Refused { field, detail }) => {
                for item in batch {
                    self.feed.finished(&item);
                    self.reject(&RejectedLine::new(item.line, field.as_deref(), detail.clone()))?;
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn sent(&mut self, batch: Vec<BatchItem>, response: SubmitResponse) -> anyhow::Result<()> {
        let mut lines = Vec::new();
        for (item, submitted) in batch.into_iter().zip(response.messages) {
            match submitted.problem {
                None => {
                    lines.push(item.line);
                    self.flights.add(submitted.pointer, item);
                }
                Some(problem) => {
                    self.feed.finished(&item);
                    self.reject(&RejectedLine::new(item.line, None, problem))?;
                }
            }
        }
        self.journal.note_sent(lines)
    }

    async fn submit(&self, batch: &[BatchItem]) -> Result<SubmitResponse, BackendError> {
        let messages = batch.iter().map(message).collect();
        let request = SubmitRequest { principal: self.principal.clone(), messages };
        let away = |error: &BackendError| self.progress.say(format!("retrying: {error}"));
        with_retries(self.retry_timeout, || self.backend.submit(&request), away).await
    }

    /// Looks up some of the messages in flight.
    async fn lookup(
        backend: &Arc<dyn Backend>,
        messages: Vec<MessageRef>,
        wait: Duration,
        retry_timeout: RetryTimeout,
        progress: &Progress,
    ) -> anyhow::Result<Vec<(MessageRef, MessageStatus)>> {
        if messages.is_empty() {
            sleep(wait.max(PAUSE)).await;
            return Ok(Vec::new());
        }
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(0);
        let request = LookupRequest { messages, wait_ms };
        let away = |error: &BackendError| progress.say(format!("retrying: {error}"));
        let found = with_retries(retry_timeout, || backend.lookup(&request), away).await?;
        let found: Vec<_> = request.messages.into_iter().zip(found.messages).collect();
        if !found.iter().any(|(_, outcome)| matches!(outcome, MessageStatus::Done { .. })) {
            sleep(PAUSE).await;
        }
        Ok(found)
    }

    async fn collect(&mut self, found: Vec<(MessageRef, MessageStatus)>) -> anyhow::Result<()> {
        let mut again = Vec::new();
        for (pointer, outcome) in found {
            match outcome {
                MessageStatus::Done { turn } => self.done(&pointer, &turn)?,
                MessageStatus::Waiting | MessageStatus::Running => self.flights.heard(&pointer),
                MessageStatus::Unknown => match self.flights.unknown(&pointer, self.oldest) {
                    UnknownAction::Wait => (),
                    UnknownAction::Resend => again.extend(self.flights.item(&pointer).cloned()),
                    UnknownAction::GiveUp => self.give_up(&pointer)?,
                },
            }
        }
        if !again.is_empty() && !self.stopping {
            self.submit(&again).await?;
        }
        Ok(())
    }

    fn done(&mut self, pointer: &MessageRef, turn: &TurnView) -> anyhow::Result<()> {
        let Some(item) = self.flights.take(pointer) else { return Ok(()) };
        if turn.message != item.message {
            self.feed.finished(&item);
            let problem =
                format!("{} is already used by another message of this session", item.message_id);
            return self.reject(&RejectedLine::new(item.line, Some("message_id"), problem));
        }
        self.answers.append(&AnswerLine::new(&item, &pointer.session_key, turn))?;
        self.summary.count(&CountedAnswer {
            line: item.line,
            kind: turn.kind,
            usage: turn.usage.unwrap_or_default(),
            cost_micro_usd: turn.cost_micro_usd,
            timings: turn.timings,
            provider_batch: false,
        });
        self.feed.finished(&item);
        Ok(())
    }

    fn give_up(&mut self, pointer: &MessageRef) -> anyhow::Result<()> {
        let Some(item) = self.flights.take(pointer) else { return Ok(()) };
        self.feed.finished(&item);
        let problem = "was sent, but the server does not know it: the worker rejected it (see its log), \
            its session was deleted, or it is a dead letter (`yogi dlq list`)";
        self.reject(&RejectedLine::new(item.line, None, problem))
    }

    fn reject(&mut self, reject: &RejectedLine) -> anyhow::Result<()> {
        self.summary.rejected += 1;
        self.rejects.add(reject, &self.progress)
    }

    /// Syncs the answers to disk and adapts to the server's load; returns whether the batch was
    /// cancelled.
    async fn check_state(&mut self) -> anyhow::Result<bool> {
        self.answers.sync()?;
        if let Ok(status) = self.backend.status().await {
            let requests = status.queues.iter().find(|queue| queue.queue == QueueName::Requests);
            let oldest = requests.and_then(|queue| queue.oldest_ms).unwrap_or(0);
            self.oldest = Duration::from_millis(oldest);
            self.window.heard(oldest, status.live_ms);
        }
        Ok(self.cancel.exists())
    }

    /// Collects what is already done, so that as little as possible remains.
    async fn interrupted(&mut self) -> anyhow::Result<RunOutcome> {
        let none = RetryTimeout(Duration::ZERO);
        let messages = self.flights.turn();
        if !messages.is_empty()
            && let Ok(found) =
                Self::lookup(&self.backend, messages, Duration::ZERO, none, &self.progress).await
        {
            for (pointer, outcome) in found {
                if let MessageStatus::Done { turn } = outcome {
                    self.done(&pointer, &turn)?;
                }
            }
        }
        Ok(RunOutcome::Interrupted)
    }

    /// Stops the messages in flight, and collects their answers.
    async fn stop_all(&mut self) -> anyhow::Result<RunOutcome> {
        self.stopping = true;
        self.journal.note_cancelled()?;
        let sessions: Vec<_> = self
            .flights
            .all()
            .map(|(_, item)| (item.session_id.clone(), item.message_id.clone()))
            .collect();
        if let Some((first, _)) = sessions.first() {
            let mut session =
                self.backend.chat_session(self.principal.as_str(), Some(first)).await?;
            for (session_id, message_id) in sessions {
                session.session_id = session_id;
                self.backend.stop(&session, message_id.as_str()).await?;
            }
        }
        let began = Instant::now();
        while self.flights.len() > 0 && began.elapsed() < STOP_TIMEOUT {
            let found = Self::lookup(
                &self.backend,
                self.flights.turn(),
                CHECK_INTERVAL,
                self.retry_timeout,
                &self.progress,
            )
            .await?;
            self.collect(found).await?;
        }
        drop(std::fs::remove_file(&self.cancel));
        Ok(RunOutcome::Cancelled)
    }

    /// Returns how long a lookup may wait: at most until the rate limit lets the next message go.
    fn wait(&self, more: bool) -> Duration {
        let room = more && self.flights.len() < self.window.size();
        let rate = self.rate.filter(|_| room).map_or(WAIT, |rate| rate.wait(Instant::now()));
        // There are more messages than one lookup covers, so the next one must not wait for long.
        let turns =
            if self.flights.len() > LOOKUP_LIMIT { Duration::from_millis(100) } else { WAIT };
        rate.min(turns)
    }

    fn tell(&self) {
        self.progress.at(self.summary.done() + self.summary.rejected);
        let cost = money(shared::domain::MicroUsd(self.summary.cost()));
        self.progress.say(format!("{} in flight, {cost}", self.flights.len()));
    }
}

fn pointer(principal: &Principal, item: &BatchItem) -> MessageRef {
    MessageRef {
        session_key: SessionKey::derive(principal, &item.session_id),
        message_id: item.message_id.clone(),
    }
}

fn message(item: &BatchItem) -> NewMessage {
    NewMessage {
        session_id: item.session_id.clone(),
        message_id: item.message_id.clone(),
        message: item.message.clone(),
        document_id: item.document_id.clone(),
        provider: item.provider,
        replay: None,
    }
}
