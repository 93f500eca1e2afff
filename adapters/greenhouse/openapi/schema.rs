//! Greenhouse's own OpenAPI document as the tests use it: an extract of its facts, and a check of
//! JSON against a schema.
//!
//! `facts.json` has the schemas of the rows, the bodies of the requests and the query parameters
//! that this project relies on, as `openapi-v3.json` has them (texts for people left out). If the
//! document itself is available (`../shared` or `$ATSYNC_SHARED`), [`document`] reads it and a test
//! compares the two. The check knows the keywords that the document uses: `type`, `enum`,
//! `properties`, `required`, `additionalProperties`, `items`, `oneOf`, `anyOf`, `format`,
//! `maxLength`. `oneOf` is read as "at least one": an empty list fits both of the document's kinds
//! of lists.

#![allow(
    unreachable_pub,
    dead_code,
    reason = "shared between test binaries, each of which uses its part"
)]

use serde_json::{Map, Value};
use std::path::PathBuf;

/// Reads the extract.
pub fn facts() -> Value {
    serde_json::from_str(include_str!("facts.json")).expect("the extract is JSON")
}

/// Reads the document; prints that the test is skipped when it is not available.
pub fn document() -> Option<Value> {
    let shared = std::env::var_os("ATSYNC_SHARED").map(PathBuf::from);
    let beside = |levels: &str| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(levels);
    let folders = shared.into_iter().chain(["../../../shared", "../../../../shared"].map(beside));
    for folder in folders {
        if let Ok(text) = std::fs::read_to_string(folder.join("greenhouse/openapi-v3.json")) {
            return Some(serde_json::from_str(&text).expect("the document is JSON"));
        }
    }
    println!("skipped: no greenhouse/openapi-v3.json in $ATSYNC_SHARED or ../shared");
    None
}

/// Lists the parts of a value that do not fit a schema, as `path: reason`.
pub fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, value, "", &mut found);
    found
}

/// Whether a schema lets a member be null.
pub fn is_nullable(schema: &Value) -> bool {
    types(schema).any(|word| word == "null") || schema["nullable"] == true
}

/// Lists the words of `type`.
pub fn types(schema: &Value) -> impl Iterator<Item = &str> {
    let one = schema["type"].as_str().into_iter();
    one.chain(schema["type"].as_array().into_iter().flatten().filter_map(Value::as_str))
}

fn check(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let mut fault = |what: String| found.push(format!("{at}: {what}"));
    let words: Vec<&str> = types(schema).collect();
    if value.is_null() && is_nullable(schema) {
        return;
    }
    if !words.is_empty() && !words.iter().any(|word| is_of(word, value)) {
        fault(format!("{} is none of {words:?}", kind_of(value)));
        return;
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        fault(format!("{value} is not among the words"));
    }
    if let (Some(max), Some(text)) = (schema["maxLength"].as_u64(), value.as_str())
        && text.chars().count() as u64 > max
    {
        fault("too long".to_owned());
    }
    if let (Some(format), Some(text)) = (schema["format"].as_str(), value.as_str())
        && !has_format(format, text)
    {
        fault(format!("{text:?} is no {format}"));
    }
    for one in ["oneOf", "anyOf"] {
        let Some(arms) = schema[one].as_array() else { continue };
        if !arms.iter().any(|arm| fits_arm(arm, value)) {
            let reasons: Vec<Vec<String>> = arms.iter().map(|arm| faults(arm, value)).collect();
            fault(format!("fits none of {one}: {reasons:?}"));
        }
    }
    if let Some(members) = value.as_object() {
        object(schema, members, at, found);
    }
    if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
        for (index, item) in list.iter().enumerate() {
            check(items, item, &format!("{at}/{index}"), found);
        }
    }
}

fn fits_arm(arm: &Value, value: &Value) -> bool {
    faults(arm, value).is_empty()
}

fn object(schema: &Value, members: &Map<String, Value>, at: &str, found: &mut Vec<String>) {
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(required) {
            found.push(format!("{at}: {required} is missing"));
        }
    }
    for (name, member) in members {
        let at = format!("{at}/{name}");
        match (&schema["properties"][name], &schema["additionalProperties"]) {
            (Value::Null, Value::Bool(false)) => found.push(format!("{at}: no such member")),
            (Value::Null, Value::Object(_)) => {
                check(&schema["additionalProperties"], member, &at, found)
            }
            (Value::Null, _) => {}
            (known, _) => check(known, member, &at, found),
        }
    }
}

fn is_of(word: &str, value: &Value) -> bool {
    match word {
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => kind_of(value) == other,
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn has_format(format: &str, text: &str) -> bool {
    let digits = |part: Option<&str>, form: &str| {
        part.is_some_and(|part| {
            part.len() >= form.len()
                && part.bytes().zip(form.bytes()).all(|(byte, form)| {
                    if form == b'0' { byte.is_ascii_digit() } else { byte == form }
                })
        })
    };
    match format {
        "date-time" => {
            let (day, time) =
                text.split_once('T').map_or((None, None), |(day, time)| (Some(day), Some(time)));
            digits(day, "0000-00-00")
                && digits(time, "00:00:00")
                && (text.ends_with('Z')
                    || text.contains('+')
                    || time.is_some_and(|time| time.contains('-')))
        }
        "date" => digits(Some(text), "0000-00-00") && text.len() == 10,
        "email" => text.contains('@'),
        "uri" => text.contains("://"),
        _ => true,
    }
}
