//! Every final yields one event; totals are counted once.

use std::collections::BTreeSet;

use rusqlite::Connection;
use serde_json::{Value, json};
use testkit::stub_provider::{Behaviour, Failure};

use crate::support::{Chatter, Setup, provider};

fn events(database: &Connection) -> Vec<(String, Value)> {
    let mut statement =
        database.prepare("SELECT detail_type, detail FROM events ORDER BY seq").unwrap();
    let event = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, String>(1)?));
    let rows = statement.query_map([], event).unwrap();
    rows.map(|row| {
        row.map(|(kind, detail)| (kind, serde_json::from_str(&detail).unwrap())).unwrap()
    })
    .collect()
}

fn totals(database: &Connection) -> Value {
    let query =
        "SELECT attributes FROM items WHERE sort = 'META' AND attributes LIKE '%total_turns%'";
    let row: String = database.query_row(query, [], |row| row.get(0)).unwrap();
    serde_json::from_str(&row).unwrap()
}

#[tokio::test]
async fn every_final_yields_one_event_and_totals_are_counted_once() {
    let stub = provider(Behaviour::Echo).await;
    let setup = Setup::claude(&stub).with("CHATBOT_MAX_CALLS", "1");
    let server = setup.with("CHATBOT_CLAUDE_MODEL", "claude-haiku-5-5").start().await;
    let mut ann = Chatter::join(&server).await;
    ann.ask("Good morning").await;
    stub.script([Behaviour::Status(Failure::new(500))]);
    ann.ask("This fails").await;
    stub.script([Behaviour::HangMidStream { after: 2 }]);
    let id = ann.say("This is stopped").await;
    ann.text_of(&id, 3).await;
    ann.stop(&id).await.expect(202);
    ann.final_of(&id).await;
    // A final that is sent again is no second one.
    ann.chat(json!({ "message": "Good morning", "message_id": "m1" })).await.expect(202);
    let verdict = json!({ "rating": "down", "comment": "A private word" });
    assert_eq!(ann.http.post(&ann.path("turns/1/feedback"), &verdict).await.status, 204);
    ann.ask("Last").await;
    let turns = ann.turns().await;

    let stopped = server.stop().await.start().await.stop().await;
    let events = events(&stopped.database());
    let mut kinds: Vec<_> = events.iter().map(|(kind, _)| kind.as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        ["Chat Failed", "Chat Feedback", "Chat Message", "Chat Message", "Chat Message"]
    );
    let ids: BTreeSet<_> =
        events.iter().map(|(_, detail)| detail["metadata"]["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), events.len(), "each event has an id of its own");
    assert!(
        events.iter().all(|(_, detail)| !detail.to_string().contains("morning")),
        "no texts unless wanted"
    );
    assert!(
        events.iter().all(|(_, detail)| !detail.to_string().contains("private")),
        "no comments unless wanted"
    );

    let first = &events.iter().find(|(kind, _)| kind == "Chat Message").unwrap().1;
    assert_eq!((&first["session_id"], &first["turn"]), (&json!(ann.session), &json!(1)));
    assert_eq!((&first["message_length"], &first["response_length"]), (&json!(12), &json!(12)));
    assert_eq!((&first["provider"], &first["finish_reason"]), (&json!("claude"), &json!("stop")));
    assert_eq!(first["input_tokens"], turns[0]["usage"]["input_tokens"]);

    let totals = totals(&stopped.database());
    let sum =
        |field: &str| turns.iter().filter_map(|turn| turn["usage"][field].as_u64()).sum::<u64>();
    assert_eq!(totals["total_turns"], 4);
    assert_eq!(totals["total_input_tokens"], sum("input_tokens"));
    assert_eq!(totals["total_output_tokens"], sum("output_tokens"));
}

#[tokio::test]
async fn texts_are_in_the_events_only_if_the_operator_wants_them() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).with("CHATBOT_ANALYTICS_TEXT", "true").start().await;
    let mut ann = Chatter::join(&server).await;
    ann.ask("Good morning").await;
    let stopped = server.stop().await.start().await.stop().await;
    let (_, detail) = &events(&stopped.database())[0];
    assert_eq!(
        (&detail["user_message"], &detail["response"]),
        (&json!("Good morning"), &json!("Good morning"))
    );
}
