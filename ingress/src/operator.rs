//! What operators may do that nobody else may: speak as themselves, and delete anybody's session.
//!
//! Whoever hosts ingress decides who is an operator, before any of this is called.

use bytes::Bytes;
use http::Response;
use shared::domain::{Principal, SessionId};
use shared::ports::SecretsError;

use crate::handler::Ingress;
use crate::identity::{AuthMode, session_token};

impl Ingress {
    /// Returns a session token that proves an operator; none where session tokens are not accepted.
    pub async fn operator_token(
        &self,
        operator: Principal,
    ) -> Result<Option<String>, SecretsError> {
        if !operator.is_operator() || !matches!(self.config.auth, AuthMode::Anonymous { .. }) {
            return Ok(None);
        }
        let keys = self.ports.secrets.signing_keys().await?;
        Ok(session_token(operator, &keys, self.ports.clock.now()))
    }

    /// Deletes a session as its owner can; the answers are the same.
    pub async fn delete_session_of(
        &self,
        principal: &Principal,
        session_id: SessionId,
    ) -> Response<Bytes> {
        let now = self.ports.clock.now();
        self.delete_of(principal, session_id, now)
            .await
            .unwrap_or_else(crate::error::ApiError::into_response)
    }
}
