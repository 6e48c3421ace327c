//! What a provider would be asked, for whoever asks it without the queue.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use shared::operator::{PromptsRequest, PromptsResponse, RenderedPrompt};

use super::Operator;
use super::answer::{Answer, Problem, json_of};
use super::asked::Json;
use super::messages::{check_number, check_operator};

/// `POST /admin/api/prompts`.
pub(super) async fn render(
    State(operator): State<Arc<Operator>>,
    Json(asked): Json<PromptsRequest>,
) -> Answer {
    let PromptsRequest { principal, provider, messages } = asked;
    check_operator(&principal)?;
    check_number(messages.len())?;
    let unable = || {
        Problem::field("provider", format!("{provider} has no key on this server, or no batches"))
    };
    let model = &operator.worker.providers().get(provider).ok_or_else(unable)?.model;
    let mut prompts = Vec::with_capacity(messages.len());
    for message in &messages {
        let prompt = operator.worker.first_prompt(
            &principal,
            &message.message,
            message.document_id.as_ref(),
        );
        let (prompt, context) = prompt.await?;
        let body = Some(model.batch_request(&prompt).ok_or_else(unable)?);
        prompts.push(RenderedPrompt { context, body, problem: None });
    }
    Ok(json_of(StatusCode::OK, &PromptsResponse { prompts }))
}
