//! Compares old and new answers, one by one and in total.

use std::collections::HashMap;

use serde_json::{Value, json};
use shared::domain::{FinishReason, MicroUsd, TurnKind};
use shared::operator::TurnView;

use super::selection::ReplayCase;
use super::source::RecordedAnswer;
use super::{cost, span};
use crate::output::count;
use crate::times::Times;

/// Which of two answers a judge prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Preference {
    Old,
    New,
    Same,
    Unclear,
}

impl Preference {
    /// Returns the word for it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::New => "new",
            Self::Same => "same",
            Self::Unclear => "unclear",
        }
    }
}

/// A message with both of its answers.
#[derive(Debug)]
pub(super) struct AnswerPair {
    pub(super) case: ReplayCase,
    pub(super) new: RecordedAnswer,
    pub(super) vote: Option<Preference>,
}

impl AnswerPair {
    pub(super) fn new(case: ReplayCase, turn: &TurnView) -> Self {
        Self { case, new: RecordedAnswer::of(turn), vote: None }
    }

    /// Tells whether both answers are the same text.
    pub(super) fn is_same(&self) -> bool {
        self.case.old.kind == self.new.kind && self.case.old.text == self.new.text
    }

    /// Returns how many words both have, in percent of all: 100 where they are the same, 0 where
    /// none is.
    pub(super) fn likeness(&self) -> u64 {
        let words = |answer: &RecordedAnswer| {
            let mut words: HashMap<String, i64> = HashMap::new();
            for word in answer.text.as_deref().unwrap_or_default().split_whitespace() {
                let word: String = word
                    .chars()
                    .filter(|c| c.is_alphanumeric())
                    .flat_map(char::to_lowercase)
                    .collect();
                *words.entry(word).or_default() += 1;
            }
            words
        };
        let old = words(&self.case.old);
        let new = words(&self.new);
        let all: i64 = old.values().chain(new.values()).sum();
        let both: i64 =
            old.iter().map(|(word, count)| (*count).min(new.get(word).copied().unwrap_or(0))).sum();
        if all == 0 { 100 } else { u64::try_from(200 * both / all).unwrap_or(0) }
    }

    /// Returns the pair for scripts.
    pub(super) fn object(&self) -> Value {
        let ReplayCase { session_key, message_id, turn, message, document_id, history, old } =
            &self.case;
        json!({
            "type": "pair", "session_key": session_key, "message_id": message_id, "turn": turn,
            "message": message,
            "document_id": document_id, "history": history.len(), "old": old, "new": self.new,
            "same": self.is_same(), "likeness": self.likeness(),
            "length_difference": length(&self.new).cast_signed() - length(old).cast_signed(),
            "cost_difference_micro_usd": self.new.cost_micro_usd.zip(old.cost_micro_usd).map(|(new, old)| new.0 - old.0),
            "total_ms_difference": self.new.timings.total_ms.cast_signed() - old.timings.total_ms.cast_signed(),
            "judge": self.vote.map(Preference::as_str),
        })
    }
}

/// Returns how many characters an answer has.
pub(super) fn length(answer: &RecordedAnswer) -> u64 {
    answer.text.as_deref().map_or(0, |text| text.chars().count() as u64)
}

/// Tells whether a model declined to answer.
pub(super) fn is_refusal(answer: &RecordedAnswer) -> bool {
    matches!(answer.finish_reason, Some(FinishReason::Refusal | FinishReason::ContentFilter))
}

/// One side of all pairs in figures.
#[derive(Debug, Default)]
pub(super) struct AnswerStats {
    pub(super) models: Vec<String>,
    pub(super) failed: u64,
    refused: u64,
    cut_off: u64,
    length: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost: Option<i64>,
    first: Times,
    total: Times,
}

impl AnswerStats {
    fn of<'a>(answers: impl Iterator<Item = &'a RecordedAnswer>) -> Self {
        let mut side = Self { cost: Some(0), ..Self::default() };
        for answer in answers {
            let model =
                answer.model.clone().or(answer.provider.map(|provider| provider.to_string()));
            if let Some(model) = model.filter(|model| !side.models.contains(model)) {
                side.models.push(model);
            }
            side.failed += u64::from(answer.kind == Some(TurnKind::Error));
            side.refused += u64::from(is_refusal(answer));
            side.cut_off += u64::from(answer.finish_reason == Some(FinishReason::Length));
            side.length += length(answer);
            let usage = answer.usage.unwrap_or_default();
            side.input_tokens += usage.input_tokens;
            side.output_tokens += usage.output_tokens;
            // One answer without a price makes any sum a wrong one.
            let spent = answer.cost_micro_usd.map(|MicroUsd(micro)| micro);
            let free = (usage.output_tokens == 0).then_some(0);
            side.cost = side.cost.zip(spent.or(free)).map(|(sum, cost)| sum + cost);
            side.total.add(answer.timings.total_ms);
            if let Some(first) = answer.timings.first_token_ms {
                side.first.add(first);
            }
        }
        side
    }

    fn object(&self) -> Value {
        json!({
            "models": self.models, "failed": self.failed, "refused": self.refused,
            "cut_off": self.cut_off,
            "characters": self.length, "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cost_micro_usd": self.cost, "first_token_ms": self.first.summary(),
            "total_ms": self.total.summary(),
        })
    }
}

/// All pairs in figures.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) pairs: u64,
    pub(super) old: AnswerStats,
    pub(super) new: AnswerStats,
    votes: Option<[u64; 4]>,
}

impl Comparison {
    pub(super) fn of(pairs: &[AnswerPair]) -> Self {
        let mut votes = None;
        for vote in pairs.iter().filter_map(|pair| pair.vote) {
            votes.get_or_insert([0; 4])[vote as usize] += 1;
        }
        Self {
            pairs: pairs.len() as u64,
            old: AnswerStats::of(pairs.iter().map(|pair| &pair.case.old)),
            new: AnswerStats::of(pairs.iter().map(|pair| &pair.new)),
            votes,
        }
    }

    /// Returns how often the judge preferred old, new, neither, and could not be understood.
    pub(super) fn votes(&self) -> Option<[u64; 4]> {
        self.votes
    }

    /// Returns the figures for people: a name, the old one, the new one.
    pub(super) fn rows(&self) -> Vec<(&'static str, String, String)> {
        let mean = |side: &AnswerStats| count(side.length.checked_div(self.pairs).unwrap_or(0));
        let both = |name, of: &dyn Fn(&AnswerStats) -> String| (name, of(&self.old), of(&self.new));
        vec![
            both("model", &|side| side.models.join(", ")),
            both("answers", &|_| count(self.pairs)),
            both("failed", &|side| count(side.failed)),
            both("refused", &|side| count(side.refused)),
            both("cut off at the length limit", &|side| count(side.cut_off)),
            both("mean characters", &mean),
            both("input tokens", &|side| count(side.input_tokens)),
            both("output tokens", &|side| count(side.output_tokens)),
            both("cost", &|side| cost(side.cost)),
            both("time to first token, p50", &|side| span(side.first.percentile(50))),
            both("time to full reply, p50", &|side| span(side.total.percentile(50))),
            both("time to full reply, p90", &|side| span(side.total.percentile(90))),
        ]
    }

    /// Returns the figures for scripts.
    pub(super) fn object(&self) -> Value {
        let [old, new, same, unclear] = self.votes.unwrap_or_default();
        let judge =
            self.votes.map(|_| json!({ "old": old, "new": new, "same": same, "unclear": unclear }));
        json!({
            "type": "summary", "pairs": self.pairs, "old": self.old.object(),
            "new": self.new.object(), "judge": judge,
        })
    }
}
