//! Frames of a client, and what it is pushed.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ingress::SocketSession;
use serde_json::{Value, json};
use shared::domain::{ConnectionId, Epoch, PrincipalHash};
use shared::memory::ConnectionState;
use shared::ports::push::MAX_FRAME_BYTES;
use shared::protocol::{ConnectionRow, TurnRow};

use crate::rows;
use crate::world::World;

async fn connected() -> (World, String, ConnectionId, SocketSession) {
    let world = World::new();
    let token = world.session().await;
    let session = world.connect(&token).await;
    (world, token, ConnectionId::new("c1="), session)
}

fn stamp(world: &World) -> Option<String> {
    let rows = world.store.inner.dump();
    let row = rows.iter().find(|item| item.key.sort == "C#c1=")?;
    Some(row.to_row::<ConnectionRow>().unwrap().stamp)
}

fn names(frames: &[Value]) -> Vec<&str> {
    frames.iter().map(|frame| frame["name"].as_str().or(frame["type"].as_str()).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_empty_session_is_resumed() {
    let (world, _, connection, session) = connected().await;
    let frames = world.resume(&connection, &session, 0).await;
    let value = json!({ "first": 1, "next": 1, "born": crate::world::START });
    assert_eq!(frames, [json!({ "type": "CUSTOM", "name": "chat.resumed", "value": value })]);
    assert!(stamp(&world).is_some());
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_comes_in_order_and_then_the_text_so_far() {
    let (world, _, connection, session) = connected().await;
    rows::put(&world, &rows::replied(&world, 1, "One.")).await;
    rows::put(&world, &rows::replied(&world, 2, "Period 3 is maths.")).await;
    rows::put(&world, &rows::failed(&world, 3)).await;
    let partial = Some("Period 4 is 🎈".to_owned());
    let running = TurnRow { partial, epoch: Epoch(2), ..rows::running(&world, 4) };
    rows::put(&world, &running).await;
    insta::assert_json_snapshot!(world.resume(&connection, &session, 1).await);
}

#[tokio::test(start_paused = true)]
async fn every_resume_has_a_new_stamp() {
    let (world, _, connection, session) = connected().await;
    world.resume(&connection, &session, 0).await;
    let first = stamp(&world);
    let frames = world.resume(&connection, &session, 0).await;
    assert_eq!(names(&frames), ["chat.resumed"]);
    assert_ne!(first, stamp(&world));
}

#[tokio::test(start_paused = true)]
async fn a_first_resume_is_announced_before_its_row_and_a_later_one_after() {
    let (world, _, connection, session) = connected().await;
    world.push.set(&connection, ConnectionState::Slow);
    world.resume(&connection, &session, 0).await;
    assert_eq!(stamp(&world), None, "nothing may precede the first chat.resumed");
    world.push.set(&connection, ConnectionState::Open);
    world.resume(&connection, &session, 0).await;
    let first = stamp(&world);
    world.push.set(&connection, ConnectionState::Slow);
    world.resume(&connection, &session, 0).await;
    assert_ne!(first, stamp(&world), "the worker learns of a later one at once");
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_claimed_during_a_resume_is_not_passed_over() {
    let (world, _, connection, session) = connected().await;
    *world.store.after_query.lock().unwrap() = rows::writes(&world, &rows::running(&world, 1));
    let frames = world.resume(&connection, &session, 0).await;
    assert_eq!((&frames[0]["value"]["first"], &frames[0]["value"]["next"]), (&json!(1), &json!(2)));
    assert_eq!(names(&frames)[1], "RUN_STARTED");
}

#[tokio::test(start_paused = true)]
async fn at_most_twenty_finals_come_at_once() {
    let (world, _, connection, session) = connected().await;
    for number in 1..=25 {
        rows::put(&world, &rows::replied(&world, number, "Answer")).await;
    }
    let frames = world.resume(&connection, &session, 0).await;
    assert_eq!(frames.len(), 21);
    assert_eq!(frames[0]["value"]["next"], 26);
    assert_eq!(frames[20]["metadata"]["turn"], 20);
    let frames = world.resume(&connection, &session, 20).await;
    assert_eq!(frames.len(), 6);
    assert_eq!(frames[5]["metadata"]["turn"], 25);
}

#[tokio::test(start_paused = true)]
async fn twenty_finals_and_the_text_so_far_fit_one_answer() {
    let (world, _, connection, session) = connected().await;
    for number in 1..=20 {
        rows::put(&world, &rows::replied(&world, number, "Answer")).await;
    }
    rows::put(&world, &rows::running(&world, 21)).await;
    let frames = world.resume(&connection, &session, 0).await;
    assert_eq!(names(&frames)[20..], ["RUN_FINISHED", "RUN_STARTED", "TEXT_MESSAGE_START"]);
}

#[tokio::test(start_paused = true)]
async fn long_texts_are_cut_and_no_frame_is_too_large() {
    let (world, _, connection, session) = connected().await;
    rows::put(&world, &rows::replied(&world, 1, &"界\u{1}".repeat(20_000))).await;
    let text = "🎈\u{1}\"é".repeat(9_000);
    rows::put(&world, &TurnRow { partial: Some(text.clone()), ..rows::running(&world, 2) }).await;
    world.ingress.socket_frame(&connection, &session, r#"{"type":"resume","after":0}"#).await;
    let frames = world.push.take_frames(&connection);
    assert!(frames.iter().all(|frame| frame.len() <= MAX_FRAME_BYTES));
    let frames: Vec<Value> =
        frames.iter().map(|frame| serde_json::from_str(frame).unwrap()).collect();
    assert_eq!(frames[1]["type"], "RUN_FINISHED");
    assert_eq!(frames[1].get("result"), None, "a final that does not fit is to be fetched");
    let mut whole = String::new();
    let mut offset = 0;
    for piece in frames.iter().filter(|frame| frame["type"] == "TEXT_MESSAGE_CONTENT") {
        assert_eq!(piece["metadata"]["offset"].as_u64(), Some(offset));
        whole.push_str(piece["delta"].as_str().unwrap());
        offset = shared::domain::utf16_len(&whole);
    }
    assert_eq!(whole, text);
}

#[tokio::test(start_paused = true)]
async fn a_malformed_frame_is_answered_by_what_is_wrong_with_it() {
    let (world, _, connection, session) = connected().await;
    for (frame, field) in [
        ("", None),
        ("hello", None),
        ("[]", None),
        ("{}", Some("type")),
        (r#"{"type":"chat"}"#, Some("type")),
        (r#"{"type":7,"after":1}"#, Some("type")),
        (r#"{"type":"resume"}"#, Some("after")),
        (r#"{"type":"resume","after":-1}"#, Some("after")),
        (r#"{"type":"resume","after":1.5}"#, Some("after")),
        (r#"{"type":"resume","after":"1"}"#, Some("after")),
        (r#"{"type":"resume","after":null}"#, Some("after")),
    ] {
        let frames = world.frame(&connection, &session, frame).await;
        assert_eq!(names(&frames), ["chat.error"], "{frame}");
        assert_eq!(frames[0]["value"]["code"], "malformed_frame");
        assert_eq!(frames[0]["value"]["field"].as_str(), field, "{frame}");
    }
    assert_eq!(stamp(&world), None);
    let frames =
        world.frame(&connection, &session, r#"{"type":"resume","after":0,"future":[]}"#).await;
    assert_eq!(names(&frames), ["chat.resumed"]);
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_gone_is_said_to_be_and_the_connection_closed() {
    let (world, token, connection, session) = connected().await;
    world.delete("/sessions/s").token(&token).send().await.ok(204);
    let frames = world.resume(&connection, &session, 0).await;
    assert_eq!(names(&frames), ["chat.error"]);
    assert_eq!(frames[0]["value"]["code"], "not_found");
    assert_eq!(world.push.state(&connection), ConnectionState::Gone);
    assert_eq!(stamp(&world), None);
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_somebody_else_learns_nothing() {
    let (world, _, connection, session) = connected().await;
    rows::put(&world, &rows::replied(&world, 1, "Private.")).await;
    let foreign = SocketSession { principal_hash: PrincipalHash::from_stored("other"), ..session };
    let frames = world.resume(&connection, &foreign, 0).await;
    assert_eq!(names(&frames), ["chat.error"]);
    assert_eq!(stamp(&world), None);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_gone_loses_its_row() {
    let (world, _, connection, session) = connected().await;
    world.resume(&connection, &session, 0).await;
    world.push.set(&connection, ConnectionState::Gone);
    world.resume(&connection, &session, 0).await;
    assert_eq!(stamp(&world), None);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_not_waited_for_long() {
    let (world, _, connection, session) = connected().await;
    world.push.set(&connection, ConnectionState::Slow);
    let began = tokio::time::Instant::now();
    world.resume(&connection, &session, 0).await;
    assert!(began.elapsed() <= Duration::from_secs(1));
    assert_eq!(stamp(&world), None);
    world.push.set(&connection, ConnectionState::Open);
    assert_eq!(names(&world.resume(&connection, &session, 0).await), ["chat.resumed"]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_interrupts_a_resume_quietly() {
    let (world, _, connection, session) = connected().await;
    world.store.down.store(true, Ordering::SeqCst);
    assert!(world.resume(&connection, &session, 0).await.is_empty());
    assert_eq!(world.push.state(&connection), ConnectionState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_closed_connection_loses_its_row() {
    let (world, _, connection, session) = connected().await;
    world.resume(&connection, &session, 0).await;
    world.ingress.socket_closed(&connection, &session).await;
    assert_eq!(stamp(&world), None);
    world.ingress.socket_closed(&connection, &session).await;
}
