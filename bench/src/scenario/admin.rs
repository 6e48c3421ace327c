//! The operator page over many past events, compared with the same page over none.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::time::Instant;

use super::events::{self, EVENTS};
use super::{Bench, Launch, Program, Running};
use crate::load::Http;
use crate::measure::{Paint, Spread, percentile};
use crate::report::{Section, Target, say};

const TOKEN: &str = "token-of-the-bench";
const HOUR: i64 = 3_600_000;
/// How often each call is made in a repetition.
const ROUNDS: usize = 20;

/// The requests of the page, in order: the ranges of `local/admin/admin.js`, named as on its
/// buttons.
const CALLS: [(&str, Call); 8] = [
    ("status", Call::Plain("/admin/api/status")),
    ("stats, 1 h", Call::Span(1)),
    ("stats, 6 h", Call::Span(6)),
    ("stats, 24 h", Call::Span(24)),
    ("stats, 7 d", Call::Span(7 * 24)),
    ("stats, 30 d", Call::Span(30 * 24)),
    ("dead letters", Call::Plain("/admin/api/dead-letters")),
    ("/metrics", Call::Plain("/metrics")),
];

#[derive(Debug, Clone, Copy)]
enum Call {
    Plain(&'static str),
    /// Of so many hours until now.
    Span(i64),
}

/// What the browser shows, and when.
type Shown = (&'static str, fn(&Paint) -> f64);

const SHOWN: [Shown; 3] = [
    ("first paint in Chromium", |paint| paint.first),
    ("figures displayed, from navigation", |paint| paint.figures),
    ("a month displayed, from the click", |paint| paint.month),
];

/// One call in one repetition: milliseconds over the events and over none, and the bytes of the
/// answer.
#[derive(Debug, Default, Clone)]
struct Took {
    full: Vec<f64>,
    empty: Vec<f64>,
    bytes: usize,
}

/// Paint times of both, in milliseconds.
type Painted = Option<(Paint, Paint)>;

pub(super) async fn admin(bench: &Bench) -> anyhow::Result<Section> {
    let mut launch = Launch { provider: None, ..bench.launch(Program::Server) };
    launch.settings.push(("CHATBOT_OPERATOR_TOKEN", TOKEN.to_owned()));
    let data = bench.shared_data("admin")?;
    let folding = fill(bench, &launch, &data).await?;
    let mut runs = Vec::new();
    let mut paints = Vec::new();
    for _ in 0..bench.pace.repetitions {
        let full = launch.start_on(&bench.programs, &data).await?;
        let empty = bench.run(&launch).await?;
        let run = ask(&full, &empty).await?;
        say(&format!("  the slowest call {:.1} ms", slowest(&run)));
        runs.push(run);
        paints.extend(paint(&full, &empty).await?);
        full.stop().await?;
        empty.stop().await?;
    }
    std::fs::remove_dir_all(&data)?;
    Ok(section(&runs, &paints, folding))
}

/// Gives a new server its past events, and waits until it has folded them into its statistics.
/// Returns how long that took.
async fn fill(bench: &Bench, launch: &Launch, data: &Path) -> anyhow::Result<Duration> {
    let running = launch.start_on(&bench.programs, data).await?;
    let newest = now(&mut Http::connect(running.address).await?).await?;
    running.stop().await?;
    let turns = events::write(data, newest)?;
    say(&format!("  {EVENTS} events written"));
    let began = Instant::now();
    let running = launch.start_on(&bench.programs, data).await?;
    let mut http = Http::connect(running.address).await?;
    let stats: Value = serde_json::from_slice(&http.get(&span(newest + 1, 30 * 24), TOKEN).await?)?;
    let folded = began.elapsed();
    running.stop().await?;
    // What is still to be written would be written in somebody's measured time.
    tokio::process::Command::new("sync").status().await?;
    if stats["totals"]["turns"] != turns {
        bail!("{} of {turns} turns are counted", stats["totals"]["turns"]);
    }
    Ok(folded)
}

/// Makes every call to both servers, in turns.
async fn ask(full: &Running, empty: &Running) -> anyhow::Result<Vec<Took>> {
    let mut full = Http::connect(full.address).await?;
    let mut empty = Http::connect(empty.address).await?;
    let mut all = vec![Took::default(); CALLS.len()];
    for _ in 0..ROUNDS {
        for ((_, call), took) in CALLS.iter().zip(&mut all) {
            let (milliseconds, bytes) = one(&mut full, *call).await?;
            took.full.push(milliseconds);
            took.bytes = bytes;
            took.empty.push(one(&mut empty, *call).await?.0);
        }
    }
    Ok(all)
}

async fn one(http: &mut Http, call: Call) -> anyhow::Result<(f64, usize)> {
    let path = match call {
        Call::Plain(path) => path.to_owned(),
        Call::Span(hours) => span(now(http).await?, hours),
    };
    let began = Instant::now();
    let body = http.get(&path, TOKEN).await?;
    Ok((began.elapsed().as_secs_f64() * 1e3, body.len()))
}

async fn now(http: &mut Http) -> anyhow::Result<i64> {
    let status: Value = serde_json::from_slice(&http.get("/admin/api/status", TOKEN).await?)?;
    status["now"].as_i64().context("the status has no time")
}

fn span(to: i64, hours: i64) -> String {
    format!("/admin/api/stats?from={}&to={to}", to - hours * HOUR)
}

async fn paint(full: &Running, empty: &Running) -> anyhow::Result<Painted> {
    let Some(empty) = Paint::of(&format!("http://{}/admin", empty.address)).await? else {
        return Ok(None);
    };
    let full = Paint::of(&format!("http://{}/admin", full.address)).await?;
    Ok(full.map(|full| (full, empty)))
}

fn slowest(run: &[Took]) -> f64 {
    run.iter().flat_map(|took| &took.full).copied().fold(0.0, f64::max)
}

fn section(runs: &[Vec<Took>], paints: &[(Paint, Paint)], folding: Duration) -> Section {
    let mut rows: Vec<_> =
        CALLS.iter().enumerate().map(|(index, (name, _))| call_row(name, index, runs)).collect();
    if !paints.is_empty() {
        rows.extend(SHOWN.map(|(name, figure)| paint_row(name, figure, paints)));
    }
    let per_event = folding.as_secs_f64() * 1e6 / f64::from(EVENTS);
    rows.push(vec![
        "initial aggregation, µs per event, once".to_owned(),
        format!("{per_event:.0}"),
        String::new(),
        String::new(),
        String::new(),
        String::new(),
    ]);
    let note = "1,000,000 events over four weeks, of four models, 200 documents, users and \
        operators, written as the event port does. The server aggregates them itself, and must \
        count every turn. For each repetition it is restarted, next to a server without events, \
        and each call is made 20 times on each, alternating. Paints are measured for a new \
        visitor with an empty cache, in a browser that shares core 1 with the benchmark.";
    let headings = ["call", "p50 ms", "slowest ms", "p50 ms without events", "ratio", "answer kB"];
    let section =
        Section::new("The operator page over a million events", note).with_table(&headings, &rows);
    let slow = Spread::of(runs.iter().map(|run| slowest(run)));
    let section = section.with_row(
        "the slowest call of `/admin`, 1,000,000 events",
        Target::AtMost(200.0),
        slow,
        "ms",
        1,
    );
    if paints.is_empty() {
        return section;
    }
    let first = Spread::of(paints.iter().map(|(full, _)| full.first));
    section.with_row(
        "first paint of `/admin`, 1,000,000 events",
        Target::AtMost(500.0),
        first,
        "ms",
        0,
    )
}

fn call_row(name: &str, index: usize, runs: &[Vec<Took>]) -> Vec<String> {
    let each = |figure: &dyn Fn(&Took) -> f64| {
        runs.iter().map(|run| figure(&run[index])).collect::<Vec<_>>()
    };
    let half = |times: &[f64]| percentile(times.iter().copied(), 50);
    let full = each(&|took| half(&took.full));
    let empty = each(&|took| half(&took.empty));
    let slowest = each(&|took| percentile(took.full.iter().copied(), 100));
    #[expect(clippy::cast_precision_loss, reason = "answers are small")]
    let kilobytes = runs.first().map_or(0.0, |run| run[index].bytes as f64 / 1e3);
    vec![
        name.to_owned(),
        format!("{:.2}", Spread::of(full.iter().copied())),
        format!("{:.1}", Spread::of(slowest)),
        format!("{:.2}", Spread::of(empty.iter().copied())),
        format!("{:.1} ×", Spread::of_ratios(&full, &empty)),
        format!("{kilobytes:.0}"),
    ]
}

fn paint_row(name: &str, figure: fn(&Paint) -> f64, paints: &[(Paint, Paint)]) -> Vec<String> {
    let full: Vec<_> = paints.iter().map(|(full, _)| figure(full)).collect();
    let empty: Vec<_> = paints.iter().map(|(_, empty)| figure(empty)).collect();
    vec![
        name.to_owned(),
        format!("{:.0}", Spread::of(full.iter().copied())),
        format!("{:.0}", full.iter().copied().fold(0.0, f64::max)),
        format!("{:.0}", Spread::of(empty.iter().copied())),
        format!("{:.1} ×", Spread::of_ratios(&full, &empty)),
        String::new(),
    ]
}
