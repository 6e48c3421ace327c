//! Metrics of each turn, as one log line in CloudWatch's Embedded Metric Format.
//!
//! CloudWatch extracts metrics from such lines, so that a function needs no extra call.
//! Source: "Embedded metric format specification" in the CloudWatch user guide.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};
use shared::domain::{ContextUse, TurnKind};
use shared::ports::{Clock, Metrics, TurnMeasure};
use shared::telemetry::gen_ai;

/// The namespace of the metrics.
pub const NAMESPACE: &str = "LearningYogi/Chatbot";

/// Every metric with its unit. Dashboards and alarms may refer to these only.
pub const METRICS: [(&str, &str); 15] = [
    (TURNS, "Count"),
    (QUEUE_DELAY, "Milliseconds"),
    (CONTEXT_TIME, "Milliseconds"),
    (FIRST_TOKEN, "Milliseconds"),
    (TOTAL_TIME, "Milliseconds"),
    (INPUT_TOKENS, "Count"),
    (OUTPUT_TOKENS, "Count"),
    (COST, "Count"),
    (UNPRICED, "Count"),
    (RETRIES, "Count"),
    (FALLBACKS, "Count"),
    (RESTARTS, "Count"),
    (ERRORS, "Count"),
    (PROVIDER_FAILURES, "Count"),
    (CONTEXT_UNAVAILABLE, "Count"),
];

const TURNS: &str = "Turns";
const QUEUE_DELAY: &str = "QueueDelay";
const CONTEXT_TIME: &str = "ContextTime";
const FIRST_TOKEN: &str = "FirstToken";
const TOTAL_TIME: &str = "TotalTime";
const INPUT_TOKENS: &str = "InputTokens";
const OUTPUT_TOKENS: &str = "OutputTokens";
const COST: &str = "CostMicroUsd";
const UNPRICED: &str = "UnpricedTurns";
const RETRIES: &str = "Retries";
const FALLBACKS: &str = "Fallbacks";
const RESTARTS: &str = "Restarts";
const ERRORS: &str = "Errors";
const PROVIDER_FAILURES: &str = "ProviderFailures";
const CONTEXT_UNAVAILABLE: &str = "ContextUnavailable";

/// The value of the dimension `provider` for turns without a provider call.
const NO_PROVIDER: &str = "none";

/// Writes one line per turn, with its metrics under two sets of dimensions: stage alone, and stage
/// with provider.
pub struct EmbeddedMetrics {
    stage: String,
    clock: Arc<dyn Clock>,
    output: Mutex<Box<dyn Write + Send>>,
}

impl EmbeddedMetrics {
    /// Writes to standard output, which Lambda forwards to CloudWatch line by line.
    pub fn new(stage: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self::with_output(stage, clock, Box::new(std::io::stdout()))
    }

    /// Writes to the given output.
    pub fn with_output(
        stage: impl Into<String>,
        clock: Arc<dyn Clock>,
        output: Box<dyn Write + Send>,
    ) -> Self {
        Self { stage: stage.into(), clock, output: Mutex::new(output) }
    }
}

impl Metrics for EmbeddedMetrics {
    fn turn(&self, measure: &TurnMeasure) {
        let line = format!("{}\n", line(&self.stage, measure, self.clock.now().0));
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = output.write_all(line.as_bytes()).and_then(|()| output.flush()) {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "could not write the metrics of a turn"
            );
        }
    }
}

fn line(stage: &str, measure: &TurnMeasure, now: i64) -> Value {
    let values = values(measure);
    let declared: Vec<Value> = METRICS
        .iter()
        .filter(|(name, _)| values.contains_key(*name))
        .map(|(name, unit)| json!({ "Name": name, "Unit": unit }))
        .collect();
    let mut line = Map::new();
    let metrics = json!({
        "Namespace": NAMESPACE,
        "Dimensions": [["stage"], ["stage", "provider"]],
        "Metrics": declared,
    });
    line.insert("_aws".to_owned(), json!({ "Timestamp": now, "CloudWatchMetrics": [metrics] }));
    line.insert("stage".to_owned(), json!(stage));
    line.insert(
        "provider".to_owned(),
        json!(measure.provider.map_or(NO_PROVIDER, |provider| provider.as_str())),
    );
    line.extend(values);
    line.extend(properties(measure));
    Value::Object(line)
}

/// Returns the metrics of a turn.
fn values(measure: &TurnMeasure) -> Map<String, Value> {
    let flag = |flag: bool| json!(u8::from(flag));
    let usage = measure.usage.unwrap_or_default();
    let cost = if measure.usage.is_some() { measure.cost.map(|cost| cost.0) } else { Some(0) };
    present([
        (TURNS, Some(json!(1))),
        (QUEUE_DELAY, Some(json!(measure.timings.queue_ms))),
        (CONTEXT_TIME, Some(json!(measure.timings.context_ms))),
        (FIRST_TOKEN, measure.timings.first_token_ms.map(|time| json!(time))),
        (TOTAL_TIME, Some(json!(measure.timings.total_ms))),
        (INPUT_TOKENS, Some(json!(usage.input_tokens))),
        (OUTPUT_TOKENS, Some(json!(usage.output_tokens))),
        (COST, cost.map(|cost| json!(cost))),
        (UNPRICED, Some(flag(measure.is_unpriced()))),
        (RETRIES, Some(json!(measure.attempts.retries))),
        (FALLBACKS, Some(json!(measure.attempts.fallbacks))),
        (RESTARTS, Some(json!(measure.restarts))),
        (ERRORS, Some(flag(measure.kind == TurnKind::Error))),
        (PROVIDER_FAILURES, Some(json!(measure.attempts.failures))),
        (CONTEXT_UNAVAILABLE, Some(flag(measure.context == ContextUse::Unavailable))),
    ])
}

/// Returns the fields that are there for log queries only.
fn properties(measure: &TurnMeasure) -> Map<String, Value> {
    let provider = measure.provider.map(gen_ai::provider_name);
    let finish = measure.finish_reason.as_str();
    present([
        ("session.id", Some(json!(measure.session_key))),
        ("message.id", Some(json!(measure.message_id))),
        ("turn", Some(json!(measure.turn))),
        ("kind", Some(json!(measure.kind))),
        ("finish_reason", Some(json!(finish))),
        ("error_code", measure.error.map(|code| json!(code))),
        ("trace_id", measure.trace.as_ref().map(|trace| json!(trace))),
        (gen_ai::OPERATION_NAME, Some(json!("chat"))),
        (gen_ai::CONVERSATION_ID, Some(json!(measure.session_key))),
        (gen_ai::PROVIDER_NAME, provider.map(|name| json!(name))),
        (gen_ai::REQUEST_MODEL, measure.requested_model.as_ref().map(|model| json!(model))),
        (gen_ai::RESPONSE_MODEL, measure.model.as_ref().map(|model| json!(model))),
        (gen_ai::FINISH_REASONS, Some(json!([finish]))),
        (gen_ai::INPUT_TOKENS, measure.usage.map(|usage| json!(usage.input_tokens))),
        (gen_ai::OUTPUT_TOKENS, measure.usage.map(|usage| json!(usage.output_tokens))),
    ])
}

fn present<const N: usize>(pairs: [(&str, Option<Value>); N]) -> Map<String, Value> {
    pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

#[cfg(test)]
mod tests;
