//! What sequences of operations reach.

use std::collections::BTreeSet;

use shared::ports::store::{Effect, FailedCondition, Key};

use super::model::{Model, Observation};
use super::operation::Operation;

/// Everything that a store can do.
pub(super) const ALL: [&str; 12] = [
    "a due list that is cut off",
    "a full page in descending order",
    "a full page",
    "a page with expired items",
    "a purge",
    "a read of an expired item",
    "a refusal of an expired item",
    "a refused write",
    "a transaction of several writes",
    "a transaction refused at a later write",
    "a transaction with two writes of one item",
    "an update of an expired item",
];

/// Returns what these operations reach.
pub(super) fn reached(operations: &[Operation]) -> BTreeSet<&'static str> {
    let mut model = Model::new(|_| true);
    let one = |operation: &Operation| {
        let before = model.clone();
        let seen = model.act(operation);
        meets_expired(operation, &before, &seen)
            .or_else(|| shown(operation, &before, &model, &seen))
    };
    operations.iter().filter_map(one).collect()
}

/// Tells what is reached by an operation on an item that is stored but expired.
fn meets_expired(
    operation: &Operation,
    before: &Model,
    seen: &Observation,
) -> Option<&'static str> {
    let is_stored =
        |key: &Key| before.items.iter().any(|item| item.key == *key) && before.get(key).is_none();
    match (operation, seen) {
        (Operation::Get(keys), _) if keys.iter().any(is_stored) => {
            Some("a read of an expired item")
        }
        (Operation::Write(write, _), Observation::Refused(_)) if is_stored(&write.key) => {
            Some("a refusal of an expired item")
        }
        (Operation::Write(write, _), Observation::Written(_)) => {
            (matches!(write.effect, Effect::Update(_)) && is_stored(&write.key))
                .then_some("an update of an expired item")
        }
        _ => None,
    }
}

/// Tells what is reached by what an operation shows.
fn shown(
    operation: &Operation,
    before: &Model,
    after: &Model,
    seen: &Observation,
) -> Option<&'static str> {
    match (operation, seen) {
        (Operation::Query(query), Observation::Page(page)) if page.more => {
            Some(if query.descending { "a full page in descending order" } else { "a full page" })
        }
        (Operation::Query(_), Observation::Page(page)) => page
            .items
            .iter()
            .any(|item| after.get(&item.key).is_none())
            .then_some("a page with expired items"),
        (Operation::Due(until, limit), _) => {
            (after.due(*until, usize::MAX).len() > *limit).then_some("a due list that is cut off")
        }
        (Operation::Write(..), Observation::Refused(_)) => Some("a refused write"),
        (Operation::Transact(..), Observation::Refused(FailedCondition { index: 1.., .. })) => {
            Some("a transaction refused at a later write")
        }
        (Operation::Transact(..), Observation::Invalid) => {
            Some("a transaction with two writes of one item")
        }
        (Operation::Transact(writes, _), Observation::Done) if writes.len() > 1 => {
            Some("a transaction of several writes")
        }
        (Operation::Purge, _) if before.items.len() > after.items.len() => Some("a purge"),
        _ => None,
    }
}
