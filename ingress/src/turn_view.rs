//! A turn as history shows it.

use serde::Serialize;
use shared::domain::{
    Citation, ContextUse, FinishReason, Grounding, MessageId, MessageText, MicroUsd, ProviderName,
    TurnKind, TurnNumber, Usage,
};
use shared::protocol::{Turn, TurnError};

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
    #[serde(skip_serializing_if = "<[Citation]>::is_empty")]
    citations: &'a [Citation],
    #[serde(skip_serializing_if = "Option::is_none")]
    grounding: Option<Grounding>,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
}

/// Writes a turn as JSON: a running one with its provisional text, a final one with its text or
/// error.
pub(crate) fn to_json(turn: &Turn) -> String {
    let mut view = TurnView {
        turn: turn.turn,
        message_id: &turn.message_id,
        message: &turn.message,
        state: "running",
        kind: None,
        text: None,
        partial: Some(turn.partial()).filter(|partial| !partial.is_empty()),
        error: None,
        provider: None,
        model: None,
        usage: None,
        cost_micro_usd: None,
        cached: false,
        finish_reason: None,
        context: ContextUse::None,
        citations: turn.partial_citations(),
        grounding: None,
        created_at: turn.created_at.to_rfc3339(),
        finished_at: None,
    };
    if let Some(end) = turn.as_final() {
        let outcome = &end.outcome;
        let result = &outcome.result;
        let error = result.error();
        view = TurnView {
            state: "done",
            kind: Some(result.kind()),
            text: error.is_none().then(|| result.text()),
            error,
            provider: outcome.provider,
            model: outcome.model.as_deref(),
            usage: outcome.usage,
            cost_micro_usd: outcome.cost_micro_usd,
            cached: outcome.cached,
            finish_reason: Some(result.finish_reason()),
            context: outcome.context,
            citations: &outcome.citations,
            grounding: outcome.grounding,
            finished_at: Some(end.finished_at.to_rfc3339()),
            ..view
        };
    }
    serde_json::to_string(&view).unwrap_or_default()
}
