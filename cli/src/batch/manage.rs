//! `yogi batch status` and `yogi batch cancel`.

use std::path::Path;
use std::time::Duration;

use shared::domain::Principal;
use tokio::time::{Instant, sleep};

use super::answers::AnswersFile;
use super::feed::Feed;
use super::in_flight::InFlight;
use super::journal::{Journal, beside};
use super::pace::ConcurrencyWindow;
use super::provider;
use super::rejects::RejectsFile;
use super::runner::BatchRunner;
use super::summary::BatchSummary;
use crate::args::BatchFileArgs;
use crate::backend::{DataPolicy, RetryTimeout};
use crate::context::Context;
use crate::exit::{ExitStatus, usage};
use crate::output::{Progress, count, note};

const RETRY_TIMEOUT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(100);

/// Runs `yogi batch status`: from the files alone, without a server.
pub(crate) fn status(context: &Context, which: &BatchFileArgs) -> anyhow::Result<ExitStatus> {
    let journal = Journal::look(&which.out)?;
    let mut summary = BatchSummary::default();
    let done = AnswersFile::read(&which.out, &mut summary)?;
    summary.rejected = rejected(&which.out);
    let lines = journal.header.lines;
    let finished = done.len() + summary.rejected >= lines;
    let state = match (journal.is_held(), journal.cancelled, finished) {
        (true, _, _) => "running",
        (_, true, _) => "cancelled",
        (_, _, true) => "finished",
        _ if journal.parts.are_open() => "waiting",
        _ => "interrupted",
    };
    let mut object = summary.object("batch", &journal.header.batch, lines);
    object["state"] = state.into();
    object["principal"] = journal.header.principal.as_str().into();
    object["sent"] = journal.sent.len().max(journal.parts.sent()).max(done.len()).into();
    if let Some(provider) = journal.header.provider_batch {
        object["provider"] = provider.as_str().into();
        object["provider_batches"] = provider::views(&journal.parts).into();
    }
    context.output.object(&object);
    context
        .output
        .line(&format!("batch {} of {}: {state}", journal.header.batch, journal.header.principal));
    context.output.line("");
    summary.show(context.output, lines);
    provider::show(context.output, &journal);
    if matches!(state, "interrupted" | "waiting") {
        let input = journal.header.input.display();
        let flag = if journal.header.provider_batch.is_some() { " --provider-batch" } else { "" };
        note(&format!("to continue: `yogi batch run {input} --out {}{flag}`", which.out.display()));
    }
    Ok(if summary.failed + summary.rejected > 0 {
        ExitStatus::Partial
    } else {
        ExitStatus::Success
    })
}

/// Runs `yogi batch cancel`: notifies the process that runs the batch, or stops the messages in
/// flight itself.
pub(crate) async fn cancel(context: &Context, which: &BatchFileArgs) -> anyhow::Result<ExitStatus> {
    if Journal::look(&which.out)?.is_held() {
        return tell(context, &which.out).await;
    }
    let Some(journal) = Journal::open(&which.out)? else {
        return Err(usage(format!(
            "{} is not a batch: nothing was ever sent",
            which.out.display()
        )));
    };
    if journal.cancelled && !journal.parts.are_open() {
        context.output.line("the batch is already cancelled");
        return Ok(ExitStatus::Success);
    }
    if let Some(provider) = journal.header.provider_batch {
        let (summary, lines) = provider::cancel(context, which, journal, provider).await?;
        done(context, &summary, lines);
        return Ok(ExitStatus::Success);
    }
    let mut summary = BatchSummary::default();
    let answers = AnswersFile::open(&which.out, &mut summary)?;
    context
        .with_backend(DataPolicy::MustExist, |backend| async move {
            let mut run = BatchRunner {
                backend,
                principal: Principal::parse(journal.header.principal.clone())?,
                feed: Feed::open(&journal.header.input, &journal.header.batch)?,
                rejects: RejectsFile::new(beside(&which.out, "rejects")),
                flights: InFlight::default(),
                window: ConcurrencyWindow::new(1),
                rate: None,
                budget: None,
                retry_timeout: RetryTimeout(Duration::ZERO),
                progress: Progress::new(journal.header.lines, true),
                cancel: beside(&which.out, "cancel"),
                stopping: true,
                oldest: Duration::ZERO,
                journal,
                answers,
                summary,
            };
            run.run().await?;
            done(context, &run.summary, run.journal.header.lines);
            Ok(ExitStatus::Success)
        })
        .await
}

/// Asks the process that works on the batch to stop, and waits until it has.
async fn tell(context: &Context, out: &Path) -> anyhow::Result<ExitStatus> {
    std::fs::write(beside(out, "cancel"), "")?;
    let began = Instant::now();
    while Journal::look(out)?.is_held() {
        if began.elapsed() > RETRY_TIMEOUT {
            return Err(anyhow::anyhow!(
                "the process that runs the batch was notified but has not stopped yet"
            ));
        }
        sleep(POLL).await;
    }
    let mut summary = BatchSummary::default();
    AnswersFile::read(out, &mut summary)?;
    done(context, &summary, Journal::look(out)?.header.lines);
    Ok(ExitStatus::Success)
}

fn done(context: &Context, summary: &BatchSummary, lines: u64) {
    context.output.object(&summary.object("cancelled", "", lines));
    context.output.line(&format!(
        "cancelled: {} of {} lines are answered, {} were stopped while running",
        count(summary.done()),
        count(lines),
        count(summary.cancelled)
    ));
}

/// Counts the rejected lines of the last run.
fn rejected(out: &Path) -> u64 {
    std::fs::read(beside(out, "rejects"))
        .map_or(0, |bytes| bytes.split(|byte| *byte == b'\n').skip(1).count() as u64)
}
