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
mod aging;
mod backup;
mod barred;
mod close;
mod compact;
mod copy;
mod desired;
mod desired_by;
mod erasure;
mod event;
mod feed;
mod files;
#[cfg(any(test, feature = "testing"))]
#[doc(hidden)]
pub mod foreign;
mod forget;
mod gap;
mod guarded;
pub(super) mod held;
mod identity;
mod inspect;
mod journal;
mod manifest;
mod names;
mod naming;
mod notes;
mod observed;
mod open;
mod options;
mod packed;
mod page;
mod pages;
mod place;
mod problems;
mod row;
mod tables;
mod within;
mod writer;

pub use compact::Compacted;
pub use inspect::StoreFile;
pub use manifest::Backup;
pub use options::RedbOptions;

use super::erase::Hasher;
use super::signal::Signals;
use super::*;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::heartbeat::Heartbeats;
use crate::index;
use crate::journal::{Intent, IntentId};
use ::redb::{ReadTransaction, ReadableDatabase, StorageBackend};
use atsync_model::contract::RemoteRef;
use close::OpenFile;
use guarded::guarded;
use place::Place;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tables::{CONNECTIONS, OrFailed, Tables, from_json, get, to_json};
use writer::{Target, Writer};

/// The durable store: one file, which one process holds at a time. A write is durable when its call
/// returns.
#[derive(Debug)]
pub struct RedbStore {
    identity: StoreIdentity,
    hasher: Hasher,
    was_walked: bool,
    /// How many transactions an inline store has committed; none in one with a writer.
    inline: Option<AtomicU64>,
    file: Arc<OpenFile>,
    target: Target,
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
        Self::start(opened, options, held::Held::note(path))
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
        Self::start(open::backend(backend, options.cache_bytes, entropy)?, options, None)
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

    /// Writes a backup of the store into a new file: the rows of this moment, with a manifest.
    /// Reads and writes go on meanwhile.
    ///
    /// It blocks; call it off the async threads. The file has its name only when it is complete and
    /// durable. It holds candidates' data in clear, and only its owner may read it.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the file exists; [`StoreError::Closed`] when the store is
    /// closed meanwhile; [`StoreError::Unusable`] and [`StoreError::Io`] when the file cannot be
    /// written, or the store cannot be read.
    pub fn back_up(
        &self,
        file: &Path,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> Result<Backup, StoreError> {
        backup::back_up(&self.file, &self.identity, file, clock.now_ms(), entropy)
    }

    /// Reads a backup to its end, and proves that it is one: every byte and every row. Changes
    /// nothing. It blocks.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when it is none, or is damaged: the text says where.
    pub fn verify_backup(file: &Path) -> Result<Backup, StoreError> {
        backup::verify(file)
    }

    /// Makes a store from a backup, which is verified before. The writes of its connections are
    /// paused until [`crate::Connection::resume_writes`], since the ATS may have received writes
    /// after the backup, and a reader of the feed that is beyond it gets
    /// [`StoreError::ChangesAhead`]. It blocks.
    ///
    /// Candidates who were erased after the backup are in the store again: erase them again.
    ///
    /// # Errors
    /// As [`Self::verify_backup`]; [`StoreError::Invalid`] when there is a file of the store's
    /// name. It stays as it is.
    pub fn restore(file: &Path, store: &Path, clock: &dyn Clock) -> Result<Backup, StoreError> {
        backup::restore(file, store, clock.now_ms())
    }

    /// Says what a file is, and reads all of it if it is a store or a backup. Changes nothing. It
    /// blocks.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the file cannot be opened for reading.
    pub fn inspect(file: &Path) -> Result<StoreFile, StoreError> {
        inspect::inspect(file)
    }

    /// The oldest layout of a store's file that this version can open, and the one that it writes.
    pub const LAYOUTS: (u32, u32) = (SCHEMA_OLDEST, SCHEMA);

    /// How many transactions were committed since it was opened. Several writes may share one.
    pub fn commits(&self) -> u64 {
        let inline = self.inline.as_ref().map_or(0, |commits| commits.load(Ordering::Relaxed));
        self.file.writer.as_ref().map_or(inline, Writer::commits)
    }

    /// Whether opening it read the whole file. It does so after a crash amid writes, at 1.4 s a
    /// gigabyte; after a close, or a crash a second after the last write, it reads a few pages.
    pub fn was_walked(&self) -> bool {
        self.was_walked
    }

    fn start(
        opened: open::Opened,
        options: RedbOptions,
        held: Option<held::Held>,
    ) -> Result<Self, StoreError> {
        let open::Opened { database, identity, hasher, seal, length, was_walked } = opened;
        let database = Arc::new(RwLock::new(Some(database)));
        let target = Target {
            database: Arc::clone(&database),
            signals: Signals::default(),
            length,
            list_kept_bytes_max: options.list_kept_bytes_max,
        };
        let writer = if options.inline { None } else { Some(Writer::start(target.clone())?) };
        Ok(Self {
            identity,
            hasher,
            was_walked,
            inline: options.inline.then(AtomicU64::default),
            file: Arc::new(OpenFile {
                writer,
                database,
                seal,
                held: Mutex::new(held),
                closing: AtomicBool::new(false),
            }),
            target,
        })
    }

    fn write<T: Send + 'static>(
        &self,
        guard: &Guard,
        bytes: usize,
        checked: Result<(), StoreError>,
        work: impl FnOnce(&mut Tables<'_>, &Place) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'_, T> {
        let checked = guard.held_alone().and(checked);
        let name = guard.connection().to_owned();
        let work = move |tables: &mut Tables<'_>| names::within(tables, &name, work);
        Box::pin(async move {
            checked?;
            match (&self.file.writer, &self.inline) {
                (Some(writer), _) => writer.write(bytes, work).await,
                (None, Some(commits)) => writer::write_inline(&self.target, commits, bytes, work),
                (None, None) => Err(StoreError::Closed),
            }
        })
    }

    fn read<T: Send + 'static>(
        &self,
        connection: &str,
        work: impl FnOnce(&ReadTransaction, &Place) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'_, T> {
        let name = connection.to_owned();
        Box::pin(async move {
            let database = Arc::clone(&self.file.database);
            let reading = move || {
                let database = database.read().unwrap_or_else(PoisonError::into_inner);
                let database = database.as_ref().ok_or(StoreError::Closed)?;
                guarded(|| {
                    let read = database.begin_read().or_failed()?;
                    work(&read, &names::place(&read, &name)?)
                })
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
        self.read(connection, move |read, at| {
            let rows = tables::table(read, CONNECTIONS)?;
            let value = get(&rows, &codec::Key::of(at.name()))?;
            value.map(|value| from_json(value.value(), "a connection")).transpose()
        })
    }

    fn put_connection(&self, guard: &Guard, row: ConnectionRow) -> Stored<'_, ()> {
        self.write(guard, 0, check::connection(guard.connection(), &row), move |tables, at| {
            tables.connections.put(&codec::Key::of(at.name()), &to_json(&row)?).map(drop)
        })
    }

    fn forget(&self, guard: &Guard) -> Stored<'_, u64> {
        let guard = guard.clone();
        Box::pin(async move {
            self.write(&guard, 0, Ok(()), forget::forget).await?;
            let (mut removed, mut some) = (0_u64, 1);
            while some > 0 {
                let all = Guard::sole(super::notes::WHOLE_STORE);
                some = self.write(&all, 0, Ok(()), |tables, _| forget::clear(tables)).await?;
                removed = removed.saturating_add(some);
            }
            Ok(removed)
        })
    }

    fn lease(&self, connection: &str) -> Stored<'_, Guard> {
        let guard = Guard::sole(connection);
        Box::pin(async { Ok(guard) })
    }

    fn beats(&self, heartbeats: &Heartbeats) {
        if let Some(writer) = &self.file.writer {
            writer.beats(heartbeats);
        }
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
        let hasher = self.hasher.clone();
        let (checked, masks) = match check::page(guard.connection(), &page) {
            Ok(masks) => (Ok(()), masks),
            Err(refusal) => (Err(refusal), Vec::new()),
        };
        let sizes = page
            .records
            .iter()
            .map(|record| record.body.len() + record.raw.as_deref().map_or(0, str::len));
        let bytes = sizes.fold(0, usize::saturating_add);
        self.write(guard, bytes, checked, move |tables, at| {
            page::commit(tables, at, &page, &masks, &hasher)
        })
    }

    fn observed(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Option<ObservedRow>> {
        let remote = remote.clone();
        self.read(connection, move |read, at| observed::observed(read, at, &remote))
    }

    fn observed_page(
        &self,
        connection: &str,
        kind: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>> {
        let (kind, after) = (kind.to_owned(), after.map(str::to_owned));
        self.read(connection, move |read, at| {
            observed::observed_page(read, at, &kind, after.as_deref(), rows_max)
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
        let (kind, index) = (kind.to_owned(), index.to_owned());
        let term = index::form(&index, term);
        self.read(connection, move |read, at| {
            observed::lookup(read, at, &kind, (&index, &term), None, rows_max)
        })
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
        let (kind, index) = (kind.to_owned(), index.to_owned());
        let (term, after) = (index::form(&index, term), after.map(str::to_owned));
        self.read(connection, move |read, at| {
            observed::lookup(read, at, &kind, (&index, &term), after.as_deref(), rows_max)
        })
    }

    fn observed_counts(&self, connection: &str) -> Stored<'_, Vec<(String, u64)>> {
        self.read(connection, observed::observed_counts)
    }

    fn alias(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Option<Alias>> {
        let remote = remote.clone();
        self.read(connection, move |read, at| identity::alias(read, at, &remote))
    }

    fn leads(
        &self,
        connection: &str,
        kind: &str,
        rows_max: usize,
    ) -> Stored<'_, Vec<(String, String)>> {
        let kind = kind.to_owned();
        self.read(connection, move |read, at| identity::leads(read, at, &kind, rows_max))
    }

    fn drop_lead(&self, guard: &Guard, remote: &RemoteRef) -> Stored<'_, ()> {
        let remote = remote.clone();
        self.write(guard, 0, Ok(()), move |tables, at| identity::drop_lead(tables, at, &remote))
    }
}

impl Scans for RedbStore {
    fn scan_state(
        &self,
        connection: &str,
        kind: &str,
        parent: Option<&str>,
    ) -> Stored<'_, Option<ScanState>> {
        let (kind, parent) = (kind.to_owned(), parent.map(str::to_owned));
        self.read(connection, move |read, at| {
            observed::scan_state(read, at, &kind, parent.as_deref())
        })
    }

    fn scan_states(
        &self,
        connection: &str,
    ) -> Stored<'_, Vec<(String, Option<String>, ScanState)>> {
        self.read(connection, observed::scan_states)
    }

    fn sweep_state(&self, connection: &str, kind: &str) -> Stored<'_, Option<SweepState>> {
        let kind = kind.to_owned();
        self.read(connection, move |read, at| identity::sweep_state(read, at, &kind))
    }

    fn suspects_page(
        &self,
        connection: &str,
        kind: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>> {
        let (kind, after) = (kind.to_owned(), after.map(str::to_owned));
        self.read(connection, move |read, at| {
            identity::suspects_page(read, at, &kind, after.as_deref(), rows_max)
        })
    }

    fn forget_seen(&self, guard: &Guard, kind: &str, rows_max: usize) -> Stored<'_, u64> {
        let kind = kind.to_owned();
        self.write(guard, 0, check::rows(rows_max), move |tables, at| {
            identity::forget_seen(tables, at, &kind, rows_max)
        })
    }

    fn problems(
        &self,
        connection: &str,
        kind: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ProblemRow>> {
        let kind = kind.map(str::to_owned);
        self.read(connection, move |read, at| {
            problems::problems(read, at, kind.as_deref(), rows_max)
        })
    }

    fn note_problems(&self, guard: &Guard, problems: Problems) -> Stored<'_, Vec<ProblemRow>> {
        self.write(guard, 0, check::problems(guard.connection(), &problems), move |tables, at| {
            problems::note(tables, at, &problems)
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
        let hasher = self.hasher.clone();
        let bytes = records.iter().map(|record| record.body.len()).fold(0, usize::saturating_add);
        self.write(
            guard,
            bytes,
            check::declarations(guard.connection(), &records),
            move |tables, at| desired::declare(tables, at, &records, now_ms, &hasher),
        )
    }

    fn declare_if(
        &self,
        guard: &Guard,
        record: Declaration,
        generation: Option<u64>,
        now_ms: u64,
    ) -> Stored<'_, DeclareReport> {
        let (hasher, bytes, key) = (self.hasher.clone(), record.body.len(), record.key.clone());
        let record = [record];
        let checked = check::declarations(guard.connection(), &record);
        self.write(guard, bytes, checked, move |tables, at| {
            desired::has_generation(tables, at, &key, generation)?;
            desired::declare(tables, at, &record, now_ms, &hasher)
        })
    }

    fn desired(&self, connection: &str, key: &str) -> Stored<'_, Option<DesiredRow>> {
        let key = key.to_owned();
        self.read(connection, move |read, at| desired::desired(read, at, &key))
    }

    fn desired_page(
        &self,
        connection: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<DesiredRow>> {
        let after = after.map(str::to_owned);
        self.read(connection, move |read, at| {
            desired::desired_page(read, at, after.as_deref(), rows_max)
        })
    }

    fn dirty_page(
        &self,
        connection: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<DesiredRow>> {
        let after = after.map(str::to_owned);
        self.read(connection, move |read, at| {
            desired::dirty_page(read, at, after.as_deref(), rows_max)
        })
    }

    fn put_status(&self, guard: &Guard, statuses: Vec<StatusUpdate>) -> Stored<'_, Vec<String>> {
        self.write(guard, 0, check::statuses(guard.connection(), &statuses), move |tables, at| {
            desired::put_status(tables, at, statuses)
        })
    }

    fn mark_dirty(&self, guard: &Guard, keys: Vec<String>) -> Stored<'_, ()> {
        self.write(guard, 0, check::keys(guard.connection(), &keys), move |tables, at| {
            desired::mark_dirty(tables, at, &keys)
        })
    }

    fn set_mode(&self, guard: &Guard, key: &str, mode: Mode) -> Stored<'_, bool> {
        let key = key.to_owned();
        self.write(guard, 0, Ok(()), move |tables, at| desired::set_mode(tables, at, &key, mode))
    }

    fn remove_desired(
        &self,
        guard: &Guard,
        key: &str,
        generation: Option<u64>,
    ) -> Stored<'_, bool> {
        let key = key.to_owned();
        self.write(guard, 0, Ok(()), move |tables, at| {
            desired::is_still(tables, at, &key, generation)?;
            match journal::open_below(tables, at, &key)? {
                Some(open) => Err(StoreError::IntentOpen(open)),
                None => Ok(desired::remove(tables, at, &key)?.0),
            }
        })
    }

    fn desired_counts(&self, connection: &str) -> Stored<'_, (u64, u64)> {
        self.read(connection, desired::desired_counts)
    }
}

impl Links for RedbStore {
    fn link(&self, connection: &str, path: &str) -> Stored<'_, Option<LinkRow>> {
        let path = path.to_owned();
        self.read(connection, move |read, at| desired::link(read, at, &path))
    }

    fn links_of(&self, connection: &str, key: &str) -> Stored<'_, Vec<LinkRow>> {
        let key = key.to_owned();
        self.read(connection, move |read, at| desired::links_of(read, at, &key))
    }

    fn links_to(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Vec<LinkRow>> {
        let remote = remote.clone();
        self.read(connection, move |read, at| desired::links_to(read, at, &remote))
    }

    fn put_links(&self, guard: &Guard, links: Vec<LinkRow>) -> Stored<'_, ()> {
        self.write(guard, 0, check::links(guard.connection(), &links), move |tables, at| {
            desired::put_links(tables, at, &links)
        })
    }

    fn end_links(&self, guard: &Guard, paths: Vec<String>) -> Stored<'_, ()> {
        self.write(guard, 0, check::keys(guard.connection(), &paths), move |tables, at| {
            desired::end_links(tables, at, &paths)
        })
    }
}

impl Journal for RedbStore {
    fn begin_intent(&self, guard: &Guard, intent: Intent) -> Stored<'_, Intent> {
        self.write(
            guard,
            intent.input.len(),
            check::intent(guard.connection(), &intent),
            move |tables, at| journal::begin(tables, at, intent),
        )
    }

    fn advance_intent(&self, guard: &Guard, advance: IntentAdvance) -> Stored<'_, Intent> {
        self.write(guard, 0, check::advance(guard.connection(), &advance), move |tables, at| {
            journal::advance(tables, at, advance)
        })
    }

    fn intent(&self, connection: &str, id: IntentId) -> Stored<'_, Option<Intent>> {
        self.read(connection, move |read, at| journal::intent(read, at, id))
    }

    fn open_intents(&self, connection: &str) -> Stored<'_, Vec<Intent>> {
        self.read(connection, journal::open_intents)
    }

    fn intents_of(&self, connection: &str, key: &str, rows_max: usize) -> Stored<'_, Vec<Intent>> {
        let key = key.to_owned();
        self.read(connection, move |read, at| journal::intents_of(read, at, &key, rows_max))
    }

    fn intents_since(
        &self,
        connection: &str,
        since_ms: u64,
        rows_max: usize,
    ) -> Stored<'_, Vec<Intent>> {
        self.read(connection, move |read, at| journal::intents_since(read, at, since_ms, rows_max))
    }

    fn trim_intents(&self, guard: &Guard, before_ms: u64) -> Stored<'_, u64> {
        let guard = guard.clone();
        Box::pin(async move {
            let (mut trimmed, mut after) = (0_u64, Some(0));
            while let Some(from) = after {
                let trim = move |tables: &mut Tables<'_>, at: &Place| {
                    aging::trim(tables, at, from, before_ms)
                };
                let some = self.write(&guard, 0, Ok(()), trim).await?;
                trimmed = trimmed.saturating_add(some.removed);
                after = some.after;
            }
            Ok(trimmed)
        })
    }

    fn intent_counts(&self, connection: &str) -> Stored<'_, Vec<(String, u64)>> {
        self.read(connection, journal::intent_counts)
    }
}

impl Feed for RedbStore {
    fn changes(&self, connection: &str, after: u64, rows_max: usize) -> Stored<'_, Vec<Change>> {
        self.read(connection, move |read, at| feed::changes(read, at, after, rows_max))
    }

    fn watch_changes(&self, connection: &str) -> tokio::sync::watch::Receiver<()> {
        self.target.signals.watch(connection)
    }

    fn changes_last(&self, connection: &str) -> Stored<'_, u64> {
        self.read(connection, feed::changes_last)
    }

    fn changes_first(&self, connection: &str) -> Stored<'_, u64> {
        self.read(connection, feed::changes_first)
    }

    fn trim_changes(&self, guard: &Guard, before_ms: u64, keep: Keep) -> Stored<'_, u64> {
        let guard = guard.clone();
        Box::pin(async move {
            let mut trimmed = 0_u64;
            loop {
                let some = self
                    .write(&guard, 0, Ok(()), move |tables, at| {
                        feed::trim(tables, at, before_ms, keep)
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
        let consumer = consumer.to_owned();
        self.write(
            guard,
            0,
            check::within(guard.connection(), "a consumer's name", &consumer.clone()),
            move |tables, at| feed::acknowledge(tables, at, &consumer, serial),
        )
    }

    fn offset(&self, connection: &str, consumer: &str) -> Stored<'_, u64> {
        let consumer = consumer.to_owned();
        self.read(connection, move |read, at| feed::offset(read, at, &consumer))
    }

    fn end_consumer(&self, guard: &Guard, consumer: &str) -> Stored<'_, ()> {
        let consumer = consumer.to_owned();
        self.write(guard, 0, Ok(()), move |tables, at| feed::end_consumer(tables, at, &consumer))
    }
}

impl Erasures for RedbStore {
    fn erase(&self, guard: &Guard, erasure: Erasure) -> Stored<'_, ErasureReport> {
        let hasher = self.hasher.clone();
        self.write(guard, 0, check::erasure(guard.connection(), &erasure), move |tables, at| {
            erasure::erase(tables, at, &erasure, &hasher)
        })
    }

    fn kept_away(&self, connection: &str, records: Vec<Declaration>) -> Stored<'_, Vec<String>> {
        let hasher = self.hasher.clone();
        self.read(connection, move |read, at| {
            check::declarations(at.name(), &records)?;
            barred::declarations_of(read, at, &records, &hasher)
        })
    }

    fn undo_erasure(&self, guard: &Guard, erasure: Erasure) -> Stored<'_, bool> {
        let hasher = self.hasher.clone();
        self.write(guard, 0, check::erasure(guard.connection(), &erasure), move |tables, at| {
            barred::undo_erasure(tables, at, &erasure, &hasher)
        })
    }
}

impl Notes for RedbStore {
    fn put_notes(&self, guard: &Guard, notes: Vec<Note>) -> Stored<'_, ()> {
        let checked = check::notes(guard.connection(), &notes);
        let sizes = notes.iter().map(|note| note.value.as_ref().map_or(0, Vec::len));
        let bytes = sizes.fold(0, usize::saturating_add);
        self.write(guard, bytes, checked, move |tables, at| notes::put(tables, at, notes))
    }

    fn note(&self, connection: &str, area: &str, key: &str) -> Stored<'_, Option<Vec<u8>>> {
        let (area, key) = (area.to_owned(), key.to_owned());
        self.read(connection, move |read, at| {
            check::note_of(at.name(), &area, &key)?;
            notes::one(read, at, &area, &key)
        })
    }

    fn notes_page(
        &self,
        connection: &str,
        area: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<(String, Vec<u8>)>> {
        let (area, after) = (area.to_owned(), after.map(str::to_owned));
        self.read(connection, move |read, at| {
            notes::page(read, at, &area, after.as_deref(), rows_max)
        })
    }
}
