//! The one signal by which every part of the server stops.

use tokio::sync::watch;

/// Turns true when the server stops.
pub type Stop = watch::Receiver<bool>;

/// Returns when the server stops, or whoever could say so is gone.
pub async fn stopped(stop: &mut Stop) {
    drop(stop.wait_for(|stop| *stop).await);
}
