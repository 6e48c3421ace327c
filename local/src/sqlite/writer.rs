//! The one thread that reads and writes, and commits in groups.
//!
//! Jobs are executed in the order they arrive, inside one open transaction.
//! `Ordered` writes are answered as soon as they are executed, `Synced` ones after the commit.
//! Reads are answered at once too, unless the batch holds a `Synced` write: what a read could see
//! of it (a final, say) must not be shown to anybody before it is durable.
//! A batch is committed when it holds a `Synced` job and nothing else waits, when it is large, or
//! when it is [`ORDERED_COMMIT_AFTER`] old.
//!
//! A job that fails before it changed anything fails alone.
//! If it has changed something, or if the commit fails, the whole batch is undone: those who wait
//! are told, and the `Ordered` writes of the batch are lost together, as in a crash.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use shared::ports::Durability;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::engine::Engine;
use super::error::Failure;

/// The age at which a batch without a `Synced` job is committed.
pub(super) const ORDERED_COMMIT_AFTER: Duration = Duration::from_millis(20);
/// The largest number of jobs in a batch.
const MAX_JOBS: usize = 512;
/// The bytes after which a batch is committed.
const MAX_BYTES: usize = 1024 * 1024;

/// What a job needs, and when it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Reads only.
    Read,
    /// Does nothing; answered when all before it is durable.
    Sync,
    /// Writes; answered according to its durability.
    Write(Durability),
}

/// One thing to do; it answers its caller itself.
struct Job {
    access: Access,
    run: Run,
}

type Run = Box<dyn FnOnce(rusqlite::Result<&mut Engine>, Hold) -> Answer + Send>;

/// Whether the caller is answered after the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hold(bool);

/// What is left to do after a job has run.
enum Answer {
    /// The caller is answered.
    Given,
    /// The caller waits for the commit.
    Held(Held),
    /// `SQLite` failed; the caller waits to be told.
    Failed(rusqlite::Error, Held),
}

type Held = Box<dyn FnOnce(Result<(), Failure>) + Send>;

/// The way to the thread. Dropping it commits what is open, and ends the thread.
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

    /// Has the work done, and waits for its answer.
    pub(super) async fn call<T, W>(&self, access: Access, work: W) -> Result<T, Failure>
    where
        T: Send + 'static,
        W: FnOnce(&mut Engine) -> rusqlite::Result<T> + Send + 'static,
    {
        self.submit(access, work)?.await.unwrap_or(Err(Failure::Closed))
    }

    /// Has the work done, and blocks until its answer is there: for the start of a process only.
    pub(super) fn call_blocking<T, W>(&self, access: Access, work: W) -> Result<T, Failure>
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
            (Err(_), Ok(Err(failure))) => Err(failure),
            (Err(_), _) => Err(Failure::Closed),
        }
    }

    fn submit<T, W>(
        &self,
        access: Access,
        work: W,
    ) -> Result<oneshot::Receiver<Result<T, Failure>>, Failure>
    where
        T: Send + 'static,
        W: FnOnce(&mut Engine) -> rusqlite::Result<T> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let run = Box::new(move |engine: rusqlite::Result<&mut Engine>, hold| {
            reply(hold, engine.and_then(work), caller)
        });
        let jobs = self.jobs.as_ref().ok_or(Failure::Closed)?;
        jobs.send(Job { access, run }).map_err(|_| Failure::Closed)?;
        Ok(answer)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has closed its connection too; there is nobody to tell.
            let _ = thread.join();
        }
    }
}

fn reply<T: Send + 'static>(
    hold: Hold,
    result: rusqlite::Result<T>,
    caller: oneshot::Sender<Result<T, Failure>>,
) -> Answer {
    // A caller that no longer waits does not need its answer.
    match result {
        Ok(value) if hold == Hold(true) => {
            Answer::Held(Box::new(move |committed| drop(caller.send(committed.map(|()| value)))))
        }
        Ok(value) => {
            drop(caller.send(Ok(value)));
            Answer::Given
        }
        Err(error) => Answer::Failed(
            error,
            Box::new(move |outcome| drop(outcome.map_err(|failure| caller.send(Err(failure))))),
        ),
    }
}

fn run(mut batch: Batch, waiting: &Receiver<Job>) {
    while let Some(job) = batch.next(waiting) {
        batch.execute(job);
    }
    batch.commit();
}

/// The open transaction, and who waits for its commit.
struct Batch {
    engine: Engine,
    began: Option<Instant>,
    held: Vec<Held>,
    jobs: usize,
    wrote: bool,
    /// Whether others were let run since the last job.
    yielded: bool,
}

impl Batch {
    fn new(engine: Engine) -> Self {
        Self { engine, began: None, held: Vec::new(), jobs: 0, wrote: false, yielded: false }
    }

    /// Waits for the next job, and commits meanwhile what is to be committed; `None` when all
    /// callers are gone.
    fn next(&mut self, waiting: &Receiver<Job>) -> Option<Job> {
        loop {
            if self.jobs >= MAX_JOBS || self.engine.written >= MAX_BYTES {
                self.commit();
            }
            match waiting.try_recv() {
                Ok(job) => return Some(job),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {}
            }
            if !self.held.is_empty() {
                // Whoever is about to send a job gets to: on a busy core that makes the group
                // larger, on an idle one it costs nothing.
                if !std::mem::replace(&mut self.yielded, true) {
                    std::thread::yield_now();
                    continue;
                }
                self.commit();
                continue;
            }
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
        let hold = self.hold(job.access);
        match (job.run)(prepared.map(|()| &mut self.engine), hold) {
            Answer::Given => {}
            Answer::Held(caller) => self.held.push(caller),
            Answer::Failed(error, caller) => self.fail(error, caller, changes),
        }
        self.jobs += 1;
        self.yielded = false;
    }

    fn hold(&self, access: Access) -> Hold {
        Hold(match access {
            Access::Read => !self.held.is_empty(),
            Access::Sync => self.wrote,
            Access::Write(durability) => durability == Durability::Synced,
        })
    }

    /// Opens the batch, for reads too: a transaction of its own costs a read more than the read
    /// itself.
    ///
    /// First repairs what an earlier failure has left behind.
    fn prepare(&mut self, access: Access) -> rusqlite::Result<()> {
        if self.engine.is_ahead {
            self.engine.roll_back()?;
        }
        if matches!(access, Access::Write(_)) && self.began.is_none() {
            self.engine.begin()?;
            self.began = Some(Instant::now());
        }
        self.wrote |= matches!(access, Access::Write(_));
        Ok(())
    }

    fn fail(&mut self, error: rusqlite::Error, caller: Held, changes: u64) {
        let failure = Failure::from(error);
        let alone = self.engine.connection.total_changes() == changes && !self.engine.is_ahead;
        let open = self.began.is_some() != self.engine.connection.is_autocommit();
        if !(alone && open) {
            self.undo(&failure);
        }
        caller(Err(failure));
    }

    fn commit(&mut self) {
        if self.began.is_some()
            && let Err(error) = self.engine.commit()
        {
            return self.undo(&error.into());
        }
        self.end(&Ok(()));
    }

    fn undo(&mut self, failure: &Failure) {
        tracing::error!(error = %failure, source = ?failure, waiting = self.held.len(), "a batch \
            was undone");
        if let Err(error) = self.engine.roll_back() {
            tracing::error!(%error, "a batch could not be undone cleanly");
        }
        self.end(&Err(failure.clone()));
    }

    fn end(&mut self, outcome: &Result<(), Failure>) {
        self.began = None;
        self.jobs = 0;
        self.wrote = false;
        self.engine.written = 0;
        for held in self.held.drain(..) {
            held(outcome.clone());
        }
    }
}
