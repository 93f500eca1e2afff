//! The store's knowledge at a moment, read without the engine: a fate is judged by what the engine
//! could know when it struck.

use atsync::internals::store::{Store, StoreError};
use atsync::model::contract::RemoteRef;
use atsync::model::kinds;
use futures_util::FutureExt;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Rows of a kind that are read at most; a simulated company has far fewer.
const ROWS_MAX: usize = 10_000;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// Linked candidates.
    pub(crate) candidates: BTreeSet<i64>,
    /// Linked applications.
    pub(crate) applications: BTreeSet<i64>,
    /// Candidates observed and not known to be deleted.
    pub(crate) seen: BTreeSet<i64>,
    /// Applications as observed, each with its candidate.
    pub(crate) belongs_to: BTreeMap<i64, i64>,
    /// Linked candidates of desired records with an open intent.
    pub(crate) in_doubt: BTreeSet<i64>,
}

/// A store call's answer. The simulated stores answer at once; none if the disk is dead.
fn now<T>(call: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
    call.now_or_never().expect("the store answers at once").ok()
}

impl Known {
    /// Reads what is known about the desired records of these keys. None if the store cannot be
    /// read any more.
    pub(crate) fn of(store: &Arc<dyn Store>, keys: &[String]) -> Option<Self> {
        let mut known = Self::default();
        let open = now(store.open_intents("acme"))?;
        let doubtful: BTreeSet<&str> =
            open.iter().filter_map(|intent| intent.path.split('/').next()).collect();
        for key in keys {
            for link in now(store.links_of("acme", key))? {
                let Ok(id) = link.remote.id.parse::<i64>() else { continue };
                match link.remote.kind.as_str() {
                    kinds::CANDIDATES => {
                        known.candidates.insert(id);
                        if doubtful.contains(key.as_str()) {
                            known.in_doubt.insert(id);
                        }
                    }
                    kinds::APPLICATIONS => drop(known.applications.insert(id)),
                    _ => {}
                }
            }
        }
        for row in now(store.observed_page("acme", kinds::CANDIDATES, None, ROWS_MAX))? {
            known.seen.extend(row.id.parse::<i64>().ok().filter(|_| !row.gone));
        }
        for row in now(store.observed_page("acme", kinds::APPLICATIONS, None, ROWS_MAX))? {
            let body: Value = serde_json::from_str(&row.body).unwrap();
            let of = body["candidate"]["id"].as_str().and_then(|id| id.parse::<i64>().ok());
            known.belongs_to.extend(row.id.parse::<i64>().ok().zip(of).filter(|_| !row.gone));
        }
        Some(known)
    }
}

/// Whether the store holds the candidate as anonymised.
pub(crate) fn is_anonymised(store: &Arc<dyn Store>, id: i64) -> bool {
    let row = now(store.observed("acme", &RemoteRef::new(kinds::CANDIDATES, id.to_string())));
    row.flatten().is_some_and(|row| row.body.contains("\"anonymized\":true"))
}

/// The candidate of an application, according to the store.
pub(crate) fn candidate_of(store: &Arc<dyn Store>, application: i64) -> Option<i64> {
    let row =
        now(store.observed("acme", &RemoteRef::new(kinds::APPLICATIONS, application.to_string())))
            .flatten()?;
    let body: Value = serde_json::from_str(&row.body).ok()?;
    body["candidate"]["id"].as_str()?.parse().ok()
}
