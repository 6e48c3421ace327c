//! One connection that watches a turn.

use std::time::Duration;

use shared::ag_ui::{self, Event, Metadata};
use shared::domain::{SessionId, utf16_len};
use shared::protocol::{ConnectionRow, Turn};
use tokio::time::Instant;

/// The least pause after a push that failed, and the longest one.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(2)];

/// How far one connection has got in the turn's present generation.
///
/// There is no queue of frames: a slow connection simply gets larger pieces later.
#[derive(Debug)]
pub(super) struct Listener {
    stamp: String,
    stage: Stage,
    /// How much of the text went out, in bytes and in UTF-16 code units.
    sent: (usize, u64),
    /// The status that is still to go out.
    status: Option<String>,
    /// Whether a push is under way.
    pub(super) busy: bool,
    /// The pause between two pushes, on top of the turn's pace: a slow connection widens its own,
    /// and nobody else's.
    pause: Duration,
    /// No push before this.
    pub(super) not_before: Instant,
}

/// Which of the generation's opening and closing events went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Nothing,
    RunStarted,
    TextStarted,
    TextEnded,
}

/// What there is to send.
pub(super) struct Scene<'a> {
    pub(super) session: &'a SessionId,
    pub(super) turn: &'a Turn,
    /// The text that may go out by now.
    pub(super) released: &'a str,
    /// Whether the released text is the whole reply.
    pub(super) complete: bool,
}

/// Which frame a push carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    RunStarted,
    ChatStatus,
    TextStart,
    Text { bytes: usize, utf16: u64 },
    TextEnd,
}

impl Listener {
    pub(super) fn new(row: ConnectionRow, now: Instant) -> Self {
        let stage = Stage::Nothing;
        let pause = Duration::ZERO;
        Self {
            stamp: row.stamp,
            stage,
            sent: (0, 0),
            status: None,
            busy: false,
            pause,
            not_before: now,
        }
    }

    /// Begins anew if the connection has resumed since.
    pub(super) fn meet(&mut self, row: ConnectionRow, now: Instant) {
        if self.stamp != row.stamp {
            let busy = self.busy;
            *self = Self { busy, ..Self::new(row, now) };
        }
    }

    /// Goes back to the beginning of the text for a new generation.
    pub(super) fn restart(&mut self) {
        self.stage = self.stage.min(Stage::RunStarted);
        self.sent = (0, 0);
        self.status = None;
    }

    pub(super) fn announce(&mut self, status: &str) {
        self.status = Some(status.to_owned());
    }

    /// Returns the frame that is next for this connection, if there is one.
    pub(super) fn next(&self, scene: &Scene<'_>) -> Option<(Step, String)> {
        let turn = scene.turn;
        let facts = || Metadata::of(turn.turn, turn.epoch);
        let id = || ag_ui::message_id(&turn.message_id, turn.epoch);
        if self.stage == Stage::Nothing {
            let event = Event::RunStarted {
                thread_id: scene.session,
                run_id: &turn.message_id,
                metadata: facts(),
            };
            return Some((Step::RunStarted, event.to_frame()));
        }
        if let Some(status) = &self.status {
            return Some((Step::ChatStatus, status.clone()));
        }
        let restarted = turn.epoch > shared::domain::Epoch::FIRST;
        if self.stage == Stage::RunStarted {
            let event =
                Event::TextMessageStart { message_id: id(), role: "assistant", metadata: facts() };
            return (restarted || !scene.released.is_empty())
                .then(|| (Step::TextStart, event.to_frame()));
        }
        let (bytes, offset) = self.sent;
        if bytes < scene.released.len() {
            let (frame, end) = ag_ui::text_frame(turn, scene.released, bytes, offset);
            let utf16 = offset + utf16_len(&scene.released[bytes..end]);
            return Some((Step::Text { bytes: end, utf16 }, frame));
        }
        let event = Event::TextMessageEnd { message_id: id(), metadata: facts() };
        (scene.complete && self.stage == Stage::TextStarted)
            .then(|| (Step::TextEnd, event.to_frame()))
    }

    /// Notes that a frame went out.
    pub(super) fn took(&mut self, step: Step, now: Instant) {
        self.not_before = now + self.pause;
        match step {
            Step::RunStarted => self.stage = self.stage.max(Stage::RunStarted),
            Step::ChatStatus => self.status = None,
            Step::TextStart => self.stage = Stage::TextStarted,
            Step::Text { bytes, utf16 } => self.sent = (bytes, utf16),
            Step::TextEnd => self.stage = Stage::TextEnded,
        }
    }

    /// Notes that the connection did not take a frame in time, or that the gateway throttles it.
    pub(super) fn slow_down(&mut self, now: Instant) {
        let [least, longest] = PAUSES;
        self.pause = (self.pause * 2).clamp(least, longest);
        self.not_before = now + self.pause;
    }

    pub(super) fn stamp(&self) -> &str {
        &self.stamp
    }
}
