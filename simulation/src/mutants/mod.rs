//! Deliberately broken variants of the protocol, which the checker must catch, or it is blind.
//!
//! They are laid around the ports and the clients; the handlers know nothing of them.

mod deleted;
mod notifier;
mod queues;
mod twist;
mod worker_claim;
mod worker_commit;

use std::sync::Arc;

use shared::memory::MemoryQueue;
use shared::ports::{Delivery, EventSource as _, Queue, QueueError, Store};
use worker::WorkerError;

pub(crate) use notifier::Kept;

use crate::faults::Function;
use crate::ports::{Rig, Which};
use deleted::RowsForDeletedSession;
use notifier::{NotifierCommits, TotalsWithoutState};
use queues::AcceptBeforeQueue;
use twist::{Twist, TwistedStore};
use worker_claim::{
    EarlyStopForgotten, PartialTextKept, PredecessorLeftRunning, RegenerateOnRedelivery,
};
use worker_commit::{CommitLeftToNotifier, CommitWithoutEpoch, QueueBeforeCommit};

/// One way in which the protocol can be broken, by its number in the catalogue of faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mutant {
    /// 1: the final is queued before its commit.
    QueueBeforeCommit,
    /// 2: a message is answered 202 before the queue accepted it.
    AcceptBeforeQueue,
    /// 3: a final is written again when its message is delivered again.
    RegenerateOnRedelivery,
    /// 4: the commit does not ask for its epoch.
    CommitWithoutEpoch,
    /// 5: a stale receipt handle deletes its message.
    StaleReceiptHonoured,
    /// 6: a turn is claimed while the one before is running.
    PredecessorLeftRunning,
    /// 7: a worker that lost its turn to another acknowledges.
    FencedWorkerAcknowledges,
    /// 8: the notifier, not the worker, makes the reply durable.
    NotifierPersists,
    /// 9: a client ignores the generation.
    ClientIgnoresGeneration,
    /// 10: the saved text of the old generation stays with the new one.
    PartialTextKept,
    /// 11: a client's cursor is the last final seen, not the last without a gap.
    ClientCursorIsLastSeen,
    /// 12: a stop before the claim is forgotten.
    EarlyStopForgotten,
    /// 13: totals are added whatever the turn's state.
    TotalsWithoutState,
    /// 14: rows are created for a deleted session.
    RowsForDeletedSession,
}

impl Mutant {
    /// Every mutant, in the order of the catalogue.
    pub const ALL: [Self; 14] = [
        Self::QueueBeforeCommit,
        Self::AcceptBeforeQueue,
        Self::RegenerateOnRedelivery,
        Self::CommitWithoutEpoch,
        Self::StaleReceiptHonoured,
        Self::PredecessorLeftRunning,
        Self::FencedWorkerAcknowledges,
        Self::NotifierPersists,
        Self::ClientIgnoresGeneration,
        Self::PartialTextKept,
        Self::ClientCursorIsLastSeen,
        Self::EarlyStopForgotten,
        Self::TotalsWithoutState,
        Self::RowsForDeletedSession,
    ];
}

/// Breaks a process's table, where the mutant wants it.
pub(crate) fn store(rig: &Rig, store: Arc<dyn Store>) -> Arc<dyn Store> {
    match rig.mutant.and_then(|mutant| twist(rig, mutant)) {
        Some(twist) => Arc::new(TwistedStore { inner: store, twist }),
        None => store,
    }
}

/// Breaks a process's queue, where the mutant wants it.
pub(crate) fn queue(rig: &Rig, which: Which, queue: Arc<dyn Queue>) -> Arc<dyn Queue> {
    match (rig.mutant, rig.process.function(), which) {
        (Some(Mutant::AcceptBeforeQueue), Function::Ingress, Which::Requests) => {
            Arc::new(AcceptBeforeQueue(queue))
        }
        _ => queue,
    }
}

/// Breaks what a worker reports, where the mutant wants it.
pub(crate) fn worker_result(
    mutant: Option<Mutant>,
    result: Result<(), WorkerError>,
) -> Result<(), WorkerError> {
    match result {
        Err(WorkerError::Fenced) if mutant == Some(Mutant::FencedWorkerAcknowledges) => Ok(()),
        other => other,
    }
}

/// Deletes a message that was handled, with its handle, stale or not, where the mutant wants it.
pub(crate) async fn delete(
    mutant: Option<Mutant>,
    queue: &MemoryQueue,
    delivery: &Delivery,
) -> Result<(), QueueError> {
    match queue.delete(&delivery.receipt).await {
        Err(QueueError::StaleReceipt) if mutant == Some(Mutant::StaleReceiptHonoured) => {
            queues::delete_by_stale(queue, &delivery.receipt).await
        }
        other => other,
    }
}

/// Returns what the mutant does to the table of a function, if anything.
fn twist(rig: &Rig, mutant: Mutant) -> Option<Arc<dyn Twist>> {
    Some(match (mutant, rig.process.function()) {
        (Mutant::QueueBeforeCommit, Function::Worker) => Arc::new(QueueBeforeCommit(rig.clone())),
        (Mutant::RegenerateOnRedelivery, Function::Worker) => Arc::new(RegenerateOnRedelivery),
        (Mutant::CommitWithoutEpoch, Function::Worker) => Arc::new(CommitWithoutEpoch),
        (Mutant::PredecessorLeftRunning, Function::Worker) => Arc::new(PredecessorLeftRunning),
        (Mutant::NotifierPersists, Function::Worker) => Arc::new(CommitLeftToNotifier(rig.clone())),
        (Mutant::NotifierPersists, Function::Notifier) => Arc::new(NotifierCommits(rig.clone())),
        (Mutant::PartialTextKept, Function::Worker) => Arc::new(PartialTextKept),
        (Mutant::EarlyStopForgotten, Function::Worker) => Arc::new(EarlyStopForgotten),
        (Mutant::TotalsWithoutState, Function::Notifier) => Arc::new(TotalsWithoutState),
        (Mutant::RowsForDeletedSession, Function::Ingress | Function::Worker) => {
            Arc::new(RowsForDeletedSession)
        }
        _ => return None,
    })
}
