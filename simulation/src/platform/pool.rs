//! Warm processes of one function.

use std::sync::{Arc, Mutex};

use crate::faults::{Process, lock};

/// A process with its handler: what it keeps between invocations dies with it.
pub(super) struct Instance<Handler> {
    pub(super) process: Arc<Process>,
    pub(super) handler: Arc<Handler>,
}

/// The processes of a function that wait for work.
pub(super) struct Pool<Handler>(Mutex<Vec<Instance<Handler>>>);

impl<Handler> Default for Pool<Handler> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Handler> Clone for Instance<Handler> {
    fn clone(&self) -> Self {
        Self { process: Arc::clone(&self.process), handler: Arc::clone(&self.handler) }
    }
}

impl<Handler> Pool<Handler> {
    /// Takes a warm process, or starts one.
    pub(super) fn take(&self, start: impl FnOnce() -> Instance<Handler>) -> Instance<Handler> {
        let warm = lock(&self.0).pop();
        warm.unwrap_or_else(start)
    }

    /// Gives a process back, if it still lives.
    pub(super) fn give_back(&self, instance: Instance<Handler>) {
        if instance.process.is_alive() {
            lock(&self.0).push(instance);
        }
    }

    /// Ends every warm process.
    pub(super) fn clear(&self) {
        lock(&self.0).clear();
    }
}
