//! Patience with a store that throttles, or whose transactions are in conflict.

use std::time::Duration;

use shared::ports::{Ids, StoreError};
use tokio::time::sleep;

/// How often an unavailable store is tried in all.
const TRIES: u32 = 5;
/// The first pause, doubled with every failure.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// Counts a store's failures. Trying a conditional write again is safe: one that was applied is refused then.
#[derive(Debug, Default)]
pub(super) struct Patience(u32);

impl Patience {
    /// Waits a while, with jitter, after the store was unavailable; gives the error back where waiting is no use.
    pub(super) async fn wait(&mut self, error: StoreError, ids: &dyn Ids) -> Result<(), StoreError> {
        self.0 += 1;
        if self.0 >= TRIES || !matches!(error, StoreError::Unavailable(_)) {
            return Err(error);
        }
        sleep((FIRST_PAUSE * 2_u32.pow(self.0 - 1)).mul_f64(1.0 - ids.fraction() / 2.0)).await;
        Ok(())
    }
}
