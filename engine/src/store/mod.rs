//! The store: desired and observed state, links, the journal and the feed.
//!
//! [`Store`] has domain transactions, not get and put, so that it can be implemented on another
//! database. Each method is one transaction: it happens as a whole or not at all, and a result that
//! was returned survives a crash. It is divided by role ([`roles`]); each write carries the guard
//! of a lease ([`lease`]). [`redb::RedbStore`] is the embedded store, [`memory::MemoryStore`]
//! serves tests; one contract suite (`tests/store_contract`) runs against both.
//! `docs/store-format.md` argues the file.
//!
//! Bounds: see [`limits`]. Left out: what the rows mean to a plan; secrets, which are never stored.

mod aged;
mod check;
mod codec;
mod erase;
mod error;
pub(crate) mod handle;
mod ingest;
pub mod lease;
pub mod limits;
pub mod memory;
mod merge;
mod naming;
pub mod notes;
#[cfg(feature = "postgres")]
pub mod postgres;
mod problems;
pub mod redb;
pub mod roles;
pub mod rows;
mod signal;
mod version;

pub use crate::declaration::Declaration;
pub use crate::link::{LinkHow, LinkRow};
pub(crate) use check::is_emptied;
pub use error::{StoreError, Stored};
pub use lease::{Guard, Until};
pub(crate) use merge::anonymized as merge_anonymized;
pub use notes::{Expected, Note};
pub use roles::*;
pub use rows::*;
pub use version::{SCHEMA, SCHEMA_OLDEST};
