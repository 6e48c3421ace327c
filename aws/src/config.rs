//! The environment variables that the Lambda functions read in addition to their handlers' own:
//! names and addresses of AWS resources, and logging.
//!
//! This is the only file of the crate that reads the process's environment.

use std::collections::BTreeMap;

use secrecy::SecretString;
use shared::environment::{ConfigError, Environment, invalid};
use shared::telemetry::LogFormat;

use crate::documents::{DOCUMENT_SQL, Database, DocumentSettings, DocumentSql, SearchSql};
use crate::redis::RedisAddress;
use crate::sdk::{Credentials, SdkSettings, Service};

const MUST_BE_HTTP: &str = "must be a URL that begins with https:// or http://";

/// Crates that log whole requests, responses or events at their finest levels, which must never
/// reach a log.
const QUIET: [&str; 7] = ["lambda_runtime", "aws_", "hyper", "h2", "reqwest", "rustls", "tower"];
/// The levels that these crates are limited to. The Lambda runtime's panic layer is off because it
/// repeats each error of a handler, which has been logged where it was handled.
const QUIET_LEVELS: &str = "lambda_runtime=warn,lambda_runtime::layers::panic=off,\
    aws_smithy_runtime=info,aws_smithy_runtime_api=info,aws_smithy_http_client=info,\
    aws_runtime=info,aws_sigv4=info,aws_sdk_dynamodb=info,aws_sdk_sqs=info,\
    aws_sdk_eventbridge=info,aws_sdk_apigatewaymanagement=info,aws_sdk_rdsdata=info,\
    aws_sdk_secretsmanager=info,aws_sdk_ssm=info,hyper=info,hyper_util=info,h2=info,reqwest=info,\
    rustls=info,tower=info";

/// Returns the environment variables of this process.
#[expect(clippy::disallowed_methods, reason = "this is the file that reads the environment")]
pub fn environment() -> Environment {
    Environment::new(std::env::vars())
}

/// How a function logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// The format of log lines (`CHATBOT_LOG_FORMAT`).
    pub format: LogFormat,
    /// The log filter in the syntax of `EnvFilter` (`CHATBOT_LOG`).
    pub filter: String,
}

impl LogConfig {
    /// Reads the settings. The default format is JSON.
    ///
    /// Crates that could log user data stay at their safe levels, whatever the filter says.
    pub fn from_env(environment: &Environment) -> Result<Self, ConfigError> {
        let format = match environment.text_or("CHATBOT_LOG_FORMAT", "json").as_str() {
            "json" => LogFormat::Json,
            "text" => LogFormat::Text,
            other => return Err(invalid("CHATBOT_LOG_FORMAT", other, "must be text or json")),
        };
        let filter = environment.text_or("CHATBOT_LOG", "info");
        let is_allowed = |part: &&str| !QUIET.iter().any(|name| part.trim().starts_with(name));
        let filter = filter.split(',').filter(is_allowed).collect::<Vec<_>>().join(",");
        Ok(Self { format, filter: format!("{filter},{QUIET_LEVELS}") })
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Json, filter: format!("info,{QUIET_LEVELS}") }
    }
}

/// The AWS resources that every function uses.
#[derive(Debug, Clone)]
pub struct CommonResources {
    /// The deployment stage, a dimension of every metric (`CHATBOT_STAGE`).
    pub stage: String,
    /// The name of the DynamoDB table (`CHATBOT_TABLE`).
    pub table: String,
    /// The URL of the replies queue (`CHATBOT_REPLIES_QUEUE_URL`).
    pub replies_queue: String,
    /// The management URL of the WebSocket API's stage (`CHATBOT_CONNECTIONS_URL`).
    pub connections_url: String,
    /// Region, credentials and endpoints.
    pub sdk: SdkSettings,
}

impl CommonResources {
    /// Reads the settings; an error names the variable.
    pub fn from_env(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            stage: required(environment, "CHATBOT_STAGE")?,
            table: required(environment, "CHATBOT_TABLE")?,
            replies_queue: url(environment, "CHATBOT_REPLIES_QUEUE_URL")?,
            connections_url: url(environment, "CHATBOT_CONNECTIONS_URL")?,
            sdk: SdkSettings::from_env(environment)?,
        })
    }
}

/// The AWS resources of the ingress function.
#[derive(Debug, Clone)]
pub struct IngressResources {
    /// The resources that every function uses.
    pub common: CommonResources,
    /// The URL of the requests queue (`CHATBOT_REQUESTS_QUEUE_URL`).
    pub requests_queue: String,
    /// The secret with the signing keys (`CHATBOT_SIGNING_SECRET`).
    pub signing_secret: String,
}

impl IngressResources {
    /// Reads the settings; an error names the variable.
    pub fn from_env(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            common: CommonResources::from_env(environment)?,
            requests_queue: url(environment, "CHATBOT_REQUESTS_QUEUE_URL")?,
            signing_secret: required(environment, "CHATBOT_SIGNING_SECRET")?,
        })
    }
}

/// The AWS resources of the worker function.
#[derive(Debug, Clone)]
pub struct WorkerResources {
    /// The resources that every function uses.
    pub common: CommonResources,
    /// The URL of the requests queue (`CHATBOT_REQUESTS_QUEUE_URL`).
    pub requests_queue: String,
    /// The secret with the providers' keys (`CHATBOT_API_KEYS_SECRET`).
    pub api_keys_secret: String,
    /// The parameter with the order of providers (`CHATBOT_PROVIDER_PREFERENCE_PARAMETER`); `None`
    /// if the environment sets the order itself (`CHATBOT_PROVIDER_PREFERENCE`).
    pub preference_parameter: Option<String>,
    /// The documents' database (`AURORA_CLUSTER_ARN`, `AURORA_SECRET_ARN`); `None` without one.
    pub documents: Option<DocumentSettings>,
}

impl WorkerResources {
    /// Reads the settings; an error names the variable.
    pub fn from_env(environment: &Environment) -> Result<Self, ConfigError> {
        let is_set = environment.text("CHATBOT_PROVIDER_PREFERENCE").is_some();
        let parameter =
            environment.text("CHATBOT_PROVIDER_PREFERENCE_PARAMETER").filter(|_| !is_set);
        Ok(Self {
            common: CommonResources::from_env(environment)?,
            requests_queue: url(environment, "CHATBOT_REQUESTS_QUEUE_URL")?,
            api_keys_secret: required(environment, "CHATBOT_API_KEYS_SECRET")?,
            preference_parameter: parameter.map(str::to_owned),
            documents: documents(environment)?,
        })
    }
}

/// The AWS resources of the notifier function.
#[derive(Debug, Clone)]
pub struct NotifierResources {
    /// The resources that every function uses.
    pub common: CommonResources,
    /// The name of the event bus (`CHATBOT_EVENT_BUS`).
    pub event_bus: String,
}

impl NotifierResources {
    /// Reads the settings; an error names the variable.
    pub fn from_env(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            common: CommonResources::from_env(environment)?,
            event_bus: required(environment, "CHATBOT_EVENT_BUS")?,
        })
    }
}

/// Reads the settings of the documents' database: both ARNs must be set, or neither.
fn documents(environment: &Environment) -> Result<Option<DocumentSettings>, ConfigError> {
    const SQL: &str = "CHATBOT_DOCUMENT_SQL";
    let public = environment.bool_or("CHATBOT_DOCUMENTS_PUBLIC", false)?;
    let text = environment.text_or(SQL, DOCUMENT_SQL);
    let sql = DocumentSql::parse(&text, public).map_err(|problem| invalid(SQL, &text, problem))?;
    let search = search(environment, &sql)?;
    let cluster = "AURORA_CLUSTER_ARN";
    let secret = "AURORA_SECRET_ARN";
    if environment.text(cluster).or(environment.text(secret)).is_none() {
        return Ok(None);
    }
    let database = Database {
        cluster_arn: required(environment, cluster)?,
        secret_arn: required(environment, secret)?,
        name: environment.text_or("CHATBOT_DOCUMENT_DATABASE", "learningyogi"),
    };
    Ok(Some(DocumentSettings { database, sql, search }))
}

/// Reads the query for passages (`CHATBOT_SEARCH_SQL`).
///
/// The standard search belongs to the standard table: where documents are read from another one,
/// there is none, unless it is configured too.
fn search(environment: &Environment, sql: &DocumentSql) -> Result<Option<SearchSql>, ConfigError> {
    const SQL: &str = "CHATBOT_SEARCH_SQL";
    let Some(text) = environment.text(SQL) else {
        return Ok(sql.is_standard().then(SearchSql::standard));
    };
    SearchSql::parse(text).map(Some).map_err(|problem| invalid(SQL, text, problem))
}

/// Reads the address of the reply cache's server (`CHATBOT_REPLY_CACHE_URL`).
pub fn reply_cache(environment: &Environment) -> Result<RedisAddress, ConfigError> {
    const URL: &str = "CHATBOT_REPLY_CACHE_URL";
    let url = required(environment, URL)?;
    // An invalid URL may still contain a password, so the error must not quote it.
    RedisAddress::parse(&url).map_err(|problem| invalid(URL, "(not shown)", problem))
}

/// The variables that override the endpoint of a service, named as in the AWS SDKs.
const ENDPOINTS: [(Service, &str); 7] = [
    (Service::DynamoDb, "AWS_ENDPOINT_URL_DYNAMODB"),
    (Service::Sqs, "AWS_ENDPOINT_URL_SQS"),
    (Service::EventBridge, "AWS_ENDPOINT_URL_EVENTBRIDGE"),
    (Service::RdsData, "AWS_ENDPOINT_URL_RDS_DATA"),
    (Service::SecretsManager, "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
    (Service::Ssm, "AWS_ENDPOINT_URL_SSM"),
    (Service::Logs, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"),
];

impl SdkSettings {
    /// Reads the variables that Lambda sets, and endpoints in the form that the AWS SDKs use.
    ///
    /// Errors name the variable and never quote a credential.
    pub fn from_env(environment: &Environment) -> Result<Self, ConfigError> {
        let credentials = Credentials {
            access_key_id: required(environment, "AWS_ACCESS_KEY_ID")?,
            secret_access_key: required(environment, "AWS_SECRET_ACCESS_KEY")?.into(),
            session_token: environment.text("AWS_SESSION_TOKEN").map(SecretString::from),
        };
        let mut endpoints = BTreeMap::new();
        for (service, variable) in ENDPOINTS {
            endpoints.extend(endpoint(environment, variable)?.map(|url| (service, url)));
        }
        Ok(Self {
            region: required(environment, "AWS_REGION")?,
            credentials,
            endpoint: endpoint(environment, "AWS_ENDPOINT_URL")?,
            endpoints,
        })
    }
}

fn endpoint(environment: &Environment, variable: &str) -> Result<Option<String>, ConfigError> {
    let Some(url) = environment.text(variable) else { return Ok(None) };
    if !is_http_url(url) {
        return Err(invalid(variable, url, MUST_BE_HTTP));
    }
    Ok(Some(url.trim_end_matches('/').to_owned()))
}

fn required(environment: &Environment, variable: &str) -> Result<String, ConfigError> {
    environment
        .text(variable)
        .map(str::to_owned)
        .ok_or_else(|| ConfigError::Missing(variable.to_owned()))
}

fn url(environment: &Environment, variable: &str) -> Result<String, ConfigError> {
    let url = required(environment, variable)?;
    if is_http_url(&url) { Ok(url) } else { Err(invalid(variable, &url, MUST_BE_HTTP)) }
}

fn is_http_url(url: &str) -> bool {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.contains(char::is_whitespace))
}

#[cfg(test)]
mod tests;
