//! The one writer: a thread that owns the write side of the database and commits in groups.
//!
//! A commit waits for the disk, and the disk takes the same time for one change as for fifty. So
//! jobs wait in a bounded queue; the thread takes the waiting ones into one transaction, and
//! answers each job after the commit. It never waits for more jobs: a single job is committed
//! alone.
//!
//! Guarantees: a refused job writes nothing and affects no other; a count of writes checks that,
//! and a job that violates it aborts the transaction for all. A failure of the database aborts it
//! too, and each job in it gets the error. A transaction that wrote nothing is not committed.
//!
//! After a crash redb needs the list of the file's free pages: it reads it where the last commit
//! kept it, and walks the whole file otherwise, 1.4 s a gigabyte. Keeping it costs a commit time
//! that grows with the file. So each commit keeps it in a short file (`RedbOptions`); in a long one
//! the thread does when no job came for [`QUIET`]: a burst of writes costs no more in a longer
//! file, and only a crash within such a burst is followed by the walk.
//!
//! Cancellation: a caller that stops waiting does not stop its job; a read shows whether it was
//! done.
//!
//! Each transaction begins and ends with a heartbeat, so a disk that does not answer shows as a
//! late `writer`. After an error of the disk, such as a full one, redb refuses everything until the
//! file is opened again, whatever the disk does by then: the heartbeat ends there, and the writer
//! is late until the store is closed, so that a monitor restarts the process.
//!
//! Bounds: [`QUEUE_JOBS_MAX`], [`BATCH_JOBS_MAX`], [`BATCH_BYTES_MAX`]. Left out: the work of the
//! jobs.

#![expect(clippy::disallowed_methods, reason = "owns the writer's thread")]

use super::guarded::guarded;
use super::pages::Length;
use super::tables::{OrFailed, Tables};
use crate::heartbeat::{Heartbeat, Heartbeats};
use crate::store::StoreError;
use crate::store::signal::Signals;
use redb::{Database, StorageError, TransactionError};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

/// Jobs that wait; further callers wait for room. Arbitrary, above the jobs of a group.
const QUEUE_JOBS_MAX: usize = 256;
/// Jobs of one transaction. Beyond some dozens the disk's share of a job no longer matters, but the
/// wait of the first does.
const BATCH_JOBS_MAX: usize = 64;
/// Bytes of jobs after which a transaction takes no more: what one page of a scan has, so that
/// memory stays flat.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long no job came when the list of free pages is kept. Arbitrary: longer than the pauses
/// within a pull, shorter than those between pulls.
const QUIET: Duration = Duration::from_secs(1);

/// The database, while it is open. Reads and the writer hold the lock shared; closing takes it
/// alone.
pub(super) type Shared = Arc<RwLock<Option<Database>>>;

/// What is written to. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) database: Shared,
    /// The readers to wake.
    pub(super) signals: Signals,
    pub(super) length: Length,
    /// See [`RedbOptions::list_kept_bytes_max`](super::RedbOptions).
    pub(super) list_kept_bytes_max: u64,
}

impl Target {
    /// Whether each commit keeps the list of free pages.
    fn is_list_kept(&self) -> bool {
        self.length.bytes() <= self.list_kept_bytes_max
    }
}

/// The handle of the writer's thread.
#[derive(Debug)]
pub(super) struct Writer {
    /// None once it was stopped.
    queue: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    commits: Arc<AtomicU64>,
    pulse: Pulse,
}

/// The heartbeat of the thread; none until an engine uses the store.
#[derive(Clone, Debug, Default)]
struct Pulse(Arc<Mutex<Option<Heartbeat>>>);

impl Pulse {
    fn says(&self, what: impl FnOnce(&Heartbeat)) {
        if let Some(heartbeat) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            what(heartbeat);
        }
    }

    fn works(&self) {
        self.says(|heartbeat| heartbeat.acts_within(0));
    }

    fn rests(&self) {
        self.says(Heartbeat::rests);
    }

    /// From now on there is no loop to know of.
    fn ends(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(target: Target) -> Result<Self, StoreError> {
        let (queue, jobs) = mpsc::channel(QUEUE_JOBS_MAX);
        let commits = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&commits);
        let pulse = Pulse::default();
        let beating = pulse.clone();
        let thread = std::thread::Builder::new()
            .name("atsync-store".to_owned())
            .spawn(move || run(Jobs::new(jobs), &target, &counted, &beating))
            .map_err(|error| {
                StoreError::Io(format!("the writer's thread cannot be started: {error}"))
            })?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
            commits,
            pulse,
        })
    }

    /// Beats from now on for this engine, and for no earlier one.
    pub(super) fn beats(&self, heartbeats: &Heartbeats) {
        let heartbeat = heartbeats.begin("writer", None);
        *self.pulse.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(heartbeat);
    }

    /// Takes no more jobs, and waits until the thread has done the queued ones and ended. Blocks.
    pub(super) fn stop(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store's writer ended by a panic");
        }
        self.pulse.ends();
    }

    /// How many transactions were committed.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Does the work in a transaction of its own or a shared one; returns when it is durable.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        bytes: usize,
        work: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job = Task { bytes, work: Some(work), done: None, reply };
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let queue = queue.ok_or(StoreError::Closed)?;
        queue.send(Box::new(job)).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Does the work on this thread, in a transaction of its own: the writer of an inline store.
pub(super) fn write_inline<T: Send + 'static>(
    target: &Target,
    commits: &AtomicU64,
    bytes: usize,
    work: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (reply, mut answer) = oneshot::channel();
    let batch: Vec<Box<dyn Job>> =
        vec![Box::new(Task { bytes, work: Some(work), done: None, reply })];
    let _ = settle(target, commits, batch);
    answer.try_recv().map_err(|_| stopped())?
}

fn stopped() -> StoreError {
    StoreError::Io("the store's writer has stopped; open the store again".to_owned())
}

trait Job: Send {
    fn bytes(&self) -> usize;
    /// Does the work. An error aborts the transaction; a refusal is kept for the answer.
    fn run(&mut self, tables: &mut Tables<'_>) -> Result<(), StoreError>;
    /// Answers the caller, once the end of the transaction is known.
    fn answer(self: Box<Self>, lost: Option<&StoreError>);
}

struct Task<T, W> {
    bytes: usize,
    work: Option<W>,
    done: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, W> Job for Task<T, W>
where
    T: Send,
    W: FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send,
{
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn run(&mut self, tables: &mut Tables<'_>) -> Result<(), StoreError> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let before = tables.writes();
        let done = work(tables);
        match done {
            Err(error @ (StoreError::Io(_) | StoreError::Unusable(_))) => Err(error),
            Err(refusal) if tables.writes() != before => Err(StoreError::Io(format!(
                "a transaction was refused after it had written: {refusal}"
            ))),
            done => {
                self.done = Some(done);
                Ok(())
            }
        }
    }

    fn answer(self: Box<Self>, lost: Option<&StoreError>) {
        let answer = match (lost, self.done) {
            // A refusal wrote nothing and stays valid.
            (_, Some(Err(refusal))) => Err(refusal),
            (Some(StoreError::Unusable(text)), _) => Err(StoreError::Unusable(text.clone())),
            (Some(StoreError::Io(text)), _) => Err(StoreError::Io(text.clone())),
            (Some(StoreError::Closed), _) => Err(StoreError::Closed),
            (Some(error), _) => Err(StoreError::Io(error.to_string())),
            (None, Some(done)) => done,
            (None, None) => Err(stopped()),
        };
        // A caller that no longer waits gets no answer.
        drop(self.reply.send(answer));
    }
}

/// The waiting jobs, and a clock for their absence.
struct Jobs {
    queue: mpsc::Receiver<Box<dyn Job>>,
    /// None where the system refuses one: then no time counts as quiet.
    timer: Option<tokio::runtime::Runtime>,
}

impl Jobs {
    fn new(queue: mpsc::Receiver<Box<dyn Job>>) -> Self {
        Self {
            queue,
            timer: tokio::runtime::Builder::new_current_thread().enable_time().build().ok(),
        }
    }

    /// The next job; none when there is no sender left.
    fn next(&mut self) -> Option<Box<dyn Job>> {
        self.queue.blocking_recv()
    }

    /// As [`Self::next`], or an error when none came for [`QUIET`].
    fn next_soon(&mut self) -> Result<Option<Box<dyn Job>>, Elapsed> {
        let Self { queue, timer } = self;
        match timer {
            Some(timer) => timer.block_on(async { timeout(QUIET, queue.recv()).await }),
            None => Ok(queue.blocking_recv()),
        }
    }
}

fn run(mut jobs: Jobs, target: &Target, commits: &AtomicU64, pulse: &Pulse) {
    let mut is_kept = true;
    let mut takes_more = true;
    loop {
        let next = if is_kept { Ok(jobs.next()) } else { jobs.next_soon() };
        if takes_more {
            pulse.works();
        }
        let Ok(next) = next else {
            let is_done = keep_free_pages(&target.database);
            takes_more = takes_more && (is_done || takes_transactions(&target.database));
            if takes_more {
                pulse.rests();
            }
            is_kept = true;
            continue;
        };
        let Some(first) = next else { break };
        let mut bytes = first.bytes();
        let mut batch = vec![first];
        while batch.len() < BATCH_JOBS_MAX && bytes < BATCH_BYTES_MAX {
            let Ok(job) = jobs.queue.try_recv() else { break };
            bytes = bytes.saturating_add(job.bytes());
            batch.push(job);
        }
        let before = commits.load(Ordering::Relaxed);
        let is_done = settle(target, commits, batch);
        takes_more = takes_more && (is_done || takes_transactions(&target.database));
        if takes_more {
            pulse.rests();
        }
        let wrote = commits.load(Ordering::Relaxed) != before;
        is_kept = if wrote { target.is_list_kept() } else { is_kept };
    }
}

/// Whether the database takes transactions: not after an error of the disk.
fn takes_transactions(database: &Shared) -> bool {
    let takes = guarded(|| {
        let database = database.read().unwrap_or_else(PoisonError::into_inner);
        let begun = database.as_ref().map(Database::begin_write);
        Ok(!matches!(begun, Some(Err(TransactionError::Storage(StorageError::PreviousIo)))))
    });
    let takes = takes.unwrap_or_default();
    if !takes {
        tracing::error!(
            "after an error of the disk the store takes no more until its file is opened again"
        );
    }
    takes
}

/// Keeps the list of free pages, and returns whether it did. When that fails, as on a full disk,
/// the file is walked after a crash, and the next write reports what fails.
fn keep_free_pages(database: &Shared) -> bool {
    let kept = guarded(|| {
        let database = database.read().unwrap_or_else(PoisonError::into_inner);
        let database = database.as_ref().ok_or(StoreError::Closed)?;
        let mut transaction = database.begin_write().or_failed()?;
        transaction.set_quick_repair(true);
        transaction.commit().or_failed()
    });
    if let Err(error) = &kept {
        tracing::debug!(%error, "the list of free pages was not kept");
    }
    kept.is_ok()
}

/// Runs the jobs in one transaction, wakes the readers of their events, and answers each job.
/// Returns whether the transaction ended without a failure.
fn settle(target: &Target, commits: &AtomicU64, mut batch: Vec<Box<dyn Job>>) -> bool {
    let committed = guarded(|| commit(target, &mut batch));
    if let Ok(Some(told)) = &committed {
        commits.fetch_add(1, Ordering::Relaxed);
        told.iter().for_each(|connection| target.signals.wake(connection));
    }
    let lost = committed.as_ref().err();
    batch.into_iter().for_each(|job| job.answer(lost));
    committed.is_ok()
}

/// Runs the jobs in one transaction. Returns the connections that it wrote events for; none when
/// there was nothing to commit.
fn commit(
    target: &Target,
    batch: &mut [Box<dyn Job>],
) -> Result<Option<BTreeSet<String>>, StoreError> {
    let database = target.database.read().unwrap_or_else(PoisonError::into_inner);
    let database = database.as_ref().ok_or(StoreError::Closed)?;
    let mut transaction = database.begin_write().or_failed()?;
    prepare(&mut transaction, target.is_list_kept());
    let mut tables = Tables::open(&transaction)?;
    for job in batch.iter_mut() {
        job.run(&mut tables)?;
    }
    let wrote = tables.writes() > 0;
    let told = std::mem::take(&mut tables.told);
    drop(tables);
    if wrote {
        transaction.commit().or_failed()?;
    } else {
        transaction.abort().or_failed()?;
    }
    Ok(wrote.then_some(told))
}

/// Sets how each transaction of the file is committed: durably, which is the default, and in two
/// phases. The stored bytes come from outside, and a one-phase commit relies on a checksum that an
/// attacker who chooses the bytes could defeat.
pub(super) fn prepare(transaction: &mut redb::WriteTransaction, keeps_list: bool) {
    transaction.set_two_phase_commit(true);
    transaction.set_quick_repair(keeps_list);
}
