//! What the calls answer, as far as a client needs it.

use serde::{Deserialize, Serialize};
use shared::domain::{ErrorCode, FinishReason, TurnKind};

/// Where to open a socket, and the ticket for it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Websocket {
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
    pub websocket: Websocket,
}

/// A session that is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Created {
    /// The session.
    pub session_id: String,
    /// Where its answers will be pushed.
    pub websocket: Websocket,
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
    /// Why it ended.
    pub finish_reason: Option<FinishReason>,
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
    pub(super) websocket: Websocket,
}

#[derive(Deserialize)]
pub(super) struct DocumentList {
    pub(super) documents: Vec<DocumentEntry>,
}
