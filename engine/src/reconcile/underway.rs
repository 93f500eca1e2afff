//! Locks on records: one task at a time works on a record, across all handles of a connection.
//!
//! A host may run a schedule and apply plans in a request handler, with clones of one
//! [`crate::Connection`] or with several that it opened under the same name. Two tasks must not act
//! on one record between a probe and the request that follows it, or while a response is
//! outstanding: the first task's probe would miss the second task's request, and a settle would
//! take a request in flight for one of a process that died. So a task locks the record before it
//! probes, sends or settles. A second task does not wait; it reports the record as not sent.
//! Nothing waits, so there is no deadlock.
//!
//! The handles share two more things: whether the connection's writes are paused, so that a pause
//! through one holds for all, and the turn to change what the store keeps about the connection.
//!
//! The locks are in memory, one set for each connection name of an [`crate::Engine`]. Not covered:
//! two engines over one custom store. A store file can be open only once.

use crate::path;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Why a step was not sent: another task holds the lock on its record.
pub(super) const WORKED_ON: &str =
    "another task of this process works on it; plan again when that has ended";

/// What all handles of one connection share.
#[derive(Debug, Default)]
pub(crate) struct Underway {
    keys: Mutex<BTreeSet<String>>,
    mark_last_ms: AtomicU64,
    writes_paused: AtomicBool,
    /// The turn of [`Underway::turn`].
    row: tokio::sync::Mutex<()>,
}

/// A lock on a record, released on drop.
#[derive(Debug)]
pub(super) struct Held<'a> {
    underway: &'a Underway,
    key: String,
}

impl Underway {
    /// Locks the record of a path. `None` if another task holds the lock.
    pub(super) fn hold(&self, path: &str) -> Option<Held<'_>> {
        let key = key(path).to_owned();
        let is_free = self.keys().insert(key.clone());
        is_free.then(|| Held { underway: self, key })
    }

    /// A millisecond near now that no other mark of this connection carries in this process.
    pub(super) fn mark_time_ms(&self, now_ms: u64) -> u64 {
        let next = |last: u64| Some(now_ms.max(last.saturating_add(1)));
        // The update never declines, so both arms give the value before.
        let last = match self.mark_last_ms.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
        {
            Ok(last) | Err(last) => last,
        };
        now_ms.max(last.saturating_add(1))
    }

    /// Whether the connection's writes are paused.
    pub(super) fn writes_paused(&self) -> bool {
        self.writes_paused.load(Ordering::SeqCst)
    }

    /// Sets it, for all handles.
    pub(super) fn pause_writes(&self, is_paused: bool) {
        self.writes_paused.store(is_paused, Ordering::SeqCst);
    }

    /// Waits for the turn to read and write what the store keeps about the connection.
    pub(super) async fn turn(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.row.lock().await
    }

    fn keys(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.underway.keys().remove(&self.key);
    }
}

/// The key of the lock: the record's key for its own paths; the whole path for items that records
/// share.
fn key(path: &str) -> &str {
    if path::is_shared(path) { path } else { path::key(path) }
}

#[cfg(test)]
mod tests {
    use super::{Underway, key};

    #[test]
    fn a_lock_covers_all_paths_of_a_record_until_it_is_dropped() {
        let underway = Underway::default();
        let held = underway.hold("ada").unwrap();
        assert!(underway.hold("ada/notes/n1").is_none());
        assert!(underway.hold("ben").is_some());
        drop(held);
        assert!(underway.hold("ada/notes/n1").is_some());
    }

    #[test]
    fn shared_items_have_one_lock_for_each_path() {
        assert_ne!(key("~tags/one"), key("~tags/two"));
        assert_eq!(key("@users.grace/options/x"), "@users.grace");
    }

    #[test]
    fn no_two_marks_carry_one_time() {
        let underway = Underway::default();
        assert_eq!([5, 5, 9].map(|now_ms| underway.mark_time_ms(now_ms)), [5, 6, 9]);
    }
}
