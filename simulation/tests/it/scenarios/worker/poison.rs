//! Requests that cannot be read, or only by another version: scenarios 24 and 29.

use std::time::Duration;

use serde_json::{Value, json};
use shared::domain::{ErrorCode, ProviderName, TurnKind};
use shared::ports::EventSource as _;
use shared::queue_messages::BodyError;
use simulation::scenario::{Scenario, ScenarioSetup, ScenarioUser};
use tokio::time::{Instant, sleep};
use worker::WorkerError;

use super::{asked, intercept, put, reply, request, settle, told};

/// Returns a body with other fields; `null` removes one.
fn with(body: &str, fields: &Value) -> String {
    let mut body: Value = serde_json::from_str(body).unwrap();
    for (name, value) in fields.as_object().unwrap() {
        match value {
            Value::Null => drop(body.as_object_mut().unwrap().remove(name)),
            value => body[name] = value.clone(),
        }
    }
    body.to_string()
}

/// Sets up a scenario with a message whose body was damaged on its way, and another one behind it.
async fn damaged(fields: &Value) -> (Scenario, ScenarioUser) {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let body = intercept(&scenario).await;
    put(&scenario, &anna, with(&body, fields)).await;
    anna.say("m2").await.unwrap();
    (scenario, anna)
}

async fn dead(scenario: &Scenario) -> Vec<String> {
    scenario
        .cloud
        .requests
        .dead_letters(10)
        .await
        .unwrap()
        .into_iter()
        .map(|letter| letter.body)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn s24_a_damaged_body_whose_ids_can_be_read_is_an_error_final_in_its_place() {
    for fields in [
        json!({ "accepted_at": "noon" }),
        json!({ "type": null }),
        json!({ "v": "one", "trace": 7 }),
    ] {
        let (scenario, anna) = damaged(&fields).await;
        let tab = anna.open_tab(1);
        settle().await;
        scenario.answer(&request(&scenario).await).await;
        let row = scenario.turn(&anna, 1).await.unwrap();
        let code = row.error.map(|error| error.code);
        assert_eq!(
            (row.kind, code),
            (Some(TurnKind::Error), Some(ErrorCode::InvalidRequest)),
            "{fields}"
        );
        assert_eq!((row.message_id.as_str(), scenario.model_calls()), ("m1", 0), "{fields}");
        assert!(dead(&scenario).await.is_empty(), "{fields}");
        scenario.end(&[(&anna, &tab)]).await.unwrap();
        let external: Vec<_> =
            tab.view().shown.iter().map(|turn| (turn.message_id.clone(), turn.kind)).collect();
        assert_eq!(
            external,
            [("m1".to_owned(), TurnKind::Error), ("m2".to_owned(), TurnKind::Reply)],
            "{fields}"
        );
        assert_eq!((scenario.model_calls(), scenario.event_ids().len()), (1, 2), "{fields}");
    }
}

/// Puts a body that points to nothing before a message, and checks that it becomes a dead letter
/// and nothing else.
async fn check_dead(body: &str) {
    let scenario = Scenario::new().unwrap();
    scenario.drive();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let tab = anna.open_tab(1);
    put(&scenario, &anna, body.to_owned()).await;
    anna.say("m1").await.unwrap();
    let began = Instant::now();
    while tab.cursor() == 0 {
        assert!(began.elapsed() < Duration::from_mins(5), "{body}: the group is blocked");
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(dead(&scenario).await, [body], "whole, for whoever looks at it");
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let view = tab.view();
    assert_eq!(
        (view.shown.len(), view.shown[0].kind, scenario.model_calls()),
        (1, TurnKind::Reply, 1),
        "{body}"
    );
}

#[tokio::test(start_paused = true)]
async fn s24_a_body_without_readable_ids_becomes_a_dead_letter_and_its_group_goes_on() {
    check_dead("?").await;
    check_dead("{}").await;
    check_dead(r#"{"v":1,"type":"message","session_key":"short","message_id":"m1"}"#).await;
    check_dead(r#"{"v":1,"type":"reminder"}"#).await;
}

#[tokio::test(start_paused = true)]
async fn s29_unknown_fields_of_a_newer_producer_are_ignored() {
    let fields = json!({ "priority": { "class": [1, 2] }, "color": "blue" });
    let (scenario, anna) = damaged(&fields).await;
    let tab = anna.open_tab(1);
    scenario.script_model(ProviderName::Claude, reply("Period 3 is maths."));
    let delivery = request(&scenario).await;
    assert!(delivery.body.contains("blue"));
    scenario.answer(&delivery).await;
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let turn = tab.view().shown[0].clone();
    assert_eq!((turn.message_id.as_str(), turn.text.as_str()), ("m1", "Period 3 is maths."));
}

#[tokio::test(start_paused = true)]
async fn s29_an_unknown_version_is_refused_loudly_and_left_to_those_who_know_it() {
    // However well its ids could be read.
    let (scenario, anna) = damaged(&json!({ "v": 2, "accepted_at": "2027-01-15T08:00:00Z" })).await;
    let tab = anna.open_tab(1);
    let began = Instant::now();
    for receive in 1..=10 {
        let delivery = request(&scenario).await;
        assert_eq!(delivery.receive_count, receive);
        let result = scenario.work(&delivery).await.returned().unwrap();
        assert!(matches!(result, Err(WorkerError::Body(BodyError::Version(2)))), "{result:?}");
    }
    assert!(
        began.elapsed() > Duration::from_mins(8),
        "long enough for a deployment: {:?}",
        began.elapsed()
    );
    assert_eq!(
        (told(&scenario, "wrote Claimed"), scenario.model_calls()),
        (0, 0),
        "nothing came of it"
    );
    scenario.answer(&request(&scenario).await).await;
    let [letter] = dead(&scenario).await.try_into().unwrap();
    assert!(letter.contains("\"v\":2"));
    assert_eq!(
        scenario.turn(&anna, 1).await.unwrap().message_id.as_str(),
        "m2",
        "the group went on"
    );

    // Redriven to workers of the newer version, which read it as what it is.
    assert_eq!(scenario.platform.redrive().await, 1);
    let mut delivery = request(&scenario).await;
    delivery.body = with(&delivery.body, &json!({ "v": 1, "accepted_at": scenario.cloud.now() }));
    scenario.answer(&delivery).await;
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let shown: Vec<_> =
        tab.view().shown.iter().map(|turn| (turn.message_id.clone(), turn.kind)).collect();
    assert_eq!(shown, ["m2", "m1"].map(|id| (id.to_owned(), TurnKind::Reply)));
}
