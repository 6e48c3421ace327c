//! `GET /metrics`: metrics in Prometheus' text format, version 0.0.4.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse as _;
use http::header::CONTENT_TYPE;
use shared::operator::{BreakerState, Figures, Latency, Series, ServerStatus};

use super::Operator;
use super::response::OperatorResult;

/// The bounds of the histograms, 2^n ms each: from 16 ms to 131 s.
const BOUNDS: std::ops::RangeInclusive<u8> = 4..=17;
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

type Labels = BTreeMap<&'static str, String>;

/// The response text under construction.
#[derive(Default)]
struct PrometheusText(String);

pub(super) async fn metrics(State(operator): State<Arc<Operator>>) -> OperatorResult {
    operator.statistics.fold().await?;
    let status = operator.status().await?;
    let mut page = PrometheusText::default();
    page.status(&status);
    page.counted(&operator.statistics.since_start());
    Ok(([(CONTENT_TYPE, FORMAT)], page.0).into_response())
}

impl PrometheusText {
    fn status(&mut self, status: &ServerStatus) {
        self.head("chatbot_queue_messages", "gauge", "Messages of a queue by state.");
        for queue in &status.queues {
            for (state, count) in
                [("waiting", queue.waiting), ("in_flight", queue.in_flight), ("dead", queue.dead)]
            {
                let labels =
                    [("queue", queue.queue.as_str().to_owned()), ("state", state.to_owned())];
                self.line("chatbot_queue_messages", &labels.into(), count);
            }
        }
        self.head(
            "chatbot_queue_oldest_seconds",
            "gauge",
            "Age of the oldest waiting message in seconds.",
        );
        for queue in &status.queues {
            let labels = [("queue", queue.queue.as_str().to_owned())].into();
            self.line(
                "chatbot_queue_oldest_seconds",
                &labels,
                seconds(queue.oldest_ms.unwrap_or_default()),
            );
        }
        self.head(
            "chatbot_provider_up",
            "gauge",
            "Circuit breaker of a provider: 1 closed, 0.5 half-open, 0 open.",
        );
        for provider in status.providers.iter().flatten() {
            let up = match provider.breaker {
                BreakerState::Closed => "1",
                BreakerState::HalfOpen => "0.5",
                BreakerState::Open => "0",
            };
            self.line(
                "chatbot_provider_up",
                &[("provider", provider.provider.as_str().to_owned())].into(),
                up,
            );
        }
        self.head("chatbot_connections", "gauge", "Open WebSocket connections.");
        self.line("chatbot_connections", &Labels::new(), status.connections.unwrap_or_default());
        self.head("chatbot_database_bytes", "gauge", "Size of the database in bytes.");
        self.line(
            "chatbot_database_bytes",
            &Labels::new(),
            status.database_bytes.unwrap_or_default(),
        );
        if let Some(free) = status.free_bytes {
            self.head(
                "chatbot_disk_free_bytes",
                "gauge",
                "Free space on the disk of the data directory in bytes.",
            );
            self.line("chatbot_disk_free_bytes", &Labels::new(), free);
        }
        self.head(
            "chatbot_start_time_seconds",
            "gauge",
            "Start time of the server in seconds since the Unix epoch.",
        );
        let started_at = status.started_at.unwrap_or(status.now);
        self.line(
            "chatbot_start_time_seconds",
            &Labels::new(),
            seconds(started_at.0.max(0).cast_unsigned()),
        );
    }

    fn counted(&mut self, counted: &BTreeMap<Series, Figures>) {
        self.head("chatbot_turns_total", "counter", "Completed turns by outcome.");
        for (series, figures) in counted {
            self.outcomes(series, figures);
        }
        self.head("chatbot_tokens_total", "counter", "Tokens of model calls by direction.");
        for (series, figures) in counted {
            for (direction, tokens) in
                [("input", figures.input_tokens), ("output", figures.output_tokens)]
            {
                let labels = with(series, &[("direction", direction)]);
                self.line("chatbot_tokens_total", &labels, tokens);
            }
        }
        self.head("chatbot_cost_usd_total", "counter", "Cost of model calls in US dollars.");
        for (series, figures) in counted {
            let micro = figures.cost_micro_usd;
            let usd = format_args!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
            self.line("chatbot_cost_usd_total", &with(series, &[]), usd);
        }
        let mut all = Figures::default();
        for figures in counted.values() {
            all.add(figures);
        }
        self.counter(
            "chatbot_restarted_turns_total",
            "Turns that were restarted at least once.",
            all.restarted,
        );
        self.counters(
            "chatbot_feedback_total",
            "Ratings of replies by users.",
            "rating",
            [("up", all.up), ("down", all.down)],
        );
        let ends = [("expired", all.expired), ("deleted", all.deleted)];
        self.counters("chatbot_sessions_ended_total", "Ended sessions by reason.", "end", ends);
        self.histogram(
            "chatbot_queue_seconds",
            "Time from acceptance of a message until a worker claims it, in seconds.",
            &all.queue,
        );
        self.histogram(
            "chatbot_first_token_seconds",
            "Time from acceptance of a message to the first token, in seconds.",
            &all.first_token,
        );
        self.histogram(
            "chatbot_turn_seconds",
            "Time from acceptance of a message to the complete reply, in seconds.",
            &all.total,
        );
    }

    fn outcomes(&mut self, series: &Series, figures: &Figures) {
        let failed: u64 = figures.errors.values().sum();
        let other = failed + figures.cancelled + figures.refused;
        let outcomes = [
            ("reply", figures.turns.saturating_sub(other)),
            ("cancelled", figures.cancelled),
            ("refused", figures.refused),
        ];
        for (outcome, count) in outcomes {
            self.line(
                "chatbot_turns_total",
                &with(series, &[("outcome", outcome), ("error", "")]),
                count,
            );
        }
        for (code, count) in &figures.errors {
            self.line(
                "chatbot_turns_total",
                &with(series, &[("outcome", "error"), ("error", code)]),
                count,
            );
        }
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, "counter", help);
        self.line(name, &Labels::new(), value);
    }

    fn counters(&mut self, name: &str, help: &str, label: &'static str, values: [(&str, u64); 2]) {
        self.head(name, "counter", help);
        for (text, value) in values {
            self.line(name, &Labels::from([(label, text.to_owned())]), value);
        }
    }

    fn histogram(&mut self, name: &str, help: &str, of: &Latency) {
        self.head(name, "histogram", help);
        for doublings in BOUNDS {
            let labels = Labels::from([("le", seconds(1 << doublings))]);
            self.line(&format!("{name}_bucket"), &labels, of.within(doublings));
        }
        self.line(&format!("{name}_bucket"), &Labels::from([("le", "+Inf".to_owned())]), of.count);
        self.line(&format!("{name}_sum"), &Labels::new(), seconds(of.sum_ms));
        self.line(&format!("{name}_count"), &Labels::new(), of.count);
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &Labels, value: impl Display) {
        let pairs: Vec<_> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels =
            if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

/// Returns the labels of a series, with more labels added.
fn with((provider, model, synthetic): &Series, more: &[(&'static str, &str)]) -> Labels {
    let source = if *synthetic { "operator" } else { "live" };
    let names = [("provider", provider.as_str()), ("model", model), ("source", source)];
    names.iter().chain(more).map(|(label, value)| (*label, (*value).to_owned())).collect()
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}
