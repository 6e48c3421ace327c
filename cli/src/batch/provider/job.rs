//! The work: find what was created, create what is missing, wait, collect. Never paid twice.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use shared::domain::{MicroUsd, Principal};
use shared::operator::{FirstMessage, PromptsRequest, PromptsResponse, Rendered};
use shared::ports::ModelError;
use tokio::time::{Instant, sleep};
use worker::prices::Prices;

use super::collect::CustomId;
use super::gather::Gather;
use super::http::Wait;
use super::parts::{Part, Stage, Step};
use super::price;
use super::service::{Found, MOST_BYTES, Mark, Service, trouble};
use super::spool::{Limits, Spool};
use crate::batch::answers::Answers;
use crate::batch::flight::AT_ONCE;
use crate::batch::item::{Item, Reject};
use crate::batch::journal::Journal;
use crate::batch::rejects::Rejects;
use crate::batch::run::End;
use crate::batch::summary::Summary;
use crate::desk::{Desk, interrupted};
use crate::exit::{Exit, usage};
use crate::home::{Home, HomeError, Need, Patience, patiently};
use crate::output::{Progress, count, money, note};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two looks at what takes hours.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// How long a batch may take to be in the provider's list.
const SETTLES: Duration = Duration::from_secs(5);
const LOOK_AROUND: Duration = Duration::from_secs(1);
/// How long a cancelled batch waits for what it stopped.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

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
    pub(super) patience: Patience,
    /// The file by which another process cancels it.
    pub(super) cancel: PathBuf,
    /// What the answers may cost, in millionths of a dollar.
    pub(super) budget: Option<i64>,
    /// Whether lines are sent again of which nobody knows whether they were sent.
    pub(super) again: bool,
    /// How many lines one of the provider's batches has at most.
    pub(super) part: Option<usize>,
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
                match self.found(&part).await? {
                    Some(id) => Step::Created { part: part.number, id },
                    None => Step::Void { part: part.number },
                }
            };
            self.note(step)?;
        }
        Ok(())
    }

    /// Looks for a part at the provider until it is certain whether it is there.
    async fn found(&self, part: &Part) -> anyhow::Result<Option<String>> {
        let mut is_young = self.desk.now().since(part.at) < SETTLES;
        let (mut pause, mut told) = (FIRST_PAUSE, false);
        loop {
            let found = self.service.find(&self.mark(part)).await;
            match found.map_err(|error| trouble(self.service.provider(), &error))? {
                Found::Here(id) => return Ok(Some(id)),
                Found::Nowhere if is_young => {
                    sleep(SETTLES).await;
                    is_young = false;
                }
                Found::Nowhere => return Ok(None),
                Found::Perhaps(ids) => {
                    if !std::mem::replace(&mut told, true) {
                        self.progress.aside(|| self.tell_choice(&ids));
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn tell_choice(&self, ids: &[String]) {
        note(&format!(
            "a run ended while it created a batch, which may be {}: that shows once it has ended, and is waited for, so \
             that nothing is paid twice; to send its lines again all the same, stop this and add --again",
            ids.join(" or ")
        ));
    }

    /// Sends the lines that were never sent.
    async fn send(&mut self) -> anyhow::Result<()> {
        let Some(mut spool) = self.render().await? else { return Ok(()) };
        self.check_budget(&spool)?;
        for place in 0..spool.parts.len() {
            self.create(&mut spool, place).await?;
        }
        Ok(())
    }

    /// Has the home render the requests; it is left before the waiting begins.
    async fn render(&mut self) -> anyhow::Result<Option<Spool>> {
        let provider = self.service.provider();
        let mut gather = Gather::open(&self.input, &self.journal.header.batch, provider)?;
        let first = self.gather(&mut gather)?;
        if first.is_empty() {
            Spool::clear(&self.out);
            return Ok(None);
        }
        let most = self.service.most_requests();
        let limits = Limits { requests: self.part.map_or(most, |part| part.min(most)), bytes: MOST_BYTES };
        let mut spool = Spool::create(&self.out, self.journal.parts.next(), limits)?;
        let desk = self.desk;
        let (job, to) = (&mut *self, &mut spool);
        desk.with_home(Need::Any, |home| async move {
            let mut chunk = first;
            while !chunk.is_empty() {
                let rendered = job.prompts(&home, &chunk).await?;
                for (item, rendered) in chunk.iter().zip(rendered.prompts) {
                    job.spool(to, item, rendered)?;
                }
                chunk = job.gather(&mut gather)?;
            }
            Ok(Exit::Done)
        })
        .await?;
        Ok(Some(spool))
    }

    /// Takes some lines that were never sent; those that cannot be are rejected.
    fn gather(&mut self, gather: &mut Gather) -> anyhow::Result<Vec<Item>> {
        let mut chunk = Vec::new();
        while chunk.len() < AT_ONCE {
            let (done, parts) = (&self.answers.done, &self.journal.parts);
            match gather.next(|line| done.contains(line) || parts.has(line))? {
                Some(Ok(item)) => chunk.push(item),
                Some(Err(reject)) => self.reject(&reject)?,
                None => break,
            }
        }
        Ok(chunk)
    }

    async fn prompts(&self, home: &Arc<dyn Home>, items: &[Item]) -> anyhow::Result<PromptsResponse> {
        let message =
            |item: &Item| FirstMessage { message: item.message.clone(), document_id: item.document_id.clone() };
        let request = PromptsRequest {
            principal: Principal::parse(self.journal.header.principal.clone())?,
            provider: self.service.provider(),
            messages: items.iter().map(message).collect(),
        };
        let away = |error: &HomeError| self.progress.say(format!("waiting: {error}"));
        Ok(patiently(self.patience, || home.prompts(&request), away).await?)
    }

    fn spool(&mut self, spool: &mut Spool, item: &Item, rendered: Rendered) -> anyhow::Result<()> {
        let Rendered { context, body, problem } = rendered;
        let Some(body) = body else {
            let problem = problem.unwrap_or_else(|| "the server did not say what would be asked".to_owned());
            return self.reject(&Reject::new(item.line, None, problem));
        };
        let size = body.to_string().len();
        let prefix = self.prefix(spool.part(size));
        let request = self.service.line(&CustomId { line: item.line, context }.write(&prefix), &body);
        let most = price::most(&self.prices, self.service.provider(), &body, size as u64);
        spool.add(item.line, &request.to_string(), most)
    }

    fn reject(&mut self, reject: &Reject) -> anyhow::Result<()> {
        self.summary.rejected += 1;
        self.rejects.add(reject, &self.progress)
    }

    /// Refuses before anything is sent what might cost more than it may.
    fn check_budget(&self, spool: &Spool) -> anyhow::Result<()> {
        let most = self.summary.cost().saturating_add(self.journal.parts.most()).saturating_add(spool.most());
        match self.budget {
            Some(budget) if most > budget => Err(usage(format!(
                "the batch may cost up to {}, by the longest replies and every byte a token, and the budget is {}: \
                 nothing more was sent; give a larger --budget, or a lower CHATBOT_MAX_TOKENS to the server",
                money(MicroUsd(most)),
                money(MicroUsd(budget))
            ))),
            _ => Ok(()),
        }
    }

    /// Creates a part. The intent is on disk before, the provider's id right after.
    async fn create(&mut self, spool: &mut Spool, place: usize) -> anyhow::Result<()> {
        let Some(planned) = spool.parts.get(place) else { return Ok(()) };
        let (number, lines, most, at) = (planned.number, planned.lines.clone(), planned.most, self.desk.now());
        self.progress.say(format!("sending {} lines", count(planned.count as u64)));
        let part = Part { number, lines: lines.clone(), at, most, stage: Stage::Creating };
        self.note(Step::Creating { part: number, lines, at, most })?;
        let mut wait = Wait::new(self.patience);
        loop {
            let mark = self.mark(&part);
            let error = match self.service.create(&mark, spool.requests(place)?).await {
                Ok(id) => return self.note(Step::Created { part: number, id }),
                Err(error) => error,
            };
            if is_unsure(&error)
                && let Some(id) = self.found(&part).await?
            {
                return self.note(Step::Created { part: number, id });
            }
            if let Err(error) = wait.after(error).await {
                self.note(Step::Void { part: number })?;
                return Err(trouble(self.service.provider(), &error));
            }
        }
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
    async fn collect_ended(&mut self) -> anyhow::Result<bool> {
        let (mut open, mut done) = (false, 0);
        for part in self.parts(|stage| matches!(stage, Stage::Created(_))) {
            let look = self.service.look(part.id().unwrap_or_default()).await;
            let look = look.map_err(|error| {
                let what = format!("the batch {}", part.id().unwrap_or_default());
                trouble(self.service.provider(), &error).context(what)
            })?;
            match look.end {
                Some(end) => self.collect(&part, end).await?,
                None => (open, done) = (true, done + look.done),
            }
        }
        self.tell(done);
        Ok(open)
    }

    /// Stops what the provider has not begun, and collects what is done.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        self.journal.note_cancelled()?;
        drop(std::fs::remove_file(&self.cancel));
        let trouble = |error: &ModelError, service: &dyn Service| trouble(service.provider(), error);
        for part in self.parts(|stage| *stage == Stage::Creating) {
            let found = self.service.find(&self.mark(&part)).await;
            match found.map_err(|error| trouble(&error, self.service.as_ref()))? {
                Found::Here(id) => self.note(Step::Created { part: part.number, id })?,
                Found::Nowhere => self.note(Step::Void { part: part.number })?,
                Found::Perhaps(ids) => {
                    note(&format!("{} may be of this batch: it was not cancelled", ids.join(" or ")))
                }
            }
        }
        self.collect_ended().await?;
        for part in self.parts(|stage| matches!(stage, Stage::Created(_))) {
            let cancelled = self.service.cancel(part.id().unwrap_or_default()).await;
            cancelled.map_err(|error| trouble(&error, self.service.as_ref()))?;
        }
        let began = Instant::now();
        while self.collect_ended().await? {
            if began.elapsed() > STOP_PATIENCE {
                note(&format!(
                    "the provider is still stopping: `yogi batch cancel {}` again collects what was answered",
                    self.out.display()
                ));
                break;
            }
            sleep(LOOK_AROUND).await;
        }
        Ok(())
    }

    /// Takes note of what happened, on the disk.
    pub(super) fn note(&mut self, step: Step) -> anyhow::Result<()> {
        self.journal.note_part(step)
    }

    /// Returns what the ids of a part's requests begin with.
    pub(super) fn prefix(&self, part: u32) -> String {
        format!("{}-{part}-", self.journal.header.batch)
    }

    fn mark(&self, part: &Part) -> Mark {
        let others = self.journal.parts.all().filter_map(Part::id).map(str::to_owned).collect();
        Mark { prefix: self.prefix(part.number), count: part.count(), at: part.at, others }
    }

    fn parts(&self, at: impl Fn(&Stage) -> bool) -> Vec<Part> {
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

/// Tells whether a batch may have been created although the call failed; a rate limit is said before anything is done.
fn is_unsure(error: &ModelError) -> bool {
    match error {
        ModelError::Busy { code, .. } => !code.starts_with("429"),
        ModelError::Broken(_) => true,
        ModelError::Unauthorized(_) | ModelError::Permanent(_) => false,
    }
}

/// Returns once another process asks to cancel the batch.
async fn asked_to(cancel: &std::path::Path) {
    while !cancel.exists() {
        sleep(LOOK_AROUND).await;
    }
}
