//! The model against a server that answers one request.

use async_trait::async_trait;
use futures::StreamExt as _;
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::domain::FinishReason;
use shared::ports::{ChatMessage, ModelEvent, PromptCaching, Role, SecretsError, SigningKeys};
use shared::tools::{
    Approval, Effect, PromptTools, Thinking, ToolCall, ToolDefinition, ToolLimits, ToolName,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::testing::frame;
use super::*;
use crate::Effort;
use crate::client::{self, ClientSettings};

struct Key;
/// A store without any key.
struct NoKey;

#[async_trait]
impl Secrets for NoKey {
    async fn provider_key(&self, _: ProviderName) -> Result<Option<SecretString>, SecretsError> {
        Ok(None)
    }

    async fn signing_keys(&self) -> Result<SigningKeys, SecretsError> {
        Ok(SigningKeys(Vec::new()))
    }

    async fn refresh(&self, _: ProviderName) -> bool {
        false
    }
}

#[async_trait]
impl Secrets for Key {
    async fn provider_key(
        &self,
        provider: ProviderName,
    ) -> Result<Option<SecretString>, SecretsError> {
        Ok((provider == ProviderName::Bedrock).then(|| SecretString::from("the-key\n")))
    }

    async fn signing_keys(&self) -> Result<SigningKeys, SecretsError> {
        Ok(SigningKeys(Vec::new()))
    }

    async fn refresh(&self, _: ProviderName) -> bool {
        false
    }
}

fn prompt() -> Prompt {
    let messages = vec![ChatMessage { role: Role::User, text: "Hello".to_owned() }];
    let caching = Some(PromptCaching { group: 1, conversation: false });
    Prompt {
        system: "Be kind.".to_owned(),
        messages,
        document: None,
        found: None,
        max_tokens: 77,
        model: None,
        caching,
        tools: PromptTools::default(),
    }
}

/// Makes one call; returns the request's head and body, and the result.
async fn ask(
    prompt: Prompt,
    status: &str,
    answer: Vec<u8>,
) -> (String, Value, Result<Vec<ModelEvent>, ModelError>) {
    ask_with(
        |settings, client| BedrockModel::new(settings, Arc::new(Key), client),
        prompt,
        status,
        answer,
    )
    .await
}

async fn ask_with(
    make: impl FnOnce(BedrockSettings, Client) -> BedrockModel,
    prompt: Prompt,
    status: &str,
    answer: Vec<u8>,
) -> (String, Value, Result<Vec<ModelEvent>, ModelError>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    let settings = BedrockSettings {
        base_url,
        model: "us.anthropic.claude-x-v1:0".to_owned(),
        effort: Effort::None,
    };
    let client =
        client::build(ClientSettings { connect_timeout: std::time::Duration::from_secs(3) })
            .unwrap();
    let model = make(settings, client);
    let length = answer.len();
    let response =
        format!("HTTP/1.1 {status}\r\ncontent-type: {STREAM}\r\ncontent-length: {length}\r\n\r\n");
    let serve = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&request).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n")
                && let Ok(body) = serde_json::from_str(body)
            {
                socket.write_all(&[response.as_bytes(), &answer].concat()).await.unwrap();
                return (head.to_owned(), body);
            }
            socket.read_buf(&mut request).await.unwrap();
        }
    };
    let hear = async {
        let mut events = Vec::new();
        let mut stream = model.stream(&prompt).await?;
        while let Some(event) = stream.next().await {
            events.push(event?);
        }
        Ok(events)
    };
    let ((request, body), heard) = futures::join!(serve, hear);
    (request, body, heard)
}

fn chunk(event: &Value) -> Vec<u8> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.encode(event.to_string());
    frame("event", "chunk", json!({ "bytes": bytes }).to_string().as_bytes())
}

fn reply() -> Vec<u8> {
    let block = json!({ "type": "text", "text": "Maths." });
    [
        json!({ "type": "message_start", "message": { "model": "claude-x", "usage": null } }),
        json!({ "type": "content_block_start", "index": 0, "content_block": block }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "max_tokens" }, "usage": null }),
        json!({ "type": "message_stop" }),
    ]
    .iter()
    .flat_map(chunk)
    .collect()
}

#[tokio::test]
async fn a_request_is_what_bedrock_wants() {
    let (head, body, answer) = ask(prompt(), "200 OK", reply()).await;
    let first = head.lines().next().unwrap();
    assert_eq!(
        first,
        "POST /model/us.anthropic.claude-x-v1:0/invoke-with-response-stream HTTP/1.1"
    );
    assert!(head.contains("authorization: Bearer the-key\r\n"), "{head}");
    let mark = json!({ "type": "ephemeral" });
    let expected = json!({
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 77 + Effort::None.room(),
        "system": [{ "type": "text", "text": "Be kind.", "cache_control": mark }],
        "messages": [{ "role": "user", "content": "Hello" }],
    });
    assert_eq!(body, expected);
    let events = answer.unwrap();
    assert_eq!(events[0], ModelEvent::Delta("Maths.".to_owned()));
    let Some(ModelEvent::Finished(finish)) = events.last() else { panic!("{events:?}") };
    assert_eq!((finish.reason, finish.model.as_deref()), (FinishReason::Length, Some("claude-x")));
}

#[tokio::test]
async fn the_slashes_of_a_profiles_arn_are_part_of_its_name() {
    let model = Some("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc".to_owned());
    let (head, ..) = ask(Prompt { model, ..prompt() }, "200 OK", reply()).await;
    assert!(head.starts_with(
        "POST /model/arn:aws:bedrock:us-east-1:1:application-inference-profile%2Fabc\
        /invoke-with-response-stream "
    ));
}

#[tokio::test]
async fn errors_before_the_stream_are_told_apart() {
    for (status, expected) in [
        ("429 Too Many Requests", "the provider is busy (429)"),
        ("403 Forbidden", "the provider refused the key (403)"),
        ("404 Not Found", "the provider refused the request (404)"),
        ("503 Service Unavailable", "the provider is busy (503)"),
    ] {
        let (_, _, heard) =
            ask(prompt(), status, br#"{"message":"Do not quote me"}"#.to_vec()).await;
        assert_eq!(heard.unwrap_err().to_string(), expected);
    }
}

#[tokio::test]
async fn without_a_key_a_request_is_signed_as_it_is_sent() {
    let signed = Arc::new(std::sync::Mutex::new(None));
    let seen = signed.clone();
    let sign = move |url: &str, body: &[u8]| {
        *seen.lock().unwrap() = Some((url.to_owned(), body.to_vec()));
        Ok(HeaderMap::from_iter([(
            AUTHORIZATION,
            http::HeaderValue::from_static("AWS4-HMAC-SHA256 signed"),
        )]))
    };
    let make = |settings, client| {
        BedrockModel::new(settings, Arc::new(NoKey), client).signed_by(Arc::new(sign))
    };
    let (head, body, answer) = ask_with(make, prompt(), "200 OK", reply()).await;
    assert!(answer.is_ok() && head.contains("authorization: AWS4-HMAC-SHA256 signed"), "{head}");
    let (url, signed) = signed.lock().unwrap().take().unwrap();
    let path = head.split(' ').nth(1).unwrap();
    assert!(url.ends_with(path), "{url} is signed and {path} is asked");
    assert_eq!(serde_json::from_slice::<Value>(&signed).unwrap(), body);
    for (name, value) in SIGNED_HEADERS {
        assert!(head.contains(&format!("{name}: {value}")), "{head}");
    }
}

#[tokio::test]
async fn tools_go_to_bedrock_and_calls_come_back() {
    let block = json!({ "type": "tool_use", "id": "toolu_1", "name": "lessons", "input": {} });
    let piece = json!({ "type": "input_json_delta", "partial_json": "{\"day\":\"Monday\"}" });
    let frames = [
        json!({ "type": "message_start", "message": { "model": "claude-x", "usage": null } }),
        json!({ "type": "content_block_start", "index": 0, "content_block": block }),
        json!({ "type": "content_block_delta", "index": 0, "delta": piece }),
        json!({ "type": "message_delta", "delta": { "stop_reason": "tool_use" }, "usage": null }),
        json!({ "type": "message_stop" }),
    ];
    let tool = ToolDefinition {
        name: ToolName::parse("lessons").unwrap(),
        title: None,
        description: "Lessons of a day.".to_owned(),
        parameters: json!({ "type": "object" }),
        effect: Effect::Read,
        approval: Approval::Never,
        visible: false,
        limits: ToolLimits::default(),
    };
    let tools = PromptTools { definitions: Arc::from([tool]), ..PromptTools::default() };
    let prompt = Prompt { tools, ..prompt() };
    let (_, body, answer) = ask(prompt, "200 OK", frames.iter().flat_map(chunk).collect()).await;
    assert_eq!(body["tools"][0]["input_schema"], json!({ "type": "object" }));
    let events = answer.unwrap();
    let thinking = Thinking {
        provider: ProviderName::Bedrock,
        model: "us.anthropic.claude-x-v1:0".to_owned(),
        blocks: Vec::new(),
    };
    let call = ToolCall {
        id: "toolu_1".to_owned(),
        name: "lessons".to_owned(),
        arguments: "{\"day\":\"Monday\"}".to_owned(),
    };
    let asked = [ModelEvent::Thinking(thinking), ModelEvent::ToolCall(call)];
    assert!(events.windows(2).any(|pair| pair == asked), "{events:?}");
}
