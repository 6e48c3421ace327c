//! A service whose every answer a test decides, without a network, so that time can be paused.

use std::error::Error;
use std::sync::{Arc, Mutex};

use aws::sdk::Sdk;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use super::aws_environment::settings;

/// A word that services put into their answers here, and that no error may repeat.
pub(crate) const CANARY: &str = "canary";

/// A request as the service got it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The operation, or method and path where a service names none.
    pub(crate) operation: String,
    pub(crate) url: String,
    pub(crate) text: String,
    pub(crate) body: Value,
}

/// What the service does.
pub(crate) enum Answer {
    /// It answers with this status.
    With(u16, Value),
    /// It does not answer, and the connection breaks.
    Breaks,
    /// It does not answer at all.
    Hangs,
}

impl Answer {
    /// Answers that all is well.
    pub(crate) fn ok(body: Value) -> Self {
        Self::With(200, body)
    }

    /// Answers with an error whose message holds the [`CANARY`].
    pub(crate) fn error(status: u16, code: &str) -> Self {
        Self::With(status, json!({"__type": code, "message": CANARY, "Message": CANARY}))
    }
}

type Script = dyn Fn(&Call, usize) -> Answer + Send + Sync;

/// The service, and what it was asked.
#[derive(Clone)]
pub(crate) struct Service {
    calls: Arc<Mutex<Vec<Call>>>,
    script: Arc<Script>,
}

impl Service {
    /// Answers with what the script says to a call and its number, from 0.
    pub(crate) fn new(script: impl Fn(&Call, usize) -> Answer + Send + Sync + 'static) -> Self {
        Self { calls: Arc::default(), script: Arc::new(script) }
    }

    /// Returns clients that reach nothing but this service.
    pub(crate) fn sdk(&self) -> Sdk {
        let connector = SharedHttpConnector::new(self.clone());
        Sdk::with_http_client(
            settings("https://service.test"),
            http_client_fn(move |_, _| connector.clone()),
        )
    }

    /// Returns what it was asked.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Returns which operations it was asked for.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.operation).collect()
    }
}

impl HttpConnector for Service {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let call = read(&request);
        let number = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(call.clone());
            calls.len() - 1
        };
        match (self.script)(&call, number) {
            Answer::With(status, body) => HttpConnectorFuture::ready(Ok(response(status, &body))),
            Answer::Breaks => {
                HttpConnectorFuture::ready(Err(ConnectorError::io("the connection broke".into())))
            }
            Answer::Hangs => HttpConnectorFuture::new(std::future::pending()),
        }
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Service")
    }
}

/// Checks that an error and its sources, printed in any way, do not repeat what a service said.
#[track_caller]
pub(crate) fn check_clean(error: &(dyn Error + 'static)) {
    let mut next = Some(error);
    while let Some(error) = next {
        assert!(!format!("{error} {error:?}").contains(CANARY), "{error:?}");
        next = error.source();
    }
}

fn read(request: &HttpRequest) -> Call {
    let path = request.uri().split_once(".test").map_or("", |(_, path)| path);
    let target =
        request.headers().get("x-amz-target").and_then(|target| target.split('.').next_back());
    let text = String::from_utf8(request.body().bytes().unwrap_or_default().to_vec()).unwrap();
    Call {
        operation: target.map_or_else(|| format!("{} {path}", request.method()), str::to_owned),
        url: request.uri().to_owned(),
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
    }
}

fn response(status: u16, body: &Value) -> HttpResponse {
    let mut response =
        HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body.to_string()));
    response.headers_mut().insert("x-amzn-requestid", "request-1");
    response
}
