//! What is done every few minutes.

use std::sync::Arc;

use notifier::Notifier;

use crate::sqlite::{Database, SqliteStatistics};

const PURGE_AT_ONCE: usize = 1_000;

/// Finishes what nobody else does.
pub(super) async fn clean_up(notifier: Arc<Notifier>) {
    match notifier.clean_up().await {
        Ok(report) if report == notifier::cleanup::CleanupReport::default() => (),
        Ok(report) => tracing::info!(?report, "cleaned up"),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the cleanup will try again");
        }
    }
}

/// Brings the figures up to date.
pub(super) async fn fold(statistics: SqliteStatistics) {
    if let Err(error) = statistics.fold().await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "the figures will be brought up to date later"
        );
    }
}

/// Removes what was kept long enough.
pub(super) async fn purge(database: Database) {
    let rows = database.purge_expired(PURGE_AT_ONCE).await;
    let events = database.events().purge(PURGE_AT_ONCE).await;
    let figures = database.statistics().purge().await;
    if let Some(error) = rows.and(events).map(drop).and(figures).err() {
        tracing::warn!(error = &error as &dyn std::error::Error, "the purge will try again");
    }
}
