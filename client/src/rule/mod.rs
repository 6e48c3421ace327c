//! The client rule: which frames count, which turns are final, and what is missing.
//!
//! A reducer without a clock and without side effects: the driver passes in an input and the
//! current time, and performs the returned actions in their order. Times are measured from any
//! fixed moment that the driver chooses.
//!
//! The driver needs nothing else to be correct. Frames may be lost, repeated, reordered, or belong
//! to an attempt that was abandoned; the rule ignores what is stale, asks the service for what is
//! missing, and hands out finals in order and without gaps. Any loss is repaired by the next
//! `resume`.

mod frame;
mod timing;
mod turn;
mod variant;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use self::frame::{EndFrame, FinalDetails, Frame, Resumed, TurnEvent, TurnFrame};
use self::timing::{Known, Link};
pub use self::turn::FinalTurn;
use self::turn::{ChecksumMismatch, PendingTurn};
pub use self::variant::Variant;
use crate::account::StoredTurn;

/// How long to wait for the answer to a fetch before repeating it.
const FETCH_RETRY: Duration = Duration::from_secs(5);

/// What happened to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input<'a> {
    /// The socket opened.
    Opened,
    /// The socket closed.
    Closed,
    /// A frame arrived.
    Frame(Frame<'a>),
    /// The history returned these turns.
    History(Vec<StoredTurn>),
    /// The service said that the session does not exist.
    Gone,
    /// Time passed.
    Tick,
    /// The user is about to send the message with this id. To be reported before the request goes
    /// out, because the final can arrive before the 202.
    Sending(&'a str),
    /// The message with this id was refused.
    Unsent(&'a str),
}

/// What a client has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask on the socket for everything after this turn.
    Resume {
        /// The cursor.
        after: u64,
    },
    /// Read the history after this turn, and pass the result to [`Input::History`].
    Fetch {
        /// The turn before the one that is needed.
        after: u64,
    },
    /// Show the changed provisional text, [`ClientRule::text`].
    Text {
        /// The turn.
        turn: u64,
        /// The generation that the text belongs to.
        generation: u64,
    },
    /// Show what the service is doing for a turn.
    Status {
        /// The turn.
        turn: u64,
        /// The phase, such as `retrying`.
        phase: String,
    },
    /// Show a final. Finals come in order, and none is skipped.
    Final(FinalTurn),
    /// The service no longer stores the turns up to this one; the next final is the one after it.
    Skipped {
        /// The new cursor.
        cursor: u64,
    },
    /// Remove everything shown: the session was created anew, or no longer exists.
    Reset,
    /// A final's text does not match its checksum. It was rejected, and will be fetched again.
    ChecksumMismatch {
        /// The turn.
        turn: u64,
    },
}

/// The state of one client of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRule {
    variant: Variant,
    cursor: u64,
    born: Option<i64>,
    next: u64,
    /// The turns above the cursor about which anything is known.
    turns: BTreeMap<u64, PendingTurn>,
    awaited: BTreeSet<String>,
    link: Link,
}

impl ClientRule {
    /// Creates the state of a client that has seen nothing.
    pub fn new(variant: Variant) -> Self {
        Self {
            variant,
            cursor: 0,
            born: None,
            next: 1,
            turns: BTreeMap::new(),
            awaited: BTreeSet::new(),
            link: Link::default(),
        }
    }

    /// Makes it the state of a client that already holds every final up to `cursor`.
    #[must_use]
    pub fn with_cursor(self, cursor: u64) -> Self {
        Self { cursor, next: cursor.saturating_add(1), ..self }
    }

    /// Applies an input, and appends the resulting actions to `actions`. `now` must never decrease.
    pub fn apply(&mut self, input: Input<'_>, now: Duration, actions: &mut Vec<Action>) {
        match input {
            Input::Opened => self.link = Link::opened(now, self.cursor),
            Input::Closed => self.link = Link::default(),
            Input::Frame(frame) => self.on_frame(frame, now, actions),
            Input::History(turns) => self.on_history(turns, actions),
            Input::Gone => self.reset(actions),
            Input::Tick => {}
            Input::Sending(message) => _ = self.awaited.insert(message.to_owned()),
            Input::Unsent(message) => _ = self.awaited.remove(message),
        }
        self.fetch_withheld(now, actions);
        if self.link.ask_at(&self.known()).is_some_and(|at| at <= now) {
            self.link.asked(now);
            actions.push(Action::Resume { after: self.cursor });
        }
    }

    /// Returns when the next [`Input::Tick`] is due if nothing else happens before.
    pub fn wake_at(&self) -> Option<Duration> {
        let fetches = self.turns.values().filter_map(PendingTurn::fetch_at);
        fetches.chain(self.link.ask_at(&self.known())).min()
    }

    /// Returns the highest turn up to which the client holds every final.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Returns whether `chat.resumed` arrived on the open socket.
    pub fn is_resumed(&self) -> bool {
        self.link.is_resumed()
    }

    /// Returns the provisional text of a turn.
    pub fn text(&self, turn: u64) -> &str {
        self.turns.get(&turn).map_or("", |pending| &pending.text)
    }

    /// Returns the length of a turn's provisional text in UTF-16 code units, the unit of offsets.
    pub fn text_length(&self, turn: u64) -> u64 {
        self.turns.get(&turn).map_or(0, PendingTurn::length)
    }

    /// Returns the generation of a turn's provisional text, or 0 if there is none.
    pub fn generation(&self, turn: u64) -> u64 {
        self.turns.get(&turn).map_or(0, |pending| pending.generation)
    }

    fn on_frame(&mut self, frame: Frame<'_>, now: Duration, actions: &mut Vec<Action>) {
        self.link.heard_at = now;
        match frame {
            Frame::Resumed(resumed) => self.on_resumed(resumed, actions),
            Frame::Turn(frame) if self.link.is_resumed() && frame.turn > self.cursor => {
                self.on_turn(frame, actions);
            }
            Frame::Turn(_) | Frame::Other => {}
        }
    }

    fn on_turn(&mut self, frame: TurnFrame<'_>, actions: &mut Vec<Action>) {
        let turn = frame.turn;
        let pending = self.turns.entry(turn).or_default();
        let effect = pending.apply(frame, self.variant);
        if effect.text_changed {
            actions.push(Action::Text { turn, generation: pending.generation });
        }
        if let Some(phase) = effect.phase {
            actions.push(Action::Status { turn, phase });
        }
        if effect.checksum_mismatch {
            actions.push(Action::ChecksumMismatch { turn });
        }
        if effect.gap || self.misses_a_final_before(turn) {
            self.link.gap = true;
        }
        self.settle(actions);
    }

    /// A turn starts only after the one before it has ended, so its frames prove that all earlier
    /// finals are stored.
    fn misses_a_final_before(&self, turn: u64) -> bool {
        (self.cursor + 1..turn)
            .any(|earlier| !self.turns.get(&earlier).is_some_and(PendingTurn::is_final))
    }

    fn on_resumed(&mut self, resumed: Resumed, actions: &mut Vec<Action>) {
        self.link.resumed();
        // Finals pushed on this connection can overtake `chat.resumed`, so `next` may be older than
        // the cursor now is. It is therefore compared with the cursor at which the connection was
        // opened; comparing it with the current one would discard a healthy session.
        let is_recreated = self.born.is_some_and(|born| born != resumed.born);
        if is_recreated || self.link.cursor_at_open >= resumed.next {
            self.reset(actions);
            self.link.cursor_at_open = 0;
            self.link.urgent = true;
        }
        self.born = Some(resumed.born);
        self.next = self.next.max(resumed.next);
        if self.cursor + 1 < resumed.first {
            self.move_to(resumed.first - 1);
            actions.push(Action::Skipped { cursor: self.cursor });
        }
        self.settle(actions);
    }

    fn on_history(&mut self, turns: Vec<StoredTurn>, actions: &mut Vec<Action>) {
        for stored in turns {
            let turn = stored.turn;
            if turn <= self.cursor {
                continue;
            }
            let pending = self.turns.entry(turn).or_default();
            if let Err(ChecksumMismatch) = pending.apply_stored(stored) {
                actions.push(Action::ChecksumMismatch { turn });
            }
        }
        self.settle(actions);
    }

    /// Hands out every final that directly follows the cursor, and moves the cursor.
    fn settle(&mut self, actions: &mut Vec<Action>) {
        while let Some(number) = self.variant.next_final(self.cursor, &self.turns) {
            let Some(turn) = self.turns.remove(&number).and_then(PendingTurn::into_final) else {
                return;
            };
            self.move_to(number);
            self.awaited.remove(&turn.message_id);
            self.link.finals += 1;
            actions.push(Action::Final(turn));
        }
    }

    fn move_to(&mut self, cursor: u64) {
        self.cursor = cursor;
        while self.turns.first_key_value().is_some_and(|(number, _)| *number <= cursor) {
            self.turns.pop_first();
        }
    }

    /// Starts from an empty session. Messages that the user sent remain awaited: the newest of them
    /// may be the one that created the session anew.
    fn reset(&mut self, actions: &mut Vec<Action>) {
        self.cursor = 0;
        self.born = None;
        self.next = 1;
        self.turns.clear();
        actions.push(Action::Reset);
    }

    fn fetch_withheld(&mut self, now: Duration, actions: &mut Vec<Action>) {
        for (number, pending) in &mut self.turns {
            if pending.fetch_if_due(now, FETCH_RETRY) {
                actions.push(Action::Fetch { after: number - 1 });
            }
        }
    }

    fn known(&self) -> Known {
        let behind = self.cursor.saturating_add(1) < self.next;
        Known { behind, unfinished: behind || !self.turns.is_empty() || !self.awaited.is_empty() }
    }
}
