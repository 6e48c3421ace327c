//! The work: find what was created, create what is missing, wait, collect. Nothing is paid twice.

use std::path::PathBuf;
use std::time::Duration;

use providers::Prices;
use shared::domain::MicroUsd;
use shared::ports::ModelError;
use tokio::time::sleep;

use super::parts::{Part, Stage, Step};
use super::service::{Found, Mark, Service, trouble};
use crate::batch::answers::Answers;
use crate::batch::journal::Journal;
use crate::batch::rejects::Rejects;
use crate::batch::run::End;
use crate::batch::summary::Summary;
use crate::desk::{Desk, interrupted};
use crate::home::RetryTimeout;
use crate::output::{Progress, cut, money, note};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two looks at what takes hours.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How long after it was cut off a creation has either come about or not.
pub(super) const SETTLED: Duration = Duration::from_secs(30);
/// How long after its beginning a creation has been cut off for longer than that, whenever it was.
const LONG_SETTLED: Duration = Duration::from_mins(20);
pub(super) const LOOK_AROUND: Duration = Duration::from_secs(1);

/// A batch at work.
pub(super) struct Job<'d> {
    pub(super) desk: &'d Desk,
    pub(super) service: Box<dyn Service>,
    pub(super) prices: Prices,
    pub(super) input: PathBuf,
    pub(super) out: PathBuf,
    pub(super) journal: Journal,
    pub(super) answers: Answers,
    pub(super) rejects: Rejects,
    pub(super) summary: Summary,
    pub(super) progress: Progress,
    pub(super) retry_timeout: RetryTimeout,
    /// The file by which another process cancels it.
    pub(super) cancel: PathBuf,
    /// What the answers may cost, in millionths of a dollar.
    pub(super) budget: Option<i64>,
    /// Whether lines are sent again of which nobody knows whether they were sent.
    pub(super) again: bool,
    /// How many lines one of the provider's batches has at most.
    pub(super) part: Option<usize>,
    /// Whether the operator knows that a batch is in a state that this program does not know.
    pub(super) told_strange: bool,
}

impl Job<'_> {
    /// Works until the end, and leaves everything on the disk.
    pub(super) async fn go(&mut self) -> anyhow::Result<End> {
        let cancel = self.cancel.clone();
        let ended = tokio::select! {
            () = interrupted() => Ok(End::Interrupted),
            () = asked_to(&cancel) => Ok(End::Cancelled),
            ended = self.work() => ended.map(|()| End::Finished),
        };
        let ended = match ended {
            Ok(End::Cancelled) => self.stop().await.map(|()| End::Cancelled),
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

    /// Finds out what became of the parts of which only the intent is known.
    async fn settle(&mut self) -> anyhow::Result<()> {
        for part in self.parts(|stage| *stage == Stage::Creating) {
            let step = if self.again {
                Step::Void { part: part.number }
            } else {
                match self.found(&part, self.settled(&part)).await? {
                    Some(id) => Step::Created { part: part.number, id },
                    None => Step::Void { part: part.number },
                }
            };
            self.note(step)?;
        }
        Ok(())
    }

    /// Returns how long to wait until the creation of a part, cut off by an earlier run, has come
    /// about or not.
    pub(super) fn settled(&self, part: &Part) -> Duration {
        if self.desk.now().since(part.at) > LONG_SETTLED { Duration::ZERO } else { SETTLED }
    }

    /// Looks for a part at the provider until it is certain whether it is there.
    pub(super) async fn found(
        &self,
        part: &Part,
        settled: Duration,
    ) -> anyhow::Result<Option<String>> {
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        loop {
            match self.find(part, settled).await? {
                Found::Here(id) => return Ok(Some(id)),
                Found::Nowhere => return Ok(None),
                Found::Perhaps(ids) => {
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
    pub(super) async fn find(&self, part: &Part, settled: Duration) -> anyhow::Result<Found> {
        let unsure = |error: ModelError| {
            let what = "whether a batch was created cannot be told (--again sends its lines anew, \
                at the risk of paying twice)";
            trouble(self.service.provider(), &error).context(what)
        };
        let mark = self.mark(part);
        let found = self.service.find(&mark).await.map_err(unsure)?;
        if found != Found::Nowhere || settled.is_zero() {
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
        for part in self.parts(|stage| matches!(stage, Stage::Created(_))) {
            let look = self.service.look(part.id().unwrap_or_default()).await;
            let look = look.map_err(|error| {
                let what = format!("the batch {}", part.id().unwrap_or_default());
                trouble(self.service.provider(), &error).context(what)
            })?;
            if let Some(strange) =
                look.strange.filter(|_| !std::mem::replace(&mut self.told_strange, true))
            {
                let what = format!(
                    "a batch is {:?}, says the provider, which is not known here: it is waited for",
                    cut(&strange, 40)
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
    pub(super) fn note(&mut self, step: Step) -> anyhow::Result<()> {
        self.journal.note_part(step)
    }

    /// Returns what the ids of a part's requests begin with.
    pub(super) fn prefix(&self, part: u32) -> String {
        format!("{}-{part}-", self.journal.header.batch)
    }

    pub(super) fn mark(&self, part: &Part) -> Mark {
        let others = self.journal.parts.all().filter_map(Part::id).map(str::to_owned).collect();
        Mark { prefix: self.prefix(part.number), count: part.count(), at: part.at, others }
    }

    pub(super) fn parts(&self, at: impl Fn(&Stage) -> bool) -> Vec<Part> {
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
        "a run ended while it created a batch, which may be {}: that shows once it has ended, and \
        is waited for, so that nothing is paid twice; to send its lines again all the same, stop \
        this and add --again",
        ids.join(" or ")
    ));
}

/// Returns once another process asks to cancel the batch.
async fn asked_to(cancel: &std::path::Path) {
    while !cancel.exists() {
        sleep(LOOK_AROUND).await;
    }
}
