//! Starts the chatbot on this machine.

use std::process::ExitCode;

use local::app::App;
use local::config::{Config, ConfigLoad};

#[tokio::main]
async fn main() -> ExitCode {
    let config = match Config::load() {
        ConfigLoad::Ready(config) => config,
        ConfigLoad::Stop(code) => return code,
    };
    shared::telemetry::start(config.log_format, &config.log_filter);
    match run(*config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Config) -> anyhow::Result<()> {
    let app = App::start(config).await?;
    // Before anybody is told that it runs, so that no signal finds it deaf.
    let signal = local::host::shutdown_signal()?;
    app.announce();
    app.run_until(signal).await
}
