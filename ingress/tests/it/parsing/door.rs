//! A door with one session behind it, and what holds for every answer that it gives.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use ingress::ClientInfo;
use serde_json::Value;
use shared::ports::store::Item;

use crate::rows;
use crate::world::{TestResponse, World};

/// A world in which the session `s` has a message `m1`, and its turn a reply.
pub(super) struct Door {
    pub(super) world: World,
    pub(super) token: String,
    before: Vec<Item>,
}

impl Door {
    pub(super) async fn open() -> Self {
        Self::of(World::new()).await
    }

    pub(super) async fn of(world: World) -> Self {
        let token = world.session().await;
        world.say(&token, "m1", "Question 1").await;
        rows::put(&world, &rows::replied(&world, 1, "Reply 1")).await;
        World::bodies(&world.requests).await;
        let before = world.store.inner.dump();
        Self { world, token, before }
    }

    /// Posts a body as the session's owner.
    pub(super) async fn post(&self, path: &str, body: &[u8]) -> TestResponse {
        let mut headers = self.owner();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.send(Method::POST, path, headers, body).await.expect("the path is one")
    }

    /// Sends a request; `None` if no HTTP server would let its target through.
    pub(super) async fn send(
        &self,
        method: Method,
        target: &str,
        headers: HeaderMap,
        body: &[u8],
    ) -> Option<TestResponse> {
        let has_body = method != Method::HEAD;
        let mut request = Request::new(Bytes::copy_from_slice(body));
        *request.method_mut() = method;
        *request.uri_mut() = target.parse().ok()?;
        *request.headers_mut() = headers;
        let (parts, bytes) =
            self.world.ingress.handle(request, ClientInfo::default()).await.into_parts();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let answer = TestResponse { status: parts.status, headers: parts.headers, bytes, json };
        self.check(&answer, has_body);
        Some(answer)
    }

    pub(super) fn owner(&self) -> HeaderMap {
        let value = HeaderValue::try_from(format!("Bearer {}", self.token)).unwrap();
        HeaderMap::from_iter([(AUTHORIZATION, value)])
    }

    /// Returns what was stored since the door was opened.
    pub(super) fn stored(&self) -> Vec<Item> {
        self.world
            .store
            .inner
            .dump()
            .into_iter()
            .filter(|item| !self.before.contains(item))
            .collect()
    }

    /// Returns the one new row whose sort key begins so.
    #[track_caller]
    pub(super) fn new_row(&self, prefix: &str) -> Item {
        let mut rows: Vec<Item> =
            self.stored().into_iter().filter(|item| item.key.sort.starts_with(prefix)).collect();
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows.remove(0)
    }

    fn check(&self, answer: &TestResponse, has_body: bool) {
        assert!(answer.status.as_u16() < 500, "{}", answer.json);
        if answer.status.as_u16() < 400 {
            return;
        }
        self.check_untouched();
        if !has_body {
            return;
        }
        let status = answer.status.as_u16();
        let field = answer.json["field"].as_str();
        answer.refused(status, field);
        assert!(field.is_none_or(|field| detail(answer).contains(field)), "{}", answer.json);
    }

    #[track_caller]
    pub(super) fn check_untouched(&self) {
        assert_eq!(self.world.store.inner.dump(), self.before);
        assert!(self.world.requests.inner.is_empty() && self.world.replies.inner.is_empty());
    }
}

/// Says in one line what a refusal says.
pub(super) fn refusal(answer: &TestResponse) -> String {
    let field = answer.json["field"].as_str().map(|field| format!("{field}: ")).unwrap_or_default();
    format!("{} {field}{}", answer.status.as_u16(), detail(answer))
}

pub(super) fn detail(answer: &TestResponse) -> &str {
    answer.json["detail"].as_str().unwrap_or_default()
}

/// Reads lines of headers, as HTTP writes them; `None` if no HTTP server would let them through.
pub(super) fn headers(lines: &[u8]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        headers.append(name, HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?);
    }
    Some(headers)
}

/// Tells whether the call was let in.
pub(super) fn is_welcome(answer: &TestResponse) -> bool {
    answer.status != StatusCode::UNAUTHORIZED
}
