//! `yogi batch status` and `yogi batch cancel`.

use std::path::Path;
use std::time::Duration;

use shared::domain::Principal;
use tokio::time::{Instant, sleep};

use super::answers::Answers;
use super::flight::Flights;
use super::input::Feed;
use super::journal::{Journal, beside};
use super::pace::Window;
use super::provider;
use super::rejects::Rejects;
use super::run::Run;
use super::summary::Summary;
use crate::args::BatchWhich;
use crate::desk::Desk;
use crate::exit::{Exit, usage};
use crate::home::{Need, RetryTimeout};
use crate::output::{Progress, count, note};

const TIMEOUT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(100);

/// Runs `yogi batch status`: from the files alone, without a server.
pub(crate) fn status(desk: &Desk, which: &BatchWhich) -> anyhow::Result<Exit> {
    let journal = Journal::look(&which.out)?;
    let mut summary = Summary::default();
    let done = Answers::look(&which.out, &mut summary)?;
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
    desk.output.object(&object);
    desk.output
        .line(&format!("batch {} of {}: {state}", journal.header.batch, journal.header.principal));
    desk.output.line("");
    summary.show(desk.output, lines);
    provider::show(desk.output, &journal);
    if matches!(state, "interrupted" | "waiting") {
        let input = journal.header.input.display();
        let flag = if journal.header.provider_batch.is_some() { " --provider-batch" } else { "" };
        note(&format!(
            "`yogi batch run {input} --out {}{flag}` goes on with it",
            which.out.display()
        ));
    }
    Ok(if summary.failed + summary.rejected > 0 { Exit::Partly } else { Exit::Done })
}

/// Runs `yogi batch cancel`: tells the process that runs it, or stops by itself what is on its way.
pub(crate) async fn cancel(desk: &Desk, which: &BatchWhich) -> anyhow::Result<Exit> {
    if Journal::look(&which.out)?.is_held() {
        return tell(desk, &which.out).await;
    }
    let Some(journal) = Journal::open(&which.out)? else {
        return Err(usage(format!("{} is no batch: nothing was ever sent", which.out.display())));
    };
    if journal.cancelled && !journal.parts.are_open() {
        desk.output.line("it is cancelled already");
        return Ok(Exit::Done);
    }
    if let Some(provider) = journal.header.provider_batch {
        let (summary, lines) = provider::cancel(desk, which, journal, provider).await?;
        done(desk, &summary, lines);
        return Ok(Exit::Done);
    }
    let mut summary = Summary::default();
    let answers = Answers::open(&which.out, &mut summary)?;
    desk.with_home(Need::Existing, |home| async move {
        let mut run = Run {
            home,
            principal: Principal::parse(journal.header.principal.clone())?,
            feed: Feed::open(&journal.header.input, &journal.header.batch)?,
            rejects: Rejects::new(beside(&which.out, "rejects")),
            flights: Flights::default(),
            window: Window::new(1),
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
        run.go().await?;
        done(desk, &run.summary, run.journal.header.lines);
        Ok(Exit::Done)
    })
    .await
}

/// Asks the process that works on the batch to stop, and waits until it has.
async fn tell(desk: &Desk, out: &Path) -> anyhow::Result<Exit> {
    std::fs::write(beside(out, "cancel"), "")?;
    let began = Instant::now();
    while Journal::look(out)?.is_held() {
        if began.elapsed() > TIMEOUT {
            return Err(anyhow::anyhow!(
                "the process that runs the batch has been told, and has not stopped yet"
            ));
        }
        sleep(POLL).await;
    }
    let mut summary = Summary::default();
    Answers::look(out, &mut summary)?;
    done(desk, &summary, Journal::look(out)?.header.lines);
    Ok(Exit::Done)
}

fn done(desk: &Desk, summary: &Summary, lines: u64) {
    desk.output.object(&summary.object("cancelled", "", lines));
    desk.output.line(&format!(
        "cancelled: {} of {} lines have their answer, {} were stopped while they were answered",
        count(summary.done()),
        count(lines),
        count(summary.cancelled)
    ));
}

/// Counts the rejects of the last run.
fn rejected(out: &Path) -> u64 {
    std::fs::read(beside(out, "rejects"))
        .map_or(0, |bytes| bytes.split(|byte| *byte == b'\n').skip(1).count() as u64)
}
