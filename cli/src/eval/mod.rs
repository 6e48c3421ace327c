//! `yogi eval`: questions with known answers, scored, compared between models.

mod questions;
mod score;

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde_json::json;
use shared::domain::{DocumentId, MessageText, MicroUsd, ProviderName};
use shared::operator::TurnView;
use shared::queue_messages::Replay;

use self::questions::{Kind, Question, Questions};
use self::score::Score;
use crate::args::Eval;
use crate::ask::{self, Asker, Reply};
use crate::desk::Desk;
use crate::exit::{Exit, usage};
use crate::home::Need;
use crate::output::{Table, Tone, clean, count, cut, millis, money, note, share};
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
struct Results {
    candidate: Candidate,
    answers: Vec<(Option<TurnView>, Score)>,
}

/// Runs the command.
pub(crate) async fn run(desk: &Desk, what: &Eval) -> anyhow::Result<Exit> {
    let questions = Questions::read(&what.file)?;
    let candidates = candidates(&what.with)?;
    let instructions = what.prompt.as_deref().map(read).transpose()?;
    desk.with_home(Need::Any, |home| async move {
        let principal = desk.principal()?;
        let quiet = desk.output.json;
        let asker = Asker { home, principal, at_once: what.concurrency.into(), quiet };
        let mut all = Vec::new();
        for candidate in candidates {
            let conditions = Replay {
                model: candidate.model.clone(),
                instructions: instructions.clone(),
                history: Vec::new(),
            };
            let Some(results) = ask(desk, &asker, &questions, candidate, conditions).await? else {
                note("interrupted: nothing was scored; the same command begins anew");
                return Ok(Exit::Interrupted);
            };
            all.push(results);
        }
        write(what.out.as_deref(), &questions, &all)?;
        Ok(report(desk, what, &questions, &all))
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
    desk: &Desk,
    asker: &Asker,
    questions: &Questions,
    candidate: Candidate,
    conditions: Replay,
) -> anyhow::Result<Option<Results>> {
    let wanted: Vec<_> = questions
        .all
        .iter()
        .map(|question| ask::Question {
            message: question.message.clone(),
            document_id: question.document.clone(),
            provider: candidate.provider,
            replay: conditions.clone(),
        })
        .collect();
    let id = format!("eval.{}", desk.new_id());
    let answered = asker.all(&id, &wanted).await?;
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
            judge_all(asker, &format!("{id}.judge"), judge, questions, &turns, &mut scores).await?;
        if !judged {
            return Ok(None);
        }
    }
    Ok(Some(Results { candidate, answers: turns.into_iter().zip(scores).collect() }))
}

/// Asks the judge about every answer; tells whether it was not interrupted.
async fn judge_all(
    asker: &Asker,
    prefix: &str,
    judge: &str,
    questions: &Questions,
    turns: &[Option<TurnView>],
    scores: &mut [Score],
) -> anyhow::Result<bool> {
    let mut wanted = Vec::new();
    let mut places = Vec::new();
    for (place, (question, turn)) in questions.all.iter().zip(turns).enumerate() {
        let Some(turn) = turn.as_ref().filter(|_| question.kind != Kind::Unscored) else {
            continue;
        };
        let Ok(message) = MessageText::parse(score::judging(judge, question, turn)) else {
            continue;
        };
        let replay = Replay { instructions: Some(score::JUDGE.to_owned()), ..Replay::default() };
        wanted.push(ask::Question {
            message,
            document_id: None::<DocumentId>,
            provider: None,
            replay,
        });
        places.push(place);
    }
    let answered = asker.all(prefix, &wanted).await?;
    for (place, reply) in places.into_iter().zip(answered.replies) {
        if let Some(Reply::Turn(turn)) = reply {
            scores[place] = score::verdict(turn.text.as_deref().unwrap_or_default());
        }
    }
    Ok(!answered.interrupted)
}

fn report(desk: &Desk, what: &Eval, questions: &Questions, all: &[Results]) -> Exit {
    let output = desk.output;
    let mut table = Table::new(&[
        "with",
        ">answered",
        ">declined",
        ">right",
        ">failed",
        ">tokens out",
        ">cost",
        ">p50",
    ]);
    let mut low = false;
    let mut failed_any = false;
    for results in all {
        let of = |kind: Kind| {
            let scored = questions
                .all
                .iter()
                .zip(&results.answers)
                .filter(|(question, _)| question.kind == kind);
            let right = scored.clone().filter(|(_, (_, score))| score.right).count() as u64;
            (right, scored.count() as u64)
        };
        let answered = of(Kind::Answered);
        let declined = of(Kind::Declined);
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
        low |= what.at_least.is_some_and(|least| percent(right, scored) < least);
        if right < scored {
            table.tone(3, Tone::Careful);
        }
    }
    output.table(&table);
    wrong_answers(desk, questions, all);
    match (low, failed_any) {
        (true, _) => Exit::Failed,
        (_, true) => Exit::Partly,
        _ => Exit::Done,
    }
}

#[expect(clippy::cast_precision_loss, reason = "questions are few")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 100.0 } else { part as f64 / whole as f64 * 100.0 }
}

/// Returns what answered: who was wanted for, or the model that turned out to be preferred.
fn name(results: &Results) -> String {
    let turn = results.answers.iter().find_map(|(turn, _)| turn.as_ref());
    let model = turn
        .and_then(|turn| turn.model.clone().or(turn.provider.map(|provider| provider.to_string())));
    match (&results.candidate.provider, model) {
        (None, Some(model)) => model,
        _ => results.candidate.name.clone(),
    }
}

fn wrong_answers(desk: &Desk, questions: &Questions, all: &[Results]) {
    for results in all {
        let wrong: Vec<_> = questions
            .all
            .iter()
            .zip(&results.answers)
            .filter(|(question, (_, score))| question.kind != Kind::Unscored && !score.right)
            .collect();
        if wrong.is_empty() {
            continue;
        }
        desk.output.line("");
        desk.output.line(&desk.output.paint(Tone::Bold, &format!("{}: not right", name(results))));
        for (question, (turn, score)) in wrong.iter().take(SHOWN) {
            desk.output.line(&format!("  {}", clean(question.message.as_str())));
            desk.output.line(&desk.output.paint(Tone::Dim, &format!("    {}", clean(&score.why))));
            let text = turn.as_ref().map_or("(no answer)", crate::turn_table::answer);
            desk.output.line(&format!("    {}", cut(text, 160)));
        }
        if wrong.len() > SHOWN {
            desk.output
                .line(&format!("  … and {} more: --out FILE has all of them", wrong.len() - SHOWN));
        }
    }
}

fn write(out: Option<&Path>, questions: &Questions, all: &[Results]) -> anyhow::Result<()> {
    let Some(out) = out else { return Ok(()) };
    let mut lines = Vec::new();
    for results in all {
        for (question, (turn, score)) in questions.all.iter().zip(&results.answers) {
            let Question { message, document, kind, .. } = question;
            let line = json!({
                "with": name(results), "question": message, "document": document,
                "kind": kind.as_str(),
                "right": (*kind != Kind::Unscored).then_some(score.right), "why": score.why,
                "reply": turn,
            });
            serde_json::to_writer(&mut lines, &line)?;
            lines.push(b'\n');
        }
    }
    let written = std::fs::File::create(out).and_then(|mut file| file.write_all(&lines));
    written.with_context(|| format!("{} cannot be written", out.display()))
}
