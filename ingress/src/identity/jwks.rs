//! The issuer's keys: fetched, cached, and fetched again for an unknown `kid`.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use serde_json::Value;
use tokio::time::Instant;

use crate::error::ApiError;

/// An unknown `kid` makes the keys be fetched again, at most this often.
const REFETCH: Duration = Duration::from_mins(1);
/// Keys older than this are fetched again, so that a withdrawn one goes.
const FRESH: Duration = Duration::from_mins(30);
/// Keys older than this are not used, even if the issuer cannot be reached: one of them may have
/// been withdrawn because it was stolen.
const MAX_AGE: Duration = Duration::from_hours(1);
/// After a failed fetch the next one waits this long.
const PAUSE: Duration = Duration::from_secs(5);

const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_JWKS_BYTES: usize = 256 * 1024;

/// The reason why the issuer's keys could not be had.
#[derive(Debug, thiserror::Error)]
#[error("the issuer's keys are unavailable")]
pub struct KeySourceError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

impl From<KeySourceError> for ApiError {
    fn from(error: KeySourceError) -> Self {
        Self::unavailable(error)
    }
}

/// Fetches the issuer's key set.
#[async_trait]
pub trait KeySource: Send + Sync {
    /// Returns the JWKS document, as JSON.
    async fn fetch(&self) -> Result<Bytes, KeySourceError>;
}

/// Fetches the key set over HTTP.
#[derive(Debug, Clone)]
pub struct HttpKeySource {
    client: reqwest::Client,
    url: String,
}

impl HttpKeySource {
    /// Takes the process's client, and the address of the JWKS.
    pub fn new(client: reqwest::Client, url: impl Into<String>) -> Self {
        Self { client, url: url.into() }
    }

    async fn get(&self) -> Result<Bytes, Box<dyn std::error::Error + Send + Sync>> {
        let request = self.client.get(&self.url).timeout(FETCH_TIMEOUT);
        let mut response = request.send().await?.error_for_status()?;
        let mut document = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            document.extend_from_slice(&chunk);
            if document.len() > MAX_JWKS_BYTES {
                return Err("the key set is too large".into());
            }
        }
        Ok(document.into())
    }
}

#[async_trait]
impl KeySource for HttpKeySource {
    async fn fetch(&self) -> Result<Bytes, KeySourceError> {
        self.get().await.map_err(KeySourceError)
    }
}

/// The issuer's keys as they were last fetched.
pub(super) struct KeyCache {
    source: Arc<dyn KeySource>,
    keys: RwLock<Arc<[Jwk]>>,
    state: tokio::sync::Mutex<FetchState>,
}

#[derive(Default)]
struct FetchState {
    fetched_at: Option<Instant>,
    next_try: Option<Instant>,
}

impl KeyCache {
    pub(super) fn new(source: Arc<dyn KeySource>) -> Self {
        Self { source, keys: RwLock::new(Arc::new([])), state: tokio::sync::Mutex::default() }
    }

    /// Finds the key for signatures of this algorithm that a header names, or the only one if it
    /// names none; `None` if the issuer has no such key.
    ///
    /// Callers with a known key never wait for a fetch, except for the one that finds the keys old.
    /// If the issuer is away, known keys are used until they are [`MAX_AGE`] old.
    pub(super) async fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Option<Jwk>, KeySourceError> {
        let known = pick(&self.current(), kid, algorithm);
        let stale = || self.state.try_lock().is_ok_and(|state| is_stale(&state));
        if known.is_some() && !stale() {
            return Ok(known);
        }
        match self.refresh(kid, algorithm).await {
            Err(_) if known.is_some() && !self.is_outdated().await => Ok(known),
            Err(error) => Err(error),
            Ok(()) if self.is_outdated().await => {
                Err(KeySourceError("fetched too long ago".into()))
            }
            Ok(()) => Ok(pick(&self.current(), kid, algorithm)),
        }
    }

    /// Tells whether the keys may have been withdrawn too long ago to be trusted.
    async fn is_outdated(&self) -> bool {
        self.state.lock().await.fetched_at.is_none_or(|at| at.elapsed() >= MAX_AGE)
    }

    async fn refresh(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<(), KeySourceError> {
        let mut state = self.state.lock().await;
        let is_known = pick(&self.current(), kid, algorithm).is_some();
        let arrived_meanwhile = is_known && !is_stale(&state);
        let now = Instant::now();
        if arrived_meanwhile || state.next_try.is_some_and(|next| now < next) {
            return if state.fetched_at.is_some() {
                Ok(())
            } else {
                Err(KeySourceError("fetched just now".into()))
            };
        }
        state.next_try = Some(now + PAUSE);
        let keys = parse(&self.source.fetch().await?)?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        *state = FetchState { fetched_at: Some(now), next_try: Some(now + REFETCH) };
        Ok(())
    }

    fn current(&self) -> Arc<[Jwk]> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn is_stale(state: &FetchState) -> bool {
    state.fetched_at.is_none_or(|at| at.elapsed() >= FRESH)
}

/// Finds the key for signatures of this algorithm. Issuers publish keys for other purposes beside
/// it, sometimes under the same id.
fn pick(keys: &[Jwk], kid: Option<&str>, algorithm: Algorithm) -> Option<Jwk> {
    let mut usable = keys.iter().filter(|key| is_meant_for(key, algorithm));
    match kid {
        Some(kid) => usable.find(|key| key.common.key_id.as_deref() == Some(kid)).cloned(),
        None => usable.next().filter(|_| usable.next().is_none()).cloned(),
    }
}

/// Tells whether the issuer made the key for signatures of this kind.
fn is_meant_for(key: &Jwk, algorithm: Algorithm) -> bool {
    let is_of_kind = match (algorithm, &key.algorithm) {
        (Algorithm::RS256, AlgorithmParameters::RSA(_)) => true,
        (Algorithm::ES256, AlgorithmParameters::EllipticCurve(key)) => {
            key.curve == EllipticCurve::P256
        }
        _ => false,
    };
    let expected = match algorithm {
        Algorithm::RS256 => KeyAlgorithm::RS256,
        _ => KeyAlgorithm::ES256,
    };
    let usage = key.common.public_key_use.as_ref();
    is_of_kind
        && key.common.key_algorithm.is_none_or(|stated| stated == expected)
        && usage.is_none_or(|usage| *usage == PublicKeyUse::Signature)
}

/// Reads the keys, and skips those of kinds that nobody here knows.
fn parse(document: &[u8]) -> Result<Arc<[Jwk]>, KeySourceError> {
    let mut document: Value =
        serde_json::from_slice(document).map_err(|error| KeySourceError(error.into()))?;
    // Indexing a document that is no object would panic.
    let Some(Value::Array(keys)) = document.get_mut("keys").map(Value::take) else {
        return Err(KeySourceError("the key set has no keys".into()));
    };
    Ok(keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect())
}
