//! The deliveries that were handled, and fetches that several hints share.
//!
//! A delivery is identified by the signed bytes and by the ids in its headers. Both are needed: an
//! id alone is not signed, so an attacker with an old delivery could replace it; and two different
//! events may have the same bytes.
//!
//! Bounds: [`limits`](super::limits). Left out: durability; see the module above.

use super::limits::{REMEMBERED_MAX, REMEMBERED_MS, WAITING_MAX};
use crate::error::{Error, ErrorKind};
use crate::reconcile::HintEnd;
use atsync_model::contract::{Field, Hint};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use tokio::sync::Mutex;

/// The endings of the headers in which senders give a delivery its id: `Ats-Event-ID`, `webhook-id`
/// (Standard Webhooks), `X-GitHub-Delivery`.
const ID_HEADER_ENDINGS: [&str; 5] =
    ["event-id", "webhook-id", "delivery-id", "message-id", "-delivery"];

/// The ids in the headers of a delivery.
pub(super) fn delivery_ids(headers: &[Field]) -> Vec<String> {
    let names_it = |name: &str| ID_HEADER_ENDINGS.iter().any(|ending| name.ends_with(ending));
    let mut ids: Vec<String> = headers
        .iter()
        .filter(|header| names_it(&header.name))
        .map(|header| format!("{}:{}", header.name, header.value))
        .collect();
    ids.sort();
    ids
}

/// What identifies a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    pub(super) fn of(ids: &[String], message: &[u8]) -> Self {
        let mut hash = Sha256::new();
        for id in ids {
            hash.update(id.len().to_le_bytes());
            hash.update(id);
        }
        hash.update(usize::MAX.to_le_bytes());
        hash.update(message);
        Self(hash.finalize().into())
    }
}

/// The deliveries that were handled.
#[derive(Debug, Default)]
pub(super) struct Seen {
    keys: HashSet<Key>,
    /// Oldest first.
    order: VecDeque<(Key, u64)>,
}

impl Seen {
    /// Whether it was handled.
    pub(super) fn knows(&mut self, key: &Key, now_ms: u64) -> bool {
        self.drop_old(now_ms);
        self.keys.contains(key)
    }

    /// Records it as handled.
    pub(super) fn remember(&mut self, key: Key, now_ms: u64) {
        if self.keys.insert(key.clone()) {
            self.order.push_back((key, now_ms));
        }
        self.drop_old(now_ms);
    }

    fn drop_old(&mut self, now_ms: u64) {
        while let Some((_, at_ms)) = self.order.front()
            && (self.order.len() > REMEMBERED_MAX || at_ms.saturating_add(REMEMBERED_MS) < now_ms)
        {
            if let Some((key, _)) = self.order.pop_front() {
                self.keys.remove(&key);
            }
        }
    }
}

/// Fetches of one record, one after the other; all callers that asked before a fetch began share
/// it.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// Counts callers and fetches in one order, so that it is known which came first.
    turns: AtomicU64,
    waiting: AtomicUsize,
    last: Mutex<HashMap<String, Last>>,
}

/// How the newest fetch of a record ended.
#[derive(Debug)]
struct Last {
    begun: u64,
    end: Result<HintEnd, (ErrorKind, String)>,
}

/// A waiting caller, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(count: &'a AtomicUsize) -> Option<Self> {
        let waiting = Self(count);
        (count.fetch_add(1, Ordering::SeqCst) < WAITING_MAX).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Looks {
    /// Fetches, or returns the result of a fetch for the same hint that began after this call.
    pub(super) async fn share<F: Future<Output = Result<HintEnd, Error>>>(
        &self,
        hint: &Hint,
        look: impl FnOnce() -> F,
    ) -> Result<HintEnd, Error> {
        let Some(_waiting) = Waiting::join(&self.waiting) else {
            let message =
                format!("{WAITING_MAX} webhooks wait for a fetch already; deliver it again later");
            return Err(Error::new(ErrorKind::Unavailable, message));
        };
        let asked = self.turns.fetch_add(1, Ordering::SeqCst);
        let name = name(hint);
        let mut last = self.last.lock().await;
        if let Some(shared) = last.get(&name).filter(|shared| shared.begun > asked) {
            return match &shared.end {
                Ok(end) => Ok(end.clone()),
                Err((kind, message)) => Err(Error::new(*kind, message.clone())),
            };
        }
        let begun = self.turns.fetch_add(1, Ordering::SeqCst);
        let looked = look().await;
        let end = match &looked {
            Ok(end) => Ok(end.clone()),
            Err(error) => Err((error.kind(), error.to_string())),
        };
        // No other caller waits, so the result is not needed, and the map must not grow without
        // end.
        if self.waiting.load(Ordering::SeqCst) <= 1 || last.len() >= WAITING_MAX {
            last.clear();
        }
        last.insert(name, Last { begun, end });
        looked
    }
}

/// A hint as a key.
fn name(hint: &Hint) -> String {
    match hint {
        Hint::Changed(of) => format!("changed {of}"),
        Hint::Deleted(of) => format!("deleted {of}"),
        Hint::Erased(of) => format!("erased {of}"),
        Hint::Merged((from, into)) => format!("merged {from} {into}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, Looks, Seen, delivery_ids};
    use crate::clock::Clock;
    use crate::reconcile::HintEnd;
    use crate::testing::ManualClock;
    use crate::webhook::limits::{REMEMBERED_MAX, REMEMBERED_MS, WAITING_MAX};
    use atsync_model::contract::{Field, Hint, RemoteRef};
    use futures_util::future::{join, join_all};
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn key(id: &str, message: &str) -> Key {
        Key::of(
            &delivery_ids(&[Field::new("ats-event-id", id), Field::new("host", "x")]),
            message.as_bytes(),
        )
    }

    #[test]
    fn a_delivery_is_known_by_its_ids_and_by_what_was_signed() {
        assert_eq!(key("1", "a"), key("1", "a"));
        assert_ne!(key("1", "a"), key("2", "a"));
        assert_ne!(key("1", "a"), key("1", "b"));
        assert_ne!(Key::of(&["ab".into()], b"c"), Key::of(&["a".into()], b"bc"));
    }

    #[test]
    fn the_memory_is_bounded_by_age_and_by_number() {
        let mut seen = Seen::default();
        seen.remember(key("1", ""), 0);
        assert!(seen.knows(&key("1", ""), REMEMBERED_MS));
        assert!(!seen.knows(&key("1", ""), REMEMBERED_MS + 1));
        for number in 0..=REMEMBERED_MAX {
            seen.remember(key(&number.to_string(), ""), REMEMBERED_MS);
        }
        assert!(!seen.knows(&key("0", ""), REMEMBERED_MS));
        assert!(seen.knows(&key("1", ""), REMEMBERED_MS));
        assert_eq!(seen.order.len(), REMEMBERED_MAX);
    }

    #[test]
    fn ten_thousand_hints_about_one_record_cost_two_looks() {
        let (clock, looks, looked) = (ManualClock::at(0), Looks::default(), AtomicUsize::new(0));
        let hint = Hint::Changed(RemoteRef::new("candidates", "7"));
        let look = || async {
            looked.fetch_add(1, Ordering::SeqCst);
            clock.sleep(100).await;
            Ok(HintEnd::TakenIn)
        };
        let first = looks.share(&hint, look);
        let others = async {
            clock.sleep(50).await;
            join_all((0..10_000).map(|_| looks.share(&hint, look))).await
        };
        let (_, ends) = clock.drive(join(first, others));
        assert!(ends.iter().all(|end| matches!(end, Ok(HintEnd::TakenIn))));
        assert_eq!(looked.load(Ordering::SeqCst), 2);
        clock.drive(looks.share(&hint, look)).unwrap();
        assert_eq!(
            looked.load(Ordering::SeqCst),
            3,
            "one that asks later is not served from before"
        );
    }

    #[test]
    fn more_hints_than_may_wait_are_refused() {
        let (clock, looks) = (ManualClock::at(0), Looks::default());
        let hint = Hint::Changed(RemoteRef::new("candidates", "7"));
        let look = || async {
            clock.sleep(100).await;
            Ok(HintEnd::TakenIn)
        };
        let ends = clock.drive(join_all((0..=WAITING_MAX).map(|_| looks.share(&hint, look))));
        assert_eq!(ends.iter().filter(|end| end.is_err()).count(), 1);
    }
}
