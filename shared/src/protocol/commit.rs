//! Making a reply final.

use serde::Serialize;
use serde_json::json;

use super::generation::mine;
use super::{Timings, Turn, TurnOutcome, TurnState, keys};
use crate::domain::{SessionKey, Timestamp, sha256_hex};
use crate::ports::store::{Change, Condition, Write};

/// Commits the outcome if the turn is running in this worker's generation and nobody stopped it.
///
/// A stop that came first is honoured: the caller then commits a cancelled outcome with
/// [`cancelled`].
pub fn commit(key: &SessionKey, turn: &Turn, outcome: &TurnOutcome, now: Timestamp) -> Write {
    let mut conditions = mine(turn.epoch);
    conditions.push(Condition::Missing("cancel"));
    Write::update(keys::turn(key, turn.turn), conditions, changes(turn, outcome, now))
}

/// Commits a cancelled outcome if the turn is running in this worker's generation.
pub fn cancelled(key: &SessionKey, turn: &Turn, outcome: &TurnOutcome, now: Timestamp) -> Write {
    Write::update(keys::turn(key, turn.turn), mine(turn.epoch), changes(turn, outcome, now))
}

/// Commits the end of an abandoned turn if it is running as it was read.
pub fn abandoned(key: &SessionKey, turn: &Turn, outcome: &TurnOutcome, now: Timestamp) -> Write {
    let mut conditions = mine(turn.epoch);
    conditions.push(if turn.cancel {
        Condition::Equals("cancel", json!(true))
    } else {
        Condition::Missing("cancel")
    });
    Write::update(keys::turn(key, turn.turn), conditions, changes(turn, outcome, now))
}

/// Returns how long a turn that is committed at `now` took from its acceptance, in milliseconds.
pub fn total_ms(turn: &Turn, now: Timestamp) -> u64 {
    u64::try_from(now.since(turn.accepted_at).as_millis()).unwrap_or(u64::MAX)
}

fn changes(turn: &Turn, outcome: &TurnOutcome, now: Timestamp) -> Vec<Change> {
    let timings = Timings { total_ms: total_ms(turn, now), ..outcome.timings };
    let result = &outcome.result;
    let mut changes = vec![
        Change::Set("state", json!(TurnState::Committed)),
        Change::Set("kind", json!(result.kind())),
        Change::Set("text", json!(result.text())),
        Change::Set("sha256", json!(sha256_hex(result.text()))),
        Change::Set("finish_reason", json!(result.finish_reason())),
        Change::Set("context", json!(outcome.context)),
        Change::Set("timings", json!(timings)),
        Change::Set("finished_at", json!(now)),
        Change::Remove("partial"),
        Change::Remove("passages"),
        if outcome.citations.is_empty() {
            Change::Remove("citations")
        } else {
            Change::Set("citations", json!(outcome.citations))
        },
    ];
    if outcome.cached {
        changes.push(Change::Set("cached", json!(true)));
    }
    set(&mut changes, "grounding", outcome.grounding.as_ref());
    set(&mut changes, "error", result.error());
    set(&mut changes, "provider", outcome.provider.as_ref());
    set(&mut changes, "model", outcome.model.as_ref());
    set(&mut changes, "usage", outcome.usage.as_ref());
    set(&mut changes, "cost_micro_usd", outcome.cost_micro_usd.as_ref());
    changes
}

fn set(changes: &mut Vec<Change>, name: &'static str, value: Option<&impl Serialize>) {
    if let Some(value) = value {
        changes.push(Change::Set(name, json!(value)));
    }
}
