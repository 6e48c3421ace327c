//! The suite of [`Events`].

use serde_json::{Value, json};

use shared::ports::{EventEntry, Events};

/// An event as it came out of the bus.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The id of the entry.
    pub id: String,
    /// The detail type.
    pub detail_type: String,
    /// The detail.
    pub detail: Value,
}

/// Checks an empty event bus; `published` returns what came out of it, in order.
pub async fn events(events: &dyn Events, published: impl AsyncFn() -> Vec<Published>) {
    assert_eq!(events.put(&[]).await.unwrap(), [0; 0]);
    let ten: Vec<EventEntry> = (0..10).map(|n| entry(&format!("e{n}"), "Chat Message")).collect();
    let failed = events.put(&ten).await.unwrap();
    let taken = |n: &usize| !failed.contains(n);
    let expected: Vec<Published> = (0..10).filter(taken).map(|n| ten[n].clone().into()).collect();
    assert_eq!(
        published().await,
        expected,
        "an entry was taken if and only if it is not in the result"
    );

    let eleven: Vec<EventEntry> = (0..11).map(|n| entry(&format!("f{n}"), "Chat Failed")).collect();
    assert!(events.put(&eleven).await.is_err(), "a call takes at most ten entries");

    let again = events.put(&ten[..1]).await.unwrap();
    assert_eq!(again, [0; 0], "a repeated entry is taken: consumers dedup on the id");
    let known: Vec<String> = published().await.into_iter().map(|event| event.id).collect();
    assert!(known.contains(&"e0".to_owned()));
}

impl From<EventEntry> for Published {
    fn from(entry: EventEntry) -> Self {
        Self { id: entry.id, detail_type: entry.detail_type.to_owned(), detail: entry.detail }
    }
}

fn entry(id: &str, detail_type: &'static str) -> EventEntry {
    EventEntry {
        id: id.to_owned(),
        detail_type,
        detail: json!({"metadata": {"id": id}, "text": "é🎈"}),
    }
}
