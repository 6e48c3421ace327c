//! `GET /metrics`: the figures in Prometheus' text format, version 0.0.4.

use std::fmt::{Display, Write as _};
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use shared::operator::{BreakerState, Status};

use super::Operator;
use super::answer::Answer;
use super::counters::{BOUNDS, Counted, Histogram, Labels};

const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The text as it grows.
#[derive(Default)]
struct Page(String);

pub(super) async fn metrics(State(operator): State<Arc<Operator>>) -> Answer<Response> {
    operator.counters.catch_up(&operator.events).await;
    let status = operator.status().await?;
    let mut page = Page::default();
    page.status(&status);
    page.counted(&operator.counters.counted());
    Ok(([(CONTENT_TYPE, FORMAT)], page.0).into_response())
}

impl Page {
    fn status(&mut self, status: &Status) {
        self.head("chatbot_queue_messages", "gauge", "Messages on a queue, by what becomes of them.");
        for queue in &status.queues {
            for (state, count) in [("waiting", queue.waiting), ("in_flight", queue.in_flight), ("dead", queue.dead)] {
                let labels = [("queue", queue.queue.as_str().to_owned()), ("state", state.to_owned())];
                self.line("chatbot_queue_messages", &labels.into(), count);
            }
        }
        self.head("chatbot_queue_oldest_seconds", "gauge", "How long the oldest waiting message has waited.");
        for queue in &status.queues {
            let labels = [("queue", queue.queue.as_str().to_owned())].into();
            self.line("chatbot_queue_oldest_seconds", &labels, seconds(queue.oldest_ms));
        }
        self.head("chatbot_provider_up", "gauge", "Whether calls of a provider go through: 1 yes, 0.5 on trial, 0 no.");
        for provider in &status.providers {
            let up = match provider.breaker {
                BreakerState::Closed => "1",
                BreakerState::HalfOpen => "0.5",
                BreakerState::Open => "0",
            };
            self.line("chatbot_provider_up", &[("provider", provider.provider.as_str().to_owned())].into(), up);
        }
        self.head("chatbot_connections", "gauge", "Open WebSockets.");
        self.line("chatbot_connections", &Labels::new(), status.connections);
        self.head("chatbot_database_bytes", "gauge", "The size of the database.");
        self.line("chatbot_database_bytes", &Labels::new(), status.database_bytes);
        self.head("chatbot_start_time_seconds", "gauge", "When the server started, in seconds since 1970.");
        self.line("chatbot_start_time_seconds", &Labels::new(), seconds(status.started_at.0.max(0).cast_unsigned()));
    }

    fn counted(&mut self, counted: &Counted) {
        self.counter("chatbot_turns_total", "Turns that reached their final.", &counted.turns);
        self.counter("chatbot_tokens_total", "Tokens of all model calls.", &counted.tokens);
        self.head("chatbot_cost_usd_total", "counter", "What model calls cost, in US dollars.");
        for (labels, micro) in &counted.cost_micro_usd {
            self.line("chatbot_cost_usd_total", labels, format_args!("{}.{:06}", micro / 1_000_000, micro % 1_000_000));
        }
        self.head("chatbot_restarts_total", "counter", "Generations after the first of a turn.");
        self.line("chatbot_restarts_total", &Labels::new(), counted.restarts);
        self.counter("chatbot_feedback_total", "Ratings of replies.", &counted.feedback);
        self.counter("chatbot_sessions_ended_total", "Sessions that ended.", &counted.sessions);
        self.histogram("chatbot_queue_seconds", "From acceptance to the claim.", &counted.queue);
        self.histogram("chatbot_first_token_seconds", "From acceptance to the first piece.", &counted.first_token);
        self.histogram("chatbot_turn_seconds", "From acceptance to the commit.", &counted.total);
    }

    fn counter(&mut self, name: &str, help: &str, values: &std::collections::BTreeMap<Labels, u64>) {
        self.head(name, "counter", help);
        for (labels, value) in values {
            self.line(name, labels, value);
        }
    }

    fn histogram(&mut self, name: &str, help: &str, of: &Histogram) {
        self.head(name, "histogram", help);
        let mut sum = 0;
        let bounds = BOUNDS.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        for (count, bound) in of.counts.iter().zip(bounds) {
            sum += count;
            self.line(&format!("{name}_bucket"), &[("le", bound)].into(), sum);
        }
        self.line(&format!("{name}_sum"), &Labels::new(), seconds(of.sum_ms));
        self.line(&format!("{name}_count"), &Labels::new(), sum);
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn line(&mut self, name: &str, labels: &Labels, value: impl Display) {
        let pairs: Vec<_> = labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}
