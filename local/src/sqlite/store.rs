//! The store on `SQLite`.

use async_trait::async_trait;
use shared::domain::Timestamp;
use shared::limits::check_transaction;
use shared::ports::Durability;
use shared::ports::store::{
    Effect, FailedCondition, Item, Key, Page, Query, Store, StoreError, Write, apply, holds,
};
use shared::protocol::counters::RATE_PREFIX;
use shared::protocol::keys;

use super::Database;
use super::engine::Engine;
use super::error::DatabaseError;
use super::rows::{self, Encoded};

/// The store on `SQLite`.
///
/// Rates are kept in memory: they matter only for minutes, and counting must not cost a write to
/// disk.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    database: Database,
}

/// The change of one row.
enum RowChange {
    Keep(Option<Item>),
    Store(Encoded),
    Remove(Key),
}

/// An error of `SQLite`, or else the result of the store.
type Outcome<T> = rusqlite::Result<Result<T, StoreError>>;

impl SqliteStore {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Lists up to `limit` partitions after a given one, in order. Some may contain only expired
    /// items.
    pub async fn partitions(
        &self,
        after: String,
        limit: usize,
    ) -> Result<Vec<String>, DatabaseError> {
        self.database.read(move |engine| rows::partitions(&engine.connection, after, limit)).await
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        if keys.iter().any(is_rate) {
            return get_mixed(self, keys).await;
        }
        let keys = keys.to_vec();
        let read = move |engine: &mut Engine| {
            let now = engine.now();
            keys.into_iter().map(|key| engine.items.read(&engine.connection, key, now)).collect()
        };
        Ok(self.database.read(read).await?)
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        if query.partition.starts_with(RATE_PREFIX) {
            return self.database.rates().query(query).await;
        }
        let query = query.clone();
        let read = move |engine: &mut Engine| rows::query(&engine.connection, &query, engine.now());
        Ok(self.database.read(read).await?)
    }

    async fn write(
        &self,
        write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        if is_rate(&write.key) {
            return self.database.rates().write(write, durability).await;
        }
        self.database.write(durability, move |engine| write_one(engine, write)).await?
    }

    async fn transact(&self, writes: Vec<Write>, durability: Durability) -> Result<(), StoreError> {
        check_transaction(&writes)?;
        match writes.iter().filter(|write| is_rate(&write.key)).count() {
            0 => self.database.write(durability, move |engine| write_all(engine, writes)).await?,
            all if all == writes.len() => self.database.rates().transact(writes, durability).await,
            _ => Err(StoreError::Corrupt("a transaction cannot mix rates with other items".into())),
        }
    }

    async fn synced(&self) -> Result<(), StoreError> {
        Ok(self.database.sync().await?)
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Item>, StoreError> {
        Ok(self.database.read(move |engine| rows::due(&engine.connection, until, limit)).await?)
    }
}

fn is_rate(key: &Key) -> bool {
    key.partition.starts_with(RATE_PREFIX)
}

async fn get_mixed(store: &SqliteStore, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
    let mut items = Vec::with_capacity(keys.len());
    for key in keys {
        let one = std::slice::from_ref(key);
        let found = if is_rate(key) {
            store.database.rates().get(one).await?
        } else {
            store.get(one).await?
        };
        items.extend(found);
    }
    Ok(items)
}

fn write_one(engine: &mut Engine, write: Write) -> Outcome<Option<Item>> {
    let current = current(engine, &write)?;
    match check_conditions(&write, 0, current.as_ref()).and_then(|()| plan(write, current)) {
        Ok(step) => apply_change(engine, step).map(Ok),
        Err(refused) => Ok(Err(refused)),
    }
}

fn write_all(engine: &mut Engine, writes: Vec<Write>) -> Outcome<()> {
    let mut read = Vec::with_capacity(writes.len());
    for (index, write) in writes.into_iter().enumerate() {
        let current = current(engine, &write)?;
        if let Err(refused) = check_conditions(&write, index, current.as_ref()) {
            return Ok(Err(refused));
        }
        read.push((write, current));
    }
    match read
        .into_iter()
        .map(|(write, current)| plan(write, current))
        .collect::<Result<Vec<_>, _>>()
    {
        Ok(steps) => {
            steps.into_iter().try_for_each(|step| apply_change(engine, step).map(drop)).map(Ok)
        }
        Err(refused) => Ok(Err(refused)),
    }
}

/// Reads the current item, unless neither the conditions nor the effect depend on it.
fn current(engine: &mut Engine, write: &Write) -> rusqlite::Result<Option<Item>> {
    if write.conditions.is_empty() && matches!(write.effect, Effect::Put(_) | Effect::Delete) {
        return Ok(None);
    }
    let now = engine.now();
    engine.items.read(&engine.connection, write.key.clone(), now)
}

fn check_conditions(write: &Write, index: usize, current: Option<&Item>) -> Result<(), StoreError> {
    if write.conditions.iter().all(|condition| holds(condition, current)) {
        return Ok(());
    }
    Err(StoreError::ConditionFailed(Box::new(FailedCondition { index, current: current.cloned() })))
}

fn plan(write: Write, current: Option<Item>) -> Result<RowChange, StoreError> {
    if write.effect == Effect::Check {
        return Ok(RowChange::Keep(current));
    }
    match apply(&write.key, write.effect, current) {
        Some(item) => Encoded::new(item).map(RowChange::Store),
        None => Ok(RowChange::Remove(write.key)),
    }
}

fn apply_change(engine: &mut Engine, change: RowChange) -> rusqlite::Result<Option<Item>> {
    match change {
        RowChange::Keep(current) => Ok(current),
        RowChange::Remove(key) => {
            // Connections come and go all the time, and hold no texts.
            engine.has_deleted |= !keys::is_connection(&key);
            engine.items.remove(&engine.connection, &key).map(|()| None)
        }
        RowChange::Store(encoded) => {
            engine.items.store(&engine.connection, &encoded)?;
            engine.written += encoded.bytes();
            // An item can be written with an expiry in the past; it is absent at once.
            Ok(Some(encoded.item).filter(|item| !item.is_expired(engine.now())))
        }
    }
}
