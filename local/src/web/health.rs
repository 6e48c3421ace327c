//! Whether the database can be written, for `GET /health`.

use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::sqlite::Database;

/// How long a result counts: strangers may ask, and a probe costs a sync to disk.
const FRESH: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(5);

const UNAVAILABLE: &str = concat!(
    r#"{"type":"urn:learning-yogi:chatbot:error:unavailable","#,
    r#""title":"Unavailable","status":503,"#,
    r#""detail":"The database cannot be written."}"#,
);

/// Probes the database, at most once a second.
#[derive(Debug)]
pub struct HealthProbe {
    database: Database,
    last: Mutex<Option<(Instant, bool)>>,
}

impl HealthProbe {
    /// Probes this database.
    pub fn new(database: Database) -> Self {
        Self { database, last: Mutex::default() }
    }

    /// Tells whether a write becomes durable. Callers at the same time share one probe.
    pub(super) async fn is_healthy(&self) -> bool {
        let mut last = self.last.lock().await;
        if let Some((at, healthy)) = *last
            && at.elapsed() < FRESH
        {
            return healthy;
        }
        let healthy = matches!(timeout(TIMEOUT, self.database.probe()).await, Ok(Ok(())));
        *last = Some((Instant::now(), healthy));
        healthy
    }
}

/// The answer while the database cannot be written.
pub(super) fn unavailable() -> Response {
    let headers = [
        (CONTENT_TYPE, "application/problem+json"),
        (CACHE_CONTROL, "no-store"),
        (RETRY_AFTER, "1"),
    ];
    (StatusCode::SERVICE_UNAVAILABLE, headers, Body::from(UNAVAILABLE)).into_response()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::system::SystemClock;

    use super::*;

    #[tokio::test]
    async fn a_full_disk_is_told_and_so_is_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chatbot.db");
        let database = Database::open(&file, Arc::new(SystemClock)).unwrap();
        let is_healthy = async || HealthProbe::new(database.clone()).is_healthy().await;
        assert!(is_healthy().await);
        database.refuse_writes(true).await.unwrap();
        assert!(!is_healthy().await);
        database.refuse_writes(false).await.unwrap();
        assert!(is_healthy().await);
    }
}
