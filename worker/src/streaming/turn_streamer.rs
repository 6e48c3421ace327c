//! What goes on while the model works: checkpoints, connections, pushes, the deadline.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use shared::ag_ui::{self, ChatStatus};
use shared::domain::{Citation, NumberedPassage, PrincipalHash, SessionId, SessionKey};
use shared::ports::store::{Item, StoreError};
use shared::ports::{Durability, Push, Store};
use shared::protocol::generation::{self, Checkpoint};
use shared::protocol::{ConnectionRow, Owner, Turn, connection};
use tokio::time::{Instant, sleep_until};

use super::subscriber::StreamView;
use super::subscribers::{FinishedPush, Subscribers};
use crate::config::{LastPiece, Pace};

const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(1);
const LISTING_INTERVAL: Duration = Duration::from_secs(1);
/// The interval while nobody is connected: a client often connects just after its message.
const EMPTY_LISTING_INTERVAL: Duration = Duration::from_millis(200);
/// How long the shorter interval is used.
const EMPTY_LISTING_PERIOD: Duration = Duration::from_secs(3);
/// How long after the first piece the pace of the beginning applies.
const FIRST_PACE_PERIOD: Duration = Duration::from_secs(1);

/// Why the model's work must stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// The user stopped the turn.
    Cancelled,
    /// The turn no longer belongs to this worker, or is no longer running.
    Refused,
    /// The time for this delivery is used up.
    Deadline,
}

/// Streams a turn to its connections, from the claim to the commit.
///
/// It has no task of its own: [`run_while`](Self::run_while) and
/// [`run_while_committing`](Self::run_while_committing) drive it next to the work that they are
/// given. At most one checkpoint, one listing and one push per connection are in flight, so a slow
/// store or gateway delays only its own kind.
pub(crate) struct TurnStreamer {
    store: Arc<dyn Store>,
    key: SessionKey,
    session: SessionId,
    owner: PrincipalHash,
    pub(crate) turn: Turn,
    text: String,
    /// What the text cites.
    citations: Vec<Citation>,
    /// The passages that the generation was given.
    passages: Vec<NumberedPassage>,
    /// The frame that tells clients of them.
    passages_frame: Option<String>,
    /// How many bytes of the text may be sent by now.
    released: usize,
    complete: bool,
    subscribers: Subscribers,
    pace: Pace,
    started: Instant,
    deadline: Instant,
    first_release: Option<Instant>,
    next_release: Instant,
    next_checkpoint: Instant,
    next_listing: Instant,
    /// The wait until the generation's number is durable, while it lasts.
    ///
    /// Nothing of a generation may be sent before that. If the process crashed with the number not
    /// yet durable, the next worker would take the same number again, and clients could not tell
    /// its text from the text they already have.
    generation_sync: Option<BoxFuture<'static, Result<(), StoreError>>>,
    checkpoint: Option<BoxFuture<'static, Result<Option<Item>, StoreError>>>,
    listing: Option<BoxFuture<'static, Result<Vec<ConnectionRow>, StoreError>>>,
}

enum StreamerEvent {
    PushFinished(FinishedPush),
    GenerationSynced(Result<(), StoreError>),
    CheckpointFinished(Result<Option<Item>, StoreError>),
    ConnectionsListed(Result<Vec<ConnectionRow>, StoreError>),
    Timer,
}

impl TurnStreamer {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        push: Arc<dyn Push>,
        key: SessionKey,
        owner: &Owner,
        turn: Turn,
        pace: Pace,
        deadline: Instant,
    ) -> Self {
        let now = Instant::now();
        Self {
            subscribers: Subscribers::new(push, store.clone(), key.clone()),
            generation_sync: Some(synced(store.clone())),
            store,
            key,
            session: owner.session_id.clone(),
            owner: owner.principal.hash(),
            turn,
            text: String::new(),
            citations: Vec::new(),
            passages: Vec::new(),
            passages_frame: None,
            released: 0,
            complete: false,
            pace,
            started: now,
            deadline,
            first_release: None,
            next_release: now,
            next_checkpoint: now + CHECKPOINT_INTERVAL,
            next_listing: now,
            checkpoint: None,
            listing: None,
        }
    }

    /// Returns the provisional text of the current generation.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Adds a piece of provisional text. The first piece is sent at once, later ones at the pace.
    pub(crate) fn add_text(&mut self, delta: &str) {
        self.text.push_str(delta);
        let now = Instant::now();
        if now >= self.next_release {
            self.release(now);
        }
    }

    /// Adds a citation, and its mark to the text.
    pub(crate) fn add_citation(&mut self, citation: Citation, mark: &str) {
        self.citations.push(citation);
        self.add_text(mark);
    }

    /// Returns what the text cites.
    pub(crate) fn citations(&self) -> &[Citation] {
        &self.citations
    }

    /// Tells clients which passages the turn is answered from, in this generation and later ones.
    pub(crate) fn set_passages(&mut self, passages: Vec<NumberedPassage>) {
        self.passages = passages;
        self.frame_passages();
    }

    fn frame_passages(&mut self) {
        self.passages_frame = (!self.passages.is_empty())
            .then(|| ag_ui::custom_citations(&self.turn, &self.passages));
    }

    /// Notes that the reply is complete, and releases the rest of its text unless the final is to
    /// carry it.
    pub(crate) fn complete(&mut self) {
        if self.pace.last_piece == LastPiece::Push {
            self.released = self.text.len();
            self.complete = true;
        }
    }

    /// Starts a new generation: a higher epoch and an empty text.
    pub(crate) fn restart(&mut self, turn: Turn) {
        self.turn = turn;
        self.text.clear();
        self.citations.clear();
        self.frame_passages();
        self.released = 0;
        self.complete = false;
        self.next_release = Instant::now();
        // A checkpoint of the previous generation that is still in flight would be refused, which
        // would look as if another worker had taken the turn.
        self.checkpoint = None;
        self.generation_sync = Some(synced(self.store.clone()));
        self.subscribers.restart();
    }

    /// Shows a status to everyone who is connected.
    pub(crate) fn show_status(&mut self, status: &ChatStatus) {
        self.subscribers.set_status(&ag_ui::custom_status(&self.turn, status));
    }

    /// Streams while `work` is running, and returns its result, or why it must stop.
    ///
    /// An interrupt drops `work`, and with it the call to the provider.
    pub(crate) async fn run_while<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, Interrupt> {
        tokio::pin!(work);
        loop {
            self.dispatch();
            // `biased`: work that is done wins over an interrupt of the same moment, and the order
            // does not depend on chance, which simulations must be able to repeat.
            let event = tokio::select! {
                biased;
                result = &mut work => return Ok(result),
                event = self.next_event() => event,
            };
            self.handle(event)?;
        }
    }

    /// Sends the last pieces while the commit is running, and returns its result.
    ///
    /// Nothing interrupts a commit: whether the turn is still this worker's, or was stopped, is
    /// decided by the commit itself. So there are no checkpoints or deadlines any more.
    pub(crate) async fn run_while_committing<T>(&mut self, commit: impl Future<Output = T>) -> T {
        tokio::pin!(commit);
        loop {
            self.dispatch();
            let push = tokio::select! {
                biased;
                result = &mut commit => return result,
                push = self.subscribers.finished_push() => push,
            };
            self.subscribers.note(push, self.turn.epoch);
        }
    }

    fn dispatch(&mut self) {
        if self.generation_sync.is_some() {
            return;
        }
        self.subscribers.dispatch(&StreamView {
            session: &self.session,
            turn: &self.turn,
            passages: self.passages_frame.as_deref(),
            released: &self.text[..self.released],
            complete: self.complete,
        });
    }

    /// Waits for the next event.
    ///
    /// `run_while` drops this future whenever the work gets on. That loses nothing: the futures
    /// that are polled here are fields, and go on where they were with the next call.
    async fn next_event(&mut self) -> StreamerEvent {
        let timer = self.next_timer();
        tokio::select! {
            biased;
            push = self.subscribers.finished_push() => StreamerEvent::PushFinished(push),
            result = wait_for(&mut self.generation_sync) => StreamerEvent::GenerationSynced(result),
            result = wait_for(&mut self.checkpoint) => StreamerEvent::CheckpointFinished(result),
            result = wait_for(&mut self.listing) => StreamerEvent::ConnectionsListed(result),
            () = sleep_until(timer) => StreamerEvent::Timer,
        }
    }

    /// Returns when the next thing is due that no future reports.
    fn next_timer(&self) -> Instant {
        let mut next = self.deadline;
        if self.checkpoint.is_none() {
            next = next.min(self.next_checkpoint);
        }
        if self.listing.is_none() {
            next = next.min(self.next_listing);
        }
        if self.released < self.text.len() {
            next = next.min(self.next_release);
        }
        next
    }

    fn handle(&mut self, event: StreamerEvent) -> Result<(), Interrupt> {
        match event {
            StreamerEvent::PushFinished(push) => self.subscribers.note(push, self.turn.epoch),
            StreamerEvent::GenerationSynced(Ok(())) => (),
            StreamerEvent::GenerationSynced(Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the claim did not become durable"
                );
                return Err(Interrupt::Refused);
            }
            StreamerEvent::CheckpointFinished(result) => read_checkpoint(result)?,
            StreamerEvent::ConnectionsListed(Ok(rows)) => self.subscribers.update(rows),
            StreamerEvent::ConnectionsListed(Err(error)) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "the connections could not be listed"
                );
            }
            StreamerEvent::Timer => self.handle_timer()?,
        }
        Ok(())
    }

    fn handle_timer(&mut self) -> Result<(), Interrupt> {
        let now = Instant::now();
        if now >= self.deadline {
            return Err(Interrupt::Deadline);
        }
        if self.released < self.text.len() && now >= self.next_release {
            self.release(now);
        }
        if self.checkpoint.is_none() && now >= self.next_checkpoint {
            self.next_checkpoint = now + CHECKPOINT_INTERVAL;
            self.checkpoint = Some(self.save_checkpoint());
        }
        if self.listing.is_none() && now >= self.next_listing {
            self.next_listing = now + self.listing_interval(now);
            self.listing = Some(self.list_connections());
        }
        Ok(())
    }

    fn release(&mut self, now: Instant) {
        self.released = self.text.len();
        let first = *self.first_release.get_or_insert(now);
        let early = now.duration_since(first) < FIRST_PACE_PERIOD;
        self.next_release = now + if early { self.pace.first } else { self.pace.later };
    }

    fn listing_interval(&self, now: Instant) -> Duration {
        let early = now.duration_since(self.started) < EMPTY_LISTING_PERIOD;
        if early && self.subscribers.is_empty() { EMPTY_LISTING_INTERVAL } else { LISTING_INTERVAL }
    }

    /// Saves the text, on condition that the turn is still running in this generation.
    ///
    /// The write serves three purposes: a client that resumes, or a stop, finds the text; a worker
    /// that was superseded learns of it from the refusal; and the row that comes back carries the
    /// stop flag. That is one write per second instead of a write and two reads.
    fn save_checkpoint(&self) -> BoxFuture<'static, Result<Option<Item>, StoreError>> {
        let store = self.store.clone();
        let saved = Checkpoint {
            partial: &self.text,
            citations: &self.citations,
            passages: &self.passages,
        };
        let write = generation::checkpoint(&self.key, self.turn.turn, self.turn.epoch, saved);
        async move { store.write(write, Durability::Ordered).await }.boxed()
    }

    fn list_connections(&self) -> BoxFuture<'static, Result<Vec<ConnectionRow>, StoreError>> {
        let store = self.store.clone();
        let key = self.key.clone();
        let owner = self.owner.clone();
        let session_ends = self.turn.expires_at;
        async move {
            let rows = connection::list(store.as_ref(), &key, &owner).await?;
            connection::extend(store.as_ref(), &key, &rows, session_ends).await;
            Ok(rows)
        }
        .boxed()
    }
}

fn synced(store: Arc<dyn Store>) -> BoxFuture<'static, Result<(), StoreError>> {
    async move { store.synced().await }.boxed()
}

/// Waits for the future and then removes it; forever if there is none.
async fn wait_for<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    match future {
        Some(running) => {
            let result = running.await;
            *future = None;
            result
        }
        None => std::future::pending().await,
    }
}

/// Reads the result of a checkpoint: the stop flag, or that the turn no longer belongs to this
/// worker.
///
/// A checkpoint that failed otherwise is not repeated: the next one comes in a second, with more
/// text.
fn read_checkpoint(result: Result<Option<Item>, StoreError>) -> Result<(), Interrupt> {
    match result {
        Ok(Some(item)) if item.flag("cancel") => Err(Interrupt::Cancelled),
        Ok(_) => Ok(()),
        Err(StoreError::ConditionFailed(_)) => Err(Interrupt::Refused),
        Err(error) => {
            tracing::debug!(error = &error as &dyn std::error::Error, "a checkpoint failed");
            Ok(())
        }
    }
}
