//! What a client may send, and what it is pushed.

use boon::Draft;
use saphyr::{LoadableYamlNode as _, Yaml};
use serde_json::{Value, json};
use shared::domain::ConnectionId;
use shared::protocol::TurnRow;

use crate::contract_files::Contract;
use crate::rows;
use crate::world::World;

const ASYNCAPI: &str = include_str!("../../../../contracts/asyncapi.yaml");
const MESSAGES: &str = "/components/messages";

fn asyncapi() -> Contract {
    Contract::of_yaml(&Yaml::load_from_str(ASYNCAPI).unwrap()[0], Draft::V7)
}

/// Requires a frame to be one of the contract's messages, and returns which.
#[track_caller]
fn check_frame(contract: &Contract, frame: &Value) -> String {
    let name = frame.get("name").unwrap_or(&frame["type"]);
    let messages = contract.at(MESSAGES).as_object().unwrap();
    let (message, _) = messages
        .iter()
        .find(|(_, message)| message["name"] == *name)
        .expect("a message is named so");
    contract.check(&format!("{MESSAGES}/{message}/payload"), frame);
    message.clone()
}

#[tokio::test(start_paused = true)]
async fn everything_that_a_resume_brings_is_in_the_contract() {
    let world = World::new();
    let contract = asyncapi();
    let token = world.session().await;
    let session = world.connect(&token).await;
    rows::put(&world, &rows::replied(&world, 1, "Maths.")).await;
    rows::put(&world, &rows::replied(&world, 2, &"界".repeat(10_000))).await;
    rows::put(&world, &rows::failed(&world, 3)).await;
    let partial = Some("On Fri".to_owned());
    rows::put(&world, &TurnRow { partial, ..rows::running(&world, 4) }).await;
    for example in contract.at(&format!("{MESSAGES}/resume/examples")).as_array().unwrap() {
        let connection = ConnectionId::new(example["name"].as_str().unwrap());
        let frames = world.frame(&connection, &session, &example["payload"].to_string()).await;
        let names: Vec<_> = frames.iter().map(|frame| check_frame(&contract, frame)).collect();
        assert_eq!(names[0], "chatResumed");
        assert!(names.ends_with(
            &["runStarted", "textMessageStart", "textMessageContent"].map(str::to_owned)
        ));
    }
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_the_contract_refuses_is_answered_by_an_error_of_the_contract() {
    let world = World::new();
    let contract = asyncapi();
    let token = world.session().await;
    let session = world.connect(&token).await;
    let connection = ConnectionId::new("c");
    for frame in [
        json!([]),
        json!({}),
        json!({ "type": "chat", "after": 1 }),
        json!({ "type": "resume" }),
        json!({ "type": "resume", "after": -1 }),
        json!({ "type": "resume", "after": 1.5 }),
        json!({ "type": "resume", "after": null }),
    ] {
        assert!(
            contract.refusal(&format!("{MESSAGES}/resume/payload"), &frame).is_some(),
            "{frame}"
        );
        let frames = world.frame(&connection, &session, &frame.to_string()).await;
        assert_eq!(
            frames.iter().map(|one| check_frame(&contract, one)).collect::<Vec<_>>(),
            ["chatError"]
        );
    }
    world.delete("/sessions/s").token(&token).send().await.ok(204);
    let frames = world.resume(&connection, &session, 0).await;
    assert_eq!(
        frames.iter().map(|one| check_frame(&contract, one)).collect::<Vec<_>>(),
        ["chatError"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_ticket_is_what_the_address_of_the_socket_takes() {
    let world = World::new();
    let contract = asyncapi();
    let token = world.session().await;
    let answer = world.post("/sessions/s/tickets", &json!({})).token(&token).send().await;
    let query = json!({ "ticket": answer.json["websocket"]["ticket"] });
    contract.check("/channels/session/bindings/ws/query", &query);
    let parameters = contract.at("/channels/session/parameters/path");
    assert_eq!(parameters["default"], ingress::config::LOCAL_SOCKET_PATH.trim_start_matches('/'));
}
