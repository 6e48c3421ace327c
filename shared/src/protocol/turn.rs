//! A turn as the code handles it: either running or final, never a mixture of the two.
//!
//! The store holds one flat form for both, [`TurnRow`]. It is converted when a turn is read and
//! when it is written, so that no code has to ask which attributes are there in which state.

use serde::{Deserialize, Serialize};

use super::{TurnError, TurnRow, TurnState};
use crate::domain::{
    Citation, ContextUse, DocumentId, Epoch, ErrorCode, ExpiresAt, FinishReason, Grounding,
    MessageId, MessageText, MicroUsd, NumberedPassage, ProviderName, Timestamp, Timings, TurnKind,
    TurnNumber, Usage,
};

/// One turn: the facts that hold in every phase, and the phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "TurnRow", into = "TurnRow")]
pub struct Turn {
    /// Its number.
    pub turn: TurnNumber,
    /// Its message's id.
    pub message_id: MessageId,
    /// Its message's text: history needs both sides of a turn in one read.
    pub message: MessageText,
    /// The document asked for.
    pub document_id: Option<DocumentId>,
    /// The provider asked for.
    pub requested_provider: Option<ProviderName>,
    /// The generation: the fence against older workers.
    pub epoch: Epoch,
    /// Set by a stop.
    pub cancel: bool,
    /// When the message was accepted.
    pub accepted_at: Timestamp,
    /// When it was claimed.
    pub created_at: Timestamp,
    /// When it is absent.
    pub expires_at: ExpiresAt,
    /// The trace that the message came with.
    pub trace: Option<String>,
    /// Whether an operator sent it.
    pub synthetic: bool,
    /// Running or final.
    pub phase: TurnPhase,
}

/// How far a turn is, with what is true only there.
#[derive(Debug, Clone, PartialEq)]
pub enum TurnPhase {
    /// Being answered.
    Running(RunningTurn),
    /// The reply is durable, and never changes again.
    Final(Box<FinalTurn>),
}

/// What is true of a turn that is being answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningTurn {
    /// The provisional text of this generation as of the last checkpoint; empty before the first.
    pub partial: String,
    /// What that text cites.
    pub citations: Vec<Citation>,
    /// The passages that this generation was given; none before the first checkpoint.
    pub passages: Vec<NumberedPassage>,
    /// Where the time went so far.
    pub timings: Timings,
    /// When the cleanup looks at it.
    pub due: Timestamp,
}

/// What is true of a turn that is final.
#[derive(Debug, Clone, PartialEq)]
pub struct FinalTurn {
    /// How it ended.
    pub outcome: TurnOutcome,
    /// The SHA-256 of the text's UTF-8, in hex.
    pub sha256: String,
    /// When it became final.
    pub finished_at: Timestamp,
    /// Whether its analytics event was published.
    pub delivery: DeliveryState,
}

/// Whether a final's analytics event was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// Not yet; the cleanup looks at it at `due`.
    Pending {
        /// When the cleanup looks at it.
        due: Timestamp,
    },
    /// It was published, and nothing is left to be done.
    Delivered,
}

/// How a turn ends, and what it took.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnOutcome {
    /// The reply, or what is there in its place.
    pub result: TurnResult,
    /// Who answered; none if no provider did.
    pub provider: Option<ProviderName>,
    /// Which model answered.
    pub model: Option<String>,
    /// What all model calls used; none if no call began to answer.
    pub usage: Option<Usage>,
    /// What they cost; none for an unpriced model.
    pub cost_micro_usd: Option<MicroUsd>,
    /// Whether the reply came from the reply cache, and no model was called.
    pub cached: bool,
    /// What became of the document.
    pub context: ContextUse,
    /// What the text cites.
    pub citations: Vec<Citation>,
    /// What the reply stands on; none if the documents were not searched for it.
    pub grounding: Option<Grounding>,
    /// Where the time went.
    pub timings: Timings,
}

/// The reply, or what is there in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnResult {
    /// A model's reply.
    Reply {
        /// The whole text.
        text: String,
        /// Why it ended.
        finish_reason: FinishReason,
    },
    /// The turn failed.
    Error(TurnError),
    /// The user stopped it.
    Cancelled {
        /// The text so far.
        text: String,
    },
}

impl TurnResult {
    /// Returns which of the three it is.
    pub fn kind(&self) -> TurnKind {
        match self {
            Self::Reply { .. } => TurnKind::Reply,
            Self::Error(_) => TurnKind::Error,
            Self::Cancelled { .. } => TurnKind::Cancelled,
        }
    }

    /// Returns the text; an error has none.
    pub fn text(&self) -> &str {
        match self {
            Self::Reply { text, .. } | Self::Cancelled { text } => text,
            Self::Error(_) => "",
        }
    }

    /// Returns the text; an error has none.
    pub fn into_text(self) -> String {
        match self {
            Self::Reply { text, .. } | Self::Cancelled { text } => text,
            Self::Error(_) => String::new(),
        }
    }

    /// Returns why it ended.
    pub fn finish_reason(&self) -> FinishReason {
        match self {
            Self::Reply { finish_reason, .. } => *finish_reason,
            Self::Error(_) => FinishReason::Error,
            Self::Cancelled { .. } => FinishReason::Cancelled,
        }
    }

    /// Returns why it failed.
    pub fn error(&self) -> Option<&TurnError> {
        match self {
            Self::Error(error) => Some(error),
            Self::Reply { .. } | Self::Cancelled { .. } => None,
        }
    }
}

impl TurnOutcome {
    /// Ends a turn as failed.
    pub fn error(code: ErrorCode, message: &str) -> Self {
        Self::without_model(TurnResult::Error(TurnError { code, message: message.to_owned() }))
    }

    /// Ends a turn as cancelled, with the text so far.
    pub fn cancelled(text: String) -> Self {
        Self::without_model(TurnResult::Cancelled { text })
    }

    /// Ends a stopped turn with the text that was saved at its last checkpoint.
    pub fn cancelled_as_saved(turn: &Turn) -> Self {
        let outcome = Self::cancelled(turn.partial().to_owned());
        Self { citations: turn.partial_citations().to_vec(), timings: turn.timings(), ..outcome }
    }

    /// Ends a turn whose worker disappeared: as cancelled with the saved text if the user stopped
    /// it, otherwise as failed.
    pub fn abandoned(turn: &Turn) -> Self {
        let outcome = if turn.cancel {
            Self::cancelled_as_saved(turn)
        } else {
            Self::error(ErrorCode::Abandoned, "The answer was interrupted. Please ask again.")
        };
        Self { timings: turn.timings(), ..outcome }
    }

    fn without_model(result: TurnResult) -> Self {
        Self {
            result,
            provider: None,
            model: None,
            usage: None,
            cost_micro_usd: None,
            cached: false,
            context: ContextUse::None,
            citations: Vec::new(),
            grounding: None,
            timings: Timings::default(),
        }
    }
}

impl Turn {
    /// Tells whether the turn will never change again.
    pub fn is_final(&self) -> bool {
        matches!(self.phase, TurnPhase::Final(_))
    }

    /// Returns how the turn ended, if it is final.
    pub fn as_final(&self) -> Option<&FinalTurn> {
        match &self.phase {
            TurnPhase::Final(end) => Some(end),
            TurnPhase::Running(_) => None,
        }
    }

    /// Returns the provisional text of a running turn, as of its last checkpoint.
    pub fn partial(&self) -> &str {
        match &self.phase {
            TurnPhase::Running(running) => &running.partial,
            TurnPhase::Final(_) => "",
        }
    }

    /// Returns what the provisional text of a running turn cites.
    pub fn partial_citations(&self) -> &[Citation] {
        match &self.phase {
            TurnPhase::Running(running) => &running.citations,
            TurnPhase::Final(_) => &[],
        }
    }

    /// Returns the passages that the generation of a running turn was given, as of its last
    /// checkpoint.
    pub fn passages(&self) -> &[NumberedPassage] {
        match &self.phase {
            TurnPhase::Running(running) => &running.passages,
            TurnPhase::Final(_) => &[],
        }
    }

    /// Returns where the time went so far.
    pub fn timings(&self) -> Timings {
        match &self.phase {
            TurnPhase::Running(running) => running.timings,
            TurnPhase::Final(end) => end.outcome.timings,
        }
    }

    /// Returns the state as stored.
    pub fn state(&self) -> TurnState {
        match &self.phase {
            TurnPhase::Running(_) => TurnState::Running,
            TurnPhase::Final(end) => match end.delivery {
                DeliveryState::Pending { .. } => TurnState::Committed,
                DeliveryState::Delivered => TurnState::Delivered,
            },
        }
    }

    /// Moves a running turn to its next generation, which begins without text.
    pub fn begin_next_generation(&mut self) {
        self.epoch = self.epoch.next();
        if let TurnPhase::Running(running) = &mut self.phase {
            running.partial.clear();
            running.citations.clear();
            running.passages.clear();
        }
    }
}
