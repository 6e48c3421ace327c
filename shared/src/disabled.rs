//! Adapters for what a deployment does without.

use async_trait::async_trait;

use crate::domain::{DocumentId, Principal};
use crate::ports::{Document, DocumentSummary, Documents, DocumentsError, Metrics, TurnMeasure};

/// No documents: every id is absent, and the list is empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoDocuments;

#[async_trait]
impl Documents for NoDocuments {
    async fn fetch(
        &self,
        _: &DocumentId,
        _: &Principal,
    ) -> Result<Option<Document>, DocumentsError> {
        Ok(None)
    }

    async fn list(&self, _: &Principal) -> Result<Vec<DocumentSummary>, DocumentsError> {
        Ok(Vec::new())
    }
}

/// No metrics: every measurement is dropped.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoMetrics;

impl Metrics for NoMetrics {
    fn turn(&self, _: &TurnMeasure) {}
}
