//! Groups and their locks.

use std::collections::BTreeSet;

use super::{Case, VISIBILITY, pass};

pub(super) async fn a_group_in_flight_is_locked(case: Case) {
    case.send("g", "1").await;
    case.send("g", "2").await;
    let first = case.receive_one().await;
    case.expect(&[]).await;
    case.send("g", "3").await;
    case.expect(&[]).await;
    case.delete(&first).await;
    assert_eq!(case.receive_one().await.body, "2");
}

pub(super) async fn other_groups_go_on(case: Case) {
    case.send("a", "a1").await;
    case.send("a", "a2").await;
    case.send("b", "b1").await;
    case.send("c", "c1").await;
    assert_eq!(case.receive_one().await.body, "a1");
    assert_eq!(case.receive_one().await.body, "b1");
    assert_eq!(case.receive_one().await.body, "c1");
    case.expect(&[]).await;
}

pub(super) async fn a_group_is_locked_until_all_of_a_receive_is_settled(case: Case) {
    for body in ["1", "2", "3"] {
        case.send("g", body).await;
    }
    for delivery in case.receive(2).await {
        case.expect(&[]).await;
        case.delete(&delivery).await;
    }
    assert!(!case.receive(1).await.is_empty());
}

pub(super) async fn what_was_not_settled_comes_again_in_order(case: Case) {
    for body in ["1", "2", "3"] {
        case.send("g", body).await;
    }
    let taken = case.receive(3).await;
    case.delete(&taken[0]).await;
    pass(VISIBILITY).await;
    let again = case.receive(3).await;
    assert_eq!(again[0].body, "2");
    assert_eq!(again[0].receive_count, if taken.len() > 1 { 2 } else { 1 });
}

pub(super) async fn no_group_starves_another(case: Case) {
    for n in 0..30 {
        case.send("busy", &format!("busy {n}")).await;
    }
    case.send("quiet", "quiet").await;
    let mut seen = BTreeSet::new();
    for _ in 0..2 {
        seen.insert(case.receive_one().await.group);
    }
    assert!(seen.contains("quiet"));
}

pub(super) async fn a_thousand_groups_are_drained(case: Case) {
    for begin in [0, 500, 1_000, 1_500] {
        // Messages that are sent together are of different groups: their order does not matter.
        let send = async |n: usize| case.send(&format!("g{}", n % 1_000), &n.to_string()).await;
        futures::future::join_all((begin..begin + 500).map(send)).await;
    }
    let mut last = vec![None; 1_000];
    let mut count = 0;
    loop {
        let deliveries = case.receive(10).await;
        if deliveries.is_empty() {
            break;
        }
        for delivery in deliveries {
            let number: usize = delivery.body.parse().unwrap();
            assert!(last[number % 1_000].replace(number) < Some(number));
            count += 1;
            case.delete(&delivery).await;
        }
    }
    assert_eq!(count, 2_000);
}
