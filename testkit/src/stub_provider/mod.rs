//! A provider that speaks the Claude Messages API and `OpenAI` Chat Completions, and misbehaves on
//! demand.
//!
//! Benchmarks use it with [`Options::bench`]: one reply, built once, sent without a look at the
//! request.
//! Tests use it with [`StubProvider::start`]: requests are checked as the real services check them,
//! recorded, and answered by the script, by a marker such as `[[stub:slow]]` in the last user
//! message, or by the default.

mod behaviour;
mod call;
mod claude;
mod frames;
mod marker;
mod openai;
mod plan;
mod script;
mod server;
mod tools;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use behaviour::{Behaviour, Failure, Finish, Reply, ToolCall, Usage};
pub use call::{Call, Message, Protocol, said};
pub use script::Progress;
use script::Script;

/// How a stub listens, and how closely it looks at requests.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Whether requests are parsed: checked, recorded and searched for markers.
    pub inspect: bool,
}

impl Options {
    /// Returns the options of a test: a free port, every request inspected.
    pub const fn test() -> Self {
        Self { port: 0, inspect: true }
    }

    /// Returns the options of a benchmark: a free port, no request parsed or recorded.
    pub const fn bench() -> Self {
        Self { port: 0, inspect: false }
    }
}

/// A running stub provider.
///
/// It runs on the caller's runtime and keeps its pace on tokio time.
/// Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct StubProvider {
    address: SocketAddr,
    script: Arc<Script>,
    server: JoinHandle<()>,
}

impl StubProvider {
    /// Starts a stub for tests that answers with `behaviour` unless a script or a marker says
    /// otherwise.
    ///
    /// Fails if no port can be bound.
    pub async fn start(behaviour: Behaviour) -> io::Result<Self> {
        Self::start_with(behaviour, Options::test()).await
    }

    /// Starts a stub with options of the caller's.
    ///
    /// Fails if the port cannot be bound.
    pub async fn start_with(behaviour: Behaviour, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
        let address = listener.local_addr()?;
        let script = Arc::new(Script::new(behaviour, options.inspect));
        let server = tokio::spawn(server::serve(listener, Arc::clone(&script)));
        Ok(Self { address, script, server })
    }

    /// Returns the base address, `http://127.0.0.1:PORT`, as `ANTHROPIC_BASE_URL` wants it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the base address as `OPENAI_BASE_URL` wants it, with `/v1`.
    pub fn openai_url(&self) -> String {
        format!("{}/v1", self.url())
    }

    /// Returns every inspected request so far, in the order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        self.script.calls()
    }

    /// Queues behaviours: each is used for one valid call, in order, and then the default rules
    /// again.
    pub fn script(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.script.queue(behaviours);
    }

    /// Lets `choose` decide about every valid call from now on, in place of scripts, markers and
    /// the default.
    ///
    /// It is called before the answer begins, one call after the other; these calls are not
    /// recorded.
    pub fn choose_by(&self, choose: impl FnMut(&Call) -> Behaviour + Send + 'static) {
        self.script.choose_by(script::Chooser(Box::new(choose)));
    }

    /// Replaces the default behaviour.
    pub fn set(&self, behaviour: Behaviour) {
        self.script.set(behaviour);
    }

    /// Waits until what the stub has seen satisfies the condition.
    pub async fn until(&self, condition: impl FnMut(&Progress) -> bool) -> Progress {
        self.script.until(condition).await
    }
}

impl Drop for StubProvider {
    fn drop(&mut self) {
        self.server.abort();
    }
}
