//! Every operator call is answered as `contracts/operator.yaml` says, and the contract would notice
//! if it were not.
//!
//! `Http` holds each answer of each test against it; here every answer is asked for, and then
//! falsified.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::stub_provider::{Behaviour, Failure, Reply};

use super::{answered, operator, submit};
use crate::support::{Answer, Chatter, Http, Operation, Setup, operator_contract, provider};

const NOBODY: &str = "AVQC1QrKF9bUxN9hP2UZ42h1XKC2J3zRWaU4w5qFnuI";
/// What is inside is described elsewhere: in `contracts/events`, and by the providers.
const OPEN: [&str; 2] = ["/detail/", "/body/"];

/// An operator who remembers what was answered.
struct Asker {
    http: Http,
    seen: Vec<(Operation, Answer)>,
}

impl Asker {
    async fn ask(&mut self, status: u16, method: Method, path: &str, body: Option<Value>) -> Value {
        let answer = self.http.call(method.clone(), path, body.map(|body| body.to_string())).await;
        let json = answer.expect(status);
        self.seen.push((Operation::of(&method, path).unwrap(), answer));
        json
    }

    async fn get(&mut self, status: u16, path: &str) -> Value {
        self.ask(status, Method::GET, path, None).await
    }

    async fn post(&mut self, status: u16, path: &str, body: Value) -> Value {
        self.ask(status, Method::POST, path, Some(body)).await
    }

    /// Reads everything that tells of what happened.
    async fn read_all(&mut self, pointer: &Value) {
        let session = format!("/admin/api/sessions/{}", pointer["session_key"].as_str().unwrap());
        for path in [
            "status",
            "stats",
            "settings",
            "sessions?limit=1",
            "events?after=0&wait_ms=5000",
            "dead-letters",
        ] {
            self.get(200, &format!("/admin/api/{path}")).await;
        }
        self.get(200, &session).await;
        self.get(200, &format!("{session}/turns")).await;
        self.get(200, "/metrics").await;
        self.post(200, "/admin/api/messages/lookup", json!({ "messages": [pointer] })).await;
    }

    async fn act(&mut self, pointer: &Value) {
        let message = json!({ "session_id": "s2", "message_id": "m2", "message": "Two" });
        self.post(
            202,
            "/admin/api/messages",
            json!({ "principal": "op:ann", "messages": [message] }),
        )
        .await;
        let first = json!({
            "principal": "op:ann", "provider": "claude", "messages": [{ "message": "Three" }]
        });
        self.post(200, "/admin/api/prompts", first).await;
        self.post(201, "/admin/api/chat-sessions", json!({ "principal": "op:ann" })).await;
        self.post(200, "/admin/api/cleanup", json!({})).await;
        for act in ["redrive", "drop"] {
            let asked = json!({ "queue": "requests", "ids": ["17"], "dry_run": true });
            self.post(200, &format!("/admin/api/dead-letters/{act}"), asked).await;
            self.post(400, &format!("/admin/api/dead-letters/{act}"), json!({ "queue": "all" }))
                .await;
        }
        let session = format!("/admin/api/sessions/{}", pointer["session_key"].as_str().unwrap());
        self.ask(204, Method::DELETE, &session, None).await;
    }

    async fn err(&mut self) {
        for path in ["stats?step=1", "sessions?limit=0", "events?limit=0", "dead-letters?limit=0"] {
            self.get(400, &format!("/admin/api/{path}")).await;
        }
        for path in ["messages", "messages/lookup", "prompts", "chat-sessions"] {
            self.post(400, &format!("/admin/api/{path}"), json!({ "principal": 7 })).await;
        }
        let session = format!("/admin/api/sessions/{NOBODY}");
        self.get(404, &session).await;
        self.get(404, &format!("{session}/turns")).await;
        self.get(400, &format!("{session}/turns?limit=0")).await;
        self.ask(404, Method::DELETE, &session, None).await;
    }
}

/// Asks for everything, of a server on which turns were answered and failed.
async fn everything() -> Vec<(Operation, Answer)> {
    let stub = provider(Behaviour::Reply(Reply::words(5))).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    ann.ask("Hello").await;
    stub.set(Behaviour::Status(Failure::new(400)));
    ann.ask("Nobody answers this").await;
    stub.set(Behaviour::Reply(Reply::words(5)));
    let http = operator(&server);
    let pointer = submit(&http, json!({ "message_id": "m1", "message": "One" })).await;
    answered(&http, &pointer).await;
    let mut asker = Asker { http, seen: Vec::new() };
    asker.read_all(&pointer).await;
    asker.err().await;
    asker.act(&pointer).await;
    let issuer = "https://issuer.example";
    let audience = "chatbot";
    let tokenless =
        Setup::offline().with("CHATBOT_AUTH_MODE", "JWT").with("CHATBOT_JWT_ISSUER", issuer);
    let tokenless = tokenless.with("CHATBOT_JWT_AUDIENCE", audience).start().await;
    asker.http = operator(&tokenless);
    asker.post(409, "/admin/api/chat-sessions", json!({ "principal": "op:ann" })).await;
    asker.seen
}

#[tokio::test]
async fn every_documented_answer_is_given_and_each_of_its_fields_is_held_to_the_contract() {
    let seen = everything().await;
    let given: BTreeSet<_> =
        seen.iter().map(|(operation, answer)| (operation.clone(), answer.status)).collect();
    let documented: BTreeSet<_> = Operation::all()
        .into_iter()
        .flat_map(|one| one.statuses().into_iter().map(move |status| (one.clone(), status)))
        .collect();
    assert_eq!(given, documented);
    let mut fields = 0;
    for (operation, answer) in &seen {
        if let Some(schema) = operation.answer_schema(answer.status) {
            fields += falsify(&schema, operation, &serde_json::from_str(&answer.text).unwrap());
        }
    }
    assert!(fields > 150, "only {fields} fields were falsified");
}

/// Requires every field to be missed where another stands in its place, and counts them.
fn falsify(schema: &str, operation: &Operation, body: &Value) -> usize {
    let contract = operator_contract();
    let mut fields = Vec::new();
    walk(String::new(), body, &mut fields);
    fields.retain(|field| !OPEN.iter().any(|open| field.contains(open)));
    for field in &fields {
        let mut wrong = body.clone();
        *wrong.pointer_mut(field).unwrap() = json!([{ "seeded": [] }]);
        assert!(
            contract.refusal(schema, &wrong).is_some(),
            "{operation:?} may answer anything at {field}"
        );
    }
    let mut more = body.clone();
    more["seeded"] = json!("of a newer server");
    assert_eq!(
        contract.refusal(schema, &more),
        None,
        "{operation:?}: clients ignore what they do not know"
    );
    fields.len()
}

/// Finds the pointers of all values, whole objects and lists included; of a list the first stands
/// for all.
fn walk(pointer: String, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| walk(format!("{pointer}/{key}"), value, found));
        }
        Value::Array(values) => {
            if let Some(first) = values.first() {
                walk(format!("{pointer}/0"), first, found);
            }
        }
        _ => {}
    }
    if !pointer.is_empty() {
        found.push(pointer);
    }
}

#[test]
fn a_field_that_nobody_described_is_noticed_by_the_tests() {
    let status =
        Operation { method: "get".to_owned(), path: "/admin/api/dead-letters/drop".to_owned() };
    assert!(!Operation::all().contains(&status), "it is a POST");
    let drop = Operation::of(&Method::POST, "/admin/api/dead-letters/drop").unwrap();
    let schema = drop.answer_schema(200).unwrap();
    operator_contract().check(&schema, &json!({ "ids": [], "missing": [] }));
    let seeded = json!({ "ids": [], "missing": [], "seeded": 1 });
    let caught = std::panic::catch_unwind(|| operator_contract().check(&schema, &seeded));
    assert!(caught.is_err());
}
