//! Starts and stops the whole chatbot: adapters, handlers, queue pumps, HTTP.

mod adapters;
mod maintenance;

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use notifier::Notifier;
use providers::client;
use secrecy::SecretString;
use shared::domain::ProviderName;
use shared::keyed_limit::KeyedLimit;
use shared::ports::Ids;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::adapters::{Adapters, Handlers, accepted_hosts, models};
use crate::config::Config;
use crate::operator::Operator;
use crate::operator::token::{self, ServerAddressFile};
use crate::private_file;
use crate::schedule::run_periodically;
use crate::sqlite::Database;
use crate::web::{AcceptedHosts, ConnectionLimits, HealthProbe, WebState, router, serve};

const CLEANUP_INTERVAL: Duration = Duration::from_mins(5);
/// How often events are folded into statistics, unless somebody asks for them earlier.
const FOLD_INTERVAL: Duration = Duration::from_secs(10);
const PURGE_INTERVAL: Duration = Duration::from_mins(10);
/// How soon the words of a deleted session are gone from the write-ahead log too.
const FORGET_INTERVAL: Duration = Duration::from_secs(2);
/// A tab has one socket, and for a moment two; connections limit all sockets together.
const MAX_SOCKETS_PER_PRINCIPAL: usize = 50;
/// How much longer than the worker's deadline a message stays hidden, so that no second worker gets
/// it while the first one is still finishing.
const VISIBILITY_MARGIN: Duration = Duration::from_secs(10);

/// Which part of the work a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Answers messages, delivers the answers, and keeps the data in order.
    Everything,
    /// Delivers answers and deletes sessions, but answers no message.
    Deliveries,
    /// Shows the data, and changes nothing by itself.
    Nothing,
}

/// A running chatbot.
pub struct Server {
    address: SocketAddr,
    address_file: ServerAddressFile,
    data: String,
    providers: Vec<ProviderName>,
    database: Database,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    shutdown: Duration,
}

impl Server {
    /// Opens the data directory, binds the port and starts everything. Errors are written for the
    /// person who starts the server.
    pub async fn start(config: Config) -> anyhow::Result<Self> {
        Self::start_with(config, Work::Everything).await
    }

    /// Starts a server that does only this part of the work.
    pub async fn start_with(mut config: Config, work: Work) -> anyhow::Result<Self> {
        private_file::create_directory(&config.data_dir).with_context(|| {
            format!("cannot create the data directory {}", config.data_dir.display())
        })?;
        warn_if_open(&config);
        config.worker.queue_visibility = config.worker.timeouts.deadline + VISIBILITY_MARGIN;
        let adapters = Adapters::open(&config, work).await?;
        let client = client::build(config.client).context("cannot create the HTTP client")?;
        let keys = configured_keys(&config);
        let models = models(&mut config, &adapters, &client);
        let providers: Vec<_> = models.iter().map(|model| model.provider()).collect();
        config.ingress.providers.clone_from(&providers);
        let token = operator_token(&mut config, adapters.ids.as_ref())?;
        let listener = bind(&config).await?;
        let address = listener.local_addr()?;
        let address_file = ServerAddressFile::write(&config.data_dir, address, &token)?;

        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let ingress = Arc::new(adapters.ingress(&config, &client));
        let worker = Arc::new(adapters.worker(&config, models)?);
        let notifier = Arc::new(adapters.notifier(&config));
        let grace = config.shutdown;
        let handlers = Handlers { ingress: &ingress, worker: &worker, notifier: &notifier };
        let operator = Arc::new(adapters.operator(&config, &handlers, token, keys));
        if work == Work::Everything {
            tasks.spawn(
                adapters.request_pump(worker, config.worker_concurrency).run(stop.clone(), grace),
            );
            maintain(&mut tasks, &adapters, &operator, &notifier, &stop);
        }
        if work != Work::Nothing {
            tasks.spawn(adapters.reply_pump(notifier).run(stop.clone(), grace));
        }
        let connections = adapters.connections;
        let ids = adapters.ids;
        let accepted_hosts = accepted_hosts(&config);
        let proxies = Arc::new(config.trusted_proxies.clone());
        let limits = within_open_files(config.connection_limits);
        let state = WebState {
            ingress,
            connections,
            accepted_hosts,
            proxies: Arc::clone(&proxies),
            sockets: KeyedLimit::new(usize::MAX, MAX_SOCKETS_PER_PRINCIPAL),
            health: Arc::new(HealthProbe::new(adapters.database.clone())),
            ids,
            operator,
            stop: stop.clone(),
        };
        tasks.spawn(serve(listener, router(state), limits, proxies, stop.clone()));
        let data = config.data_dir.display().to_string();
        let database = adapters.database;
        let shutdown = config.shutdown;
        Ok(Self { address, address_file, data, providers, database, stop, tasks, shutdown })
    }

    /// Returns the address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Logs the address, the AI providers and the data directory.
    pub fn announce(&self) {
        let providers: Vec<_> = self.providers.iter().map(|provider| provider.as_str()).collect();
        tracing::info!("chat at http://{}", self.address);
        match providers.as_slice() {
            ["offline"] => tracing::info!(
                "no AI provider is configured, so replies quote the documents; set \
                ANTHROPIC_API_KEY or OPENAI_API_KEY to use one"
            ),
            ready => tracing::info!("AI providers: {}", ready.join(", ")),
        }
        tracing::info!("data directory: {}", self.data);
        tracing::info!(
            "for operators: http://{}/admin or `yogi --local {}`",
            self.address,
            self.data
        );
    }

    /// Runs until `signal` returns, then shuts down: accepts no new requests, and finishes or
    /// releases the messages in flight.
    pub async fn run_until(mut self, signal: impl Future<Output = ()>) -> anyhow::Result<()> {
        tokio::select! {
            () = signal => tracing::info!("stopping"),
            ended = self.tasks.join_next() => anyhow::bail!("a task of the server ended \
                unexpectedly: {ended:?}"),
        }
        self.address_file.remove();
        self.stop.cancel();
        let grace = self.shutdown + Duration::from_secs(2);
        drop(timeout(grace, async { while self.tasks.join_next().await.is_some() {} }).await);
        self.tasks.shutdown().await;
        self.database.sync().await.context("could not sync the last writes to disk")
    }
}

/// Starts the periodic jobs.
fn maintain(
    tasks: &mut JoinSet<()>,
    adapters: &Adapters,
    operator: &Operator,
    notifier: &Arc<Notifier>,
    stop: &CancellationToken,
) {
    let statistics = operator.statistics.clone();
    tasks.spawn(run_periodically(FOLD_INTERVAL, stop.clone(), move || {
        maintenance::fold(statistics.clone())
    }));
    let notifier = Arc::clone(notifier);
    tasks.spawn(run_periodically(CLEANUP_INTERVAL, stop.clone(), move || {
        maintenance::clean_up(notifier.clone())
    }));
    let database = adapters.database.clone();
    let stopping = stop.clone();
    tasks.spawn(run_periodically(PURGE_INTERVAL, stop.clone(), move || {
        maintenance::purge(database.clone(), stopping.clone())
    }));
    let database = adapters.database.clone();
    tasks.spawn(run_periodically(FORGET_INTERVAL, stop.clone(), move || {
        maintenance::forget(database.clone())
    }));
}

/// Warns where strangers can spend money without a limit.
fn warn_if_open(config: &Config) {
    let has_key = config.claude.is_some() || config.openai.is_some() || config.bedrock.is_some();
    let lets_strangers_in =
        config.ingress.auth == ingress::AuthMode::Anonymous { new_principals: true };
    let is_private = accepted_hosts(config) == AcceptedHosts::Loopback;
    if has_key && lets_strangers_in && !is_private && config.worker.budgets.stack.is_none() {
        tracing::warn!(
            "others can reach this server, need no credentials, and use your provider's key \
            without a limit; set CHATBOT_DAILY_BUDGET_USD, or CHATBOT_ALLOW_ANONYMOUS=false"
        );
    }
}

/// Returns which API keys are set. Must run before [`models`] takes the keys out of the settings.
fn configured_keys(config: &Config) -> BTreeMap<&'static str, bool> {
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
            "cannot listen on {address}; choose another address with --host or --port \
            (CHATBOT_PORT)"
        )
    })
}

/// Raises the limit on open files as far as the system allows, and keeps the number of connections
/// below it: the database and calls to providers need files too.
#[cfg(unix)]
fn within_open_files(limits: ConnectionLimits) -> ConnectionLimits {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    /// Files for the database, provider connections and the rest.
    const RESERVED: u64 = 256;

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    let current = if setrlimit(Resource::Nofile, raised).is_ok() { maximum } else { current };
    let Some(files) = current else { return limits };
    let room = usize::try_from(files.saturating_sub(RESERVED).max(files / 2)).unwrap_or(usize::MAX);
    if room < limits.total {
        tracing::warn!(
            connections = room,
            open_files = files,
            "the limit on open files allows fewer connections than CHATBOT_MAX_CONNECTIONS"
        );
    }
    ConnectionLimits { total: limits.total.min(room), per_address: limits.per_address.min(room) }
}

/// Returns the limits: open files are not limited in the same way.
#[cfg(not(unix))]
fn within_open_files(limits: ConnectionLimits) -> ConnectionLimits {
    limits
}
