//! The load generator: many sessions, each sending its next message when the last reply is whole.
//!
//! It speaks the server's real contract, over one HTTP connection and one WebSocket a session, and
//! follows the client rule to the letter: a reply that is lost, repeated or garbled is an error,
//! and an error ends the run.

mod http;
mod reply;
mod session;

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::bail;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

pub(crate) use http::Http;
pub use session::Session;

/// What the sessions say; the provider's reply does not depend on it.
pub const MESSAGE: &str = "What does class 7B have on Tuesday in period 3?";

/// How sessions come and go.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Sessions at any moment.
    pub sessions: usize,
    /// After how many turns a session is closed and a new one opened in its place; `None` is never.
    pub turns: Option<u64>,
    /// The text that every reply must have.
    pub reply: Arc<str>,
    /// Whether no two messages are the same.
    pub varied: bool,
}

/// One turn as its client saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// From sending the request to the first text.
    pub first: Duration,
    /// From sending the request to the final.
    pub full: Duration,
    /// Frames received for the turn, finals included.
    pub frames: u32,
    /// Finals of earlier turns among them, which the contract allows and a client drops.
    pub repeats: u32,
}

/// Sessions at work. Dropping it cuts them off.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    sessions: JoinSet<anyhow::Result<()>>,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    plan: Plan,
    stopping: AtomicBool,
    /// A permit for each place whose first session is open.
    open: Semaphore,
    asked: AtomicU64,
    samples: Mutex<Vec<Sample>>,
}

impl Load {
    /// Starts the sessions.
    pub fn start(target: SocketAddr, plan: Plan) -> Self {
        let sessions = plan.sessions;
        let stopping = AtomicBool::new(false);
        let samples = Mutex::default();
        let asked = AtomicU64::new(0);
        let shared =
            Arc::new(Shared { target, plan, stopping, open: Semaphore::new(0), asked, samples });
        let sessions =
            (0..sessions as u64).map(|index| place(Arc::clone(&shared), index)).collect();
        Self { shared, sessions }
    }

    /// Waits until every session is open.
    pub async fn opened(&mut self) -> anyhow::Result<()> {
        let places = u32::try_from(self.shared.plan.sessions)?;
        tokio::select! {
            opened = self.shared.open.acquire_many(places) => opened.map(drop)?,
            Some(ended) = self.sessions.join_next() => ended??,
        }
        Ok(())
    }

    /// Runs for a while, and returns the turns that ended meanwhile and how long it took.
    ///
    /// Fails as soon as one session does.
    pub async fn window(&mut self, length: Duration) -> anyhow::Result<(Vec<Sample>, Duration)> {
        let began = Instant::now();
        self.shared.samples().clear();
        tokio::select! {
            () = tokio::time::sleep(length) => {}
            Some(ended) = self.sessions.join_next() => {
                ended??;
                bail!("a session ended by itself");
            }
        }
        Ok((std::mem::take(&mut *self.shared.samples()), began.elapsed()))
    }

    /// Lets every session finish the turn it is in, and checks that too.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.shared.stopping.store(true, Ordering::Relaxed);
        while let Some(ended) = self.sessions.join_next().await {
            ended??;
        }
        Ok(())
    }
}

impl Shared {
    fn samples(&self) -> MutexGuard<'_, Vec<Sample>> {
        self.samples.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn message(&self) -> Cow<'static, str> {
        if self.plan.varied {
            return format!("{MESSAGE} ({})", self.asked.fetch_add(1, Ordering::Relaxed)).into();
        }
        MESSAGE.into()
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// Keeps one place occupied: a session after another.
async fn place(shared: Arc<Shared>, index: u64) -> anyhow::Result<()> {
    // The first ones live for different times, so that sessions are not replaced all at once.
    let mut life = shared.plan.turns.map(|turns| 1 + index % turns);
    let mut session = Session::open(shared.target).await?;
    shared.open.add_permits(1);
    loop {
        while life.is_none_or(|turns| session.turns() < turns) && !shared.stopping() {
            let sample = session.ask(&shared.message(), &shared.plan.reply).await?;
            shared.samples().push(sample);
        }
        session.close().await?;
        if shared.stopping() {
            return Ok(());
        }
        life = shared.plan.turns;
        session = Session::open(shared.target).await?;
    }
}
