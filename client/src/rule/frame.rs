//! Parses WebSocket frames into what they mean to a client.

use std::borrow::Cow;
use std::mem;

use shared::domain::{Citation, ErrorCode, FinishReason, NumberedPassage};

use super::wire::{WireFrame, WireMetadata};

/// One parsed frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame<'a> {
    /// `chat.resumed`.
    Resumed(Resumed),
    /// An event of a turn.
    Turn(TurnFrame<'a>),
    /// An unknown or malformed frame; clients ignore it.
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
    /// The turn makes progress: an opening or an end of text; only its generation matters.
    Progress,
    /// `chat.status`: what the service is doing.
    Status {
        /// The phase, such as `retrying`.
        phase: Cow<'a, str>,
    },
    /// `chat.citations`: what the numbers in the marks of the generation mean.
    Passages(Vec<NumberedPassage>),
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

/// The frame that ends a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndFrame {
    /// The user's message.
    pub message_id: String,
    /// The error code of a failed turn.
    pub error: Option<ErrorCode>,
    /// The whole text; `None` if it did not fit into a frame and has to be fetched.
    pub text: Option<String>,
    /// Why the reply ended.
    pub finish_reason: Option<FinishReason>,
    /// The hex SHA-256 of the text's UTF-8.
    pub sha256: Option<String>,
    /// The checksum of the citations, which are in the details.
    pub citations_sha256: Option<String>,
    /// What else the frame says about the turn.
    pub details: Box<FinalDetails>,
}

/// What a final says about its turn beside the text. The rule passes it on and decides nothing by
/// it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FinalDetails {
    /// One sentence for the user about why the turn failed.
    pub error_message: Option<String>,
    /// The provider that answered.
    pub provider: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// Input tokens, cached ones included.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// The cost in millionths of a US dollar, where the price is known.
    pub cost_micro_usd: Option<i64>,
    /// What the reply cites.
    pub citations: Vec<Citation>,
    /// The passages that were announced while the reply was written, with their headings; none if
    /// the final is known from the history alone.
    pub passages: Vec<NumberedPassage>,
}

impl<'a> Frame<'a> {
    /// Parses a frame; whatever is unknown or malformed becomes [`Frame::Other`].
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

impl FinalDetails {
    fn of(wire: &mut WireFrame<'_>, metadata: &WireMetadata<'_>) -> Self {
        let error_message = mem::take(&mut wire.message).map(Cow::into_owned);
        let usage = mem::take(&mut wire.usage).into_iter().next().unwrap_or_default();
        Self {
            error_message,
            provider: usage.provider,
            model: usage.model,
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cost_micro_usd: metadata.cost_micro_usd,
            citations: wire
                .result
                .as_mut()
                .map(|result| mem::take(&mut result.citations))
                .unwrap_or_default(),
            passages: Vec::new(),
        }
    }
}

fn resumed(wire: &WireFrame<'_>) -> Option<Resumed> {
    let value = wire.value.as_ref()?;
    Some(Resumed { first: value.first?, next: value.next?, born: value.born? })
}

fn turn_event<'a>(mut wire: WireFrame<'a>, metadata: WireMetadata<'a>) -> Option<TurnEvent<'a>> {
    Some(match &*wire.r#type {
        "RUN_STARTED" | "TEXT_MESSAGE_START" | "TEXT_MESSAGE_END" => TurnEvent::Progress,
        "CUSTOM" if wire.name == "chat.status" => {
            let phase = wire.value.and_then(|value| value.phase).unwrap_or_default();
            TurnEvent::Status { phase }
        }
        "CUSTOM" if wire.name == "chat.citations" => {
            TurnEvent::Passages(wire.value.map(|value| value.passages).unwrap_or_default())
        }
        "TEXT_MESSAGE_CONTENT" => {
            TurnEvent::Content { offset: metadata.offset?, delta: wire.delta }
        }
        "RUN_FINISHED" => TurnEvent::End(EndFrame {
            details: Box::new(FinalDetails::of(&mut wire, &metadata)),
            message_id: wire.run_id.into_owned(),
            error: None,
            text: wire.result.map(|result| result.text),
            finish_reason: metadata.finish_reason,
            sha256: metadata.sha256,
            citations_sha256: metadata.citations_sha256,
        }),
        "RUN_ERROR" => TurnEvent::End(EndFrame {
            details: Box::new(FinalDetails::of(&mut wire, &metadata)),
            message_id: metadata.message_id.into_owned(),
            error: Some(wire.code?),
            text: Some(String::new()),
            finish_reason: metadata.finish_reason,
            sha256: metadata.sha256,
            citations_sha256: metadata.citations_sha256,
        }),
        _ => return None,
    })
}
