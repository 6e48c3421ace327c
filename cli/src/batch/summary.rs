//! Statistics of a batch.

use serde::Deserialize;
use serde_json::{Value, json};
use shared::domain::{MicroUsd, TurnKind, Usage};
use shared::protocol::Timings;

use crate::output::{Output, Table, Tone, count, millis, money};
use crate::times::Times;

/// The fields of an answer that the statistics use.
#[derive(Debug, Deserialize)]
pub(super) struct CountedAnswer {
    pub(super) line: u64,
    pub(super) kind: Option<TurnKind>,
    #[serde(default)]
    pub(super) usage: Usage,
    pub(super) cost_micro_usd: Option<MicroUsd>,
    #[serde(default)]
    pub(super) timings: Timings,
    #[serde(default)]
    pub(super) provider_batch: bool,
}

/// The statistics so far.
#[derive(Debug, Default)]
pub(super) struct BatchSummary {
    pub(super) answered: u64,
    pub(super) failed: u64,
    pub(super) cancelled: u64,
    pub(super) rejected: u64,
    input_tokens: u64,
    output_tokens: u64,
    cached_tokens: u64,
    cost_micro_usd: i64,
    unpriced: u64,
    queue: Times,
    first: Times,
    total: Times,
}

impl BatchSummary {
    /// Adds an answer.
    pub(super) fn count(&mut self, answer: &CountedAnswer) {
        match answer.kind {
            Some(TurnKind::Error) => self.failed += 1,
            Some(TurnKind::Cancelled) => self.cancelled += 1,
            _ => self.answered += 1,
        }
        self.input_tokens += answer.usage.input_tokens;
        self.output_tokens += answer.usage.output_tokens;
        self.cached_tokens += answer.usage.cached_input_tokens;
        match answer.cost_micro_usd {
            Some(MicroUsd(cost)) => self.cost_micro_usd += cost,
            None => self.unpriced += u64::from(answer.usage.output_tokens > 0),
        }
        // A provider does not report when it started a request.
        if !answer.provider_batch {
            self.queue.add(answer.timings.queue_ms);
        }
        self.total.add(answer.timings.total_ms);
        if let Some(first) = answer.timings.first_token_ms {
            self.first.add(first);
        }
    }

    /// Returns how many lines are answered.
    pub(super) fn done(&self) -> u64 {
        self.answered + self.failed + self.cancelled
    }

    /// Returns the cost in millionths of a US dollar.
    pub(super) fn cost(&self) -> i64 {
        self.cost_micro_usd
    }

    /// Returns whether any line failed, was cancelled or was rejected.
    pub(super) fn has_errors(&self) -> bool {
        self.failed + self.cancelled + self.rejected > 0
    }

    /// Returns the statistics for scripts.
    pub(super) fn object(&self, kind: &str, batch: &str, lines: u64) -> Value {
        json!({
            "type": kind, "batch": batch, "lines": lines, "done": self.done(),
            "answered": self.answered,
            "failed": self.failed, "cancelled": self.cancelled, "rejected": self.rejected,
            "left": lines.saturating_sub(self.done() + self.rejected),
            "input_tokens": self.input_tokens, "cached_input_tokens": self.cached_tokens,
            "output_tokens": self.output_tokens, "cost_micro_usd": self.cost_micro_usd,
            "unpriced": self.unpriced,
            "queue_ms": self.queue.summary(), "first_token_ms": self.first.summary(),
            "total_ms": self.total.summary(),
        })
    }

    /// Prints the statistics.
    pub(super) fn show(&self, output: Output, lines: u64) {
        let mut table = Table::new(&["", ">", ""]);
        let mut row = |name: &str, number: u64, tone: Option<Tone>| {
            if number > 0 || tone.is_none() {
                table.row([name.to_owned(), count(number), String::new()]);
                if let Some(tone) = tone {
                    table.tone(1, tone);
                }
            }
        };
        row("lines", lines, None);
        row("answered", self.answered, None);
        row("failed", self.failed, Some(Tone::Bad));
        row("stopped", self.cancelled, Some(Tone::Warning));
        row("rejected", self.rejected, Some(Tone::Bad));
        row("remaining", lines.saturating_sub(self.done() + self.rejected), Some(Tone::Warning));
        row("input tokens", self.input_tokens, None);
        row("output tokens", self.output_tokens, None);
        table.row(["cost".to_owned(), money(MicroUsd(self.cost_micro_usd)), String::new()]);
        output.table(&table);
        if self.unpriced > 0 {
            output.line(&format!(
                "{} answers came from a model without a known price",
                count(self.unpriced)
            ));
        }
        let mut times = Table::new(&["latency", ">p50", ">p90", ">p99", ">max"]);
        for (name, all) in [
            ("queue", &self.queue),
            ("time to first token", &self.first),
            ("time to full reply", &self.total),
        ] {
            if let Some(p) = all.summary() {
                times.row([
                    name.to_owned(),
                    millis(p.p50),
                    millis(p.p90),
                    millis(p.p99),
                    millis(p.max),
                ]);
            }
        }
        if !times.is_empty() {
            output.line("");
            output.table(&times);
        }
    }
}
