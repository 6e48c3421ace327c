//! Anthropic's Message Batches.
//!
//! Written from
//! <https://platform.claude.com/docs/en/api/http/messages/batches/create?version=2026-10-21> and
//! its neighbours (retrieve, list, results, cancel), and from
//! <https://platform.claude.com/docs/en/build-with-claude/batch-processing> (limits, price), as
//! read in November 2026.
//! Never run against the real service.

use async_trait::async_trait;
use providers::{ClaudeSettings, claude};
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use shared::domain::{ProviderName, Timestamp};
use shared::ports::ModelError;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::http::{ProviderHttp, ResultLines};
use super::service::{
    BatchMarker, BatchOutcome, BatchService, BatchStatus, EndedBatch, RequestResult, SearchResult,
    id,
};

/// "A Message Batch is limited to either 100,000 Message requests or 256 MB in size, whichever is
/// reached first."
const MOST_REQUESTS: usize = 100_000;
/// The largest page of the list of batches.
const PAGE: usize = 1_000;
/// How far this machine's clock may be ahead of the provider's.
const SKEW_MS: i64 = 3_600_000;

/// The Message Batches of a workspace.
pub(super) struct Anthropic {
    http: ProviderHttp,
    /// `…/v1/messages/batches`.
    url: String,
    base: String,
}

impl Anthropic {
    /// Creates the client.
    pub(super) fn new(settings: &ClaudeSettings, http: ProviderHttp) -> anyhow::Result<Self> {
        let version = HeaderValue::try_from(&settings.version)?;
        let http = http
            .with_key(HeaderName::from_static("x-api-key"), "")?
            .with(HeaderName::from_static("anthropic-version"), version);
        let base = settings.base_url.clone();
        Ok(Self { http, url: format!("{base}/v1/messages/batches"), base })
    }

    /// Returns whether an ended batch is ours: its results carry our IDs.
    async fn is_ours(&self, batch: &Value, mark: &BatchMarker) -> Result<bool, ModelError> {
        let first = self.results(&self.place(batch)?).await?.next().await?;
        let custom_id = first.as_ref().and_then(|line| line["custom_id"].as_str());
        Ok(custom_id.is_some_and(|custom_id| custom_id.starts_with(&mark.prefix)))
    }

    /// Returns the URL of a batch's results; the key is sent to the configured server only.
    fn place(&self, batch: &Value) -> Result<String, ModelError> {
        let own = format!("{}/{}/results", self.url, id(&batch["id"])?);
        let told =
            batch["results_url"].as_str().filter(|url| url.starts_with(&format!("{}/", self.base)));
        Ok(told.map_or(own, str::to_owned))
    }
}

#[async_trait]
impl BatchService for Anthropic {
    fn provider(&self) -> ProviderName {
        ProviderName::Claude
    }

    fn most_requests(&self) -> usize {
        MOST_REQUESTS
    }

    fn line(&self, custom_id: &str, body: &Value) -> Value {
        json!({ "custom_id": custom_id, "params": body })
    }

    async fn create(&self, _mark: &BatchMarker, lines: Vec<u8>) -> Result<String, ModelError> {
        let mut body = b"{\"requests\":[".to_vec();
        body.extend(
            lines.trim_ascii_end().iter().map(|byte| if *byte == b'\n' { b',' } else { *byte }),
        );
        drop(lines);
        body.extend_from_slice(b"]}");
        let batch = self.http.post(&self.url, "application/json", body).await?;
        id(&batch["id"])
    }

    /// Batches carry no label, so a batch of the same size and time is ours if its results carry our
    /// IDs. That is certain, but only known once it has ended.
    async fn find(&self, mark: &BatchMarker) -> Result<SearchResult, ModelError> {
        let mut perhaps = Vec::new();
        let mut url = format!("{}?limit={PAGE}", self.url);
        loop {
            let page = self.http.get(&url).await?;
            let batches = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
            for batch in batches.iter().filter(|batch| is_like(batch, mark)) {
                if batch["processing_status"] != "ended" {
                    perhaps.push(id(&batch["id"])?);
                } else if self.is_ours(batch, mark).await? {
                    return Ok(SearchResult::Found(id(&batch["id"])?));
                }
            }
            // The newest come first.
            let older = batches.last().and_then(|batch| moment(&batch["created_at"]));
            let goes_on =
                page["has_more"] == true && older.is_none_or(|at| at.0 > mark.at.0 - SKEW_MS);
            match id(&page["last_id"]) {
                Ok(last) if goes_on => url = format!("{}?limit={PAGE}&after_id={last}", self.url),
                _ if perhaps.is_empty() => return Ok(SearchResult::NotFound),
                _ => return Ok(SearchResult::Ambiguous(perhaps)),
            }
        }
    }

    async fn status(&self, id: &str) -> Result<BatchStatus, ModelError> {
        let batch = self.http.get(&format!("{}/{id}", self.url)).await?;
        let done = counts(&batch) - batch["request_counts"]["processing"].as_u64().unwrap_or(0);
        let status = batch["processing_status"].as_str().unwrap_or("nothing");
        if status == "ended" {
            let outcome = if batch["cancel_initiated_at"].is_null() {
                BatchOutcome::Completed
            } else {
                BatchOutcome::Cancelled
            };
            let end = EndedBatch {
                at: moment(&batch["ended_at"]),
                outcome,
                results: vec![self.place(&batch)?],
            };
            return Ok(BatchStatus { done, end: Some(end), unknown_status: None });
        }
        let unknown_status =
            (!["in_progress", "canceling"].contains(&status)).then(|| status.to_owned());
        Ok(BatchStatus { done, end: None, unknown_status })
    }

    async fn results(&self, place: &str) -> Result<ResultLines, ModelError> {
        self.http.lines(place).await
    }

    fn parse_result(&self, mut line: Value) -> RequestResult {
        let result = &mut line["result"];
        match result["type"].as_str() {
            Some("succeeded") => claude::parse_batch_reply(result["message"].take())
                .map_or_else(|| RequestResult::unknown("a message"), RequestResult::Reply),
            Some("errored") => {
                let error = &result["error"]["error"];
                RequestResult::failed(&self.http, error["type"].as_str(), error["message"].as_str())
            }
            Some("canceled") => RequestResult::Cancelled,
            Some("expired") => RequestResult::expired(),
            other => RequestResult::unknown(other.unwrap_or("none")),
        }
    }

    async fn cancel(&self, id: &str) -> Result<(), ModelError> {
        self.http.post_again(&format!("{}/{id}/cancel", self.url)).await.map(drop)
    }
}

/// Returns whether a batch may be the one that is searched for.
fn is_like(batch: &Value, mark: &BatchMarker) -> bool {
    let is_other = mark.others.iter().any(|other| batch["id"] == other.as_str());
    let is_older = moment(&batch["created_at"]).is_some_and(|at| at.0 < mark.at.0 - SKEW_MS);
    !is_other && !is_older && counts(batch) == mark.count
}

fn counts(batch: &Value) -> u64 {
    let counts = ["processing", "succeeded", "errored", "canceled", "expired"];
    counts.iter().filter_map(|count| batch["request_counts"][count].as_u64()).sum()
}

fn moment(time: &Value) -> Option<Timestamp> {
    let time = OffsetDateTime::parse(time.as_str()?, &Rfc3339).ok()?;
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).ok().map(Timestamp)
}
