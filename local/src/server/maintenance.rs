//! Periodic maintenance.

use std::sync::Arc;

use notifier::Notifier;

use crate::sqlite::{Database, SqliteStatistics};

const PURGE_BATCH: usize = 1_000;

/// Finishes turns that were abandoned, and removes expired sessions.
pub(super) async fn clean_up(notifier: Arc<Notifier>) {
    match notifier.clean_up().await {
        Ok(report) if report == notifier::cleanup::CleanupReport::default() => (),
        Ok(report) => tracing::info!(?report, "cleaned up"),
        Err(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the cleanup failed and will be tried again"
            );
        }
    }
}

/// Folds new events into the statistics.
pub(super) async fn fold(statistics: SqliteStatistics) {
    if let Err(error) = statistics.fold().await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "could not update the statistics; will try again"
        );
    }
}

/// Removes expired rows, and events and statistics past their retention.
pub(super) async fn purge(database: Database) {
    let rows = database.purge_expired(PURGE_BATCH).await;
    let events = database.events().purge(PURGE_BATCH).await;
    let figures = database.statistics().purge().await;
    if let Some(error) = rows.and(events).map(drop).and(figures).err() {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the purge failed and will be tried again"
        );
    }
}
