//! What is counted.

use serde::Serialize;

use crate::event::TurnDetail;

/// A line of the output; its fields are written in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// `day`, `provider` or `document`.
    pub by: By,
    /// The day, provider or document.
    pub key: String,
    /// The counts.
    #[serde(flatten)]
    pub counts: Counts,
    /// The times to the first piece, at the 50th percentile.
    pub first_token_ms_p50: Option<u64>,
    /// The same at the 95th.
    pub first_token_ms_p95: Option<u64>,
    /// The times to the end, at the 50th percentile.
    pub total_ms_p50: Option<u64>,
    /// The same at the 95th.
    pub total_ms_p95: Option<u64>,
}

/// What rows are made by, in the order of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The UTC day of the event.
    Day,
    /// Who answered.
    Provider,
    /// The document that was asked about.
    Document,
}

/// Sums; the README says what each one counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are those of the README's table")]
pub struct Counts {
    pub messages: u64,
    pub failed: u64,
    pub cancelled: u64,
    pub cached: u64,
    pub synthetic: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub cost_micro_usd: i64,
    pub unpriced: u64,
    pub thumbs_up: u64,
    pub thumbs_down: u64,
    pub sessions_expired: u64,
    pub sessions_deleted: u64,
}

/// What has been seen of one day, provider or document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) counts: Counts,
    first_token_ms: Vec<u64>,
    total_ms: Vec<u64>,
}

impl Tally {
    pub(crate) fn add_turn(&mut self, turn: &TurnDetail, failed: bool) {
        let counts = &mut self.counts;
        counts.messages += 1;
        counts.failed += u64::from(failed);
        counts.cancelled += u64::from(turn.finish_reason == "cancelled");
        counts.cached += u64::from(turn.cached);
        counts.synthetic += u64::from(turn.synthetic);
        counts.input_tokens = counts.input_tokens.saturating_add(turn.input_tokens);
        counts.output_tokens = counts.output_tokens.saturating_add(turn.output_tokens);
        counts.cost_micro_usd =
            counts.cost_micro_usd.saturating_add(turn.cost_micro_usd.unwrap_or(0));
        counts.unpriced += u64::from(turn.cost_micro_usd.is_none() && turn.output_tokens > 0);
        self.first_token_ms.extend(turn.first_token_ms);
        self.total_ms.push(turn.total_ms);
    }

    pub(crate) fn add_verdict(&mut self, rating: &str) {
        self.counts.thumbs_up += u64::from(rating == "up");
        self.counts.thumbs_down += u64::from(rating == "down");
    }

    pub(crate) fn row(mut self, by: By, key: String) -> Row {
        self.first_token_ms.sort_unstable();
        self.total_ms.sort_unstable();
        Row {
            by,
            key,
            counts: self.counts,
            first_token_ms_p50: percentile(&self.first_token_ms, 50),
            first_token_ms_p95: percentile(&self.first_token_ms, 95),
            total_ms_p50: percentile(&self.total_ms, 50),
            total_ms_p95: percentile(&self.total_ms, 95),
        }
    }
}

/// Returns the nearest rank: the smallest value that so many of a hundred do not exceed.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let hundred: Vec<_> = (1..=100).collect();
        assert_eq!((percentile(&hundred, 50), percentile(&hundred, 95)), (Some(50), Some(95)));
        assert_eq!((percentile(&[3, 7, 9], 50), percentile(&[3, 7, 9], 95)), (Some(7), Some(9)));
        assert_eq!((percentile(&[4], 50), percentile(&[], 95)), (Some(4), None));
    }
}
