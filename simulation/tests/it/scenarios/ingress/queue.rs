//! What happens between the message's row, the queue and the 202.

use std::time::Duration;

use client::account::CallError;
use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::Scenario;
use tokio::time::sleep;

use super::{is_recorded, order};

/// What a 503 of ingress asks for; a client's own default is shorter.
const UNAVAILABLE: CallError = CallError::Unavailable { retry_after: Duration::from_secs(2) };

#[tokio::test(start_paused = true)]
async fn s01_a_crash_after_the_message_row_and_before_the_send_gives_no_202_and_the_retry_one_turn()
{
    for (op, fault) in [(PortCall::Record, Fault::CrashAfter), (PortCall::Send, Fault::CrashBefore)]
    {
        let scenario = Scenario::new().unwrap();
        let anna = scenario.user(1, "lesson").await.unwrap();
        scenario.add_fault(FaultRule::at(Function::Ingress, op, 1, fault));
        assert_eq!(anna.say("m1").await, Err(CallError::NoResponse));
        assert!(
            is_recorded(&scenario, &anna, "m1").await && scenario.cloud.requests.is_empty(),
            "{op:?}"
        );

        anna.say("m1").await.unwrap();
        assert_eq!(
            (scenario.cloud.requests.len(), scenario.session(&anna).await.unwrap().accepted),
            (1, 1),
            "{op:?}"
        );
        scenario.run_queues().await;
        assert_eq!(
            (order(&anna).await, scenario.model_calls()),
            (vec!["m1".to_owned()], 1),
            "{op:?}"
        );
        scenario.end(&[]).await.unwrap();
    }
}

/// A message that nobody sends again was promised nothing, and is in nobody's way.
#[tokio::test(start_paused = true)]
async fn s01_a_message_that_died_before_its_send_does_not_hold_up_the_next_one() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    scenario.add_fault(FaultRule::at(Function::Ingress, PortCall::Send, 1, Fault::CrashBefore));
    assert_eq!(anna.say("m1").await, Err(CallError::NoResponse));
    anna.say("m2").await.unwrap();
    scenario.run_queues().await;
    assert_eq!(order(&anna).await, ["m2"]);
    scenario.end(&[]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s02_a_lost_acknowledgement_of_the_send_and_a_retry_within_five_minutes_give_one_turn() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    scenario.add_fault(FaultRule::at(Function::Ingress, PortCall::Send, 1, Fault::LoseAck));
    assert_eq!(anna.say("m1").await, Err(UNAVAILABLE));
    sleep(Duration::from_mins(4)).await;
    anna.say("m1").await.unwrap();
    assert_eq!(scenario.cloud.requests.len(), 1, "the queue knows it by its deduplication id");
    scenario.run_queues().await;
    assert_eq!((order(&anna).await, scenario.model_calls()), (vec!["m1".to_owned()], 1));
    scenario.end(&[]).await.unwrap();
}

/// The queue has forgotten the first send by then: whether that was answered already or not, there
/// is one reply.
#[tokio::test(start_paused = true)]
async fn s03_a_retry_after_more_than_five_minutes_gives_one_reply() {
    for answered in [true, false] {
        let scenario = Scenario::new().unwrap();
        let anna = scenario.user(1, "lesson").await.unwrap();
        let tab = anna.open_tab(1);
        scenario.add_fault(FaultRule::at(Function::Ingress, PortCall::Send, 1, Fault::LoseAck));
        assert_eq!(anna.say("m1").await, Err(UNAVAILABLE));
        if answered {
            scenario.run_queues().await;
        }
        sleep(Duration::from_mins(6)).await;
        anna.say("m1").await.unwrap();
        assert_eq!(
            scenario.cloud.requests.len(),
            if answered { 1 } else { 2 },
            "the queue took it again"
        );
        scenario.run_queues().await;
        assert_eq!(
            (order(&anna).await, scenario.model_calls()),
            (vec!["m1".to_owned()], 1),
            "answered: {answered}"
        );
        scenario.end(&[(&anna, &tab)]).await.unwrap();
        assert_eq!(
            (tab.view().shown.len(), scenario.event_ids().len()),
            (1, 1),
            "answered: {answered}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn s08_a_queue_that_is_throttled_or_away_is_a_503_with_retry_after_and_no_202() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    scenario.add_fault(FaultRule::during(Function::Ingress, PortCall::Send, 1..=3, Fault::Fail));
    for _ in 0..3 {
        let request = http::Request::post("/chat").header("content-type", "application/json");
        let message = anna.message("m1");
        let body = serde_json::json!({
            "message": message.text, "session_id": "lesson", "message_id": "m1"
        });
        let answer = anna.ask(request.body(body.to_string().into()).unwrap()).await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (503, &"2".parse().unwrap())
        );
        assert!(scenario.cloud.requests.is_empty());
    }
    anna.send_until_settled("m1").await.unwrap();
    scenario.run_queues().await;
    assert_eq!((order(&anna).await, scenario.model_calls()), (vec!["m1".to_owned()], 1));
    scenario.end(&[]).await.unwrap();
}

/// Everything else of the front door goes on, and whoever insists is served once the queue is back,
/// in order.
#[tokio::test(start_paused = true)]
async fn s08_messages_sent_while_the_queue_is_away_are_accepted_in_order_when_it_is_back() {
    let scenario = Scenario::new().unwrap();
    scenario.drive();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    anna.say("m1").await.unwrap();
    sleep(Duration::from_secs(5)).await;
    scenario.add_fault(FaultRule::always(Function::Ingress, PortCall::Send, Fault::Fail));
    assert_eq!(anna.say("m2").await, Err(UNAVAILABLE));
    assert_eq!((order(&anna).await, tab.cursor()), (vec!["m1".to_owned()], 1));
    let healed = async {
        sleep(Duration::from_secs(30)).await;
        scenario.faults.heal();
    };
    let insisting = async {
        anna.send_until_settled("m2").await.unwrap();
        anna.send_until_settled("m3").await.unwrap();
    };
    tokio::join!(healed, insisting);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(order(&anna).await, ["m1", "m2", "m3"]);
}
