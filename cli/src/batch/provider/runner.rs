//! The work: find what was created, create what is missing, wait, collect. Nothing is paid twice.

use std::path::PathBuf;
use std::time::Duration;

use providers::Prices;
use shared::domain::MicroUsd;
use shared::ports::ModelError;
use tokio::time::sleep;

use super::service::{BatchMarker, BatchService, SearchResult, provider_error};
use crate::backend::RetryTimeout;
use crate::batch::answers::AnswersFile;
use crate::batch::journal::Journal;
use crate::batch::parts::{BatchPart, PartEvent, PartState};
use crate::batch::rejects::RejectsFile;
use crate::batch::runner::RunOutcome;
use crate::batch::summary::BatchSummary;
use crate::context::{Context, interrupted};
use crate::output::{Progress, cut, money, note};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two looks at what takes hours.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How long after its interruption a creation has certainly either happened or not.
pub(super) const SETTLED: Duration = Duration::from_secs(30);
/// How long after its start a creation was certainly interrupted longer ago than that.
const LONG_SETTLED: Duration = Duration::from_mins(20);
pub(super) const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// A batch at work.
pub(super) struct ProviderBatchRunner<'d> {
    pub(super) context: &'d Context,
    pub(super) service: Box<dyn BatchService>,
    pub(super) prices: Prices,
    pub(super) input: PathBuf,
    pub(super) out: PathBuf,
    pub(super) journal: Journal,
    pub(super) answers: AnswersFile,
    pub(super) rejects: RejectsFile,
    pub(super) summary: BatchSummary,
    pub(super) progress: Progress,
    pub(super) retry_timeout: RetryTimeout,
    /// The file by which another process cancels the batch.
    pub(super) cancel: PathBuf,
    /// The budget in millionths of a US dollar.
    pub(super) budget: Option<i64>,
    /// Whether to send lines again if it is unknown whether they were sent.
    pub(super) again: bool,
    /// The maximum number of lines in one provider batch.
    pub(super) part: Option<usize>,
    /// Whether an unknown batch status was already reported.
    pub(super) reported_unknown_status: bool,
}

impl ProviderBatchRunner<'_> {
    /// Runs until the end, and leaves everything on disk.
    pub(super) async fn run(&mut self) -> anyhow::Result<RunOutcome> {
        let cancel = self.cancel.clone();
        let ended = tokio::select! {
            () = interrupted() => Ok(RunOutcome::Interrupted),
            () = asked_to(&cancel) => Ok(RunOutcome::Cancelled),
            ended = self.work() => ended.map(|()| RunOutcome::Finished),
        };
        let ended = match ended {
            Ok(RunOutcome::Cancelled) => self.stop().await.map(|()| RunOutcome::Cancelled),
            ended => ended,
        };
        self.progress.end();
        self.answers.sync().and_then(|()| self.journal.sync())?;
        ended
    }

    async fn work(&mut self) -> anyhow::Result<()> {
        self.settle().await?;
        self.send().await?;
        self.wait().await
    }

    /// Finds out whether the parts whose creation was interrupted exist at the provider.
    async fn settle(&mut self) -> anyhow::Result<()> {
        for part in self.parts(|stage| *stage == PartState::Creating) {
            let step = if self.again {
                PartEvent::Void { part: part.number }
            } else {
                match self.found(&part, self.settled(&part)).await? {
                    Some(id) => PartEvent::Created { part: part.number, id },
                    None => PartEvent::Void { part: part.number },
                }
            };
            self.note(step)?;
        }
        Ok(())
    }

    /// Returns how long to wait until the creation of a part, cut off by an earlier run, has come
    /// about or not.
    pub(super) fn settled(&self, part: &BatchPart) -> Duration {
        if self.context.now().since(part.at) > LONG_SETTLED { Duration::ZERO } else { SETTLED }
    }

    /// Looks for a part at the provider until it is certain whether it is there.
    pub(super) async fn found(
        &self,
        part: &BatchPart,
        settled: Duration,
    ) -> anyhow::Result<Option<String>> {
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        loop {
            match self.find(part, settled).await? {
                SearchResult::Found(id) => return Ok(Some(id)),
                SearchResult::NotFound => return Ok(None),
                SearchResult::Ambiguous(ids) => {
                    if !std::mem::replace(&mut told, true) {
                        self.progress.aside(|| tell_choice(&ids));
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Looks for a part at the provider, and once more where it may not be in the provider's list
    /// yet.
    pub(super) async fn find(
        &self,
        part: &BatchPart,
        settled: Duration,
    ) -> anyhow::Result<SearchResult> {
        let unsure = |error: ModelError| {
            let what = "cannot determine whether a batch was created (--resend-uncertain sends its \
                lines again, at the risk of paying twice)";
            provider_error(self.service.provider(), &error).context(what)
        };
        let mark = self.mark(part);
        let found = self.service.find(&mark).await.map_err(unsure)?;
        if found != SearchResult::NotFound || settled.is_zero() {
            return Ok(found);
        }
        sleep(settled).await;
        self.service.find(&mark).await.map_err(unsure)
    }

    /// Waits for all parts, and collects each as it ends.
    async fn wait(&mut self) -> anyhow::Result<()> {
        let mut pause = FIRST_PAUSE;
        while self.collect_ended().await? {
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    /// Collects what has ended; tells whether something has not.
    pub(super) async fn collect_ended(&mut self) -> anyhow::Result<bool> {
        let mut open = false;
        let mut done = 0;
        for part in self.parts(|stage| matches!(stage, PartState::Created(_))) {
            let look = self.service.status(part.id().unwrap_or_default()).await;
            let look = look.map_err(|error| {
                let what = format!("the batch {}", part.id().unwrap_or_default());
                provider_error(self.service.provider(), &error).context(what)
            })?;
            if let Some(unknown_status) = look
                .unknown_status
                .filter(|_| !std::mem::replace(&mut self.reported_unknown_status, true))
            {
                let what = format!(
                    "the provider reports the unknown batch status {:?}; waiting for the batch",
                    cut(&unknown_status, 40)
                );
                self.progress.aside(|| note(&what));
            }
            if let Some(end) = look.end {
                self.collect(&part, end).await?;
            } else {
                (open, done) = (true, done + look.done);
            }
        }
        self.tell(done);
        Ok(open)
    }

    /// Takes note of what happened, on the disk.
    pub(super) fn note(&mut self, step: PartEvent) -> anyhow::Result<()> {
        self.journal.note_part(step)
    }

    /// Returns what the ids of a part's requests begin with.
    pub(super) fn prefix(&self, part: u32) -> String {
        format!("{}-{part}-", self.journal.header.batch)
    }

    pub(super) fn mark(&self, part: &BatchPart) -> BatchMarker {
        let others =
            self.journal.parts.all().filter_map(BatchPart::id).map(str::to_owned).collect();
        BatchMarker { prefix: self.prefix(part.number), count: part.count(), at: part.at, others }
    }

    pub(super) fn parts(&self, at: impl Fn(&PartState) -> bool) -> Vec<BatchPart> {
        self.journal.parts.all().filter(|part| at(&part.stage)).cloned().collect()
    }

    /// Says how far it is; `there` are done at the provider, and still to be collected.
    pub(super) fn tell(&self, there: u64) {
        self.progress.at(self.summary.done() + self.summary.rejected + there);
        let waiting = self.journal.parts.all().filter(|part| part.is_open()).count();
        let cost = money(MicroUsd(self.summary.cost()));
        self.progress.say(format!("{waiting} batches at {}, {cost}", self.service.provider()));
    }
}

fn tell_choice(ids: &[String]) {
    note(&format!(
        "an earlier run ended while it created a batch, which may be {}: waiting until that batch \
        ends and shows it, so that nothing is paid twice; to send its lines again regardless, stop \
        this run and add --resend-uncertain",
        ids.join(" or ")
    ));
}

/// Returns once another process asks to cancel the batch.
async fn asked_to(cancel: &std::path::Path) {
    while !cancel.exists() {
        sleep(CHECK_INTERVAL).await;
    }
}
