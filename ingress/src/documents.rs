//! `GET /documents`: what the caller may ask about.

use http::StatusCode;
use serde_json::json;
use shared::domain::Principal;

use crate::answer::{self, Answer};
use crate::handler::Ingress;

impl Ingress {
    /// Lists the documents that the caller may read, and no others.
    pub(crate) async fn list_documents(&self, principal: &Principal) -> Answer {
        let documents = self.ports.documents.list(principal).await?;
        Ok(answer::json(StatusCode::OK, &json!({ "documents": documents })))
    }
}
