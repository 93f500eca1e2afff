//! The errors of a store: one kind for each thing that a caller can do about it.
//!
//! Callers act on the variant alone; the text is for people.

use super::redb::held;
use crate::journal::IntentId;
use futures_util::future::BoxFuture;

/// The error of a store's call.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file is not a store, is damaged, or comes from another version.
    #[error("{0}")]
    Unusable(String),
    /// It is open already, in another process or in this one; the text says which.
    #[error("the store {0} is {holder}", holder = held::holder(.0))]
    Busy(String),
    /// The store was closed ([`crate::Engine::close`]).
    #[error("the store is closed; build another `Engine` on its file")]
    Closed,
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
    /// The input does not have the shape that the store needs; a retry will not help.
    #[error("{0}")]
    Invalid(String),
    /// An intent for the same object and operation is still open.
    #[error(
        "intent {0} for the same object is still open; settle it by a sync, or decide it with \
         `Connection::resolve`"
    )]
    IntentOpen(IntentId),
    /// The desired record has another generation, or the intent is in another state, than the
    /// caller read.
    #[error("{0}")]
    Stale(String),
    /// The write carries a guard whose fence is not the granted one: the lease of the connection
    /// was claimed by another process since. Nothing of the write was stored.
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
    /// Another process holds the lease of the connection, and writes for it.
    #[error(
        "connection {connection}: {holder} holds its lease, so another process works on it; its \
         lease ends by itself when that process dies"
    )]
    LeaseHeld {
        /// The connection.
        connection: String,
        /// The process.
        holder: String,
    },
    /// The answer to a commit was lost, and the database did not say in time whether it was kept.
    #[error(
        "it is not known whether a write was kept, since the database did not answer in time; read \
         what is stored before you do the same again"
    )]
    Unsettled,
    /// The reader's next event was trimmed. Read the records again, then continue after `first -
    /// 1`.
    #[error(
        "the feed begins at {first} by now; what came before it was trimmed, so read the records \
         anew and go on from there"
    )]
    ChangesGone {
        /// The serial of the oldest event that is left, or of the next one.
        first: u64,
    },
    /// The reader's offset is beyond the feed's end: the store is an older copy than the one it
    /// read. Read the records again, then continue after `last`.
    #[error(
        "the feed ends at {last}, and the reader stands at {at}: this store is an older copy than \
         the one that was read, so read the records anew and go on after {last}"
    )]
    ChangesAhead {
        /// The serial of the newest event.
        last: u64,
        /// The reader's offset.
        at: u64,
    },
    /// The disk or the database failed. Nothing of the transaction was stored.
    #[error(
        "the store failed: {0}; nothing of this write was kept: check the disk's room and health, \
         then do the same again"
    )]
    Io(String),
}

/// The result of a store's work.
pub type Stored<'a, T> = BoxFuture<'a, Result<T, StoreError>>;
