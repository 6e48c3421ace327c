//! Replies of any length: scenario 22.

use shared::domain::{ErrorCode, FinishReason, ProviderName, TurnKind};
use simulation::cloud::{Piece, Plot};
use simulation::faults::Op;
use simulation::stage::Scene;

use super::{asked, calls, generations_shown, plot_both, request, settle};

/// What a reply keeps at most, in bytes.
const CAP: usize = 200 * 1024;

#[tokio::test(start_paused = true)]
async fn s22_an_empty_reply_is_a_failure_that_nobody_sees() {
    for plot in
        [vec![Piece::Finish(FinishReason::Stop)], vec![Piece::Finish(FinishReason::Length)], vec![]]
    {
        let (stage, anna) = asked(Scene::default()).await;
        let tab = anna.open_tab(1);
        settle().await;
        stage.plot(ProviderName::Claude, plot.clone());
        stage.answer(&request(&stage).await).await;
        let row = stage.turn(&anna, 1).await.unwrap();
        assert_eq!(
            (row.kind, row.provider),
            (Some(TurnKind::Reply), Some(ProviderName::OpenAi)),
            "{plot:?}"
        );
        assert_eq!((row.epoch.0, stage.model_calls()), (1, 2), "{plot:?}");
        stage.end(&[(&anna, &tab)]).await.unwrap();
        assert_eq!(generations_shown(&stage, 1), [1], "{plot:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn s22_nothing_but_empty_replies_is_an_error_and_never_an_empty_final() {
    let (stage, anna) = asked(Scene::default()).await;
    let tab = anna.open_tab(1);
    plot_both(&stage, &vec![Piece::Finish(FinishReason::Stop)], 2);
    stage.answer(&request(&stage).await).await;
    let row = stage.turn(&anna, 1).await.unwrap();
    let code = row.error.map(|error| error.code);
    assert_eq!((row.kind, code), (Some(TurnKind::Error), Some(ErrorCode::ProvidersUnavailable)));
    assert_eq!(stage.model_calls(), 3);
    stage.end(&[(&anna, &tab)]).await.unwrap();
}

/// A refusal is the model's answer, and may well say nothing.
#[tokio::test(start_paused = true)]
async fn s22_an_empty_refusal_is_a_reply() {
    let (stage, anna) = asked(Scene::default()).await;
    let tab = anna.open_tab(1);
    stage.plot(ProviderName::Claude, vec![Piece::Finish(FinishReason::Refusal)]);
    stage.end(&[(&anna, &tab)]).await.unwrap();
    let turn = tab.view().shown[0].clone();
    assert_eq!((turn.kind, turn.finish_reason), (TurnKind::Reply, Some(FinishReason::Refusal)));
    assert_eq!((turn.text.as_str(), stage.model_calls()), ("", 1));
}

/// Checks that a reply is cut off near the cap, that the call is given up there, and that the final
/// reaches the tab.
async fn check_capped(plot: Plot, pieces_read: usize) {
    let (stage, anna) = asked(Scene::default()).await;
    let tab = anna.open_tab(1);
    settle().await;
    stage.plot(ProviderName::Claude, plot);
    let delivery = request(&stage).await;
    stage.answer(&delivery).await;
    assert!(stage.cloud.requests.is_empty(), "answered at once");
    let read = calls(&stage, Op::Next);
    assert!(read <= pieces_read, "{read} pieces were read");
    let row = stage.turn(&anna, 1).await.unwrap();
    assert_eq!((row.kind, row.finish_reason), (Some(TurnKind::Reply), Some(FinishReason::Length)));
    let text = row.text.unwrap();
    assert!((CAP - 3..=CAP).contains(&text.len()), "{} bytes", text.len());
    stage.end(&[(&anna, &tab)]).await.unwrap();
    let turn = tab.view().shown[0].clone();
    assert_eq!((&turn.text, turn.finish_reason), (&text, Some(FinishReason::Length)));
    assert_eq!((row.epoch.0, stage.model_calls()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn s22_an_endless_reply_is_cut_off_and_its_provider_let_go() {
    let many: Plot = (0..10_000).map(|_| Piece::Say("課程 ".repeat(146))).collect();
    check_capped(many, 202).await;
}

#[tokio::test(start_paused = true)]
async fn s22_one_huge_piece_is_cut_off_between_two_characters() {
    check_capped(
        vec![Piece::Say(format!("a{}", "🙂".repeat(150_000))), Piece::Finish(FinishReason::Stop)],
        1,
    )
    .await;
}
