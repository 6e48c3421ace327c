//! Secrets and texts that would be recognised wherever they turned up.
//!
//! Searched: all that the real program says at the level `trace` (standard output too), every error
//! over HTTP and WebSocket, the events, the bodies on both queues with their dead letters, the
//! files of the data directory, and the process's arguments. There are no metrics on one machine;
//! what they would be made of, the events and the logs, is searched.
//!
//! By design a `submit` and a `feedback` carry their texts inside the queue until they are
//! acknowledged, and so do their dead letters; a body that no handler can read stays in the dead
//! letters as its producer wrote it.

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::stub_provider::{Behaviour, Failure, StubProvider};

use super::evidence::{Evidence, Secrets};
use super::poison::{poison, until_settled};
use super::program::Program;
use crate::support::{
    Answer, Chatter, Http, in_time, next_frame, open, provider, send, try_open, websocket,
};

const CLAUDE_KEY: &str = "canary-claude-key-4711";
const OPENAI_KEY: &str = "canary-openai-key-4712";
const MESSAGE: &str = "canary-message-4713";
const DOCUMENT: &str = "canary-document-4714";
const TITLE: &str = "canary-title-4715";
const COMMENT: &str = "canary-comment-4716";
const POISON: &str = "canary-poison-4717";

fn variables(
    stub: &StubProvider,
    directory: &TempDir,
    format: &str,
) -> Vec<(&'static str, String)> {
    let documents = directory.path().join("documents.json");
    std::fs::write(
        &documents,
        json!([{ "id": "plan", "title": TITLE, "content": DOCUMENT }]).to_string(),
    )
    .unwrap();
    vec![
        ("ANTHROPIC_API_KEY", CLAUDE_KEY.to_owned()),
        ("ANTHROPIC_BASE_URL", stub.url()),
        ("OPENAI_API_KEY", OPENAI_KEY.to_owned()),
        ("OPENAI_BASE_URL", stub.openai_url()),
        ("CHATBOT_DOCUMENTS", documents.to_str().unwrap().to_owned()),
        ("CHATBOT_LOG", "trace".to_owned()),
        ("CHATBOT_LOG_FORMAT", format.to_owned()),
        ("CHATBOT_MAX_CALLS", "2".to_owned()),
        ("CHATBOT_MAX_GENERATIONS", "1".to_owned()),
        ("CHATBOT_SHUTDOWN_SECONDS", "0".to_owned()),
    ]
}

#[tokio::test]
async fn no_canary_is_in_logs_errors_events_dead_letters_files_or_arguments() {
    for format in ["text", "json"] {
        check_nothing_leaks(format).await;
    }
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_not_quoted() {
    let stub = provider(Behaviour::Echo).await;
    let directory = TempDir::new().unwrap();
    let mut variables = variables(&stub, &directory, "text");
    for (_, value) in variables.iter_mut().filter(|(name, _)| name.ends_with("_API_KEY")) {
        value.push_str("\u{7}and more");
    }
    let program = Program::start(&directory.path().join("data"), &variables).await;
    let mut ann = Chatter::join_as(Http::new(program.base())).await;
    assert_eq!(ann.ask("Hello").await.error, "providers_rejected");
    drop(ann);
    let found = Evidence { logs: program.stop().await, ..Evidence::default() };
    assert_eq!(found.logs.matches("a model call failed").count(), 2, "{}", found.logs);
    Secrets::new([CLAUDE_KEY, OPENAI_KEY], []).check_absent_from(&found);
}

async fn check_nothing_leaks(format: &str) {
    let stub = provider(Behaviour::Echo).await;
    let directory = TempDir::new().unwrap();
    let data_dir = directory.path().join("data");
    let variables = variables(&stub, &directory, format);
    let program = Program::start(&data_dir, &variables).await;
    let mut found = Evidence::default();
    let mut secrets =
        Secrets::new([CLAUDE_KEY, OPENAI_KEY], [MESSAGE, DOCUMENT, TITLE, COMMENT, POISON]);
    found.arguments = program.arguments();

    let mut ann = Chatter::join_as(Http::new(program.base())).await;
    let bob = Chatter::join_as(Http::new(program.base())).await;
    succeed(&mut ann, bob, &mut secrets).await;
    fail(&stub, &mut ann, &mut found).await;
    misuse(&ann, &mut found).await;
    leave_in_flight(&stub, &mut ann).await;
    drop(ann);
    found.logs = program.stop().await;

    let poisoned = poison(&data_dir, POISON);
    let program = Program::start(&data_dir, &variables).await;
    for group in &poisoned {
        program.until_it_says(group).await;
    }
    program.until_it_says("a submitted message was refused").await;
    until_settled(&program).await;
    found.logs += &program.stop().await;

    found.read(&data_dir);
    secrets.read_signing_keys(&data_dir);
    assert_eq!(found.logs.matches("a model call failed").count(), 12, "{}", found.logs);
    assert!(
        found.bodies.iter().any(|body| body.contains(r#""type":"message""#)),
        "no pointer became a dead letter"
    );
    assert!(found.events.len() > 8 && found.errors.len() > 25, "{found:#?}");
    secrets.check_absent_from(&found);
}

/// A day without trouble: answers, a document, a verdict, a stop, a socket, a deletion.
async fn succeed(ann: &mut Chatter, mut bob: Chatter, secrets: &mut Secrets) {
    let id = ann.say_with(MESSAGE, json!({ "context": { "document_id": "plan" } })).await;
    assert_eq!(ann.final_of(&id).await.text, MESSAGE);
    assert_eq!(ann.turns().await[0]["context"], "used");
    let verdict = json!({ "rating": "down", "comment": COMMENT });
    assert_eq!(ann.http.post(&ann.path("turns/1/feedback"), &verdict).await.status, 204);
    ann.stop(&id).await.expect(202);
    let used = websocket(&ann.http, &ann.session).await;
    let unused = websocket(&ann.http, &ann.session).await;
    drop(open(&used).await);
    assert_eq!(try_open(&used, None).await.unwrap_err(), 401);
    assert_eq!(try_open(&unused, Some("https://evil.example")).await.unwrap_err(), 403);
    bob.ask(MESSAGE).await;
    bob.http.delete(&format!("/sessions/{}", bob.session)).await.expect(204);
    let tickets = [&used, &unused].map(|offered| offered["ticket"].as_str().unwrap().to_owned());
    secrets.passes.extend(tickets);
    secrets.passes.extend([ann.http.token.clone().unwrap(), bob.http.token.clone().unwrap()]);
}

/// Providers that repeat what they were told, wherever an error has room for it.
async fn fail(stub: &StubProvider, ann: &mut Chatter, found: &mut Evidence) {
    let all = format!("{CLAUDE_KEY} {OPENAI_KEY} {MESSAGE} {DOCUMENT}");
    let echo = |code: &str| {
        let error =
            json!({ "type": "authentication_error", "code": code, "message": all, "param": all });
        json!({ "type": "error", "error": error, "request": all }).to_string()
    };
    let in_stream = format!(
        "event: error\ndata: {}\n\n",
        json!({ "type": "error", "error": { "type": CLAUDE_KEY } })
    );
    for (status, bodies) in [
        (401, [echo(CLAUDE_KEY), echo(OPENAI_KEY)]),
        (400, [echo(MESSAGE), all.clone()]),
        (403, [json!({ "error": all }).to_string(), json!(all).to_string()]),
        (500, [format!("<html>{all}</html>"), echo(OPENAI_KEY)]),
        (200, [in_stream, format!("data: {{\"choices\":\"{all}\"}}\n\n")]),
        (
            200,
            [
                format!("data: {{\"type\":\"{MESSAGE}\",\n\n"),
                format!("data: {{\"error\":{}}}\n\n", json!(all)),
            ],
        ),
    ] {
        let answer = |body| Failure {
            body: Some(body),
            ..Failure::new(status).header("x-request-id", all.clone())
        };
        stub.script(bodies.map(|body| Behaviour::Status(answer(body))));
        let id = ann.say(MESSAGE).await;
        let ended = ann.final_of(&id).await;
        assert_eq!(ended.kind, "error", "{status}: {ended:?}");
    }
    found.errors.extend(ann.turns().await.iter().filter(|turn| turn["kind"] == "error").map(
        |turn| {
            assert!(turn["error"]["message"].is_string(), "{turn}");
            turn["error"].to_string()
        },
    ));
}

/// Everything that is refused, with something private in every place that is looked at.
async fn misuse(ann: &Chatter, found: &mut Evidence) {
    let text = |text: String| Some((text, "application/json"));
    let chat = |body: Value| ann.http.send(Method::POST, "/chat", text(body.to_string()), &[]);
    let mut answers: Vec<Answer> = Vec::new();
    for body in [
        json!({ "message": { "text": MESSAGE } }),
        json!({ "message": format!("{MESSAGE}\u{7}") }),
        json!({ "message": MESSAGE, "session_id": format!("{MESSAGE} ") }),
        json!({ "message": MESSAGE, "message_id": format!("{MESSAGE}/") }),
        json!({ "message": MESSAGE, "provider": MESSAGE }),
        json!({ "message": MESSAGE, "context": MESSAGE }),
        json!({ "message": MESSAGE, "context": { "document_id": format!("{DOCUMENT}/") } }),
        json!({ "message": DOCUMENT, "session_id": ann.session, "message_id": "m1" }),
    ] {
        answers.push(chat(body).await);
    }
    let post = |body: String, kind: &'static str| {
        ann.http.send(Method::POST, "/chat", Some((body, kind)), &[])
    };
    answers.push(post(format!("{{\"message\":\"{MESSAGE}"), "application/json").await);
    answers.push(post(format!("[\"{MESSAGE}\"]"), "application/json").await);
    answers.push(post(MESSAGE.to_owned(), "text/plain").await);
    answers.push(post(MESSAGE.repeat(5_000), "application/json").await);
    answers.push(ann.http.get(&format!("/{MESSAGE}")).await);
    answers.push(ann.http.get(&format!("/sessions/{MESSAGE}/turns")).await);
    answers.push(ann.http.get(&ann.path(&format!("turns?after={MESSAGE}"))).await);
    answers.push(
        ann.http.post(&ann.path("stop"), &json!({ "message_id": format!("{MESSAGE} ") })).await,
    );
    answers.push(ann.http.post(&ann.path("turns/1/feedback"), &json!({ "rating": COMMENT })).await);
    let verdict = json!({ "rating": "up", "comment": format!("{COMMENT}\u{7}") });
    answers.push(ann.http.post(&ann.path("turns/1/feedback"), &verdict).await);
    let mut forged = ann.http.clone();
    forged.token = Some(format!("{}{MESSAGE}", ann.http.token.as_deref().unwrap()));
    answers.push(forged.get(&ann.path("turns")).await);
    for answer in answers {
        assert!((400..500).contains(&answer.status), "{}", answer.text);
        found.errors.push(format!("{:?} {}", answer.headers, answer.text));
    }
    let wrong =
        json!({ "url": websocket(&ann.http, &ann.session).await["url"], "ticket": MESSAGE });
    assert_eq!(try_open(&wrong, None).await.unwrap_err(), 401);
    let mut socket = open(&websocket(&ann.http, &ann.session).await).await;
    for frame in
        [json!(MESSAGE), json!({ "type": MESSAGE }), json!({ "type": "resume", "after": MESSAGE })]
    {
        send(&mut socket, frame).await;
        found.errors.push(in_time(next_frame(&mut socket)).await.unwrap().to_string());
    }
}

/// Leaves a message at a provider that does not answer.
async fn leave_in_flight(stub: &StubProvider, ann: &mut Chatter) {
    let before = stub.calls().len();
    stub.set(Behaviour::HangBeforeHeaders);
    ann.say(MESSAGE).await;
    in_time(stub.until(|seen| seen.calls > before)).await;
}
