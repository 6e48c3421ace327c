//! The reply cache: the cost of a repeated first question, and the overhead for a new one.

use std::time::Duration;

use super::compare::{Run, Runs, Variant, compare, section};
use super::{Bench, Program};
use crate::measure::Spread;
use crate::report::{Section, Target};

const AT_ONCE: Duration = Duration::ZERO;

fn variant(
    bench: &Bench,
    name: &'static str,
    program: Program,
    cache: Option<&str>,
    varied: bool,
) -> Variant {
    let mut launch = bench.launch(program);
    launch.settings.extend(cache.map(|place| ("CHATBOT_REPLY_CACHE", place.to_owned())));
    // Every message is the first of a new session: only those are kept.
    Variant { name, launch, sessions: 1, turns: Some(1), delay: AT_ONCE, varied }
}

fn added(runs: &[Runs], of: usize, to: usize) -> Spread {
    let full = |run: &Run| run.full.0;
    Spread::of_differences(&runs[of].each(full), &runs[to].each(full))
}

pub(super) async fn cache(bench: &Bench) -> anyhow::Result<Section> {
    let variants = [
        variant(bench, "floor", Program::Floor, None, false),
        variant(bench, "no cache", Program::Server, None, true),
        variant(bench, "in memory: repeated", Program::Server, Some("memory"), false),
        variant(bench, "in memory: new", Program::Server, Some("memory"), true),
        variant(bench, "in the database: repeated", Program::Server, Some("sqlite"), false),
        variant(bench, "in the database: new", Program::Server, Some("sqlite"), true),
    ];
    let runs = compare(bench, &variants).await?;
    let note = "One session after another, each with one message, because only first questions \
        are cached. The provider returns 50 tokens at once. Repeated questions are all the \
        same, so no model is called; the floor always calls it.";
    let at_most = Target::AtMost(2.0);
    Ok(section("The reply cache", note, &runs)
        .with_row(
            "final of a repeated question over the floor, p50, in memory",
            at_most,
            added(&runs, 2, 0),
            "ms",
            2,
        )
        .with_row(
            "final of a repeated question over the floor, p50, in the database",
            at_most,
            added(&runs, 4, 0),
            "ms",
            2,
        )
        .with_row(
            "final of a new question over no cache, p50, in memory",
            at_most,
            added(&runs, 3, 1),
            "ms",
            2,
        )
        .with_row(
            "final of a new question over no cache, p50, in the database",
            at_most,
            added(&runs, 5, 1),
            "ms",
            2,
        ))
}
