//! Creates the adapters, and the handlers that use them.

use std::collections::BTreeMap;
use std::sync::Arc;

use ingress::{AllowedOrigins, AuthMode, HttpKeySource, Ingress, KeySource};
use notifier::Notifier;
use providers::OfflineModel;
use providers::{BedrockModel, ClaudeModel, OpenAiModel};
use secrecy::SecretString;
use shared::analytics::Texts;
use shared::disabled::NoMetrics;
use shared::fifo::QueueSettings;
use shared::ports::{Clock, Delivery, Documents, Events, Ids, Model, ReplyCache, Secrets, Store};
use shared::reply_cache::MemoryReplyCache;
use shared::system::{SystemClock, SystemIds};
use worker::Worker;
use worker::calls::Providers;
use worker::config::{ReplyCacheBackend, ReplyCacheSettings};
use worker::reply_cache::ReplyCacheClient;

use super::Work;
use crate::config::Config;
use crate::connections::Connections;
use crate::documents_file;
use crate::operator::{LastMessage, Operator};
use crate::pump::{BatchHandler, QueuePump};
use crate::secrets::LocalSecrets;
use crate::sqlite::{Database, SqliteQueue};
use crate::web::AcceptedHosts;

const DATABASE: &str = "chatbot.db";
const REQUESTS_MAX_RECEIVES: u32 = 10;
const REPLIES_MAX_RECEIVES: u32 = 5;
const REPLIES_BATCH: usize = 10;
const REPLIES_CONCURRENCY: usize = 64;

struct Queues {
    requests: Arc<SqliteQueue>,
    replies: Arc<SqliteQueue>,
}

/// The adapters on this machine, which the handlers are built from.
pub(super) struct Adapters {
    pub(super) database: Database,
    queues: Queues,
    store: Arc<dyn Store>,
    events: Arc<dyn Events>,
    documents: Arc<dyn Documents>,
    pub(super) secrets: Arc<dyn Secrets>,
    pub(super) connections: Arc<Connections>,
    reply_cache: Option<ReplyCacheClient>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn Ids>,
}

/// The handlers.
pub(super) struct Handlers<'a> {
    pub(super) ingress: &'a Arc<Ingress>,
    pub(super) worker: &'a Arc<Worker>,
    pub(super) notifier: &'a Arc<Notifier>,
}

impl Adapters {
    pub(super) async fn open(config: &Config, work: Work) -> anyhow::Result<Self> {
        let (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>) =
            (Arc::new(SystemClock), Arc::new(SystemIds));
        let file = config.data_dir.join(DATABASE);
        let database = Database::open_with(&file, clock.clone(), config.synchronous)?;
        let documents = database.documents();
        // Whoever only looks at the data may have other settings than its server.
        if work == Work::Everything {
            documents.load(documents_file::load(config.documents.as_deref())?).await?;
        }
        let claude = config.claude.as_ref().map(|(_, key)| key.clone());
        let openai = config.openai.as_ref().and_then(|(_, key)| key.clone());
        let bedrock = config.bedrock.as_ref().map(|(_, key)| key.clone());
        let secrets = LocalSecrets::open(&config.data_dir, ids.as_ref(), claude, openai, bedrock)?;
        let visibility = config.worker.queue_visibility;
        let queue = |name, max_receives| {
            database.queue(name, QueueSettings::new(visibility, max_receives)).map(Arc::new)
        };
        Ok(Self {
            queues: Queues {
                requests: queue("requests", REQUESTS_MAX_RECEIVES)?,
                replies: queue("replies", REPLIES_MAX_RECEIVES)?,
            },
            store: Arc::new(database.store()),
            events: Arc::new(database.events()),
            documents: Arc::new(documents),
            secrets: Arc::new(secrets),
            connections: Arc::default(),
            reply_cache: reply_cache(&config.reply_cache, &database, clock.clone()).await?,
            database,
            clock,
            ids,
        })
    }

    pub(super) fn ingress(&self, config: &Config, client: &reqwest::Client) -> Ingress {
        let jwt_keys = match &config.ingress.auth {
            AuthMode::Jwt(jwt) => {
                Some(Arc::new(HttpKeySource::new(client.clone(), jwt.jwks_url.clone()))
                    as Arc<dyn KeySource>)
            }
            _ => None,
        };
        let ports = ingress::Ports {
            store: self.store.clone(),
            requests: self.queues.requests.clone(),
            replies: self.queues.replies.clone(),
            push: self.connections.clone(),
            documents: self.documents.clone(),
            secrets: self.secrets.clone(),
            jwt_keys,
            clock: self.clock.clone(),
            ids: self.ids.clone(),
        };
        Ingress::new(ports, config.ingress.clone())
    }

    pub(super) fn worker(
        &self,
        config: &Config,
        models: Vec<Arc<dyn Model>>,
    ) -> anyhow::Result<Worker> {
        let ports = worker::Ports {
            store: self.store.clone(),
            requests: self.queues.requests.clone(),
            replies: self.queues.replies.clone(),
            push: self.connections.clone(),
            documents: self.documents.clone(),
            secrets: self.secrets.clone(),
            reply_cache: self.reply_cache.clone(),
            metrics: Arc::new(NoMetrics),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
        };
        config.worker.budgets.require_prices(&models, &config.prices)?;
        let providers = Providers::new(models, config.breaker);
        Ok(Worker::new(ports, config.worker.clone(), providers, config.prices.clone())?)
    }

    pub(super) fn notifier(&self, config: &Config) -> Notifier {
        let ports = notifier::Ports {
            store: self.store.clone(),
            replies: self.queues.replies.clone(),
            push: self.connections.clone(),
            events: self.events.clone(),
            clock: self.clock.clone(),
        };
        Notifier::new(ports, config.texts)
    }

    pub(super) fn operator(
        &self,
        config: &Config,
        handlers: &Handlers<'_>,
        token: SecretString,
        keys: BTreeMap<&'static str, bool>,
    ) -> Operator {
        Operator {
            ingress: Arc::clone(handlers.ingress),
            worker: Arc::clone(handlers.worker),
            notifier: Arc::clone(handlers.notifier),
            connections: self.connections.clone(),
            database: self.database.clone(),
            data_dir: config.data_dir.clone(),
            store: self.database.store(),
            events: self.database.events(),
            statistics: self.database.statistics(),
            requests: self.queues.requests.clone(),
            replies: self.queues.replies.clone(),
            clock: self.clock.clone(),
            last_message: LastMessage::default(),
            started_at: self.clock.now(),
            token,
            is_private: accepted_hosts(config) == AcceptedHosts::Loopback,
            has_texts: config.texts == Texts::Included,
            settings: config.settings.clone(),
            keys,
        }
    }

    pub(super) fn request_pump(&self, worker: Arc<Worker>, concurrency: usize) -> QueuePump {
        let handler: BatchHandler = Arc::new(move |batch: Arc<[Delivery]>| {
            let worker = worker.clone();
            Box::pin(async move {
                let mut failed = Vec::new();
                for delivery in batch.iter() {
                    if worker.handle(delivery).await.is_err() {
                        failed.push(delivery.message_id.clone());
                    }
                }
                failed
            })
        });
        QueuePump { source: self.queues.requests.clone(), handler, batch: 1, concurrency }
    }

    pub(super) fn reply_pump(&self, notifier: Arc<Notifier>) -> QueuePump {
        let handler: BatchHandler = Arc::new(move |batch: Arc<[Delivery]>| {
            let notifier = notifier.clone();
            Box::pin(async move { notifier.handle_batch(&batch).await })
        });
        let batch = REPLIES_BATCH;
        let concurrency = REPLIES_CONCURRENCY;
        QueuePump { source: self.queues.replies.clone(), handler, batch, concurrency }
    }
}

/// Opens the reply cache, if there is one.
async fn reply_cache(
    settings: &ReplyCacheSettings,
    database: &Database,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Option<ReplyCacheClient>> {
    let cache: Arc<dyn ReplyCache> = match settings.backend {
        // The settings of this server do not accept Redis.
        ReplyCacheBackend::Off | ReplyCacheBackend::Redis => return Ok(None),
        ReplyCacheBackend::Memory => {
            Arc::new(MemoryReplyCache::new(clock, settings.memory_bounds()))
        }
        ReplyCacheBackend::Sqlite => Arc::new(database.reply_cache(settings.max_entries).await?),
    };
    Ok(Some(ReplyCacheClient::new(cache, settings)))
}

/// Returns the models that are configured; without any, the offline model.
pub(super) fn models(
    config: &mut Config,
    adapters: &Adapters,
    client: &reqwest::Client,
) -> Vec<Arc<dyn Model>> {
    let secrets = || adapters.secrets.clone();
    let mut models: Vec<Arc<dyn Model>> = Vec::new();
    if let Some((settings, _)) = config.claude.take() {
        models.push(Arc::new(ClaudeModel::new(settings, secrets(), client.clone())));
    }
    if let Some((settings, _)) = config.openai.take() {
        models.push(Arc::new(OpenAiModel::new(settings, secrets(), client.clone())));
    }
    if let Some((settings, _)) = config.bedrock.take() {
        models.push(Arc::new(BedrockModel::new(settings, secrets(), client.clone())));
    }
    if models.is_empty() {
        models.push(Arc::new(OfflineModel));
    }
    models
}

/// Returns which `Host` headers are accepted.
pub(super) fn accepted_hosts(config: &Config) -> AcceptedHosts {
    let only_here = config.host.is_loopback() && config.ingress.origins == AllowedOrigins::Loopback;
    if only_here { AcceptedHosts::Loopback } else { AcceptedHosts::Any }
}
