//! A server in this process, if none is running: it takes the lock of the data directory, and does
//! the part of a server's work that the command needs.

use std::path::Path;

use local::config::Config;
use local::server::{Server, Work};
use shared::environment::Environment;
use shared::telemetry::{self, LogFormat};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::exit::{unreachable, usage};

/// A server that was started for one command.
pub(super) struct EmbeddedServer {
    stop: oneshot::Sender<()>,
    running: JoinHandle<anyhow::Result<()>>,
}

impl EmbeddedServer {
    /// Starts it with the settings that `cargo run` would have, on a free port of this machine.
    pub(super) async fn start(
        directory: &Path,
        environment: &Environment,
        work: Work,
    ) -> anyhow::Result<Self> {
        let environment = environment
            .clone()
            .with("CHATBOT_DATA_DIR", directory.to_string_lossy())
            .with("CHATBOT_HOST", "127.0.0.1")
            .with("CHATBOT_PORT", "0");
        let config = Config::from_env(&environment).map_err(|error| usage(error.to_string()))?;
        telemetry::start(LogFormat::Text, "warn");
        let server = Server::start_with(config, work)
            .await
            .map_err(|error| unreachable(format!("{error:#}")))?;
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run_until(async move { drop(stopped.await) }));
        Ok(Self { stop, running })
    }

    /// Stops it as a signal does.
    pub(super) async fn stop(self) {
        let _ = self.stop.send(());
        if let Ok(Err(error)) = self.running.await {
            tell(&error);
        }
    }
}

fn tell(error: &anyhow::Error) {
    crate::output::note(&format!("the server in this process: {error:#}"));
}
