//! Running a property over sequences of operations.
//!
//! Nothing is written beside the sources when a property fails: the failure shows the whole
//! shortest sequence.

use std::fmt::{Debug, Display, Formatter};

use proptest::collection::vec;
use proptest::strategy::Strategy;
use proptest::test_runner::{
    Config, RngAlgorithm, TestCaseError, TestCaseResult, TestError, TestRng, TestRunner,
};

/// The longest sequence.
const MAX_OPERATIONS: usize = 50;

fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, max_shrink_iters: 20_000, ..Config::default() }
}

fn sequences<Op: Debug>(operation: impl Strategy<Value = Op>) -> impl Strategy<Value = Vec<Op>> {
    vec(operation, 1..MAX_OPERATIONS)
}

/// Fails with the shortest sequence found if the property does not hold for `cases` random ones.
#[track_caller]
pub(super) fn holds<Op: Debug + Clone>(
    cases: u32,
    operation: impl Strategy<Value = Op>,
    property: impl Fn(&[Op]) -> TestCaseResult,
) {
    if let Some(failure) =
        shortest_failure(&mut TestRunner::new(config(cases)), operation, property)
    {
        panic!("{failure}");
    }
}

/// Fails if the property holds after all, or if its shortest counterexample has more than `at_most`
/// operations.
///
/// The sequences are the same at every run.
#[track_caller]
pub(super) fn is_refuted<Op: Debug + Clone>(
    at_most: usize,
    operation: impl Strategy<Value = Op>,
    property: impl Fn(&[Op]) -> TestCaseResult,
) {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config(500), rng);
    let failure =
        shortest_failure(&mut runner, operation, property).expect("a difference from the model");
    assert!(failure.operations.len() <= at_most, "not short: {failure}");
}

/// What a property does not hold for, and why.
struct Failure<Op> {
    operations: Vec<Op>,
    error: TestCaseError,
}

fn shortest_failure<Op: Debug + Clone>(
    runner: &mut TestRunner,
    operation: impl Strategy<Value = Op>,
    property: impl Fn(&[Op]) -> TestCaseResult,
) -> Option<Failure<Op>> {
    match runner.run(&sequences(operation), |operations| property(&operations)) {
        Ok(()) => None,
        Err(TestError::Fail(reason, operations)) => {
            Some(shorten(Failure { operations, error: TestCaseError::Fail(reason) }, property))
        }
        Err(TestError::Abort(reason)) => panic!("given up: {reason}"),
    }
}

/// Leaves out whatever can be left out: simpler operations may have made others needless.
fn shorten<Op: Clone>(
    mut failure: Failure<Op>,
    property: impl Fn(&[Op]) -> TestCaseResult,
) -> Failure<Op> {
    let without = |operations: &[Op], at: usize| {
        let operations = [&operations[..at], &operations[at + 1..]].concat();
        let error = property(&operations).err()?;
        Some(Failure { operations, error })
    };
    while let Some(shorter) =
        (0..failure.operations.len()).find_map(|at| without(&failure.operations, at))
    {
        failure = shorter;
    }
    failure
}

impl<Op: Debug> Display for Failure<Op> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}\nafter:", self.error)?;
        self.operations
            .iter()
            .enumerate()
            .try_for_each(|(step, operation)| writeln!(f, "{step:3} {operation:?}"))
    }
}

/// Runs a future to its end on a runtime of its own whose time is paused.
///
/// Paused time jumps when all wait for a timer. A call to a thread is waited for without one, so
/// time stands still meanwhile.
pub(super) fn on_paused_time<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}
