//! Published events.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use http::StatusCode;
use serde_json::Value;
use shared::operator::{EventPage, EventQuery, StoredEvent};
use tokio::time::Instant;

use super::Operator;
use super::extract::QueryParams;
use super::messages::wait;
use super::response::{OperatorResult, Problem, json_response};
use crate::sqlite;

const MAX_LIMIT: usize = 1_000;
const MAX_WAIT: Duration = Duration::from_secs(20);

/// `GET /admin/api/events`.
pub(super) async fn list(
    State(operator): State<Arc<Operator>>,
    QueryParams(EventQuery { after, limit, wait_ms }): QueryParams<EventQuery>,
) -> OperatorResult {
    let limit = limit.unwrap_or(MAX_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::field("limit", "must be 1 to 1000"));
    }
    let mut published = operator.events.subscribe();
    let after = match after {
        Some(after) => after,
        None => operator.events.newest().await?,
    };
    let until = Instant::now() + Duration::from_millis(wait_ms).min(MAX_WAIT);
    loop {
        let events = operator.events.list(after, limit).await?;
        if !events.is_empty() || !wait(&mut published, until).await {
            let next = events.last().map_or(after, |event| event.seq);
            let events = events.into_iter().map(view).collect();
            return Ok(json_response(StatusCode::OK, &EventPage { events, next }));
        }
    }
}

fn view(event: sqlite::StoredEvent) -> StoredEvent {
    let sqlite::StoredEvent { seq, id, detail_type, detail, published_at } = event;
    let detail = serde_json::from_str(&detail).unwrap_or(Value::Null);
    StoredEvent { seq, id, detail_type, detail, published_at }
}
