//! Our own events inside AG-UI's `CUSTOM`.

use serde::Serialize;
use serde_json::json;

use super::{Event, Metadata};
use crate::domain::{ErrorCode, NumberedPassage, ProviderName, Timestamp, TurnNumber};
use crate::ports::push::MAX_FRAME_BYTES;
use crate::protocol::Turn;

/// What goes on before or between the pieces of a reply.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChatStatus {
    /// What goes on.
    pub phase: StatusPhase,
    /// With which provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderName>,
}

/// What goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusPhase {
    /// The document is being read.
    Context,
    /// The same provider is asked again.
    Retrying,
    /// Another provider is asked.
    Fallback,
}

/// The first answer to `resume`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChatResumed {
    /// The oldest stored turn, or the next one if there is none.
    pub first: TurnNumber,
    /// The number that the next turn will get.
    pub next: TurnNumber,
    /// When the session began: another value means another session.
    pub born: Timestamp,
}

/// The answer to a frame that cannot be followed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChatError {
    /// The kind of failure.
    pub code: ErrorCode,
    /// One sentence for the developer of the client.
    pub message: String,
    /// The field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
}

/// Writes a `chat.status` frame.
pub fn custom_status(turn: &Turn, status: &ChatStatus) -> String {
    let metadata = Some(Metadata::of(turn.turn, turn.epoch));
    Event::Custom { name: "chat.status", value: json!(status), metadata }.to_frame()
}

/// Writes a `chat.citations` frame: the passages that the generation was given, by number.
///
/// Only the first that fit a frame are in it: their titles and headings come from documents.
pub fn custom_citations(turn: &Turn, passages: &[NumberedPassage]) -> String {
    let mut shown = passages.len();
    loop {
        let metadata = Some(Metadata::of(turn.turn, turn.epoch));
        let value = json!({ "passages": passages[..shown] });
        let frame = Event::Custom { name: "chat.citations", value, metadata }.to_frame();
        if frame.len() <= MAX_FRAME_BYTES || shown == 0 {
            return frame;
        }
        shown /= 2;
    }
}

/// Writes a `chat.resumed` frame.
pub fn custom_resumed(resumed: &ChatResumed) -> String {
    Event::Custom { name: "chat.resumed", value: json!(resumed), metadata: None }.to_frame()
}

/// Writes a `chat.error` frame.
pub fn custom_error(error: &ChatError) -> String {
    Event::Custom { name: "chat.error", value: json!(error), metadata: None }.to_frame()
}
