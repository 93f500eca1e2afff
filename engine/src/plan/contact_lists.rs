//! The contact lists of a candidate: their part of a creation and an update. Pure.
//!
//! Puts together what [`super::contacts`] (entries), [`super::contact_types`] (types) and
//! [`super::forms`] (the ATS's own forms) decide, and reports it.

use super::contacts::{self, Compared, List, values};
use super::field::not_shown;
use super::fields::{Creation, Update};
use super::forms::{self, Kept};
use super::ownership::Decision;
use super::story::Values;
use super::values::{Others, foreign_contacts};
use super::{Draft, FieldChange, FindingKind, Record, account, contact_types, equal};
use crate::reason::Reason;
use atsync_model::desired::{DesiredContact, Policy};
use atsync_model::manifest::OperationRule;
use serde_json::{Map, Value, json};

/// The contact lists of a candidate.
const LISTS: [List; 3] = [List::Emails, List::Phones, List::Links];

/// The entries of an update, added and removed.
#[derive(Debug, Default)]
pub(super) struct Entries {
    add: Map<String, Value>,
    remove: Map<String, Value>,
}

/// Returns the declared entries.
fn declared<'a>(draft: &Draft<'a>, list: List) -> Option<&'a [DesiredContact]> {
    let desired = draft.input.desired;
    match list {
        List::Emails => desired.emails.as_deref(),
        List::Phones => desired.phones.as_deref(),
        List::Links => desired.links.as_deref(),
    }
}

/// Returns the contact lists that the record declares, each value once: a type given with one of
/// its repetitions counts.
fn lists(draft: &Draft<'_>) -> Vec<(List, Vec<DesiredContact>)> {
    let once = |list: List, contacts: &[DesiredContact]| {
        let mut once: Vec<DesiredContact> = Vec::new();
        for contact in contacts {
            let normal = list.normal(contact.value());
            match once.iter_mut().find(|known| list.normal(known.value()) == normal) {
                Some(known) if known.kind().is_none() => *known = contact.clone(),
                Some(_) => {}
                None => once.push(contact.clone()),
            }
        }
        once
    };
    LISTS.into_iter().filter_map(|list| Some((list, once(list, declared(draft, list)?)))).collect()
}

/// Accounts for the values of a list, and for the types where they are written with the entries.
fn account_contacts(draft: &mut Draft<'_>, list: List, with_types: bool) {
    let desired = draft.input.desired;
    for contact in declared(draft, list).unwrap_or_default() {
        draft.account(&desired.key, &account::item(list.field(), contact.value()));
        draft.account(&desired.key, &account::entry(list.field(), contact.value(), "value"));
        if with_types {
            draft.account(&desired.key, &account::entry(list.field(), contact.value(), "type"));
        }
    }
}

/// Adds the types of a list to its base.
fn with_types(base: &mut Value, types: Map<String, Value>) {
    if let (Some(base), false) = (base.as_object_mut(), types.is_empty()) {
        base.insert("types".to_owned(), Value::Object(types));
    }
}

/// Adds the lists to the creation of the candidate.
pub(super) fn make(draft: &mut Draft<'_>, creation: &mut Creation) {
    for (list, contacts) in lists(draft) {
        let compared = Compared::by(draft.input.manifest, list);
        let (entries, mut base) = contacts::create(compared, &contacts);
        forms::record_empty_start(&mut base, &entries);
        with_types(&mut base, contact_types::written(compared, &contacts));
        account_contacts(draft, list, true);
        if !entries.is_empty() {
            let shown = json!(values(&entries));
            creation.set(list.field(), Value::Array(entries), shown);
        }
        contacts::record_applied(&mut creation.applied, list, base);
    }
}

/// Adds the lists to an update of the candidate.
pub(super) fn change(draft: &mut Draft<'_>, record: &Record, update: &mut Update) -> Entries {
    let mut entries = Entries::default();
    for (list, contacts) in lists(draft) {
        change_list(draft, record, list, &contacts, update, &mut entries);
    }
    entries
}

fn change_list(
    draft: &mut Draft<'_>,
    record: &Record,
    list: List,
    contacts: &[DesiredContact],
    update: &mut Update,
    entries: &mut Entries,
) {
    let key = &draft.input.desired.key;
    account_contacts(draft, list, !record.knows(list.field()));
    if !record.knows(list.field()) {
        if draft.is_shown(key, &record.kind, list.field(), update.base.contains_key(list.field())) {
            not_shown(draft, key, list.field());
        }
        return;
    }
    let policy = draft.policy(list.field());
    let compared = Compared::by(draft.input.manifest, list);
    let last = update.base.get(list.field());
    let kept = Kept::of(draft, key, compared, contacts, record, last);
    let seen = kept.seen(record);
    let mut planned =
        contacts::plan(compared, contacts, &seen, last, kept.is_of_another(draft, key), policy);
    let mut types = contact_types::plan(compared, contacts, &seen, last, policy);
    if types.verdicts.iter().any(|verdict| verdict.kept_as_other) && !draft.has_settled(key) {
        types.wait_for_first_sight(compared);
    }
    kept.spell(&mut planned, &mut types);
    update.seen.types(draft, list.field(), &types);
    report_types(draft, key, list, &types, policy, &mut update.fields);
    left_out(draft, key, list, contacts, &seen, &planned, policy);
    let missing: Vec<&str> = values(&planned.add)
        .into_iter()
        .chain(planned.not_restored().map(|value| value.trim()))
        .collect();
    let there = json!(values(record.list(list.field())));
    if !missing.is_empty() && equal::holds(&update.base, list.field(), &there, &json!(missing)) {
        planned.add.clear();
        planned.drifted.clear();
        planned.erased.clear();
        planned.applied = update.base.get(list.field()).cloned().unwrap_or_default();
    }
    let decision = match &planned {
        planned if !planned.add.is_empty() || !planned.remove.is_empty() => Decision::Write,
        planned if !planned.erased.is_empty() => Decision::Erased,
        planned if !planned.drifted.is_empty() => Decision::Drifted,
        _ => Decision::InStep,
    };
    let wanted = json!(contacts.iter().map(DesiredContact::value).collect::<Vec<_>>());
    let story =
        Values { desired: &wanted, applied: update.base.get(list.field()), observed: &there };
    draft.record_decision(key, list.field(), decision, &story);
    for value in &planned.drifted {
        let message = format!(
            "{key}: {value} was removed from `{}` in the ATS; it is not added again (policy yield)",
            list.field()
        );
        draft.report(FindingKind::Drifted, key, Reason::RemovedInAts, message);
    }
    if planned.applied.get("erased").is_some() && !draft.has_settled(key) {
        planned.keep_erased(update.base.get(list.field()));
    }
    if !planned.erased.is_empty() {
        draft.has_erased = true;
        draft.report_erased_entries(key, list.field(), &planned.erased);
    }
    let both =
        |one: &[Value], other: &[Value]| one.iter().chain(other).cloned().collect::<Vec<_>>();
    for (changed, what) in [
        (both(&planned.add, &types.add), &mut entries.add),
        (both(&planned.remove, &types.remove), &mut entries.remove),
    ] {
        if !changed.is_empty() {
            what.insert(list.field().to_owned(), Value::Array(changed));
        }
    }
    with_types(&mut planned.applied, types.applied);
    kept.record(draft, key, &mut planned);
    if !planned.add.is_empty() || !planned.remove.is_empty() {
        let after = json!({ "add": values(&planned.add), "remove": values(&planned.remove) });
        update.fields.push(FieldChange::new(list.field(), there, after));
    }
    contacts::record_applied(&mut update.applied, list, planned.applied);
}

/// Adds the entries to the step of an update. Returns what others may lose by it.
pub(super) fn join(
    draft: &mut Draft<'_>,
    rule: &OperationRule,
    record: &Record,
    entries: Entries,
    input: &mut Map<String, Value>,
) -> Others {
    let is_touched =
        |list: &&str| entries.add.contains_key(*list) || entries.remove.contains_key(*list);
    let touched: Vec<&str> = LISTS.into_iter().map(List::field).filter(is_touched).collect();
    let others = foreign_contacts(draft, &draft.input.desired.key, rule, record, &touched);
    for (name, part) in [("add", entries.add), ("remove", entries.remove)] {
        if !part.is_empty() {
            input.insert(name.to_owned(), Value::Object(part));
        }
    }
    others
}

/// Reports the decisions about the types of a list.
fn report_types(
    draft: &mut Draft<'_>,
    key: &str,
    list: List,
    types: &contact_types::TypesPlan,
    policy: Policy,
    fields: &mut Vec<FieldChange>,
) {
    let field = list.field();
    // Missing entries are added with their type, or reported as a whole.
    account_contacts(draft, list, true);
    for verdict in &types.verdicts {
        let contact_types::TypeVerdict { value, desired, .. } = verdict;
        let shown = verdict.observed.as_deref().unwrap_or("none");
        match verdict.decision {
            Decision::Write => {
                let (before, after) = (json!(verdict.observed), json!(desired));
                fields.push(FieldChange::new(&verdict.place, before, after));
            }
            Decision::InStep if verdict.kept_as_other => {
                let message = format!(
                    "{key}: the ATS keeps the type {desired} of {value} in `{field}` as {shown}"
                );
                draft.report(FindingKind::Note, key, Reason::KeptAsOther, message);
            }
            Decision::InStep => {}
            Decision::Drifted => {
                let message = format!(
                    "{key}: the type of {value} in `{field}` is {shown} in the ATS and not \
                     {desired}; the ATS's value is kept (policy yield)"
                );
                draft.report(FindingKind::Drifted, key, Reason::ChangedInAts, message);
            }
            Decision::Conflict => {
                let message = format!(
                    "{key}: the type of {value} in `{field}` was changed in the ATS (to {shown}) \
                     and in the desired record (to {desired}); nothing is written until both agree \
                     (`enforce` overwrites the ATS's value)"
                );
                draft.report(FindingKind::Conflict, key, Reason::ChangedByBoth, message);
            }
            // The entry exists, so its type was not erased.
            Decision::Erased => {}
            Decision::Leave => {
                let word = if policy == Policy::Fill { "fill" } else { "seed" };
                let message = format!(
                    "{key}: the type of {value} in `{field}` is {shown} in the ATS and not \
                     {desired}; it stays so (policy {word}; `enforce` writes it)"
                );
                draft.report(FindingKind::Note, key, Reason::LeftAlone, message);
            }
        }
    }
}

/// Reports the declared entries that are missing and not added because the policy writes once.
fn left_out(
    draft: &mut Draft<'_>,
    key: &str,
    list: List,
    contacts: &[DesiredContact],
    record: &Record,
    planned: &contacts::ListPlan,
    policy: Policy,
) {
    let word = match policy {
        Policy::Seed => "seed",
        Policy::Fill => "fill",
        Policy::Enforce | Policy::Yield => return,
    };
    let there: Vec<String> =
        values(record.list(list.field())).iter().map(|value| list.normal(value)).collect();
    let added: Vec<String> = values(&planned.add).iter().map(|value| list.normal(value)).collect();
    let left: Vec<&str> = contacts
        .iter()
        .map(DesiredContact::value)
        .filter(|value| {
            let normal = list.normal(value);
            !there.contains(&normal) && !added.contains(&normal)
        })
        .collect();
    if !left.is_empty() {
        let message = format!(
            "{key}: `{}` in the ATS lacks {}; they are not added (policy {word}; `enforce` adds \
             them)",
            list.field(),
            left.join(", ")
        );
        draft.report(FindingKind::Note, key, Reason::LeftAlone, message);
    }
}
