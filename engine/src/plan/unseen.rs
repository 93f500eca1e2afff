//! Writes that the ATS answered as done and has not shown since. Pure.
//!
//! An ATS may answer an update with 200 and ignore it. The next plan finds the difference again,
//! and the answer does not tell that from a recruiter who changed the value back; whether the ATS
//! showed the value in between does. So a write leaves its intent's number in the base of its path,
//! by operation, and a plan that has nothing left to do by that operation removes it. While it is
//! there, the same write planned again is one that did not take effect, and the journal counts it
//! ([`crate::journal::sends`]).
//!
//! A removal leaves a mark as well: its link stays until the ATS no longer shows the record. The
//! mark tells the engine's removal from a recruiter's, and a removal that never happened from a
//! record of others.
//!
//! Left out: a value that showed and was changed back between two reads; it counts as one that
//! never showed.

use super::{RecordPlan, Step, base};
use crate::journal::IntentId;
use crate::link::{LinkRow, REMOVED, UNSEEN};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Marks in a base that the engine removed its record.
pub(crate) fn note_removed(applied: &mut Map<String, Value>, intent: IntentId) {
    applied.insert(REMOVED.to_owned(), intent.into());
}

/// Whether the engine removed the record of a link. It may still show: late, or because the removal
/// never happened.
pub(crate) fn is_removed(link: &LinkRow) -> bool {
    link.applied.contains_key(REMOVED)
}

/// Returns the base of a link without the mark of a removal.
pub(super) fn without_removed(link: &LinkRow) -> Map<String, Value> {
    let mut applied = link.applied.clone();
    applied.remove(REMOVED);
    applied
}

/// Returns the first write by an operation that has not shown since; none when the ATS showed the
/// last one.
pub(crate) fn since(applied: &Map<String, Value>, operation: &str) -> Option<IntentId> {
    applied.get(UNSEEN)?.get(operation)?.as_u64()
}

/// Records a write that was answered as done in the base of its path. `before`: the base until now.
pub(crate) fn note(
    applied: &mut Map<String, Value>,
    before: &Map<String, Value>,
    operation: &str,
    intent: IntentId,
) {
    let first = since(applied, operation).or_else(|| since(before, operation)).unwrap_or(intent);
    if let Some(unseen) = base::part(applied, UNSEEN) {
        unseen.insert(operation.to_owned(), first.into());
    }
}

/// Removes the records of operations by which nothing is left to do: their writes show.
pub(crate) fn settle(planned: &mut RecordPlan, shared: &[Step], links: &BTreeMap<String, LinkRow>) {
    if planned.is_blocked() {
        return;
    }
    for link in links.values() {
        let Some(noted) = link.applied.get(UNSEEN).and_then(Value::as_object) else { continue };
        let is_open = |operation: &str| {
            let mut steps = planned.steps.iter().chain(shared);
            steps.any(|step| step.path == link.path && step.operation == operation)
        };
        let shown: Vec<&String> = noted.keys().filter(|operation| !is_open(operation)).collect();
        if !shown.is_empty() {
            base::amend(planned, &link.path, &link.remote, &link.applied, |applied| {
                shown.iter().for_each(|operation| base::remove(applied, UNSEEN, operation));
            });
        }
    }
}
