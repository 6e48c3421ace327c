//! Documents that may be away.

use async_trait::async_trait;
use shared::domain::{DocumentId, Principal};
use shared::ports::{Document, DocumentSummary, Documents, DocumentsError, Passage, SearchQuery};

use super::ProcessPorts;
use crate::faults::ExternalFault;

pub(super) struct UnreliableDocuments {
    pub(super) process_ports: ProcessPorts,
}

#[async_trait]
impl Documents for UnreliableDocuments {
    async fn fetch(
        &self,
        id: &DocumentId,
        reader: &Principal,
    ) -> Result<Option<Document>, DocumentsError> {
        self.may_be_away()?;
        self.process_ports.cloud.documents.fetch(id, reader).await
    }

    async fn list(&self, reader: &Principal) -> Result<Vec<DocumentSummary>, DocumentsError> {
        self.process_ports.cloud.documents.list(reader).await
    }

    async fn search(&self, query: SearchQuery<'_>) -> Result<Vec<Passage>, DocumentsError> {
        self.may_be_away()?;
        self.process_ports.cloud.documents.search(query).await
    }

    fn is_searchable(&self) -> bool {
        self.process_ports.cloud.documents.is_searchable()
    }
}

impl UnreliableDocuments {
    fn may_be_away(&self) -> Result<(), DocumentsError> {
        let ProcessPorts { process, cloud, .. } = &self.process_ports;
        if cloud.faults.occurs(ExternalFault::DocumentsAway, &process.subject()) {
            return Err(DocumentsError::Unavailable("injected by the simulation".into()));
        }
        Ok(())
    }
}
