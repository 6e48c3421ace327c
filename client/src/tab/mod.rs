//! One live view of a session, like a browser tab: it keeps a socket open, reconnects, and follows
//! the client rule.

mod act;
mod alarm;
mod handle;
mod link;
mod observer;
mod run;

use std::fmt;
use std::sync::Arc;

use fastrand::Rng;
use http::StatusCode;

use self::handle::Shared;
pub use self::handle::{TabHandle, TabView};
pub use self::observer::{NoObserver, Observer};
pub use self::run::Tab;
use super::account::{Account, SocketTicket};
use super::rule::Variant;

/// Identifies a tab, for logs and observers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TabId(pub u32);

impl fmt::Display for TabId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tab{}", self.0)
    }
}

/// The settings of a tab.
#[derive(Debug, Clone)]
pub struct TabSettings {
    /// The tab's id.
    pub id: TabId,
    /// The session to show, which must exist.
    pub session_id: String,
    /// The ticket of a 201 or 202, for the first connection; without it the tab requests one.
    pub websocket: Option<SocketTicket>,
    /// The last turn that is already shown; only later ones are received.
    pub cursor: u64,
    /// Whether to read finals from the history whenever a connection fails or is lost, so that they
    /// arrive even where no WebSocket can be opened.
    pub poll_while_disconnected: bool,
    /// Which variant of the client rule to follow.
    pub variant: Variant,
    /// The source of jitter.
    pub rng: Rng,
}

impl TabSettings {
    /// Creates the settings of a tab that shows a session from its first turn.
    pub fn new(id: TabId, session_id: impl Into<String>, rng: Rng) -> Self {
        Self {
            id,
            session_id: session_id.into(),
            websocket: None,
            cursor: 0,
            poll_while_disconnected: false,
            variant: Variant::default(),
            rng,
        }
    }
}

/// Why a tab ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was closed.
    Closed,
    /// The session does not exist, or belongs to another account.
    Gone,
    /// The service refused the tab for good, for example because its token has expired.
    Refused(StatusCode),
}

/// Opens a tab. The caller polls [`Tab::run`]; the handle controls the tab from elsewhere.
pub fn open(
    account: Arc<Account>,
    settings: TabSettings,
    observer: Arc<dyn Observer>,
) -> (Tab, TabHandle) {
    let shared = Arc::new(Shared::new(settings.id, settings.session_id.clone()));
    (Tab::new(account, settings, observer, Arc::clone(&shared)), TabHandle::new(shared))
}
