//! The connections that watch a turn.

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

use super::listener::{Listener, Scene, Step};

/// How long a push may take before its connection counts as slow.
const PUSH_TIMEOUT: Duration = Duration::from_millis(250);

/// Pushes to every connection of a session: in order for each, and none waits for another.
pub(super) struct Audience {
    push: Arc<dyn Push>,
    store: Arc<dyn Store>,
    key: SessionKey,
    listeners: BTreeMap<ConnectionId, Listener>,
    pushes: FuturesUnordered<BoxFuture<'static, Pushed>>,
}

/// The end of a push.
pub(super) struct Pushed {
    connection: ConnectionId,
    stamp: String,
    epoch: Epoch,
    step: Step,
    result: Result<(), PushError>,
}

impl Audience {
    pub(super) fn new(push: Arc<dyn Push>, store: Arc<dyn Store>, key: SessionKey) -> Self {
        Self { push, store, key, listeners: BTreeMap::new(), pushes: FuturesUnordered::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.listeners.is_empty()
    }

    /// Takes over the list of connections as it was just read.
    pub(super) fn meet(&mut self, rows: Vec<ConnectionRow>) {
        let now = Instant::now();
        let mut known = std::mem::take(&mut self.listeners);
        for row in rows {
            let id = row.connection_id.clone();
            let listener = match known.remove(&id) {
                Some(mut listener) => {
                    listener.meet(row, now);
                    listener
                }
                None => Listener::new(row, now),
            };
            self.listeners.insert(id, listener);
        }
    }

    pub(super) fn restart(&mut self) {
        self.listeners.values_mut().for_each(Listener::restart);
    }

    pub(super) fn announce(&mut self, status: &str) {
        self.listeners.values_mut().for_each(|listener| listener.announce(status));
    }

    /// Starts the next push of every connection that has none under way.
    pub(super) fn dispatch(&mut self, scene: &Scene<'_>) {
        if self.listeners.is_empty() {
            return;
        }
        let now = Instant::now();
        for (connection, listener) in
            self.listeners.iter_mut().filter(|(_, l)| !l.busy && l.not_before <= now)
        {
            let Some((step, frame)) = listener.next(scene) else { continue };
            listener.busy = true;
            let push = self.push.clone();
            let store = self.store.clone();
            let key = self.key.clone();
            let connection = connection.clone();
            let stamp = listener.stamp().to_owned();
            let epoch = scene.turn.epoch;
            let send = async move {
                let pushed = timeout(PUSH_TIMEOUT, push.push(&connection, &frame)).await;
                let result = pushed.unwrap_or(Err(PushError::Slow));
                if matches!(result, Err(PushError::Gone)) {
                    forget(store.as_ref(), &key, &connection).await;
                }
                Pushed { connection, stamp, epoch, step, result }
            };
            self.pushes.push(send.boxed());
        }
    }

    /// Waits for the end of a push; for ever if there is none under way.
    pub(super) async fn pushed(&mut self) -> Pushed {
        match self.pushes.next().await {
            Some(pushed) => pushed,
            None => std::future::pending().await,
        }
    }

    /// Takes note of the end of a push.
    pub(super) fn note(&mut self, pushed: Pushed, epoch: Epoch) {
        let Pushed { connection, stamp, epoch: then, step, result } = pushed;
        let Some(listener) = self.listeners.get_mut(&connection) else { return };
        listener.busy = false;
        match result {
            // A frame of an older generation, or from before the connection resumed, says nothing
            // of the new one.
            Ok(()) if listener.stamp() == stamp && (then == epoch || step == Step::RunStarted) => {
                listener.took(step, Instant::now());
            }
            Ok(()) => (),
            Err(PushError::Gone) => drop(self.listeners.remove(&connection)),
            Err(PushError::Slow | PushError::Failed(_)) => listener.slow_down(Instant::now()),
        }
    }
}

async fn forget(store: &dyn Store, key: &SessionKey, connection: &ConnectionId) {
    if let Err(error) = connection::forget(store, key, connection).await {
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "a gone connection's row was not removed"
        );
    }
}
