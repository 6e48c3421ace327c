//! Waiting for a server that is away: it restarts, and what it was told is still there.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Answer, HomeError, RetryTimeout};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Repeats a call, which must be safe to repeat, until it is answered or the time is up.
pub(crate) async fn with_retries<T, F: Future<Output = Answer<T>>>(
    retry_timeout: RetryTimeout,
    mut call: impl FnMut() -> F,
    mut away: impl FnMut(&HomeError),
) -> Answer<T> {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        match call().await {
            Err(error @ HomeError::Unreachable(_)) if began.elapsed() < retry_timeout.0 => {
                away(&error);
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            answer => return answer,
        }
    }
}
