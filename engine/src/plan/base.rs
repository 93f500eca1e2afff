//! What a base holds beside the fields that were last applied, and where a plan records a base.
//! Pure.
//!
//! A base is the map that is kept with a link. Its members are fields, and besides members whose
//! names begin with `~`, which no field is called: by field or by operation ([`part`],
//! [`take_out`]), or a list of fields ([`lists`], [`list`], [`keep`]). What each means is said
//! where it is kept ([`super::forms`], [`super::erasure`], [`super::unseen`], [`super::equal`]). A
//! plan records a base with the step that changes the record, and without one as an adoption
//! ([`amend`]).

use super::{Adoption, RecordPlan};
use atsync_model::contract::RemoteRef;
use serde_json::{Map, Value, json};

/// The member that lists the fields whose value was found on the record that a merge or a move led
/// to: nobody changed it since.
pub(super) const FOUND_AFTER_MERGE: &str = "~there";

/// A member with members of its own, made where there is none.
pub(super) fn part<'m>(
    applied: &'m mut Map<String, Value>,
    member: &str,
) -> Option<&'m mut Map<String, Value>> {
    applied.entry(member.to_owned()).or_insert_with(|| Value::Object(Map::new())).as_object_mut()
}

/// Keeps of the members of a member those that `keep` accepts; with the last one the member goes.
pub(super) fn retain(applied: &mut Map<String, Value>, member: &str, keep: impl Fn(&str) -> bool) {
    if let Some(part) = applied.get_mut(member).and_then(Value::as_object_mut) {
        part.retain(|name, _| keep(name));
        if part.is_empty() {
            applied.remove(member);
        }
    }
}

/// Takes a member out of a member, and that with its last one.
pub(super) fn remove(applied: &mut Map<String, Value>, member: &str, name: &str) {
    retain(applied, member, |held| held != name);
}

/// Whether a list of fields has the field.
pub(super) fn is_listed(applied: &Map<String, Value>, member: &str, field: &str) -> bool {
    let listed = applied.get(member).and_then(Value::as_array);
    listed.is_some_and(|listed| listed.iter().any(|held| held.as_str() == Some(field)))
}

/// Puts a field into a list of fields, or takes it out.
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

/// Keeps of a list of fields those that `keep` accepts; with the last one the list goes.
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
    if let Some(adoption) = plan.adoptions.iter_mut().find(|adoption| adoption.host == path) {
        adoption.applied = applied;
    } else if !is_known {
        plan.adoptions.push(Adoption::of_base(path, remote, applied));
    }
}

/// Changes what is recorded as last applied of a path, wherever the plan would record it, and now:
/// a step that records it may not be carried out. `base`: what is recorded by now.
pub(super) fn amend(
    plan: &mut RecordPlan,
    path: &str,
    remote: &RemoteRef,
    base: &Map<String, Value>,
    change: impl Fn(&mut Map<String, Value>),
) {
    plan.steps.iter_mut().filter_map(|step| step.applied.get_mut(path)).for_each(&change);
    if let Some(adoption) = plan.adoptions.iter_mut().find(|adoption| adoption.host == path) {
        return change(&mut adoption.applied);
    }
    let mut applied = base.clone();
    change(&mut applied);
    if applied != *base && !plan.releases.iter().any(|released| released == path) {
        plan.adoptions.push(Adoption::of_base(path, remote.clone(), applied));
    }
}
