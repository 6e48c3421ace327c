//! `yogi stats`: figures of a span of time.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::domain::{MicroUsd, Timestamp};
use shared::operator::EventQuery;

use crate::args::Stats;
use crate::desk::Desk;
use crate::exit::{Exit, usage};
use crate::facts::{Facts, Figures};
use crate::home::{Home, Need};
use crate::output::{Table, Tone, clean, count, cut, millis, money, share};
use crate::time_span;

const PAGE: usize = 1_000;

/// Runs the command.
pub(crate) async fn run(desk: &Desk, span: &Stats) -> anyhow::Result<Exit> {
    let now = desk.now();
    let from = time_span::point(&span.from, now)?;
    let to = span.to.as_deref().map_or(Ok(now), |to| time_span::point(to, now))?;
    if from >= to {
        return Err(usage(format!("--from {} is not before --to {}", from.to_rfc3339(), to.to_rfc3339())));
    }
    desk.with_home(Need::Existing, |home| async move {
        let facts = read(home.as_ref(), from, to).await?;
        show(desk, &facts, from, to);
        Ok(Exit::Done)
    })
    .await
}

/// Folds the events that were published in a span of time.
pub(crate) async fn read(home: &dyn Home, from: Timestamp, to: Timestamp) -> anyhow::Result<Facts> {
    let mut facts = Facts::default();
    let mut after = Some(0);
    loop {
        let page = home.events(&EventQuery { after, limit: Some(PAGE), wait_ms: 0 }).await?;
        let Some(last) = page.events.last().map(|event| event.published_at) else { return Ok(facts) };
        page.events.iter().filter(|event| (from..to).contains(&event.published_at)).for_each(|event| facts.add(event));
        if last >= to {
            return Ok(facts);
        }
        after = Some(page.next);
    }
}

fn show(desk: &Desk, facts: &Facts, from: Timestamp, to: Timestamp) {
    let output = desk.output;
    output.object(&json!({
        "type": "stats", "from": from.to_rfc3339(), "to": to.to_rfc3339(), "all": object(&facts.all),
        "by_day": objects(&facts.by_day), "by_model": objects(&facts.by_model),
        "by_document": objects(&facts.by_document), "errors": facts.errors,
        "feedback": { "up": facts.rated[0], "down": facts.rated[1] },
    }));
    if facts.all.turns() == 0 {
        return output.line(&format!("no messages from {} to {}", from.to_rfc3339(), to.to_rfc3339()));
    }
    output.line(&output.paint(Tone::Bold, &format!("{} to {}", from.to_rfc3339(), to.to_rfc3339())));
    output.line("");
    for (name, parts) in [("day", &facts.by_day), ("model", &facts.by_model), ("document", &facts.by_document)] {
        output.table(&table(name, parts, &facts.all));
        output.line("");
    }
    let times = [("queue", &facts.all.queue), ("first text", &facts.all.first), ("whole answer", &facts.all.total)];
    let mut table = Table::new(&["time until", ">median", ">90 %", ">99 %", ">longest"]);
    for (name, times) in times {
        if let Some(p) = times.summary() {
            table.row([name.to_owned(), millis(p.p50), millis(p.p90), millis(p.p99), millis(p.max)]);
        }
    }
    output.table(&table);
    for (code, times) in &facts.errors {
        output.line(&output.paint(Tone::Bad, &format!("{} failed with {}", count(*times), clean(code))));
    }
    if facts.rated != [0, 0] {
        output.line(&format!("rated: {} up, {} down", facts.rated[0], facts.rated[1]));
    }
    if facts.all.unpriced > 0 {
        output.line(&format!("{} answers came from a model without a price", count(facts.all.unpriced)));
    }
}

fn table(name: &'static str, parts: &BTreeMap<String, Figures>, all: &Figures) -> Table {
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
        ">median",
        ">99 %",
    ]);
    for (part, figures) in parts {
        let time = |percent| figures.total.percentile(percent).map_or_else(|| "–".to_owned(), millis);
        table.row([
            cut(part, 32),
            count(figures.turns()),
            share(figures.turns(), all.turns()),
            count(figures.failed),
            count(figures.cancelled),
            count(figures.restarted),
            count(figures.input_tokens),
            count(figures.output_tokens),
            money(MicroUsd(figures.cost_micro_usd)),
            time(50),
            time(99),
        ]);
        if figures.failed > 0 {
            table.tone(3, Tone::Bad);
        }
    }
    table
}

fn objects(parts: &BTreeMap<String, Figures>) -> Value {
    parts.iter().map(|(name, figures)| (name.clone(), object(figures))).collect::<serde_json::Map<_, _>>().into()
}

fn object(figures: &Figures) -> Value {
    json!({
        "messages": figures.turns(), "answered": figures.answered, "failed": figures.failed,
        "cancelled": figures.cancelled, "restarted": figures.restarted, "input_tokens": figures.input_tokens,
        "output_tokens": figures.output_tokens, "cost_micro_usd": figures.cost_micro_usd,
        "unpriced": figures.unpriced, "queue_ms": figures.queue.summary(),
        "first_token_ms": figures.first.summary(), "total_ms": figures.total.summary(),
    })
}
