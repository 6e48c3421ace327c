//! FIFO queues against a model.

mod broken;
mod caught;
mod model;
mod operation;
mod reach;
mod test_bed;
mod test_run;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use proptest::test_runner::TestCaseResult;
use shared::fifo::QueueSettings;

use super::runner::{holds, on_paused_time};
use operation::{Operation, operation};
use test_bed::{MemoryTestBed, SqliteTestBed, TestBed};
use test_run::TestRun;

/// A small limit, so that dead letters are common.
const SETTINGS: QueueSettings = QueueSettings::new(Duration::from_secs(30), 2);

/// Does the operations to a queue and to the model, and compares them at each.
fn agrees<R: TestBed>(make: impl Fn() -> R, operations: &[Operation]) -> TestCaseResult {
    on_paused_time(async { TestRun::new(make()).run(operations).await })
}

#[test]
fn the_queue_in_memory_does_what_the_model_does() {
    holds(400, operation(), |operations| agrees(MemoryTestBed::new, operations));
}

#[test]
fn the_queue_on_sqlite_does_what_the_model_does() {
    holds(40, operation(), |operations| agrees(SqliteTestBed::new, operations));
}

#[test]
fn the_sequences_reach_whatever_a_queue_can_do() {
    let reached = RefCell::new(BTreeSet::new());
    holds(200, operation(), |operations| {
        reached.borrow_mut().extend(reach::reached(operations));
        Ok(())
    });
    assert_eq!(reached.into_inner(), BTreeSet::from(reach::ALL));
}
