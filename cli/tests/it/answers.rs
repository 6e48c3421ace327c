//! A conversation in the terminal.

use std::process::Stdio;

use serde_json::Value;
use testkit::stub_provider::{Behaviour, Reply};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_question_on_the_command_line_is_answered_and_the_session_goes_on() {
    let world = World::new(Behaviour::Echo).await;
    let server = world.serve().await;
    let said = world.yogi(&["chat", "Hello <b>you</b>", "--session", "s1"]).await.expect(0);
    assert_eq!(said.out, "Hello <b>you</b>\n");
    assert!(said.err.contains("claude-haiku") && said.err.contains('$'), "{}", said.err);
    let answer: Value = world
        .yogi(&["chat", "More", "--session", "s1", "--json"])
        .await
        .expect(0)
        .objects()
        .remove(0);
    assert_eq!((answer["text"].as_str(), answer["kind"].as_str()), (Some("More"), Some("reply")));
    assert_eq!(world.stub.calls().last().unwrap().messages.len(), 3);
    world.yogi(&["chat", "x", "--provider", "hal"]).await.expect(2).saying(&["hal"]);
    world.yogi(&["chat", ""]).await.expect(2).saying(&["empty"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_begins_again_and_is_whole() {
    let world = World::new(Behaviour::Echo).await;
    let server = world.serve().await;
    let said = world.yogi(&["chat", "[[stub:die-once]]"]).await.expect(0);
    assert!(said.err.contains("restarts"), "{}", said.err);
    let whole = Reply::default().whole();
    assert_eq!(said.out.lines().last(), Some(whole.trim_end()));
    world.yogi(&["chat", "[[stub:fatal]]"]).await.expect(3).saying(&["failed"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_is_said_and_stop_ends_an_answer() {
    let world = World::new(Behaviour::Echo).await;
    let server = world.serve().await;
    let mut chat =
        world.command(&["chat", "--session", "s1"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut keys = chat.stdin.take().unwrap();
    let mut told = BufReader::new(chat.stderr.take().unwrap()).lines();
    let mut shown = BufReader::new(chat.stdout.take().unwrap()).lines();
    keys.write_all(b"Hello\n").await.unwrap();
    assert_eq!(shown.next_line().await.unwrap().unwrap(), "Hello");
    keys.write_all(b"[[stub:hang]]\n").await.unwrap();
    world.stub.until(|progress| progress.calls == 2).await;
    keys.write_all(b"/stop\n").await.unwrap();
    loop {
        let line = told.next_line().await.unwrap().expect("it says that it was stopped");
        if line.contains("cancelled") {
            break;
        }
    }
    keys.write_all(b"/quit\n").await.unwrap();
    assert!(chat.wait().await.unwrap().success());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_ahead_is_said_in_its_order() {
    let world = World::new(Behaviour::Echo).await;
    let server = world.serve().await;
    let mut chat = world.command(&["chat"]).stdin(Stdio::piped()).spawn().unwrap();
    chat.stdin.take().unwrap().write_all(b"one\ntwo\n/cost\nthree\n").await.unwrap();
    let output = chat.wait_with_output().await.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "one\ntwo\nthree\n");
    assert!(output.status.success() && String::from_utf8_lossy(&output.stderr).contains("so far"));
    server.stop().await;
}
