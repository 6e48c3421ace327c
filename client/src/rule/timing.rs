//! When a client asks to resume: on every open, and when something may be missing, at the paces of
//! the protocol.

use std::time::Duration;

const UNANSWERED: Duration = Duration::from_secs(5);
const GAP: Duration = Duration::from_secs(2);
const SILENCE: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_mins(5);
/// A batch of finals has at most 20; a smaller one is over when nothing follows it.
const FULL_BATCH: u32 = 20;
const BATCH_PAUSE: Duration = Duration::from_millis(200);

/// What a client knows of its connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Link {
    state: State,
    asked_at: Option<Duration>,
    /// When the last frame came, or the socket opened.
    pub(super) heard_at: Duration,
    /// Something is missing.
    pub(super) gap: bool,
    /// To be asked whatever the pace.
    pub(super) urgent: bool,
    /// The finals that came in line since it last asked.
    pub(super) finals: u32,
    /// The cursor with which the connection began.
    pub(super) cursor_at_open: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    /// Open, and `chat.resumed` did not come yet.
    Unanswered,
    Resumed,
}

/// What else decides when to ask.
pub(super) struct Known {
    /// The service has turns above the cursor.
    pub(super) behind: bool,
    /// A turn that is known of is not final.
    pub(super) unfinished: bool,
}

impl Link {
    pub(super) fn opened(now: Duration, cursor: u64) -> Self {
        Self { state: State::Unanswered, heard_at: now, cursor_at_open: cursor, ..Self::default() }
    }

    /// Notes that `chat.resumed` came; the finals of its batch follow.
    pub(super) fn resumed(&mut self) {
        (self.state, self.finals) = (State::Resumed, 0);
    }

    pub(super) fn is_resumed(&self) -> bool {
        self.state == State::Resumed
    }

    /// Returns when to ask, if nothing comes before; a time that is past means at once.
    pub(super) fn ask_at(&self, known: &Known) -> Option<Duration> {
        if self.state == State::Closed {
            return None;
        }
        let Some(asked_at) = self.asked_at.filter(|_| !self.urgent) else {
            return Some(Duration::ZERO);
        };
        // Only after finals came: without one, asking again would bring the same answer.
        let more = self.is_resumed() && self.finals > 0 && known.behind;
        let pause = if self.finals >= FULL_BATCH { Duration::ZERO } else { BATCH_PAUSE };
        let reasons = [
            (!self.is_resumed(), asked_at + UNANSWERED),
            (self.gap, asked_at + GAP),
            (more, self.heard_at + pause),
            (known.unfinished, self.heard_at.max(asked_at) + SILENCE),
            (true, asked_at + KEEP_ALIVE),
        ];
        reasons.into_iter().filter_map(|(holds, at)| holds.then_some(at)).min()
    }

    pub(super) fn asked(&mut self, now: Duration) {
        (self.asked_at, self.gap, self.urgent, self.finals) = (Some(now), false, false, 0);
    }
}
