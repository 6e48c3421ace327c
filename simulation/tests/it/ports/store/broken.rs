//! Stores with one fault each.

use std::sync::Arc;

use async_trait::async_trait;
use shared::domain::Timestamp;
use shared::memory::{FixedClock, ManualClock, MemoryStore};
use shared::ports::store::{
    Change, Effect, FailedCondition, Item, Key, Page, Query, Store, StoreError, Write,
};
use shared::ports::{Clock, Durability};

use super::START;
use super::test_bed::TestBed;

/// What a store does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// An expired item is present.
    KeepsExpired,
    /// A refused transaction leaves what precedes the refused write.
    WritesHalf,
    /// A refusal tells no current item.
    HidesCurrent,
    /// A refusal tells the first write, whichever it was.
    BlamesFirst,
    /// A put leaves the attributes that it does not name.
    MergesPut,
    /// A page never tells that there is more.
    NeverMore,
    /// A query in descending order ascends.
    Ascends,
    /// Expired items are left out of what is due.
    HidesExpiredDue,
    /// Everything is lost when the process ends.
    LosesAll,
}

/// A store in memory with a fault laid around it.
pub(super) struct BrokenStore {
    inner: MemoryStore,
    clock: Arc<ManualClock>,
    fault: Fault,
}

impl BrokenStore {
    pub(super) fn new(fault: Fault) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let moving: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let stopped = Arc::new(FixedClock(Timestamp(0)));
        let inner = MemoryStore::new(if fault == Fault::KeepsExpired { stopped } else { moving });
        Self { inner, clock, fault }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    async fn write_singly(
        &self,
        writes: Vec<Write>,
        durability: Durability,
    ) -> Result<(), StoreError> {
        for (index, write) in writes.into_iter().enumerate() {
            let refused = |refusal| {
                StoreError::ConditionFailed(Box::new(FailedCondition { index, ..refusal }))
            };
            let outcome = self.inner.write(write, durability).await;
            outcome.map_err(|error| {
                error.failed_condition().map_or_else(std::convert::identity, refused)
            })?;
        }
        Ok(())
    }

    fn distort(&self, error: StoreError) -> StoreError {
        let distorted = |refusal: FailedCondition| {
            let index = if self.is(Fault::BlamesFirst) { 0 } else { refusal.index };
            let current = refusal.current.filter(|_| !self.is(Fault::HidesCurrent));
            StoreError::ConditionFailed(Box::new(FailedCondition { index, current }))
        };
        error.failed_condition().map_or_else(std::convert::identity, distorted)
    }
}

#[async_trait]
impl Store for BrokenStore {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, StoreError> {
        self.inner.get(keys).await
    }

    async fn query(&self, query: &Query) -> Result<Page, StoreError> {
        let descending = query.descending && !self.is(Fault::Ascends);
        let page = self.inner.query(&Query { descending, ..query.clone() }).await?;
        Ok(Page { more: page.more && !self.is(Fault::NeverMore), ..page })
    }

    async fn write(
        &self,
        mut write: Write,
        durability: Durability,
    ) -> Result<Option<Item>, StoreError> {
        if self.is(Fault::MergesPut)
            && let Effect::Put(attributes) = &write.effect
        {
            let names = ["number", "text", "flag", "expires_at", "due"];
            let set = |name: &'static str| Some(Change::Set(name, attributes.get(name)?.clone()));
            write.effect = Effect::Update(names.into_iter().filter_map(set).collect());
        }
        self.inner.write(write, durability).await.map_err(|error| self.distort(error))
    }

    async fn transact(&self, writes: Vec<Write>, durability: Durability) -> Result<(), StoreError> {
        let twice = |(at, write): (usize, &Write)| {
            writes[..at].iter().any(|earlier| earlier.key == write.key)
        };
        if self.is(Fault::WritesHalf) && !writes.iter().enumerate().any(twice) {
            return self.write_singly(writes, durability).await;
        }
        self.inner.transact(writes, durability).await.map_err(|error| self.distort(error))
    }

    async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Item>, StoreError> {
        let mut due = self.inner.due(until, limit).await?;
        due.retain(|item| !(self.is(Fault::HidesExpiredDue) && item.is_expired(self.clock.now())));
        Ok(due)
    }
}

#[async_trait(?Send)]
impl TestBed for BrokenStore {
    fn store(&self) -> &dyn Store {
        self
    }

    fn set_time(&self, now: Timestamp) {
        self.clock.set(now);
    }

    async fn purge(&self) {
        self.inner.purge_expired(usize::MAX);
    }

    fn restart(&mut self) -> bool {
        if self.is(Fault::LosesAll) {
            self.inner = MemoryStore::new(Arc::<ManualClock>::clone(&self.clock));
        }
        self.is(Fault::LosesAll)
    }
}
