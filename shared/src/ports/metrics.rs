//! What is measured of a turn.

use crate::domain::{
    ContextUse, ErrorCode, FinishReason, MessageId, MicroUsd, ProviderName, SessionKey, Timings,
    TurnKind, TurnNumber, Usage,
};

/// What one committed turn took, cost and went through. It holds no text of anybody's.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnMeasure {
    /// The session.
    pub session_key: SessionKey,
    /// The message.
    pub message_id: MessageId,
    /// The turn.
    pub turn: TurnNumber,
    /// What the final is.
    pub kind: TurnKind,
    /// Why it ended.
    pub finish_reason: FinishReason,
    /// Why it failed.
    pub error: Option<ErrorCode>,
    /// Who was called last.
    pub provider: Option<ProviderName>,
    /// The model that was asked for in the last call.
    pub requested_model: Option<String>,
    /// The model that answered, as its provider names it.
    pub model: Option<String>,
    /// What all model calls used; none where no call began to answer.
    pub usage: Option<Usage>,
    /// What they cost; none where nothing was used, or a call had no price.
    pub cost: Option<MicroUsd>,
    /// Where the time went, the commit included.
    pub timings: Timings,
    /// What its model calls went through.
    pub attempts: Attempts,
    /// How often the turn was begun anew: its generations less one, those of other workers
    /// included.
    pub restarts: u64,
    /// What became of the document.
    pub context: ContextUse,
    /// The trace that the message belongs to.
    pub trace: Option<String>,
}

impl TurnMeasure {
    /// Tells whether tokens were used whose price is not known.
    pub fn is_unpriced(&self) -> bool {
        self.usage.is_some() && self.cost.is_none()
    }
}

/// What the model calls of one worker on one turn went through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Calls of a provider right after a failed call of the same one.
    pub retries: u32,
    /// Calls of a provider right after a failed call of another one.
    pub fallbacks: u32,
    /// Calls that failed.
    pub failures: u32,
}

/// Takes note of what happens, for operators to watch.
///
/// It neither waits nor fails: nothing that is measured may depend on being measured.
pub trait Metrics: Send + Sync {
    /// Notes a turn: called once for each durable commit, by the worker that made it, at once after
    /// it.
    ///
    /// A worker that dies in between leaves its commit unmeasured.
    fn turn(&self, measure: &TurnMeasure);
}
