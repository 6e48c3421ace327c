//! `GET /documents` and what is below it: what the client may ask about, and the passages that
//! replies cite.

use std::sync::Arc;

use http::StatusCode;
use knowledge::PassageSpan;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::json;
use shared::domain::{DocumentId, Principal, sha256_hex};
use tokio::task::spawn_blocking;

use crate::error::ApiError;
use crate::handler::{Call, Ingress};
use crate::response::{self, HttpResult};

/// A passage of a document as it stands.
#[derive(Serialize)]
struct PassageView<'a> {
    document_id: &'a DocumentId,
    title: &'a str,
    version: &'a str,
    ordinal: u32,
    headings: &'a [String],
    start: u32,
    end: u32,
    text: &'a str,
}

impl Ingress {
    /// Lists the documents that the client may read, and no others.
    pub(crate) async fn list_documents(&self, principal: &Principal) -> HttpResult {
        let documents = self.ports.documents.list(principal).await?;
        Ok(response::json(StatusCode::OK, &json!({ "documents": documents })))
    }

    /// Reads a passage of one version of a document.
    ///
    /// A document that the client may not read, one that is gone, another version and a passage
    /// that does not exist are not told apart.
    pub(crate) async fn read_passage(
        &self,
        call: &Call<'_>,
        principal: &Principal,
        document: &str,
        ordinal: u32,
    ) -> HttpResult {
        let version = version(call.request.uri().query().unwrap_or_default())?;
        let id = DocumentId::parse(document).map_err(|_| ApiError::NotFound)?;
        let document = self.ports.documents.fetch(&id, principal).await?;
        let document = document.ok_or(ApiError::NotFound)?;
        // Hashing and cutting up to 4 MiB would hold up the other calls of this thread.
        let content = Arc::clone(&document.content);
        let wanted = version.clone();
        let found = spawn_blocking(move || find_passage(&content, &wanted, ordinal)).await;
        let passage = found.map_err(ApiError::unavailable)?.ok_or(ApiError::NotFound)?;
        Ok(response::json(
            StatusCode::OK,
            &PassageView {
                document_id: &id,
                title: &document.title,
                version: &version,
                ordinal,
                headings: &passage.headings,
                start: passage.start_utf16,
                end: passage.end_utf16,
                text: &document.content[passage.start..passage.end],
            },
        ))
    }
}

/// Returns a passage, if the content is of that version and has so many.
fn find_passage(content: &str, version: &str, ordinal: u32) -> Option<PassageSpan> {
    let ordinal = usize::try_from(ordinal).ok()?;
    if sha256_hex(content) != version {
        return None;
    }
    knowledge::cut(content).into_iter().nth(ordinal)
}

/// Reads the query parameter `version`; the last one counts.
fn version(query: &str) -> Result<String, ApiError> {
    let mut values = query.split('&').filter_map(|pair| pair.split_once('='));
    let value = values.rfind(|(key, _)| percent_decode_str(key).eq(*b"version"));
    let value = value.map(|(_, value)| percent_decode_str(value).decode_utf8_lossy().into_owned());
    let is_digest =
        |value: &String| value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    value
        .filter(is_digest)
        .map(|digest| digest.to_ascii_lowercase())
        .ok_or_else(|| ApiError::field("version", "must be a SHA-256 of 64 hexadecimal digits"))
}
