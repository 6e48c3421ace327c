//! A store with faults, which notes what became final.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use shared::domain::Timestamp;
use shared::memory::MemoryStore;
use shared::ports::store::{Change, Effect, Item, Key, Page, Query, Write};
use shared::ports::{Durability, Store, StoreError};

use super::{Faults, Op};

/// A final at the moment of its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) turn: String,
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) durability: Durability,
}

pub(crate) struct FaultyStore {
    pub(crate) table: Arc<MemoryStore>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) commits: Mutex<Vec<Commit>>,
}

impl FaultyStore {
    fn note(&self, commits: Vec<Commit>) {
        self.commits.lock().unwrap().extend(commits);
    }
}

fn unavailable<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("scripted".into()))
}

fn changes(write: &Write) -> &[Change] {
    match &write.effect {
        Effect::Update(changes) => changes,
        _ => &[],
    }
}

fn set<'w>(write: &'w Write, attribute: &str) -> Option<&'w Value> {
    changes(write).iter().find_map(|change| match change {
        Change::Set(name, value) if *name == attribute => Some(value),
        _ => None,
    })
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

fn purpose(write: &Write) -> Op {
    match write.key.sort.get(..2) {
        _ if write.key.partition.starts_with("budget#") => Op::Budget,
        Some("C#") if write.effect == Effect::Delete => Op::Forget,
        Some("T#") if set(write, "state").is_some() => Op::Commit,
        Some("T#") if set(write, "epoch").is_some() => Op::Generation,
        Some("T#")
            if set(write, "cancel").is_none() && matches!(write.effect, Effect::Update(_)) =>
        {
            Op::Checkpoint
        }
        _ => Op::Other,
    }
}

fn purpose_of_all(writes: &[Write]) -> Op {
    let is_put = |prefix: &str| {
        writes.iter().any(|write| {
            write.key.sort.starts_with(prefix) && matches!(write.effect, Effect::Put(_))
        })
    };
    if is_put("T#") {
        Op::Claim
    } else if is_put("M#") {
        Op::Record
    } else if writes.iter().any(|write| purpose(write) == Op::Commit) {
        Op::EndPredecessor
    } else {
        Op::Other
    }
}

#[async_trait]
impl Store for FaultyStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.faults.around(Op::Get, self.table.get(keys), unavailable).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        let op = if query.from.starts_with("T#") { Op::History } else { Op::Connections };
        self.faults.around(op, self.table.query(query), unavailable).await
    }

    async fn write(
        &self,
        write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        let op = purpose(&write);
        let commits = commit(&write, durability).into_iter().collect();
        let call = async {
            let result = self.table.write(write, durability).await;
            if result.is_ok() {
                self.note(commits);
            }
            result
        };
        self.faults.around(op, call, unavailable).await
    }

    async fn transact(&self, writes: Vec<Write>, durability: Durability) -> Result<(), StoreError> {
        let op = purpose_of_all(&writes);
        let commits = writes.iter().filter_map(|write| commit(write, durability)).collect();
        let call = async {
            let result = self.table.transact(writes, durability).await;
            if result.is_ok() {
                self.note(commits);
            }
            result
        };
        self.faults.around(op, call, unavailable).await
    }

    async fn synced(&self) -> Result<(), StoreError> {
        self.faults.around(Op::Synced, self.table.synced(), unavailable).await
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Item>, StoreError> {
        self.table.due(until, limit).await
    }
}
