//! A front door on adapters in memory, and how the stories talk to it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use ingress::{
    AuthMode, ClientInfo, Ingress, IngressConfig, KeySource, Platform, Ports, SocketSession,
};
use secrecy::SecretSlice;
use serde_json::{Value, json};
use shared::domain::{ConnectionId, DocumentId, Principal, ProviderName, Timestamp};
use shared::environment::Environment;
use shared::memory::{
    ManualClock, MemoryDocuments, MemoryPush, MemorySecrets, MemoryStore, OwnedDocument, SeededIds,
};
use shared::ports::{Clock as _, Document, EventSource as _, SigningKey, SigningKeys};

mod flaky;

pub(crate) use self::flaky::{Conflict, FlakyQueue, FlakyStore};

/// The second at which every story begins.
pub(crate) const START: Timestamp = Timestamp(1_800_000_000_000);

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<FlakyStore>,
    pub(crate) requests: Arc<FlakyQueue>,
    pub(crate) replies: Arc<FlakyQueue>,
    pub(crate) push: Arc<MemoryPush>,
    pub(crate) ports: Ports,
    pub(crate) config: IngressConfig,
    pub(crate) ingress: Ingress,
}

/// An answer, with its body read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TestResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
    pub(crate) json: Value,
}

/// A request in the making.
#[derive(Clone)]
pub(crate) struct Ask<'w> {
    world: &'w World,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
    caller: ClientInfo,
}

pub(crate) fn config() -> IngressConfig {
    let mut config =
        IngressConfig::from_env(&Environment::default(), Platform::OneMachine).unwrap();
    config.providers = vec![ProviderName::Claude];
    config.websocket_url = Some("wss://socket.example".to_owned());
    config
}

pub(crate) fn signing_key(id: &str) -> SigningKey {
    let bytes: Vec<u8> = id.bytes().cycle().take(32).collect();
    SigningKey { id: id.to_owned(), key: Arc::new(SecretSlice::from(bytes)) }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(config(), &["a"], None)
    }

    pub(crate) fn configured(change: impl FnOnce(&mut IngressConfig)) -> Self {
        let mut config = config();
        change(&mut config);
        Self::with(config, &["a"], None)
    }

    pub(crate) fn with(
        config: IngressConfig,
        keys: &[&str],
        jwt_keys: Option<Arc<dyn KeySource>>,
    ) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let store = Arc::new(FlakyStore::new(MemoryStore::new(clock.clone())));
        let requests = Arc::new(FlakyQueue::new());
        let replies = Arc::new(FlakyQueue::new());
        let push = Arc::new(MemoryPush::new());
        let ports = Ports {
            store: store.clone(),
            requests: requests.clone(),
            replies: replies.clone(),
            push: push.clone(),
            documents: Arc::new(MemoryDocuments::new(documents())),
            secrets: Arc::new(MemorySecrets::new(SigningKeys(
                keys.iter().map(|id| signing_key(id)).collect(),
            ))),
            jwt_keys,
            clock: clock.clone(),
            ids: Arc::new(SeededIds::new(7)),
        };
        let ingress = Ingress::new(ports.clone(), config.clone());
        Self { clock, store, requests, replies, push, ports, config, ingress }
    }

    /// The same world, entered through a door with other signing keys.
    pub(crate) fn rotate(&mut self, keys: &[&str]) {
        let keys = SigningKeys(keys.iter().map(|id| signing_key(id)).collect());
        self.ports.secrets = Arc::new(MemorySecrets::new(keys));
        self.ports.ids = Arc::new(SeededIds::new(8));
        self.ingress = Ingress::new(self.ports.clone(), self.config.clone());
    }

    /// The same world, entered through the door of another process.
    pub(crate) fn enter_by(&mut self, change: impl FnOnce(&mut Ports)) {
        change(&mut self.ports);
        self.ingress = Ingress::new(self.ports.clone(), self.config.clone());
    }

    pub(crate) fn get(&self, path: &str) -> Ask<'_> {
        self.ask(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Ask<'_> {
        self.ask(Method::POST, path)
            .header("content-type", "application/json")
            .body(body.to_string())
    }

    pub(crate) fn delete(&self, path: &str) -> Ask<'_> {
        self.ask(Method::DELETE, path)
    }

    pub(crate) fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        let headers = HeaderMap::new();
        let body = Bytes::new();
        let caller = ClientInfo { address: Some("192.0.2.1".to_owned()), iam: None };
        Ask { world: self, method, path: path.to_owned(), headers, body, caller }
    }

    /// Creates the session `s` of a new principal, and returns its token.
    pub(crate) async fn session(&self) -> String {
        let answer = self.post("/sessions", &json!({ "session_id": "s" })).send().await;
        assert_eq!(answer.status, StatusCode::CREATED);
        answer.json["session_token"].as_str().unwrap().to_owned()
    }

    /// Sends a message to the session `s`, which must be accepted.
    pub(crate) async fn say(&self, token: &str, message_id: &str, text: &str) {
        let body = json!({ "message": text, "session_id": "s", "message_id": message_id });
        let answer = self.post("/chat", &body).token(token).send().await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.json);
    }

    /// Opens a socket to the session `s`.
    pub(crate) async fn connect(&self, token: &str) -> SocketSession {
        let answer = self.post("/sessions/s/tickets", &json!({})).token(token).send().await;
        let ticket = answer.json["websocket"]["ticket"].as_str().unwrap();
        self.ingress.authorize_socket(ticket, None, None).await.unwrap()
    }

    /// Sends a frame, and returns what the connection was pushed since the last call.
    pub(crate) async fn frame(
        &self,
        connection: &ConnectionId,
        session: &SocketSession,
        frame: &str,
    ) -> Vec<Value> {
        self.ingress.socket_frame(connection, session, frame).await;
        self.push
            .take_frames(connection)
            .iter()
            .map(|frame| serde_json::from_str(frame).unwrap())
            .collect()
    }

    /// Sends a `resume`.
    pub(crate) async fn resume(
        &self,
        connection: &ConnectionId,
        session: &SocketSession,
        after: u64,
    ) -> Vec<Value> {
        self.frame(connection, session, &json!({ "type": "resume", "after": after }).to_string())
            .await
    }

    /// Returns the bodies that wait in a queue.
    pub(crate) async fn bodies(queue: &FlakyQueue) -> Vec<Value> {
        let mut bodies = Vec::new();
        loop {
            let taken = queue.inner.receive(10).await.unwrap();
            if taken.is_empty() {
                return bodies;
            }
            for delivery in taken {
                bodies.push(serde_json::from_str(&delivery.body).unwrap());
                queue.inner.delete(&delivery.receipt).await.unwrap();
            }
        }
    }

    pub(crate) fn later(&self, span: Duration) -> &Self {
        self.clock.advance(span);
        self
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl Ask<'_> {
    pub(crate) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.append(name, value.parse().unwrap());
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn caller(mut self, caller: ClientInfo) -> Self {
        self.caller = caller;
        self
    }

    pub(crate) async fn send(self) -> TestResponse {
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.path.parse().unwrap();
        *request.headers_mut() = self.headers;
        let (parts, bytes) = self.world.ingress.handle(request, self.caller).await.into_parts();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        TestResponse { status: parts.status, headers: parts.headers, bytes, json }
    }
}

impl TestResponse {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Requires a problem of this status that names this field.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, field: Option<&str>) {
        assert_eq!(self.status.as_u16(), status, "{}", self.json);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.json["status"], status);
        assert_eq!(self.json["field"].as_str(), field, "{}", self.json);
        for name in ["type", "title", "detail"] {
            assert!(
                self.json[name].as_str().is_some_and(|text| !text.is_empty()),
                "{name} is missing"
            );
        }
    }

    #[track_caller]
    pub(crate) fn ok(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.json);
        self
    }
}

/// The content of every document.
pub(crate) const HANDBOOK: &str = "# School 🏫\n\nWelcome.\n\n## Phones\n\nThey stay at home.";

fn documents() -> Vec<OwnedDocument> {
    let document = |id: &str, owner: Option<&str>| OwnedDocument {
        document: Document {
            id: DocumentId::parse(id).unwrap(),
            title: format!("Title of {id}"),
            content: HANDBOOK.into(),
            public: owner.is_none(),
        },
        owner: owner.map(|owner| Principal::parse(owner).unwrap()),
    };
    vec![document("public", None), document("alices", Some("jwt:https://issuer.example#alice"))]
}

pub(crate) fn no_newcomers(config: &mut IngressConfig) {
    config.auth = AuthMode::Anonymous { new_principals: false };
}
