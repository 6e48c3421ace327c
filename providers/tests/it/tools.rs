//! Tools over the wire: what is offered, what is asked for, and what is given back.

use std::sync::Arc;

use futures::StreamExt as _;
use insta::assert_json_snapshot;
use providers::{ClaudeModel, ClaudeSettings, OpenAiModel, OpenAiSettings};
use serde_json::{Value, json};
use shared::domain::{FinishReason, ProviderName};
use shared::environment::Environment;
use shared::ports::{ChatMessage, Model, ModelEvent, Prompt, PromptCaching, Role};
use shared::tools::{
    Approval, Effect, PromptTools, RoundCall, RoundResult, Thinking, ToolCall, ToolDefinition,
    ToolLimits, ToolName, ToolRound,
};
use testkit::stub_provider::{Behaviour, Finish, Protocol, Reply, StubProvider};

use crate::models::{BOTH, Key, client, model};

fn lessons() -> ToolDefinition {
    ToolDefinition {
        name: ToolName::parse("lessons").unwrap(),
        title: Some("Looked at the timetable".to_owned()),
        description: "Lessons of a class on a day.".to_owned(),
        parameters: json!({ "type": "object", "properties": { "day": { "type": "string" } } }),
        effect: Effect::Read,
        approval: Approval::Never,
        visible: false,
        limits: ToolLimits::default(),
    }
}

fn offer(text: &str) -> Prompt {
    Prompt {
        system: "Be kind.".to_owned(),
        messages: vec![ChatMessage { role: Role::User, text: text.to_owned() }],
        document: None,
        found: None,
        max_tokens: 77,
        model: None,
        caching: Some(PromptCaching { group: 3, conversation: false }),
        tools: PromptTools { definitions: Arc::from([lessons()]), ..PromptTools::default() },
    }
}

fn round(thinking: Option<Thinking>) -> ToolRound {
    let call = |id: &str, day: &str, text: &str, is_error| RoundCall {
        id: id.to_owned(),
        name: ToolName::parse("lessons").unwrap(),
        arguments: json!({ "day": day }).to_string(),
        result: RoundResult { text: text.to_owned(), is_error },
    };
    let calls = vec![call("key-1", "Monday", "Maths", false), call("key-2", "Noday", "?", true)];
    ToolRound { text: "Let me look.".to_owned(), calls, thinking }
}

/// The calls and the end of a reply, and what was thought before.
#[derive(Debug, Default, PartialEq)]
struct Asked {
    text: String,
    thinking: Option<Thinking>,
    calls: Vec<(String, String)>,
    finish: Option<FinishReason>,
    error: Option<String>,
}

async fn ask(model: &dyn Model, prompt: &Prompt) -> Asked {
    let mut asked = Asked::default();
    let mut stream = model.stream(prompt).await.unwrap();
    while let Some(item) = stream.next().await {
        match item {
            Ok(ModelEvent::Delta(text)) => asked.text.push_str(&text),
            Ok(ModelEvent::Thinking(thinking)) => asked.thinking = Some(thinking),
            Ok(ModelEvent::ToolCall(ToolCall { name, arguments, .. })) => {
                asked.calls.push((name, arguments));
            }
            Ok(ModelEvent::Finished(finish)) => asked.finish = Some(finish.reason),
            Ok(_) => (),
            Err(error) => asked.error = Some(error.to_string()),
        }
    }
    asked
}

fn calls(calls: &[(&str, &str)]) -> Vec<(String, String)> {
    calls.iter().map(|(name, json)| ((*name).to_owned(), (*json).to_owned())).collect()
}

#[tokio::test]
async fn a_model_asks_for_calls_after_its_text_and_only_if_tools_are_offered() {
    let reply = Reply::text("Let me look. ")
        .calling("lessons", r#"{"day":"Tuesday – „Di“"}"#)
        .calling("lessons", "");
    let stub = StubProvider::start(Behaviour::Reply(reply.clone())).await.unwrap();
    let expected = calls(&[("lessons", r#"{"day":"Tuesday – „Di“"}"#), ("lessons", "{}")]);
    for protocol in BOTH {
        stub.script([Behaviour::OneByteAtATime(reply.clone())]);
        for _ in ["in single bytes", "at once"] {
            let asked = ask(model(protocol, &stub).as_ref(), &offer("Hello")).await;
            assert_eq!((asked.text.as_str(), asked.error), ("Let me look. ", None));
            assert_eq!((asked.calls, asked.finish), (expected.clone(), Some(FinishReason::Stop)));
        }
        let none = Prompt { tools: PromptTools::default(), ..offer("Hello") };
        let asked = ask(model(protocol, &stub).as_ref(), &none).await;
        assert_eq!((asked.calls.len(), asked.finish), (0, Some(FinishReason::Stop)));
    }
}

#[tokio::test]
async fn a_call_that_is_cut_off_is_no_call() {
    let cut = || Reply::text("Well").calling("lessons", "{}").calling("lessons", r#"{"day":"Tu"#);
    let stub = StubProvider::start(Behaviour::Reply(cut())).await.unwrap();
    for protocol in BOTH {
        let asked = ask(model(protocol, &stub).as_ref(), &offer("Hello")).await;
        let error = asked.error.unwrap_or_default();
        assert!(error.contains("no JSON object") && asked.finish.is_none(), "{error}");
        stub.script([Behaviour::Reply(cut().finishing(Finish::Length))]);
        let asked = ask(model(protocol, &stub).as_ref(), &offer("Hello")).await;
        assert_eq!((asked.calls.len(), asked.finish), (0, Some(FinishReason::Length)));
    }
}

#[tokio::test]
async fn rounds_and_tools_go_to_each_provider_in_its_own_form() {
    let stub = StubProvider::start(Behaviour::Echo).await.unwrap();
    for protocol in BOTH {
        let mut prompt = offer("And on Tuesday?");
        prompt.tools.rounds.push(round(None));
        for answer_only in [false, true] {
            prompt.tools.answer_only = answer_only;
            let asked = ask(model(protocol, &stub).as_ref(), &prompt).await;
            assert_eq!(asked.text, "And on Tuesday?", "the request is accepted");
            let body = stub.calls().last().unwrap().body.clone();
            let fields = ["messages", "tools", "tool_choice"].map(|field| body[field].clone());
            assert_json_snapshot!(format!("{protocol:?}-{answer_only}"), fields);
        }
    }
}

#[tokio::test]
async fn the_marker_calls_a_tool_and_then_quotes_its_result() {
    let stub = StubProvider::start(Behaviour::Echo).await.unwrap();
    for protocol in BOTH {
        let mut prompt = offer(r#"Hello [[stub:tool:lessons {"day":"Monday"}]]"#);
        let asked = ask(model(protocol, &stub).as_ref(), &prompt).await;
        assert_eq!(asked.calls, calls(&[("lessons", r#"{"day":"Monday"}"#)]));
        prompt.tools.rounds.push(round(None));
        let asked = ask(model(protocol, &stub).as_ref(), &prompt).await;
        assert!(asked.text.starts_with("The tool says: Maths\n"), "{}", asked.text);
    }
}

/// Asks Claude with some thinking, in a second round whose first had these thoughts.
async fn thought_body(thinking: Option<Thinking>) -> Value {
    let stub = StubProvider::start(Behaviour::Echo).await.unwrap();
    let environment =
        Environment::default().with("CHATBOT_EFFORT", "low").with("ANTHROPIC_BASE_URL", stub.url());
    let settings = ClaudeSettings::from_env(&environment).unwrap();
    let claude = ClaudeModel::new(settings, Arc::new(Key(Some("k"))), client());
    let mut prompt = offer("Hello");
    prompt.tools.rounds.push(round(thinking));
    drop(claude.stream(&prompt).await.unwrap());
    stub.calls().pop().unwrap().body
}

#[tokio::test]
async fn thoughts_go_back_to_the_model_that_had_them_and_to_no_other() {
    let reply = Reply { thinking: true, ..Reply::text("").calling("lessons", "{}") };
    let stub = StubProvider::start(Behaviour::Reply(reply)).await.unwrap();
    let thought = |provider, model: &str| {
        let block = json!({
            "type": "thinking", "thinking": "Nobody may read this thought.", "signature": "c3R1Yg==",
        });
        Thinking { provider, model: model.to_owned(), blocks: vec![block] }
    };
    let asked = ask(model(Protocol::Claude, &stub).as_ref(), &offer("Hello")).await;
    assert_eq!(asked.thinking, Some(thought(ProviderName::Claude, "claude-x")));
    let own = thought(ProviderName::Claude, "claude-haiku-5-5");
    let body = thought_body(Some(own.clone())).await;
    assert_eq!(body["messages"][1]["content"][0], own.blocks[0]);
    assert_eq!((&body["output_config"]["effort"], body.get("thinking")), (&json!("low"), None));
    let others = [None, Some(thought(ProviderName::Bedrock, "claude-haiku-5-5"))];
    for thinking in others.into_iter().chain([Some(thought(ProviderName::Claude, "claude-y"))]) {
        let body = thought_body(thinking).await;
        assert_eq!(body["messages"][1]["content"][0]["type"], "text", "{body}");
        assert_eq!(body["thinking"]["type"], "disabled", "{body}");
    }
}

#[tokio::test]
async fn the_newest_models_do_not_think_where_tools_are_offered_in_chat_completions() {
    let stub = StubProvider::start(Behaviour::Echo).await.unwrap();
    let environment = Environment::default()
        .with("CHATBOT_EFFORT", "high")
        .with("OPENAI_BASE_URL", stub.openai_url());
    let settings = OpenAiSettings::from_env(&environment).unwrap();
    let openai = OpenAiModel::new(settings, Arc::new(Key(Some("k"))), client());
    let cases = [("gpt-6-luna", "none"), ("gpt-5-mini", "high"), ("o3", "high"), ("qwen", "high")];
    for (model, effort) in cases {
        let prompt = Prompt { model: Some(model.to_owned()), ..offer("Hello") };
        drop(openai.stream(&prompt).await.unwrap());
        assert_eq!(stub.calls().last().unwrap().body["reasoning_effort"], effort, "{model}");
    }
}
