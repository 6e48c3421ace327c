//! Many past events, as the server publishes them.

use std::path::Path;

use anyhow::Context as _;
use rusqlite::Connection;
use serde_json::{Value, json};

/// Number of events.
pub(super) const EVENTS: u32 = 1_000_000;
/// Over how many milliseconds they are spread: four weeks.
const SPREAD: i64 = 28 * 24 * 3_600_000;
const DOCUMENTS: u64 = 200;
const MODELS: [(&str, &str); 4] = [
    ("claude", "claude-haiku-5-5"),
    ("claude", "claude-opus-5-5"),
    ("openai", "gpt-6-mini"),
    ("bedrock", "anthropic.claude-haiku-5-5"),
];

/// Writes them into the database of a stopped server, the newest at `newest`. Returns how many are
/// of turns.
///
/// They are written only where the event port would put them; the server derives its statistics
/// from them itself.
pub(super) fn write(data: &Path, newest: i64) -> anyhow::Result<u64> {
    let mut database =
        Connection::open(data.join("chatbot.db")).context("the server left no database")?;
    database.execute_batch("PRAGMA synchronous = OFF")?;
    let transaction = database.transaction()?;
    let sql = "INSERT INTO events (id, detail_type, detail, published_at) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = transaction.prepare(sql)?;
    let mut turns = 0;
    let mut chance = Chance(1);
    let count = i64::from(EVENTS);
    for number in 0..count {
        let at = newest - (count - 1 - number) * SPREAD / count;
        let (kind, detail) = event(number, &mut chance);
        turns += u64::from(matches!(kind, "Chat Message" | "Chat Failed"));
        insert.execute((format!("event-{number}"), kind, detail.to_string(), at))?;
    }
    drop(insert);
    transaction.commit()?;
    Ok(turns)
}

/// Of a hundred events 90 are replies, 3 errors, 4 ratings and 3 ends of sessions; one turn in ten
/// is an operator's.
fn event(number: i64, chance: &mut Chance) -> (&'static str, Value) {
    let mut detail = json!({
        "session_id": format!("session-{}", number / 8),
        "session_key": format!("{:A>43}", number / 8),
        "timestamp": "2026-01-01T00:00:00.000Z",
        "metadata": {
            "id": format!("event-{number}"), "specversion": "1.0", "schema_version": "1",
        },
    });
    let kind = match chance.below(100) {
        0..=89 => "Chat Message",
        90..=92 => "Chat Failed",
        93..=96 => "Chat Feedback",
        97..=98 => "Session Expired",
        _ => "Session Deleted",
    };
    if kind.starts_with("Chat") {
        let fields = if kind == "Chat Feedback" {
            feedback(chance)
        } else {
            turn(kind == "Chat Failed", chance)
        };
        if let (Value::Object(detail), Value::Object(fields)) = (&mut detail, fields) {
            detail.extend(fields);
        }
    }
    (kind, detail)
}

fn turn(failed: bool, chance: &mut Chance) -> Value {
    let (provider, model) = chance.model();
    let first = 150 + chance.below(2_000);
    // The least of two: a few documents are asked about most.
    let document = chance.below(DOCUMENTS).min(chance.below(DOCUMENTS));
    json!({
        "message_id": format!("message-{}", chance.0),
        "turn": 1 + chance.below(8),
        "message_length": 20 + chance.below(400),
        "response_length": 100 + chance.below(2_000),
        "document_id": format!("document-{document}"),
        "provider": provider,
        "model": (!failed).then_some(model),
        "input_tokens": 500 + chance.below(3_000),
        "output_tokens": 30 + chance.below(600),
        "cached_input_tokens": 0,
        "cache_write_tokens": 0,
        "cached": false,
        "cost_micro_usd": 200 + chance.below(6_000),
        "queue_ms": 1 + chance.below(40),
        "context_ms": 1 + chance.below(15),
        "first_token_ms": first,
        "total_ms": first + chance.below(9_000),
        "finish_reason": if failed { "error" } else { "stop" },
        "error_code": failed.then_some("providers_unavailable"),
        "generations": 1 + u64::from(chance.below(200) == 0),
        "context": "used",
        "synthetic": chance.below(10) == 0,
    })
}

fn feedback(chance: &mut Chance) -> Value {
    let (provider, model) = chance.model();
    let rating = if chance.below(4) == 0 { "down" } else { "up" };
    json!({
        "message_id": format!("message-{}", chance.0), "turn": 1, "rating": rating,
        "comment_length": 0,
        "provider": provider, "model": model, "synthetic": false,
    })
}

/// Pseudo-random numbers that are the same in every run: Knuth's generator.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn model(&mut self) -> (&'static str, &'static str) {
        let [first, others @ ..] = MODELS;
        others.get(usize::try_from(self.below(4)).unwrap_or(usize::MAX)).copied().unwrap_or(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_are_those_of_a_lively_month() {
        let mut chance = Chance(1);
        let events: Vec<_> = (0..1_000).map(|number| event(number, &mut chance)).collect();
        let of = |kind| events.iter().filter(|(found, _)| *found == kind).count();
        assert!((850..950).contains(&of("Chat Message")), "{}", of("Chat Message"));
        assert!(
            ["Chat Failed", "Chat Feedback", "Session Expired", "Session Deleted"]
                .iter()
                .all(|kind| of(kind) > 0)
        );
        let synthetic = events.iter().filter(|(_, detail)| detail["synthetic"] == true).count();
        assert!((60..140).contains(&synthetic), "{synthetic}");
    }
}
