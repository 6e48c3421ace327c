//! The tab's connection: waiting to be opened, being opened, or open.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use futures::future::BoxFuture;
use http::StatusCode;
use tokio::time::timeout;

use super::Ended;
use crate::account::{Account, CallError, SocketTicket};
use crate::transport::{ConnectError, Socket};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(400);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// Where the connection stands; times count from the tab's beginning.
pub(super) enum Link {
    Waiting { until: Duration },
    Connecting(BoxFuture<'static, Result<Box<dyn Socket>, NotOpened>>),
    Open { socket: Box<dyn Socket>, answer_by: Option<Duration> },
}

/// What a connection tells.
pub(super) enum LinkEvent {
    Opened(Box<dyn Socket>),
    NotOpened(NotOpened),
    Frame(String),
    Closed,
}

/// Why a connection did not open.
pub(super) enum NotOpened {
    /// Worth another attempt, with a new ticket, after this time at least.
    Later(Duration),
    /// Not worth one.
    Never(Ended),
}

impl Link {
    /// Begins to open a connection, with the ticket that is at hand or with a new one.
    pub(super) fn connect(
        account: &Arc<Account>,
        session_id: &str,
        offered: Option<SocketTicket>,
    ) -> Self {
        let account = Arc::clone(account);
        let session_id = session_id.to_owned();
        Self::Connecting(Box::pin(async move {
            let websocket = match offered {
                Some(websocket) => websocket,
                None => account.ticket(&session_id).await?,
            };
            let opening = account.transport().connect(&websocket.url, &websocket.ticket);
            Ok(timeout(CONNECT_TIMEOUT, opening).await.map_err(|_| ConnectError::NoResponse)??)
        }))
    }

    /// Waits for what comes next. Cancel-safe.
    pub(super) async fn next(&mut self) -> LinkEvent {
        match self {
            Self::Waiting { .. } => pending().await,
            Self::Connecting(opening) => match opening.await {
                Ok(socket) => LinkEvent::Opened(socket),
                Err(error) => LinkEvent::NotOpened(error),
            },
            Self::Open { socket, .. } => {
                socket.receive().await.map_or(LinkEvent::Closed, LinkEvent::Frame)
            }
        }
    }

    /// Returns when it needs attention though nothing came.
    pub(super) fn wake_at(&self) -> Option<Duration> {
        match self {
            Self::Waiting { until } => Some(*until),
            Self::Connecting(_) => None,
            Self::Open { answer_by, .. } => *answer_by,
        }
    }
}

/// Returns the pause before an attempt: it doubles with each failed one, and its second half is
/// random.
pub(super) fn pause(failed: u32, rng: &mut Rng) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1_u32.checked_shl(failed).unwrap_or(u32::MAX));
    doubled.min(LONGEST_PAUSE).mul_f64(0.5 + rng.f64() / 2.0)
}

impl From<CallError> for NotOpened {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NotFound => Self::Never(Ended::Gone),
            CallError::Refused { status, .. } if status.is_client_error() => {
                Self::Never(Ended::Refused(status))
            }
            other => Self::Later(other.retry_after().unwrap_or_default()),
        }
    }
}

impl From<ConnectError> for NotOpened {
    fn from(error: ConnectError) -> Self {
        match error {
            // The origin; 401 is the ticket, and the next attempt has another.
            ConnectError::Refused(StatusCode::FORBIDDEN) => {
                Self::Never(Ended::Refused(StatusCode::FORBIDDEN))
            }
            ConnectError::Refused(_) | ConnectError::NoResponse => Self::Later(Duration::ZERO),
        }
    }
}
