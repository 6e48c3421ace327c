//! `GET /sessions/{id}/turns`: history, and the answer for whom no socket works.

use std::time::Duration;

use http::StatusCode;
use http::header::RETRY_AFTER;
use percent_encoding::percent_decode_str;
use shared::domain::{Principal, PrincipalHash, SessionKey};
use shared::keyed_limit::Place;
use shared::ports::store::Item;
use shared::protocol::{SessionRow, Turn, keys};
use tokio::time::{Instant, sleep};

use crate::error::{ApiError, seconds};
use crate::handler::{Call, Ingress};
use crate::response::{self, HttpResult};
use crate::turn_view;

/// The default and largest number of turns in an answer.
const LIMIT: usize = 100;
/// The largest answer, in bytes; a single turn is never held back.
const MAX_BYTES: usize = 1_000_000;
const POLL: Duration = Duration::from_millis(200);
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Which turns are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct HistoryQuery {
    after: u64,
    before: Option<u64>,
    newest_first: bool,
    limit: usize,
    wait: Duration,
}

/// The turns of an answer, in ascending order.
struct TurnSelection {
    turns: Vec<(Turn, String)>,
}

impl Ingress {
    /// Answers with the turns of a session of the caller's own, once one after `after` is final or
    /// time is up.
    pub(crate) async fn turns(
        &self,
        call: &Call<'_>,
        principal: &Principal,
        id: &str,
    ) -> HttpResult {
        let (key, mut session) = self.own_session(principal, id).await?;
        let query = HistoryQuery::parse(call.request.uri().query().unwrap_or_default())?;
        let place = if query.wait.is_zero() { None } else { self.waiting_place(principal) };
        // Who finds no place gets the answer at once: a refusal would serve nobody better.
        let finished = match &place {
            Some(_) => self.wait(&key, query).await?,
            None => query.wait.is_zero(),
        };
        if !query.wait.is_zero() {
            // The session is read before its turns: `running: false` then means that the turns are
            // all.
            (_, session) = self.own_session(principal, id).await?;
        }
        let selection = self.select(&key, query).await?;
        let running = session.waiting() > 0 || self.is_running(&key, &session, &selection).await?;
        let turns: Vec<&str> = selection.turns.iter().map(|(_, json)| json.as_str()).collect();
        let body = format!("{{\"turns\":[{}],\"running\":{running}}}", turns.join(","));
        let mut response = response::text(StatusCode::OK, body);
        if !finished && (place.is_none() || query.wait > self.config.max_wait) {
            response.headers_mut().insert(RETRY_AFTER, seconds(ASK_AGAIN));
        }
        Ok(response)
    }

    /// Takes one of the places of waiting calls, each of which reads several times a second.
    fn waiting_place(&self, principal: &Principal) -> Option<Place<PrincipalHash>> {
        self.waiting_calls.enter(Some(principal.hash())).ok()
    }

    /// Waits until a turn after `after` is final; turns end in order, so the first one tells.
    async fn wait(&self, key: &SessionKey, query: HistoryQuery) -> Result<bool, ApiError> {
        let deadline = Instant::now() + query.wait.min(self.config.max_wait);
        loop {
            let page = self.ports.store.query(&keys::turns_after(key, query.after, 1)).await?;
            let first = page.items.into_iter().next().map(Item::into_row::<Turn>).transpose()?;
            if first.is_some_and(|turn| turn.is_final()) {
                return Ok(true);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            sleep(POLL.min(left)).await;
        }
    }

    async fn select(
        &self,
        key: &SessionKey,
        query: HistoryQuery,
    ) -> Result<TurnSelection, ApiError> {
        let mut first = query.after.saturating_add(1);
        let mut last = query.before.map_or(u64::MAX, |n| n - 1);
        let mut turns = Vec::new();
        let mut bytes = 0;
        while first <= last && turns.len() < query.limit {
            let mut range = keys::turns_between(key, first, last, query.limit - turns.len());
            range.descending = query.newest_first;
            let page = self.ports.store.query(&range).await?;
            let more = page.more && !page.items.is_empty();
            for item in page.items {
                let turn: Turn = item.into_row()?;
                let json = turn_view::to_json(&turn);
                bytes += json.len() + 1;
                if bytes > MAX_BYTES && !turns.is_empty() {
                    return Ok(TurnSelection::new(turns, query));
                }
                if query.newest_first {
                    last = turn.turn.get() - 1;
                } else {
                    first = turn.turn.get() + 1;
                }
                turns.push((turn, json));
            }
            if !more {
                break;
            }
        }
        Ok(TurnSelection::new(turns, query))
    }

    async fn is_running(
        &self,
        key: &SessionKey,
        session: &SessionRow,
        shown: &TurnSelection,
    ) -> Result<bool, ApiError> {
        if shown.turns.iter().any(|(turn, _)| !turn.is_final()) {
            return Ok(true);
        }
        let Some(newest) = session.next_turn.previous() else { return Ok(false) };
        if shown.turns.iter().any(|(turn, _)| turn.turn == newest) {
            return Ok(false);
        }
        Ok(self.turn(key, newest).await?.is_some_and(|turn| !turn.is_final()))
    }
}

impl TurnSelection {
    fn new(mut turns: Vec<(Turn, String)>, query: HistoryQuery) -> Self {
        if query.newest_first {
            turns.reverse();
        }
        Self { turns }
    }
}

impl HistoryQuery {
    /// Reads the query; parameters that nobody knows are ignored.
    ///
    /// `before` alone asks for the newest turns before it, everything else for the oldest ones
    /// after `after`.
    fn parse(query: &str) -> Result<Self, ApiError> {
        let after = number(query, "after")?;
        let before = number(query, "before")?;
        if before == Some(0) {
            return Err(ApiError::field("before", "must be at least 1"));
        }
        let limit =
            number(query, "limit")?.map_or(Ok(LIMIT), |limit| match usize::try_from(limit) {
                Ok(limit @ 1..=LIMIT) => Ok(limit),
                _ => Err(ApiError::field("limit", format!("must be from 1 to {LIMIT}"))),
            })?;
        let wait = Duration::from_secs(number(query, "wait")?.unwrap_or(0));
        let newest_first = before.is_some() && after.is_none();
        Ok(Self { after: after.unwrap_or(0), before, newest_first, limit, wait })
    }
}

fn number(query: &str, name: &'static str) -> Result<Option<u64>, ApiError> {
    let mut values = query.split('&').filter_map(|pair| pair.split_once('=').or(Some((pair, ""))));
    let Some((_, value)) = values.rfind(|(key, _)| percent_decode_str(key).eq(name.bytes())) else {
        return Ok(None);
    };
    let problem = || ApiError::field(name, "must be a whole number, and not negative");
    let text = percent_decode_str(value).decode_utf8().map_err(|_| problem())?;
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().map(Some).map_err(|_| problem()) } else { Err(problem()) }
}
