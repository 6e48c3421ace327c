//! A turn as history shows it.

use serde::Serialize;
use shared::domain::{
    ContextUse, FinishReason, MessageId, MessageText, MicroUsd, ProviderName, TurnKind, TurnNumber,
    Usage,
};
use shared::protocol::{TurnError, TurnRow};

#[derive(Serialize)]
struct TurnView<'a> {
    turn: TurnNumber,
    message_id: &'a MessageId,
    message: &'a MessageText,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<TurnKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    partial: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a TurnError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<ProviderName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_micro_usd: Option<MicroUsd>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cached: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<FinishReason>,
    context: ContextUse,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
}

/// Writes a turn as JSON: a running one with its provisional text, a final one with its text or
/// error.
pub(crate) fn to_json(row: &TurnRow) -> String {
    let done = row.is_final();
    let failed = row.kind == Some(TurnKind::Error);
    let view = TurnView {
        turn: row.turn,
        message_id: &row.message_id,
        message: &row.message,
        state: if done { "done" } else { "running" },
        kind: row.kind,
        text: row.text.as_deref().filter(|_| done && !failed),
        partial: row.partial.as_deref().filter(|_| !done),
        error: row.error.as_ref(),
        provider: row.provider,
        model: row.model.as_deref(),
        usage: row.usage,
        cost_micro_usd: row.cost_micro_usd,
        cached: row.cached,
        finish_reason: row.finish_reason,
        context: row.context.unwrap_or(ContextUse::None),
        created_at: row.created_at.to_rfc3339(),
        finished_at: row.finished_at.map(shared::domain::Timestamp::to_rfc3339),
    };
    serde_json::to_string(&view).unwrap_or_default()
}
