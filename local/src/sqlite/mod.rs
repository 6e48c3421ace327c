//! The adapters on `SQLite`: the storage of one machine, in one file.
//!
//! | module | what it holds |
//! |---|---|
//! | [`database`] | opening the file; the handle that all adapters share |
//! | `writer` | the one thread that reads and writes, and commits in groups |
//! | `engine`, `item_cache` | what that thread owns |
//! | `schema` | the tables, and their versions |
//! | `statistics` | figures of every minute, hour and quarter of a day, folded from the events |
//! | `store`, `queue`, `events`, `documents`, `reply_cache` | the adapters |
//!
//! All adapters write to one ordered log.
//! An act that is acknowledged as [`Ordered`](shared::ports::Durability::Ordered) is visible at
//! once and durable some milliseconds later; one that is acknowledged as
//! [`Synced`](shared::ports::Durability::Synced) is durable, and so is everything before it.

pub mod database;
pub mod documents;
mod engine;
pub mod error;
pub mod events;
mod item_cache;
mod lock;
mod purge;
pub mod queue;
mod queue_index;
mod queue_rows;
pub mod reply_cache;
mod rows;
mod schema;
pub mod statistics;
pub mod store;
mod writer;

pub use database::{Database, Synchronous};
pub use documents::{SqliteDocuments, StoredDocument};
pub use error::OpenError;
pub use events::{SqliteEvents, StoredEvent};
pub use queue::{QueueDepth, SqliteQueue};
pub use reply_cache::SqliteReplyCache;
pub use statistics::{Span, SqliteStatistics};
pub use store::SqliteStore;

#[cfg(test)]
mod tests;
