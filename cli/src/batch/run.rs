//! A batch at work: fill the window, collect what is done, look around once a second.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use shared::domain::{Principal, SessionKey};
use shared::operator::{
    LookupRequest, MessageRef, MessageStatus, NewMessage, QueueName, SubmitRequest, SubmitResponse,
    TurnView,
};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::answers::{Answer, Answers, Counted};
use super::flight::{AT_ONCE, Flights, Verdict};
use super::input::{Feed, Next};
use super::item::{Item, Reject};
use super::journal::Journal;
use super::pace::{Rate, Window};
use super::rejects::Rejects;
use super::summary::Summary;
use crate::desk::interrupted;
use crate::home::{Home, HomeError, RetryTimeout, with_retries};
use crate::output::{Progress, money};

const LOOK_AROUND: Duration = Duration::from_secs(1);
const WAIT: Duration = Duration::from_secs(2);
/// How soon a lookup that found nothing is repeated at the earliest.
const PAUSE: Duration = Duration::from_millis(10);
/// How long a cancelled batch waits for what it stopped.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Every line has its answer, or was rejected.
    Finished,
    /// Somebody pressed Ctrl-C.
    Interrupted,
    /// Somebody cancelled the batch.
    Cancelled,
    /// The answers cost what they may cost.
    Spent,
}

/// A batch at work.
pub(super) struct Run {
    pub(super) home: Arc<dyn Home>,
    pub(super) principal: Principal,
    pub(super) feed: Feed,
    pub(super) journal: Journal,
    pub(super) answers: Answers,
    pub(super) rejects: Rejects,
    pub(super) summary: Summary,
    pub(super) flights: Flights,
    pub(super) window: Window,
    pub(super) rate: Option<Rate>,
    /// What the answers may cost, in millionths of a dollar.
    pub(super) budget: Option<i64>,
    pub(super) retry_timeout: RetryTimeout,
    pub(super) progress: Progress,
    /// The file by which another process cancels it.
    pub(super) cancel: PathBuf,
    /// Whether only what was sent is looked after.
    pub(super) stopping: bool,
    /// How long the oldest request has waited.
    pub(super) oldest: Duration,
}

impl Run {
    /// Works until the end, and leaves everything on the disk.
    pub(super) async fn go(&mut self) -> anyhow::Result<End> {
        let ended = self.work().await;
        self.progress.end();
        let synced = self.answers.sync().and_then(|()| self.journal.sync());
        let end = ended?;
        synced?;
        Ok(end)
    }

    async fn work(&mut self) -> anyhow::Result<End> {
        let mut stop = std::pin::pin!(interrupted());
        let mut around = interval(LOOK_AROUND);
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
                return Ok(if more { End::Spent } else { End::Finished });
            }
            tokio::select! {
                () = &mut stop => return self.interrupted().await,
                _ = around.tick() => {
                    if self.look_around().await? {
                        return self.stop_all().await;
                    }
                }
                collected = Self::lookup(&self.home, self.flights.turn(), self.wait(more), self.retry_timeout, &self.progress) => {
                    self.collect(collected?).await?;
                }
            }
        }
    }

    /// Sends what may go; tells whether more will come.
    async fn fill(&mut self) -> anyhow::Result<bool> {
        loop {
            let (batch, more) = self.gather()?;
            let full = batch.len() == AT_ONCE;
            if !batch.is_empty() {
                self.send(batch).await?;
            }
            self.tell();
            if !full {
                return Ok(more);
            }
        }
    }

    /// Takes what may go now from the input; what was sent before is only looked after.
    fn gather(&mut self) -> anyhow::Result<(Vec<Item>, bool)> {
        let mut batch = Vec::new();
        while batch.len() < AT_ONCE
            && (self.stopping || self.flights.len() + batch.len() < self.window.size())
        {
            match self.feed.next(&self.answers.done)? {
                Next::End => return Ok((batch, false)),
                Next::Wait => return Ok((batch, true)),
                Next::Reject(reject) => self.reject(&reject)?,
                Next::Item(item) if self.journal.sent.contains(item.line) => {
                    self.flights.add(pointer(&self.principal, &item), *item);
                }
                Next::Item(_) if self.stopping => (),
                Next::Item(item) if self.is_spent() => {
                    self.feed.put_back(*item);
                    return Ok((batch, true));
                }
                Next::Item(item) => {
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

    async fn send(&mut self, batch: Vec<Item>) -> anyhow::Result<()> {
        match self.submit(&batch).await {
            Ok(response) => self.sent(batch, response),
            Err(HomeError::Refused { .. }) if batch.len() > 1 => {
                // One of them is wrong: each alone, so that the others go on.
                for item in batch {
                    Box::pin(self.send(vec![item])).await?;
                }
                Ok(())
            }
            Err(HomeError::Refused { field, detail }) => {
                for item in batch {
                    self.feed.finished(&item);
                    self.reject(&Reject::new(item.line, field.as_deref(), detail.clone()))?;
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn sent(&mut self, batch: Vec<Item>, response: SubmitResponse) -> anyhow::Result<()> {
        let mut lines = Vec::new();
        for (item, submitted) in batch.into_iter().zip(response.messages) {
            match submitted.problem {
                None => {
                    lines.push(item.line);
                    self.flights.add(submitted.pointer, item);
                }
                Some(problem) => {
                    self.feed.finished(&item);
                    self.reject(&Reject::new(item.line, None, problem))?;
                }
            }
        }
        self.journal.note_sent(lines)
    }

    async fn submit(&self, batch: &[Item]) -> Result<SubmitResponse, HomeError> {
        let messages = batch.iter().map(message).collect();
        let request = SubmitRequest { principal: self.principal.clone(), messages };
        let away = |error: &HomeError| self.progress.say(format!("waiting: {error}"));
        with_retries(self.retry_timeout, || self.home.submit(&request), away).await
    }

    /// Asks what became of some of the messages on their way.
    async fn lookup(
        home: &Arc<dyn Home>,
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
        let away = |error: &HomeError| progress.say(format!("waiting: {error}"));
        let found = with_retries(retry_timeout, || home.lookup(&request), away).await?;
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
                    Verdict::Wait => (),
                    Verdict::Resend => again.extend(self.flights.item(&pointer).cloned()),
                    Verdict::GiveUp => self.give_up(&pointer)?,
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
            let problem = format!(
                "{} is the id of another message of this session, sent before",
                item.message_id
            );
            return self.reject(&Reject::new(item.line, Some("message_id"), problem));
        }
        self.answers.append(&Answer::new(&item, &pointer.session_key, turn))?;
        self.summary.count(&Counted {
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
        let problem = "was sent, and the server does not know it: the worker refused it (its log \
            says why), its session was deleted, or it is a dead letter (`yogi dlq list`)";
        self.reject(&Reject::new(item.line, None, problem))
    }

    fn reject(&mut self, reject: &Reject) -> anyhow::Result<()> {
        self.summary.rejected += 1;
        self.rejects.add(reject, &self.progress)
    }

    /// Puts on the disk what was done, and looks how the server is; tells whether the batch was
    /// cancelled.
    async fn look_around(&mut self) -> anyhow::Result<bool> {
        self.answers.sync()?;
        if let Ok(status) = self.home.status().await {
            let requests = status.queues.iter().find(|queue| queue.queue == QueueName::Requests);
            let oldest = requests.and_then(|queue| queue.oldest_ms).unwrap_or(0);
            self.oldest = Duration::from_millis(oldest);
            self.window.heard(oldest, status.live_ms);
        }
        Ok(self.cancel.exists())
    }

    /// Collects what is done already, so that as little as can be is left.
    async fn interrupted(&mut self) -> anyhow::Result<End> {
        let none = RetryTimeout(Duration::ZERO);
        let messages = self.flights.turn();
        if !messages.is_empty()
            && let Ok(found) =
                Self::lookup(&self.home, messages, Duration::ZERO, none, &self.progress).await
        {
            for (pointer, outcome) in found {
                if let MessageStatus::Done { turn } = outcome {
                    self.done(&pointer, &turn)?;
                }
            }
        }
        Ok(End::Interrupted)
    }

    /// Stops what is on its way, and collects what came of it.
    async fn stop_all(&mut self) -> anyhow::Result<End> {
        self.stopping = true;
        self.journal.note_cancelled()?;
        let sessions: Vec<_> = self
            .flights
            .all()
            .map(|(_, item)| (item.session_id.clone(), item.message_id.clone()))
            .collect();
        if let Some((first, _)) = sessions.first() {
            let mut session = self.home.chat_session(self.principal.as_str(), Some(first)).await?;
            for (session_id, message_id) in sessions {
                session.session_id = session_id;
                self.home.stop(&session, message_id.as_str()).await?;
            }
        }
        let began = Instant::now();
        while self.flights.len() > 0 && began.elapsed() < STOP_PATIENCE {
            let found = Self::lookup(
                &self.home,
                self.flights.turn(),
                LOOK_AROUND,
                self.retry_timeout,
                &self.progress,
            )
            .await?;
            self.collect(found).await?;
        }
        drop(std::fs::remove_file(&self.cancel));
        Ok(End::Cancelled)
    }

    /// Returns how long a lookup may wait: until the next message may go, where one waits for its
    /// time.
    fn wait(&self, more: bool) -> Duration {
        let room = more && self.flights.len() < self.window.size();
        let rate = self.rate.filter(|_| room).map_or(WAIT, |rate| rate.wait(Instant::now()));
        // Others wait for their turn to be looked up.
        let turns = if self.flights.len() > AT_ONCE { Duration::from_millis(100) } else { WAIT };
        rate.min(turns)
    }

    fn tell(&self) {
        self.progress.at(self.summary.done() + self.summary.rejected);
        let cost = money(shared::domain::MicroUsd(self.summary.cost()));
        self.progress.say(format!("{} on their way, {cost}", self.flights.len()));
    }
}

fn pointer(principal: &Principal, item: &Item) -> MessageRef {
    MessageRef {
        session_key: SessionKey::derive(principal, &item.session_id),
        message_id: item.message_id.clone(),
    }
}

fn message(item: &Item) -> NewMessage {
    NewMessage {
        session_id: item.session_id.clone(),
        message_id: item.message_id.clone(),
        message: item.message.clone(),
        document_id: item.document_id.clone(),
        provider: item.provider,
        replay: None,
    }
}
