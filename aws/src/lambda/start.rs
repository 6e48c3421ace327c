//! The start of a Lambda function.

use std::error::Error;
use std::process::ExitCode;

use serde_json::Value;
use shared::environment::Environment;
use shared::telemetry;

use super::runtime::{Invocation, InvocationError, refuse_to_start, serve};
use crate::config::{self, LogConfig};

/// Runs a function: starts logging, creates the handler with `wire`, then handles events.
///
/// An error of `wire` ends the function before its first event; it is logged and reported to
/// Lambda. `wire` must not make network calls, so that a cold start does not wait for them.
pub async fn run_function<H, F>(
    wire: impl FnOnce(&Environment) -> Result<H, Box<dyn Error>>,
) -> ExitCode
where
    H: Fn(Invocation) -> F,
    F: Future<Output = Result<Value, InvocationError>>,
{
    let environment = config::environment();
    let log = LogConfig::from_env(&environment);
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
            tracing::error!(error = &*error as &dyn Error, "the Lambda runtime failed");
            ExitCode::FAILURE
        }
    }
}
