//! What can happen to a call.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

/// What happens to a call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The process dies before the call has any effect.
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
    /// The whole process stands still for this long before the call, and then goes on: a zombie.
    FreezeBefore(Duration),
    /// The whole process stands still for this long after the call's effect.
    FreezeAfter(Duration),
    /// The call waits until somebody opens the gate.
    Hold(Arc<Gate>),
}

/// The process whose call suffers a fault.
pub trait FaultTarget: Send + Sync {
    /// Ends the process. Whoever runs it drops the future of its work.
    fn kill(&self);

    /// Lets the whole process stand still for this long, and returns when it goes on.
    fn freeze(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

impl Fault {
    /// The name of every kind that random faults draw from.
    pub const NAMES: [&str; 8] = [
        Self::CrashBefore.name(),
        Self::CrashAfter.name(),
        Self::Fail.name(),
        Self::LoseAck.name(),
        Self::Stall(Duration::ZERO).name(),
        Self::Hang.name(),
        Self::FreezeBefore(Duration::ZERO).name(),
        Self::FreezeAfter(Duration::ZERO).name(),
    ];

    /// Returns the kind's name, for summaries and traces.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CrashBefore => "crash before the call",
            Self::CrashAfter => "crash after the call",
            Self::Fail => "call failed",
            Self::LoseAck => "acknowledgement lost",
            Self::Stall(_) => "call stalled",
            Self::Hang => "call never returned",
            Self::FreezeBefore(_) => "process frozen before the call",
            Self::FreezeAfter(_) => "process frozen after the call",
            Self::Hold(_) => "call held",
        }
    }

    /// Makes the call as this fault lets it; `failure` is the port's own error.
    ///
    /// A call that "dies" or "hangs" never returns. It must not return an error instead: a dead
    /// process runs no error handling, and exactly that is what the tests of crashes are about.
    pub async fn apply<T>(
        self,
        process: &impl FaultTarget,
        call: impl Future<Output = T>,
        failure: impl FnOnce() -> T,
    ) -> T {
        match self {
            Self::CrashBefore => {
                process.kill();
                std::future::pending().await
            }
            Self::CrashAfter => {
                call.await;
                process.kill();
                std::future::pending().await
            }
            Self::Fail => failure(),
            Self::LoseAck => {
                call.await;
                failure()
            }
            Self::Stall(time) => {
                sleep(time).await;
                call.await
            }
            Self::Hang => std::future::pending().await,
            Self::FreezeBefore(time) => {
                process.freeze(time).await;
                call.await
            }
            Self::FreezeAfter(time) => {
                let result = call.await;
                process.freeze(time).await;
                result
            }
            Self::Hold(gate) => {
                gate.pass().await;
                call.await
            }
        }
    }
}

/// Stops a call until a test lets it go.
#[derive(Debug, Default)]
pub struct Gate {
    reached: Notify,
    open: Notify,
}

impl Gate {
    /// Makes a closed gate.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Returns once a call waits at the gate.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Lets the call go.
    pub fn open(&self) {
        self.open.notify_one();
    }

    async fn pass(&self) {
        self.reached.notify_one();
        self.open.notified().await;
    }
}
