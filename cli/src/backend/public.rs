//! The public API, called as an operator through the client that every program of ours uses.

use std::sync::Arc;

use client::account::{Account, CallError};
use client::transport::HttpTransport;
use http::StatusCode;

use super::{BackendError, BackendResult, ChatSession};

/// Creates an account that proves itself with a session's token.
pub(crate) fn account(base_url: &str, session: &ChatSession) -> BackendResult<Account> {
    with_token(base_url, session.session_token.clone())
}

/// Creates a session, or finds the one that is named, as the principal that the token proves.
#[cfg(feature = "aws")]
pub(super) async fn create_session(
    base_url: &str,
    token: String,
    session: Option<&shared::domain::SessionId>,
) -> BackendResult<ChatSession> {
    let account = with_token(base_url, token.clone())?;
    let created = account.create_session(session.map(shared::domain::SessionId::as_str)).await;
    let created = created.map_err(|error| backend_error(base_url, error))?;
    let session_id = shared::domain::SessionId::parse(created.session_id)
        .map_err(|error| BackendError::Failed(format!("{base_url}: the session ID {error}")))?;
    Ok(ChatSession { session_id, session_token: token })
}

/// Returns the server's time to the second, if the server reports it.
#[cfg(feature = "aws")]
pub(super) async fn server_time(
    base_url: &str,
) -> BackendResult<Option<shared::domain::Timestamp>> {
    use bytes::Bytes;
    use client::transport::{NoResponse, Transport as _};
    let request = http::Request::get("/health").body(Bytes::new());
    let request = request.map_err(|error| BackendError::Failed(error.to_string()))?;
    let response = transport(base_url)?.call(request).await;
    let response = response.map_err(|error: NoResponse| backend_error(base_url, error.into()))?;
    let date = response.headers().get(http::header::DATE).and_then(|date| date.to_str().ok());
    let time = date.and_then(|date| httpdate::parse_http_date(date).ok());
    let since = time.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    Ok(since.map(|since| shared::domain::Timestamp(0).plus(since)))
}

/// Converts a failed call, so that exit codes and retries are decided as for operator calls.
pub(crate) fn backend_error(base_url: &str, error: CallError) -> BackendError {
    match error {
        CallError::NotFound => {
            BackendError::Missing(format!("{base_url}: no such session, or it has expired"))
        }
        CallError::Conflict => BackendError::Refused {
            field: None,
            detail: "the message ID is already used by another message".to_owned(),
        },
        CallError::RateLimited { .. } => {
            BackendError::Unreachable(format!("{base_url}: too many requests"))
        }
        CallError::Unavailable { .. } => {
            BackendError::Unreachable(format!("{base_url} is temporarily unavailable"))
        }
        CallError::NoResponse => BackendError::Unreachable(format!("{base_url} does not respond")),
        CallError::Refused { status, field, detail, .. } => {
            let detail = detail.unwrap_or_else(|| format!("the server returned status {status}"));
            match status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    BackendError::NotAllowed(format!("{base_url} denied access: {detail}"))
                }
                status if status.is_client_error() => BackendError::Refused { field, detail },
                status if status.is_server_error() => {
                    BackendError::Unreachable(format!("{base_url}: {detail}"))
                }
                _ => BackendError::Failed(format!("{base_url}: {detail}")),
            }
        }
    }
}

fn with_token(base_url: &str, token: String) -> BackendResult<Account> {
    Ok(Account::with_token(Arc::new(transport(base_url)?), token))
}

fn transport(base_url: &str) -> BackendResult<HttpTransport> {
    HttpTransport::new(base_url).map_err(|error| BackendError::Failed(error.to_string()))
}
