//! Documents that may be away.

use async_trait::async_trait;
use shared::domain::{DocumentId, Principal};
use shared::ports::{Document, DocumentSummary, Documents, DocumentsError};

use super::Rig;
use crate::faults::Mishap;

pub(super) struct UnreliableDocuments {
    pub(super) rig: Rig,
}

#[async_trait]
impl Documents for UnreliableDocuments {
    async fn fetch(
        &self,
        id: &DocumentId,
        reader: &Principal,
    ) -> Result<Option<Document>, DocumentsError> {
        let Rig { process, cloud, .. } = &self.rig;
        if cloud.faults.toss(Mishap::DocumentsAway, &process.subject()) {
            return Err(DocumentsError::Unavailable("injected by the simulation".into()));
        }
        cloud.documents.fetch(id, reader).await
    }

    async fn list(&self, reader: &Principal) -> Result<Vec<DocumentSummary>, DocumentsError> {
        self.rig.cloud.documents.list(reader).await
    }
}
