//! `OpenAI`'s Batch API.
//!
//! Written from <https://developers.openai.com/api/reference/resources/batches> (create, retrieve,
//! list, cancel), <https://developers.openai.com/api/reference/resources/files> and
//! <https://developers.openai.com/api/docs/guides/batch> (limits, price, files), as read in
//! November 2026.
//! Never run against the real service.

use async_trait::async_trait;
use providers::{OpenAiSettings, openai};
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};
use shared::domain::{ProviderName, Timestamp};
use shared::ports::ModelError;

use super::http::{ProviderHttp, ResultLines};
use super::service::{
    BatchMarker, BatchOutcome, BatchService, BatchStatus, EndedBatch, RequestResult, SearchResult,
    id,
};
use crate::output::cut;

/// "The file can contain up to 50,000 requests, and can be up to 200 MB in size."
const MOST_REQUESTS: usize = 50_000;
/// The only one there is.
const WINDOW: &str = "24h";
/// What each request is for.
const ENDPOINT: &str = "/v1/chat/completions";
/// Under which name the batch's metadata says which part it is.
const MARK: &str = "yogi_part";
const PAGE: usize = 100;
/// How far this machine's clock may be ahead of the provider's.
const SKEW_MS: i64 = 3_600_000;
/// How many errors of a rejected batch are printed.
const TOLD: usize = 3;

/// The batches of a project.
pub(super) struct OpenAi {
    http: ProviderHttp,
    /// What `/batches` and `/files` are appended to.
    base: String,
}

impl OpenAi {
    /// Makes ready to call it.
    pub(super) fn new(settings: &OpenAiSettings, http: ProviderHttp) -> anyhow::Result<Self> {
        Ok(Self { http: http.with_key(AUTHORIZATION, "Bearer ")?, base: settings.base_url.clone() })
    }

    /// Uploads the requests; what is uploaded and never used costs nothing.
    async fn upload(&self, mark: &BatchMarker, lines: &[u8]) -> Result<String, ModelError> {
        // JSON lines hold no line that begins like this.
        let fence = format!("--yogi-{}", mark.prefix);
        let mut body = format!(
            "--{fence}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
        )
        .into_bytes();
        let head = format!(
            "--{fence}\r\nContent-Disposition: form-data; name=\"file\"; \
            filename=\"{}batch.jsonl\"\r\n\
             LineContent-Type: application/jsonl\r\n\r\n",
            mark.prefix
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(lines);
        body.extend_from_slice(format!("\r\n--{fence}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={fence}");
        let file = self.http.post(&format!("{}/files", self.base), &kind, body).await?;
        id(&file["id"])
    }

    fn results_of(&self, batch: &Value) -> Vec<String> {
        let files = ["output_file_id", "error_file_id"];
        let ids = files.iter().filter_map(|file| id(&batch[file]).ok());
        ids.map(|id| format!("{}/files/{id}/content", self.base)).collect()
    }

    /// Returns why a batch was refused as a whole.
    fn refusal(&self, batch: &Value) -> String {
        let errors = batch["errors"]["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let said = errors.iter().take(TOLD).map(|error| {
            let texts = ["code", "message"].into_iter().filter_map(|text| error[text].as_str());
            texts.collect::<Vec<_>>().join(": ")
        });
        cut(&self.http.without_key(&said.collect::<Vec<_>>().join("; ")), 500)
    }
}

#[async_trait]
impl BatchService for OpenAi {
    fn provider(&self) -> ProviderName {
        ProviderName::OpenAi
    }

    fn most_requests(&self) -> usize {
        MOST_REQUESTS
    }

    fn line(&self, custom_id: &str, body: &Value) -> Value {
        json!({ "custom_id": custom_id, "method": "POST", "url": ENDPOINT, "body": body })
    }

    async fn create(&self, mark: &BatchMarker, lines: Vec<u8>) -> Result<String, ModelError> {
        let file = self.upload(mark, &lines).await?;
        drop(lines);
        let metadata = json!({ MARK: mark.prefix });
        let body = json!({
            "input_file_id": file, "endpoint": ENDPOINT, "completion_window": WINDOW,
            "metadata": metadata
        });
        let url = format!("{}/batches", self.base);
        let batch = self.http.post(&url, "application/json", body.to_string().into_bytes()).await?;
        id(&batch["id"])
    }

    async fn find(&self, mark: &BatchMarker) -> Result<SearchResult, ModelError> {
        let mut url = format!("{}/batches?limit={PAGE}", self.base);
        loop {
            let page = self.http.get(&url).await?;
            let batches = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
            if let Some(batch) =
                batches.iter().find(|batch| batch["metadata"][MARK] == mark.prefix.as_str())
            {
                return Ok(SearchResult::Found(id(&batch["id"])?));
            }
            // The newest come first.
            let older = batches.last().and_then(|batch| moment(&batch["created_at"]));
            let goes_on =
                page["has_more"] == true && older.is_none_or(|at| at.0 > mark.at.0 - SKEW_MS);
            match batches.last().map(|batch| id(&batch["id"])) {
                Some(Ok(last)) if goes_on => {
                    url = format!("{}/batches?limit={PAGE}&after={last}", self.base);
                }
                _ => return Ok(SearchResult::NotFound),
            }
        }
    }

    async fn status(&self, id: &str) -> Result<BatchStatus, ModelError> {
        let batch = self.http.get(&format!("{}/batches/{id}", self.base)).await?;
        let count = |name: &str| batch["request_counts"][name].as_u64().unwrap_or(0);
        let done = count("completed") + count("failed");
        let (outcome, at) = match batch["status"].as_str() {
            Some("completed") => (BatchOutcome::Completed, "completed_at"),
            Some("expired") => (BatchOutcome::Expired, "expired_at"),
            Some("cancelled") => (BatchOutcome::Cancelled, "cancelled_at"),
            Some("failed") => (BatchOutcome::Failed(self.refusal(&batch)), "failed_at"),
            Some("validating" | "in_progress" | "finalizing" | "cancelling") => {
                return Ok(BatchStatus { done, end: None, unknown_status: None });
            }
            other => {
                return Ok(BatchStatus {
                    done,
                    end: None,
                    unknown_status: Some(other.unwrap_or("nothing").to_owned()),
                });
            }
        };
        let end = EndedBatch { at: moment(&batch[at]), outcome, results: self.results_of(&batch) };
        Ok(BatchStatus { done, end: Some(end), unknown_status: None })
    }

    async fn results(&self, place: &str) -> Result<ResultLines, ModelError> {
        self.http.lines(place).await
    }

    fn parse_result(&self, mut line: Value) -> RequestResult {
        let error = &line["error"];
        match error["code"].as_str() {
            Some("batch_expired") => return RequestResult::expired(),
            Some("batch_cancelled") => return RequestResult::Cancelled,
            code if !error.is_null() => {
                return RequestResult::failed(&self.http, code, error["message"].as_str());
            }
            _ => (),
        }
        let response = &mut line["response"];
        match response["status_code"].as_u64() {
            Some(200) => {
                let whole = openai::parse_batch_reply(response["body"].take());
                whole.map_or_else(|| RequestResult::unknown("a completion"), RequestResult::Reply)
            }
            Some(status) => {
                let error = &response["body"]["error"];
                let name = error["code"].as_str().or(error["type"].as_str());
                let load = matches!(status, 408 | 429 | 500..).then_some("server_error");
                RequestResult::failed(&self.http, load.or(name), error["message"].as_str().or(name))
            }
            None => RequestResult::unknown("a line without a response"),
        }
    }

    async fn cancel(&self, id: &str) -> Result<(), ModelError> {
        self.http.post_again(&format!("{}/batches/{id}/cancel", self.base)).await.map(drop)
    }
}

fn moment(seconds: &Value) -> Option<Timestamp> {
    seconds.as_i64().map(|seconds| Timestamp(seconds.saturating_mul(1_000)))
}
