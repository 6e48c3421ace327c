//! AG-UI 1.0 events, one JSON event per text frame, with our ordering facts in `metadata`.
//!
//! Source: the schemas of the npm package `@ag-ui/core` 1.0.0, against which the page's tests hold
//! these frames.

mod custom;
mod event;
mod finals;

pub use custom::{
    ChatError, ChatResumed, ChatStatus, StatusPhase, custom_citations, custom_error,
    custom_resumed, custom_status,
};
pub use event::{Event, Metadata, TokenUsage, message_id};
pub use finals::{final_frame, opening_frames, text_frame, text_frames};
