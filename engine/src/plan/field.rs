//! One field of any record: what a decision about it does. Pure.
//!
//! A decision ([`super::ownership`]) becomes a change with a new base, or a finding that says why
//! nothing is written. One place for all kinds, so that all plans use the same words.
//!
//! Left out: which fields a kind has ([`super::fields`]) and contact lists ([`super::contacts`]).

use super::ownership::Decision;
use super::words::shown;
use super::{Draft, FieldChange, FindingKind, Owned, Record, base, erasure, forms};
use crate::reason::Reason;
use atsync_model::desired::Policy;
use atsync_model::normal;
use serde_json::{Map, Value};

/// Acts on a decision: adds the change and the base, or reports why nothing is written. True when
/// the field is to be written.
#[allow(
    clippy::too_many_arguments,
    reason = "one place for all fields, so that all plans use the same words"
)]
pub(super) fn follow<D: Owned>(
    draft: &mut Draft<'_, D>,
    path: &str,
    field: &str,
    decision: Decision,
    observed: &Value,
    desired: &Value,
    fields: &mut Vec<FieldChange>,
    applied: &mut Map<String, Value>,
) -> bool {
    let had_base = applied.contains_key(field);
    let is_unseen = forms::is_unseen(applied, field, observed, desired);
    if !is_unseen {
        draft.update_mark(path, applied, field, decision, observed);
    }
    let is_found_after_merge = draft.is_found_after_merge(path, applied, field, decision);
    match decision {
        Decision::Write => {
            fields.push(FieldChange::new(field, observed.clone(), desired.clone()));
            applied.insert(field.to_owned(), desired.clone());
            forms::record_write(applied, field, observed, desired);
            return true;
        }
        Decision::InStep => {
            applied.insert(field.to_owned(), desired.clone());
            forms::in_step(draft, path, field, observed, desired, applied);
            return false;
        }
        Decision::Drifted | Decision::Conflict if is_unseen => {
            forms::report_unseen(draft, path, field, &shown(observed));
            return false;
        }
        Decision::Drifted if !had_base => {
            let message = format!(
                "{path}: `{field}` was {} in the ATS before it was linked; that value is kept \
                 (policy yield)",
                shown(observed)
            );
            draft.report(FindingKind::Drifted, path, Reason::WasThere, message);
        }
        Decision::Drifted | Decision::Conflict if is_found_after_merge => {
            draft.report_found_after_merge(path, field, decision, observed);
        }
        Decision::Drifted => {
            let message = format!(
                "{path}: `{field}` was changed in the ATS; the ATS's value is kept (policy yield)"
            );
            draft.report(FindingKind::Drifted, path, Reason::ChangedInAts, message);
        }
        Decision::Conflict => {
            let message = format!(
                "{path}: `{field}` was changed in the ATS and in the desired record; nothing is \
                 written until both agree (`enforce` overwrites the ATS's value)"
            );
            draft.report(FindingKind::Conflict, path, Reason::ChangedByBoth, message);
        }
        Decision::Erased => {
            // While a delay may explain the empty field, the tags are not restored either.
            draft.has_erased |= path == draft.input.desired.key();
            draft.report_erased(path, field);
        }
        Decision::Leave => left_alone(draft, path, field, observed, desired),
    }
    // From now on the value shown is not the engine's.
    if !draft.facts.is_fresh(path, field) {
        forms::clear_sent(applied, field);
    }
    false
}

/// Reports a field that differs and that its policy does not write: `seed` and `fill` write once.
pub(super) fn left_alone<D: Owned>(
    draft: &mut Draft<'_, D>,
    path: &str,
    field: &str,
    observed: &Value,
    desired: &Value,
) {
    let (policy, why) = match draft.policy(field) {
        Policy::Fill => ("fill", "it is set only while it is empty"),
        _ => ("seed", "it is set only when the record is created"),
    };
    let there = shown(observed);
    if draft.policy(field) == Policy::Fill && (observed.is_null() || observed.as_str() == Some(""))
    {
        let message = format!(
            "{path}: `{field}` was emptied in the ATS after it had held a value; it stays empty, \
             since `fill` sets a field once (`enforce` writes it)"
        );
        draft.report(FindingKind::Note, path, Reason::LeftAlone, message);
        return;
    }
    let message = format!(
        "{path}: `{field}` is {there} in the ATS and not {}; it stays so, since {why} (policy \
         {policy}; `enforce` writes it)",
        shown(desired)
    );
    draft.report(FindingKind::Note, path, Reason::LeftAlone, message);
}

/// Reports a field that the ATS does not show: it cannot be compared and is not written.
pub(super) fn not_shown<D: Owned>(draft: &mut Draft<'_, D>, path: &str, field: &str) {
    let message = format!(
        "{path}: the ATS does not show `{field}`, so it cannot be compared and is not written"
    );
    draft.report(FindingKind::Note, path, Reason::NotShown, message);
    draft.account(path, field);
}

/// Drops the bases of fields that are no longer declared, and reports that their values stay and
/// are no longer managed.
pub(super) fn release<D: Owned>(
    draft: &mut Draft<'_, D>,
    path: &str,
    applied: &mut Map<String, Value>,
    owns: impl Fn(&str) -> bool,
) {
    let released: Vec<String> = applied.keys().filter(|field| !owns(field)).cloned().collect();
    applied.retain(|field, _| owns(field));
    forms::retain(applied, &owns);
    erasure::retain(applied, &owns);
    base::retain_listed(applied, base::FOUND_AFTER_MERGE, &owns);
    if !released.is_empty() {
        let message = format!(
            "{path}: no longer declared, so no longer managed, and left as they are in the ATS: {}",
            released.join(", ")
        );
        draft.report(FindingKind::Note, path, Reason::Released, message);
    }
}

/// Whether two texts are the same.
pub(super) fn is_same_text(one: &str, other: &str) -> bool {
    normal::text(one) == normal::text(other)
}

/// Changes the base of a linked record wherever the plan records it.
pub(super) fn amend<D: Owned>(
    draft: &mut Draft<'_, D>,
    path: &str,
    record: &Record,
    change: impl Fn(&mut Map<String, Value>),
) {
    let known = draft.base(path);
    base::amend(&mut draft.plan, path, &record.remote(), &known, change);
}
