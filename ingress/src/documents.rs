//! `GET /documents`: what the client may ask about.

use http::StatusCode;
use serde_json::json;
use shared::domain::Principal;

use crate::handler::Ingress;
use crate::response::{self, HttpResult};

impl Ingress {
    /// Lists the documents that the client may read, and no others.
    pub(crate) async fn list_documents(&self, principal: &Principal) -> HttpResult {
        let documents = self.ports.documents.list(principal).await?;
        Ok(response::json(StatusCode::OK, &json!({ "documents": documents })))
    }
}
