//! Both providers' batch APIs, as far as their documentation tells: batches that end when they are
//! told to.

mod results;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use self::results::lines;

/// The day on which everything happens here, in both forms.
const TODAY: (&str, i64) = ("2099-01-02T03:04:05.123456Z", 4_070_995_445);

/// What comes of the creation of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Creation {
    /// It is created, and this is answered.
    Answered,
    /// It is created, and the answer never comes.
    Unanswered,
    /// It is created, and an error is answered.
    Failing(u16),
    /// It is not created, and the answer never comes.
    Lost,
    /// It is not created, and an error is answered.
    Refused(u16),
}

/// A batch.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) id: String,
    /// Its requests, a line each.
    pub(crate) requests: Vec<Value>,
    pub(crate) metadata: Value,
    looks: usize,
    cancelled: bool,
}

/// What the stub does, and has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// What comes of the next creations; then they are answered.
    pub(crate) creations: VecDeque<Creation>,
    /// Whether batches stay in progress.
    pub(crate) held: bool,
    /// How `OpenAI`'s batches end, where not as they should.
    pub(crate) status: Option<&'static str>,
    /// What every call is answered with.
    pub(crate) broken: Option<u16>,
    pub(crate) batches: Vec<Batch>,
    pub(crate) files: BTreeMap<String, Vec<Value>>,
    /// Method, path and headers of each call.
    pub(crate) calls: Vec<(Method, String, HeaderMap)>,
    base: String,
}

/// A server with both APIs.
pub(crate) struct Batches {
    seen: Arc<Mutex<Seen>>,
    url: String,
    serving: JoinHandle<()>,
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Batches {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Seen { base: url.clone(), ..Seen::default() }));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&seen));
        let router = router.layer(axum::extract::DefaultBodyLimit::disable());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { seen, url, serving }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Looks at what was seen, or changes what is done.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.seen.lock().unwrap())
    }

    pub(crate) fn next(&self, creation: Creation) {
        self.with(|seen| seen.creations.push_back(creation));
    }

    /// Returns the requests of all batches.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.with(|seen| seen.batches.iter().flat_map(|batch| batch.requests.clone()).collect())
    }

    /// Adds a batch of somebody else's.
    pub(crate) fn add_other(&self, requests: usize) {
        let request = |number| {
            json!({
                "custom_id": format!("other-{number}"), "params": { "messages": [{ "content": "x" }] }
            })
        };
        self.with(|seen| seen.create((0..requests).map(request).collect(), Value::Null));
    }
}

impl Seen {
    /// Says that results are at another server.
    pub(crate) fn answer_from(&mut self, base: &str) {
        base.clone_into(&mut self.base);
    }

    fn create(&mut self, requests: Vec<Value>, metadata: Value) -> usize {
        let id = format!("batch_{}", self.batches.len() + 1);
        self.batches.push(Batch { id, requests, metadata, looks: 0, cancelled: false });
        self.batches.len() - 1
    }

    /// Looks at a batch: it ends at the second look.
    fn look(&mut self, id: &str) -> Option<usize> {
        let held = self.held;
        let place = self.batches.iter().position(|batch| batch.id == id)?;
        let batch = &mut self.batches[place];
        batch.looks += usize::from(!held || batch.cancelled);
        Some(place)
    }

    /// Looks at all batches, the newest first.
    fn newest(&mut self) -> Vec<usize> {
        let ids: Vec<_> = self.batches.iter().rev().map(|batch| batch.id.clone()).collect();
        ids.iter().filter_map(|id| self.look(id)).collect()
    }

    fn claude(&self, place: usize) -> Value {
        let batch = &self.batches[place];
        let count = batch.requests.len();
        let ended = batch.looks > 1;
        let fates: Vec<_> = batch
            .results()
            .iter()
            .map(|line| line["result"]["type"].as_str().unwrap().to_owned())
            .collect();
        let counted = |fate: &str| {
            if ended { fates.iter().filter(|other| *other == fate).count() } else { 0 }
        };
        let known = counted("succeeded") + counted("errored") + counted("canceled");
        let (created, _) = TODAY;
        json!({
            "id": batch.id, "type": "message_batch", "created_at": created, "expires_at": created,
            "archived_at": null,
            "processing_status": if ended { "ended" } else if batch.cancelled { "canceling" } else { "in_progress" },
            "cancel_initiated_at": batch.cancelled.then_some(created),
            "ended_at": ended.then_some(created),
            "request_counts": {
                "processing": if ended { 0 } else { count }, "succeeded": counted("succeeded"),
                "errored": counted("errored"), "canceled": counted("canceled"),
                "expired": if ended { count - known } else { 0 },
            },
            "results_url": ended.then(|| format!("{}/v1/messages/batches/{}/results", self.base, batch.id)),
        })
    }

    fn openai(&self, place: usize) -> Value {
        let batch = &self.batches[place];
        let ended = batch.looks > 1;
        let end = if batch.cancelled { "cancelled" } else { self.status.unwrap_or("completed") };
        let (output, errors) = batch.outputs();
        let has_files = ended && end != "failed";
        let file = |kind: &str, lines: &[Value]| {
            (has_files && !lines.is_empty()).then(|| format!("file-{kind}-{}", batch.id))
        };
        let (_, created) = TODAY;
        let refusal = json!({
            "object": "list",
            "data": [{ "code": "token_limit_exceeded", "message": "Enqueued token limit \
                reached", "line": null }]
        });
        json!({
            "id": batch.id, "object": "batch", "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "status": if ended { end } else { "in_progress" }, "created_at": created, format!("{end}_at"): ended.then_some(created),
            "output_file_id": file("output", &output), "error_file_id": file("error", &errors),
            "errors": if end == "failed" { refusal } else { Value::Null },
            "metadata": batch.metadata,
            "request_counts": { "total": batch.requests.len(), "completed": output.len(), "failed": errors.len() },
        })
    }

    fn openai_file(&self, id: &str) -> Option<String> {
        let (kind, batch) = id.strip_prefix("file-")?.split_once('-')?;
        let (output, errors) = self.batches.iter().find(|other| other.id == batch)?.outputs();
        Some(lines(if kind == "output" { &output } else { &errors }))
    }
}

async fn answer(
    State(seen): State<Arc<Mutex<Seen>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (answer, waits) = {
        let mut seen = seen.lock().unwrap();
        seen.calls.push((method.clone(), uri.to_string(), headers.clone()));
        match seen.broken {
            Some(status) => (failure(status, &headers), false),
            None => call(&mut seen, &method, uri.path(), &headers, &body),
        }
    };
    if waits {
        std::future::pending::<()>().await;
    }
    answer
}

/// Returns the answer, and whether it never comes.
fn call(
    seen: &mut Seen,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> (Response, bool) {
    let parts: Vec<_> = path.split('/').skip(1).collect();
    let is_post = method == Method::POST;
    let answered = match parts.as_slice() {
        ["v1", "messages", "batches"] if is_post => {
            let asked: Value = serde_json::from_slice(body).unwrap();
            let requests = asked["requests"].as_array().unwrap().clone();
            return created(seen, requests, Value::Null, headers, Seen::claude);
        }
        ["v1", "messages", "batches"] => {
            let newest: Vec<_> =
                seen.newest().into_iter().map(|place| seen.claude(place)).collect();
            Some(
                json!({ "data": newest, "has_more": false, "first_id": null, "last_id": null })
                    .to_string(),
            )
        }
        ["v1", "messages", "batches", id] => {
            seen.look(id).map(|place| seen.claude(place).to_string())
        }
        ["v1", "messages", "batches", id, "cancel"] => {
            cancel(seen, id).map(|place| seen.claude(place).to_string())
        }
        ["v1", "messages", "batches", id, "results"] => {
            seen.batches.iter().find(|batch| batch.id == *id).map(|batch| lines(&batch.results()))
        }
        ["v1", "files"] if is_post => {
            let id = format!("file-{}", seen.files.len() + 1);
            seen.files.insert(id.clone(), uploaded(headers, body));
            Some(json!({ "id": id, "object": "file", "purpose": "batch" }).to_string())
        }
        ["v1", "files", id, "content"] => seen.openai_file(id),
        ["v1", "batches"] if is_post => {
            let asked: Value = serde_json::from_slice(body).unwrap();
            assert_eq!(
                (&asked["endpoint"], &asked["completion_window"]),
                (&json!("/v1/chat/completions"), &json!("24h"))
            );
            let requests = seen.files[asked["input_file_id"].as_str().unwrap()].clone();
            return created(seen, requests, asked["metadata"].clone(), headers, Seen::openai);
        }
        ["v1", "batches"] => {
            let newest: Vec<_> =
                seen.newest().into_iter().map(|place| seen.openai(place)).collect();
            Some(json!({ "object": "list", "data": newest, "has_more": false }).to_string())
        }
        ["v1", "batches", id] => seen.look(id).map(|place| seen.openai(place).to_string()),
        ["v1", "batches", id, "cancel"] => {
            cancel(seen, id).map(|place| seen.openai(place).to_string())
        }
        _ => None,
    };
    (
        answered.map_or_else(|| failure(404, headers), axum::response::IntoResponse::into_response),
        false,
    )
}

fn created(
    seen: &mut Seen,
    requests: Vec<Value>,
    metadata: Value,
    headers: &HeaderMap,
    view: fn(&Seen, usize) -> Value,
) -> (Response, bool) {
    let creation = seen.creations.pop_front().unwrap_or(Creation::Answered);
    if let Creation::Refused(status) = creation {
        return (failure(status, headers), false);
    }
    if creation == Creation::Lost {
        return (failure(500, headers), true);
    }
    let place = seen.create(requests, metadata);
    match creation {
        Creation::Failing(status) => (failure(status, headers), false),
        _ => (view(seen, place).to_string().into_response(), creation == Creation::Unanswered),
    }
}

fn cancel(seen: &mut Seen, id: &str) -> Option<usize> {
    let place = seen.batches.iter().position(|batch| batch.id == id)?;
    seen.batches[place].cancelled = true;
    Some(place)
}

/// Answers with an error that repeats the key, as some do.
fn failure(status: u16, headers: &HeaderMap) -> Response {
    let key = ["x-api-key", "authorization"].into_iter().find_map(|name| headers.get(name));
    let key =
        key.map(|key| String::from_utf8_lossy(key.as_bytes()).into_owned()).unwrap_or_default();
    let error = json!({
        "type": "error",
        "error": { "type": "some_error", "message": format!("Incorrect key: {key}") }
    });
    (StatusCode::from_u16(status).unwrap(), [("retry-after", "0")], error.to_string())
        .into_response()
}

/// Reads the file of an upload.
fn uploaded(headers: &HeaderMap, body: &[u8]) -> Vec<Value> {
    let kind = headers["content-type"].to_str().unwrap();
    let fence = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let text = std::str::from_utf8(body).unwrap();
    let (before, rest) = text.split_once(&format!("--{fence}\r\n")).unwrap();
    let (purpose, file) = rest.split_once(&format!("\r\n--{fence}\r\n")).unwrap();
    assert_eq!(
        (before, purpose),
        ("", "Content-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch")
    );
    let (head, content) = file.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("name=\"file\"; filename="), "{head}");
    let content = content.strip_suffix(&format!("\r\n--{fence}--\r\n")).unwrap();
    content.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
