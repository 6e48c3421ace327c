//! Session tokens and tickets that are somebody else's, or nobody's.

use serde_json::{Value, json};
use testkit::stub_provider::Behaviour;

use crate::support::{
    Chatter, Http, Setup, TestServer, in_time, next_frame, open, provider, send, try_open,
    websocket,
};

async fn server() -> TestServer {
    Setup::offline().start().await
}

fn ticket(offered: &Value) -> &str {
    offered["ticket"].as_str().unwrap()
}

/// Returns what one pass claims under the signature of another.
fn spliced(claims: &str, signature: &str) -> String {
    format!("{}.{}", claims.rsplit_once('.').unwrap().0, signature.rsplit_once('.').unwrap().1)
}

/// Returns the pass as one of another kind.
fn disguised(pass: &str, kind: &str) -> String {
    format!("{kind}.{}", pass.split_once('.').unwrap().1)
}

async fn check_token(server: &TestServer, session: &Chatter, token: String) {
    let mut http = Http::new(server.base());
    http.token = Some(token);
    http.get(&session.path("turns")).await.problem(401);
    http.post("/chat", &json!({ "message": "Hello" })).await.problem(401);
}

#[tokio::test]
async fn a_token_whose_parts_are_of_two_users_is_nobodys() {
    let server = server().await;
    let ann = Chatter::join(&server).await;
    let bob = Chatter::join(&server).await;
    let hers = ann.http.token.clone().unwrap();
    let his = bob.http.token.clone().unwrap();
    assert_ne!(hers, his);
    check_token(&server, &ann, spliced(&hers, &his)).await;
    check_token(&server, &ann, spliced(&his, &hers)).await;
    let offered = websocket(&ann.http, &ann.session).await;
    check_token(&server, &ann, ticket(&offered).to_owned()).await;
    check_token(&server, &ann, disguised(ticket(&offered), "yogi1")).await;
}

#[tokio::test]
async fn a_ticket_whose_parts_are_of_two_sessions_opens_neither_and_uses_nothing_up() {
    let server = server().await;
    let ann = Chatter::join(&server).await;
    let bob = Chatter::join(&server).await;
    let hers = websocket(&ann.http, &ann.session).await;
    let his = websocket(&bob.http, &bob.session).await;
    let token = bob.http.token.clone().unwrap();
    for forged in [
        spliced(ticket(&hers), ticket(&his)),
        spliced(ticket(&his), ticket(&hers)),
        spliced(ticket(&hers), &token),
        disguised(&token, "ticket1"),
        format!("{}&ticket={}", ticket(&his), ticket(&hers)),
    ] {
        let offered = json!({ "url": hers["url"], "ticket": forged });
        let refused = try_open(&offered, None).await.unwrap_err();
        assert!([400, 401].contains(&refused), "{refused}: {forged}");
    }
    open(&hers).await;
    open(&his).await;
}

#[tokio::test]
async fn passes_of_another_server_are_refused() {
    let other = server().await;
    let server = server().await;
    let ann = Chatter::join(&server).await;
    let stranger = Chatter::join(&other).await;
    check_token(&server, &ann, stranger.http.token.clone().unwrap()).await;
    let foreign = websocket(&stranger.http, &stranger.session).await;
    let offered = json!({
        "url": websocket(&ann.http, &ann.session).await["url"], "ticket": foreign["ticket"]
    });
    assert_eq!(try_open(&offered, None).await.unwrap_err(), 401);
    open(&foreign).await;
}

#[tokio::test]
async fn a_ticket_that_outlived_its_session_shows_nothing_of_it() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    ann.ask("The canary is mine").await;
    let offered = websocket(&ann.http, &ann.session).await;
    assert_eq!(ann.http.delete(&format!("/sessions/{}", ann.session)).await.status, 204);
    let mut socket = open(&offered).await;
    send(&mut socket, json!({ "type": "resume", "after": 0 })).await;
    let mut heard = Vec::new();
    while let Some(frame) = in_time(next_frame(&mut socket)).await {
        heard.push(frame);
    }
    assert_eq!((heard.len(), &heard[0]["value"]["code"]), (1, &json!("not_found")), "{heard:?}");
}
