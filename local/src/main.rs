//! Starts the chatbot on this machine.

use std::process::ExitCode;

use local::config::{Config, ConfigLoad};
use local::server::Server;

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
    let server = Server::start(config).await?;
    // Installed before the address is announced: whoever reads it may send a signal at once.
    let signal = local::web::shutdown_signal()?;
    server.announce();
    server.run_until(signal).await
}
