//! What a provider would be asked, made here: the functions answer messages from their queue, and
//! nothing else.

use std::fmt::Display;

use providers::{ClaudeSettings, OpenAiSettings, claude, openai};
use serde_json::Value;
use shared::domain::{ContextUse, Principal, ProviderName};
use shared::environment::Environment;
use shared::operator::{FirstMessage, PromptsRequest, PromptsResponse, RenderedPrompt};
use shared::ports::Prompt;
use worker::config::{Pace, WorkerConfig};
use worker::prompt::{PromptParts, Template};

use crate::backend::{BackendError, BackendResult};

const NO_DOCUMENTS: &str =
    "names a document, which on AWS only the worker reads: send it without --provider-batch";

/// Renders the requests with the settings of this machine's environment, as the worker would with
/// the same.
pub(super) fn render(
    environment: &Environment,
    asked: &PromptsRequest,
) -> BackendResult<PromptsResponse> {
    let config = WorkerConfig::from_env(environment, Pace::AWS).map_err(|error| refused(&error))?;
    let template =
        Template::new(&config.product_name, &config.tone).map_err(|error| refused(&error))?;
    let prompts = asked.messages.iter().map(|message| {
        if message.document_id.is_some() {
            return Ok(RenderedPrompt {
                context: ContextUse::Unavailable,
                body: None,
                problem: Some(NO_DOCUMENTS.to_owned()),
            });
        }
        let prompt = first(&asked.principal, message)
            .prompt(&template, &config)
            .map_err(|error| refused(&error))?;
        let body = body(environment, asked.provider, &prompt)?;
        Ok(RenderedPrompt { context: ContextUse::None, body: Some(body), problem: None })
    });
    Ok(PromptsResponse { prompts: prompts.collect::<BackendResult<_>>()? })
}

fn first<'a>(reader: &'a Principal, message: &'a FirstMessage) -> PromptParts<'a> {
    PromptParts::first(reader, message.message.as_str())
}

fn body(
    environment: &Environment,
    provider: ProviderName,
    prompt: &Prompt,
) -> BackendResult<Value> {
    let body = match provider {
        ProviderName::Claude => {
            let settings =
                ClaudeSettings::from_env(environment).map_err(|error| refused(&error))?;
            claude::batch_request(&settings, prompt)
        }
        ProviderName::OpenAi => {
            let settings =
                OpenAiSettings::from_env(environment).map_err(|error| refused(&error))?;
            openai::batch_request(&settings, prompt)
        }
        ProviderName::Bedrock | ProviderName::Offline => None,
    };
    body.ok_or_else(|| refused(&format!("{provider} has no batches")))
}

fn refused(error: &dyn Display) -> BackendError {
    BackendError::Refused { field: None, detail: error.to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_with_documents_are_refused_and_the_others_rendered() {
        let request = json!({
            "principal": "op:ann", "provider": "claude",
            "messages": [{ "message": "Hi" }, { "message": "Hi", "document_id": "d" }]
        });
        let request = serde_json::from_value(request).unwrap();
        let environment = Environment::default().with("CHATBOT_PRODUCT_NAME", "Sample School");
        let prompts = render(&environment, &request).unwrap().prompts;
        let body = prompts[0].body.as_ref().unwrap();
        assert!(body["system"].to_string().contains("Sample School"), "{body}");
        assert_eq!(
            (&body["messages"], body.get("stream")),
            (&json!([{ "role": "user", "content": "Hi" }]), None)
        );
        assert!(
            prompts[1].body.is_none() && prompts[1].problem.as_ref().unwrap().contains("on AWS")
        );
    }
}
