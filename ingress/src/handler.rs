//! The entry: one HTTP request in, one answer out.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use shared::domain::{Principal, PrincipalHash, SessionId, SessionKey, Timestamp};
use shared::keyed_limit::KeyedLimit;
use shared::ports::store::Item;
use shared::ports::{Clock, Documents, Ids, Push, Queue, Secrets, Store};
use shared::protocol::{SessionRow, keys};
use tracing::{Span, field};

use crate::body::MAX_BODY_BYTES;
use crate::config::IngressConfig;
use crate::cors;
use crate::error::ApiError;
use crate::health::health;
use crate::identity::{AnonymousPolicy, Authenticator, Caller, IamIdentity, KeySource};
use crate::response::{self, HttpResult};
use crate::route::Route;

/// How many history calls may wait for an answer at once in this process.
const MAX_WAITING_CALLS: usize = 1_000;
const MAX_WAITING_CALLS_PER_PRINCIPAL: usize = 20;

/// What ingress stands on.
#[derive(Clone)]
pub struct Ports {
    /// The sessions.
    pub store: Arc<dyn Store>,
    /// Where accepted messages go.
    pub requests: Arc<dyn Queue>,
    /// Where feedback and deletions go.
    pub replies: Arc<dyn Queue>,
    /// The way to the browsers.
    pub push: Arc<dyn Push>,
    /// The documents.
    pub documents: Arc<dyn Documents>,
    /// The signing keys.
    pub secrets: Arc<dyn Secrets>,
    /// Where the keys of JWTs come from; needed where callers have JWTs, and else `None`.
    pub jwt_keys: Option<Arc<dyn KeySource>>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub ids: Arc<dyn Ids>,
}

/// What the host knows of a client besides the request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientInfo {
    /// The address that the request came from.
    pub address: Option<String>,
    /// Who IAM says it is.
    pub iam: Option<IamIdentity>,
}

/// The front door.
pub struct Ingress {
    pub(crate) ports: Ports,
    pub(crate) config: IngressConfig,
    pub(crate) waiting_calls: KeyedLimit<PrincipalHash>,
    authenticator: Authenticator,
}

/// One call on its way.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request<Bytes>,
    pub(crate) client: &'a ClientInfo,
    pub(crate) now: Timestamp,
}

impl Ingress {
    /// Puts the front door together.
    pub fn new(ports: Ports, config: IngressConfig) -> Self {
        let authenticator = Authenticator::new(
            config.auth.clone(),
            ports.jwt_keys.as_ref(),
            Arc::clone(&ports.secrets),
            Arc::clone(&ports.ids),
        );
        let waiting_calls = KeyedLimit::new(MAX_WAITING_CALLS, MAX_WAITING_CALLS_PER_PRINCIPAL);
        Self { ports, config, waiting_calls, authenticator }
    }

    /// Answers one request. Never fails: what goes wrong is an answer too.
    #[tracing::instrument(name = "http", skip_all, fields(
        method = %request.method(), session.id = field::Empty, message.id = field::Empty,
    ))]
    pub async fn handle(&self, request: Request<Bytes>, client: ClientInfo) -> Response<Bytes> {
        let call = Call { request: &request, client: &client, now: self.ports.clock.now() };
        let mut response = match self.answer(&call).await {
            Ok(response) => response,
            Err(error) => {
                log(&error);
                error.into_response()
            }
        };
        if request.method() == Method::HEAD {
            *response.body_mut() = Bytes::new();
        }
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        cors::allow(&self.config.origins, request.headers(), headers);
        response
    }

    async fn answer(&self, call: &Call<'_>) -> HttpResult {
        let method = call.request.method();
        let path = call.request.uri().path();
        let route = Route::of(path).ok_or(ApiError::NotFound)?;
        if method == Method::OPTIONS {
            return Ok(options(&route, call.request));
        }
        if !route.allows(method) {
            return Err(ApiError::Method { allow: route.methods() });
        }
        if call.request.body().len() > MAX_BODY_BYTES {
            return Err(ApiError::TooLarge);
        }
        let caller = match route {
            Route::Health => return Ok(health()),
            Route::Sessions | Route::Chat => self.caller(call, AnonymousPolicy::Allow).await?,
            _ => self.caller(call, AnonymousPolicy::Reject).await?,
        };
        match &route {
            Route::Health => Ok(health()),
            Route::Sessions => self.create_session(call, caller).await,
            Route::Chat => self.chat(call, caller).await,
            Route::Documents => self.list_documents(&caller.principal).await,
            Route::Passage(document, ordinal) => {
                self.read_passage(call, &caller.principal, document, *ordinal).await
            }
            Route::Turns(id) => self.turns(call, &caller.principal, id).await,
            Route::Tickets(id) => self.issue_ticket(call, &caller.principal, id).await,
            Route::Stop(id) => self.stop(call, &caller.principal, id).await,
            Route::Feedback(id, turn) => self.feedback(call, &caller.principal, id, *turn).await,
            Route::Session(id) => self.delete_session(call, &caller.principal, id).await,
        }
    }

    async fn caller(
        &self,
        call: &Call<'_>,
        anonymous: AnonymousPolicy,
    ) -> Result<Caller, ApiError> {
        let iam = call.client.iam.as_ref();
        self.authenticator.identify(call.request.headers(), iam, anonymous, call.now).await
    }

    /// Returns a live session of the principal; absent and foreign ones are not told apart.
    pub(crate) async fn own_session(
        &self,
        principal: &Principal,
        id: &str,
    ) -> Result<(SessionKey, SessionRow), ApiError> {
        let id = SessionId::parse(id).map_err(|_| ApiError::NotFound)?;
        let key = session_key(principal, &id);
        let session = self
            .session(&key)
            .await?
            .filter(|session| session.principal.as_ref() == Some(principal));
        Ok((key, session.ok_or(ApiError::NotFound)?))
    }

    /// Returns a session's row unless it is absent or deleted.
    pub(crate) async fn session(&self, key: &SessionKey) -> Result<Option<SessionRow>, ApiError> {
        let item = self.ports.store.get(&[keys::session(key)]).await?.pop().flatten();
        let row = item.map(Item::into_row::<SessionRow>).transpose()?;
        Ok(row.filter(|session| !session.deleted))
    }
}

/// Answers a call that the gateway handed over in a form that is no HTTP request: 400.
pub fn malformed_request() -> Response<Bytes> {
    ApiError::Invalid { field: None, detail: "The request cannot be read.".to_owned() }
        .into_response()
}

/// Derives the session's key, and names it in the span.
pub(crate) fn session_key(principal: &Principal, id: &SessionId) -> SessionKey {
    let key = SessionKey::derive(principal, id);
    Span::current().record("session.id", key.as_str());
    key
}

fn options(route: &Route, request: &Request<Bytes>) -> Response<Bytes> {
    let mut response = response::empty(StatusCode::NO_CONTENT);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(route.methods()));
    cors::preflight(route.methods(), request.headers(), response.headers_mut());
    response
}

/// Logs what the operator must know of, once. What the client did wrong is the client's to know.
fn log(error: &ApiError) {
    match error {
        ApiError::Unavailable(error) => {
            let cause = error.source().map(field::display);
            tracing::error!(%error, cause, "a call failed");
        }
        ApiError::RateLimited { .. } => tracing::info!("a call was over its limit"),
        _ => {}
    }
}
