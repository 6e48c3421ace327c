//! A few turns as the service told them, and what a client makes of what reaches it.

use std::collections::BTreeMap;
use std::time::Duration;

use client::rule::{Action, Input, Variant};
use proptest::collection::vec;
use proptest::prelude::*;
use shared::domain::utf16_len;

use super::driver::Driver;
use super::recordings::{
    cancelled, delta, ended, failed, history, opened, reply, resumed, started, stored,
    stored_failure, withheld,
};

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Reply,
    Cancelled,
    Withheld,
    Failed,
}

/// A turn: the pieces of its generations, and its end.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) generations: Vec<Vec<&'static str>>,
    pub(super) ending: Ending,
}

/// What happens between the service and the client.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// This frame of the story arrives, be it for the first time or again.
    Frame(prop::sample::Index),
    /// Time passes, in milliseconds.
    Wait(u64),
    /// The connection is lost, and opened again.
    Cut,
    /// What the client asked for is answered.
    Answer,
}

impl Told {
    fn text(&self) -> String {
        match self.ending {
            Ending::Failed => String::new(),
            _ => self.generations.last().map(|pieces| pieces.concat()).unwrap_or_default(),
        }
    }

    fn generation(&self) -> u64 {
        self.generations.len().try_into().unwrap()
    }

    fn final_frame(&self, turn: u64) -> String {
        let generation = self.generation();
        let text = self.text();
        match self.ending {
            Ending::Reply => reply(turn, generation, &text),
            Ending::Cancelled => cancelled(turn, generation, &text),
            Ending::Withheld => withheld(turn, generation, &text),
            Ending::Failed => failed(turn, generation),
        }
    }

    fn stored(&self, turn: u64) -> String {
        match self.ending {
            Ending::Failed => stored_failure(turn),
            _ => stored(turn, Some(&self.text())),
        }
    }

    fn frames(&self, turn: u64) -> Vec<String> {
        let mut frames = Vec::new();
        for (generation, pieces) in (1..).zip(&self.generations) {
            frames.extend([started(turn, generation), opened(turn, generation)]);
            let mut offset = 0;
            for piece in pieces {
                frames.push(delta(turn, generation, offset, piece));
                offset += utf16_len(piece);
            }
            frames.push(ended(turn, generation));
        }
        frames.push(self.final_frame(turn));
        frames
    }
}

/// Returns stories, and what becomes of their frames on the way.
pub(super) fn stories() -> impl Strategy<Value = (Vec<Told>, Vec<Step>)> {
    let piece = prop::sample::select(vec!["a", "bé", "🧘", "ab", "ccc 🧘🧘"]);
    let ending = prop::sample::select(vec![
        Ending::Reply,
        Ending::Cancelled,
        Ending::Withheld,
        Ending::Failed,
    ]);
    let turn = (vec(vec(piece, 0..5), 1..4), ending)
        .prop_map(|(generations, ending)| Told { generations, ending });
    let step = prop_oneof![
        20 => any::<prop::sample::Index>().prop_map(Step::Frame),
        2 => (1..3_000_u64).prop_map(Step::Wait),
        1 => Just(Step::Cut),
        3 => Just(Step::Answer),
    ];
    (vec(turn, 1..5), vec(step, 0..80))
}

/// A client and the service that tells it a story; the first thing shown that must not be is kept.
struct Telling<'a> {
    story: &'a [Told],
    client: Driver,
    asked: Vec<Action>,
    texts: BTreeMap<u64, Vec<String>>,
    violation: Option<String>,
}

/// Tells a story, heals, and returns what the client showed that it must not have, or did not show.
pub(super) fn violation(variant: Variant, story: &[Told], steps: &[Step]) -> Option<String> {
    let mut telling = Telling::begin(variant, story);
    let frames: Vec<String> = (1..).zip(story).flat_map(|(turn, told)| told.frames(turn)).collect();
    for step in steps {
        match step {
            Step::Frame(index) => telling.deliver(&frames[index.index(frames.len())]),
            Step::Wait(millis) => telling.wait(Duration::from_millis(*millis)),
            Step::Cut => telling.cut(),
            Step::Answer => telling.answer(),
        }
    }
    telling.heal();
    telling.verdict()
}

impl<'a> Telling<'a> {
    fn begin(variant: Variant, story: &'a [Told]) -> Self {
        let texts = (1..).zip(story).map(|(turn, told)| {
            (turn, told.generations.iter().map(|pieces| pieces.concat()).collect())
        });
        let client = Driver::open(variant);
        let texts = texts.collect();
        let mut telling = Self { story, client, asked: Vec::new(), texts, violation: None };
        telling.deliver(&resumed(1, 1, 7));
        telling
    }

    fn take(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Text { turn, .. } => self.check_text(turn),
                Action::Resume { .. } | Action::Fetch { .. } => self.asked.push(action),
                other => _ = self.violation.get_or_insert(format!("{other:?}")),
            }
        }
        for (number, shown) in (1..).zip(&self.client.finals) {
            if shown.number != number {
                self.violation
                    .get_or_insert(format!("final {} is shown as number {number}", shown.number));
            }
        }
    }

    fn check_text(&mut self, turn: u64) {
        let text = self.client.rule.text(turn);
        if !self.texts[&turn].iter().any(|generation| generation.starts_with(text)) {
            self.violation
                .get_or_insert(format!("turn {turn} shows {text:?}, which no generation had"));
        }
    }

    fn deliver(&mut self, frame: &str) {
        let actions = self.client.frame(frame);
        self.take(actions);
    }

    fn wait(&mut self, span: Duration) {
        self.client.now += span;
        let actions = self.client.give(Input::Tick);
        self.take(actions);
    }

    fn cut(&mut self) {
        self.client.give(Input::Closed);
        self.asked.clear();
        let actions = self.client.give(Input::Opened);
        self.take(actions);
    }

    /// Answers everything that was asked, truly and whole.
    fn answer(&mut self) {
        for asked in std::mem::take(&mut self.asked) {
            match asked {
                Action::Resume { after } => self.answer_resume(after),
                Action::Fetch { after } => {
                    let turns = (1..).zip(self.story).filter(|(turn, _)| *turn > after);
                    let turns: Vec<_> = turns.map(|(turn, told)| told.stored(turn)).collect();
                    let actions = self.client.history(&history(&turns));
                    self.take(actions);
                }
                _ => {}
            }
        }
    }

    fn answer_resume(&mut self, after: u64) {
        let count: u64 = self.story.len().try_into().unwrap();
        self.deliver(&resumed(1, count + 1, 7));
        for (turn, told) in (1..).zip(self.story).filter(|(turn, _)| *turn > after) {
            self.deliver(&told.final_frame(turn));
        }
    }

    /// Nothing is lost any more: a full resume, and whatever the client still asks for within a
    /// minute.
    fn heal(&mut self) {
        self.cut();
        let end = self.client.now + Duration::from_mins(1);
        self.answer();
        while let Some(at) = self.client.rule.wake_at().filter(|at| *at <= end) {
            self.wait(at.saturating_sub(self.client.now));
            self.answer();
        }
    }

    fn verdict(self) -> Option<String> {
        let shown: Vec<_> =
            self.client.finals.iter().map(|shown| (shown.number, shown.text.clone())).collect();
        let stored: Vec<_> =
            (1..).zip(self.story).map(|(turn, told)| (turn, told.text())).collect();
        self.violation
            .or_else(|| (shown != stored).then(|| format!("shown {shown:?}, stored {stored:?}")))
    }
}
