//! A table that notes what became final.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use shared::domain::Timestamp;
use shared::memory::MemoryStore;
use shared::ports::store::{Effect, Item, Key, Page, Query, Write};
use shared::ports::{Durability, Store, StoreError};
use testkit::faults::update_of;

/// A final at the moment of its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) turn: String,
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) durability: Durability,
}

/// A table that notes what became final.
pub(crate) struct CommitLog {
    pub(crate) table: Arc<MemoryStore>,
    pub(crate) commits: Mutex<Vec<Commit>>,
}

impl CommitLog {
    fn note(&self, commits: Vec<Commit>) {
        self.commits.lock().unwrap().extend(commits);
    }
}

fn set<'w>(write: &'w Write, attribute: &str) -> Option<&'w Value> {
    match &write.effect {
        Effect::Update(changes) => update_of(changes, attribute),
        _ => None,
    }
}

fn commit(write: &Write, durability: Durability) -> Option<Commit> {
    let text = |name| set(write, name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let commits = write.key.sort.starts_with("T#") && set(write, "state") == Some(&json!("COM"));
    commits.then(|| Commit {
        turn: write.key.sort.clone(),
        kind: text("kind"),
        text: text("text"),
        durability,
    })
}

#[async_trait]
impl Store for CommitLog {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.table.get(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        self.table.query(query).await
    }

    async fn write(
        &self,
        write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        let commits = commit(&write, durability).into_iter().collect();
        let result = self.table.write(write, durability).await?;
        self.note(commits);
        Ok(result)
    }

    async fn transact(&self, writes: Vec<Write>, durability: Durability) -> Result<(), StoreError> {
        let commits = writes.iter().filter_map(|write| commit(write, durability)).collect();
        self.table.transact(writes, durability).await?;
        self.note(commits);
        Ok(())
    }

    async fn synced(&self) -> Result<(), StoreError> {
        self.table.synced().await
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Item>, StoreError> {
        self.table.due(until, limit).await
    }
}
