//! The circuit breaker, on time that the tests move.

use std::time::Duration;

use shared::environment::Environment;
use shared::ports::ModelError;
use tokio::time::{Instant, advance};
use worker::calls::breaker::Breaker;
use worker::config::BreakerSettings;

fn breaker() -> Breaker {
    Breaker::new(BreakerSettings::from_env(&Environment::default()).unwrap())
}

fn broken() -> ModelError {
    ModelError::Broken("reset".to_owned())
}

fn busy(retry_after: Option<u64>) -> ModelError {
    ModelError::Busy { code: "429".to_owned(), retry_after: retry_after.map(Duration::from_secs) }
}

async fn after(seconds: u64) {
    advance(Duration::from_secs(seconds)).await;
}

fn fail(breaker: &Breaker, times: usize, error: &ModelError) {
    for _ in 0..times {
        breaker.acquire(Instant::now()).expect("it is closed").failed(error, Instant::now());
    }
}

/// Checks how many seconds the next call has to wait.
#[track_caller]
fn check(breaker: &Breaker, seconds: u64) {
    let now = Instant::now();
    assert_eq!(breaker.ready_at(now), now + Duration::from_secs(seconds));
}

#[tokio::test(start_paused = true)]
async fn five_failures_in_a_row_open_it_for_fifteen_seconds() {
    let breaker = breaker();
    fail(&breaker, 4, &broken());
    check(&breaker, 0);
    fail(&breaker, 1, &busy(None));
    check(&breaker, 15);
    assert_eq!(
        breaker.acquire(Instant::now()).unwrap_err(),
        Instant::now() + Duration::from_secs(15)
    );
}

#[tokio::test(start_paused = true)]
async fn failures_far_apart_do_not_open_it() {
    let breaker = breaker();
    for _ in 0..20 {
        fail(&breaker, 1, &broken());
        after(8).await;
    }
    check(&breaker, 0);
    fail(&breaker, 2, &broken());
    check(&breaker, 15);
}

#[tokio::test(start_paused = true)]
async fn a_success_forgets_the_failures_before_it() {
    let breaker = breaker();
    fail(&breaker, 4, &broken());
    breaker.acquire(Instant::now()).unwrap().succeeded();
    fail(&breaker, 4, &broken());
    check(&breaker, 0);
}

#[tokio::test(start_paused = true)]
async fn one_trial_at_a_time_decides_whether_it_closes() {
    let breaker = breaker();
    fail(&breaker, 5, &broken());
    after(15).await;
    let trial = breaker.acquire(Instant::now()).unwrap();
    assert!(breaker.acquire(Instant::now()).is_err(), "the trial runs");
    trial.failed(&broken(), Instant::now());
    check(&breaker, 15);
    after(15).await;
    breaker.acquire(Instant::now()).unwrap().succeeded();
    check(&breaker, 0);
    fail(&breaker, 4, &broken());
    check(&breaker, 0);
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_was_given_up_leaves_its_place() {
    let breaker = breaker();
    fail(&breaker, 5, &broken());
    after(15).await;
    drop(breaker.acquire(Instant::now()).unwrap());
    breaker.acquire(Instant::now()).unwrap().succeeded();
    check(&breaker, 0);
}

#[tokio::test(start_paused = true)]
async fn a_trial_that_says_nothing_makes_room_for_another() {
    let breaker = breaker();
    fail(&breaker, 5, &broken());
    after(15).await;
    let silent = breaker.acquire(Instant::now()).unwrap();
    after(15).await;
    let second = breaker.acquire(Instant::now()).unwrap();
    drop(silent);
    assert!(breaker.acquire(Instant::now()).is_err(), "the second trial runs");
    second.succeeded();
    check(&breaker, 0);
}

#[tokio::test(start_paused = true)]
async fn calls_from_before_it_opened_neither_close_it_nor_keep_it_open() {
    let breaker = breaker();
    let early = [(); 3].map(|()| breaker.acquire(Instant::now()).unwrap());
    fail(&breaker, 5, &broken());
    after(10).await;
    let [success, failure, dropped] = early;
    success.succeeded();
    failure.failed(&broken(), Instant::now());
    drop(dropped);
    check(&breaker, 5);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_the_provider_asks_for_is_kept() {
    let breaker = breaker();
    fail(&breaker, 1, &busy(Some(40)));
    check(&breaker, 40);
    assert_eq!(
        breaker.acquire(Instant::now()).unwrap_err(),
        Instant::now() + Duration::from_secs(40)
    );
    after(40).await;
    check(&breaker, 0);
}

#[tokio::test(start_paused = true)]
async fn a_shorter_pause_does_not_shorten_a_longer_one_nor_does_a_success() {
    let breaker = breaker();
    let [one, two, three] = [(); 3].map(|()| breaker.acquire(Instant::now()).unwrap());
    one.failed(&busy(Some(40)), Instant::now());
    two.failed(&busy(Some(5)), Instant::now());
    three.succeeded();
    check(&breaker, 40);
}

#[tokio::test(start_paused = true)]
async fn refused_keys_and_requests_are_answers_of_a_healthy_provider() {
    let breaker = breaker();
    fail(&breaker, 9, &ModelError::Unauthorized("401".to_owned()));
    fail(&breaker, 9, &ModelError::Permanent("400".to_owned()));
    check(&breaker, 0);
    fail(&breaker, 5, &broken());
    after(15).await;
    fail(&breaker, 1, &ModelError::Permanent("400".to_owned()));
    check(&breaker, 0);
}

#[test]
fn a_bad_setting_names_its_variable() {
    let environment = Environment::default().with("CHATBOT_BREAKER_FAILURES", "0");
    let error = BreakerSettings::from_env(&environment).unwrap_err();
    assert_eq!(
        error.to_string(),
        "CHATBOT_BREAKER_FAILURES is \"0\", but must be a whole number from 1 to 1000"
    );
}

#[tokio::test(start_paused = true)]
async fn a_long_pause_is_granted_up_to_a_minute() {
    let breaker = breaker();
    fail(&breaker, 1, &busy(Some(3_600)));
    check(&breaker, 60);
    after(60).await;
    breaker.acquire(Instant::now()).expect("a call is tried").succeeded();
    check(&breaker, 0);
}
