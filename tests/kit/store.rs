//! A store with faults: at a chosen write the engine dies before it or after it, or the disk is
//! full.
//!
//! Only calls that write are counted, since a crash between two reads is the crash between the
//! writes around them. Reads pass. The wrapped store decides what it keeps: a power cut that loses
//! unsynced writes needs a disk below it (see the simulation).

use crate::Death;
use atsync::internals::journal::{Intent, IntentId};
use atsync::internals::store::*;
use atsync::model::contract::RemoteRef;
use futures_util::future::BoxFuture;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, watch};

/// The fault of one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreUpset {
    /// The engine dies before the store gets the write.
    DieBefore,
    /// The engine dies when the store has done it.
    DieAfter,
    /// The disk is full.
    Full,
    /// The disk does not answer until [`UpsetStore::answer`].
    Hang,
}

type Upsetter = Box<dyn FnMut(u64, &'static str) -> Option<StoreUpset> + Send>;
type Deed = BoxFuture<'static, ()>;

/// See the module.
pub struct UpsetStore {
    inner: Arc<dyn Store>,
    death: Arc<Death>,
    writes: AtomicU64,
    lookups: AtomicU64,
    calls: Mutex<Vec<&'static str>>,
    upsetter: Mutex<Option<Upsetter>>,
    after_changes: Mutex<Option<Deed>>,
    lease_until_ms: Mutex<Option<u64>>,
    answers: Notify,
}

impl std::fmt::Debug for UpsetStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UpsetStore")
    }
}

impl UpsetStore {
    /// Wraps a store.
    pub fn new(inner: Arc<dyn Store>, death: Arc<Death>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            death,
            writes: AtomicU64::new(0),
            lookups: AtomicU64::new(0),
            calls: Mutex::default(),
            upsetter: Mutex::default(),
            after_changes: Mutex::default(),
            lease_until_ms: Mutex::default(),
            answers: Notify::new(),
        })
    }

    /// Lets the writes that hang go on.
    pub fn answer(&self) {
        self.answers.notify_waiters();
    }

    /// Grants leases that end at this steady time.
    pub fn end_leases_at(&self, until_ms: u64) {
        *self.lease_until_ms.lock().unwrap() = Some(until_ms);
    }

    /// Runs this once after the next read of the feed, before the reader gets the result.
    pub fn after_changes(&self, deed: impl Future<Output = ()> + Send + 'static) {
        *self.after_changes.lock().unwrap() = Some(Box::pin(deed));
    }

    /// The number of writes so far.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    /// The calls that wrote so far, in order.
    pub fn calls(&self) -> Vec<&'static str> {
        self.calls.lock().unwrap().clone()
    }

    /// The number of lookups by a term so far.
    pub fn lookups(&self) -> u64 {
        self.lookups.load(Ordering::SeqCst)
    }

    /// Asks this closure for the fault of each write: its number since the store was wrapped, and
    /// the name of the call.
    pub fn upset(
        &self,
        upsetter: impl FnMut(u64, &'static str) -> Option<StoreUpset> + Send + 'static,
    ) {
        *self.upsetter.lock().unwrap() = Some(Box::new(upsetter));
    }

    /// Removes all faults.
    pub fn spare(&self) {
        *self.upsetter.lock().unwrap() = None;
    }

    fn change<'a, T: Send + 'a>(
        &'a self,
        call: &'static str,
        work: Stored<'a, T>,
    ) -> Stored<'a, T> {
        Box::pin(async move {
            let number = self.writes.fetch_add(1, Ordering::SeqCst) + 1;
            self.calls.lock().unwrap().push(call);
            let upset =
                self.upsetter.lock().unwrap().as_mut().and_then(|upsetter| upsetter(number, call));
            match upset {
                None => work.await,
                Some(StoreUpset::DieBefore) => self.death.strike().await,
                Some(StoreUpset::DieAfter) => {
                    drop(work.await);
                    self.death.strike().await
                }
                Some(StoreUpset::Hang) => {
                    self.answers.notified().await;
                    work.await
                }
                Some(StoreUpset::Full) => Err(StoreError::Io("no space left on device".to_owned())),
            }
        })
    }
}

impl Connections for UpsetStore {
    fn identity(&self) -> Stored<'_, StoreIdentity> {
        self.inner.identity()
    }

    fn connection(&self, connection: &str) -> Stored<'_, Option<ConnectionRow>> {
        self.inner.connection(connection)
    }

    fn put_connection(&self, guard: &Guard, row: ConnectionRow) -> Stored<'_, ()> {
        self.change("put_connection", self.inner.put_connection(guard, row))
    }

    fn forget(&self, guard: &Guard) -> Stored<'_, u64> {
        self.change("forget", self.inner.forget(guard))
    }

    fn lease(&self, connection: &str) -> Stored<'_, Guard> {
        let until_ms = *self.lease_until_ms.lock().unwrap();
        let granted = self.inner.lease(connection);
        Box::pin(async move {
            let granted = granted.await?;
            Ok(Guard::new(granted.connection(), granted.fence(), until_ms))
        })
    }
}

impl Observed for UpsetStore {
    fn commit_page(&self, guard: &Guard, page: PageCommit) -> Stored<'_, PageReport> {
        self.change("commit_page", self.inner.commit_page(guard, page))
    }

    fn observed(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Option<ObservedRow>> {
        self.inner.observed(connection, remote)
    }

    fn observed_page(
        &self,
        connection: &str,
        kind: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>> {
        self.inner.observed_page(connection, kind, after, rows_max)
    }

    fn lookup(
        &self,
        connection: &str,
        kind: &str,
        index: &str,
        term: &str,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        self.inner.lookup(connection, kind, index, term, rows_max)
    }

    fn lookup_page(
        &self,
        connection: &str,
        kind: &str,
        index: &str,
        term: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        self.inner.lookup_page(connection, kind, index, term, after, rows_max)
    }

    fn observed_counts(&self, connection: &str) -> Stored<'_, Vec<(String, u64)>> {
        self.inner.observed_counts(connection)
    }

    fn alias(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Option<Alias>> {
        self.inner.alias(connection, remote)
    }

    fn leads(
        &self,
        connection: &str,
        kind: &str,
        rows_max: usize,
    ) -> Stored<'_, Vec<(String, String)>> {
        self.inner.leads(connection, kind, rows_max)
    }

    fn drop_lead(&self, guard: &Guard, remote: &RemoteRef) -> Stored<'_, ()> {
        self.change("drop_lead", self.inner.drop_lead(guard, remote))
    }
}

impl Scans for UpsetStore {
    fn scan_state(
        &self,
        connection: &str,
        kind: &str,
        parent: Option<&str>,
    ) -> Stored<'_, Option<ScanState>> {
        self.inner.scan_state(connection, kind, parent)
    }

    fn scan_states(
        &self,
        connection: &str,
    ) -> Stored<'_, Vec<(String, Option<String>, ScanState)>> {
        self.inner.scan_states(connection)
    }

    fn sweep_state(&self, connection: &str, kind: &str) -> Stored<'_, Option<SweepState>> {
        self.inner.sweep_state(connection, kind)
    }

    fn suspects_page(
        &self,
        connection: &str,
        kind: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>> {
        self.inner.suspects_page(connection, kind, after, rows_max)
    }

    fn forget_seen(&self, guard: &Guard, kind: &str, rows_max: usize) -> Stored<'_, u64> {
        self.change("forget_seen", self.inner.forget_seen(guard, kind, rows_max))
    }

    fn problems(
        &self,
        connection: &str,
        kind: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ProblemRow>> {
        self.inner.problems(connection, kind, rows_max)
    }

    fn note_problems(&self, guard: &Guard, problems: Problems) -> Stored<'_, Vec<ProblemRow>> {
        self.change("note_problems", self.inner.note_problems(guard, problems))
    }
}

impl Desired for UpsetStore {
    fn declare(
        &self,
        guard: &Guard,
        records: Vec<Declaration>,
        now_ms: u64,
    ) -> Stored<'_, DeclareReport> {
        self.change("declare", self.inner.declare(guard, records, now_ms))
    }

    fn declare_if(
        &self,
        guard: &Guard,
        record: Declaration,
        generation: Option<u64>,
        now_ms: u64,
    ) -> Stored<'_, DeclareReport> {
        self.change("declare_if", self.inner.declare_if(guard, record, generation, now_ms))
    }

    fn desired(&self, connection: &str, key: &str) -> Stored<'_, Option<DesiredRow>> {
        self.inner.desired(connection, key)
    }

    fn desired_page(
        &self,
        connection: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<DesiredRow>> {
        self.inner.desired_page(connection, after, rows_max)
    }

    fn dirty_page(
        &self,
        connection: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<DesiredRow>> {
        self.inner.dirty_page(connection, after, rows_max)
    }

    fn put_status(&self, guard: &Guard, statuses: Vec<StatusUpdate>) -> Stored<'_, Vec<String>> {
        self.change("put_status", self.inner.put_status(guard, statuses))
    }

    fn mark_dirty(&self, guard: &Guard, keys: Vec<String>) -> Stored<'_, ()> {
        self.change("mark_dirty", self.inner.mark_dirty(guard, keys))
    }

    fn set_mode(&self, guard: &Guard, key: &str, mode: Mode) -> Stored<'_, bool> {
        self.change("set_mode", self.inner.set_mode(guard, key, mode))
    }

    fn remove_desired(
        &self,
        guard: &Guard,
        key: &str,
        generation: Option<u64>,
    ) -> Stored<'_, bool> {
        self.change("remove_desired", self.inner.remove_desired(guard, key, generation))
    }

    fn desired_counts(&self, connection: &str) -> Stored<'_, (u64, u64)> {
        self.inner.desired_counts(connection)
    }
}

impl Links for UpsetStore {
    fn link(&self, connection: &str, host: &str) -> Stored<'_, Option<LinkRow>> {
        self.inner.link(connection, host)
    }

    fn links_of(&self, connection: &str, key: &str) -> Stored<'_, Vec<LinkRow>> {
        self.inner.links_of(connection, key)
    }

    fn links_to(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Vec<LinkRow>> {
        self.inner.links_to(connection, remote)
    }

    fn put_links(&self, guard: &Guard, links: Vec<LinkRow>) -> Stored<'_, ()> {
        self.change("put_links", self.inner.put_links(guard, links))
    }

    fn end_links(&self, guard: &Guard, hosts: Vec<String>) -> Stored<'_, ()> {
        self.change("end_links", self.inner.end_links(guard, hosts))
    }
}

impl Journal for UpsetStore {
    fn begin_intent(&self, guard: &Guard, intent: Intent) -> Stored<'_, Intent> {
        self.change("begin_intent", self.inner.begin_intent(guard, intent))
    }

    fn advance_intent(&self, guard: &Guard, advance: IntentAdvance) -> Stored<'_, Intent> {
        self.change("advance_intent", self.inner.advance_intent(guard, advance))
    }

    fn intent(&self, connection: &str, id: IntentId) -> Stored<'_, Option<Intent>> {
        self.inner.intent(connection, id)
    }

    fn open_intents(&self, connection: &str) -> Stored<'_, Vec<Intent>> {
        self.inner.open_intents(connection)
    }

    fn intents_of(&self, connection: &str, key: &str, rows_max: usize) -> Stored<'_, Vec<Intent>> {
        self.inner.intents_of(connection, key, rows_max)
    }

    fn intents_since(
        &self,
        connection: &str,
        since_ms: u64,
        rows_max: usize,
    ) -> Stored<'_, Vec<Intent>> {
        self.inner.intents_since(connection, since_ms, rows_max)
    }

    fn trim_intents(&self, guard: &Guard, before_ms: u64) -> Stored<'_, u64> {
        self.change("trim_intents", self.inner.trim_intents(guard, before_ms))
    }

    fn intent_counts(&self, connection: &str) -> Stored<'_, Vec<(String, u64)>> {
        self.inner.intent_counts(connection)
    }
}

impl Feed for UpsetStore {
    fn changes(&self, connection: &str, after: u64, rows_max: usize) -> Stored<'_, Vec<Change>> {
        let read = self.inner.changes(connection, after, rows_max);
        let deed = self.after_changes.lock().unwrap().take();
        Box::pin(async move {
            let read = read.await;
            if let Some(deed) = deed {
                deed.await;
            }
            read
        })
    }

    fn watch_changes(&self, connection: &str) -> watch::Receiver<()> {
        self.inner.watch_changes(connection)
    }

    fn changes_last(&self, connection: &str) -> Stored<'_, u64> {
        self.inner.changes_last(connection)
    }

    fn changes_first(&self, connection: &str) -> Stored<'_, u64> {
        self.inner.changes_first(connection)
    }

    fn trim_changes(&self, guard: &Guard, before_ms: u64, keep: Keep) -> Stored<'_, u64> {
        self.change("trim_changes", self.inner.trim_changes(guard, before_ms, keep))
    }

    fn acknowledge(&self, guard: &Guard, consumer: &str, serial: u64) -> Stored<'_, u64> {
        self.change("acknowledge", self.inner.acknowledge(guard, consumer, serial))
    }

    fn offset(&self, connection: &str, consumer: &str) -> Stored<'_, u64> {
        self.inner.offset(connection, consumer)
    }

    fn end_consumer(&self, guard: &Guard, consumer: &str) -> Stored<'_, ()> {
        self.change("end_consumer", self.inner.end_consumer(guard, consumer))
    }
}

impl Erasures for UpsetStore {
    fn erase(&self, guard: &Guard, erasure: Erasure) -> Stored<'_, ErasureReport> {
        self.change("erase", self.inner.erase(guard, erasure))
    }

    fn kept_away(&self, connection: &str, records: Vec<Declaration>) -> Stored<'_, Vec<String>> {
        self.inner.kept_away(connection, records)
    }

    fn undo_erasure(&self, guard: &Guard, erasure: Erasure) -> Stored<'_, bool> {
        self.change("undo_erasure", self.inner.undo_erasure(guard, erasure))
    }
}

impl Notes for UpsetStore {
    fn put_notes(&self, guard: &Guard, notes: Vec<Note>) -> Stored<'_, ()> {
        self.change("put_notes", self.inner.put_notes(guard, notes))
    }

    fn note(&self, connection: &str, area: &str, key: &str) -> Stored<'_, Option<Vec<u8>>> {
        self.inner.note(connection, area, key)
    }

    fn notes_page(
        &self,
        connection: &str,
        area: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<(String, Vec<u8>)>> {
        self.inner.notes_page(connection, area, after, rows_max)
    }
}
