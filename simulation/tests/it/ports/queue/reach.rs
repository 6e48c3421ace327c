//! What sequences of operations reach.

use std::collections::BTreeSet;

use super::SETTINGS;
use super::model::{Model, Observation, ShownMessage};
use super::operation::{Handle, Operation};

/// Everything that a queue can do.
pub(super) const ALL: [&str; 10] = [
    "a dead letter",
    "a handle of a message that is gone",
    "a message hidden for another span",
    "a receive of several groups",
    "a receive of several messages of a group",
    "a redrive",
    "a refused handle",
    "a restart with messages in flight",
    "a send that is dropped",
    "a visibility timeout that ends",
];

/// Returns what these operations reach.
pub(super) fn reached(operations: &[Operation]) -> BTreeSet<&'static str> {
    let mut model = Model::new(SETTINGS);
    let one = |operation: &Operation| {
        let before = model.clone();
        let seen = model.act(operation, "body");
        shown(operation, &seen).or_else(|| done(operation, &before, &model, &seen))
    };
    operations.iter().filter_map(one).collect()
}

/// Tells what is reached by what an operation shows.
fn shown(operation: &Operation, seen: &Observation) -> Option<&'static str> {
    match (operation, seen) {
        (Operation::Receive(_), Observation::Messages(shown)) if count_groups(shown) > 1 => {
            Some("a receive of several groups")
        }
        (Operation::Receive(_), Observation::Messages(shown)) if shown.len() > 1 => {
            Some("a receive of several messages of a group")
        }
        (
            Operation::Delete(Handle::Given(_)) | Operation::Hide(Handle::Given(_), _),
            Observation::Stale,
        ) => Some("a refused handle"),
        (Operation::Hide(_, visibility), Observation::Done) if !visibility.is_zero() => {
            Some("a message hidden for another span")
        }
        (Operation::Redrive, Observation::Redriven(1..)) => Some("a redrive"),
        _ => None,
    }
}

/// Tells what is reached by what an operation does.
fn done(
    operation: &Operation,
    before: &Model,
    after: &Model,
    seen: &Observation,
) -> Option<&'static str> {
    let same = before.len() == after.len();
    let lands = before.in_flight() > after.in_flight();
    match operation {
        Operation::Send { .. } if same => Some("a send that is dropped"),
        Operation::Delete(_) if same && *seen == Observation::Done => {
            Some("a handle of a message that is gone")
        }
        Operation::Receive(_) if !same => Some("a dead letter"),
        Operation::Pass(_) if lands => Some("a visibility timeout that ends"),
        Operation::Restart if lands => Some("a restart with messages in flight"),
        _ => None,
    }
}

fn count_groups(shown: &[ShownMessage]) -> usize {
    shown.iter().map(|shown| &shown.group).collect::<BTreeSet<_>>().len()
}
