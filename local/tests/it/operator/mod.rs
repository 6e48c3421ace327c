//! What operators ask of the server on one machine, over HTTP.

mod access;
mod contract;
mod dead_letters;
mod figures;
mod messages;
mod prompts;
mod sessions;

use std::fs;

use serde_json::{Value, json};

use crate::support::{Http, TestServer, in_time};

/// A client with the token of the data directory.
fn operator(server: &TestServer) -> Http {
    let text = fs::read_to_string(server.data_dir().join("operator.json")).unwrap();
    let address: Value = serde_json::from_str(&text).unwrap();
    let mut http = Http::new(address["url"].as_str().unwrap().to_owned());
    http.token = Some(address["token"].as_str().unwrap().to_owned());
    http
}

/// Sends one message as `op:ann`; returns where its answer is.
async fn submit(http: &Http, mut message: Value) -> Value {
    message["session_id"] = message.get("session_id").cloned().unwrap_or_else(|| json!("s1"));
    let sent = http
        .post("/admin/api/messages", &json!({ "principal": "op:ann", "messages": [message] }))
        .await;
    let sent = sent.expect(202)["messages"][0].clone();
    assert_eq!(sent.get("problem"), None, "{sent}");
    sent
}

/// Waits for the final of a message; returns its turn.
async fn answered(http: &Http, pointer: &Value) -> Value {
    in_time(async {
        loop {
            let asked = json!({ "messages": [pointer], "wait_ms": 5_000 });
            let found = http.post("/admin/api/messages/lookup", &asked).await.expect(200);
            if found["messages"][0]["state"] == "done" {
                return found["messages"][0]["turn"].clone();
            }
        }
    })
    .await
}
