//! One connection that receives the provisional text of a turn.

use std::time::Duration;

use shared::ag_ui::{self, Event, Metadata};
use shared::domain::{Epoch, SessionId, utf16_len};
use shared::protocol::{ConnectionRow, Turn};
use tokio::time::Instant;

/// The shortest pause after a failed push.
const MIN_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause after a failed push.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// What the turn has to show at the moment.
pub(super) struct StreamView<'a> {
    pub(super) session: &'a SessionId,
    pub(super) turn: &'a Turn,
    /// The frame with the passages that the generation was given, if there are any.
    pub(super) passages: Option<&'a str>,
    /// The text that may be sent by now.
    pub(super) released: &'a str,
    /// Whether the released text is the whole reply.
    pub(super) complete: bool,
}

/// What a frame carries, to be noted once it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameKind {
    RunStarted,
    Status,
    Passages,
    TextStart,
    /// Text up to this offset of the released text, in bytes and in UTF-16 code units.
    Text {
        bytes: usize,
        utf16: u64,
    },
    TextEnd,
}

/// Which of the generation's opening and closing events have been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Nothing,
    RunStarted,
    TextStarted,
    TextEnded,
}

/// How much of the turn's current generation one connection has received.
///
/// There is no queue of frames. The next frame is always made from the offset that was sent last
/// and the text that is there by then, so a slow connection gets fewer and larger pieces, and takes
/// no memory however slow it is.
#[derive(Debug)]
pub(super) struct Subscriber {
    /// Identifies the connection's latest `resume`.
    stamp: String,
    stage: Stage,
    /// Whether the passages of the generation were sent.
    has_passages: bool,
    sent_bytes: usize,
    /// The same offset in UTF-16 code units, in which clients count.
    sent_utf16: u64,
    /// A status that has not been sent yet. A newer one replaces it.
    status: Option<String>,
    /// Whether a push is in flight. At most one is, which keeps the frames in order.
    pub(super) busy: bool,
    /// The pause between two pushes, in addition to the turn's pace. A slow connection lengthens
    /// its own pause and nobody else's.
    pause: Duration,
    /// When the next push may start.
    pub(super) not_before: Instant,
}

impl Subscriber {
    pub(super) fn new(row: ConnectionRow, now: Instant) -> Self {
        Self {
            stamp: row.stamp,
            stage: Stage::Nothing,
            has_passages: false,
            sent_bytes: 0,
            sent_utf16: 0,
            status: None,
            busy: false,
            pause: Duration::ZERO,
            not_before: now,
        }
    }

    /// Starts over if the connection has resumed since: the client then has nothing.
    ///
    /// A push that is still in flight stays counted as busy. Otherwise the first new frame could
    /// overtake it.
    pub(super) fn update(&mut self, row: ConnectionRow, now: Instant) {
        if self.stamp != row.stamp {
            let busy = self.busy;
            *self = Self { busy, ..Self::new(row, now) };
        }
    }

    /// Returns to the beginning of the text, for a new generation.
    pub(super) fn restart(&mut self) {
        self.stage = self.stage.min(Stage::RunStarted);
        self.has_passages = false;
        self.sent_bytes = 0;
        self.sent_utf16 = 0;
        self.status = None;
    }

    pub(super) fn set_status(&mut self, status: &str) {
        self.status = Some(status.to_owned());
    }

    /// Returns the next frame for this connection, if there is one.
    pub(super) fn next_frame(&self, view: &StreamView<'_>) -> Option<(FrameKind, String)> {
        let turn = view.turn;
        let metadata = || Metadata::of(turn.turn, turn.epoch);
        let id = || ag_ui::message_id(&turn.message_id, turn.epoch);
        if self.stage == Stage::Nothing {
            let event = Event::RunStarted {
                thread_id: view.session,
                run_id: &turn.message_id,
                metadata: metadata(),
            };
            return Some((FrameKind::RunStarted, event.to_frame()));
        }
        if let Some(status) = &self.status {
            return Some((FrameKind::Status, status.clone()));
        }
        if let Some(passages) = view.passages.filter(|_| !self.has_passages) {
            return Some((FrameKind::Passages, passages.to_owned()));
        }
        if self.stage == Stage::RunStarted {
            // A later generation starts its text before there is any: the client has to clear the
            // text of the earlier one at once.
            let restarted = turn.epoch > Epoch::FIRST;
            if view.released.is_empty() && !restarted {
                return None;
            }
            let event = Event::TextMessageStart {
                message_id: id(),
                role: "assistant",
                metadata: metadata(),
            };
            return Some((FrameKind::TextStart, event.to_frame()));
        }
        if self.sent_bytes < view.released.len() {
            let (frame, end) =
                ag_ui::text_frame(turn, view.released, self.sent_bytes, self.sent_utf16);
            let utf16 = self.sent_utf16 + utf16_len(&view.released[self.sent_bytes..end]);
            return Some((FrameKind::Text { bytes: end, utf16 }, frame));
        }
        let event = Event::TextMessageEnd { message_id: id(), metadata: metadata() };
        (view.complete && self.stage == Stage::TextStarted)
            .then(|| (FrameKind::TextEnd, event.to_frame()))
    }

    /// Notes that a frame was sent.
    pub(super) fn mark_sent(&mut self, kind: FrameKind, now: Instant) {
        self.not_before = now + self.pause;
        match kind {
            FrameKind::RunStarted => self.stage = self.stage.max(Stage::RunStarted),
            FrameKind::Status => self.status = None,
            FrameKind::Passages => self.has_passages = true,
            FrameKind::TextStart => self.stage = Stage::TextStarted,
            FrameKind::Text { bytes, utf16 } => {
                self.sent_bytes = bytes;
                self.sent_utf16 = utf16;
            }
            FrameKind::TextEnd => self.stage = Stage::TextEnded,
        }
    }

    /// Notes that the connection did not take a frame in time, or that the gateway throttles it.
    ///
    /// The same frame is tried again after the pause: nothing was marked as sent. If it did arrive
    /// after all, the client ignores the repetition.
    pub(super) fn slow_down(&mut self, now: Instant) {
        self.pause = (self.pause * 2).clamp(MIN_PAUSE, MAX_PAUSE);
        self.not_before = now + self.pause;
    }

    pub(super) fn stamp(&self) -> &str {
        &self.stamp
    }
}
