//! One browser tab: a socket that is opened again and again, and a client rule that says what to
//! show and to ask.

mod act;
mod alarm;
mod handle;
mod link;
mod run;
mod watch;

use std::fmt;
use std::sync::Arc;

use fastrand::Rng;
use http::StatusCode;

use self::handle::Shared;
pub use self::handle::{TabHandle, View};
pub use self::run::Tab;
pub use self::watch::{Unwatched, Watch};
use super::account::{Account, Websocket};
use super::rule::Variant;

/// Names one tab of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TabId(pub u32);

impl fmt::Display for TabId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tab{}", self.0)
    }
}

/// What a tab begins with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name.
    pub id: TabId,
    /// The session that it shows, which must be there.
    pub session_id: String,
    /// The ticket of a 201 or 202, for the first connection; without one the tab asks for one.
    pub websocket: Option<Websocket>,
    /// How well it follows the client rule.
    pub variant: Variant,
    /// Where its jitter comes from.
    pub rng: Rng,
}

/// Why a tab runs no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was closed.
    Closed,
    /// The service knows no such session of this account.
    Gone,
    /// The service refused what waiting does not cure, such as an expired token.
    Refused(StatusCode),
}

/// Opens a tab: its life, to be polled by the caller, and a hold on it.
pub fn open(account: Arc<Account>, settings: Settings, watch: Arc<dyn Watch>) -> (Tab, TabHandle) {
    let shared = Arc::new(Shared::new(settings.id, settings.session_id.clone()));
    (Tab::new(account, settings, watch, Arc::clone(&shared)), TabHandle::new(shared))
}
