//! The whole chatbot: adapters, handlers, pumps, host, in the order in which they start and stop.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use ingress::{AllowedOrigins, AuthMode, HttpKeySource, Ingress, KeySource};
use notifier::Notifier;
use secrecy::SecretString;
use shared::analytics::Texts;
use shared::domain::ProviderName;
use shared::memory::{MemoryReplyCache, NoMetrics, QueueSettings};
use shared::ports::{Clock, Delivery, Documents, Events, Ids, Model, ReplyCache, Secrets, Store};
use shared::system::{SystemClock, SystemIds};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use worker::Worker;
use worker::calls::Providers;
use worker::kept::{CachePlace, CacheSettings, KeptReplies};
use worker::prices::Prices;
use worker::providers::offline::OfflineModel;
use worker::providers::{BedrockModel, ClaudeModel, OpenAiModel, client};

use crate::config::Config;
use crate::documents_file;
use crate::host::{Connections, Host, Names, router};
use crate::operator::Operator;
use crate::operator::token::{self, AddressFile};
use crate::pump::{Handler, Pump};
use crate::schedule::every;
use crate::secrets::LocalSecrets;
use crate::sqlite::{Database, SqliteQueue, SqliteStatistics};
use crate::stop::stopped;

const DATABASE: &str = "chatbot.db";
const CLEANUP_EVERY: Duration = Duration::from_mins(5);
/// Between two foldings of events into figures, unless somebody asks for them.
const FOLD_EVERY: Duration = Duration::from_secs(10);
const PURGE_EVERY: Duration = Duration::from_mins(10);
const PURGE_AT_ONCE: usize = 1_000;
/// How much longer than its worker's deadline a message stays hidden.
const VISIBILITY_MARGIN: Duration = Duration::from_secs(10);
const REQUESTS_MAX_RECEIVES: u32 = 10;
const REPLIES_MAX_RECEIVES: u32 = 5;
const REPLIES_BATCH: usize = 10;
const REPLIES_CONCURRENCY: usize = 64;

/// A running chatbot.
pub struct App {
    address: SocketAddr,
    address_file: AddressFile,
    data: String,
    providers: Vec<ProviderName>,
    database: Database,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    shutdown: Duration,
}

struct Queues {
    requests: Arc<SqliteQueue>,
    replies: Arc<SqliteQueue>,
}

/// What everything else is put together from.
struct Adapters {
    database: Database,
    queues: Queues,
    store: Arc<dyn Store>,
    events: Arc<dyn Events>,
    documents: Arc<dyn Documents>,
    secrets: Arc<dyn Secrets>,
    connections: Arc<Connections>,
    kept: Option<KeptReplies>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl App {
    /// Opens the data, binds the port, and starts everything. An error says what stands in the way.
    pub async fn start(mut config: Config) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&config.data_dir)
            .with_context(|| format!("the data directory {} cannot be made", config.data_dir.display()))?;
        config.worker.queue_visibility = config.worker.timeouts.deadline + VISIBILITY_MARGIN;
        let adapters = Adapters::open(&config).await?;
        let client = client::build(config.client).context("the HTTP client cannot be made")?;
        let keys = keys(&config);
        let models = models(&mut config, &adapters, &client);
        let providers: Vec<_> = models.iter().map(|model| model.provider()).collect();
        config.ingress.providers.clone_from(&providers);
        let token = operator_token(&mut config, adapters.ids.as_ref())?;
        let listener = bind(&config).await?;
        let address = listener.local_addr()?;
        let address_file = AddressFile::write(&config.data_dir, address, &token)?;

        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let ingress = Arc::new(adapters.ingress(&config, &client));
        let worker = Arc::new(adapters.worker(&config, models)?);
        let notifier = Arc::new(adapters.notifier(&config));
        let grace = config.shutdown;
        let operator =
            adapters.operator(&config, &Crew { ingress: &ingress, worker: &worker, notifier: &notifier }, token, keys);
        let operator = Arc::new(operator);
        let statistics = operator.statistics.clone();
        tasks.spawn(every(FOLD_EVERY, stopped.clone(), move || fold(statistics.clone())));
        tasks.spawn(adapters.request_pump(worker, config.worker_concurrency).run(stopped.clone(), grace));
        tasks.spawn(adapters.reply_pump(notifier.clone()).run(stopped.clone(), grace));
        tasks.spawn(every(CLEANUP_EVERY, stopped.clone(), move || clean_up(notifier.clone())));
        let database = adapters.database.clone();
        tasks.spawn(every(PURGE_EVERY, stopped.clone(), move || purge(database.clone())));
        let (connections, ids) = (adapters.connections, adapters.ids);
        let names = names(&config);
        tasks.spawn(serve(listener, Host { ingress, connections, names, ids, operator, stop: stopped }));
        let data = config.data_dir.display().to_string();
        let (database, shutdown) = (adapters.database, config.shutdown);
        Ok(Self { address, address_file, data, providers, database, stop, tasks, shutdown })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says where it is, who answers, and where its data is.
    pub fn announce(&self) {
        let providers: Vec<_> = self.providers.iter().map(|provider| provider.as_str()).collect();
        tracing::info!("chat at http://{}", self.address);
        match providers.as_slice() {
            ["offline"] => tracing::info!(
                "no AI provider is configured: answers are quotes from the documents; set ANTHROPIC_API_KEY or \
                 OPENAI_API_KEY to change that"
            ),
            ready => tracing::info!("ready providers: {}", ready.join(", ")),
        }
        tracing::info!("data in {}", self.data);
        tracing::info!("for operators: http://{}/admin, and yogi --local {}", self.address, self.data);
    }

    /// Runs until `signal` returns, then stops: no new requests, what is in flight is finished or released.
    pub async fn run_until(mut self, signal: impl Future<Output = ()>) -> anyhow::Result<()> {
        tokio::select! {
            () = signal => tracing::info!("stopping"),
            ended = self.tasks.join_next() => anyhow::bail!("a part of the server ended by itself: {ended:?}"),
        }
        self.address_file.remove();
        self.stop.send_replace(true);
        let grace = self.shutdown + Duration::from_secs(2);
        drop(timeout(grace, async { while self.tasks.join_next().await.is_some() {} }).await);
        self.tasks.shutdown().await;
        self.database.sync().await.context("the last writes could not be synced")
    }
}

/// The handlers.
struct Crew<'a> {
    ingress: &'a Arc<Ingress>,
    worker: &'a Arc<Worker>,
    notifier: &'a Arc<Notifier>,
}

impl Adapters {
    async fn open(config: &Config) -> anyhow::Result<Self> {
        let (clock, ids): (Arc<dyn Clock>, Arc<dyn Ids>) = (Arc::new(SystemClock), Arc::new(SystemIds));
        let file = config.data_dir.join(DATABASE);
        let database = Database::open_with(&file, clock.clone(), config.synchronous)?;
        let documents = database.documents();
        documents.replace_all(documents_file::load(config.documents.as_deref())?).await?;
        let claude = config.claude.as_ref().map(|(_, key)| key.clone());
        let openai = config.openai.as_ref().and_then(|(_, key)| key.clone());
        let bedrock = config.bedrock.as_ref().map(|(_, key)| key.clone());
        let secrets = LocalSecrets::open(&config.data_dir, ids.as_ref(), claude, openai, bedrock)?;
        let visibility = config.worker.queue_visibility;
        let queue =
            |name, max_receives| database.queue(name, QueueSettings::new(visibility, max_receives)).map(Arc::new);
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
            kept: kept_replies(&config.reply_cache, &database, clock.clone()).await?,
            database,
            clock,
            ids,
        })
    }

    fn ingress(&self, config: &Config, client: &reqwest::Client) -> Ingress {
        let jwt_keys = match &config.ingress.auth {
            AuthMode::Jwt(jwt) => {
                Some(Arc::new(HttpKeySource::new(client.clone(), jwt.jwks_url.clone())) as Arc<dyn KeySource>)
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

    fn worker(&self, config: &Config, models: Vec<Arc<dyn Model>>) -> anyhow::Result<Worker> {
        let ports = worker::Ports {
            store: self.store.clone(),
            requests: self.queues.requests.clone(),
            replies: self.queues.replies.clone(),
            push: self.connections.clone(),
            documents: self.documents.clone(),
            secrets: self.secrets.clone(),
            kept: self.kept.clone(),
            metrics: Arc::new(NoMetrics),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
        };
        let providers = Providers::new(models, config.breaker);
        Ok(Worker::new(ports, config.worker.clone(), providers, Prices::built_in()?)?)
    }

    fn notifier(&self, config: &Config) -> Notifier {
        let ports = notifier::Ports {
            store: self.store.clone(),
            replies: self.queues.replies.clone(),
            push: self.connections.clone(),
            events: self.events.clone(),
            clock: self.clock.clone(),
        };
        Notifier::new(ports, config.texts)
    }

    fn operator(
        &self,
        config: &Config,
        crew: &Crew<'_>,
        token: SecretString,
        keys: BTreeMap<&'static str, bool>,
    ) -> Operator {
        Operator {
            ingress: Arc::clone(crew.ingress),
            worker: Arc::clone(crew.worker),
            notifier: Arc::clone(crew.notifier),
            connections: self.connections.clone(),
            database: self.database.clone(),
            store: self.database.store(),
            events: self.database.events(),
            statistics: self.database.statistics(),
            requests: self.queues.requests.clone(),
            replies: self.queues.replies.clone(),
            clock: self.clock.clone(),
            started_at: self.clock.now(),
            token,
            is_private: names(config) == Names::Loopback,
            has_texts: config.texts == Texts::Included,
            settings: config.settings.clone(),
            keys,
        }
    }

    fn request_pump(&self, worker: Arc<Worker>, concurrency: usize) -> Pump {
        let handler: Handler = Arc::new(move |batch: Arc<[Delivery]>| {
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
        Pump { source: self.queues.requests.clone(), handler, batch: 1, concurrency }
    }

    fn reply_pump(&self, notifier: Arc<Notifier>) -> Pump {
        let handler: Handler = Arc::new(move |batch: Arc<[Delivery]>| {
            let notifier = notifier.clone();
            Box::pin(async move { notifier.handle_batch(&batch).await })
        });
        let (batch, concurrency) = (REPLIES_BATCH, REPLIES_CONCURRENCY);
        Pump { source: self.queues.replies.clone(), handler, batch, concurrency }
    }
}

/// Opens the place where replies are kept, if there is one.
async fn kept_replies(
    settings: &CacheSettings,
    database: &Database,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Option<KeptReplies>> {
    let cache: Arc<dyn ReplyCache> = match settings.place {
        CachePlace::Off | CachePlace::Redis => return Ok(None),
        CachePlace::Memory => Arc::new(MemoryReplyCache::new(clock, settings.memory_bounds())),
        CachePlace::Sqlite => Arc::new(database.reply_cache(settings.entries).await?),
    };
    Ok(Some(KeptReplies { cache, keep: settings.keep }))
}

/// Returns the models that have what they need; where none has, the one that needs nothing.
fn models(config: &mut Config, adapters: &Adapters, client: &reqwest::Client) -> Vec<Arc<dyn Model>> {
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

/// Tells which keys are set; they themselves are handed to the models.
fn keys(config: &Config) -> BTreeMap<&'static str, bool> {
    let openai = config.openai.as_ref().is_some_and(|(_, key)| key.is_some());
    BTreeMap::from([
        ("ANTHROPIC_API_KEY", config.claude.is_some()),
        ("OPENAI_API_KEY", openai),
        ("AWS_BEARER_TOKEN_BEDROCK", config.bedrock.is_some()),
    ])
}

fn operator_token(config: &mut Config, ids: &dyn Ids) -> anyhow::Result<SecretString> {
    config.operator_token.take().map_or_else(|| token::load(&config.data_dir, ids), Ok)
}

fn names(config: &Config) -> Names {
    let only_here = config.host.is_loopback() && config.ingress.origins == AllowedOrigins::Loopback;
    if only_here { Names::Loopback } else { Names::Any }
}

async fn bind(config: &Config) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::new(config.host, config.port);
    TcpListener::bind(address).await.with_context(|| {
        format!("{address} cannot be listened on; choose another address with --host or --port (CHATBOT_PORT)")
    })
}

async fn serve(listener: TcpListener, host: Host) {
    let mut stop = host.stop.clone();
    let listener = listener.tap_io(|socket| drop(socket.set_nodelay(true)));
    let service = router(host).into_make_service_with_connect_info::<SocketAddr>();
    let until = async move { stopped(&mut stop).await };
    if let Err(error) = axum::serve(listener, service).with_graceful_shutdown(until).await {
        tracing::error!(error = &error as &dyn std::error::Error, "the server stopped listening");
    }
}

async fn clean_up(notifier: Arc<Notifier>) {
    match notifier.clean_up().await {
        Ok(report) if report == notifier::cleanup::Report::default() => (),
        Ok(report) => tracing::info!(?report, "cleaned up"),
        Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "the cleanup will try again"),
    }
}

async fn fold(statistics: SqliteStatistics) {
    if let Err(error) = statistics.fold().await {
        tracing::warn!(error = &error as &dyn std::error::Error, "the figures will be brought up to date later");
    }
}

async fn purge(database: Database) {
    let rows = database.purge_expired(PURGE_AT_ONCE).await;
    let events = database.events().purge(PURGE_AT_ONCE).await;
    let figures = database.statistics().purge().await;
    if let Some(error) = rows.and(events).map(drop).and(figures).err() {
        tracing::warn!(error = &error as &dyn std::error::Error, "the purge will try again");
    }
}
