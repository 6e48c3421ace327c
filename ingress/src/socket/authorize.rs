//! Who may connect.

use serde::{Deserialize, Serialize};
use shared::domain::{PrincipalHash, SessionKey};
use shared::protocol::counters;

use crate::handler::Ingress;
use crate::ticket::{self, Ticket};

/// Whose connection it is: what the host keeps with it and hands in with every frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketSession {
    /// The session.
    pub session_key: SessionKey,
    /// Its owner.
    pub principal_hash: PrincipalHash,
}

/// The reason why a connection is refused.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizeError {
    /// The ticket is missing, forged, expired or used (401).
    #[error("the ticket is not valid")]
    Ticket,
    /// The page's origin is not allowed (403).
    #[error("the origin is not allowed")]
    Origin,
    /// The store or the keys are away (503).
    #[error("the service is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl AuthorizeError {
    /// Returns the status to refuse the upgrade with.
    pub fn status(&self) -> http::StatusCode {
        match self {
            Self::Ticket => http::StatusCode::UNAUTHORIZED,
            Self::Origin => http::StatusCode::FORBIDDEN,
            Self::Unavailable(_) => http::StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Ingress {
    /// Decides whether a connection may be opened. `origin` and `host` are the upgrade's headers.
    ///
    /// Signature, expiry and origin come first, and only then the nonce is recorded as used: a
    /// refused attempt uses up nothing. Nothing else is written; the connection's row is `resume`'s
    /// to write.
    #[tracing::instrument(name = "connect", skip_all, fields(session.id = tracing::field::Empty))]
    pub async fn authorize_socket(
        &self,
        ticket: &str,
        origin: Option<&str>,
        host: Option<&str>,
    ) -> Result<SocketSession, AuthorizeError> {
        let keys = self.ports.secrets.signing_keys().await.map_err(unavailable)?;
        let ticket =
            Ticket::open(ticket, &keys, self.ports.clock.now()).ok_or(AuthorizeError::Ticket)?;
        tracing::Span::current().record("session.id", ticket.session_key.as_str());
        if origin.is_some_and(|origin| !self.config.origins.admit(origin, host)) {
            return Err(AuthorizeError::Origin);
        }
        let until = ticket.expires_at.plus(ticket::NONCE_RETENTION);
        if !counters::use_nonce(&*self.ports.store, &ticket.nonce, until)
            .await
            .map_err(unavailable)?
        {
            return Err(AuthorizeError::Ticket);
        }
        Ok(SocketSession { session_key: ticket.session_key, principal_hash: ticket.principal_hash })
    }
}

fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> AuthorizeError {
    let error = error.into();
    tracing::error!(%error, "a connection could not be authorized");
    AuthorizeError::Unavailable(error)
}
