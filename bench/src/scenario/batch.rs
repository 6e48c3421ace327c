//! A batch of `yogi`: as fast as the live path, in constant memory, and with priority for live
//! users.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::compare::{Variant, measure};
use super::{Bench, Launch, Program, Running};
use crate::load::{Load, MESSAGE};
use crate::measure::{Process, Spread, percentile};
use crate::report::{Section, Target, say};

const TOKEN: &str = "token-of-the-bench";
const FEW: usize = 1_000;
const MANY: usize = 10_000;
/// `yogi` and the load generator share the core that the server does not use.
const CORE: &str = "1";
const LOOK: Duration = Duration::from_millis(20);
/// How long a batch needs to notice live traffic.
const NOTICE: Duration = Duration::from_secs(2);
const MEGABYTE: f64 = 1e6;

/// The figures of one batch.
#[derive(Debug, Clone, Copy)]
struct Batch {
    /// Messages answered in a second.
    rate: f64,
    /// Peak resident memory of the tool, in bytes.
    peak: f64,
}

/// One repetition.
#[derive(Debug, Clone, Copy)]
struct Round {
    live: f64,
    few: Batch,
    many: Batch,
    /// 99th percentile of the time to first token of live users, in milliseconds: without a batch
    /// and during one.
    first: (f64, f64),
}

pub(super) async fn batch(bench: &Bench) -> anyhow::Result<Section> {
    let mut launch = bench.launch(Program::Server);
    launch.settings.push(("CHATBOT_OPERATOR_TOKEN", TOKEN.to_owned()));
    let folder = bench.shared_data("batch")?;
    let mut rounds = Vec::new();
    for _ in 0..bench.pace.repetitions {
        let round = round(bench, &launch, &folder).await?;
        say(&format!(
            "  live {:.0}/s, batch {:.0}/s, first token {:.1} and {:.1} ms",
            round.live, round.many.rate, round.first.0, round.first.1
        ));
        rounds.push(round);
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(section(&rounds))
}

async fn round(bench: &Bench, launch: &Launch, folder: &Path) -> anyhow::Result<Round> {
    let live = Variant {
        name: "live",
        launch: launch.clone(),
        sessions: 50,
        turns: Some(10),
        delay: Duration::ZERO,
        varied: false,
    };
    let live = measure(bench, &live).await?.rate;
    let running = bench.run(launch).await?;
    let few = whole(bench, &running, folder, FEW).await?;
    let many = whole(bench, &running, folder, MANY).await?;
    running.stop().await?;
    let first = beside_people(bench, launch, folder).await?;
    Ok(Round { live, few, many, first })
}

/// Runs a whole batch alone.
async fn whole(
    bench: &Bench,
    running: &Running,
    folder: &Path,
    lines: usize,
) -> anyhow::Result<Batch> {
    let (mut tool, answers) = start(bench, running, folder, lines)?;
    let began = Instant::now();
    let process = Process(tool.id().context("the batch has ended")?);
    let mut peak = 0;
    let status = loop {
        peak = peak.max(process.resident().unwrap_or(0));
        if let Some(status) = tool.try_wait()? {
            break status;
        }
        sleep(LOOK).await;
    };
    let length = began.elapsed();
    let answered = std::fs::read_to_string(&answers)?.lines().count();
    if !status.success() || answered != lines {
        bail!("the batch answered {answered} of {lines} and ended with {status}");
    }
    #[expect(clippy::cast_precision_loss, reason = "counts and bytes of a batch are small")]
    Ok(Batch { rate: lines as f64 / length.as_secs_f64(), peak: peak as f64 })
}

/// Measures the time to first token of live users without a batch, then while one runs.
async fn beside_people(
    bench: &Bench,
    launch: &Launch,
    folder: &Path,
) -> anyhow::Result<(f64, f64)> {
    let running = bench.run(launch).await?;
    let mut load = Load::start(running.address, bench.plan(1, Some(10), Duration::ZERO));
    load.opened().await?;
    load.window(bench.pace.warm_up).await?;
    let alone = first_text(&mut load, bench.pace.window).await?;
    let (mut tool, _) = start(bench, &running, folder, MANY)?;
    load.window(NOTICE).await?;
    let beside = first_text(&mut load, bench.pace.window).await?;
    if let Some(status) = tool.try_wait()? {
        bail!("the batch was over before the window was: {status}");
    }
    load.stop().await?;
    tool.kill().await?;
    running.stop().await?;
    Ok((alone, beside))
}

async fn first_text(load: &mut Load, window: Duration) -> anyhow::Result<f64> {
    let (samples, _) = load.window(window).await?;
    Ok(percentile(samples.iter().map(|sample| sample.first.as_secs_f64() * 1e3), 99))
}

/// Starts a batch; returns where its answers go.
fn start(
    bench: &Bench,
    running: &Running,
    folder: &Path,
    lines: usize,
) -> anyhow::Result<(Child, PathBuf)> {
    let place = folder.join(format!("{lines}-{}", running.address.port()));
    std::fs::create_dir_all(&place)?;
    let questions = place.join("questions.jsonl");
    let answers = place.join("answers.jsonl");
    let line = format!("{}\n", serde_json::json!({ "message": MESSAGE }));
    std::fs::write(&questions, line.repeat(lines))?;
    let mut tool = Command::new("taskset");
    tool.args(["-c", CORE]).arg(bench.programs.join("yogi"));
    tool.args(["--local", &format!("http://{}", running.address), "batch", "run"]).arg(&questions);
    tool.arg("--out")
        .arg(&answers)
        .env_clear()
        .env("CHATBOT_OPERATOR_TOKEN", TOKEN)
        .env("USER", "bench");
    tool.kill_on_drop(true).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok((tool.spawn().context("`taskset` (util-linux) is needed")?, answers))
}

fn section(rounds: &[Round]) -> Section {
    let each = |figure: fn(&Round) -> f64| rounds.iter().map(figure).collect::<Vec<_>>();
    let row = |name: &str, figure: fn(&Round) -> f64, digits: usize| {
        vec![name.to_owned(), format!("{:.digits$}", Spread::of(each(figure)))]
    };
    let rows = [
        row("live path, 50 sessions: messages/s", |round| round.live, 0),
        row("batch of 1,000: messages/s", |round| round.few.rate, 0),
        row("batch of 10,000: messages/s", |round| round.many.rate, 0),
        row("peak resident memory of `yogi`, 1,000: MB", |round| round.few.peak / MEGABYTE, 1),
        row("peak resident memory of `yogi`, 10,000: MB", |round| round.many.peak / MEGABYTE, 1),
        row("a user's time to first token, p99, no batch: ms", |round| round.first.0, 1),
        row("a user's time to first token, p99, during a batch: ms", |round| round.first.1, 1),
    ];
    let note = "The server runs on core 0; `yogi batch run` with its defaults shares core 1 \
        with the benchmark. The provider returns 50 tokens at once. First a batch runs alone \
        and answers every line. Then a user sends the next message whenever the last reply is \
        complete; the batch notices that within a second, and has two seconds to reduce its \
        concurrency.";
    let rate = Spread::of_ratios(&each(|round| round.many.rate), &each(|round| round.live));
    let memory = Spread::of_ratios(&each(|round| round.many.peak), &each(|round| round.few.peak));
    let first = Spread::of_ratios(&each(|round| round.first.1), &each(|round| round.first.0));
    Section::new("A batch of `yogi`", note)
        .with_table(&["figure", "measured"], &rows)
        .with_row(
            "batch of 10,000: messages/s of one core against the live path",
            Target::AtLeast(0.8),
            rate,
            "×",
            2,
        )
        .with_row(
            "batch: `yogi`'s memory at 10,000 against 1,000",
            Target::AtMost(1.1),
            memory,
            "×",
            2,
        )
        .with_row(
            "time to first token, p99, during a batch against without",
            Target::AtMost(2.0),
            first,
            "×",
            2,
        )
}
