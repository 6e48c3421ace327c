//! Providers that are busy, away, or break off: scenarios 18 to 21.

use std::time::Duration;

use client::tab::TabHandle;
use shared::domain::{ErrorCode, ProviderName, TurnKind};
use shared::protocol::TurnRow;
use simulation::cloud::{ModelScript, ModelStep};
use simulation::faults::{Fault, FaultRule, Function, PortCall};
use simulation::scenario::{Scenario, ScenarioSetup, ScenarioUser};
use tokio::time::{Instant, sleep};

use super::{asked, generations_shown, pieces, plot_both, replies, request, settle};

const PAUSE: Duration = Duration::from_millis(300);

/// Sets up a scenario with a message and an open tab.
async fn watched(setup: ScenarioSetup) -> (Scenario, ScenarioUser, TabHandle) {
    let (scenario, anna) = asked(setup).await;
    let tab = anna.open_tab(1);
    settle().await;
    (scenario, anna, tab)
}

/// Lets one worker answer the next message in one delivery, and returns the final and how long it
/// took.
async fn answered(scenario: &Scenario, anna: &ScenarioUser, turn: u64) -> (TurnRow, Duration) {
    let delivery = request(scenario).await;
    assert_eq!(delivery.receive_count, 1);
    let began = Instant::now();
    scenario.answer(&delivery).await;
    let took = began.elapsed();
    assert!(scenario.cloud.requests.is_empty(), "acknowledged at the first receive");
    (scenario.turn(anna, turn).await.unwrap(), took)
}

/// What can go wrong with a call before its first piece of text, each with how long that takes.
fn failures_before_the_first_token() -> Vec<(ModelScript, Duration)> {
    let wait = Duration::from_secs(1);
    vec![
        (vec![ModelStep::Busy(None)], Duration::ZERO),
        (vec![ModelStep::Busy(Some(Duration::from_secs(30)))], Duration::ZERO),
        (vec![ModelStep::Wait(wait), ModelStep::Busy(None)], wait),
        (vec![ModelStep::Break], Duration::ZERO),
        (vec![ModelStep::Wait(wait), ModelStep::Break], wait),
        (vec![ModelStep::Hang], Duration::from_secs(20)),
        (vec![], Duration::ZERO),
        (vec![ModelStep::Refuse], Duration::ZERO),
    ]
}

#[tokio::test(start_paused = true)]
async fn s18_a_provider_that_fails_before_the_first_token_is_replaced_by_the_other_one_unseen() {
    for (script, lost) in failures_before_the_first_token() {
        let (scenario, anna, tab) = watched(ScenarioSetup::default()).await;
        scenario.script_model(ProviderName::Claude, script.clone());
        let (row, took) = answered(&scenario, &anna, 1).await;
        assert_eq!(
            (row.kind, row.provider),
            (Some(TurnKind::Reply), Some(ProviderName::OpenAi)),
            "{script:?}"
        );
        assert_eq!((row.epoch.0, scenario.model_calls()), (1, 2), "{script:?}: no new generation");
        let answering = Duration::from_secs(3);
        assert!((lost..lost + answering).contains(&took), "{script:?}: {took:?}");
        scenario.end(&[(&anna, &tab)]).await.unwrap();
        assert_eq!(generations_shown(&scenario, 1), [1], "{script:?}");
    }
}

/// A refused key is fetched again, at most once a minute; then the other provider is asked.
#[tokio::test(start_paused = true)]
async fn s18_a_provider_that_refuses_its_key_is_asked_once_more_and_then_replaced_unseen() {
    for (refusals, provider) in [(1, ProviderName::Claude), (2, ProviderName::OpenAi)] {
        let (scenario, anna, tab) = watched(ScenarioSetup::default()).await;
        for _ in 0..refusals {
            scenario.script_model(ProviderName::Claude, vec![ModelStep::Unauthorized]);
        }
        let (row, _) = answered(&scenario, &anna, 1).await;
        assert_eq!((row.kind, row.provider), (Some(TurnKind::Reply), Some(provider)));
        assert_eq!((row.epoch.0, scenario.model_calls()), (1, refusals + 1));
        scenario.end(&[(&anna, &tab)]).await.unwrap();
        assert_eq!(generations_shown(&scenario, 1), [1]);
    }
}

#[tokio::test(start_paused = true)]
async fn s18_the_only_provider_is_tried_again_unseen_and_not_before_it_asked_for() {
    let pauses = [
        (ModelStep::Busy(Some(Duration::from_secs(7))), 7_000),
        (ModelStep::Busy(None), 375),
        (ModelStep::Break, 375),
    ];
    for (failure, least) in pauses {
        let (scenario, anna, tab) =
            watched(ScenarioSetup::default().with("CHATBOT_PROVIDER_PREFERENCE", "claude")).await;
        scenario.script_model(ProviderName::Claude, vec![failure.clone()]);
        let (row, took) = answered(&scenario, &anna, 1).await;
        assert_eq!(
            (row.kind, row.provider),
            (Some(TurnKind::Reply), Some(ProviderName::Claude)),
            "{failure:?}"
        );
        assert_eq!((row.epoch.0, scenario.model_calls()), (1, 2), "{failure:?}");
        let least = Duration::from_millis(least);
        assert!((least..least + Duration::from_secs(3)).contains(&took), "{failure:?}: {took:?}");
        scenario.end(&[(&anna, &tab)]).await.unwrap();
        assert_eq!(generations_shown(&scenario, 1), [1], "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn s19_a_provider_that_dies_mid_reply_gives_a_new_generation_and_never_a_splice() {
    for end in [Some(ModelStep::Break), Some(ModelStep::Busy(None)), None] {
        let (scenario, anna, tab) = watched(ScenarioSetup::default()).await;
        let mut script = pieces(&["Half ", "of ", "a "], PAUSE);
        script.extend(end.clone());
        scenario.script_model(ProviderName::Claude, script);
        let (row, _) = answered(&scenario, &anna, 1).await;
        assert_eq!(
            (row.kind, row.provider),
            (Some(TurnKind::Reply), Some(ProviderName::OpenAi)),
            "{end:?}"
        );
        assert_eq!((row.epoch.0, scenario.model_calls()), (2, 2), "{end:?}");
        let text = row.text.unwrap();
        assert!(
            text.starts_with("~u1.lesson.1~ call 2:") && !text.contains("Half"),
            "{end:?}: {text}"
        );
        scenario.end(&[(&anna, &tab)]).await.unwrap();
        // That each text shown is the beginning of one call's words is checked by the scenario.
        assert_eq!(generations_shown(&scenario, 1), [1, 2], "{end:?}");
        assert_eq!(
            (tab.view().shown[0].generation, &tab.view().shown[0].text),
            (2, &text),
            "{end:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn s19_providers_that_die_in_the_middle_every_time_end_the_turn_after_the_last_generation() {
    let (scenario, anna, tab) = watched(ScenarioSetup::default()).await;
    let mut script = pieces(&["Half ", "of "], PAUSE);
    script.push(ModelStep::Break);
    plot_both(&scenario, &script, 4);
    let (row, _) = answered(&scenario, &anna, 1).await;
    let code = row.error.map(|error| error.code);
    assert_eq!((row.kind, code), (Some(TurnKind::Error), Some(ErrorCode::ProvidersUnavailable)));
    assert_eq!((row.epoch.0, row.text.as_deref(), scenario.model_calls()), (4, Some(""), 4));
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(generations_shown(&scenario, 1), [1, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn s20_with_all_providers_down_an_error_is_the_final_and_the_next_turn_goes_on() {
    for (failure, code, made) in [
        (ModelStep::Break, ErrorCode::ProvidersUnavailable, 3),
        (ModelStep::Busy(None), ErrorCode::ProvidersUnavailable, 3),
        (ModelStep::Refuse, ErrorCode::ProvidersRejected, 2),
    ] {
        let (scenario, anna, tab) = watched(ScenarioSetup::default()).await;
        plot_both(&scenario, &vec![failure.clone()], made - 1);
        let (row, took) = answered(&scenario, &anna, 1).await;
        assert_eq!(
            (row.kind, row.error.map(|error| error.code)),
            (Some(TurnKind::Error), Some(code)),
            "{failure:?}"
        );
        assert_eq!((row.epoch.0, scenario.model_calls()), (1, made), "{failure:?}");
        assert!(took < Duration::from_secs(5), "{failure:?}: {took:?}");
        scenario.deliver(&replies(&scenario).await).await;
        settle().await;
        assert_eq!(
            (tab.cursor(), tab.view().shown[0].error),
            (1, Some(code)),
            "{failure:?}: it is shown at once"
        );

        // Some of the failures are left for it.
        anna.say("m2").await.unwrap();
        let (next, _) = answered(&scenario, &anna, 2).await;
        assert_eq!(next.kind, Some(TurnKind::Reply), "{failure:?}");
        scenario.end(&[(&anna, &tab)]).await.unwrap();
        assert_eq!(scenario.event_ids().len(), 2, "{failure:?}");
    }
}

/// Nobody's outage: the calls themselves fail, at the port, for as long as it lasts.
#[tokio::test(start_paused = true)]
async fn s20_an_outage_costs_each_message_its_own_error_and_no_order() {
    let (scenario, anna, tab) = watched(ScenarioSetup::default()).await;
    scenario.drive();
    scenario.add_fault(FaultRule::always(Function::Worker, PortCall::Open, Fault::Fail));
    anna.say("m2").await.unwrap();
    sleep(Duration::from_mins(1)).await;
    let external: Vec<_> =
        tab.view().shown.iter().map(|turn| (turn.message_id.clone(), turn.kind)).collect();
    assert_eq!(external, ["m1", "m2"].map(|id| (id.to_owned(), TurnKind::Error)));
    assert!(scenario.model_calls() <= 6, "{}", scenario.model_calls());
    scenario.faults.heal();
    anna.say("m3").await.unwrap();
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(tab.view().shown[2].kind, TurnKind::Reply);
}

#[tokio::test(start_paused = true)]
async fn s21_a_stream_that_hangs_is_replaced_after_the_idle_timeout_in_the_same_delivery() {
    let (scenario, anna, tab) = watched(ScenarioSetup::default()).await;
    scenario.script_model(
        ProviderName::Claude,
        vec![ModelStep::Say("Half".to_owned()), ModelStep::Hang],
    );
    let (row, took) = answered(&scenario, &anna, 1).await;
    assert_eq!((row.kind, row.epoch.0, scenario.model_calls()), (Some(TurnKind::Reply), 2, 2));
    assert!((15..20).contains(&took.as_secs()), "{took:?}");
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!((generations_shown(&scenario, 1), tab.view().shown[0].generation), (vec![1, 2], 2));
}

#[tokio::test(start_paused = true)]
async fn s21_streams_that_all_hang_end_the_turn_before_the_workers_own_deadline() {
    let (scenario, anna, tab) = watched(ScenarioSetup::default()).await;
    plot_both(&scenario, &vec![ModelStep::Say("Half".to_owned()), ModelStep::Hang], 4);
    let (row, took) = answered(&scenario, &anna, 1).await;
    assert_eq!((row.kind, row.epoch.0, scenario.model_calls()), (Some(TurnKind::Error), 4, 4));
    assert!((60..70).contains(&took.as_secs()), "{took:?}");
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    assert_eq!(tab.view().shown[0].error, Some(ErrorCode::ProvidersUnavailable));
}
