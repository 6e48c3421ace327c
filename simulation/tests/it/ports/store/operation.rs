//! What is done to a store.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use shared::domain::Timestamp;
use shared::ports::Durability;
use shared::ports::store::{Key, Query, Write};

use super::START;
use super::writes::{key, partition, sort, write};

/// One operation.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    /// Writes one item.
    Write(Write, Durability),
    /// Writes several items, or none.
    Transact(Vec<Write>, Durability),
    /// Reads items.
    Get(Vec<Key>),
    /// Reads a range.
    Query(Query),
    /// Lists what is due.
    Due(Timestamp, usize),
    /// Lets time pass.
    Pass(Duration),
    /// Removes what is expired, as far as the adapter does.
    Purge,
    /// Waits until everything is durable.
    Sync,
    /// Ends the process and starts another, where the store outlives one.
    Restart,
}

/// Any operation, the simplest first.
pub(super) fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        8 => (write(), durability())
            .prop_map(|(write, durability)| Operation::Write(write, durability)),
        4 => (vec(write(), 0..5), durability())
            .prop_map(|(writes, durability)| Operation::Transact(writes, durability)),
        3 => vec(key(), 1..4).prop_map(Operation::Get),
        4 => query().prop_map(Operation::Query),
        1 => (0..8_i64, 0..4_usize)
            .prop_map(|(seconds, limit)| Operation::Due(second(seconds), limit)),
        3 => select(vec![1_u64, 500, 1_000, 2_500])
            .prop_map(|span| Operation::Pass(Duration::from_millis(span))),
        2 => Just(Operation::Purge),
        1 => Just(Operation::Sync),
        1 => Just(Operation::Restart),
    ]
}

/// Returns a time so many seconds after the beginning.
pub(super) fn second(seconds: i64) -> Timestamp {
    Timestamp(START.0 + 1_000 * seconds)
}

fn durability() -> impl Strategy<Value = Durability> {
    select(vec![Durability::Ordered, Durability::Synced])
}

/// Also ranges that begin behind their end, and a limit of zero, which is taken as one.
fn query() -> impl Strategy<Value = Query> {
    (partition(), sort(), sort(), any::<bool>(), 0..5_usize, any::<bool>()).prop_map(
        |(partition, from, to, descending, limit, expired)| Query {
            partition,
            from,
            to,
            descending,
            limit,
            expired,
        },
    )
}
