//! The connections that receive the provisional text of a turn.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use shared::domain::{ConnectionId, Epoch, SessionKey};
use shared::ports::{Push, PushError, Store};
use shared::protocol::{ConnectionRow, connection};
use tokio::time::{Instant, timeout};

use super::subscriber::{FrameKind, StreamView, Subscriber};

/// How long a push may take before its connection counts as slow.
const PUSH_TIMEOUT: Duration = Duration::from_millis(250);

/// Pushes frames to every connection of a session: in order for each, and none waits for another.
pub(super) struct Subscribers {
    push: Arc<dyn Push>,
    store: Arc<dyn Store>,
    key: SessionKey,
    by_connection: BTreeMap<ConnectionId, Subscriber>,
    pushes: FuturesUnordered<BoxFuture<'static, FinishedPush>>,
}

/// A push that has ended, and the state of the connection when it started.
pub(super) struct FinishedPush {
    connection: ConnectionId,
    stamp: String,
    epoch: Epoch,
    kind: FrameKind,
    result: Result<(), PushError>,
}

impl Subscribers {
    pub(super) fn new(push: Arc<dyn Push>, store: Arc<dyn Store>, key: SessionKey) -> Self {
        Self { push, store, key, by_connection: BTreeMap::new(), pushes: FuturesUnordered::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_connection.is_empty()
    }

    /// Replaces the list of connections by the one that was just read.
    pub(super) fn update(&mut self, rows: Vec<ConnectionRow>) {
        let now = Instant::now();
        let mut known = std::mem::take(&mut self.by_connection);
        for row in rows {
            let id = row.connection_id.clone();
            let subscriber = match known.remove(&id) {
                Some(mut subscriber) => {
                    subscriber.update(row, now);
                    subscriber
                }
                None => Subscriber::new(row, now),
            };
            self.by_connection.insert(id, subscriber);
        }
    }

    /// Returns every connection to the beginning of the text, for a new generation.
    pub(super) fn restart(&mut self) {
        self.by_connection.values_mut().for_each(Subscriber::restart);
    }

    /// Sends a status to every connection.
    pub(super) fn set_status(&mut self, status: &str) {
        self.by_connection.values_mut().for_each(|subscriber| subscriber.set_status(status));
    }

    /// Starts the next push of every connection that is ready for one.
    pub(super) fn dispatch(&mut self, view: &StreamView<'_>) {
        if self.by_connection.is_empty() {
            return;
        }
        let now = Instant::now();
        let ready = |subscriber: &Subscriber| !subscriber.busy && subscriber.not_before <= now;
        for (connection, subscriber) in self.by_connection.iter_mut().filter(|(_, s)| ready(s)) {
            let Some((kind, frame)) = subscriber.next_frame(view) else { continue };
            subscriber.busy = true;
            let push = self.push.clone();
            let store = self.store.clone();
            let key = self.key.clone();
            let connection = connection.clone();
            let stamp = subscriber.stamp().to_owned();
            let epoch = view.turn.epoch;
            let send = async move {
                let pushed = timeout(PUSH_TIMEOUT, push.push(&connection, &frame)).await;
                let result = pushed.unwrap_or(Err(PushError::Slow));
                if matches!(result, Err(PushError::Gone)) {
                    forget(store.as_ref(), &key, &connection).await;
                }
                FinishedPush { connection, stamp, epoch, kind, result }
            };
            self.pushes.push(send.boxed());
        }
    }

    /// Waits for a push to end; forever if none is in flight.
    pub(super) async fn finished_push(&mut self) -> FinishedPush {
        match self.pushes.next().await {
            Some(push) => push,
            None => std::future::pending().await,
        }
    }

    /// Notes the end of a push. `epoch` is the turn's current one.
    pub(super) fn note(&mut self, push: FinishedPush, epoch: Epoch) {
        let FinishedPush { connection, stamp, epoch: pushed_epoch, kind, result } = push;
        let Some(subscriber) = self.by_connection.get_mut(&connection) else { return };
        subscriber.busy = false;
        match result {
            Ok(()) => {
                // The subscriber may have changed while the push was in flight. A frame of an
                // earlier generation, or one from before the connection resumed, must not move the
                // new offsets: text would be skipped. Only RUN_STARTED is the same in every
                // generation.
                let same_generation = pushed_epoch == epoch || kind == FrameKind::RunStarted;
                if subscriber.stamp() == stamp && same_generation {
                    subscriber.mark_sent(kind, Instant::now());
                }
            }
            Err(PushError::Gone) => drop(self.by_connection.remove(&connection)),
            Err(PushError::Slow | PushError::Failed(_)) => subscriber.slow_down(Instant::now()),
        }
    }
}

/// Removes the row of a connection that no longer exists.
async fn forget(store: &dyn Store, key: &SessionKey, connection: &ConnectionId) {
    if let Err(error) = connection::forget(store, key, connection).await {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "the row of a closed connection was not removed"
        );
    }
}
