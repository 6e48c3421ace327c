//! A provider that sends what it is told to, in the pieces that it is told to.
//!
//! The body is chunked, and a client hands out each chunk by itself, however the network joined
//! them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use providers::client::{self, ClientSettings};
use providers::{ClaudeModel, ClaudeSettings, Effort, MaxTokensField, OpenAiModel, OpenAiSettings};
use secrecy::SecretString;
use shared::domain::ProviderName;
use shared::ports::{
    ChatMessage, Model, ModelError, ModelEvent, Prompt, Role, Secrets, SecretsError, SigningKeys,
};
use shared::tools::PromptTools;
use testkit::stub_provider::Protocol;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// One answer: its status line's end and headers, the chunks of its body, and whether the body is
/// ended properly.
#[derive(Debug, Clone, Default)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) chunks: Vec<Vec<u8>>,
    pub(super) dies: bool,
    /// The media type, if it is not that of a stream.
    pub(super) media_type: Option<&'static str>,
}

/// A model, and the server that answers it.
pub(super) struct Wire {
    model: Box<dyn Model>,
    next: Arc<Mutex<Vec<u8>>>,
    runtime: tokio::runtime::Runtime,
}

/// What one call came to: the events, and the error that ended them, if one did.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Heard {
    pub(super) events: Vec<ModelEvent>,
    pub(super) error: Option<String>,
}

struct Key;

#[async_trait]
impl Secrets for Key {
    async fn provider_key(&self, _: ProviderName) -> Result<Option<SecretString>, SecretsError> {
        Ok(Some(SecretString::from("k")))
    }

    async fn signing_keys(&self) -> Result<SigningKeys, SecretsError> {
        Ok(SigningKeys(Vec::new()))
    }

    async fn refresh(&self, _: ProviderName) -> bool {
        false
    }
}

impl Wire {
    pub(super) fn new(protocol: Protocol) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let next = Arc::<Mutex<Vec<u8>>>::default();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        runtime.spawn(serve(listener, Arc::clone(&next)));
        let client =
            client::build(ClientSettings { connect_timeout: Duration::from_secs(3) }).unwrap();
        let model: Box<dyn Model> = match protocol {
            Protocol::Claude => {
                let settings = ClaudeSettings {
                    base_url,
                    model: "claude-x".into(),
                    version: "2026-10-21".into(),
                    effort: Effort::None,
                };
                Box::new(ClaudeModel::new(settings, Arc::new(Key), client))
            }
            Protocol::OpenAi => {
                let max_tokens_field = MaxTokensField::default();
                let keyless = false;
                let cache_key = false;
                let settings = OpenAiSettings {
                    base_url,
                    model: "gpt-x".into(),
                    keyless,
                    max_tokens_field,
                    cache_key,
                    effort: Effort::None,
                    sends_effort: true,
                };
                Box::new(OpenAiModel::new(settings, Arc::new(Key), client))
            }
        };
        Self { model, next, runtime }
    }

    /// Calls the model, which is answered so.
    pub(super) fn hear(&self, reply: &Reply) -> Heard {
        *self.next.lock().unwrap() = reply.bytes();
        self.runtime.block_on(hear(self.model.as_ref()))
    }

    /// Calls the model, which is answered with these bytes in one piece and a proper end.
    pub(super) fn whole(&self, body: &[u8]) -> Heard {
        self.chunked(vec![body.to_vec()])
    }

    /// Calls the model, which is answered with these chunks and a proper end.
    pub(super) fn chunked(&self, chunks: Vec<Vec<u8>>) -> Heard {
        self.hear(&Reply { status: 200, chunks, ..Reply::default() })
    }
}

impl Reply {
    fn bytes(&self) -> Vec<u8> {
        let status = self.status;
        let media_type = self.media_type.unwrap_or("text/event-stream");
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {media_type}\r\ntransfer-encoding: \
            chunked\r\n\r\n"
        );
        let mut bytes = head.into_bytes();
        for chunk in self.chunks.iter().filter(|chunk| !chunk.is_empty()) {
            bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
            bytes.extend(chunk);
            bytes.extend(b"\r\n");
        }
        bytes.extend_from_slice(if self.dies { b"ff\r\n" } else { b"0\r\n\r\n" });
        bytes
    }
}

async fn serve(listener: TcpListener, next: Arc<Mutex<Vec<u8>>>) {
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        tokio::spawn(answer(socket, Arc::clone(&next)));
    }
}

/// Answers the requests of one connection; closes it after an answer without an end.
async fn answer(mut socket: TcpStream, next: Arc<Mutex<Vec<u8>>>) {
    socket.set_nodelay(true).unwrap();
    let mut read = Vec::new();
    while socket.read_buf(&mut read).await.is_ok_and(|count| count > 0) {
        if !is_request(&read) {
            continue;
        }
        read.clear();
        let reply = next.lock().unwrap().clone();
        if socket.write_all(&reply).await.is_err() || !reply.ends_with(b"\r\n0\r\n\r\n") {
            return;
        }
    }
}

/// Tells whether a whole request is there: its headers, and as many bytes as they announce.
fn is_request(read: &[u8]) -> bool {
    let text = String::from_utf8_lossy(read).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    body.len() >= length.unwrap_or(0)
}

async fn hear(model: &dyn Model) -> Heard {
    let message = ChatMessage { role: Role::User, text: "Hello".to_owned() };
    let prompt = Prompt {
        system: String::new(),
        messages: vec![message],
        document: None,
        found: None,
        max_tokens: 7,
        model: None,
        caching: None,
        tools: PromptTools::default(),
    };
    let mut heard = Heard { events: Vec::new(), error: None };
    let mut stream = match model.stream(&prompt).await {
        Ok(stream) => stream,
        Err(error) => return Heard { error: Some(describe(&error)), ..heard },
    };
    while let Some(item) = stream.next().await {
        assert!(heard.error.is_none() && !heard.is_finished(), "nothing follows the end");
        match item {
            // How often depends on how the bytes arrive.
            Ok(ModelEvent::Alive) => (),
            Ok(event) => heard.events.push(event),
            Err(error) => heard.error = Some(describe(&error)),
        }
    }
    assert!(heard.error.is_some() || heard.is_finished(), "a stream ends with an end or an error");
    heard
}

fn describe(error: &ModelError) -> String {
    error.to_string()
}

impl Heard {
    pub(super) fn is_finished(&self) -> bool {
        matches!(self.events.last(), Some(ModelEvent::Finished(_)))
    }

    pub(super) fn text(&self) -> String {
        let delta = |event: &ModelEvent| match event {
            ModelEvent::Delta(text) => Some(text.clone()),
            _ => None,
        };
        self.events.iter().filter_map(delta).collect()
    }
}

/// Returns the pieces in which a client of ours hands out a body that was sent in these.
pub(super) async fn pieces(chunks: &[Vec<u8>]) -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let reply = Reply { status: 200, chunks: chunks.to_vec(), ..Reply::default() };
    tokio::spawn(serve(listener, Arc::new(Mutex::new(reply.bytes()))));
    let client = client::build(ClientSettings { connect_timeout: Duration::from_secs(3) }).unwrap();
    let mut response = client.get(url).send().await.unwrap();
    let mut pieces = Vec::new();
    while let Some(piece) = response.chunk().await.unwrap() {
        pieces.push(String::from_utf8(piece.to_vec()).unwrap());
    }
    pieces
}
