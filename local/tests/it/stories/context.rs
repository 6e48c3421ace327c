//! What the model gets to know.

use serde_json::json;
use testkit::stub_provider::{Behaviour, Call, Failure, Message, Reply, StubProvider};

use crate::support::{Chatter, Setup, in_time, provider};

/// Returns the messages of the latest call, as `role: text`.
fn told(stub: &StubProvider) -> Vec<String> {
    let calls = stub.calls();
    let line = |message: &Message| format!("{}: {}", message.role, message.text);
    calls.last().unwrap().messages.iter().map(line).collect()
}

fn latest(stub: &StubProvider) -> Call {
    stub.calls().last().unwrap().clone()
}

#[tokio::test]
async fn a_later_turn_knows_the_earlier_ones_but_no_errors() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).with("CHATBOT_MAX_CALLS", "1").start().await;
    let mut ann = Chatter::join(&server).await;
    ann.ask("One").await;
    stub.script([Behaviour::Status(Failure::new(500))]);
    assert_eq!(ann.ask("Two").await.kind, "error");
    ann.ask("Three").await;
    assert_eq!(told(&stub), ["user: One", "assistant: One", "user: Three"]);
    ann.ask("Four").await;
    let expected = ["user: One", "assistant: One", "user: Three", "assistant: Three", "user: Four"];
    assert_eq!(told(&stub), expected);
}

#[tokio::test]
async fn a_later_turn_knows_what_was_shown_of_a_cancelled_one() {
    let stub = provider(Behaviour::Echo).await;
    stub.script([Behaviour::HangMidStream { after: 3 }]);
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    let id = ann.say("One").await;
    // All three pieces, which may come one by one.
    let shown = ann.text_of(&id, "Período 3 is ".len()).await;
    ann.stop(&id).await.expect(202);
    assert_eq!(ann.final_of(&id).await.kind, "cancelled");
    ann.ask("Two").await;
    assert_eq!(
        told(&stub),
        ["user: One".to_owned(), format!("assistant: {shown}"), "user: Two".to_owned()]
    );
}

#[tokio::test]
async fn the_oldest_turns_are_left_out_when_the_history_is_full() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).with("CHATBOT_HISTORY_TOKENS", "110").start().await;
    let mut ann = Chatter::join(&server).await;
    // 34 tokens a turn, both sides together: three fit.
    let message = |n: usize| format!("{n}: {}", "x".repeat(47));
    for n in 1..=6 {
        ann.ask(&message(n)).await;
    }
    let turn = |n| [format!("user: {}", message(n)), format!("assistant: {}", message(n))];
    let mut expected: Vec<_> = (3..=5).flat_map(turn).collect();
    expected.push(format!("user: {}", message(6)));
    assert_eq!(told(&stub), expected);
}

#[tokio::test]
async fn one_users_messages_are_never_told_on_behalf_of_another() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    ann.ask("My secret is a canary").await;
    let bob = Chatter::join(&server).await;
    let same_id = json!({ "message": "What is the secret?", "session_id": ann.session });
    bob.http.post("/chat", &same_id).await.expect(202);
    in_time(stub.until(|seen| seen.calls == 2)).await;
    assert_eq!(told(&stub), ["user: What is the secret?"]);
}

#[tokio::test]
async fn the_chosen_document_reaches_the_model_as_data() {
    let stub = provider(Behaviour::Reply(Reply::default())).await;
    let documents =
        json!([{ "id": "plan", "title": "Week plan", "content": "Monday: maths in room 14." }]);
    let server = Setup::claude(&stub).start_with_documents(&documents).await;
    let mut ann = Chatter::join(&server).await;
    let id =
        ann.say_with("What is on Monday?", json!({ "context": { "document_id": "plan" } })).await;
    ann.final_of(&id).await;
    let system = latest(&stub).system;
    assert!(
        system.contains("Title: Week plan") && system.contains("Monday: maths in room 14."),
        "{system}"
    );
    assert_eq!(ann.turns().await[0]["context"], "used");
    ann.ask("And without it?").await;
    assert!(!latest(&stub).system.contains("maths"), "a document belongs to its message");
}

#[tokio::test]
async fn a_question_is_answered_from_all_documents_and_cites_the_passage() {
    let reply = Reply::text("In room 14").citing(0, "Monday: maths in room 14.");
    let stub = provider(Behaviour::Reply(reply)).await;
    let documents = json!([
        { "id": "menu", "title": "Menu", "content": "Monday: lasagne." },
        { "id": "plan", "title": "Week plan", "content": "# 7B\n\nMonday: maths in room 14." },
        { "id": "diary", "title": "Diary", "content": "A canary sings in room 14 on Monday, \
            maths.", "owner": "anon:somebody-else" },
    ]);
    let server = Setup::claude(&stub).start_with_documents(&documents).await;
    let mut ann = Chatter::join(&server).await;
    let answer = ann.ask("In which room is maths on Monday?").await;
    assert_eq!(answer.text, "In room 14 [1]");
    let request = latest(&stub).body.to_string();
    assert!(request.contains(r#""source":"plan#0""#) && !request.contains("canary"), "{request}");
    let turn = ann.turns().await[0].clone();
    assert_eq!((&turn["context"], &turn["grounding"]), (&json!("used"), &json!("cited")));
    let citation = &turn["citations"][0];
    assert_eq!(citation["quote"], "Monday: maths in room 14.");
    assert_eq!(citation["offset"], 11);
    let path = format!(
        "/documents/{}/passages/{}?version={}",
        citation["document_id"].as_str().unwrap(),
        citation["ordinal"],
        citation["version"].as_str().unwrap()
    );
    let passage = ann.http.get(&path).await.expect(200);
    assert_eq!(passage["headings"], json!(["7B"]));
    assert!(passage["text"].as_str().unwrap().contains("maths in room 14"));
}

#[tokio::test]
async fn the_documents_that_may_be_chosen_are_listed() {
    let documents =
        json!([{ "id": "plan", "title": "Week plan", "content": "Monday: maths in room 14." }]);
    let server = Setup::offline().start_with_documents(&documents).await;
    let ann = Chatter::join(&server).await;
    let listed = ann.http.get("/documents").await.expect(200);
    assert_eq!(listed["documents"], json!([{ "id": "plan", "title": "Week plan" }]));
}

#[tokio::test]
async fn another_users_document_is_as_absent_as_one_that_does_not_exist() {
    let stub = provider(Behaviour::Reply(Reply::default())).await;
    let documents = json!([
        { "id": "diary", "title": "Diary", "content": "A canary \
            sings.", "owner": "anon:somebody-else" },
    ]);
    let server = Setup::claude(&stub).start_with_documents(&documents).await;
    let mut ann = Chatter::join(&server).await;
    assert_eq!(ann.http.get("/documents").await.expect(200)["documents"], json!([]));
    for id in ["diary", "nothing"] {
        let message =
            ann.say_with("What sings?", json!({ "context": { "document_id": id } })).await;
        assert_eq!(ann.final_of(&message).await.kind, "reply");
        assert!(!latest(&stub).body.to_string().contains("canary"));
    }
    let contexts: Vec<_> = ann.turns().await.iter().map(|turn| turn["context"].clone()).collect();
    assert_eq!(contexts, ["unavailable", "unavailable"]);
}

#[tokio::test]
async fn what_cannot_be_seen_does_not_reach_the_model() {
    let stub = provider(Behaviour::Echo).await;
    let documents =
        json!([{ "id": "plan", "title": "Pl\u{200B}an", "content": "Mon\u{E0041}day\u{202E}" }]);
    let server = Setup::claude(&stub).start_with_documents(&documents).await;
    let mut ann = Chatter::join(&server).await;
    let message = "Hel\u{200B}lo \u{E0041}👩\u{200D}🏫";
    let id = ann.say_with(message, json!({ "context": { "document_id": "plan" } })).await;
    assert_eq!(ann.final_of(&id).await.text, "Hello 👩\u{200D}🏫");
    let system = latest(&stub).system;
    assert!(system.contains("Title: Plan") && system.contains("Monday\n"), "{system:?}");
    assert_eq!(ann.turns().await[0]["message"], message, "the history shows what the user wrote");
}
