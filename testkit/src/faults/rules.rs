//! Faults at chosen calls.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Mutex;

use super::{CallFilter, Fault, Function, PortCall, lock};

/// A fault at chosen calls of a function.
#[derive(Debug, Clone)]
pub struct FaultRule {
    function: Function,
    calls: CallFilter,
    numbers: RangeInclusive<usize>,
    fault: Fault,
    seen: usize,
}

impl FaultRule {
    /// Puts a fault on a function's n-th call of a kind from now on, counted from 1.
    pub const fn at(function: Function, call: PortCall, nth: usize, fault: Fault) -> Self {
        Self::new(function, CallFilter::Only(call), nth..=nth, fault)
    }

    /// Puts a fault on every one of a function's calls of a kind from now on.
    pub const fn always(function: Function, call: PortCall, fault: Fault) -> Self {
        Self::new(function, CallFilter::Only(call), 1..=usize::MAX, fault)
    }

    /// Puts a fault on a function's n-th call of any kind from now on, counted from 1.
    pub const fn anywhere(function: Function, nth: usize, fault: Fault) -> Self {
        Self::new(function, CallFilter::Any, nth..=nth, fault)
    }

    /// Puts a fault on a range of a function's calls from now on, counted from 1.
    pub fn during(
        function: Function,
        calls: impl Into<CallFilter>,
        numbers: RangeInclusive<usize>,
        fault: Fault,
    ) -> Self {
        Self::new(function, calls.into(), numbers, fault)
    }

    const fn new(
        function: Function,
        calls: CallFilter,
        numbers: RangeInclusive<usize>,
        fault: Fault,
    ) -> Self {
        Self { function, calls, numbers, fault, seen: 0 }
    }

    /// Counts a call, and returns the fault if the rule puts one on it.
    fn count(&mut self, function: Function, call: PortCall) -> Option<Fault> {
        if self.function != function || !self.calls.includes(call) {
            return None;
        }
        self.seen += 1;
        self.numbers.contains(&self.seen).then(|| self.fault.clone())
    }
}

/// The rules, and how often everything was called.
#[derive(Debug, Default)]
pub struct FaultRules {
    rules: Mutex<Vec<FaultRule>>,
    calls: Mutex<BTreeMap<(Function, PortCall), usize>>,
}

impl FaultRules {
    /// Adds a rule.
    pub fn add(&self, rule: FaultRule) {
        lock(&self.rules).push(rule);
    }

    /// Removes all rules. Tells whether the first call of one of them is still to come.
    pub fn clear(&self) -> bool {
        lock(&self.rules).drain(..).any(|rule| rule.seen < *rule.numbers.start())
    }

    /// Counts a call, and returns the fault that the earliest matching rule puts on it.
    ///
    /// Every rule counts every call, also when an earlier rule has already decided.
    pub fn decide(&self, function: Function, call: PortCall) -> Option<Fault> {
        *lock(&self.calls).entry((function, call)).or_default() += 1;
        let mut first = None;
        for rule in lock(&self.rules).iter_mut() {
            first = first.or(rule.count(function, call));
        }
        first
    }

    /// Returns how many calls of a kind a function made so far.
    pub fn calls(&self, function: Function, call: PortCall) -> usize {
        lock(&self.calls).get(&(function, call)).copied().unwrap_or(0)
    }

    /// Returns how many calls of any kind a function made so far.
    pub fn calls_of(&self, function: Function) -> usize {
        lock(&self.calls).iter().filter(|((f, _), _)| *f == function).map(|(_, calls)| calls).sum()
    }
}
