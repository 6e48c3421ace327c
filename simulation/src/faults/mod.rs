//! What goes wrong, decided in one place: by a script in pinned scenarios, by the weather in random
//! runs.

mod kinds;
mod process;
mod sandbox;
mod script;
mod tally;
mod weather;

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use kinds::Mishap;
pub use process::{Process, Subject};
pub use sandbox::Sandbox;
pub use tally::{Counts, Tally};
pub use weather::{Climate, Weather};

pub use testkit::faults::{Fault, FaultRule as Rule, Function, Gate, PortCall as Op};

use script::Script;
use testkit::faults::FaultRules;

/// Decides what goes wrong, and counts what did.
#[derive(Debug)]
pub struct Faults {
    rules: FaultRules,
    script: Script,
    weather: Option<Weather>,
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
    /// Lets nothing go wrong but what rules say.
    pub fn scripted() -> Arc<Self> {
        Arc::new(Self {
            rules: FaultRules::default(),
            script: Script::default(),
            weather: None,
            tally: Tally::default(),
            processes: AtomicU32::new(0),
        })
    }

    /// Lets go wrong what the weather brings; rules are not asked.
    pub fn with_weather(weather: Weather) -> Arc<Self> {
        Arc::new(Self {
            rules: FaultRules::default(),
            script: Script::default(),
            weather: Some(weather),
            tally: Tally::default(),
            processes: AtomicU32::new(0),
        })
    }

    /// Adds a rule.
    pub fn lay(&self, rule: Rule) {
        self.rules.add(rule);
    }

    /// Lets a mishap happen at some of the times from now on at which it could, counted from 1.
    pub fn bring(&self, mishap: Mishap, times: RangeInclusive<usize>) {
        self.script.bring(mishap, times);
    }

    /// Ends all faults. Tells whether a rule's call is still to come.
    pub fn heal(&self) -> bool {
        if let Some(weather) = &self.weather {
            weather.heal();
        }
        self.script.clear();
        self.rules.clear()
    }

    /// Tells whether the weather can still be bad.
    pub fn is_chaos(&self) -> bool {
        self.weather.as_ref().is_some_and(Weather::is_chaos)
    }

    /// Returns what was counted.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Returns how many calls of a kind a function made so far.
    pub fn calls(&self, function: Function, op: Op) -> usize {
        self.rules.calls(function, op)
    }

    /// Returns how many calls of any kind a function made so far.
    pub fn calls_of(&self, function: Function) -> usize {
        self.rules.calls_of(function)
    }

    /// Decides whether a mishap happens to somebody, and counts it.
    pub fn toss(&self, mishap: Mishap, subject: &Subject) -> bool {
        let scripted = self.script.toss(mishap);
        let happens = self.weather.as_ref().is_some_and(|weather| weather.toss(mishap)) || scripted;
        if happens {
            self.tally.mishap(mishap, subject);
        }
        happens
    }

    /// Draws a span between two bounds; the lower one where there is no weather.
    pub fn span(&self, least: Duration, most: Duration) -> Duration {
        self.weather.as_ref().map_or(least, |weather| weather.span(least, most))
    }

    /// Draws a whole number below `bound`; 0 where there is no weather.
    pub fn draw(&self, bound: usize) -> usize {
        self.weather.as_ref().map_or(0, |weather| weather.draw(bound))
    }

    /// Draws a whole number below `bound`; `otherwise` where there is no weather.
    pub fn draw_or(&self, bound: usize, otherwise: usize) -> usize {
        self.weather.as_ref().map_or(otherwise, |weather| weather.draw(bound))
    }

    /// Draws a seed for somebody's own randomness.
    pub fn fork(&self) -> u64 {
        self.weather.as_ref().map_or_else(|| self.script.fork(), Weather::fork)
    }

    /// Numbers a process.
    pub(super) fn next_process(&self) -> u32 {
        self.processes.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn decide(&self, process: &Process, op: Op) -> Decision {
        let function = process.function();
        let (latency, fault) = match &self.weather {
            Some(weather) => (weather.latency(), weather.fault(function, op)),
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
