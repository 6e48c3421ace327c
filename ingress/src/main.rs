//! The front door as a Lambda function, behind the REST and the WebSocket API.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use aws::config::{Common, IngressResources};
use aws::lambda::answers;
use aws::lambda::front::{Attempt, FrontEvent, HttpCall, Socket};
use aws::lambda::runtime::{Failed, Invocation};
use ingress::{
    AuthMode, AuthorizeError, ClientInfo, HttpKeySource, IamIdentity, Ingress, IngressConfig,
    KeySource, Platform, Ports, SocketSession, malformed_request,
};
use serde_json::Value;
use shared::environment::Environment;
use shared::http_client::{self, ClientSettings};
use shared::memory::MemoryDocuments;
use shared::system::{SystemClock, SystemIds};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let wire = |environment: &Environment| {
        let ingress = Arc::new(wire(environment)?);
        Ok(move |invocation: Invocation| answer(ingress.clone(), invocation))
    };
    aws::lambda::start::function(wire).await
}

fn wire(environment: &Environment) -> Result<Ingress, Box<dyn Error>> {
    let config = IngressConfig::from_env(environment, Platform::Aws)?;
    let IngressResources { common, requests_queue, signing_secret } =
        IngressResources::from(environment)?;
    let Common { table, replies_queue, connections_url, sdk, .. } = common;
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
        push: Arc::new(aws::push::GatewayPush::new(&sdk, &connections_url)),
        // The front door has no right to the documents: pages that embed the chat name them.
        documents: Arc::new(MemoryDocuments::default()),
        secrets: Arc::new(aws::secrets::SecretsManagerSecrets::new(&sdk, names)),
        jwt_keys,
        clock,
        ids: Arc::new(SystemIds),
    };
    Ok(Ingress::new(ports, config))
}

async fn answer(ingress: Arc<Ingress>, invocation: Invocation) -> Result<Value, Failed> {
    match FrontEvent::of(invocation.event)? {
        FrontEvent::Http(call) => Ok(http(&ingress, *call).await),
        FrontEvent::Malformed(problem) => {
            tracing::warn!(error = &problem as &dyn Error, "a call was refused");
            Ok(answers::http(&malformed_request()))
        }
        FrontEvent::Authorize(attempt) => authorize(&ingress, attempt).await,
        FrontEvent::Frame(socket, text) => {
            let (connection, session) = opened(socket)?;
            ingress.socket_frame(&connection, &session, &text).await;
            Ok(answers::taken())
        }
        FrontEvent::Disconnect(socket) => {
            let (connection, session) = opened(socket)?;
            ingress.socket_closed(&connection, &session).await;
            Ok(answers::taken())
        }
        FrontEvent::Warm => Ok(Value::Null),
    }
}

async fn http(ingress: &Ingress, call: HttpCall) -> Value {
    let HttpCall { request, address, cognito_identity_id, unique_id } = call;
    let identity = IamIdentity { cognito_identity_id, unique_id };
    let known = identity.cognito_identity_id.is_some() || identity.unique_id.is_some();
    let client = ClientInfo { address, iam: known.then_some(identity) };
    answers::http(&ingress.handle(request, client).await)
}

async fn authorize(ingress: &Ingress, attempt: Attempt) -> Result<Value, Failed> {
    let Attempt { ticket, origin, host, method_arn } = attempt;
    match ingress.authorize_socket(&ticket, origin.as_deref(), host.as_deref()).await {
        Ok(session) => {
            let Ok(Value::Object(context)) = serde_json::to_value(&session) else {
                return Err(Failed::work("the connection's session cannot be written"));
            };
            Ok(answers::allowed(&method_arn, session.principal_hash.as_str(), &context))
        }
        Err(AuthorizeError::Origin) => Ok(answers::forbidden(&method_arn)),
        Err(AuthorizeError::Ticket) => Err(Failed::unauthorized()),
        Err(refusal @ AuthorizeError::Unavailable(_)) => Err(Failed::work(refusal)),
    }
}

/// Returns whose connection it is, as the authorizer said when it was opened.
fn opened(socket: Socket) -> Result<(shared::domain::ConnectionId, SocketSession), Failed> {
    let Socket { connection, context } = socket;
    let session = serde_json::from_value(Value::Object(context));
    session.map(|session| (connection, session)).map_err(|_| {
        tracing::error!("a frame came without what the authorizer says of its connection");
        Failed::work("the connection has no session")
    })
}
