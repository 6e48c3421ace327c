//! The order of providers, which operators may change while workers run.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shared::domain::{ProviderName, Timestamp};
use tokio::time::timeout;

use crate::config::{LISTABLE, order};

/// How long an order is used before it is read again.
const REFRESH_INTERVAL: Duration = Duration::from_mins(5);
/// How long no order is read after a failure: messages should not wait for a service that is down.
const RETRY_INTERVAL: Duration = Duration::from_mins(1);
/// How long a message waits for the order.
const FETCH_TIMEOUT: Duration = Duration::from_secs(1);

/// The order of providers that was read last; at first the configured one.
pub(crate) struct Preference(Mutex<PreferenceState>);

struct PreferenceState {
    order: Vec<ProviderName>,
    /// When it is read again; `None` before the first time.
    next: Option<Timestamp>,
}

impl Preference {
    pub(crate) fn new(order: Vec<ProviderName>) -> Self {
        Self(Mutex::new(PreferenceState { order, next: None }))
    }

    pub(crate) fn order(&self) -> Vec<ProviderName> {
        self.state().order.clone()
    }

    /// Reads the order again if it is due.
    pub(crate) async fn refresh<E: std::error::Error>(
        &self,
        now: Timestamp,
        fetch: impl AsyncFnOnce() -> Result<Option<String>, E>,
    ) {
        if self.state().next.is_some_and(|next| now < next) {
            return;
        }
        let found = match timeout(FETCH_TIMEOUT, fetch()).await {
            Ok(Ok(found)) => found.map(|text| parse(&text)).transpose(),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("it took too long".to_owned()),
        };
        let mut state = self.state();
        state.next = Some(now.plus(if found.is_ok() { REFRESH_INTERVAL } else { RETRY_INTERVAL }));
        match found {
            Ok(Some(order)) => state.order = order,
            Ok(None) => (),
            Err(problem) => {
                tracing::warn!(
                    problem,
                    "the order of providers could not be read; the current one stays"
                );
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, PreferenceState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse(text: &str) -> Result<Vec<ProviderName>, String> {
    let names: Vec<_> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return Err("it names no provider".to_owned());
    }
    order(names.into_iter()).map_err(|name| format!("{name:?} is listed, but {LISTABLE}"))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::ProviderName::{Claude, OpenAi};
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_414_260_000);

    async fn read(preference: &Preference, now: Timestamp, text: &str) -> Vec<ProviderName> {
        preference.refresh(now, async || Ok::<_, Infallible>(Some(text.to_owned()))).await;
        preference.order()
    }

    #[tokio::test]
    async fn an_order_is_read_before_the_first_message_and_used_for_five_minutes() {
        let preference = Preference::new(vec![Claude, OpenAi]);
        assert_eq!(read(&preference, NOW, "openai, claude").await, [OpenAi, Claude]);
        assert_eq!(
            read(&preference, NOW.plus(Duration::from_secs(299)), "claude").await,
            [OpenAi, Claude]
        );
        assert_eq!(read(&preference, NOW.plus(Duration::from_mins(5)), "claude").await, [Claude]);
    }

    #[tokio::test]
    async fn an_invalid_order_changes_nothing() {
        for text in ["claude,gemini", "offline", " , "] {
            let preference = Preference::new(vec![OpenAi]);
            assert_eq!(read(&preference, NOW, text).await, [OpenAi], "{text:?}");
            assert_eq!(
                read(&preference, NOW.plus(Duration::from_mins(1)), "claude").await,
                [Claude]
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_does_not_wait_long_for_the_order() {
        let preference = Preference::new(vec![OpenAi]);
        let began = tokio::time::Instant::now();
        preference
            .refresh(NOW, async || {
                std::future::pending::<Result<Option<String>, Infallible>>().await
            })
            .await;
        assert_eq!((preference.order(), began.elapsed()), (vec![OpenAi], FETCH_TIMEOUT));
    }

    #[tokio::test]
    async fn without_a_stored_order_the_configured_one_stays() {
        let preference = Preference::new(vec![OpenAi]);
        preference.refresh(NOW, async || Ok::<_, Infallible>(None)).await;
        assert_eq!(preference.order(), [OpenAi]);
    }
}
