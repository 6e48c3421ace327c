//! The command: begins a batch or goes on with it, and says what came of it.

use std::time::Duration;

use providers::Prices;
use shared::domain::ProviderName;
use worker::config::{Pace, WorkerConfig};

use super::job::Job;
use super::service;
use crate::args::BatchRun;
use crate::batch::journal::beside;
use crate::batch::rejects::Rejects;
use crate::batch::run::End;
use crate::batch::start::{Files, micro_usd, open};
use crate::desk::Desk;
use crate::exit::{Exit, usage};
use crate::home::RetryTimeout;
use crate::output::{Progress, count, note};

/// Runs `yogi batch run --provider-batch`.
pub(in crate::batch) async fn run(desk: &Desk, what: &BatchRun) -> anyhow::Result<Exit> {
    let files = open(desk, what, || Ok(Some(choose(desk, what)?)))?;
    let provider = goes_to(&files, what)?;
    let lines = files.journal.header.lines;
    let done = files.summary.done();
    if done > 0 {
        note(&format!("going on: {} of {} lines have their answer", count(done), count(lines)));
    }
    let mut job = prepare(desk, what, files, provider)?;
    let ended = job.go().await;
    report(desk, &job, ended)
}

/// Returns the provider of a new batch, which has its key: the one that is named, or the first in
/// the order.
fn choose(desk: &Desk, what: &BatchRun) -> anyhow::Result<ProviderName> {
    let provider = match &what.provider {
        Some(name) => ProviderName::parse(name)
            .filter(|provider| service::key_variable(*provider).is_some())
            .ok_or_else(|| {
                usage(format!("--provider {name:?}: a provider with batches is claude or openai"))
            })?,
        None => preferred(desk)?,
    };
    service::open(&desk.config, provider, RetryTimeout(Duration::ZERO))?;
    Ok(provider)
}

fn preferred(desk: &Desk) -> anyhow::Result<ProviderName> {
    let config = WorkerConfig::from(&desk.config.environment, Pace::ONE_MACHINE);
    let order = config.map_err(|error| usage(error.to_string()))?.preference;
    let has_key = |provider: &ProviderName| {
        service::key_variable(*provider)
            .is_some_and(|variable| desk.config.provider_key(variable).is_some())
    };
    order.into_iter().find(has_key).ok_or_else(|| {
        usage(
            "--provider-batch asks a provider itself: set ANTHROPIC_API_KEY or OPENAI_API_KEY, \
            with which it is paid",
        )
    })
}

/// Returns the provider that the batch was begun with.
fn goes_to(files: &Files, what: &BatchRun) -> anyhow::Result<ProviderName> {
    let Some(provider) = files.journal.header.provider_batch else {
        return Err(usage(format!(
            "the batch of {} was begun without --provider-batch: go on with it like that, or \
            begin a new one with another --out",
            what.out.display()
        )));
    };
    match &what.provider {
        Some(name) if name != provider.as_str() => Err(usage(format!(
            "the batch of {} goes to {provider}: for {name} begin a new one with another --out",
            what.out.display()
        ))),
        _ => Ok(provider),
    }
}

fn prepare<'d>(
    desk: &'d Desk,
    what: &BatchRun,
    files: Files,
    provider: ProviderName,
) -> anyhow::Result<Job<'d>> {
    let Files { journal, answers, summary } = files;
    let retry_timeout = RetryTimeout(Duration::from_secs(what.patience));
    Ok(Job {
        desk,
        service: service::open(&desk.config, provider, retry_timeout)?,
        prices: Prices::built_in()?,
        input: what.file.clone(),
        out: what.out.clone(),
        rejects: Rejects::new(what.rejects.clone().unwrap_or_else(|| beside(&what.out, "rejects"))),
        progress: Progress::new(journal.header.lines, desk.output.json),
        retry_timeout,
        cancel: beside(&what.out, "cancel"),
        budget: what.budget.map(micro_usd),
        again: what.again,
        part: what.part.and_then(|part| usize::try_from(part).ok()),
        told_strange: false,
        journal,
        answers,
        summary,
    })
}

fn report(desk: &Desk, job: &Job<'_>, ended: anyhow::Result<End>) -> anyhow::Result<Exit> {
    let lines = job.journal.header.lines;
    let done = job.summary.done();
    job.rejects.tell();
    let go_on = || {
        let meanwhile =
            if job.journal.parts.are_open() { "; the provider goes on meanwhile" } else { "" };
        note(&format!(
            "{} of {} lines have their answer in {}{meanwhile}; the same command goes on with the \
            rest",
            count(done),
            count(lines),
            job.out.display()
        ));
    };
    let end = ended.inspect_err(|_| go_on())?;
    desk.output.object(&job.summary.object("summary", &job.journal.header.batch, lines));
    job.summary.show(desk.output, lines);
    Ok(match end {
        End::Interrupted => {
            go_on();
            Exit::Interrupted
        }
        End::Cancelled => {
            note("the batch was cancelled; what was answered is kept");
            Exit::Partly
        }
        End::Finished | End::Spent if job.summary.has_trouble() => Exit::Partly,
        End::Finished | End::Spent => Exit::Done,
    })
}
