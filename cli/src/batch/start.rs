//! `yogi batch run`: begins a batch, or goes on with it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use shared::domain::{Principal, ProviderName};

use super::answers::Answers;
use super::flight::Flights;
use super::input::Feed;
use super::journal::{Input, Journal, beside};
use super::pace::{Rate, Window};
use super::provider;
use super::rejects::Rejects;
use super::run::{End, Run};
use super::summary::Summary;
use crate::args::BatchRun;
use crate::config::Target;
use crate::desk::Desk;
use crate::exit::{Exit, usage};
use crate::home::{Home, Need, RetryTimeout};
use crate::output::{Progress, count, note};

/// What a batch works on.
pub(super) struct Files {
    pub(super) journal: Journal,
    pub(super) answers: Answers,
    pub(super) summary: Summary,
}

/// Runs the command.
pub(crate) async fn run(desk: &Desk, what: &BatchRun) -> anyhow::Result<Exit> {
    if what.provider_batch {
        return provider::run(desk, what).await;
    }
    let files = open(desk, what, || Ok(None))?;
    if let Some(provider) = files.journal.header.provider_batch {
        return Err(usage(format!(
            "the batch of {} goes to {provider} itself: go on with it with --provider-batch",
            what.out.display()
        )));
    }
    let lines = files.journal.header.lines;
    if files.summary.done() > 0 {
        note(&format!(
            "going on: {} of {} lines have their answer",
            count(files.summary.done()),
            count(lines)
        ));
    }
    desk.with_home(Need::Any, |home| async move {
        let mut run = prepare(desk, home, what, files)?;
        let ended = run.go().await;
        report(desk, &run, what, ended)
    })
    .await
}

/// Opens the files of a batch; `provider` says, for a new one, to whose batches its lines go, if to
/// any.
pub(super) fn open(
    desk: &Desk,
    what: &BatchRun,
    provider: impl FnOnce() -> anyhow::Result<Option<ProviderName>>,
) -> anyhow::Result<Files> {
    let input = Input::of(&what.file)?;
    check_places(what)?;
    let mut summary = Summary::default();
    if let Some(journal) = Journal::open(&what.out)? {
        journal.check(&what.file, &input)?;
        if journal.cancelled {
            return Err(usage(format!(
                "the batch of {} was cancelled: begin a new one with another --out",
                what.out.display()
            )));
        }
        let answers = Answers::open(&what.out, &mut summary)?;
        return Ok(Files { journal, answers, summary });
    }
    if what.out.exists() {
        return Err(usage(format!(
            "{} is there already, without the journal of a batch: name another --out, or remove it",
            what.out.display()
        )));
    }
    let provider = provider()?;
    // A journal without its first line was cut off before anything was sent.
    drop(std::fs::remove_file(Journal::path(&what.out)));
    let journal =
        Journal::begin(&what.out, &desk.new_id(), desk.principal()?.as_str(), input, provider)?;
    let answers = Answers::create(&what.out)?;
    Ok(Files { journal, answers, summary })
}

fn check_places(what: &BatchRun) -> anyhow::Result<()> {
    let same = |one: &Path, other: &Path| {
        one == other
            || one
                .canonicalize()
                .is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other))
    };
    if same(&what.file, &what.out)
        || what.rejects.as_ref().is_some_and(|rejects| same(&what.file, rejects))
    {
        return Err(usage(format!("{} is the input: it is not written over", what.file.display())));
    }
    if what.rejects.as_ref().is_some_and(|rejects| same(&what.out, rejects)) {
        return Err(usage("--out and --rejects are the same file"));
    }
    let folder = what.out.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        return Err(usage(format!("--out {}: there is no such folder", what.out.display())));
    }
    Ok(())
}

/// Returns how many messages may be on their way: on AWS a batch cannot see that it is in
/// somebody's way.
fn most(desk: &Desk, what: &BatchRun) -> usize {
    let usual = if matches!(desk.config.target, Target::Stack(_)) { 5 } else { 50 };
    what.concurrency.map_or(usual, usize::from)
}

fn prepare(desk: &Desk, home: Arc<dyn Home>, what: &BatchRun, files: Files) -> anyhow::Result<Run> {
    let Files { journal, answers, summary } = files;
    let principal = Principal::parse(journal.header.principal.clone())?;
    Ok(Run {
        home,
        principal,
        feed: Feed::open(&what.file, &journal.header.batch)?,
        rejects: Rejects::new(what.rejects.clone().unwrap_or_else(|| beside(&what.out, "rejects"))),
        flights: Flights::default(),
        window: Window::new(most(desk, what)),
        rate: what.rate.map(Rate::new),
        budget: what.budget.map(micro_usd),
        retry_timeout: RetryTimeout(Duration::from_secs(what.patience)),
        progress: Progress::new(journal.header.lines, desk.output.json),
        cancel: beside(&what.out, "cancel"),
        stopping: false,
        oldest: Duration::ZERO,
        journal,
        answers,
        summary,
    })
}

/// Returns dollars as millionths.
#[expect(clippy::cast_possible_truncation, reason = "a budget of more than that is none")]
pub(super) fn micro_usd(dollars: f64) -> i64 {
    (dollars * 1e6) as i64
}

fn report(
    desk: &Desk,
    run: &Run,
    what: &BatchRun,
    ended: anyhow::Result<End>,
) -> anyhow::Result<Exit> {
    let lines = run.journal.header.lines;
    let done = run.summary.done();
    run.rejects.tell();
    let go_on = || {
        note(&format!(
            "{} of {} lines have their answer in {}; the same command goes on with the rest",
            count(done),
            count(lines),
            what.out.display()
        ));
    };
    let end = ended.inspect_err(|_| go_on())?;
    desk.output.object(&run.summary.object("summary", &run.journal.header.batch, lines));
    run.summary.show(desk.output, lines);
    Ok(match end {
        End::Interrupted => {
            go_on();
            Exit::Interrupted
        }
        End::Spent => {
            note("the budget is spent; what was answered is kept");
            go_on();
            Exit::Partly
        }
        End::Cancelled => {
            note("the batch was cancelled; what was answered is kept");
            Exit::Partly
        }
        End::Finished if run.summary.has_trouble() => Exit::Partly,
        End::Finished => Exit::Done,
    })
}
