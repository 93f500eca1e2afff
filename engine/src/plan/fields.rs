//! The fields that the table lists: their part of a creation, and their comparison in an update.
//! Pure.
//!
//! One comparison serves all kinds: texts by the model's form, flags by value, references by the id
//! of the record that they name. The field's policy decides about a difference
//! ([`super::ownership`]).
//!
//! An ATS that keeps a name as one text shows no parts ([`WHOLE_NAME`]). Each declared part is then
//! compared with its share of the whole.
//!
//! Left out: members with a form of their own, such as contacts ([`super::contacts`]) and custom
//! values ([`super::values`]); a kind adds those itself.

use super::field::{follow, is_same_text, not_shown};
use super::guard::Seen;
use super::item::{Item, member_at, text};
use super::ownership::Comparison;
use super::story::Values;
use super::{Draft, FieldChange, Owned, Record, equal, forms};
use atsync_model::declarable::{Field, Holds, Mode, VALUES_MEMBER, WHOLE_NAME};
use atsync_model::normal;
use serde_json::{Map, Value, json};

/// A creation in preparation.
#[derive(Debug, Default)]
pub(super) struct Creation {
    /// The operation's input.
    pub(super) input: Map<String, Value>,
    /// What it sets, field by field.
    pub(super) fields: Vec<FieldChange>,
    /// What is recorded as last applied once it is done.
    pub(super) applied: Map<String, Value>,
    /// The steps that must come first.
    pub(super) after: Vec<String>,
}

impl Creation {
    /// Sets a field of the new record. `shown`: its value as people read it.
    pub(super) fn set(&mut self, member: &str, value: Value, shown: Value) {
        put(&mut self.input, member, value);
        self.show(member, shown);
    }

    /// Shows the value of a field in the plan.
    pub(super) fn show(&mut self, member: &str, after: Value) {
        self.fields.push(FieldChange::new(member, Value::Null, after));
    }
}

/// An update in preparation.
#[derive(Debug, Default)]
pub(super) struct Update {
    /// The base, as it was recorded.
    pub(super) base: Map<String, Value>,
    /// What is recorded as last applied once it is done.
    pub(super) applied: Map<String, Value>,
    /// What it changes, field by field.
    pub(super) fields: Vec<FieldChange>,
    /// The values to set, as members of the operation's input.
    pub(super) set: Map<String, Value>,
    /// The values that the fields may show if no one else changed them.
    pub(super) seen: Seen,
}

/// A declared field.
struct Wanted<'m> {
    field: &'static Field,
    /// The value as it is compared and sent.
    value: Value,
    /// The value as people read it.
    shown: &'m str,
}

/// Iterates over the declared fields of the table.
fn wanted<'m>(item: &'m Item<'_>) -> impl Iterator<Item = Wanted<'m>> {
    item.of.fields.iter().filter_map(|field| {
        let (value, shown) = match field.value {
            Holds::Flag => (member_at(&item.members, field.place)?.clone(), ""),
            Holds::Reference(_) | Holds::Within(..) => {
                let record = item.named(field.place)?;
                (json!(record.id), record.label())
            }
            _ => {
                let text = text(&item.members, field.place)?;
                (json!(text), text)
            }
        };
        Some(Wanted { field, value, shown })
    })
}

/// Puts a value at a path of one or two parts.
fn put(object: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        Some((outer, inner)) => {
            let entry = object.entry(outer.to_owned()).or_insert_with(|| Value::Object(Map::new()));
            if let Some(entry) = entry.as_object_mut() {
                entry.insert(inner.to_owned(), value);
            }
        }
        None => {
            object.insert(path.to_owned(), value);
        }
    }
}

/// Whether the declaration names a member of a base. Members that identify the record, and those
/// that are no field, are always kept.
pub(super) fn owns(item: &Item<'_>, member: &str) -> bool {
    if let Some((VALUES_MEMBER, key)) = member.split_once('.') {
        return item.members.get(VALUES_MEMBER).and_then(|all| all.get(key)).is_some();
    }
    if let Some((list, entry)) = member.split_once('[') {
        let entry = entry.strip_suffix(']').unwrap_or(entry);
        let entries = item.members.get(list).and_then(Value::as_array);
        let mut entries = entries.into_iter().flatten().filter_map(Value::as_str);
        return entries.any(|held| normal::is_option(held, entry));
    }
    match item.of.fields.iter().find(|field| field.member == member) {
        Some(field) => !field.mode.is_kept() || member_at(&item.members, field.place).is_some(),
        None => {
            let is_written = item.of.other(member).is_some_and(|other| other.form.is_written());
            !is_written || item.members.contains_key(member)
        }
    }
}

/// Adds the fields of the table to a creation.
pub(super) fn make<D: Owned>(draft: &mut Draft<'_, D>, item: &Item<'_>, creation: &mut Creation) {
    for Wanted { field, value, shown } in wanted(item) {
        draft.account(&item.path, field.place);
        // A new record has the field empty by itself.
        if value.as_str() == Some("") {
            continue;
        }
        let (is_text, is_flag) = (field.value == Holds::Text, field.value == Holds::Flag);
        let values = if is_flag { value.clone() } else { json!(shown) };
        creation.applied.insert(field.member.to_owned(), value.clone());
        if field.mode == Mode::Kept && (is_text || is_flag) {
            forms::record_write(&mut creation.applied, field.member, &Value::Null, &value);
        }
        if field.value.is_usual(shown) || field.mode == Mode::Silent {
            put(&mut creation.input, field.member, value);
        } else {
            creation.set(field.member, value, values);
        }
    }
}

/// Returns the text in which a record shows a name without its parts; none where it shows parts, or
/// no name.
fn whole<'r>(record: &'r Record, field: &Field) -> Option<&'r str> {
    let (place, parts) = WHOLE_NAME;
    let beside = place.rsplit_once('.').map(|(above, _)| above);
    if field.shown.rsplit_once('.').map(|(above, _)| above) != beside {
        return None;
    }
    let is_shown = |part: &str| record.text(part).is_some_and(|text| !text.is_empty());
    let text = record.text(place).filter(|text| !text.is_empty());
    text.filter(|_| !parts.into_iter().any(is_shown))
}

/// Returns the share of a whole name that one part has, given the parts as they are desired or were
/// last applied: that part, where they make the whole; else the last name is what they say where
/// the whole ends with it, and the first one where the whole begins with it; else the whole.
fn part_of(whole: &str, part: &str, all: [Option<&str>; 2]) -> String {
    let [first, last] = all.map(|text| text.unwrap_or_default().trim());
    let is_first = WHOLE_NAME.1.first() == Some(&part);
    if is_same_text(format!("{first} {last}").trim(), whole) {
        return if is_first { first } else { last }.to_owned();
    }
    let is_apart = |rest: &&str| rest.is_empty() || rest.starts_with(' ') || rest.ends_with(' ');
    let before = whole.strip_suffix(last).filter(is_apart).filter(|_| !last.is_empty());
    let after = whole.strip_prefix(first).filter(is_apart).filter(|_| !first.is_empty());
    let share = match (before, after) {
        (Some(before), _) => {
            if is_first {
                before
            } else {
                last
            }
        }
        (None, Some(after)) => {
            if is_first {
                first
            } else {
                after
            }
        }
        (None, None) => whole,
    };
    share.trim().to_owned()
}

/// Returns what a record that shows a whole name has of a part of it; none for a member that is no
/// part.
fn shown_part(
    item: &Item<'_>,
    field: &Field,
    whole: &str,
    base: &Map<String, Value>,
) -> Option<Value> {
    let parts = WHOLE_NAME.1;
    let at = parts.iter().position(|part| *part == field.place)?;
    let desired = parts.map(|part| text(&item.members, part));
    let applied = parts.map(|part| base.get(part).and_then(Value::as_str));
    let made = |all: [Option<&str>; 2]| part_of(whole, field.place, all);
    let is_whole = |all: [Option<&str>; 2]| {
        all.get(at).copied().flatten().is_some_and(|own| is_same_text(own, &made(all)))
    };
    let all = if !is_whole(desired) && is_whole(applied) { applied } else { desired };
    let share = made(all);
    Some(if share.is_empty() { Value::Null } else { json!(share) })
}

/// Returns what a record shows of a field, null where it is empty. None where it does not show the
/// field, which is reported.
fn observed<D: Owned>(
    draft: &mut Draft<'_, D>,
    item: &Item<'_>,
    wanted: &Wanted<'_>,
    record: &Record,
    base: &Map<String, Value>,
) -> Option<Value> {
    let Wanted { field, value, .. } = wanted;
    let last = base.get(field.member);
    if !record.knows(field.shown) {
        let is_applied = last.is_some_and(|last| is_same(last, value));
        // A field shown under another name is not in the adapter's list of fields.
        if field.shown != field.place
            || draft.is_shown(&item.path, item.of.kind, field.place, is_applied)
        {
            not_shown(draft, &item.path, field.member);
        }
        draft.account(&item.path, field.place);
        return None;
    }
    if let Some(whole) = whole(record, field) {
        let shown = shown_part(item, field, whole, base);
        if shown.is_none() {
            not_shown(draft, &item.path, field.member);
            draft.account(&item.path, field.place);
        }
        return shown;
    }
    if field.value != Holds::Flag {
        let text = record.text(field.shown).unwrap_or_default();
        return Some(if text.is_empty() { Value::Null } else { json!(text) });
    }
    match record.value(field.shown).and_then(Value::as_bool) {
        Some(flag) => Some(json!(flag)),
        // Known, and not set: false.
        None if !field.shown.contains('.') => Some(json!(false)),
        None => {
            not_shown(draft, &item.path, field.member);
            None
        }
    }
}

/// Whether two values of a field are the same: a missing one is empty, or false.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Bool(one), other) | (other, Value::Bool(one)) => {
            *one == other.as_bool().unwrap_or(false)
        }
        (one, other) => {
            is_same_text(one.as_str().unwrap_or_default(), other.as_str().unwrap_or_default())
        }
    }
}

/// Adds the kept fields of the table to an update.
pub(super) fn change<D: Owned>(
    draft: &mut Draft<'_, D>,
    item: &Item<'_>,
    record: &Record,
    update: &mut Update,
) {
    for wanted in wanted(item).filter(|wanted| wanted.field.mode.is_kept()) {
        let member = wanted.field.member;
        let last = update.base.get(member).cloned();
        let Some(before) = observed(draft, item, &wanted, record, &update.base) else { continue };
        let value = wanted.value;
        let is_same = |one: &Value, other: &Value| match wanted.field.value.named() {
            Some(_) => one == other,
            None => is_same(one, other),
        };
        let comparison = Comparison {
            observed_is_desired: is_same(&before, &value),
            // Every record begins with a flag unset: nobody has decided yet.
            observed_is_empty: is_same(&before, &Value::Null),
            has_base: last.is_some(),
            observed_is_base: last.as_ref().is_some_and(|last| {
                is_same(last, &before) || equal::holds(&update.base, member, &before, last)
            }),
            desired_is_base: last.as_ref().is_some_and(|last| is_same(last, &value)),
        };
        let values = Values { desired: &value, applied: last.as_ref(), observed: &before };
        let decision = draft.decide(&item.path, member, comparison, &values);
        let Update { fields, applied, .. } = update;
        if follow(draft, &item.path, member, decision, &before, &value, fields, applied) {
            put(&mut update.set, member, value);
        }
    }
}

/// Notes the values that the changed fields of the table may show if no one else changed them.
pub(super) fn guard<D: Owned>(draft: &Draft<'_, D>, item: &Item<'_>, update: &mut Update) {
    let kept: Vec<&str> = item.of.kept().map(|field| field.member).collect();
    update.seen.changes(draft, &update.base, &update.fields, &kept);
}

#[cfg(test)]
mod tests {
    use super::part_of;

    #[test]
    fn a_part_of_a_whole_name_is_what_the_other_one_leaves() {
        let of = |whole: &str, part: &str, first: &str, last: &str| {
            part_of(whole, part, [Some(first), Some(last)])
        };
        assert_eq!(of("Ada Lovelace", "name.first", "Ada", "Lovelace"), "Ada");
        assert_eq!(of("Ada Lovelace", "name.last", "Ada", "Lovelace"), "Lovelace");
        assert_eq!(of("Ada King", "name.last", "Ada", "Lovelace"), "King");
        assert_eq!(of("Ada King", "name.first", "Ada", "Lovelace"), "Ada");
        assert_eq!(of("Augusta Ada King", "name.first", "Ada", "King"), "Augusta Ada");
        assert_eq!(of("Augusta Ada King", "name.last", "Ada", "King"), "King");
        assert_eq!(of("Adam King", "name.last", "Ada", "Lovelace"), "Adam King");
        assert_eq!(of("Lovelace", "name.first", "Ada", "Lovelace"), "");
        assert_eq!(part_of("Ada Lovelace", "name.last", [None, Some("Lovelace")]), "Lovelace");
        assert_eq!(part_of("Ada Lovelace", "name.first", [Some("Ada"), None]), "Ada");
    }
}
