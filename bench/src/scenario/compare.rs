//! Runs several variants in turns, so that variations of the machine affect all of them alike.

use std::time::Duration;

use super::{Bench, Launch};
use crate::load::{Load, Plan, Sample};
use crate::measure::{Spread, percentile};
use crate::report::{Section, say};

/// One variant of a run.
#[derive(Debug, Clone)]
pub(super) struct Variant {
    pub(super) name: &'static str,
    pub(super) launch: Launch,
    pub(super) sessions: usize,
    /// Turns after which a session is replaced.
    pub(super) turns: Option<u64>,
    /// The provider's pause before each token.
    pub(super) delay: Duration,
    /// Whether no two messages are the same.
    pub(super) varied: bool,
}

/// The figures of one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    /// Messages answered per second.
    pub(super) rate: f64,
    /// Microseconds of CPU for one message.
    pub(super) cpu: f64,
    /// CPU utilisation of the core, in percent.
    busy: f64,
    /// Milliseconds to the first token: median and 99th percentile.
    pub(super) first: (f64, f64),
    /// Milliseconds to the final, likewise.
    pub(super) full: (f64, f64),
    frames: f64,
    /// Repeated finals per thousand messages.
    repeats: f64,
    /// Context switches per message: voluntary, involuntary.
    switches: (f64, f64),
}

/// All runs of one variant, in order.
#[derive(Debug, Clone)]
pub(super) struct Runs {
    name: &'static str,
    runs: Vec<Run>,
}

/// Measures the variants in turns, each in a new process with new data.
pub(super) async fn compare(bench: &Bench, variants: &[Variant]) -> anyhow::Result<Vec<Runs>> {
    let mut all: Vec<Runs> =
        variants.iter().map(|v| Runs { name: v.name, runs: Vec::new() }).collect();
    for _ in 0..bench.pace.repetitions {
        for (variant, runs) in variants.iter().zip(&mut all) {
            let run = measure(bench, variant).await?;
            say(&format!(
                "  {}: {:.0} messages/s, {:.0} µs, first {:.2} ms",
                variant.name, run.rate, run.cpu, run.first.0
            ));
            runs.runs.push(run);
        }
    }
    Ok(all)
}

pub(super) async fn measure(bench: &Bench, variant: &Variant) -> anyhow::Result<Run> {
    let plan = Plan {
        varied: variant.varied,
        ..bench.plan(variant.sessions, variant.turns, variant.delay)
    };
    let running = bench.run(&variant.launch).await?;
    let process = running.process()?;
    let mut load = Load::start(running.address, plan);
    load.opened().await?;
    load.window(bench.pace.warm_up).await?;
    let cpu = process.cpu()?;
    let switches = process.switches()?;
    let (samples, length) = load.window(bench.pace.window).await?;
    let cpu = process.cpu()?.saturating_sub(cpu);
    let after = process.switches()?;
    load.stop().await?;
    running.stop().await?;
    let switches = (after.0.saturating_sub(switches.0), after.1.saturating_sub(switches.1));
    Ok(Run::of(&samples, length, cpu, switches))
}

impl Run {
    #[expect(clippy::cast_precision_loss, reason = "counts of a run of seconds are small")]
    fn of(samples: &[Sample], length: Duration, cpu: Duration, switches: (u64, u64)) -> Self {
        let count = samples.len().max(1) as f64;
        let at = |part: fn(&Sample) -> Duration| {
            let milliseconds = || samples.iter().map(|sample| part(sample).as_secs_f64() * 1e3);
            (percentile(milliseconds(), 50), percentile(milliseconds(), 99))
        };
        let sum = |part: fn(&Sample) -> u32| {
            samples.iter().map(|sample| f64::from(part(sample))).sum::<f64>()
        };
        Self {
            rate: samples.len() as f64 / length.as_secs_f64(),
            cpu: cpu.as_secs_f64() * 1e6 / count,
            busy: cpu.as_secs_f64() / length.as_secs_f64() * 100.0,
            first: at(|sample| sample.first),
            full: at(|sample| sample.full),
            frames: sum(|sample| sample.frames) / count,
            repeats: sum(|sample| sample.repeats) / count * 1e3,
            switches: (switches.0 as f64 / count, switches.1 as f64 / count),
        }
    }
}

impl Runs {
    /// Returns one figure of each run, in order.
    pub(super) fn each(&self, figure: fn(&Run) -> f64) -> Vec<f64> {
        self.runs.iter().map(figure).collect()
    }

    fn row(&self) -> Vec<String> {
        let spread = |figure: fn(&Run) -> f64| Spread::of(self.each(figure));
        vec![
            self.name.to_owned(),
            format!("{}", spread(|run| run.rate)),
            format!("{}", spread(|run| run.cpu)),
            format!("{:.0}", spread(|run| run.busy).median),
            format!("{:.2}", spread(|run| run.first.0)),
            format!("{:.2}", spread(|run| run.first.1)),
            format!("{:.2}", spread(|run| run.full.0)),
            format!("{:.2}", spread(|run| run.full.1)),
            format!("{:.1}", spread(|run| run.frames).median),
            format!("{:.1}", spread(|run| run.repeats).median),
            format!(
                "{:.1} + {:.1}",
                spread(|run| run.switches.0).median,
                spread(|run| run.switches.1).median
            ),
        ]
    }
}

const HEADINGS: [&str; 11] = [
    "variant",
    "messages/s",
    "CPU µs/message",
    "core busy %",
    "first token p50 ms",
    "first token p99 ms",
    "final p50 ms",
    "final p99 ms",
    "frames/message",
    "finals repeated ‰",
    "switches/message",
];

/// Puts the runs into a section.
pub(super) fn section(title: &'static str, note: &'static str, runs: &[Runs]) -> Section {
    let rows: Vec<_> = runs.iter().map(Runs::row).collect();
    Section::new(title, note).with_table(&HEADINGS, &rows)
}
