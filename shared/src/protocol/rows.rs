//! What each row holds.

use serde::{Deserialize, Serialize};

use crate::domain::{
    Citation, ConnectionId, ContextUse, DocumentId, Epoch, ErrorCode, ExpiresAt, FinishReason,
    Grounding, MessageId, MessageText, MicroUsd, NumberedPassage, Principal, PrincipalHash,
    ProviderName, Replay, SessionId, Timestamp, Timings, TurnKind, TurnNumber, Usage,
};

/// `META`: one session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionRow {
    /// Whose it is. A tombstone has none.
    pub principal: Option<Principal>,
    /// The client's id of it. A tombstone has none.
    pub client_session_id: Option<SessionId>,
    /// The number that the next turn will get.
    pub next_turn: TurnNumber,
    /// How many messages were accepted.
    #[serde(default)]
    pub accepted: u64,
    /// When it began; tells a session from a later one of the same id.
    pub created_at: Timestamp,
    /// When it ends; alone decides whether it lives.
    pub expires_at: ExpiresAt,
    /// When the cleanup looks at it; none on a tombstone that nothing is left to be done for.
    #[serde(default)]
    pub due: Option<Timestamp>,
    /// Set on the tombstone of a deleted session.
    #[serde(default, skip_serializing_if = "is_false")]
    pub deleted: bool,
    /// How many finals were delivered.
    #[serde(default)]
    pub total_turns: u64,
    /// Their input tokens.
    #[serde(default)]
    pub total_input_tokens: u64,
    /// Their output tokens.
    #[serde(default)]
    pub total_output_tokens: u64,
    /// Their cost.
    #[serde(default)]
    pub total_cost_micro_usd: MicroUsd,
}

impl SessionRow {
    /// Makes the row of a session without turns.
    pub fn new(
        principal: Principal,
        id: SessionId,
        created_at: Timestamp,
        expires_at: ExpiresAt,
    ) -> Self {
        Self {
            principal: Some(principal),
            client_session_id: Some(id),
            next_turn: TurnNumber::FIRST,
            accepted: 0,
            created_at,
            expires_at,
            due: Some(expires_at.timestamp()),
            deleted: false,
            total_turns: 0,
            total_input_tokens: 0,
            total_output_tokens: 0,
            total_cost_micro_usd: MicroUsd(0),
        }
    }

    /// Returns whose session it is and how they call it; `None` for a tombstone.
    pub fn owner(&self) -> Option<Owner> {
        let principal = self.principal.clone()?;
        let session_id = self.client_session_id.clone()?;
        (!self.deleted).then_some(Owner { principal, session_id })
    }

    /// Counts the messages that were accepted and have no turn yet.
    pub fn waiting(&self) -> u64 {
        (self.accepted + 1).saturating_sub(self.next_turn.get())
    }
}

/// Whose a live session is, and how they call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Who speaks in it.
    pub principal: Principal,
    /// Their id of it.
    pub session_id: SessionId,
}

/// `M#<message_id>`: one accepted message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageRow {
    /// The text.
    pub message: MessageText,
    /// The document asked for.
    #[serde(default)]
    pub document_id: Option<DocumentId>,
    /// The provider asked for.
    #[serde(default)]
    pub provider: Option<ProviderName>,
    /// The hash by which a repeated message is told from another one with the same id.
    pub body_hash: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// When it is absent.
    pub expires_at: ExpiresAt,
    /// Its turn, once claimed.
    #[serde(default)]
    pub turn: Option<TurnNumber>,
    /// Set by a stop.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cancel: bool,
    /// What it is answered with in place of history and settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Box<Replay>>,
}

/// How far a turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TurnState {
    /// Being answered.
    #[serde(rename = "RUN")]
    Running,
    /// Final: the reply is durable.
    #[serde(rename = "COM")]
    Committed,
    /// Final, and its analytics event is out.
    #[serde(rename = "DEL")]
    Delivered,
}

impl TurnState {
    /// Returns the state as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "RUN",
            Self::Committed => "COM",
            Self::Delivered => "DEL",
        }
    }
}

/// Why a turn failed, as the user may read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnError {
    /// The kind of failure.
    pub code: ErrorCode,
    /// One sentence for the user.
    pub message: String,
}

/// `T#<turn>`: one turn, in the flat form in which the store holds it.
///
/// Which attributes are there depends on the state; code reads and writes a [`Turn`](super::Turn),
/// which has no attributes of another state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TurnRow {
    /// Its number.
    pub turn: TurnNumber,
    /// Its message's id.
    pub message_id: MessageId,
    /// Its message's text: history needs both sides of a turn in one read.
    pub message: MessageText,
    /// The document asked for.
    #[serde(default)]
    pub document_id: Option<DocumentId>,
    /// The provider asked for.
    #[serde(default)]
    pub requested_provider: Option<ProviderName>,
    /// How far it is.
    pub state: TurnState,
    /// The generation: the fence against older workers.
    pub epoch: Epoch,
    /// Set by a stop.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cancel: bool,
    /// The provisional text of this generation, as of the last checkpoint.
    #[serde(default)]
    pub partial: Option<String>,
    /// What the final is.
    #[serde(default)]
    pub kind: Option<TurnKind>,
    /// The final's text.
    #[serde(default)]
    pub text: Option<String>,
    /// The SHA-256 of the text's UTF-8, in hex.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<TurnError>,
    /// Why the reply ended.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
    /// Who answered.
    #[serde(default)]
    pub provider: Option<ProviderName>,
    /// Which model answered.
    #[serde(default)]
    pub model: Option<String>,
    /// What all its model calls used.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// What they cost; none for an unpriced model.
    #[serde(default)]
    pub cost_micro_usd: Option<MicroUsd>,
    /// Whether the reply was kept from an earlier question, and no model was called.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cached: bool,
    /// What became of the document.
    #[serde(default)]
    pub context: Option<ContextUse>,
    /// What the text, or the provisional text, cites.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<Citation>,
    /// What the reply stands on.
    #[serde(default)]
    pub grounding: Option<Grounding>,
    /// The passages that this generation was given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passages: Vec<NumberedPassage>,
    /// Where the time went.
    #[serde(default)]
    pub timings: Timings,
    /// When the message was accepted.
    pub accepted_at: Timestamp,
    /// When it was claimed.
    pub created_at: Timestamp,
    /// When it became final.
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
    /// When it is absent.
    pub expires_at: ExpiresAt,
    /// When the cleanup looks at it; none once delivered.
    #[serde(default)]
    pub due: Option<Timestamp>,
    /// The trace that the message came with.
    #[serde(default)]
    pub trace: Option<String>,
    /// Whether an operator sent it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub synthetic: bool,
}

impl TurnRow {
    /// Tells whether the turn will never change again.
    pub fn is_final(&self) -> bool {
        self.state != TurnState::Running
    }
}

/// `C#<connection_id>`: one connection that has resumed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionRow {
    /// Which connection.
    pub connection_id: ConnectionId,
    /// Whose connection.
    pub principal_hash: PrincipalHash,
    /// New at every resume: the worker then sends the text from its beginning.
    pub stamp: String,
    /// When it is absent.
    pub expires_at: ExpiresAt,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde's `skip_serializing_if` passes a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}
