//! Lost connections, several windows, windows that do not read.

use std::time::Duration;

use serde_json::json;
use testkit::stub_provider::{Behaviour, Reply};
use tokio::net::TcpSocket;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, client_async};

use crate::support::{
    Chatter, Setup, Socket, TIMEOUT, TestServer, in_time, provider, send, websocket,
};

fn a_second_long() -> Behaviour {
    Behaviour::Reply(Reply::words(20).paced(Duration::from_millis(50)))
}

#[tokio::test]
async fn after_a_lost_connection_everything_is_there_once_and_in_order() {
    let stub = provider(a_second_long()).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    ann.ask("One").await;
    let second = ann.say("Two").await;
    ann.say("Three").await;
    ann.text_of(&second, 10).await;
    ann.lose_connection();
    in_time(stub.until(|seen| seen.calls == 3)).await;
    ann.until(|view| view.finals.len() == 3).await;
    let shown: Vec<_> =
        ann.view.finals.iter().map(|shown| (shown.turn, shown.message_id.as_str())).collect();
    assert_eq!(shown, [(1, "m1"), (2, "m2"), (3, "m3")]);
    assert!(ann.view.finals.iter().all(|shown| shown.text == Reply::words(20).whole()));
    assert_eq!(stub.calls().len(), 3, "a lost connection costs no model call");
}

#[tokio::test]
async fn a_connection_that_comes_in_the_middle_is_told_the_text_so_far() {
    let stub = provider(Behaviour::HangMidStream { after: 8 }).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    let id = ann.say("Hello").await;
    let shown = ann.text_of(&id, 30).await;
    ann.lose_connection();
    let mut late = ann.another_tab().await;
    assert!(late.text_of(&id, shown.len()).await.starts_with(&shown));
    late.stop(&id).await.expect(202);
    let answer = late.final_of(&id).await;
    assert_eq!(ann.final_of(&id).await.text, answer.text);
}

#[tokio::test]
async fn two_tabs_see_the_same_answer_as_it_is_written() {
    let stub = provider(a_second_long()).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    let mut tab = ann.another_tab().await;
    let id = ann.say("Hello").await;
    let (mine, other) = tokio::join!(ann.final_of(&id), tab.final_of(&id));
    assert_eq!(mine.text, other.text);
    assert!(mine.pieces > 3 && other.pieces > 3, "{} and {} pieces", mine.pieces, other.pieces);
    let id = tab.say("From the other one").await;
    assert_eq!(ann.final_of(&id).await.turn, 2);
}

#[tokio::test]
async fn a_reload_shows_the_whole_session_again() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    // More than one batch of finals.
    for n in 1..=23 {
        ann.ask(&format!("Message {n}")).await;
    }
    let mut reloaded = ann.another_tab().await;
    reloaded.until(|view| view.finals.len() == 23).await;
    for (n, shown) in (1..).zip(&reloaded.view.finals) {
        assert_eq!((shown.turn, shown.text.as_str()), (n, format!("Message {n}").as_str()));
    }
}

#[tokio::test]
async fn a_reply_too_large_for_a_frame_is_fetched_whole() {
    let reply = Reply::long(60_000);
    let stub = provider(Behaviour::Reply(reply.clone())).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    let answer = ann.ask("Tell me everything").await;
    assert!(answer.fetched && answer.text == reply.whole());
    let mut tab = ann.another_tab().await;
    assert_eq!(tab.final_of(&answer.message_id).await.text, answer.text);
}

#[tokio::test]
async fn a_window_that_does_not_read_holds_up_nobody_and_is_closed() {
    let stub = provider(Behaviour::Reply(Reply::long(12_000))).await;
    let server = Setup::claude(&stub).with("CHATBOT_RATE_PRINCIPAL_PER_MINUTE", "0").start().await;
    let mut ann = Chatter::join(&server).await;
    ann.ask("Tell me a lot").await;
    let mut asleep = unread(&ann).await;
    // More than all buffers on the way hold.
    for _ in 0..600 {
        send(&mut asleep, json!({ "type": "resume", "after": 0 })).await;
    }
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    while slowest.is_zero() || connections(&server) > 1 {
        assert!(began.elapsed() < TIMEOUT, "it is still open");
        let asked = Instant::now();
        ann.ask("Tell me a lot").await;
        slowest = slowest.max(asked.elapsed());
    }
    assert!(slowest < Duration::from_secs(5), "an answer took {slowest:?}");
    let turns = ann.view.finals.len();
    let mut awake = ann.another_tab().await;
    awake.until(|view| view.finals.len() == turns).await;
}

/// Counts the connections that are pushed to.
fn connections(server: &TestServer) -> u32 {
    let count = "SELECT COUNT(*) FROM items WHERE sort LIKE 'C#%'";
    server.database().query_row(count, [], |row| row.get(0)).unwrap()
}

/// Opens a connection whose buffers are small.
async fn unread(ann: &Chatter) -> Socket {
    let offered = websocket(&ann.http, &ann.session).await;
    let url = offered["url"].as_str().unwrap();
    let ticket = offered["ticket"].as_str().unwrap();
    let request = format!("{url}?ticket={ticket}").into_client_request().unwrap();
    let address = request.uri().authority().unwrap().as_str().parse().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(2_048).unwrap();
    let stream = in_time(socket.connect(address)).await.unwrap();
    in_time(client_async(request, MaybeTlsStream::Plain(stream))).await.unwrap().0
}
