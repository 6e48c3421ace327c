//! Patience with a store that throttles, or whose transactions are in conflict.

use std::time::Duration;

use tokio::time::sleep;

use crate::ports::StoreError;

/// How often an unavailable store is tried in all.
const TRIES: u32 = 5;
/// The first pause, doubled with every failure.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Counts a store's failures. Trying a conditional write again is safe: one that was applied is
/// refused then.
#[derive(Debug, Default)]
pub struct Patience(u32);

impl Patience {
    /// Waits a while after the store was unavailable; gives the error back where waiting is no use.
    ///
    /// The pauses last 750 ms in all, and so stay inside any deadline. `jitter`, from 0 to 1, takes
    /// up to half off each, so that callers who failed together do not come back together.
    pub async fn wait(&mut self, error: StoreError, jitter: f64) -> Result<(), StoreError> {
        self.0 += 1;
        if self.0 >= TRIES || !matches!(error, StoreError::Unavailable(_)) {
            return Err(error);
        }
        sleep((FIRST_PAUSE * 2_u32.pow(self.0 - 1)).mul_f64(1.0 - jitter / 2.0)).await;
        Ok(())
    }
}

/// Makes a call, and makes it again while the store is unavailable and [`Patience`] lasts.
///
/// Only for calls that may be made twice: reads, and writes whose refusal is no surprise.
pub async fn patiently<T, Call: Future<Output = Result<T, StoreError>>>(
    jitter: impl Fn() -> f64,
    call: impl Fn() -> Call,
) -> Result<T, StoreError> {
    let mut patience = Patience::default();
    loop {
        match call().await {
            Ok(done) => return Ok(done),
            Err(error) => patience.wait(error, jitter()).await?,
        }
    }
}
