//! Who may connect, and what may be said on a connection.

use futures::SinkExt as _;
use serde_json::{Value, json};
use testkit::stub_provider::{Behaviour, Reply};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{
    Chatter, Setup, Socket, TestServer, in_time, next_frame, open, provider, send, try_open,
    websocket,
};

async fn server() -> TestServer {
    let stub = provider(Behaviour::Reply(Reply::default())).await;
    let server = Setup::claude(&stub).start().await;
    // The provider lives as long as the test's runtime.
    std::mem::forget(stub);
    server
}

async fn frame(socket: &mut Socket) -> Value {
    in_time(next_frame(socket)).await.expect("the connection is open")
}

#[tokio::test]
async fn a_used_ticket_does_not_open_a_second_connection() {
    let server = server().await;
    let ann = Chatter::join(&server).await;
    let offered = websocket(&ann.http, &ann.session).await;
    let first = open(&offered).await;
    assert_eq!(try_open(&offered, None).await.unwrap_err(), 401);
    drop(first);
    assert_eq!(try_open(&offered, None).await.unwrap_err(), 401);
}

#[tokio::test]
async fn a_forged_or_missing_ticket_is_refused() {
    let server = server().await;
    let ann = Chatter::join(&server).await;
    let offered = websocket(&ann.http, &ann.session).await;
    let ticket = offered["ticket"].as_str().unwrap();
    let token = ann.http.token.clone().unwrap();
    for wrong in ["", "x", &ticket[1..], &format!("{ticket}x"), &token] {
        let forged = json!({ "url": offered["url"], "ticket": wrong });
        assert_eq!(try_open(&forged, None).await.unwrap_err(), 401, "{wrong:?}");
    }
    open(&offered).await;
}

#[tokio::test]
async fn only_pages_of_this_machine_may_connect_and_a_refusal_uses_up_nothing() {
    let server = server().await;
    let ann = Chatter::join(&server).await;
    let offered = websocket(&ann.http, &ann.session).await;
    for origin in ["https://evil.example", "null", "http://127.0.0.1.evil.example", "file://"] {
        assert_eq!(try_open(&offered, Some(origin)).await.unwrap_err(), 403, "{origin}");
    }
    try_open(&offered, Some("http://localhost:3000")).await.unwrap();
}

#[tokio::test]
async fn a_list_of_origins_is_exact() {
    let stub = provider(Behaviour::Reply(Reply::default())).await;
    let setup = Setup::claude(&stub).with("CHATBOT_ALLOWED_ORIGINS", "https://app.example.com");
    let server = setup.start().await;
    let ann = Chatter::join(&server).await;
    let offered = websocket(&ann.http, &ann.session).await;
    for origin in
        ["http://localhost:3000", "http://app.example.com", "https://app.example.com:8443", "null"]
    {
        assert_eq!(try_open(&offered, Some(origin)).await.unwrap_err(), 403, "{origin}");
    }
    try_open(&offered, Some("https://app.example.com")).await.unwrap();
}

#[tokio::test]
async fn nothing_is_pushed_before_the_client_resumes() {
    let server = server().await;
    let mut ann = Chatter::join(&server).await;
    let mut silent = open(&websocket(&ann.http, &ann.session).await).await;
    ann.ask("Hello").await;
    send(&mut silent, json!({ "type": "resume", "after": 0 })).await;
    let first = frame(&mut silent).await;
    assert_eq!((&first["type"], &first["name"]), (&json!("CUSTOM"), &json!("chat.resumed")));
    assert_eq!((&first["value"]["first"], &first["value"]["next"]), (&json!(1), &json!(2)));
    assert_eq!(frame(&mut silent).await["type"], "RUN_FINISHED");
}

#[tokio::test]
async fn an_empty_session_begins_at_turn_one() {
    let server = server().await;
    let ann = Chatter::join(&server).await;
    let mut socket = open(&websocket(&ann.http, &ann.session).await).await;
    send(&mut socket, json!({ "type": "resume", "after": 0 })).await;
    let value = &frame(&mut socket).await["value"];
    assert_eq!((&value["first"], &value["next"]), (&json!(1), &json!(1)));
    assert!(!value["born"].is_null());
}

#[tokio::test]
async fn a_malformed_frame_is_answered_and_the_connection_stays() {
    let server = server().await;
    let mut ann = Chatter::join(&server).await;
    ann.ask("Hello").await;
    let mut socket = open(&websocket(&ann.http, &ann.session).await).await;
    let cases = [
        ("", None),
        ("no json", None),
        ("[]", None),
        ("{}", Some("type")),
        (r#"{"type":"shout","after":0}"#, Some("type")),
        (r#"{"type":"resume"}"#, Some("after")),
        (r#"{"type":"resume","after":-1}"#, Some("after")),
        (r#"{"type":"resume","after":"1"}"#, Some("after")),
        (r#"{"type":"resume","after":1.5}"#, Some("after")),
        (r#"{"type":"resume","after":99999999999999999999999}"#, Some("after")),
    ];
    for (text, field) in cases {
        send(&mut socket, text).await;
        let answer = frame(&mut socket).await;
        assert_eq!(answer["name"], "chat.error", "{text}");
        assert_eq!(answer["value"]["code"], "malformed_frame", "{text}");
        assert_eq!(answer["value"]["field"].as_str(), field, "{text}");
        assert!(answer["value"]["message"].is_string());
    }
    socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(frame(&mut socket).await["name"], "chat.error");
    send(&mut socket, json!({ "type": "resume", "after": 0, "colour": "blue" })).await;
    assert_eq!(frame(&mut socket).await["name"], "chat.resumed");
    assert_eq!(frame(&mut socket).await["type"], "RUN_FINISHED");
}

#[tokio::test]
async fn a_flood_of_bytes_ends_its_own_connection_only() {
    let server = server().await;
    let mut ann = Chatter::join(&server).await;
    let mut socket = open(&websocket(&ann.http, &ann.session).await).await;
    drop(socket.send(Message::text("x".repeat(1 << 20))).await);
    assert_eq!(in_time(next_frame(&mut socket)).await, None);
    assert_eq!(ann.ask("Hello").await.kind, "reply");
}

#[tokio::test]
async fn a_cursor_from_the_future_is_answered_with_what_there_is() {
    let server = server().await;
    let mut ann = Chatter::join(&server).await;
    ann.ask("Hello").await;
    let mut socket = open(&websocket(&ann.http, &ann.session).await).await;
    for after in [1, 2, u64::MAX] {
        send(&mut socket, json!({ "type": "resume", "after": after })).await;
        assert_eq!(frame(&mut socket).await["value"]["next"], 2);
    }
}
