//! Sending a message until it is settled.

use std::time::Duration;

use fastrand::Rng;
use tokio::time::{Instant, sleep};

use super::{Accepted, Account, CallError, Message};

const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

impl Account {
    /// Sends a message again and again, under the same id, until it is accepted or refused for
    /// good.
    ///
    /// The pauses double, their second half is random, and none is shorter than a `Retry-After`.
    /// Where the next attempt would come after `until`, the last outcome is returned, and whether
    /// the message is there is not known.
    pub async fn post_with_retries(
        &self,
        message: &Message,
        rng: &mut Rng,
        until: Instant,
    ) -> Result<Accepted, CallError> {
        let mut longest = FIRST_PAUSE;
        loop {
            let error = match self.post(message).await {
                Ok(accepted) => return Ok(accepted),
                Err(error) => error,
            };
            let Some(at_least) = error.retry_after() else { return Err(error) };
            let pause = longest.mul_f64(0.5 + rng.f64() / 2.0).max(at_least);
            if Instant::now() + pause > until {
                return Err(error);
            }
            sleep(pause).await;
            longest = (longest * 2).min(LONGEST_PAUSE);
        }
    }
}
