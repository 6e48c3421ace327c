//! `POST /sessions`: a session, so that the socket can be open before the first message.

use http::StatusCode;
use serde_json::json;
use shared::domain::{Principal, SessionId, SessionKey, Timestamp};
use shared::ports::Durability;
use shared::ports::store::{Condition, Item, Write};
use shared::protocol::{SessionRow, keys};

use crate::answer::{self, Answer};
use crate::body::{Fields, parse};
use crate::error::Failure;
use crate::handler::{Call, Ingress, session_key};
use crate::identity::Speaker;

impl Ingress {
    /// Creates a session; an own one that exists is answered the same, a deleted one is a 404.
    pub(crate) async fn create_session(&self, call: &Call<'_>, speaker: Speaker) -> Answer {
        let fields = Fields::read_optional(call.request)?;
        let id = match fields.text("session_id")? {
            Some(id) => parse("session_id", id)?,
            None => self.new_session_id()?,
        };
        let key = session_key(&speaker.principal, &id);
        if !self.exists(&key).await? {
            self.admit(&speaker.principal, call.caller, call.now).await?;
            self.put_session(&key, &speaker.principal, &id, call.now).await?;
        }
        let websocket = self.websocket(call, &key, &speaker.principal).await?;
        let body = json!({ "session_id": id, "websocket": websocket });
        Ok(answer::json(
            StatusCode::CREATED,
            &answer::with(body, "session_token", speaker.session_token),
        ))
    }

    /// Chooses a session's id.
    pub(crate) fn new_session_id(&self) -> Result<SessionId, Failure> {
        SessionId::parse(self.ports.ids.id()).map_err(Failure::unavailable)
    }

    async fn exists(&self, key: &SessionKey) -> Result<bool, Failure> {
        match self.ports.store.get(&[keys::session(key)]).await?.pop().flatten() {
            Some(tombstone) if tombstone.flag("deleted") => Err(Failure::NotFound),
            found => Ok(found.is_some()),
        }
    }

    async fn put_session(
        &self,
        key: &SessionKey,
        principal: &Principal,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<(), Failure> {
        let end = self.config.bounds.lifetime.first_end(now);
        let row = SessionRow::new(principal.clone(), id.clone(), now, end);
        let write = Write::put(Item::from_row(keys::session(key), &row)?, vec![Condition::Absent]);
        let Err(error) = self.ports.store.write(write, Durability::Synced).await else {
            return Ok(());
        };
        // Another call, or this one with its acknowledgement lost, was first.
        match error.refusal()?.current {
            Some(tombstone) if tombstone.flag("deleted") => Err(Failure::NotFound),
            _ => Ok(()),
        }
    }
}
