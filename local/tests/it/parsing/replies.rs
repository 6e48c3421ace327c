//! Bodies from the queue of replies, through the notifier.

use std::sync::Arc;
use std::time::Duration;

use notifier::{Notifier, NotifierError, Ports};
use proptest::prelude::*;
use serde_json::Value;
use shared::analytics::Texts;
use shared::domain::Timestamp;
use shared::fifo::QueueSettings;
use shared::memory::{ManualClock, MemoryEvents, MemoryPush, MemoryQueue, MemoryStore};
use shared::ports::{Delivery, Receipt};
use shared::queue_messages::ReplyMessage;

use super::corpus::{Seed, corpus, table};
use super::mutations::{mutants, reshaped};

const CORPUS: &str = "../shared/tests/corpus/replies";

/// Delivers a body to a notifier whose table is empty, checks all that holds for it, and says what
/// came of it.
async fn deliver(body: &str) -> String {
    let clock = Arc::new(ManualClock::new(Timestamp(1_800_000_000_000)));
    let store = Arc::new(MemoryStore::new(clock.clone()));
    let events = Arc::new(MemoryEvents::new());
    let replies = Arc::new(MemoryQueue::new(QueueSettings::new(Duration::from_mins(1), 5)));
    let push = Arc::new(MemoryPush::new());
    let ports = Ports {
        store: store.clone(),
        replies: replies.clone(),
        push,
        events: events.clone(),
        clock,
    };
    let message_id = "1".to_owned();
    let group = "g".to_owned();
    let receipt = Receipt("none".to_owned());
    let delivery = Delivery { message_id, group, body: body.to_owned(), receive_count: 1, receipt };
    let result = Notifier::new(ports, Texts::Included).handle(&delivery).await;
    assert_eq!(
        (store.dump(), replies.is_empty()),
        (vec![], true),
        "nothing is made of a body alone"
    );
    let published = events.published();
    match result {
        Err(NotifierError::Body(_)) => {
            assert!(ReplyMessage::parse(body).is_err() && published.is_empty());
            "dead letter".to_owned()
        }
        Err(error) => panic!("{error}"),
        Ok(()) => {
            let said: Value = serde_json::from_str(body).unwrap();
            let types: Vec<&str> = published.iter().map(|event| event.detail_type).collect();
            assert_eq!(types.len(), usize::from(said["type"] == "deleted"), "{types:?}");
            format!("acknowledged, events {types:?}")
        }
    }
}

fn run(body: &str) -> String {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(deliver(body))
}

#[test]
fn replies_of_the_corpus_come_to_this() {
    insta::assert_snapshot!(table(
        corpus(CORPUS).iter().map(|seed: &Seed| (seed.name.clone(), run(seed.text())))
    ));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_damaged_reply_is_a_dead_letter_or_means_what_it_says(body in mutants(&corpus(CORPUS))) {
        run(&String::from_utf8_lossy(&body));
    }

    #[test]
    fn a_reply_of_another_shape_is_a_dead_letter_or_means_what_it_says(
        body in reshaped(&corpus(CORPUS)),
    ) {
        run(&body);
    }
}
