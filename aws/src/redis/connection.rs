//! The connection to the Redis server, with a circuit breaker.
//!
//! A cache must never slow down a reply by more than it can save, so every wait is short and an
//! outage must cost almost nothing:
//!
//! - One multiplexed connection serves all calls. It is made at the first call, in a task of its
//!   own that goes on when a caller has stopped waiting: a cold start can be slower than a caller's
//!   patience, and the next call should still profit from it.
//! - After a failure the circuit is open: calls return [`CommandOutcome::Skipped`] without a
//!   request for a second, then for twice as long after each further failure, up to a minute. The
//!   first call after that probes the server.
//! - Many calls share a connection, and all of them fail when it breaks. The connection's number
//!   makes sure that only the first one counts as a failure and reports it.
//! - A command that fails on a connection that existed before is sent once more on a new one: the
//!   old one may have died while the function was frozen. Commands must therefore be idempotent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, ErrorKind, RedisError, Value};
use tokio::time::{Instant, timeout};

use super::RedisAddress;
use crate::call_error::{CallError, CallErrorKind};
use crate::secrets::SecretsManagerSecrets;

/// A connection that has been idle for this long is replaced. It may have died unnoticed while the
/// function was frozen.
const MAX_IDLE: Duration = Duration::from_mins(1);
/// How long the circuit is open after the first failure; doubled by each further one.
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// The longest time that the circuit is open.
const MAX_PAUSE: Duration = Duration::from_mins(1);
const CONNECT: &str = "redis CONNECT";

/// The longest times that the cache may take. The defaults are for a server in the same region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedisTimeouts {
    /// The timeout for connecting, including TLS and authentication.
    pub connect: Duration,
    /// How long a call waits for a connection that is still being made.
    ///
    /// Connecting goes on without the call. At worst the first lookup of a process misses, and its
    /// reply is stored over that connection all the same.
    pub wait: Duration,
    /// How long a call waits for the response.
    pub response: Duration,
}

impl Default for RedisTimeouts {
    /// Many times what each step takes within a region, even for a function with a fraction of a
    /// core (about ten milliseconds for a TLS handshake, one for a response), and less than a
    /// person notices before a model's first token.
    fn default() -> Self {
        Self {
            connect: Duration::from_millis(500),
            wait: Duration::from_millis(25),
            response: Duration::from_millis(50),
        }
    }
}

/// The outcome of a command.
pub(super) enum CommandOutcome {
    /// The server executed it.
    Value(Value),
    /// The server is available but rejected the command: the key has another type, or its memory is
    /// full.
    Refused(CallError),
    /// No request was made, or it failed in an outage that has already been reported.
    Skipped,
}

/// A connection to a server that many calls may use at once.
pub(super) struct RedisConnection {
    connector: Arc<Connector>,
    timeouts: RedisTimeouts,
    state: Mutex<ConnectionState>,
}

#[derive(Default)]
struct ConnectionState {
    connection: Option<ConnectionFuture>,
    /// The number of the current connection. A failure of a call only counts if the call used this
    /// connection, so that one broken connection counts once, however many calls it fails.
    number: u64,
    used: Option<Instant>,
    failures: u32,
    open_until: Option<Instant>,
}

type ConnectionFuture = Shared<BoxFuture<'static, Result<MultiplexedConnection, CallError>>>;

/// A connection that may still be in the making.
struct Acquired {
    ready: ConnectionFuture,
    number: u64,
    /// Whether it was started for this call.
    new: bool,
}

impl RedisConnection {
    pub(super) fn new(
        address: RedisAddress,
        secrets: Arc<SecretsManagerSecrets>,
        timeouts: RedisTimeouts,
    ) -> Self {
        let connector = Arc::new(Connector { address, secrets, timeout: timeouts.connect });
        Self { connector, timeouts, state: Mutex::default() }
    }

    /// Executes a command, and repeats it once if an existing connection turns out to be broken.
    /// The command must be idempotent.
    ///
    /// Only the first failure of an outage is returned as an error.
    pub(super) async fn execute(
        &self,
        call: &'static str,
        command: &Cmd,
    ) -> Result<CommandOutcome, CallError> {
        loop {
            let Some(Acquired { ready, number, new }) = self.acquire() else {
                return Ok(CommandOutcome::Skipped);
            };
            let Ok(connected) = timeout(self.timeouts.wait, ready).await else {
                return Ok(CommandOutcome::Skipped);
            };
            let outcome = match connected {
                Ok(connection) => {
                    let sent =
                        timeout(self.timeouts.response, send(connection, call, command)).await;
                    sent.unwrap_or_else(|_| Err(CallError::new(call, CallErrorKind::Timeout)))
                }
                Err(error) => return self.failed(number, error),
            };
            match outcome {
                Ok(answer) => {
                    self.succeeded();
                    return Ok(answer);
                }
                Err(error) if !new && error.kind() == CallErrorKind::Connection => {
                    self.forget(number);
                }
                Err(error) => return self.failed(number, error),
            }
        }
    }

    /// Returns the current connection, or starts a new one; `None` while the circuit is open.
    fn acquire(&self) -> Option<Acquired> {
        let now = Instant::now();
        let mut state = self.state();
        if state.open_until.is_some_and(|until| now < until) {
            return None;
        }
        let idle = state.used.replace(now).is_some_and(|used| now.duration_since(used) >= MAX_IDLE);
        let existing = state.connection.take().filter(|_| !idle);
        let new = existing.is_none();
        let ready = existing.unwrap_or_else(|| {
            state.number += 1;
            Arc::clone(&self.connector).begin()
        });
        state.connection = Some(ready.clone());
        Some(Acquired { ready, number: state.number, new })
    }

    /// Drops a broken connection, unless another call has replaced it already.
    fn forget(&self, number: u64) {
        let mut state = self.state();
        if state.number == number {
            state.connection = None;
        }
    }

    /// Opens the circuit after a failure of the current connection.
    fn failed(&self, number: u64, error: CallError) -> Result<CommandOutcome, CallError> {
        let mut state = self.state();
        // Another call has already counted the failure of this connection.
        if state.number != number || state.connection.take().is_none() {
            return Ok(CommandOutcome::Skipped);
        }
        state.failures = state.failures.saturating_add(1);
        state.open_until = Some(Instant::now() + pause(state.failures));
        if state.failures == 1 {
            return Err(error);
        }
        tracing::debug!(
            error = &error as &dyn std::error::Error,
            "the reply cache is still unavailable"
        );
        Ok(CommandOutcome::Skipped)
    }

    fn succeeded(&self) {
        let mut state = self.state();
        if state.failures > 0 {
            tracing::info!(failures = state.failures, "the reply cache is available again");
        }
        state.failures = 0;
        state.open_until = None;
    }

    fn state(&self) -> MutexGuard<'_, ConnectionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes connections to the server.
struct Connector {
    address: RedisAddress,
    secrets: Arc<SecretsManagerSecrets>,
    timeout: Duration,
}

impl Connector {
    /// Starts connecting in a task of its own, which goes on even if no call waits for it.
    fn begin(self: Arc<Self>) -> ConnectionFuture {
        let connecting = tokio::spawn(async move { self.connect().await });
        let lost = CallError::new(CONNECT, CallErrorKind::Connection);
        async { connecting.await.unwrap_or(Err(lost)) }.boxed().shared()
    }

    async fn connect(&self) -> Result<MultiplexedConnection, CallError> {
        let invalid =
            |why: String| CallError::new(CONNECT, CallErrorKind::Construction).with_detail(why);
        let password = self.secrets.reply_cache_password().await;
        let password = password.map_err(|error| invalid(error.0.to_string()))?;
        let client = self
            .address
            .client(password.as_ref())
            .map_err(|error| invalid(error.category().to_owned()))?;
        let config = AsyncConnectionConfig::new();
        let config = config.set_connection_timeout(Some(self.timeout)).set_response_timeout(None);
        match client.get_multiplexed_async_connection_with_config(&config).await {
            Ok(connection) => Ok(connection),
            Err(error) if error.kind() == ErrorKind::AuthenticationFailed => {
                self.secrets.refresh_reply_cache_password().await;
                Err(CallError::new(CONNECT, CallErrorKind::Service)
                    .with_detail("user or password refused"))
            }
            // Errors of the network and TLS contain no user data.
            Err(error) if error.is_io_error() => {
                Err(call_error(CONNECT, &error).with_detail(error.to_string()))
            }
            Err(error) => Err(call_error(CONNECT, &error)),
        }
    }
}

async fn send(
    mut connection: MultiplexedConnection,
    call: &'static str,
    command: &Cmd,
) -> Result<CommandOutcome, CallError> {
    match connection.send_packed_command(command).await.and_then(Value::extract_error) {
        Ok(value) => Ok(CommandOutcome::Value(value)),
        Err(error) if matches!(error.code(), Some("WRONGTYPE" | "OOM")) => {
            Ok(CommandOutcome::Refused(call_error(call, &error)))
        }
        Err(error) => Err(call_error(call, &error)),
    }
}

/// Keeps the parts of an error that may be logged. A server's error message may quote the rejected
/// command with its arguments.
fn call_error(call: &'static str, error: &RedisError) -> CallError {
    let kind = match error.kind() {
        ErrorKind::Io if error.is_timeout() => CallErrorKind::Timeout,
        ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::AuthenticationFailed => {
            CallErrorKind::Service
        }
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => CallErrorKind::Response,
        _ => CallErrorKind::Connection,
    };
    CallError::new(call, kind).with_code(error.code())
}

/// Returns how long the circuit is open after this number of failures in a row.
fn pause(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(6);
    (MIN_PAUSE * 2_u32.pow(doublings)).min(MAX_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_minute() {
        let seconds = [1, 2, 3, 4, 5, 6, 7, 8, u32::MAX].map(|failures| pause(failures).as_secs());
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
