//! In-memory adapters that behave like the real services.
//!
//! They keep the services' rules: pages, size limits, message groups, stale handles. Nothing here
//! fails by itself; faults are laid around them.

mod clock;
mod documents;
mod events;
mod ids;
mod metrics;
mod push;
mod queue;
mod secrets;
mod store;

pub use clock::{FixedClock, ManualClock, TokioClock};
pub use documents::{MemoryDocuments, OwnedDocument};
pub use events::MemoryEvents;
pub use ids::SeededIds;
pub use metrics::MemoryMetrics;
pub use push::{ConnectionState, MemoryPush};
pub use queue::MemoryQueue;
pub use secrets::MemorySecrets;
pub use store::MemoryStore;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, also after a panic elsewhere: every critical section here leaves its data whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
