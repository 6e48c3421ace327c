//! Brief retries of a store that throttles, or whose transactions conflict.

use std::time::Duration;

use tokio::time::sleep;

use crate::ports::StoreError;

/// The number of tries in all.
const TRIES: u32 = 5;
/// The first pause, doubled with every failure.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Counts a store's failures, and paces the retries.
///
/// Retrying a conditional write is safe: if the first try was applied after all, the condition of
/// the second one does not hold.
#[derive(Debug, Default)]
pub struct StoreRetry(u32);

impl StoreRetry {
    /// Waits before the next try; returns the error if it is permanent, or the tries are used up.
    ///
    /// The pauses add up to at most 750 ms, well inside every caller's deadline. `jitter`, from 0
    /// to 1, shortens each pause by up to a half, so that callers that failed together do not retry
    /// together and fail again.
    pub async fn wait(&mut self, error: StoreError, jitter: f64) -> Result<(), StoreError> {
        self.0 += 1;
        if self.0 >= TRIES || !matches!(error, StoreError::Unavailable(_)) {
            return Err(error);
        }
        sleep((FIRST_PAUSE * 2_u32.pow(self.0 - 1)).mul_f64(1.0 - jitter / 2.0)).await;
        Ok(())
    }
}

/// Makes a call, and repeats it while the store is unavailable and [`StoreRetry`] allows.
///
/// Only for calls that are safe to repeat: reads, and writes whose callers expect that a condition
/// does not hold.
pub async fn with_retries<T, Call: Future<Output = Result<T, StoreError>>>(
    jitter: impl Fn() -> f64,
    call: impl Fn() -> Call,
) -> Result<T, StoreError> {
    let mut retry = StoreRetry::default();
    loop {
        match call().await {
            Ok(done) => return Ok(done),
            Err(error) => retry.wait(error, jitter()).await?,
        }
    }
}
