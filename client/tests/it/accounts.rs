//! A principal's calls: what they send, what their answers mean, and how a message is settled.

use std::sync::Arc;
use std::time::Duration;

use client::account::{Accepted, Account, CALL_TIMEOUT, CallError, Message, SocketTicket};
use fastrand::Rng;
use http::StatusCode;
use shared::domain::Rating;
use tokio::time::Instant;

use super::recordings::{history, stored};
use super::service::{Reaction, Service, answer, answer_later};

const ACCEPTED: &str = r#"{"session_id":"s","message_id":"m1","session_token":"first","websocket":{"url":"ws://service/socket","ticket":"offered","expires_in":30}}"#;

fn account(reactions: impl IntoIterator<Item = Reaction>) -> (Account, Arc<Service>) {
    let (service, _) = Service::new(reactions);
    (Account::anonymous(Arc::<Service>::clone(&service)), service)
}

fn message() -> Message {
    Message::new("s", "m1", "Hello")
}

fn accepted() -> Accepted {
    let websocket = SocketTicket { url: "ws://service/socket".into(), ticket: "offered".into() };
    Accepted { session_id: "s".into(), message_id: "m1".into(), websocket }
}

async fn check_outcome(reaction: Reaction, expected: CallError) {
    assert_eq!(account([reaction]).0.post(&message()).await, Err(expected));
}

fn refused(status: StatusCode, code: Option<&str>, field: Option<&str>) -> CallError {
    CallError::Refused {
        status,
        code: code.map(str::to_owned),
        field: field.map(str::to_owned),
        detail: None,
    }
}

#[tokio::test(start_paused = true)]
async fn each_answer_has_its_outcome() {
    let seconds = Duration::from_secs;
    assert_eq!(account([answer(202, ACCEPTED)]).0.post(&message()).await, Ok(accepted()));
    check_outcome(answer(404, ""), CallError::NotFound).await;
    check_outcome(answer(409, ""), CallError::Conflict).await;
    check_outcome(answer_later(429, 7), CallError::RateLimited { retry_after: seconds(7) }).await;
    check_outcome(answer_later(503, 2), CallError::Unavailable { retry_after: seconds(2) }).await;
    check_outcome(answer(504, ""), CallError::Unavailable { retry_after: seconds(1) }).await;
    check_outcome(Reaction::NoResponse, CallError::NoResponse).await;
    let problem = r#"{"type":"urn:learning-yogi:chatbot:error:invalid_request","field":"message"}"#;
    check_outcome(
        answer(400, problem),
        refused(StatusCode::BAD_REQUEST, Some("invalid_request"), Some("message")),
    )
    .await;
    check_outcome(answer(500, "<html>"), refused(StatusCode::INTERNAL_SERVER_ERROR, None, None))
        .await;
    let malformed = CallError::Refused {
        status: StatusCode::ACCEPTED,
        code: None,
        field: None,
        detail: Some("the response does not follow the contract".to_owned()),
    };
    check_outcome(answer(202, "{}"), malformed).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_is_lost_after_a_while() {
    let begun = Instant::now();
    check_outcome(Reaction::Silent, CallError::NoResponse).await;
    assert!(
        begun.elapsed() >= CALL_TIMEOUT
            && begun.elapsed() < CALL_TIMEOUT + Duration::from_millis(10)
    );
}

#[tokio::test(start_paused = true)]
async fn every_call_is_written_as_the_contract_says() {
    let page = history(&[stored(1, Some("one"))]);
    let reactions = [
        (
            201,
            r#"{"session_id":"s","websocket":{"url":"ws://service/socket","ticket":"t","expires_in":30}}"#,
        ),
        (202, ACCEPTED),
        (200, &page),
        (202, "{}"),
        (204, ""),
        (204, ""),
        (200, r#"{"documents":[{"id":"d","title":"D"}]}"#),
    ];
    let (account, service) = account(reactions.map(|(status, body)| answer(status, body)));
    account.create_session(Some("s")).await.unwrap();
    let message =
        Message { document_id: Some("d".into()), provider: Some("claude".into()), ..message() };
    account.post(&message).await.unwrap();
    assert_eq!(account.history("s", 3, 20).await.unwrap().turns[0].text.as_deref(), Some("one"));
    account.stop("s", "m1").await.unwrap();
    account.rate("s", 1, Rating::Up, None).await.unwrap();
    account.delete("s").await.unwrap();
    assert_eq!(account.documents().await.unwrap()[0].id, "d");
    account.ticket("s").await.unwrap();
    let chat = r#"{"context":{"document_id":"d"},"message":"Hello","message_id":"m1","provider":"claude","session_id":"s"}"#;
    let expected = [
        r#"POST /sessions {"session_id":"s"}"#,
        &format!("POST /chat {chat}"),
        "GET /sessions/s/turns?after=3&limit=20",
        r#"POST /sessions/s/stop {"message_id":"m1"}"#,
        r#"POST /sessions/s/turns/1/feedback {"comment":null,"rating":"up"}"#,
        "DELETE /sessions/s",
        "GET /documents",
        "POST /sessions/s/tickets",
    ];
    assert_eq!(service.asked(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_kept_and_replaced_by_a_newer_one() {
    let (account, service) = account([
        answer(202, ACCEPTED),
        answer(202, &ACCEPTED.replace("first", "second")),
        answer(202, &ACCEPTED.replace(r#""session_token":"first","#, "")),
        answer(401, ""),
    ]);
    let mut tokens = Vec::new();
    for _ in 0..4 {
        _ = account.post(&message()).await;
        tokens.push(account.token().unwrap());
    }
    assert_eq!(tokens, ["first", "second", "second", "second"]);
    let requests = service.requests();
    let bearer = requests
        .iter()
        .map(|request| request.headers().get("authorization").map(|text| text.to_str().unwrap()));
    let bearer: Vec<_> = bearer.collect();
    assert_eq!(bearer, [None, Some("Bearer first"), Some("Bearer second"), Some("Bearer second")]);
    assert!(requests.iter().all(|request| request.headers()["idempotency-key"] == "m1"));
}

#[tokio::test(start_paused = true)]
async fn a_message_is_sent_again_under_its_id_until_it_is_accepted() {
    let reactions =
        [Reaction::NoResponse, answer_later(503, 2), answer_later(429, 9), answer(202, ACCEPTED)];
    let (account, service) = account(reactions);
    let begun = Instant::now();
    let until = begun + Duration::from_mins(1);
    assert_eq!(
        account.post_with_retries(&message(), &mut Rng::with_seed(1), until).await,
        Ok(accepted())
    );
    let asked = service.asked();
    assert_eq!((asked.len(), asked.iter().all(|call| *call == asked[0])), (4, true));
    let least = Duration::from_millis(250) + Duration::from_secs(2 + 9);
    assert!(
        begun.elapsed() >= least && begun.elapsed() <= least + Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_refused_for_good_is_not_sent_again() {
    for (status, error) in [(409, CallError::Conflict), (404, CallError::NotFound)] {
        let (account, service) = account([answer(status, "")]);
        let until = Instant::now() + Duration::from_mins(1);
        assert_eq!(
            account.post_with_retries(&message(), &mut Rng::with_seed(1), until).await,
            Err(error)
        );
        assert_eq!(service.asked().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_is_given_up_at_its_deadline() {
    let (account, service) = account((0..100).map(|_| Reaction::NoResponse));
    let begun = Instant::now();
    let until = begun + Duration::from_secs(20);
    assert_eq!(
        account.post_with_retries(&message(), &mut Rng::with_seed(1), until).await,
        Err(CallError::NoResponse)
    );
    assert!(
        Instant::now() <= until && begun.elapsed() > Duration::from_secs(11),
        "{:?}",
        begun.elapsed()
    );
    assert!((4..9).contains(&service.asked().len()));
}
