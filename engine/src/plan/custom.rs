//! Custom fields: the host's plain values against typed definitions. Pure.
//!
//! The host writes what a person would write: a text, a number, a choice by its label, money as `{"amount", "currency"}`. The definition says how
//! to read that, and which option id a label means. Reading form and writing form may differ (labels are read, ids written), so both
//! sides are brought to one form before they are compared.

use super::{Draft, Record};
use crate::store::index;
use atsync_model::kinds;
use serde_json::{Map, Number, Value, json};
use std::sync::Arc;

/// A desired value, resolved against its definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The member for an operation's input: `{"key", "id", "type", "value"}`.
    pub input: Value,
    /// The value in the form that is compared; null for empty.
    pub plain: Value,
}

/// Brings a desired value into the form that its type has. None when it does not fit.
fn shaped(kind: &str, value: &Value) -> Option<Value> {
    if value.is_null() {
        return Some(Value::Null);
    }
    let shaped = match kind {
        "text" | "long_text" | "url" | "date" | "date_time" => Value::String(value.as_str()?.to_owned()),
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
            labels.sort_unstable();
            labels.dedup();
            json!(labels)
        }
        "money" => members(value, &["amount", "currency"])?,
        "money_range" => members(value, &["min", "max", "currency"])?,
        "range" => members(value, &["min", "max"])?,
        "user" => match value {
            Value::String(id) => Value::String(id.clone()),
            Value::Object(object) => Value::String(object.get("id")?.as_str()?.to_owned()),
            _ => return None,
        },
        _ => return None,
    };
    Some(shaped)
}

fn members(value: &Value, names: &[&str]) -> Option<Value> {
    let object = value.as_object()?;
    if object.keys().any(|key| !names.contains(&key.as_str())) {
        return None;
    }
    let mut shaped = Map::new();
    for name in names {
        shaped.insert((*name).to_owned(), object.get(*name)?.clone());
    }
    Some(Value::Object(shaped))
}

/// How the host should have written it.
fn expected(kind: &str) -> &'static str {
    match kind {
        "text" | "long_text" => "a text",
        "url" => "a URL as text",
        "date" => "a date as text, 2026-11-24",
        "date_time" => "a time as text, 2026-11-24T10:00:00Z",
        "boolean" => "true or false",
        "number" => "a number",
        "single" => "the label of one choice",
        "multi" => "a list of labels",
        "money" => "{\"amount\", \"currency\"}",
        "money_range" => "{\"min\", \"max\", \"currency\"}",
        "range" => "{\"min\", \"max\"}",
        "user" => "a user's id as text",
        _ => "nothing: fields of this type cannot be written",
    }
}

/// The observed value of a field in the form that is compared; null for empty.
pub fn observed_plain(record: &Record, key: &str, kind: &str) -> Value {
    let value =
        record.body.get("custom_fields").and_then(|fields| fields.get(key)).and_then(|field| field.get("value"));
    let Some(value) = value.filter(|value| !value.is_null()) else { return Value::Null };
    let label = |choice: &Value| choice.get("label").cloned().unwrap_or_else(|| choice.clone());
    match kind {
        "single" => label(value),
        "multi" => {
            let mut labels: Vec<String> = value
                .as_array()
                .into_iter()
                .flatten()
                .map(label)
                .filter_map(|label| label.as_str().map(str::to_owned))
                .collect();
            labels.sort_unstable();
            labels.dedup();
            if labels.is_empty() { Value::Null } else { json!(labels) }
        }
        "user" => value.get("id").cloned().unwrap_or_else(|| value.clone()),
        "text" | "long_text" | "url" if value.as_str() == Some("") => Value::Null,
        _ => value.clone(),
    }
}

/// Whether two values in the compared form are the same.
pub fn same(kind: &str, one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) if kind != "single" => one.trim() == other.trim(),
        (Value::Object(one), Value::Object(other)) => one
            .keys()
            .chain(other.keys())
            .all(|key| same("number", one.get(key).unwrap_or(&Value::Null), other.get(key).unwrap_or(&Value::Null))),
        _ => match (number(one), number(other)) {
            (Some(one), Some(other)) => one == other,
            _ => one == other,
        },
    }
}

/// A number, or a text that is one, in a canonical text form: no exponent games, no trailing zeros.
fn number(value: &Value) -> Option<String> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    text.parse::<f64>().ok()?;
    let text = text.strip_prefix('+').unwrap_or(&text);
    if !text.contains('.') || text.contains(['e', 'E']) {
        return Some(text.to_owned());
    }
    let short = text.trim_end_matches('0').trim_end_matches('.');
    Some(if short.is_empty() || short == "-" { "0".to_owned() } else { short.to_owned() })
}

impl<'a> Draft<'a> {
    /// The definition of a field by its key, for records of `applies_to`. Blocks when there is none or several.
    fn definition(&mut self, host: &str, applies_to: &str, key: &str) -> Option<&'a Arc<Record>> {
        let found = self.lookup(kinds::CUSTOM_FIELDS, index::KEY, key)?;
        let mut fitting = found.iter().filter(|record| {
            record.text("applies_to.value") == Some(applies_to)
                && record.text("key") == Some(key)
                && record.value("active").and_then(Value::as_bool) != Some(false)
        });
        let first = fitting.next();
        let second = fitting.next();
        match (first, second) {
            (Some(record), None) => Some(record),
            (Some(_), Some(_)) => {
                self.block(host, "AmbiguousReference", format!("{host}: several custom fields have the key {key:?}"));
                None
            }
            (None, _) => {
                let suggestion = self.suggestion(kinds::CUSTOM_FIELDS, key);
                let message = format!(
                    "{host}: there is no active custom field with the key {key:?} for a {applies_to}{suggestion}; make it in the ATS or take it out of the record"
                );
                self.block(host, "UnknownReference", message);
                None
            }
        }
    }

    /// Resolves one desired value. None while facts are missing or after it blocked the record.
    pub(super) fn custom(&mut self, host: &str, applies_to: &str, key: &str, value: &Value) -> Option<Resolved> {
        let definition = self.definition(host, applies_to, key)?;
        let kind = definition.text("type.value").unwrap_or("unknown").to_owned();
        let Some(plain) = shaped(&kind, value) else {
            let message = format!("{host}: custom_fields.{key} is of type {kind} and takes {}", expected(&kind));
            self.block(host, "InvalidValue", message);
            return None;
        };
        let written = match kind.as_str() {
            "single" if !plain.is_null() => self.option(host, definition, key, &plain)?,
            "multi" => match plain.as_array() {
                Some(labels) => {
                    let options: Option<Vec<Value>> =
                        labels.iter().map(|label| self.option(host, definition, key, label)).collect();
                    Value::Array(options?)
                }
                None => plain.clone(),
            },
            "user" if !plain.is_null() => json!({ "id": plain }),
            _ => plain.clone(),
        };
        let input = json!({ "key": key, "id": definition.id, "type": kind, "value": written });
        Some(Resolved { input, plain })
    }

    fn option(&mut self, host: &str, definition: &Record, key: &str, label: &Value) -> Option<Value> {
        let label = label.as_str().unwrap_or_default();
        let options = self.lookup(kinds::CUSTOM_FIELD_OPTIONS, index::PARENT, &definition.id)?;
        let active: Vec<&Arc<Record>> =
            options.iter().filter(|option| option.value("active").and_then(Value::as_bool) != Some(false)).collect();
        let fitting: Vec<&&Arc<Record>> = active.iter().filter(|option| option.text("name") == Some(label)).collect();
        match fitting.as_slice() {
            [option] => Some(json!({ "id": option.id, "label": label })),
            [] => {
                let choices: Vec<&str> = active.iter().filter_map(|option| option.text("name")).take(20).collect();
                let message = format!(
                    "{host}: custom_fields.{key} has no active choice {label:?}; the choices are: {}",
                    choices.join(", ")
                );
                self.block(host, "UnknownReference", message);
                None
            }
            _ => {
                let ids: Vec<&str> = fitting.iter().map(|option| option.id.as_str()).collect();
                let message = format!(
                    "{host}: custom_fields.{key} has {} active choices {label:?} (ids {}); rename one of them in the ATS",
                    ids.len(),
                    ids.join(", ")
                );
                self.block(host, "AmbiguousReference", message);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{same, shaped};
    use serde_json::{Value, json};

    #[test]
    fn a_value_must_have_the_shape_of_its_type() {
        assert_eq!(shaped("boolean", &json!("yes")), None);
        assert_eq!(shaped("multi", &json!(["b", "a", "b"])), Some(json!(["a", "b"])));
        assert_eq!(shaped("money", &json!({ "amount": 5 })), None);
        assert_eq!(shaped("number", &json!("5.50")), Some(json!(5.5)));
        assert_eq!(shaped("file", &json!("x")), None);
        assert_eq!(shaped("text", &Value::Null), Some(Value::Null));
    }

    #[test]
    fn numbers_are_the_same_in_every_spelling() {
        assert!(same("number", &json!(5), &json!("5.0")));
        assert!(same(
            "money",
            &json!({ "amount": "5.50", "currency": "EUR" }),
            &json!({ "amount": 5.5, "currency": "EUR" })
        ));
        assert!(!same("money", &json!({ "amount": 5, "currency": "EUR" }), &json!({ "amount": 5, "currency": "USD" })));
        assert!(!same("text", &json!("a"), &Value::Null));
    }
}
