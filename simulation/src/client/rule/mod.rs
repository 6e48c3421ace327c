//! The client rule: which frames count, what is final, and what is missing.
//!
//! A reducer without clock and without effects: an input and its time go in, actions come out, and
//! whoever drives it performs them in their order. Times are spans since any beginning that the
//! driver chose.

mod frame;
mod timing;
mod turn;
mod variant;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use self::frame::{EndFrame, Frame, Resumed, TurnEvent, TurnFrame};
use self::timing::{Known, Link};
pub use self::turn::ShownTurn;
use self::turn::{Damaged, Held};
pub use self::variant::Variant;
use super::account::StoredTurn;

/// How long a fetch has before it is asked for again.
const FETCH_AGAIN: Duration = Duration::from_secs(5);

/// What happened to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input<'a> {
    /// The socket opened.
    Opened,
    /// The socket closed.
    Closed,
    /// A frame came.
    Frame(Frame<'a>),
    /// The history answered a fetch.
    History(Vec<StoredTurn>),
    /// The history answered that there is no such session.
    Gone,
    /// Time passed.
    Tick,
    /// The user sends this message; told before it goes out, because its final can overtake the
    /// 202.
    Sending(&'a str),
    /// This message was refused.
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
    /// Read the history after this turn, and hand the answer back.
    Fetch {
        /// The turn before the one that is wanted.
        after: u64,
    },
    /// Show another provisional text, [`Rule::text`].
    Text {
        /// Of this turn.
        turn: u64,
        /// Of this generation.
        generation: u64,
    },
    /// Show a final; they come in order, none skipped.
    Final(ShownTurn),
    /// The service has no turns up to this one any more; what comes next is the one after it.
    Moved {
        /// The cursor.
        cursor: u64,
    },
    /// Forget everything shown: the session began anew, or is gone.
    Forget,
    /// The history's text of this turn is not the one that its frame announced; it was not taken.
    Damaged {
        /// The turn.
        turn: u64,
    },
}

/// The state of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    variant: Variant,
    cursor: u64,
    born: Option<i64>,
    next: u64,
    /// The turns above the cursor of which something came.
    turns: BTreeMap<u64, Held>,
    awaited: BTreeSet<String>,
    link: Link,
}

impl Rule {
    /// Makes a client that has seen nothing.
    pub fn new(variant: Variant) -> Self {
        let turns = BTreeMap::new();
        let awaited = BTreeSet::new();
        Self { variant, cursor: 0, born: None, next: 1, turns, awaited, link: Link::default() }
    }

    /// Applies an input, and adds what has to be done to `actions`. `now` never goes back.
    pub fn apply(&mut self, input: Input<'_>, now: Duration, actions: &mut Vec<Action>) {
        match input {
            Input::Opened => self.link = Link::opened(now, self.cursor),
            Input::Closed => self.link = Link::default(),
            Input::Frame(frame) => self.on_frame(frame, now, actions),
            Input::History(turns) => self.on_history(turns, actions),
            Input::Gone => self.forget(actions),
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

    /// Returns when the next [`Input::Tick`] matters, if nothing comes before.
    pub fn wake_at(&self) -> Option<Duration> {
        let fetches = self.turns.values().filter_map(Held::fetch_at);
        fetches.chain(self.link.ask_at(&self.known())).min()
    }

    /// Returns the highest turn up to which the client holds every final.
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// Returns the provisional text of a turn.
    pub fn text(&self, turn: u64) -> &str {
        self.turns.get(&turn).map_or("", |held| &held.text)
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
        let held = self.turns.entry(turn).or_default();
        let effect = held.apply(frame, self.variant);
        if effect.text_changed {
            actions.push(Action::Text { turn, generation: held.generation });
        }
        if effect.gap || self.misses_a_final_before(turn) {
            self.link.gap = true;
        }
        self.settle(actions);
    }

    /// A turn runs only after the one before it has ended, so its frames prove that all finals
    /// before it are stored.
    fn misses_a_final_before(&self, turn: u64) -> bool {
        (self.cursor + 1..turn).any(|earlier| !self.turns.get(&earlier).is_some_and(Held::is_final))
    }

    fn on_resumed(&mut self, resumed: Resumed, actions: &mut Vec<Action>) {
        self.link.resumed();
        // `next` may be older than the finals that overtook it on this connection; so it is held
        // against the cursor with which the connection began.
        let reborn = self.born.is_some_and(|born| born != resumed.born);
        if reborn || self.link.cursor_at_open >= resumed.next {
            self.forget(actions);
            self.link.cursor_at_open = 0;
            self.link.urgent = true;
        }
        self.born = Some(resumed.born);
        self.next = self.next.max(resumed.next);
        if self.cursor + 1 < resumed.first {
            self.move_to(resumed.first - 1);
            actions.push(Action::Moved { cursor: self.cursor });
        }
        self.settle(actions);
    }

    fn on_history(&mut self, turns: Vec<StoredTurn>, actions: &mut Vec<Action>) {
        for stored in turns {
            let turn = stored.turn;
            if turn <= self.cursor {
                continue;
            }
            if let Err(Damaged) = self.turns.entry(turn).or_default().learn(stored) {
                actions.push(Action::Damaged { turn });
            }
        }
        self.settle(actions);
    }

    /// Moves the cursor over every final that now stands in line.
    fn settle(&mut self, actions: &mut Vec<Action>) {
        while let Some(number) = self.variant.next_final(self.cursor, &self.turns) {
            let Some(shown) = self.turns.remove(&number).and_then(Held::into_final) else { return };
            self.move_to(number);
            self.awaited.remove(&shown.message_id);
            self.link.finals += 1;
            actions.push(Action::Final(shown));
        }
    }

    fn move_to(&mut self, cursor: u64) {
        self.cursor = cursor;
        while self.turns.first_key_value().is_some_and(|(number, _)| *number <= cursor) {
            self.turns.pop_first();
        }
    }

    /// Messages that the user sent are still awaited: the newest of them may be what began the
    /// session anew.
    fn forget(&mut self, actions: &mut Vec<Action>) {
        (self.cursor, self.born, self.next) = (0, None, 1);
        self.turns.clear();
        actions.push(Action::Forget);
    }

    fn fetch_withheld(&mut self, now: Duration, actions: &mut Vec<Action>) {
        for (number, held) in &mut self.turns {
            if held.fetch_if_due(now, FETCH_AGAIN) {
                actions.push(Action::Fetch { after: number - 1 });
            }
        }
    }

    fn known(&self) -> Known {
        let behind = self.cursor + 1 < self.next;
        Known { behind, unfinished: behind || !self.turns.is_empty() || !self.awaited.is_empty() }
    }
}
