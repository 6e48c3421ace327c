//! Faults at chosen port calls.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

/// What a port call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Op {
    Get,
    /// A query of turns.
    History,
    /// A query of connections.
    Connections,
    Claim,
    EndPredecessor,
    Record,
    Generation,
    Checkpoint,
    Commit,
    Budget,
    Forget,
    Synced,
    Other,
    Hide,
    Send,
    Push,
    Document,
    /// The request to a model.
    Open,
    /// The next event of a model's stream.
    Next,
}

/// What happens to a call.
#[derive(Clone)]
pub(crate) enum Fault {
    /// The process dies before the call had any effect.
    CrashBefore,
    /// The process dies after the call had its effect.
    CrashAfter,
    /// The call fails without effect.
    Fail,
    /// The call has its effect, and fails.
    LoseAck,
    /// The call takes this much longer.
    Stall(Duration),
    /// The call never returns, and has no effect.
    Hang,
    /// The call waits until the test lets it go.
    Hold(Arc<Gate>),
}

/// Stops a call until the test opens it.
#[derive(Default)]
pub(crate) struct Gate {
    reached: Notify,
    open: Notify,
}

impl Gate {
    pub(crate) async fn reached(&self) {
        self.reached.notified().await;
    }

    pub(crate) fn open(&self) {
        self.open.notify_one();
    }
}

/// Which calls a fault hits, and how often they came.
struct Rule {
    op: Option<Op>,
    calls: RangeInclusive<usize>,
    fault: Fault,
    seen: usize,
}

/// Counts the calls of all ports and decides which of them go wrong.
#[derive(Default)]
pub(crate) struct Faults {
    rules: Mutex<Vec<Rule>>,
    counts: Mutex<BTreeMap<Op, usize>>,
    crashed: Notify,
}

impl Faults {
    /// Lays a fault on the n-th call of a kind from now on, counted from 1.
    pub(crate) fn on(&self, op: Op, nth: usize, fault: Fault) {
        self.during(op, nth..=nth, fault);
    }

    /// Lays a fault on a range of calls of a kind from now on, counted from 1.
    pub(crate) fn during(&self, op: Op, calls: RangeInclusive<usize>, fault: Fault) {
        self.rules.lock().unwrap().push(Rule { op: Some(op), calls, fault, seen: 0 });
    }

    /// Lays a fault on the n-th call of any kind from now on, counted from 1.
    pub(crate) fn anywhere(&self, nth: usize, fault: Fault) {
        self.rules.lock().unwrap().push(Rule { op: None, calls: nth..=nth, fault, seen: 0 });
    }

    /// Takes all faults away. Tells whether one of them is still to come.
    pub(crate) fn heal(&self) -> bool {
        self.rules.lock().unwrap().drain(..).any(|rule| rule.seen < *rule.calls.start())
    }

    /// Counts the calls of a kind so far.
    pub(crate) fn count(&self, op: Op) -> usize {
        self.counts.lock().unwrap().get(&op).copied().unwrap_or(0)
    }

    /// Returns when the process dies.
    pub(crate) async fn crashed(&self) {
        self.crashed.notified().await;
    }

    /// Makes a call, or what the faults make of it; `broken` is the port's failure.
    pub(crate) async fn around<T>(
        &self,
        op: Op,
        call: impl Future<Output = T>,
        broken: impl FnOnce() -> T,
    ) -> T {
        match self.note(op) {
            None => call.await,
            Some(Fault::CrashBefore) => self.crash().await,
            Some(Fault::CrashAfter) => {
                call.await;
                self.crash().await
            }
            Some(Fault::Fail) => broken(),
            Some(Fault::LoseAck) => {
                call.await;
                broken()
            }
            Some(Fault::Stall(time)) => {
                sleep(time).await;
                call.await
            }
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Hold(gate)) => {
                gate.reached.notify_one();
                gate.open.notified().await;
                call.await
            }
        }
    }

    fn note(&self, op: Op) -> Option<Fault> {
        *self.counts.lock().unwrap().entry(op).or_default() += 1;
        let mut hit = None;
        for rule in self
            .rules
            .lock()
            .unwrap()
            .iter_mut()
            .filter(|rule| rule.op.is_none_or(|wanted| wanted == op))
        {
            rule.seen += 1;
            if rule.calls.contains(&rule.seen) {
                hit.get_or_insert_with(|| rule.fault.clone());
            }
        }
        hit
    }

    async fn crash<T>(&self) -> T {
        self.crashed.notify_one();
        std::future::pending().await
    }
}
