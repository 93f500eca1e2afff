//! Checks a connection's settings against the schema of its adapter. Pure.
//!
//! Left out: what the schema says beyond names, types and lists of values; the adapter checks that.

use crate::near::did_you_mean;
use atsync_model::Manifest;
use serde_json::{Map, Value};

/// Checks settings against the names, types and lists of values of the schema, so that a wrong one
/// is not first refused by a write. The adapter checks the rest of its schema. The error is the
/// setting's name and what is wrong.
pub(super) fn check(
    manifest: &Manifest,
    settings: &Map<String, Value>,
) -> Result<(), (String, String)> {
    let Some(known) = manifest.settings_schema.get("properties").and_then(Value::as_object) else {
        return Ok(());
    };
    for (name, value) in settings {
        let Some(schema) = known.get(name) else {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            let hint = did_you_mean(name, names.iter().copied());
            let adapter = &manifest.name;
            let why = format!(
                "settings.{name} is unknown to the adapter {adapter}{hint} (settings: {})",
                names.join(", ")
            );
            return Err((name.clone(), why));
        };
        let fits = match schema.get("type").and_then(Value::as_str) {
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64() || value.is_u64(),
            Some("number") => value.is_number(),
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            _ => true,
        };
        if !fits {
            let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
            return Err((name.clone(), format!("settings.{name} must be of type {kind}")));
        }
        let one = (schema, std::slice::from_ref(value));
        let entries = schema.get("items").zip(value.as_array());
        let each = entries.map(|(items, values)| (items, values.as_slice()));
        for (schema, values) in std::iter::once(one).chain(each) {
            let Some(words) = schema.get("enum").and_then(Value::as_array) else { continue };
            if let Some(wrong) = values.iter().find(|value| !words.contains(value)) {
                let words: Vec<String> = words.iter().map(Value::to_string).collect();
                let words = words.join(", ");
                return Err((
                    name.clone(),
                    format!("settings.{name} is {wrong}; it is one of {words}"),
                ));
            }
        }
    }
    Ok(())
}
