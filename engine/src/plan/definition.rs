//! A custom field and its choices: found or made, kept in step. Pure.
//!
//! A field is known by its link, else by its key, else by its name; an ATS makes the key of a new
//! field from its name, so it may get another key than the one that the host names it by. Choices
//! are found by label and made where they are missing; those that are not declared are left alone.
//! A new field brings its choices along where the ATS takes them with it; each is looked for before
//! it is made. What people in the ATS archived stays archived, unless the host enforces the
//! choices.
//!
//! The same questions are asked where a person's value is resolved ([`super::custom`]), so a plan
//! means one thing by a field wherever it is named.
//!
//! Left out: taking fields and choices away, which drops what others stored; another type, which no
//! ATS can give a field.

use super::account;
use super::equal::EQUAL;
use super::field::{follow, is_same_text, not_shown, rebase, release};
use super::forms::{self, SENT};
use super::ownership::{Comparison, Decision};
use super::story::Values;
use super::{Adoption, Draft, FieldChange, FindingKind, Owned, Record, made, step};
use crate::index;
use crate::link::LinkRow;
use crate::path;
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use atsync_model::desired::{DesiredCustomField, Policy};
use atsync_model::{kinds, normal};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where something declared stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum At<'a> {
    /// The ATS has it.
    There(&'a Arc<Record>),
    /// It is to be made.
    ToBeMade,
    /// Somebody in the ATS archived or deleted it, and that stands.
    TakenAway,
}

/// The records that are called so: letter by letter where there are such, else by the form of
/// labels.
pub(super) fn called<'a>(
    rows: impl Iterator<Item = &'a Arc<Record>>,
    name: &str,
) -> Vec<&'a Arc<Record>> {
    with_label(rows, "name", name)
}

/// The records whose member is this label: letter by letter where there are such, else by the form
/// of labels.
pub(super) fn with_label<'a>(
    rows: impl Iterator<Item = &'a Arc<Record>>,
    member: &str,
    label: &str,
) -> Vec<&'a Arc<Record>> {
    let is_it =
        |row: &&'a Arc<Record>| row.text(member).is_some_and(|held| normal::is_option(held, label));
    let mut found: Vec<&'a Arc<Record>> = rows.filter(is_it).collect();
    if found.iter().any(|row| row.text(member) == Some(label)) {
        found.retain(|row| row.text(member) == Some(label));
    }
    found
}

/// The link of a choice, in whatever spelling its path was made.
fn choice_link<'l>(
    desired: &DesiredCustomField,
    links: &'l BTreeMap<String, LinkRow>,
    label: &str,
) -> Option<&'l LinkRow> {
    let prefix = path::all_below(&desired.path(), path::OPTIONS);
    let below = || {
        links
            .range(prefix.clone()..)
            .map_while(|(path, link)| Some((path.strip_prefix(&prefix)?, link)))
    };
    let spelt = || below().find(|(known, _)| normal::is_option(known, label)).map(|(_, link)| link);
    links.get(&desired.option_path(label)).or_else(spelt)
}

pub(super) fn is_active(record: &Record) -> bool {
    record.value("active").and_then(Value::as_bool) != Some(false)
}

/// The field in the ATS. None while facts are missing or after it blocked the record; messages
/// begin with `host`.
pub(super) fn find<'a, D: Owned>(
    draft: &mut Draft<'a, D>,
    host: &str,
    desired: &DesiredCustomField,
    links: &BTreeMap<String, LinkRow>,
) -> Option<At<'a>> {
    let key = &desired.key;
    if let Some(link) = links.get(&desired.path()) {
        let Some(record) = draft.observed(&link.remote)? else {
            let message = format!(
                "{host}: the custom field {key:?} is linked to {}, which the ATS does not show: \
                 deleted, or hidden; stop declaring it, or make it again in the ATS and adopt that",
                link.remote
            );
            draft.block(host, Reason::NotVisible, message);
            return None;
        };
        return active(draft, host, key, record);
    }
    let applies = |record: &&Arc<Record>| {
        record.text("applies_to.value") == Some(desired.applies_to.as_str())
    };
    let by_key = draft.lookup(kinds::CUSTOM_FIELDS, index::KEY, key)?;
    let mut found: Vec<&'a Arc<Record>> = with_label(by_key.iter().filter(applies), "key", key);
    if let (true, Some(name)) = (found.is_empty(), &desired.name) {
        let by_name = draft.lookup(kinds::CUSTOM_FIELDS, index::NAME, name)?;
        found = called(by_name.iter().filter(applies), name);
    }
    if found.iter().any(|record| is_active(record)) {
        found.retain(|record| is_active(record));
    }
    match found.as_slice() {
        [] => Some(At::ToBeMade),
        [record] => active(draft, host, key, record),
        several => {
            let ids: Vec<&str> = several.iter().map(|record| record.id.as_str()).collect();
            let message = format!(
                "{host}: {} custom fields of the ATS could be {key:?} (ids {}); adopt one of them \
                 with `Connection::link`, for example {} as custom_fields/{}",
                several.len(),
                ids.join(", "),
                desired.path(),
                ids.first().copied().unwrap_or_default()
            );
            draft.block(host, Reason::AmbiguousReference, message);
            None
        }
    }
}

fn active<'a, D: Owned>(
    draft: &mut Draft<'a, D>,
    host: &str,
    key: &str,
    record: &'a Arc<Record>,
) -> Option<At<'a>> {
    if is_active(record) {
        return Some(At::There(record));
    }
    let message = format!(
        "{host}: the custom field {key:?} ({}) is archived in the ATS; bring it back there, or \
         take it out of the record",
        record.remote()
    );
    draft.block(host, Reason::Archived, message);
    None
}

/// A declared choice in the ATS. `field`: the field's record, none while it is to be made. None
/// while facts are missing or after it blocked the record.
pub(super) fn choice<'a, D: Owned>(
    draft: &mut Draft<'a, D>,
    host: &str,
    desired: &DesiredCustomField,
    links: &BTreeMap<String, LinkRow>,
    field: Option<&Record>,
    label: &str,
) -> Option<At<'a>> {
    let Some(field) = field else { return Some(At::ToBeMade) };
    let link = choice_link(desired, links, label);
    if let Some(link) = link
        && let Some(option) = draft.observed(&link.remote)?
        && is_active(option)
    {
        return Some(At::There(option));
    }
    let rows = draft.lookup(kinds::CUSTOM_FIELD_OPTIONS, index::PARENT, &field.id)?;
    let fitting = called(rows.iter().filter(|row| is_active(row)), label);
    match fitting.as_slice() {
        [option] => Some(At::There(option)),
        [] if link.is_some() && desired.decided_policy("options") != Policy::Enforce => {
            Some(At::TakenAway)
        }
        [] => Some(At::ToBeMade),
        several => {
            let option = eldest(several)?;
            let ids: Vec<&str> = several.iter().map(|record| record.id.as_str()).collect();
            let message = format!(
                "{host}: the custom field {:?} has {} active choices {label:?} (ids {}); {} is \
                 used, since it is the oldest; archive the others in the ATS",
                desired.key,
                several.len(),
                ids.join(", "),
                option.id
            );
            if draft.plan.note(Reason::DoubledOption).is_none_or(|said| said.message != message) {
                draft.say(FindingKind::Note, host, Reason::DoubledOption, message);
            }
            Some(At::There(option))
        }
    }
}

/// The record that was made first: of two that are alike, every plan takes the same one.
fn eldest<'a>(several: &[&'a Arc<Record>]) -> Option<&'a Arc<Record>> {
    several.iter().copied().min_by_key(|record| (record.id.len(), record.id.as_str()))
}

/// Plans the field, then its choices.
pub(super) fn plan(draft: &mut Draft<'_, DesiredCustomField>) {
    let input = draft.input;
    let host = input.desired.path();
    // Part of what it is known by, and what blocks where it differs.
    for place in ["applies_to", "type"] {
        draft.account(&host, place);
    }
    let field = match find(draft, &host, input.desired, input.links) {
        Some(At::There(record)) => {
            if !is_ours(draft, &host, record, "it has the same key or name") {
                return;
            }
            update(draft, &host, record);
            Some(record)
        }
        Some(At::ToBeMade) => {
            create(draft, &host);
            None
        }
        Some(At::TakenAway) | None => return,
    };
    options(draft, &host, field.map(Arc::as_ref));
}

/// Links the record that was found, unless another desired record holds it. False when that blocked
/// the record or facts are missing.
pub(super) fn is_ours<D: Owned>(
    draft: &mut Draft<'_, D>,
    host: &str,
    record: &Record,
    reason: &str,
) -> bool {
    if draft.input.links.contains_key(host) {
        return true;
    }
    let remote = record.remote();
    let Some(others) = draft.linked_to(&remote) else { return false };
    if let Some(other) = others.iter().find(|other| other.as_str() != host) {
        let message = format!(
            "{host}: {remote} fits it and is linked to {other} already; make them one record"
        );
        draft.block(host, Reason::DuplicateDesired, message);
        return false;
    }
    let (host, reason) = (host.to_owned(), reason.to_owned());
    draft.plan.adoptions.push(Adoption { host, remote, applied: Map::new(), reason: Some(reason) });
    true
}

/// What a new field claims within a run: two records that are known by other keys must not make one
/// field twice.
pub(crate) fn name_claim(desired: &DesiredCustomField) -> Option<String> {
    desired.name.as_ref().map(|name| format!("{} {:?}", desired.applies_to, normal::label(name)))
}

fn create(draft: &mut Draft<'_, DesiredCustomField>, host: &str) {
    let desired = draft.input.desired;
    if let Some(other) = name_claim(desired)
        .and_then(|claim| draft.facts.claimed_by(&claim))
        .filter(|other| *other != host)
    {
        let message = format!(
            "{host}: {other} declares a new custom field of the same name; make them one record"
        );
        draft.block(host, Reason::DuplicateDesired, message);
        return;
    }
    let Some(rule) = draft.operation(host, "custom_fields.create") else {
        draft.block(
            host,
            Reason::NotSupported,
            format!("{host}: the adapter cannot make custom fields; make it in the ATS"),
        );
        return;
    };
    let mut step = step(rule, host, "the ATS has no custom field with this key or name".to_owned());
    let mut applied = Map::new();
    let members = [
        ("name", desired.name.as_ref().map(|name| json!(name))),
        ("private", desired.private.map(|private| json!(private))),
        (
            "description",
            desired.description.as_ref().filter(|text| !text.is_empty()).map(|text| json!(text)),
        ),
    ];
    for (member, value) in members {
        let Some(value) = value else { continue };
        step.fields.push(FieldChange {
            field: member.to_owned(),
            before: Value::Null,
            after: value.clone(),
        });
        applied.insert(member.to_owned(), value.clone());
        forms::wrote(&mut applied, member, &Value::Null, &value);
        step.input.insert(member.to_owned(), value);
    }
    for (member, value) in [("applies_to", &desired.applies_to), ("type", &desired.value_type)] {
        step.fields.push(FieldChange {
            field: member.to_owned(),
            before: Value::Null,
            after: json!(value),
        });
        step.input.insert(member.to_owned(), json!(value));
    }
    // Some ATSs make no choice field without choices, so they come along; the steps below make what
    // the ATS did not.
    let takes_options = rule.fields.iter().any(|field| field.name == "options");
    if let Some(labels) =
        desired.options.as_deref().filter(|labels| takes_options && !labels.is_empty())
    {
        let options: Vec<Value> = labels.iter().map(|label| json!({ "name": label })).collect();
        step.input.insert("options".to_owned(), Value::Array(options));
        step.fields.push(FieldChange {
            field: "options".to_owned(),
            before: Value::Null,
            after: json!(labels),
        });
    }
    if desired.description.as_deref() == Some("") {
        draft.account(host, "description");
    }
    step.makes.insert("subject".to_owned(), host.to_owned());
    step.applied.insert(host.to_owned(), applied);
    step.look_first = true;
    step.calls += 1;
    draft.plan.steps.push(step);
}

fn update(draft: &mut Draft<'_, DesiredCustomField>, host: &str, record: &Record) {
    let desired = draft.input.desired;
    let held = record.text("type.value").unwrap_or("unknown");
    if held != desired.value_type {
        let message = format!(
            "{host}: {} is of type {held}, not {}; a field's type cannot be changed: declare it \
             so, or under another key and name",
            record.remote(),
            desired.value_type
        );
        draft.block(host, Reason::InvalidValue, message);
        return;
    }
    let base = draft.input.links.get(host).map(|link| link.applied.clone()).unwrap_or_default();
    let wanted: Vec<(&str, Value)> = [
        ("name", desired.name.as_ref().map(|name| json!(name))),
        ("private", desired.private.map(|private| json!(private))),
        ("description", desired.description.as_ref().map(|text| json!(text))),
    ]
    .into_iter()
    .filter_map(|(field, value)| Some((field, value?)))
    .collect();
    let mut applied = base.clone();
    release(draft, host, &mut applied, |field| {
        field == EQUAL || field == SENT || wanted.iter().any(|(owned, _)| *owned == field)
    });
    let (mut fields, mut set) = (Vec::new(), Map::new());
    for (field, value) in wanted {
        if !record.knows(field) {
            not_shown(draft, host, field);
            continue;
        }
        let observed = record.value(field).cloned().unwrap_or(Value::Null);
        let comparison = compared(&observed, &value, base.get(field));
        let told = Values { desired: &value, applied: base.get(field), observed: &observed };
        let decision = draft.decide(host, field, comparison, &told);
        if follow(draft, host, field, decision, &observed, &value, &mut fields, &mut applied) {
            set.insert(field.to_owned(), value);
        }
    }
    if fields.is_empty() {
        rebase(draft, host, record, applied, &base);
        return;
    }
    let Some(rule) = draft.operation(host, "custom_fields.update") else { return };
    let mut step = step(rule, host, "its fields differ from what is desired".to_owned());
    step.target = Some(record.remote());
    step.input = set;
    step.fields = fields;
    step.applied.insert(host.to_owned(), applied);
    draft.plan.steps.push(step);
}

/// Texts and flags as they are compared: texts by the model's form, and what is missing is empty or
/// false.
fn compared(observed: &Value, desired: &Value, base: Option<&Value>) -> Comparison {
    let same = |one: &Value, other: &Value| match (one, other) {
        (Value::Bool(one), other) | (other, Value::Bool(one)) => {
            *one == other.as_bool().unwrap_or(false)
        }
        (one, other) => {
            is_same_text(one.as_str().unwrap_or_default(), other.as_str().unwrap_or_default())
        }
    };
    Comparison {
        observed_is_desired: same(observed, desired),
        observed_is_empty: same(observed, &Value::Null),
        has_base: base.is_some(),
        observed_is_base: base.is_some_and(|base| same(base, observed)),
        desired_is_base: base.is_some_and(|base| same(base, desired)),
    }
}

fn options(draft: &mut Draft<'_, DesiredCustomField>, host: &str, field: Option<&Record>) {
    let input = draft.input;
    let declared = input.desired.options.as_deref().unwrap_or_default();
    for (order, label) in declared.iter().enumerate() {
        let path = input.desired.option_path(label);
        match choice(draft, host, input.desired, input.links, field, label) {
            Some(At::There(option)) => option_there(draft, &path, label, option),
            Some(At::ToBeMade) => option_create(draft, host, &path, label, field, order),
            Some(At::TakenAway) => {
                let message = format!(
                    "{host}: the choice {label:?} was archived in the ATS; it stays archived \
                     (policy yield)"
                );
                draft.say(FindingKind::Drifted, &path, Reason::RemovedInAts, message);
                tell(draft, &path, label, Decision::Drifted, &Value::Null);
            }
            None => {}
        }
    }
    // What is no longer declared is nobody's from now on, and stays.
    let prefix = path::all_below(host, path::OPTIONS);
    let below =
        input.links.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix));
    // A path in a spelling of its own gives way to the one that all spellings share.
    let is_current =
        |path: &str| declared.iter().any(|label| input.desired.option_path(label) == path);
    let released: Vec<String> =
        below.filter(|(path, _)| !is_current(path)).map(|(path, _)| path.clone()).collect();
    let labels: Vec<&str> = released
        .iter()
        .filter_map(|path| path.strip_prefix(&prefix))
        .filter(|label| !input.desired.declares(label))
        .collect();
    if !labels.is_empty() {
        let message = format!(
            "{host}: no longer declared, so no longer managed, and left as they are in the ATS: \
             the choices {}",
            labels.join(", ")
        );
        draft.say(FindingKind::Note, host, Reason::Released, message);
    }
    draft.plan.releases.extend(released);
}

fn tell(
    draft: &mut Draft<'_, DesiredCustomField>,
    path: &str,
    label: &str,
    decision: Decision,
    observed: &Value,
) {
    draft.account(&draft.input.desired.path(), &account::item("options", label));
    let applied = draft.input.links.contains_key(path).then(|| json!(label));
    let told = Values { desired: &json!(label), applied: applied.as_ref(), observed };
    draft.tell(path, "options", decision, &told);
}

/// A choice that is there: linked, and called as it was declared where the host insists on that.
fn option_there(
    draft: &mut Draft<'_, DesiredCustomField>,
    path: &str,
    label: &str,
    option: &Record,
) {
    let named = option.text("name").unwrap_or_default();
    let observed = json!(named);
    if normal::is_option(named, label) {
        let remote = option.remote();
        if draft.input.links.get(path).is_none_or(|link| link.remote != remote) {
            let (host, reason) = (path.to_owned(), "the choice is there".to_owned());
            draft.plan.adoptions.push(Adoption {
                host,
                remote,
                applied: Map::new(),
                reason: Some(reason),
            });
        }
        tell(draft, path, label, Decision::InStep, &observed);
        return;
    }
    if draft.policy("options") != Policy::Enforce {
        let message = format!(
            "{path}: the choice is called {named:?} in the ATS by now; their name stands, and \
             values written as {label:?} mean it (policy yield)"
        );
        draft.say(FindingKind::Drifted, path, Reason::ChangedInAts, message);
        tell(draft, path, label, Decision::Drifted, &observed);
        return;
    }
    tell(draft, path, label, Decision::Write, &observed);
    let Some(rule) = draft.operation(path, "custom_field_options.update") else { return };
    let mut step = step(rule, path, "the choice is called otherwise in the ATS".to_owned());
    step.target = Some(RemoteRef::new(kinds::CUSTOM_FIELD_OPTIONS, &option.id));
    step.input.insert("name".to_owned(), json!(label));
    step.fields.push(FieldChange {
        field: "name".to_owned(),
        before: observed,
        after: json!(label),
    });
    draft.plan.steps.push(step);
}

fn option_create(
    draft: &mut Draft<'_, DesiredCustomField>,
    host: &str,
    path: &str,
    label: &str,
    field: Option<&Record>,
    order: usize,
) {
    tell(draft, path, label, Decision::Write, &Value::Null);
    let Some(rule) = draft.operation(path, "custom_field_options.create") else { return };
    let reason = match field {
        Some(_) => "the field has no such active choice",
        None => "the new field may have brought it along; it is made if not",
    };
    let mut step = step(rule, path, reason.to_owned());
    let id = match field {
        Some(field) => Value::String(field.id.clone()),
        None => {
            step.after.push(host.to_owned());
            // Where others have made choices the place among them is theirs.
            step.input.insert("order".to_owned(), json!(order));
            made(host)
        }
    };
    step.input.insert("custom_field".to_owned(), id);
    step.input.insert("name".to_owned(), json!(label));
    step.fields.push(FieldChange {
        field: "options".to_owned(),
        before: Value::Null,
        after: json!(label),
    });
    step.makes.insert("subject".to_owned(), path.to_owned());
    step.look_first = true;
    let before = &draft.plan.steps;
    let comes_along =
        before.iter().any(|before| before.host == host && before.input.contains_key("options"));
    // What comes along is found by the look.
    step.calls = if field.is_none() && comes_along { 1 } else { step.calls + 1 };
    if field.is_none() && !before.iter().any(|before| before.operation == step.operation) {
        // How long ago the field was made, which says how long a look may miss the choice, is read
        // once.
        step.calls += 1;
    }
    draft.plan.steps.push(step);
}
