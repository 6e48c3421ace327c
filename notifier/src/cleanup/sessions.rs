//! Sessions past their end, and deletions that died.

use serde_json::json;
use shared::analytics;
use shared::domain::SessionKey;
use shared::ports::Durability;
use shared::ports::store::{Condition, Item, Store, StoreError, Write};
use shared::protocol::{Owner, SessionRow, TurnState, delete, keys};

use super::{CleanupRun, PAGE};
use crate::error::NotifierError;
use crate::handler::Notifier;

impl Notifier {
    pub(super) async fn clean_session(
        &self,
        key: &SessionKey,
        item: Item,
        run: &mut CleanupRun,
    ) -> Result<(), NotifierError> {
        // The index may lag: only a session that is absent by now is past its end.
        let live = self.ports.store.get(&[keys::session(key)]).await?.pop().flatten();
        if let Some(session) = live.map(Item::into_row::<SessionRow>).transpose()? {
            if session.deleted && session.due.is_some() {
                run.report.finished_deletions += 1;
                self.finish_deletion(key).await?;
            }
            return Ok(());
        }
        let session: SessionRow = item.into_row()?;
        // The event goes first: were the rows removed before it, a failure would lose it.
        if let Some(owner) = session.owner() {
            if run.bus_away {
                return Err(NotifierError::Event);
            }
            let end = session.expires_at.timestamp();
            self.emit_or_fail(analytics::session_expired(
                key,
                &owner.session_id,
                session.created_at,
                end,
            ))
            .await?;
        }
        run.report.expired_sessions += 1;
        self.remove_expired(key, session.owner().as_ref()).await
    }

    /// Removes a dead session's rows, the session's own last, each only if it is still expired.
    async fn remove_expired(
        &self,
        key: &SessionKey,
        owner: Option<&Owner>,
    ) -> Result<(), NotifierError> {
        let store = self.ports.store.as_ref();
        let mut query = keys::everything(key, PAGE);
        loop {
            let page = store.query(&query).await?;
            if let Some(last) = page.items.last() {
                query.from = format!("{}\u{0}", last.key.sort);
            }
            for item in page.items.into_iter().filter(|item| item.key.sort != keys::META) {
                if let Some(owner) = owner {
                    self.tell_undelivered(key, owner, &item).await?;
                }
                remove_if_expired(store, item.key).await?;
            }
            if !page.more {
                return remove_if_expired(store, keys::session(key)).await;
            }
        }
    }

    /// Emits the event of a final that nobody delivered while its session lived.
    async fn tell_undelivered(
        &self,
        key: &SessionKey,
        owner: &Owner,
        item: &Item,
    ) -> Result<(), NotifierError> {
        if item.attributes.get("state") != Some(&json!(TurnState::Committed)) {
            return Ok(());
        }
        let event = analytics::turn_event(key, &owner.session_id, &item.to_row()?, self.texts);
        self.emit_or_fail(event).await
    }

    async fn finish_deletion(&self, key: &SessionKey) -> Result<(), NotifierError> {
        for connection in delete::remove_rows(self.ports.store.as_ref(), key).await? {
            if let Err(error) = self.ports.push.close(&connection).await {
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "a connection was not closed"
                );
            }
        }
        match self.ports.store.write(delete::finished(key), Durability::Ordered).await {
            Ok(_) | Err(StoreError::ConditionFailed(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

async fn remove_if_expired(
    store: &dyn Store,
    key: shared::ports::store::Key,
) -> Result<(), NotifierError> {
    match store.write(Write::delete(key, vec![Condition::Absent]), Durability::Ordered).await {
        Ok(_) | Err(StoreError::ConditionFailed(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
