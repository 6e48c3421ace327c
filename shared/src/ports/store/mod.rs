//! The table: items in partitions, conditional writes, transactions.
//!
//! The model is the part of `DynamoDB` that the turn protocol needs, and no more.
//! The protocol itself is data on top of it ([`crate::protocol`]), so it is written once for every
//! adapter.

mod evaluate;
mod item;
mod write;

use async_trait::async_trait;

pub use evaluate::{apply, holds};
pub use item::{Attributes, Item, Key};
pub use write::{Change, Condition, Effect, Page, Query, Write};

use crate::domain::Timestamp;
use crate::ports::Durability;

/// The largest item, in bytes.
pub const MAX_ITEM_BYTES: usize = 400 * 1024;
/// The largest page of a query, in bytes.
pub const MAX_PAGE_BYTES: usize = 1024 * 1024;
/// The largest number of writes in a transaction.
pub const MAX_TRANSACTION_WRITES: usize = 100;

/// The reason why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A condition did not hold; nothing was written.
    #[error("a condition did not hold")]
    ConditionFailed(Box<FailedCondition>),
    /// Throttled, in conflict, full or away: trying again may help. A write may have been applied.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An item does not read as what it should be.
    #[error("a stored item cannot be read")]
    Corrupt(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The first write whose condition did not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedCondition {
    /// Its place in the transaction.
    pub index: usize,
    /// The item as it stands, `None` if it is absent: tells a lost acknowledgement from a lost
    /// race.
    pub current: Option<Item>,
}

impl StoreError {
    /// Returns the refusal, or the error itself if it is another.
    pub fn failed_condition(self) -> Result<FailedCondition, Self> {
        match self {
            Self::ConditionFailed(failed) => Ok(*failed),
            other => Err(other),
        }
    }
}

/// Stores items.
///
/// - Every read is consistent: it sees every write that was acknowledged before it began.
/// - A write is atomic with its conditions; a transaction is atomic as a whole.
/// - An item past its `expires_at` is absent for every read and every condition, although it may
///   still be stored; [`Store::due`] and [`Query::expired`] are the exceptions, for the cleanup.
/// - After `Unavailable` a write may have been applied.
#[async_trait]
pub trait Store: Send + Sync {
    /// Reads items; the result has one place per key, in the same order.
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError>;

    /// Reads a range of one partition in the order of its sort keys, one page of at most
    /// [`MAX_PAGE_BYTES`] and `query.limit` items, and at least one item if there is one.
    async fn query(&self, query: &Query) -> Result<Page, StoreError>;

    /// Writes one item if its conditions hold, and returns it as it stands afterwards.
    async fn write(&self, write: Write, durability: Durability)
    -> Result<Option<Item>, StoreError>;

    /// Writes up to [`MAX_TRANSACTION_WRITES`] different items if all conditions hold, else none.
    async fn transact(&self, writes: Vec<Write>, durability: Durability) -> Result<(), StoreError>;

    /// Returns once every write that was acknowledged before is durable, `Ordered` ones included.
    ///
    /// An error means that some of them are lost. Adapters that acknowledge only what is durable
    /// keep this default.
    async fn synced(&self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Lists items whose attribute `due` (milliseconds since the epoch) is at most `until`, expired
    /// ones included, earliest first, at most `limit`. May lag behind writes.
    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Item>, StoreError>;
}
