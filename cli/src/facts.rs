//! Figures of events: what `yogi stats` shows.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use serde_json::Value;
use shared::operator::StoredEvent;

/// Times by how often they were seen: percentiles without keeping every one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Times {
    counts: BTreeMap<u64, u64>,
    total: u64,
}

impl Times {
    /// Adds one.
    pub(crate) fn add(&mut self, ms: u64) {
        // Three digits are enough for people, and keep the list short however many there are.
        let step = match ms {
            0..1_000 => 1,
            1_000..10_000 => 10,
            10_000..100_000 => 100,
            _ => 1_000,
        };
        *self.counts.entry(ms / step * step).or_default() += 1;
        self.total += 1;
    }

    /// Returns the time below which so many percent are; none where there are no times.
    pub(crate) fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (self.total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        for (ms, count) in &self.counts {
            seen += count;
            if seen >= rank {
                return Some(*ms);
            }
        }
        None
    }

    /// Returns the usual four.
    pub(crate) fn summary(&self) -> Option<Percentiles> {
        Some(Percentiles {
            p50: self.percentile(50)?,
            p90: self.percentile(90)?,
            p99: self.percentile(99)?,
            max: self.percentile(100)?,
        })
    }
}

/// The usual four, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) max: u64,
}

/// The figures of some events.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    pub(crate) restarted: u64,
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) cost_micro_usd: i64,
    pub(crate) unpriced: u64,
    pub(crate) queue: Times,
    pub(crate) first: Times,
    pub(crate) total: Times,
}

/// The figures of a span of time, whole and by parts.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) all: Figures,
    pub(crate) by_day: BTreeMap<String, Figures>,
    pub(crate) by_model: BTreeMap<String, Figures>,
    pub(crate) by_document: BTreeMap<String, Figures>,
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) rated: [u64; 2],
    seen: HashSet<String>,
}

impl Facts {
    /// Adds an event once, however often it was published.
    pub(crate) fn add(&mut self, event: &StoredEvent) {
        if !self.seen.insert(event.id.clone()) {
            return;
        }
        let detail = &event.detail;
        match event.detail_type.as_str() {
            "Chat Message" | "Chat Failed" => self.turn(detail),
            "Chat Feedback" => self.rated[usize::from(detail["rating"] != "up")] += 1,
            _ => (),
        }
    }

    fn turn(&mut self, detail: &Value) {
        let text = |field: &str| detail[field].as_str().map(str::to_owned);
        let day = text("timestamp").unwrap_or_default().chars().take(10).collect();
        let model = text("model").or_else(|| text("provider")).unwrap_or_else(|| "nobody".to_owned());
        self.all.add(detail);
        self.by_day.entry(day).or_default().add(detail);
        self.by_model.entry(model).or_default().add(detail);
        self.by_document
            .entry(text("document_id").unwrap_or_else(|| "no document".to_owned()))
            .or_default()
            .add(detail);
        if let Some(code) = text("error_code") {
            *self.errors.entry(code).or_default() += 1;
        }
    }
}

impl Figures {
    /// Returns how many turns there were.
    pub(crate) fn turns(&self) -> u64 {
        self.answered + self.failed + self.cancelled
    }

    fn add(&mut self, detail: &Value) {
        let number = |field: &str| detail[field].as_u64();
        match (detail["error_code"].is_string(), detail["finish_reason"] == "cancelled") {
            (true, _) => self.failed += 1,
            (_, true) => self.cancelled += 1,
            _ => self.answered += 1,
        }
        self.restarted += u64::from(number("generations").unwrap_or(1) > 1);
        self.input_tokens += number("input_tokens").unwrap_or(0);
        self.output_tokens += number("output_tokens").unwrap_or(0);
        match detail["cost_micro_usd"].as_i64() {
            Some(cost) => self.cost_micro_usd += cost,
            None => self.unpriced += u64::from(number("output_tokens").unwrap_or(0) > 0),
        }
        for (times, field) in
            [(&mut self.queue, "queue_ms"), (&mut self.first, "first_token_ms"), (&mut self.total, "total_ms")]
        {
            if let Some(ms) = number(field) {
                times.add(ms);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use shared::domain::Timestamp;

    #[test]
    fn percentiles_are_those_of_the_sorted_times() {
        let mut times = Times::default();
        assert_eq!(times.summary(), None);
        (1..=100).for_each(|ms| times.add(ms));
        assert_eq!(times.summary(), Some(Percentiles { p50: 50, p90: 90, p99: 99, max: 100 }));
        times.add(123_456);
        assert_eq!(times.percentile(100), Some(123_000));
    }

    #[test]
    fn an_event_that_was_published_twice_counts_once() {
        let detail = json!({ "timestamp": "2026-11-27T08:00:00Z", "model": "m", "output_tokens": 5, "total_ms": 7 });
        let event = StoredEvent {
            seq: 1,
            id: "e1".to_owned(),
            detail_type: "Chat Message".to_owned(),
            detail,
            published_at: Timestamp(0),
        };
        let mut facts = Facts::default();
        facts.add(&event);
        facts.add(&StoredEvent { seq: 2, ..event });
        assert_eq!((facts.all.answered, facts.all.output_tokens), (1, 5));
        assert_eq!(facts.by_day["2026-11-27"].unpriced, 1);
        assert_eq!(facts.by_document["no document"].turns(), 1);
    }
}
