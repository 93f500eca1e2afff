//! The operations of a store, divided into roles.
//!
//! [`Store`] is the sum of the roles below. Reads name the connection; each write carries the
//! [`Guard`] of the connection's lease in its place, so a write without a lease does not compile.
//! The engine holds a `ConnectionStore`, the store with one guard, and names neither.
//!
//! The roles are methods of one object and not one object per connection: a database is opened and
//! closed as a whole, and another store implements each method once.

#[cfg(doc)]
use super::error::StoreError;
use super::error::Stored;
use super::lease::Guard;
use super::notes::Note;
use super::rows::{
    Alias, Change, ConnectionRow, DeclareReport, DesiredRow, Erasure, ErasureReport, Mode,
    ObservedRow, PageCommit, PageReport, ProblemRow, Problems, ScanState, StatusUpdate,
    StoreIdentity, SweepState,
};
use crate::declaration::Declaration;
use crate::heartbeat::Heartbeats;
use crate::journal::{Intent, IntentId, IntentState, Moment};
use crate::link::LinkRow;
use atsync_model::contract::RemoteRef;
use std::fmt::Debug;
use tokio::sync::watch;

/// The old events that [`Feed::trim_changes`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Keep {
    /// None of them.
    Nothing,
    /// Those that a consumer has not acknowledged.
    Unacknowledged,
}

/// The change that [`Journal::advance_intent`] writes.
#[derive(Clone, Debug)]
pub struct IntentAdvance {
    /// The intent.
    pub id: IntentId,
    /// The attempt that the caller has read.
    pub attempt: u32,
    /// The state that it enters.
    pub to: IntentState,
    /// Links that hold from now on.
    pub links: Vec<LinkRow>,
    /// Events for the feed; their serials are given by the store.
    pub changes: Vec<Change>,
    /// When it happened; for a change to in doubt: when the request had left at the latest.
    pub at: Moment,
    /// The component that makes the request, where the intent is sent again.
    pub sent_by: Option<String>,
}

/// Durable state, in domain transactions: all roles.
pub trait Store:
    Connections + Observed + Scans + Desired + Links + Journal + Feed + Erasures + Notes
{
}

impl<S> Store for S where
    S: Connections + Observed + Scans + Desired + Links + Journal + Feed + Erasures + Notes
{
}

/// What is kept about connections, and who may write for one.
pub trait Connections: Debug + Send + Sync {
    /// Which store this is.
    fn identity(&self) -> Stored<'_, StoreIdentity>;

    /// What is kept about a connection.
    fn connection(&self, connection: &str) -> Stored<'_, Option<ConnectionRow>>;

    /// Writes what is kept about a connection.
    fn put_connection(&self, guard: &Guard, row: ConnectionRow) -> Stored<'_, ()>;

    /// Forgets a connection in one transaction, with its writes in doubt: a later connection of the
    /// name begins as a new one. Its rows are removed afterwards, in transactions of bounded size,
    /// together with those that an earlier call left when it was killed. What stays are the hashes
    /// of erased candidates, the time of the last mark, and the newest serial of the feed, after
    /// which a later feed goes on. Returns how many rows were removed.
    fn forget(&self, guard: &Guard) -> Stored<'_, u64>;

    /// Claims the writes of a connection. A store that one process holds grants it to every caller
    /// ([`Guard::sole`]).
    fn lease(&self, connection: &str) -> Stored<'_, Guard>;

    /// Beats from now on for each loop of its own, such as that of a writer's thread. A store
    /// without one, as memory, does nothing.
    fn beats(&self, _heartbeats: &Heartbeats) {}

    /// Finishes the writes under way, releases the file or the database, and refuses each later
    /// call with [`StoreError::Closed`]. A store that holds neither, as memory, goes on as before.
    fn close(&self) -> Stored<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// The observed records, and which record replaces each that was merged.
pub trait Observed: Debug + Send + Sync {
    /// Ingests one page: merges each record by its mask (of a repeated id the last record counts,
    /// and one that the page also lists as deleted is deleted), writes a change event for each
    /// record that is new or differs, moves the scan state, marks the desired records that are
    /// linked to what changed as dirty. All in one transaction.
    ///
    /// With a `sweep`, its records are remembered as seen. The links of a moved record lead to the
    /// new id from now on: `LinkHow::Followed`, or `LinkHow::Yielded` when another path led there
    /// before. Its one event is written once, however often the same move is committed. An
    /// application that is ingested under another candidate than before leaves a lead: see
    /// [`Observed::alias`].
    fn commit_page(&self, guard: &Guard, page: PageCommit) -> Stored<'_, PageReport>;

    /// One observed record. A tombstone is found too: its body is `{}`, and it has only its id and
    /// the time of the deletion.
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
    /// the order of their ids. See [`crate::index`].
    fn lookup(
        &self,
        connection: &str,
        kind: &str,
        index: &str,
        term: &str,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>>;

    /// As [`Observed::lookup`], beginning after an id.
    fn lookup_page(
        &self,
        connection: &str,
        kind: &str,
        index: &str,
        term: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>>;

    /// How many observed records there are by kind.
    fn observed_counts(&self, connection: &str) -> Stored<'_, Vec<(String, u64)>>;

    /// The record that replaces a merged record, or may replace it. Removed when the old record is
    /// seen as new again.
    fn alias(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Option<Alias>>;

    /// The leads of a kind that are neither reported nor dropped: old id, new id, in the order of
    /// the old ids' bytes.
    fn leads(
        &self,
        connection: &str,
        kind: &str,
        rows_max: usize,
    ) -> Stored<'_, Vec<(String, String)>>;

    /// Drops a lead that was not confirmed. A reported one stays.
    fn drop_lead(&self, guard: &Guard, remote: &RemoteRef) -> Stored<'_, ()>;
}

/// The states of passes and sweeps, and what they could not read.
pub trait Scans: Debug + Send + Sync {
    /// The state of the scan of a kind (below a parent).
    fn scan_state(
        &self,
        connection: &str,
        kind: &str,
        parent: Option<&str>,
    ) -> Stored<'_, Option<ScanState>>;

    /// The states of all scans: kind, parent, state.
    fn scan_states(&self, connection: &str)
    -> Stored<'_, Vec<(String, Option<String>, ScanState)>>;

    /// The state of the sweep of a kind.
    fn sweep_state(&self, connection: &str, kind: &str) -> Stored<'_, Option<SweepState>>;

    /// Observed records of a kind that its sweep has not seen, in the order of their ids' bytes,
    /// after `after`, at most `rows_max`. Tombstones are left out. They are suspects only after the
    /// sweep has read every page.
    fn suspects_page(
        &self,
        connection: &str,
        kind: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>>;

    /// Removes the ids that the sweep of a kind has seen, at most `rows_max` at a time. Returns how
    /// many.
    fn forget_seen(&self, guard: &Guard, kind: &str, rows_max: usize) -> Stored<'_, u64>;

    /// What could not be read when it was last shown, of one kind or of all, in the order of kinds,
    /// ids and fields, at most `rows_max`.
    fn problems(
        &self,
        connection: &str,
        kind: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ProblemRow>>;

    /// Stores what a page could not read, and removes what it could, in one transaction. A problem
    /// that is new gets an event in the feed (`ChangeWhat::Unread`), at most one. At most
    /// `limits::PROBLEMS_MAX` of a kind are kept by name; more are counted with the rows that have
    /// no id. Returns the new ones.
    fn note_problems(&self, guard: &Guard, problems: Problems) -> Stored<'_, Vec<ProblemRow>>;
}

/// The desired records, and their status.
pub trait Desired: Debug + Send + Sync {
    /// Declares desired records. One that is equal to what is stored keeps its generation; a
    /// changed one gets the next and becomes dirty. Those of an erased candidate (by key or e-mail
    /// address) are counted and not stored.
    fn declare(
        &self,
        guard: &Guard,
        records: Vec<Declaration>,
        now_ms: u64,
    ) -> Stored<'_, DeclareReport>;

    /// As [`Desired::declare`], for one record, if what is stored has this generation; none: if no
    /// such record is stored.
    ///
    /// # Errors
    /// `StoreError::Stale` otherwise; then nothing is changed.
    fn declare_if(
        &self,
        guard: &Guard,
        record: Declaration,
        generation: Option<u64>,
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
    /// status describes. Returns the keys of the others, which are not written. A record that was
    /// marked dirty since the row was read stays dirty.
    fn put_status(&self, guard: &Guard, statuses: Vec<StatusUpdate>) -> Stored<'_, Vec<String>>;

    /// Marks desired records as dirty, so that the next plan includes them.
    fn mark_dirty(&self, guard: &Guard, keys: Vec<String>) -> Stored<'_, ()>;

    /// Sets what the engine may do for a desired record, and marks it dirty. Returns whether there
    /// is such a record.
    fn set_mode(&self, guard: &Guard, key: &str, mode: Mode) -> Stored<'_, bool>;

    /// Stops managing: removes the desired record and its links; the intents and all observed
    /// records stay. With a `generation`, only if what is stored has it. Returns whether there was
    /// such a record.
    ///
    /// # Errors
    /// `StoreError::IntentOpen` while an intent of it is open; `StoreError::Stale` when it has
    /// another generation.
    fn remove_desired(&self, guard: &Guard, key: &str, generation: Option<u64>)
    -> Stored<'_, bool>;

    /// How many desired records there are, and how many are dirty.
    fn desired_counts(&self, connection: &str) -> Stored<'_, (u64, u64)>;
}

/// The links between paths and remote records.
pub trait Links: Debug + Send + Sync {
    /// The link of one path.
    fn link(&self, connection: &str, path: &str) -> Stored<'_, Option<LinkRow>>;

    /// The links of a desired record: of its key and of all paths below it (`key` and `key/…`).
    fn links_of(&self, connection: &str, key: &str) -> Stored<'_, Vec<LinkRow>>;

    /// The links that lead to a remote record. Several paths may share one (a tag).
    fn links_to(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Vec<LinkRow>>;

    /// Writes links, each replacing the one of the same path.
    fn put_links(&self, guard: &Guard, links: Vec<LinkRow>) -> Stored<'_, ()>;

    /// Removes the links of paths; a path without one is ignored.
    fn end_links(&self, guard: &Guard, paths: Vec<String>) -> Stored<'_, ()>;
}

/// The write attempts. An intent is durable before its request leaves.
pub trait Journal: Debug + Send + Sync {
    /// Opens an intent in the state `sending`, attempt 1. Durable when it returns. The store gives
    /// it its number and a `mark.time_ms` that no other intent of the connection carries (the one
    /// asked for or the next free one above).
    ///
    /// # Errors
    /// `StoreError::IntentOpen` when one is open for the same path and operation;
    /// `StoreError::Stale` when the desired record has another generation by now or is paused.
    fn begin_intent(&self, guard: &Guard, intent: Intent) -> Stored<'_, Intent>;

    /// Changes the state of an intent. `attempt` is the one that the caller has read; a change to
    /// `sending` counts the next attempt. The same transaction writes the links that it made and
    /// its change events. When it closes or moves links, the desired record that it serves becomes
    /// dirty.
    ///
    /// # Errors
    /// `StoreError::Stale` when it is in another state or the journal forbids the change.
    fn advance_intent(&self, guard: &Guard, advance: IntentAdvance) -> Stored<'_, Intent>;

    /// One intent.
    fn intent(&self, connection: &str, id: IntentId) -> Stored<'_, Option<Intent>>;

    /// All open intents, oldest first.
    fn open_intents(&self, connection: &str) -> Stored<'_, Vec<Intent>>;

    /// The intents of a path and below it, newest first.
    fn intents_of(&self, connection: &str, key: &str, rows_max: usize) -> Stored<'_, Vec<Intent>>;

    /// The intents whose first request left at `since_ms` or later, newest first, at most
    /// `rows_max`.
    fn intents_since(
        &self,
        connection: &str,
        since_ms: u64,
        rows_max: usize,
    ) -> Stored<'_, Vec<Intent>>;

    /// Removes ended intents that were last changed and sent before `before_ms`, and returns how
    /// many. One that is open stays, and so does one that a plan of its desired record's present
    /// generation counts ([`super::aged`]). In several transactions, each of bounded size.
    fn trim_intents(&self, guard: &Guard, before_ms: u64) -> Stored<'_, u64>;

    /// How many intents there are by state word.
    fn intent_counts(&self, connection: &str) -> Stored<'_, Vec<(String, u64)>>;
}

/// The change events, and the offsets of their consumers.
pub trait Feed: Debug + Send + Sync {
    /// Change events after `after`, in order, without gap.
    ///
    /// # Errors
    /// `StoreError::ChangesGone` when the next one was trimmed; `StoreError::ChangesAhead` when
    /// `after` is beyond the feed's end.
    fn changes(&self, connection: &str, after: u64, rows_max: usize) -> Stored<'_, Vec<Change>>;

    /// Wakes when events of the connection were committed. Where the sender is dropped, the store
    /// cannot wake its readers, and they poll.
    fn watch_changes(&self, connection: &str) -> watch::Receiver<()>;

    /// The serial of the newest change; 0 before the first.
    fn changes_last(&self, connection: &str) -> Stored<'_, u64>;

    /// The serial of the oldest change that is left; the next one's when none is.
    fn changes_first(&self, connection: &str) -> Stored<'_, u64>;

    /// Removes the oldest events: those from before `before_ms` and, with [`Keep::Unacknowledged`],
    /// only up to the least offset of the known consumers (no consumer: none). Returns how many
    /// were removed.
    fn trim_changes(&self, guard: &Guard, before_ms: u64, keep: Keep) -> Stored<'_, u64>;

    /// Stores the offset of a consumer, unless it is less than the stored one, and returns the
    /// stored one.
    fn acknowledge(&self, guard: &Guard, consumer: &str, serial: u64) -> Stored<'_, u64>;

    /// The offset of a consumer; 0 when it is unknown.
    fn offset(&self, connection: &str, consumer: &str) -> Stored<'_, u64>;

    /// Removes a consumer and its offset, so that it no longer prevents trimming.
    fn end_consumer(&self, guard: &Guard, consumer: &str) -> Stored<'_, ()>;
}

/// Candidates who were erased, and what blocks their re-import.
pub trait Erasures: Debug + Send + Sync {
    /// Erases a candidate, in one transaction: desired records, links, observed records of the
    /// candidate and of all that names it or its applications; bodies of intents and events.
    /// Serials, ids of remote records and states of intents stay; the feed has
    /// `ChangeWhat::Erased` for each record that is removed. Keyed hashes of keys, ids and
    /// addresses stay, which block re-import by pages and declarations. An address that another
    /// candidate has too is not kept: it does not identify one.
    ///
    /// A store in a file or a database finds all this by indexes, so the cost follows the
    /// candidate's data and not the connection's.
    fn erase(&self, guard: &Guard, erasure: Erasure) -> Stored<'_, ErasureReport>;

    /// The keys of those records that [`Desired::declare`] would not store, since they are of
    /// erased candidates. Changes nothing.
    fn kept_away(&self, connection: &str, records: Vec<Declaration>) -> Stored<'_, Vec<String>>;

    /// Allows a candidate to be imported again: removes all hashes that were kept together with
    /// this key, candidate id or address. Returns whether there were any.
    fn undo_erasure(&self, guard: &Guard, erasure: Erasure) -> Stored<'_, bool>;
}

/// Small named values beside the records; see [`super::notes`].
pub trait Notes: Debug + Send + Sync {
    /// Changes notes in one transaction, each on its condition.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when a condition does not hold; then none is changed.
    fn put_notes(&self, guard: &Guard, notes: Vec<Note>) -> Stored<'_, ()>;

    /// The value of one note.
    fn note(&self, connection: &str, area: &str, key: &str) -> Stored<'_, Option<Vec<u8>>>;

    /// The notes of an area, key and value, in the order of the keys' bytes, after `after`, at most
    /// `rows_max`.
    fn notes_page(
        &self,
        connection: &str,
        area: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<(String, Vec<u8>)>>;
}
