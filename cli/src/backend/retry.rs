//! Retries while a server restarts.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{BackendError, BackendResult, RetryTimeout};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Repeats a call, which must be safe to repeat, until the backend responds or the time is up.
/// `on_retry` is called before each pause.
pub(crate) async fn with_retries<T, F: Future<Output = BackendResult<T>>>(
    retry_timeout: RetryTimeout,
    mut call: impl FnMut() -> F,
    mut on_retry: impl FnMut(&BackendError),
) -> BackendResult<T> {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        match call().await {
            Err(error @ BackendError::Unreachable(_)) if began.elapsed() < retry_timeout.0 => {
                on_retry(&error);
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            answer => return answer,
        }
    }
}
