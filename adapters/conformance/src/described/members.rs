//! Members of JSON values by path, and values made out of others.
//!
//! A path joins member names by dots. A text that begins with `$` stands for the value at a path;
//! there is no other syntax, so that what a sandbox answers can be read off its file.

use serde_json::{Map, Value};

/// What lies at a path.
pub(super) fn at<'a>(from: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(one, rest)| (one, Some(rest)));
    let value = from.get(first)?;
    match rest {
        None => Some(value),
        Some(rest) => at(value.as_object()?, rest),
    }
}

/// Puts a value at a path, with objects on the way to it.
pub(super) fn put(into: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => drop(into.insert(path.to_owned(), value)),
        Some((first, rest)) => {
            let below = into.entry(first).or_insert(Value::Null);
            if !below.is_object() {
                *below = Value::Object(Map::new());
            }
            if let Value::Object(below) = below {
                put(below, rest, value);
            }
        }
    }
}

/// A template with the values that it names. `None`: there is no such value.
pub(super) fn fill(template: &Value, sources: &Map<String, Value>) -> Option<Value> {
    Some(match template {
        Value::String(text) => match text.strip_prefix('$') {
            Some(path) => at(sources, path)?.clone(),
            None => template.clone(),
        },
        Value::Array(entries) => {
            entries.iter().filter_map(|entry| fill(entry, sources)).collect::<Vec<_>>().into()
        }
        Value::Object(members) => {
            let filled = members
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), fill(value, sources)?)));
            Value::Object(filled.collect())
        }
        other => other.clone(),
    })
}

/// A scalar as a parameter has it.
pub(super) fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The order of ids: numbers, and texts that count up, are longer the later they were given.
pub(super) fn order(id: &Value) -> (usize, String) {
    let text = as_text(id);
    (text.len(), text)
}
