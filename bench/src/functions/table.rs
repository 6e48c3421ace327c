//! The table, on moto.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::capacity::{self, Item};

/// The table's name.
pub(super) const NAME: &str = "chatbot-sessions";
const READY_WITHIN: Duration = Duration::from_secs(30);

/// A moto server with the table.
pub struct Table {
    url: String,
    client: reqwest::Client,
    counting: std::sync::atomic::AtomicBool,
    _server: Child,
}

/// The result of a call.
pub(super) struct Done {
    /// The answer's status.
    pub status: StatusCode,
    /// The answer.
    pub body: Bytes,
    /// The write units that it would be billed.
    pub writes: u64,
    /// The read units.
    pub reads: u64,
}

impl Table {
    /// Starts moto and creates the table. With `counting`, billed units are computed, which takes
    /// additional calls.
    pub async fn start(moto: &Path, counting: bool) -> anyhow::Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?.port();
        let mut command = Command::new(moto);
        command.args(["-H", "127.0.0.1", "-p", &port.to_string()]).kill_on_drop(true);
        let server =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let server = server.with_context(|| format!("{} cannot be started", moto.display()))?;
        wait_for(port).await?;
        let table = Self {
            url: format!("http://127.0.0.1:{port}"),
            client: client()?,
            counting: counting.into(),
            _server: server,
        };
        table.create().await?;
        Ok(table)
    }

    /// Forwards a call.
    pub(super) async fn call(&self, call: &str, body: &Bytes) -> anyhow::Result<Done> {
        if !self.counting.load(std::sync::atomic::Ordering::Relaxed) {
            let (status, body) = self.send(call, body.clone()).await?;
            return Ok(Done { status, body, writes: 0, reads: 0 });
        }
        let input: Value = serde_json::from_slice(body)?;
        let (keys, transaction) = written_keys(call, &input);
        let before = self.items(&keys).await?;
        let (status, body) = self.send(call, body.clone()).await?;
        let after = self.items(&keys).await?;
        let units = if transaction { capacity::transacted } else { capacity::written };
        let writes = before
            .iter()
            .zip(&after)
            .map(|(before, after)| units(before.as_ref(), after.as_ref()))
            .sum();
        let reads = if keys.is_empty() { read_units(&serde_json::from_slice(&body)?) } else { 0 };
        Ok(Done { status, body, writes, reads })
    }

    async fn items(&self, keys: &[Value]) -> anyhow::Result<Vec<Option<Item>>> {
        let mut items = Vec::new();
        for key in keys {
            let get = json!({ "TableName": NAME, "Key": key, "ConsistentRead": true });
            let (_, body) = self.send("GetItem", get.to_string().into()).await?;
            let found: Value = serde_json::from_slice(&body)?;
            items.push(found["Item"].as_object().cloned());
        }
        Ok(items)
    }

    /// Empties the table: moto copies all of it for every transaction.
    pub(super) async fn empty(&self) -> anyhow::Result<()> {
        self.send("DeleteTable", json!({ "TableName": NAME }).to_string().into()).await?;
        self.create().await
    }

    async fn create(&self) -> anyhow::Result<()> {
        let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
        let attribute =
            |name: &str, kind: &str| json!({ "AttributeName": name, "AttributeType": kind });
        let table = json!({
            "TableName": NAME,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                attribute("session_id", "S"), attribute("item", "S"),
                attribute("due_shard", "S"), attribute("due", "N"),
            ],
            "KeySchema": [key("session_id", "HASH"), key("item", "RANGE")],
            "GlobalSecondaryIndexes": [{
                "IndexName": "due",
                "KeySchema": [key("due_shard", "HASH"), key("due", "RANGE")],
                "Projection": { "ProjectionType": "KEYS_ONLY" },
            }],
        });
        let (status, body) = self.send("CreateTable", table.to_string().into()).await?;
        if !status.is_success() {
            bail!("moto makes no table: {}", String::from_utf8_lossy(&body));
        }
        Ok(())
    }

    async fn send(&self, call: &str, body: Bytes) -> anyhow::Result<(StatusCode, Bytes)> {
        let post =
            self.client.post(&self.url).header("x-amz-target", format!("DynamoDB_20120810.{call}"));
        let post = post
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", SIGNATURE);
        let response = post.body(body).send().await?;
        Ok((response.status(), response.bytes().await?))
    }
}

/// Makes a client. It uses plain HTTP, but cannot be built without a TLS provider.
fn client() -> anyhow::Result<reqwest::Client> {
    // Somebody else may have installed it.
    drop(rustls::crypto::ring::default_provider().install_default());
    Ok(reqwest::Client::builder().no_proxy().build()?)
}

/// moto requires a region, but checks no signature.
const SIGNATURE: &str = "AWS4-HMAC-SHA256 \
    Credential=bench/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0";

async fn wait_for(port: u16) -> anyhow::Result<()> {
    let began = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
        if began.elapsed() > READY_WITHIN {
            bail!("moto does not start");
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Returns the keys that a call writes or checks, and whether it is a transaction.
fn written_keys(call: &str, input: &Value) -> (Vec<Value>, bool) {
    let key = |action: &Value| match &action["Item"] {
        Value::Null => action["Key"].clone(),
        item => json!({ "session_id": item["session_id"], "item": item["item"] }),
    };
    match call {
        "PutItem" | "UpdateItem" | "DeleteItem" => (vec![key(input)], false),
        "TransactWriteItems" => {
            let actions = input["TransactItems"].as_array().into_iter().flatten();
            (
                actions.filter_map(|action| action.as_object()?.values().next()).map(key).collect(),
                true,
            )
        }
        _ => (Vec::new(), false),
    }
}

fn read_units(answer: &Value) -> u64 {
    match answer["Items"].as_array() {
        Some(items) => capacity::read(items.iter().filter_map(Value::as_object)),
        None => capacity::read(answer["Item"].as_object()),
    }
}
