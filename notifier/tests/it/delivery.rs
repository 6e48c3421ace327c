//! One final: pushed, emitted, marked.

use std::time::Duration;

use notifier::NotifierError;
use shared::analytics::Texts;
use shared::domain::{ConnectionId, ExpiresAt, Rating, SessionId, TurnNumber};
use shared::memory::ConnectionState;
use shared::ports::{Clock as _, Durability, Queue as _, Store as _};
use shared::protocol::TurnOutcome;
use shared::protocol::{ConnectionRow, connection};
use shared::queue_messages::{DeletedNotice, Feedback, ReplyMessage};
use tokio::time::Instant;

use crate::support::world::{Ended, START, TEXT, error, key, principal, reply};
use crate::support::{CallFilter, Fault, PortCall, World, pass};

#[tokio::test(start_paused = true)]
async fn a_final_goes_to_every_connection_and_the_bus_and_is_marked() {
    let world = World::new();
    world.answer("a", &reply(TEXT)).await;
    let tabs = [world.connect("a", "c1").await, world.connect("a", "c2").await];
    assert!(matches!(world.deliver().await, Ended::Acked));
    for tab in &tabs {
        let frames = world.frames(tab);
        assert_eq!((frames.len(), &frames[0]["type"]), (1, &"RUN_FINISHED".into()));
        assert_eq!(frames[0]["result"]["text"], TEXT);
    }
    assert_eq!((world.published().len(), world.state("a", 1).await), (1, "DEL"));
    let meta = world.meta("a").await.unwrap();
    assert_eq!((meta.total_turns, meta.total_input_tokens, meta.total_output_tokens), (1, 10, 20));
    assert_eq!(meta.total_cost_micro_usd.0, 3);
}

#[tokio::test(start_paused = true)]
async fn an_absent_or_running_turn_is_acknowledged_and_nothing_is_pushed() {
    let world = World::new();
    let turn = world.run("a").await;
    let tab = world.connect("a", "c1").await;
    world.enqueue("a", turn.turn.get()).await;
    world.enqueue("a", 7).await;
    world.enqueue("nowhere", 1).await;
    for _ in 0..3 {
        assert!(matches!(world.deliver().await, Ended::Acked));
    }
    assert!(world.frames(&tab).is_empty() && world.published().is_empty());
    assert_eq!(world.state("a", 1).await, "RUN");
}

#[tokio::test(start_paused = true)]
async fn a_repeated_pointer_pushes_again_and_counts_nothing_twice() {
    let world = World::new();
    world.answer("a", &reply(TEXT)).await;
    let tab = world.connect("a", "c1").await;
    world.drain().await;
    pass(Duration::from_mins(6)).await;
    world.enqueue("a", 1).await;
    world.drain().await;
    let frames = world.frames(&tab);
    assert_eq!((frames.len(), &frames[0]), (2, &frames[1]));
    assert_eq!((world.published().len(), world.meta("a").await.unwrap().total_turns), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn two_deliveries_of_one_final_at_once_count_it_once() {
    let world = World::new();
    world.answer("a", &reply(TEXT)).await;
    let delivery = world.receive().await;
    // Both have read it as committed before either marks it.
    world.faults.during(PortCall::PutEvents, 1..=2, Fault::Stall(Duration::from_secs(1)));
    let (one, other) =
        tokio::join!(world.notifier.handle(&delivery), world.notifier.handle(&delivery));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!((world.published().len(), world.event_ids().len()), (2, 1));
    assert_eq!((world.meta("a").await.unwrap().total_turns, world.state("a", 1).await), (1, "DEL"));
}

#[tokio::test(start_paused = true)]
async fn a_session_deleted_while_its_final_is_delivered_stays_deleted() {
    let world = World::new();
    world.answer("a", &reply(TEXT)).await;
    world.faults.during(PortCall::PutEvents, 1..=1, Fault::Stall(Duration::from_secs(1)));
    let delete = async {
        pass(Duration::from_millis(500)).await;
        world.bury("a").await;
    };
    let (ended, ()) = tokio::join!(world.deliver(), delete);
    assert!(matches!(ended, Ended::Acked));
    let meta = world.meta("a").await.unwrap();
    assert_eq!((meta.deleted, meta.total_turns, meta.owner()), (true, 0, None));
}

#[tokio::test(start_paused = true)]
async fn failed_and_cancelled_turns_are_delivered_too() {
    let world = World::new();
    world.answer("a", &error()).await;
    world.answer("a", &TurnOutcome::cancelled("So far".into())).await;
    let tab = world.connect("a", "c1").await;
    world.drain().await;
    let frames = world.frames(&tab);
    assert_eq!(
        (&frames[0]["type"], &frames[1]["type"]),
        (&"RUN_ERROR".into(), &"RUN_FINISHED".into())
    );
    assert_eq!(frames[1]["metadata"]["finishReason"], "cancelled");
    let kinds: Vec<&str> = world.published().iter().map(|entry| entry.detail_type).collect();
    assert_eq!(kinds, ["Chat Failed", "Chat Message"]);
}

#[tokio::test(start_paused = true)]
async fn a_final_too_large_for_a_frame_goes_without_its_text() {
    let world = World::new();
    let text = "€".repeat(20_000);
    world.answer("a", &reply(&text)).await;
    let tab = world.connect("a", "c1").await;
    world.drain().await;
    let frame = &world.frames(&tab)[0];
    assert_eq!(
        (frame.get("result"), &frame["metadata"]["sha256"]),
        (None, &shared::domain::sha256_hex(&text).into())
    );
}

#[tokio::test(start_paused = true)]
async fn of_three_connections_the_gone_one_loses_its_row() {
    let world = World::new();
    world.answer("a", &reply(TEXT)).await;
    let tabs = [
        world.connect("a", "c1").await,
        world.connect("a", "c2").await,
        world.connect("a", "c3").await,
    ];
    world.push.push.set(&tabs[1], ConnectionState::Gone);
    world.drain().await;
    assert!(!world.is_connected("a", &tabs[1]).await);
    assert_eq!((world.frames(&tabs[0]).len(), world.frames(&tabs[2]).len()), (1, 1));
    assert_eq!(world.state("a", 1).await, "DEL");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_stays_slow_is_closed_and_fails_nothing() {
    let world = World::new();
    world.answer("a", &reply(TEXT)).await;
    let slow = world.connect("a", "slow").await;
    let other = world.connect("a", "other").await;
    world.push.push.set(&slow, ConnectionState::Slow);
    let began = Instant::now();
    assert!(matches!(world.deliver().await, Ended::Acked));
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(*world.push.closed.lock().unwrap(), std::slice::from_ref(&slow));
    assert!(!world.is_connected("a", &slow).await && world.is_connected("a", &other).await);
    assert_eq!((world.frames(&other).len(), world.state("a", 1).await), (1, "DEL"));
}

#[tokio::test(start_paused = true)]
async fn a_push_that_hangs_counts_as_slow() {
    let world = World::new();
    world.answer("a", &reply(TEXT)).await;
    let tab = world.connect("a", "c1").await;
    world.faults.during(PortCall::Push, 1..=1, Fault::Hang);
    world.drain().await;
    assert_eq!(
        (world.frames(&tab).len(), world.is_connected("a", &tab).await),
        (1, true),
        "the second try went out"
    );
}

#[tokio::test(start_paused = true)]
async fn pushes_that_fail_never_fail_the_record() {
    let world = World::new();
    world.answer("a", &reply(TEXT)).await;
    let tab = world.connect("a", "c1").await;
    world.faults.during(PortCall::Push, 1..=9, Fault::Fail);
    assert!(matches!(world.deliver().await, Ended::Acked));
    assert_eq!((world.is_connected("a", &tab).await, world.state("a", 1).await), (true, "DEL"));
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_another_principal_gets_nothing() {
    let world = World::new();
    world.answer("a", &reply(TEXT)).await;
    let row = ConnectionRow {
        connection_id: ConnectionId::new("foreign"),
        principal_hash: shared::domain::Principal::parse("anon:other").unwrap().hash(),
        stamp: "s".into(),
        expires_at: ExpiresAt::at(world.clock.now().plus(Duration::from_hours(1))),
    };
    let writes = connection::register(&key("a"), &row).unwrap();
    world.table.transact(writes, Durability::Ordered).await.unwrap();
    world.drain().await;
    assert!(world.frames(&row.connection_id).is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_was_not_taken_is_tried_again() {
    let world = World::new();
    world.answer("a", &reply(TEXT)).await;
    let id = format!("{}.1.m1.{}", key("a"), START.0);
    world.events.refused.lock().unwrap().insert(id.clone());
    world.drain().await;
    assert_eq!(*world.events.calls.lock().unwrap(), [[id.clone()], [id]]);
    assert_eq!((world.published().len(), world.state("a", 1).await), (1, "DEL"));
}

#[tokio::test(start_paused = true)]
async fn a_bus_that_is_away_for_two_seconds_delays_no_reply() {
    for fault in [Fault::Fail, Fault::Hang] {
        let world = World::new();
        world.answer("a", &reply(TEXT)).await;
        let tab = world.connect("a", "c1").await;
        world.faults.during(PortCall::PutEvents, 1..=100, fault);
        let began = Instant::now();
        assert!(matches!(world.deliver().await, Ended::Acked));
        assert!(began.elapsed() <= Duration::from_millis(2_001));
        assert_eq!((world.frames(&tab).len(), world.state("a", 1).await), (1, "COM"));
        assert_eq!(world.meta("a").await.unwrap().total_turns, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_is_a_failure() {
    let world = World::new();
    world.answer("a", &reply(TEXT)).await;
    world.faults.during(CallFilter::Reads, 1..=1, Fault::Fail);
    assert!(matches!(world.deliver().await, Ended::Failed(NotifierError::Store(_))));
    world.drain().await;
    assert_eq!(world.state("a", 1).await, "DEL");
}

#[tokio::test(start_paused = true)]
async fn a_deleted_session_gets_no_more_finals() {
    let world = World::new();
    world.answer("a", &reply(TEXT)).await;
    let tab = world.connect("a", "c1").await;
    world.bury("a").await;
    assert!(matches!(world.deliver().await, Ended::Acked));
    assert!(world.frames(&tab).is_empty() && world.published().is_empty());
}

fn feedback(comment: Option<&str>) -> ReplyMessage {
    let session_key = key("a");
    let turn = TurnNumber::FIRST;
    let comment = comment.map(str::to_owned);
    ReplyMessage::Feedback(Feedback {
        session_key,
        turn,
        rating: Rating::Up,
        comment,
        given_at: START,
    })
}

#[tokio::test(start_paused = true)]
async fn a_verdict_becomes_an_event() {
    for (texts, comment) in [(Texts::Omitted, None), (Texts::Included, Some("thanks"))] {
        let world = World::telling(texts);
        world.answer("a", &reply(TEXT)).await;
        world.drain().await;
        world.replies.send(feedback(Some("thanks")).outgoing()).await.unwrap();
        world.drain().await;
        let event = world.published().pop().unwrap();
        assert_eq!((event.detail_type, &event.detail["rating"]), ("Chat Feedback", &"up".into()));
        assert_eq!(event.detail.get("comment").and_then(|comment| comment.as_str()), comment);
        assert_eq!(event.detail["comment_length"], 6);
    }
}

#[tokio::test(start_paused = true)]
async fn a_verdict_is_delivered_again_until_the_bus_takes_it() {
    let world = World::new();
    world.answer("a", &reply(TEXT)).await;
    world.drain().await;
    world.replies.send(feedback(None).outgoing()).await.unwrap();
    world.faults.during(PortCall::PutEvents, 1..=5, Fault::Fail);
    assert!(matches!(world.deliver().await, Ended::Failed(NotifierError::Event)));
    world.drain().await;
    assert_eq!(world.published().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_on_a_session_that_is_gone_says_nothing() {
    let world = World::new();
    world.replies.send(feedback(Some("late")).outgoing()).await.unwrap();
    world.drain().await;
    assert!(world.published().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_deleted_sessions_event_is_emitted() {
    let world = World::new();
    let session_id = SessionId::parse("a").unwrap();
    let notice = DeletedNotice { session_key: key("a"), session_id, deleted_at: START };
    world.replies.send(ReplyMessage::Deleted(notice).outgoing()).await.unwrap();
    world.drain().await;
    assert_eq!(world.published()[0].detail_type, "Session Deleted");
    assert!(!world.published()[0].detail.to_string().contains(principal().as_str()));
}

#[tokio::test(start_paused = true)]
async fn an_event_holds_no_text_unless_it_may() {
    for (texts, held) in [(Texts::Omitted, false), (Texts::Included, true)] {
        let world = World::telling(texts);
        world.answer("a", &reply("canary-reply")).await;
        world.drain().await;
        let detail = world.published()[0].detail.to_string();
        assert_eq!(
            (detail.contains("canary-reply"), detail.contains("\"question\"")),
            (held, held)
        );
    }
}
