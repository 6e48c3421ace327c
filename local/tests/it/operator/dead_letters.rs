//! Dead letters: why they are there, and the ways out, which lose and double nothing.

use rusqlite::Connection;
use serde_json::{Value, json};
use testkit::stub_provider::{Behaviour, Reply, StubProvider};

use super::{answered, operator, submit};
use crate::support::{Http, Setup, Stopped, TestServer, in_time, provider};

/// Puts a body among the dead letters, as ten failed deliveries leave it.
fn bury(stopped: &Stopped, queue: &str, group: &str, body: &Value) {
    let database = Connection::open(stopped.data_dir().join("chatbot.db")).unwrap();
    let insert =
        "INSERT INTO messages (seq, queue, message_group, deduplication_id, body, sent_at, \
        receive_count, state)
                  SELECT MAX(seq) + 1, ?1, ?2, ?3, ?3, MAX(sent_at), 10, 1 FROM messages";
    database.execute(insert, (queue, group, body.to_string())).unwrap();
}

async fn letters(http: &Http) -> Vec<Value> {
    http.get("/admin/api/dead-letters").await.expect(200)["dead_letters"]
        .as_array()
        .unwrap()
        .clone()
}

async fn redrive(http: &Http, body: Value) -> Value {
    http.post("/admin/api/dead-letters/redrive", &body).await.expect(200)
}

/// A server on which one message was answered; returns where.
async fn after_one_answer(stub: &StubProvider) -> (TestServer, Value) {
    let server = Setup::claude(stub).start().await;
    let http = operator(&server);
    let pointer = submit(&http, json!({ "message_id": "m1", "message": "One" })).await;
    answered(&http, &pointer).await;
    (server, pointer)
}

async fn with_letters(server: TestServer, letters: &[(&str, &str, Value)]) -> TestServer {
    let stopped = server.stop().await;
    for (queue, group, body) in letters {
        bury(&stopped, queue, group, body);
    }
    stopped.start().await
}

fn pointer_of(pointer: &Value, id: &str) -> Value {
    json!({
        "v": 1, "type": "message", "session_key": pointer["session_key"], "message_id": id,
        "accepted_at": 1
    })
}

#[tokio::test]
async fn a_message_whose_turn_is_over_is_redriven_as_often_as_one_likes_and_nothing_changes() {
    let stub = provider(Behaviour::Reply(Reply::words(5))).await;
    let (server, pointer) = after_one_answer(&stub).await;
    let key = pointer["session_key"].as_str().unwrap().to_owned();
    let server = with_letters(server, &[("requests", &key, pointer_of(&pointer, "m1"))]).await;
    let http = operator(&server);
    let letter = letters(&http).await.pop().unwrap();
    assert!(letter["reason"].as_str().unwrap().contains("has its final"), "{letter}");
    let before = answered(&http, &pointer).await;
    let dry = redrive(&http, json!({ "queue": "requests", "dry_run": true })).await;
    assert_eq!((&dry["ids"], letters(&http).await.len()), (&json!([letter["id"]]), 1));
    let asked = json!({ "queue": "requests", "ids": [letter["id"], "17"] });
    assert_eq!(
        redrive(&http, asked.clone()).await,
        json!({ "ids": [letter["id"]], "missing": ["17"] })
    );
    assert_eq!(redrive(&http, asked).await, json!({ "ids": [], "missing": [letter["id"], "17"] }));
    until_idle(&http).await;
    assert_eq!(answered(&http, &pointer).await, before);
    assert_eq!(stub.calls().len(), 1, "no model was called again");
    let events = http.get("/admin/api/events?after=0").await.expect(200);
    let ids: std::collections::BTreeSet<_> =
        events["events"].as_array().unwrap().iter().map(|event| event["id"].to_string()).collect();
    assert_eq!(ids.len(), 1, "{events}");
}

#[tokio::test]
async fn messages_that_never_had_a_turn_get_theirs_in_their_order() {
    let stub = provider(Behaviour::Reply(Reply::words(5))).await;
    let (server, pointer) = after_one_answer(&stub).await;
    let key = pointer["session_key"].as_str().unwrap().to_owned();
    let clock = std::fs::metadata(server.data_dir()).unwrap().modified().unwrap();
    let now =
        u64::try_from(clock.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let waiting = |id: &str| {
        json!({
            "v": 1, "type": "submit", "principal": "op:ann", "session_id": "s1",
            "message_id": id, "accepted_at": now, "message": format!("Message {id}"),
        })
    };
    let all = [("requests", key.as_str(), waiting("m2")), ("requests", &key, waiting("m3"))];
    let server = with_letters(server, &all).await;
    let http = operator(&server);
    assert_eq!(letters(&http).await.len(), 2);
    redrive(&http, json!({ "queue": "requests" })).await;
    for (id, turn) in [("m2", 2), ("m3", 3)] {
        let pointer = json!({ "session_key": key, "message_id": id });
        assert_eq!(answered(&http, &pointer).await["turn"], turn, "{id}");
    }
    assert_eq!(letters(&http).await, Vec::<Value>::new());
}

#[tokio::test]
async fn what_cannot_be_read_says_so_and_is_dropped_by_its_name() {
    let server = Setup::offline().start().await;
    operator(&server)
        .post(
            "/admin/api/messages",
            &json!({ "principal": "op:ann", "messages": [
        { "session_id": "s", "message_id": "m", "message": "Hello" }] }),
        )
        .await
        .expect(202);
    let newer = json!({ "v": 7, "type": "message" });
    let all = [
        ("requests", "g1", newer),
        ("requests", "g2", json!("nonsense")),
        ("replies", "g3", json!({ "v": 1, "type": "final" })),
    ];
    let server = with_letters(server, &all).await;
    let http = operator(&server);
    let found = letters(&http).await;
    let reasons: Vec<_> = found.iter().map(|letter| letter["reason"].as_str().unwrap()).collect();
    assert!(reasons[0].contains("version 7"), "{reasons:?}");
    assert!(
        reasons[1].contains("cannot be read") && reasons[2].contains("cannot be read"),
        "{reasons:?}"
    );
    let drop = json!({ "queue": "requests", "ids": [found[0]["id"], found[1]["id"]] });
    http.post("/admin/api/dead-letters/drop", &drop).await.expect(200);
    let left = letters(&http).await;
    assert_eq!((left.len(), &left[0]["queue"]), (1, &json!("replies")));
    let server = server.stop().await.start().await;
    assert_eq!(letters(&operator(&server)).await.len(), 1, "what was dropped stays dropped");
}

async fn until_idle(http: &Http) {
    in_time(async {
        loop {
            let status = http.get("/admin/api/status").await.expect(200);
            let busy = |queue: &Value| queue["waiting"] != 0 || queue["in_flight"] != 0;
            if !status["queues"].as_array().unwrap().iter().any(busy) {
                return;
            }
        }
    })
    .await;
}
