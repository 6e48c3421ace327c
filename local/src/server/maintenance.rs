//! Periodic maintenance.

use std::sync::Arc;

use notifier::Notifier;
use tokio_util::sync::CancellationToken;

use crate::sqlite::error::DatabaseError;
use crate::sqlite::{Database, SqliteStatistics};

/// How many rows of a kind are deleted in one write: messages in between wait only for that one.
const PURGE_SLICE: usize = 500;

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

/// Removes expired rows, and events and statistics past their retention, until none is left or the
/// server stops.
pub(super) async fn purge(database: Database, stop: CancellationToken) {
    if let Err(error) = purge_all(&database, &stop).await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the purge failed and will be tried again"
        );
    }
}

/// Deletes in slices: other work gets its turn between two of them.
async fn purge_all(database: &Database, stop: &CancellationToken) -> Result<(), DatabaseError> {
    while database.purge_expired(PURGE_SLICE).await? >= PURGE_SLICE && !stop.is_cancelled() {}
    let events = database.events();
    while events.purge(PURGE_SLICE).await? >= PURGE_SLICE && !stop.is_cancelled() {}
    database.statistics().purge().await
}

/// Removes the words of deleted sessions from the write-ahead log.
pub(super) async fn forget(database: Database) {
    if let Err(error) = database.forget_deleted().await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "deleted texts could not be removed from the write-ahead log; will try again"
        );
    }
}
