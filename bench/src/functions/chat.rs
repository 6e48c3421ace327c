//! Chats over the three functions, driven as Lambda, the queues and API Gateway would drive them.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::cloud::{Cloud, Sent};
use testkit::lambda::{FunctionProgram, RunningFunction, RuntimeCall};

/// How often a failed call or delivery is retried.
const MAX_RETRIES: usize = 5;
const CONNECTION: &str = "Bench1connAMCKjA=";

/// One environment of each function.
pub struct Functions {
    /// The function behind API Gateway.
    pub ingress: RunningFunction,
    /// The worker.
    pub worker: RunningFunction,
    /// The notifier.
    pub notifier: RunningFunction,
}

impl Functions {
    /// Starts the programs of a folder on these services and this provider.
    pub async fn start(folder: &Path, cloud: &Cloud, provider: &str) -> anyhow::Result<Self> {
        let start = async |name: &'static str| {
            let mut program = FunctionProgram::deployed(name, folder.join(name));
            program.variables.extend([
                ("AWS_ENDPOINT_URL", cloud.url()),
                ("CHATBOT_CONNECTIONS_URL", format!("{}/bench", cloud.url())),
                (
                    "CHATBOT_REQUESTS_QUEUE_URL",
                    format!("{}/123456789012/requests.fifo", cloud.url()),
                ),
                ("CHATBOT_REPLIES_QUEUE_URL", format!("{}/123456789012/replies.fifo", cloud.url())),
                ("ANTHROPIC_BASE_URL", provider.to_owned()),
                ("CHATBOT_RATE_PRINCIPAL_PER_MINUTE", "1000000".to_owned()),
                ("CHATBOT_RATE_ADDRESS_PER_5_MINUTES", "1000000".to_owned()),
                ("CHATBOT_LOG", "warn".to_owned()),
            ]);
            if name == "worker" {
                program = program.without_variable("CHATBOT_DAILY_BUDGET_USD");
            }
            program.start().await
        };
        Ok(Self {
            ingress: start("ingress").await?,
            worker: start("worker").await?,
            notifier: start("notifier").await?,
        })
    }

    /// Returns the functions, in the order of the data flow.
    pub fn all(&self) -> [(&'static str, &RunningFunction); 3] {
        [("ingress", &self.ingress), ("worker", &self.worker), ("notifier", &self.notifier)]
    }
}

/// Gives a function an event, and returns its answer.
pub(super) async fn ask(function: &mut RunningFunction, event: &Value) -> anyhow::Result<Value> {
    match function.invoke(event.to_string()).await? {
        RuntimeCall::Response(body) => {
            serde_json::from_slice(&body).context("the function's answer is not JSON")
        }
        call => bail!("the function failed: {call:?}"),
    }
}

/// One session with an open socket.
pub struct Chat {
    session: String,
    token: String,
}

impl Chat {
    /// Makes a session and opens its socket.
    pub async fn open(functions: &mut Functions) -> anyhow::Result<Self> {
        let made = body(&ask(&mut functions.ingress, &call("/sessions", "{}", None)).await?)?;
        let text = |value: &Value| value.as_str().map(str::to_owned).context("a field is missing");
        let chat =
            Self { session: text(&made["session_id"])?, token: text(&made["session_token"])? };
        let ticket = text(&made["websocket"]["ticket"])?;
        let allowed = ask(&mut functions.ingress, &attempt(&ticket)).await?;
        let frame = frame(&allowed["context"], r#"{"type":"resume","after":0}"#);
        ask(&mut functions.ingress, &frame).await?;
        Ok(chat)
    }

    /// Sends a message, and drives the functions until both queues are empty.
    ///
    /// Temporary failures are retried, as clients and queues do. Returns the number of retries.
    pub async fn say(&mut self, functions: &mut Functions, cloud: &Cloud) -> anyhow::Result<usize> {
        let message =
            json!({ "message": "What is in period 3 on Tuesday?", "session_id": self.session });
        let event = call("/chat", &message.to_string(), Some(&self.token));
        let mut again = 0;
        while let answer = ask(&mut functions.ingress, &event).await?
            && body(&answer).is_err()
        {
            again += 1;
            if again > MAX_RETRIES {
                bail!("a call failed: {answer}");
            }
        }
        loop {
            let sent = cloud.take_sent();
            if sent.is_empty() {
                return Ok(again);
            }
            for message in sent {
                let function = if message.queue.ends_with("requests.fifo") {
                    &mut functions.worker
                } else {
                    &mut functions.notifier
                };
                while let answer = ask(function, &records(&message)).await?
                    && answer["batchItemFailures"] != json!([])
                {
                    again += 1;
                    if again > MAX_RETRIES {
                        bail!("a message failed: {answer}");
                    }
                }
            }
        }
    }
}

/// Returns an event of the REST API.
pub fn call(resource: &str, body: &str, token: Option<&str>) -> Value {
    let mut headers = json!({ "Content-Type": ["application/json"], "Host": ["api.example.com"] });
    if let Some(token) = token {
        headers["Authorization"] = json!([format!("Bearer {token}")]);
    }
    json!({
        "resource": resource,
        "path": resource,
        "httpMethod": "POST",
        "headers": {},
        "multiValueHeaders": headers,
        "requestContext": {
            "httpMethod": "POST", "stage": "bench", "identity": { "sourceIp": "203.0.113.7" },
        },
        "body": body,
        "isBase64Encoded": false,
    })
}

fn body(answer: &Value) -> anyhow::Result<Value> {
    let good = answer["statusCode"].as_u64().is_some_and(|status| (200..300).contains(&status));
    let text = answer["body"]
        .as_str()
        .filter(|_| good)
        .with_context(|| format!("a call failed: {answer}"))?;
    Ok(serde_json::from_str(text)?)
}

fn attempt(ticket: &str) -> Value {
    json!({
        "type": "REQUEST",
        "methodArn": "arn:aws:execute-api:us-east-1:123456789012:bench/bench/$connect",
        "headers": { "Host": "ws.example.com" },
        "queryStringParameters": { "ticket": ticket },
        "requestContext": {
            "connectionId": CONNECTION, "routeKey": "$connect", "eventType": "CONNECT",
        },
    })
}

fn frame(context: &Value, text: &str) -> Value {
    json!({
        "requestContext": {
            "connectionId": CONNECTION,
            "routeKey": "resume",
            "eventType": "MESSAGE",
            "messageId": "m",
            "connectedAt": 0,
            "requestTimeEpoch": 0,
            "authorizer": context,
        },
        "body": text,
        "isBase64Encoded": false,
    })
}

fn records(message: &Sent) -> Value {
    json!({ "Records": [{
        "messageId": "00000000-0000-4000-8000-000000000001",
        "receiptHandle": "handle",
        "body": message.body,
        "attributes": { "ApproximateReceiveCount": "1", "MessageGroupId": message.group },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:bench.fifo",
        "awsRegion": "us-east-1",
    }] })
}
