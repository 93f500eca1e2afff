//! The custom values that a record of the ATS shows, in the form that plans compare. Pure.

use super::Record;
use atsync_model::declarable::VALUES_MEMBER;
use atsync_model::unified::UNREADABLE;
use serde_json::{Value, json};

/// Returns the value of a field in the form that is compared; null for empty.
pub(super) fn observed_plain(record: &Record, key: &str, kind: &str) -> Value {
    let value = observed_value(record, key);
    if value.is_null() {
        return Value::Null;
    }
    let label = |choice: &Value| choice.get("label").cloned().unwrap_or_else(|| choice.clone());
    match kind {
        "single" => label(value),
        "multi" => {
            let named = |choice: &Value| label(choice).as_str().map(str::to_owned);
            let labels = value
                .as_array()
                .and_then(|all| all.iter().map(named).collect::<Option<Vec<String>>>());
            // Not a list of labels: shown as it is.
            let Some(mut labels) = labels else { return value.clone() };
            labels.sort_unstable();
            labels.dedup();
            if labels.is_empty() { Value::Null } else { json!(labels) }
        }
        "user" => value.get("id").cloned().unwrap_or_else(|| value.clone()),
        "text" | "long_text" | "url" if value.as_str() == Some("") => Value::Null,
        _ => value.clone(),
    }
}

/// Returns the value of a field as the ATS gave it; null where there is none.
pub(super) fn observed_value<'r>(record: &'r Record, key: &str) -> &'r Value {
    let held = record
        .body
        .get(VALUES_MEMBER)
        .and_then(|fields| fields.get(key))
        .and_then(|field| field.get("value"));
    held.unwrap_or(&Value::Null)
}

/// Whether the ATS holds a value of a field that could not be read.
pub(super) fn is_unreadable(record: &Record, key: &str) -> bool {
    match record.body.get(VALUES_MEMBER) {
        None | Some(Value::Null) => false,
        Some(Value::Object(fields)) => match fields.get(key) {
            None | Some(Value::Null) => false,
            Some(Value::Object(field)) => {
                !field.contains_key("value")
                    || field.get("type").and_then(Value::as_str) == Some(UNREADABLE)
            }
            Some(_) => true,
        },
        Some(_) => true,
    }
}
