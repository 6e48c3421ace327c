//! A frame to every connection of a session.

use std::time::Duration;

use futures::future::join_all;
use shared::domain::{ConnectionId, PrincipalHash, SessionKey};
use shared::ports::{PushError, StoreError};
use shared::protocol::{ConnectionRow, connection};
use shared::store_retry::with_retries;
use tokio::time::{sleep, timeout};

use crate::handler::{Notifier, jitter_of};

/// How long one try to push may take.
const PUSH_TIMEOUT: Duration = Duration::from_millis(250);
/// How often a slow client is tried before its connection is closed: its session's next final waits
/// meanwhile.
const TRIES: u32 = 2;
/// How long listing the connections may take, retries included.
const LISTING: Duration = Duration::from_secs(1);

impl Notifier {
    /// Pushes a frame to every connection of the owner, each on its own; failures are not the
    /// record's.
    ///
    /// That holds for connections that cannot be listed too: the queue would bring a failed record
    /// back later than the client asks by itself (after 10 s without a frame), and would hold up
    /// the session's next finals until then.
    pub(crate) async fn push_to_all(&self, key: &SessionKey, owner: &PrincipalHash, frame: &str) {
        match timeout(LISTING, self.list(key, owner)).await {
            Ok(Ok(rows)) => {
                join_all(rows.iter().map(|row| self.push_to(key, &row.connection_id, frame))).await;
            }
            Ok(Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the connections could not be listed"
                );
            }
            Err(_) => tracing::warn!("the connections could not be listed in time"),
        }
    }

    async fn list(
        &self,
        key: &SessionKey,
        owner: &PrincipalHash,
    ) -> Result<Vec<ConnectionRow>, StoreError> {
        let store = self.ports.store.as_ref();
        with_retries(|| jitter_of(key), || connection::list(store, key, owner)).await
    }

    /// Pushes a frame to one connection: a gone one is forgotten, one that stays slow is closed.
    async fn push_to(&self, key: &SessionKey, connection: &ConnectionId, frame: &str) {
        for attempt in 1..=TRIES {
            match timeout(PUSH_TIMEOUT, self.ports.push.push(connection, frame))
                .await
                .unwrap_or(Err(PushError::Slow))
            {
                Ok(()) => return,
                Err(PushError::Gone) => return self.forget(key, connection).await,
                Err(PushError::Failed(error)) => {
                    tracing::debug!(error = error.as_ref(), "a push failed; the client asks again");
                    return;
                }
                Err(PushError::Slow) if attempt < TRIES => sleep(PUSH_TIMEOUT * attempt).await,
                Err(PushError::Slow) => (),
            }
        }
        tracing::info!("a connection that does not read was closed");
        if let Err(error) = self.ports.push.close(connection).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "a slow connection was not closed"
            );
        }
        self.forget(key, connection).await;
    }

    async fn forget(&self, key: &SessionKey, connection: &ConnectionId) {
        if let Err(error) = connection::forget(self.ports.store.as_ref(), key, connection).await {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "a gone connection's row was not removed"
            );
        }
    }
}
