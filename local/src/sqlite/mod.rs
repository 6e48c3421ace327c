//! The adapters on `SQLite`: all storage of one machine in one file.
//!
//! | module | contents |
//! |---|---|
//! | [`database`] | the open database that all adapters share |
//! | `writer` | the single thread that reads and writes, with group commit |
//! | `engine`, `item_cache`, `queue_index` | the state that this thread owns |
//! | `schema` | tables and migrations |
//! | `statistics` | statistics for each minute, hour and quarter of a day, folded from the events |
//! | `passages` | the index of the documents' passages, and the connections that searches read on |
//! | `store`, `queue`, `events`, `documents`, `reply_cache` | the adapters |
//!
//! All adapters write to one ordered log. A write that is acknowledged as
//! [`Ordered`](shared::ports::Durability::Ordered) is visible at once and durable some milliseconds
//! later. One that is acknowledged as [`Synced`](shared::ports::Durability::Synced) is durable, and
//! so is everything before it.

pub mod database;
pub mod documents;
mod engine;
pub mod error;
pub mod events;
mod item_cache;
mod lock;
mod passages;
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
pub use documents::SqliteDocuments;
pub use error::OpenError;
pub use events::{SqliteEvents, StoredEvent};
pub use queue::{QueueDepth, SqliteQueue};
pub use reply_cache::SqliteReplyCache;
pub use statistics::{Span, SqliteStatistics};
pub use store::SqliteStore;

#[cfg(test)]
mod tests;
