//! Mutants of the notifier.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use shared::ports::store::{Key, Write};
use shared::ports::{Durability, Store};

use super::mutation::{StoreMutation, forget_condition};
use crate::faults::{PortCall, lock};
use crate::ports::ProcessPorts;

/// The commits that workers left to notifiers, by turn.
#[derive(Debug, Default)]
pub(crate) struct DeferredCommits(Mutex<BTreeMap<Key, Write>>);

impl DeferredCommits {
    pub(super) fn keep(&self, write: Write) {
        lock(&self.0).insert(write.key.clone(), write);
    }

    fn take(&self, key: &Key) -> Option<Write> {
        lock(&self.0).remove(key)
    }
}

/// 8, the notifier's half: what was kept aside is written when its turn is to be delivered.
pub(super) struct NotifierCommits(pub(super) ProcessPorts);

#[async_trait]
impl StoreMutation for NotifierCommits {
    async fn before_reading(&self, store: &dyn Store, keys: &[Key]) {
        for key in keys {
            if let Some(write) = self.0.cloud.kept.take(key)
                && store.write(write.clone(), Durability::Synced).await.is_err()
            {
                self.0.cloud.kept.keep(write);
            }
        }
    }
}

/// 13: a turn is marked delivered and counted without a look at its state.
pub(super) struct TotalsWithoutState;

#[async_trait]
impl StoreMutation for TotalsWithoutState {
    fn transaction(&self, op: PortCall, mut writes: Vec<Write>) -> Vec<Write> {
        if op == PortCall::Deliver {
            for write in &mut writes {
                forget_condition(write, "state");
            }
        }
        writes
    }
}
