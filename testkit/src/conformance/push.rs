//! The suite of [`Push`].

use shared::domain::ConnectionId;
use shared::ports::push::MAX_FRAME_BYTES;
use shared::ports::{Push, PushError};

/// Checks pushes to an open connection; `frames` returns what has arrived there, in order.
pub async fn push(push: &dyn Push, open: &ConnectionId, frames: impl AsyncFn() -> Vec<String>) {
    let sent: Vec<String> =
        (0..20).map(|n| format!("{{\"frame\": {n}, \"text\": \"é🎈\"}}")).collect();
    for frame in &sent {
        push.push(open, frame).await.unwrap();
    }
    assert_eq!(frames().await, sent, "frames arrive in the order of the calls");

    let largest = "x".repeat(MAX_FRAME_BYTES);
    push.push(open, &largest).await.unwrap();
    assert!(frames().await.last() == Some(&largest));

    push.close(open).await.unwrap();
    assert!(
        matches!(push.push(open, "late").await, Err(PushError::Gone)),
        "a closed connection is gone"
    );
    push.close(open).await.unwrap();
    assert!(frames().await.last() == Some(&largest));
}
