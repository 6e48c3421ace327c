//! Messages that were sent twice.

use std::time::Duration;

use super::Case;

pub(super) async fn a_second_message_with_one_id_is_dropped(case: Case) {
    case.send_with_id("g", "id", "first").await.unwrap();
    case.send_with_id("g", "id", "first").await.unwrap();
    case.send_with_id("g", "id", "another body").await.unwrap();
    case.send_with_id("g", "id-2", "second").await.unwrap();
    let first = case.receive_one().await;
    assert_eq!(first.body, "first");
    case.delete(&first).await;
    case.expect(&["second"]).await;
}

pub(super) async fn deduplication_survives_delete(case: Case) {
    case.send("g", "1").await;
    let delivery = case.receive_one().await;
    case.delete(&delivery).await;
    tokio::time::sleep(Duration::from_mins(4)).await;
    case.send("g", "1").await;
    case.expect(&[]).await;
}

pub(super) async fn deduplication_survives_a_redrive(case: Case) {
    case.send("g", "1").await;
    case.bury().await;
    case.expect(&[]).await;
    case.0.redrive().await.unwrap();
    case.send("g", "1").await;
    let delivery = case.receive_one().await;
    case.delete(&delivery).await;
    case.expect(&[]).await;
}
