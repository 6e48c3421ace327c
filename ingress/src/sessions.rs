//! `POST /sessions`: a session, so that the socket can be open before the first message.

use http::StatusCode;
use serde_json::json;
use shared::domain::{Principal, SessionId, SessionKey, Timestamp};
use shared::ports::Durability;
use shared::ports::store::{Condition, Item, Write};
use shared::protocol::{SessionRow, keys};

use crate::body::{JsonBody, parse};
use crate::error::ApiError;
use crate::handler::{Call, Ingress, session_key};
use crate::identity::Caller;
use crate::response::{self, HttpResult};

impl Ingress {
    /// Creates a session; an own one that exists is answered the same, a deleted one is a 404.
    pub(crate) async fn create_session(&self, call: &Call<'_>, caller: Caller) -> HttpResult {
        let fields = JsonBody::read_optional(call.request)?;
        let id = match fields.text("session_id")? {
            Some(id) => parse("session_id", id)?,
            None => self.new_session_id()?,
        };
        let key = session_key(&caller.principal, &id);
        if !self.exists(&key).await? {
            self.admit(&caller, call.client, call.now).await?;
            self.put_session(&key, &caller.principal, &id, call.now).await?;
        }
        let websocket = self.websocket(call, &key, &caller.principal).await?;
        let body = json!({ "session_id": id, "websocket": websocket });
        Ok(response::json(
            StatusCode::CREATED,
            &response::with(body, "session_token", caller.session_token),
        ))
    }

    /// Chooses a session's id.
    pub(crate) fn new_session_id(&self) -> Result<SessionId, ApiError> {
        SessionId::parse(self.ports.ids.id()).map_err(ApiError::unavailable)
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, ApiError> {
        match self.ports.store.get(&[keys::session(key)]).await?.pop().flatten() {
            Some(tombstone) if tombstone.flag("deleted") => Err(ApiError::NotFound),
            found => Ok(found.is_some()),
        }
    }

    async fn put_session(
        &self,
        key: &SessionKey,
        principal: &Principal,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let end = self.config.accept_limits.lifetime.first_end(now);
        let row = SessionRow::new(principal.clone(), id.clone(), now, end);
        let write = Write::put(Item::from_row(keys::session(key), &row)?, vec![Condition::Absent]);
        let Err(error) = self.ports.store.write(write, Durability::Synced).await else {
            return Ok(());
        };
        // Another call, or this one with its acknowledgement lost, was first.
        match error.failed_condition()?.current {
            Some(tombstone) if tombstone.flag("deleted") => Err(ApiError::NotFound),
            _ => Ok(()),
        }
    }
}
