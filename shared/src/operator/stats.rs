//! Figures of a span of time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Latency;
use crate::analytics::{AnalyticsEvent, TurnDetail};
use crate::domain::{ContextUse, FinishReason, Rating, Timestamp};

/// `GET /admin/api/stats?from=&to=&step=`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// Where the span begins.
    pub from: Timestamp,
    /// Where it ends; not in it.
    pub to: Timestamp,
    /// The width of a bucket in milliseconds.
    pub step: u64,
    /// The whole span.
    pub totals: Figures,
    /// The buckets in which something happened, in order.
    pub series: Vec<Bucket>,
    /// By provider, model and source; most turns first.
    pub groups: Vec<Group>,
    /// The documents that were asked about most, at most 20.
    pub documents: Vec<DocumentFigures>,
}

/// One step of the span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Where it begins.
    pub at: Timestamp,
    /// What happened in it.
    pub figures: Figures,
}

/// One provider's model, and for whom it answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The provider; empty where none was asked.
    pub provider: String,
    /// The model; empty where none answered.
    pub model: String,
    /// Whether operators sent the messages.
    pub synthetic: bool,
    /// What happened.
    pub figures: Figures,
}

/// One document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentFigures {
    /// Its id.
    pub document_id: String,
    /// The turns that asked about it.
    pub turns: u64,
    /// What they cost.
    pub cost_micro_usd: u64,
}

/// What happened, counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Turns that reached their final.
    pub turns: u64,
    /// Those that operators sent.
    pub synthetic: u64,
    /// Those that ended as an error, by its code.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub errors: BTreeMap<String, u64>,
    /// Those that were stopped.
    pub cancelled: u64,
    /// Those that the model or its filter refused.
    pub refused: u64,
    /// Those that were begun anew at least once.
    pub restarted: u64,
    /// Those that were answered without their document.
    pub without_document: u64,
    /// Those that were answered from the reply cache.
    pub cached: u64,
    /// Input tokens.
    pub input_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// What they cost.
    pub cost_micro_usd: u64,
    /// Turns whose model has no price.
    pub unpriced: u64,
    /// Ratings "up".
    pub up: u64,
    /// Ratings "down".
    pub down: u64,
    /// Sessions that expired.
    pub expired: u64,
    /// Sessions that were deleted.
    pub deleted: u64,
    /// From acceptance to the claim.
    pub queue: Latency,
    /// Gathering history and document.
    pub context: Latency,
    /// From acceptance to the first piece.
    pub first_token: Latency,
    /// From acceptance to the commit.
    pub total: Latency,
}

/// Who answered, with which model, and whether for operators.
pub type Series = (String, String, bool);

/// Adds figures up to the answer for a span.
#[derive(Debug, Default)]
pub struct Tally {
    buckets: BTreeMap<i64, Figures>,
    groups: BTreeMap<Series, Figures>,
}

impl Tally {
    /// Adds what happened at a time; buckets are `step` milliseconds wide.
    pub fn add(&mut self, at: Timestamp, step: u64, series: Series, figures: &Figures) {
        self.bucket(at, step).add(figures);
        self.groups.entry(series).or_default().add(figures);
    }

    /// Counts an event; buckets are `step` milliseconds wide.
    pub fn count(&mut self, at: Timestamp, step: u64, event: &AnalyticsEvent) {
        self.bucket(at, step).count(event);
        self.groups.entry(series_of(event)).or_default().count(event);
    }

    fn bucket(&mut self, at: Timestamp, step: u64) -> &mut Figures {
        let step = step.max(1).cast_signed();
        self.buckets.entry(at.0 - at.0.rem_euclid(step)).or_default()
    }

    /// Returns the answer for the span; `documents` are in their order.
    pub fn stats(
        self,
        from: Timestamp,
        to: Timestamp,
        step: u64,
        documents: Vec<DocumentFigures>,
    ) -> Stats {
        let mut totals = Figures::default();
        for figures in self.buckets.values() {
            totals.add(figures);
        }
        let series = self.buckets.into_iter();
        let series = series
            .map(|(at, figures)| Bucket { at: Timestamp(at), figures: figures.summed_up() })
            .collect();
        let groups = self.groups.into_iter().filter(|(_, figures)| figures.turns > 0);
        let mut groups: Vec<Group> = groups
            .map(|((provider, model, synthetic), figures)| Group {
                provider,
                model,
                synthetic,
                figures: figures.summed_up(),
            })
            .collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.figures.turns));
        Stats { from, to, step, totals: totals.summed_up(), series, groups, documents }
    }
}

/// Returns whom an event is counted for.
pub fn series_of(event: &AnalyticsEvent) -> Series {
    let text = |name: Option<&str>| name.unwrap_or_default().to_owned();
    (text(event.provider()), text(event.model()), event.is_synthetic())
}

impl Figures {
    /// Counts an event.
    pub fn count(&mut self, event: &AnalyticsEvent) {
        match event {
            AnalyticsEvent::ChatMessage(turn) | AnalyticsEvent::ChatFailed(turn) => {
                self.count_turn(turn);
            }
            AnalyticsEvent::ChatFeedback(feedback) => {
                self.up += u64::from(feedback.rating == Rating::Up.as_str());
                self.down += u64::from(feedback.rating == Rating::Down.as_str());
            }
            AnalyticsEvent::SessionExpired(_) => self.expired += 1,
            AnalyticsEvent::SessionDeleted(_) => self.deleted += 1,
        }
    }

    fn count_turn(&mut self, turn: &TurnDetail) {
        let ended = |reason: FinishReason| u64::from(turn.finish_reason == reason.as_str());
        self.turns += 1;
        self.synthetic += u64::from(turn.synthetic);
        if let Some(code) = &turn.error_code {
            *self.errors.entry(code.clone()).or_default() += 1;
        }
        self.cancelled += ended(FinishReason::Cancelled);
        self.refused += ended(FinishReason::Refusal) + ended(FinishReason::ContentFilter);
        self.restarted += u64::from(turn.generations > 1);
        self.without_document += u64::from(turn.context == ContextUse::Unavailable.as_str());
        self.cached += u64::from(turn.cached);
        self.input_tokens += turn.input_tokens;
        self.output_tokens += turn.output_tokens;
        self.cost_micro_usd += cost_of(turn);
        self.unpriced += u64::from(turn.cost_micro_usd.is_none() && turn.output_tokens > 0);
        self.queue.record(turn.queue_ms);
        self.context.record(turn.context_ms);
        if let Some(first_token_ms) = turn.first_token_ms {
            self.first_token.record(first_token_ms);
        }
        self.total.record(turn.total_ms);
    }

    /// Adds what happened elsewhere, or at another time.
    pub fn add(&mut self, other: &Self) {
        for (code, count) in &other.errors {
            *self.errors.entry(code.clone()).or_default() += count;
        }
        let sums: [(&mut u64, u64); 15] = [
            (&mut self.turns, other.turns),
            (&mut self.synthetic, other.synthetic),
            (&mut self.cancelled, other.cancelled),
            (&mut self.refused, other.refused),
            (&mut self.restarted, other.restarted),
            (&mut self.without_document, other.without_document),
            (&mut self.cached, other.cached),
            (&mut self.input_tokens, other.input_tokens),
            (&mut self.output_tokens, other.output_tokens),
            (&mut self.cost_micro_usd, other.cost_micro_usd),
            (&mut self.unpriced, other.unpriced),
            (&mut self.up, other.up),
            (&mut self.down, other.down),
            (&mut self.expired, other.expired),
            (&mut self.deleted, other.deleted),
        ];
        for (sum, more) in sums {
            *sum += more;
        }
        self.queue.add(&other.queue);
        self.context.add(&other.context);
        self.first_token.add(&other.first_token);
        self.total.add(&other.total);
    }

    /// Fills in the percentiles, and leaves out what they were worked out from.
    #[must_use]
    pub fn summed_up(mut self) -> Self {
        for latency in [&mut self.queue, &mut self.context, &mut self.first_token, &mut self.total]
        {
            latency.sum_up();
        }
        self
    }
}

/// Returns what a turn cost, in millionths of a US dollar.
pub fn cost_of(turn: &TurnDetail) -> u64 {
    turn.cost_micro_usd.and_then(|cost| u64::try_from(cost).ok()).unwrap_or(0)
}
