//! Which writes were answered as done and have not shown since. Pure.
//!
//! An ATS may answer an update with 200 and ignore it. The next plan finds the difference again, and nothing in the answer tells
//! that case from a recruiter who changed the value back. What tells them apart is whether the ATS showed the value in between.
//! So a write leaves its intent's number with the link of its path, by operation; a plan that no longer finds
//! anything to do by that operation takes it away. As long as it stands, the same write planned again is one that did not take,
//! and the journal counts it ([`crate::journal::sends`]).
//!
//! What was taken away leaves its note as well: its link stays until the ATS no longer shows it. Then the removal is told from a
//! recruiter's, and one that was answered as done and never happened from a record of somebody else's.
//!
//! Left out: a value that showed and was changed back between two looks of the engine; it is taken for one that never showed.

use super::{Adoption, RecordPlan, Step};
use crate::journal::IntentId;
use crate::store::LinkRow;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The member of a link's base that holds the first of these intents by operation. No field is called so.
const UNSEEN: &str = "~unseen";

/// The member of a link's base that says: the engine took the record away, by this intent.
const REMOVED: &str = "~removed";

/// Notes with the base of a path that the engine took its record away.
pub(crate) fn note_removed(applied: &mut Map<String, Value>, intent: IntentId) {
    applied.insert(REMOVED.to_owned(), intent.into());
}

/// Whether the engine took the record of a link away. It may show still: late, or since it never went.
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

/// Notes a write that was answered as done, with the base of its path. `before`: the base until now.
pub(crate) fn note(applied: &mut Map<String, Value>, before: &Map<String, Value>, operation: &str, intent: IntentId) {
    let first = since(applied, operation).or_else(|| since(before, operation)).unwrap_or(intent);
    let unseen = applied.entry(UNSEEN.to_owned()).or_insert_with(|| Value::Object(Map::new()));
    if let Some(unseen) = unseen.as_object_mut() {
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
        let is_open = |operation: &String| {
            let mut steps = planned.steps.iter().chain(shared);
            steps.any(|step| step.host == link.host && step.operation == *operation)
        };
        let left: Map<String, Value> = noted
            .iter()
            .filter(|(operation, _)| is_open(operation))
            .map(|(name, id)| (name.clone(), id.clone()))
            .collect();
        if left.len() < noted.len() {
            amend(planned, link, &left);
        }
    }
}

/// Replaces a link's notes wherever the plan would record them.
fn amend(planned: &mut RecordPlan, link: &LinkRow, left: &Map<String, Value>) {
    let change = |applied: &mut Map<String, Value>| {
        applied.remove(UNSEEN);
        if !left.is_empty() {
            applied.insert(UNSEEN.to_owned(), Value::Object(left.clone()));
        }
    };
    planned.steps.iter_mut().filter_map(|step| step.applied.get_mut(&link.host)).for_each(change);
    if let Some(adoption) = planned.adoptions.iter_mut().find(|adoption| adoption.host == link.host) {
        change(&mut adoption.applied);
    } else if !planned.releases.contains(&link.host) {
        let mut applied = link.applied.clone();
        change(&mut applied);
        let reason = super::IN_STEP.to_owned();
        planned.adoptions.push(Adoption { host: link.host.clone(), remote: link.remote.clone(), applied, reason });
    }
}
