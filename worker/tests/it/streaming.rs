//! Provisional text: which frames a connection gets, and when.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use shared::domain::{ConnectionId, utf16_len};
use shared::memory::ConnectionState;
use shared::protocol::TurnState;
use worker::config::Pace;

use crate::support::model::Failure;
use crate::support::ports::Frame;
use crate::support::world::{Ended, pass};
use crate::support::{FakeModel, Fault, PortCall, Setup, Step, World, fail, finish, says, wait};

const TEXT: &str = "Period 3 👩‍🏫 is maths — 🎈 bring a ruler";

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn model(pause: u64) -> Arc<FakeModel> {
    FakeModel::claude(vec![[wait(500), says(TEXT, millis(pause)), finish()].concat()])
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

fn is_text(event: &Value) -> bool {
    event["type"] == "TEXT_MESSAGE_CONTENT"
}

/// Puts a generation's pieces together; fails if one is not where the one before it ended.
#[track_caller]
fn text(events: &[Value], generation: u64) -> String {
    let mut text = String::new();
    for event in
        events.iter().filter(|event| is_text(event) && event["metadata"]["gen"] == generation)
    {
        assert_eq!(event["metadata"]["offset"], utf16_len(&text), "after {text:?}");
        assert_eq!(event["messageId"], format!("m1.{generation}"));
        text.push_str(event["delta"].as_str().unwrap());
    }
    text
}

fn texts(frames: &[Frame]) -> Vec<&Frame> {
    frames.iter().filter(|frame| is_text(&frame.event)).collect()
}

async fn tell(model: &Arc<FakeModel>) -> (World, ConnectionId) {
    let world = World::new(model);
    world.say("m1").await;
    let connection = world.connect("c1", "s1").await;
    world.drain().await;
    (world, connection)
}

#[tokio::test(start_paused = true)]
async fn a_connection_gets_the_openings_and_then_every_piece_in_order() {
    let (world, connection) = tell(&model(50)).await;
    let events = world.events(&connection);
    assert_eq!(kinds(&events)[..3], ["RUN_STARTED", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT"]);
    assert!(kinds(&events)[2..].iter().all(|kind| kind.starts_with("TEXT_MESSAGE_")));
    assert!(TEXT.starts_with(&text(&events, 1)) && text(&events, 1).len() > TEXT.len() / 2);
    assert_eq!(events[0]["runId"], "m1");
    assert_eq!(events[0]["threadId"], "lesson");
    assert_eq!(events[0]["metadata"], json!({ "turn": 1, "gen": 1 }));
}

#[tokio::test(start_paused = true)]
async fn the_first_piece_goes_at_once_and_the_others_at_the_pace() {
    let (world, connection) = tell(&model(7)).await;
    let frames = world.frames(&connection);
    let times: Vec<Duration> = texts(&frames).iter().map(|frame| frame.at).collect();
    assert!((millis(507)..=millis(509)).contains(&times[0]), "{times:?}");
    assert!(times.windows(2).all(|pair| pair[1].abs_diff(pair[0]) >= millis(28)), "{times:?}");
    assert!(times.windows(2).all(|pair| pair[1].abs_diff(pair[0]) <= millis(38)), "{times:?}");
    assert_eq!(texts(&frames)[0].event["delta"], "Period ");
    assert!(
        texts(&frames)[1].event["delta"].as_str().unwrap().split(' ').count() > 3,
        "pieces are put together"
    );
}

#[tokio::test(start_paused = true)]
async fn the_pace_is_that_of_the_beginning_for_a_second_after_the_first_piece() {
    let model = FakeModel::claude(vec![
        [wait(3_000), says(&"word ".repeat(400), millis(10)), finish()].concat(),
    ]);
    let world = World::of(Setup { pace: Pace::AWS, ..Setup::new(vec![model]) });
    world.say("m1").await;
    let connection = world.connect("c1", "s1").await;
    world.drain().await;
    let frames = world.frames(&connection);
    let gaps: Vec<u128> = texts(&frames)
        .windows(2)
        .map(|pair| pair[1].at.abs_diff(pair[0].at).as_millis() / 10 * 10)
        .collect();
    assert_eq!(gaps[..5], [200; 5], "{gaps:?}");
    assert!(gaps[5..].iter().all(|gap| (490..=520).contains(gap)), "{gaps:?}");
}

#[tokio::test(start_paused = true)]
async fn where_frames_are_billed_a_reply_of_five_seconds_costs_fifteen_frames_and_its_final() {
    let reply = says(&"word ".repeat(50), millis(100));
    let model = FakeModel::claude(vec![[reply, finish()].concat()]);
    let world = World::of(Setup { pace: Pace::AWS, ..Setup::new(vec![model]) });
    world.say("m1").await;
    let connection = world.connect("c1", "s1").await;
    world.drain().await;
    assert_eq!(world.events(&connection).len(), 15, "{:?}", kinds(&world.events(&connection)));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_appears_in_the_middle_gets_all_from_the_beginning() {
    let world = Arc::new(World::new(&model(300)));
    world.say("m1").await;
    let early = world.connect("early", "s1").await;
    let delivery = world.begin().await;
    pass(1_900).await;
    let late = world.connect("late", "s1").await;
    let connected = world.elapsed();
    assert!(matches!(delivery.await.unwrap(), Ended::Acked));
    let frames = world.frames(&late);
    assert!(frames[0].at.abs_diff(connected) <= millis(1_010), "the list is read once a second");
    let events = world.events(&late);
    assert_eq!(kinds(&events)[..3], ["RUN_STARTED", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT"]);
    assert!(text(&events, 1).starts_with("Period 3 👩‍🏫 is maths "), "{}", text(&events, 1));
    assert_eq!(text(&events, 1), text(&world.events(&early), 1));
}

#[tokio::test(start_paused = true)]
async fn the_first_connection_is_found_within_a_fifth_of_a_second() {
    let world = Arc::new(World::new(&model(100)));
    world.say("m1").await;
    let delivery = world.begin().await;
    pass(650).await;
    let connection = world.connect("c1", "s1").await;
    let connected = world.elapsed();
    assert!(matches!(delivery.await.unwrap(), Ended::Acked));
    assert!(world.frames(&connection)[0].at.abs_diff(connected) <= millis(210));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_resumed_gets_all_again() {
    let world = Arc::new(World::new(&model(300)));
    world.say("m1").await;
    let connection = world.connect("c1", "s1").await;
    let delivery = world.begin().await;
    pass(1_900).await;
    let before = world.events(&connection).len();
    world.connect("c1", "s2").await;
    assert!(matches!(delivery.await.unwrap(), Ended::Acked));
    let events = world.events(&connection);
    let again =
        before + events[before..].iter().position(|event| event["type"] == "RUN_STARTED").unwrap();
    assert_eq!(
        kinds(&events)[again..again + 3],
        ["RUN_STARTED", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT"]
    );
    assert!(!text(&events[..again], 1).is_empty());
    assert!(text(&events[again..], 1).starts_with("Period 3 👩‍🏫 is maths "));
}

#[tokio::test(start_paused = true)]
async fn a_new_generation_begins_with_its_own_opening_at_offset_zero() {
    let first = [wait(500), says("Wrong begin ", millis(100)), fail(Failure::Broken)].concat();
    let second = [wait(100), says(TEXT, millis(50)), finish()].concat();
    let (world, connection) = tell(&FakeModel::claude(vec![first, second])).await;
    let events = world.events(&connection);
    assert_eq!(text(&events, 1), "Wrong begin ");
    let restart = events
        .iter()
        .position(|event| event["metadata"]["gen"] == 2 && event["type"] == "TEXT_MESSAGE_START");
    let second = &events[restart.expect("a new generation has its own opening")..];
    assert!(second.iter().all(|event| event["metadata"]["gen"] == 2), "never a splice");
    assert!(TEXT.starts_with(&text(second, 2)) && !text(second, 2).is_empty());
    assert_eq!(world.final_of(1).await.text.as_deref(), Some(TEXT));
}

#[tokio::test(start_paused = true)]
async fn retries_and_fallbacks_are_told() {
    let claude = FakeModel::claude(vec![[wait(100), fail(Failure::Permanent)].concat()]);
    let openai = FakeModel::openai(vec![
        [wait(100), fail(Failure::Broken)].concat(),
        [wait(300), says(TEXT, millis(50)), finish()].concat(),
    ]);
    let world = World::of(Setup::new(vec![claude, openai]));
    world.say("m1").await;
    let connection = world.connect("c1", "s1").await;
    world.drain().await;
    let events = world.events(&connection);
    let told: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "CUSTOM")
        .map(|event| &event["value"])
        .collect();
    assert_eq!(told[0], &json!({ "phase": "fallback", "provider": "openai" }));
    assert_eq!(told[1], &json!({ "phase": "retrying", "provider": "openai" }));
    assert_eq!(
        events.iter().find(|event| event["type"] == "CUSTOM").unwrap()["name"],
        "chat.status"
    );
}

/// Tells a story with a connection that takes every frame slowly, and checks that nobody else waits
/// for it.
async fn beside(slow: impl FnOnce(&World, &ConnectionId)) {
    let alone = tell(&model(40)).await;
    let world = World::new(&model(40));
    world.say("m1").await;
    let connection = world.connect("c1", "s1").await;
    let tab = world.connect("slow", "s1").await;
    slow(&world, &tab);
    world.drain().await;
    let seen = |world: &World, connection| -> Vec<(Duration, Value)> {
        world.frames(connection).into_iter().map(|frame| (frame.at, frame.event)).collect()
    };
    assert_eq!(
        seen(&world, &connection),
        seen(&alone.0, &alone.1),
        "the other tab sees what it would see alone"
    );
    assert_eq!(
        world.final_of(1).await.timings,
        alone.0.final_of(1).await.timings,
        "neither model nor commit waits"
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_refuses_frames_holds_up_nobody() {
    beside(|world, tab| world.push.push.set(tab, ConnectionState::Slow)).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_pushes_hang_holds_up_nobody() {
    beside(|world, tab| {
        world.push.delays.lock().unwrap().insert(tab.clone(), Duration::from_hours(1));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_gone_holds_up_nobody() {
    beside(|world, tab| {
        world.push.push.set(tab, ConnectionState::Gone);
        world.faults.on(PortCall::Remove, 1, Fault::Hang);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_connection_gets_larger_pieces_later() {
    let world = World::new(&model(40));
    world.say("m1").await;
    let connection = world.connect("c1", "s1").await;
    world.push.delays.lock().unwrap().insert(connection.clone(), millis(150));
    world.drain().await;
    let events = world.events(&connection);
    assert!(TEXT.starts_with(&text(&events, 1)), "in order, nothing left out");
    assert!(events.iter().filter(|event| is_text(event)).count() <= 4, "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn a_gone_connections_row_is_removed_and_the_others_go_on() {
    let world = World::new(&model(100));
    world.say("m1").await;
    let gone = world.connect("gone", "s1").await;
    let here = world.connect("here", "s1").await;
    world.push.push.set(&gone, ConnectionState::Gone);
    world.drain().await;
    assert!(!world.is_connected(&gone).await && world.is_connected(&here).await);
    assert!(!text(&world.events(&here), 1).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_another_principal_gets_nothing() {
    let world = World::new(&model(50));
    world.say("m1").await;
    let row = shared::protocol::ConnectionRow {
        connection_id: ConnectionId::new("foreign"),
        principal_hash: shared::domain::Principal::parse("anon:other").unwrap().hash(),
        stamp: "s1".into(),
        expires_at: shared::domain::ExpiresAt::at(
            world.meta().await.unwrap().expires_at.timestamp(),
        ),
    };
    let writes = shared::protocol::connection::register(&world.key, &row).unwrap();
    shared::ports::Store::transact(
        world.table.as_ref(),
        writes,
        shared::ports::Durability::Ordered,
    )
    .await
    .unwrap();
    world.drain().await;
    assert!(world.events(&row.connection_id).is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_text_so_far_is_saved_once_a_second() {
    let world = Arc::new(World::new(&model(400)));
    world.say("m1").await;
    let delivery = world.begin().await;
    let mut saved = Vec::new();
    for _ in 0..4 {
        pass(1_000).await;
        saved.push(world.turn(1).await.unwrap().partial.unwrap_or_default());
    }
    delivery.await.unwrap();
    assert!(saved.iter().all(|partial| TEXT.starts_with(partial.as_str())), "{saved:?}");
    assert!(saved.windows(2).all(|pair| pair[0].len() < pair[1].len()), "{saved:?}");
    assert_eq!(world.faults.count(PortCall::Checkpoint), 4);
    assert_eq!(world.final_of(1).await.partial, None);
}

#[tokio::test(start_paused = true)]
async fn a_checkpoint_that_fails_or_hangs_does_not_stop_the_reply() {
    for fault in [Fault::Fail, Fault::Hang, Fault::LoseAck] {
        let world = World::new(&model(400));
        world.say("m1").await;
        world.faults.during(PortCall::Checkpoint, 1..=9, fault);
        assert!(matches!(world.deliver().await, Ended::Acked));
        assert_eq!(world.final_of(1).await.text.as_deref(), Some(TEXT));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_shown_before_the_generations_number_is_durable() {
    let world = Arc::new(World::new(&model(50)));
    world.say("m1").await;
    let connection = world.connect("c1", "s1").await;
    world.faults.on(PortCall::Synced, 1, Fault::Stall(millis(900)));
    world.drain().await;
    assert!(world.frames(&connection)[0].at >= millis(900));
}

#[tokio::test(start_paused = true)]
async fn a_turn_is_attended_while_its_document_and_its_model_are_waited_for() {
    let world = Arc::new(World::new(&FakeModel::claude(vec![vec![Step::Hang]])));
    world.say("m1").await;
    let connection = world.connect("c1", "s1").await;
    let delivery = world.begin().await;
    pass(5_000).await;
    assert_eq!(
        kinds(&world.events(&connection)),
        ["RUN_STARTED"],
        "it is known that somebody answers"
    );
    assert_eq!(world.faults.count(PortCall::Checkpoint), 4, "its life shows from the claim on");
    assert_eq!(world.turn(1).await.unwrap().state, TurnState::Running);
    delivery.abort();
}
