//! A frame as it is written: every event in one flat struct, read in one pass, its short texts
//! borrowed.

use std::borrow::Cow;

use serde::Deserialize;
use shared::domain::{ErrorCode, FinishReason};

/// What a frame may say. A text that is absent is empty, which none of ours is where it is there.
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
    pub(super) value: Option<WireValue>,
    pub(super) result: Option<WireResult>,
    #[serde(borrow)]
    pub(super) metadata: Option<WireMetadata<'a>>,
}

/// The value of `chat.resumed`; those of other events have none of these fields.
#[derive(Deserialize)]
pub(super) struct WireValue {
    pub(super) first: Option<u64>,
    pub(super) next: Option<u64>,
    pub(super) born: Option<i64>,
}

#[derive(Deserialize)]
pub(super) struct WireResult {
    pub(super) text: String,
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
}
