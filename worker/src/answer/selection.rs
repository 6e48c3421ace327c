//! Which provider is called next within one turn.

use shared::domain::{ErrorCode, ProviderName};
use shared::ports::{Ids, ModelError};
use tokio::time::Instant;

use crate::calls::retry::delay;
use crate::calls::{Provider, Providers};

/// The providers of one turn, in the order of preference.
///
/// The provider that can be called soonest is next; among equals, the first in the order. While one
/// provider has to wait, another may be called, but none is called again earlier than it asked for.
pub(super) struct ProviderSelection<'w> {
    candidates: Vec<Candidate<'w>>,
}

struct Candidate<'w> {
    provider: &'w Provider,
    failures: u32,
    ready: Instant,
    refused: bool,
}

impl<'w> ProviderSelection<'w> {
    pub(super) fn new(providers: &'w Providers, order: Vec<ProviderName>) -> Self {
        let now = Instant::now();
        let candidate = |provider| Candidate { provider, failures: 0, ready: now, refused: false };
        Self {
            candidates: order
                .into_iter()
                .filter_map(|name| providers.get(name))
                .map(candidate)
                .collect(),
        }
    }

    /// Returns which provider is called next, and when; `None` if all have refused.
    pub(super) fn next(&self, now: Instant) -> Option<(&'w Provider, Instant)> {
        let ready = |candidate: &Candidate<'_>| {
            candidate.ready.max(candidate.provider.breaker.ready_at(now)).max(now)
        };
        let able = self.candidates.iter().filter(|candidate| !candidate.refused);
        // `min_by_key` returns the first of equals.
        able.min_by_key(|candidate| ready(candidate)).map(|it| (it.provider, ready(it)))
    }

    /// Notes a failure. `refreshed` says that a refused key will be fetched again for the next
    /// call, which makes a second try worthwhile.
    pub(super) fn failed(
        &mut self,
        name: ProviderName,
        error: &ModelError,
        refreshed: bool,
        ids: &dyn Ids,
    ) {
        let mut candidates = self.candidates.iter_mut();
        let Some(candidate) =
            candidates.find(|candidate| candidate.provider.model.provider() == name)
        else {
            return;
        };
        let retry_after = match error {
            ModelError::Busy { retry_after, .. } => *retry_after,
            ModelError::Broken(_) => None,
            ModelError::Unauthorized(_) | ModelError::Permanent(_) => {
                candidate.refused = !refreshed || candidate.failures > 0;
                candidate.failures += 1;
                return;
            }
        };
        candidate.failures += 1;
        candidate.ready = Instant::now() + delay(candidate.failures, retry_after, ids);
    }

    /// Returns why the turn fails when no provider can be called any more.
    pub(super) fn error_code(&self) -> ErrorCode {
        if self.candidates.is_empty() {
            ErrorCode::NoProvider
        } else if self.candidates.iter().all(|candidate| candidate.refused) {
            ErrorCode::ProvidersRejected
        } else {
            ErrorCode::ProvidersUnavailable
        }
    }

    /// Returns the same as a sentence for the user.
    pub(super) fn error_message(&self) -> &'static str {
        match self.error_code() {
            ErrorCode::NoProvider => "No AI provider is configured.",
            ErrorCode::ProvidersRejected => {
                "The AI provider refused the request. Please contact your administrator."
            }
            _ => "The AI provider is not available at the moment. Please try again in a minute.",
        }
    }
}
