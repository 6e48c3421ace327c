//! The conversion of a turn from and to its stored form.

use super::{
    DeliveryState, FinalTurn, RunningTurn, Turn, TurnError, TurnOutcome, TurnPhase, TurnResult,
    TurnRow, TurnState, due,
};
use crate::domain::{ContextUse, ErrorCode, FinishReason, TurnKind, sha256_hex};

/// Reads the stored form. Attributes that do not belong to the row's state are ignored; those of a
/// final that an old row may lack are derived from the others.
impl From<TurnRow> for Turn {
    fn from(row: TurnRow) -> Self {
        let due = row.due.unwrap_or_else(|| due::first_look(row.created_at));
        let phase = if row.state == TurnState::Running {
            let partial = row.partial.unwrap_or_default();
            let (citations, passages) = (row.citations, row.passages);
            TurnPhase::Running(RunningTurn {
                partial,
                citations,
                passages,
                timings: row.timings,
                due,
            })
        } else {
            let delivery = match row.state {
                TurnState::Delivered => DeliveryState::Delivered,
                TurnState::Running | TurnState::Committed => DeliveryState::Pending { due },
            };
            let result = result(row.kind, row.text, row.error, row.finish_reason);
            TurnPhase::Final(Box::new(FinalTurn {
                sha256: row.sha256.unwrap_or_else(|| sha256_hex(result.text())),
                finished_at: row.finished_at.unwrap_or(row.created_at),
                delivery,
                outcome: TurnOutcome {
                    result,
                    provider: row.provider,
                    model: row.model,
                    usage: row.usage,
                    cost_micro_usd: row.cost_micro_usd,
                    cached: row.cached,
                    context: row.context.unwrap_or(ContextUse::None),
                    citations: row.citations,
                    grounding: row.grounding,
                    timings: row.timings,
                },
            }))
        };
        Self {
            turn: row.turn,
            message_id: row.message_id,
            message: row.message,
            document_id: row.document_id,
            requested_provider: row.requested_provider,
            epoch: row.epoch,
            cancel: row.cancel,
            accepted_at: row.accepted_at,
            created_at: row.created_at,
            expires_at: row.expires_at,
            trace: row.trace,
            synthetic: row.synthetic,
            phase,
        }
    }
}

fn result(
    kind: Option<TurnKind>,
    text: Option<String>,
    error: Option<TurnError>,
    finish_reason: Option<FinishReason>,
) -> TurnResult {
    let text = text.unwrap_or_default();
    match kind {
        Some(TurnKind::Error) => TurnResult::Error(error.unwrap_or_else(|| TurnError {
            code: ErrorCode::Unavailable,
            message: "The answer failed.".to_owned(),
        })),
        Some(TurnKind::Cancelled) => TurnResult::Cancelled { text },
        Some(TurnKind::Reply) | None => {
            TurnResult::Reply { text, finish_reason: finish_reason.unwrap_or(FinishReason::Stop) }
        }
    }
}

impl From<Turn> for TurnRow {
    fn from(turn: Turn) -> Self {
        let state = turn.state();
        let timings = turn.timings();
        let row = Self {
            turn: turn.turn,
            message_id: turn.message_id,
            message: turn.message,
            document_id: turn.document_id,
            requested_provider: turn.requested_provider,
            state,
            epoch: turn.epoch,
            cancel: turn.cancel,
            partial: None,
            kind: None,
            text: None,
            sha256: None,
            error: None,
            finish_reason: None,
            provider: None,
            model: None,
            usage: None,
            cost_micro_usd: None,
            cached: false,
            context: None,
            citations: Vec::new(),
            grounding: None,
            passages: Vec::new(),
            timings,
            accepted_at: turn.accepted_at,
            created_at: turn.created_at,
            finished_at: None,
            expires_at: turn.expires_at,
            due: None,
            trace: turn.trace,
            synthetic: turn.synthetic,
        };
        match turn.phase {
            TurnPhase::Running(RunningTurn { partial, citations, passages, due, .. }) => Self {
                partial: Some(partial).filter(|partial| !partial.is_empty()),
                citations,
                passages,
                due: Some(due),
                ..row
            },
            TurnPhase::Final(end) => {
                let FinalTurn { outcome, sha256, finished_at, delivery } = *end;
                Self {
                    kind: Some(outcome.result.kind()),
                    error: outcome.result.error().cloned(),
                    finish_reason: Some(outcome.result.finish_reason()),
                    text: Some(outcome.result.into_text()),
                    sha256: Some(sha256),
                    provider: outcome.provider,
                    model: outcome.model,
                    usage: outcome.usage,
                    cost_micro_usd: outcome.cost_micro_usd,
                    cached: outcome.cached,
                    context: Some(outcome.context),
                    citations: outcome.citations,
                    grounding: outcome.grounding,
                    finished_at: Some(finished_at),
                    due: match delivery {
                        DeliveryState::Pending { due } => Some(due),
                        DeliveryState::Delivered => None,
                    },
                    ..row
                }
            }
        }
    }
}
