//! One provider with a bad day: what the user sees is one whole answer.

use std::time::Duration;

use testkit::stub_provider::{Behaviour, Failure, Protocol, Reply, StubProvider};
use tokio::time::Instant;

use crate::support::{Chatter, Final, Setup, in_time, provider};

const BOTH: [Protocol; 2] = [Protocol::Claude, Protocol::OpenAi];

fn setup(protocol: Protocol, stub: &StubProvider) -> Setup {
    match protocol {
        Protocol::Claude => Setup::claude(stub),
        Protocol::OpenAi => Setup::openai(stub),
    }
}

/// Asks a provider that behaves so at its first call, and replies at every later one.
async fn after(protocol: Protocol, first: Behaviour) -> (Final, StubProvider) {
    let stub = provider(Behaviour::Reply(Reply::default().paced(Duration::from_millis(10)))).await;
    stub.script([first]);
    let server = setup(protocol, &stub)
        .with("CHATBOT_FIRST_BYTE_TIMEOUT_MS", "1000")
        .with("CHATBOT_IDLE_TIMEOUT_MS", "1000")
        .start()
        .await;
    let mut ann = Chatter::join(&server).await;
    let answer = ann.ask("Hello").await;
    assert_eq!(answer.kind, "reply");
    assert_eq!(answer.text, Reply::default().whole());
    assert_eq!(ann.turns().await.len(), 1);
    (answer, stub)
}

/// Asks a provider whose first call fails before it says anything.
async fn check_retried(first: Behaviour) {
    for protocol in BOTH {
        let (answer, stub) = after(protocol, first.clone()).await;
        assert_eq!(stub.calls().len(), 2);
        let [shown] = answer.provisional.as_slice() else { panic!("{:?}", answer.provisional) };
        assert!(answer.text.starts_with(shown.as_str()), "{shown:?} was shown");
        assert!(answer.statuses.iter().all(|phase| phase == "retrying"), "{:?}", answer.statuses);
    }
}

/// Asks a provider whose first call fails in the middle of its reply.
async fn check_restarted(first: Behaviour) {
    for protocol in BOTH {
        let (answer, stub) = after(protocol, first.clone()).await;
        assert_eq!(stub.calls().len(), 2);
        // On a busy machine a generation may end before its text went out; what went out is never a
        // splice.
        assert!(answer.provisional.len() <= 2, "{:?}", answer.provisional);
        let begins_anew = |shown: &String| answer.text.starts_with(shown.as_str());
        assert!(answer.provisional.iter().all(begins_anew), "spliced: {:?}", answer.provisional);
    }
}

#[tokio::test]
async fn an_overloaded_provider_is_asked_again_and_nobody_notices() {
    check_retried(Behaviour::Status(Failure::new(529))).await;
}

#[tokio::test]
async fn a_failure_of_the_provider_is_retried() {
    check_retried(Behaviour::Status(Failure::new(500))).await;
}

#[tokio::test]
async fn a_connection_that_dies_before_the_headers_is_tried_again() {
    check_retried(Behaviour::DieBeforeHeaders).await;
}

#[tokio::test]
async fn garbage_in_the_stream_is_not_shown() {
    check_retried(Behaviour::Garbage).await;
}

#[tokio::test]
async fn an_empty_reply_is_asked_for_again() {
    check_retried(Behaviour::Empty).await;
}

#[tokio::test]
async fn a_provider_that_never_answers_is_given_up_in_time() {
    check_retried(Behaviour::HangBeforeHeaders).await;
}

#[tokio::test]
async fn a_death_in_the_middle_of_a_reply_begins_it_anew() {
    check_restarted(Behaviour::DieMidStream { after: 5 }).await;
}

#[tokio::test]
async fn an_error_event_in_the_middle_of_a_reply_begins_it_anew() {
    check_restarted(Behaviour::ErrorMidStream { after: 5 }).await;
}

#[tokio::test]
async fn a_stream_without_its_end_mark_begins_it_anew() {
    check_restarted(Behaviour::EndWithoutMark { after: 5 }).await;
}

#[tokio::test]
async fn silence_in_the_middle_of_a_reply_begins_it_anew() {
    check_restarted(Behaviour::HangMidStream { after: 5 }).await;
}

#[tokio::test]
async fn a_provider_is_never_asked_earlier_than_it_wants() {
    for protocol in BOTH {
        let stub = provider(Behaviour::Reply(Reply::default())).await;
        stub.script([Behaviour::Status(Failure::new(429).retry_after_ms(1_500))]);
        let server = setup(protocol, &stub).start().await;
        let mut ann = Chatter::join(&server).await;
        ann.say("Hello").await;
        in_time(stub.until(|seen| seen.calls == 1)).await;
        let refused = Instant::now();
        in_time(stub.until(|seen| seen.calls == 2)).await;
        // The stub counts a call before it answers: the pause begins a little later than this.
        assert!(refused.elapsed() >= Duration::from_millis(1_400), "{:?}", refused.elapsed());
        assert_eq!(ann.ask("And again").await.text, Reply::default().whole());
    }
}

#[tokio::test]
async fn a_provider_that_stays_down_is_called_three_times_and_then_the_turn_is_an_error() {
    let stub = provider(Behaviour::Status(Failure::new(503))).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    let answer = ann.ask("Hello").await;
    assert_eq!((answer.kind.as_str(), answer.error.as_str()), ("error", "providers_unavailable"));
    assert_eq!(stub.calls().len(), 3);
    let stored = &ann.turns().await[0];
    assert_eq!(
        (&stored["kind"], &stored["error"]["code"]),
        (&"error".into(), &"providers_unavailable".into())
    );
}

#[tokio::test]
async fn a_reply_that_dies_every_time_ends_as_an_error_after_four_generations() {
    let stub = provider(Behaviour::DieMidStream { after: 2 }).await;
    let server = Setup::claude(&stub).with("CHATBOT_BREAKER_FAILURES", "100").start().await;
    let mut ann = Chatter::join(&server).await;
    let answer = ann.ask("Hello").await;
    assert_eq!((answer.kind.as_str(), answer.error.as_str()), ("error", "providers_unavailable"));
    assert_eq!(stub.calls().len(), 4);
}
