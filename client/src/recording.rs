//! What every tab was told, and what it made of it: other clients that follow the same rule are
//! held against it.

use serde::Serialize;
use shared::domain::TurnKind;

use crate::account::StoredTurn;
use crate::rule::Input;
use crate::tab::TabId;

/// One thing that happened to a tab, or that it then did; as JSON, one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// The tab.
    pub tab: u32,
    /// Milliseconds since the run began.
    pub at: u64,
    /// What happened.
    #[serde(flatten)]
    pub step: Step,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// The socket opened.
    Opened,
    /// The socket closed.
    Closed,
    /// A frame came.
    Frame {
        /// As it was sent.
        frame: serde_json::Value,
    },
    /// The history answered.
    History {
        /// With these turns.
        turns: Vec<StoredTurn>,
    },
    /// The session is not there.
    Gone,
    /// Time passed.
    Tick,
    /// The user sends a message.
    Sending {
        /// This one.
        message_id: String,
    },
    /// A message was refused.
    Unsent {
        /// This one.
        message_id: String,
    },
    /// Another provisional text is shown.
    Text {
        /// Of this turn.
        turn: u64,
        /// Of this generation.
        generation: u64,
        /// The text.
        text: String,
    },
    /// A final is shown.
    Final {
        /// Its turn.
        turn: u64,
        /// What it is.
        kind: TurnKind,
        /// Its text.
        text: String,
    },
    /// The cursor moved without finals.
    Moved {
        /// To here.
        cursor: u64,
    },
    /// Everything was forgotten.
    Forgot,
}

impl Step {
    /// Returns the step that an input is; a frame is none, because it is recorded as it came.
    pub fn of(input: &Input<'_>) -> Option<Self> {
        Some(match input {
            Input::Opened => Self::Opened,
            Input::Closed => Self::Closed,
            Input::Frame(_) => return None,
            Input::History(turns) => Self::History { turns: turns.clone() },
            Input::Gone => Self::Gone,
            Input::Tick => Self::Tick,
            Input::Sending(id) => Self::Sending { message_id: (*id).to_owned() },
            Input::Unsent(id) => Self::Unsent { message_id: (*id).to_owned() },
        })
    }

    /// Makes it a record.
    pub fn record(self, tab: TabId, at: u64) -> Record {
        Record { tab: tab.0, at, step: self }
    }
}
