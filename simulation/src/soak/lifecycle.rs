//! When the server is started, killed and stopped.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use fastrand::Rng;
use tokio::sync::watch;
use tokio::time::sleep;

use super::ledger::Ledger;
use super::server::{Server, ServerLaunch};

/// The longest usual time from one start to the kill that follows it.
const LONGEST_LIFETIME_MS: u64 = 800;
/// One in so many lifetimes is longer, so that slow operations also complete.
const LONG_LIFETIME: u32 = 8;
const LONGEST_LONG_LIFETIME_MS: u64 = 3_000;
/// One in so many starts is killed before it can have finished.
const KILLED_AT_START: u32 = 5;
const KILLED_AT_START_MS: u64 = 40;
/// In one of so many rounds the server is asked to stop; it is then killed while it stops, or left
/// to finish.
const ASKED_TO_STOP: u32 = 5;
const STOPPING_MS: u64 = 300;

/// Starts, kills and stops the server.
pub(super) struct ServerLifecycle {
    launch: ServerLaunch,
    announce: watch::Sender<Option<String>>,
    ledger: Arc<Ledger>,
    rng: Rng,
    server: Server,
}

impl ServerLifecycle {
    /// Starts the server for the first time.
    pub(super) async fn begin(
        launch: ServerLaunch,
        announce: watch::Sender<Option<String>>,
        ledger: Arc<Ledger>,
        rng: Rng,
    ) -> anyhow::Result<Self> {
        let mut server = Server::start(&launch)?;
        announce.send_replace(Some(server.ready().await?));
        Ok(Self { launch, announce, ledger, rng, server })
    }

    /// Kills the server so many times under load, and in between also while it starts or stops.
    pub(super) async fn kill_often(
        &mut self,
        kills: u32,
        mut progress: impl FnMut(u32),
    ) -> anyhow::Result<()> {
        for kill in 1..=kills {
            self.one_round().await.with_context(|| format!("at kill {kill}"))?;
            let violations = self.ledger.violations();
            ensure!(violations.is_empty(), "by kill {kill}:\n{}", violations.join("\n"));
            progress(kill);
        }
        Ok(())
    }

    /// Stops the server as an operator does, and starts it again.
    pub(super) async fn restart(&mut self) -> anyhow::Result<()> {
        self.end().await?;
        self.start().await
    }

    /// Stops the server.
    pub(super) async fn end(&mut self) -> anyhow::Result<()> {
        self.server.stop().await?;
        self.announce.send_replace(None);
        self.ledger.tally.event("stops of the server");
        Ok(())
    }

    async fn one_round(&mut self) -> anyhow::Result<()> {
        sleep(self.lifetime()).await;
        self.kill("kills").await?;
        if self.rng.u32(0..KILLED_AT_START) == 0 {
            self.server = Server::start(&self.launch)?;
            sleep(Duration::from_millis(self.rng.u64(0..KILLED_AT_START_MS))).await;
            self.kill("kills at a start").await?;
        }
        self.start().await?;
        if self.rng.u32(0..ASKED_TO_STOP) == 0 {
            sleep(self.lifetime()).await;
            self.ask().await?;
            self.start().await?;
        }
        Ok(())
    }

    /// Asks the server to stop, and half of the time kills it before it has.
    async fn ask(&mut self) -> anyhow::Result<()> {
        if self.rng.bool() {
            return self.end().await;
        }
        self.server.ask_to_stop().await?;
        sleep(Duration::from_millis(self.rng.u64(0..STOPPING_MS))).await;
        self.kill("kills at a stop").await
    }

    /// Kills the server; clients find out by themselves, and then wait for the next one.
    async fn kill(&mut self, name: &'static str) -> anyhow::Result<()> {
        self.server.kill().await?;
        self.announce.send_replace(None);
        self.ledger.tally.event(name);
        Ok(())
    }

    async fn start(&mut self) -> anyhow::Result<()> {
        self.server = Server::start(&self.launch)?;
        self.announce.send_replace(Some(self.server.ready().await?));
        Ok(())
    }

    fn lifetime(&mut self) -> Duration {
        let longest = if self.rng.u32(0..LONG_LIFETIME) == 0 {
            LONGEST_LONG_LIFETIME_MS
        } else {
            LONGEST_LIFETIME_MS
        };
        Duration::from_millis(self.rng.u64(0..longest))
    }
}
