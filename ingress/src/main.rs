//! The front door as a Lambda function, behind the REST and the WebSocket API.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use aws::config::{CommonResources, IngressResources};
use aws::lambda::api_gateway::{ApiGatewayEvent, ConnectAttempt, HttpCall, WebSocket};
use aws::lambda::responses;
use aws::lambda::runtime::{Invocation, InvocationError};
use ingress::{
    AuthMode, AuthorizeError, ClientInfo, HttpKeySource, IamIdentity, Ingress, IngressConfig,
    KeySource, Platform, Ports, SocketSession, malformed_request,
};
use serde_json::Value;
use shared::disabled::NoDocuments;
use shared::environment::Environment;
use shared::http_client::{self, ClientSettings};
use shared::system::{SystemClock, SystemIds};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let wire = |environment: &Environment| {
        let ingress = Arc::new(wire(environment)?);
        Ok(move |invocation: Invocation| answer(ingress.clone(), invocation))
    };
    aws::lambda::start::run_function(wire).await
}

fn wire(environment: &Environment) -> Result<Ingress, Box<dyn Error>> {
    let config = IngressConfig::from_env(environment, Platform::Aws)?;
    let IngressResources { common, requests_queue, signing_secret } =
        IngressResources::from_env(environment)?;
    let CommonResources { table, replies_queue, connections_url, sdk, .. } = common;
    let sdk = aws::sdk::Sdk::new(sdk);
    let clock = Arc::new(SystemClock);
    let names = aws::secrets::SecretNames { api_keys: None, signing_keys: Some(signing_secret) };
    let jwt_keys = match &config.auth {
        AuthMode::Jwt(jwt) => {
            let client = http_client::build(ClientSettings::from_env(environment)?)?;
            Some(Arc::new(HttpKeySource::new(client, jwt.jwks_url.clone())) as Arc<dyn KeySource>)
        }
        _ => None,
    };
    let ports = Ports {
        store: Arc::new(aws::store::DynamoStore::new(&sdk, table, clock.clone())),
        requests: Arc::new(aws::queue::SqsQueue::new(&sdk, requests_queue)),
        replies: Arc::new(aws::queue::SqsQueue::new(&sdk, replies_queue)),
        push: Arc::new(aws::push::ApiGatewayPush::new(&sdk, &connections_url)),
        // The front door has no right to the documents: pages that embed the chat name them.
        documents: Arc::new(NoDocuments),
        secrets: Arc::new(aws::secrets::SecretsManagerSecrets::new(&sdk, names)),
        jwt_keys,
        clock,
        ids: Arc::new(SystemIds),
    };
    Ok(Ingress::new(ports, config))
}

async fn answer(ingress: Arc<Ingress>, invocation: Invocation) -> Result<Value, InvocationError> {
    match ApiGatewayEvent::from_event(invocation.event)? {
        ApiGatewayEvent::Http(call) => Ok(http(&ingress, *call).await),
        ApiGatewayEvent::Malformed(problem) => {
            tracing::warn!(error = &problem as &dyn Error, "a call was refused");
            Ok(responses::http(&malformed_request()))
        }
        ApiGatewayEvent::Authorize(attempt) => authorize(&ingress, attempt).await,
        ApiGatewayEvent::Frame(socket, text) => {
            let (connection, session) = opened(socket)?;
            ingress.socket_frame(&connection, &session, &text).await;
            Ok(responses::ok())
        }
        ApiGatewayEvent::Disconnect(socket) => {
            let (connection, session) = opened(socket)?;
            ingress.socket_closed(&connection, &session).await;
            Ok(responses::ok())
        }
        ApiGatewayEvent::Warm => Ok(Value::Null),
    }
}

async fn http(ingress: &Ingress, call: HttpCall) -> Value {
    let HttpCall { request, address, cognito_identity_id, unique_id } = call;
    let identity = IamIdentity { cognito_identity_id, unique_id };
    let known = identity.cognito_identity_id.is_some() || identity.unique_id.is_some();
    let caller = ClientInfo { address, iam: known.then_some(identity) };
    responses::http(&ingress.handle(request, caller).await)
}

async fn authorize(ingress: &Ingress, attempt: ConnectAttempt) -> Result<Value, InvocationError> {
    let ConnectAttempt { ticket, origin, host, method_arn } = attempt;
    match ingress.authorize_socket(&ticket, origin.as_deref(), host.as_deref()).await {
        Ok(session) => {
            let Ok(Value::Object(context)) = serde_json::to_value(&session) else {
                return Err(InvocationError::failed("the connection's session cannot be written"));
            };
            Ok(responses::allow(&method_arn, session.principal_hash.as_str(), &context))
        }
        Err(AuthorizeError::Origin) => Ok(responses::deny(&method_arn)),
        Err(AuthorizeError::Ticket) => Err(InvocationError::unauthorized()),
        Err(refusal @ AuthorizeError::Unavailable(_)) => Err(InvocationError::failed(refusal)),
    }
}

/// Returns whose connection it is, as the authorizer said when it was opened.
fn opened(
    socket: WebSocket,
) -> Result<(shared::domain::ConnectionId, SocketSession), InvocationError> {
    let WebSocket { connection, context } = socket;
    let session = serde_json::from_value(Value::Object(context));
    session.map(|session| (connection, session)).map_err(|_| {
        tracing::error!("a frame came without what the authorizer says of its connection");
        InvocationError::failed("the connection has no session")
    })
}
