//! Marking a final as delivered.

use serde_json::json;

use super::accept::live;
use super::{FinalTurn, TurnState, keys};
use crate::domain::{MicroUsd, SessionKey, TurnNumber};
use crate::ports::store::{Change, Condition, Write};

/// The place of the session's totals in [`delivered`]'s transaction.
pub const TOTALS: usize = 1;

/// Marks a committed turn as delivered and adds its totals to the session, once.
///
/// Refused at 0 where the turn is not committed (any more); refused at [`TOTALS`] where the session
/// is gone:
/// then [`delivered_without_session`] is what remains.
pub fn delivered(key: &SessionKey, turn: TurnNumber, end: &FinalTurn) -> Vec<Write> {
    let usage = end.outcome.usage.unwrap_or_default();
    let MicroUsd(cost) = end.outcome.cost_micro_usd.unwrap_or_default();
    let totals = vec![
        Change::Add("total_turns", 1),
        Change::Add("total_input_tokens", i64::try_from(usage.input_tokens).unwrap_or(i64::MAX)),
        Change::Add("total_output_tokens", i64::try_from(usage.output_tokens).unwrap_or(i64::MAX)),
        Change::Add("total_cost_micro_usd", cost),
    ];
    vec![delivered_without_session(key, turn), Write::update(keys::session(key), live(), totals)]
}

/// Marks a committed turn as delivered.
pub fn delivered_without_session(key: &SessionKey, turn: TurnNumber) -> Write {
    let committed = Condition::Equals("state", json!(TurnState::Committed));
    let changes = vec![Change::Set("state", json!(TurnState::Delivered)), Change::Remove("due")];
    Write::update(keys::turn(key, turn), vec![committed], changes)
}
