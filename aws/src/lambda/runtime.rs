//! The event loop, with a span and a trace for each event, and the report of a failed start.

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

use super::UnsupportedEvent;
use crate::trace;

const INIT_ERROR: &str = "/2018-06-01/runtime/init/error";
const INIT_ERROR_TYPE: &str = "Runtime.Configuration";

/// An event with its deadline.
#[derive(Debug)]
pub struct Invocation {
    /// The event.
    pub event: Value,
    /// How long until Lambda ends the invocation.
    pub remaining: Duration,
}

/// The error of an invocation, as reported to Lambda.
#[derive(Debug)]
pub struct InvocationError {
    kind: &'static str,
    message: String,
}

impl InvocationError {
    /// Reports that an authorizer rejects the credentials.
    pub fn unauthorized() -> Self {
        Self { kind: "Unauthorized", message: super::responses::UNAUTHORIZED.to_owned() }
    }

    /// Reports why the work was not done. The message must contain no user data.
    pub fn failed(message: impl Display) -> Self {
        Self { kind: "InvocationError", message: message.to_string() }
    }
}

impl From<UnsupportedEvent> for InvocationError {
    fn from(unknown: UnsupportedEvent) -> Self {
        tracing::error!(error = &unknown as &dyn std::error::Error, "rejected an event");
        Self { kind: "UnsupportedEvent", message: unknown.to_string() }
    }
}

impl From<InvocationError> for Diagnostic {
    fn from(failed: InvocationError) -> Self {
        Self { error_type: failed.kind.to_owned(), error_message: failed.message }
    }
}

/// Handles events one after the other, until the runtime ends.
///
/// Messages that the handler sends carry the invocation's trace, unless it opens a scope of its
/// own.
pub(super) async fn serve<H, F>(handle: H) -> Result<(), Error>
where
    H: Fn(Invocation) -> F,
    F: Future<Output = Result<Value, InvocationError>>,
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
        // Boxed, because the runtime nests this future several levels deep and a handler's future
        // is large already.
        let work = Box::pin(handle(Invocation { event: payload, remaining }));
        trace::scope(context.xray_trace_id, work).instrument(span)
    });
    Runtime::new(answer).run().await
}

/// Reports to Lambda why the function cannot start, and ends it.
///
/// The same message is logged; it names the variable that is wrong.
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
        tracing::error!(%error, "could not report the failed start to Lambda");
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

/// Returns the root of a trace header such as `Root=1-…;Parent=…`; logs need no more.
fn root(header: &str) -> Option<&str> {
    header.split(';').find_map(|part| part.trim().strip_prefix("Root="))
}
