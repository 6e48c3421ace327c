//! Scripted faults for the tests of one function.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use super::{
    CallFilter, Fault, FaultRule, FaultRules, FaultTarget, Faulty, Function, Gate, PortCall,
    PortCaller,
};

/// Decides which port calls of one function go wrong.
///
/// After a crash the same handler may be used again: it stands for the process that takes over.
#[derive(Debug)]
pub struct ScriptedFaults {
    function: Function,
    rules: FaultRules,
    crashed: Notify,
}

impl ScriptedFaults {
    /// Lets nothing go wrong until a rule is added.
    pub fn new(function: Function) -> Arc<Self> {
        Arc::new(Self { function, rules: FaultRules::default(), crashed: Notify::new() })
    }

    /// Puts these faults around a port.
    pub fn around<P>(self: &Arc<Self>, port: Arc<P>) -> Arc<Faulty<P, Arc<Self>>> {
        Arc::new(Faulty::new(port, Arc::clone(self)))
    }

    /// Puts a fault on the n-th call of a kind from now on, counted from 1.
    pub fn on(&self, call: impl Into<CallFilter>, nth: usize, fault: Fault) {
        self.during(call, nth..=nth, fault);
    }

    /// Puts a fault on the n-th call of any kind from now on, counted from 1.
    pub fn anywhere(&self, nth: usize, fault: Fault) {
        self.on(CallFilter::Any, nth, fault);
    }

    /// Puts a fault on a range of calls from now on, counted from 1.
    pub fn during(
        &self,
        calls: impl Into<CallFilter>,
        numbers: RangeInclusive<usize>,
        fault: Fault,
    ) {
        self.rules.add(FaultRule::during(self.function, calls, numbers, fault));
    }

    /// Holds the n-th call of a kind from now on until the test opens the gate.
    pub fn hold(&self, call: PortCall, nth: usize) -> Arc<Gate> {
        let gate = Gate::new();
        self.on(call, nth, Fault::Hold(Arc::clone(&gate)));
        gate
    }

    /// Removes all faults. Tells whether one of them is still to come.
    pub fn heal(&self) -> bool {
        self.rules.clear()
    }

    /// Returns how many calls of a kind were made so far.
    pub fn count(&self, call: PortCall) -> usize {
        self.rules.calls(self.function, call)
    }

    /// Runs work of the process; `None` if the process dies first.
    ///
    /// The crash is looked at first: work that finishes in the same poll is lost with the process.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.crashed.notified() => None,
            result = work => Some(result),
        }
    }
}

impl FaultTarget for ScriptedFaults {
    fn kill(&self) {
        self.crashed.notify_one();
    }

    /// Only the call stands still: there is no process here that could.
    async fn freeze(&self, time: Duration) {
        sleep(time).await;
    }
}

impl PortCaller for ScriptedFaults {
    async fn call<T: Send>(
        &self,
        kind: PortCall,
        call: impl Future<Output = T> + Send,
        failure: impl FnOnce() -> T + Send,
    ) -> T {
        match self.rules.decide(self.function, kind) {
            None => call.await,
            Some(fault) => fault.apply(self, call, failure).await,
        }
    }
}
