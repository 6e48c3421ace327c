//! The providers against a stub that speaks both protocols.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use providers::client::{self, ClientSettings};
use providers::{ClaudeModel, ClaudeSettings, Effort, MaxTokensField, OpenAiModel, OpenAiSettings};
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::domain::{FinishReason, ProviderName, Usage};
use shared::environment::Environment;
use shared::ports::{
    ChatMessage, Model, ModelError, ModelEvent, Prompt, PromptCaching, Role, Secrets, SecretsError,
    SigningKeys,
};
use shared::tools::PromptTools;
use testkit::stub_provider::{
    Behaviour, Call, Failure, Finish, Protocol, Reply, StubProvider, Usage as StubUsage,
};

pub(crate) const BOTH: [Protocol; 2] = [Protocol::Claude, Protocol::OpenAi];

pub(crate) struct Key(pub(crate) Option<&'static str>);

#[async_trait]
impl Secrets for Key {
    async fn provider_key(&self, _: ProviderName) -> Result<Option<SecretString>, SecretsError> {
        Ok(self.0.map(SecretString::from))
    }

    async fn signing_keys(&self) -> Result<SigningKeys, SecretsError> {
        Ok(SigningKeys(Vec::new()))
    }

    async fn refresh(&self, _: ProviderName) -> bool {
        false
    }
}

struct NoSecrets;

#[async_trait]
impl Secrets for NoSecrets {
    async fn provider_key(&self, _: ProviderName) -> Result<Option<SecretString>, SecretsError> {
        Err(SecretsError("the vault is shut".into()))
    }

    async fn signing_keys(&self) -> Result<SigningKeys, SecretsError> {
        Err(SecretsError("the vault is shut".into()))
    }

    async fn refresh(&self, _: ProviderName) -> bool {
        false
    }
}

pub(crate) fn client() -> reqwest::Client {
    client::build(ClientSettings { connect_timeout: Duration::from_secs(3) }).unwrap()
}

fn model_at(protocol: Protocol, base: &str, secrets: Arc<dyn Secrets>) -> Box<dyn Model> {
    match protocol {
        Protocol::Claude => {
            let version = "2026-10-21".to_owned();
            let settings = ClaudeSettings {
                base_url: base.to_owned(),
                model: "claude-x".to_owned(),
                version,
                effort: Effort::None,
            };
            Box::new(ClaudeModel::new(settings, secrets, client()))
        }
        Protocol::OpenAi => {
            let max_tokens_field = MaxTokensField::default();
            let base_url = format!("{base}/v1");
            let model = "gpt-x".to_owned();
            let keyless = false;
            let cache_key = true;
            let settings = OpenAiSettings {
                base_url,
                model,
                keyless,
                max_tokens_field,
                cache_key,
                effort: Effort::None,
                sends_effort: true,
            };
            Box::new(OpenAiModel::new(settings, secrets, client()))
        }
    }
}

pub(crate) fn model(protocol: Protocol, stub: &StubProvider) -> Box<dyn Model> {
    model_at(protocol, &stub.url(), Arc::new(Key(Some(" the-key\n"))))
}

pub(crate) fn prompt() -> Prompt {
    let message = |role, text: &str| ChatMessage { role, text: text.to_owned() };
    Prompt {
        system: "Be kind.".to_owned(),
        messages: vec![
            message(Role::User, "Hello"),
            message(Role::Assistant, "Hello!"),
            message(Role::User, "And on Tuesday?"),
        ],
        document: None,
        found: None,
        max_tokens: 77,
        model: None,
        caching: Some(PromptCaching { group: 3, conversation: true }),
        tools: PromptTools::default(),
    }
}

/// What one call came to.
#[derive(Debug, Default)]
struct Heard {
    text: String,
    usage: Option<Usage>,
    finish: Option<(FinishReason, Option<String>)>,
    error: Option<ModelError>,
    /// How often it gave a sign of life.
    alive: usize,
}

async fn hear(model: &dyn Model) -> Heard {
    let mut heard = Heard::default();
    let mut stream = match model.stream(&prompt()).await {
        Ok(stream) => stream,
        Err(error) => return Heard { error: Some(error), ..heard },
    };
    while let Some(item) = stream.next().await {
        assert!(heard.finish.is_none() && heard.error.is_none(), "nothing follows the end");
        match item {
            Ok(ModelEvent::Delta(text)) => heard.text.push_str(&text),
            Ok(ModelEvent::Usage(usage)) => heard.usage = Some(usage),
            Ok(ModelEvent::Alive) => heard.alive += 1,
            Ok(ModelEvent::Finished(finish)) => heard.finish = Some((finish.reason, finish.model)),
            Ok(other) => panic!("{other:?}"),
            Err(error) => heard.error = Some(error),
        }
    }
    heard
}

async fn call(protocol: Protocol, behaviour: Behaviour) -> Heard {
    let stub = StubProvider::start(behaviour).await.unwrap();
    hear(model(protocol, &stub).as_ref()).await
}

/// Asks both providers, and expects the whole text and this end.
async fn check_reply(behaviour: Behaviour, text: &str, reasons: [FinishReason; 2]) {
    for (protocol, reason) in BOTH.into_iter().zip(reasons) {
        let heard = call(protocol, behaviour.clone()).await;
        assert_eq!(heard.text, text, "{protocol:?}: {heard:?}");
        assert_eq!(
            heard.finish.as_ref().map(|(reason, _)| *reason),
            Some(reason),
            "{protocol:?}: {heard:?}"
        );
    }
}

/// Asks both providers, and expects no end and errors that read so.
async fn check_error(behaviour: Behaviour, expected: [&str; 2]) {
    for (protocol, expected) in BOTH.into_iter().zip(expected) {
        let heard = call(protocol, behaviour.clone()).await;
        let error = heard.error.as_ref().map(ToString::to_string).unwrap_or_default();
        assert!(error.starts_with(expected), "{protocol:?}: {error}");
        assert_eq!(heard.finish, None, "{protocol:?}");
    }
}

async fn requests(
    protocol: Protocol,
    model: impl FnOnce(&StubProvider) -> Box<dyn Model>,
) -> Vec<Call> {
    let stub = StubProvider::start(Behaviour::Echo).await.unwrap();
    let heard = hear(model(&stub).as_ref()).await;
    assert_eq!(heard.text, "And on Tuesday?", "{protocol:?}: {heard:?}");
    stub.calls()
}

#[tokio::test]
async fn a_request_is_what_claude_wants() {
    let calls = requests(Protocol::Claude, |stub| model(Protocol::Claude, stub)).await;
    let header = |name: &str| calls[0].headers[name].to_str().unwrap();
    assert_eq!(header("x-api-key"), "the-key");
    assert_eq!(header("anthropic-version"), "2026-10-21");
    assert_eq!(header("user-agent"), concat!("learning-yogi-chatbot/", env!("CARGO_PKG_VERSION")));
    insta::assert_json_snapshot!(calls[0].body);
}

#[tokio::test]
async fn nothing_is_kept_that_nobody_asked_to_keep() {
    for (caching, marks) in [
        (None, 0),
        (Some(PromptCaching { group: 3, conversation: false }), 1),
        (Some(PromptCaching { group: 3, conversation: true }), 2),
    ] {
        let stub = StubProvider::start(Behaviour::Echo).await.unwrap();
        for protocol in BOTH {
            drop(model(protocol, &stub).stream(&Prompt { caching, ..prompt() }).await.unwrap());
        }
        let calls = stub.calls();
        assert_eq!(calls[0].body.to_string().matches("cache_control").count(), marks);
        assert_eq!(calls[1].body.get("prompt_cache_key").is_some(), caching.is_some());
    }
}

#[tokio::test]
async fn a_cache_key_is_that_of_the_beginning_and_the_group_alone() {
    let stub = StubProvider::start(Behaviour::Echo).await.unwrap();
    let model = model(Protocol::OpenAi, &stub);
    let message = ChatMessage { role: Role::User, text: "Something else".to_owned() };
    let other_group = Some(PromptCaching { group: 4, conversation: true });
    for prompt in [
        prompt(),
        Prompt { messages: vec![message], ..prompt() },
        Prompt { system: "Be brief.".to_owned(), ..prompt() },
        Prompt { caching: other_group, ..prompt() },
    ] {
        drop(model.stream(&prompt).await.unwrap());
    }
    let keys: Vec<_> =
        stub.calls().iter().map(|call| call.body["prompt_cache_key"].clone()).collect();
    assert_eq!(keys[0], keys[1]);
    assert!(keys[0] != keys[2] && keys[0] != keys[3] && keys[2] != keys[3], "{keys:?}");
}

#[tokio::test]
async fn a_request_is_what_openai_wants() {
    let calls = requests(Protocol::OpenAi, |stub| model(Protocol::OpenAi, stub)).await;
    assert_eq!(calls[0].headers["authorization"].to_str().unwrap(), "Bearer the-key");
    insta::assert_json_snapshot!(calls[0].body);
}

#[tokio::test]
async fn each_effort_has_the_form_of_its_provider_and_room_beside_the_reply() {
    let efforts = [Effort::None, Effort::Low, Effort::Medium, Effort::High];
    let stub = StubProvider::start(Behaviour::Echo).await.unwrap();
    for (effort, name) in efforts.into_iter().zip(["none", "low", "medium", "high"]) {
        let environment = Environment::default()
            .with("CHATBOT_EFFORT", name)
            .with("ANTHROPIC_BASE_URL", stub.url())
            .with("OPENAI_BASE_URL", stub.openai_url());
        let claude = ClaudeSettings::from_env(&environment).unwrap();
        let openai = OpenAiSettings::from_env(&environment).unwrap();
        let models: [Box<dyn Model>; 2] = [
            Box::new(ClaudeModel::new(claude, Arc::new(Key(Some("k"))), client())),
            Box::new(OpenAiModel::new(openai, Arc::new(Key(Some("k"))), client())),
        ];
        let old = Prompt { model: Some("gpt-4o-mini".to_owned()), ..prompt() };
        for model in &models {
            assert_eq!(model.thinking_room(), effort.room());
            drop(model.stream(&prompt()).await.unwrap());
        }
        drop(models[1].stream(&old).await.unwrap());
        let calls = stub.calls();
        let [claude, openai, old] = &calls[calls.len() - 3..] else { panic!("three calls") };
        let thinks = effort != Effort::None;
        assert_eq!(claude.body["max_tokens"], 77 + effort.room());
        assert_eq!(claude.body["thinking"]["type"] == "disabled", !thinks, "{name}");
        assert_eq!(claude.body["output_config"]["effort"] == name, thinks, "{name}");
        assert_eq!(openai.body["max_completion_tokens"], 77 + effort.room());
        assert_eq!(openai.body["reasoning_effort"], name);
        assert!(old.body.get("reasoning_effort").is_none(), "{}", old.body);
    }
}

#[tokio::test]
async fn a_model_is_told_to_think_as_little_as_its_family_can() {
    let stub = StubProvider::start(Behaviour::Echo).await.unwrap();
    let environment = Environment::default()
        .with("CHATBOT_EFFORT", "none")
        .with("ANTHROPIC_BASE_URL", stub.url())
        .with("OPENAI_BASE_URL", stub.openai_url());
    let claude = ClaudeSettings::from_env(&environment).unwrap();
    let openai = OpenAiSettings::from_env(&environment).unwrap();
    let claude = ClaudeModel::new(claude, Arc::new(Key(Some("k"))), client());
    let openai = OpenAiModel::new(openai, Arc::new(Key(Some("k"))), client());
    let families: [(&dyn Model, &str, &str, Value); 9] = [
        (&claude, "claude-haiku-5-5-20261007", "/thinking/type", json!("disabled")),
        (&claude, "claude-haiku-5-5-20261007", "/output_config", Value::Null),
        (&claude, "claude-sonnet-5-5", "/output_config/effort", json!("low")),
        (&claude, "claude-opus-5-5", "/thinking", Value::Null),
        (&claude, "claude-haiku-4-5", "/output_config", Value::Null),
        (&openai, "gpt-6.1-terra", "/reasoning_effort", json!("none")),
        (&openai, "gpt-5-mini", "/reasoning_effort", json!("minimal")),
        (&openai, "o3", "/reasoning_effort", json!("low")),
        (&openai, "gpt-4.1", "/reasoning_effort", Value::Null),
    ];
    for (provider, model, place, expected) in families {
        let prompt = Prompt { model: Some(model.to_owned()), ..prompt() };
        drop(provider.stream(&prompt).await.unwrap());
        let body = stub.calls().last().unwrap().body.clone();
        assert_eq!(body.pointer(place).cloned().unwrap_or_default(), expected, "{model}: {body}");
    }
}

#[tokio::test]
async fn a_compatible_server_can_be_given_max_tokens() {
    let calls = requests(Protocol::OpenAi, |stub| {
        let max_tokens_field = MaxTokensField::MaxTokens;
        let model = "llama".to_owned();
        let cache_key = false;
        let settings = OpenAiSettings {
            base_url: stub.openai_url(),
            model,
            keyless: true,
            max_tokens_field,
            cache_key,
            effort: Effort::None,
            sends_effort: false,
        };
        Box::new(OpenAiModel::new(settings, Arc::new(Key(Some("k"))), client()))
    });
    let calls = calls.await;
    assert_eq!(calls[0].body["max_tokens"], 77 + Effort::None.room());
    assert!(calls[0].body.get("reasoning_effort").is_none());
    assert!(calls[0].body.get("max_completion_tokens").is_none());
    assert!(calls[0].body.get("prompt_cache_key").is_none());
}

#[tokio::test]
async fn a_reply_comes_whole_with_the_model_that_wrote_it() {
    let whole = Reply::default().whole();
    for (protocol, model) in BOTH.into_iter().zip(["claude-x", "gpt-x"]) {
        let heard = call(protocol, Behaviour::Reply(Reply::default())).await;
        assert_eq!(heard.text, whole);
        assert_eq!(heard.finish, Some((FinishReason::Stop, Some(model.to_owned()))));
    }
}

#[tokio::test]
async fn thoughts_are_not_part_of_the_reply() {
    let reply = Reply { thinking: true, ..Reply::default() };
    check_reply(Behaviour::Reply(reply.clone()), &reply.whole(), [FinishReason::Stop; 2]).await;
}

#[tokio::test]
async fn a_reply_may_come_one_byte_at_a_time() {
    let reply = Reply::default();
    check_reply(Behaviour::OneByteAtATime(reply.clone()), &reply.whole(), [FinishReason::Stop; 2])
        .await;
}

#[tokio::test]
async fn a_long_reply_comes_whole() {
    let reply = Reply::long(100_000);
    check_reply(Behaviour::Reply(reply.clone()), &reply.whole(), [FinishReason::Stop; 2]).await;
}

#[tokio::test]
async fn an_empty_reply_ends_as_a_reply() {
    check_reply(Behaviour::Empty, "", [FinishReason::Stop; 2]).await;
}

#[tokio::test]
async fn refusals_filters_and_length_stops_are_reported_as_such() {
    check_reply(Behaviour::Refusal, "I cannot help with that.", [FinishReason::Refusal; 2]).await;
    let reply = |finish| Behaviour::Reply(Reply::text("Well").finishing(finish));
    check_reply(reply(Finish::Length), "Well", [FinishReason::Length; 2]).await;
    let reasons = [FinishReason::Refusal, FinishReason::ContentFilter];
    check_reply(reply(Finish::ContentFilter), "Well", reasons).await;
}

#[tokio::test]
async fn usage_counts_cached_input_as_input() {
    let usage = StubUsage { input: 5, output: 7, cache_read: 100, cache_write: 20 };
    for (protocol, written) in BOTH.into_iter().zip([20, 0]) {
        let heard = call(protocol, Behaviour::Reply(Reply { usage, ..Reply::default() })).await;
        let expected = Usage {
            input_tokens: 125,
            cached_input_tokens: 100,
            cache_write_tokens: written,
            output_tokens: 7,
        };
        assert_eq!(heard.usage, Some(expected), "{protocol:?}");
    }
}

#[tokio::test]
async fn a_busy_provider_says_when_to_come_back() {
    let waits = [
        (Failure::new(429).retry_after_ms(250).retry_after(9), Some(250)),
        (Failure::new(429).retry_after(9), Some(9_000)),
        (Failure::new(529), None),
        (Failure::new(500), None),
        (Failure::new(408), None),
        (Failure::new(400).should_retry(true), None),
    ];
    for (failure, expected) in waits {
        for protocol in BOTH {
            let error = call(protocol, Behaviour::Status(failure.clone())).await.error;
            let Some(ModelError::Busy { code, retry_after }) = error else {
                panic!("{failure:?}: {error:?}")
            };
            assert!(code.starts_with(&failure.status.to_string()), "{code}");
            assert_eq!(retry_after, expected.map(Duration::from_millis), "{failure:?}");
        }
    }
}

#[tokio::test]
async fn a_refused_key_is_told_from_a_refused_request() {
    let key = "the provider refused the key (401";
    check_error(Behaviour::Status(Failure::new(401)), [key; 2]).await;
    check_error(Behaviour::Status(Failure::new(403)), ["the provider refused the key (403"; 2])
        .await;
    let refused = |code| format!("the provider refused the request ({code}");
    for failure in [
        Failure::new(400),
        Failure::new(402),
        Failure::new(413),
        Failure::new(500).should_retry(false),
    ] {
        let expected = refused(failure.status.to_string());
        check_error(Behaviour::Status(failure), [&expected; 2]).await;
    }
}

#[tokio::test]
async fn money_and_retired_models_are_never_retried() {
    let quota = ["(429 enforced_spend_limit_reached)", "(429 insufficient_quota)"];
    let quota = quota.map(|code| format!("the provider refused the request {code}"));
    check_error(Behaviour::Status(Failure::insufficient_quota()), [&quota[0], &quota[1]]).await;
    let retired = ["(404 not_found_error)", "(404 model_not_found)"];
    let retired = retired.map(|code| format!("the provider refused the request {code}"));
    check_error(Behaviour::Status(Failure::retired_model()), [&retired[0], &retired[1]]).await;
}

#[tokio::test]
async fn an_errors_text_never_holds_what_the_provider_wrote() {
    let page = "<html>your prompt was: And on Tuesday? your key was: the-key</html>";
    for body in
        [page.to_owned(), format!("{{\"error\":{{\"message\":{page:?},\"type\":{page:?}}}}}")]
    {
        let failure = Failure { body: Some(body), ..Failure::new(502) };
        check_error(Behaviour::Status(failure), ["the provider is busy (502)"; 2]).await;
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_broken() {
    let broken = ["the provider's answer broke off: "; 2];
    check_error(Behaviour::DieBeforeHeaders, broken).await;
    check_error(Behaviour::DieMidStream { after: 3 }, broken).await;
    check_error(Behaviour::Garbage, broken).await;
    let unmarked = "the provider's answer broke off: the stream ended without its end mark";
    check_error(Behaviour::EndWithoutMark { after: 3 }, [unmarked; 2]).await;
}

#[tokio::test]
async fn text_before_a_break_is_delivered() {
    let whole = Reply::default().whole();
    for protocol in BOTH {
        let heard = call(protocol, Behaviour::DieMidStream { after: 3 }).await;
        assert!(
            !heard.text.is_empty() && whole.starts_with(&heard.text),
            "{protocol:?}: {heard:?}"
        );
    }
}

#[tokio::test]
async fn an_error_after_the_200_means_what_its_type_says() {
    let busy = ["the provider is busy (overloaded_error)", "the provider is busy (server_error)"];
    check_error(Behaviour::ErrorMidStream { after: 2 }, busy).await;
}

#[tokio::test]
async fn a_dropped_stream_ends_the_call_at_the_provider() {
    for protocol in BOTH {
        let stub = StubProvider::start(Behaviour::HangMidStream { after: 1 }).await.unwrap();
        let mut stream = model(protocol, &stub).stream(&prompt()).await.unwrap();
        while !matches!(stream.next().await, Some(Ok(ModelEvent::Delta(_)))) {}
        drop(stream);
        stub.until(|progress| progress.abandoned == 1).await;
    }
}

#[tokio::test]
async fn a_dropped_call_ends_at_the_provider_before_it_answers() {
    for protocol in BOTH {
        let stub = StubProvider::start(Behaviour::HangBeforeHeaders).await.unwrap();
        let model = model(protocol, &stub);
        let prompt = prompt();
        tokio::select! {
            _ = model.stream(&prompt) => panic!("it never answers"),
            _ = stub.until(|progress| progress.calls == 1) => {}
        }
        stub.until(|progress| progress.abandoned == 1).await;
    }
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_broken() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for protocol in BOTH {
        let heard = hear(model_at(protocol, &base, Arc::new(Key(Some("k")))).as_ref()).await;
        let Some(ModelError::Broken(text)) = heard.error else { panic!("{heard:?}") };
        assert!(text.contains("refused") && !text.contains("127.0.0.1"), "{text}");
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_broken() {
    let stub = StubProvider::start(Behaviour::Echo).await.unwrap();
    let base = stub.url().replace("http:", "https:");
    let heard = hear(model_at(Protocol::Claude, &base, Arc::new(Key(Some("k")))).as_ref()).await;
    assert!(matches!(heard.error, Some(ModelError::Broken(_))), "{heard:?}");
}

#[tokio::test]
async fn a_missing_or_illegal_key_is_no_call() {
    let stub = StubProvider::start(Behaviour::Echo).await.unwrap();
    let error = async |secrets: Arc<dyn Secrets>| {
        let heard = hear(model_at(Protocol::Claude, &stub.url(), secrets).as_ref()).await;
        heard.error.unwrap().to_string()
    };
    assert_eq!(
        error(Arc::new(Key(None))).await,
        "the provider refused the key (no key is configured)"
    );
    let illegal = "the provider refused the key (the key contains characters that are not allowed \
        in a header)";
    assert_eq!(error(Arc::new(Key(Some("a\nb")))).await, illegal);
    let shut = "the provider's answer broke off: the provider's key could not be fetched: the \
        secrets are unavailable";
    assert_eq!(error(Arc::new(NoSecrets)).await, shut);
    assert!(stub.calls().is_empty());
}

#[tokio::test]
async fn a_server_of_ones_own_is_called_without_a_key() {
    let stub = StubProvider::start(Behaviour::Echo).await.unwrap();
    let heard = hear(model_at(Protocol::OpenAi, &stub.url(), Arc::new(Key(None))).as_ref()).await;
    assert!(
        matches!(heard.error, Some(ModelError::Unauthorized(_))),
        "the stub wants a key: {heard:?}"
    );
    assert!(!stub.calls()[0].headers.contains_key("authorization"));
}
