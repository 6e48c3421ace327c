//! Sessions, their turns, their deletion; a token to speak with.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use ingress::ClientInfo;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::domain::{ErrorCode, Principal, SessionId, SessionKey};
use shared::operator::{SessionPage, SessionView, calls};
use shared::protocol::SessionRow;

use super::Operator;
use super::answer::{Answer, Problem, json_of};
use super::asked::{Asked, Json, OfSession};
use super::messages::check_operator;

const MOST: usize = 100;
/// How many partitions are looked at for one page: not all of them are sessions that live.
const MOST_LOOKED_AT: usize = 5_000;

#[derive(Deserialize)]
pub(super) struct SessionQuery {
    after: Option<SessionKey>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
pub(super) struct TurnQuery {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

#[derive(Deserialize)]
pub(super) struct Speak {
    principal: Principal,
    session_id: Option<SessionId>,
}

/// `GET /admin/api/sessions`.
pub(super) async fn list(
    State(operator): State<Arc<Operator>>,
    Asked(SessionQuery { after, limit }): Asked<SessionQuery>,
) -> Answer {
    let limit = check_limit(limit)?;
    let mut last = after.map(String::from).unwrap_or_default();
    let mut sessions = Vec::new();
    let mut looked_at = 0;
    let next = loop {
        let partitions = operator.store.partitions(last.clone(), MOST).await?;
        let Some(end) = partitions.last() else { break None };
        looked_at += partitions.len();
        last.clone_from(end);
        for key in partitions.into_iter().filter_map(|partition| SessionKey::parse(partition).ok())
        {
            let row = calls::session(&operator.store, &key).await?;
            sessions.extend(row.filter(|row| !row.deleted).map(|row| SessionView::new(key, &row)));
            if sessions.len() == limit {
                break;
            }
        }
        if sessions.len() == limit || looked_at >= MOST_LOOKED_AT {
            let reached = sessions
                .last()
                .filter(|_| sessions.len() == limit)
                .map(|session| session.session_key.clone());
            break reached.or_else(|| SessionKey::parse(last).ok());
        }
    };
    Ok(json_of(StatusCode::OK, &SessionPage { sessions, next }))
}

/// `GET /admin/api/sessions/{session_key}`.
pub(super) async fn one(
    State(operator): State<Arc<Operator>>,
    OfSession(key): OfSession,
) -> Answer {
    let row = operator.session(&key).await?;
    Ok(json_of(StatusCode::OK, &SessionView::new(key, &row)))
}

/// `GET /admin/api/sessions/{session_key}/turns`.
pub(super) async fn turns(
    State(operator): State<Arc<Operator>>,
    OfSession(key): OfSession,
    Asked(TurnQuery { after, limit }): Asked<TurnQuery>,
) -> Answer {
    let limit = check_limit(limit)?;
    operator.session(&key).await?;
    Ok(json_of(StatusCode::OK, &calls::turns(&operator.store, &key, after, limit).await?))
}

/// `DELETE /admin/api/sessions/{session_key}`: as its owner can.
pub(super) async fn delete(
    State(operator): State<Arc<Operator>>,
    OfSession(key): OfSession,
) -> Answer {
    let row = operator.session(&key).await?;
    let Some(owner) = row.owner() else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    let answer = operator.ingress.delete_session_of(&owner.principal, owner.session_id).await;
    Ok(answer.map(axum::body::Body::from))
}

/// `POST /admin/api/chat-sessions`: a session of an operator's own at the public calls, and the
/// token for it.
pub(super) async fn speak(
    State(operator): State<Arc<Operator>>,
    ConnectInfo(caller): ConnectInfo<std::net::SocketAddr>,
    headers: HeaderMap,
    Json(Speak { principal, session_id }): Json<Speak>,
) -> Answer {
    check_operator(&principal)?;
    let token = operator.ingress.operator_token(principal).await.map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "no token was made");
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Unavailable,
            "The signing keys cannot be read now.",
        )
    })?;
    let detail =
        "Session tokens are not used here (CHATBOT_AUTH_MODE): chat with a token of your own.";
    let token =
        token.ok_or_else(|| Problem::new(StatusCode::CONFLICT, ErrorCode::Conflict, detail))?;
    let caller = ClientInfo { address: Some(caller.ip().to_string()), iam: None };
    let asked = session_id.map_or_else(|| json!({}), |id| json!({ "session_id": id }));
    let mut request = Request::new(Bytes::from(asked.to_string()));
    (*request.method_mut(), *request.uri_mut()) = (Method::POST, Uri::from_static("/sessions"));
    let bearer = HeaderValue::try_from(format!("Bearer {token}"));
    let bearer = bearer.map_err(|_| Problem::field("principal", "cannot be proved by a token"))?;
    let json = HeaderValue::from_static("application/json");
    // The socket's address is made of the name by which the caller knows this server.
    let host = headers.get(HOST).cloned().map(|host| (HOST, host));
    request
        .headers_mut()
        .extend([(AUTHORIZATION, bearer), (CONTENT_TYPE, json)].into_iter().chain(host));
    open(&operator, &token, request, caller).await
}

/// Opens the session as any client does, and adds the token to the answer.
async fn open(
    operator: &Operator,
    token: &str,
    request: Request<Bytes>,
    caller: ClientInfo,
) -> Answer {
    let (parts, answered) = operator.ingress.handle(request, caller).await.into_parts();
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(&answered) else {
        return Ok(Response::from_parts(parts, answered.into()));
    };
    if parts.status.is_success() {
        fields.entry("session_token").or_insert_with(|| json!(token));
        return Ok(json_of(parts.status, &fields));
    }
    Ok(Response::from_parts(parts, answered.into()))
}

fn check_limit(limit: Option<usize>) -> Answer<usize> {
    let limit = limit.unwrap_or(MOST);
    if (1..=MOST).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::field("limit", "must be 1 to 100"))
    }
}

impl Operator {
    async fn session(&self, key: &SessionKey) -> Answer<SessionRow> {
        calls::session(&self.store, key).await?.ok_or_else(|| Problem::not_found("session"))
    }
}
