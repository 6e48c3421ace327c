//! When the cleanup looks at a turn, and whether it then has something to do.
//!
//! The attribute `due` only says from when on a turn is looked at; what is to be done follows from
//! the turn itself.
//! So a turn that is answered and delivered as it should be writes to the index twice: at its claim
//! and at its end.

use std::time::Duration;

use super::{DeliveryState, Turn, TurnPhase};
use crate::domain::Timestamp;

/// The time after its claim, or its latest generation, after which a running turn counts as
/// abandoned.
///
/// No delivery lasts that long: the worker's deadline is below it
/// (`CHATBOT_WORKER_DEADLINE_SECONDS`, at most 880).
pub const ABANDONED_AFTER: Duration = Duration::from_mins(15);

/// The time after its commit after which the cleanup delivers a turn itself.
pub const UNDELIVERED_AFTER: Duration = Duration::from_mins(5);

/// Returns when a turn that is claimed at `now` is looked at first: the earliest time at which it
/// can be undelivered.
pub fn first_look(now: Timestamp) -> Timestamp {
    now.plus(UNDELIVERED_AFTER)
}

/// Returns when a turn whose generation was taken at `now` counts as abandoned.
pub fn abandoned_at(now: Timestamp) -> Timestamp {
    now.plus(ABANDONED_AFTER)
}

/// Tells whether the cleanup has to end or to deliver a turn at `now`.
pub fn is_due(turn: &Turn, now: Timestamp) -> bool {
    match &turn.phase {
        TurnPhase::Running(running) => running.due.max(abandoned_at(turn.created_at)) <= now,
        TurnPhase::Final(end) => match end.delivery {
            DeliveryState::Pending { due } => {
                due.max(end.finished_at.plus(UNDELIVERED_AFTER)) <= now
            }
            DeliveryState::Delivered => false,
        },
    }
}
