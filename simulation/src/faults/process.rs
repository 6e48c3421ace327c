//! A process of a function: it makes port calls, and can die or freeze at each of them.

use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

use shared::domain::{MessageId, SessionKey, Timestamp, TurnNumber};
use testkit::faults::{FaultTarget, PortCall, PortCaller};
use tokio::time::{Instant, sleep};

use super::{Decision, Faults, Function, Sandbox, lock};
use crate::trace::Trace;

/// What a process works on, so that faults can be counted per turn.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Nobody in particular.
    #[default]
    Nobody,
    /// A session.
    Session(SessionKey),
    /// A message of a session.
    Message(SessionKey, MessageId),
    /// A turn of a session.
    Turn(SessionKey, TurnNumber),
}

impl Subject {
    /// Returns the session that it belongs to.
    pub fn session(&self) -> Option<&SessionKey> {
        match self {
            Self::Nobody => None,
            Self::Session(key) | Self::Message(key, _) | Self::Turn(key, _) => Some(key),
        }
    }
}

/// One process of a function. It handles one invocation at a time.
#[derive(Debug)]
pub struct Process {
    id: u32,
    function: Function,
    faults: Arc<Faults>,
    trace: Arc<Trace>,
    /// How far its clock is off, in milliseconds.
    skew: i64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    status: Status,
    invocation: u32,
    subject: Subject,
    waker: Option<Waker>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Status {
    #[default]
    Running,
    FrozenUntil(Instant),
    Dead,
}

impl Process {
    /// Starts a process.
    pub fn start(
        function: Function,
        faults: Arc<Faults>,
        trace: Arc<Trace>,
        skew: i64,
    ) -> Arc<Self> {
        let id = faults.next_process();
        Arc::new(Self { id, function, faults, trace, skew, state: Mutex::default() })
    }

    /// Returns the process's number.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Returns which function it is a process of.
    pub fn function(&self) -> Function {
        self.function
    }

    /// Returns the number of the present invocation, unique together with the process's.
    pub fn invocation(&self) -> (u32, u32) {
        (self.id, lock(&self.state).invocation)
    }

    /// Returns whom it works for.
    pub fn subject(&self) -> Subject {
        lock(&self.state).subject.clone()
    }

    /// Returns what its clock shows at a true time.
    pub fn skewed(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add(self.skew))
    }

    /// Tells whether it can take another invocation.
    pub fn is_alive(&self) -> bool {
        lock(&self.state).status != Status::Dead
    }

    /// Runs one invocation in the process; `None` if the process dies.
    pub fn invoke<F: Future>(self: &Arc<Self>, subject: Subject, work: F) -> Sandbox<F> {
        let mut state = lock(&self.state);
        state.invocation += 1;
        state.subject = subject;
        drop(state);
        Sandbox::new(Arc::clone(self), work)
    }

    /// Ends the process at once.
    pub fn kill(&self) {
        let mut state = lock(&self.state);
        state.status = Status::Dead;
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    /// Makes the whole process stand still from now on.
    pub fn freeze(&self, time: Duration) {
        let mut state = lock(&self.state);
        if state.status == Status::Running {
            state.status = Status::FrozenUntil(Instant::now() + time);
        }
    }

    /// Tells whether it stands still.
    pub fn is_frozen(&self) -> bool {
        matches!(self.status(), Status::FrozenUntil(_))
    }

    pub(super) fn status(&self) -> Status {
        lock(&self.state).status
    }

    pub(super) fn thaw(&self) {
        let mut state = lock(&self.state);
        if matches!(state.status, Status::FrozenUntil(_)) {
            state.status = Status::Running;
        }
    }

    pub(super) fn remember(&self, waker: &Waker) {
        lock(&self.state).waker = Some(waker.clone());
    }

    /// Waits until the process is not frozen.
    ///
    /// The work yields once, and the sandbox that polls it does not poll it again before the freeze
    /// is over. Whatever polls the work in another way, none of its port calls goes on. A task that
    /// the work had spawned would spin here for ever, because paused time only advances while no
    /// task is ready: handlers must not make port calls from tasks of their own.
    async fn stand_still(&self) {
        while self.is_frozen() {
            tokio::task::yield_now().await;
        }
    }
}

impl FaultTarget for Process {
    fn kill(&self) {
        Self::kill(self);
    }

    async fn freeze(&self, time: Duration) {
        Self::freeze(self, time);
        self.stand_still().await;
    }
}

impl PortCaller for Process {
    async fn call<T: Send>(
        &self,
        kind: PortCall,
        call: impl Future<Output = T> + Send,
        failure: impl FnOnce() -> T + Send,
    ) -> T {
        if !self.is_alive() {
            // Work of a dead process may still be polled; none of it may go on.
            return std::future::pending().await;
        }
        self.stand_still().await;
        let Decision { latency, fault } = self.faults.decide(self, kind);
        self.trace.call(self, kind, fault.as_ref());
        if !latency.is_zero() {
            sleep(latency).await;
        }
        match fault {
            None => call.await,
            Some(fault) => fault.apply(self, call, failure).await,
        }
    }
}
