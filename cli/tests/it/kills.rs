//! Batches that are killed, and servers that are killed under them: nothing lost, nothing doubled,
//! nothing paid twice.

use std::collections::BTreeMap;

use serde_json::Value;
use testkit::stub_provider::Behaviour;
use tokio::process::Child;

use crate::batch::{check_answers, check_calls, questions};
use crate::support::{World, until};

const RUN: [&str; 7] = ["batch", "run", "in.jsonl", "--out", "out.jsonl", "--concurrency", "8"];
const LINES: usize = 300;

/// Kills a process without a word, as the kernel does when memory is short.
async fn kill(mut child: Child) {
    child.kill().await.unwrap();
}

fn done(world: &World) -> usize {
    world.read("out.jsonl").lines().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_killed_at_any_moment_goes_on() {
    let world = World::new(Behaviour::Echo).await;
    let server = world.serve().await;
    world.write("in.jsonl", questions(LINES));
    for moment in
        [0, 1, 2, 3, 17, 40, 41, 42, 66, 90, 91, 120, 150, 151, 177, 200, 222, 239, 250, 280]
    {
        let child = world.command(&RUN).spawn().unwrap();
        until(|| {
            done(&world) >= moment && (moment > 0 || world.path("out.jsonl.journal").exists())
        })
        .await;
        kill(child).await;
    }
    world.yogi(&RUN).await.expect(0);
    check_answers(&world.lines("out.jsonl"), LINES);
    check_calls(&world, 0);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_under_a_batch_comes_back_and_the_batch_goes_on() {
    let world = World::new(Behaviour::Echo).await;
    world.write("in.jsonl", questions(LINES));
    let mut server = world.serve_apart().await;
    let child = world.command(&RUN).spawn().unwrap();
    let mut paid = BTreeMap::new();
    for moment in [1, 20, 60, 120, 200] {
        until(|| done(&world) >= moment).await;
        paid.extend(calls_of_answered(&world));
        kill(server).await;
        server = world.serve_apart().await;
    }
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    check_answers(&world.lines("out.jsonl"), LINES);
    // A call whose answer was not committed when the server died is made again: at most those on
    // their way.
    check_calls(&world, 5 * 8);
    // One whose answer was written is never asked again, whoever died since.
    let since = calls_of_answered(&world);
    for (question, times) in paid {
        assert_eq!(since[&question], times, "{question}");
    }
    kill(server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_with_its_own_server_that_is_killed_goes_on() {
    let world = World::new(Behaviour::Echo).await;
    world.write("in.jsonl", questions(LINES));
    for moment in [1, 30, 100, 200] {
        let child = world.command(&RUN).spawn().unwrap();
        until(|| done(&world) >= moment).await;
        kill(child).await;
    }
    world.yogi(&RUN).await.expect(0);
    check_answers(&world.lines("out.jsonl"), LINES);
    check_calls(&world, 4 * 8);
}

/// Counts the calls for each message whose answer is written.
fn calls_of_answered(world: &World) -> BTreeMap<String, usize> {
    let lines = world.read("out.jsonl");
    // The last line may be torn.
    let answers = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let calls = world.stub.calls();
    let times =
        |question: &str| calls.iter().filter(|call| call.last_user().contains(question)).count();
    let questions = answers.filter_map(|answer| answer["message"].as_str().map(str::to_owned));
    questions.map(|question| (question.clone(), times(&question))).collect()
}
