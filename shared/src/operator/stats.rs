//! Figures of a span of time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::Timestamp;

/// How many bounds a doubling has: two neighbours differ by a factor of 1.41.
const BOUNDS_PER_DOUBLING: f64 = 2.0;
/// The highest bound, 2^18 ms: more than any turn takes.
const HIGHEST: u8 = 36;

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

/// How often something took how long: mergeable, and exact to a factor of 1.41.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Latency {
    /// How many were measured.
    pub count: u64,
    /// How long they took together, in milliseconds.
    pub sum_ms: u64,
    /// Half took at most so many milliseconds; filled in for answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50: Option<u64>,
    /// 95 of 100 did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95: Option<u64>,
    /// 99 of 100 did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<u64>,
    /// By the number of the bound.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub bounds: BTreeMap<u8, u64>,
}

/// Who answered, with which model, and whether for operators.
pub type Series = (String, String, bool);

/// Adds figures up to the answer for a span.
#[derive(Debug, Default)]
pub struct Tally {
    totals: Figures,
    buckets: BTreeMap<i64, Figures>,
    groups: BTreeMap<Series, Figures>,
}

impl Tally {
    /// Adds what happened at a time; buckets are `step` milliseconds wide.
    pub fn add(&mut self, at: Timestamp, step: u64, series: Series, figures: &Figures) {
        let step = step.max(1).cast_signed();
        self.totals.add(figures);
        self.buckets.entry(at.0 - at.0.rem_euclid(step)).or_default().add(figures);
        self.groups.entry(series).or_default().add(figures);
    }

    /// Returns the answer for the span; `documents` are in their order.
    pub fn stats(
        self,
        from: Timestamp,
        to: Timestamp,
        step: u64,
        documents: Vec<DocumentFigures>,
    ) -> Stats {
        let series = self.buckets.into_iter();
        let series =
            series.map(|(at, figures)| Bucket { at: Timestamp(at), figures: figures.summed_up() });
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
        Stats {
            from,
            to,
            step,
            totals: self.totals.summed_up(),
            series: series.collect(),
            groups,
            documents,
        }
    }
}

/// Returns whom an event is counted for, by its detail.
pub fn series_of(detail: &Value) -> Series {
    let text = |field: &str| detail[field].as_str().unwrap_or_default().to_owned();
    (text("provider"), text("model"), detail["synthetic"] == true)
}

impl Figures {
    /// Counts an event; none for one that is not known here.
    pub fn of_event(detail_type: &str, detail: &Value) -> Option<Self> {
        let one = |is: bool| u64::from(is);
        Some(match detail_type {
            "Chat Message" | "Chat Failed" => Self::of_turn(detail),
            "Chat Feedback" => {
                let up = one(detail["rating"] == "up");
                let down = one(detail["rating"] == "down");
                Self { up, down, ..Self::default() }
            }
            "Session Expired" => Self { expired: 1, ..Self::default() },
            "Session Deleted" => Self { deleted: 1, ..Self::default() },
            _ => return None,
        })
    }

    /// Counts the event of a turn, by its detail.
    fn of_turn(detail: &Value) -> Self {
        let number = |field: &str| detail[field].as_u64().unwrap_or(0);
        let is = |field: &str, value: &str| u64::from(detail[field] == value);
        let error = detail["error_code"].as_str().map(|code| (code.to_owned(), 1));
        let took = |field: &str| detail[field].as_u64().map(Latency::of).unwrap_or_default();
        Self {
            turns: 1,
            synthetic: u64::from(detail["synthetic"] == true),
            errors: error.into_iter().collect(),
            cancelled: is("finish_reason", "cancelled"),
            refused: is("finish_reason", "refusal") + is("finish_reason", "content_filter"),
            restarted: u64::from(number("generations") > 1),
            without_document: is("context", "unavailable"),
            cached: u64::from(detail["cached"] == true),
            input_tokens: number("input_tokens"),
            output_tokens: number("output_tokens"),
            cost_micro_usd: number("cost_micro_usd"),
            unpriced: u64::from(detail["cost_micro_usd"].is_null() && number("output_tokens") > 0),
            queue: took("queue_ms"),
            context: took("context_ms"),
            first_token: took("first_token_ms"),
            total: took("total_ms"),
            ..Self::default()
        }
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

impl Latency {
    /// Counts one that took so many milliseconds.
    pub fn of(millis: u64) -> Self {
        Self {
            count: 1,
            sum_ms: millis,
            bounds: BTreeMap::from([(bound_of(millis), 1)]),
            ..Self::default()
        }
    }

    fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.sum_ms += other.sum_ms;
        for (bound, count) in &other.bounds {
            *self.bounds.entry(*bound).or_default() += count;
        }
    }

    /// Counts those that took at most so many doublings of a millisecond: 2^n ms.
    pub fn within(&self, doublings: u8) -> u64 {
        self.bounds.range(..=doublings.saturating_mul(2)).map(|(_, count)| count).sum()
    }

    /// Returns what so many of a hundred took at most, rounded up to a bound.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let wanted = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let reached = self.bounds.iter().find(|(_, count)| {
            seen += **count;
            seen >= wanted
        });
        reached.map(|(bound, _)| millis_of(*bound))
    }

    fn sum_up(&mut self) {
        (self.p50, self.p95, self.p99) =
            (self.percentile(50), self.percentile(95), self.percentile(99));
        self.bounds.clear();
    }
}

/// Returns the number of the lowest bound that is no lower: bound n is 2^(n/2) ms.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "at most 36"
)]
fn bound_of(millis: u64) -> u8 {
    let exact = (millis.max(1) as f64).log2() * BOUNDS_PER_DOUBLING;
    (exact.ceil() as u64).min(u64::from(HIGHEST)) as u8
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 2^18")]
fn millis_of(bound: u8) -> u64 {
    2_f64.powf(f64::from(bound) / BOUNDS_PER_DOUBLING).round() as u64
}

#[cfg(test)]
mod tests {
    use super::{Latency, bound_of, millis_of};

    #[test]
    fn a_latency_is_never_reported_shorter_and_at_most_half_as_long_again() {
        for millis in 1..=200_000 {
            let reported = millis_of(bound_of(millis));
            assert!(
                reported >= millis && reported * 2 <= millis * 3 + 2,
                "{millis} is reported as {reported}"
            );
        }
    }

    #[test]
    fn percentiles_of_merged_halves_are_those_of_the_whole() {
        let mut low = Latency::default();
        let mut high = Latency::default();
        let mut whole = Latency::default();
        for millis in 1..=1_000 {
            let half = if millis % 2 == 0 { &mut low } else { &mut high };
            half.add(&Latency::of(millis));
            whole.add(&Latency::of(millis));
        }
        low.add(&high);
        assert_eq!(low, whole);
        assert_eq!((whole.percentile(50), whole.percentile(99)), (Some(512), Some(1_024)));
        assert_eq!((whole.within(0), whole.within(9), whole.within(10)), (1, 512, 1_000));
        assert_eq!(whole.sum_ms, 500_500);
        assert_eq!(Latency::default().percentile(50), None);
    }
}
