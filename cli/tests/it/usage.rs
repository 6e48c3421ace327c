//! What needs no server: help, completions, wrong commands.

use testkit::stub_provider::Behaviour;

use crate::support::World;

#[tokio::test]
async fn help_teaches_every_command() {
    let world = World::new(Behaviour::Echo).await;
    let help = world.yogi(&["--help"]).await.expect(0);
    for command in [
        "doctor", "chat", "batch", "replay", "eval", "dlq", "session", "turns", "tail", "stats",
        "cost",
    ] {
        let line = help.out.lines().find(|line| line.trim_start().starts_with(command));
        assert!(
            line.is_some_and(|line| line.split_whitespace().count() > 3),
            "{command}: {}",
            help.out
        );
        world.yogi(&[command, "--help"]).await.expect(0).saying(&["Usage: yogi", "--local"]);
    }
    help.saying(&["130", "Examples:"]);
    world.yogi(&["batch", "run", "--help"]).await.expect(0).saying(&[
        "metadata",
        "--rejects",
        "same command continues",
    ]);
}

#[tokio::test]
async fn shells_and_manuals_know_the_commands() {
    let world = World::new(Behaviour::Echo).await;
    for shell in ["bash", "zsh", "fish"] {
        world.yogi(&["completions", shell]).await.expect(0).saying(&["redrive"]);
    }
    world.yogi(&["man"]).await.expect(0).saying(&[".TH yogi", "redrive", "concurrency"]);
}

#[tokio::test]
async fn a_wrong_command_is_a_two_and_says_what_is_wrong() {
    let world = World::new(Behaviour::Echo).await;
    world.write("in.jsonl", "{\"message\":\"hi\"}\n");
    for (arguments, words) in [
        (vec!["fly"], "fly"),
        (vec!["batch", "run", "in.jsonl"], "--out"),
        (vec!["batch", "run", "none.jsonl", "--out", "o"], "none.jsonl"),
        (vec!["batch", "run", ".", "--out", "o"], "is not a file"),
        (vec!["batch", "run", "in.jsonl", "--out", "in.jsonl"], "is the input"),
        (vec!["batch", "run", "in.jsonl", "--out", "no/o"], "no such directory"),
        (vec!["batch", "run", "in.jsonl", "--out", "o", "--rate", "x"], "5/s"),
        (vec!["batch", "status", "o"], "is not a batch"),
        (vec!["dlq", "redrive"], "--all"),
        (vec!["stats", "--from", "yesterday"], "2026-11-27"),
        (vec!["eval", "in.jsonl"], "in.jsonl"),
        (vec!["--operator", "a b", "doctor"], "--operator"),
        (vec!["replay", "--from", "1h", "--out", "d", "--model", "m"], "--provider"),
    ] {
        world.yogi(&arguments).await.expect(2).saying(&[words]);
    }
    assert!(!world.path("o").exists());
}

#[tokio::test]
async fn where_nothing_is_there_is_nothing_to_look_at() {
    let world = World::new(Behaviour::Echo).await;
    for arguments in [vec!["dlq", "list"], vec!["tail"], vec!["stats"], vec!["session", "list"]] {
        world.yogi(&arguments).await.expect(4).saying(&[".chatbot", "cargo run"]);
    }
    assert!(!world.path(".chatbot").exists());
    let away = ["--local", "http://127.0.0.1:9", "dlq", "list"];
    world.yogi(&away).await.expect(4).saying(&["127.0.0.1:9", "refused"]);
    let world = world.with("CHATBOT_OPERATOR_TOKEN", "a-token-of-an-operator");
    let readable = ["--local", "http://chat.example", "dlq", "list"];
    world.yogi(&readable).await.expect(2).saying(&["not encrypted", "https://"]);
}
