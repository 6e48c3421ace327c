//! What happened, as a hash that two runs of one seed share, and on demand as lines to read.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::sync::Mutex;

use tokio::time::Instant;

use crate::faults::{Fault, PortCall, Process, Subject, lock};
use client::recording::{Record, Step};
use client::tab::TabId;

/// The trace of a run.
#[derive(Debug)]
pub struct Trace {
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    hasher: DefaultHasher,
    lines: Option<Vec<Line>>,
    tabs: Option<Vec<Record>>,
}

/// One line of a recorded trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Milliseconds since the run began.
    pub millis: u128,
    /// Whom it is about.
    pub subject: Subject,
    /// Whether it belongs to a shortened story: everything but calls without a fault.
    pub notable: bool,
    /// What happened.
    pub text: String,
}

impl Trace {
    /// Begins a trace; without lines it only hashes.
    pub fn begin(record: bool) -> Self {
        let state = State {
            hasher: DefaultHasher::new(),
            lines: record.then(Vec::new),
            tabs: record.then(Vec::new),
        };
        Self { began: Instant::now(), state: Mutex::new(state) }
    }

    /// Records a port call and the fault that was put on it.
    pub(crate) fn call(&self, process: &Process, op: PortCall, fault: Option<&Fault>) {
        let mut state = lock(&self.state);
        let millis = self.began.elapsed().as_millis();
        (millis, process.id(), op, fault.map(Fault::name)).hash(&mut state.hasher);
        if let Some(lines) = &mut state.lines {
            let outcome = fault.map_or_else(String::new, |fault| format!(": {}", fault.name()));
            let text = format!("{:?} {} {op:?}{outcome}", process.function(), process.id());
            lines.push(Line { millis, subject: process.subject(), notable: fault.is_some(), text });
        }
    }

    /// Records something else. `digest` always enters the hash; `text` is only called where lines
    /// are recorded.
    pub(crate) fn note(&self, subject: &Subject, digest: impl Hash, text: impl FnOnce() -> String) {
        let mut state = lock(&self.state);
        let millis = self.began.elapsed().as_millis();
        (millis, digest).hash(&mut state.hasher);
        if let Some(lines) = &mut state.lines {
            lines.push(Line { millis, subject: subject.clone(), notable: true, text: text() });
        }
    }

    /// Records what a tab received or did. It is not part of the hash, and `step` is only called
    /// where lines are recorded.
    pub(crate) fn tab(&self, tab: TabId, step: impl FnOnce() -> Option<Step>) {
        let mut state = lock(&self.state);
        let Some(tabs) = &mut state.tabs else { return };
        let at = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tabs.extend(step().map(|step| step.record(tab, at)));
    }

    /// Returns what the tabs received and did, in order.
    pub fn tabs(&self) -> Vec<Record> {
        lock(&self.state).tabs.clone().unwrap_or_default()
    }

    /// Returns the hash of all that happened so far.
    pub fn hash(&self) -> u64 {
        lock(&self.state).hasher.finish()
    }

    /// Returns the recorded lines.
    pub fn lines(&self) -> Vec<Line> {
        lock(&self.state).lines.clone().unwrap_or_default()
    }
}

/// Writes lines the way they are read: time first.
pub fn render(lines: &[Line]) -> String {
    lines.iter().fold(String::new(), |mut story, line| {
        let seconds = line.millis / 1000;
        let millis = line.millis % 1000;
        let _ = writeln!(story, "{seconds:>6}.{millis:03}  {}", line.text);
        story
    })
}
