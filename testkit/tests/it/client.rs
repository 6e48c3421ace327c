//! A plain client of both protocols, which sends what the real services accept.

use eventsource_stream::Eventsource;
use futures::StreamExt;
use serde_json::{Value, json};
use testkit::stub_provider::{Protocol, StubProvider};

/// What a client made of one streamed answer.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Heard {
    pub(crate) text: String,
    pub(crate) deltas: usize,
    pub(crate) finish: Option<String>,
    /// Input and output tokens, in the protocol's own counting.
    pub(crate) usage: Option<(u64, u64)>,
    /// Whether the end mark came.
    pub(crate) marked: bool,
    /// Type of an error event, if one came.
    pub(crate) error: Option<String>,
    /// Whether the body broke off.
    pub(crate) broken: bool,
}

pub(crate) fn request(
    stub: &StubProvider,
    protocol: Protocol,
    messages: &Value,
) -> reqwest::RequestBuilder {
    let request = match protocol {
        Protocol::Claude => post(format!("{}/v1/messages", stub.url()))
            .header("x-api-key", "test")
            .header("anthropic-version", "2026-10-21"),
        Protocol::OpenAi => post(format!("{}/chat/completions", stub.openai_url()))
            .header("authorization", "Bearer test"),
    };
    let body = match protocol {
        Protocol::Claude => json!({
            "model": "asked-for", "max_tokens": 100, "stream": true,
            "system": [{"type": "text", "text": "Be kind."}], "messages": messages,
        }),
        Protocol::OpenAi => json!({
            "model": "asked-for", "max_completion_tokens": 100, "messages": messages,
            "stream": true, "stream_options": {"include_usage": true},
        }),
    };
    with_body(request, &body)
}

pub(crate) fn post(url: String) -> reqwest::RequestBuilder {
    // Each test process installs it once; the second attempt fails, and may.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().retry(reqwest::retry::never());
    client.build().unwrap().post(url)
}

pub(crate) fn with_body(request: reqwest::RequestBuilder, body: &Value) -> reqwest::RequestBuilder {
    request.header("content-type", "application/json").body(body.to_string())
}

pub(crate) async fn ask(
    stub: &StubProvider,
    protocol: Protocol,
    message: &str,
) -> reqwest::Response {
    let messages = json!([{"role": "user", "content": message}]);
    request(stub, protocol, &messages).send().await.unwrap()
}

pub(crate) async fn hear(stub: &StubProvider, protocol: Protocol, message: &str) -> Heard {
    listen(ask(stub, protocol, message).await, protocol).await
}

pub(crate) async fn listen(response: reqwest::Response, protocol: Protocol) -> Heard {
    assert_eq!(response.status(), 200);
    let mut heard = Heard::default();
    let mut events = response.bytes_stream().eventsource();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) if event.data == "[DONE]" => heard.marked = true,
            Ok(event) => heard.take(protocol, &event.event, &event.data),
            Err(_) => {
                heard.broken = true;
                break;
            }
        }
    }
    heard
}

impl Heard {
    fn take(&mut self, protocol: Protocol, name: &str, data: &str) {
        let Ok(data) = serde_json::from_str::<Value>(data) else {
            self.error = Some("not JSON".to_owned());
            return;
        };
        if let Some(kind) = data["error"]["type"].as_str() {
            self.error = Some(kind.to_owned());
        }
        match protocol {
            Protocol::Claude => self.take_claude(name, &data),
            Protocol::OpenAi => self.take_openai(&data),
        }
    }

    fn take_claude(&mut self, name: &str, data: &Value) {
        assert_eq!(data["type"], name, "the event's name and its type differ");
        if let Some(text) = data["delta"]["text"].as_str() {
            self.add(text);
        }
        if name == "message_delta" {
            self.finish = data["delta"]["stop_reason"].as_str().map(str::to_owned);
            self.usage = tokens(data, "input_tokens", "output_tokens");
        }
        self.marked |= name == "message_stop";
    }

    fn take_openai(&mut self, data: &Value) {
        let choice = &data["choices"][0];
        match choice["delta"]["content"].as_str() {
            Some("") | None => {}
            Some(text) => self.add(text),
        }
        if let Some(finish) = choice["finish_reason"].as_str() {
            self.finish = Some(finish.to_owned());
        }
        if choice.is_null() && data["error"].is_null() {
            self.usage = tokens(data, "prompt_tokens", "completion_tokens");
        }
    }

    fn add(&mut self, text: &str) {
        self.text.push_str(text);
        self.deltas += 1;
    }
}

fn tokens(data: &Value, input: &str, output: &str) -> Option<(u64, u64)> {
    Some((data["usage"][input].as_u64()?, data["usage"][output].as_u64()?))
}
