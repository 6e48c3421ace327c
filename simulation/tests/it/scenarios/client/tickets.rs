//! Who gets a socket, and what a socket can ask for.

use std::time::Duration;

use client::transport::ConnectError;
use http::StatusCode;
use ingress::AuthorizeError;
use simulation::checks::mark;
use simulation::faults::{Function, PortCall};
use simulation::platform::Ended;
use simulation::scenario::{Scenario, ScenarioSetup, ScenarioUser};
use tokio::time::sleep;

use super::line::{Line, connections, is_final};

/// Tries to open a socket with a ticket; returns the status that it is refused with.
async fn refused(user: &ScenarioUser, ticket: &str) -> Option<StatusCode> {
    match user.account.transport().connect("wss://simulated.example", ticket).await {
        Ok(_) => None,
        Err(ConnectError::Refused(status)) => Some(status),
        Err(ConnectError::NoResponse) => panic!("nothing is lost here"),
    }
}

async fn ticket(user: &ScenarioUser) -> String {
    user.account.ticket(&user.session).await.unwrap().ticket
}

/// Counts what tickets leave behind: used nonces, and open connections.
fn traces(scenario: &Scenario) -> (usize, usize) {
    (
        scenario.faults.calls(Function::Ingress, PortCall::Count),
        scenario.cloud.network.open_connections(),
    )
}

#[tokio::test(start_paused = true)]
async fn s46_a_ticket_is_good_for_one_socket_and_for_half_a_minute() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let used = ticket(&anna).await;
    let (one, other) = tokio::join!(refused(&anna, &used), refused(&anna, &used));
    let mut both = [one, other];
    both.sort();
    assert_eq!(both, [None, Some(StatusCode::UNAUTHORIZED)], "one of two at once");
    assert_eq!(refused(&anna, &used).await, Some(StatusCode::UNAUTHORIZED));
    let late = ticket(&anna).await;
    let old = ticket(&anna).await;
    sleep(Duration::from_secs(29)).await;
    assert_eq!(refused(&anna, &late).await, None);
    sleep(Duration::from_secs(1)).await;
    let before = traces(&scenario);
    assert_eq!(refused(&anna, &old).await, Some(StatusCode::UNAUTHORIZED));
    assert_eq!(refused(&anna, &used).await, Some(StatusCode::UNAUTHORIZED));
    assert_eq!((traces(&scenario), connections(&scenario, &anna).await), (before, 0));
    scenario.end(&[]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s46_a_page_of_another_origin_is_refused_and_uses_no_ticket_up() {
    let scenario = ScenarioSetup::default()
        .with("CHATBOT_ALLOWED_ORIGINS", "https://school.example")
        .build()
        .unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let ticket = ticket(&anna).await;
    let before = traces(&scenario);
    let others = [
        "https://evil.example",
        "null",
        "",
        "http://school.example",
        "https://school.example.evil.example",
    ];
    for origin in others {
        let answer = scenario.platform.authorize(&ticket, Some(origin)).await;
        assert!(
            matches!(answer, Ended::Returned(Err(AuthorizeError::Origin))),
            "{origin}: {answer:?}"
        );
        assert_eq!(answer.returned().unwrap().unwrap_err().status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(traces(&scenario), before);
    let answer = scenario.platform.authorize(&ticket, Some("https://school.example")).await;
    assert_eq!(answer.returned().unwrap().unwrap().session_key, anna.key);
    scenario.end(&[]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s46_a_ticket_that_was_made_up_opens_nothing() {
    let scenario = Scenario::new().unwrap();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let ben = scenario.user(2, "lesson").await.unwrap();
    let own = ticket(&anna).await;
    let his = ticket(&ben).await;
    let before = traces(&scenario);
    // Ben's claims under the signature of Anna's ticket.
    let (claims, _) = his.rsplit_once('.').unwrap();
    let (_, signature) = own.rsplit_once('.').unwrap();
    let mut forged =
        vec![format!("{claims}.{signature}"), String::new(), anna.account.token().unwrap()];
    forged.extend((0..own.len()).map(|at| {
        let other = if own.as_bytes()[at] == b'A' { 'B' } else { 'A' };
        format!("{}{other}{}", &own[..at], &own[at + 1..])
    }));
    for ticket in &forged {
        assert_eq!(refused(&anna, ticket).await, Some(StatusCode::UNAUTHORIZED), "{ticket}");
    }
    assert_eq!(traces(&scenario), before);
    assert_eq!(refused(&anna, &own).await, None, "the real one is still good");
    scenario.end(&[]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn s46_a_resume_that_names_another_session_gets_the_own_one_and_nothing_else() {
    let scenario = Scenario::new().unwrap();
    scenario.drive();
    let anna = scenario.user(1, "lesson").await.unwrap();
    let ben = scenario.user(2, "bens").await.unwrap();
    anna.say("m1").await.unwrap();
    ben.say("m1").await.unwrap();
    sleep(Duration::from_secs(5)).await;
    let mut line = Line::open(&scenario, &anna).await;
    let key = ben.key.as_str();
    for session in ["session_id", "session_key", "threadId", "thread_id"] {
        line.say(&format!(r#"{{"type":"resume","after":0,"{session}":"{key}"}}"#)).await;
        line.say(&format!(r#"{{"type":"resume","after":0,"{session}":"bens"}}"#)).await;
    }
    line.say(&format!(r#"{{"type":"subscribe","session_key":"{key}"}}"#)).await;
    ben.say("m2").await.unwrap();
    sleep(Duration::from_secs(5)).await;
    let frames = line.came();
    assert_eq!(
        frames.iter().filter(|frame| is_final(frame)).count(),
        8,
        "her own, as often as she asked"
    );
    assert_eq!(frames.last().unwrap()["value"]["code"], "malformed_frame");
    let all = format!("{frames:?}");
    assert!(
        all.contains(&mark(1, "lesson", 1))
            && !all.contains("~u2.")
            && !all.contains(key)
            && !all.contains("bens")
    );
    assert_eq!((connections(&scenario, &anna).await, connections(&scenario, &ben).await), (1, 0));
    scenario.end(&[]).await.unwrap();
}
