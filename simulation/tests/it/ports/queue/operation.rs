//! What is done to a queue.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use shared::ports::Durability;

/// One operation. Whatever precedes it, it can be done: so any part of a sequence is a sequence.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    /// Sends a message; its body is its own.
    Send { group: u8, id: u8, durability: Durability },
    /// Receives up to so many messages.
    Receive(usize),
    /// Deletes a message.
    Delete(Handle),
    /// Hides a message for a span from now on.
    Hide(Handle, Duration),
    /// Lets time pass.
    Pass(Duration),
    /// Waits until the queue says that it has something, unless nothing is under way.
    Wait,
    /// Moves the dead letters back.
    Redrive,
    /// Lists so many dead letters.
    DeadLetters(usize),
    /// Removes what nobody reads any more.
    Purge,
    /// Ends the process and starts another, where the queue outlives one. Handles end with their
    /// process.
    Restart,
}

/// Which handle.
#[derive(Debug, Clone, Copy)]
pub(super) enum Handle {
    /// One that was given out, counted back from the newest; one that no queue knows if there are
    /// not so many.
    Given(usize),
    /// One that no queue gave out.
    Unknown,
}

/// Any operation, the simplest first.
pub(super) fn operation() -> impl Strategy<Value = Operation> {
    let durability = select(vec![Durability::Ordered, Durability::Synced]);
    let send = (0..3_u8, 0..12_u8, durability);
    prop_oneof![
        6 => send.prop_map(|(group, id, durability)| Operation::Send { group, id, durability }),
        6 => (1..5_usize).prop_map(Operation::Receive),
        4 => handle().prop_map(Operation::Delete),
        4 => (handle(), visibility())
            .prop_map(|(handle, visibility)| Operation::Hide(handle, visibility)),
        4 => span().prop_map(Operation::Pass),
        2 => Just(Operation::Wait),
        1 => Just(Operation::Redrive),
        1 => (0..3_usize).prop_map(Operation::DeadLetters),
        1 => Just(Operation::Purge),
        1 => Just(Operation::Restart),
    ]
}

fn handle() -> impl Strategy<Value = Handle> {
    prop_oneof![8 => (0..6_usize).prop_map(Handle::Given), 1 => Just(Handle::Unknown)]
}

/// Nothing, less and more than the queue's own timeout, and more than the most.
fn visibility() -> impl Strategy<Value = Duration> {
    prop_oneof![
        3 => Just(Duration::ZERO),
        4 => (1..6_u64).prop_map(tens),
        1 => Just(Duration::from_hours(13)),
    ]
}

/// Multiples of one step, so that ends are met exactly, up to the end of what is longest.
fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![
        6 => (1..5_u64).prop_map(tens),
        1 => Just(Duration::from_millis(1)),
        2 => select(vec![
            Duration::from_mins(5),
            Duration::from_mins(11),
            Duration::from_hours(12),
        ]),
    ]
}

fn tens(count: u64) -> Duration {
    Duration::from_secs(10 * count)
}
