//! `yogi replay`: answers past messages again with other settings.

mod compare;
mod judge;
mod plots;
mod report;
mod selection;
mod source;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;
use shared::domain::ProviderName;
use shared::queue_messages::Replay as Conditions;

use self::compare::{AnswerPair, Comparison};
pub(crate) use self::judge::fill;
use self::selection::{ReplayCase, Selection};
use crate::args::ReplayArgs;
use crate::backend::{Backend, DataPolicy};
use crate::context::Context;
use crate::exit::{ExitStatus, usage};
use crate::output::{Table, Tone, clean, count, cut, millis, money, note, share};
use crate::question_runner::{Question, QuestionRunner, Reply};

/// The most that is told of messages whose texts are gone.
const TOLD: usize = 10;

/// Runs the command.
pub(crate) async fn run(context: &Context, what: &ReplayArgs) -> anyhow::Result<ExitStatus> {
    let prompt = what.prompt.as_deref().map(read_prompt).transpose()?;
    let judge = what.judge.as_deref().map(judge::Judge::read).transpose()?;
    let provider = what.provider.as_deref().map(crate::reference::provider).transpose()?;
    if !what.dry_run {
        std::fs::create_dir_all(&what.out).map_err(|error| {
            usage(format!("--out {} cannot be created: {error}", what.out.display()))
        })?;
    }
    context
        .with_backend(DataPolicy::MustExist, |backend| async move {
            let selected = selection::select(context, backend.as_ref(), what).await?;
            tell_gone(&selected);
            if selected.cases.is_empty() {
                note("nothing to replay");
                return Ok(if selected.gone.is_empty() {
                    ExitStatus::Usage
                } else {
                    ExitStatus::Partial
                });
            }
            if what.dry_run {
                return Ok(dry_run(context, &selected));
            }
            let conditions =
                Conditions { model: what.model.clone(), instructions: prompt, history: Vec::new() };
            work(context, backend, what, selected, provider, conditions, judge).await
        })
        .await
}

async fn work(
    context: &Context,
    backend: Arc<dyn Backend>,
    what: &ReplayArgs,
    selected: Selection,
    provider: Option<ProviderName>,
    conditions: Conditions,
    judge: Option<judge::Judge>,
) -> anyhow::Result<ExitStatus> {
    let principal = context.principal()?;
    let quiet = context.output.json;
    let runner = QuestionRunner { backend, principal, concurrency: what.concurrency.into(), quiet };
    let questions: Vec<_> =
        selected.cases.iter().map(|case| question(case, provider, &conditions)).collect();
    let id = format!("replay.{}", context.new_id());
    let answered = runner.all(&id, &questions).await?;
    let mut interrupted = answered.interrupted;
    let mut problems = 0;
    let mut pairs = Vec::new();
    for (case, reply) in selected.cases.into_iter().zip(answered.replies) {
        match reply {
            Some(Reply::Turn(turn)) => pairs.push(AnswerPair::new(case, &turn)),
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
        interrupted = judge.all(&runner, &format!("{id}.judge"), provider, &mut pairs).await?;
    }
    let totals = Comparison::of(&pairs);
    let conditions = report::Conditions::new(what, provider, &totals, context.now());
    write(&what.out, &pairs, &selected.gone, &conditions, &totals)?;
    show(context, &totals, &pairs, &what.out);
    if interrupted {
        note(
            "interrupted: the report contains the answers so far; run the same command to start over",
        );
        return Ok(ExitStatus::Interrupted);
    }
    let partly = !selected.gone.is_empty() || problems > 0 || totals.new.failed > 0;
    Ok(if partly { ExitStatus::Partial } else { ExitStatus::Success })
}

fn question(
    case: &ReplayCase,
    provider: Option<ProviderName>,
    conditions: &Conditions,
) -> Question {
    Question {
        message: case.message.clone(),
        document_id: case.document_id.clone(),
        provider: provider.or(case.old.provider),
        replay: Conditions { history: case.history.clone(), ..conditions.clone() },
    }
}

fn tell_gone(selected: &Selection) {
    if selected.gaps > 0 {
        note(&format!(
            "{} messages had earlier turns that are not in the file; they are replayed without \
            them",
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
        note(&format!("… and {} more, see the report", count((selected.gone.len() - TOLD) as u64)));
    }
}

fn dry_run(context: &Context, selected: &Selection) -> ExitStatus {
    let mut table = Table::new(&["session", "message", ">history", "model", "text"]);
    for case in &selected.cases {
        context.output.object(&json!({
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
    context.output.table(&table);
    context.output.line(&format!("would send {} messages", selected.cases.len()));
    if selected.gone.is_empty() { ExitStatus::Success } else { ExitStatus::Partial }
}

fn write(
    out: &Path,
    pairs: &[AnswerPair],
    gone: &[selection::MissingMessage],
    conditions: &report::Conditions,
    totals: &Comparison,
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

fn show(context: &Context, totals: &Comparison, pairs: &[AnswerPair], out: &Path) {
    let output = context.output;
    output.object(&totals.object());
    let mut table = Table::new(&["", ">old", ">new"]);
    for (name, old, new) in totals.rows() {
        table.row([name.to_owned(), old, new]);
    }
    output.table(&table);
    output.line("");
    let same = pairs.iter().filter(|pair| pair.is_same()).count() as u64;
    output.line(&format!("{} of {} answers are the same", count(same), count(pairs.len() as u64)));
    if let Some(votes) = totals.votes() {
        let [old, new, draw, unclear] = votes;
        let all = old + new + draw + unclear;
        output.line(&format!(
            "the judge prefers the new answer in {}, the old one in {}, neither in {}{}",
            output.paint(Tone::Bold, &share(new, all)),
            share(old, all),
            share(draw, all),
            if unclear > 0 { format!("; {unclear} verdicts were unclear") } else { String::new() }
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
