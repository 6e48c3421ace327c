//! A reply as the events of one protocol, before they are timed.

use bytes::Bytes;
use serde_json::Value;

use super::call::Call;

/// What an answer takes from its request.
#[derive(Debug)]
pub(super) struct RequestTraits {
    pub(super) model: String,
    /// Whether usage was asked for; Claude always sends it.
    pub(super) usage: bool,
    /// Text of the last user message.
    pub(super) echo: String,
}

/// A reply as the events of one protocol.
#[derive(Debug)]
pub(super) struct Frames {
    pub(super) opening: Vec<Bytes>,
    /// One event for each piece of text.
    pub(super) pieces: Vec<Bytes>,
    /// The last of them is the end mark.
    pub(super) closing: Vec<Bytes>,
}

impl Default for RequestTraits {
    fn default() -> Self {
        Self { model: "stub".to_owned(), usage: true, echo: String::new() }
    }
}

impl RequestTraits {
    pub(super) fn of(call: &Call) -> Self {
        Self {
            model: call.model.clone(),
            usage: call.body["stream_options"]["include_usage"] == true,
            echo: call.last_user().to_owned(),
        }
    }
}

/// Writes one server-sent event.
pub(super) fn event(name: Option<&str>, data: &Value) -> Bytes {
    let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
    Bytes::from(format!("{name}data: {data}\n\n"))
}
