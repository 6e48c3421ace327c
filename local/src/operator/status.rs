//! How the server is.

use std::fmt::Write as _;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::json;
use shared::domain::ProviderName;
use shared::operator::{BreakerState, ProviderStatus, QueueName, QueueStatus, Status};
use tokio::time::Instant;

use super::answer::{self, Answer, Problem};
use super::{Operator, Shared};

/// `GET /admin/api/status`.
pub(super) async fn status(State(operator): Shared) -> Answer {
    Ok(answer::json(StatusCode::OK, &read(&operator).await?))
}

/// `GET /admin/api/settings`.
pub(super) async fn settings(State(operator): Shared) -> Response {
    answer::json(StatusCode::OK, &operator.settings)
}

/// `POST /admin/api/cleanup`.
pub(super) async fn cleanup(State(operator): Shared) -> Answer {
    let report = operator.notifier.clean_up().await.map_err(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "the cleanup that an operator asked for failed");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "The cleanup failed; the log says why.")
    })?;
    let body = json!({
        "ended_turns": report.ended_turns, "delivered_turns": report.delivered_turns,
        "expired_sessions": report.expired_sessions, "finished_deletions": report.finished_deletions,
        "failures": report.failures,
    });
    Ok(answer::json(StatusCode::OK, &body))
}

/// `GET /metrics`, in Prometheus' text format.
pub(super) async fn metrics(State(operator): Shared) -> Answer {
    let status = read(&operator).await?;
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, values: &[(String, u64)]| {
        let _ = writeln!(text, "# HELP chatbot_{name} {help}\n# TYPE chatbot_{name} gauge");
        for (labels, value) in values {
            let _ = writeln!(text, "chatbot_{name}{labels} {value}");
        }
    };
    let queues = |of: &dyn Fn(&QueueStatus) -> u64| -> Vec<_> {
        status.queues.iter().map(|queue| (format!("{{queue=\"{}\"}}", queue.queue.as_str()), of(queue))).collect()
    };
    gauge("queue_waiting", "Messages that wait.", &queues(&|queue| queue.waiting));
    gauge("queue_in_flight", "Messages that are being handled.", &queues(&|queue| queue.in_flight));
    gauge("queue_oldest_milliseconds", "How long the oldest message has waited.", &queues(&|queue| queue.oldest_ms));
    gauge("queue_dead_letters", "Dead letters.", &queues(&|queue| queue.dead));
    gauge("connections", "Open WebSockets.", &[(String::new(), status.connections)]);
    gauge("database_bytes", "The size of the database.", &[(String::new(), status.database_bytes)]);
    let closed = |provider: &ProviderStatus| u64::from(provider.breaker == BreakerState::Closed);
    let providers = status.providers.iter();
    let up: Vec<_> =
        providers.map(|provider| (format!("{{provider=\"{}\"}}", provider.provider), closed(provider))).collect();
    gauge("provider_up", "Whether calls of a provider go through.", &up);
    Ok(([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

async fn read(operator: &Operator) -> Result<Status, Problem> {
    let now = operator.clock.now();
    let mut queues = Vec::new();
    for (name, queue) in QueueName::ALL.into_iter().zip([&operator.requests, &operator.replies]) {
        let (load, oldest) = queue.load().await?;
        let oldest = oldest.map_or(0, |sent_at| now.since(sent_at).as_millis());
        queues.push(QueueStatus {
            queue: name,
            waiting: load.waiting as u64,
            in_flight: load.in_flight as u64,
            oldest_ms: u64::try_from(oldest).unwrap_or(u64::MAX),
            dead: load.dead as u64,
        });
    }
    Ok(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: operator.started_at,
        now,
        providers: providers(operator),
        queues,
        connections: operator.connections.count() as u64,
        database_bytes: operator.database.size().await?,
        free_bytes: None,
        documents: operator.database.document_count().await?,
        analytics_text: operator.analytics_text,
    })
}

fn providers(operator: &Operator) -> Vec<ProviderStatus> {
    let now = Instant::now();
    let one = |provider: &worker::calls::Provider| {
        let name = provider.model.provider();
        let breaker = match provider.breaker.open(now) {
            None => BreakerState::Closed,
            Some(false) => BreakerState::Open,
            Some(true) => BreakerState::HalfOpen,
        };
        let model = (name != ProviderName::Offline).then(|| provider.model.model().to_owned());
        ProviderStatus { provider: name, model, breaker }
    };
    operator.worker.providers().iter().map(one).collect()
}
