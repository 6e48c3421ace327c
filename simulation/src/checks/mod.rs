//! What must hold, checked while it happens and at the end.
//!
//! | module | what it watches |
//! |---|---|
//! | `book` | all that is known: what was promised, written, said, shown |
//! | `note` | what a write means |
//! | `storage` | every write, at the moment it is applied |
//! | `queues` | what is sent, and what is acknowledged |
//! | `models` | every call of a model, with the context that it was given |
//! | `clients` | what was asked, answered and shown |
//! | `audit` | the end: nothing lost, nothing doubled |
//!
//! Violations name the invariant of ARCHITECTURE.md by its number.

mod audit;
mod book;
mod clients;
mod models;
mod note;
mod queues;
mod storage;

use std::sync::{Arc, Mutex};

use shared::memory::MemoryStore;

pub use book::Promise;
pub(crate) use clients::foreign;
pub use clients::{TabWatch, mark};
pub use models::CallId;
pub use note::Note;

use crate::faults::{Faults, Subject, lock};
use crate::trace::Trace;
use book::Book;

/// How many violations of one run are kept: the first ones tell the story.
const KEPT: usize = 8;

/// Watches a run.
#[derive(Debug)]
pub struct Checker {
    store: Arc<MemoryStore>,
    faults: Arc<Faults>,
    trace: Arc<Trace>,
    book: Mutex<Book>,
    violations: Mutex<Vec<Violation>>,
    /// A history of fewer bytes fits the token budget for certain.
    whole_history: usize,
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
            book: Mutex::default(),
            violations: Mutex::default(),
            whole_history,
        }
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

    /// Looks something up, or notes something down.
    fn with<T>(&self, act: impl FnOnce(&mut Book) -> T) -> T {
        act(&mut lock(&self.book))
    }

    /// Notes the findings of a check.
    fn report(&self, findings: Vec<Violation>) {
        for Violation { invariant, subject, what } in findings {
            self.violation(invariant, &subject, || what);
        }
    }
}
