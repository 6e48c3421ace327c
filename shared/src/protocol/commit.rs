//! Making a reply final.

use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::generation::mine;
use super::{Timings, TurnError, TurnRow, keys};
use crate::domain::{
    ContextUse, ErrorCode, FinishReason, MicroUsd, ProviderName, SessionKey, Timestamp, TurnKind,
    Usage,
};
use crate::ports::store::{Change, Condition, Write};

/// How a turn ends.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnOutcome {
    /// What the final is.
    pub kind: TurnKind,
    /// Its text; empty for an error.
    pub text: String,
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// Why it failed.
    pub error: Option<TurnError>,
    /// Who answered.
    pub provider: Option<ProviderName>,
    /// Which model answered.
    pub model: Option<String>,
    /// What all model calls used.
    pub usage: Option<Usage>,
    /// What they cost.
    pub cost_micro_usd: Option<MicroUsd>,
    /// Whether the reply was kept from an earlier question, and no model was called.
    pub cached: bool,
    /// What became of the document.
    pub context: ContextUse,
    /// Where the time went.
    pub timings: Timings,
}

impl TurnOutcome {
    /// Ends a turn as failed.
    pub fn error(code: ErrorCode, message: &str) -> Self {
        let error = TurnError { code, message: message.to_owned() };
        Self {
            error: Some(error),
            ..Self::without_model(TurnKind::Error, FinishReason::Error, String::new())
        }
    }

    /// Ends a turn as cancelled, with the text so far.
    pub fn cancelled(text: String) -> Self {
        Self::without_model(TurnKind::Cancelled, FinishReason::Cancelled, text)
    }

    /// Ends a turn whose worker disappeared: as cancelled with the saved text if the user stopped
    /// it, otherwise as failed.
    pub fn abandoned(turn: &TurnRow) -> Self {
        let outcome = if turn.cancel {
            Self::cancelled(turn.partial.clone().unwrap_or_default())
        } else {
            Self::error(ErrorCode::Abandoned, "The answer was interrupted. Please ask again.")
        };
        Self { timings: turn.timings, context: turn.context.unwrap_or(ContextUse::None), ..outcome }
    }

    fn without_model(kind: TurnKind, finish_reason: FinishReason, text: String) -> Self {
        Self {
            kind,
            text,
            finish_reason,
            error: None,
            provider: None,
            model: None,
            usage: None,
            cost_micro_usd: None,
            cached: false,
            context: ContextUse::None,
            timings: Timings::default(),
        }
    }
}

/// Commits the outcome if the turn is running in this worker's generation and nobody stopped it.
///
/// A stop that came first is honoured: the caller then commits a cancelled outcome with
/// [`cancelled`].
pub fn commit(key: &SessionKey, turn: &TurnRow, outcome: &TurnOutcome, now: Timestamp) -> Write {
    let mut conditions = mine(turn.epoch);
    conditions.push(Condition::Missing("cancel"));
    Write::update(keys::turn(key, turn.turn), conditions, changes(turn, outcome, now))
}

/// Commits a cancelled outcome if the turn is running in this worker's generation.
pub fn cancelled(key: &SessionKey, turn: &TurnRow, outcome: &TurnOutcome, now: Timestamp) -> Write {
    Write::update(keys::turn(key, turn.turn), mine(turn.epoch), changes(turn, outcome, now))
}

/// Commits the end of an abandoned turn if it is running as it was read.
pub fn abandoned(key: &SessionKey, turn: &TurnRow, outcome: &TurnOutcome, now: Timestamp) -> Write {
    let mut conditions = mine(turn.epoch);
    conditions.push(if turn.cancel {
        Condition::Equals("cancel", json!(true))
    } else {
        Condition::Missing("cancel")
    });
    Write::update(keys::turn(key, turn.turn), conditions, changes(turn, outcome, now))
}

/// Returns how long a turn that is committed at `now` took from its acceptance, in milliseconds.
pub fn total_ms(turn: &TurnRow, now: Timestamp) -> u64 {
    u64::try_from(now.since(turn.accepted_at).as_millis()).unwrap_or(u64::MAX)
}

/// Returns the hex SHA-256 of a text's UTF-8.
pub fn sha256(text: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn changes(turn: &TurnRow, outcome: &TurnOutcome, now: Timestamp) -> Vec<Change> {
    let timings = Timings { total_ms: total_ms(turn, now), ..outcome.timings };
    let mut changes = vec![
        Change::Set("state", json!("COM")),
        Change::Set("kind", json!(outcome.kind)),
        Change::Set("text", json!(outcome.text)),
        Change::Set("sha256", json!(sha256(&outcome.text))),
        Change::Set("finish_reason", json!(outcome.finish_reason)),
        Change::Set("context", json!(outcome.context)),
        Change::Set("timings", json!(timings)),
        Change::Set("finished_at", json!(now)),
        Change::Remove("partial"),
    ];
    if outcome.cached {
        changes.push(Change::Set("cached", json!(true)));
    }
    set(&mut changes, "error", outcome.error.as_ref());
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
