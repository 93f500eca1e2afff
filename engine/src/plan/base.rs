//! The base that is kept with a link: what was last applied, and marks beside it. Pure.
//!
//! A base is a map. Its members are fields, and marks whose names begin with `~`, which no field is
//! called: a map by field or operation ([`part`], [`remove`]), or a list of fields ([`is_listed`],
//! [`set_listed`], [`retain_listed`]). The modules that keep them document them ([`super::forms`],
//! [`super::erasure`], [`super::unseen`], [`super::equal`], [`super::written`]). A plan records a
//! base with the step that changes the record, and without a step as an adoption ([`amend`],
//! [`record`]).

use super::{Adoption, RecordPlan};
use atsync_model::contract::RemoteRef;
use serde_json::{Map, Value, json};

/// The member that lists the fields whose value was found on the record that a merge or a move led
/// to.
pub(super) const FOUND_AFTER_MERGE: &str = "~there";

/// Returns a member that is a map, created where it is missing.
pub(super) fn part<'m>(
    applied: &'m mut Map<String, Value>,
    member: &str,
) -> Option<&'m mut Map<String, Value>> {
    applied.entry(member.to_owned()).or_insert_with(|| Value::Object(Map::new())).as_object_mut()
}

/// Retains the members of a map that `keep` accepts; an empty map is removed.
pub(super) fn retain(applied: &mut Map<String, Value>, member: &str, keep: impl Fn(&str) -> bool) {
    if let Some(part) = applied.get_mut(member).and_then(Value::as_object_mut) {
        part.retain(|name, _| keep(name));
        if part.is_empty() {
            applied.remove(member);
        }
    }
}

/// Removes a member of a map; an empty map is removed.
pub(super) fn remove(applied: &mut Map<String, Value>, member: &str, name: &str) {
    retain(applied, member, |held| held != name);
}

/// Whether a list of fields has the field.
pub(super) fn is_listed(applied: &Map<String, Value>, member: &str, field: &str) -> bool {
    let listed = applied.get(member).and_then(Value::as_array);
    listed.is_some_and(|listed| listed.iter().any(|held| held.as_str() == Some(field)))
}

/// Adds a field to a list of fields, or removes it.
pub(super) fn set_listed(
    applied: &mut Map<String, Value>,
    member: &str,
    field: &str,
    is_listed: bool,
) {
    retain_listed(applied, member, |held| held != field);
    if is_listed
        && let Some(listed) =
            applied.entry(member.to_owned()).or_insert_with(|| json!([])).as_array_mut()
    {
        listed.push(json!(field));
    }
}

/// Retains the fields of a list that `keep` accepts; an empty list is removed.
pub(super) fn retain_listed(
    applied: &mut Map<String, Value>,
    member: &str,
    keep: impl Fn(&str) -> bool,
) {
    let Some(listed) = applied.get_mut(member).and_then(Value::as_array_mut) else { return };
    listed.retain(|held| held.as_str().is_some_and(&keep));
    if listed.is_empty() {
        applied.remove(member);
    }
}

/// Records the base of a path without a request: with the adoption that the plan has of it, else
/// with a new one unless `is_known`.
pub(super) fn record(
    plan: &mut RecordPlan,
    path: &str,
    remote: RemoteRef,
    applied: Map<String, Value>,
    is_known: bool,
) {
    if let Some(adoption) = plan.adoptions.iter_mut().find(|adoption| adoption.path == path) {
        adoption.applied = applied;
    } else if !is_known {
        plan.adoptions.push(Adoption::of_base(path, remote, applied));
    }
}

/// Changes the base of a path wherever the plan records it, and now: a step that records it may not
/// run. `base`: what is recorded by now.
pub(super) fn amend(
    plan: &mut RecordPlan,
    path: &str,
    remote: &RemoteRef,
    base: &Map<String, Value>,
    change: impl Fn(&mut Map<String, Value>),
) {
    plan.steps.iter_mut().filter_map(|step| step.applied.get_mut(path)).for_each(&change);
    if let Some(adoption) = plan.adoptions.iter_mut().find(|adoption| adoption.path == path) {
        return change(&mut adoption.applied);
    }
    let mut applied = base.clone();
    change(&mut applied);
    if applied != *base && !plan.releases.iter().any(|released| released == path) {
        plan.adoptions.push(Adoption::of_base(path, remote.clone(), applied));
    }
}
