//! Batches that are killed, and servers that are killed under them: nothing lost, nothing doubled, nothing paid twice.

use std::collections::BTreeMap;

use bench::stub::Behaviour;
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
    for moment in [0, 1, 2, 3, 17, 40, 41, 42, 66, 90, 91, 120, 150, 151, 177, 200, 222, 239, 250, 280] {
        let child = world.command(&RUN).spawn().unwrap();
        until(|| done(&world) >= moment && (moment > 0 || world.path("out.jsonl.journal").exists())).await;
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
    for moment in [1, 20, 60, 120, 200] {
        until(|| done(&world) >= moment).await;
        kill(server).await;
        server = world.serve_apart().await;
    }
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    check_answers(&world.lines("out.jsonl"), LINES);
    // A call whose answer was not committed when the server died is made again: at most those on their way.
    check_calls(&world, 5 * 8);
    check_paid_once_after_commit(&world);
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

/// A message whose answer was written is asked no more: the calls of each message end with the one that was kept.
#[track_caller]
fn check_paid_once_after_commit(world: &World) {
    let mut calls: BTreeMap<String, u64> = BTreeMap::new();
    for call in world.stub.calls() {
        *calls.entry(call.last_user().to_owned()).or_default() += 1;
    }
    for answer in world.lines("out.jsonl") {
        let question = answer["message"].as_str().unwrap();
        let times: u64 = calls.iter().filter(|(asked, _)| asked.contains(question)).map(|(_, times)| times).sum();
        // Each call was of a generation of its own, and the last one is the answer.
        assert!(times <= answer["generations"].as_u64().unwrap(), "{answer}: {times} calls");
    }
}
