//! The events that were published.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use http::StatusCode;
use serde_json::Value;
use shared::operator::{EventPage, EventQuery, StoredEvent};
use tokio::time::Instant;

use super::Operator;
use super::answer::{Answer, Problem, json_of};
use super::asked::Asked;
use super::messages::wait;
use crate::sqlite;

const MOST: usize = 1_000;
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// `GET /admin/api/events`.
pub(super) async fn list(
    State(operator): State<Arc<Operator>>,
    Asked(EventQuery { after, limit, wait_ms }): Asked<EventQuery>,
) -> Answer {
    let limit = limit.unwrap_or(MOST);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::field("limit", "must be 1 to 1000"));
    }
    let mut published = operator.events.subscribe();
    let after = match after {
        Some(after) => after,
        None => operator.events.newest().await?,
    };
    let until = Instant::now() + Duration::from_millis(wait_ms).min(LONGEST_WAIT);
    loop {
        let events = operator.events.list(after, limit).await?;
        if !events.is_empty() || !wait(&mut published, until).await {
            let next = events.last().map_or(after, |event| event.seq);
            let events = events.into_iter().map(view).collect();
            return Ok(json_of(StatusCode::OK, &EventPage { events, next }));
        }
    }
}

fn view(event: sqlite::StoredEvent) -> StoredEvent {
    let sqlite::StoredEvent { seq, id, detail_type, detail, published_at } = event;
    let detail = serde_json::from_str(&detail).unwrap_or(Value::Null);
    StoredEvent { seq, id, detail_type, detail, published_at }
}
