//! What a write does, in the terms of the protocol.

use serde_json::Value;
use shared::domain::{MessageId, SessionKey, TurnKind};
use shared::ports::store::{Attributes, Change, Effect, Write};
use testkit::faults::update_of;

/// A write to a session's rows, as far as the checks need it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoreChange {
    /// The session.
    pub key: SessionKey,
    /// What is done.
    pub act: ChangeKind,
}

/// What is done to a row.
#[derive(Debug, Clone, PartialEq)]
pub enum ChangeKind {
    /// The session's row is created.
    Born,
    /// The session becomes a tombstone.
    Buried,
    /// The session's totals grow by a turn.
    Counted,
    /// A message is recorded.
    Recorded(MessageId),
    /// A turn is claimed.
    Claimed {
        /// Its number.
        turn: u64,
        /// For which message.
        message_id: MessageId,
    },
    /// A turn gets another generation.
    Regenerated {
        /// Its number.
        turn: u64,
        /// The generation.
        epoch: u64,
    },
    /// Provisional text is saved.
    Checkpointed {
        /// The turn's number.
        turn: u64,
    },
    /// A turn becomes final.
    Committed {
        /// Its number.
        turn: u64,
        /// What the final is.
        kind: TurnKind,
        /// Its text.
        text: String,
    },
    /// A turn is marked as delivered.
    Delivered {
        /// Its number.
        turn: u64,
    },
    /// A connection's row is written.
    Connected,
    /// Any other row is created or changed.
    Changed,
}

impl StoreChange {
    /// Reads a write; `None` for rows that belong to no session, for removals and for checks.
    pub fn of(write: &Write) -> Option<Self> {
        let key = SessionKey::parse(write.key.partition.as_str()).ok()?;
        let (kind, rest) = write.key.sort.split_once('#').unwrap_or((&write.key.sort, ""));
        let act = match (&write.effect, kind) {
            (Effect::Put(row), "META") if row.contains_key("deleted") => ChangeKind::Buried,
            (Effect::Put(_), "META") => ChangeKind::Born,
            (Effect::Put(_), "M") => ChangeKind::Recorded(MessageId::parse(rest).ok()?),
            (Effect::Put(row), "T") => claimed(row)?,
            (Effect::Put(_), "C") => ChangeKind::Connected,
            (Effect::Update(changes), "T") => turn(rest.parse().ok()?, changes),
            (Effect::Update(changes), "META") if adds(changes, "total_turns") => {
                ChangeKind::Counted
            }
            (Effect::Update(_) | Effect::Put(_), _) => ChangeKind::Changed,
            (Effect::Delete | Effect::Check, _) => return None,
        };
        Some(Self { key, act })
    }
}

fn claimed(row: &Attributes) -> Option<ChangeKind> {
    let message_id = MessageId::parse(row.get("message_id")?.as_str()?).ok()?;
    Some(ChangeKind::Claimed { turn: row.get("turn")?.as_u64()?, message_id })
}

fn turn(turn: u64, changes: &[Change]) -> ChangeKind {
    let epoch = update_of(changes, "epoch").and_then(Value::as_u64);
    match (update_of(changes, "state").and_then(Value::as_str), epoch) {
        (Some("COM"), _) => {
            let text =
                update_of(changes, "text").and_then(Value::as_str).unwrap_or_default().to_owned();
            let kind = update_of(changes, "kind")
                .and_then(|kind| serde_json::from_value(kind.clone()).ok());
            ChangeKind::Committed { turn, kind: kind.unwrap_or(TurnKind::Error), text }
        }
        (Some("DEL"), _) => ChangeKind::Delivered { turn },
        (_, Some(epoch)) => ChangeKind::Regenerated { turn, epoch },
        (_, None) if update_of(changes, "cancel").is_none() => ChangeKind::Checkpointed { turn },
        (_, None) => ChangeKind::Changed,
    }
}

fn adds(changes: &[Change], attribute: &str) -> bool {
    changes.iter().any(|change| matches!(change, Change::Add(name, _) if *name == attribute))
}
