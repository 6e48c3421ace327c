//! Replies of any length: scenario 22.

use shared::domain::{ErrorCode, FinishReason, ProviderName, TurnKind};
use simulation::cloud::{ModelScript, ModelStep};
use simulation::faults::PortCall;
use simulation::scenario::ScenarioSetup;

use super::{asked, calls, generations_shown, plot_both, request, settle};

/// What a reply keeps at most, in bytes.
const CAP: usize = 200 * 1024;

#[tokio::test(start_paused = true)]
async fn s22_an_empty_reply_is_a_failure_that_nobody_sees() {
    let stop = ModelStep::Finish(FinishReason::Stop);
    for script in [vec![stop], vec![]] {
        let (scenario, anna) = asked(ScenarioSetup::default()).await;
        let tab = anna.open_tab(1);
        settle().await;
        scenario.script_model(ProviderName::Claude, script.clone());
        scenario.answer(&request(&scenario).await).await;
        let row = scenario.turn(&anna, 1).await.unwrap();
        assert_eq!(
            (row.kind, row.provider),
            (Some(TurnKind::Reply), Some(ProviderName::OpenAi)),
            "{script:?}"
        );
        assert_eq!((row.epoch.0, scenario.model_calls()), (1, 2), "{script:?}");
        scenario.end(&[(&anna, &tab)]).await.unwrap();
        assert_eq!(generations_shown(&scenario, 1), [1], "{script:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn s22_nothing_but_empty_replies_is_an_error_and_never_an_empty_final() {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    plot_both(&scenario, &vec![ModelStep::Finish(FinishReason::Stop)], 2);
    scenario.answer(&request(&scenario).await).await;
    let row = scenario.turn(&anna, 1).await.unwrap();
    let code = row.error.map(|error| error.code);
    assert_eq!((row.kind, code), (Some(TurnKind::Error), Some(ErrorCode::ProvidersUnavailable)));
    assert_eq!(scenario.model_calls(), 3);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
}

/// The same call would end the same way, and cost as much.
#[tokio::test(start_paused = true)]
async fn s22_a_limit_that_was_reached_without_a_word_is_an_error_after_one_call() {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    scenario.script_model(ProviderName::Claude, vec![ModelStep::Finish(FinishReason::Length)]);
    scenario.answer(&request(&scenario).await).await;
    let row = scenario.turn(&anna, 1).await.unwrap();
    let code = row.error.map(|error| error.code);
    assert_eq!((row.kind, code), (Some(TurnKind::Error), Some(ErrorCode::InvalidRequest)));
    assert_eq!(scenario.model_calls(), 1);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
}

/// A refusal is the model's answer, and may well say nothing.
#[tokio::test(start_paused = true)]
async fn s22_an_empty_refusal_is_a_reply() {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    scenario.script_model(ProviderName::Claude, vec![ModelStep::Finish(FinishReason::Refusal)]);
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let turn = tab.view().shown[0].clone();
    assert_eq!((turn.kind, turn.finish_reason), (TurnKind::Reply, Some(FinishReason::Refusal)));
    assert_eq!((turn.text.as_str(), scenario.model_calls()), ("", 1));
}

/// Checks that a reply is cut off near the cap, that the call is given up there, and that the final
/// reaches the tab.
async fn check_capped(script: ModelScript, pieces_read: usize) {
    let (scenario, anna) = asked(ScenarioSetup::default()).await;
    let tab = anna.open_tab(1);
    settle().await;
    scenario.script_model(ProviderName::Claude, script);
    let delivery = request(&scenario).await;
    scenario.answer(&delivery).await;
    assert!(scenario.cloud.requests.is_empty(), "answered at once");
    let read = calls(&scenario, PortCall::Next);
    assert!(read <= pieces_read, "{read} pieces were read");
    let row = scenario.turn(&anna, 1).await.unwrap();
    assert_eq!((row.kind, row.finish_reason), (Some(TurnKind::Reply), Some(FinishReason::Length)));
    let text = row.text.unwrap();
    assert!((CAP - 3..=CAP).contains(&text.len()), "{} bytes", text.len());
    scenario.end(&[(&anna, &tab)]).await.unwrap();
    let turn = tab.view().shown[0].clone();
    assert_eq!((&turn.text, turn.finish_reason), (&text, Some(FinishReason::Length)));
    assert_eq!((row.epoch.0, scenario.model_calls()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn s22_an_endless_reply_is_cut_off_and_its_provider_let_go() {
    let many: ModelScript = (0..10_000).map(|_| ModelStep::Say("課程 ".repeat(146))).collect();
    check_capped(many, 202).await;
}

#[tokio::test(start_paused = true)]
async fn s22_one_huge_piece_is_cut_off_between_two_characters() {
    check_capped(
        vec![
            ModelStep::Say(format!("a{}", "🙂".repeat(150_000))),
            ModelStep::Finish(FinishReason::Stop),
        ],
        1,
    )
    .await;
}
