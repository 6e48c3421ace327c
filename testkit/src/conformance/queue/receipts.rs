//! Handles and visibility timeouts.

use std::time::Duration;

use super::{Case, NEARLY, VISIBILITY, pass};
use shared::ports::{QueueError, Receipt};

pub(super) async fn a_message_comes_again_after_its_visibility_timeout(case: Case) {
    case.send("g", "1").await;
    case.send("g", "2").await;
    let first = case.receive_one().await;
    tokio::time::sleep(NEARLY).await;
    case.expect(&[]).await;
    pass(Duration::from_secs(1)).await;
    let again = case.receive_one().await;
    assert_eq!((again.body.as_str(), again.receive_count), ("1", 2));
    assert_eq!(again.message_id, first.message_id);
    assert_ne!(again.receipt, first.receipt);
}

pub(super) async fn a_longer_visibility_keeps_a_message_hidden(case: Case) {
    case.send("g", "1").await;
    let first = case.receive_one().await;
    case.hide(&first, VISIBILITY * 3).await;
    pass(VISIBILITY * 2).await;
    case.expect(&[]).await;
    case.hide(&first, Duration::from_secs(2)).await;
    pass(Duration::from_secs(1)).await;
    case.expect(&[]).await;
    pass(Duration::from_secs(1)).await;
    assert_eq!(case.receive_one().await.receive_count, 2);
}

pub(super) async fn visibility_zero_gives_a_message_back_at_once(case: Case) {
    case.send("g", "1").await;
    case.send("g", "2").await;
    let first = case.receive_one().await;
    case.give_back(&first).await;
    let again = case.receive_one().await;
    assert_eq!((again.body.as_str(), again.receive_count), ("1", 2));
}

pub(super) async fn a_stale_handle_is_refused(case: Case) {
    case.send("g", "1").await;
    let first = case.receive_one().await;
    pass(VISIBILITY).await;
    let second = case.receive_one().await;
    case.assert_stale(&first.receipt).await;
    case.expect(&[]).await;
    case.delete(&second).await;
    pass(VISIBILITY).await;
    case.expect(&[]).await;
}

pub(super) async fn a_message_that_is_gone_is_deleted_already(case: Case) {
    case.send("g", "1").await;
    let delivery = case.receive_one().await;
    case.delete(&delivery).await;
    case.delete(&delivery).await;
    let changed = case.0.change_visibility(&delivery.receipt, VISIBILITY).await;
    assert!(matches!(changed, Err(QueueError::StaleReceipt)));
}

pub(super) async fn a_handle_that_no_queue_gave_out_is_refused(case: Case) {
    case.send("g", "1").await;
    for nonsense in ["", "nonsense", "1", "1.", "-1.1"] {
        case.assert_stale(&Receipt(nonsense.to_owned())).await;
    }
    case.expect(&["1"]).await;
}
