//! The table, on DynamoDB.
//!
//! | module | what it holds |
//! |---|---|
//! | `item` | items as the service has them |
//! | `expression` | conditions and changes in its language |
//! | `prepare` | from a write of the port to a request |
//! | `read`, `write`, `transact` | the calls |
//! | `scan` | the call that only operators may make |
//! | `error` | what its errors mean |

mod error;
mod expression;
#[cfg(test)]
mod fixtures;
mod item;
mod prepare;
mod read;
mod scan;
mod transact;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use futures::future::try_join_all;
use shared::domain::Timestamp;
use shared::ports::store::{Item, Key, Page, Query, Store, StoreError, Write};
use shared::ports::{Clock, Durability};

use crate::sdk::{Sdk, Service};

pub use scan::Sessions;

/// One table: partition key `session_id`, sort key `item`, TTL attribute `expires_at`, and the
/// index `due` (`due_shard`, `due`) with all attributes.
///
/// It calls `GetItem`, `Query`, `PutItem`, `UpdateItem` and `DeleteItem`, alone and in
/// transactions, and nothing else: several items are several `GetItem`s at once, because the
/// functions may not do more. For operators there is a `Scan`.
#[derive(Clone)]
pub struct DynamoStore {
    client: Client,
    table: String,
    clock: Arc<dyn Clock>,
}

impl DynamoStore {
    /// Takes the table's name, and the clock by which items expire.
    pub fn new(sdk: &Sdk, table: impl Into<String>, clock: Arc<dyn Clock>) -> Self {
        Self { client: Client::new(&sdk.config(Service::DynamoDb)), table: table.into(), clock }
    }
}

impl std::fmt::Debug for DynamoStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DynamoStore").field("table", &self.table).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for DynamoStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        let now = self.clock.now();
        let found = try_join_all(keys.iter().map(|key| self.get_one(key))).await?;
        Ok(found.into_iter().map(|item| item.filter(|item| !item.is_expired(now))).collect())
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        self.query_page(query).await
    }

    async fn write(&self, write: Write, _: Durability) -> Result<Option<Item>, StoreError> {
        self.write_one(write).await
    }

    async fn transact(&self, writes: Vec<Write>, _: Durability) -> Result<(), StoreError> {
        self.transact_all(writes).await
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Item>, StoreError> {
        self.due_items(until, limit).await
    }
}
