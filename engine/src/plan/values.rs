//! Custom values of a candidate or an application: their part of a creation or an update. Pure.
//!
//! [`super::custom`] resolves which field a key names and how a value is written; the policy
//! decides about a difference ([`super::ownership`]). Where an ATS replaces the whole set of values
//! at once, the plan also says which values of others the update may lose, and tells the adapter
//! which ones it may leave out and which ones it must see first ([`Others`]).
//!
//! Left out: the definitions of the fields ([`super::definition`]).

use super::field::follow;
use super::fields::{Creation, Update};
use super::item::Item;
use super::ownership::Comparison;
use super::story::Values;
use super::{Draft, FindingKind, Owned, Record, custom, equal, forms, lists, observed_custom};
use crate::index;
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use atsync_model::declarable::{CUSTOM_VALUES, VALUES_MEMBER};
use atsync_model::desired::DesiredUser;
use atsync_model::manifest::{FieldMode, FieldRule, OperationRule};
use atsync_model::normal;
use serde_json::{Map, Value};
use std::sync::Arc;

/// The custom values of one step.
#[derive(Debug, Default)]
pub(super) struct Customs {
    inputs: Vec<Value>,
    after: Vec<String>,
}

impl Customs {
    /// Adds the values to a step's input, and the steps that create their fields, options and users
    /// to `after`.
    pub(super) fn join(self, input: &mut Map<String, Value>, after: &mut Vec<String>) {
        if !self.inputs.is_empty() {
            input.insert(VALUES_MEMBER.to_owned(), Value::Array(self.inputs));
        }
        after.extend(self.after);
    }

    fn push(&mut self, resolved: custom::Resolved) {
        self.inputs.push(resolved.input);
        for place in resolved.after {
            if !self.after.contains(&place) {
                self.after.push(place);
            }
        }
    }
}

/// Iterates over the custom values of an item; none where its kind has no custom values.
fn declared<'m>(item: &'m Item<'_>) -> impl Iterator<Item = (&'m String, &'m Value)> {
    let has_some = item.of.values().is_some();
    let values = item.members.get(VALUES_MEMBER).and_then(Value::as_object);
    values.filter(|_| has_some).into_iter().flatten()
}

/// Reports the custom values that an adapter without custom fields cannot write. Returns whether
/// it has none.
fn has_no_fields<D: Owned>(draft: &mut Draft<'_, D>, item: &Item<'_>) -> bool {
    if draft.input.manifest.kind(CUSTOM_VALUES.field).is_some() {
        return false;
    }
    let keys: Vec<&str> = declared(item).map(|(key, _)| key.as_str()).collect();
    if !keys.is_empty() {
        let what = format!("`{VALUES_MEMBER}` ({})", keys.join(", "));
        lists::report_unread(draft, &item.path, &what);
    }
    for key in keys {
        draft.account(&item.path, &format!("{VALUES_MEMBER}.{key}"));
    }
    true
}

/// Adds the custom values to a creation.
pub(super) fn make<D: Owned>(draft: &mut Draft<'_, D>, item: &Item<'_>, creation: &mut Creation) {
    if has_no_fields(draft, item) {
        return;
    }
    let mut customs = Customs::default();
    for (key, value) in declared(item) {
        let Some(resolved) = draft.custom(&item.path, item.of.noun, key, value) else { continue };
        let place = format!("{VALUES_MEMBER}.{key}");
        if resolved.plain.is_null() {
            // A new record has the value empty by itself.
            draft.account(&item.path, &place);
            continue;
        }
        creation.show(&place, resolved.plain.clone());
        creation.applied.insert(place.clone(), resolved.plain.clone());
        forms::record_write(&mut creation.applied, &place, &Value::Null, &resolved.plain);
        customs.push(resolved);
    }
    customs.join(&mut creation.input, &mut creation.after);
}

/// Compares the custom values of a record. Returns those to write; the update gets their base.
pub(super) fn change<D: Owned>(
    draft: &mut Draft<'_, D>,
    item: &Item<'_>,
    record: &Record,
    update: &mut Update,
) -> Customs {
    let mut customs = Customs::default();
    if has_no_fields(draft, item) {
        return customs;
    }
    for (key, value) in declared(item) {
        change_one(draft, &item.path, item.of.noun, (key, value), record, update, &mut customs);
    }
    customs
}

fn change_one<D: Owned>(
    draft: &mut Draft<'_, D>,
    path: &str,
    applies_to: &str,
    (key, value): (&str, &Value),
    record: &Record,
    update: &mut Update,
    customs: &mut Customs,
) {
    let Some(resolved) = draft.custom(path, applies_to, key, value) else { return };
    let place = format!("{VALUES_MEMBER}.{key}");
    let kind = resolved.kind.clone();
    if resolved.key.as_deref().is_some_and(|key| observed_custom::is_unreadable(record, key)) {
        let message = format!(
            "{path}: the ATS holds a value of `{place}` that could not be read, so it cannot be \
             compared and is not written"
        );
        draft.report(FindingKind::Note, path, Reason::Unreadable, message);
        draft.account(path, &place);
        return;
    }
    let (held, observed) = match &resolved.key {
        Some(key) => (
            observed_custom::observed_value(record, key),
            observed_custom::observed_plain(record, key, &kind),
        ),
        None => (&Value::Null, Value::Null),
    };
    let Update { applied, fields, seen, .. } = update;
    let base = applied.get(&place).cloned();
    if !record.knows(VALUES_MEMBER) {
        let is_applied =
            base.as_ref().is_some_and(|base| normal::same(&kind, base, &resolved.plain));
        if !draft.is_shown(path, &record.kind, &place, is_applied) {
            return;
        }
    }
    // The same comparison as in the adapter: the value as read and the value as written.
    let wanted = resolved.input.get("value").unwrap_or(&Value::Null);
    let comparison = Comparison {
        observed_is_desired: normal::same(&kind, held, wanted),
        observed_is_empty: normal::custom(&kind, held) == normal::Custom::Empty,
        has_base: base.is_some(),
        observed_is_base: base.as_ref().is_some_and(|base| {
            normal::same(&kind, base, held) || equal::holds(applied, &place, &observed, base)
        }),
        desired_is_base: base.as_ref().is_some_and(|base| normal::same(&kind, base, wanted)),
    };
    let compared = Values { desired: &resolved.plain, applied: base.as_ref(), observed: &observed };
    let decision = draft.decide(path, &place, comparison, &compared);
    if follow(draft, path, &place, decision, &observed, &resolved.plain, fields, applied) {
        if let Some(key) = resolved.key.as_deref() {
            let may_show = [Some(held.clone()), base, Some(wanted.clone())];
            let field = format!("{VALUES_MEMBER}.{key}");
            seen.field(draft, (&place, &field), may_show.into_iter().flatten());
        }
        customs.push(resolved);
    }
}

/// The values of others, by path, in an update that replaces the whole set.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// The values that the plan reported as possibly lost, should the ATS refuse them.
    may_leave_out: Vec<String>,
    /// The custom values that the plan saw: a read that lacks one of them does not show that it was
    /// cleared.
    must_show: Vec<String>,
}

impl Others {
    /// Adds those of another list.
    pub(super) fn extend(&mut self, other: Self) {
        self.may_leave_out.extend(other.may_leave_out);
        self.must_show.extend(other.must_show);
    }

    /// Adds the paths to a step's input, where the adapter takes them.
    pub(super) fn join(self, rule: &OperationRule, input: &mut Map<String, Value>) {
        for (member, paths) in [(MAY_LEAVE_OUT, self.may_leave_out), (MUST_SHOW, self.must_show)] {
            if !paths.is_empty() && rule.field(member).is_some() {
                input.insert(member.to_owned(), paths.into());
            }
        }
    }
}

/// Reports which values an update may lose: one that replaces the whole set cannot send back what
/// the acting user does not see.
pub(super) fn unseen<D: Owned>(
    draft: &mut Draft<'_, D>,
    item: &Item<'_>,
    rule: &OperationRule,
    record: &Record,
    customs: &Customs,
) -> Others {
    let (path, applies_to) = (item.path.as_str(), item.of.noun);
    let field = rule.field(VALUES_MEMBER).filter(|_| !customs.inputs.is_empty());
    let Some(field) = field.filter(|field| field.mode == FieldMode::ReplaceAll) else {
        return Others::default();
    };
    let others = foreign_customs(draft, path, applies_to, field, record, customs);
    let Some(private) = draft.lookup(CUSTOM_VALUES.field, index::PRIVATE, applies_to) else {
        return others;
    };
    let shown = record.body.get(VALUES_MEMBER);
    let unseen: Vec<&str> = private
        .iter()
        .filter(|field| field.is_active())
        .filter_map(|field| field.text("key"))
        .filter(|key| shown.and_then(|shown| shown.get(*key)).is_none())
        .collect();
    if !unseen.is_empty() {
        let message = format!(
            "{path}: private custom fields that show no value ({}) may hold one that the acting \
             user does not see; where the ATS replaces all custom values at once, this update \
             removes it",
            unseen.join(", ")
        );
        draft.report(FindingKind::Note, path, Reason::UnseenValues, message);
    }
    others
}

/// The member of a record that lists values in a form that no new value can have.
const ODD_FORMS: &str = "odd_forms";
/// The member of an input that lists the values of others that may be left out.
const MAY_LEAVE_OUT: &str = "may_leave_out";
/// The member of an input that lists the values of others that the plan saw.
const MUST_SHOW: &str = "must_show";

/// Returns why the value at a path has a form that no new value can have.
fn odd_form<'r>(record: &'r Record, place: &str) -> Option<&'r str> {
    record.body.get(ODD_FORMS)?.get(place)?.as_str()
}

/// Reports what others may lose where an update sends contact lists back as a whole; the adapter
/// may change those.
pub(super) fn foreign_contacts(
    draft: &mut Draft<'_>,
    path: &str,
    rule: &OperationRule,
    record: &Record,
    lists: &[&str],
) -> Others {
    let is_whole =
        |list: &&&str| rule.field(list).is_some_and(|field| field.mode == FieldMode::ReplaceAll);
    let mut named = Vec::new();
    for list in lists.iter().filter(is_whole) {
        let Some(why) = odd_form(record, list) else { continue };
        let message = format!(
            "{path}: entries of others in `{list}` go back as they were read: {why}; if the ATS \
             refuses them, they lose the type and members that a new entry cannot have, and an \
             entry without a value is left out"
        );
        draft.report(FindingKind::Note, path, Reason::ForeignValues, message);
        named.push((*list).to_owned());
    }
    Others { may_leave_out: named, ..Others::default() }
}

/// Reports what an update does to values that others stored in a form that no new value can have.
///
/// They go back as they were read; where the ATS merges they are left out and stay. A type without
/// a written form blocks the host's values, unless the connection says that the ATS merges. The
/// adapter lists odd forms while it reads (`odd_forms`); archived fields and options, and users
/// whom the ATS does not show, are looked up here, since no single record shows them.
fn foreign_customs<D: Owned>(
    draft: &mut Draft<'_, D>,
    path: &str,
    applies_to: &str,
    field: &FieldRule,
    record: &Record,
    customs: &Customs,
) -> Others {
    let mut others = Others::default();
    let Some(values) = record.body.get(VALUES_MEMBER).and_then(Value::as_object) else {
        return others;
    };
    let merges = field.merged_when.as_ref().is_some_and(|when| {
        draft.input.settings.get(&when.setting).unwrap_or(&Value::Null) == &when.value
    });
    let is_written = |key: &str| {
        customs.inputs.iter().any(|input| input.get("key").and_then(Value::as_str) == Some(key))
    };
    let (mut odd, mut unwritable) = (Vec::new(), Vec::new());
    for (key, held) in values.iter().filter(|(key, _)| !is_written(key)) {
        let kind = held.get("type").and_then(Value::as_str).unwrap_or("unknown");
        let value = held.get("value").unwrap_or(&Value::Null);
        let place = format!("{VALUES_MEMBER}.{key}");
        let odd_form = odd_form(record, &place);
        if normal::custom(kind, value) == normal::Custom::Empty && odd_form.is_none() {
            continue;
        }
        if field.unwritable.iter().any(|unwritable| unwritable == kind) {
            unwritable.push(format!("{key} (a {kind})"));
            continue;
        }
        let Some(definitions) = draft.lookup(CUSTOM_VALUES.field, index::KEY, key) else {
            continue;
        };
        let of_kind = |row: &&Arc<Record>| row.text("applies_to.value") == Some(applies_to);
        let mut definitions = definitions.iter().filter(of_kind).peekable();
        let first = definitions.peek().map(|row| row.id.clone());
        let is_archived = definitions.peek().is_some() && definitions.all(|row| !row.is_active());
        if !is_archived && !merges {
            // An archived field may stop showing without a change of the record; the note below
            // covers its value.
            others.must_show.push(place.clone());
        }
        let why = match (is_archived, odd_form, first.filter(|_| !merges)) {
            (true, ..) => Some("an archived field".to_owned()),
            (_, Some(why), _) => Some(why.to_owned()),
            (_, None, Some(_)) if kind == "user" => unknown_user(draft, value),
            (_, None, Some(id)) => odd_option(draft, &id, kind, value).map(str::to_owned),
            (_, None, None) => None,
        };
        if let Some(why) = why {
            odd.push(format!("{key} ({why})"));
            if !merges {
                others.may_leave_out.push(place);
            }
        }
    }
    let setting = field.merged_when.as_ref().map_or_else(String::new, |when| {
        format!("; the setting `{} = {}` says that it does not", when.setting, when.value)
    });
    if !odd.is_empty() {
        let odd = odd.join(", ");
        let message = if merges {
            format!(
                "{path}: values of others are left out of this update and stay as they are: {odd}"
            )
        } else {
            format!(
                "{path}: values of others go back as they were read: {odd}; if the ATS refuses \
                 them they are left out, and lost where it replaces all values at once{setting}"
            )
        };
        draft.report(FindingKind::Note, path, Reason::ForeignValues, message);
    }
    if !unwritable.is_empty() && !merges {
        let message = format!(
            "{path}: values of others have no form in which the ATS takes them back: {}; custom \
             values are not written, since an ATS that replaces all of them at once would lose \
             those{setting}",
            unwritable.join(", ")
        );
        draft.report(FindingKind::Note, path, Reason::ForeignValues, message);
    }
    others
}

/// Returns why a stored user could not be a new value: the ATS does not show the user. None when it
/// does, and while facts are missing.
fn unknown_user<D: Owned>(draft: &mut Draft<'_, D>, value: &Value) -> Option<String> {
    draft.input.manifest.kind(DesiredUser::KIND)?;
    let id = value.get("id").and_then(Value::as_str)?;
    let user = draft.observed(&RemoteRef::new(DesiredUser::KIND, id))?;
    user.is_none().then(|| "a user that the ATS does not show".to_owned())
}

/// Returns why a stored option could not be a new value: its label names no single active option.
/// None when it does, and while facts are missing.
fn odd_option<D: Owned>(
    draft: &mut Draft<'_, D>,
    field: &str,
    kind: &str,
    value: &Value,
) -> Option<&'static str> {
    let held: Vec<&Value> = match (kind, value) {
        ("multi", Value::Array(all)) => all.iter().collect(),
        ("single" | "multi", one) => vec![one],
        _ => return None,
    };
    let by_label = |value: &&Value| value.get("id").is_none_or(Value::is_null);
    let labels = held
        .into_iter()
        .filter(by_label)
        .filter_map(|value| value.get("label").unwrap_or(value).as_str());
    let labels: Vec<&str> = labels.collect();
    if labels.is_empty() {
        return None;
    }
    let options = draft.lookup(CUSTOM_VALUES.option, index::PARENT, field)?;
    let called = |label: &str, only_active: bool| {
        let fits = |option: &&Arc<Record>| {
            option.text("name") == Some(label) && (!only_active || option.is_active())
        };
        options.iter().filter(fits).count()
    };
    labels.into_iter().find_map(|label| match (called(label, true), called(label, false)) {
        (1, _) => None,
        (0, 0) => Some("its value is no option of the field"),
        (0, 1) => Some("its value is an archived option"),
        _ => Some("several options have the label of its value"),
    })
}
