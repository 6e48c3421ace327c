//! The state machine of a FIFO queue, without bodies, storage or clock.
//!
//! - Messages of a group are handed out in order. While one is in flight the group is locked.
//! - One receive may hand out several messages of one group, in order.
//! - Each receive gives a new handle; older handles, and handles whose visibility timeout ended,
//!   are stale.
//! - A message that was received [`QueueSettings::max_receive_count`] times becomes a dead letter at the
//!   next receive.
//! - Deduplication looks at the id only, and survives delete and redrive.
//!
//! Every operation costs `O(log n)` of the messages. No operation iterates over a map without
//! order.

mod dedup;
mod flights;
mod groups;
mod handle;
mod readiness;

use std::sync::Arc;
use std::time::Duration;

use dedup::Dedup;
use flights::{Flight, Flights};
use groups::Groups;
pub use handle::ReceiptHandle;
pub use readiness::{Availability, Readiness};

/// The place of a message in the queue's order, never used twice.
pub type Seq = u64;
/// A point in time, counted from any origin that the owner of the queue chose.
pub type Moment = Duration;

/// The longest visibility timeout.
pub const MAX_VISIBILITY: Duration = Duration::from_hours(12);

/// How a queue is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueSettings {
    /// How long a received message is hidden.
    pub visibility: Duration,
    /// How often a message is received before it becomes a dead letter.
    pub max_receive_count: u32,
    /// How long a deduplication id is remembered.
    pub dedup_window: Duration,
}

impl QueueSettings {
    /// Sets up a queue with the services' five minutes of deduplication.
    pub const fn new(visibility: Duration, max_receive_count: u32) -> Self {
        Self { visibility, max_receive_count, dedup_window: Duration::from_mins(5) }
    }
}

/// A message that was handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedMessage {
    /// Its place.
    pub seq: Seq,
    /// Its group.
    pub group: Arc<str>,
    /// How often it was received, this time included.
    pub receive_count: u32,
    /// The handle of this receive.
    pub handle: ReceiptHandle,
}

/// What a receive did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ReceiveResult {
    /// The messages that were handed out, in order within each group.
    pub taken: Vec<ReceivedMessage>,
    /// The messages that became dead letters.
    pub dead: Vec<Seq>,
}

/// The reason why a handle was refused: it is not the message's newest, or its visibility timeout
/// has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StaleHandle;

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FifoCounts {
    /// The messages that wait.
    pub waiting: usize,
    /// The messages in flight.
    pub in_flight: usize,
    /// The dead letters.
    pub dead: usize,
    /// The place of the message that has waited longest.
    pub oldest: Option<Seq>,
}

/// One FIFO queue.
#[derive(Debug)]
pub struct Fifo {
    settings: QueueSettings,
    groups: Groups,
    flights: Flights,
    dedup: Dedup,
    dead: std::collections::BTreeSet<Seq>,
}

impl Fifo {
    /// Makes an empty queue.
    pub fn new(settings: QueueSettings) -> Self {
        Self {
            settings,
            groups: Groups::default(),
            flights: Flights::default(),
            dedup: Dedup::default(),
            dead: std::collections::BTreeSet::new(),
        }
    }

    /// Returns how the queue is set up.
    pub fn settings(&self) -> QueueSettings {
        self.settings
    }

    /// Tells whether a message with this deduplication id was sent within the window.
    pub fn is_duplicate(&mut self, deduplication_id: &str, now: Moment) -> bool {
        self.dedup.knows(deduplication_id, now)
    }

    /// Remembers a deduplication id for a message that was sent `age` ago.
    pub fn remember(&mut self, deduplication_id: &str, age: Duration, now: Moment) {
        if let Some(left) = self.settings.dedup_window.checked_sub(age) {
            self.dedup.remember(deduplication_id, now + left);
        }
    }

    /// Appends a message to its group. Its place must be behind all that were ever appended.
    pub fn append(&mut self, seq: Seq, group: &str, receive_count: u32) {
        self.groups.append(seq, group, receive_count);
    }

    /// Adds a dead letter, as it was stored.
    pub fn append_dead(&mut self, seq: Seq) {
        self.dead.insert(seq);
    }

    /// Hands out up to `max` messages, oldest available group first.
    pub fn receive(&mut self, max: usize, now: Moment) -> ReceiveResult {
        self.release(now);
        let mut received = ReceiveResult::default();
        while received.taken.len() < max {
            let Some(seq) = self.groups.next() else { break };
            self.hand_out(seq, now, &mut received);
        }
        self.groups.end_receive();
        received
    }

    /// Finds the message that a handle stands for: `None` if it is gone.
    pub fn find(&mut self, handle: ReceiptHandle, now: Moment) -> Result<Option<Seq>, StaleHandle> {
        self.release(now);
        if self.flights.is_current(handle) {
            return Ok(Some(handle.seq));
        }
        if self.groups.holds(handle.seq) || self.dead.contains(&handle.seq) {
            Err(StaleHandle)
        } else {
            Ok(None)
        }
    }

    /// Removes a message that [`Self::find`] has found.
    pub fn remove(&mut self, seq: Seq) {
        self.flights.land(seq);
        self.groups.unlock(seq);
        self.groups.remove(seq);
    }

    /// Hides a message for another span from now on; zero makes it available again.
    pub fn change_visibility(
        &mut self,
        handle: ReceiptHandle,
        visibility: Duration,
        now: Moment,
    ) -> Result<(), StaleHandle> {
        let seq = self.find(handle, now)?.ok_or(StaleHandle)?;
        if visibility.is_zero() {
            self.flights.land(seq);
            self.groups.unlock(seq);
        } else {
            self.flights.hide(Flight { handle, until: now + visibility.min(MAX_VISIBILITY) });
        }
        Ok(())
    }

    /// Returns the dead letters, oldest first.
    pub fn dead(&self) -> impl Iterator<Item = Seq> + '_ {
        self.dead.iter().copied()
    }

    /// Counts what there is; the only operation that looks at every message.
    pub fn depth(&mut self, now: Moment) -> FifoCounts {
        self.release(now);
        let in_flight = self.flights.len();
        let oldest = self.groups.all().filter(|seq| !self.flights.holds(*seq)).min();
        FifoCounts {
            waiting: self.groups.len() - in_flight,
            in_flight,
            dead: self.dead.len(),
            oldest,
        }
    }

    /// Forgets a dead letter that is removed, or appended anew.
    pub fn remove_dead_letter(&mut self, seq: Seq) {
        self.dead.remove(&seq);
    }

    /// Returns when there is something to hand out.
    pub fn next(&mut self, now: Moment) -> Availability {
        self.release(now);
        if self.groups.next_is_some() {
            return Availability::Now;
        }
        self.flights.first_end().map_or(Availability::Never, Availability::At)
    }

    /// Takes over what was in flight in an earlier state of the same queue, as far as it is still
    /// there.
    pub fn adopt_flights(&mut self, earlier: &Self) {
        self.flights.go_on_from(&earlier.flights);
        for flight in earlier.flights.iter() {
            if self.groups.holds(flight.handle.seq) {
                self.groups.lock(flight.handle.seq);
                self.flights.hide(flight);
            }
        }
    }

    fn hand_out(&mut self, seq: Seq, now: Moment, received: &mut ReceiveResult) {
        if self.groups.receive_count(seq) >= self.settings.max_receive_count {
            self.groups.remove(seq);
            self.dead.insert(seq);
            received.dead.push(seq);
            return;
        }
        let Some((group, receive_count)) = self.groups.take(seq) else { return };
        let handle = self.flights.start(seq, now + self.settings.visibility);
        received.taken.push(ReceivedMessage { seq, group, receive_count, handle });
    }

    fn release(&mut self, now: Moment) {
        while let Some(seq) = self.flights.land_one(now) {
            self.groups.unlock(seq);
        }
    }
}
