//! `POST /sessions/{id}/tickets`, and the `websocket` of every answer that begins something.

use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{Request, StatusCode};
use serde::Serialize;
use serde_json::json;
use shared::domain::{Principal, SessionKey};

use crate::config::LOCAL_SOCKET_PATH;
use crate::error::ApiError;
use crate::handler::{Call, Ingress};
use crate::response::{self, HttpResult};
use crate::ticket::{self, Ticket};

/// Where a client opens its socket, and what lets it in.
#[derive(Serialize)]
pub(crate) struct Websocket {
    url: String,
    ticket: String,
    expires_in: u64,
}

impl Ingress {
    /// Issues a ticket for a session of the caller's own.
    pub(crate) async fn issue_ticket(
        &self,
        call: &Call<'_>,
        principal: &Principal,
        id: &str,
    ) -> HttpResult {
        let (key, _) = self.own_session(principal, id).await?;
        let websocket = self.websocket(call, &key, principal).await?;
        Ok(response::json(StatusCode::CREATED, &json!({ "websocket": websocket })))
    }

    /// Makes a ticket; writes nothing.
    pub(crate) async fn websocket(
        &self,
        call: &Call<'_>,
        key: &SessionKey,
        principal: &Principal,
    ) -> Result<Websocket, ApiError> {
        let keys = self.ports.secrets.signing_keys().await?;
        let ticket = Ticket {
            session_key: key.clone(),
            principal_hash: principal.hash(),
            nonce: self.ports.ids.id(),
            expires_at: call.now.plus(ticket::LIFETIME),
        };
        let ticket = ticket.seal(&keys).ok_or_else(|| ApiError::unavailable("no signing key"))?;
        Ok(Websocket {
            url: self.socket_url(call.request),
            ticket,
            expires_in: ticket::LIFETIME.as_secs(),
        })
    }

    fn socket_url(&self, request: &Request<Bytes>) -> String {
        if let Some(url) = &self.config.websocket_url {
            return url.clone();
        }
        let header = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let host = header
            .and_then(|host| host.parse::<Authority>().ok())
            .or_else(|| request.uri().authority().cloned());
        let host = host.as_ref().map_or("localhost", Authority::as_str);
        // A host behind a trusted proxy names the scheme that the client used.
        let is_secure = request.uri().scheme() == Some(&Scheme::HTTPS);
        let scheme = if is_secure { "wss" } else { "ws" };
        format!("{scheme}://{host}{LOCAL_SOCKET_PATH}")
    }
}
