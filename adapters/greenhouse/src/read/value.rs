//! Converts a custom field's value of Greenhouse to its unified form.
//!
//! Rows, definitions and the writer's comparison read values by these rules. A value that does not
//! have its type's shape is kept unchanged, as `unknown`. Left out: whether a new value could have
//! its form, which the writer decides ([`crate::write::custom::oddity`]).

use serde_json::{Map, Value, json};

/// Returns the unified type for Greenhouse's `value_type` (harvest-v3.md §9.11). HRIS fields end in
/// `_hris` and have the type before that ending.
pub(crate) fn unified_type(source: &str) -> &'static str {
    match source.strip_suffix("_hris").unwrap_or(source) {
        "short_text" => "text",
        "long_text" | "rich_text" => "long_text",
        "yes_no" | "boolean" => "boolean",
        "single_select" => "single",
        "multi_select" => "multi",
        "currency" => "money",
        "currency_range" => "money_range",
        "number" => "number",
        "number_range" => "range",
        "date" => "date",
        "date_time" | "datetime" => "date_time",
        "url" => "url",
        "user" => "user",
        "attachment" => "file",
        _ => "unknown",
    }
}

/// Returns the unified form of a value; type `unknown` and the value itself if it does not have its
/// type's shape.
pub(crate) fn read_value(kind: &str, value: Value) -> (&str, Value) {
    if is_empty(&value) {
        return (kind, Value::Null);
    }
    let is_unified = match kind {
        "text" | "long_text" | "date" | "date_time" | "url" => value.is_string(),
        "number" => value.is_number() || value.is_string(),
        "boolean" => value.is_boolean(),
        // A file is unknown, whatever its value: it has no written form.
        "file" => true,
        _ => false,
    };
    if is_unified {
        return (kind, value);
    }
    let read = match kind {
        "single" => option(&value),
        "multi" => value
            .as_array()
            .and_then(|all| all.iter().map(option).collect::<Option<Vec<_>>>())
            .map(Value::Array),
        "money" => amounts(&value, &[("amount", &["amount"])], true),
        "money_range" => amounts(&value, &[("min", MIN), ("max", MAX)], true),
        "range" => amounts(&value, &[("min", MIN), ("max", MAX)], false),
        "user" => user(&value),
        _ => None,
    };
    read.map_or(("unknown", value), |read| (kind, read))
}

const MIN: &[&str] = &["min_value", "min_amount"];
const MAX: &[&str] = &["max_value", "max_amount"];

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        _ => false,
    }
}

/// Reads an option: a label, or an object with label and id.
fn option(value: &Value) -> Option<Value> {
    match value {
        Value::String(label) => Some(json!({"label": label})),
        Value::Object(object) => {
            let label = object.get("name").or_else(|| object.get("label"))?.as_str()?;
            let id = object.get("id").and_then(id_text);
            Some(id.map_or_else(|| json!({"label": label}), |id| json!({"id": id, "label": label})))
        }
        _ => None,
    }
}

fn user(value: &Value) -> Option<Value> {
    let id = match value {
        Value::Object(object) => {
            object.get("user_id").or_else(|| object.get("id")).and_then(id_text)
        }
        other => id_text(other),
    };
    id.map(|id| json!({"id": id}))
}

fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) if number.is_u64() => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

/// Reads the named amounts, each from the first present member, and the currency.
fn amounts(value: &Value, wanted: &[(&str, &[&str])], currency: bool) -> Option<Value> {
    let object = value.as_object()?;
    let mut read = Map::new();
    for (name, members) in wanted {
        if let Some(found) =
            members.iter().find_map(|member| object.get(*member)).filter(|found| !found.is_null())
        {
            read.insert((*name).to_owned(), found.clone());
        }
    }
    if read.is_empty() {
        return None;
    }
    if currency {
        let code = object
            .get("currency_code")
            .or_else(|| object.get("unit"))
            .filter(|code| !code.is_null());
        if let Some(code) = code {
            read.insert("currency".to_owned(), code.clone());
        }
    }
    Some(Value::Object(read))
}
