//! One event after the other, each in its span and its trace; a start that fails.

use std::fmt::Display;
use std::process::ExitCode;
use std::time::Duration;

use http::{Method, Uri};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, Runtime, service_fn};
use lambda_runtime_api_client::Client;
use lambda_runtime_api_client::body::Body;
use serde_json::{Value, json};
use shared::ports::Clock;
use shared::system::SystemClock;
use tracing::Instrument as _;

use super::UnknownEvent;
use crate::trace;

const INIT_ERROR: &str = "/2018-06-01/runtime/init/error";
const INIT_ERROR_TYPE: &str = "Runtime.Configuration";

/// An event, and what the runtime knows of it.
#[derive(Debug)]
pub struct Invocation {
    /// The event.
    pub event: Value,
    /// How long until Lambda ends the function.
    pub remaining: Duration,
}

/// The reason why an event was not answered, as Lambda is told it.
#[derive(Debug)]
pub struct Failed {
    kind: &'static str,
    message: String,
}

impl Failed {
    /// Says that an authorizer does not accept the credentials.
    pub fn unauthorized() -> Self {
        Self { kind: "Unauthorized", message: super::answers::UNAUTHORIZED.to_owned() }
    }

    /// Says why work that was asked for was not done. The message must hold nobody's words.
    pub fn work(message: impl Display) -> Self {
        Self { kind: "Failed", message: message.to_string() }
    }
}

impl From<UnknownEvent> for Failed {
    fn from(unknown: UnknownEvent) -> Self {
        tracing::error!(error = &unknown as &dyn std::error::Error, "an event was refused");
        Self { kind: "UnknownEvent", message: unknown.to_string() }
    }
}

impl From<Failed> for Diagnostic {
    fn from(failed: Failed) -> Self {
        Self { error_type: failed.kind.to_owned(), error_message: failed.message }
    }
}

/// Handles events one after the other, until the runtime is gone.
///
/// What the handler sends to queues carries the invocation's trace, unless it opens a scope of its
/// own.
pub(super) async fn serve<H, F>(handle: H) -> Result<(), Error>
where
    H: Fn(Invocation) -> F,
    F: Future<Output = Result<Value, Failed>>,
{
    let answer = service_fn(|event: LambdaEvent<Value>| {
        let LambdaEvent { payload, context } = event;
        let now = SystemClock.now();
        let now = u64::try_from(now.0).unwrap_or_default();
        let remaining = Duration::from_millis(context.deadline.saturating_sub(now));
        let span = tracing::info_span!(
            "invocation",
            faas.invocation_id = %context.request_id,
            xray.trace_id = context.xray_trace_id.as_deref().and_then(root),
        );
        // Boxed: the runtime wraps futures in futures, and a handler's is deep already.
        let work = Box::pin(handle(Invocation { event: payload, remaining }));
        trace::scope(context.xray_trace_id, work).instrument(span)
    });
    Runtime::new(answer).run().await
}

/// Tells Lambda why the function cannot start, and ends it.
///
/// The message is also what stands in the log; it names the variable.
pub(super) async fn refuse_to_start(
    runtime_api: Option<&str>,
    problem: &dyn std::error::Error,
) -> ExitCode {
    tracing::error!("the function cannot start: {problem}");
    let Some(runtime_api) = runtime_api else {
        tracing::error!(
            "AWS_LAMBDA_RUNTIME_API is not set: this program runs as a Lambda function"
        );
        return ExitCode::FAILURE;
    };
    if let Err(error) = report(runtime_api, &problem.to_string()).await {
        tracing::error!(%error, "Lambda could not be told");
    }
    ExitCode::FAILURE
}

async fn report(runtime_api: &str, message: &str) -> Result<(), Error> {
    let client =
        Client::builder().with_endpoint(format!("http://{runtime_api}").parse::<Uri>()?).build()?;
    let body = json!({ "errorType": INIT_ERROR_TYPE, "errorMessage": message, "stackTrace": [] });
    let request = lambda_runtime_api_client::build_request()
        .method(Method::POST)
        .uri(INIT_ERROR)
        .header("lambda-runtime-function-error-type", INIT_ERROR_TYPE)
        .body(Body::from(body.to_string()))?;
    client.call(request).await?;
    Ok(())
}

/// Returns the id of a trace: `Root=1-…;Parent=…` has more than logs need.
fn root(header: &str) -> Option<&str> {
    header.split(';').find_map(|part| part.trim().strip_prefix("Root="))
}
