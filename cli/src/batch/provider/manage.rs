//! `yogi batch status` and `yogi batch cancel` of a batch at a provider.

use std::time::Duration;

use providers::Prices;
use serde_json::{Value, json};
use shared::domain::ProviderName;
use tokio::time::{Instant, sleep};

use super::job::{Job, LOOK_AROUND};
use super::parts::{Part, Parts, Stage, Step};
use super::service::{self, Found, trouble};
use crate::args::BatchWhich;
use crate::batch::answers::Answers;
use crate::batch::journal::{Journal, beside};
use crate::batch::rejects::Rejects;
use crate::batch::summary::Summary;
use crate::desk::Desk;
use crate::home::RetryTimeout;
use crate::output::{Output, Progress, Table, count, note};

const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a cancelled batch waits for what it stopped.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// Returns the provider's batches for scripts.
pub(in crate::batch) fn views(parts: &Parts) -> Vec<Value> {
    let view = |part: &Part| {
        let stage = match part.stage {
            Stage::Creating => "unknown",
            Stage::Created(_) => "sent",
            Stage::Collected(_) => "collected",
        };
        json!({
            "part": part.number, "id": part.id(), "lines": part.count(), "state": stage,
            "sent_at": part.at
        })
    };
    parts.all().map(view).collect()
}

/// Shows the provider's batches to people.
pub(in crate::batch) fn show(output: Output, journal: &Journal) {
    let Some(provider) = journal.header.provider_batch else { return };
    let mut table = Table::new(&["batch", ">lines", ""]);
    for view in views(&journal.parts) {
        let id = view["id"].as_str().unwrap_or("about to be created, perhaps created");
        let state = view["state"].as_str().unwrap_or_default();
        table.row([
            id.to_owned(),
            count(view["lines"].as_u64().unwrap_or(0)),
            format!("{state} at {provider}"),
        ]);
    }
    if !table.is_empty() {
        output.line("");
        output.table(&table);
    }
}

/// Cancels a batch that no process works on; also collects what was answered before it was
/// cancelled.
pub(in crate::batch) async fn cancel(
    desk: &Desk,
    which: &BatchWhich,
    journal: Journal,
    provider: ProviderName,
) -> anyhow::Result<(Summary, u64)> {
    let mut summary = Summary::default();
    let answers = Answers::open(&which.out, &mut summary)?;
    let retry_timeout = RetryTimeout(TIMEOUT);
    let mut job = Job {
        desk,
        service: service::open(&desk.config, provider, retry_timeout)?,
        prices: Prices::built_in()?,
        input: journal.header.input.clone(),
        out: which.out.clone(),
        rejects: Rejects::new(beside(&which.out, "rejects")),
        progress: Progress::new(journal.header.lines, true),
        retry_timeout,
        cancel: beside(&which.out, "cancel"),
        budget: None,
        again: false,
        part: None,
        told_strange: false,
        journal,
        answers,
        summary,
    };
    job.stop().await?;
    Ok((job.summary, job.journal.header.lines))
}

impl Job<'_> {
    /// Stops what the provider has not begun, and collects what is done.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        self.journal.note_cancelled()?;
        drop(std::fs::remove_file(&self.cancel));
        for part in self.parts(|stage| *stage == Stage::Creating) {
            match self.find(&part, self.settled(&part)).await? {
                Found::Here(id) => self.note(Step::Created { part: part.number, id })?,
                Found::Nowhere => self.note(Step::Void { part: part.number })?,
                Found::Perhaps(ids) => {
                    note(&format!(
                        "{} may be of this batch: it was not cancelled",
                        ids.join(" or ")
                    ));
                }
            }
        }
        self.collect_ended().await?;
        for part in self.parts(|stage| matches!(stage, Stage::Created(_))) {
            let cancelled = self.service.cancel(part.id().unwrap_or_default()).await;
            cancelled.map_err(|error| trouble(self.service.provider(), &error))?;
        }
        let began = Instant::now();
        while self.collect_ended().await? {
            if began.elapsed() > STOP_PATIENCE {
                note(&format!(
                    "the provider is still stopping: `yogi batch cancel {}` again collects what \
                    was answered",
                    self.out.display()
                ));
                break;
            }
            sleep(LOOK_AROUND).await;
        }
        Ok(())
    }
}
