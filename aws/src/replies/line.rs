//! The connection to the server: made with the first call, and left alone for a while after a
//! failure.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, ErrorKind, RedisError, Value};
use tokio::time::{Instant, timeout};

use super::RedisAddress;
use crate::fault::{Fault, Kind};
use crate::secrets::SecretsManagerSecrets;

/// A connection that was not used for so long is made anew: a function that was frozen holds
/// connections that died unseen.
const IDLE: Duration = Duration::from_mins(1);
/// For how long the server is not asked after a failure; twice as long after each further one, up
/// to the longest.
const SHORTEST_BREAK: Duration = Duration::from_secs(1);
const LONGEST_BREAK: Duration = Duration::from_mins(1);
const CONNECT: &str = "redis connection";

/// How long the cache may take; the defaults are for a server in the same region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// The longest that a connection may take, with TLS and the password.
    pub connect: Duration,
    /// The longest that a call waits for a connection that is still being made.
    ///
    /// It goes on without the call: at worst the first message of a process finds nothing, and its
    /// reply is kept over that connection all the same.
    pub wait: Duration,
    /// The longest that a call waits for its answer.
    pub answer: Duration,
}

impl Default for Timeouts {
    /// Many times what each takes in one region, also for a function with a fraction of a core (a
    /// handshake of TLS is some ten milliseconds there, an answer one), and less than anybody
    /// notices before a model's first word.
    fn default() -> Self {
        let [connect, wait, answer] = [500, 25, 50].map(Duration::from_millis);
        Self { connect, wait, answer }
    }
}

/// What became of a command.
pub(super) enum Answer {
    /// The server did it.
    Value(Value),
    /// The server does not do this, but answers: the key is of another type, or its memory is full.
    Refused(Fault),
    /// The server was not asked, or is away and somebody was told already.
    NotAsked,
}

/// A line to a server. It may be used by many at once.
pub(super) struct Line {
    maker: Arc<Maker>,
    timeouts: Timeouts,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    connection: Option<Ready>,
    /// The number of the connection, so that a failure is counted once however many calls meet it.
    number: u64,
    used: Option<Instant>,
    failures: u32,
    closed_until: Option<Instant>,
}

type Ready = Shared<BoxFuture<'static, Result<MultiplexedConnection, Fault>>>;

/// A connection that may still be under way.
struct Attempt {
    ready: Ready,
    number: u64,
    /// Whether it was begun for this call.
    new: bool,
}

impl Line {
    pub(super) fn new(
        address: RedisAddress,
        secrets: Arc<SecretsManagerSecrets>,
        timeouts: Timeouts,
    ) -> Self {
        let maker = Arc::new(Maker { address, secrets, timeout: timeouts.connect });
        Self { maker, timeouts, state: Mutex::default() }
    }

    /// Sends a command, and sends it once more if the connection broke since its last use: it must
    /// be repeatable.
    ///
    /// An error is the first of an outage.
    pub(super) async fn ask(&self, call: &'static str, command: &Cmd) -> Result<Answer, Fault> {
        loop {
            let Some(Attempt { ready, number, new }) = self.attempt() else {
                return Ok(Answer::NotAsked);
            };
            let Ok(connected) = timeout(self.timeouts.wait, ready).await else {
                return Ok(Answer::NotAsked);
            };
            let outcome = match connected {
                Ok(connection) => {
                    let sent = timeout(self.timeouts.answer, send(connection, call, command)).await;
                    sent.unwrap_or_else(|_| Err(Fault::new(call, Kind::Late)))
                }
                Err(fault) => return self.failed(number, fault),
            };
            match outcome {
                Ok(answer) => {
                    self.succeeded();
                    return Ok(answer);
                }
                Err(fault) if !new && fault.kind() == Kind::Broken => self.forget(number),
                Err(fault) => return self.failed(number, fault),
            }
        }
    }

    /// Returns the connection, begun anew where there is none; `None` during a break.
    fn attempt(&self) -> Option<Attempt> {
        let now = Instant::now();
        let mut state = self.state();
        if state.closed_until.is_some_and(|until| now < until) {
            return None;
        }
        let idle = state.used.replace(now).is_some_and(|used| now.duration_since(used) >= IDLE);
        let known = state.connection.take().filter(|_| !idle);
        let new = known.is_none();
        let ready = known.unwrap_or_else(|| {
            state.number += 1;
            Arc::clone(&self.maker).begin()
        });
        state.connection = Some(ready.clone());
        Some(Attempt { ready, number: state.number, new })
    }

    fn forget(&self, number: u64) {
        let mut state = self.state();
        if state.number == number {
            state.connection = None;
        }
    }

    fn failed(&self, number: u64, fault: Fault) -> Result<Answer, Fault> {
        let mut state = self.state();
        if state.number != number || state.connection.take().is_none() {
            return Ok(Answer::NotAsked);
        }
        state.failures = state.failures.saturating_add(1);
        state.closed_until = Some(Instant::now() + pause(state.failures));
        if state.failures == 1 {
            return Err(fault);
        }
        tracing::debug!(error = &fault as &dyn std::error::Error, "the reply cache is still away");
        Ok(Answer::NotAsked)
    }

    fn succeeded(&self) {
        let mut state = self.state();
        if state.failures > 0 {
            tracing::info!(failures = state.failures, "the reply cache answers again");
        }
        (state.failures, state.closed_until) = (0, None);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes connections.
struct Maker {
    address: RedisAddress,
    secrets: Arc<SecretsManagerSecrets>,
    timeout: Duration,
}

impl Maker {
    /// Begins a connection, which goes on while nobody waits for it.
    fn begin(self: Arc<Self>) -> Ready {
        let connecting = tokio::spawn(async move { self.connect().await });
        let lost = Fault::new(CONNECT, Kind::Broken);
        async { connecting.await.unwrap_or(Err(lost)) }.boxed().shared()
    }

    async fn connect(&self) -> Result<MultiplexedConnection, Fault> {
        let unbuilt = |why: String| Fault::new(CONNECT, Kind::Unbuilt).with_detail(why);
        let password = self.secrets.reply_cache_password().await;
        let password = password.map_err(|error| unbuilt(error.0.to_string()))?;
        let client = self
            .address
            .client(password.as_ref())
            .map_err(|error| unbuilt(error.category().to_owned()))?;
        let config = AsyncConnectionConfig::new();
        let config = config.set_connection_timeout(Some(self.timeout)).set_response_timeout(None);
        match client.get_multiplexed_async_connection_with_config(&config).await {
            Ok(connection) => Ok(connection),
            Err(error) if error.kind() == ErrorKind::AuthenticationFailed => {
                self.secrets.refresh_reply_cache_password().await;
                Err(Fault::new(CONNECT, Kind::Answered).with_detail("user or password refused"))
            }
            // What the network or TLS says of a connection holds nobody's words.
            Err(error) if error.is_io_error() => {
                Err(fault(CONNECT, &error).with_detail(error.to_string()))
            }
            Err(error) => Err(fault(CONNECT, &error)),
        }
    }
}

async fn send(
    mut connection: MultiplexedConnection,
    call: &'static str,
    command: &Cmd,
) -> Result<Answer, Fault> {
    match connection.send_packed_command(command).await.and_then(Value::extract_error) {
        Ok(value) => Ok(Answer::Value(value)),
        Err(error) if matches!(error.code(), Some("WRONGTYPE" | "OOM")) => {
            Ok(Answer::Refused(fault(call, &error)))
        }
        Err(error) => Err(fault(call, &error)),
    }
}

/// Takes from an error what may be logged: a server repeats a command that it refuses, with what it
/// carried.
fn fault(call: &'static str, error: &RedisError) -> Fault {
    let kind = match error.kind() {
        ErrorKind::Io if error.is_timeout() => Kind::Late,
        ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::AuthenticationFailed => {
            Kind::Answered
        }
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => Kind::Unreadable,
        _ => Kind::Broken,
    };
    Fault::new(call, kind).with_code(error.code())
}

/// Returns for how long the server is not asked after so many failures in a row.
fn pause(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(6);
    (SHORTEST_BREAK * 2_u32.pow(doublings)).min(LONGEST_BREAK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_grow_up_to_a_minute() {
        let seconds = [1, 2, 3, 4, 5, 6, 7, 8, u32::MAX].map(|failures| pause(failures).as_secs());
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    }
}
