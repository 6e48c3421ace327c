//! How the server is, and how it is set.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde_json::json;
use shared::domain::ErrorCode;
use shared::operator::{ProviderStatus, QueueName, QueueStatus, ServerStatus};
use tokio::time::Instant;

use super::response::{OperatorResult, Problem, json_response};
use super::{Operator, disk};
use crate::sqlite::SqliteQueue;

/// `GET /admin/api/status`.
pub(super) async fn status(State(operator): State<Arc<Operator>>) -> OperatorResult {
    Ok(json_response(StatusCode::OK, &operator.status().await?))
}

/// `GET /admin/api/settings`.
pub(super) async fn settings(State(operator): State<Arc<Operator>>) -> Response {
    let mut settings = json!(operator.settings);
    settings["keys"] = json!(operator.keys);
    json_response(StatusCode::OK, &settings)
}

/// `POST /admin/api/cleanup`: what every five minutes brings, now.
pub(super) async fn clean_up(State(operator): State<Arc<Operator>>) -> OperatorResult {
    let report = operator.notifier.clean_up().await.map_err(|error| {
        tracing::warn!(error = &error as &dyn std::error::Error, "the cleanup will try again");
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Unavailable,
            "The cleanup did not get to its end.",
        )
    })?;
    Ok(json_response(StatusCode::OK, &report))
}

impl Operator {
    pub(super) async fn status(&self) -> OperatorResult<ServerStatus> {
        let queues = [(QueueName::Requests, &self.requests), (QueueName::Replies, &self.replies)];
        let mut depths = Vec::new();
        for (name, queue) in queues {
            depths.push(depth(name, queue).await?);
        }
        Ok(ServerStatus {
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            started_at: Some(self.started_at),
            now: self.clock.now(),
            providers: Some(self.providers()),
            queues: depths,
            live_ms: self.last_message.elapsed_ms(self.clock.now()),
            connections: Some(self.connections.count()),
            database_bytes: Some(self.database.bytes().await?),
            free_bytes: disk::free_bytes(self.data_dir.clone()).await,
            documents: Some(self.database.documents().count().await?),
            analytics_text: Some(self.has_texts),
        })
    }

    fn providers(&self) -> Vec<ProviderStatus> {
        let now = Instant::now();
        let of = |provider: &worker::calls::Provider| {
            let model =
                Some(provider.model.model()).filter(|model| !model.is_empty()).map(str::to_owned);
            ProviderStatus {
                provider: provider.model.provider(),
                model,
                breaker: provider.breaker.position(now),
            }
        };
        self.worker.providers().all().iter().map(of).collect()
    }
}

async fn depth(queue: QueueName, of: &SqliteQueue) -> OperatorResult<QueueStatus> {
    let depth = of.depth().await?;
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    Ok(QueueStatus {
        queue,
        waiting: number(depth.waiting),
        in_flight: number(depth.in_flight),
        oldest_ms: Some(u64::try_from(depth.oldest.as_millis()).unwrap_or(u64::MAX)),
        dead: number(depth.dead),
    })
}
