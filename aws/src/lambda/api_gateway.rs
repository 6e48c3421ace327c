//! Events of API Gateway for the ingress function.

use aws_lambda_events::event::apigw::{
    ApiGatewayCustomAuthorizerRequestTypeRequest, ApiGatewayProxyRequest,
    ApiGatewayRequestAuthorizer, ApiGatewayRequestIdentity, ApiGatewayWebsocketProxyRequest,
};
use aws_lambda_events::query_map::QueryMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Request, Uri};
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use shared::domain::ConnectionId;

use super::UnsupportedEvent;
use super::schedule::ScheduledTask;

/// An event of API Gateway, or of the schedule that keeps the function warm.
#[derive(Debug)]
pub enum ApiGatewayEvent {
    /// A call to the REST API.
    Http(Box<HttpCall>),
    /// The authorizer's request: may this WebSocket be opened?
    Authorize(ConnectAttempt),
    /// A frame of an open WebSocket.
    Frame(WebSocket, String),
    /// A WebSocket was closed.
    Disconnect(WebSocket),
    /// A call to the REST API that is not a valid HTTP request.
    Malformed(UnsupportedEvent),
    /// Nothing to do.
    Warm,
}

/// A call to the REST API.
#[derive(Debug)]
pub struct HttpCall {
    /// The request.
    pub request: Request<Bytes>,
    /// The client's IP address.
    pub address: Option<String>,
    /// The caller's Cognito identity id, if IAM authorized the call.
    pub cognito_identity_id: Option<String>,
    /// The unique id of the caller's IAM user, or of its role with the session name, if IAM
    /// authorized the call.
    pub unique_id: Option<String>,
}

/// An attempt to open a WebSocket.
#[derive(Debug)]
pub struct ConnectAttempt {
    /// The ticket; empty if there was none, or more than one.
    pub ticket: String,
    /// The `Origin` header; `null` if it is not valid text.
    pub origin: Option<String>,
    /// The `Host` header.
    pub host: Option<String>,
    /// The ARN that the response must allow or deny.
    pub method_arn: String,
}

/// An open WebSocket: its connection id and the authorizer's context.
#[derive(Debug)]
pub struct WebSocket {
    /// The connection.
    pub connection: ConnectionId,
    /// The authorizer's context.
    pub context: Map<String, Value>,
}

impl ApiGatewayEvent {
    /// Reads an event.
    ///
    /// An event that has only a body is a `POST /chat`, as sent by the Lambda console's test form.
    pub fn from_event(event: Value) -> Result<Self, UnsupportedEvent> {
        if ScheduledTask::of(&event) == Some(ScheduledTask::Warm) {
            return Ok(Self::Warm);
        }
        let has = |name: &str| event.get(name).is_some_and(|value| !value.is_null());
        let in_socket = event.pointer("/requestContext/connectionId").is_some();
        match event.get("type").and_then(Value::as_str) {
            Some("REQUEST") if has("methodArn") => attempt(event).map(Self::Authorize),
            _ if in_socket => socket(event),
            _ if has("httpMethod") || has("body") => {
                Ok(call(event).map_or_else(Self::Malformed, |call| Self::Http(Box::new(call))))
            }
            _ => Err(UnsupportedEvent("it does not come from API Gateway")),
        }
    }
}

fn attempt(event: Value) -> Result<ConnectAttempt, UnsupportedEvent> {
    let event: ApiGatewayCustomAuthorizerRequestTypeRequest = serde_json::from_value(event)
        .map_err(|_| UnsupportedEvent("its authorizer request cannot be read"))?;
    let header = |name: &str| {
        event.headers.get(name).map(|value| value.to_str().unwrap_or("null").to_owned())
    };
    Ok(ConnectAttempt {
        ticket: ticket(&event.multi_value_query_string_parameters, &event.query_string_parameters),
        origin: header("origin"),
        host: header("host"),
        method_arn: event.method_arn.unwrap_or_default(),
    })
}

/// Returns the ticket. Several tickets count as none: a client could otherwise pass one ticket here
/// and another one elsewhere.
fn ticket(all: &QueryMap, last: &QueryMap) -> String {
    let given = [all, last].into_iter().find_map(|query| query.all("ticket")).unwrap_or_default();
    if let [ticket] = given.as_slice() { (*ticket).to_owned() } else { String::new() }
}

fn socket(event: Value) -> Result<ApiGatewayEvent, UnsupportedEvent> {
    let event: ApiGatewayWebsocketProxyRequest = serde_json::from_value(event)
        .map_err(|_| UnsupportedEvent("its WebSocket request cannot be read"))?;
    let context = event.request_context;
    let connection = ConnectionId::new(context.connection_id.unwrap_or_default());
    let socket = WebSocket { connection, context: facts(context.authorizer) };
    match context.event_type.as_deref() {
        Some("MESSAGE") => {
            Ok(ApiGatewayEvent::Frame(socket, text(event.body, event.is_base64_encoded)))
        }
        Some("DISCONNECT") => Ok(ApiGatewayEvent::Disconnect(socket)),
        _ => Err(UnsupportedEvent("its eventType is neither MESSAGE nor DISCONNECT")),
    }
}

fn facts(authorizer: ApiGatewayRequestAuthorizer) -> Map<String, Value> {
    authorizer.fields.into_iter().collect()
}

/// Returns a frame's text. A binary frame becomes text that ingress rejects as malformed.
fn text(body: Option<String>, encoded: bool) -> String {
    if encoded { "\u{0}".to_owned() } else { body.unwrap_or_default() }
}

fn call(mut event: Value) -> Result<HttpCall, UnsupportedEvent> {
    complete(&mut event);
    let event: ApiGatewayProxyRequest = serde_json::from_value(event)
        .map_err(|_| UnsupportedEvent("its HTTP request cannot be read"))?;
    let uri: Uri = target(&event).parse().map_err(|_| UnsupportedEvent("its path is not valid"))?;
    let ApiGatewayProxyRequest {
        http_method,
        headers,
        multi_value_headers,
        body,
        is_base64_encoded,
        ..
    } = event;
    let mut request = Request::new(content(body, is_base64_encoded)?);
    *request.method_mut() = http_method;
    *request.uri_mut() = uri;
    *request.headers_mut() =
        if multi_value_headers.is_empty() { headers } else { multi_value_headers };
    let ApiGatewayRequestIdentity { source_ip, cognito_identity_id, user, user_arn, .. } =
        event.request_context.identity;
    // Without an ARN, IAM has not authorized the call, and the other fields prove no identity.
    let (cognito_identity_id, unique_id) =
        user_arn.map(|_| (cognito_identity_id, user)).unwrap_or_default();
    Ok(HttpCall { request, address: source_ip, cognito_identity_id, unique_id })
}

/// Adds what an event with only a body lacks.
fn complete(event: &mut Value) {
    let Some(event) = event.as_object_mut() else { return };
    let bare = !event.contains_key("httpMethod");
    let method = event.entry("httpMethod").or_insert_with(|| json!("POST")).clone();
    if bare {
        event.entry("path").or_insert_with(|| json!("/chat"));
        let headers = event.entry("headers").or_insert_with(|| json!({}));
        if let Some(headers) = headers.as_object_mut().filter(|headers| headers.is_empty()) {
            headers.insert("Content-Type".to_owned(), json!("application/json"));
        }
    }
    let context = event.entry("requestContext").or_insert_with(|| json!({}));
    if let Some(context) = context.as_object_mut() {
        context.entry("httpMethod").or_insert(method);
    }
}

/// Returns the path and query as the routes expect them.
///
/// The path is built from the API's resource: behind a custom domain, the request's own path begins
/// with the domain's base path.
fn target(event: &ApiGatewayProxyRequest) -> String {
    let resource = event
        .resource
        .as_deref()
        .filter(|resource| resource.starts_with('/') && !resource.contains('+'));
    let mut path = resource.or(event.path.as_deref()).unwrap_or("/").to_owned();
    for (name, value) in &event.path_parameters {
        path =
            path.replace(&format!("{{{name}}}"), &utf8_percent_encode(value, SEGMENT).to_string());
    }
    let queries = [&event.multi_value_query_string_parameters, &event.query_string_parameters];
    let query =
        queries.into_iter().find(|query| !query.is_empty()).map(encoded).unwrap_or_default();
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

fn encoded(query: &QueryMap) -> String {
    let part = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<_> =
        query.iter().map(|(name, value)| format!("{}={}", part(name), part(value))).collect();
    pairs.join("&")
}

/// Characters that must be encoded in a path segment. `%` is not among them, because some
/// parameters arrive encoded.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}');

fn content(body: Option<String>, encoded: bool) -> Result<Bytes, UnsupportedEvent> {
    let body = body.unwrap_or_default();
    if !encoded {
        return Ok(body.into());
    }
    STANDARD.decode(body).map(Bytes::from).map_err(|_| UnsupportedEvent("its body is not base64"))
}

/// Returns headers by name, each with all its values.
pub(super) fn multi_valued(headers: &HeaderMap) -> Map<String, Value> {
    let values = |name| {
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>()
    };
    headers.keys().map(|name| (name.as_str().to_owned(), json!(values(name)))).collect()
}
