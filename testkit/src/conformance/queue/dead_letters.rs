//! Messages that were received too often.

use super::{Case, MAX_RECEIVES};

pub(super) async fn a_message_received_too_often_becomes_a_dead_letter(case: Case) {
    case.send("g", "poison").await;
    let last = case.bury().await;
    case.expect(&[]).await;
    let letters = case.0.dead_letters(10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].group.as_str(), letters[0].body.as_str()), ("g", "poison"));
    assert_eq!(
        (letters[0].receive_count, &letters[0].message_id),
        (MAX_RECEIVES, &last.message_id)
    );
    let _ = case.0.delete(&last.receipt).await;
    assert_eq!(case.dead().await, ["poison"], "an old handle does not reach a dead letter");
}

pub(super) async fn the_group_goes_on_behind_a_dead_letter(case: Case) {
    case.send("g", "poison").await;
    case.send("g", "next").await;
    case.bury().await;
    let next = case.receive_one().await;
    assert_eq!((next.body.as_str(), next.receive_count), ("next", 1));
}

pub(super) async fn a_redrive_moves_dead_letters_behind_newer_messages(case: Case) {
    case.send("g", "poison").await;
    let last = case.bury().await;
    case.expect(&[]).await;
    case.send("g", "newer").await;
    assert_eq!(case.0.redrive().await.unwrap(), 1);
    assert_eq!(case.dead().await, [""; 0]);
    let newer = case.receive_one().await;
    assert_eq!(newer.body, "newer");
    case.delete(&newer).await;
    let redriven = case.receive_one().await;
    assert_eq!((redriven.body.as_str(), redriven.group.as_str()), ("poison", "g"));
    assert_eq!(redriven.receive_count, 1);
    assert_ne!(redriven.message_id, last.message_id);
    case.delete(&redriven).await;
    case.expect(&[]).await;
}

pub(super) async fn an_empty_redrive_moves_nothing(case: Case) {
    case.send("g", "1").await;
    assert_eq!(case.0.redrive().await.unwrap(), 0);
    case.expect(&["1"]).await;
}

pub(super) async fn dead_letters_are_listed_oldest_first(case: Case) {
    for body in ["1", "2", "3"] {
        case.send("g", body).await;
        case.bury().await;
        case.expect(&[]).await;
    }
    assert_eq!(case.dead().await, ["1", "2", "3"]);
    assert_eq!(case.0.dead_letters(2).await.unwrap().len(), 2);
    assert_eq!(case.0.redrive().await.unwrap(), 3);
    for body in ["1", "2", "3"] {
        let delivery = case.receive_one().await;
        assert_eq!(delivery.body, body);
        case.delete(&delivery).await;
    }
}
