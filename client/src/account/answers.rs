//! What the calls answer, as far as a client needs it.

use serde::{Deserialize, Serialize};
use shared::domain::{Citation, ErrorCode, FinishReason, TurnKind};

/// Where to open a socket, and the ticket for it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SocketTicket {
    /// The address, without the ticket.
    pub url: String,
    /// Good for one connection, soon.
    pub ticket: String,
}

/// A 202: the message is recorded and queued.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Accepted {
    /// The session, chosen by the service where the message named none.
    pub session_id: String,
    /// The message.
    pub message_id: String,
    /// Where its answer will be pushed.
    pub websocket: SocketTicket,
}

/// A session that is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Created {
    /// The session.
    pub session_id: String,
    /// Where its answers will be pushed.
    pub websocket: SocketTicket,
}

/// Turns of a session, in ascending order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct History {
    /// The turns.
    pub turns: Vec<StoredTurn>,
    /// Whether a message of the session still waits for its final.
    pub running: bool,
}

/// A turn as the history tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredTurn {
    /// Its number.
    pub turn: u64,
    /// The user's message.
    pub message_id: String,
    /// The text of the user's message.
    pub message: String,
    /// Whether it has its final.
    pub state: TurnState,
    /// What the final is.
    pub kind: Option<TurnKind>,
    /// The final's text, where it is no error.
    pub text: Option<String>,
    /// The text so far of a running turn.
    pub partial: Option<String>,
    /// Why it failed.
    pub error: Option<StoredError>,
    /// Why the reply ended.
    pub finish_reason: Option<FinishReason>,
    /// The provider that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The model that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The tokens that the turn used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<StoredUsage>,
    /// The cost in millionths of a US dollar, where the price is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micro_usd: Option<i64>,
    /// What the reply cites.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<Citation>,
}

/// The tokens that a turn used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StoredUsage {
    /// Input tokens, cached ones included.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
}

/// Whether a turn has its final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnState {
    /// It is being answered.
    Running,
    /// It never changes again.
    Done,
}

/// Why a turn failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredError {
    /// The kind of failure.
    pub code: ErrorCode,
    /// One sentence for the user.
    pub message: String,
}

/// A document that the caller may read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DocumentEntry {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
}

#[derive(Deserialize)]
pub(super) struct TicketIssued {
    pub(super) websocket: SocketTicket,
}

#[derive(Deserialize)]
pub(super) struct DocumentList {
    pub(super) documents: Vec<DocumentEntry>,
}
