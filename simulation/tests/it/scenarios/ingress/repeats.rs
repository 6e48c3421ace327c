//! One id, more than once.

use std::time::Duration;

use client::account::{CallError, Message};
use simulation::faults::{Fault, FaultRule, Function, Gate, PortCall};
use simulation::scenario::{Scenario, ScenarioUser};
use tokio::time::sleep;

use super::order;

/// Returns messages with the id of `anna`'s first one and another body: another text, document or
/// provider.
fn impostors(anna: &ScenarioUser) -> [Message; 3] {
    let first = anna.message("m1");
    [
        Message { text: format!("{} Or period 4?", first.text), ..first.clone() },
        Message { document_id: Some("timetable".to_owned()), ..first.clone() },
        Message { provider: Some("openai".to_owned()), ..first },
    ]
}

/// Checks that whatever contradicts the stored message is refused, and queued nowhere.
async fn check_refused(scenario: &Scenario, anna: &ScenarioUser) {
    let queued = scenario.cloud.requests.len();
    for impostor in impostors(anna) {
        assert_eq!(anna.account.post(&impostor).await, Err(CallError::Conflict), "{impostor:?}");
    }
    assert_eq!(scenario.cloud.requests.len(), queued);
    assert_eq!(scenario.session(anna).await.unwrap().accepted, 1);
}

#[tokio::test(start_paused = true)]
async fn s04_another_body_under_a_known_id_is_a_409_and_nothing_is_queued() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    anna.say("m1").await.unwrap();
    check_refused(&scenario, &anna).await;
    scenario.run_queues().await;
    // Past the queue's memory, a send would be a second message.
    sleep(Duration::from_mins(6)).await;
    check_refused(&scenario, &anna).await;
    assert!(scenario.cloud.requests.is_empty());
    let told = anna.account.history("lesson", 0, 10).await.unwrap();
    assert_eq!(
        (told.turns.len(), told.turns[0].message.as_str()),
        (1, anna.message("m1").text.as_str())
    );
    scenario.end(&[]).await.unwrap();
    assert_eq!(scenario.model_calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn s05_two_posts_of_one_id_at_the_same_time_are_both_202_and_one_turn() {
    for winner in [0, 1] {
        let scenario = Scenario::new().unwrap();
        let anna = scenario.user(1, "lesson").await.unwrap();
        let gates = [Gate::new(), Gate::new()];
        for (nth, gate) in (1..).zip(&gates) {
            scenario.add_fault(FaultRule::at(
                Function::Ingress,
                PortCall::Record,
                nth,
                Fault::Hold(gate.clone()),
            ));
        }
        let referee = async {
            // By now both have looked, and neither has found the other.
            tokio::join!(gates[0].reached(), gates[1].reached());
            gates[winner].open();
            sleep(Duration::from_secs(1)).await;
            gates[1 - winner].open();
        };
        let (one, two, ()) = tokio::join!(anna.say("m1"), anna.say("m1"), referee);
        let one = one.unwrap();
        let two = two.unwrap();
        assert_eq!((&one.session_id, &one.message_id), (&two.session_id, &two.message_id));
        assert_eq!(
            (scenario.cloud.requests.len(), scenario.session(&anna).await.unwrap().accepted),
            (1, 1)
        );
        scenario.run_queues().await;
        assert_eq!(
            (order(&anna).await, scenario.model_calls()),
            (vec!["m1".to_owned()], 1),
            "winner: {winner}"
        );
        scenario.end(&[]).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn s05_of_two_posts_of_one_id_with_different_bodies_one_is_202_and_the_other_409() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let gates = [Gate::new(), Gate::new()];
    for (nth, gate) in (1..).zip(&gates) {
        scenario.add_fault(FaultRule::at(
            Function::Ingress,
            PortCall::Record,
            nth,
            Fault::Hold(gate.clone()),
        ));
    }
    let referee = async {
        tokio::join!(gates[0].reached(), gates[1].reached());
        for gate in &gates {
            gate.open();
        }
    };
    let [impostor, ..] = impostors(&anna);
    let (one, two, ()) = tokio::join!(anna.say("m1"), anna.account.post(&impostor), referee);
    assert!(one.is_ok(), "{one:?}");
    assert_eq!(two, Err(CallError::Conflict));
    scenario.run_queues().await;
    assert_eq!((order(&anna).await, scenario.model_calls()), (vec!["m1".to_owned()], 1));
    scenario.end(&[]).await.unwrap();
}
