//! The scenarios that compare two variants.

use std::time::Duration;

use super::compare::{Run, Runs, Variant, compare, section};
use super::{Bench, Program};
use crate::measure::Spread;
use crate::report::{Section, Target};

const AT_ONCE: Duration = Duration::ZERO;
const TOKEN: Duration = Duration::from_millis(2);
/// Bounds a session's history, which the floor does not have.
const TURNS: Option<u64> = Some(10);

fn variant(
    bench: &Bench,
    name: &'static str,
    program: Program,
    sessions: usize,
    delay: Duration,
) -> Variant {
    Variant { name, launch: bench.launch(program), sessions, turns: TURNS, delay, varied: false }
}

fn against_floor(bench: &Bench, sessions: usize, delay: Duration) -> [Variant; 2] {
    [("server", Program::Server), ("floor", Program::Floor)]
        .map(|(name, program)| variant(bench, name, program, sessions, delay))
}

fn ratio(runs: &[Runs], figure: fn(&Run) -> f64) -> Spread {
    Spread::of_ratios(&runs[0].each(figure), &runs[1].each(figure))
}

pub(super) async fn throughput(bench: &Bench) -> anyhow::Result<Section> {
    let runs = compare(bench, &against_floor(bench, 50, AT_ONCE)).await?;
    let note = "50 sessions, each sending its next message when the last reply is complete; the \
        provider returns 50 tokens at once; every commit is synced. After 10 turns, a session \
        is closed and a new one opened, so that the history stays short; that work is included.";
    let figure = "messages/s of one core against the floor";
    Ok(section("Throughput", note, &runs).with_row(
        figure,
        Target::AtLeast(0.6),
        ratio(&runs, |run| run.rate),
        "×",
        2,
    ))
}

pub(super) async fn first_token(bench: &Bench) -> anyhow::Result<Section> {
    let runs = compare(bench, &against_floor(bench, 1, TOKEN)).await?;
    let added =
        Spread::of_differences(&runs[0].each(|run| run.first.0), &runs[1].each(|run| run.first.0));
    let note = "One session; the provider sends 50 tokens, one every 2 ms, the first after 2 ms.";
    let figure = "added time to first token, p50, 1 session";
    Ok(section("Time to first token", note, &runs).with_row(
        figure,
        Target::AtMost(1.0),
        added,
        "ms",
        2,
    ))
}

pub(super) async fn tail(bench: &Bench) -> anyhow::Result<Section> {
    let runs = compare(bench, &against_floor(bench, 20, TOKEN)).await?;
    let note = "20 sessions; the provider sends 50 tokens, one every 2 ms, the first after 2 ms.";
    let figure = "time to first token, p99, 20 sessions, against the floor";
    let row = ratio(&runs, |run| run.first.1);
    Ok(section("The slowest first tokens", note, &runs).with_row(
        figure,
        Target::AtMost(2.0),
        row,
        "×",
        2,
    ))
}

pub(super) async fn durability(bench: &Bench) -> anyhow::Result<Section> {
    let full = variant(bench, "FULL", Program::Server, 50, AT_ONCE);
    let mut normal = Variant { name: "NORMAL", ..full.clone() };
    normal.launch.settings.push(("CHATBOT_SQLITE_SYNCHRONOUS", "NORMAL".to_owned()));
    let runs = compare(bench, &[full, normal]).await?;
    let note = "The load of the first table. NORMAL syncs at checkpoints only, and may lose \
        answered messages in a power failure; it is measured to show the cost of durability.";
    let figure = "throughput, `synchronous=FULL` against `NORMAL`, 50 sessions";
    let row = ratio(&runs, |run| run.rate);
    Ok(section("The price of durability", note, &runs).with_row(
        figure,
        Target::AtLeast(0.7),
        row,
        "×",
        2,
    ))
}

pub(super) async fn crowd(bench: &Bench) -> anyhow::Result<Section> {
    let crowd = variant(bench, "1,000 sessions", Program::Server, 1_000, AT_ONCE);
    let few = variant(bench, "50 sessions", Program::Server, 50, AT_ONCE);
    let runs = compare(bench, &[crowd, few]).await?;
    let note = "Both send as fast as they get answers, so at any moment 1,000 (or 50) turns are \
        in progress and the core is saturated in both: the cost of a message is the core's time \
        divided by the number of messages. At an equal, lower rate, most of the 1,000 sessions \
        would be idle.";
    let figure = "CPU per message, 1,000 concurrent sessions against 50";
    let row = ratio(&runs, |run| run.cpu);
    Ok(section("Many sessions", note, &runs).with_row(figure, Target::AtMost(1.2), row, "×", 2))
}
