//! One sequence of operations, done to a store and to the model at once.

use proptest::prop_assert_eq;
use proptest::test_runner::{TestCaseError, TestCaseResult};
use shared::domain::Timestamp;
use shared::ports::store::{Item, Query, StoreError};

use super::model::{Model, Observation};
use super::operation::Operation;
use super::test_bed::TestBed;

/// A store and the model.
pub(super) struct TestRun<R> {
    test_bed: R,
    model: Model,
}

impl<R: TestBed> TestRun<R> {
    pub(super) fn new(test_bed: R) -> Self {
        Self { test_bed, model: Model::new(R::PURGES) }
    }

    /// Does the operations, and looks at everything that is stored after each.
    pub(super) async fn run(mut self, operations: &[Operation]) -> TestCaseResult {
        for (step, operation) in operations.iter().enumerate() {
            self.step(step, operation).await?;
        }
        Ok(())
    }

    async fn step(&mut self, step: usize, operation: &Operation) -> TestCaseResult {
        if matches!(operation, Operation::Restart) && !self.test_bed.restart() {
            return Ok(());
        }
        let seen = self.act(operation).await?;
        prop_assert_eq!(seen, self.model.act(operation), "{:?}, step {}", operation, step);
        self.test_bed.set_time(self.model.now);
        self.compare(operation, step).await
    }

    async fn act(&self, operation: &Operation) -> Result<Observation, TestCaseError> {
        let store = self.test_bed.store();
        match operation.clone() {
            Operation::Write(write, durability) => {
                seen(store.write(write, durability).await, Observation::Written)
            }
            Operation::Transact(writes, durability) => {
                seen(store.transact(writes, durability).await, |()| Observation::Done)
            }
            Operation::Get(keys) => seen(store.get(&keys).await, Observation::Items),
            Operation::Query(query) => seen(store.query(&query).await, Observation::Page),
            Operation::Due(until, limit) => seen(store.due(until, limit).await, some),
            Operation::Sync => seen(store.synced().await, |()| Observation::Done),
            Operation::Purge => {
                self.test_bed.purge().await;
                Ok(Observation::Done)
            }
            Operation::Pass(_) | Operation::Restart => Ok(Observation::Done),
        }
    }

    /// Compares everything that is stored, without reading any item by its key: a read may change
    /// what a store keeps at hand.
    async fn compare(&self, operation: &Operation, step: usize) -> TestCaseResult {
        for (partition, expired) in
            [("session", true), ("nonce#1", true), ("session", false), ("nonce#1", false)]
        {
            let query = Query { expired, ..Query::prefix(partition, "", 1_000) };
            let page = seen(self.test_bed.store().query(&query).await, Observation::Page)?;
            let expected = Observation::Page(self.model.query(&query));
            prop_assert_eq!(page, expected, "{} after {:?}, step {}", partition, operation, step);
        }
        let due = seen(self.test_bed.store().due(Timestamp(i64::MAX), 1_000).await, some)?;
        let expected = some(self.model.due(Timestamp(i64::MAX), 1_000));
        prop_assert_eq!(due, expected, "due items after {:?}, step {}", operation, step);
        Ok(())
    }
}

fn some(items: Vec<Item>) -> Observation {
    Observation::Items(items.into_iter().map(Some).collect())
}

fn seen<T>(
    outcome: Result<T, StoreError>,
    show: impl FnOnce(T) -> Observation,
) -> Result<Observation, TestCaseError> {
    match outcome {
        Ok(value) => Ok(show(value)),
        Err(StoreError::ConditionFailed(refusal)) => Ok(Observation::Refused(*refusal)),
        Err(StoreError::Corrupt(_)) => Ok(Observation::Invalid),
        Err(error @ StoreError::Unavailable(_)) => Err(TestCaseError::fail(format!("{error:?}"))),
    }
}
