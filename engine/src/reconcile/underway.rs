//! Who works on what: one task at a time on each record, in all handles of one connection.
//!
//! A host may sync by a schedule and apply in a handler, with clones of a connection or with connections that it opened one by one under the same name. Between a
//! look and the request that follows it, and while an answer is awaited, nobody else may act for the same record: a look that came before the other's request
//! would be believed, and a request on its way be taken for one of a process that died. So whoever looks and sends for a record, or settles an intent of it,
//! holds its key; who comes second leaves it alone and says so. Nobody waits, so nothing can wait for itself.
//!
//! Kept in memory, once for each connection of an [`crate::Engine`]. Left out: two engines over one store. A store's file can be open once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Why a step was not sent while somebody else works on its record.
pub(super) const WORKED_ON: &str = "another task of this process works on it; plan again when that has ended";

/// What all handles of one connection share.
#[derive(Debug, Default)]
pub(crate) struct Underway {
    keys: Mutex<BTreeSet<String>>,
    mark_last_ms: AtomicU64,
}

/// The right to act for a record, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Held<'a> {
    underway: &'a Underway,
    key: String,
}

impl Underway {
    /// None: somebody holds it.
    pub(super) fn hold(&self, host: &str) -> Option<Held<'_>> {
        let key = key(host).to_owned();
        let is_free = self.keys().insert(key.clone());
        is_free.then(|| Held { underway: self, key })
    }

    /// A millisecond near now that no other mark of this connection carries in this process.
    pub(super) fn mark_time_ms(&self, now_ms: u64) -> u64 {
        let next = |last: u64| Some(now_ms.max(last.saturating_add(1)));
        // The update never declines, so both arms give the value before.
        let last = match self.mark_last_ms.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next) {
            Ok(last) | Err(last) => last,
        };
        now_ms.max(last.saturating_add(1))
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

/// A record with all that hangs on it; of what records share, each path by itself.
fn key(host: &str) -> &str {
    if host.starts_with('~') { host } else { host.split('/').next().unwrap_or(host) }
}

#[cfg(test)]
mod tests {
    use super::{Underway, key};

    #[test]
    fn one_holds_a_record_with_what_hangs_on_it_until_it_is_given_back() {
        let underway = Underway::default();
        let held = underway.hold("ada").unwrap();
        assert!(underway.hold("ada/notes/n1").is_none());
        assert!(underway.hold("ben").is_some());
        drop(held);
        assert!(underway.hold("ada/notes/n1").is_some());
    }

    #[test]
    fn what_records_share_is_held_path_by_path() {
        assert_ne!(key("~tags/one"), key("~tags/two"));
        assert_eq!(key("@users.grace/options/x"), "@users.grace");
    }

    #[test]
    fn no_two_marks_carry_one_time() {
        let underway = Underway::default();
        assert_eq!([5, 5, 9].map(|now_ms| underway.mark_time_ms(now_ms)), [5, 6, 9]);
    }
}
