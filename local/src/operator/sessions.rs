//! Sessions and turns.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use http::{HeaderMap, Request, StatusCode};
use serde::Deserialize;
use shared::domain::{Principal, SessionId, SessionKey};
use shared::operator::{SessionPage, SessionView, TurnPage, TurnView};
use shared::ports::store::Item;
use shared::protocol::{SessionRow, TurnRow, keys};

use super::answer::{Answer, Problem, json, read};
use super::{Operator, Shared};

/// The most that one page holds.
const PAGE: usize = 100;

/// Which page.
#[derive(Debug, Deserialize)]
pub(super) struct PageQuery {
    after: Option<String>,
    limit: Option<usize>,
}

/// Who will chat.
#[derive(Debug, Deserialize)]
struct ChatRequest {
    principal: Principal,
    session_id: Option<SessionId>,
}

/// `GET /admin/api/sessions`.
pub(super) async fn list(State(operator): Shared, Query(query): Query<PageQuery>) -> Answer {
    let mut after = query.after.as_deref().map(key_of).transpose()?;
    let limit = limit(query.limit)?;
    let mut sessions = Vec::new();
    loop {
        let found = operator.database.session_keys(after.clone(), limit).await?;
        let more = found.len() == limit;
        for key in found {
            after = Some(key.clone());
            let session = session(&operator, &key).await?;
            sessions.extend(session.filter(|session| !session.deleted).map(|row| SessionView::new(key, &row)));
            if sessions.len() == limit {
                return Ok(json(StatusCode::OK, &SessionPage { sessions, next: after }));
            }
        }
        if !more {
            return Ok(json(StatusCode::OK, &SessionPage { sessions, next: None }));
        }
    }
}

/// `GET /admin/api/sessions/{session_key}`.
pub(super) async fn show(State(operator): Shared, Path(key): Path<String>) -> Answer {
    let key = key_of(&key)?;
    let session = session(&operator, &key).await?.ok_or_else(absent)?;
    Ok(json(StatusCode::OK, &SessionView::new(key, &session)))
}

/// `GET /admin/api/sessions/{session_key}/turns`.
pub(super) async fn turns(State(operator): Shared, Path(key): Path<String>, Query(query): Query<PageQuery>) -> Answer {
    let (key, limit) = (key_of(&key)?, limit(query.limit)?);
    let after = query.after.as_deref().map(str::parse::<u64>).transpose();
    let after = after.map_err(|_| Problem::field("after", "must be a whole number, and not negative"))?.unwrap_or(0);
    session(&operator, &key).await?.ok_or_else(absent)?;
    let page = operator.store.query(&keys::turns_after(&key, after, limit)).await?;
    let rows = page.items.into_iter().map(Item::into_row::<TurnRow>);
    let turns = rows.map(|row| row.map(TurnView::from)).collect::<Result<_, _>>()?;
    Ok(json(StatusCode::OK, &TurnPage { turns }))
}

/// `DELETE /admin/api/sessions/{session_key}`.
pub(super) async fn delete(State(operator): Shared, Path(key): Path<String>) -> Answer {
    let key = key_of(&key)?;
    Ok(operator.ingress.operator_delete(&key).await.map(Into::into))
}

/// `POST /admin/api/chat-sessions`.
pub(super) async fn chat(State(operator): Shared, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let ChatRequest { principal, session_id } = read(&body)?;
    if !principal.is_operator() {
        return Err(Problem::field("principal", "must be op:<name>"));
    }
    let mut request = Request::new(Bytes::new());
    *request.headers_mut() = headers;
    Ok(operator.ingress.operator_session(&request, principal, session_id).await.map(Into::into))
}

/// Returns a session's row, a tombstone's too.
async fn session(operator: &Operator, key: &SessionKey) -> Result<Option<SessionRow>, Problem> {
    let item = operator.store.get(&[keys::session(key)]).await?.pop().flatten();
    Ok(item.map(Item::into_row).transpose()?)
}

fn key_of(text: &str) -> Result<SessionKey, Problem> {
    SessionKey::parse(text).map_err(|error| Problem::field("session_key", error))
}

fn limit(limit: Option<usize>) -> Result<usize, Problem> {
    match limit.unwrap_or(PAGE) {
        limit @ 1..=PAGE => Ok(limit),
        _ => Err(Problem::field("limit", format!("must be from 1 to {PAGE}"))),
    }
}

fn absent() -> Problem {
    Problem::not_found("There is no such session, or it has ended.")
}
