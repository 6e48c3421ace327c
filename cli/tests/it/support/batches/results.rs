//! How the requests of a batch end, as each provider reports it.

use serde_json::{Value, json};
use testkit::stub_provider::said;

use super::Batch;

impl Batch {
    /// What the words of a request ask for decides about its fate; results come in another order
    /// than requests.
    fn fate(&self, place: usize) -> &'static str {
        let text = self.requests[place].to_string();
        let fates = ["<fail>", "<expire>", "<cancel>", "<odd>", "<lose>"];
        let asked = fates.into_iter().find(|fate| text.contains(fate));
        if self.cancelled && place > 0 { "<cancel>" } else { asked.unwrap_or("<reply>") }
    }

    pub(super) fn results(&self) -> Vec<Value> {
        let result = |place: usize| {
            let request = &self.requests[place];
            let result = match self.fate(place) {
                "<fail>" => json!({ "type": "errored", "request_id": null, "error": {
                    "type": "error", "error": { "type": "invalid_request_error", "message": "prompt is too long, test-key" } } }),
                "<expire>" => json!({ "type": "expired" }),
                "<cancel>" => json!({ "type": "canceled" }),
                "<odd>" => json!({ "type": "postponed" }),
                "<lose>" => return None,
                _ => json!({ "type": "succeeded", "message": {
                    "id": "msg_1", "type": "message", "role": "assistant",
                    "model": request["params"]["model"],
                    "content": [{ "type": "text", "text": reply(&request["params"]) }],
                    "stop_reason": "end_turn",
                    "usage": { "input_tokens": 1_000, "output_tokens": 11 } } }),
            };
            Some(json!({ "custom_id": request["custom_id"], "result": result }))
        };
        (0..self.requests.len()).rev().filter_map(result).collect()
    }

    pub(super) fn outputs(&self) -> (Vec<Value>, Vec<Value>) {
        let mut output = Vec::new();
        let mut errors = Vec::new();
        for place in (0..self.requests.len()).rev() {
            let request = &self.requests[place];
            let line = |response: Value, error: Value| {
                json!({
                    "id": format!("batch_req_{place}"), "custom_id": request["custom_id"],
                    "response": response, "error": error
                })
            };
            let failed =
                |code: &str| line(Value::Null, json!({ "code": code, "message": "not in time" }));
            match self.fate(place) {
                "<fail>" => {
                    let error = json!({
                        "error": { "message": "bad", "type": "invalid_request_error", "code": null }
                    });
                    errors.push(line(
                        json!({ "status_code": 400, "request_id": "r", "body": error }),
                        Value::Null,
                    ));
                }
                "<expire>" => errors.push(failed("batch_expired")),
                "<cancel>" => errors.push(failed("batch_cancelled")),
                "<odd>" => errors.push(line(Value::Null, Value::Null)),
                "<lose>" => (),
                _ => {
                    let body = &request["body"];
                    let message =
                        json!({ "role": "assistant", "content": reply(body), "refusal": null });
                    let body = json!({
                        "object": "chat.completion", "model": body["model"],
                        "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }],
                        "usage": { "prompt_tokens": 1_000, "completion_tokens": 11, "total_tokens": 1_011 },
                    });
                    output.push(line(
                        json!({ "status_code": 200, "request_id": "r", "body": body }),
                        Value::Null,
                    ));
                }
            }
        }
        (output, errors)
    }
}

fn reply(body: &Value) -> String {
    let asked = body["messages"]
        .as_array()
        .and_then(|messages| messages.last())
        .map(|last| said(&last["content"]));
    format!("You asked: {}", asked.unwrap_or_default())
}

pub(super) fn lines(values: &[Value]) -> String {
    values.iter().fold(String::new(), |lines, value| lines + &value.to_string() + "\n")
}
