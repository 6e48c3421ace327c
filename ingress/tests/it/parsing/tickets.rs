//! Tickets, as the upgrade's query brings them.

use ingress::AuthorizeError;
use proptest::prelude::*;
use shared::domain::Timestamp;

use super::corpus::{corpus, table};
use super::door::Door;
use super::forgery::{rearranged, respelled, slips};
use super::mutations::mutants;
use super::run;
use crate::world::START;

const CORPUS: &str = "tests/corpus/tickets";

async fn ticket(door: &Door) -> String {
    let answer = door.post("/sessions/s/tickets", b"").await.ok(201);
    answer.json["websocket"]["ticket"].as_str().unwrap().to_owned()
}

async fn check_all_refused(door: &Door, tickets: impl IntoIterator<Item = String>) {
    for ticket in tickets {
        let refusal =
            door.world.ingress.authorize_socket(&ticket, None, None).await.expect_err(&ticket);
        assert!(matches!(refusal, AuthorizeError::Ticket), "{ticket}");
    }
    door.check_untouched();
}

async fn check_opens_once(door: &Door, ticket: &str) {
    let session = door.world.ingress.authorize_socket(ticket, None, None).await.unwrap();
    assert_eq!(session.session_key, crate::rows::key_of_s(&door.world));
    assert!(door.world.ingress.authorize_socket(ticket, None, None).await.is_err());
}

#[test]
fn tickets_of_the_corpus_come_to_this() {
    let outcome = async |text: &str| {
        let door = Door::open().await;
        match door.world.ingress.authorize_socket(text, None, None).await {
            Ok(session) => {
                format!("{} of {}", session.session_key, session.principal_hash.as_str())
            }
            Err(refusal) => {
                door.check_untouched();
                format!("{} {refusal}", refusal.status().as_u16())
            }
        }
    };
    let seeds = corpus(CORPUS);
    insta::assert_snapshot!(table(
        seeds.iter().map(|seed| (seed.name.clone(), run(outcome(seed.text()))))
    ));
}

#[test]
fn a_ticket_with_one_slip_is_refused_and_does_not_use_the_ticket_up() {
    run(async {
        let door = Door::open().await;
        let ticket = ticket(&door).await;
        check_all_refused(&door, slips(&ticket)).await;
        check_opens_once(&door, &ticket).await;
    });
}

#[test]
fn a_ticket_has_one_spelling() {
    run(async {
        let door = Door::open().await;
        let ticket = ticket(&door).await;
        check_all_refused(&door, respelled(&ticket)).await;
        check_all_refused(
            &door,
            [format!(" {ticket}"), format!("{ticket} "), format!("Bearer {ticket}")],
        )
        .await;
        check_opens_once(&door, &ticket).await;
    });
}

#[test]
fn no_parts_of_tickets_make_another_ticket() {
    run(async {
        let door = Door::open().await;
        let one = ticket(&door).await;
        let other = ticket(&door).await;
        check_all_refused(&door, rearranged(&one, &other)).await;
        check_all_refused(&door, rearranged(&one, &door.token)).await;
        check_all_refused(
            &door,
            [one.replacen("ticket1", "ticket2", 1), one.replacen("ticket1", "yogi1", 1)],
        )
        .await;
        check_opens_once(&door, &one).await;
        check_opens_once(&door, &other).await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_ticket_is_refused(ticket in mutants(&corpus(CORPUS)), origin: Option<String>, host: Option<String>) {
        run(async {
            let door = Door::open().await;
            let text = String::from_utf8_lossy(&ticket);
            if corpus(CORPUS).iter().any(|seed| seed.bytes == ticket) {
                return;
            }
            let refused = door.world.ingress.authorize_socket(&text, origin.as_deref(), host.as_deref()).await;
            assert_eq!(refused.expect_err(&text).status(), 401);
            door.check_untouched();
        });
    }

    #[test]
    fn no_time_makes_a_strange_ticket_good(ticket in mutants(&corpus(CORPUS)), skew: i32) {
        run(async {
            let door = Door::open().await;
            door.world.clock.set(Timestamp(START.0 + i64::from(skew)));
            let text = String::from_utf8_lossy(&ticket);
            let genuine = corpus(CORPUS).iter().any(|seed| seed.bytes == ticket);
            assert!(genuine || door.world.ingress.authorize_socket(&text, None, None).await.is_err());
        });
    }
}
