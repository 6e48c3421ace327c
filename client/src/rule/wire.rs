//! The wire form of a frame: one flat struct for every event, parsed in one pass, with short texts
//! borrowed from the frame.

use std::borrow::Cow;

use serde::Deserialize;
use shared::domain::{Citation, ErrorCode, FinishReason, NumberedPassage};

/// The fields of all events together. A missing text becomes empty; the service never sends an
/// empty one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireFrame<'a> {
    #[serde(borrow)]
    pub(super) r#type: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) run_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) delta: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) name: Cow<'a, str>,
    pub(super) code: Option<ErrorCode>,
    #[serde(borrow)]
    pub(super) value: Option<WireValue<'a>>,
    pub(super) result: Option<WireResult>,
    #[serde(borrow)]
    pub(super) message: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) usage: Vec<WireUsage>,
    #[serde(borrow)]
    pub(super) metadata: Option<WireMetadata<'a>>,
}

/// The value of `chat.resumed`, `chat.status` or `chat.citations`.
#[derive(Deserialize)]
pub(super) struct WireValue<'a> {
    pub(super) first: Option<u64>,
    pub(super) next: Option<u64>,
    pub(super) born: Option<i64>,
    #[serde(borrow)]
    pub(super) phase: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(super) passages: Vec<NumberedPassage>,
}

#[derive(Deserialize)]
pub(super) struct WireResult {
    pub(super) text: String,
    #[serde(default)]
    pub(super) citations: Vec<Citation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireMetadata<'a> {
    pub(super) turn: u64,
    pub(super) r#gen: u64,
    pub(super) offset: Option<u64>,
    #[serde(borrow, default)]
    pub(super) message_id: Cow<'a, str>,
    pub(super) finish_reason: Option<FinishReason>,
    pub(super) sha256: Option<String>,
    pub(super) citations_sha256: Option<String>,
    pub(super) cost_micro_usd: Option<i64>,
}

/// What one model used.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct WireUsage {
    pub(super) provider: Option<String>,
    pub(super) model: Option<String>,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
}
