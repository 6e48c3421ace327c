//! The store on DynamoDB.
//!
//! | module | contents |
//! |---|---|
//! | `item` | items in DynamoDB's types |
//! | `expression` | conditions and changes as expressions |
//! | `prepare` | requests for the writes of the port, with their retries for expired items |
//! | `read`, `write`, `transact` | the operations of the port |
//! | `scan` | the list of sessions, for operators |
//! | `error` | the meaning of errors |

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

/// A store on one table: partition key `session_id`, sort key `item`, TTL attribute `expires_at`,
/// and the index `due` (`due_shard`, `due`) with all attributes.
///
/// It only uses `GetItem`, `Query`, `PutItem`, `UpdateItem` and `DeleteItem`, alone and in
/// transactions, because the functions have no other permissions. Several items are read with
/// concurrent `GetItem` calls. Operators also use `Scan`.
#[derive(Clone)]
pub struct DynamoStore {
    client: Client,
    table: String,
    clock: Arc<dyn Clock>,
}

impl DynamoStore {
    /// Creates the store for a table; items expire by the given clock. Makes no call.
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
