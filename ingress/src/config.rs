//! What the operator decides.

use std::time::Duration;

use http::uri::{Authority, Uri};
use shared::domain::ProviderName;
use shared::environment::{ConfigError, Environment, invalid};
use shared::protocol::accept::AcceptLimits;

use crate::cors::{self, AllowedOrigins};
use crate::identity::{AuthMode, JwtConfig};

/// Where ingress runs: decides the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// In one process, on a laptop or a small server.
    OneMachine,
    /// Behind API Gateway.
    Aws,
}

/// How many new messages and sessions are let in; zero is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Of one principal in a minute.
    pub principal_per_minute: u32,
    /// Of one address in five minutes.
    pub address_per_5_minutes: u32,
}

/// The configuration of ingress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngressConfig {
    /// Who may speak.
    pub auth: AuthMode,
    /// Which origins may call.
    pub origins: AllowedOrigins,
    /// The bounds that a message is accepted within.
    pub accept_limits: AcceptLimits,
    /// How many new messages and sessions are let in.
    pub rates: RateLimits,
    /// The longest wait of a history call.
    pub max_wait: Duration,
    /// The WebSocket's address; none stands for [`LOCAL_SOCKET_PATH`] on the host that was called.
    pub websocket_url: Option<String>,
    /// The providers that a request may name. The host that knows better replaces the default.
    pub providers: Vec<ProviderName>,
}

/// Where the one-machine host serves the WebSocket.
pub const LOCAL_SOCKET_PATH: &str = "/socket";

impl IngressConfig {
    /// Reads the configuration; an error names the variable.
    pub fn from_env(environment: &Environment, platform: Platform) -> Result<Self, ConfigError> {
        bounded(environment, platform)?;
        let longest_wait = if platform == Platform::OneMachine { 20 } else { 0 };
        Ok(Self {
            auth: auth(environment, platform)?,
            origins: origins(environment, platform)?,
            accept_limits: AcceptLimits::from_env(environment)?,
            rates: RateLimits {
                principal_per_minute: rate(environment, "CHATBOT_RATE_PRINCIPAL_PER_MINUTE", 30)?,
                address_per_5_minutes: rate(
                    environment,
                    "CHATBOT_RATE_ADDRESS_PER_5_MINUTES",
                    1000,
                )?,
            },
            max_wait: Duration::from_secs(environment.number_or(
                "CHATBOT_MAX_WAIT_SECONDS",
                longest_wait,
                0..=25,
            )?),
            websocket_url: websocket_url(environment, platform)?,
            providers: providers(environment)?,
        })
    }
}

/// Requires a daily budget where strangers could spend without bound. The worker keeps it; only
/// ingress lets them in.
fn bounded(environment: &Environment, platform: Platform) -> Result<(), ConfigError> {
    let strangers = environment.parsed::<bool>("CHATBOT_ALLOW_ANONYMOUS")? == Some(true);
    if platform == Platform::Aws
        && strangers
        && environment.parsed::<f64>("CHATBOT_DAILY_BUDGET_USD")?.is_none()
    {
        return Err(ConfigError::Missing("CHATBOT_DAILY_BUDGET_USD".to_owned()));
    }
    Ok(())
}

fn auth(environment: &Environment, platform: Platform) -> Result<AuthMode, ConfigError> {
    let anonymous = environment.parsed::<bool>("CHATBOT_ALLOW_ANONYMOUS")?;
    let mode = environment.text_or("CHATBOT_AUTH_MODE", "NONE");
    if anonymous == Some(true) && mode != "NONE" {
        return Err(invalid(
            "CHATBOT_ALLOW_ANONYMOUS",
            "true",
            "must be false unless CHATBOT_AUTH_MODE is NONE",
        ));
    }
    match (mode.as_str(), platform) {
        ("NONE", _) => {
            let default = (platform == Platform::OneMachine).then_some(true);
            let missing = || ConfigError::Missing("CHATBOT_ALLOW_ANONYMOUS".to_owned());
            Ok(AuthMode::Anonymous { new_principals: anonymous.or(default).ok_or_else(missing)? })
        }
        ("JWT", _) => jwt(environment).map(AuthMode::Jwt),
        ("AWS_IAM", Platform::Aws) => Ok(AuthMode::Iam),
        ("AWS_IAM", Platform::OneMachine) => Err(invalid(
            "CHATBOT_AUTH_MODE",
            &mode,
            "IAM identities exist only on AWS; use NONE or JWT",
        )),
        _ => Err(invalid("CHATBOT_AUTH_MODE", &mode, "must be NONE, JWT or AWS_IAM")),
    }
}

fn jwt(environment: &Environment) -> Result<JwtConfig, ConfigError> {
    let issuer = required(environment, "CHATBOT_JWT_ISSUER")?;
    let audience = environment.list("CHATBOT_JWT_AUDIENCE");
    let audience =
        audience.ok_or_else(|| ConfigError::Missing("CHATBOT_JWT_AUDIENCE".to_owned()))?;
    let default = format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/'));
    let jwks_url = environment.text_or("CHATBOT_JWKS_URL", &default);
    secure(&jwks_url, "https", "http")
        .map_err(|problem| invalid("CHATBOT_JWKS_URL", &jwks_url, problem))?;
    Ok(JwtConfig { issuer, audience, jwks_url })
}

fn origins(environment: &Environment, platform: Platform) -> Result<AllowedOrigins, ConfigError> {
    const NAME: &str = "CHATBOT_ALLOWED_ORIGINS";
    let Some(list) = environment.list(NAME) else {
        return match platform {
            Platform::OneMachine => Ok(AllowedOrigins::Loopback),
            Platform::Aws => Err(ConfigError::Missing(NAME.to_owned())),
        };
    };
    match list.iter().find(|origin| !is_origin(origin)) {
        Some(bad) => Err(invalid(
            NAME,
            bad,
            "must be origins such as https://app.example.com, without a path",
        )),
        None => Ok(AllowedOrigins::Exact(list)),
    }
}

/// Tells whether a text is an origin as browsers write it.
fn is_origin(text: &str) -> bool {
    let authority =
        text.split_once("://").filter(|(scheme, _)| !scheme.is_empty()).map(|(_, rest)| rest);
    let legal = |rest: &str| !rest.contains(['/', '*', '@']) && rest.parse::<Authority>().is_ok();
    authority.is_some_and(legal) && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn rate(environment: &Environment, variable: &str, default: u32) -> Result<u32, ConfigError> {
    let rate = environment.number_or(variable, u64::from(default), 0..=u64::from(u32::MAX))?;
    Ok(u32::try_from(rate).unwrap_or(u32::MAX))
}

fn websocket_url(
    environment: &Environment,
    platform: Platform,
) -> Result<Option<String>, ConfigError> {
    const NAME: &str = "CHATBOT_WEBSOCKET_URL";
    match environment.text(NAME) {
        None if platform == Platform::Aws => Err(ConfigError::Missing(NAME.to_owned())),
        None => Ok(None),
        Some(url) => {
            secure(url, "wss", "ws").map_err(|problem| invalid(NAME, url, problem))?;
            Ok(Some(url.to_owned()))
        }
    }
}

fn providers(environment: &Environment) -> Result<Vec<ProviderName>, ConfigError> {
    const NAME: &str = "CHATBOT_PROVIDER_PREFERENCE";
    let names = environment
        .list(NAME)
        .unwrap_or_else(|| ["claude", "openai", "bedrock"].map(str::to_owned).to_vec());
    let parse = |name: &String| {
        ProviderName::parse(name).ok_or_else(|| invalid(NAME, name, "is not a provider"))
    };
    names.iter().map(parse).collect()
}

fn required(environment: &Environment, variable: &str) -> Result<String, ConfigError> {
    environment
        .text(variable)
        .map(str::to_owned)
        .ok_or_else(|| ConfigError::Missing(variable.to_owned()))
}

/// Requires an address with the secure scheme; the plain one is for loopback hosts only.
fn secure(url: &str, scheme: &str, plain: &str) -> Result<(), String> {
    let uri = url.parse::<Uri>().map_err(|error| error.to_string())?;
    let local = uri.host().is_some_and(cors::is_loopback);
    match uri.scheme_str() {
        Some(found) if found == scheme || (found == plain && local) => Ok(()),
        _ => Err(format!("must begin with {scheme}://")),
    }
}
