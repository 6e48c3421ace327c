//! A client at a clock of its own.

use std::time::Duration;

use client::account::History;
use client::rule::{Action, ClientRule, FinalTurn, Frame, Input, Variant};
use shared::domain::TurnKind;

use super::recordings::resumed;

/// A client, what it showed and what it asked for.
pub(super) struct Driver {
    pub(super) rule: ClientRule,
    pub(super) now: Duration,
    pub(super) finals: Vec<FinalTurn>,
}

impl Driver {
    /// A client whose socket is open and that nobody has answered yet.
    pub(super) fn open(variant: Variant) -> Self {
        let mut driver =
            Self { rule: ClientRule::new(variant), now: Duration::ZERO, finals: Vec::new() };
        assert_eq!(driver.give(Input::Opened), [Action::Resume { after: 0 }]);
        driver
    }

    /// A client of an empty session, after these frames.
    pub(super) fn after(frames: &[String]) -> Self {
        let mut driver = Self::open(Variant::Faithful);
        driver.frame(&resumed(1, 1, 7));
        driver.frames(frames);
        driver
    }

    /// Gives an input, and returns what there is to do but for the finals, which are kept.
    pub(super) fn give(&mut self, input: Input<'_>) -> Vec<Action> {
        let mut actions = Vec::new();
        self.rule.apply(input, self.now, &mut actions);
        assert!(self.rule.wake_at().is_none_or(|at| at > self.now), "what is due is done");
        actions
            .into_iter()
            .filter_map(|action| match action {
                Action::Final(shown) => {
                    self.finals.push(shown);
                    None
                }
                other => Some(other),
            })
            .collect()
    }

    pub(super) fn frame(&mut self, raw: &str) -> Vec<Action> {
        self.give(Input::Frame(Frame::parse(raw)))
    }

    pub(super) fn frames(&mut self, frames: &[String]) -> Vec<Action> {
        frames.iter().flat_map(|raw| self.frame(raw)).collect()
    }

    pub(super) fn history(&mut self, body: &str) -> Vec<Action> {
        let history: History = serde_json::from_str(body).unwrap();
        self.give(Input::History(history.turns))
    }

    /// Lets time pass until `millis` after the beginning.
    pub(super) fn at(&mut self, millis: u64) -> Vec<Action> {
        self.now = Duration::from_millis(millis);
        self.give(Input::Tick)
    }

    /// The finals shown, as number, kind and text.
    pub(super) fn shown(&self) -> Vec<(u64, TurnKind, &str)> {
        self.finals.iter().map(|shown| (shown.number, shown.kind, shown.text.as_str())).collect()
    }

    /// Claims that nothing is to do before `millis` after the beginning, and then this.
    #[track_caller]
    pub(super) fn check_next(&mut self, millis: u64, expected: &[Action]) {
        assert_eq!(self.rule.wake_at(), Some(Duration::from_millis(millis)), "when it wakes");
        assert_eq!(self.at(millis - 1), [], "a millisecond earlier");
        assert_eq!(self.at(millis), expected);
    }
}

pub(super) fn resume(after: u64) -> Action {
    Action::Resume { after }
}
