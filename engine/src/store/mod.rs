//! Where the engine keeps desired and observed state, links, the journal and the feed.
//!
//! [`Store`] speaks in domain transactions, not in get and put, so that another database can stand
//! behind it. Each method is one transaction: it happens as a whole or not at all, and what it
//! returned as done survives a crash. [`redb::RedbStore`] is the embedded one,
//! [`memory::MemoryStore`] serves tests; one contract suite (`tests/`) runs against both.
//!
//! Bounds: see [`limits`]. Left out: what the rows mean to a plan; secrets, which are never stored.

mod check;
mod codec;
mod forget;
pub mod index;
pub mod memory;
mod merge;
mod problems;
pub mod redb;
pub mod rows;
mod signal;

use crate::journal::{Intent, IntentId, IntentState, Moment};
use atsync_model::contract::RemoteRef;
use futures_util::future::BoxFuture;
use std::fmt::Debug;
use tokio::sync::watch;

pub(crate) use check::is_emptied;
pub(crate) use merge::anonymized as merge_anonymized;
pub use rows::*;

/// The version of the layout that this engine reads and writes.
pub const SCHEMA: u32 = 2;

/// The limits of the store. What goes beyond them is refused with [`StoreError::TooLarge`].
pub mod limits {
    /// Bytes of one observed record, unified and raw together.
    pub const RECORD_BYTES_MAX: usize = 4 * 1024 * 1024;
    /// Records of one page.
    pub const PAGE_RECORDS_MAX: usize = 10_000;
    /// Desired records of one declaration: as many as a host may declare at once. They come as one
    /// value and happen as one transaction.
    pub const DECLARATION_RECORDS_MAX: usize = 1_000_000;
    /// Bytes of a key, an id, a kind or a connection's name.
    pub const KEY_BYTES_MAX: usize = 512;
    /// Problems of one kind that are kept by name. Whoever has more has one problem, and it is the
    /// adapter's.
    pub const PROBLEMS_MAX: usize = 1_000;
    /// Rows of one read.
    pub const READ_ROWS_MAX: usize = 10_000;
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file is not a store, is damaged, or comes from another version.
    #[error("{0}")]
    Unusable(String),
    /// It is open already, in another process or in this one; the text says which.
    #[error("the store {0} is {holder}", holder = redb::held::holder(.0))]
    Busy(String),
    /// A store in a file reads on the threads of a tokio runtime, and the caller has none.
    #[error("{}", crate::runtime::MISSING)]
    NoRuntime,
    /// Something is larger than the store allows.
    #[error("{what}: {size}; at most {max} are allowed")]
    TooLarge {
        /// What it is, with its unit: `bytes of a kind`, `rows of one read`.
        what: String,
        /// How large it is.
        size: usize,
        /// How large it may be.
        max: usize,
    },
    /// It does not have the shape that the store needs; asking again will not help.
    #[error("{0}")]
    Invalid(String),
    /// An open intent for the same object and operation stands in the way.
    #[error(
        "intent {0} for the same object is still open; settle it by a sync, or decide it with \
         `Connection::resolve`"
    )]
    IntentOpen(IntentId),
    /// The desired record has moved on, or the intent is not in the state that the caller thought.
    #[error("{0}")]
    Stale(String),
    /// The feed no longer has what comes next for the reader: it was trimmed. Read the state anew,
    /// then go on after `first - 1`.
    #[error(
        "the feed begins at {first} by now; what came before it was trimmed, so read the records \
         anew and go on from there"
    )]
    ChangesGone {
        /// The serial of the oldest event that is left, or of the next one.
        first: u64,
    },
    /// A reader stands behind the feed's end: the store is an older copy than the one it read. Read
    /// the state anew, then go on after `last`.
    #[error(
        "the feed ends at {last}, and the reader stands at {at}: this store is an older copy than \
         the one that was read, so read the records anew and go on after {last}"
    )]
    ChangesAhead {
        /// The serial of the newest event.
        last: u64,
        /// Where the reader stands.
        at: u64,
    },
    /// The disk, or the database's own trouble. Nothing of the transaction was kept.
    #[error(
        "the store failed: {0}; nothing of this write was kept: check the disk's room and health, \
         then do the same again"
    )]
    Io(String),
}

/// The result of a store's work.
pub type Stored<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Durable state, in domain transactions. `connection` is the connection's name throughout.
pub trait Store: Debug + Send + Sync {
    /// Which store this is.
    fn identity(&self) -> Stored<'_, StoreIdentity>;

    /// What is kept about a connection.
    fn connection(&self, connection: &str) -> Stored<'_, Option<ConnectionRow>>;

    /// Writes what is kept about a connection.
    fn put_connection(&self, connection: &str, row: ConnectionRow) -> Stored<'_, ()>;

    /// Takes in one page: merges each record by its mask (of a repeated id the last record counts,
    /// and one that the page also calls gone is gone), writes a change event for each record that
    /// is new or differs, moves the scan state, marks the desired records that are linked to what
    /// changed as dirty. All in one transaction.
    ///
    /// With a `sweep`, its records are remembered as seen. A record that moved takes its links
    /// along: each leads to the new id from now on, [`LinkHow::Followed`], or [`LinkHow::Yielded`]
    /// when another host path led there before. Its one event is written once, however often the
    /// same move is committed. An application that is taken in under another candidate than before
    /// leaves a lead: see [`Store::alias`].
    fn commit_page(&self, connection: &str, page: PageCommit) -> Stored<'_, PageReport>;

    /// One observed record. A tombstone is found too: its body is `{}`, and it remembers nothing
    /// but its id and when it was found gone.
    fn observed(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Option<ObservedRow>>;

    /// Observed records of a kind in the order of their ids' bytes, after `after`, at most
    /// `rows_max`. Tombstones are left out.
    fn observed_page(
        &self,
        connection: &str,
        kind: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>>;

    /// Observed records that carry `term` in the index (normalised here), at most `rows_max`, in
    /// the order of their ids. See [`index`].
    fn lookup(
        &self,
        connection: &str,
        kind: &str,
        index: &str,
        term: &str,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>>;

    /// As [`Store::lookup`], beginning after an id. A store that does not say how reads them all,
    /// up to [`limits::READ_ROWS_MAX`].
    fn lookup_page(
        &self,
        connection: &str,
        kind: &str,
        index: &str,
        term: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>> {
        let after = after.map(str::to_owned);
        let all = self.lookup(connection, kind, index, term, limits::READ_ROWS_MAX);
        Box::pin(async move {
            check::rows(rows_max)?;
            let mut rows = all.await?;
            rows.retain(|row| after.as_ref().is_none_or(|after| row.id > *after));
            rows.truncate(rows_max);
            Ok(rows)
        })
    }

    /// How many observed records there are by kind.
    fn observed_counts(&self, connection: &str) -> Stored<'_, Vec<(String, u64)>>;

    /// Where the scan of a kind (below a parent) stands.
    fn scan_state(
        &self,
        connection: &str,
        kind: &str,
        parent: Option<&str>,
    ) -> Stored<'_, Option<ScanState>>;

    /// Where all scans stand: kind, parent, state.
    fn scan_states(&self, connection: &str)
    -> Stored<'_, Vec<(String, Option<String>, ScanState)>>;

    /// Where the sweep of a kind stands.
    fn sweep_state(&self, connection: &str, kind: &str) -> Stored<'_, Option<SweepState>>;

    /// Observed records of a kind that its sweep has not seen, in the order of their ids' bytes,
    /// after `after`, at most `rows_max`. Tombstones are left out. They are suspects only once the
    /// sweep has read all.
    fn suspects_page(
        &self,
        connection: &str,
        kind: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>>;

    /// Forgets what the sweep of a kind has seen, at most `rows_max` ids at a time. Tells how many
    /// it forgot.
    fn forget_seen(&self, connection: &str, kind: &str, rows_max: usize) -> Stored<'_, u64>;

    /// What could not be read when it was last shown, of one kind or of all, in the order of kinds,
    /// ids and fields, at most `rows_max`. A store that does not keep problems has none.
    fn problems(
        &self,
        connection: &str,
        kind: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ProblemRow>> {
        let _ = (connection, kind, rows_max);
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Remembers what a page could not read, and forgets what it could, in one transaction. What is
    /// met for the first time gets an event in the feed ([`ChangeWhat::Unread`]), at most one. At
    /// most [`limits::PROBLEMS_MAX`] of a kind are kept by name; more are counted with the rows
    /// that do not tell their id. Gives the new ones.
    fn note_problems(&self, connection: &str, problems: Problems) -> Stored<'_, Vec<ProblemRow>> {
        let _ = (connection, problems);
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Where a record went that is no longer itself, or may have gone. Ends when the record is seen
    /// again as new.
    fn alias(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Option<Alias>>;

    /// The leads of a kind that are neither told nor dropped: old id, new id, in the order of the
    /// old ids' bytes.
    fn leads(
        &self,
        connection: &str,
        kind: &str,
        rows_max: usize,
    ) -> Stored<'_, Vec<(String, String)>>;

    /// Drops a lead that came to nothing. One that was told stays.
    fn drop_lead(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, ()>;

    /// Declares desired records. One that is equal to what is stored keeps its generation; a
    /// changed one gets the next and becomes dirty. Those of a person who was forgotten (by key or
    /// e-mail address) are counted and not stored.
    fn declare(
        &self,
        connection: &str,
        records: Vec<Declaration>,
        now_ms: u64,
    ) -> Stored<'_, DeclareReport>;

    /// One desired record.
    fn desired(&self, connection: &str, key: &str) -> Stored<'_, Option<DesiredRow>>;

    /// Desired records in the order of their keys' bytes.
    fn desired_page(
        &self,
        connection: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<DesiredRow>>;

    /// Desired records that are dirty, in the order of their keys' bytes.
    fn dirty_page(
        &self,
        connection: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<DesiredRow>>;

    /// Writes the status of desired records, each only while it still has the generation that the
    /// status speaks of; others are left alone and come back as the keys not written. A record that
    /// was marked dirty since the row was read stays dirty.
    fn put_status(&self, connection: &str, statuses: Vec<StatusUpdate>) -> Stored<'_, Vec<String>>;

    /// Marks desired records as dirty, so that the next plan looks at them.
    fn mark_dirty(&self, connection: &str, keys: Vec<String>) -> Stored<'_, ()>;

    /// Sets what the engine may do for a desired record, and marks it dirty. Tells whether there is
    /// such a record.
    fn set_mode(&self, connection: &str, key: &str, mode: Mode) -> Stored<'_, bool>;

    /// Stops managing: the desired record and its links go, the intents and everything remote stay.
    /// Tells whether there was such a record.
    ///
    /// # Errors
    /// [`StoreError::IntentOpen`] while an intent of it is open.
    fn remove_desired(&self, connection: &str, key: &str) -> Stored<'_, bool>;

    /// How many desired records there are, and how many are dirty.
    fn desired_counts(&self, connection: &str) -> Stored<'_, (u64, u64)>;

    /// The link of one host path.
    fn link(&self, connection: &str, host: &str) -> Stored<'_, Option<LinkRow>>;

    /// The links of a desired record: of its key and of all paths below it (`key` and `key/…`).
    fn links_of(&self, connection: &str, key: &str) -> Stored<'_, Vec<LinkRow>>;

    /// The links that lead to a remote record. Several hosts may share one (a tag).
    fn links_to(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Vec<LinkRow>>;

    /// Writes links, each replacing the one of the same host path.
    fn put_links(&self, connection: &str, links: Vec<LinkRow>) -> Stored<'_, ()>;

    /// Ends the links of host paths; a path without one is passed over.
    fn end_links(&self, connection: &str, hosts: Vec<String>) -> Stored<'_, ()>;

    /// Opens an intent in the state `sending`, attempt 1. Durable when it returns. The store gives
    /// it its number and a `mark.time_ms` that no other intent of the connection carries (the one
    /// asked for or the next free one above).
    ///
    /// # Errors
    /// [`StoreError::IntentOpen`] when one is open for the same host path and operation;
    /// [`StoreError::Stale`] when the desired record has another generation by now or is paused.
    fn begin_intent(&self, connection: &str, intent: Intent) -> Stored<'_, Intent>;

    /// Moves an intent on. `attempt` is the one that the caller believes in. To `sending` counts
    /// the next attempt. With it go the links that it made and the change events that it causes.
    /// When it closes or moves links, the desired record that it serves becomes dirty.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it stands elsewhere or the journal forbids the step.
    fn advance_intent(&self, connection: &str, advance: IntentAdvance) -> Stored<'_, Intent>;

    /// One intent.
    fn intent(&self, connection: &str, id: IntentId) -> Stored<'_, Option<Intent>>;

    /// All open intents, oldest first.
    fn open_intents(&self, connection: &str) -> Stored<'_, Vec<Intent>>;

    /// The intents of a host path and below it, newest first.
    fn intents_of(&self, connection: &str, key: &str, rows_max: usize) -> Stored<'_, Vec<Intent>>;

    /// The intents whose first request left at `since_ms` or later, newest first, at most
    /// `rows_max`.
    fn intents_since(
        &self,
        connection: &str,
        since_ms: u64,
        rows_max: usize,
    ) -> Stored<'_, Vec<Intent>>;

    /// How many intents there are by state word.
    fn intent_counts(&self, connection: &str) -> Stored<'_, Vec<(String, u64)>>;

    /// Change events after `after`, in order, without gap.
    ///
    /// # Errors
    /// [`StoreError::ChangesGone`] when the next one was trimmed; [`StoreError::ChangesAhead`] when
    /// `after` is behind the feed's end.
    fn changes(&self, connection: &str, after: u64, rows_max: usize) -> Stored<'_, Vec<Change>>;

    /// Wakes when events of the connection were committed. Where the sender is gone the store
    /// cannot tell, and whoever waits looks from time to time.
    fn watch_changes(&self, connection: &str) -> watch::Receiver<()> {
        let _ = connection;
        watch::channel(()).1
    }

    /// The serial of the newest change; 0 before the first.
    fn changes_last(&self, connection: &str) -> Stored<'_, u64>;

    /// The serial of the oldest change that is left; the next one's when none is.
    fn changes_first(&self, connection: &str) -> Stored<'_, u64>;

    /// Removes the oldest events: those from before `before_ms` and, with [`Keep::Unacknowledged`],
    /// only as far as every known consumer has come (no consumer: none). Tells how many went.
    fn trim_changes(&self, connection: &str, before_ms: u64, keep: Keep) -> Stored<'_, u64>;

    /// Forgets how far a consumer has come, so that it no longer holds back trimming.
    fn end_consumer(&self, connection: &str, consumer: &str) -> Stored<'_, ()>;

    /// Forgets a person, in one transaction: desired records, links, observed records of the
    /// candidate and of all that names it or its applications; bodies of intents and events.
    /// Serials, ids of remote records and states of intents stay; the feed says
    /// [`ChangeWhat::Forgotten`] for each record that goes. Keyed hashes of keys, ids and addresses
    /// stay, so that pages and declarations do not bring the person back. An address that somebody
    /// else carries too is not kept: it tells nobody apart.
    ///
    /// It reads observed records, intents and events of the connection as a whole, and writers wait
    /// meanwhile.
    fn erase(&self, connection: &str, erasure: Erasure) -> Stored<'_, ErasureReport>;

    /// The keys of those records that [`Store::declare`] would not store, since they are of people
    /// who were forgotten. Changes nothing.
    fn kept_away(&self, connection: &str, records: Vec<Declaration>) -> Stored<'_, Vec<String>>;

    /// Lets a person come back: drops all hashes that were kept together with this key, candidate
    /// id or address. Tells whether there were any.
    fn unforget(&self, connection: &str, erasure: Erasure) -> Stored<'_, bool>;

    /// Remembers how far a consumer has come, and returns how far that is. Never goes back.
    fn acknowledge(&self, connection: &str, consumer: &str, serial: u64) -> Stored<'_, u64>;

    /// How far a consumer has come; 0 when unknown.
    fn offset(&self, connection: &str, consumer: &str) -> Stored<'_, u64>;
}

/// What [`Store::trim_changes`] keeps whatever its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Only what is young enough.
    Nothing,
    /// What some consumer has not acknowledged.
    Unacknowledged,
}

/// What [`Store::advance_intent`] writes.
#[derive(Clone, Debug)]
pub struct IntentAdvance {
    /// The intent.
    pub id: IntentId,
    /// The attempt that the caller believes in.
    pub attempt: u32,
    /// Where it goes.
    pub to: IntentState,
    /// Links that hold from now on.
    pub links: Vec<LinkRow>,
    /// Events for the feed; their serials are given by the store.
    pub changes: Vec<Change>,
    /// When it happened; into doubt: when the request had left at the latest.
    pub at: Moment,
}
