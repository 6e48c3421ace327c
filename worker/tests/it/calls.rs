//! Step 5 of the protocol: retries, fallbacks, generations, timeouts.

use std::sync::Arc;
use std::time::Duration;

use shared::domain::{ErrorCode, FinishReason, ProviderName, TurnKind, Usage};
use shared::protocol::TurnRow;

use crate::support::model::Failure;
use crate::support::{FakeModel, PortCall, Setup, Step, World, fail, finish, says, wait};

const TEXT: &str = "Period 3 is maths.";

fn good() -> Vec<Step> {
    [wait(10), says(TEXT, Duration::ZERO), finish()].concat()
}

fn dies() -> Vec<Step> {
    [says("Period ", Duration::from_millis(10)), fail(Failure::Broken)].concat()
}

fn busy(seconds: u64) -> Vec<Step> {
    fail(Failure::Busy(Some(Duration::from_secs(seconds))))
}

/// Answers one message with these models.
async fn answer(models: &[&Arc<FakeModel>]) -> (World, TurnRow) {
    let world = World::of(Setup::new(models.iter().map(|model| (*model).clone()).collect()));
    world.say("m1").await;
    world.drain().await;
    assert_eq!(world.commits().len(), 1);
    let turn = world.final_of(1).await;
    (world, turn)
}

#[track_caller]
fn check_reply(turn: &TurnRow, provider: ProviderName, generation: u64) {
    assert_eq!((turn.kind, turn.text.as_deref()), (Some(TurnKind::Reply), Some(TEXT)));
    assert_eq!((turn.provider, turn.epoch.0), (Some(provider), generation));
}

#[track_caller]
fn check_error(turn: &TurnRow, code: ErrorCode) {
    assert_eq!((turn.kind, turn.finish_reason), (Some(TurnKind::Error), Some(FinishReason::Error)));
    assert_eq!(turn.error.as_ref().map(|error| error.code), Some(code));
}

#[tokio::test(start_paused = true)]
async fn a_failure_before_the_first_piece_is_retried_within_the_generation() {
    for failure in [Failure::Broken, Failure::Busy(None)] {
        let model =
            FakeModel::claude(vec![fail(failure), [wait(50), fail(failure)].concat(), good()]);
        let (_, turn) = answer(&[&model]).await;
        check_reply(&turn, ProviderName::Claude, 1);
        let times = model.times();
        assert!(
            times[1] >= Duration::from_millis(375)
                && times[2].abs_diff(times[1]) >= Duration::from_millis(750),
            "{times:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_was_thought_away_is_asked_for_once() {
    let thought_away = || vec![Step::Alive, Step::Finish(FinishReason::Length)];
    let model = FakeModel::claude(vec![thought_away(), good()]);
    let other = FakeModel::openai(vec![good()]);
    let (world, turn) = answer(&[&model, &other]).await;
    check_error(&turn, ErrorCode::InvalidRequest);
    let message = turn.error.unwrap().message;
    assert!(message.contains("length limit"), "{message}");
    assert_eq!((model.times().len(), other.times().len()), (1, 0));
    // The breaker is closed: the next turn is answered by the same model.
    world.say("m2").await;
    world.drain().await;
    check_reply(&world.final_of(2).await, ProviderName::Claude, 1);
}

#[tokio::test(start_paused = true)]
async fn signs_of_life_keep_a_call_alive_until_half_of_the_workers_time() {
    let signs = |many: usize| (0..many).flat_map(|_| [wait(9_000), vec![Step::Alive]].concat());
    let slow = FakeModel::claude(vec![signs(5).chain(good()).collect()]);
    let (_, turn) = answer(&[&slow]).await;
    check_reply(&turn, ProviderName::Claude, 1);

    // Once the reply has begun, only silence and the worker's own time end it.
    let text = || [says("Period 3 ", Duration::ZERO), signs(10).collect()].concat();
    let end = [says("is maths.", Duration::ZERO), finish()].concat();
    let slow = FakeModel::claude(vec![[text(), end].concat()]);
    let (_, turn) = answer(&[&slow]).await;
    check_reply(&turn, ProviderName::Claude, 1);

    let endless = FakeModel::claude(vec![signs(100).collect(), signs(100).collect()]);
    let other = FakeModel::openai(vec![good()]);
    let (world, turn) = answer(&[&endless, &other]).await;
    check_reply(&turn, ProviderName::OpenAi, 1);
    assert!(world.elapsed() < Duration::from_secs(100), "{:?}", world.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_reply_of_which_nothing_can_be_seen_is_a_failure() {
    let blank = [says("\n\u{200B}\n", Duration::ZERO), finish()].concat();
    let model = FakeModel::claude(vec![blank, good()]);
    let (_, turn) = answer(&[&model]).await;
    check_reply(&turn, ProviderName::Claude, 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_provider_asks_for_is_waited_for() {
    let model = FakeModel::claude(vec![busy(7), good()]);
    let (_, turn) = answer(&[&model]).await;
    check_reply(&turn, ProviderName::Claude, 1);
    assert!((7_000..7_010).contains(&model.times()[1].as_millis()), "{:?}", model.times());
}

#[tokio::test(start_paused = true)]
async fn while_one_provider_asks_for_a_pause_another_is_called() {
    let claude = FakeModel::claude(vec![busy(7), good()]);
    let openai = FakeModel::openai(vec![good()]);
    let (world, turn) = answer(&[&claude, &openai]).await;
    check_reply(&turn, ProviderName::OpenAi, 1);
    assert!(world.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn the_same_provider_is_never_called_before_its_pause_is_over() {
    let claude = FakeModel::claude(vec![busy(7), good()]);
    let openai = FakeModel::openai(vec![fail(Failure::Permanent)]);
    let (_, turn) = answer(&[&claude, &openai]).await;
    check_reply(&turn, ProviderName::Claude, 1);
    assert!(claude.times()[1] >= Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn a_pause_beyond_the_deadline_is_not_waited_for() {
    let model = FakeModel::claude(vec![busy(600), good()]);
    let (world, turn) = answer(&[&model]).await;
    check_error(&turn, ErrorCode::ProvidersUnavailable);
    assert!(world.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_message_may_ask_for_its_provider() {
    let claude = FakeModel::claude(vec![good()]);
    let openai = FakeModel::openai(vec![good()]);
    let world = World::of(Setup::new(vec![claude, openai]));
    let mut submission = world.submission("m1", "question");
    submission.provider = Some(ProviderName::OpenAi);
    world.accept(&submission).await;
    world.drain().await;
    check_reply(&world.final_of(1).await, ProviderName::OpenAi, 1);
}

#[tokio::test(start_paused = true)]
async fn a_refused_request_goes_to_the_next_provider_at_once() {
    let claude = FakeModel::claude(vec![fail(Failure::Permanent)]);
    let openai = FakeModel::openai(vec![good()]);
    let (world, turn) = answer(&[&claude, &openai]).await;
    check_reply(&turn, ProviderName::OpenAi, 1);
    assert_eq!((claude.calls(), world.elapsed() < Duration::from_millis(100)), (1, true));
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_fetched_once_more() {
    let model = FakeModel::claude(vec![fail(Failure::Unauthorized), good()]);
    let (_, turn) = answer(&[&model]).await;
    check_reply(&turn, ProviderName::Claude, 1);
    let model = FakeModel::claude(vec![fail(Failure::Unauthorized)]);
    let (_, turn) = answer(&[&model]).await;
    check_error(&turn, ErrorCode::ProvidersRejected);
    assert_eq!(model.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_error_says_whether_trying_again_may_help() {
    check_error(&answer(&[]).await.1, ErrorCode::NoProvider);
    let model = FakeModel::claude(vec![fail(Failure::Permanent)]);
    check_error(&answer(&[&model]).await.1, ErrorCode::ProvidersRejected);
    let model = FakeModel::claude(vec![fail(Failure::Broken)]);
    check_error(&answer(&[&model]).await.1, ErrorCode::ProvidersUnavailable);
    assert_eq!(model.calls(), 3, "so many calls in a generation");
    let claude = FakeModel::claude(vec![fail(Failure::Permanent)]);
    let openai = FakeModel::openai(vec![fail(Failure::Broken)]);
    check_error(&answer(&[&claude, &openai]).await.1, ErrorCode::ProvidersUnavailable);
    assert_eq!((claude.calls(), openai.calls()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn after_an_error_the_next_turn_goes_on() {
    let model = FakeModel::claude(vec![fail(Failure::Permanent), good()]);
    let world = World::new(&model);
    world.say("m1").await;
    world.say("m2").await;
    world.drain().await;
    check_error(&world.final_of(1).await, ErrorCode::ProvidersRejected);
    check_reply(&world.final_of(2).await, ProviderName::Claude, 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_the_middle_takes_a_new_generation() {
    let model = FakeModel::claude(vec![dies(), good()]);
    let (_, turn) = answer(&[&model]).await;
    check_reply(&turn, ProviderName::Claude, 2);
    let claude = FakeModel::claude(vec![dies()]);
    let openai = FakeModel::openai(vec![good()]);
    let (_, turn) = answer(&[&claude, &openai]).await;
    check_reply(&turn, ProviderName::OpenAi, 2);
}

#[tokio::test(start_paused = true)]
async fn each_generation_has_its_own_calls() {
    let before = || fail(Failure::Broken);
    let model = FakeModel::claude(vec![before(), before(), dies(), before(), before(), good()]);
    let setup = Setup::new(vec![model.clone()]).with("CHATBOT_BREAKER_FAILURES", "100");
    let world = World::of(setup);
    world.say("m1").await;
    world.drain().await;
    check_reply(&world.final_of(1).await, ProviderName::Claude, 2);
    assert_eq!(model.calls(), 6);
}

#[tokio::test(start_paused = true)]
async fn calls_are_bounded_by_generations_times_calls() {
    let scripts =
        (0..4).flat_map(|_| [fail(Failure::Broken), fail(Failure::Broken), dies()]).collect();
    let model = FakeModel::claude(scripts);
    let setup = Setup::new(vec![model.clone()]).with("CHATBOT_BREAKER_FAILURES", "100");
    let world = World::of(setup);
    world.say("m1").await;
    world.drain().await;
    let turn = world.final_of(1).await;
    check_error(&turn, ErrorCode::ProvidersUnavailable);
    assert_eq!((model.calls(), turn.epoch.0), (12, 4));
}

#[tokio::test(start_paused = true)]
async fn a_stop_at_a_failure_in_the_middle_is_found_by_the_next_generation() {
    let model = FakeModel::claude(vec![
        [says("Period ", Duration::from_millis(500)), wait(300), fail(Failure::Broken)].concat(),
    ]);
    let world = Arc::new(World::new(&model));
    let id = world.say("m1").await;
    let delivery = world.begin().await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    world.stop(&id).await;
    delivery.await.unwrap();
    let turn = world.final_of(1).await;
    assert_eq!(
        (turn.kind, turn.text.as_deref(), turn.epoch.0),
        (Some(TurnKind::Cancelled), Some("Period "), 1)
    );
    assert_eq!((model.calls(), world.faults.count(PortCall::Generation)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_is_given_up_in_time() {
    let claude = FakeModel::claude(vec![vec![Step::Hang]]);
    let openai = FakeModel::openai(vec![good()]);
    let (world, turn) = answer(&[&claude, &openai]).await;
    check_reply(&turn, ProviderName::OpenAi, 1);
    assert_eq!((world.elapsed().as_secs(), claude.dropped()), (20, 1), "no first byte");
    let hangs = [says("Period ", Duration::ZERO), vec![Step::Hang]].concat();
    let claude = FakeModel::claude(vec![hangs]);
    let openai = FakeModel::openai(vec![good()]);
    let (world, turn) = answer(&[&claude, &openai]).await;
    check_reply(&turn, ProviderName::OpenAi, 2);
    assert_eq!((world.elapsed().as_secs(), claude.dropped()), (15, 1), "silence in the middle");
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_its_end_mark_is_a_failure() {
    let model = FakeModel::claude(vec![says("Half a ", Duration::from_millis(10)), good()]);
    let (_, turn) = answer(&[&model]).await;
    check_reply(&turn, ProviderName::Claude, 2);
}

#[tokio::test(start_paused = true)]
async fn an_empty_reply_is_a_failure() {
    let model = FakeModel::claude(vec![finish(), good()]);
    let (_, turn) = answer(&[&model]).await;
    check_reply(&turn, ProviderName::Claude, 1);
    assert_eq!(model.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_endless_reply_is_capped() {
    let model = FakeModel::claude(vec![vec![Step::Say("é".repeat(10_000)); 1_000]]);
    let (_, turn) = answer(&[&model]).await;
    assert_eq!(
        (turn.kind, turn.finish_reason),
        (Some(TurnKind::Reply), Some(FinishReason::Length))
    );
    assert!(turn.text.unwrap().len() <= 220 * 1024);
    assert_eq!(model.dropped(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_a_reply_and_nobody_else_is_asked() {
    for (text, reason) in [
        ("", FinishReason::Refusal),
        ("I would rather ", FinishReason::Refusal),
        ("", FinishReason::ContentFilter),
    ] {
        let script = [says(text, Duration::from_millis(10)), vec![Step::Finish(reason)]].concat();
        let claude = FakeModel::claude(vec![script]);
        let openai = FakeModel::openai(vec![good()]);
        let (_, turn) = answer(&[&claude, &openai]).await;
        assert_eq!(
            (turn.kind, turn.finish_reason, turn.text.as_deref()),
            (Some(TurnKind::Reply), Some(reason), Some(text))
        );
        assert_eq!((claude.calls(), openai.calls(), turn.epoch.0), (1, 0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_keeps_failing_is_left_alone_for_a_while() {
    let mut scripts = vec![fail(Failure::Broken); 5];
    scripts.push(good());
    let claude = FakeModel::claude(scripts);
    let openai = FakeModel::openai(vec![good()]);
    let world = World::of(Setup::new(vec![claude.clone(), openai]));
    for number in 1..=8 {
        world.say(&format!("m{number}")).await;
    }
    world.drain().await;
    assert_eq!(claude.calls(), 5, "then its breaker is open");
    check_reply(&world.final_of(8).await, ProviderName::OpenAi, 1);
    tokio::time::sleep(Duration::from_secs(16)).await;
    world.say("m9").await;
    world.drain().await;
    check_reply(&world.final_of(9).await, ProviderName::Claude, 1);
}

#[tokio::test(start_paused = true)]
async fn usage_is_summed_over_all_calls() {
    let used = |input, output| {
        vec![Step::Usage(Usage { input_tokens: input, output_tokens: output, ..Usage::default() })]
    };
    let first = [used(100, 5), dies()].concat();
    let second =
        [used(100, 1), wait(10), says(TEXT, Duration::ZERO), used(110, 20), finish()].concat();
    let name = "claude-haiku-5-5";
    let model =
        FakeModel::new(ProviderName::Claude, name, vec![fail(Failure::Busy(None)), first, second]);
    let (_, turn) = answer(&[&model]).await;
    let usage = turn.usage.unwrap();
    assert_eq!(
        (usage.input_tokens, usage.output_tokens),
        (210, 25),
        "the refused call used nothing"
    );
    assert_eq!(turn.cost_micro_usd.unwrap().0, (10 + 3) + (11 + 10), "rounded up for each call");
}
