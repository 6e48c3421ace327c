//! Runs an invocation in its process.
//!
//! A crash is a dropped future: nothing of the work runs after it, not even its error handling, and
//! what it held in memory is gone. A zombie is a future that is not polled for a while: when it
//! goes on, its locks, timers and assumptions are as old as the freeze, as after a paused virtual
//! machine. The sandbox therefore looks at the status of the process before and after every poll,
//! because the work itself may have killed or frozen the process.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::{Sleep, sleep_until};

use super::Process;
use super::process::Status;

/// An invocation in its process; yields `None` if the process dies first.
pub struct Sandbox<F: Future> {
    process: Arc<Process>,
    work: Option<Pin<Box<F>>>,
    frozen: Option<Pin<Box<Sleep>>>,
}

impl<F: Future> Sandbox<F> {
    pub(super) fn new(process: Arc<Process>, work: F) -> Self {
        Self { process, work: Some(Box::pin(work)), frozen: None }
    }
}

impl<F: Future> Future for Sandbox<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match self.process.status() {
                Status::Dead => {
                    self.work = None;
                    return Poll::Ready(None);
                }
                Status::FrozenUntil(end) => {
                    let frozen = self.frozen.get_or_insert_with(|| Box::pin(sleep_until(end)));
                    if frozen.as_mut().poll(context).is_pending() {
                        self.process.remember(context.waker());
                        return Poll::Pending;
                    }
                    self.frozen = None;
                    self.process.thaw();
                }
                Status::Running => {
                    let Some(work) = &mut self.work else { return Poll::Ready(None) };
                    if let Poll::Ready(result) = work.as_mut().poll(context) {
                        self.work = None;
                        return Poll::Ready(Some(result));
                    }
                    if self.process.status() == Status::Running {
                        self.process.remember(context.waker());
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}
