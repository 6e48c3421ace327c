//! The single thread that reads from and writes to the database, with group commit.
//!
//! # Order
//!
//! Jobs run in the order in which they arrive, inside one open transaction that later jobs join.
//! That gives the whole database one ordered log: a crash can only cut off its end. Nothing may
//! reorder jobs or spread them over several connections, because the pipeline relies on this order.
//! A worker that commits a final and then acknowledges its message must never find, after a crash,
//! the acknowledgement without the final.
//!
//! # When callers are answered
//!
//! | job | answered |
//! |---|---|
//! | `Ordered` write | as soon as it has run; durable up to [`ORDERED_COMMIT_AFTER`] later |
//! | `Synced` write | after the commit of its batch, which is synced to disk |
//! | read | as soon as it has run, unless the batch holds back an answer |
//! | sync | after the commit of everything that came before it |
//! | exclusive | as soon as it has run; the batch before it is committed first |
//!
//! A `Synced` answer implies that every earlier write is durable as well, including `Ordered` ones,
//! since they are part of the same or an earlier transaction. A crash, or a failed commit, may lose
//! `Ordered` writes that were already acknowledged; it then loses everything that came after them
//! too, so no later `Synced` write can have been acknowledged.
//!
//! A read that runs behind an unacknowledged `Synced` write sees that write. Its answer is held
//! back until the commit: otherwise a client could be shown a reply that a crash then takes back.
//!
//! # When a batch is committed
//!
//! A sync to disk costs about as much as hundreds of jobs, so one is shared by as many callers as
//! possible. A batch is committed when callers wait for it and no further job is queued, when it
//! reaches [`MAX_JOBS`] or [`MAX_BYTES`], or when it is [`ORDERED_COMMIT_AFTER`] old. The limits on
//! size are needed because under constant load the queue of jobs is never empty.
//!
//! # Back-pressure
//!
//! The queue of jobs is unbounded, but every caller waits for its answer before it sends the next
//! job. The number of queued jobs is therefore limited by the number of concurrent callers: the
//! worker's concurrency, and the number of open HTTP requests and sockets. When the disk is slow,
//! callers wait longer, and the pumps take fewer messages.
//!
//! # Failures
//!
//! A job that fails before it has changed anything fails alone. If it has changed a table or the
//! in-memory index, or if the commit fails, the whole batch is rolled back: a single job cannot be
//! undone, because later jobs may have read what it wrote. Callers that wait for the commit get the
//! error; the acknowledged `Ordered` writes of the batch are lost together, as in a crash.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use shared::ports::Durability;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::engine::Engine;
use super::error::DatabaseError;

/// The age at which a batch without a `Synced` job is committed.
pub(super) const ORDERED_COMMIT_AFTER: Duration = Duration::from_millis(20);
/// The largest number of jobs in a batch.
const MAX_JOBS: usize = 512;
/// The number of written bytes after which a batch is committed.
const MAX_BYTES: usize = 1024 * 1024;

/// What a job does, which decides when its caller is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Only reads.
    Read,
    /// Does nothing; answered once everything before it is durable.
    Sync,
    /// Runs outside any transaction: the open batch is committed first.
    Exclusive,
    /// Writes; answered according to its durability.
    Write(Durability),
}

/// One unit of work. It answers its caller itself.
struct Job {
    access: Access,
    run: Run,
}

type Run = Box<dyn FnOnce(rusqlite::Result<&mut Engine>, ReplyTime) -> JobOutcome + Send>;

/// When the caller of a job is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReplyTime {
    /// As soon as the job has run.
    AtOnce,
    /// After the commit of the batch.
    AfterCommit,
}

/// What remains to be done after a job has run.
enum JobOutcome {
    /// The caller has its answer.
    Replied,
    /// The caller waits for the commit.
    AwaitsCommit(PendingReply),
    /// `SQLite` failed; the caller has not been told yet.
    Failed(rusqlite::Error, PendingReply),
}

/// Answers one caller with the outcome of the commit.
type PendingReply = Box<dyn FnOnce(Result<(), DatabaseError>) + Send>;

/// The handle to the thread. Dropping it commits the open batch and ends the thread.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(engine: Engine) -> std::io::Result<Self> {
        let (jobs, waiting) = channel();
        let batch = Batch::new(engine);
        let thread = std::thread::Builder::new()
            .name("sqlite".to_owned())
            .spawn(move || run(batch, &waiting))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs a job on the thread and waits for its answer.
    ///
    /// The job runs even if the returned future is dropped.
    pub(super) async fn call<T, W>(&self, access: Access, work: W) -> Result<T, DatabaseError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Engine) -> rusqlite::Result<T> + Send + 'static,
    {
        self.submit(access, work)?.await.unwrap_or(Err(DatabaseError::Closed))
    }

    /// Runs a job on the thread and blocks until it is answered. Only for the start of a process.
    pub(super) fn call_blocking<T, W>(&self, access: Access, work: W) -> Result<T, DatabaseError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Engine) -> rusqlite::Result<T> + Send + 'static,
    {
        let (done, answer) = channel();
        let relay = move |engine: &mut Engine| work(engine).map(|value| drop(done.send(value)));
        let mut outcome = self.submit(access, relay)?;
        let value = answer.recv();
        match (value, outcome.try_recv()) {
            (Ok(value), _) => Ok(value),
            (Err(_), Ok(Err(error))) => Err(error),
            (Err(_), _) => Err(DatabaseError::Closed),
        }
    }

    fn submit<T, W>(
        &self,
        access: Access,
        work: W,
    ) -> Result<oneshot::Receiver<Result<T, DatabaseError>>, DatabaseError>
    where
        T: Send + 'static,
        W: FnOnce(&mut Engine) -> rusqlite::Result<T> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let run = Box::new(move |engine: rusqlite::Result<&mut Engine>, time| {
            reply(time, engine.and_then(work), caller)
        });
        let jobs = self.jobs.as_ref().ok_or(DatabaseError::Closed)?;
        jobs.send(Job { access, run }).map_err(|_| DatabaseError::Closed)?;
        Ok(answer)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // If the thread panicked, its connection is closed too, and nobody is left to be told.
            let _ = thread.join();
        }
    }
}

/// Answers the caller now, or returns what answers it after the commit.
fn reply<T: Send + 'static>(
    time: ReplyTime,
    result: rusqlite::Result<T>,
    caller: oneshot::Sender<Result<T, DatabaseError>>,
) -> JobOutcome {
    // Sending fails if the caller has been dropped; it then needs no answer.
    match result {
        Ok(value) if time == ReplyTime::AfterCommit => {
            JobOutcome::AwaitsCommit(Box::new(move |committed| {
                drop(caller.send(committed.map(|()| value)));
            }))
        }
        Ok(value) => {
            drop(caller.send(Ok(value)));
            JobOutcome::Replied
        }
        Err(error) => JobOutcome::Failed(
            error,
            Box::new(move |outcome| drop(outcome.map_err(|error| caller.send(Err(error))))),
        ),
    }
}

/// Runs jobs until all callers are gone.
///
/// A job that panics must not end the thread: every later call would fail until somebody restarts
/// the process. Its batch is rolled back instead, as after an error.
fn run(mut batch: Batch, waiting: &Receiver<Job>) {
    loop {
        let step = AssertUnwindSafe(|| batch.next(waiting).map(|job| batch.execute(job)));
        match catch_unwind(step) {
            Ok(Some(())) => {}
            Ok(None) => break,
            Err(_) => batch.recover(),
        }
    }
    batch.commit();
}

/// The open transaction and the callers that wait for its commit.
struct Batch {
    engine: Engine,
    /// When the transaction was opened; `None` while none is open.
    began: Option<Instant>,
    pending: Vec<PendingReply>,
    jobs: usize,
    wrote: bool,
    /// Whether the thread has yielded since the last job.
    yielded: bool,
}

impl Batch {
    fn new(engine: Engine) -> Self {
        Self { engine, began: None, pending: Vec::new(), jobs: 0, wrote: false, yielded: false }
    }

    /// Waits for the next job, and commits the batch when it is due; `None` once all callers are
    /// gone.
    fn next(&mut self, waiting: &Receiver<Job>) -> Option<Job> {
        loop {
            // Checked before the queue of jobs, which under load always has one more.
            if self.jobs >= MAX_JOBS || self.engine.written >= MAX_BYTES {
                self.commit();
            }
            match waiting.try_recv() {
                Ok(job) => return Some(job),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {}
            }
            if !self.pending.is_empty() {
                // Let threads that are about to send a job run first, once. On a busy core this
                // makes the group larger, and each commit serves more callers; on an idle core it
                // costs nothing. Waiting for a fixed time instead would delay every lone write.
                if !std::mem::replace(&mut self.yielded, true) {
                    std::thread::yield_now();
                    continue;
                }
                self.commit();
                continue;
            }
            // Nobody waits for a commit: only the age of the batch decides.
            let Some(began) = self.began else { return waiting.recv().ok() };
            match waiting.recv_timeout(ORDERED_COMMIT_AFTER.saturating_sub(began.elapsed())) {
                Ok(job) => return Some(job),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.commit(),
            }
        }
    }

    fn execute(&mut self, job: Job) {
        let prepared = self.prepare(job.access);
        let changes = self.engine.connection.total_changes();
        let time = self.reply_time(job.access);
        match (job.run)(prepared.map(|()| &mut self.engine), time) {
            JobOutcome::Replied => {}
            JobOutcome::AwaitsCommit(caller) => self.pending.push(caller),
            JobOutcome::Failed(error, caller) => self.fail(error, caller, changes),
        }
        self.jobs += 1;
        self.yielded = false;
    }

    fn reply_time(&self, access: Access) -> ReplyTime {
        let waits = match access {
            // It may see a `Synced` write that is not durable yet.
            Access::Read => !self.pending.is_empty(),
            Access::Exclusive => false,
            Access::Sync => self.wrote,
            Access::Write(durability) => durability == Durability::Synced,
        };
        if waits { ReplyTime::AfterCommit } else { ReplyTime::AtOnce }
    }

    /// Opens the transaction at the first write of a batch. Reads join an open one, and open none.
    ///
    /// First finishes a rollback that failed halfway: until then the in-memory state is not that of
    /// the tables, and no job may see it.
    fn prepare(&mut self, access: Access) -> rusqlite::Result<()> {
        if self.engine.is_ahead {
            self.engine.roll_back()?;
        }
        if access == Access::Exclusive {
            self.commit();
        }
        if matches!(access, Access::Write(_)) && self.began.is_none() {
            self.engine.begin()?;
            self.began = Some(Instant::now());
        }
        self.wrote |= matches!(access, Access::Write(_));
        Ok(())
    }

    /// Tells the caller of a failed job, and rolls the batch back unless the job changed nothing.
    ///
    /// `changes` is the number of changed rows before the job.
    fn fail(&mut self, error: rusqlite::Error, caller: PendingReply, changes: u64) {
        let error = DatabaseError::from(error);
        let changed_nothing =
            self.engine.connection.total_changes() == changes && !self.engine.is_ahead;
        // SQLite ends the transaction by itself after some errors, a full disk among them. The
        // writes before this job are then gone as well.
        let is_intact = self.began.is_some() != self.engine.connection.is_autocommit();
        if !(changed_nothing && is_intact) {
            self.undo(&error);
        }
        caller(Err(error));
    }

    fn commit(&mut self) {
        if self.began.is_some()
            && let Err(error) = self.engine.commit()
        {
            return self.undo(&error.into());
        }
        self.end(&Ok(()));
    }

    /// Goes on after a panic. Nothing is known of what the job has done, so that the batch is
    /// rolled back and the in-memory state read anew.
    fn recover(&mut self) {
        self.engine.is_ahead = true;
        self.undo(&DatabaseError::Panicked);
    }

    fn undo(&mut self, error: &DatabaseError) {
        tracing::error!(
            error = %error,
            source = ?error,
            waiting = self.pending.len(),
            "rolled back a batch of writes"
        );
        if let Err(error) = self.engine.roll_back() {
            tracing::error!(%error, "could not roll back a batch; will try before the next job");
        }
        self.end(&Err(error.clone()));
    }

    /// Answers all callers that wait, and starts an empty batch.
    fn end(&mut self, outcome: &Result<(), DatabaseError>) {
        self.began = None;
        self.jobs = 0;
        self.wrote = false;
        self.engine.written = 0;
        for reply in self.pending.drain(..) {
            reply(outcome.clone());
        }
    }
}
