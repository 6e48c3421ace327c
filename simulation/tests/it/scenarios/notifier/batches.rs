//! Batches of two sessions' finals.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use local::pump::{BatchHandler, QueuePump};
use shared::ports::{Delivery, Queue as _};
use shared::protocol::TurnState::{Committed, Delivered};
use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::{Scenario, ScenarioUser};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::line::Line;
use super::{answered, events, places, states};

/// Brings in two people, of whom the first has three finals queued and the second two.
async fn setup(scenario: &Scenario, first: u32) -> (ScenarioUser, ScenarioUser) {
    let users =
        [scenario.user(1, "lesson").await.unwrap(), scenario.user(2, "lesson").await.unwrap()];
    let [one, two] = users;
    let (a, b) = if first == 1 { (one, two) } else { (two, one) };
    answered(scenario, &a, &["m1", "m2"]).await;
    answered(scenario, &b, &["m1", "m2"]).await;
    answered(scenario, &a, &["m3"]).await;
    (a, b)
}

#[tokio::test(start_paused = true)]
async fn s36_a_failed_record_holds_back_the_rest_of_its_own_group_and_nothing_is_repeated() {
    for first in [1, 2] {
        let scenario = Scenario::new().unwrap();
        let (a, b) = setup(&scenario, first).await;
        let mut lines =
            [Line::resumed(&scenario, &a, 3).await, Line::resumed(&scenario, &b, 2).await];
        for line in &mut lines {
            line.came();
        }
        let batch = scenario.replies().await;
        assert_eq!((places(&batch, &a).len(), places(&batch, &b).len()), (3, 2), "one batch");

        // Groups are begun in the order of their keys, and nothing in memory waits: A's second
        // record is read as the second of all or, where B comes first, as the fourth.
        let nth = if a.key.as_str() < b.key.as_str() { 2 } else { 4 };
        scenario.add_fault(FaultRule::at(Function::Notifier, PortCall::Get, nth, Fault::Fail));
        scenario.deliver(&batch).await;
        assert_eq!(states(&scenario, &a).await, [Delivered, Committed, Committed]);
        assert_eq!(states(&scenario, &b).await, [Delivered, Delivered]);
        assert_eq!(scenario.cloud.replies.len(), 2, "A's second and third are still queued");
        assert_eq!((lines[0].finals(), lines[1].finals()), (vec![1], vec![1, 2]));

        scenario.end(&[]).await.unwrap();
        assert_eq!(
            (lines[0].finals(), lines[1].finals()),
            (vec![2, 3], vec![]),
            "in order, and nothing again"
        );
        assert_eq!(events(&scenario), (1, 5));
    }
}

/// A Lambda function that panics dies; what it had done of the batch by then is done, and nothing
/// is acknowledged.
///
/// The one-machine side is the next test, and in `local/tests/it/pump.rs`
/// `a_panic_costs_only_its_own_record_and_the_later_ones_of_its_group`.
#[tokio::test(start_paused = true)]
async fn s37_on_lambda_a_panic_brings_the_whole_batch_again_and_doubles_nothing() {
    let scenario = Scenario::new().unwrap();
    let (a, b) = setup(&scenario, 1).await;
    let tabs = [a.open_tab(1), b.open_tab(2)];
    sleep(Duration::from_secs(1)).await;
    let batch = scenario.replies().await;
    scenario.add_fault(FaultRule::at(Function::Notifier, PortCall::Deliver, 3, Fault::CrashAfter));
    scenario.deliver(&batch).await;
    assert_eq!(scenario.cloud.replies.len(), 5, "nothing was acknowledged");
    let done = [states(&scenario, &a).await, states(&scenario, &b).await].concat();
    assert_eq!(done.iter().filter(|state| **state == Delivered).count(), 3, "{done:?}");

    let again = scenario.replies().await;
    let ids = |batch: &[Delivery]| {
        batch.iter().map(|one| one.message_id.clone()).collect::<BTreeSet<_>>()
    };
    assert_eq!(ids(&again), ids(&batch), "the whole batch");
    assert!(again.iter().all(|delivery| delivery.receive_count == 2));
    scenario.deliver(&again).await;
    assert!(scenario.cloud.replies.is_empty());
    scenario.end(&[(&a, &tabs[0]), (&b, &tabs[1])]).await.unwrap();
    assert_eq!(events(&scenario), (1, 5), "what was done was not done again");
    assert_eq!(
        (
            scenario.session(&a).await.unwrap().total_turns,
            scenario.session(&b).await.unwrap().total_turns
        ),
        (3, 2)
    );
}

/// Hands batches to the notifier record by record, and panics at a record while `broken` is set.
fn panicking(scenario: &Scenario, at: String, broken: &Arc<AtomicBool>) -> BatchHandler {
    let platform = Arc::clone(&scenario.platform);
    let broken = Arc::clone(broken);
    Arc::new(move |batch: Arc<[Delivery]>| {
        let platform = Arc::clone(&platform);
        let broken = Arc::clone(&broken);
        let at = at.clone();
        Box::pin(async move {
            let mut failed = Vec::new();
            for delivery in batch.iter() {
                assert!(delivery.message_id != at || !broken.load(Ordering::Relaxed), "scripted");
                let one = std::slice::from_ref(delivery);
                failed.extend(
                    platform.invoke_notifier(one).await.returned().expect("nothing kills it"),
                );
            }
            failed
        })
    })
}

#[tokio::test(start_paused = true)]
async fn s37_on_one_machine_a_panic_costs_only_its_own_record_and_the_later_ones_of_its_group() {
    let scenario = Scenario::new().unwrap();
    let (a, b) = setup(&scenario, 1).await;
    let batch = scenario.replies().await;
    let second = batch[places(&batch, &a)[1]].message_id.clone();
    for delivery in &batch {
        scenario.cloud.replies.change_visibility(&delivery.receipt, Duration::ZERO).await.unwrap();
    }
    let broken = Arc::new(AtomicBool::new(true));
    let stop = CancellationToken::new();
    let handler = panicking(&scenario, second, &broken);
    let pump =
        QueuePump { source: scenario.cloud.replies.clone(), handler, batch: 10, concurrency: 2 };
    let pump = tokio::spawn(pump.run(stop.clone(), Duration::from_secs(1)));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(states(&scenario, &a).await, [Delivered, Committed, Committed]);
    assert_eq!(
        states(&scenario, &b).await,
        [Delivered, Delivered],
        "the other session does not wait"
    );
    assert_eq!(scenario.cloud.replies.len(), 2, "the others were acknowledged");

    broken.store(false, Ordering::Relaxed);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(states(&scenario, &a).await, [Delivered; 3]);
    stop.cancel();
    pump.await.unwrap();
    scenario.end(&[]).await.unwrap();
    assert_eq!(events(&scenario), (1, 5));
}
