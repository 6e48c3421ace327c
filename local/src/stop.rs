//! The shutdown signal that all tasks of the server listen to.

use tokio::sync::watch;

/// Turns true when the server stops.
pub type Stop = watch::Receiver<bool>;

/// Returns when the server stops, or when the sender has been dropped.
pub async fn stopped(stop: &mut Stop) {
    drop(stop.wait_for(|stop| *stop).await);
}
