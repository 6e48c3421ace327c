//! The worker as a Lambda function, on the queue of requests.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use aws::config::{CommonResources, WorkerResources};
use aws::lambda::runtime::{Invocation, InvocationError};
use aws::lambda::schedule::ScheduledTask;
use aws::lambda::sqs::{self, SqsBatch};
use aws::redis::{RedisReplyCache, RedisTimeouts};
use aws::sdk::{Sdk, SdkSettings};
use aws::secrets::SecretsManagerSecrets;
use aws::sign::Signer;
use providers::Prices;
use providers::SIGNED_HEADERS;
use providers::client::{self, ClientSettings};
use providers::{
    BedrockModel, BedrockSettings, ClaudeModel, ClaudeSettings, OpenAiModel, OpenAiSettings,
};
use serde_json::Value;
use shared::disabled::NoDocuments;
use shared::environment::{ConfigError, Environment};
use shared::ports::{Clock, Documents, Model, ReplyCache, Secrets};
use shared::reply_cache::MemoryReplyCache;
use shared::system::{SystemClock, SystemIds};
use tokio::time::Instant;
use worker::calls::Providers;
use worker::config::{BreakerSettings, Pace, ReplyCacheBackend, ReplyCacheSettings};
use worker::reply_cache::ReplyCacheClient;
use worker::{Ports, Worker, WorkerConfig};

/// Where replies can be cached on AWS.
const REPLY_CACHES: [(&str, ReplyCacheBackend); 2] =
    [("memory", ReplyCacheBackend::Memory), ("redis", ReplyCacheBackend::Redis)];

/// The worker, and the parameter that holds the order of its providers.
struct Function {
    worker: Worker,
    sdk: Sdk,
    preference_parameter: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let wire = |environment: &Environment| {
        let function = Arc::new(wire(environment)?);
        Ok(move |invocation: Invocation| answer(function.clone(), invocation))
    };
    aws::lambda::start::run_function(wire).await
}

fn wire(environment: &Environment) -> Result<Function, Box<dyn Error>> {
    let config = WorkerConfig::from_env(environment, Pace::AWS)?;
    let resources = WorkerResources::from_env(environment)?;
    let CommonResources { stage, table, replies_queue, connections_url, sdk } = resources.common;
    let settings = sdk.clone();
    let sdk = Sdk::new(sdk);
    let clock = Arc::new(SystemClock);
    let names =
        aws::secrets::SecretNames { api_keys: Some(resources.api_keys_secret), signing_keys: None };
    let vault = Arc::new(SecretsManagerSecrets::new(&sdk, names));
    let reply_cache = reply_cache(environment, clock.clone(), &stage, vault.clone())?;
    let secrets: Arc<dyn Secrets> = vault;
    let documents: Arc<dyn Documents> = match resources.documents {
        Some(settings) => Arc::new(aws::documents::RdsDocuments::new(&sdk, settings)),
        None => Arc::new(NoDocuments),
    };
    let prices = Prices::from_env(environment)?;
    let models = models(environment, &secrets, &settings, clock.clone())?;
    config.budgets.require_prices(&models, &prices)?;
    let providers = Providers::new(models, BreakerSettings::from_env(environment)?);
    let ports = Ports {
        store: Arc::new(aws::store::DynamoStore::new(&sdk, table, clock.clone())),
        requests: Arc::new(aws::queue::SqsQueue::new(&sdk, resources.requests_queue)),
        replies: Arc::new(aws::queue::SqsQueue::new(&sdk, replies_queue)),
        push: Arc::new(aws::push::ApiGatewayPush::new(&sdk, &connections_url)),
        documents,
        secrets,
        reply_cache,
        metrics: Arc::new(aws::metrics::EmbeddedMetrics::new(stage, clock.clone())),
        clock,
        ids: Arc::new(SystemIds),
    };
    let worker = Worker::new(ports, config, providers, prices)?;
    Ok(Function { worker, sdk, preference_parameter: resources.preference_parameter })
}

/// Returns every model; one without a key is skipped when a turn is answered.
fn models(
    environment: &Environment,
    secrets: &Arc<dyn Secrets>,
    sdk: &SdkSettings,
    clock: Arc<dyn Clock>,
) -> Result<Vec<Arc<dyn Model>>, Box<dyn Error>> {
    let client = client::build(ClientSettings::from_env(environment)?)?;
    let claude =
        ClaudeModel::new(ClaudeSettings::from_env(environment)?, secrets.clone(), client.clone());
    let openai =
        OpenAiModel::new(OpenAiSettings::from_env(environment)?, secrets.clone(), client.clone());
    let mut models: Vec<Arc<dyn Model>> = vec![Arc::new(claude), Arc::new(openai)];
    if let Some(settings) = BedrockSettings::from_env(environment)? {
        let signer = Signer::new(sdk, "bedrock", clock);
        let sign = move |url: &str, body: &[u8]| {
            signer.post(url, &SIGNED_HEADERS, body).map_err(|error| error.to_string())
        };
        models.push(Arc::new(
            BedrockModel::new(settings, secrets.clone(), client).signed_by(Arc::new(sign)),
        ));
    }
    Ok(models)
}

/// Returns the reply cache, if there is one: in each function's memory for as long as it lives, or
/// in one server for all.
fn reply_cache(
    environment: &Environment,
    clock: Arc<dyn Clock>,
    stage: &str,
    vault: Arc<SecretsManagerSecrets>,
) -> Result<Option<ReplyCacheClient>, ConfigError> {
    let settings = ReplyCacheSettings::from_env(environment, &REPLY_CACHES)?;
    let cache: Arc<dyn ReplyCache> = match settings.backend {
        // SQLite is not available on AWS.
        ReplyCacheBackend::Off | ReplyCacheBackend::Sqlite => return Ok(None),
        ReplyCacheBackend::Memory => {
            Arc::new(MemoryReplyCache::new(clock, settings.memory_bounds()))
        }
        ReplyCacheBackend::Redis => {
            let address = aws::config::reply_cache(environment)?;
            Arc::new(RedisReplyCache::new(address, stage, vault, RedisTimeouts::default()))
        }
    };
    Ok(Some(ReplyCacheClient::new(cache, &settings)))
}

async fn answer(function: Arc<Function>, invocation: Invocation) -> Result<Value, InvocationError> {
    let end = Instant::now() + sqs::work_time(invocation.remaining);
    if ScheduledTask::of(&invocation.event) == Some(ScheduledTask::Warm) {
        return Ok(Value::Null);
    }
    let batch = SqsBatch::from_event(invocation.event)?;
    let failed = aws::trace::scope(batch.trace, function.work(&batch.deliveries, end)).await;
    Ok(sqs::batch_item_failures(batch.unreadable.into_iter().chain(failed)))
}

impl Function {
    /// Answers the messages in order and stops at the first failure: a later message of the same
    /// group must not be answered before it.
    async fn work(&self, deliveries: &[shared::ports::Delivery], end: Instant) -> Vec<String> {
        if let Some(name) = &self.preference_parameter {
            self.worker
                .refresh_preference(async || aws::parameters::get_parameter(&self.sdk, name).await)
                .await;
        }
        for (done, delivery) in deliveries.iter().enumerate() {
            let left = end.saturating_duration_since(Instant::now());
            if self.worker.handle_within(delivery, left).await.is_err() {
                return deliveries[done..]
                    .iter()
                    .map(|delivery| delivery.message_id.clone())
                    .collect();
            }
        }
        Vec::new()
    }
}
