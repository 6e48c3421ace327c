//! `yogi replay`: past messages once more, under other conditions.

mod compare;
mod judge;
mod plots;
mod report;
mod select;
mod source;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;
use shared::domain::ProviderName;
use shared::queue_messages::Replay as Conditions;

use self::compare::{Pair, Totals};
pub(crate) use self::judge::fill;
use self::select::{Case, Selected};
use crate::args::Replay;
use crate::ask::{Asker, Question, Reply};
use crate::desk::Desk;
use crate::exit::{Exit, usage};
use crate::home::{Home, Need};
use crate::output::{Table, Tone, clean, count, cut, millis, money, note, share};

/// The most that is told of messages whose texts are gone.
const TOLD: usize = 10;

/// Runs the command.
pub(crate) async fn run(desk: &Desk, what: &Replay) -> anyhow::Result<Exit> {
    let prompt = what.prompt.as_deref().map(read_prompt).transpose()?;
    let judge = what.judge.as_deref().map(judge::Judge::read).transpose()?;
    let provider = what.provider.as_deref().map(crate::reference::provider).transpose()?;
    if !what.dry_run {
        std::fs::create_dir_all(&what.out).map_err(|error| {
            usage(format!("--out {} cannot be made: {error}", what.out.display()))
        })?;
    }
    desk.with_home(Need::Existing, |home| async move {
        let selected = select::select(desk, home.as_ref(), what).await?;
        tell_gone(&selected);
        if selected.cases.is_empty() {
            note("there is nothing to replay");
            return Ok(if selected.gone.is_empty() { Exit::Usage } else { Exit::Partly });
        }
        if what.dry_run {
            return Ok(dry_run(desk, &selected));
        }
        let conditions =
            Conditions { model: what.model.clone(), instructions: prompt, history: Vec::new() };
        work(desk, home, what, selected, provider, conditions, judge).await
    })
    .await
}

async fn work(
    desk: &Desk,
    home: Arc<dyn Home>,
    what: &Replay,
    selected: Selected,
    provider: Option<ProviderName>,
    conditions: Conditions,
    judge: Option<judge::Judge>,
) -> anyhow::Result<Exit> {
    let principal = desk.principal()?;
    let quiet = desk.output.json;
    let asker = Asker { home, principal, at_once: what.concurrency.into(), quiet };
    let questions: Vec<_> =
        selected.cases.iter().map(|case| question(case, provider, &conditions)).collect();
    let id = format!("replay.{}", desk.new_id());
    let answered = asker.all(&id, &questions).await?;
    let mut interrupted = answered.interrupted;
    let mut problems = 0;
    let mut pairs = Vec::new();
    for (case, reply) in selected.cases.into_iter().zip(answered.replies) {
        match reply {
            Some(Reply::Turn(turn)) => pairs.push(Pair::new(case, &turn)),
            Some(Reply::Problem(problem)) => {
                problems += 1;
                note(&format!("{} was not answered: {}", case.message_id, clean(&problem)));
            }
            None => (),
        }
    }
    if let Some(judge) = &judge
        && !interrupted
    {
        interrupted = judge.all(&asker, &format!("{id}.judge"), provider, &mut pairs).await?;
    }
    let totals = Totals::of(&pairs);
    let conditions = report::Conditions::new(what, provider, &totals, desk.now());
    write(&what.out, &pairs, &selected.gone, &conditions, &totals)?;
    show(desk, &totals, &pairs, &what.out);
    if interrupted {
        note("interrupted: the report has what was answered so far; the same command begins anew");
        return Ok(Exit::Interrupted);
    }
    let partly = !selected.gone.is_empty() || problems > 0 || totals.new.failed > 0;
    Ok(if partly { Exit::Partly } else { Exit::Done })
}

fn question(case: &Case, provider: Option<ProviderName>, conditions: &Conditions) -> Question {
    Question {
        message: case.message.clone(),
        document_id: case.document_id.clone(),
        provider: provider.or(case.old.provider),
        replay: Conditions { history: case.history.clone(), ..conditions.clone() },
    }
}

fn tell_gone(selected: &Selected) {
    if selected.gaps > 0 {
        note(&format!(
            "{} messages had turns before them that the file does not have: they are replayed \
            without",
            count(selected.gaps as u64)
        ));
    }
    for gone in selected.gone.iter().take(TOLD) {
        note(&format!(
            "gone: {} {}: {}",
            clean(&gone.session_key),
            clean(&gone.message_id),
            gone.why
        ));
    }
    if selected.gone.len() > TOLD {
        note(&format!(
            "… and {} more, all of them in the report",
            count((selected.gone.len() - TOLD) as u64)
        ));
    }
}

fn dry_run(desk: &Desk, selected: &Selected) -> Exit {
    let mut table = Table::new(&["session", "message", ">history", "model", "text"]);
    for case in &selected.cases {
        desk.output.object(&json!({
            "type": "would_replay", "session_key": case.session_key, "message_id": case.message_id,
            "history": case.history.len(),
        }));
        table.row([
            cut(&case.session_key, 11),
            cut(&case.message_id, 30),
            case.history.len().to_string(),
            cut(case.old.model.as_deref().unwrap_or("–"), 24),
            cut(case.message.as_str(), 60),
        ]);
    }
    desk.output.table(&table);
    desk.output.line(&format!("would send {} messages", selected.cases.len()));
    if selected.gone.is_empty() { Exit::Done } else { Exit::Partly }
}

fn write(
    out: &Path,
    pairs: &[Pair],
    gone: &[select::Gone],
    conditions: &report::Conditions,
    totals: &Totals,
) -> anyhow::Result<()> {
    let mut lines = Vec::new();
    for pair in pairs {
        serde_json::to_writer(&mut lines, &pair.object())?;
        lines.push(b'\n');
    }
    for gone in gone {
        serde_json::to_writer(&mut lines, &gone)?;
        lines.push(b'\n');
    }
    let page = report::page(pairs, gone, conditions, totals);
    for (name, bytes) in [("replay.jsonl", lines), ("report.html", page.into_bytes())] {
        let path = out.join(name);
        std::fs::write(&path, bytes)
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

fn show(desk: &Desk, totals: &Totals, pairs: &[Pair], out: &Path) {
    let output = desk.output;
    output.object(&totals.object());
    let mut table = Table::new(&["", ">old", ">new"]);
    for (name, old, new) in totals.rows() {
        table.row([name.to_owned(), old, new]);
    }
    output.table(&table);
    output.line("");
    let same = pairs.iter().filter(|pair| pair.is_same()).count() as u64;
    output.line(&format!(
        "{} of {} answers are the same to the letter",
        count(same),
        count(pairs.len() as u64)
    ));
    if let Some(votes) = totals.votes() {
        let [old, new, draw, unclear] = votes;
        let all = old + new + draw + unclear;
        output.line(&format!(
            "the judge prefers the new answer in {}, the old one in {}, neither in {}{}",
            output.paint(Tone::Bold, &share(new, all)),
            share(old, all),
            share(draw, all),
            if unclear > 0 {
                format!("; {unclear} verdicts cannot be read")
            } else {
                String::new()
            }
        ));
    }
    output.line(&format!("side by side: {}", out.join("report.html").display()));
}

fn read_prompt(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| usage(format!("{}: {error}", path.display())))?;
    if text.trim().is_empty() {
        return Err(usage(format!("{} is empty", path.display())));
    }
    Ok(text)
}

/// Returns an amount of money, or that there is none.
fn cost(micro: Option<i64>) -> String {
    micro.map_or_else(|| "no price".to_owned(), |micro| money(shared::domain::MicroUsd(micro)))
}

/// Returns a span, or that there is none.
fn span(ms: Option<u64>) -> String {
    ms.map_or_else(|| "–".to_owned(), millis)
}
