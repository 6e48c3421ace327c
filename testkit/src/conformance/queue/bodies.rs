//! What a queue carries.

use super::Case;
use shared::ports::QueueError;
use shared::ports::queue::MAX_BODY_BYTES;

pub(super) async fn a_body_that_cannot_be_carried_is_refused(case: Case) {
    let large = "x".repeat(MAX_BODY_BYTES + 1);
    let large_in_bytes = "é".repeat(MAX_BODY_BYTES / 2 + 1);
    for body in ["", "a\u{0}", "\u{1B}[0m", "\u{FFFE}", &large, &large_in_bytes] {
        let sent = case.send_with_id("g", "id", body).await;
        assert!(matches!(sent, Err(QueueError::Refused(_))), "{:?}", body.chars().next());
    }
    case.expect(&[]).await;
    case.send_with_id("g", "id", "a refused message leaves no trace").await.unwrap();
    case.expect(&["a refused message leaves no trace"]).await;
}

pub(super) async fn the_largest_body_is_carried(case: Case) {
    let body = "x".repeat(MAX_BODY_BYTES);
    case.send_with_id("g", "id", &body).await.unwrap();
    assert!(case.receive_one().await.body == body);
}

pub(super) async fn every_legal_character_is_carried(case: Case) {
    let body = "\t\n\r \u{D7FF}\u{E000}\u{FFFD}\u{10000}\u{10FFFF}<&>\"'";
    case.send_with_id("g", "id", body).await.unwrap();
    assert_eq!(case.receive_one().await.body, body);
}
