//! `yogi batch status` and `yogi batch cancel` of a batch at a provider.

use std::time::Duration;

use providers::Prices;
use serde_json::{Value, json};
use shared::domain::ProviderName;
use tokio::time::{Instant, sleep};

use super::connect;
use super::runner::{CHECK_INTERVAL, ProviderBatchRunner};
use super::service::{SearchResult, provider_error};
use crate::args::BatchFileArgs;
use crate::backend::RetryTimeout;
use crate::batch::answers::AnswersFile;
use crate::batch::journal::{Journal, beside};
use crate::batch::parts::{BatchPart, BatchParts, PartEvent, PartState};
use crate::batch::rejects::RejectsFile;
use crate::batch::summary::BatchSummary;
use crate::context::Context;
use crate::output::{Output, Progress, Table, count, note};

const RETRY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a cancelled batch waits for the requests that it stopped.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// Returns the provider's batches for scripts.
pub(in crate::batch) fn views(parts: &BatchParts) -> Vec<Value> {
    let view = |part: &BatchPart| {
        let stage = match part.stage {
            PartState::Creating => "unknown",
            PartState::Created(_) => "sent",
            PartState::Collected(_) => "collected",
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
        let id = view["id"].as_str().unwrap_or("being created");
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
    context: &Context,
    which: &BatchFileArgs,
    journal: Journal,
    provider: ProviderName,
) -> anyhow::Result<(BatchSummary, u64)> {
    let mut summary = BatchSummary::default();
    let answers = AnswersFile::open(&which.out, &mut summary)?;
    let retry_timeout = RetryTimeout(RETRY_TIMEOUT);
    let mut job = ProviderBatchRunner {
        context,
        service: connect::connect(&context.config, provider, retry_timeout)?,
        prices: Prices::built_in()?,
        input: journal.header.input.clone(),
        out: which.out.clone(),
        rejects: RejectsFile::new(beside(&which.out, "rejects")),
        progress: Progress::new(journal.header.lines, true),
        retry_timeout,
        cancel: beside(&which.out, "cancel"),
        budget: None,
        again: false,
        part: None,
        reported_unknown_status: false,
        journal,
        answers,
        summary,
    };
    job.stop().await?;
    Ok((job.summary, job.journal.header.lines))
}

impl ProviderBatchRunner<'_> {
    /// Stops what the provider has not begun, and collects what is done.
    pub(super) async fn stop(&mut self) -> anyhow::Result<()> {
        self.journal.note_cancelled()?;
        drop(std::fs::remove_file(&self.cancel));
        for part in self.parts(|stage| *stage == PartState::Creating) {
            match self.find(&part, self.settled(&part)).await? {
                SearchResult::Found(id) => {
                    self.note(PartEvent::Created { part: part.number, id })?;
                }
                SearchResult::NotFound => self.note(PartEvent::Void { part: part.number })?,
                SearchResult::Ambiguous(ids) => {
                    note(&format!(
                        "{} may belong to this batch: it was not cancelled",
                        ids.join(" or ")
                    ));
                }
            }
        }
        self.collect_ended().await?;
        for part in self.parts(|stage| matches!(stage, PartState::Created(_))) {
            let cancelled = self.service.cancel(part.id().unwrap_or_default()).await;
            cancelled.map_err(|error| provider_error(self.service.provider(), &error))?;
        }
        let began = Instant::now();
        while self.collect_ended().await? {
            if began.elapsed() > STOP_PATIENCE {
                note(&format!(
                    "the provider is still stopping the batch: run `yogi batch cancel {}` again to \
                    collect the answers",
                    self.out.display()
                ));
                break;
            }
            sleep(CHECK_INTERVAL).await;
        }
        Ok(())
    }
}
