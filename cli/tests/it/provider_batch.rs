//! Batches at the providers themselves, against a stub made from their documentation: every line
//! its one answer, paid once, whatever happens on the way.

use std::collections::BTreeMap;

use serde_json::json;
use testkit::stub_provider::{Behaviour, said};

use crate::batch::{check_answers, questions};
use crate::support::batches::{Batches, Creation};
use crate::support::{World, until};

const RUN: [&str; 6] = ["batch", "run", "in.jsonl", "--out", "out.jsonl", "--provider-batch"];
const PROVIDERS: [&str; 2] = ["claude", "openai"];

/// A world whose providers have batches.
async fn world(batches: &Batches, provider: &str) -> World {
    let world = World::offline().await;
    if provider == "claude" {
        return world
            .with("ANTHROPIC_API_KEY", "test-key")
            .with("ANTHROPIC_BASE_URL", batches.url());
    }
    world
        .with("OPENAI_API_KEY", "test-key")
        .with("OPENAI_BASE_URL", &format!("{}/v1", batches.url()))
}

/// Holds the provider to one request for each of so many lines.
#[track_caller]
fn check_paid_once(batches: &Batches, lines: usize) {
    let mut paid: BTreeMap<String, usize> = BTreeMap::new();
    for request in batches.requests() {
        let body = if request["params"].is_null() { &request["body"] } else { &request["params"] };
        let asked = said(&body["messages"].as_array().unwrap().last().unwrap()["content"]);
        *paid.entry(asked).or_default() += 1;
    }
    assert!(paid.values().all(|times| *times == 1), "{paid:?}");
    assert_eq!(paid.len(), lines);
}

/// Begins a run and kills it, once something is so.
async fn run_and_kill(world: &World, so: impl FnMut() -> bool) {
    let mut child = world.command(&RUN).spawn().unwrap();
    until(so).await;
    child.kill().await.unwrap();
}

/// Makes what is known of a creation old enough to have come about.
fn age(world: &World) {
    let journal = world.read("out.jsonl.journal");
    let (before, after) = journal.split_once("\"at\":").unwrap();
    let rest = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
    world.write("out.jsonl.journal", format!("{before}\"at\":1{rest}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_gets_its_answer_at_half_the_price_and_the_chatbot_knows_nothing_of_it() {
    for provider in PROVIDERS {
        let batches = Batches::start().await;
        let world = world(&batches, provider).await;
        let server = world.serve().await;
        let about =
            json!({ "message": "question <6>", "document_id": "school", "metadata": { "n": 6 } });
        world.write("in.jsonl", format!("{}{about}\n", questions(5)));
        let said = world.yogi(&[&RUN[..], &["--json"]].concat()).await.expect(0);
        let answers = world.lines("out.jsonl");
        check_answers(&answers, 6);
        check_paid_once(&batches, 6);
        let summary = said.objects().pop().unwrap();
        assert_eq!(
            [&summary["answered"], &summary["left"], &summary["input_tokens"]],
            [6, 0, 6_000],
            "{summary}"
        );
        for answer in &answers {
            let expected = if answer["line"] == 6 { "used" } else { "none" };
            assert_eq!(
                (&answer["context"], &answer["provider_batch"]),
                (&json!(expected), &json!(true)),
                "{answer}"
            );
            assert_eq!(
                (&answer["provider"], &answer["finish_reason"]),
                (&json!(provider), &json!("stop"))
            );
        }
        let full = world.yogi(&["--json", "session", "list"]).await.expect(0);
        assert_eq!(full.out, "", "answers of a provider's batch are no turns");
        let cost = answers[0]["cost_micro_usd"].as_i64().unwrap();
        assert_eq!(summary["cost_micro_usd"], 6 * cost);
        let prices = providers::Prices::built_in().unwrap();
        let name = shared::domain::ProviderName::parse(provider).unwrap();
        let usage = serde_json::from_value(answers[0]["usage"].clone()).unwrap();
        let price = prices.cost(name, answers[0]["model"].as_str().unwrap(), usage).unwrap().0;
        assert_eq!(cost, (price + 1) / 2);
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_is_what_the_worker_would_ask() {
    let batches = Batches::start().await;
    let world = World::new(Behaviour::Echo).await;
    let server = world.serve().await;
    world.write(
        "in.jsonl",
        "{\"message\":\"When does\\u200b school begin?\",\"document_id\":\"school\"}\n",
    );
    world.yogi(&["batch", "run", "in.jsonl", "--out", "other.jsonl"]).await.expect(0);
    let mut asked = world.stub.calls()[0].body.clone();
    let world = world.with("ANTHROPIC_BASE_URL", batches.url());
    world.yogi(&RUN).await.expect(0);
    let request = batches.requests().pop().unwrap();
    // The session never goes on, so that the provider need not keep the conversation; and nobody
    // watches.
    asked.as_object_mut().unwrap().remove("stream");
    let text = asked["messages"][0]["content"][0]["text"].clone();
    asked["messages"][0]["content"] = text;
    assert_eq!(request["params"], asked);
    assert!(asked["system"].to_string().contains("08:35"), "{asked}");
    let (_, path, headers) = batches.with(|seen| seen.calls[0].clone());
    assert_eq!(
        (path.as_str(), &headers["x-api-key"]),
        ("/v1/messages/batches", &"test-key".parse().unwrap())
    );
    assert_eq!(headers["anthropic-version"], world.stub.calls()[0].headers["anthropic-version"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_expires_or_is_unknown_is_an_answer_with_its_reason() {
    for provider in PROVIDERS {
        let batches = Batches::start().await;
        let world = world(&batches, provider).await;
        let words = ["<ok>", "<fail>", "<expire>", "<cancel>", "<odd>", "<lose>"];
        let lines = words.map(|word| format!("{}\n", json!({ "message": word })));
        world.write("in.jsonl", lines.concat());
        world.yogi(&RUN).await.expect(3).saying(&["failed", "4"]);
        let mut answers = world.lines("out.jsonl");
        answers.sort_by_key(|answer| answer["line"].as_u64());
        let kinds: Vec<_> = answers.iter().map(|answer| answer["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["reply", "error", "error", "cancelled", "error", "error"]);
        let error = |line: usize| {
            (answers[line]["error"]["code"].as_str(), answers[line]["error"]["message"].to_string())
        };
        let (code, reason) = error(1);
        assert!(
            code == Some("providers_rejected") && reason.contains("invalid_request_error"),
            "{reason}"
        );
        let (code, reason) = error(2);
        assert!(code == Some("providers_unavailable") && reason.contains("24 hours"), "{reason}");
        assert!(
            error(4).1.contains("does not know") && error(5).1.contains("without a result"),
            "{answers:?}"
        );
        assert!(!world.read("out.jsonl").contains("test-key"));
        // It is done: the same command has nothing to send.
        world.yogi(&RUN).await.expect(3);
        check_paid_once(&batches, 6);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_need_each_other_or_another_provider_are_rejected() {
    let batches = Batches::start().await;
    let world = world(&batches, "claude").await;
    let lines = [
        json!({ "message": "question <1>", "metadata": { "n": 1 }, "session_id": "alone" }),
        json!({ "message": "a", "session_id": "s" }),
        json!({ "message": "b", "session_id": "s" }),
        json!({ "message": "c", "provider": "openai" }),
        json!({ "mesage": "d" }),
    ];
    world.write("in.jsonl", lines.map(|line| format!("{line}\n")).concat());
    world.yogi(&RUN).await.expect(3).saying(&["line 2: session_id", "line 3 too", "of their own"]);
    check_answers(&world.lines("out.jsonl"), 1);
    let rejected: Vec<_> =
        world.lines("out.jsonl.rejects").iter().map(|reject| reject["line"].as_u64()).collect();
    assert_eq!(rejected, [2, 3, 4, 5].map(Some));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_while_it_creates_a_batch_finds_it_again() {
    for provider in PROVIDERS {
        let batches = Batches::start().await;
        let world = world(&batches, provider).await;
        world.write("in.jsonl", questions(4));
        batches.next(Creation::Unanswered);
        run_and_kill(&world, || batches.with(|seen| !seen.batches.is_empty())).await;
        let status = world
            .yogi(&["batch", "status", "out.jsonl", "--json"])
            .await
            .expect(0)
            .objects()
            .pop()
            .unwrap();
        assert_eq!(
            (&status["state"], &status["provider_batches"][0]["state"]),
            (&json!("waiting"), &json!("unknown"))
        );
        // Claude's batches carry no mark: somebody else's of the same size is told from ours by its
        // results.
        batches.add_other(4);
        world.yogi(&RUN).await.expect(0);
        check_answers(&world.lines("out.jsonl"), 4);
        assert_eq!(batches.with(|seen| seen.batches.len()), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_before_the_batch_is_created_sends_it_once() {
    for provider in PROVIDERS {
        let batches = Batches::start().await;
        let world = world(&batches, provider).await;
        world.write("in.jsonl", questions(4));
        batches.next(Creation::Lost);
        run_and_kill(&world, || batches.with(|seen| seen.creations.is_empty())).await;
        assert_eq!(world.read("out.jsonl"), "");
        age(&world);
        world.yogi(&RUN).await.expect(0);
        check_answers(&world.lines("out.jsonl"), 4);
        check_paid_once(&batches, 4);
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn where_another_batch_may_be_ours_it_is_waited_for_unless_the_operator_chooses_otherwise() {
    let batches = Batches::start().await;
    let world = world(&batches, "claude").await;
    world.write("in.jsonl", questions(4));
    batches.next(Creation::Lost);
    run_and_kill(&world, || batches.with(|seen| seen.creations.is_empty())).await;
    batches.add_other(4);
    batches.with(|seen| seen.held = true);
    let child = world.command(&RUN).spawn().unwrap();
    let calls = || batches.with(|seen| seen.calls.len());
    let before = calls();
    until(|| calls() >= before + 2).await;
    let pid = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(
        said.contains("--resend-uncertain")
            && said.contains("batch_1")
            && said.contains("the same command"),
        "{said}"
    );
    assert_eq!(batches.with(|seen| seen.batches.len()), 1);
    batches.with(|seen| seen.held = false);
    world.yogi(&[&RUN[..], &["--again"]].concat()).await.expect(0);
    check_answers(&world.lines("out.jsonl"), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_while_it_waits_collects_later_what_it_sent() {
    for provider in PROVIDERS {
        let batches = Batches::start().await;
        let world = world(&batches, provider).await;
        world.write("in.jsonl", questions(5));
        batches.with(|seen| seen.held = true);
        let run = [&RUN[..], &["--part", "2"]].concat();
        let mut child = world.command(&run).spawn().unwrap();
        until(|| world.read("out.jsonl.journal").matches("created").count() == 3).await;
        child.kill().await.unwrap();
        world.yogi(&["batch", "status", "out.jsonl"]).await.saying(&[
            "waiting",
            "batch_3",
            "--provider-batch",
        ]);
        world
            .yogi(&["batch", "run", "in.jsonl", "--out", "out.jsonl"])
            .await
            .expect(2)
            .saying(&["--provider-batch"]);
        batches.with(|seen| seen.held = false);
        world.yogi(&run).await.expect(0);
        check_answers(&world.lines("out.jsonl"), 5);
        check_paid_once(&batches, 5);
        assert_eq!(batches.with(|seen| seen.batches.len()), 3);
        assert!(!world.path("out.jsonl.requests").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_batch_keeps_what_was_answered_and_stays_cancelled() {
    for (provider, is_running) in
        [("claude", true), ("claude", false), ("openai", true), ("openai", false)]
    {
        let batches = Batches::start().await;
        let world = world(&batches, provider).await;
        world.write("in.jsonl", questions(3));
        batches.with(|seen| seen.held = true);
        let mut child = world.command(&RUN).spawn().unwrap();
        until(|| world.read("out.jsonl.journal").contains("created")).await;
        if !is_running {
            child.kill().await.unwrap();
        }
        world
            .yogi(&["batch", "cancel", "out.jsonl"])
            .await
            .expect(0)
            .saying(&["cancelled: 3 of 3"]);
        if is_running {
            assert_eq!(child.wait().await.unwrap().code(), Some(3));
        }
        let kinds: Vec<_> =
            world.lines("out.jsonl").iter().map(|answer| answer["kind"].clone()).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == "cancelled").count(), 2, "{kinds:?}");
        world.yogi(&RUN).await.expect(2).saying(&["was cancelled"]);
        world.yogi(&["batch", "cancel", "out.jsonl"]).await.expect(0).saying(&["already"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_nothing_is_begun() {
    let world = World::offline().await;
    world.write("in.jsonl", questions(1));
    world.yogi(&RUN).await.expect(2).saying(&["ANTHROPIC_API_KEY or OPENAI_API_KEY"]);
    let named = |provider| [&RUN[..], &["--provider", provider]].concat();
    world.yogi(&named("openai")).await.expect(2).saying(&["set OPENAI_API_KEY"]);
    world.yogi(&named("bedrock")).await.expect(2).saying(&["claude or openai"]);
    assert!(!world.path("out.jsonl").exists() && !world.path("out.jsonl.journal").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_is_said_and_never_shown() {
    for provider in PROVIDERS {
        let batches = Batches::start().await;
        let world = world(&batches, provider).await;
        world.write("in.jsonl", questions(1));
        batches.with(|seen| seen.broken = Some(401));
        let said = world.yogi(&RUN).await.expect(4).saying(&["refuses the key in", "401"]);
        let files = ["out.jsonl", "out.jsonl.journal", "out.jsonl.rejects"]
            .map(|file| world.read(file))
            .concat();
        assert!(!format!("{}{}{files}", said.out, said.err).contains("test-key"), "{}", said.err);
        // Nothing was created, so that the right key goes on.
        batches.with(|seen| seen.broken = None);
        world.yogi(&RUN).await.expect(0);
        check_paid_once(&batches, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_busy_is_tried_again_and_one_that_failed_is_asked_first() {
    for provider in PROVIDERS {
        let batches = Batches::start().await;
        let world = world(&batches, provider).await;
        world.write("in.jsonl", questions(3));
        for creation in [Creation::Refused(429), Creation::Refused(503), Creation::Failing(500)] {
            batches.next(creation);
        }
        world.yogi(&RUN).await.expect(0);
        check_answers(&world.lines("out.jsonl"), 3);
        check_paid_once(&batches, 3);
    }
    let batches = Batches::start().await;
    let world = world(&batches, "claude").await;
    world.write("in.jsonl", questions(1));
    batches.with(|seen| seen.broken = Some(529));
    let run = [&RUN[..], &["--patience", "0"]].concat();
    world.yogi(&run).await.expect(4).saying(&["busy", "529", "the same command"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_might_cost_more_than_it_may_is_not_sent() {
    let batches = Batches::start().await;
    let world = world(&batches, "claude").await;
    world.write("in.jsonl", questions(3));
    let budget = |dollars| [&RUN[..], &["--budget", dollars]].concat();
    world
        .yogi(&budget("0.0005"))
        .await
        .expect(2)
        .saying(&["may cost up to", "nothing more was sent"]);
    assert_eq!(batches.with(|seen| seen.calls.len()), 0);
    world.yogi(&budget("5")).await.expect(0);
    check_answers(&world.lines("out.jsonl"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_refused_as_a_whole_was_not_run_and_can_be_sent_again() {
    let batches = Batches::start().await;
    let world = world(&batches, "openai").await;
    world.write("in.jsonl", questions(3));
    batches.with(|seen| seen.status = Some("failed"));
    world.yogi(&RUN).await.expect(1).saying(&["token_limit_exceeded", "sends it again"]);
    assert_eq!(world.read("out.jsonl"), "");
    batches.with(|seen| seen.status = Some("expired"));
    world.yogi(&RUN).await.expect(0);
    check_answers(&world.lines("out.jsonl"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_fetched_from_the_configured_server_alone() {
    let batches = Batches::start().await;
    let world = world(&batches, "claude").await;
    world.write("in.jsonl", questions(1));
    let elsewhere = Batches::start().await;
    batches.with(|seen| seen.answer_from(elsewhere.url()));
    world.yogi(&RUN).await.expect(0);
    check_answers(&world.lines("out.jsonl"), 1);
    assert_eq!(elsewhere.with(|seen| seen.calls.len()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_help_says_what_such_answers_are() {
    let world = World::offline().await;
    let words =
        ["no turns of the chatbot", "never been run against the real services", "half the price"];
    world.yogi(&["batch", "run", "--help"]).await.expect(0).saying(&words);
    let wrong: [&[&str]; 2] = [&["--concurrency", "3"], &["--rate", "1/s"]];
    for flags in wrong {
        world.yogi(&[&RUN[..], flags].concat()).await.expect(2);
    }
}
