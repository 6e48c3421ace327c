//! What goes wrong where a notifier delivers.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use shared::ports::store::{Key, Write};
use shared::ports::{Durability, Store};

use super::twist::{Twist, forget_condition};
use crate::faults::{Op, lock};
use crate::ports::Rig;

/// The commits that workers left to notifiers, by turn.
#[derive(Debug, Default)]
pub(crate) struct Kept(Mutex<BTreeMap<Key, Write>>);

impl Kept {
    pub(super) fn keep(&self, write: Write) {
        lock(&self.0).insert(write.key.clone(), write);
    }

    fn take(&self, key: &Key) -> Option<Write> {
        lock(&self.0).remove(key)
    }
}

/// 8, the notifier's half: what was kept aside is written when its turn is to be delivered.
pub(super) struct NotifierCommits(pub(super) Rig);

#[async_trait]
impl Twist for NotifierCommits {
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
impl Twist for TotalsWithoutState {
    fn transaction(&self, op: Op, mut writes: Vec<Write>) -> Vec<Write> {
        if op == Op::Deliver {
            for write in &mut writes {
                forget_condition(write, "state");
            }
        }
        writes
    }
}
