//! Faults at chosen port calls.

use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::time::Duration;

use tokio::sync::Notify;

/// Which port is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Op {
    Read,
    Write,
    Send,
    Push,
    Close,
    Event,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// The process dies before the call had any effect.
    CrashBefore,
    /// The process dies after the call had its effect.
    CrashAfter,
    /// The call fails without effect.
    Fail,
    /// The call has its effect, and fails.
    LoseAck,
    /// The call takes a second longer.
    Stall,
    /// The call never returns, and has no effect.
    Hang,
}

/// Which calls a fault hits, and how often they came.
struct Rule {
    op: Option<Op>,
    calls: RangeInclusive<usize>,
    fault: Fault,
    seen: usize,
}

/// Decides which port calls go wrong.
#[derive(Default)]
pub(crate) struct Faults {
    rules: Mutex<Vec<Rule>>,
    crashed: Notify,
}

impl Faults {
    /// Lays a fault on a range of calls from now on, of one port or of all, counted from 1.
    pub(crate) fn during(
        &self,
        op: impl Into<Option<Op>>,
        calls: RangeInclusive<usize>,
        fault: Fault,
    ) {
        self.rules.lock().unwrap().push(Rule { op: op.into(), calls, fault, seen: 0 });
    }

    /// Takes all faults away. Tells whether one of them is still to come.
    pub(crate) fn heal(&self) -> bool {
        self.rules.lock().unwrap().drain(..).any(|rule| rule.seen < *rule.calls.start())
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
            Some(Fault::Stall) => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                call.await
            }
            Some(Fault::Hang) => std::future::pending().await,
        }
    }

    fn note(&self, op: Op) -> Option<Fault> {
        let mut hit = None;
        let mut rules = self.rules.lock().unwrap();
        for rule in rules.iter_mut().filter(|rule| rule.op.is_none_or(|wanted| wanted == op)) {
            rule.seen += 1;
            if rule.calls.contains(&rule.seen) {
                hit.get_or_insert(rule.fault);
            }
        }
        hit
    }

    async fn crash<T>(&self) -> T {
        self.crashed.notify_one();
        std::future::pending().await
    }
}
