//! What was counted since the start, from the events that were published.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::sleep;

use crate::sqlite::SqliteEvents;
use crate::stop::{Stop, stopped};

/// The bounds of the histograms, in seconds.
pub(super) const BOUNDS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0];
/// How many ids are remembered: a repeated event comes soon after the first.
const REMEMBERED: usize = 4_096;
const PAGE: usize = 1_000;
/// Events are gathered for so long before they are read.
const GATHER: Duration = Duration::from_millis(500);

/// Counters that only grow; they begin at zero with the server.
#[derive(Debug, Default)]
pub struct Counters(Mutex<Counted>);

/// One value of a labelled counter.
pub(super) type Labels = BTreeMap<&'static str, String>;

/// All that was counted.
#[derive(Debug, Default)]
pub(super) struct Counted {
    after: i64,
    recent: HashSet<String>,
    order: VecDeque<String>,
    pub(super) turns: BTreeMap<Labels, u64>,
    pub(super) tokens: BTreeMap<Labels, u64>,
    pub(super) cost_micro_usd: BTreeMap<Labels, u64>,
    pub(super) restarts: u64,
    pub(super) feedback: BTreeMap<Labels, u64>,
    pub(super) sessions: BTreeMap<Labels, u64>,
    pub(super) queue: Histogram,
    pub(super) first_token: Histogram,
    pub(super) total: Histogram,
}

/// How often something took how long.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    /// Up to each bound, and above the last one.
    pub(super) counts: [u64; BOUNDS.len() + 1],
    pub(super) sum_ms: u64,
}

impl Counters {
    /// Counts what is published from now on, until the server stops.
    pub async fn run(&self, events: SqliteEvents, mut stop: Stop) {
        let mut published = events.subscribe();
        self.counted().after = events.newest().await.unwrap_or_default();
        loop {
            tokio::select! {
                () = stopped(&mut stop) => return,
                changed = published.changed() => if changed.is_err() { return },
            }
            sleep(GATHER).await;
            self.catch_up(&events).await;
        }
    }

    pub(super) fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what was published since the last time.
    pub(super) async fn catch_up(&self, events: &SqliteEvents) {
        loop {
            let after = self.counted().after;
            let page = match events.list(after, PAGE).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "events are counted later");
                    return;
                }
            };
            let mut counted = self.counted();
            // Somebody else may have read the same page meanwhile.
            for event in page.iter().filter(|event| event.seq > after) {
                if event.seq > counted.after {
                    counted.after = event.seq;
                    counted.event(&event.id, &event.detail_type, &event.detail);
                }
            }
            if page.len() < PAGE {
                return;
            }
        }
    }
}

impl Counted {
    fn event(&mut self, id: &str, detail_type: &str, detail: &str) {
        if !self.is_new(id) {
            return;
        }
        let detail: Value = serde_json::from_str(detail).unwrap_or_default();
        let one = |counter: &mut BTreeMap<Labels, u64>, label, value: &str| {
            *counter.entry(Labels::from([(label, value.to_owned())])).or_default() += 1;
        };
        match detail_type {
            "Chat Message" | "Chat Failed" => self.turn(&detail),
            "Chat Feedback" => one(&mut self.feedback, "rating", detail["rating"].as_str().unwrap_or("unknown")),
            "Session Expired" => one(&mut self.sessions, "end", "expired"),
            "Session Deleted" => one(&mut self.sessions, "end", "deleted"),
            _ => {}
        }
    }

    fn is_new(&mut self, id: &str) -> bool {
        if !self.recent.insert(id.to_owned()) {
            return false;
        }
        self.order.push_back(id.to_owned());
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.recent.remove(&oldest);
        }
        true
    }

    fn turn(&mut self, detail: &Value) {
        let text = |field: &str| detail[field].as_str().unwrap_or("none").to_owned();
        let number = |field: &str| detail[field].as_u64();
        let source = if detail["synthetic"].as_bool() == Some(true) { "operator" } else { "live" };
        let ended = if detail["finish_reason"] == "error" { text("error_code") } else { String::new() };
        let labels = [
            ("provider", text("provider")),
            ("finish_reason", text("finish_reason")),
            ("error_code", ended),
            ("source", source.to_owned()),
        ];
        *self.turns.entry(labels.into()).or_default() += 1;
        for (direction, field) in [("input", "input_tokens"), ("output", "output_tokens")] {
            let labels = [("provider", text("provider")), ("direction", direction.to_owned())];
            *self.tokens.entry(labels.into()).or_default() += number(field).unwrap_or(0);
        }
        *self.cost_micro_usd.entry([("provider", text("provider"))].into()).or_default() +=
            number("cost_micro_usd").unwrap_or(0);
        self.restarts += number("generations").unwrap_or(1).saturating_sub(1);
        self.queue.add(number("queue_ms"));
        self.first_token.add(number("first_token_ms"));
        self.total.add(number("total_ms"));
    }
}

impl Histogram {
    fn add(&mut self, millis: Option<u64>) {
        let Some(millis) = millis else { return };
        let seconds = Duration::from_millis(millis).as_secs_f64();
        let at = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        if let Some(count) = self.counts.get_mut(at) {
            *count += 1;
        }
        self.sum_ms += millis;
    }
}
