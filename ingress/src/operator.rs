//! What hosts do for operators, by the rules of the public calls.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::json;
use shared::domain::{Principal, SessionId, SessionKey};
use shared::protocol::{SessionRow, keys};

use crate::answer::{self, Answer};
use crate::config::AuthMode;
use crate::error::Failure;
use crate::handler::{Call, Caller, Ingress};
use crate::identity::session_token::SessionToken;

impl Ingress {
    /// Creates a session of an operator, and answers with a session token that proves who they are.
    ///
    /// The caller has made sure that an operator asks.
    pub async fn operator_session(
        &self,
        request: &Request<Bytes>,
        principal: Principal,
        id: Option<SessionId>,
    ) -> Response<Bytes> {
        self.try_operator_session(request, principal, id).await.unwrap_or_else(Failure::into_response)
    }

    /// Deletes a session, whosever it is; an absent one is a 404, a deleted one is deleted.
    pub async fn operator_delete(&self, key: &SessionKey) -> Response<Bytes> {
        self.try_operator_delete(key).await.unwrap_or_else(Failure::into_response)
    }

    async fn try_operator_session(
        &self,
        request: &Request<Bytes>,
        principal: Principal,
        id: Option<SessionId>,
    ) -> Answer {
        if !matches!(self.config.auth, AuthMode::Anonymous { .. }) {
            let detail = "Session tokens are not accepted here: CHATBOT_AUTH_MODE is not NONE.";
            return Err(Failure::Conflict { field: None, detail });
        }
        let now = self.ports.clock.now();
        let id = id.map_or_else(|| self.new_session_id(), Ok)?;
        let key = SessionKey::derive(&principal, &id);
        if !self.exists(&key).await? {
            self.put_session(&key, &principal, &id, now).await?;
        }
        let keys = self.ports.secrets.signing_keys().await?;
        let token = SessionToken::first(principal.clone(), now).seal(&keys);
        let token = token.ok_or_else(|| Failure::unavailable("no signing key"))?;
        let call = Call { request, caller: &Caller::default(), now };
        let websocket = self.websocket(&call, &key, &principal).await?;
        let body = json!({ "session_id": id, "session_token": token, "websocket": websocket });
        Ok(answer::json(StatusCode::CREATED, &body))
    }

    async fn try_operator_delete(&self, key: &SessionKey) -> Answer {
        let item = self.ports.store.get(&[keys::session(key)]).await?.pop().flatten();
        let session: SessionRow = item.ok_or(Failure::NotFound)?.into_row()?;
        // A tombstone's id is not known any more: what a deletion that died left behind is the cleanup's.
        if let Some(id) = session.client_session_id.filter(|_| !session.deleted) {
            self.delete(key.clone(), id, self.ports.clock.now()).await?;
        }
        Ok(answer::empty(StatusCode::NO_CONTENT))
    }
}
