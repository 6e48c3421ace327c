//! What goes wrong where a worker takes a turn or a generation.

use async_trait::async_trait;
use serde_json::json;
use shared::ports::store::{Change, Effect, Item, Write};

use super::mutation::{StoreMutation, changes, forget_condition};
use crate::faults::PortCall;

/// What a final adds to a turn's row.
const OF_A_FINAL: [&str; 5] = ["kind", "text", "sha256", "finish_reason", "finished_at"];

/// 3: a turn that is final looks as if it were running, and its next generation makes it so.
pub(super) struct RegenerateOnRedelivery;

impl StoreMutation for RegenerateOnRedelivery {
    fn read(&self, mut item: Item) -> Item {
        if item.key.sort.starts_with("T#") {
            item.attributes.insert("state".to_owned(), json!("RUN"));
            item.attributes.retain(|name, _| !OF_A_FINAL.contains(&name.as_str()));
        }
        item
    }

    fn change_write(&self, call: PortCall, mut write: Write) -> Write {
        if call == PortCall::Generation {
            forget_condition(&mut write, "state");
            if let Some(changes) = changes(&mut write) {
                changes.push(Change::Set("state", json!("RUN")));
                changes.extend(OF_A_FINAL.map(Change::Remove));
            }
        }
        write
    }
}

/// 6: the claim does not ask whether the turn before is running.
pub(super) struct PredecessorLeftRunning;

#[async_trait]
impl StoreMutation for PredecessorLeftRunning {
    fn transaction(&self, op: PortCall, mut writes: Vec<Write>) -> Vec<Write> {
        if op == PortCall::Claim {
            writes.retain(|write| write.effect != Effect::Check);
        }
        writes
    }
}

/// 10: the next generation begins with the text that was saved of the one before.
pub(super) struct PartialTextKept;

impl StoreMutation for PartialTextKept {
    fn change_write(&self, call: PortCall, mut write: Write) -> Write {
        if call == PortCall::Generation
            && let Some(changes) = changes(&mut write)
        {
            changes.retain(|change| *change != Change::Remove("partial"));
        }
        write
    }
}

/// 12: the claim does not look at the message's flag.
pub(super) struct EarlyStopForgotten;

#[async_trait]
impl StoreMutation for EarlyStopForgotten {
    fn read(&self, mut item: Item) -> Item {
        if item.key.sort.starts_with("M#") {
            item.attributes.remove("cancel");
        }
        item
    }

    fn transaction(&self, op: PortCall, mut writes: Vec<Write>) -> Vec<Write> {
        if matches!(op, PortCall::Claim | PortCall::EndPredecessor) {
            let messages = writes.iter_mut().filter(|write| write.key.sort.starts_with("M#"));
            messages.for_each(|write| forget_condition(write, "cancel"));
        }
        writes
    }
}
