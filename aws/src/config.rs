//! The variables that the functions read besides their handlers' own: where things are, and how to
//! log.
//!
//! The only file of this crate that reads the environment of the process.

use shared::environment::{ConfigError, Environment, invalid};
use shared::telemetry::LogFormat;

use crate::documents::{DocumentSettings, DocumentSql};
use crate::replies::RedisAddress;
use crate::sdk::Settings;

/// The query for one document, for the table in docs/DEPLOY.md.
const DOCUMENT_SQL: &str =
    "SELECT title, content FROM documents WHERE id = :id AND (owner IS NULL OR owner = :principal)";

/// Crates that log whole requests and answers, or events, at their finest levels: none of that is
/// ever wanted.
const QUIET: [&str; 7] = ["lambda_runtime", "aws_", "hyper", "h2", "reqwest", "rustls", "tower"];
/// What they may say. The runtime repeats each failure of a handler, which is logged where it is
/// handled.
const QUIET_LEVELS: &str = "lambda_runtime=warn,lambda_runtime::layers::panic=off,aws_smithy_runtime=info,\
    aws_smithy_runtime_api=info,aws_smithy_http_client=info,aws_runtime=info,aws_sigv4=info,\
    aws_sdk_dynamodb=info,aws_sdk_sqs=info,aws_sdk_eventbridge=info,aws_sdk_apigatewaymanagement=info,\
    aws_sdk_rdsdata=info,aws_sdk_secretsmanager=info,aws_sdk_ssm=info,hyper=info,hyper_util=info,h2=info,\
    reqwest=info,rustls=info,tower=info";

/// Returns the variables of this process.
#[expect(clippy::disallowed_methods, reason = "this is the file that reads the environment")]
pub fn environment() -> Environment {
    Environment::new(std::env::vars())
}

/// How a function logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// How lines look (`CHATBOT_LOG_FORMAT`).
    pub format: LogFormat,
    /// Which lines there are (`CHATBOT_LOG`), as `EnvFilter` reads it.
    pub filter: String,
}

impl LogConfig {
    /// Reads the settings: JSON unless `text` is asked for.
    ///
    /// Crates that would log what passes through them are held to what they may say, whatever is
    /// asked for.
    pub fn from(environment: &Environment) -> Result<Self, ConfigError> {
        let format = match environment.text_or("CHATBOT_LOG_FORMAT", "json").as_str() {
            "json" => LogFormat::Json,
            "text" => LogFormat::Text,
            other => return Err(invalid("CHATBOT_LOG_FORMAT", other, "must be text or json")),
        };
        let asked = environment.text_or("CHATBOT_LOG", "info");
        let ours = |part: &&str| !QUIET.iter().any(|name| part.trim().starts_with(name));
        let asked = asked.split(',').filter(ours).collect::<Vec<_>>().join(",");
        Ok(Self { format, filter: format!("{asked},{QUIET_LEVELS}") })
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Json, filter: format!("info,{QUIET_LEVELS}") }
    }
}

/// Where the things are that every function uses.
#[derive(Debug, Clone)]
pub struct Common {
    /// The stage, the dimension of every metric (`CHATBOT_STAGE`).
    pub stage: String,
    /// The table (`CHATBOT_TABLE`).
    pub table: String,
    /// The queue of replies (`CHATBOT_REPLIES_QUEUE_URL`).
    pub replies_queue: String,
    /// The management address of the WebSocket API's stage (`CHATBOT_CONNECTIONS_URL`).
    pub connections_url: String,
    /// Where the services are, and who calls them.
    pub sdk: Settings,
}

impl Common {
    /// Reads the settings; an error names the variable.
    pub fn from(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            stage: required(environment, "CHATBOT_STAGE")?,
            table: required(environment, "CHATBOT_TABLE")?,
            replies_queue: url(environment, "CHATBOT_REPLIES_QUEUE_URL")?,
            connections_url: url(environment, "CHATBOT_CONNECTIONS_URL")?,
            sdk: Settings::from_environment(environment)?,
        })
    }
}

/// What the front door uses besides.
#[derive(Debug, Clone)]
pub struct IngressResources {
    /// What every function uses.
    pub common: Common,
    /// The queue of requests (`CHATBOT_REQUESTS_QUEUE_URL`).
    pub requests_queue: String,
    /// The secret with the signing keys (`CHATBOT_SIGNING_SECRET`).
    pub signing_secret: String,
}

impl IngressResources {
    /// Reads the settings; an error names the variable.
    pub fn from(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            common: Common::from(environment)?,
            requests_queue: url(environment, "CHATBOT_REQUESTS_QUEUE_URL")?,
            signing_secret: required(environment, "CHATBOT_SIGNING_SECRET")?,
        })
    }
}

/// What the worker uses besides.
#[derive(Debug, Clone)]
pub struct WorkerResources {
    /// What every function uses.
    pub common: Common,
    /// The queue of requests (`CHATBOT_REQUESTS_QUEUE_URL`).
    pub requests_queue: String,
    /// The secret with the providers' keys (`CHATBOT_API_KEYS_SECRET`).
    pub api_keys_secret: String,
    /// The parameter with the order of providers (`CHATBOT_PROVIDER_PREFERENCE_PARAMETER`); none
    /// where the environment says the order itself (`CHATBOT_PROVIDER_PREFERENCE`).
    pub preference_parameter: Option<String>,
    /// Where the documents are (`AURORA_CLUSTER_ARN`, `AURORA_SECRET_ARN`); none without a cluster.
    pub documents: Option<DocumentSettings>,
}

impl WorkerResources {
    /// Reads the settings; an error names the variable.
    pub fn from(environment: &Environment) -> Result<Self, ConfigError> {
        let said = environment.text("CHATBOT_PROVIDER_PREFERENCE").is_some();
        let parameter = environment.text("CHATBOT_PROVIDER_PREFERENCE_PARAMETER").filter(|_| !said);
        Ok(Self {
            common: Common::from(environment)?,
            requests_queue: url(environment, "CHATBOT_REQUESTS_QUEUE_URL")?,
            api_keys_secret: required(environment, "CHATBOT_API_KEYS_SECRET")?,
            preference_parameter: parameter.map(str::to_owned),
            documents: documents(environment)?,
        })
    }
}

/// What the notifier uses besides.
#[derive(Debug, Clone)]
pub struct NotifierResources {
    /// What every function uses.
    pub common: Common,
    /// The event bus (`CHATBOT_EVENT_BUS`).
    pub event_bus: String,
}

impl NotifierResources {
    /// Reads the settings; an error names the variable.
    pub fn from(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            common: Common::from(environment)?,
            event_bus: required(environment, "CHATBOT_EVENT_BUS")?,
        })
    }
}

/// Reads where the documents are: both ARNs, or neither.
fn documents(environment: &Environment) -> Result<Option<DocumentSettings>, ConfigError> {
    const SQL: &str = "CHATBOT_DOCUMENT_SQL";
    let public = environment.bool_or("CHATBOT_DOCUMENTS_PUBLIC", false)?;
    let text = environment.text_or(SQL, DOCUMENT_SQL);
    let sql = DocumentSql::parse(&text, public).map_err(|problem| invalid(SQL, &text, problem))?;
    let cluster = "AURORA_CLUSTER_ARN";
    let secret = "AURORA_SECRET_ARN";
    if environment.text(cluster).or(environment.text(secret)).is_none() {
        return Ok(None);
    }
    Ok(Some(DocumentSettings {
        cluster_arn: required(environment, cluster)?,
        secret_arn: required(environment, secret)?,
        database: environment.text_or("CHATBOT_DOCUMENT_DATABASE", "learningyogi"),
        sql,
    }))
}

/// Reads where the reply cache's server is (`CHATBOT_REPLY_CACHE_URL`).
pub fn reply_cache(environment: &Environment) -> Result<RedisAddress, ConfigError> {
    const URL: &str = "CHATBOT_REPLY_CACHE_URL";
    let url = required(environment, URL)?;
    // Whatever is wrong with it, it may hold a password.
    RedisAddress::parse(&url).map_err(|problem| invalid(URL, "(not shown)", problem))
}

fn required(environment: &Environment, variable: &str) -> Result<String, ConfigError> {
    environment
        .text(variable)
        .map(str::to_owned)
        .ok_or_else(|| ConfigError::Missing(variable.to_owned()))
}

fn url(environment: &Environment, variable: &str) -> Result<String, ConfigError> {
    let url = required(environment, variable)?;
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    if host.is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace)) {
        return Ok(url);
    }
    Err(invalid(variable, &url, "must be a URL that begins with https:// or http://"))
}

#[cfg(test)]
mod tests;
