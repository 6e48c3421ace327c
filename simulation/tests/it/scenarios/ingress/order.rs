//! Messages that do not wait for each other.

use std::sync::Mutex;
use std::time::Duration;

use futures::future::join_all;
use shared::domain::TurnKind;
use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::{Scenario, ScenarioUser};

use super::order;

const MESSAGES: usize = 10;

/// Sends ten messages at once, and returns their ids in the order in which they were answered 202.
async fn pipeline(anna: &ScenarioUser) -> Vec<String> {
    let accepted = Mutex::new(Vec::new());
    let posts = (1..=MESSAGES).map(async |number| {
        let id = format!("m{number}");
        anna.say(&id).await.unwrap();
        accepted.lock().unwrap().push(id);
    });
    join_all(posts).await;
    accepted.into_inner().unwrap()
}

/// Checks that turns come in the order of acceptance; `waits` says how long each send takes, in
/// milliseconds.
async fn check(waits: [u64; MESSAGES], expected: [usize; MESSAGES]) {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    for (nth, wait) in (1..).zip(waits) {
        scenario.add_fault(FaultRule::at(
            Function::Ingress,
            PortCall::Send,
            nth,
            Fault::Stall(Duration::from_millis(wait)),
        ));
    }
    let accepted = pipeline(&anna).await;
    assert_eq!(accepted, expected.map(|number| format!("m{number}")));
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(order(&anna).await, accepted);
    let view = tab.view();
    assert!(
        view.shown.iter().all(|turn| turn.kind == TurnKind::Reply),
        "none was ended by the next one's claim"
    );
    let shown: Vec<String> = view.shown.iter().map(|turn| turn.message_id.clone()).collect();
    assert_eq!((shown, scenario.model_calls()), (accepted, MESSAGES));
}

#[tokio::test(start_paused = true)]
async fn s06_ten_pipelined_messages_become_turns_in_the_order_in_which_they_are_accepted() {
    check([0; MESSAGES], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).await;
    check([50, 45, 40, 35, 30, 25, 20, 15, 10, 5], [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]).await;
    check([5, 30, 10, 35, 15, 40, 20, 45, 25, 50], [1, 3, 5, 7, 9, 2, 4, 6, 8, 10]).await;
}
