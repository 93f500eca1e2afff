//! The hints of accepted webhooks, which wait in the store for their fetch.
//!
//! A hint is one note; its key is a digest of what it says, so that the hints of a storm about one
//! record are one note. One that comes while its record is being fetched is written anew, and the
//! fetch that began before does not remove it: each fetch removes only what it read.
//!
//! Bounds: [`WAITING_MAX`] hints of a connection. Left out: fetching; see [`super::handle`].

use super::limits::WAITING_MAX;
use crate::error::{Error, ErrorKind};
use crate::store::handle::ConnectionStore;
use crate::store::{Expected, Note, StoreError};
use crate::transport::auth::digest;
use atsync_model::contract::{Hint, RemoteRef};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The area of the notes.
const AREA: &str = "hints";
/// Rows of one read.
const ROWS: usize = 1_000;

/// What a hint says happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Happened {
    Changed,
    Deleted,
    Merged,
    Erased,
}

/// A stored hint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    happened: Happened,
    kind: String,
    id: String,
    /// The record that a merged one continues as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    into: Option<(String, String)>,
    /// When it came, by the wall clock.
    at_ms: u64,
    /// Distinguishes two arrivals within a millisecond.
    arrival: u64,
    /// Fetches that failed for a reason that waiting does not mend.
    #[serde(default)]
    failures: u32,
}

/// A hint that waits, as it was read.
#[derive(Clone, Debug)]
pub(super) struct WaitingHint {
    pub(super) hint: Hint,
    pub(super) failures: u32,
    key: String,
    value: Vec<u8>,
}

/// Whether a hint waits, or is being fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waits,
    IsFetched,
}

/// The waiting hints of a connection, as far as this process knows them. The store is the truth: a
/// handler reads it, and this only saves writes and counts.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    known: HashMap<String, Stage>,
    arrivals: u64,
    /// Whether what an earlier process left is known.
    is_read: bool,
}

fn row(hint: &Hint, at_ms: u64, arrival: u64) -> Row {
    let (happened, of, into) = match hint {
        Hint::Changed(of) => (Happened::Changed, of, None),
        Hint::Deleted(of) => (Happened::Deleted, of, None),
        Hint::Erased(of) => (Happened::Erased, of, None),
        Hint::Merged((of, into)) => {
            (Happened::Merged, of, Some((into.kind.clone(), into.id.clone())))
        }
    };
    let (kind, id) = (of.kind.clone(), of.id.clone());
    Row { happened, kind, id, into, at_ms, arrival, failures: 0 }
}

fn hint(row: &Row) -> Option<Hint> {
    let of = RemoteRef::new(&row.kind, &row.id);
    Some(match row.happened {
        Happened::Changed => Hint::Changed(of),
        Happened::Deleted => Hint::Deleted(of),
        Happened::Erased => Hint::Erased(of),
        Happened::Merged => {
            let (kind, id) = row.into.as_ref()?;
            Hint::Merged((of, RemoteRef::new(kind, id)))
        }
    })
}

/// A digest of what a hint says.
fn key(row: &Row) -> String {
    let happened = format!("{:?}", row.happened);
    let mut parts = vec![happened.as_str(), &row.kind, &row.id];
    parts.extend(row.into.iter().flat_map(|(kind, id)| [kind.as_str(), id]));
    digest(&parts)
}

impl Waiting {
    /// Stores hints; each is durable when this returns.
    pub(super) async fn add(
        &mut self,
        store: &ConnectionStore,
        hints: &[Hint],
        at_ms: u64,
    ) -> Result<(), Error> {
        self.read(store).await?;
        let mut notes = Vec::new();
        for hint in hints {
            self.arrivals = self.arrivals.saturating_add(1);
            let row = row(hint, at_ms, self.arrivals);
            let key = key(&row);
            if self.known.get(&key) != Some(&Stage::Waits) {
                let value = serde_json::to_vec(&row).unwrap_or_default();
                notes.push(Note::put(AREA, &key, value));
            }
        }
        if self.known.len().saturating_add(notes.len()) > WAITING_MAX {
            let message = format!("{WAITING_MAX} webhooks wait already; deliver it again later");
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        let keys: Vec<String> = notes.iter().map(|note| note.key.clone()).collect();
        if !notes.is_empty() {
            store.put_notes(notes).await?;
        }
        for key in keys {
            self.known.entry(key).or_insert(Stage::Waits);
        }
        Ok(())
    }

    /// Reads what an earlier process left, once, so that the bound holds over restarts.
    async fn read(&mut self, store: &ConnectionStore) -> Result<(), StoreError> {
        let mut after = None::<String>;
        while !self.is_read {
            let rows = store.notes_page(AREA, after.as_deref(), ROWS).await?;
            after = rows.last().map(|(key, _)| key.clone());
            self.is_read = after.is_none();
            for (key, _) in rows {
                self.known.entry(key).or_insert(Stage::Waits);
            }
        }
        Ok(())
    }

    /// The next hints to fetch, at most so many, and whether there are more. From now on they count
    /// as being fetched.
    pub(super) async fn take(
        &mut self,
        store: &ConnectionStore,
        hints_max: usize,
    ) -> Result<(Vec<WaitingHint>, bool), StoreError> {
        let rows = store.notes_page(AREA, None, hints_max.saturating_add(1)).await?;
        let more = rows.len() > hints_max;
        let mut taken = Vec::new();
        for (key, value) in rows.into_iter().take(hints_max) {
            let read: Option<(Hint, u32)> = serde_json::from_slice::<Row>(&value)
                .ok()
                .and_then(|row| Some((hint(&row)?, row.failures)));
            match read {
                Some((hint, failures)) => {
                    self.known.insert(key.clone(), Stage::IsFetched);
                    taken.push(WaitingHint { hint, failures, key, value });
                }
                // A later version wrote it. A pull reads the record all the same.
                None => store.put_notes(vec![Note::remove(AREA, &key)]).await?,
            }
        }
        Ok((taken, more))
    }

    /// Removes a hint whose record was fetched, unless it came again since.
    pub(super) async fn done(
        &mut self,
        store: &ConnectionStore,
        hint: &WaitingHint,
    ) -> Result<(), StoreError> {
        let read = Expected::Value(hint.value.clone());
        match store.put_notes(vec![Note::remove(AREA, &hint.key).only_if(read)]).await {
            Ok(()) => drop(self.known.remove(&hint.key)),
            // It came again. Unknown, it is written once more rather than never.
            Err(StoreError::Stale(_)) => drop(self.known.remove(&hint.key)),
            Err(error) => {
                self.again(hint);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Counts a failure of a hint, and lets it wait again.
    pub(super) async fn failed(
        &mut self,
        store: &ConnectionStore,
        hint: &WaitingHint,
    ) -> Result<(), StoreError> {
        self.again(hint);
        let Ok(mut row) = serde_json::from_slice::<Row>(&hint.value) else { return Ok(()) };
        row.failures = row.failures.saturating_add(1);
        let value = serde_json::to_vec(&row).unwrap_or_default();
        let read = Expected::Value(hint.value.clone());
        match store.put_notes(vec![Note::put(AREA, &hint.key, value).only_if(read)]).await {
            // It came again, so it begins anew.
            Ok(()) | Err(StoreError::Stale(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Lets a hint wait again that was taken.
    pub(super) fn again(&mut self, hint: &WaitingHint) {
        self.known.insert(hint.key.clone(), Stage::Waits);
    }
}

#[cfg(test)]
mod tests {
    use super::{Waiting, hint, key, row};
    use crate::store::handle::ConnectionStore;
    use crate::store::memory::MemoryStore;
    use crate::webhook::limits::WAITING_MAX;
    use atsync_model::contract::{Hint, RemoteRef};
    use std::sync::Arc;

    fn candidate(id: &str) -> RemoteRef {
        RemoteRef::new("candidates", id)
    }

    async fn store() -> ConnectionStore {
        ConnectionStore::claim(Arc::new(MemoryStore::default()), "acme").await.unwrap()
    }

    #[test]
    fn a_hint_is_read_as_it_was_written_and_each_has_a_key_of_its_own() {
        let hints = [
            Hint::Changed(candidate("1")),
            Hint::Changed(candidate("2")),
            Hint::Deleted(candidate("1")),
            Hint::Erased(candidate("1")),
            Hint::Merged((candidate("1"), candidate("2"))),
            Hint::Merged((candidate("1"), candidate("3"))),
        ];
        let mut keys = std::collections::BTreeSet::new();
        for one in hints {
            let row = row(&one, 7, 1);
            assert_eq!(hint(&row).unwrap(), one);
            assert!(keys.insert(key(&row)));
        }
    }

    #[tokio::test]
    async fn a_hint_that_comes_again_during_its_fetch_is_fetched_again_and_a_storm_is_one() {
        let (store, mut waiting) = (store().await, Waiting::default());
        let hints = [Hint::Changed(candidate("1"))];
        for at_ms in 0..1_000 {
            waiting.add(&store, &hints, at_ms).await.unwrap();
        }
        let (taken, more) = waiting.take(&store, 10).await.unwrap();
        assert_eq!((taken.len(), more), (1, false));
        waiting.add(&store, &hints, 1_000).await.unwrap();
        waiting.done(&store, &taken[0]).await.unwrap();
        let (again, _) = waiting.take(&store, 10).await.unwrap();
        assert_eq!(again.len(), 1, "it came during the fetch");
        waiting.done(&store, &again[0]).await.unwrap();
        assert!(waiting.take(&store, 10).await.unwrap().0.is_empty());
    }

    #[tokio::test]
    async fn what_waits_outlives_the_process_and_is_bounded() {
        let (store, mut waiting) = (store().await, Waiting::default());
        let hints: Vec<Hint> =
            (0..900).map(|id| Hint::Changed(candidate(&id.to_string()))).collect();
        waiting.add(&store, &hints, 1).await.unwrap();
        let (taken, more) = Waiting::default().take(&store, 100).await.unwrap();
        assert_eq!((taken.len(), more), (100, true));
        let mut waiting = Waiting::default();
        waiting.add(&store, &hints[..1], 2).await.unwrap();
        assert_eq!(waiting.known.len(), 900, "those of an earlier process count");
        waiting.known.extend((0..WAITING_MAX - 900).map(|n| (n.to_string(), super::Stage::Waits)));
        let refused = waiting.add(&store, &[Hint::Changed(candidate("new"))], 1).await;
        assert_eq!(refused.unwrap_err().kind(), crate::error::ErrorKind::Unavailable);
        waiting.add(&store, &hints[..1], 2).await.unwrap();
    }

    #[tokio::test]
    async fn failures_are_counted_until_the_hint_comes_again() {
        let (store, mut waiting) = (store().await, Waiting::default());
        let hints = [Hint::Changed(candidate("1"))];
        waiting.add(&store, &hints, 1).await.unwrap();
        for failures in 0..3 {
            let (taken, _) = waiting.take(&store, 1).await.unwrap();
            assert_eq!(taken[0].failures, failures);
            waiting.failed(&store, &taken[0]).await.unwrap();
        }
        let (taken, _) = waiting.take(&store, 1).await.unwrap();
        waiting.add(&store, &hints, 2).await.unwrap();
        waiting.failed(&store, &taken[0]).await.unwrap();
        assert_eq!(waiting.take(&store, 1).await.unwrap().0[0].failures, 0);
    }
}
