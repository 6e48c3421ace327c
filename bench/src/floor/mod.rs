//! The floor: the minimal program that answers messages durably, which the server is compared with.
//!
//! It uses the server's libraries (axum, rusqlite, reqwest), sends the same frames, coalesces them
//! in the same way, and commits in groups: once before the 202, once after the reply. It has no
//! identity, no history, no queue and no protocol: a message that dies with it stays unanswered. It
//! is as fast as these libraries allow. Never make it slower: that would flatter the server.

mod frame;
mod http;
mod provider;
mod socket;
mod turn;
mod writer;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedSender;

use self::provider::Provider;
use self::writer::Writer;

/// How the floor is started.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Port on 127.0.0.1
    #[arg(long)]
    pub port: u16,
    /// Path of the database; created if absent
    #[arg(long)]
    pub database: PathBuf,
    /// Base address of the provider, without a path
    #[arg(long)]
    pub provider: String,
}

/// State that all requests share.
struct Floor {
    address: SocketAddr,
    provider: Provider,
    writer: Writer,
    sessions: Mutex<HashMap<String, Session>>,
    last_session: AtomicU64,
}

/// A session: where its frames go, and how many turns it has had.
#[derive(Debug, Default)]
struct Session {
    frames: Option<UnboundedSender<String>>,
    turns: u64,
}

impl Floor {
    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves until the process ends.
///
/// Fails if the database cannot be opened or the port cannot be bound.
pub async fn serve(options: Options) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
    let floor = Arc::new(Floor {
        address: listener.local_addr()?,
        provider: Provider::new(&options.provider)?,
        writer: Writer::start(&options.database)?,
        sessions: Mutex::default(),
        last_session: AtomicU64::new(0),
    });
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    Ok(axum::serve(listener, http::router(floor)).await?)
}
