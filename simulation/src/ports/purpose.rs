//! What a write is for, read from its shape.

use serde_json::Value;
use shared::ports::store::{Change, Effect, Write};

use crate::faults::Op;

pub(crate) fn of(write: &Write) -> Op {
    let sort = write.key.sort.as_str();
    let update = &write.effect;
    match update {
        Effect::Delete => Op::Remove,
        Effect::Check => Op::Write,
        Effect::Put(row) if sort == "META" && row.get("deleted").is_some() => Op::Tombstone,
        Effect::Put(_) if sort == "META" => Op::CreateSession,
        Effect::Update(changes) if sort.starts_with("T#") => turn(changes),
        Effect::Update(changes) if set(changes, "cancel").is_some() => Op::Stop,
        Effect::Update(_) if sort == "META" => Op::Write,
        Effect::Put(_) | Effect::Update(_) => Op::Count,
    }
}

pub(crate) fn of_all(writes: &[Write]) -> Op {
    let puts = |prefix: &str| {
        writes.iter().any(|write| {
            write.key.sort.starts_with(prefix) && matches!(write.effect, Effect::Put(_))
        })
    };
    let is = |op: Op| writes.iter().any(|write| of(write) == op);
    if puts("T#") {
        Op::Claim
    } else if puts("M#") {
        Op::Record
    } else if puts("C#") {
        Op::Register
    } else if is(Op::Commit) {
        Op::EndPredecessor
    } else if is(Op::Deliver) {
        Op::Deliver
    } else {
        Op::Write
    }
}

/// Returns the value that an update gives to an attribute.
pub(crate) fn set<'w>(changes: &'w [Change], attribute: &str) -> Option<&'w Value> {
    changes.iter().find_map(|change| match change {
        Change::Set(name, value) if *name == attribute => Some(value),
        _ => None,
    })
}

fn turn(changes: &[Change]) -> Op {
    match set(changes, "state").and_then(Value::as_str) {
        Some("COM") => Op::Commit,
        Some("DEL") => Op::Deliver,
        _ if set(changes, "epoch").is_some() => Op::Generation,
        _ if set(changes, "cancel").is_some() => Op::Stop,
        _ => Op::Checkpoint,
    }
}
