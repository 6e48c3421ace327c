//! What others may do to a tab, and see of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{Ended, TabId};
use crate::rule::FinalTurn;

/// A hold on a tab that runs elsewhere. Nothing here waits; the tab follows when it runs next.
#[derive(Clone)]
pub struct TabHandle(Arc<Shared>);

/// What a tab shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TabView {
    /// The highest turn up to which the tab holds every final.
    pub cursor: u64,
    /// The finals that are shown, in the order in which they were, since the tab last forgot
    /// everything.
    pub shown: Vec<Arc<FinalTurn>>,
    /// Whether a socket is open.
    pub connected: bool,
    /// Why the tab runs no more.
    pub ended: Option<Ended>,
}

/// What a tab is told to do.
#[derive(Default)]
pub(super) struct Orders {
    pub(super) close: bool,
    pub(super) cut: bool,
    pub(super) suspended: bool,
    pub(super) messages: Vec<Outgoing>,
}

/// What became of a message that the user sends.
pub(super) enum Outgoing {
    Sending(String),
    Unsent(String),
}

/// What the tab and its handles share.
pub(super) struct Shared {
    id: TabId,
    session_id: String,
    orders: Mutex<Orders>,
    changed: Notify,
    view: Mutex<TabView>,
}

impl TabHandle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Returns the tab's id.
    pub fn id(&self) -> TabId {
        self.0.id
    }

    /// Returns the session that the tab shows.
    pub fn session_id(&self) -> &str {
        &self.0.session_id
    }

    /// Cuts the connection, if there is one; the tab connects again after a pause.
    pub fn cut(&self) {
        self.0.order(|orders| orders.cut = true);
    }

    /// Closes the tab for good.
    pub fn close(&self) {
        self.0.order(|orders| orders.close = true);
    }

    /// Stops the tab in its place: its socket stays open and nobody reads it, until [`Self::wake`].
    pub fn suspend(&self) {
        self.0.order(|orders| orders.suspended = true);
    }

    /// Lets a suspended tab go on.
    pub fn wake(&self) {
        self.0.order(|orders| orders.suspended = false);
    }

    /// Tells the tab that the user sends a message, so that it asks for the answer if nothing
    /// comes.
    ///
    /// To be called before the message goes out, because its final can overtake the 202.
    pub fn sending(&self, message_id: impl Into<String>) {
        let message = Outgoing::Sending(message_id.into());
        self.0.order(|orders| orders.messages.push(message));
    }

    /// Tells the tab that a message was refused.
    pub fn unsent(&self, message_id: impl Into<String>) {
        let message = Outgoing::Unsent(message_id.into());
        self.0.order(|orders| orders.messages.push(message));
    }

    /// Returns the highest turn up to which the tab holds every final.
    pub fn cursor(&self) -> u64 {
        self.0.view().cursor
    }

    /// Returns what the tab shows.
    pub fn view(&self) -> TabView {
        self.0.view().clone()
    }
}

impl Shared {
    pub(super) fn new(id: TabId, session_id: String) -> Self {
        let orders = Mutex::default();
        let view = Mutex::default();
        Self { id, session_id, orders, changed: Notify::new(), view }
    }

    /// Waits until somebody has given an order since the last call.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    pub(super) fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn view(&self) -> MutexGuard<'_, TabView> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self, change: impl FnOnce(&mut Orders)) {
        change(&mut self.orders());
        self.changed.notify_one();
    }
}
