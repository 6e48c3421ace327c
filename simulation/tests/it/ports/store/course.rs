//! One sequence of operations, done to a store and to the model at once.

use proptest::prop_assert_eq;
use proptest::test_runner::{TestCaseError, TestCaseResult};
use shared::domain::Timestamp;
use shared::ports::store::{Item, Query, StoreError};

use super::model::{Model, Seen};
use super::operation::Operation;
use super::rig::Rig;

/// A store and the model.
pub(super) struct Course<R> {
    rig: R,
    model: Model,
}

impl<R: Rig> Course<R> {
    pub(super) fn new(rig: R) -> Self {
        Self { rig, model: Model::new(R::PURGES) }
    }

    /// Does the operations, and looks at everything that is stored after each.
    pub(super) async fn run(mut self, operations: &[Operation]) -> TestCaseResult {
        for (step, operation) in operations.iter().enumerate() {
            self.step(step, operation).await?;
        }
        Ok(())
    }

    async fn step(&mut self, step: usize, operation: &Operation) -> TestCaseResult {
        if matches!(operation, Operation::Restart) && !self.rig.restart() {
            return Ok(());
        }
        let seen = self.act(operation).await?;
        prop_assert_eq!(seen, self.model.act(operation), "{:?}, step {}", operation, step);
        self.rig.set_time(self.model.now);
        self.compare(operation, step).await
    }

    async fn act(&self, operation: &Operation) -> Result<Seen, TestCaseError> {
        let store = self.rig.store();
        match operation.clone() {
            Operation::Write(write, durability) => {
                seen(store.write(write, durability).await, Seen::Written)
            }
            Operation::Transact(writes, durability) => {
                seen(store.transact(writes, durability).await, |()| Seen::Done)
            }
            Operation::Get(keys) => seen(store.get(&keys).await, Seen::Items),
            Operation::Query(query) => seen(store.query(&query).await, Seen::Page),
            Operation::Due(until, limit) => seen(store.due(until, limit).await, some),
            Operation::Sync => seen(store.synced().await, |()| Seen::Done),
            Operation::Purge => {
                self.rig.purge().await;
                Ok(Seen::Done)
            }
            Operation::Pass(_) | Operation::Restart => Ok(Seen::Done),
        }
    }

    /// Compares everything that is stored, without reading any item by its key: a read may change
    /// what a store keeps at hand.
    async fn compare(&self, operation: &Operation, step: usize) -> TestCaseResult {
        for (partition, expired) in
            [("session", true), ("nonce#1", true), ("session", false), ("nonce#1", false)]
        {
            let query = Query { expired, ..Query::prefix(partition, "", 1_000) };
            let page = seen(self.rig.store().query(&query).await, Seen::Page)?;
            let expected = Seen::Page(self.model.query(&query));
            prop_assert_eq!(page, expected, "{} after {:?}, step {}", partition, operation, step);
        }
        let due = seen(self.rig.store().due(Timestamp(i64::MAX), 1_000).await, some)?;
        let expected = some(self.model.due(Timestamp(i64::MAX), 1_000));
        prop_assert_eq!(due, expected, "due items after {:?}, step {}", operation, step);
        Ok(())
    }
}

fn some(items: Vec<Item>) -> Seen {
    Seen::Items(items.into_iter().map(Some).collect())
}

fn seen<T>(
    outcome: Result<T, StoreError>,
    show: impl FnOnce(T) -> Seen,
) -> Result<Seen, TestCaseError> {
    match outcome {
        Ok(value) => Ok(show(value)),
        Err(StoreError::ConditionFailed(refusal)) => Ok(Seen::Refused(*refusal)),
        Err(StoreError::Corrupt(_)) => Ok(Seen::Invalid),
        Err(error @ StoreError::Unavailable(_)) => Err(TestCaseError::fail(format!("{error:?}"))),
    }
}
