//! Candidates who may have been deleted, or hidden from the credential: no read can show which.

use crate::sim::Sim;
use atsync::model::kinds;
use futures_util::TryStreamExt;
use serde_json::Value;
use std::collections::BTreeSet;

/// The private candidates of the store that the ATS does not hold any more, and whose absence
/// proves nothing, since no private candidate is left that the credential could be seen to see (see
/// the engine's sweeps).
pub(crate) fn out_of_sight(sim: &Sim) -> BTreeSet<String> {
    let truth = sim.world.sandbox.rows(kinds::CANDIDATES);
    if truth.iter().any(|row| row["private"] == true) {
        return BTreeSet::new();
    }
    let there: BTreeSet<String> = truth.iter().map(|row| row["id"].to_string()).collect();
    let rows: Vec<_> =
        sim.world.run(sim.world.connect().observed(kinds::CANDIDATES).try_collect()).unwrap();
    let is_private = |raw: &Option<String>| {
        let raw = raw.as_deref().and_then(|raw| serde_json::from_str::<Value>(raw).ok());
        raw.is_some_and(|raw| raw["private"] == true)
    };
    rows.into_iter()
        .filter(|row| !row.gone && !there.contains(&row.id) && is_private(&row.raw))
        .map(|row| row.id)
        .collect()
}
