//! The commands that look, and those that mend.

use std::path::Path;

use rusqlite::Connection;
use serde_json::json;
use shared::domain::{Principal, SessionId, SessionKey};
use testkit::stub_provider::Behaviour;

use crate::support::World;

const RUN: [&str; 5] = ["batch", "run", "in.jsonl", "--out", "out.jsonl"];

/// Makes a session of two turns, the second of which fails, and returns how it is named.
async fn talk(world: &World) -> String {
    world.write(
        "in.jsonl",
        "{\"message\":\"Hello there\",\"session_id\":\"s1\"}\n\
         {\"message\":\"fail [[stub:fatal]]\",\"session_id\":\"s1\"}\n",
    );
    world.yogi(&RUN).await.expect(3);
    "op:anna/s1".to_owned()
}

/// Puts a message aside as a dead letter, as ten failed receives do; nobody works on the data
/// meanwhile.
fn bury(data: &Path) {
    let database = Connection::open(data.join("chatbot.db")).unwrap();
    database
        .execute(
            "INSERT INTO messages (seq, queue, message_group, deduplication_id, body, sent_at, \
            receive_count, state)
             VALUES (1, 'requests', 'g', 'd', '{\"v\":9,\"type\":\"message\",\"secret\":\"x\"}', \
             1, 10, 1)",
            [],
        )
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_found_shown_exported_and_deleted() {
    let world = World::new(Behaviour::Echo).await;
    let server = world.serve().await;
    let session = talk(&world).await;
    let key =
        SessionKey::derive(&Principal::parse("op:anna").unwrap(), &SessionId::parse("s1").unwrap())
            .to_string();
    world.yogi(&["session", "list"]).await.expect(0).saying(&[&key, "op:anna", "s1"]);
    assert!(
        !world
            .yogi(&["session", "list", "--principal", "anon:*"])
            .await
            .expect(0)
            .out
            .contains(&key)
    );
    for name in [&session, &key] {
        world.yogi(&["session", "show", name]).await.expect(0).saying(&[
            "op:anna",
            "providers_rejected",
            "Hello",
        ]);
        world.yogi(&["turns", name]).await.expect(0).saying(&["reply", "claude-haiku"]);
    }
    let turns = world.yogi(&["turns", &key, "--after", "1", "--json"]).await.expect(0).objects();
    assert_eq!((turns.len(), &turns[0]["error"]["code"]), (1, &json!("providers_rejected")));
    world.yogi(&["session", "export", &key, "--out", "export.jsonl"]).await.expect(0);
    let export = world.lines("export.jsonl");
    assert_eq!(
        (export.len(), &export[0]["session_key"], &export[1]["turn"]),
        (2, &json!(key), &json!(2))
    );

    world.yogi(&["session", "delete", &key]).await.expect(2).saying(&["--yes"]);
    world
        .yogi(&["session", "delete", &key, "--dry-run"])
        .await
        .expect(0)
        .saying(&["would delete", "2 turns"]);
    world.yogi(&["session", "show", &key]).await.expect(0);
    world.yogi(&["session", "delete", &key, "--yes"]).await.expect(0).saying(&["deleted"]);
    let turns = world.yogi(&["turns", &key]).await;
    assert!(turns.code == Some(2) || turns.out.contains("no turns"), "{turns:?}");
    world.yogi(&["session", "show", "op:nobody/none"]).await.expect(2);
    world.yogi(&["session", "show", "none"]).await.expect(2).saying(&["43 characters"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_is_told_with_filters_and_in_figures() {
    let world = World::new(Behaviour::Echo).await;
    let server = world.serve().await;
    talk(&world).await;
    let told = world.yogi(&["tail", "--no-follow"]).await.expect(0);
    assert_eq!(told.out.lines().count(), 2, "{}", told.out);
    told.saying(&["answered", "failed", "providers_rejected", "(operator)"]);
    let failed =
        world.yogi(&["tail", "--no-follow", "--failed", "--json"]).await.expect(0).objects();
    assert_eq!((failed.len(), &failed[0]["detail_type"]), (1, &json!("Chat Failed")));
    assert_eq!(world.yogi(&["tail", "--no-follow", "--no-operators"]).await.expect(0).out, "");
    let stats = world.yogi(&["stats", "--json"]).await.expect(0).objects().remove(0);
    let totals = &stats["totals"];
    assert_eq!([&totals["turns"], &totals["errors"]["providers_rejected"]], [2, 1], "{stats}");
    world.yogi(&["stats"]).await.expect(0).saying(&[
        "claude-haiku-5-5 (operators)",
        "time to full reply",
        "1 failed with providers_rejected",
    ]);
    world
        .yogi(&["stats", "--from", "2020-01-01", "--to", "2020-01-02"])
        .await
        .expect(0)
        .saying(&["no messages"]);
    let cost = world
        .yogi(&["cost", "--chats-per-day", "1000", "--json"])
        .await
        .expect(0)
        .objects()
        .remove(0);
    assert!(cost["total_usd_per_month"].as_f64().unwrap() > 1.0, "{cost}");
    let given =
        ["cost", "--chats-per-day", "1000", "--input-tokens", "1000", "--output-tokens", "200"];
    world.yogi(&given).await.expect(0).saying(&["6.00"]);
    world
        .yogi(&[&given[..], &["--model", "none"]].concat())
        .await
        .expect(3)
        .saying(&["no price list"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_finds_all_well_and_says_what_is_not() {
    let world = World::new(Behaviour::Echo).await;
    let server = world.serve().await;
    let checks = world.yogi(&["doctor", "--json"]).await.expect(0).objects();
    let test = checks.iter().find(|check| check["name"] == "test message").unwrap();
    assert!(test["state"] == "ok" && test["detail"].as_str().unwrap().contains("queue"), "{test}");
    let sessions = world.yogi(&["session", "list", "--json"]).await.expect(0).objects();
    assert!(
        sessions.iter().all(|session| session["deleted"] == true),
        "the doctor leaves nothing behind: {sessions:?}"
    );
    world.stub.set(Behaviour::Status(testkit::stub_provider::Failure::new(401)));
    world.yogi(&["doctor"]).await.expect(1).saying(&["BAD", "providers_rejected", "check the key"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_shown_redriven_and_dropped() {
    let world = World::new(Behaviour::Echo).await;
    world.serve().await.stop().await;
    bury(&world.path(".chatbot"));
    let server = world.serve().await;
    let letters = world.yogi(&["dlq", "list", "--json"]).await.expect(0).objects();
    let id = letters[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (letters.len(), &letters[0]["queue"], &letters[0]["v"]),
        (1, &json!("requests"), &json!(9))
    );
    world.yogi(&["dlq", "list"]).await.expect(0).saying(&["message v9", &id]);
    world
        .yogi(&["dlq", "show", &id])
        .await
        .expect(0)
        .saying(&["received", "\"type\": \"message\""]);
    world.yogi(&["dlq", "show", "none"]).await.expect(2).saying(&["yogi dlq list"]);
    world.yogi(&["dlq", "redrive", "none"]).await.expect(2).saying(&["none"]);
    world
        .yogi(&["dlq", "redrive", &id, "--dry-run"])
        .await
        .expect(0)
        .saying(&["1 would be retried"]);
    world.yogi(&["dlq", "drop", &id]).await.expect(2).saying(&["--yes"]);
    world.yogi(&["dlq", "drop", &id, "--dry-run"]).await.expect(0).saying(&["1 would be deleted"]);
    assert_eq!(world.yogi(&["dlq", "list", "--json"]).await.expect(0).objects().len(), 1);
    world
        .yogi(&["doctor", "--no-message"])
        .await
        .expect(1)
        .saying(&["dead letters", "yogi dlq list"]);
    world.yogi(&["dlq", "drop", "--all", "--yes"]).await.expect(0).saying(&["1 were deleted"]);
    world.yogi(&["dlq", "list"]).await.expect(0).saying(&["no dead letters"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redriven_dead_letter_is_answered_once() {
    let world = World::new(Behaviour::Echo).await;
    world.serve().await.stop().await;
    let submit = json!({
        "v": 1, "type": "submit", "principal": "op:anna", "session_id": "s", "message_id": "m",
        "accepted_at": now(), "message": "Hello again",
    });
    let key =
        SessionKey::derive(&Principal::parse("op:anna").unwrap(), &SessionId::parse("s").unwrap());
    let database = Connection::open(world.path(".chatbot/chatbot.db")).unwrap();
    database
        .execute(
            "INSERT INTO messages (seq, queue, message_group, deduplication_id, body, sent_at, \
            receive_count, state)
             VALUES (1, 'requests', ?1, 'd', ?2, 1, 10, 1)",
            [key.as_str(), &submit.to_string()],
        )
        .unwrap();
    drop(database);
    let server = world.serve().await;
    world.yogi(&["dlq", "redrive", "--all"]).await.expect(0).saying(&["back on their queue"]);
    world.stub.until(|progress| progress.calls == 1).await;
    loop {
        let turns = world.yogi(&["turns", key.as_str(), "--json"]).await;
        if turns.code == Some(0) && turns.objects().iter().any(|turn| turn["done"] == true) {
            break;
        }
    }
    world.yogi(&["dlq", "list"]).await.expect(0).saying(&["no dead letters"]);
    assert_eq!(world.stub.calls().len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_while_no_server_runs_answers_nobody_and_the_server_does_later() {
    let world = World::new(Behaviour::Echo).await;
    world.serve().await.stop().await;
    let submit = json!({
        "v": 1, "type": "submit", "principal": "op:anna", "session_id": "s", "message_id": "m",
        "accepted_at": now(), "message": "Is anybody there?",
    });
    let key =
        SessionKey::derive(&Principal::parse("op:anna").unwrap(), &SessionId::parse("s").unwrap());
    let database = Connection::open(world.path(".chatbot/chatbot.db")).unwrap();
    let waiting = "INSERT INTO messages (seq, queue, message_group, deduplication_id, body, \
        sent_at, receive_count, state) VALUES (1, 'requests', ?1, 'd', ?2, 1, 0, 0)";
    database.execute(waiting, [key.as_str(), &submit.to_string()]).unwrap();
    let documents = "SELECT count(*) FROM documents";
    database.execute("DELETE FROM documents", ()).unwrap();
    drop(database);
    for arguments in [
        vec!["session", "list"],
        vec!["dlq", "list"],
        vec!["stats"],
        vec!["tail", "--no-follow"],
        vec!["cost", "--chats-per-day", "1"],
    ] {
        world.yogi(&arguments).await.expect(0);
    }
    world.yogi(&["doctor"]).await.expect(4).saying(&["no server is running on", ".chatbot"]);
    let database = Connection::open(world.path(".chatbot/chatbot.db")).unwrap();
    let count = |query: &str| database.query_row(query, (), |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count(documents), 0, "the settings of whoever looks are not the server's");
    assert_eq!(count("SELECT count(*) FROM messages WHERE state = 0"), 1);
    assert!(world.stub.calls().is_empty());
    drop(database);
    let server = world.serve().await;
    world.stub.until(|progress| progress.calls == 1).await;
    server.stop().await;
}

#[tokio::test]
async fn a_key_that_begins_with_a_hyphen_is_no_option() {
    let world = World::new(Behaviour::Echo).await;
    let server = world.serve().await;
    let key = format!("-f{}", "Q".repeat(41));
    for arguments in [
        vec!["session", "show", &key],
        vec!["session", "export", &key, "--out", "export.jsonl"],
        vec!["session", "delete", &key, "--yes"],
        vec!["turns", &key, "--full"],
    ] {
        world.yogi(&arguments).await.expect(2).saying(&["session"]);
        let said = world.yogi(&arguments).await;
        assert!(!said.err.contains("unexpected argument"), "{}", said.err);
    }
    world.yogi(&["session", "show", "--help"]).await.expect(0).saying(&["Usage: yogi"]);
    world.yogi(&["session", "show", "-h"]).await.expect(0).saying(&["Usage: yogi"]);
    server.stop().await;
}

fn now() -> i64 {
    use shared::ports::Clock as _;
    shared::system::SystemClock.now().0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_is_a_four_and_says_where_the_right_one_is() {
    let world = World::new(Behaviour::Echo).await;
    let server = world.serve().await;
    let address: serde_json::Value =
        serde_json::from_str(&world.read(".chatbot/operator.json")).unwrap();
    let url = address["url"].as_str().unwrap();
    let token = address["token"].as_str().unwrap();
    world
        .yogi(&["--local", url, "dlq", "list"])
        .await
        .expect(4)
        .saying(&["operator.token", "CHATBOT_OPERATOR_TOKEN"]);
    world.yogi(&["--local", url, "--token", token, "dlq", "list"]).await.expect(2);
    let world = world.with("CHATBOT_OPERATOR_TOKEN", "wrong");
    world.yogi(&["--local", url, "dlq", "list"]).await.expect(4).saying(&["operator.token"]);
    let world = world.with("CHATBOT_OPERATOR_TOKEN", token);
    world.yogi(&["--local", url, "dlq", "list"]).await.expect(0);
    server.stop().await;
}
