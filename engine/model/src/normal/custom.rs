//! Custom values of every type as they are compared.
//!
//! A value comes in three shapes: as the host wrote it (a label, an address), as an operation's
//! input (`{"id", "label"}`), and as an ATS shows it (perhaps a label alone, an id alone, or a type
//! that does not match). This module reads all three, so any two shapes can be compared.

use super::{date, date_time, label, link, number, text};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A custom value as it is compared; see [`same`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Custom {
    /// Nothing: `null`, an empty text or list, an object without values.
    Empty,
    /// A text, a link, a day or a moment.
    Text(String),
    /// A number as decimal text.
    Number(String),
    /// Yes or no.
    Flag(bool),
    /// Selected options.
    Chosen(Vec<Chosen>),
    /// Money and ranges: the members that have a value.
    Parts(BTreeMap<String, String>),
    /// A user, by id.
    User(String),
    /// A value that does not have its type's shape, unchanged.
    Other(Value),
}

/// A selected option, by the known ones of its id and label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Its id.
    pub id: Option<String>,
    /// Its label, in the form of [`label`].
    pub label: Option<String>,
}

impl Chosen {
    /// Whether both mean one option: by id where both have one, else by label.
    fn is(&self, other: &Self) -> bool {
        match (&self.id, &other.id) {
            (Some(one), Some(other)) => one == other,
            _ => self.label.is_some() && self.label == other.label,
        }
    }
}

/// Whether two values of a type are the same. `kind` is the type in the words of the unified model.
pub fn same(kind: &str, one: &Value, other: &Value) -> bool {
    match (custom(kind, one), custom(kind, other)) {
        (Custom::Chosen(one), Custom::Chosen(other)) => {
            let within = |these: &[Chosen], those: &[Chosen]| {
                these.iter().all(|this| those.iter().any(|that| this.is(that)))
            };
            within(&one, &other) && within(&other, &one)
        }
        (one, other) => one == other,
    }
}

/// Whether a label is that of an option. Case counts; blanks and how letters are composed do not.
pub fn is_option(one: &str, other: &str) -> bool {
    label(one) == label(other)
}

/// The form of a value of a type.
pub fn custom(kind: &str, value: &Value) -> Custom {
    if is_empty(value) {
        return Custom::Empty;
    }
    let form = match kind {
        "text" | "long_text" => value.as_str().map(|held| Custom::Text(text(held))),
        "url" => value.as_str().map(|held| Custom::Text(link(held))),
        "date" => value.as_str().map(|held| Custom::Text(date(held).unwrap_or_else(|| text(held)))),
        "date_time" => {
            value.as_str().map(|held| Custom::Text(date_time(held).unwrap_or_else(|| text(held))))
        }
        "boolean" => flag(value).map(Custom::Flag),
        "number" => number(value).map(Custom::Number),
        "single" => chosen(value).map(|chosen| Custom::Chosen(vec![chosen])),
        "multi" => match value {
            Value::Array(all) => {
                all.iter().map(chosen).collect::<Option<Vec<_>>>().map(Custom::Chosen)
            }
            one => chosen(one).map(|chosen| Custom::Chosen(vec![chosen])),
        },
        "money" => parts(value, &["amount", "currency"]),
        "money_range" => parts(value, &["min", "max", "currency"]),
        "range" => parts(value, &["min", "max"]),
        "user" => id(value).or_else(|| id(value.get("id")?)).map(Custom::User),
        _ => None,
    };
    match form {
        Some(Custom::Text(held)) if held.is_empty() => Custom::Empty,
        Some(form) => form,
        None => Custom::Other(value.clone()),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(held) => held.trim().is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Object(members) => members.values().all(Value::is_null),
        _ => false,
    }
}

/// Yes and no, also in the words of old rows.
fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(word) => match word.trim().to_ascii_lowercase().as_str() {
            "yes" | "true" => Some(true),
            "no" | "false" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A text that is an id, or a whole number.
fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) if number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// A label, an id as a number, or an object with either.
fn chosen(value: &Value) -> Option<Chosen> {
    let named = |held: &str| Some(label(held)).filter(|held| !held.is_empty());
    let found = match value {
        Value::String(held) => Chosen { id: None, label: named(held) },
        Value::Number(_) => Chosen { id: id(value), label: None },
        Value::Object(members) => {
            let held = members.get("label").or_else(|| members.get("name")).and_then(Value::as_str);
            Chosen { id: members.get("id").and_then(id), label: held.and_then(named) }
        }
        _ => return None,
    };
    (found.id.is_some() || found.label.is_some()).then_some(found)
}

/// The members of an object that have a value; none when one does not have its shape, or there are
/// others.
fn parts(value: &Value, names: &[&str]) -> Option<Custom> {
    let members: &Map<String, Value> = value.as_object()?;
    let mut found = BTreeMap::new();
    for name in names {
        let Some(member) = members.get(*name).filter(|member| !is_empty(member)) else { continue };
        let form = match (*name, member) {
            ("currency", Value::String(code)) => code.trim().to_ascii_uppercase(),
            ("currency", _) => return None,
            _ => number(member)?,
        };
        found.insert((*name).to_owned(), form);
    }
    (!found.is_empty()).then_some(Custom::Parts(found))
}
