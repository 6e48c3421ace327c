//! Mutants: variants of the protocol that are broken on purpose.
//!
//! A checker that never complains proves nothing. Each mutant removes one guarantee that a
//! plausible bug could remove, such as the condition on the epoch in the commit; the tests run the
//! simulation with it and require that a check fails. A mutant that no check notices means that the
//! checks would not notice the bug either.
//!
//! Mutants wrap the ports and the clients. The handlers are the unchanged ones, so that no switch
//! for tests exists in shipped code. The mutant's wrapper is outside the faults: what it changes
//! fails, hangs and gets lost like any other call.

mod deleted;
mod mutation;
mod notifier;
mod queues;
mod waiting;
mod worker_claim;
mod worker_commit;

use std::sync::Arc;

use shared::memory::MemoryQueue;
use shared::ports::{Delivery, EventSource as _, Events, Push, Queue, QueueError, Store};
use worker::WorkerError;

pub(crate) use notifier::DeferredCommits;
pub(crate) use waiting::{AttemptedEvents, Refused};

use crate::faults::Function;
use crate::ports::{ProcessPorts, QueueName};
use deleted::RowsForDeletedSession;
use mutation::{MutantStore, StoreMutation};
use notifier::{NotifierCommits, TotalsWithoutState};
use queues::{AcceptBeforeQueue, MutantQueue, QueueMutation};
use waiting::{
    EventsLeftToCleanup, FramesLeftOut, LatePointer, LateRegistration, NotesRefusals,
    OtherTabsForgotten, StaleConnections, StandDownWithoutPointer, StopUnseen,
};
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
    /// 15: a worker whose turn went on without it sends no pointer to the final that it finds.
    StandDownWithoutPointer,
    /// 16: a connection's row is written after the turns that it missed were read.
    LateRegistration,
    /// 17: only the first connection of a session counts.
    OtherTabsForgotten,
    /// 18: a notifier remembers the connections of a session.
    StaleConnections,
    /// 19: a final is marked as delivered without a push.
    FinalNotPushed,
    /// 20: a final's pointer reaches the queue seconds after its commit.
    LatePointer,
    /// 21: a worker learns of a stop only when it commits.
    StopUnseen,
    /// 22: events are left to the cleanup.
    EventsLeftToCleanup,
    /// 23: no provisional text is pushed.
    TextNotPushed,
    /// 24: a worker remembers the connections of a session.
    StaleSubscribers,
}

impl Mutant {
    /// Every mutant, in the order of the catalogue.
    pub const ALL: [Self; 24] = [
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
        Self::StandDownWithoutPointer,
        Self::LateRegistration,
        Self::OtherTabsForgotten,
        Self::StaleConnections,
        Self::FinalNotPushed,
        Self::LatePointer,
        Self::StopUnseen,
        Self::EventsLeftToCleanup,
        Self::TextNotPushed,
        Self::StaleSubscribers,
    ];
}

/// Breaks a process's table, where the mutant wants it.
pub(crate) fn store(process_ports: &ProcessPorts, store: Arc<dyn Store>) -> Arc<dyn Store> {
    match process_ports.mutant.and_then(|mutant| mutation(process_ports, mutant)) {
        Some(mutation) => Arc::new(MutantStore { inner: store, mutation }),
        None => store,
    }
}

/// Breaks a process's queue, where the mutant wants it.
pub(crate) fn queue(
    process_ports: &ProcessPorts,
    which: QueueName,
    queue: Arc<dyn Queue>,
) -> Arc<dyn Queue> {
    let function = process_ports.process.function();
    let mutation: Arc<dyn QueueMutation> = match (process_ports.mutant, function, which) {
        (Some(Mutant::AcceptBeforeQueue), Function::Ingress, QueueName::Requests) => {
            Arc::new(AcceptBeforeQueue)
        }
        (Some(Mutant::LatePointer), Function::Worker, QueueName::Replies) => {
            Arc::new(LatePointer(process_ports.clone()))
        }
        (Some(Mutant::StandDownWithoutPointer), Function::Worker, QueueName::Replies) => {
            Arc::new(StandDownWithoutPointer(Arc::clone(&process_ports.refused)))
        }
        _ => return queue,
    };
    Arc::new(MutantQueue { inner: queue, mutation })
}

/// Breaks a process's way to the browsers, where the mutant wants it.
pub(crate) fn push(process_ports: &ProcessPorts, push: Arc<dyn Push>) -> Arc<dyn Push> {
    let types: &'static [&'static str] =
        match (process_ports.mutant, process_ports.process.function()) {
            (Some(Mutant::FinalNotPushed), Function::Notifier) => &["RUN_FINISHED", "RUN_ERROR"],
            (Some(Mutant::TextNotPushed), Function::Worker) => &["TEXT_MESSAGE_CONTENT"],
            _ => return push,
        };
    Arc::new(FramesLeftOut { inner: push, types })
}

/// Breaks a process's event bus, where the mutant wants it.
pub(crate) fn events(process_ports: &ProcessPorts, events: Arc<dyn Events>) -> Arc<dyn Events> {
    if process_ports.mutant != Some(Mutant::EventsLeftToCleanup) {
        return events;
    }
    let attempted = Arc::clone(&process_ports.cloud.attempted_events);
    Arc::new(EventsLeftToCleanup { inner: events, attempted })
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
fn mutation(process_ports: &ProcessPorts, mutant: Mutant) -> Option<Arc<dyn StoreMutation>> {
    Some(match (mutant, process_ports.process.function()) {
        (Mutant::QueueBeforeCommit, Function::Worker) => {
            Arc::new(QueueBeforeCommit(process_ports.clone()))
        }
        (Mutant::RegenerateOnRedelivery, Function::Worker) => Arc::new(RegenerateOnRedelivery),
        (Mutant::CommitWithoutEpoch, Function::Worker) => Arc::new(CommitWithoutEpoch),
        (Mutant::PredecessorLeftRunning, Function::Worker) => Arc::new(PredecessorLeftRunning),
        (Mutant::NotifierPersists, Function::Worker) => {
            Arc::new(CommitLeftToNotifier(process_ports.clone()))
        }
        (Mutant::NotifierPersists, Function::Notifier) => {
            Arc::new(NotifierCommits(process_ports.clone()))
        }
        (Mutant::PartialTextKept, Function::Worker) => Arc::new(PartialTextKept),
        (Mutant::EarlyStopForgotten, Function::Worker) => Arc::new(EarlyStopForgotten),
        (Mutant::TotalsWithoutState, Function::Notifier) => Arc::new(TotalsWithoutState),
        (Mutant::StandDownWithoutPointer, Function::Worker) => {
            Arc::new(NotesRefusals(Arc::clone(&process_ports.refused)))
        }
        (Mutant::LateRegistration, Function::Ingress) => {
            Arc::new(LateRegistration(process_ports.clone()))
        }
        (Mutant::OtherTabsForgotten, Function::Worker | Function::Notifier) => {
            Arc::new(OtherTabsForgotten)
        }
        (Mutant::StaleConnections, Function::Notifier)
        | (Mutant::StaleSubscribers, Function::Worker) => Arc::new(StaleConnections::default()),
        (Mutant::StopUnseen, Function::Worker) => Arc::new(StopUnseen),
        (Mutant::RowsForDeletedSession, Function::Ingress | Function::Worker) => {
            Arc::new(RowsForDeletedSession)
        }
        _ => return None,
    })
}
