//! The provider requests for messages, for batches that are sent to a provider directly.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use shared::operator::{PromptsRequest, PromptsResponse, RenderedPrompt};

use super::Operator;
use super::extract::JsonBody;
use super::messages::{check_message_count, check_operator};
use super::response::{OperatorResult, Problem, json_response};

/// `POST /admin/api/prompts`.
pub(super) async fn render(
    State(operator): State<Arc<Operator>>,
    JsonBody(request): JsonBody<PromptsRequest>,
) -> OperatorResult {
    let PromptsRequest { principal, provider, messages } = request;
    check_operator(&principal)?;
    check_message_count(messages.len())?;
    let unsupported = || {
        Problem::field(
            "provider",
            format!("{provider} has no API key on this server, or does not support batches"),
        )
    };
    let model = &operator.worker.providers().get(provider).ok_or_else(unsupported)?.model;
    let mut prompts = Vec::with_capacity(messages.len());
    for message in &messages {
        let prompt = operator.worker.first_prompt(
            &principal,
            &message.message,
            message.document_id.as_ref(),
        );
        let (prompt, context) = prompt.await?;
        let body = Some(model.batch_request(&prompt).ok_or_else(unsupported)?);
        prompts.push(RenderedPrompt { context, body, problem: None });
    }
    Ok(json_response(StatusCode::OK, &PromptsResponse { prompts }))
}
