//! Faults at port calls: which calls go wrong, how, and what the caller sees of it.
//!
//! Handlers run as they are. [`Faulty`] is put around each of their ports; before every call it
//! says what the call is for ([`PortCall`]) and lets a [`PortCaller`] make it. Two callers exist:
//! [`ScriptedFaults`] for the tests of one function, and the processes of the simulation, which can
//! also be frozen and draw faults at random. Both apply faults with [`Fault::apply`].

mod call;
mod fault;
mod faulty;
mod rules;
mod scripted;

pub use call::{CallFilter, Function, PortCall, update_of};
pub use fault::{Fault, FaultTarget, Gate};
pub use faulty::Faulty;
pub use rules::{FaultRule, FaultRules};
pub use scripted::ScriptedFaults;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What makes port calls, and may let them go wrong.
pub trait PortCaller: Send + Sync {
    /// Makes a call, or what a fault makes of it; `failure` is the port's own error.
    fn call<T: Send>(
        &self,
        kind: PortCall,
        call: impl Future<Output = T> + Send,
        failure: impl FnOnce() -> T + Send,
    ) -> impl Future<Output = T> + Send;
}

impl<C: PortCaller> PortCaller for Arc<C> {
    fn call<T: Send>(
        &self,
        kind: PortCall,
        call: impl Future<Output = T> + Send,
        failure: impl FnOnce() -> T + Send,
    ) -> impl Future<Output = T> + Send {
        self.as_ref().call(kind, call, failure)
    }
}

/// Locks, also after a panic elsewhere: every critical section here leaves its data whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
