//! Where the engine keeps desired and observed state, links, the journal and the feed.
//!
//! [`Store`] speaks in domain transactions, not in get and put, so that another database can stand
//! behind it. Each method is one transaction: it happens as a whole or not at all, and what it
//! returned as done survives a crash. It is cut by role ([`roles`]); each write carries the guard
//! of a lease ([`lease`]). [`redb::RedbStore`] is the embedded store, [`memory::MemoryStore`]
//! serves tests; one contract suite (`tests/store_contract`) runs against both.
//! `docs/store-format.md` argues the file.
//!
//! Bounds: see [`limits`]. Left out: what the rows mean to a plan; secrets, which are never stored.

mod check;
mod codec;
mod forget;
pub(crate) mod handle;
mod ingest;
pub mod lease;
pub mod memory;
mod merge;
mod problems;
pub mod redb;
pub mod roles;
pub mod rows;
mod signal;

use crate::journal::{Intent, IntentId, IntentState, Moment};
use atsync_model::contract::RemoteRef;
use futures_util::future::BoxFuture;
use std::fmt::Debug;

pub use crate::declaration::Declaration;
pub use crate::link::{LinkHow, LinkRow};
pub(crate) use check::is_emptied;
pub use lease::Guard;
pub(crate) use merge::anonymized as merge_anonymized;
pub use roles::*;
pub use rows::*;

/// The version of the layout that this engine reads and writes.
pub const SCHEMA: u32 = 2;

/// The limits of the store. What goes beyond them is refused with [`StoreError::TooLarge`].
pub mod limits {
    /// Bytes of one observed record, unified and raw together.
    pub const RECORD_BYTES_MAX: usize = 4 * 1024 * 1024;
    /// Records of one page.
    pub const PAGE_RECORDS_MAX: usize = 10_000;
    pub use crate::declaration::RECORDS_MAX as DECLARATION_RECORDS_MAX;
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
    /// The write carries a guard whose fence is not the granted one: the lease of the connection
    /// was claimed by another process since. Nothing of the write was kept.
    #[error(
        "connection {connection}: the lease with fence {fence} is not the granted one, so another \
         process writes for it by now; open the connection anew"
    )]
    LeaseLost {
        /// The connection.
        connection: String,
        /// The fence that the write carried.
        fence: u64,
    },
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

/// What [`Feed::trim_changes`] keeps whatever its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Only what is young enough.
    Nothing,
    /// What some consumer has not acknowledged.
    Unacknowledged,
}

/// What [`Journal::advance_intent`] writes.
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
