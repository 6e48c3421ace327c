//! Command-line flags, environment variables and defaults. This is the only file of the crate that
//! reads the environment.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use ingress::{IngressConfig, Platform};
use notifier::NotifierConfig;
use providers::client::ClientSettings;
use providers::{BedrockSettings, ClaudeSettings, OpenAiSettings, Prices};
use secrecy::SecretString;
use shared::analytics::Texts;
use shared::environment::{ConfigError, Environment, invalid};
use shared::telemetry::{self, LogFormat};
use worker::WorkerConfig;
use worker::config::{BreakerSettings, Pace, ReplyCacheBackend, ReplyCacheSettings};

use crate::known_settings;
use crate::sqlite::Synchronous;
use crate::web::{ConnectionLimits, TrustedProxies};

/// The reply caches that this server offers.
const REPLY_CACHES: [(&str, ReplyCacheBackend); 2] =
    [("memory", ReplyCacheBackend::Memory), ("sqlite", ReplyCacheBackend::Sqlite)];

/// The chatbot on one machine. Flags take precedence over variables; docs/CONFIGURATION.md lists
/// all of them.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Flags {
    /// The address to listen on [`CHATBOT_HOST`, 127.0.0.1]
    #[arg(long)]
    host: Option<String>,
    /// The port to listen on, 0 for any free one [`CHATBOT_PORT`, 8080]
    #[arg(long)]
    port: Option<String>,
    /// Where sessions, queues, events and keys are kept [`CHATBOT_DATA_DIR`, .chatbot]
    #[arg(long)]
    data_dir: Option<String>,
    /// The documents to load in place of the sample school [`CHATBOT_DOCUMENTS`]
    #[arg(long)]
    documents: Option<String>,
    /// Start even if a variable begins with `CHATBOT_` and is not a setting
    /// [`CHATBOT_ALLOW_UNKNOWN_SETTINGS`]
    #[arg(long)]
    allow_unknown_settings: bool,
}

/// The settings of the one-machine server, read once at start.
pub struct Config {
    /// The address to listen on (`CHATBOT_HOST`).
    pub host: IpAddr,
    /// The port to listen on (`CHATBOT_PORT`).
    pub port: u16,
    /// The data directory (`CHATBOT_DATA_DIR`).
    pub data_dir: PathBuf,
    /// The file of documents; `None` for the sample school (`CHATBOT_DOCUMENTS`).
    pub documents: Option<PathBuf>,
    /// How many connections may be open at once (`CHATBOT_MAX_CONNECTIONS`,
    /// `CHATBOT_MAX_CONNECTIONS_PER_ADDRESS`).
    pub connection_limits: ConnectionLimits,
    /// The proxies whose headers are believed (`CHATBOT_TRUSTED_PROXIES`).
    pub trusted_proxies: TrustedProxies,
    /// How many messages are answered at once (`CHATBOT_WORKER_CONCURRENCY`).
    pub worker_concurrency: usize,
    /// How long a shutdown waits for messages in flight (`CHATBOT_SHUTDOWN_SECONDS`).
    pub shutdown: Duration,
    /// How commits are synced to disk; anything but FULL is for benchmarks only
    /// (`CHATBOT_SQLITE_SYNCHRONOUS`).
    pub synchronous: Synchronous,
    /// The format of log lines (`CHATBOT_LOG_FORMAT`).
    pub log_format: LogFormat,
    /// The log filter (`CHATBOT_LOG`).
    pub log_filter: String,
    /// The token for operator calls; `None` for the one in the data directory
    /// (`CHATBOT_OPERATOR_TOKEN`).
    pub operator_token: Option<SecretString>,
    /// The variables that are set, without secrets.
    pub settings: BTreeMap<String, String>,
    /// What models cost (`CHATBOT_PRICES`).
    pub prices: Prices,
    /// Whether events include texts (`CHATBOT_ANALYTICS_TEXT`).
    pub texts: Texts,
    /// The settings of ingress.
    pub ingress: IngressConfig,
    /// The worker's settings.
    pub worker: WorkerConfig,
    /// The settings of the reply cache.
    pub reply_cache: ReplyCacheSettings,
    /// The circuit breakers' settings.
    pub breaker: BreakerSettings,
    /// The settings of the HTTP client that all providers share.
    pub client: ClientSettings,
    /// Claude, if a key is set (`ANTHROPIC_API_KEY`).
    pub claude: Option<(ClaudeSettings, SecretString)>,
    /// `OpenAI` or a compatible server, if a key or an address is set (`OPENAI_API_KEY`,
    /// `OPENAI_BASE_URL`).
    pub openai: Option<(OpenAiSettings, Option<SecretString>)>,
    /// Claude on Bedrock, if a key is set (`AWS_BEARER_TOKEN_BEDROCK`) and a model is named.
    pub bedrock: Option<(BedrockSettings, SecretString)>,
}

/// The result of reading the settings.
pub enum ConfigLoad {
    /// The settings are valid.
    Ready(Box<Config>),
    /// The process ends: help was requested, or a setting is invalid and the error was printed.
    Stop(ExitCode),
}

impl Config {
    /// Reads the flags and the environment of this process.
    #[expect(clippy::disallowed_methods, reason = "this is the file that reads the environment")]
    pub fn load() -> ConfigLoad {
        let flags = match Flags::try_parse() {
            Ok(flags) => flags,
            Err(error) => {
                let _ = error.print();
                return ConfigLoad::Stop(if error.use_stderr() {
                    ExitCode::from(2)
                } else {
                    ExitCode::SUCCESS
                });
            }
        };
        match Self::from_env(&flags.over(Environment::new(std::env::vars()))) {
            Ok(config) => ConfigLoad::Ready(Box::new(config)),
            Err(error) => {
                telemetry::start(LogFormat::Text, "info");
                tracing::error!("{error}");
                ConfigLoad::Stop(ExitCode::from(2))
            }
        }
    }

    /// Reads the settings from variables.
    pub fn from_env(environment: &Environment) -> Result<Self, ConfigError> {
        if !environment.bool_or("CHATBOT_ALLOW_UNKNOWN_SETTINGS", false)? {
            known_settings::check(environment)?;
        }
        let host =
            environment.text_or("CHATBOT_HOST", "127.0.0.1").replace("localhost", "127.0.0.1");
        let concurrency = environment.number_or("CHATBOT_WORKER_CONCURRENCY", 1_000, 1..=10_000)?;
        Ok(Self {
            host: host
                .parse()
                .map_err(|_| invalid("CHATBOT_HOST", &host, "must be an IP address"))?,
            port: port(environment)?,
            data_dir: environment.text_or("CHATBOT_DATA_DIR", ".chatbot").into(),
            documents: environment.text("CHATBOT_DOCUMENTS").map(PathBuf::from),
            connection_limits: connection_limits(environment)?,
            trusted_proxies: trusted_proxies(environment)?,
            worker_concurrency: usize::try_from(concurrency).unwrap_or(1_000),
            shutdown: Duration::from_secs(environment.number_or(
                "CHATBOT_SHUTDOWN_SECONDS",
                10,
                0..=600,
            )?),
            synchronous: synchronous(environment)?,
            log_format: log_format(environment)?,
            log_filter: log_filter(environment)?,
            operator_token: operator_token(environment)?,
            settings: settings(environment),
            prices: prices(environment)?,
            texts: NotifierConfig::from_env(environment)?.texts,
            ingress: IngressConfig::from_env(environment, Platform::OneMachine)?,
            worker: WorkerConfig::from_env(environment, Pace::ONE_MACHINE)?,
            reply_cache: ReplyCacheSettings::from_env(environment, &REPLY_CACHES)?,
            breaker: BreakerSettings::from_env(environment)?,
            client: ClientSettings::from_env(environment)?,
            claude: claude(environment)?,
            openai: openai(environment)?,
            bedrock: bedrock(environment)?,
        })
    }
}

impl Flags {
    fn over(self, environment: Environment) -> Environment {
        let flags = [
            ("CHATBOT_HOST", self.host),
            ("CHATBOT_PORT", self.port),
            ("CHATBOT_DATA_DIR", self.data_dir),
            ("CHATBOT_DOCUMENTS", self.documents),
            (
                "CHATBOT_ALLOW_UNKNOWN_SETTINGS",
                self.allow_unknown_settings.then(|| "true".to_owned()),
            ),
        ];
        flags.into_iter().fold(environment, |environment, (variable, value)| match value {
            Some(value) => environment.with(variable, value),
            None => environment,
        })
    }
}

fn claude(
    environment: &Environment,
) -> Result<Option<(ClaudeSettings, SecretString)>, ConfigError> {
    let settings = ClaudeSettings::from_env(environment)?;
    Ok(environment.text("ANTHROPIC_API_KEY").map(|key| (settings, SecretString::from(key))))
}

/// A compatible server at an address of its own often needs no key.
fn openai(
    environment: &Environment,
) -> Result<Option<(OpenAiSettings, Option<SecretString>)>, ConfigError> {
    let settings = OpenAiSettings::from_env(environment)?;
    let key = environment.text("OPENAI_API_KEY").map(SecretString::from);
    let configured = key.is_some() || environment.text("OPENAI_BASE_URL").is_some();
    Ok(configured.then_some((settings, key)))
}

fn prices(environment: &Environment) -> Result<Prices, ConfigError> {
    Prices::from_env(environment).map_err(|error| {
        let value = environment.text("CHATBOT_PRICES").unwrap_or_default();
        invalid("CHATBOT_PRICES", value, error)
    })
}

fn connection_limits(environment: &Environment) -> Result<ConnectionLimits, ConfigError> {
    let number = |variable: &str, default: u64| {
        let number = environment.number_or(variable, default, 1..=1_000_000)?;
        Ok(usize::try_from(number).unwrap_or(usize::MAX))
    };
    Ok(ConnectionLimits {
        total: number("CHATBOT_MAX_CONNECTIONS", 10_000)?,
        per_address: number("CHATBOT_MAX_CONNECTIONS_PER_ADDRESS", 4_000)?,
    })
}

fn trusted_proxies(environment: &Environment) -> Result<TrustedProxies, ConfigError> {
    const VARIABLE: &str = "CHATBOT_TRUSTED_PROXIES";
    let entries = environment.list(VARIABLE).unwrap_or_default();
    TrustedProxies::parse(&entries).map_err(|entry| {
        invalid(VARIABLE, &entry, "must be IP addresses and networks such as 10.0.0.0/8")
    })
}

/// Refuses tokens that are short enough to be guessed.
fn operator_token(environment: &Environment) -> Result<Option<SecretString>, ConfigError> {
    const VARIABLE: &str = "CHATBOT_OPERATOR_TOKEN";
    match environment.text(VARIABLE) {
        Some(token) if token.len() < 16 || !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err(invalid(
                VARIABLE,
                "…",
                "must be at least 16 printable ASCII characters without spaces",
            ))
        }
        token => Ok(token.map(|token| SecretString::from(token.to_owned()))),
    }
}

/// Returns the settings that operators may see: this program's variables, without secrets and
/// without URLs that contain credentials.
fn settings(environment: &Environment) -> BTreeMap<String, String> {
    let is_ours = |name: &str| name.starts_with("CHATBOT_") || name.ends_with("_BASE_URL");
    let is_secret = |name: &str, value: &str| {
        ["KEY", "TOKEN", "SECRET", "PASSWORD"].iter().any(|word| name.contains(word))
            && !name.contains("TOKENS")
            || value.contains('@')
    };
    let shown = environment.all().filter(|(name, value)| is_ours(name) && !is_secret(name, value));
    shown.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// A key without a model is ignored: it may be set for other programs.
fn bedrock(
    environment: &Environment,
) -> Result<Option<(BedrockSettings, SecretString)>, ConfigError> {
    let key = environment.text("AWS_BEARER_TOKEN_BEDROCK").map(SecretString::from);
    Ok(BedrockSettings::from_env(environment)?.zip(key))
}

fn synchronous(environment: &Environment) -> Result<Synchronous, ConfigError> {
    match environment.text_or("CHATBOT_SQLITE_SYNCHRONOUS", "FULL").as_str() {
        "FULL" => Ok(Synchronous::Full),
        "NORMAL" => Ok(Synchronous::Normal),
        other => Err(invalid("CHATBOT_SQLITE_SYNCHRONOUS", other, "must be FULL or NORMAL")),
    }
}

fn port(environment: &Environment) -> Result<u16, ConfigError> {
    let port = environment.number_or("CHATBOT_PORT", 8080, 0..=u64::from(u16::MAX))?;
    Ok(u16::try_from(port).unwrap_or(u16::MAX))
}

fn log_filter(environment: &Environment) -> Result<String, ConfigError> {
    let filter = environment.text_or("CHATBOT_LOG", "info");
    telemetry::check_filter(&filter).map_err(|problem| {
        let wanted = "must be a level such as info, or a list such as info,local=debug";
        invalid("CHATBOT_LOG", &filter, format!("{wanted} ({problem})"))
    })?;
    Ok(filter)
}

fn log_format(environment: &Environment) -> Result<LogFormat, ConfigError> {
    match environment.text_or("CHATBOT_LOG_FORMAT", "text").as_str() {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        other => Err(invalid("CHATBOT_LOG_FORMAT", other, "must be text or json")),
    }
}
