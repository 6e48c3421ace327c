//! What goes on beside the model's work: checkpoints, connections, pushes, the deadline.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use shared::ag_ui::{self, ChatStatus};
use shared::domain::{PrincipalHash, SessionId, SessionKey};
use shared::ports::store::{Item, StoreError};
use shared::ports::{Durability, Push, Store};
use shared::protocol::{ConnectionRow, Owner, Turn, connection, generation};
use tokio::time::{Instant, sleep_until};

use super::audience::{Audience, Pushed};
use super::listener::Scene;
use crate::config::{Pace, Tail};

const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
const LIST_EVERY: Duration = Duration::from_secs(1);
/// How often the connections are listed while nobody is connected, at first.
const LIST_EMPTY_EVERY: Duration = Duration::from_millis(200);
const LIST_EMPTY_FOR: Duration = Duration::from_secs(3);
/// How long after the first piece the pace is that of the beginning.
const FIRST_SECOND: Duration = Duration::from_secs(1);

/// Why the model's work must stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// The user stopped the turn.
    Cancelled,
    /// The turn is no longer this worker's, or no longer running.
    Refused,
    /// The delivery's time is used up.
    Deadline,
}

/// Attends a turn from its claim to its commit.
pub(crate) struct Attendant {
    store: Arc<dyn Store>,
    key: SessionKey,
    session: SessionId,
    owner: PrincipalHash,
    pub(crate) turn: Turn,
    text: String,
    released: usize,
    complete: bool,
    audience: Audience,
    pace: Pace,
    began: Instant,
    deadline: Instant,
    first_release: Option<Instant>,
    next_release: Instant,
    next_checkpoint: Instant,
    next_listing: Instant,
    /// Nothing of a generation is shown before its number is durable: a crash could give the number
    /// again.
    unsynced: Option<BoxFuture<'static, Result<(), StoreError>>>,
    checkpoint: Option<BoxFuture<'static, Result<Option<Item>, StoreError>>>,
    listing: Option<BoxFuture<'static, Result<Vec<ConnectionRow>, StoreError>>>,
}

enum Happened {
    Pushed(Pushed),
    Synced(Result<(), StoreError>),
    Checkpoint(Result<Option<Item>, StoreError>),
    Listed(Result<Vec<ConnectionRow>, StoreError>),
    Tick,
}

impl Attendant {
    pub(crate) fn new(
        (store, push): (Arc<dyn Store>, Arc<dyn Push>),
        key: SessionKey,
        owner: &Owner,
        turn: Turn,
        pace: Pace,
        deadline: Instant,
    ) -> Self {
        let now = Instant::now();
        let session = owner.session_id.clone();
        let owner = owner.principal.hash();
        Self {
            audience: Audience::new(push, store.clone(), key.clone()),
            unsynced: Some(sync(store.clone())),
            store,
            key,
            session,
            owner,
            turn,
            text: String::new(),
            released: 0,
            complete: false,
            pace,
            began: now,
            deadline,
            first_release: None,
            next_release: now,
            next_checkpoint: now + CHECKPOINT_EVERY,
            next_listing: now,
            checkpoint: None,
            listing: None,
        }
    }

    /// Returns the provisional text of the present generation.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Adds a piece of provisional text. The first piece goes out at once, later ones at the pace.
    pub(crate) fn add(&mut self, delta: &str) {
        self.text.push_str(delta);
        let now = Instant::now();
        if now >= self.next_release {
            self.release(now);
        }
    }

    /// Lets the whole text go out, unless that is left to the final: the reply is complete.
    pub(crate) fn complete(&mut self) {
        if self.pace.tail == Tail::Pushed {
            self.released = self.text.len();
            self.complete = true;
        }
    }

    /// Begins a new generation: a higher `gen`, an empty text.
    pub(crate) fn restart(&mut self, turn: Turn) {
        self.turn = turn;
        self.text.clear();
        self.released = 0;
        self.complete = false;
        self.next_release = Instant::now();
        self.checkpoint = None;
        self.unsynced = Some(sync(self.store.clone()));
        self.audience.restart();
    }

    /// Tells everybody who watches what goes on.
    pub(crate) fn announce(&mut self, status: &ChatStatus) {
        self.audience.announce(&ag_ui::custom_status(&self.turn, status));
    }

    /// Attends while `work` goes on, and returns its result, or why it must stop.
    pub(crate) async fn during<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> Result<T, Interrupt> {
        tokio::pin!(work);
        loop {
            self.dispatch();
            let happened = tokio::select! {
                biased;
                result = &mut work => return Ok(result),
                happened = self.next() => happened,
            };
            self.take(happened)?;
        }
    }

    /// Lets the last pieces go out while the commit is under way, which nothing interrupts any
    /// more.
    pub(crate) async fn while_committing<T>(&mut self, commit: impl Future<Output = T>) -> T {
        tokio::pin!(commit);
        loop {
            self.dispatch();
            let pushed = tokio::select! {
                biased;
                result = &mut commit => return result,
                pushed = self.audience.pushed() => pushed,
            };
            self.audience.note(pushed, self.turn.epoch);
        }
    }

    fn dispatch(&mut self) {
        if self.unsynced.is_some() {
            return;
        }
        let released = &self.text[..self.released];
        let complete = self.complete;
        self.audience.dispatch(&Scene {
            session: &self.session,
            turn: &self.turn,
            released,
            complete,
        });
    }

    async fn next(&mut self) -> Happened {
        let wake = self.wake();
        tokio::select! {
            biased;
            pushed = self.audience.pushed() => Happened::Pushed(pushed),
            result = pending_or(&mut self.unsynced) => Happened::Synced(result),
            result = pending_or(&mut self.checkpoint) => Happened::Checkpoint(result),
            result = pending_or(&mut self.listing) => Happened::Listed(result),
            () = sleep_until(wake) => Happened::Tick,
        }
    }

    /// Returns when something is due that no future reports.
    fn wake(&self) -> Instant {
        let mut wake = self.deadline;
        if self.checkpoint.is_none() {
            wake = wake.min(self.next_checkpoint);
        }
        if self.listing.is_none() {
            wake = wake.min(self.next_listing);
        }
        if self.released < self.text.len() {
            wake = wake.min(self.next_release);
        }
        wake
    }

    fn take(&mut self, happened: Happened) -> Result<(), Interrupt> {
        match happened {
            Happened::Pushed(pushed) => self.audience.note(pushed, self.turn.epoch),
            Happened::Synced(Ok(())) => (),
            Happened::Synced(Err(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the claim was lost");
                return Err(Interrupt::Refused);
            }
            Happened::Checkpoint(result) => checked(result)?,
            Happened::Listed(Ok(rows)) => self.audience.meet(rows),
            Happened::Listed(Err(error)) => {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "the connections could not be listed"
                );
            }
            Happened::Tick => self.tick()?,
        }
        Ok(())
    }

    fn tick(&mut self) -> Result<(), Interrupt> {
        let now = Instant::now();
        if now >= self.deadline {
            return Err(Interrupt::Deadline);
        }
        if self.released < self.text.len() && now >= self.next_release {
            self.release(now);
        }
        if self.checkpoint.is_none() && now >= self.next_checkpoint {
            self.next_checkpoint = now + CHECKPOINT_EVERY;
            self.checkpoint = Some(self.save());
        }
        if self.listing.is_none() && now >= self.next_listing {
            self.next_listing = now + self.listing_pause(now);
            self.listing = Some(self.list());
        }
        Ok(())
    }

    fn release(&mut self, now: Instant) {
        self.released = self.text.len();
        let first = *self.first_release.get_or_insert(now);
        let early = now.duration_since(first) < FIRST_SECOND;
        self.next_release = now + if early { self.pace.first } else { self.pace.later };
    }

    fn listing_pause(&self, now: Instant) -> Duration {
        let hurry = self.audience.is_empty() && now.duration_since(self.began) < LIST_EMPTY_FOR;
        if hurry { LIST_EMPTY_EVERY } else { LIST_EVERY }
    }

    fn save(&self) -> BoxFuture<'static, Result<Option<Item>, StoreError>> {
        let store = self.store.clone();
        let write = generation::checkpoint(&self.key, self.turn.turn, self.turn.epoch, &self.text);
        async move { store.write(write, Durability::Ordered).await }.boxed()
    }

    fn list(&self) -> BoxFuture<'static, Result<Vec<ConnectionRow>, StoreError>> {
        let store = self.store.clone();
        let key = self.key.clone();
        let owner = self.owner.clone();
        async move { connection::list(store.as_ref(), &key, &owner).await }.boxed()
    }
}

fn sync(store: Arc<dyn Store>) -> BoxFuture<'static, Result<(), StoreError>> {
    async move { store.synced().await }.boxed()
}

async fn pending_or<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    match future {
        Some(running) => {
            let result = running.await;
            *future = None;
            result
        }
        None => std::future::pending().await,
    }
}

/// Reads what a checkpoint tells: the cancel flag, or that the turn is not this worker's any more.
fn checked(result: Result<Option<Item>, StoreError>) -> Result<(), Interrupt> {
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
