//! What no handler can read, on the queues and in the store.

use std::path::Path;

use rusqlite::Connection;
use serde_json::json;

use super::program::Program;
use crate::support::{Http, in_time};

/// Makes the message in flight a dead letter, and puts what no handler can read beside it, all with
/// this text in it; returns those groups.
pub(super) fn poison(data_dir: &Path, text: &str) -> Vec<String> {
    let database = Connection::open(data_dir.join("chatbot.db")).unwrap();
    let in_flight = database
        .execute(
            "UPDATE messages SET receive_count = 10 WHERE state = 0 AND queue = 'requests'",
            (),
        )
        .unwrap();
    assert!(in_flight >= 1, "the message in flight was lost");
    let row = "UPDATE items SET attributes = json_set(attributes, '$.epoch', ?1) WHERE sort = \
        'T#0000000001' RETURNING partition";
    let corrupt: String = database.query_row(row, [text], |row| row.get(0)).unwrap();
    let submit = json!({
        "v": 1, "type": "submit", "principal": "op:batch", "session_id": "s", "message_id": "m",
        "accepted_at": 1, "message": text,
    });
    let with = |field: &str| {
        let mut submit = submit.clone();
        submit[field] = json!(text);
        submit.to_string()
    };
    let feedback =
        json!({ "v": 1, "type": "feedback", "session_key": text, "turn": 1, "rating": text });
    let bodies = [
        (
            "replies",
            json!({ "v": 1, "type": "final", "session_key": corrupt, "turn": 1 }).to_string(),
        ),
        ("requests", text.to_owned()),
        ("requests", json!({ "v": text }).to_string()),
        ("requests", json!({ "v": 1, "type": text }).to_string()),
        ("requests", with("accepted_at")),
        ("requests", with("provider")),
        ("requests", with("principal")),
        ("replies", feedback.to_string()),
        ("replies", json!({ "v": 1, "type": "final", "session_key": [text] }).to_string()),
    ];
    let insert =
        "INSERT INTO messages (seq, queue, message_group, deduplication_id, body, sent_at, \
        receive_count, state)
         SELECT MAX(seq) + 1, ?1, ?2, ?2, ?3, MAX(sent_at), 0, 0 FROM messages";
    let mut groups: Vec<String> = Vec::new();
    for (queue, body) in bodies {
        groups.push(format!("poison-{}", groups.len()));
        database.execute(insert, (queue, groups.last().unwrap(), body)).unwrap();
    }
    // It can be read, and is refused: its group is not its session's.
    database.execute(insert, ("requests", "poison-refused", submit.to_string())).unwrap();
    groups
}

/// Waits until what was in flight lies in the dead letters, and nothing but the unreadable is left
/// on the queues.
pub(super) async fn until_settled(program: &Program) {
    let http = Http::new(program.base());
    let database = program.database();
    let count =
        "SELECT COUNT(*) FROM messages WHERE state = ?1 AND message_group NOT LIKE 'poison-_'";
    let messages =
        |state: u32| database.query_row(count, [state], |row| row.get::<_, u32>(0)).unwrap();
    in_time(async {
        while messages(1) == 0 || messages(0) > 0 {
            http.get("/health").await.expect(200);
        }
    })
    .await;
}
