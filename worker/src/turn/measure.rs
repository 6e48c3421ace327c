//! What the metrics get to know about a committed turn.

use shared::domain::{SessionKey, Timestamp};
use shared::ports::{Attempts, TurnMeasure};
use shared::protocol::TurnOutcome;
use shared::protocol::{Timings, Turn, commit};

/// An outcome to be committed, and how many attempts it took.
///
/// Outcomes without a model call convert from the outcome alone.
#[derive(Debug, Clone)]
pub(crate) struct MeasuredOutcome {
    pub(crate) outcome: TurnOutcome,
    pub(crate) attempts: Attempts,
    /// The model that was requested in the last call.
    pub(crate) requested_model: Option<String>,
}

impl From<TurnOutcome> for MeasuredOutcome {
    fn from(outcome: TurnOutcome) -> Self {
        Self { outcome, attempts: Attempts::default(), requested_model: None }
    }
}

/// Returns the measurements of a turn that was committed at `now`.
pub(super) fn measure(
    key: &SessionKey,
    turn: &Turn,
    measured: &MeasuredOutcome,
    now: Timestamp,
) -> TurnMeasure {
    let MeasuredOutcome { outcome, attempts, requested_model } = measured;
    TurnMeasure {
        session_key: key.clone(),
        message_id: turn.message_id.clone(),
        turn: turn.turn,
        kind: outcome.result.kind(),
        finish_reason: outcome.result.finish_reason(),
        error: outcome.result.error().map(|error| error.code),
        provider: outcome.provider,
        requested_model: requested_model.clone(),
        model: outcome.model.clone(),
        usage: outcome.usage,
        cost: outcome.cost_micro_usd,
        timings: Timings { total_ms: commit::total_ms(turn, now), ..outcome.timings },
        attempts: *attempts,
        restarts: turn.epoch.0.saturating_sub(1),
        context: outcome.context,
        trace: turn.trace.clone(),
    }
}
