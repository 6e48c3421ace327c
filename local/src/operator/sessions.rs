//! Sessions, their turns and their deletion; chat sessions of operators.

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
use super::extract::{JsonBody, QueryParams, SessionPath};
use super::messages::check_operator;
use super::response::{OperatorResult, Problem, json_response};

const MAX_LIMIT: usize = 100;
/// The largest number of partitions that are read for one page: many may not be live sessions.
const MAX_SCANNED: usize = 5_000;

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
pub(super) struct ChatSessionRequest {
    principal: Principal,
    session_id: Option<SessionId>,
}

/// `GET /admin/api/sessions`.
pub(super) async fn list(
    State(operator): State<Arc<Operator>>,
    QueryParams(SessionQuery { after, limit }): QueryParams<SessionQuery>,
) -> OperatorResult {
    let limit = check_limit(limit)?;
    let mut last = after.map(String::from).unwrap_or_default();
    let mut sessions = Vec::new();
    let mut looked_at = 0;
    let next = loop {
        let partitions = operator.store.partitions(last.clone(), MAX_LIMIT).await?;
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
        if sessions.len() == limit || looked_at >= MAX_SCANNED {
            let reached = sessions
                .last()
                .filter(|_| sessions.len() == limit)
                .map(|session| session.session_key.clone());
            break reached.or_else(|| SessionKey::parse(last).ok());
        }
    };
    Ok(json_response(StatusCode::OK, &SessionPage { sessions, next }))
}

/// `GET /admin/api/sessions/{session_key}`.
pub(super) async fn get(
    State(operator): State<Arc<Operator>>,
    SessionPath(key): SessionPath,
) -> OperatorResult {
    let row = operator.session(&key).await?;
    Ok(json_response(StatusCode::OK, &SessionView::new(key, &row)))
}

/// `GET /admin/api/sessions/{session_key}/turns`.
pub(super) async fn turns(
    State(operator): State<Arc<Operator>>,
    SessionPath(key): SessionPath,
    QueryParams(TurnQuery { after, limit }): QueryParams<TurnQuery>,
) -> OperatorResult {
    let limit = check_limit(limit)?;
    operator.session(&key).await?;
    Ok(json_response(StatusCode::OK, &calls::turns(&operator.store, &key, after, limit).await?))
}

/// `DELETE /admin/api/sessions/{session_key}`: the same as a deletion by its owner.
pub(super) async fn delete(
    State(operator): State<Arc<Operator>>,
    SessionPath(key): SessionPath,
) -> OperatorResult {
    let row = operator.session(&key).await?;
    let Some(owner) = row.owner() else { return Ok(StatusCode::NO_CONTENT.into_response()) };
    let answer = operator.ingress.delete_session_of(&owner.principal, owner.session_id).await;
    Ok(answer.map(axum::body::Body::from))
}

/// `POST /admin/api/chat-sessions`: opens a session for an operator at the public API, and returns
/// it with its token.
pub(super) async fn create_chat_session(
    State(operator): State<Arc<Operator>>,
    ConnectInfo(caller): ConnectInfo<std::net::SocketAddr>,
    headers: HeaderMap,
    JsonBody(ChatSessionRequest { principal, session_id }): JsonBody<ChatSessionRequest>,
) -> OperatorResult {
    check_operator(&principal)?;
    let token = operator.ingress.operator_token(principal).await.map_err(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "could not create a session token"
        );
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Unavailable,
            "The signing keys are currently unavailable.",
        )
    })?;
    let detail = "This server does not use session tokens (CHATBOT_AUTH_MODE); chat with a token \
        of your own.";
    let token =
        token.ok_or_else(|| Problem::new(StatusCode::CONFLICT, ErrorCode::Conflict, detail))?;
    let caller = ClientInfo { address: Some(caller.ip().to_string()), iam: None };
    let body = session_id.map_or_else(|| json!({}), |id| json!({ "session_id": id }));
    let mut request = Request::new(Bytes::from(body.to_string()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_static("/sessions");
    let bearer = HeaderValue::try_from(format!("Bearer {token}"));
    let bearer = bearer.map_err(|_| Problem::field("principal", "cannot be encoded in a token"))?;
    let json = HeaderValue::from_static("application/json");
    // The response's WebSocket URL is built from the `Host` header.
    let host = headers.get(HOST).cloned().map(|host| (HOST, host));
    request
        .headers_mut()
        .extend([(AUTHORIZATION, bearer), (CONTENT_TYPE, json)].into_iter().chain(host));
    open(&operator, &token, request, caller).await
}

/// Opens the session as any client does, and adds the token to the response.
async fn open(
    operator: &Operator,
    token: &str,
    request: Request<Bytes>,
    caller: ClientInfo,
) -> OperatorResult {
    let (parts, answered) = operator.ingress.handle(request, caller).await.into_parts();
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(&answered) else {
        return Ok(Response::from_parts(parts, answered.into()));
    };
    if parts.status.is_success() {
        fields.entry("session_token").or_insert_with(|| json!(token));
        return Ok(json_response(parts.status, &fields));
    }
    Ok(Response::from_parts(parts, answered.into()))
}

fn check_limit(limit: Option<usize>) -> OperatorResult<usize> {
    let limit = limit.unwrap_or(MAX_LIMIT);
    if (1..=MAX_LIMIT).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::field("limit", "must be 1 to 100"))
    }
}

impl Operator {
    async fn session(&self, key: &SessionKey) -> OperatorResult<SessionRow> {
        calls::session(&self.store, key).await?.ok_or_else(|| Problem::not_found("session"))
    }
}
