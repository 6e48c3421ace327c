//! Batches: every line its one answer, whatever is in the file and whenever it is cut off.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};
use testkit::stub_provider::{Behaviour, Failure};

use crate::support::{World, until};

const RUN: [&str; 5] = ["batch", "run", "in.jsonl", "--out", "out.jsonl"];

/// Returns a file of so many questions.
pub(crate) fn questions(count: usize) -> String {
    (1..=count).fold(String::new(), |mut text, number| {
        let _ = writeln!(
            text,
            "{}",
            json!({ "message": format!("question <{number}>"), "metadata": { "n": number } })
        );
        text
    })
}

/// Holds the answers to one for each of so many lines, each its own.
#[track_caller]
pub(crate) fn check_answers(answers: &[Value], count: usize) {
    let mut lines = BTreeSet::new();
    for answer in answers {
        let line = answer["line"].as_u64().unwrap();
        assert!(lines.insert(line), "line {line} has two answers");
        assert_eq!(answer["metadata"]["n"], line, "{answer}");
        assert_eq!(answer["kind"], "reply", "{answer}");
        assert!(
            answer["text"].as_str().unwrap().contains(&format!("question <{line}>")),
            "{answer}"
        );
    }
    assert_eq!(lines.len(), count);
}

/// Holds the provider to one call for each message.
#[track_caller]
pub(crate) fn check_calls(world: &World, most: usize) {
    let mut calls: BTreeMap<String, usize> = BTreeMap::new();
    for call in world.stub.calls() {
        *calls.entry(call.last_user().to_owned()).or_default() += 1;
    }
    let twice: Vec<_> = calls.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.len() <= most, "paid twice: {twice:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_gets_its_answer_with_what_it_brought() {
    let world = World::new(Behaviour::Echo).await;
    let server = world.serve().await;
    world.write("in.jsonl", questions(120));
    let said = world.yogi(&[&RUN[..], &["--json"]].concat()).await.expect(0);
    check_answers(&world.lines("out.jsonl"), 120);
    check_calls(&world, 0);
    let summary = said.objects().pop().unwrap();
    assert_eq!(
        [&summary["lines"], &summary["answered"], &summary["left"]],
        [120, 120, 0],
        "{summary}"
    );
    assert!(
        summary["total_ms"]["p99"].is_number() && summary["output_tokens"].as_u64() > Some(0),
        "{summary}"
    );
    let status = world
        .yogi(&["batch", "status", "out.jsonl", "--json"])
        .await
        .expect(0)
        .objects()
        .pop()
        .unwrap();
    assert_eq!((&status["state"], &status["done"]), (&json!("finished"), &json!(120)));
    // The same command again has nothing to do.
    world.yogi(&RUN).await.expect(0).saying(&["120 of 120"]);
    check_answers(&world.lines("out.jsonl"), 120);
    check_calls(&world, 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_server_the_batch_brings_its_own() {
    let world = World::new(Behaviour::Echo).await;
    world.write("in.jsonl", questions(10));
    world.yogi(&RUN).await.expect(0).saying(&["answered", "10"]);
    check_answers(&world.lines("out.jsonl"), 10);
    assert!(!world.path(".chatbot/operator.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_lines_are_rejected_by_number_and_the_rest_goes_on() {
    let world = World::new(Behaviour::Echo).await;
    let mut file =
        b"\xEF\xBB\xBF{\"message\":\"question <1>\",\"metadata\":{\"n\":1}}\r\n\r\n".to_vec();
    file.extend_from_slice(
        b"{\"mesage\":\"x\"}\n{\"message\":\"\xFF\"}\n{\"message\":\"x\",\"color\":\"blue\"}\n",
    );
    file.extend_from_slice(b"{\"message\":\"");
    file.extend(std::iter::repeat_n(b'x', 100_000_000));
    file.extend_from_slice(b"\"}\n{\"message\":\"question <7>\",\"metadata\":{\"n\":7}}");
    world.write("in.jsonl", &file);
    world
        .yogi(&[&RUN[..], &["--rejects", "bad.jsonl"]].concat())
        .await
        .expect(3)
        .saying(&["line 5: color", "bad.jsonl"]);
    check_answers(&world.lines("out.jsonl"), 2);
    let rejects = world.lines("bad.jsonl");
    let lines: Vec<_> = rejects.iter().map(|reject| reject["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [3, 4, 5, 6], "{rejects:?}");
    assert!(rejects[3]["problem"].as_str().unwrap().contains("100000014 bytes"), "{}", rejects[3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_one_session_are_one_conversation_in_their_order() {
    let world = World::new(Behaviour::Echo).await;
    let file = (1..=9).fold(String::new(), |mut text, n| {
        let line = json!({
            "message": format!("question <{n}>"), "session_id": format!("s{}", n % 2),
            "metadata": { "n": n }
        });
        let _ = writeln!(text, "{line}");
        text
    });
    world.write("in.jsonl", file);
    world.yogi(&RUN).await.expect(0);
    let answers = world.lines("out.jsonl");
    check_answers(&answers, 9);
    let mut turns: BTreeMap<&str, Vec<(u64, u64)>> = BTreeMap::new();
    for answer in &answers {
        let turn = (answer["line"].as_u64().unwrap(), answer["turn"].as_u64().unwrap());
        turns.entry(answer["session_id"].as_str().unwrap()).or_default().push(turn);
    }
    assert_eq!(turns["s1"], [(1, 1), (3, 2), (5, 3), (7, 4), (9, 5)]);
    assert_eq!(turns["s0"], [(2, 1), (4, 2), (6, 3), (8, 4)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_input_is_refused_and_what_was_done_is_kept() {
    let world = World::new(Behaviour::Echo).await;
    world.write("in.jsonl", questions(3));
    world.yogi(&RUN).await.expect(0);
    let before = world.read("out.jsonl");
    world.write("in.jsonl", questions(4));
    world.yogi(&RUN).await.expect(2).saying(&["was changed", "--out"]);
    assert_eq!(world.read("out.jsonl"), before);
    std::fs::remove_file(world.path("out.jsonl.journal")).unwrap();
    world.yogi(&RUN).await.expect(2).saying(&["out.jsonl already exists"]);
    assert_eq!(world.read("out.jsonl"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_answers_too_and_the_exit_code_tells() {
    let world = World::new(Behaviour::Status(Failure::new(401))).await;
    world.write("in.jsonl", questions(2));
    world.yogi(&RUN).await.expect(3).saying(&["failed"]);
    let answers = world.lines("out.jsonl");
    assert_eq!(answers.len(), 2);
    assert!(
        answers.iter().all(|answer| answer["error"]["code"] == "providers_rejected"),
        "{answers:?}"
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_batch_says_how_to_go_on_and_goes_on() {
    let world = World::new(Behaviour::Echo).await;
    let server = world.serve().await;
    world.write("in.jsonl", questions(200));
    let child = world.command(&[&RUN[..], &["--rate", "100/s"]].concat()).spawn().unwrap();
    until(|| world.read("out.jsonl").lines().count() > 5).await;
    let pid = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("run the same command again"), "{said}");
    world.yogi(&["batch", "status", "out.jsonl"]).await.saying(&["interrupted", "yogi batch run"]);
    world.yogi(&RUN).await.expect(0);
    check_answers(&world.lines("out.jsonl"), 200);
    check_calls(&world, 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_batch_stops_what_is_being_answered_and_stays_cancelled() {
    let world = World::new(Behaviour::HangMidStream { after: 3 })
        .await
        .with("CHATBOT_IDLE_TIMEOUT_MS", "60000");
    let server = world.serve().await;
    world.write("in.jsonl", questions(40));
    let run = [&RUN[..], &["--concurrency", "16"]].concat();
    let mut child = world.command(&run).spawn().unwrap();
    world.stub.until(|progress| progress.calls >= 16).await;
    world.yogi(&["batch", "cancel", "out.jsonl"]).await.expect(0).saying(&["cancelled"]);
    assert_eq!(child.wait().await.unwrap().code(), Some(3));
    let answers = world.lines("out.jsonl");
    assert_eq!(answers.len(), 16);
    assert!(answers.iter().all(|answer| answer["kind"] == "cancelled"), "{answers:?}");
    world.yogi(&run).await.expect(2).saying(&["was cancelled"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_at_once_do_not_work_on_one_batch() {
    let world = World::new(Behaviour::HangMidStream { after: 3 })
        .await
        .with("CHATBOT_IDLE_TIMEOUT_MS", "60000");
    let server = world.serve().await;
    world.write("in.jsonl", questions(1));
    let mut child = world.command(&RUN).spawn().unwrap();
    world.stub.until(|progress| progress.calls >= 1).await;
    world.yogi(&RUN).await.expect(2).saying(&["another yogi"]);
    child.kill().await.unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_stops_where_its_budget_is_spent_and_goes_on_with_another() {
    let world = World::new(Behaviour::Echo).await;
    let server = world.serve().await;
    world.write("in.jsonl", questions(60));
    let run = [&RUN[..], &["--concurrency", "4", "--budget"]].concat();
    world
        .yogi(&[&run[..], &["0.00003"]].concat())
        .await
        .expect(3)
        .saying(&["budget is spent", "to continue"]);
    let some = world.lines("out.jsonl").len();
    assert!((1..30).contains(&some), "{some}");
    world.yogi(&[&run[..], &["5"]].concat()).await.expect(0);
    check_answers(&world.lines("out.jsonl"), 60);
    check_calls(&world, 0);
    server.stop().await;
}

/// A limit on the size of files stands in for a full disk: a write fails in the middle of a line.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_keeps_what_was_done_and_says_how_to_go_on() {
    let world = World::new(Behaviour::Echo).await;
    let server = world.serve().await;
    world.write("in.jsonl", questions(100));
    let script = "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\"";
    let mut limited = tokio::process::Command::new("sh");
    limited.current_dir(world.folder.path()).args(["-c", script, crate::support::YOGI]).args(RUN);
    let output = limited.env_clear().env("USER", "anna").output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("out.jsonl cannot be written") && said.contains("run the same command again"),
        "{said}"
    );
    let kept = world.lines("out.jsonl").len();
    assert!((1..100).contains(&kept), "{kept}");
    world.yogi(&RUN).await.expect(0).saying(&["continuing"]);
    check_answers(&world.lines("out.jsonl"), 100);
    check_calls(&world, 0);
    server.stop().await;
}
