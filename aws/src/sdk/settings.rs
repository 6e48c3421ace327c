//! Region, credentials and endpoints of the SDK clients.

use std::collections::BTreeMap;

use secrecy::SecretString;

/// An AWS service that is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// The store.
    DynamoDb,
    /// The queues.
    Sqs,
    /// The event bus.
    EventBridge,
    /// WebSocket connections; their endpoint is always set explicitly.
    Connections,
    /// Aurora's Data API.
    RdsData,
    /// API keys and signing keys.
    SecretsManager,
    /// Parameter Store.
    Ssm,
    /// CloudWatch Logs, which only operators read.
    Logs,
}

/// The credentials that requests are signed with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The access key id.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: SecretString,
    /// The session token of temporary credentials, such as a Lambda function's.
    pub session_token: Option<SecretString>,
}

/// The settings that all SDK clients share.
#[derive(Debug, Clone)]
pub struct SdkSettings {
    /// The AWS region.
    pub region: String,
    /// The credentials.
    pub credentials: Credentials,
    /// An endpoint for all services, in place of AWS.
    pub endpoint: Option<String>,
    /// Endpoints of single services; they take precedence over `endpoint`.
    pub endpoints: BTreeMap<Service, String>,
}

impl SdkSettings {
    /// Returns the endpoint of a service, if it is not the one of AWS.
    pub(super) fn endpoint(&self, service: Service) -> Option<&str> {
        self.endpoints.get(&service).or(self.endpoint.as_ref()).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use shared::environment::Environment;

    use super::*;

    fn environment() -> Environment {
        Environment::default()
            .with("AWS_REGION", "eu-central-1")
            .with("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .with("AWS_SECRET_ACCESS_KEY", "canary-secret")
            .with("AWS_SESSION_TOKEN", "canary-token")
    }

    #[test]
    fn a_service_has_its_own_endpoint_or_the_shared_one() {
        let environment = environment()
            .with("AWS_ENDPOINT_URL", "http://127.0.0.1:5000/")
            .with("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:6000");
        let settings = SdkSettings::from_env(&environment).unwrap();
        assert_eq!(settings.endpoint(Service::Sqs), Some("http://127.0.0.1:6000"));
        assert_eq!(settings.endpoint(Service::DynamoDb), Some("http://127.0.0.1:5000"));
    }

    #[test]
    fn without_an_override_the_endpoints_are_those_of_aws() {
        let settings = SdkSettings::from_env(&environment()).unwrap();
        assert_eq!(settings.endpoint(Service::DynamoDb), None);
    }

    #[test]
    fn a_missing_or_bad_variable_is_named() {
        let error = SdkSettings::from_env(&Environment::default()).unwrap_err();
        assert!(error.to_string().starts_with("AWS_ACCESS_KEY_ID"), "{error}");
        let bad = environment().with("AWS_ENDPOINT_URL_SQS", "localhost:80");
        let error = SdkSettings::from_env(&bad).unwrap_err();
        assert!(
            error.to_string().starts_with("AWS_ENDPOINT_URL_SQS is \"localhost:80\""),
            "{error}"
        );
    }

    #[test]
    fn credentials_are_not_printed() {
        let printed = format!("{:?}", SdkSettings::from_env(&environment()).unwrap());
        assert!(!printed.contains("canary"), "{printed}");
    }
}
