//! `yogi eval`: asks questions with known answers, scores the replies and compares models.

mod questions;
mod score;

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde_json::json;
use shared::domain::{DocumentId, MessageText, MicroUsd, ProviderName};
use shared::operator::TurnView;
use shared::queue_messages::Replay;

use self::questions::{Question, QuestionKind, QuestionSet};
use self::score::Score;
use crate::args::EvalArgs;
use crate::backend::DataPolicy;
use crate::context::Context;
use crate::exit::{ExitStatus, usage};
use crate::output::{Table, Tone, clean, count, cut, millis, money, note, share};
use crate::question_runner::{self, QuestionRunner, Reply};
use crate::reference;
use crate::times::Times;

/// How many wrong answers are shown of each model.
const SHOWN: usize = 10;

/// What is compared: who answers, with which model.
#[derive(Debug, Clone)]
struct Candidate {
    name: String,
    provider: Option<ProviderName>,
    model: Option<String>,
}

/// One candidate's answers with their scores, in the order of the questions.
struct CandidateResults {
    candidate: Candidate,
    answers: Vec<(Option<TurnView>, Score)>,
}

/// Runs the command.
pub(crate) async fn run(context: &Context, what: &EvalArgs) -> anyhow::Result<ExitStatus> {
    let questions = QuestionSet::read(&what.file)?;
    let candidates = candidates(&what.with)?;
    let instructions = what.prompt.as_deref().map(read).transpose()?;
    context
        .with_backend(DataPolicy::CreateIfMissing, |backend| async move {
            let principal = context.principal()?;
            let quiet = context.output.json;
            let runner =
                QuestionRunner { backend, principal, concurrency: what.concurrency.into(), quiet };
            let mut all = Vec::new();
            for candidate in candidates {
                let conditions = Replay {
                    model: candidate.model.clone(),
                    instructions: instructions.clone(),
                    history: Vec::new(),
                };
                let Some(results) =
                    ask(context, &runner, &questions, candidate, conditions).await?
                else {
                    note("interrupted: nothing was scored; run the same command to start over");
                    return Ok(ExitStatus::Interrupted);
                };
                all.push(results);
            }
            write(what.out.as_deref(), &questions, &all)?;
            Ok(report(context, what, &questions, &all))
        })
        .await
}

fn candidates(with: &[String]) -> anyhow::Result<Vec<Candidate>> {
    if with.is_empty() {
        return Ok(vec![Candidate { name: "preferred".to_owned(), provider: None, model: None }]);
    }
    with.iter()
        .map(|text| {
            let (provider, model) = text
                .split_once(':')
                .map_or((text.as_str(), None), |(name, model)| (name, Some(model)));
            let provider = Some(reference::provider(provider)?);
            Ok(Candidate { name: text.clone(), provider, model: model.map(str::to_owned) })
        })
        .collect()
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).map_err(|error| usage(format!("{}: {error}", path.display())))
}

async fn ask(
    context: &Context,
    runner: &QuestionRunner,
    questions: &QuestionSet,
    candidate: Candidate,
    conditions: Replay,
) -> anyhow::Result<Option<CandidateResults>> {
    let wanted: Vec<_> = questions
        .all
        .iter()
        .map(|question| question_runner::Question {
            message: question.message.clone(),
            document_id: question.document.clone(),
            provider: candidate.provider,
            replay: conditions.clone(),
        })
        .collect();
    let id = format!("eval.{}", context.new_id());
    let answered = runner.all(&id, &wanted).await?;
    if answered.interrupted {
        return Ok(None);
    }
    let turns: Vec<_> = answered
        .replies
        .into_iter()
        .map(|reply| match reply {
            Some(Reply::Turn(turn)) => Some(*turn),
            _ => None,
        })
        .collect();
    let mut scores: Vec<_> = questions
        .all
        .iter()
        .zip(&turns)
        .map(|(question, turn)| score::of(questions, question, turn.as_ref()))
        .collect();
    if let Some(judge) = &questions.judge {
        let judged =
            judge_all(runner, &format!("{id}.judge"), judge, questions, &turns, &mut scores)
                .await?;
        if !judged {
            return Ok(None);
        }
    }
    Ok(Some(CandidateResults { candidate, answers: turns.into_iter().zip(scores).collect() }))
}

/// Asks the judge about every answer; tells whether it was not interrupted.
async fn judge_all(
    runner: &QuestionRunner,
    prefix: &str,
    judge: &str,
    questions: &QuestionSet,
    turns: &[Option<TurnView>],
    scores: &mut [Score],
) -> anyhow::Result<bool> {
    let mut wanted = Vec::new();
    let mut places = Vec::new();
    for (place, (question, turn)) in questions.all.iter().zip(turns).enumerate() {
        let Some(turn) = turn.as_ref().filter(|_| question.kind != QuestionKind::Unscored) else {
            continue;
        };
        let Ok(message) = MessageText::parse(score::judging(judge, question, turn)) else {
            continue;
        };
        let replay = Replay { instructions: Some(score::JUDGE.to_owned()), ..Replay::default() };
        wanted.push(question_runner::Question {
            message,
            document_id: None::<DocumentId>,
            provider: None,
            replay,
        });
        places.push(place);
    }
    let answered = runner.all(prefix, &wanted).await?;
    for (place, reply) in places.into_iter().zip(answered.replies) {
        if let Some(Reply::Turn(turn)) = reply {
            scores[place] = score::verdict(turn.text.as_deref().unwrap_or_default());
        }
    }
    Ok(!answered.interrupted)
}

fn report(
    context: &Context,
    what: &EvalArgs,
    questions: &QuestionSet,
    all: &[CandidateResults],
) -> ExitStatus {
    let output = context.output;
    let mut table = Table::new(&[
        "model",
        ">answered",
        ">declined",
        ">correct",
        ">failed",
        ">output tokens",
        ">cost",
        ">p50",
    ]);
    let mut low = false;
    let mut failed_any = false;
    for results in all {
        let of = |kind: QuestionKind| {
            let scored = questions
                .all
                .iter()
                .zip(&results.answers)
                .filter(|(question, _)| question.kind == kind);
            let right = scored.clone().filter(|(_, (_, score))| score.right).count() as u64;
            (right, scored.count() as u64)
        };
        let answered = of(QuestionKind::Answered);
        let declined = of(QuestionKind::Declined);
        let right = answered.0 + declined.0;
        let scored = answered.1 + declined.1;
        let turns = || results.answers.iter().filter_map(|(turn, _)| turn.as_ref());
        let failed = results
            .answers
            .iter()
            .filter(|(turn, _)| turn.as_ref().is_none_or(|turn| turn.error.is_some()))
            .count() as u64;
        let cost: i64 = turns().filter_map(|turn| turn.cost_micro_usd).map(|cost| cost.0).sum();
        let tokens: u64 =
            turns().filter_map(|turn| turn.usage).map(|usage| usage.output_tokens).sum();
        let mut times = Times::default();
        turns().for_each(|turn| times.add(turn.timings.total_ms));
        let name = name(results);
        output.object(&json!({
            "type": "score", "with": name, "right": right, "of": scored,
            "answered_right": answered.0,
            "answered": answered.1, "declined_right": declined.0, "declined": declined.1,
            "failed": failed,
            "output_tokens": tokens, "cost_micro_usd": cost, "total_ms": times.summary(),
        }));
        table.row([
            cut(&name, 40),
            format!("{} of {}", answered.0, answered.1),
            format!("{} of {}", declined.0, declined.1),
            share(right, scored),
            count(failed),
            count(tokens),
            money(MicroUsd(cost)),
            times.percentile(50).map_or_else(|| "–".to_owned(), millis),
        ]);
        failed_any |= failed > 0;
        low |= what.min_score.is_some_and(|least| percent(right, scored) < least);
        if right < scored {
            table.tone(3, Tone::Warning);
        }
    }
    output.table(&table);
    wrong_answers(context, questions, all);
    match (low, failed_any) {
        (true, _) => ExitStatus::Failed,
        (_, true) => ExitStatus::Partial,
        _ => ExitStatus::Success,
    }
}

#[expect(clippy::cast_precision_loss, reason = "questions are few")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 100.0 } else { part as f64 / whole as f64 * 100.0 }
}

/// Returns what answered: who was wanted for, or the model that turned out to be preferred.
fn name(results: &CandidateResults) -> String {
    let turn = results.answers.iter().find_map(|(turn, _)| turn.as_ref());
    let model = turn
        .and_then(|turn| turn.model.clone().or(turn.provider.map(|provider| provider.to_string())));
    match (&results.candidate.provider, model) {
        (None, Some(model)) => model,
        _ => results.candidate.name.clone(),
    }
}

fn wrong_answers(context: &Context, questions: &QuestionSet, all: &[CandidateResults]) {
    for results in all {
        let wrong: Vec<_> = questions
            .all
            .iter()
            .zip(&results.answers)
            .filter(|(question, (_, score))| {
                question.kind != QuestionKind::Unscored && !score.right
            })
            .collect();
        if wrong.is_empty() {
            continue;
        }
        context.output.line("");
        context
            .output
            .line(&context.output.paint(Tone::Bold, &format!("{}: wrong answers", name(results))));
        for (question, (turn, score)) in wrong.iter().take(SHOWN) {
            context.output.line(&format!("  {}", clean(question.message.as_str())));
            context
                .output
                .line(&context.output.paint(Tone::Dim, &format!("    {}", clean(&score.why))));
            let text = turn.as_ref().map_or("(no answer)", crate::output::turns::answer);
            context.output.line(&format!("    {}", cut(text, 160)));
        }
        if wrong.len() > SHOWN {
            context.output.line(&format!(
                "  … and {} more; use --out FILE to get all of them",
                wrong.len() - SHOWN
            ));
        }
    }
}

fn write(
    out: Option<&Path>,
    questions: &QuestionSet,
    all: &[CandidateResults],
) -> anyhow::Result<()> {
    let Some(out) = out else { return Ok(()) };
    let mut lines = Vec::new();
    for results in all {
        for (question, (turn, score)) in questions.all.iter().zip(&results.answers) {
            let Question { message, document, kind, .. } = question;
            let line = json!({
                "with": name(results), "question": message, "document": document,
                "kind": kind.as_str(),
                "right": (*kind != QuestionKind::Unscored).then_some(score.right), "why": score.why,
                "reply": turn,
            });
            serde_json::to_writer(&mut lines, &line)?;
            lines.push(b'\n');
        }
    }
    let written = std::fs::File::create(out).and_then(|mut file| file.write_all(&lines));
    written.with_context(|| format!("{} cannot be written", out.display()))
}
