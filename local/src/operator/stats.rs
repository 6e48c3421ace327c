//! Statistics of a time range.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use shared::domain::Timestamp;

use super::Operator;
use super::extract::QueryParams;
use super::response::{OperatorResult, Problem, json_response};
use crate::sqlite::Span;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const MAX_BUCKETS: u64 = 500;
/// The bucket widths to choose from if the request has none: from a minute to a day.
const STEPS: [u64; 9] =
    [MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 3 * HOUR, 6 * HOUR, 24 * HOUR];
/// The largest number of buckets that can be told apart in a plot.
const TARGET_BUCKETS: u64 = 180;

#[derive(Deserialize)]
pub(super) struct StatsQuery {
    from: Option<i64>,
    to: Option<i64>,
    step: Option<u64>,
}

/// `GET /admin/api/stats`: of the last hour, unless the request has a range.
pub(super) async fn stats(
    State(operator): State<Arc<Operator>>,
    QueryParams(query): QueryParams<StatsQuery>,
) -> OperatorResult {
    let span = query.span(operator.clock.now())?;
    operator.statistics.fold().await?;
    Ok(json_response(StatusCode::OK, &operator.statistics.query(span).await?))
}

impl StatsQuery {
    fn span(&self, now: Timestamp) -> OperatorResult<Span> {
        let to = self.to.unwrap_or(now.0);
        let from = self.from.unwrap_or(to.saturating_sub(HOUR.cast_signed()));
        let length = u64::try_from(to.saturating_sub(from)).unwrap_or(0);
        if length == 0 || from < 0 {
            return Err(Problem::field("from", "must be before to, in milliseconds since 1970"));
        }
        let fits = |step: &u64| length / step <= TARGET_BUCKETS;
        let step = self
            .step
            .unwrap_or_else(|| STEPS.into_iter().find(fits).unwrap_or(length / TARGET_BUCKETS));
        let step = if self.step.is_none() { step.next_multiple_of(MINUTE) } else { step };
        if step == 0 || step % MINUTE != 0 || length / step > MAX_BUCKETS {
            return Err(Problem::field(
                "step",
                "must be whole minutes in milliseconds, and give at most 500 buckets",
            ));
        }
        Ok(Span { from: Timestamp(from), to: Timestamp(to), step })
    }
}
