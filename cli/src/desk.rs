//! What every command works with.

use std::future::Future;
use std::sync::Arc;

use shared::domain::{Principal, Timestamp};
use shared::ports::{Clock as _, Ids as _};
use shared::system::{SystemClock, SystemIds};

use crate::config::Config;
use crate::exit::{Exit, usage};
use crate::home::{self, Home, Need};
use crate::output::Output;

/// Settings, output, clock.
pub(crate) struct Desk {
    /// What flags and environment say.
    pub(crate) config: Config,
    /// Where results go.
    pub(crate) output: Output,
}

impl Desk {
    /// Sits down.
    pub(crate) fn new(config: Config, json: bool) -> Self {
        let output = Output::new(json, config.no_colour);
        Self { config, output }
    }

    /// Does something with the chatbot that is there, and leaves it as it was.
    pub(crate) async fn with_home<F: Future<Output = anyhow::Result<Exit>>>(
        &self,
        need: Need,
        work: impl FnOnce(Arc<dyn Home>) -> F,
    ) -> anyhow::Result<Exit> {
        let opened = home::open(&self.config, need).await?;
        let done = work(opened.home.clone()).await;
        opened.close().await;
        done
    }

    /// Returns whom messages are sent as.
    pub(crate) fn principal(&self) -> anyhow::Result<Principal> {
        let name = &self.config.operator;
        Principal::parse(format!("op:{name}"))
            .map_err(|error| usage(format!("--operator {name:?} {error}")))
    }

    /// Returns the time of day.
    pub(crate) fn now(&self) -> Timestamp {
        let Self { .. } = self;
        SystemClock.now()
    }

    /// Returns a new id, such as a batch's: short, of letters and digits.
    pub(crate) fn new_id(&self) -> String {
        let Self { .. } = self;
        crate::output::hex(&SystemIds.random()[..6])
    }
}

/// Returns once somebody presses Ctrl-C, or ends the program by a signal.
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
