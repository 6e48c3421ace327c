//! Past messages once more, and questions with known answers.

use serde_json::{Value, json};
use shared::domain::{Principal, SessionId, SessionKey};
use testkit::stub_provider::{Behaviour, Reply};

use crate::support::World;

/// Sends a conversation of a user who is nobody's operator, and returns the session's key.
async fn conversation(world: &World, id: &str, messages: &[&str]) -> String {
    let lines: Vec<_> = messages
        .iter()
        .map(|message| json!({ "message": message, "session_id": id }).to_string())
        .collect();
    world.write("talk.jsonl", lines.join("\n"));
    let out = format!("{id}.jsonl");
    world.yogi(&["--operator", "user", "batch", "run", "talk.jsonl", "--out", &out]).await;
    let principal = Principal::parse("op:user").unwrap();
    SessionKey::derive(&principal, &SessionId::parse(id).unwrap()).to_string()
}

fn pairs(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line["type"] == "pair").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_replayed_with_the_history_that_it_had() {
    let world = World::new(Behaviour::Echo).await;
    let server = world.serve().await;
    let key = conversation(&world, "s1", &["My name is <Ada>", "What is my name?"]).await;
    world.write("prompt.txt", "Answer like a pirate.");
    world.stub.set(Behaviour::Reply(Reply::text("Arr, <script>alert(1)</script> it be Ada.")));
    let replay = [
        "replay",
        "--from",
        &key,
        "--out",
        "report",
        "--provider",
        "claude",
        "--model",
        "claude-other",
    ];
    world
        .yogi(&[&replay[..], &["--dry-run"]].concat())
        .await
        .expect(0)
        .saying(&["would send 2 messages"]);
    assert!(!world.path("report").exists());
    let said = world.yogi(&[&replay[..], &["--prompt", "prompt.txt"]].concat()).await.expect(0);
    said.saying(&["claude-other", "0 of 2 answers are the same", "report.html"]);
    let lines = world.lines("report/replay.jsonl");
    let pairs = pairs(&lines);
    assert_eq!([&pairs[0]["history"], &pairs[1]["history"]], [0, 1]);
    assert_eq!(pairs[1]["old"]["text"], "What is my name?");
    assert!(pairs[1]["new"]["text"].as_str().unwrap().contains("it be Ada"));
    let calls = world.stub.calls();
    let last =
        calls.iter().rfind(|call| call.messages.len() == 3).expect("the history comes along");
    assert_eq!(
        (last.model.as_str(), last.messages[0].text.as_str()),
        ("claude-other", "My name is <Ada>")
    );
    assert!(last.system.contains("pirate"));
    // The session itself is as it was.
    assert_eq!(world.yogi(&["turns", &key, "--json"]).await.expect(0).objects().len(), 2);

    let page = world.read("report/report.html");
    assert!(
        page.contains("&lt;script&gt;alert(1)") && !page.contains("<script"),
        "texts are escaped"
    );
    assert!(
        !page.contains("http://") && !page.contains("https://"),
        "nothing comes from elsewhere"
    );
    assert!(
        page.contains("<svg")
            && page.contains("Side by side")
            && page.contains("prefers-color-scheme")
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_ids_exports_and_events_are_replayed_and_what_is_gone_is_listed() {
    let world = World::new(Behaviour::Echo).await.with("CHATBOT_ANALYTICS_TEXT", "true");
    let server = world.serve().await;
    let key = conversation(&world, "s1", &["one", "two"]).await;
    world.yogi(&["session", "export", &key, "--out", "export.jsonl"]).await.expect(0);
    let ids: Vec<_> =
        world.lines("export.jsonl").iter().map(|turn| turn["message_id"].clone()).collect();
    let id = ids[1].as_str().unwrap();
    world.write("ids.txt", format!("{key} {id}\n{key} none\n"));
    let said = world.yogi(&["replay", "--from", "ids.txt", "--out", "a"]).await.expect(3);
    said.saying(&["gone", "none", "1 of 1 answers are the same"]);
    let lines = world.lines("a/replay.jsonl");
    assert_eq!(pairs(&lines)[0]["message"], "two");
    assert!(world.read("a/report.html").contains("1 messages whose text is gone"));

    let events = world.yogi(&["tail", "--no-follow", "--json"]).await.expect(0);
    world.write("events.jsonl", events.out);
    for (file, folder) in [("export.jsonl", "b"), ("s1.jsonl", "c"), ("events.jsonl", "d")] {
        world.yogi(&["session", "delete", &key, "--yes"]).await;
        world
            .yogi(&["replay", "--from", file, "--out", folder])
            .await
            .saying(&["answers are the same"]);
        let lines = world.lines(&format!("{folder}/replay.jsonl"));
        let pairs = pairs(&lines);
        assert!(
            pairs.iter().any(|pair| pair["message"] == "two" && pair["history"] == 1),
            "{file}: {pairs:?}"
        );
    }
    // Of the time since, only events remember what was said.
    let said = world
        .yogi(&["replay", "--from", "1h", "--with-operators", "--out", "e", "--dry-run"])
        .await
        .expect(3);
    said.saying(&["its session has ended"]);
    world.write("bad.jsonl", "{\"no\":1}\n");
    world
        .yogi(&["replay", "--from", "bad.jsonl", "--out", "f"])
        .await
        .expect(2)
        .saying(&["bad.jsonl line 1", "session_key"]);
    world.yogi(&["replay", "--from", "nothing", "--out", "f"]).await.expect(2).saying(&["nothing"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_judge_says_which_answer_is_better() {
    let world = World::new(Behaviour::Echo).await;
    let server = world.serve().await;
    let key = conversation(&world, "s1", &["one"]).await;
    world.stub.script([
        Behaviour::Reply(Reply::text("another")),
        Behaviour::Reply(Reply::text("I prefer: NEW")),
    ]);
    world.write("judge.txt", "Question: {question}\nOld: {old}\nNew: {new}\nSay old, new or same.");
    let replay = ["replay", "--from", &key, "--out", "a", "--judge", "judge.txt"];
    world.yogi(&replay).await.expect(0).saying(&["prefers the new answer in 100.0 %"]);
    assert_eq!(world.lines("a/replay.jsonl")[0]["judge"], "new");
    let asked = world.stub.calls();
    assert_eq!(
        asked.last().unwrap().last_user(),
        "Question: one\nOld: one\nNew: another\nSay old, new or same."
    );
    world.write("judge.txt", "old or new?");
    world.yogi(&replay).await.expect(2).saying(&["judge.txt", "{question}"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_golden_questions_are_scored_on_the_answerer_without_a_model() {
    let world = World::offline().await;
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../providers/tests/golden/school.json");
    let eval = ["eval", golden, "--out", "scores.jsonl", "--at-least", "90", "--json"];
    let score = world.yogi(&eval).await.expect(0).objects().remove(0);
    assert!(score["answered_right"].as_u64().unwrap() >= 27, "{score}");
    assert_eq!(score["declined_right"], score["declined"], "{score}");
    assert!(world.lines("scores.jsonl").len() >= 37);
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_compared_and_a_low_score_fails() {
    let world = World::new(Behaviour::Echo).await;
    let server = world.serve().await;
    world.write(
        "q.json",
        r#"{"answered":[{"question":"echo Ms Haddad","answer":[["Ms Haddad"]]},{"question":"a","facts":["b"]}]}"#,
    );
    let eval = ["eval", "q.json", "--with", "claude", "--with", "claude:other"];
    world.yogi(&eval).await.expect(0).saying(&["claude:other", "1 of 2", "it does not say b"]);
    world.yogi(&[&eval[..], &["--at-least", "60"]].concat()).await.expect(1);
    assert!(world.stub.calls().iter().any(|call| call.model == "other"));
    world.yogi(&["eval", "q.json", "--with", "hal"]).await.expect(2).saying(&["hal"]);
    server.stop().await;
}
