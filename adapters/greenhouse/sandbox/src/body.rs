//! Checks bodies of writes before any change: closed sets of keys, types and closed words.
//!
//! A form is a line of `name:kind` words; `!` after the name marks a member that must be given and
//! may not be null. The words are the reference's own, so a form can be compared with it by eye.
//! Everything not in the form is refused. `id` and `date_time` are never null, as in the operations
//! that openapi-v3.json has in full; `int` and `time`, for the others, may be. Bounds:
//! [`TEXT_CHARS_MAX`] and [`LIST_MAX`].

use atsync_sandbox::parse_ms;
use serde_json::{Map, Value};

use crate::refusal::{Problem, Refusal};

/// The longest text in a body, files excepted. The real limit is unknown; this one is arbitrary.
const TEXT_CHARS_MAX: usize = 100_000;
/// The most entries of a list in a body. Arbitrary.
const LIST_MAX: usize = 500;

/// A checked body.
#[derive(Debug, Clone, Default)]
pub(crate) struct Body(Map<String, Value>);

impl Body {
    /// Reads JSON and checks it against a form.
    pub(crate) fn read(bytes: &[u8], form: &str) -> Result<Self, Refusal> {
        let bytes = if bytes.is_empty() { b"{}" } else { bytes };
        let value: Value =
            serde_json::from_slice(bytes).map_err(|_| Refusal::BadRequest("Malformed JSON"))?;
        Self::check(&value, form)
    }

    /// Checks a JSON value against a form.
    pub(crate) fn check(value: &Value, form: &str) -> Result<Self, Refusal> {
        let Value::Object(map) = value else {
            return Err(Refusal::invalid("body", "must be an object"));
        };
        let fields: Vec<(&str, bool, &str)> = form.split_whitespace().filter_map(field).collect();
        let mut problems = Vec::new();
        let mut refuse = |field: &str, text: &str| {
            problems.push(Problem { field: field.to_owned(), text: text.to_owned() })
        };
        for key in map.keys() {
            if !fields.iter().any(|(name, ..)| name == key) {
                refuse(key, "is not an accepted parameter");
            }
        }
        for (name, required, kind) in &fields {
            match map.get(*name) {
                None if *required => refuse(name, "is missing"),
                None => {}
                Some(Value::Null) if *required || matches!(*kind, "name" | "id" | "date_time") => {
                    refuse(name, "can't be null")
                }
                Some(Value::Null) => {}
                Some(value) => {
                    if let Err(text) = fits(value, kind) {
                        refuse(name, text);
                    }
                }
            }
        }
        if problems.is_empty() { Ok(Self(map.clone())) } else { Err(Refusal::Invalid(problems)) }
    }

    /// Reads like [`Body::read`], and accepts existing entries of a row's lists unchanged.
    pub(crate) fn read_over(
        bytes: &[u8],
        form: &str,
        held: impl Fn(&str) -> Vec<Value>,
    ) -> Result<Self, Refusal> {
        let value: Value =
            serde_json::from_slice(bytes).map_err(|_| Refusal::BadRequest("Malformed JSON"))?;
        let mut new = value.clone();
        for (name, member) in new.as_object_mut().into_iter().flatten() {
            if let Value::Array(list) = member {
                let held = held(name);
                list.retain(|entry| !held.contains(entry));
            }
        }
        Self::check(&new, form)?;
        match value {
            Value::Object(map) => Ok(Self(map)),
            _ => Err(Refusal::invalid("body", "must be an object")),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn int(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    pub(crate) fn bool(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    pub(crate) fn ids(&self, name: &str) -> Option<Vec<i64>> {
        Some(self.0.get(name)?.as_array()?.iter().filter_map(Value::as_i64).collect())
    }

    pub(crate) fn texts(&self, name: &str) -> Option<Vec<String>> {
        Some(
            self.0
                .get(name)?
                .as_array()?
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        )
    }
}

fn field(word: &str) -> Option<(&str, bool, &str)> {
    let (name, kind) = word.split_once(':')?;
    Some(name.strip_suffix('!').map_or((name, false, kind), |name| (name, true, kind)))
}

fn fits(value: &Value, kind: &str) -> Result<(), &'static str> {
    let list = value.as_array();
    if list.is_some_and(|list| list.len() > LIST_MAX) {
        return Err("is too long");
    }
    let all = |check: fn(&Value) -> bool| list.is_some_and(|list| list.iter().all(check));
    let ok = |good: bool, text: &'static str| if good { Ok(()) } else { Err(text) };
    match kind {
        "any" => Ok(()),
        "name" => match value.as_str() {
            Some(text) if text.trim().is_empty() => Err("can't be blank"),
            Some(text) => ok(text.len() <= TEXT_CHARS_MAX, "is too long"),
            None => Err("must be a string"),
        },
        "text" => match value.as_str() {
            Some(text) => ok(text.len() <= TEXT_CHARS_MAX, "is too long"),
            None => Err("must be a string"),
        },
        "file" => ok(value.is_string(), "must be a string"),
        "bool" => ok(value.is_boolean(), "must be a boolean"),
        "int" | "id" => ok(value.is_i64(), "must be an integer"),
        "date_time" => ok(
            value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok()),
            "must be a date-time",
        ),
        "time" => {
            ok(value.as_str().is_some_and(|text| parse_ms(text).is_some()), "must be a date-time")
        }
        "ids" => ok(all(Value::is_i64), "must be a list of integers"),
        "texts" => ok(all(Value::is_string), "must be a list of strings"),
        "map" => ok(value.is_object(), "must be an object"),
        "list" => ok(list.is_some(), "must be a list"),
        "socials" => ok(all(|entry| entry_fits(entry, None)), "must be a list of {value}"),
        _ => {
            if let Some(words) = inside(kind, "one(") {
                return ok(
                    value.as_str().is_some_and(|text| words.split('|').any(|word| word == text)),
                    "is not included in the list",
                );
            }
            let words = inside(kind, "contacts(").unwrap_or_default();
            match list {
                Some(list) if list.iter().all(|entry| entry_fits(entry, Some(words))) => Ok(()),
                Some(_) => Err("has an entry whose value or type is invalid"),
                None => Err("must be a list of {value, type}"),
            }
        }
    }
}

fn inside<'a>(kind: &'a str, opening: &str) -> Option<&'a str> {
    kind.strip_prefix(opening)?.strip_suffix(')')
}

/// Whether a contact entry has exactly a value and, where there are words, one of them as its type.
fn entry_fits(entry: &Value, words: Option<&str>) -> bool {
    let Value::Object(entry) = entry else { return false };
    let valued =
        entry.get("value").and_then(Value::as_str).is_some_and(|value| !value.trim().is_empty());
    let typed = match words {
        Some(words) => entry
            .get("type")
            .and_then(Value::as_str)
            .is_some_and(|kind| words.split('|').any(|word| word == kind)),
        None => true,
    };
    valued && typed && entry.len() == if words.is_some() { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FORM: &str =
        "first_name!:name company:text emails:contacts(personal|work) kind:one(a|b) n:int";

    #[test]
    fn only_named_keys_of_the_right_kind_pass() {
        let good = json!({"first_name": "Ada", "company": null,
            "emails": [{"value": "a@b.c", "type": "work"}], "kind": "a"});
        assert!(Body::check(&good, FORM).is_ok());
        let bad = [
            json!({}),
            json!({"first_name": null}),
            json!({"first_name": " "}),
            json!({"first_name": 1}),
            json!({"first_name": "A", "surprise": 1}),
            json!({"first_name": "A", "emails": [{"value": "a@b.c", "type": "home"}]}),
            json!({"first_name": "A", "emails": [{"value": "a@b.c"}]}),
            json!({"first_name": "A", "kind": "c"}),
            json!({"first_name": "A", "n": "7"}),
            json!([]),
        ];
        for body in bad {
            assert!(Body::check(&body, FORM).is_err(), "{body}");
        }
    }
}
