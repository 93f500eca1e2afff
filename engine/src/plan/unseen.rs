//! Which writes were answered as done and have not shown since. Pure.
//!
//! An ATS may answer an update with 200 and ignore it. The next plan finds the difference again,
//! and nothing in the answer tells that case from a recruiter who changed the value back. What
//! tells them apart is whether the ATS showed the value in between. So a write leaves its intent's
//! number with the link of its path, by operation; a plan that no longer finds anything to do by
//! that operation takes it away. As long as it stands, the same write planned again is one that did
//! not take, and the journal counts it ([`crate::journal::sends`]).
//!
//! What was taken away leaves its note as well: its link stays until the ATS no longer shows it.
//! Then the removal is told from a recruiter's, and one that was answered as done and never
//! happened from a record of somebody else's.
//!
//! Left out: a value that showed and was changed back between two looks of the engine; it is taken
//! for one that never showed.

use super::{RecordPlan, Step, base};
use crate::journal::IntentId;
use crate::link::LinkRow;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The member of a link's base that holds the first of these intents by operation. No field is
/// called so.
const UNSEEN: &str = "~unseen";

/// The member of a link's base that says: the engine took the record away, by this intent.
const REMOVED: &str = "~removed";

/// Notes with the base of a path that the engine took its record away.
pub(crate) fn note_removed(applied: &mut Map<String, Value>, intent: IntentId) {
    applied.insert(REMOVED.to_owned(), intent.into());
}

/// Whether the engine took the record of a link away. It may show still: late, or since it never
/// went.
pub(super) fn is_removed(link: &LinkRow) -> bool {
    link.applied.contains_key(REMOVED)
}

/// The base of a link as it was before the engine took its record away.
pub(super) fn without_removed(link: &LinkRow) -> Map<String, Value> {
    let mut applied = link.applied.clone();
    applied.remove(REMOVED);
    applied
}

/// The first write by an operation that has not shown since; none when the ATS showed the last one.
pub(crate) fn since(applied: &Map<String, Value>, operation: &str) -> Option<IntentId> {
    applied.get(UNSEEN)?.get(operation)?.as_u64()
}

/// Notes a write that was answered as done, with the base of its path. `before`: the base until
/// now.
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

/// Takes away the notes of operations by which nothing is left to do: what they wrote shows.
pub(crate) fn settle(planned: &mut RecordPlan, shared: &[Step], links: &BTreeMap<String, LinkRow>) {
    if planned.is_blocked() {
        return;
    }
    for link in links.values() {
        let Some(noted) = link.applied.get(UNSEEN).and_then(Value::as_object) else { continue };
        let is_open = |operation: &str| {
            let mut steps = planned.steps.iter().chain(shared);
            steps.any(|step| step.host == link.host && step.operation == operation)
        };
        let shown: Vec<&String> = noted.keys().filter(|operation| !is_open(operation)).collect();
        if !shown.is_empty() {
            base::amend(planned, &link.host, &link.remote, &link.applied, |applied| {
                shown.iter().for_each(|operation| base::remove(applied, UNSEEN, operation));
            });
        }
    }
}
