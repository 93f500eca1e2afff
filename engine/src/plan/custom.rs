//! Custom values, resolved against the definitions of their fields. Pure.
//!
//! The host writes plain values: a text, a number, an option by its label, money as `{"amount",
//! "currency"}`. The definition gives the type of the value and the option that a label names. An
//! ATS may read and write a value in different forms (labels are read, ids written), so both sides
//! are brought to one form before they are compared.
//!
//! A value that does not fit its type, or names no single option or user, blocks the record.

use super::defined;
use super::facts::ids;
use super::found::Found;
use super::{Declared, Draft, Owned, Record, made, made_member, users};
use crate::index;
use crate::reason::Reason;
use atsync_model::declarable::CUSTOM_VALUES;
use atsync_model::desired::{Desired, DesiredCustomField};
use atsync_model::normal;
use serde_json::{Map, Number, Value, json};
use std::sync::Arc;

/// Most options listed in a message.
const OPTIONS_SHOWN: usize = 20;

/// A desired value, resolved against its definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The member for an operation's input: `{"key", "id", "type", "value"}`.
    pub input: Value,
    /// The value in the form that is compared; null for empty. An option or a user still to be
    /// created is a placeholder.
    pub plain: Value,
    /// The key of the field in the ATS; none while the field is to be created.
    pub key: Option<String>,
    /// The type.
    pub kind: String,
    /// The paths of the steps that create the field, its options and users.
    pub after: Vec<String>,
}

/// The field of a value.
struct Field<'a> {
    /// Its record; none while it is to be created.
    record: Option<&'a Arc<Record>>,
    /// Its declaration, if it has one.
    declared: Option<(&'a DesiredCustomField, &'a Declared)>,
    kind: &'a str,
}

/// One option, or one user.
struct Named {
    written: Value,
    plain: Value,
    after: Option<String>,
}

/// Brings a declared value into the form of its type. None where it does not fit.
fn in_form(kind: &str, value: &Value) -> Option<Value> {
    if value.is_null() {
        return Some(Value::Null);
    }
    let in_form = match kind {
        "text" | "long_text" => Value::String(value.as_str()?.to_owned()),
        "url" if value.as_str()?.is_empty() => Value::String(String::new()),
        "url" if normal::link_fault(value.as_str()?).is_some() => return None,
        "url" => Value::String(value.as_str()?.to_owned()),
        "date" if value.as_str()?.trim().is_empty() => Value::Null,
        "date" => Value::String(normal::date(value.as_str()?)?),
        "date_time" => {
            normal::date_time(value.as_str()?)?;
            Value::String(value.as_str()?.trim().to_owned())
        }
        "boolean" => Value::Bool(value.as_bool()?),
        "number" => match value {
            Value::Number(number) => Value::Number(number.clone()),
            Value::String(text) => Value::Number(text.trim().parse::<Number>().ok()?),
            _ => return None,
        },
        "single" => Value::String(value.as_str()?.to_owned()),
        "multi" => {
            let labels: Option<Vec<&str>> = match value {
                Value::String(one) => Some(vec![one.as_str()]),
                Value::Array(list) => list.iter().map(Value::as_str).collect(),
                _ => None,
            };
            let mut labels = labels?;
            labels.sort_unstable_by_key(|label| (normal::label(label), *label));
            labels.dedup_by(|one, other| normal::is_option(one, other));
            json!(labels)
        }
        "money" => members(value, &["amount", "currency"])?,
        "money_range" => members(value, &["min", "max", "currency"])?,
        "range" => members(value, &["min", "max"])?,
        "user" if value.as_str().is_some_and(|text| text.trim().is_empty()) => Value::Null,
        "user" => match value {
            Value::String(id) => Value::String(id.trim().to_owned()),
            Value::Object(object) => Value::String(object.get("id")?.as_str()?.to_owned()),
            _ => return None,
        },
        _ => return None,
    };
    Some(in_form)
}

fn members(value: &Value, names: &[&str]) -> Option<Value> {
    let object = value.as_object()?;
    // All members null is no value, as in the ATS.
    if !object.is_empty() && object.values().all(Value::is_null) {
        return object.keys().all(|key| names.contains(&key.as_str())).then_some(Value::Null);
    }
    if object.keys().any(|key| !names.contains(&key.as_str())) {
        return None;
    }
    let mut in_form = Map::new();
    for name in names {
        let member = object.get(*name)?;
        let fits = match *name {
            "currency" => member.as_str().is_some_and(|code| !code.trim().is_empty()),
            _ => normal::number(member).is_some(),
        };
        if !fits {
            return None;
        }
        in_form.insert((*name).to_owned(), member.clone());
    }
    Some(Value::Object(in_form))
}

/// Returns how the host writes a value of this type.
fn expected(kind: &str) -> &'static str {
    match kind {
        "text" | "long_text" => "a text",
        "url" => "a web address as text, without blanks",
        "date" => "a date as text, 2026-11-24",
        "date_time" => "a time as text, 2026-11-24T10:00:00Z",
        "boolean" => "true or false",
        "number" => "a number",
        "single" => "the label of one option",
        "multi" => "a list of labels",
        "money" => "{\"amount\": a number, \"currency\": its code}, or null",
        "money_range" => "{\"min\": a number, \"max\": a number, \"currency\": its code}, or null",
        "range" => "{\"min\": a number, \"max\": a number}, or null",
        "user" => "a user's e-mail address or id as text",
        _ => "nothing: fields of this type cannot be written",
    }
}

impl<'a, D: Owned> Draft<'a, D> {
    /// Finds the field that records of `applies_to` name by this key: the declared one, else one of
    /// the ATS. Blocks the record where there is none or several.
    fn field(&mut self, path: &str, applies_to: &str, key: &str) -> Option<Field<'a>> {
        let maker = DesiredCustomField::path_of(applies_to, key);
        let declared =
            self.declared(&maker)?.map(|declared| (&declared.desired, declared.as_ref()));
        let Some((Desired::CustomField(desired), declared)) = declared else {
            let record = self.definition(path, applies_to, key)?;
            return Some(Field { record: Some(record), declared: None, kind: kind_of(record) });
        };
        let declared_as = Some((desired, declared));
        match defined::find(self, path, desired, &declared.links)? {
            Found::Existing(record) => {
                Some(Field { record: Some(record), declared: declared_as, kind: kind_of(record) })
            }
            Found::Missing if declared.managed => {
                Some(Field { record: None, declared: declared_as, kind: &desired.value_type })
            }
            Found::Missing | Found::Removed => {
                let message = format!(
                    "{path}: custom_fields.{key} is declared and not created yet, and {maker} is \
                     paused or only observed; resume it with `Connection::resume`"
                );
                self.block(path, Reason::UnknownReference, message);
                None
            }
        }
    }

    /// Finds the definition in the ATS.
    fn definition(&mut self, path: &str, applies_to: &str, key: &str) -> Option<&'a Arc<Record>> {
        let found = self.lookup(CUSTOM_VALUES.field, index::KEY, key)?;
        let applies = |record: &&Arc<Record>| record.text("applies_to.value") == Some(applies_to);
        let mut active = defined::with_label(
            found.iter().filter(applies).filter(|field| field.is_active()),
            "key",
            key,
        );
        if active.is_empty() && !found.iter().any(|record| applies(&record)) {
            // The keys of some ATSs are ids, and people know a field by its name.
            let named = self.lookup(CUSTOM_VALUES.field, index::NAME, key)?;
            active = defined::with_label(
                named.iter().filter(applies).filter(|field| field.is_active()),
                "name",
                key,
            );
        }
        match active.as_slice() {
            [record] => Some(record),
            [_, _, ..] => {
                self.block(
                    path,
                    Reason::AmbiguousReference,
                    format!("{path}: several custom fields have the key or the name {key:?}"),
                );
                None
            }
            [] => {
                let archived = defined::with_label(found.iter().filter(applies), "key", key);
                if let Some(record) = archived.first() {
                    let message = format!(
                        "{path}: there is no active custom field with the key {key:?} for a \
                         {applies_to}: the one of that key (id {}) is archived in the ATS; restore \
                         it there, or remove it from the record",
                        record.id
                    );
                    self.block(path, Reason::UnknownReference, message);
                    return None;
                }
                let elsewhere = defined::with_label(found.iter(), "key", key);
                let elsewhere = elsewhere.iter().find_map(|record| record.text("applies_to.value"));
                let suggestion = match elsewhere {
                    Some(other) => format!(" (a field of a {other} has it)"),
                    None => self.suggestion(CUSTOM_VALUES.field, key),
                };
                let message = format!(
                    "{path}: there is no active custom field with the key {key:?} for a \
                     {applies_to}{suggestion}; declare it, create it in the ATS, or remove it from \
                     the record"
                );
                self.block(path, Reason::UnknownReference, message);
                None
            }
        }
    }

    /// Resolves one desired value. None while facts are missing or after it blocked the record.
    pub(super) fn custom(
        &mut self,
        path: &str,
        applies_to: &str,
        key: &str,
        value: &Value,
    ) -> Option<Resolved> {
        let field = self.field(path, applies_to, key)?;
        let kind = field.kind;
        let Some(mut plain) = in_form(kind, value) else {
            let message = format!(
                "{path}: custom_fields.{key} is of type {kind} and takes {}",
                expected(kind)
            );
            self.block(path, Reason::InvalidValue, message);
            return None;
        };
        let mut after = Vec::new();
        let mut written = plain.clone();
        match (kind, &plain) {
            (_, Value::Null) => {}
            ("single", Value::String(label)) => {
                let named = self.option(path, &field, key, label)?;
                after.extend(named.after);
                (written, plain) = (named.written, named.plain);
            }
            ("multi", Value::Array(labels)) => {
                let labels = labels.iter().filter_map(Value::as_str);
                let named: Option<Vec<Named>> =
                    labels.map(|label| self.option(path, &field, key, label)).collect();
                let mut named = named?;
                named.sort_by(|one, other| one.plain.as_str().cmp(&other.plain.as_str()));
                plain = named.iter().map(|named| named.plain.clone()).collect();
                after.extend(named.iter_mut().filter_map(|named| named.after.take()));
                written = named.into_iter().map(|named| named.written).collect();
            }
            ("user", Value::String(text)) if text.contains('@') => {
                let (id, maker) = users::named(self, path, text)?;
                after.extend(maker);
                written = json!({ "id": id });
                if id.is_string() {
                    plain = id;
                }
            }
            ("user", Value::String(id)) => {
                users::known(self, path, &format!("custom_fields.{key}"), id)?;
                written = json!({ "id": id });
            }
            _ => {}
        }
        let (name, id) = match field.record {
            Some(record) => (json!(record.text("key").unwrap_or(key)), json!(record.id)),
            None => {
                let maker = DesiredCustomField::path_of(applies_to, key);
                let placeholders = (made_member(&maker, "key"), made(&maker));
                after.insert(0, maker);
                placeholders
            }
        };
        let input = json!({ "key": name, "id": id, "type": kind, "value": written });
        Some(Resolved {
            input,
            plain,
            key: name.as_str().map(str::to_owned),
            kind: kind.to_owned(),
            after,
        })
    }

    fn option(&mut self, path: &str, field: &Field<'a>, key: &str, label: &str) -> Option<Named> {
        let named = |option: &Record| {
            let label = option.text("name").unwrap_or(label);
            Named {
                written: json!({ "id": option.id, "label": label }),
                plain: json!(label),
                after: None,
            }
        };
        let record = field.record.map(Arc::as_ref);
        let spelt = field.declared.and_then(|(desired, _)| desired.spelling(label));
        if let (Some((desired, declared)), Some(label)) = (field.declared, spelt) {
            match defined::find_option(self, path, desired, &declared.links, record, label)? {
                Found::Existing(option) => return Some(named(option)),
                Found::Missing if declared.managed => {
                    let maker = desired.option_path(label);
                    let written = json!({ "id": made(&maker), "label": label });
                    return Some(Named { written, plain: json!(label), after: Some(maker) });
                }
                Found::Missing | Found::Removed => {}
            }
        }
        let options = match record {
            Some(record) => self.lookup(CUSTOM_VALUES.option, index::PARENT, &record.id)?,
            None => &[],
        };
        let active: Vec<&Arc<Record>> =
            options.iter().filter(|option| option.is_active()).collect();
        let fitting = defined::called(active.iter().copied(), label);
        match fitting.as_slice() {
            [option] => Some(named(option)),
            [] => {
                let mut labels: Vec<&str> =
                    active.iter().filter_map(|option| option.text("name")).collect();
                if let (None, Some((desired, _))) = (record, field.declared) {
                    labels.extend(desired.options.iter().flatten().map(String::as_str));
                }
                labels.truncate(OPTIONS_SHOWN);
                let is_archived = !defined::called(options.iter(), label).is_empty();
                let archived = if is_archived {
                    format!("; {label:?} is archived in the ATS")
                } else {
                    String::new()
                };
                let message = format!(
                    "{path}: custom_fields.{key} has no active option {label:?}; the options are: \
                     {}{archived}; name one of them, or declare the option",
                    labels.join(", ")
                );
                self.block(path, Reason::UnknownReference, message);
                None
            }
            _ => {
                let message = format!(
                    "{path}: custom_fields.{key} has {} active options {label:?} (ids {}); rename \
                     one of them in the ATS",
                    fitting.len(),
                    ids(&fitting)
                );
                self.block(path, Reason::AmbiguousReference, message);
                None
            }
        }
    }
}

/// Returns the type of a field.
fn kind_of(record: &Record) -> &str {
    record.text("type.value").unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::in_form;
    use serde_json::{Value, json};

    #[test]
    fn a_value_must_have_the_shape_of_its_type() {
        assert_eq!(in_form("boolean", &json!("yes")), None);
        assert_eq!(in_form("multi", &json!(["b", "a", "b"])), Some(json!(["a", "b"])));
        assert_eq!(in_form("money", &json!({ "amount": 5 })), None);
        let money = |amount: Value, currency: Value| {
            in_form("money", &json!({ "amount": amount, "currency": currency }))
        };
        assert!(money(json!("85000.00"), json!("eur")).is_some());
        for (amount, currency) in [
            (json!("lots"), json!("EUR")),
            (json!(true), json!("EUR")),
            (json!(5), Value::Null),
            (Value::Null, json!("EUR")),
            (json!(5), json!(" ")),
            (json!(5), json!(7)),
        ] {
            assert_eq!(money(amount.clone(), currency.clone()), None, "{amount} {currency}");
        }
        assert_eq!(
            money(Value::Null, Value::Null),
            Some(Value::Null),
            "nothing in any member is nothing"
        );
        assert_eq!(in_form("range", &json!({ "min": 1, "max": null })), None);
        assert_eq!(in_form("range", &json!({ "min": "a", "max": "b" })), None);
        assert_eq!(in_form("user", &json!(" ")), Some(Value::Null));
        assert_eq!(in_form("number", &json!("5.50")), Some(json!(5.5)));
        assert_eq!(in_form("file", &json!("x")), None);
        assert_eq!(in_form("date", &json!("2026-12-01T00:00:00Z")), Some(json!("2026-12-01")));
        assert_eq!(in_form("date", &json!("1.12.2026")), None);
        assert_eq!(
            in_form("date_time", &json!("2026-12-01T10:00:00+01:00")),
            Some(json!("2026-12-01T10:00:00+01:00"))
        );
        assert_eq!(in_form("text", &Value::Null), Some(Value::Null));
    }
}
