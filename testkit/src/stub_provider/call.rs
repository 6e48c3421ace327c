//! A request as the stub understood it.

use http::{HeaderMap, header};
use serde_json::Value;

use super::behaviour::Failure;

/// The two ways to speak to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Claude Messages API.
    Claude,
    /// `OpenAI` Chat Completions.
    OpenAi,
}

/// One request that the stub received.
#[derive(Debug, Clone)]
pub struct Call {
    /// Protocol, by the path.
    pub protocol: Protocol,
    /// Model that was asked for; empty if none was named.
    pub model: String,
    /// System text, blocks and system messages joined by line ends.
    pub system: String,
    /// Messages of user and assistant, in order.
    pub messages: Vec<Message>,
    /// Request headers.
    pub headers: HeaderMap,
    /// Whole body as JSON; `null` if it was none.
    pub body: Value,
    /// What was wrong with the request, if the stub refused it as the service would.
    pub refused: Option<String>,
}

/// One message of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `user` or `assistant`.
    pub role: String,
    /// Text, blocks joined by line ends.
    pub text: String,
}

impl Call {
    pub(super) fn new(protocol: Protocol, headers: HeaderMap, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let (system, messages) = messages(&body).partition(|message| is_system(&message.role));
        Self {
            protocol,
            model: body["model"].as_str().unwrap_or_default().to_owned(),
            system: system_text(&body["system"], system),
            messages,
            headers,
            body,
            refused: None,
        }
    }

    /// Returns the text of the last user message, or nothing.
    pub fn last_user(&self) -> &str {
        // The results of tools come in messages of the user's role, which have no text.
        let said = |message: &&Message| message.role == "user" && !message.text.is_empty();
        let last = self.messages.iter().rev().find(said);
        last.map_or("", |message| &message.text)
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Checks what both services check alike.
    pub(super) fn check_common(&self) -> Result<(), Failure> {
        let bad = |message: &str| Err(Failure::because(400, message));
        if !self.header(header::CONTENT_TYPE.as_str()).starts_with("application/json") {
            return bad("content-type: must be application/json");
        }
        if !self.body.is_object() {
            return bad("the body is not a JSON object");
        }
        if self.model.is_empty() {
            return bad("model: field required");
        }
        if self.body["stream"] != true {
            return bad("stream: this stub only streams");
        }
        if self.messages.is_empty() {
            return bad("messages: at least one message is required");
        }
        Ok(())
    }
}

fn messages(body: &Value) -> impl Iterator<Item = Message> {
    body["messages"].as_array().into_iter().flatten().map(|message| {
        let role = message["role"].as_str().unwrap_or_default().to_owned();
        Message { role, text: said(&message["content"]) }
    })
}

/// Returns what somebody said in the content of a message, without what a search found for it.
pub fn said(content: &Value) -> String {
    let text = text(content);
    let said = text.rsplit_once("The user's message:\n").map_or(text.as_str(), |(_, said)| said);
    said.to_owned()
}

fn is_system(role: &str) -> bool {
    matches!(role, "system" | "developer")
}

fn system_text(field: &Value, messages: Vec<Message>) -> String {
    let texts =
        std::iter::once(text(field)).chain(messages.into_iter().map(|message| message.text));
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
}

fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts: Vec<_> = blocks.iter().filter_map(|block| block["text"].as_str()).collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}
