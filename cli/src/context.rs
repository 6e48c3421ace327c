//! What every command needs: settings, output, clock.

use std::future::Future;
use std::sync::Arc;

use shared::domain::{Principal, Timestamp};
use shared::ports::{Clock as _, Ids as _};
use shared::system::{SystemClock, SystemIds};

use crate::backend::{self, Backend, DataPolicy};
use crate::config::Config;
use crate::exit::{ExitStatus, usage};
use crate::output::Output;

/// The context of a command.
pub(crate) struct Context {
    /// The settings from flags and environment.
    pub(crate) config: Config,
    /// Where results are printed.
    pub(crate) output: Output,
}

impl Context {
    /// Creates the context.
    pub(crate) fn new(config: Config, json: bool) -> Self {
        let output = Output::new(json, config.no_colour);
        Self { config, output }
    }

    /// Runs `work` with the backend, and stops a server that was started for it.
    pub(crate) async fn with_backend<F: Future<Output = anyhow::Result<ExitStatus>>>(
        &self,
        policy: DataPolicy,
        work: impl FnOnce(Arc<dyn Backend>) -> F,
    ) -> anyhow::Result<ExitStatus> {
        let opened = backend::open(&self.config, policy).await?;
        let done = work(opened.backend.clone()).await;
        opened.close().await;
        done
    }

    /// Returns the principal that messages are sent as.
    pub(crate) fn principal(&self) -> anyhow::Result<Principal> {
        let name = &self.config.operator;
        Principal::parse(format!("op:{name}"))
            .map_err(|error| usage(format!("--operator {name:?} {error}")))
    }

    /// Returns the current time.
    pub(crate) fn now(&self) -> Timestamp {
        let Self { .. } = self;
        SystemClock.now()
    }

    /// Returns a new short ID of hex digits, for example for a batch.
    pub(crate) fn new_id(&self) -> String {
        let Self { .. } = self;
        crate::output::hex(&SystemIds.random()[..6])
    }
}

/// Waits for Ctrl-C or a termination signal.
pub(crate) async fn interrupted() {
    #[cfg(unix)]
    if let Ok(mut terminated) =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
    {
        tokio::select! {
            pressed = tokio::signal::ctrl_c() => if pressed.is_ok() { return },
            _ = terminated.recv() => return,
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
