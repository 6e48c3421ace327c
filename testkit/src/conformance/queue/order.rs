//! First in, first out.

use std::collections::BTreeSet;

use super::{Case, bodies_of};

pub(super) async fn an_empty_queue_hands_out_nothing(case: Case) {
    case.expect(&[]).await;
    assert_eq!(case.dead().await, [""; 0]);
}

pub(super) async fn a_message_arrives_as_it_was_sent(case: Case) {
    case.send_with_id("group", "id", "{\"text\": \"é🎈\"}").await.unwrap();
    let delivery = case.receive_one().await;
    assert_eq!((delivery.group.as_str(), delivery.body.as_str()), ("group", "{\"text\": \"é🎈\"}"));
    assert_eq!(delivery.receive_count, 1);
    assert!(!delivery.message_id.is_empty());
    case.delete(&delivery).await;
    case.expect(&[]).await;
}

pub(super) async fn a_group_is_handed_out_in_order(case: Case) {
    let mut ids = BTreeSet::new();
    for n in 0..5 {
        case.send("g", &n.to_string()).await;
    }
    for n in 0..5 {
        let delivery = case.receive_one().await;
        assert_eq!(delivery.body, n.to_string());
        ids.insert(delivery.message_id.clone());
        case.delete(&delivery).await;
    }
    assert_eq!(ids.len(), 5);
}

pub(super) async fn one_receive_may_hand_out_several_of_a_group_in_order(case: Case) {
    for body in ["1", "2", "3"] {
        case.send("g", body).await;
    }
    let first = case.receive(2).await;
    assert!(bodies_of(&first) == ["1", "2"] || bodies_of(&first) == ["1"]);
    case.expect(&[]).await;
    for delivery in &first {
        case.delete(delivery).await;
    }
    let rest = case.receive(10).await;
    assert_eq!(rest[0].body, (first.len() + 1).to_string());
}

pub(super) async fn a_receive_hands_out_at_most_what_was_asked_for(case: Case) {
    for n in 0..5 {
        case.send(&format!("g{n}"), &n.to_string()).await;
    }
    assert_eq!(case.receive(0).await, []);
    assert_eq!(case.receive(2).await.len(), 2);
    assert_eq!(case.receive(100).await.len(), 3);
}
