//! Documents that may be away.

use async_trait::async_trait;
use shared::domain::{DocumentId, Principal};
use shared::ports::{Document, DocumentSummary, Documents, DocumentsError};

use super::Rig;
use crate::faults::{Mishap, Op};

pub(super) struct FaultyDocuments {
    pub(super) rig: Rig,
}

fn away<T>() -> Result<T, DocumentsError> {
    Err(DocumentsError::Unavailable("simulated".into()))
}

#[async_trait]
impl Documents for FaultyDocuments {
    async fn fetch(
        &self,
        id: &DocumentId,
        reader: &Principal,
    ) -> Result<Option<Document>, DocumentsError> {
        let Rig { process, cloud, .. } = &self.rig;
        let call = async {
            if cloud.faults.toss(Mishap::DocumentsAway, &process.subject()) {
                return away();
            }
            cloud.documents.fetch(id, reader).await
        };
        process.around(Op::Document, call, away).await
    }

    async fn list(&self, reader: &Principal) -> Result<Vec<DocumentSummary>, DocumentsError> {
        self.rig.process.around(Op::Document, self.rig.cloud.documents.list(reader), away).await
    }
}
