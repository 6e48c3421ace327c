//! The whole chatbot: adapters, handlers, pumps, host, in the order in which they start and stop.

mod adapters;
mod chores;

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use providers::client;
use secrecy::SecretString;
use shared::domain::ProviderName;
use shared::ports::Ids;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::adapters::{Adapters, Crew, models, names};
use crate::config::Config;
use crate::host::{Host, router};
use crate::operator::token::{self, AddressFile};
use crate::schedule::every;
use crate::sqlite::Database;
use crate::stop::stopped;

const CLEANUP_EVERY: Duration = Duration::from_mins(5);
/// Between two foldings of events into figures, unless somebody asks for them.
const FOLD_EVERY: Duration = Duration::from_secs(10);
const PURGE_EVERY: Duration = Duration::from_mins(10);
/// How much longer than its worker's deadline a message stays hidden.
const VISIBILITY_MARGIN: Duration = Duration::from_secs(10);

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

impl App {
    /// Opens the data, binds the port, and starts everything. An error says what stands in the way.
    pub async fn start(mut config: Config) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&config.data_dir).with_context(|| {
            format!("the data directory {} cannot be made", config.data_dir.display())
        })?;
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
        let crew = Crew { ingress: &ingress, worker: &worker, notifier: &notifier };
        let operator = Arc::new(adapters.operator(&config, &crew, token, keys));
        let statistics = operator.statistics.clone();
        tasks.spawn(every(FOLD_EVERY, stopped.clone(), move || chores::fold(statistics.clone())));
        tasks.spawn(
            adapters.request_pump(worker, config.worker_concurrency).run(stopped.clone(), grace),
        );
        tasks.spawn(adapters.reply_pump(notifier.clone()).run(stopped.clone(), grace));
        tasks.spawn(every(CLEANUP_EVERY, stopped.clone(), move || {
            chores::clean_up(notifier.clone())
        }));
        let database = adapters.database.clone();
        tasks.spawn(every(PURGE_EVERY, stopped.clone(), move || chores::purge(database.clone())));
        let connections = adapters.connections;
        let ids = adapters.ids;
        let names = names(&config);
        tasks.spawn(serve(
            listener,
            Host { ingress, connections, names, ids, operator, stop: stopped },
        ));
        let data = config.data_dir.display().to_string();
        let database = adapters.database;
        let shutdown = config.shutdown;
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
                "no AI provider is configured: answers are quotes from the documents; set \
                ANTHROPIC_API_KEY or OPENAI_API_KEY to change that"
            ),
            ready => tracing::info!("ready providers: {}", ready.join(", ")),
        }
        tracing::info!("data in {}", self.data);
        tracing::info!(
            "for operators: http://{}/admin, and yogi --local {}",
            self.address,
            self.data
        );
    }

    /// Runs until `signal` returns, then stops: no new requests, what is in flight is finished or
    /// released.
    pub async fn run_until(mut self, signal: impl Future<Output = ()>) -> anyhow::Result<()> {
        tokio::select! {
            () = signal => tracing::info!("stopping"),
            ended = self.tasks.join_next() => anyhow::bail!("a part of the server ended by \
                itself: {ended:?}"),
        }
        self.address_file.remove();
        self.stop.send_replace(true);
        let grace = self.shutdown + Duration::from_secs(2);
        drop(timeout(grace, async { while self.tasks.join_next().await.is_some() {} }).await);
        self.tasks.shutdown().await;
        self.database.sync().await.context("the last writes could not be synced")
    }
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

async fn bind(config: &Config) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::new(config.host, config.port);
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "{address} cannot be listened on; choose another address with --host or --port \
            (CHATBOT_PORT)"
        )
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
