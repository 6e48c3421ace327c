//! The frames of a turn, as the server sends them.

use serde::Serialize;

/// One event; field for field what a client of the server reads.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE", rename_all_fields = "camelCase")]
pub(super) enum Frame<'a> {
    RunStarted { thread_id: &'a str, run_id: &'a str, metadata: Metadata },
    TextMessageStart { message_id: &'a str, role: &'static str, metadata: Metadata },
    TextMessageContent { message_id: &'a str, delta: &'a str, metadata: Metadata },
    TextMessageEnd { message_id: &'a str, metadata: Metadata },
    RunFinished { thread_id: &'a str, run_id: &'a str, result: Whole<'a>, metadata: Metadata },
    RunError { message: &'a str },
    Custom { name: &'static str, value: Resumed },
}

/// Where a frame belongs.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Metadata {
    pub(super) turn: u64,
    #[serde(rename = "gen")]
    pub(super) generation: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) offset: Option<usize>,
}

/// The whole text of a reply.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Whole<'a> {
    pub(super) message_id: &'a str,
    pub(super) text: &'a str,
}

/// The answer to `resume`.
#[derive(Debug, Serialize)]
pub(super) struct Resumed {
    pub(super) first: u64,
    pub(super) next: u64,
}

impl Metadata {
    pub(super) fn of(turn: u64) -> Self {
        Self { turn, generation: 1, offset: None }
    }

    pub(super) fn at(self, offset: usize) -> Self {
        Self { offset: Some(offset), ..self }
    }
}
