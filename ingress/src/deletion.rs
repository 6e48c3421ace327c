//! `DELETE /sessions/{id}`: nothing of the session is left but a marker without content.

use http::StatusCode;
use shared::domain::{Principal, SessionId, SessionKey, Timestamp};
use shared::ports::Durability;
use shared::ports::store::Item;
use shared::protocol::{SessionRow, delete, keys};
use shared::queue_messages::{DeletedNotice, ReplyMessage};

use crate::error::ApiError;
use crate::handler::{Call, Ingress, session_key};
use crate::response::{self, HttpResult};

impl Ingress {
    /// Deletes a session of the caller's own, or finishes a deletion that died.
    pub(crate) async fn delete_session(
        &self,
        call: &Call<'_>,
        principal: &Principal,
        id: &str,
    ) -> HttpResult {
        let id = SessionId::parse(id).map_err(|_| ApiError::NotFound)?;
        self.delete_of(principal, id, call.now).await
    }

    /// Deletes a session of this principal.
    pub(crate) async fn delete_of(
        &self,
        principal: &Principal,
        id: SessionId,
        now: Timestamp,
    ) -> HttpResult {
        let key = session_key(principal, &id);
        let mut session = self.session_or_tombstone(&key).await?.ok_or(ApiError::NotFound)?;
        if !session.deleted {
            session = self.write_tombstone(&key, now).await?.ok_or(ApiError::NotFound)?;
        }
        if session.due.is_some() {
            self.remove_content(key, id, session.created_at).await?;
        }
        Ok(response::empty(StatusCode::NO_CONTENT))
    }

    async fn session_or_tombstone(&self, key: &SessionKey) -> Result<Option<SessionRow>, ApiError> {
        let item = self.ports.store.get(&[keys::session(key)]).await?.pop().flatten();
        Ok(item.map(Item::into_row).transpose()?)
    }

    /// Puts the tombstone; the one of another call serves as well.
    async fn write_tombstone(
        &self,
        key: &SessionKey,
        now: Timestamp,
    ) -> Result<Option<SessionRow>, ApiError> {
        let stands =
            match self.ports.store.write(delete::tombstone(key, now), Durability::Synced).await {
                Ok(item) => item,
                Err(error) => error.failed_condition()?.current,
            };
        Ok(stands.map(Item::into_row).transpose()?)
    }

    /// Removes the rest. The tombstone stays on the cleanup's list until all of it is done.
    async fn remove_content(
        &self,
        session_key: SessionKey,
        session_id: SessionId,
        at: Timestamp,
    ) -> Result<(), ApiError> {
        let store = &*self.ports.store;
        for connection in delete::remove_rows(store, &session_key).await? {
            if let Err(error) = self.ports.push.close(&connection).await {
                tracing::warn!(%error, "a connection of a deleted session was not closed");
            }
        }
        let finished = delete::finished(&session_key);
        // The time of the tombstone, not of this call: a repeated notice is the same notice.
        let notice =
            ReplyMessage::Deleted(DeletedNotice { session_key, session_id, deleted_at: at });
        self.ports.replies.send(notice.outgoing()).await?;
        match store.write(finished, Durability::Ordered).await {
            Ok(_) => Ok(()),
            // The tombstone ended meanwhile: there is nothing to take off the list.
            Err(error) => Ok(error.failed_condition().map(drop)?),
        }
    }
}
