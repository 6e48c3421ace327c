//! Where the services are, and who calls them.

use std::collections::BTreeMap;

use secrecy::SecretString;
use shared::environment::{ConfigError, Environment, invalid};

/// A service that is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// The table.
    DynamoDb,
    /// The queues.
    Sqs,
    /// The event bus.
    EventBridge,
    /// WebSocket connections; their endpoint is always given.
    Connections,
    /// Aurora's Data API.
    RdsData,
    /// Keys.
    SecretsManager,
    /// Parameter Store.
    Ssm,
    /// Log groups, which only operators read.
    Logs,
}

/// Who calls.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The id of the access key.
    pub access_key_id: String,
    /// The secret of the access key.
    pub secret_access_key: SecretString,
    /// The token of temporary credentials, such as a function's.
    pub session_token: Option<SecretString>,
}

/// Where the services are, and who calls them.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The region.
    pub region: String,
    /// Who calls.
    pub credentials: Credentials,
    /// Where every service is, in the place of AWS.
    pub endpoint: Option<String>,
    /// Where single services are; goes before `endpoint`.
    pub endpoints: BTreeMap<Service, String>,
}

/// The services with the variable that moves each, as the SDKs call it.
const ENDPOINTS: [(Service, &str); 7] = [
    (Service::DynamoDb, "AWS_ENDPOINT_URL_DYNAMODB"),
    (Service::Sqs, "AWS_ENDPOINT_URL_SQS"),
    (Service::EventBridge, "AWS_ENDPOINT_URL_EVENTBRIDGE"),
    (Service::RdsData, "AWS_ENDPOINT_URL_RDS_DATA"),
    (Service::SecretsManager, "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
    (Service::Ssm, "AWS_ENDPOINT_URL_SSM"),
    (Service::Logs, "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"),
];

impl Settings {
    /// Reads the variables that Lambda sets, and the endpoints in the SDKs' own form.
    ///
    /// An error names the variable, and never quotes a credential.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigError> {
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

    pub(super) fn endpoint(&self, service: Service) -> Option<&str> {
        self.endpoints.get(&service).or(self.endpoint.as_ref()).map(String::as_str)
    }
}

fn required(environment: &Environment, variable: &str) -> Result<String, ConfigError> {
    environment
        .text(variable)
        .map(str::to_owned)
        .ok_or_else(|| ConfigError::Missing(variable.to_owned()))
}

fn endpoint(environment: &Environment, variable: &str) -> Result<Option<String>, ConfigError> {
    let Some(url) = environment.text(variable) else { return Ok(None) };
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() => Ok(Some(url.trim_end_matches('/').to_owned())),
        _ => Err(invalid(variable, url, "must be a URL that begins with https:// or http://")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        Environment::default()
            .with("AWS_REGION", "eu-central-1")
            .with("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .with("AWS_SECRET_ACCESS_KEY", "canary-secret")
            .with("AWS_SESSION_TOKEN", "canary-token")
    }

    #[test]
    fn a_service_has_its_own_endpoint_or_the_common_one() {
        let environment = environment()
            .with("AWS_ENDPOINT_URL", "http://127.0.0.1:5000/")
            .with("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:6000");
        let settings = Settings::from_environment(&environment).unwrap();
        assert_eq!(settings.endpoint(Service::Sqs), Some("http://127.0.0.1:6000"));
        assert_eq!(settings.endpoint(Service::DynamoDb), Some("http://127.0.0.1:5000"));
    }

    #[test]
    fn without_an_override_the_services_are_where_aws_has_them() {
        let settings = Settings::from_environment(&environment()).unwrap();
        assert_eq!(settings.endpoint(Service::DynamoDb), None);
    }

    #[test]
    fn a_missing_or_bad_variable_is_named() {
        let error = Settings::from_environment(&Environment::default()).unwrap_err();
        assert!(error.to_string().starts_with("AWS_ACCESS_KEY_ID"), "{error}");
        let bad = environment().with("AWS_ENDPOINT_URL_SQS", "localhost:80");
        let error = Settings::from_environment(&bad).unwrap_err();
        assert!(
            error.to_string().starts_with("AWS_ENDPOINT_URL_SQS is \"localhost:80\""),
            "{error}"
        );
    }

    #[test]
    fn credentials_are_not_printed() {
        let printed = format!("{:?}", Settings::from_environment(&environment()).unwrap());
        assert!(!printed.contains("canary"), "{printed}");
    }
}
