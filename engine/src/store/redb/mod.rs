//! The embedded, durable store: one file, by redb.
//!
//! One thread writes and commits in groups (`writer`); reads run on tokio's blocking threads, each
//! in a snapshot of its own, and never wait for the writer. Every commit is durable when its call
//! returns. The file is held by one process at a time.
//!
//! Opening blocks, and so does dropping: it finishes the queued writes, waits for reads under way
//! and closes the file. [`close`] does the same while handles remain. A call needs a tokio runtime,
//! unless the store is *inline* ([`RedbOptions::inline`]): then every call is done by its caller,
//! within the first poll, each write in a transaction of its own. A simulation needs that, since
//! threads would order its events; so does a host without a runtime that can afford to wait for the
//! disk.
//!
//! Bounds: memory is [`RedbOptions::cache_bytes`] plus the pages that are being ingested. Left out:
//! encryption of the file, and more than one machine; both belong to another [`Store`].

#![expect(clippy::disallowed_methods, reason = "reads and closes the file on blocking threads")]

mod about;
mod barred;
mod close;
mod compact;
mod desired;
mod desired_by;
mod erasure;
mod event;
mod feed;
mod files;
#[cfg(any(test, feature = "testing"))]
#[doc(hidden)]
pub mod foreign;
mod guarded;
pub(super) mod held;
mod identity;
mod journal;
mod naming;
mod observed;
mod open;
mod options;
mod packed;
mod page;
mod pages;
mod problems;
mod row;
mod tables;
mod writer;

pub use compact::Compacted;
pub use options::RedbOptions;

use super::erase::Hasher;
use super::signal::Signals;
use super::*;
use crate::entropy::Entropy;
use crate::index;
use crate::journal::{Intent, IntentId};
use ::redb::{ReadTransaction, ReadableDatabase, StorageBackend};
use atsync_model::contract::RemoteRef;
use close::OpenFile;
use guarded::guarded;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tables::{CONNECTIONS, OrFailed, Tables, from_json, get, to_json};
use writer::Writer;

/// The durable store: one file, which one process holds at a time. A write is durable when its call
/// returns.
#[derive(Debug)]
pub struct RedbStore {
    identity: StoreIdentity,
    hasher: Hasher,
    /// How many transactions an inline store has committed; none in one with a writer.
    inline: Option<AtomicU64>,
    file: Arc<OpenFile>,
    signals: Signals,
}

impl RedbStore {
    /// Opens the store in this file, or creates it.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another process (or this one) has it open;
    /// [`StoreError::Unusable`] when it is not a store, is damaged, has another layout, or cannot
    /// be reached. The text says what to do.
    pub fn open(
        path: &Path,
        options: RedbOptions,
        entropy: &dyn Entropy,
    ) -> Result<Self, StoreError> {
        let opened = open::file(path, options.cache_bytes, entropy)?;
        Self::start(opened, options.inline, held::Held::note(path))
    }

    /// Opens the store in a backend, or creates one there. For simulations that own the disk.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn with_backend(
        backend: impl StorageBackend,
        options: RedbOptions,
        entropy: &dyn Entropy,
    ) -> Result<Self, StoreError> {
        Self::start(open::backend(backend, options.cache_bytes, entropy)?, options.inline, None)
    }

    /// Rewrites the file of a store, so that it holds the stored rows and no removed bytes, such as
    /// those of an erased candidate in unused pages. It becomes smaller, too. The store must be
    /// closed; else [`StoreError::Busy`] names the holder.
    ///
    /// It blocks, needs room for a second file, and at every moment leaves a whole store in its
    /// place. Earlier copies and snapshots of the file are not changed.
    ///
    /// # Errors
    /// As [`Self::open`], and [`StoreError::Io`] where there is no room; then the store is
    /// unchanged.
    pub fn compact(
        path: &Path,
        options: RedbOptions,
        entropy: &dyn Entropy,
    ) -> Result<Compacted, StoreError> {
        compact::compact(path, options, entropy)
    }

    /// How many transactions were committed since it was opened. Several writes may share one.
    pub fn commits(&self) -> u64 {
        let inline = self.inline.as_ref().map_or(0, |commits| commits.load(Ordering::Relaxed));
        self.file.writer.as_ref().map_or(inline, Writer::commits)
    }

    fn start(
        (database, identity, hasher, seal): open::Opened,
        inline: bool,
        held: Option<held::Held>,
    ) -> Result<Self, StoreError> {
        let database = Arc::new(RwLock::new(Some(database)));
        let signals = Signals::default();
        let writer = if inline {
            None
        } else {
            Some(Writer::start(Arc::clone(&database), signals.clone())?)
        };
        Ok(Self {
            identity,
            hasher,
            inline: inline.then(AtomicU64::default),
            file: Arc::new(OpenFile { writer, database, seal, held: Mutex::new(held) }),
            signals,
        })
    }

    fn write<T: Send + 'static>(
        &self,
        guard: &Guard,
        bytes: usize,
        checked: Result<(), StoreError>,
        work: impl FnOnce(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'_, T> {
        let checked = guard.held_alone().and(checked);
        Box::pin(async move {
            checked?;
            match (&self.file.writer, &self.inline) {
                (Some(writer), _) => writer.write(bytes, work).await,
                (None, Some(commits)) => {
                    writer::write_inline((&self.file.database, &self.signals), commits, bytes, work)
                }
                (None, None) => Err(StoreError::Closed),
            }
        })
    }

    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'_, T> {
        Box::pin(async move {
            let database = Arc::clone(&self.file.database);
            let reading = move || {
                let database = database.read().unwrap_or_else(PoisonError::into_inner);
                let database = database.as_ref().ok_or(StoreError::Closed)?;
                guarded(|| work(&database.begin_read().or_failed()?))
            };
            if self.inline.is_some() {
                return reading();
            }
            crate::runtime::required().map_err(|_| StoreError::NoRuntime)?;
            let reading = tokio::task::spawn_blocking(reading);
            reading
                .await
                .map_err(|error| StoreError::Io(format!("a read was broken off: {error}")))?
        })
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        self.file.close();
    }
}

impl Connections for RedbStore {
    fn identity(&self) -> Stored<'_, StoreIdentity> {
        Box::pin(async { Ok(self.identity.clone()) })
    }

    fn connection(&self, connection: &str) -> Stored<'_, Option<ConnectionRow>> {
        let name = connection.to_owned();
        self.read(move |read| {
            let rows = tables::table(read, CONNECTIONS)?;
            let value = get(&rows, &codec::Key::of(&name))?;
            value.map(|value| from_json(value.value(), "a connection")).transpose()
        })
    }

    fn put_connection(&self, guard: &Guard, row: ConnectionRow) -> Stored<'_, ()> {
        let name = guard.connection().to_owned();
        self.write(guard, 0, check::connection(guard.connection(), &row), move |tables| {
            tables.connections.put(&codec::Key::of(&name), &to_json(&row)?).map(drop)
        })
    }

    fn lease(&self, connection: &str) -> Stored<'_, Guard> {
        let guard = Guard::sole(connection);
        Box::pin(async { Ok(guard) })
    }

    fn close(&self) -> Stored<'_, ()> {
        Box::pin(async {
            let file = Arc::clone(&self.file);
            if self.inline.is_some() || !crate::runtime::is_there() {
                file.close();
                return Ok(());
            }
            let closing = tokio::task::spawn_blocking(move || file.close());
            closing.await.map_err(|error| StoreError::Io(format!("closing it failed: {error}")))
        })
    }
}

impl Observed for RedbStore {
    fn commit_page(&self, guard: &Guard, page: PageCommit) -> Stored<'_, PageReport> {
        let (name, hasher) = (guard.connection().to_owned(), self.hasher.clone());
        let (checked, masks) = match check::page(guard.connection(), &page) {
            Ok(masks) => (Ok(()), masks),
            Err(refusal) => (Err(refusal), Vec::new()),
        };
        let sizes = page
            .records
            .iter()
            .map(|record| record.body.len() + record.raw.as_deref().map_or(0, str::len));
        let bytes = sizes.fold(0, usize::saturating_add);
        self.write(guard, bytes, checked, move |tables| {
            page::commit(tables, &name, &page, &masks, &hasher)
        })
    }

    fn observed(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Option<ObservedRow>> {
        let (name, remote) = (connection.to_owned(), remote.clone());
        self.read(move |read| observed::observed(read, &name, &remote))
    }

    fn observed_page(
        &self,
        connection: &str,
        kind: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>> {
        let (name, kind, after) =
            (connection.to_owned(), kind.to_owned(), after.map(str::to_owned));
        self.read(move |read| {
            observed::observed_page(read, &name, &kind, after.as_deref(), rows_max)
        })
    }

    fn lookup(
        &self,
        connection: &str,
        kind: &str,
        index: &str,
        term: &str,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>> {
        let (name, kind, index) = (connection.to_owned(), kind.to_owned(), index.to_owned());
        let term = index::form(&index, term);
        self.read(move |read| observed::lookup(read, &name, &kind, (&index, &term), None, rows_max))
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
        let (name, kind, index) = (connection.to_owned(), kind.to_owned(), index.to_owned());
        let (term, after) = (index::form(&index, term), after.map(str::to_owned));
        self.read(move |read| {
            observed::lookup(read, &name, &kind, (&index, &term), after.as_deref(), rows_max)
        })
    }

    fn observed_counts(&self, connection: &str) -> Stored<'_, Vec<(String, u64)>> {
        let name = connection.to_owned();
        self.read(move |read| observed::observed_counts(read, &name))
    }

    fn alias(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Option<Alias>> {
        let (name, remote) = (connection.to_owned(), remote.clone());
        self.read(move |read| identity::alias(read, &name, &remote))
    }

    fn leads(
        &self,
        connection: &str,
        kind: &str,
        rows_max: usize,
    ) -> Stored<'_, Vec<(String, String)>> {
        let (name, kind) = (connection.to_owned(), kind.to_owned());
        self.read(move |read| identity::leads(read, &name, &kind, rows_max))
    }

    fn drop_lead(&self, guard: &Guard, remote: &RemoteRef) -> Stored<'_, ()> {
        let (name, remote) = (guard.connection().to_owned(), remote.clone());
        self.write(guard, 0, Ok(()), move |tables| identity::drop_lead(tables, &name, &remote))
    }
}

impl Scans for RedbStore {
    fn scan_state(
        &self,
        connection: &str,
        kind: &str,
        parent: Option<&str>,
    ) -> Stored<'_, Option<ScanState>> {
        let (name, kind, parent) =
            (connection.to_owned(), kind.to_owned(), parent.map(str::to_owned));
        self.read(move |read| observed::scan_state(read, &name, &kind, parent.as_deref()))
    }

    fn scan_states(
        &self,
        connection: &str,
    ) -> Stored<'_, Vec<(String, Option<String>, ScanState)>> {
        let name = connection.to_owned();
        self.read(move |read| observed::scan_states(read, &name))
    }

    fn sweep_state(&self, connection: &str, kind: &str) -> Stored<'_, Option<SweepState>> {
        let (name, kind) = (connection.to_owned(), kind.to_owned());
        self.read(move |read| identity::sweep_state(read, &name, &kind))
    }

    fn suspects_page(
        &self,
        connection: &str,
        kind: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>> {
        let (name, kind, after) =
            (connection.to_owned(), kind.to_owned(), after.map(str::to_owned));
        self.read(move |read| {
            identity::suspects_page(read, &name, &kind, after.as_deref(), rows_max)
        })
    }

    fn forget_seen(&self, guard: &Guard, kind: &str, rows_max: usize) -> Stored<'_, u64> {
        let (name, kind) = (guard.connection().to_owned(), kind.to_owned());
        self.write(guard, 0, check::rows(rows_max), move |tables| {
            identity::forget_seen(tables, &name, &kind, rows_max)
        })
    }

    fn problems(
        &self,
        connection: &str,
        kind: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ProblemRow>> {
        let (name, kind) = (connection.to_owned(), kind.map(str::to_owned));
        self.read(move |read| problems::problems(read, &name, kind.as_deref(), rows_max))
    }

    fn note_problems(&self, guard: &Guard, problems: Problems) -> Stored<'_, Vec<ProblemRow>> {
        let name = guard.connection().to_owned();
        self.write(guard, 0, check::problems(guard.connection(), &problems), move |tables| {
            problems::note(tables, &name, &problems)
        })
    }
}

impl Desired for RedbStore {
    fn declare(
        &self,
        guard: &Guard,
        records: Vec<Declaration>,
        now_ms: u64,
    ) -> Stored<'_, DeclareReport> {
        let (name, hasher) = (guard.connection().to_owned(), self.hasher.clone());
        let bytes = records.iter().map(|record| record.body.len()).fold(0, usize::saturating_add);
        self.write(guard, bytes, check::declarations(guard.connection(), &records), move |tables| {
            desired::declare(tables, &name, &records, now_ms, &hasher)
        })
    }

    fn desired(&self, connection: &str, key: &str) -> Stored<'_, Option<DesiredRow>> {
        let (name, key) = (connection.to_owned(), key.to_owned());
        self.read(move |read| desired::desired(read, &name, &key))
    }

    fn desired_page(
        &self,
        connection: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<DesiredRow>> {
        let (name, after) = (connection.to_owned(), after.map(str::to_owned));
        self.read(move |read| desired::desired_page(read, &name, after.as_deref(), rows_max))
    }

    fn dirty_page(
        &self,
        connection: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<DesiredRow>> {
        let (name, after) = (connection.to_owned(), after.map(str::to_owned));
        self.read(move |read| desired::dirty_page(read, &name, after.as_deref(), rows_max))
    }

    fn put_status(&self, guard: &Guard, statuses: Vec<StatusUpdate>) -> Stored<'_, Vec<String>> {
        let name = guard.connection().to_owned();
        self.write(guard, 0, check::statuses(guard.connection(), &statuses), move |tables| {
            desired::put_status(tables, &name, statuses)
        })
    }

    fn mark_dirty(&self, guard: &Guard, keys: Vec<String>) -> Stored<'_, ()> {
        let name = guard.connection().to_owned();
        self.write(guard, 0, check::keys(guard.connection(), &keys), move |tables| {
            desired::mark_dirty(tables, &name, &keys)
        })
    }

    fn set_mode(&self, guard: &Guard, key: &str, mode: Mode) -> Stored<'_, bool> {
        let (name, key) = (guard.connection().to_owned(), key.to_owned());
        self.write(guard, 0, Ok(()), move |tables| desired::set_mode(tables, &name, &key, mode))
    }

    fn remove_desired(&self, guard: &Guard, key: &str) -> Stored<'_, bool> {
        let (name, key) = (guard.connection().to_owned(), key.to_owned());
        self.write(guard, 0, Ok(()), move |tables| {
            match journal::open_below(tables, &name, &key)? {
                Some(open) => Err(StoreError::IntentOpen(open)),
                None => Ok(desired::remove(tables, &name, &key)?.0),
            }
        })
    }

    fn desired_counts(&self, connection: &str) -> Stored<'_, (u64, u64)> {
        let name = connection.to_owned();
        self.read(move |read| desired::desired_counts(read, &name))
    }
}

impl Links for RedbStore {
    fn link(&self, connection: &str, path: &str) -> Stored<'_, Option<LinkRow>> {
        let (name, path) = (connection.to_owned(), path.to_owned());
        self.read(move |read| desired::link(read, &name, &path))
    }

    fn links_of(&self, connection: &str, key: &str) -> Stored<'_, Vec<LinkRow>> {
        let (name, key) = (connection.to_owned(), key.to_owned());
        self.read(move |read| desired::links_of(read, &name, &key))
    }

    fn links_to(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Vec<LinkRow>> {
        let (name, remote) = (connection.to_owned(), remote.clone());
        self.read(move |read| desired::links_to(read, &name, &remote))
    }

    fn put_links(&self, guard: &Guard, links: Vec<LinkRow>) -> Stored<'_, ()> {
        let name = guard.connection().to_owned();
        self.write(guard, 0, check::links(guard.connection(), &links), move |tables| {
            desired::put_links(tables, &name, &links)
        })
    }

    fn end_links(&self, guard: &Guard, paths: Vec<String>) -> Stored<'_, ()> {
        let name = guard.connection().to_owned();
        self.write(guard, 0, check::keys(guard.connection(), &paths), move |tables| {
            desired::end_links(tables, &name, &paths)
        })
    }
}

impl Journal for RedbStore {
    fn begin_intent(&self, guard: &Guard, intent: Intent) -> Stored<'_, Intent> {
        let name = guard.connection().to_owned();
        self.write(
            guard,
            intent.input.len(),
            check::intent(guard.connection(), &intent),
            move |tables| journal::begin(tables, &name, intent),
        )
    }

    fn advance_intent(&self, guard: &Guard, advance: IntentAdvance) -> Stored<'_, Intent> {
        let name = guard.connection().to_owned();
        self.write(guard, 0, check::advance(guard.connection(), &advance), move |tables| {
            journal::advance(tables, &name, advance)
        })
    }

    fn intent(&self, connection: &str, id: IntentId) -> Stored<'_, Option<Intent>> {
        let name = connection.to_owned();
        self.read(move |read| journal::intent(read, &name, id))
    }

    fn open_intents(&self, connection: &str) -> Stored<'_, Vec<Intent>> {
        let name = connection.to_owned();
        self.read(move |read| journal::open_intents(read, &name))
    }

    fn intents_of(&self, connection: &str, key: &str, rows_max: usize) -> Stored<'_, Vec<Intent>> {
        let (name, key) = (connection.to_owned(), key.to_owned());
        self.read(move |read| journal::intents_of(read, &name, &key, rows_max))
    }

    fn intents_since(
        &self,
        connection: &str,
        since_ms: u64,
        rows_max: usize,
    ) -> Stored<'_, Vec<Intent>> {
        let name = connection.to_owned();
        self.read(move |read| journal::intents_since(read, &name, since_ms, rows_max))
    }

    fn intent_counts(&self, connection: &str) -> Stored<'_, Vec<(String, u64)>> {
        let name = connection.to_owned();
        self.read(move |read| journal::intent_counts(read, &name))
    }
}

impl Feed for RedbStore {
    fn changes(&self, connection: &str, after: u64, rows_max: usize) -> Stored<'_, Vec<Change>> {
        let name = connection.to_owned();
        self.read(move |read| feed::changes(read, &name, after, rows_max))
    }

    fn watch_changes(&self, connection: &str) -> tokio::sync::watch::Receiver<()> {
        self.signals.watch(connection)
    }

    fn changes_last(&self, connection: &str) -> Stored<'_, u64> {
        let name = connection.to_owned();
        self.read(move |read| feed::changes_last(read, &name))
    }

    fn changes_first(&self, connection: &str) -> Stored<'_, u64> {
        let name = connection.to_owned();
        self.read(move |read| feed::changes_first(read, &name))
    }

    fn trim_changes(&self, guard: &Guard, before_ms: u64, keep: Keep) -> Stored<'_, u64> {
        let guard = guard.clone();
        let name = guard.connection().to_owned();
        Box::pin(async move {
            let mut trimmed = 0_u64;
            loop {
                let name = name.clone();
                let some = self
                    .write(&guard, 0, Ok(()), move |tables| {
                        feed::trim(tables, &name, before_ms, keep)
                    })
                    .await?;
                trimmed = trimmed.saturating_add(some);
                if usize::try_from(some).is_ok_and(|some| some < feed::TRIM_EVENTS_MAX) {
                    return Ok(trimmed);
                }
            }
        })
    }

    fn acknowledge(&self, guard: &Guard, consumer: &str, serial: u64) -> Stored<'_, u64> {
        let (name, consumer) = (guard.connection().to_owned(), consumer.to_owned());
        self.write(
            guard,
            0,
            check::within(guard.connection(), "a consumer's name", &consumer.clone()),
            move |tables| feed::acknowledge(tables, &name, &consumer, serial),
        )
    }

    fn offset(&self, connection: &str, consumer: &str) -> Stored<'_, u64> {
        let (name, consumer) = (connection.to_owned(), consumer.to_owned());
        self.read(move |read| feed::offset(read, &name, &consumer))
    }

    fn end_consumer(&self, guard: &Guard, consumer: &str) -> Stored<'_, ()> {
        let (name, consumer) = (guard.connection().to_owned(), consumer.to_owned());
        self.write(guard, 0, Ok(()), move |tables| feed::end_consumer(tables, &name, &consumer))
    }
}

impl Erasures for RedbStore {
    fn erase(&self, guard: &Guard, erasure: Erasure) -> Stored<'_, ErasureReport> {
        let (name, hasher) = (guard.connection().to_owned(), self.hasher.clone());
        self.write(guard, 0, check::erasure(guard.connection(), &erasure), move |tables| {
            erasure::erase(tables, &name, &erasure, &hasher)
        })
    }

    fn kept_away(&self, connection: &str, records: Vec<Declaration>) -> Stored<'_, Vec<String>> {
        let (name, hasher) = (connection.to_owned(), self.hasher.clone());
        self.read(move |read| {
            check::declarations(&name, &records)?;
            barred::declarations_of(read, &name, &records, &hasher)
        })
    }

    fn undo_erasure(&self, guard: &Guard, erasure: Erasure) -> Stored<'_, bool> {
        let (name, hasher) = (guard.connection().to_owned(), self.hasher.clone());
        self.write(guard, 0, check::erasure(guard.connection(), &erasure), move |tables| {
            barred::undo_erasure(tables, &name, &erasure, &hasher)
        })
    }
}
