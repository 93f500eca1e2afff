//! One field of a record, whatever the record is: what a decision about it does. Pure.
//!
//! A decision ([`super::ownership`]) becomes a change and a new base, or a finding that says why
//! nothing is written. One place for all kinds, so that the words of a plan are alike. Left out:
//! which fields a kind has, and lists of contacts ([`super::contacts`]).

use super::ownership::Decision;
use super::words::shown;
use super::{Adoption, Draft, FieldChange, FindingKind, Owned, Record, base, erasure, forms};
use crate::reason::Reason;
use atsync_model::desired::Policy;
use atsync_model::normal;
use serde_json::{Map, Value};

/// Acts on a decision: notes the change and the base, or says why not. True when the field is to be
/// written.
#[allow(
    clippy::too_many_arguments,
    reason = "one place for all fields keeps the words of a plan alike"
)]
pub(super) fn follow<D: Owned>(
    draft: &mut Draft<'_, D>,
    host: &str,
    path: &str,
    decision: Decision,
    observed: &Value,
    desired: &Value,
    fields: &mut Vec<FieldChange>,
    applied: &mut Map<String, Value>,
) -> bool {
    let had_base = applied.contains_key(path);
    let is_unseen = forms::is_unseen(applied, path, observed, desired);
    if !is_unseen {
        draft.remember(host, applied, path, decision, observed);
    }
    let is_found_there = draft.is_found_there(host, applied, path, decision);
    match decision {
        Decision::Write => {
            fields.push(FieldChange {
                field: path.to_owned(),
                before: observed.clone(),
                after: desired.clone(),
            });
            applied.insert(path.to_owned(), desired.clone());
            forms::wrote(applied, path, observed, desired);
            return true;
        }
        Decision::InStep => {
            applied.insert(path.to_owned(), desired.clone());
            forms::in_step(draft, host, path, observed, desired, applied);
            return false;
        }
        Decision::Drifted | Decision::Conflict if is_unseen => {
            forms::say_unseen(draft, host, path, &shown(observed));
            return false;
        }
        Decision::Drifted if !had_base => {
            let message = format!(
                "{host}: `{path}` was {} in the ATS before it was linked; that stands (policy \
                 yield)",
                shown(observed)
            );
            draft.say(FindingKind::Drifted, host, Reason::WasThere, message);
        }
        Decision::Drifted | Decision::Conflict if is_found_there => {
            draft.say_found_there(host, path, decision, observed);
        }
        Decision::Drifted => {
            let message = format!(
                "{host}: `{path}` was changed in the ATS; their value stands (policy yield)"
            );
            draft.say(FindingKind::Drifted, host, Reason::ChangedInAts, message);
        }
        Decision::Conflict => {
            let message = format!(
                "{host}: `{path}` was changed in the ATS and in the desired record; nothing is \
                 written until one of them gives way (or the policy is enforce)"
            );
            draft.say(FindingKind::Conflict, host, Reason::ChangedByBoth, message);
        }
        Decision::Erased => {
            // As far as it shows: what cannot be told from a delay yet keeps the tags back as well.
            draft.has_erased |= host == draft.input.desired.key();
            draft.say_erased(host, path);
        }
        Decision::Leave => left_alone(draft, host, path, observed, desired),
    }
    // Whatever shows from now on is theirs.
    if !draft.facts.is_fresh(host, path) {
        forms::forget(applied, path);
    }
    false
}

/// Says that a field differs and that its policy leaves it alone: `seed` and `fill` write once.
pub(super) fn left_alone<D: Owned>(
    draft: &mut Draft<'_, D>,
    host: &str,
    path: &str,
    observed: &Value,
    desired: &Value,
) {
    let (policy, why) = match draft.policy(path) {
        Policy::Fill => ("fill", "it is set only while it is empty"),
        _ => ("seed", "it is set only when the record is made"),
    };
    let there = super::words::shown(observed);
    if draft.policy(path) == Policy::Fill && (observed.is_null() || observed.as_str() == Some("")) {
        let message = format!(
            "{host}: `{path}` was emptied in the ATS after it had held a value; it stays so, since \
             `fill` sets a field once and puts nothing back (`enforce` writes it)"
        );
        draft.say(FindingKind::Note, host, Reason::LeftAlone, message);
        return;
    }
    let message = format!(
        "{host}: `{path}` is {there} in the ATS and not {}; it stays so, since {why} (policy \
         {policy}; `enforce` writes it)",
        super::words::shown(desired)
    );
    draft.say(FindingKind::Note, host, Reason::LeftAlone, message);
}

/// Says that a field cannot be compared, since the ATS does not show it: nothing is written
/// blindly.
pub(super) fn not_shown<D: Owned>(draft: &mut Draft<'_, D>, host: &str, path: &str) {
    let message = format!(
        "{host}: the ATS does not show `{path}`, so it cannot be compared and is not written"
    );
    draft.say(FindingKind::Note, host, Reason::NotShown, message);
    draft.account(host, path);
}

/// Says of the fields that the record owned and no longer names that their values stay and are not
/// managed any more.
pub(super) fn release<D: Owned>(
    draft: &mut Draft<'_, D>,
    host: &str,
    applied: &mut Map<String, Value>,
    owns: impl Fn(&str) -> bool,
) {
    let released: Vec<String> = applied.keys().filter(|path| !owns(path)).cloned().collect();
    applied.retain(|path, _| owns(path));
    forms::retain(applied, &owns);
    erasure::retain(applied, &owns);
    base::keep(applied, base::FOUND_THERE, &owns);
    if !released.is_empty() {
        let message = format!(
            "{host}: no longer declared, so no longer managed, and left as they are in the ATS: {}",
            released.join(", ")
        );
        draft.say(FindingKind::Note, host, Reason::Released, message);
    }
}

/// Whether two texts are the same.
pub(super) fn is_same_text(one: &str, other: &str) -> bool {
    normal::text(one) == normal::text(other)
}

/// Records a new base without a request: what was found in step is the base from now on.
pub(super) fn rebase<D: Owned>(
    draft: &mut Draft<'_, D>,
    host: &str,
    record: &Record,
    applied: Map<String, Value>,
    base: &Map<String, Value>,
) {
    if let Some(adoption) = draft.plan.adoptions.iter_mut().find(|adoption| adoption.host == host) {
        adoption.applied = applied;
    } else if applied != *base {
        let reason = None;
        draft.plan.adoptions.push(Adoption {
            host: host.to_owned(),
            remote: record.remote(),
            applied,
            reason,
        });
    }
}

/// Changes what is recorded as last applied of a record, wherever the plan would record it.
pub(super) fn amend<D: Owned>(
    draft: &mut Draft<'_, D>,
    host: &str,
    record: &Record,
    change: impl Fn(&mut Map<String, Value>),
) {
    let link = draft.input.links.get(host);
    let known = link.map(|link| link.applied.clone()).unwrap_or_default();
    base::amend(&mut draft.plan, host, &record.remote(), &known, change);
}
