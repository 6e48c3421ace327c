//! The command: starts or continues a batch, and reports the result.

use std::time::Duration;

use providers::Prices;
use shared::domain::ProviderName;
use worker::config::{Pace, WorkerConfig};

use super::runner::ProviderBatchRunner;
use super::{connect, service};
use crate::args::BatchRunArgs;
use crate::backend::RetryTimeout;
use crate::batch::journal::beside;
use crate::batch::rejects::RejectsFile;
use crate::batch::runner::RunOutcome;
use crate::batch::start::{BatchFiles, micro_usd, open};
use crate::context::Context;
use crate::exit::{ExitStatus, usage};
use crate::output::{Progress, count, note};

/// Runs `yogi batch run --provider-batch`.
pub(in crate::batch) async fn run(
    context: &Context,
    what: &BatchRunArgs,
) -> anyhow::Result<ExitStatus> {
    let files = open(context, what, || Ok(Some(choose(context, what)?)))?;
    let provider = goes_to(&files, what)?;
    let lines = files.journal.header.lines;
    let done = files.summary.done();
    if done > 0 {
        note(&format!("continuing: {} of {} lines are answered", count(done), count(lines)));
    }
    let mut job = prepare(context, what, files, provider)?;
    let ended = job.run().await;
    report(context, &job, ended)
}

/// Returns the provider of a new batch, which has its key: the one that is named, or the first in
/// the order.
fn choose(context: &Context, what: &BatchRunArgs) -> anyhow::Result<ProviderName> {
    let provider = match &what.provider {
        Some(name) => ProviderName::parse(name)
            .filter(|provider| service::key_variable(*provider).is_some())
            .ok_or_else(|| {
                usage(format!(
                    "--provider {name:?}: the providers with a batch API are claude or openai"
                ))
            })?,
        None => preferred(context)?,
    };
    connect::connect(&context.config, provider, RetryTimeout(Duration::ZERO))?;
    Ok(provider)
}

fn preferred(context: &Context) -> anyhow::Result<ProviderName> {
    let config = WorkerConfig::from_env(&context.config.environment, Pace::ONE_MACHINE);
    let order = config.map_err(|error| usage(error.to_string()))?.preference;
    let has_key = |provider: &ProviderName| {
        service::key_variable(*provider)
            .is_some_and(|variable| context.config.provider_key(variable).is_some())
    };
    order.into_iter().find(has_key).ok_or_else(|| {
        usage(
            "--provider-batch calls the provider with your own key: set ANTHROPIC_API_KEY or \
            OPENAI_API_KEY",
        )
    })
}

/// Returns the provider that the batch was started with.
fn goes_to(files: &BatchFiles, what: &BatchRunArgs) -> anyhow::Result<ProviderName> {
    let Some(provider) = files.journal.header.provider_batch else {
        return Err(usage(format!(
            "the batch of {} was started without --provider-batch: continue it without the flag, \
            or start a new one with a different --out",
            what.out.display()
        )));
    };
    match &what.provider {
        Some(name) if name != provider.as_str() => Err(usage(format!(
            "the batch of {} goes to {provider}: for {name}, start a new one with a different --out",
            what.out.display()
        ))),
        _ => Ok(provider),
    }
}

fn prepare<'d>(
    context: &'d Context,
    what: &BatchRunArgs,
    files: BatchFiles,
    provider: ProviderName,
) -> anyhow::Result<ProviderBatchRunner<'d>> {
    let BatchFiles { journal, answers, summary } = files;
    let retry_timeout = RetryTimeout(Duration::from_secs(what.retry_timeout));
    Ok(ProviderBatchRunner {
        context,
        service: connect::connect(&context.config, provider, retry_timeout)?,
        prices: Prices::built_in()?,
        input: what.file.clone(),
        out: what.out.clone(),
        rejects: RejectsFile::new(
            what.rejects.clone().unwrap_or_else(|| beside(&what.out, "rejects")),
        ),
        progress: Progress::new(journal.header.lines, context.output.json),
        retry_timeout,
        cancel: beside(&what.out, "cancel"),
        budget: what.budget.map(micro_usd),
        again: what.resend_uncertain,
        part: what.batch_size.and_then(|part| usize::try_from(part).ok()),
        reported_unknown_status: false,
        journal,
        answers,
        summary,
    })
}

fn report(
    context: &Context,
    job: &ProviderBatchRunner<'_>,
    ended: anyhow::Result<RunOutcome>,
) -> anyhow::Result<ExitStatus> {
    let lines = job.journal.header.lines;
    let done = job.summary.done();
    job.rejects.tell();
    let go_on = || {
        let meanwhile =
            if job.journal.parts.are_open() { "; the provider continues meanwhile" } else { "" };
        note(&format!(
            "{} of {} lines are answered in {}{meanwhile}; run the same command again to continue",
            count(done),
            count(lines),
            job.out.display()
        ));
    };
    let end = ended.inspect_err(|_| go_on())?;
    context.output.object(&job.summary.object("summary", &job.journal.header.batch, lines));
    job.summary.show(context.output, lines);
    Ok(match end {
        RunOutcome::Interrupted => {
            go_on();
            ExitStatus::Interrupted
        }
        RunOutcome::Cancelled => {
            note("the batch was cancelled; existing answers are kept");
            ExitStatus::Partial
        }
        RunOutcome::Finished | RunOutcome::Spent if job.summary.has_errors() => ExitStatus::Partial,
        RunOutcome::Finished | RunOutcome::Spent => ExitStatus::Success,
    })
}
