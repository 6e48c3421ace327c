//! `yogi stats`: figures of a span of time, as the server keeps them.

use std::time::Duration;

use serde_json::json;
use shared::domain::{MicroUsd, Timestamp};
use shared::operator::{Figures, Latency, Stats};

use crate::args;
use crate::backend::DataPolicy;
use crate::context::Context;
use crate::exit::{ExitStatus, usage};
use crate::output::{Table, Tone, clean, count, cut, millis, money, share};
use crate::time_span;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// The most rows that a person reads.
const MOST_ROWS: u32 = 100;

/// Runs the command.
pub(crate) async fn run(context: &Context, span: &args::StatsArgs) -> anyhow::Result<ExitStatus> {
    let now = context.now();
    let from = time_span::point(&span.from, now)?;
    let to = span.to.as_deref().map_or(Ok(now), |to| time_span::point(to, now))?;
    if from >= to {
        return Err(usage(format!(
            "--from {} is not before --to {}",
            from.to_rfc3339(),
            to.to_rfc3339()
        )));
    }
    context
        .with_backend(DataPolicy::Look, |backend| async move {
            let stats = backend.stats(from, to, step(to.since(from))).await?;
            show(context, &stats);
            Ok(ExitStatus::Success)
        })
        .await
}

/// Returns hours for a day, days for months, and more days for years.
fn step(span: Duration) -> Duration {
    if span <= DAY {
        return HOUR;
    }
    let days = u32::try_from(span.as_secs() / DAY.as_secs()).unwrap_or(u32::MAX);
    DAY * (days / MOST_ROWS + 1)
}

fn show(context: &Context, stats: &Stats) {
    let output = context.output;
    let mut object = json!(stats);
    object["type"] = json!("stats");
    output.object(&object);
    let from = stats.from.to_rfc3339();
    let to = stats.to.to_rfc3339();
    let all = &stats.totals;
    if all.turns == 0 {
        return output.line(&format!("no messages from {from} to {to}"));
    }
    output.line(&output.paint(Tone::Bold, &format!("{from} to {to}")));
    output.line("");
    let name = |at: Timestamp| {
        at.to_rfc3339().chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
    };
    let times: Vec<_> =
        stats.series.iter().map(|bucket| (name(bucket.at), &bucket.figures)).collect();
    output.table(&table("from", &times, all));
    output.line("");
    let groups: Vec<_> =
        stats.groups.iter().map(|group| (answered_by(group), &group.figures)).collect();
    output.table(&table("model", &groups, all));
    if !stats.documents.is_empty() {
        output.line("");
        output.table(&documents(stats));
    }
    output.line("");
    output.table(&latencies(all));
    rest(context, all);
}

fn answered_by(group: &shared::operator::Group) -> String {
    let name = [&group.model, &group.provider].into_iter().find(|name| !name.is_empty());
    let name = name.map_or("none", String::as_str);
    if group.synthetic { format!("{name} (operators)") } else { name.to_owned() }
}

fn table(name: &'static str, parts: &[(String, &Figures)], all: &Figures) -> Table {
    let mut table = Table::new(&[
        name,
        ">messages",
        ">share",
        ">failed",
        ">stopped",
        ">restarted",
        ">in",
        ">out",
        ">cost",
        ">p50",
        ">p99",
    ]);
    for (part, figures) in parts {
        let failed = figures.errors.values().sum();
        table.row([
            cut(part, 40),
            count(figures.turns),
            share(figures.turns, all.turns),
            count(failed),
            count(figures.cancelled),
            count(figures.restarted),
            count(figures.input_tokens),
            count(figures.output_tokens),
            money(cost(figures.cost_micro_usd)),
            time(&figures.total, figures.total.p50),
            time(&figures.total, figures.total.p99),
        ]);
        if failed > 0 {
            table.tone(3, Tone::Bad);
        }
    }
    table
}

fn documents(stats: &Stats) -> Table {
    let mut table = Table::new(&["document", ">messages", ">share", ">cost"]);
    for document in &stats.documents {
        table.row([
            cut(&document.document_id, 40),
            count(document.turns),
            share(document.turns, stats.totals.turns),
            money(cost(document.cost_micro_usd)),
        ]);
    }
    table
}

fn latencies(all: &Figures) -> Table {
    let mut table = Table::new(&["latency", ">p50", ">p95", ">p99"]);
    let times = [
        ("queue", &all.queue),
        ("time to first token", &all.first_token),
        ("time to full reply", &all.total),
    ];
    for (name, latency) in times {
        let [p50, p95, p99] =
            [latency.p50, latency.p95, latency.p99].map(|percentile| time(latency, percentile));
        table.row([name.to_owned(), p50, p95, p99]);
    }
    table
}

fn rest(context: &Context, all: &Figures) {
    let output = context.output;
    for (code, times) in &all.errors {
        output.line(
            &output.paint(Tone::Bad, &format!("{} failed with {}", count(*times), clean(code))),
        );
    }
    if all.up + all.down > 0 {
        output.line(&format!("rated: {} up, {} down", all.up, all.down));
    }
    if all.unpriced > 0 {
        output.line(&format!(
            "{} answers came from a model without a known price",
            count(all.unpriced)
        ));
    }
}

/// Writes a percentile; what an older version recorded in coarse steps is marked.
fn time(latency: &Latency, percentile: Option<u64>) -> String {
    let mark = if latency.approximate { "≈ " } else { "" };
    percentile.map_or_else(|| "–".to_owned(), |ms| format!("{mark}{}", millis(ms)))
}

fn cost(micro_usd: u64) -> MicroUsd {
    MicroUsd(i64::try_from(micro_usd).unwrap_or(i64::MAX))
}
