//! `yogi batch run`: starts a batch, or continues it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use shared::domain::{Principal, ProviderName};

use super::answers::AnswersFile;
use super::feed::Feed;
use super::in_flight::InFlight;
use super::journal::{InputFile, Journal, beside};
use super::pace::{ConcurrencyWindow, RateLimit};
use super::provider;
use super::rejects::RejectsFile;
use super::runner::{BatchRunner, RunOutcome};
use super::summary::BatchSummary;
use crate::args::BatchRunArgs;
use crate::backend::{Backend, DataPolicy, RetryTimeout};
use crate::config::Target;
use crate::context::Context;
use crate::exit::{ExitStatus, usage};
use crate::output::{Progress, count, note};

/// The files of a batch.
pub(super) struct BatchFiles {
    pub(super) journal: Journal,
    pub(super) answers: AnswersFile,
    pub(super) summary: BatchSummary,
}

/// Runs the command.
pub(crate) async fn run(context: &Context, what: &BatchRunArgs) -> anyhow::Result<ExitStatus> {
    if what.provider_batch {
        return provider::run(context, what).await;
    }
    let files = open(context, what, || Ok(None))?;
    if let Some(provider) = files.journal.header.provider_batch {
        return Err(usage(format!(
            "the batch of {} was started with --provider-batch for {provider}: continue it with that flag",
            what.out.display()
        )));
    }
    let lines = files.journal.header.lines;
    if files.summary.done() > 0 {
        note(&format!(
            "continuing: {} of {} lines are answered",
            count(files.summary.done()),
            count(lines)
        ));
    }
    context
        .with_backend(DataPolicy::CreateIfMissing, |backend| async move {
            let mut run = prepare(context, backend, what, files)?;
            let ended = run.run().await;
            report(context, &run, what, ended)
        })
        .await
}

/// Opens the files of a batch. For a new one, `provider` chooses the provider whose batch API is
/// used, if any.
pub(super) fn open(
    context: &Context,
    what: &BatchRunArgs,
    provider: impl FnOnce() -> anyhow::Result<Option<ProviderName>>,
) -> anyhow::Result<BatchFiles> {
    let input = InputFile::of(&what.file)?;
    check_paths(what)?;
    let mut summary = BatchSummary::default();
    if let Some(journal) = Journal::open(&what.out)? {
        journal.check(&what.file, &input)?;
        if journal.cancelled {
            return Err(usage(format!(
                "the batch of {} was cancelled: start a new one with a different --out",
                what.out.display()
            )));
        }
        let answers = AnswersFile::open(&what.out, &mut summary)?;
        return Ok(BatchFiles { journal, answers, summary });
    }
    if what.out.exists() {
        return Err(usage(format!(
            "{} already exists, without the journal of a batch: use a different --out, or remove the file",
            what.out.display()
        )));
    }
    let provider = provider()?;
    // A journal without its first line was interrupted before anything was sent.
    drop(std::fs::remove_file(Journal::path(&what.out)));
    let journal = Journal::begin(
        &what.out,
        &context.new_id(),
        context.principal()?.as_str(),
        input,
        provider,
    )?;
    let answers = AnswersFile::create(&what.out)?;
    Ok(BatchFiles { journal, answers, summary })
}

fn check_paths(what: &BatchRunArgs) -> anyhow::Result<()> {
    let same = |one: &Path, other: &Path| {
        one == other
            || one
                .canonicalize()
                .is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
    };
    if same(&what.file, &what.out)
        || what.rejects.as_ref().is_some_and(|rejects| same(&what.file, rejects))
    {
        return Err(usage(format!(
            "{} is the input: it will not be overwritten",
            what.file.display()
        )));
    }
    if what.rejects.as_ref().is_some_and(|rejects| same(&what.out, rejects)) {
        return Err(usage("--out and --rejects are the same file"));
    }
    let folder = what.out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(usage(format!("--out {}: no such directory", what.out.display())));
    }
    Ok(())
}

/// Returns how many messages may be in flight. On AWS a batch cannot see whether users are waiting
/// behind it.
fn max_in_flight(context: &Context, what: &BatchRunArgs) -> usize {
    let usual = if matches!(context.config.target, Target::Stack(_)) { 5 } else { 50 };
    what.concurrency.map_or(usual, usize::from)
}

fn prepare(
    context: &Context,
    backend: Arc<dyn Backend>,
    what: &BatchRunArgs,
    files: BatchFiles,
) -> anyhow::Result<BatchRunner> {
    let BatchFiles { journal, answers, summary } = files;
    let principal = Principal::parse(journal.header.principal.clone())?;
    Ok(BatchRunner {
        backend,
        principal,
        feed: Feed::open(&what.file, &journal.header.batch)?,
        rejects: RejectsFile::new(
            what.rejects.clone().unwrap_or_else(|| beside(&what.out, "rejects")),
        ),
        flights: InFlight::default(),
        window: ConcurrencyWindow::new(max_in_flight(context, what)),
        rate: what.rate.map(RateLimit::new),
        budget: what.budget.map(micro_usd),
        retry_timeout: RetryTimeout(Duration::from_secs(what.retry_timeout)),
        progress: Progress::new(journal.header.lines, context.output.json),
        cancel: beside(&what.out, "cancel"),
        stopping: false,
        oldest: Duration::ZERO,
        journal,
        answers,
        summary,
    })
}

/// Returns dollars as millionths.
#[expect(clippy::cast_possible_truncation, reason = "larger budgets make no difference")]
pub(super) fn micro_usd(dollars: f64) -> i64 {
    (dollars * 1e6) as i64
}

fn report(
    context: &Context,
    run: &BatchRunner,
    what: &BatchRunArgs,
    ended: anyhow::Result<RunOutcome>,
) -> anyhow::Result<ExitStatus> {
    let lines = run.journal.header.lines;
    let done = run.summary.done();
    run.rejects.tell();
    let go_on = || {
        note(&format!(
            "{} of {} lines are answered in {}; run the same command again to continue",
            count(done),
            count(lines),
            what.out.display()
        ));
    };
    let end = ended.inspect_err(|_| go_on())?;
    context.output.object(&run.summary.object("summary", &run.journal.header.batch, lines));
    run.summary.show(context.output, lines);
    Ok(match end {
        RunOutcome::Interrupted => {
            go_on();
            ExitStatus::Interrupted
        }
        RunOutcome::Spent => {
            note("the budget is spent; existing answers are kept");
            go_on();
            ExitStatus::Partial
        }
        RunOutcome::Cancelled => {
            note("the batch was cancelled; existing answers are kept");
            ExitStatus::Partial
        }
        RunOutcome::Finished if run.summary.has_errors() => ExitStatus::Partial,
        RunOutcome::Finished => ExitStatus::Success,
    })
}
