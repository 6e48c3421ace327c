//! Reading the configuration.

use std::time::Duration;

use ingress::{AllowedOrigins, AuthMode, IngressConfig, Platform};
use shared::domain::ProviderName;
use shared::environment::{ConfigError, Environment};

const AWS: &[(&str, &str)] = &[
    ("CHATBOT_ALLOW_ANONYMOUS", "true"),
    ("CHATBOT_ALLOWED_ORIGINS", "https://app.example, https://www.example:8443"),
    ("CHATBOT_WEBSOCKET_URL", "wss://socket.example/live"),
    ("CHATBOT_DAILY_BUDGET_USD", "5"),
];

fn read(variables: &[(&str, &str)], platform: Platform) -> Result<IngressConfig, ConfigError> {
    let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    IngressConfig::from_env(&Environment::new(owned), platform)
}

#[test]
fn one_machine_needs_no_variable() {
    let config = read(&[], Platform::OneMachine).unwrap();
    assert_eq!(config.auth, AuthMode::Anonymous { new_principals: true });
    assert_eq!(config.origins, AllowedOrigins::Loopback);
    assert_eq!(config.max_wait, Duration::from_secs(20));
    assert_eq!(config.accept_limits.lifetime.ttl, Duration::from_hours(24));
    assert_eq!(config.accept_limits.max_waiting, 50);
    assert_eq!((config.rates.principal_per_minute, config.rates.address_per_5_minutes), (30, 1000));
    assert_eq!(
        config.providers,
        [ProviderName::Claude, ProviderName::OpenAi, ProviderName::Bedrock]
    );
    assert_eq!(config.websocket_url, None);
}

#[test]
fn on_aws_whoever_deploys_decides() {
    let config = read(AWS, Platform::Aws).unwrap();
    assert_eq!(config.max_wait, Duration::ZERO);
    for (name, _) in AWS {
        let rest: Vec<_> = AWS.iter().filter(|(other, _)| other != name).copied().collect();
        assert_eq!(read(&rest, Platform::Aws), Err(ConfigError::Missing((*name).to_owned())));
    }
}

#[test]
fn jwts_need_an_issuer_and_an_audience() {
    let issuer = ("CHATBOT_JWT_ISSUER", "https://issuer.example/");
    let audience = ("CHATBOT_JWT_AUDIENCE", "chatbot,other");
    let mode = ("CHATBOT_AUTH_MODE", "JWT");
    let config = read(&[mode, issuer, audience], Platform::OneMachine).unwrap();
    let AuthMode::Jwt(jwt) = config.auth else { panic!("the mode is JWT") };
    assert_eq!(jwt.jwks_url, "https://issuer.example/.well-known/jwks.json");
    assert_eq!(jwt.audience, ["chatbot", "other"]);
    let missing = |name: &str| Err(ConfigError::Missing(name.to_owned()));
    assert_eq!(read(&[mode, audience], Platform::OneMachine), missing("CHATBOT_JWT_ISSUER"));
    assert_eq!(read(&[mode, issuer], Platform::OneMachine), missing("CHATBOT_JWT_AUDIENCE"));
}

#[test]
fn a_bad_value_names_its_variable() {
    for (variable, value) in [
        ("CHATBOT_AUTH_MODE", "OPEN"),
        ("CHATBOT_AUTH_MODE", "AWS_IAM"),
        ("CHATBOT_ALLOW_ANONYMOUS", "maybe"),
        ("CHATBOT_ALLOWED_ORIGINS", "*"),
        ("CHATBOT_ALLOWED_ORIGINS", "https://*.example"),
        ("CHATBOT_ALLOWED_ORIGINS", "https://app.example/"),
        ("CHATBOT_ALLOWED_ORIGINS", "https://App.example"),
        ("CHATBOT_ALLOWED_ORIGINS", "null"),
        ("CHATBOT_WEBSOCKET_URL", "ws://socket.example"),
        ("CHATBOT_WEBSOCKET_URL", "https://socket.example"),
        ("CHATBOT_PROVIDER_PREFERENCE", "claude,gemini"),
        ("CHATBOT_SESSION_TTL_HOURS", "0"),
        ("CHATBOT_SESSION_TTL_HOURS", "169"),
        ("CHATBOT_MAX_WAIT_SECONDS", "26"),
        ("CHATBOT_MAX_WAITING_MESSAGES", "0"),
        ("CHATBOT_RATE_PRINCIPAL_PER_MINUTE", "-1"),
        ("CHATBOT_RATE_ADDRESS_PER_5_MINUTES", "many"),
    ] {
        let error = read(&[(variable, value)], Platform::OneMachine).unwrap_err();
        assert!(error.to_string().starts_with(variable), "{error}");
    }
    let both = [("CHATBOT_AUTH_MODE", "JWT"), ("CHATBOT_ALLOW_ANONYMOUS", "true")];
    assert!(read(&both, Platform::OneMachine).is_err());
    read(&[("CHATBOT_WEBSOCKET_URL", "ws://127.0.0.1:9000/socket")], Platform::OneMachine).unwrap();
}

#[test]
fn strangers_on_aws_need_a_daily_budget() {
    let variables = Environment::default()
        .with("CHATBOT_ALLOW_ANONYMOUS", "true")
        .with("CHATBOT_ALLOWED_ORIGINS", "https://app.example.com")
        .with("CHATBOT_WEBSOCKET_URL", "wss://ws.example.com/prod");
    let error = IngressConfig::from_env(&variables, Platform::Aws).unwrap_err();
    assert_eq!(error, ConfigError::Missing("CHATBOT_DAILY_BUDGET_USD".to_owned()));
    assert!(
        IngressConfig::from_env(
            &variables.clone().with("CHATBOT_DAILY_BUDGET_USD", "5"),
            Platform::Aws
        )
        .is_ok()
    );
    assert!(
        IngressConfig::from_env(&variables.with("CHATBOT_ALLOW_ANONYMOUS", "false"), Platform::Aws)
            .is_ok()
    );
}
