//! The analytics events.

use std::time::Duration;

use axum::extract::{Query, State};
use http::StatusCode;
use shared::operator::{EventPage, EventQuery, StoredEvent};
use tokio::time::{Instant, timeout_at};

use super::Shared;
use super::answer::{Answer, Problem, json};
use crate::stop::stopped;

const DEFAULT: usize = 100;
const MOST: usize = 1_000;
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// Events of sessions' ends come without a turn: they are looked for this often.
const POLL: Duration = Duration::from_millis(500);

/// `GET /admin/api/events`.
pub(super) async fn events(State(operator): Shared, Query(query): Query<EventQuery>) -> Answer {
    let limit = query.limit.unwrap_or(DEFAULT);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::field("limit", format!("must be from 1 to {MOST}")));
    }
    let bus = operator.database.events();
    let after = match query.after {
        Some(after) => after.max(0),
        None => bus.newest().await?,
    };
    let end = Instant::now() + Duration::from_millis(query.wait_ms).min(LONGEST_WAIT);
    let (mut news, mut stop) = (operator.delivered.clone(), operator.stop.clone());
    loop {
        news.borrow_and_update();
        let found = bus.list(after, limit).await?;
        if !found.is_empty() || Instant::now() >= end || *stop.borrow() {
            let next = found.last().map_or(after, |event| event.seq);
            let events = found.into_iter().map(view).collect();
            return Ok(json(StatusCode::OK, &EventPage { events, next }));
        }
        let more = async {
            tokio::select! {
                () = stopped(&mut stop) => (),
                changed = news.changed() => drop(changed),
            }
        };
        drop(timeout_at(end.min(Instant::now() + POLL), more).await);
    }
}

fn view(event: crate::sqlite::StoredEvent) -> StoredEvent {
    let crate::sqlite::StoredEvent { seq, id, detail_type, detail, published_at } = event;
    StoredEvent { seq, id, detail_type, detail: serde_json::from_str(&detail).unwrap_or_default(), published_at }
}
