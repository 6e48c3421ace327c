//! `yogi batch status` and `yogi batch cancel` of a batch at a provider.

use std::time::Duration;

use serde_json::{Value, json};
use shared::domain::ProviderName;
use worker::prices::Prices;

use super::job::Job;
use super::parts::{Parts, Stage};
use super::service;
use crate::args::BatchWhich;
use crate::batch::answers::Answers;
use crate::batch::journal::{Journal, beside};
use crate::batch::rejects::Rejects;
use crate::batch::summary::Summary;
use crate::desk::Desk;
use crate::home::Patience;
use crate::output::{Output, Progress, Table, count};

const PATIENCE: Duration = Duration::from_secs(30);

/// Returns the provider's batches for scripts.
pub(in crate::batch) fn views(parts: &Parts) -> Vec<Value> {
    let view = |part: &super::parts::Part| {
        let stage = match part.stage {
            Stage::Creating => "unknown",
            Stage::Created(_) => "sent",
            Stage::Collected(_) => "collected",
        };
        json!({ "part": part.number, "id": part.id(), "lines": part.count(), "state": stage, "sent_at": part.at })
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
        table.row([id.to_owned(), count(view["lines"].as_u64().unwrap_or(0)), format!("{state} at {provider}")]);
    }
    if !table.is_empty() {
        output.line("");
        output.table(&table);
    }
}

/// Cancels a batch that no process works on; also collects what was answered before it was cancelled.
pub(in crate::batch) async fn cancel(
    desk: &Desk,
    which: &BatchWhich,
    journal: Journal,
    provider: ProviderName,
) -> anyhow::Result<(Summary, u64)> {
    let mut summary = Summary::default();
    let answers = Answers::open(&which.out, &mut summary)?;
    let patience = Patience(PATIENCE);
    let mut job = Job {
        desk,
        service: service::open(&desk.config, provider, patience)?,
        prices: Prices::built_in()?,
        input: journal.header.input.clone(),
        out: which.out.clone(),
        rejects: Rejects::new(beside(&which.out, "rejects")),
        progress: Progress::new(journal.header.lines, true),
        patience,
        cancel: beside(&which.out, "cancel"),
        budget: None,
        again: false,
        part: None,
        journal,
        answers,
        summary,
    };
    job.stop().await?;
    Ok((job.summary, job.journal.header.lines))
}
