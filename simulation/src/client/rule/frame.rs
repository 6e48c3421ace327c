//! What a frame means to a client.

use std::borrow::Cow;

use shared::domain::{ErrorCode, FinishReason};

use super::wire::{WireFrame, WireMetadata};

/// One frame, read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame<'a> {
    /// `chat.resumed`.
    Resumed(Resumed),
    /// An event of a turn.
    Turn(TurnFrame<'a>),
    /// Anything that a client does not know, or that makes no sense.
    Other,
}

/// The first answer to `resume`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resumed {
    /// The oldest stored turn, or the next one if there is none.
    pub first: u64,
    /// The number that the next turn will get.
    pub next: u64,
    /// When the session began, in milliseconds since 1970; another value means another session.
    pub born: i64,
}

/// An event of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnFrame<'a> {
    /// The turn, from 1.
    pub turn: u64,
    /// The generation, from 1.
    pub generation: u64,
    /// What happened.
    pub event: TurnEvent<'a>,
}

/// What happened to a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnEvent<'a> {
    /// It goes on: an opening, a status or an end of text; only its generation matters.
    Progress,
    /// A piece of provisional text.
    Content {
        /// Where it begins in its generation, in UTF-16 code units.
        offset: u64,
        /// The piece.
        delta: Cow<'a, str>,
    },
    /// `RUN_FINISHED` or `RUN_ERROR`.
    End(EndFrame),
}

/// The frame of a final.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndFrame {
    /// The user's message.
    pub message_id: String,
    /// Why it failed, where it did.
    pub error: Option<ErrorCode>,
    /// The whole text; `None` where it did not fit, and is to be fetched.
    pub text: Option<String>,
    /// Why it ended.
    pub finish_reason: Option<FinishReason>,
    /// The hex SHA-256 of the text's UTF-8.
    pub sha256: Option<String>,
}

impl<'a> Frame<'a> {
    /// Reads a frame.
    pub fn parse(raw: &'a str) -> Self {
        let Ok(mut wire) = serde_json::from_str::<WireFrame<'a>>(raw) else { return Self::Other };
        if wire.r#type == "CUSTOM" && wire.name == "chat.resumed" {
            return resumed(&wire).map_or(Self::Other, Self::Resumed);
        }
        let Some(metadata) = wire.metadata.take() else { return Self::Other };
        let turn = metadata.turn;
        let generation = metadata.r#gen;
        match turn_event(wire, metadata) {
            Some(event) if turn > 0 && generation > 0 => {
                Self::Turn(TurnFrame { turn, generation, event })
            }
            _ => Self::Other,
        }
    }
}

fn resumed(wire: &WireFrame<'_>) -> Option<Resumed> {
    let value = wire.value.as_ref()?;
    Some(Resumed { first: value.first?, next: value.next?, born: value.born? })
}

fn turn_event<'a>(wire: WireFrame<'a>, metadata: WireMetadata<'a>) -> Option<TurnEvent<'a>> {
    Some(match &*wire.r#type {
        "RUN_STARTED" | "TEXT_MESSAGE_START" | "TEXT_MESSAGE_END" => TurnEvent::Progress,
        "CUSTOM" if wire.name == "chat.status" => TurnEvent::Progress,
        "TEXT_MESSAGE_CONTENT" => {
            TurnEvent::Content { offset: metadata.offset?, delta: wire.delta }
        }
        "RUN_FINISHED" => TurnEvent::End(EndFrame {
            message_id: wire.run_id.into_owned(),
            error: None,
            text: wire.result.map(|result| result.text),
            finish_reason: metadata.finish_reason,
            sha256: metadata.sha256,
        }),
        "RUN_ERROR" => TurnEvent::End(EndFrame {
            message_id: metadata.message_id.into_owned(),
            error: Some(wire.code?),
            text: Some(String::new()),
            finish_reason: metadata.finish_reason,
            sha256: metadata.sha256,
        }),
        _ => return None,
    })
}
