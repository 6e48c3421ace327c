//! Calls over HTTP, as a client without any library of ours makes them.

use std::time::Duration;

use providers::client::{self, ClientSettings};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Method};
use serde_json::Value;

/// A client with the credentials that it was given.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    base: String,
    pub(crate) token: Option<String>,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Http {
    pub(crate) fn new(base: String) -> Self {
        let client =
            client::build(ClientSettings { connect_timeout: Duration::from_secs(3) }).unwrap();
        Self { client, base, token: None }
    }

    /// Calls another address with the same credentials.
    pub(crate) fn moved_to(&mut self, base: String) {
        self.base = base;
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Method::POST, path, Some(body.to_string())).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<String>) -> Answer {
        let body = body.map(|body| (body, "application/json"));
        self.send(method, path, body, &[]).await
    }

    /// Calls with any body, content type and further headers.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<(String, &str)>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let sent = body.as_ref().map(|(body, _)| body.clone());
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some((body, content_type)) = body {
            request = request.header(CONTENT_TYPE, content_type).body(body);
        }
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.unwrap();
        super::contract::check(&method, path, sent.as_deref(), status, &text);
        Answer { status, headers, text }
    }
}

impl Answer {
    /// Returns the body, if the answer has this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// Returns a header's text, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Holds the answer to the form of every error, and returns its body.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> Value {
        let problem = self.expect(status);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        assert_eq!(problem["status"], status, "{}", self.text);
        for field in ["type", "title", "detail"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{}", self.text);
        }
        problem
    }
}
