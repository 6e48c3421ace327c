//! Faults at chosen calls, for pinned scenarios and for exhaustive ones.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Mutex;

use super::{Fault, Function, Mishap, Op, lock};

/// A fault at chosen calls.
#[derive(Debug, Clone)]
pub struct Rule {
    function: Option<Function>,
    op: Option<Op>,
    calls: RangeInclusive<usize>,
    fault: Fault,
    seen: usize,
}

impl Rule {
    /// Lays a fault on a function's n-th call of a kind from now on, counted from 1.
    pub const fn at(function: Function, op: Op, nth: usize, fault: Fault) -> Self {
        Self { function: Some(function), op: Some(op), calls: nth..=nth, fault, seen: 0 }
    }

    /// Lays a fault on every one of a function's calls of a kind from now on.
    pub const fn always(function: Function, op: Op, fault: Fault) -> Self {
        Self { function: Some(function), op: Some(op), calls: 1..=usize::MAX, fault, seen: 0 }
    }

    /// Lays a fault on a range of a function's calls of a kind from now on, counted from 1.
    pub const fn during(
        function: Function,
        op: Op,
        calls: RangeInclusive<usize>,
        fault: Fault,
    ) -> Self {
        Self { function: Some(function), op: Some(op), calls, fault, seen: 0 }
    }

    /// Lays a fault on a function's n-th call of any kind from now on, counted from 1.
    pub const fn anywhere(function: Function, nth: usize, fault: Fault) -> Self {
        Self { function: Some(function), op: None, calls: nth..=nth, fault, seen: 0 }
    }

    fn hits(&mut self, function: Function, op: Op) -> Option<Fault> {
        let wanted = self.function.is_none_or(|f| f == function) && self.op.is_none_or(|o| o == op);
        if !wanted {
            return None;
        }
        self.seen += 1;
        self.calls.contains(&self.seen).then(|| self.fault.clone())
    }
}

/// The rules, and how often everything was called.
#[derive(Debug, Default)]
pub(super) struct Script {
    rules: Mutex<Vec<Rule>>,
    calls: Mutex<BTreeMap<(Function, Op), usize>>,
    mishaps: Mutex<Vec<Chance>>,
    forks: Mutex<u64>,
}

/// Some of the times at which a mishap could happen, and does.
#[derive(Debug)]
struct Chance {
    mishap: Mishap,
    times: RangeInclusive<usize>,
    seen: usize,
}

impl Script {
    pub(super) fn bring(&self, mishap: Mishap, times: RangeInclusive<usize>) {
        lock(&self.mishaps).push(Chance { mishap, times, seen: 0 });
    }

    pub(super) fn toss(&self, mishap: Mishap) -> bool {
        let mut happens = false;
        for chance in lock(&self.mishaps).iter_mut().filter(|chance| chance.mishap == mishap) {
            chance.seen += 1;
            happens |= chance.times.contains(&chance.seen);
        }
        happens
    }

    pub(super) fn lay(&self, rule: Rule) {
        lock(&self.rules).push(rule);
    }

    pub(super) fn clear(&self) -> bool {
        lock(&self.mishaps).clear();
        lock(&self.rules).drain(..).any(|rule| rule.seen < *rule.calls.start())
    }

    /// Counts a call, and returns the fault that a rule lays on it.
    pub(super) fn decide(&self, function: Function, op: Op) -> Option<Fault> {
        *lock(&self.calls).entry((function, op)).or_default() += 1;
        let mut rules = lock(&self.rules);
        let mut first = None;
        for rule in rules.iter_mut() {
            first = first.or(rule.hits(function, op));
        }
        first
    }

    pub(super) fn calls(&self, function: Function, op: Op) -> usize {
        lock(&self.calls).get(&(function, op)).copied().unwrap_or(0)
    }

    pub(super) fn calls_of(&self, function: Function) -> usize {
        lock(&self.calls).iter().filter(|((f, _), _)| *f == function).map(|(_, calls)| calls).sum()
    }

    pub(super) fn fork(&self) -> u64 {
        let mut forks = lock(&self.forks);
        *forks += 1;
        *forks
    }
}
