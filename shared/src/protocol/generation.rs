//! One attempt to write a turn's reply.

use serde_json::json;

use super::{Turn, TurnState, due, keys};
use crate::domain::{Citation, Epoch, NumberedPassage, SessionKey, Timestamp, TurnNumber};
use crate::ports::store::{Change, Condition, Write};

/// Takes the next generation of a running turn and clears the provisional text in the same write.
///
/// Refused where the turn is not running, is flagged as cancelled, or has another epoch than the
/// one read.
pub fn next_generation(key: &SessionKey, turn: &Turn, now: Timestamp) -> Write {
    let mut conditions = mine(turn.epoch);
    conditions.push(Condition::Missing("cancel"));
    let changes = vec![
        Change::Set("epoch", json!(turn.epoch.next())),
        Change::Remove("partial"),
        Change::Remove("citations"),
        Change::Remove("passages"),
        Change::Set("due", json!(due::abandoned_at(now))),
    ];
    Write::update(keys::turn(key, turn.turn), conditions, changes)
}

/// What a checkpoint saves.
#[derive(Debug, Clone, Copy, Default)]
pub struct Checkpoint<'a> {
    /// The provisional text.
    pub partial: &'a str,
    /// What it cites.
    pub citations: &'a [Citation],
    /// The passages that the generation was given.
    pub passages: &'a [NumberedPassage],
}

/// Saves the provisional text, proves the epoch and, by the item returned, reads the cancel flag.
///
/// It leaves `due` where it is: a delivery ends long before its turn counts as abandoned ([`due`]),
/// and each move would be a write to the index.
pub fn checkpoint(
    key: &SessionKey,
    turn: TurnNumber,
    epoch: Epoch,
    saved: Checkpoint<'_>,
) -> Write {
    let Checkpoint { partial, citations, passages } = saved;
    let mut changes = Vec::new();
    if !partial.is_empty() {
        changes.push(Change::Set("partial", json!(partial)));
    }
    if !citations.is_empty() {
        changes.push(Change::Set("citations", json!(citations)));
    }
    if !passages.is_empty() {
        changes.push(Change::Set("passages", json!(passages)));
    }
    Write::update(keys::turn(key, turn), mine(epoch), changes)
}

/// Returns the conditions that hold only for the worker with this generation.
pub(super) fn mine(epoch: Epoch) -> Vec<Condition> {
    vec![
        Condition::Equals("state", json!(TurnState::Running)),
        Condition::Equals("epoch", json!(epoch)),
    ]
}
