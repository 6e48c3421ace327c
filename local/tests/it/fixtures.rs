//! The server goes on with a data directory that an earlier version left behind.
//!
//! `testkit/fixtures/README.md` says what the directory holds.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use shared::ports::CachedReply;

use crate::support::{Http, Setup, TestServer, in_time, next_frame, send, try_open};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/fixtures/v0.1").join(name)
}

fn read(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixture(name)).unwrap()).unwrap()
}

/// Starts the server on a copy of the data directory of version 0.1.
async fn start() -> TestServer {
    let setup = Setup::offline().with("CHATBOT_REPLY_CACHE", "sqlite");
    setup.start_on_copy_of(&fixture("data")).await
}

/// A client with the operator token of the data directory.
fn operator(server: &TestServer) -> Http {
    let mut http = Http::new(server.base());
    http.token = Some("operator-token-of-the-fixtures".to_owned());
    http
}

/// Asserts that a value holds what is expected; a later version may add fields.
#[track_caller]
fn check_holds(found: &Value, expected: &Value) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            for (name, value) in expected {
                let found = found.get(name).unwrap_or_else(|| panic!("{name} is missing"));
                check_holds(found, value);
            }
        }
        (Value::Array(found), Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len(), "{found:?}");
            for (found, expected) in found.iter().zip(expected) {
                check_holds(found, expected);
            }
        }
        _ => assert_eq!(found, expected),
    }
}

/// Removes fields at any depth.
fn without(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !names.contains(&name.as_str()));
            fields.values_mut().for_each(|value| without(value, names));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| without(value, names)),
        _ => {}
    }
}

#[tokio::test]
async fn sessions_of_version_0_1_are_read_whole() {
    let server = start().await;
    let http = operator(&server);
    let expected = read("expected.json");
    let sessions = expected["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 5);
    for expected in sessions {
        let path =
            format!("/admin/api/sessions/{}", expected["session"]["session_key"].as_str().unwrap());
        check_holds(&http.get(&path).await.expect(200), &expected["session"]);
        let turns = http.get(&format!("{path}/turns")).await.expect(200);
        check_holds(&turns["turns"], &expected["turns"]);
    }
}

#[tokio::test]
async fn messages_that_waited_in_version_0_1_are_answered() {
    let server = start().await;
    let http = operator(&server);
    let expected = [
        ("second-rita", "m2", 2, "reply"),
        ("second-rita", "m3", 3, "reply"),
        ("second-rita", "m4", 4, "cancelled"),
        ("second-queue", "q1", 1, "reply"),
        ("second-queue", "q2", 2, "reply"),
    ];
    for (session, message, turn, kind) in expected {
        let key = session_key(&http, session).await;
        let found = answered(&http, &key, message).await;
        assert_eq!((&found["turn"], &found["kind"]), (&json!(turn), &json!(kind)), "{message}");
        // Those that were running are answered by a new generation.
        let generations = if ["m2", "q1"].contains(&message) { 2 } else { 1 };
        assert_eq!(found["generations"], generations, "{message}");
    }
}

#[tokio::test]
async fn replies_that_were_not_passed_on_in_version_0_1_are() {
    let server = start().await;
    let http = operator(&server);
    let expected = ["Chat Feedback", "Session Deleted"];
    in_time(async {
        loop {
            let events = http.get("/admin/api/events?after=92").await.expect(200);
            let events = events["events"].as_array().unwrap();
            if expected.iter().all(|kind| events.iter().any(|event| event["detail_type"] == *kind))
            {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn dead_letters_of_version_0_1_are_listed_and_dropped() {
    let server = start().await;
    let http = operator(&server);
    let mut expected = read("expected.json")["dead_letters"].take();
    without(&mut expected, &["reason"]);
    let found = http.get("/admin/api/dead-letters").await.expect(200);
    check_holds(&found["dead_letters"], &expected);
    let dropped = json!({ "queue": "requests", "ids": [expected[2]["id"]] });
    http.post("/admin/api/dead-letters/drop", &dropped).await.expect(200);
    let left = http.get("/admin/api/dead-letters").await.expect(200);
    assert_eq!(left["dead_letters"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn statistics_of_version_0_1_are_shown() {
    let server = start().await;
    let mut expected = read("expected.json")["stats"].take();
    without(&mut expected, &["p50", "p95", "p99"]);
    let number = |name: &str| expected[name].as_i64().unwrap();
    let path = format!(
        "/admin/api/stats?from={}&to={}&step={}",
        number("from"),
        number("to"),
        number("step")
    );
    let found = operator(&server).get(&path).await.expect(200);
    check_holds(&found, &expected);
    for latency in ["queue", "context", "first_token", "total"] {
        let latency = &found["totals"][latency];
        let percentiles = ["p50", "p95", "p99"].map(|name| latency[name].as_u64().unwrap());
        assert!(percentiles.is_sorted(), "{latency}");
    }
}

#[tokio::test]
async fn latencies_of_version_0_1_are_made_again_from_the_events_that_are_left() {
    let server = start().await;
    let span = "from=4045075200000&to=4045248000000&step=3600000";
    let stats = operator(&server).get(&format!("/admin/api/stats?{span}")).await.expect(200);
    let is_approximate = |bucket: &Value| bucket["figures"]["total"]["approximate"] == true;
    let series = stats["series"].as_array().unwrap();
    let day_two = 4_045_161_600_000_i64;
    let (second, first): (Vec<_>, Vec<_>) =
        series.iter().partition(|bucket| bucket["at"].as_i64() >= Some(day_two));
    assert!(!first.is_empty() && !second.is_empty(), "{stats}");
    assert!(first.iter().all(|bucket| is_approximate(bucket)), "events of the first day are gone");
    assert!(!second.iter().any(|bucket| is_approximate(bucket)), "those of the second are there");
    assert_eq!(stats["totals"]["total"]["approximate"], true);
    // The values of the second day are those of its events.
    let events = operator(&server).get("/admin/api/events?after=0").await.expect(200);
    let events = events["events"].as_array().unwrap().iter();
    let turns = events.filter(|event| {
        event["detail"]["total_ms"].is_u64() && event["published_at"].as_i64() >= Some(day_two)
    });
    let mut exact: Vec<_> =
        turns.map(|event| event["detail"]["total_ms"].as_u64().unwrap()).collect();
    exact.sort_unstable();
    let from = format!("from={day_two}&to=4045248000000&step=3600000");
    let stats = operator(&server).get(&format!("/admin/api/stats?{from}")).await.expect(200);
    let total = &stats["totals"]["total"];
    assert_eq!(total["count"], exact.len());
    for (name, percent) in [("p50", 50), ("p95", 95), ("p99", 99)] {
        let exact = exact[(exact.len() * percent).div_ceil(100) - 1];
        let found = total[name].as_u64().unwrap();
        assert!(found.abs_diff(exact) * 50 <= exact, "{name}: {found}, not {exact}");
    }
}

#[tokio::test]
async fn figures_of_version_0_1_are_made_again_once() {
    let server = start().await;
    let span = "from=4045075200000&to=4045248000000&step=3600000";
    let path = format!("/admin/api/stats?{span}");
    let first = operator(&server).get(&path).await.expect(200);
    let server = server.stop().await.start().await;
    assert_eq!(operator(&server).get(&path).await.expect(200), first);
}

#[tokio::test]
async fn tokens_and_tickets_of_version_0_1_are_taken() {
    let server = start().await;
    let tokens = read("tokens.json");
    for (session, token, ticket, turns) in [
        ("session", "session_token", "ticket", 33),
        ("operator_session", "operator_session_token", "operator_ticket", 0),
    ] {
        let mut http = Http::new(server.base());
        http.token = tokens[token].as_str().map(str::to_owned);
        let path = format!("/sessions/{}/turns", tokens[session].as_str().unwrap());
        let history = http.get(&path).await.expect(200);
        assert_eq!(history["turns"].as_array().unwrap().len(), turns, "{session}");
        let url = format!("{}/socket", server.base().replacen("http", "ws", 1));
        let offered = json!({ "url": url, "ticket": tokens[ticket] });
        let mut socket = try_open(&offered, None).await.unwrap();
        send(&mut socket, json!({ "type": "resume", "after": turns })).await;
        let frame = in_time(next_frame(&mut socket)).await.unwrap();
        assert_eq!(frame["name"], "chat.resumed", "{frame}");
    }
}

#[tokio::test]
async fn cached_replies_of_version_0_1_are_read() {
    let server = start().await;
    let database = server.database();
    let mut replies = database.prepare("SELECT reply FROM reply_cache").unwrap();
    let replies = replies.query_map((), |row| row.get::<_, String>(0)).unwrap();
    let replies: Vec<CachedReply> =
        replies.map(|reply| serde_json::from_str(&reply.unwrap()).unwrap()).collect();
    let kept = replies.iter().filter(|reply| reply.model == "claude-haiku-5-5").count();
    assert_eq!(kept, 6, "{replies:?}");
}

/// Finds the key of a session by the id that its user gave it.
async fn session_key(http: &Http, id: &str) -> String {
    let page = http.get("/admin/api/sessions").await.expect(200);
    let sessions = page["sessions"].as_array().unwrap();
    let session = sessions.iter().find(|session| session["session_id"] == id).unwrap();
    session["session_key"].as_str().unwrap().to_owned()
}

/// Waits for the final of a message; returns its turn.
async fn answered(http: &Http, session_key: &str, message_id: &str) -> Value {
    let pointer = json!({ "session_key": session_key, "message_id": message_id });
    let asked = json!({ "messages": [pointer], "wait_ms": 5_000 });
    in_time(async {
        loop {
            let found = http.post("/admin/api/messages/lookup", &asked).await.expect(200);
            if found["messages"][0]["state"] == "done" {
                return found["messages"][0]["turn"].clone();
            }
        }
    })
    .await
}
