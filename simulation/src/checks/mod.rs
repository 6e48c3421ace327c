//! What must hold, checked while it happens and at the end.
//!
//! | module | what it watches |
//! |---|---|
//! | `expected` | the state that follows from all that was sent, accepted, written and generated |
//! | `change` | what a write means |
//! | `storage` | every write, at the moment it is applied |
//! | `queues` | what is sent, and what is acknowledged |
//! | `models` | every call of a model, with the context that it was given |
//! | `clients` | what was asked and answered |
//! | `tabs` | what is shown |
//! | `promptness` | how soon, where nothing goes wrong |
//! | `audit` | the end: nothing lost, nothing doubled |
//!
//! Violations name the invariant of ARCHITECTURE.md by its number.

mod audit;
mod change;
mod clients;
mod expected;
mod mark;
mod models;
mod promptness;
mod queues;
mod storage;
mod tabs;

use std::sync::{Arc, Mutex};

use shared::memory::MemoryStore;
use worker::config::Pace;

pub use change::StoreChange;
pub use expected::ExpectedMessage;
pub(crate) use mark::foreign;
pub use mark::mark;
pub use models::CallId;
pub use promptness::CALM;
pub use tabs::TabWatch;

use crate::faults::{Faults, Subject, lock};
use crate::trace::Trace;
use expected::ExpectedState;

/// How many violations of a run are kept: later ones follow from the first.
const KEPT: usize = 8;

/// Watches a run.
#[derive(Debug)]
pub struct Checker {
    store: Arc<MemoryStore>,
    faults: Arc<Faults>,
    trace: Arc<Trace>,
    expected: Mutex<ExpectedState>,
    violations: Mutex<Vec<Violation>>,
    /// A history of fewer bytes fits the token budget for certain.
    whole_history: usize,
    /// How often provisional text is pushed, where promptness is required.
    pace: Mutex<Option<Pace>>,
}

/// Something that must never happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The number of the invariant.
    pub invariant: &'static str,
    /// Whose work it is about.
    pub subject: Subject,
    /// What happened.
    pub what: String,
}

impl Checker {
    /// Begins to watch; a history of fewer bytes than `whole_history` must be told to models as a
    /// whole.
    pub fn new(
        store: Arc<MemoryStore>,
        faults: Arc<Faults>,
        trace: Arc<Trace>,
        whole_history: usize,
    ) -> Self {
        Self {
            store,
            faults,
            trace,
            expected: Mutex::default(),
            violations: Mutex::default(),
            whole_history,
            pace: Mutex::default(),
        }
    }

    /// Requires promptness from now on; without this a test may let any time pass between two
    /// steps. `pace` is how often workers push provisional text.
    pub fn require_promptness(&self, pace: Pace) {
        *lock(&self.pace) = Some(pace);
    }

    /// Notes that an invariant does not hold.
    pub fn violation(
        &self,
        invariant: &'static str,
        subject: &Subject,
        what: impl FnOnce() -> String,
    ) {
        let what = what();
        self.trace
            .note(subject, invariant, || format!("VIOLATION of invariant {invariant}: {what}"));
        let mut violations = lock(&self.violations);
        if violations.len() < KEPT {
            violations.push(Violation { invariant, subject: subject.clone(), what });
        }
    }

    /// Returns the violations so far.
    pub fn violations(&self) -> Vec<Violation> {
        lock(&self.violations).clone()
    }

    /// Tells whether nothing was violated so far.
    pub fn is_clean(&self) -> bool {
        lock(&self.violations).is_empty()
    }

    /// Reads or updates the expected state.
    fn with<T>(&self, act: impl FnOnce(&mut ExpectedState) -> T) -> T {
        act(&mut lock(&self.expected))
    }

    /// Notes the findings of a check.
    fn report(&self, findings: Vec<Violation>) {
        for Violation { invariant, subject, what } in findings {
            self.violation(invariant, &subject, || what);
        }
    }
}
