//! What the versions of an adapter could do, and what a connection would lose with another one.
//!
//! A manifest is not in the store, so a version that was replaced while the program did not run
//! could not be compared. So the store has one note for each version that was used, under the
//! SHA-256 of its component, whatever the number of its connections. A connection that is opened
//! with another component than before is compared with it ([`crate::pin::losses`]).
//!
//! Bounds: [`VERSIONS_MAX`] versions; the oldest are dropped first. Desired records are read only
//! where a version lacks something, page by page, until each loss is known to matter. Left out:
//! adapters that are linked in, which their host builds and tests; and a version that no note
//! knows: then only stored kinds and open writes are compared.

use crate::adapter::Adapter;
use crate::error::Error;
use crate::pin::losses::{Abilities, Loss, Used, felt};
use crate::store::notes::WHOLE_STORE;
use crate::store::{ConnectionRow, Note, Store};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The area of the notes.
const AREA: &str = "abilities";
/// Versions that a store knows, some kilobytes each. Arbitrary: more than are in use at a time.
const VERSIONS_MAX: usize = 200;
/// Desired records of one read: some megabytes of rich records.
const READ_ROWS: usize = 100;

/// The versions that this engine knows to be in the store.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownVersions(Arc<Mutex<BTreeSet<String>>>);

impl KnownVersions {
    fn has(&self, code: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(code)
    }

    fn add(&self, code: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= VERSIONS_MAX {
            known.clear();
        }
        known.insert(code.to_owned());
    }

    /// Notes what a component can do, for the comparison with a later one.
    pub(super) async fn keep(
        &self,
        store: &dyn Store,
        adapter: &dyn Adapter,
        now_ms: u64,
    ) -> Result<(), Error> {
        let Some(code) = adapter.code_hash().filter(|code| !self.has(code)) else {
            return Ok(());
        };
        if abilities(store, code).await?.is_none() {
            let kept = store.notes_page(WHOLE_STORE, AREA, None, VERSIONS_MAX).await?;
            let since = |note: &[u8]| {
                serde_json::from_slice::<Version>(note).map_or(0, |version| version.since_ms)
            };
            let oldest = kept.iter().min_by_key(|(_, note)| since(note));
            let dropped = oldest.filter(|_| kept.len() >= VERSIONS_MAX);
            let version =
                Version { since_ms: now_ms, abilities: Abilities::of(adapter.manifest()) };
            let value = serde_json::to_vec(&version).unwrap_or_default();
            let mut notes = vec![Note::put(AREA, code, value)];
            notes.extend(dropped.map(|(key, _)| Note::remove(AREA, key)));
            let guard = store.lease(WHOLE_STORE).await?;
            store.put_notes(&guard, notes).await?;
        }
        self.add(code);
        Ok(())
    }
}

/// The note of a version.
#[derive(Debug, Serialize, Deserialize)]
struct Version {
    since_ms: u64,
    abilities: Abilities,
}

/// What the connection uses and this adapter can no longer do. Empty for the component that it
/// was last used with.
pub(super) async fn losses(
    store: &dyn Store,
    name: &str,
    row: &ConnectionRow,
    adapter: &dyn Adapter,
) -> Result<Vec<Loss>, Error> {
    let (Some(code), Some(pin)) = (adapter.code_hash(), &row.pin) else {
        return Ok(Vec::new());
    };
    if pin.code.as_deref() == Some(code) {
        return Ok(Vec::new());
    }
    let before = match &pin.code {
        Some(before) => abilities(store, before).await?,
        None => None,
    };
    let now = Abilities::of(adapter.manifest());
    if before.as_ref().is_some_and(|before| before.lost_in(&now).is_empty()) {
        return Ok(Vec::new());
    }
    let mut used = Used::default();
    let counts = store.observed_counts(name).await?;
    used.kinds.extend(counts.into_iter().filter(|(_, rows)| *rows > 0).map(|(kind, _)| kind));
    let scans = store.scan_states(name).await?;
    let read = scans.into_iter().filter(|(_, _, state)| state.completed_ms.is_some());
    used.kinds.extend(read.map(|(kind, _, _)| kind));
    store.open_intents(name).await?.iter().for_each(|intent| used.intent(intent));
    let lost = before.unwrap_or_else(|| Abilities::used(&used)).lost_in(&now);
    let mut after: Option<String> = None;
    while felt(&lost, &used).len() < lost.len() {
        let rows = store.desired_page(name, after.as_deref(), READ_ROWS).await?;
        let Some(last) = rows.last() else { break };
        after = Some(last.key.clone());
        rows.iter().for_each(|row| used.desired(&row.body));
    }
    Ok(felt(&lost, &used))
}

async fn abilities(store: &dyn Store, code: &str) -> Result<Option<Abilities>, Error> {
    let note = store.note(WHOLE_STORE, AREA, code).await?;
    let version = note.and_then(|note| serde_json::from_slice::<Version>(&note).ok());
    Ok(version.map(|version| version.abilities))
}
