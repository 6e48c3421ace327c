//! The server stops and starts.

use std::sync::Arc;
use std::time::Duration;

use local::sqlite::Database;
use serde_json::Value;
use shared::domain::{MessageId, MessageText, Principal, SessionId};
use shared::fifo::QueueSettings;
use shared::ports::{Clock as _, Durability, OutgoingMessage, Queue as _};
use shared::queue_messages::{RequestMessage, Submit};
use shared::system::SystemClock;
use testkit::stub_provider::{Behaviour, Reply};

use crate::support::{Chatter, Setup, Stopped, in_time, provider};

#[tokio::test]
async fn a_stop_of_the_server_finishes_what_is_in_flight() {
    let reply = Reply::words(20).paced(Duration::from_millis(50));
    let stub = provider(Behaviour::Reply(reply.clone())).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    let id = ann.say("Hello").await;
    ann.text_of(&id, 10).await;
    let stopped = server.stop().await;
    let turns = stored_turns(&stopped);
    assert_eq!(turns[0]["text"], reply.whole());
    let server = stopped.start().await;
    ann.moves_to(&server).await;
    assert_eq!(ann.final_of(&id).await.text, reply.whole());
    assert_eq!(stub.calls().len(), 1, "an answer that is stored is not asked for again");
}

#[tokio::test]
async fn what_is_not_finished_in_time_goes_on_after_the_restart() {
    let stub = provider(Behaviour::HangMidStream { after: 3 }).await;
    let server = Setup::claude(&stub).with("CHATBOT_SHUTDOWN_SECONDS", "0").start().await;
    let mut ann = Chatter::join(&server).await;
    let ids = [ann.say("One").await, ann.say("Two").await, ann.say("Three").await];
    ann.text_of(&ids[0], 5).await;
    let stopped = server.stop().await;
    in_time(stub.until(|seen| seen.abandoned == 1)).await;
    stub.set(Behaviour::Echo);
    let server = stopped.start().await;
    ann.moves_to(&server).await;
    ann.until(|view| view.finals.len() == 3).await;
    let texts: Vec<_> = ann.view.finals.iter().map(|shown| shown.text.as_str()).collect();
    assert_eq!(texts, ["One", "Two", "Three"]);
    assert_eq!(stub.calls().len(), 4);
}

#[tokio::test]
async fn a_restart_keeps_sessions_tokens_and_history() {
    let stub = provider(Behaviour::Echo).await;
    let server = Setup::claude(&stub).start().await;
    let mut ann = Chatter::join(&server).await;
    ann.ask("Before").await;
    let before = ann.turns().await;
    let server = server.stop().await.start().await;
    ann.moves_to(&server).await;
    assert_eq!(ann.turns().await, before);
    assert_eq!(ann.ask("After").await.turn, 2);
    let told: Vec<_> =
        stub.calls()[1].messages.iter().map(|message| message.text.clone()).collect();
    assert_eq!(told, ["Before", "Before", "After"]);
}

#[tokio::test]
async fn a_message_that_its_producer_put_on_the_queue_is_answered() {
    let stub = provider(Behaviour::Echo).await;
    let stopped = Setup::claude(&stub).start().await.stop().await;
    submit(&stopped, "batch-1", "From the batch").await;
    submit(&stopped, "batch-1", "From the batch").await;
    let server = stopped.start().await;
    in_time(stub.until(|seen| seen.calls == 1)).await;
    let turns = stored_turns(&server.stop().await);
    let [turn] = turns.as_slice() else { panic!("{turns:?}") };
    assert_eq!((&turn["message_id"], &turn["text"]), (&"batch-1".into(), &"From the batch".into()));
    assert_eq!(turn["synthetic"], true, "an operator sent it");
    assert_eq!(stub.calls().len(), 1);
}

/// Puts a message on the queue of requests, as a program beside the server would.
async fn submit(stopped: &Stopped, id: &str, message: &str) {
    let clock = Arc::new(SystemClock);
    let database = open(&stopped.data_dir(), &clock).await;
    let queue = database.queue("requests", QueueSettings::new(Duration::from_mins(1), 10)).unwrap();
    let submit = Submit {
        principal: Principal::parse("op:batch").unwrap(),
        session_id: SessionId::parse("nightly").unwrap(),
        message_id: MessageId::parse(id).unwrap(),
        accepted_at: clock.now(),
        message: MessageText::parse(message).unwrap(),
        document_id: None,
        provider: None,
        trace: None,
        replay: None,
    };
    let group = submit.submission().session_key().to_string();
    let body = RequestMessage::Submit(submit).to_body();
    // Not the same id twice: it is the protocol that makes one turn of it.
    let deduplication_id = format!("{id}.{}", clock.now().0);
    queue
        .send(OutgoingMessage { group, deduplication_id, body, durability: Durability::Synced })
        .await
        .unwrap();
}

/// Opens the database once the server's last sockets have let go of it.
async fn open(data_dir: &std::path::Path, clock: &Arc<SystemClock>) -> Database {
    let file = data_dir.join("chatbot.db");
    in_time(async {
        loop {
            if let Ok(database) = Database::open(&file, clock.clone()) {
                return database;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

fn stored_turns(stopped: &Stopped) -> Vec<Value> {
    let database = stopped.database();
    let query = "SELECT attributes FROM items WHERE sort LIKE 'T#%' ORDER BY partition, sort";
    let mut statement = database.prepare(query).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(|row| serde_json::from_str(&row.unwrap()).unwrap()).collect()
}
