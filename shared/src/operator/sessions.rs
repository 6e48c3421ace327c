//! Sessions and turns, as operators see them.

use serde::{Deserialize, Serialize};

use crate::domain::{
    ContextUse, DocumentId, FinishReason, MessageId, MessageText, MicroUsd, Principal,
    ProviderName, SessionId, SessionKey, Timestamp, TurnKind, TurnNumber, Usage,
};
use crate::protocol::{FinalTurn, RunningTurn, SessionRow, Timings, Turn, TurnError, TurnPhase};

/// `GET /admin/api/sessions?after=<session_key>&limit=100`: live sessions in the order of their
/// keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SessionPage {
    /// At most 100.
    pub sessions: Vec<SessionView>,
    /// The `after` of the next page; none on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<SessionKey>,
}

/// `GET /admin/api/sessions/{session_key}`: one session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionView {
    /// Its key, as in logs and events.
    pub session_key: SessionKey,
    /// The client's id of it; none once deleted.
    pub session_id: Option<SessionId>,
    /// Whose it is; none once deleted.
    pub principal: Option<Principal>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends, unless something happens in it.
    pub expires_at: Timestamp,
    /// Whether it was deleted.
    #[serde(default)]
    pub deleted: bool,
    /// How many messages were accepted and are not begun.
    pub waiting: u64,
    /// How many turns were begun.
    pub turns: u64,
    /// The input tokens of the turns that were delivered.
    pub input_tokens: u64,
    /// Their output tokens.
    pub output_tokens: u64,
    /// Their cost.
    pub cost_micro_usd: MicroUsd,
}

impl SessionView {
    /// Reads it off the session's row.
    pub fn new(session_key: SessionKey, row: &SessionRow) -> Self {
        Self {
            session_key,
            session_id: row.client_session_id.clone(),
            principal: row.principal.clone(),
            created_at: row.created_at,
            expires_at: row.expires_at.timestamp(),
            deleted: row.deleted,
            waiting: row.waiting(),
            turns: row.next_turn.get() - 1,
            input_tokens: row.total_input_tokens,
            output_tokens: row.total_output_tokens,
            cost_micro_usd: row.total_cost_micro_usd,
        }
    }
}

/// `GET /admin/api/sessions/{session_key}/turns?after=n&limit=100`: turns in their order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TurnPage {
    /// At most 100, and 1 MB; at least one where there is one.
    pub turns: Vec<TurnView>,
}

/// One turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TurnView {
    /// Its number.
    pub turn: TurnNumber,
    /// Its message's id.
    pub message_id: MessageId,
    /// What the user wrote.
    pub message: MessageText,
    /// Whether it is final.
    pub done: bool,
    /// What the final is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<TurnKind>,
    /// The final's text; of a running turn, the last saved text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TurnError>,
    /// The document asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<DocumentId>,
    /// What became of the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextUse>,
    /// Who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderName>,
    /// Which model answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What all its model calls used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What they cost; none for an unpriced model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micro_usd: Option<MicroUsd>,
    /// Why the reply ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<FinishReason>,
    /// How many generations were begun.
    pub generations: u64,
    /// Where the time went.
    pub timings: Timings,
    /// When the message was accepted.
    pub accepted_at: Timestamp,
    /// When it became final.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

impl From<Turn> for TurnView {
    fn from(turn: Turn) -> Self {
        let view = Self {
            turn: turn.turn,
            message_id: turn.message_id,
            message: turn.message,
            done: false,
            kind: None,
            text: None,
            error: None,
            document_id: turn.document_id,
            context: None,
            provider: None,
            model: None,
            usage: None,
            cost_micro_usd: None,
            finish_reason: None,
            generations: turn.epoch.0,
            timings: Timings::default(),
            accepted_at: turn.accepted_at,
            finished_at: None,
        };
        match turn.phase {
            TurnPhase::Running(RunningTurn { partial, timings, .. }) => {
                Self { text: Some(partial).filter(|partial| !partial.is_empty()), timings, ..view }
            }
            TurnPhase::Final(end) => {
                let FinalTurn { outcome, finished_at, .. } = *end;
                Self {
                    done: true,
                    kind: Some(outcome.result.kind()),
                    error: outcome.result.error().cloned(),
                    finish_reason: Some(outcome.result.finish_reason()),
                    text: Some(outcome.result.into_text()),
                    context: Some(outcome.context),
                    provider: outcome.provider,
                    model: outcome.model,
                    usage: outcome.usage,
                    cost_micro_usd: outcome.cost_micro_usd,
                    timings: outcome.timings,
                    finished_at: Some(finished_at),
                    ..view
                }
            }
        }
    }
}
