//! The start of a function's process.

use std::error::Error;
use std::process::ExitCode;

use serde_json::Value;
use shared::environment::Environment;
use shared::telemetry;

use super::runtime::{Failed, Invocation, refuse_to_start, serve};
use crate::config::{self, LogConfig};

/// Runs a function: logging first, then `wire`, which makes the handler once, then one event after
/// the other.
///
/// What `wire` fails with stops the function before its first event: Lambda is told, and the log
/// says it. `wire` calls nobody, so that a start costs no time on the network.
pub async fn function<H, F>(
    wire: impl FnOnce(&Environment) -> Result<H, Box<dyn Error>>,
) -> ExitCode
where
    H: Fn(Invocation) -> F,
    F: Future<Output = Result<Value, Failed>>,
{
    let environment = config::environment();
    let log = LogConfig::from(&environment);
    let LogConfig { format, filter } = log.clone().unwrap_or_default();
    telemetry::start(format, &filter);
    let handle = match log.map_err(Box::from).and_then(|_| wire(&environment)) {
        Ok(handle) => handle,
        Err(problem) => {
            return refuse_to_start(environment.text("AWS_LAMBDA_RUNTIME_API"), &*problem).await;
        }
    };
    match serve(handle).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = &*error as &dyn Error, "the runtime ended");
            ExitCode::FAILURE
        }
    }
}
