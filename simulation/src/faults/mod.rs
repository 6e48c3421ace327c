//! Which faults occur, decided in one place: by rules in fixed scenarios, at random in seeded runs.
//!
//! All random decisions of a run come from one generator, in the order in which they are asked for.
//! A run is repeatable because that order is: one thread, paused time, no source of randomness
//! besides the seed, and no collection that is iterated in the order of its hashes.

mod external;
mod process;
mod random;
mod sandbox;
mod scripted;
mod tally;

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use external::ExternalFault;
pub use process::{Process, Subject};
pub use random::{FaultRates, RandomFaults};
pub use sandbox::Sandbox;
pub use tally::{Counts, Tally};

pub use testkit::faults::{Fault, FaultRule, Function, Gate, PortCall};

use scripted::Script;
use testkit::faults::FaultRules;

/// Decides which faults occur, and counts them.
#[derive(Debug)]
pub struct Faults {
    rules: FaultRules,
    script: Script,
    random: Option<RandomFaults>,
    tally: Tally,
    processes: AtomicU32,
}

/// What becomes of one call.
#[derive(Debug, Default)]
pub(crate) struct Decision {
    pub(crate) latency: Duration,
    pub(crate) fault: Option<Fault>,
}

impl Faults {
    /// Injects no faults but those of rules.
    pub fn scripted() -> Arc<Self> {
        Arc::new(Self {
            rules: FaultRules::default(),
            script: Script::default(),
            random: None,
            tally: Tally::default(),
            processes: AtomicU32::new(0),
        })
    }

    /// Draws faults at random; rules are not used.
    pub fn random(random: RandomFaults) -> Arc<Self> {
        Arc::new(Self {
            rules: FaultRules::default(),
            script: Script::default(),
            random: Some(random),
            tally: Tally::default(),
            processes: AtomicU32::new(0),
        })
    }

    /// Adds a rule.
    pub fn add_fault(&self, rule: FaultRule) {
        self.rules.add(rule);
    }

    /// Lets an external fault occur on some of its next occasions, counted from 1.
    pub fn schedule_fault(&self, mishap: ExternalFault, times: RangeInclusive<usize>) {
        self.script.schedule_fault(mishap, times);
    }

    /// Ends all faults. Tells whether a rule's call is still to come.
    pub fn heal(&self) -> bool {
        if let Some(random) = &self.random {
            random.heal();
        }
        self.script.clear();
        self.rules.clear()
    }

    /// Tells whether random faults can still occur.
    pub fn is_active(&self) -> bool {
        self.random.as_ref().is_some_and(RandomFaults::is_active)
    }

    /// Returns what was counted.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Returns how many calls of a kind a function made so far.
    pub fn calls(&self, function: Function, op: PortCall) -> usize {
        self.rules.calls(function, op)
    }

    /// Returns how many calls of any kind a function made so far.
    pub fn calls_of(&self, function: Function) -> usize {
        self.rules.calls_of(function)
    }

    /// Decides whether an external fault occurs now, and counts it.
    pub fn occurs(&self, mishap: ExternalFault, subject: &Subject) -> bool {
        let scripted = self.script.occurs(mishap);
        let happens = self.random.as_ref().is_some_and(|random| random.occurs(mishap)) || scripted;
        if happens {
            self.tally.mishap(mishap, subject);
        }
        happens
    }

    /// Draws a duration between two bounds; the lower one where faults are scripted.
    pub fn span(&self, least: Duration, most: Duration) -> Duration {
        self.random.as_ref().map_or(least, |random| random.span(least, most))
    }

    /// Draws a whole number below `bound`; 0 where faults are scripted.
    pub fn draw(&self, bound: usize) -> usize {
        self.random.as_ref().map_or(0, |random| random.draw(bound))
    }

    /// Draws a whole number below `bound`; `otherwise` where faults are scripted.
    pub fn draw_or(&self, bound: usize, otherwise: usize) -> usize {
        self.random.as_ref().map_or(otherwise, |random| random.draw(bound))
    }

    /// Draws a seed for another generator.
    pub fn fork(&self) -> u64 {
        self.random.as_ref().map_or_else(|| self.script.fork(), RandomFaults::fork)
    }

    /// Numbers a process.
    pub(super) fn next_process(&self) -> u32 {
        self.processes.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn decide(&self, process: &Process, op: PortCall) -> Decision {
        let function = process.function();
        let (latency, fault) = match &self.random {
            Some(random) => (random.latency(), random.fault(function, op)),
            None => (Duration::ZERO, self.rules.decide(function, op)),
        };
        if let Some(fault) = &fault {
            self.tally.fault(fault, &process.subject());
        }
        Decision { latency, fault }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
