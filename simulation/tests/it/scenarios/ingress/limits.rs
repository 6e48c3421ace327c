//! Texts at the limits: refused at the door, or carried to the end.

use client::account::Message;
use http::header::CONTENT_TYPE;
use http::{Request, Response};
use serde_json::{Value, json};
use shared::domain::TurnKind;
use simulation::checks::mark;
use simulation::scenario::{Scenario, ScenarioUser};

use super::order;

/// The largest message, in code points.
const LONGEST: usize = 16_000;
/// The largest body, in bytes.
const LARGEST_BODY: usize = 65_536;

/// Fills a message of an actor up with one character.
fn filled(character: char, code_points: usize) -> String {
    let mark = format!("{} ", mark(1, "lesson", 1));
    let rest = code_points - mark.chars().count();
    mark.chars().chain(std::iter::repeat_n(character, rest)).collect()
}

async fn check_carried(text: &str) {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    let id = "i".repeat(128);
    anna.send(&Message::new("lesson", &id, text)).await.unwrap();
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let told = anna.account.history("lesson", 0, 10).await.unwrap();
    assert_eq!(
        (told.turns.len(), told.turns[0].message == text),
        (1, true),
        "the text came back as it was"
    );
    assert_eq!((told.turns[0].kind, tab.cursor()), (Some(TurnKind::Reply), 1));
    assert_eq!(order(&anna).await, [id]);
}

/// That the queue never refuses what was answered 202 is checked at every send.
#[tokio::test(start_paused = true)]
async fn s07_a_text_at_the_limits_is_accepted_answered_and_told_as_it_was() {
    for character in ['a', 'é', '課', '🎈', '"', '\\', '\n', '\u{FFFD}', '\u{10FFFF}'] {
        let at_most = (LARGEST_BODY - 1_000) / json!(character).to_string().len().saturating_sub(2);
        check_carried(&filled(character, LONGEST.min(at_most))).await;
    }
    check_carried(&format!("{} tab\t, line end\r\n, 👩‍🏫", mark(1, "lesson", 1))).await;
}

async fn post(anna: &ScenarioUser, body: String) -> Response<bytes::Bytes> {
    let request = Request::post("/chat").header(CONTENT_TYPE, "application/json");
    anna.ask(request.body(body.into()).unwrap()).await.unwrap()
}

/// Checks that a body is refused with a status and a field, and that nothing of it is left
/// anywhere.
async fn check_refused(body: String, status: u16, field: Option<&str>) {
    let shown = body.chars().take(60).collect::<String>();
    let whole = body.len();
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let before = scenario.rows(&anna).await;
    let answer = post(&anna, body).await;
    let problem: Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(
        (answer.status().as_u16(), problem["field"].as_str()),
        (status, field),
        "{shown} of {whole}"
    );
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
    assert!(scenario.cloud.requests.is_empty(), "{shown}");
    assert_eq!(scenario.rows(&anna).await, before, "{shown}");
    scenario.end(&[]).await.unwrap();
}

fn with_text(text: &str) -> String {
    json!({ "message": text, "session_id": "lesson", "message_id": "m1" }).to_string()
}

#[tokio::test(start_paused = true)]
async fn s07_a_text_beyond_the_limits_is_a_4xx_and_nothing_is_recorded_or_queued() {
    for character in ['a', 'é', '課'] {
        check_refused(with_text(&filled(character, LONGEST + 1)), 400, Some("message")).await;
    }
    check_refused(with_text(""), 400, Some("message")).await;
    check_refused(with_text(&"🎈".repeat(LONGEST + 1_000)), 413, None).await;
    check_refused(with_text(&"\"".repeat(LARGEST_BODY / 2)), 413, None).await;
}

#[tokio::test(start_paused = true)]
async fn s07_characters_that_no_queue_carries_are_refused_at_the_door() {
    for illegal in [
        '\0', '\u{1}', '\u{8}', '\u{B}', '\u{C}', '\u{E}', '\u{1B}', '\u{1F}', '\u{FFFE}',
        '\u{FFFF}',
    ] {
        check_refused(with_text(&format!("Hello{illegal}")), 400, Some("message")).await;
    }
    let halves = [r#""\ud83d""#, r#""\udc69 first""#];
    for half in halves {
        check_refused(format!(r#"{{"message":{half},"session_id":"lesson"}}"#), 400, None).await;
    }
}

/// Ids become groups, deduplication ids and keys of rows: none may be what a queue or a table
/// refuses.
#[tokio::test(start_paused = true)]
async fn s07_ids_beyond_the_limits_are_refused_at_the_door() {
    for id in ["", "a b", "a/b", "ä", "🎈", "a\nb", &"i".repeat(129)] {
        for field in ["session_id", "message_id"] {
            let mut body =
                json!({ "message": "Hello", "session_id": "lesson", "message_id": "m1" });
            body[field] = json!(id);
            check_refused(body.to_string(), 400, Some(field)).await;
        }
    }
}
