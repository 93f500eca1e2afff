//! Reads recordings of real answers (YAML as VCR writes it), and maps each member of a job to its
//! field.
//!
//! The adapter's own test and the one that compares the component with it (`tests/recorded.rs`)
//! share this. The folder is outside of the project; a test that does not find it prints that. The
//! parser knows only the YAML of such files: single-quoted scalars, folded lines, lists of headers.

use atsync_adapter::contract::{Field, Item, Response};
use serde_json::Value;

/// The files.
pub(crate) const RECORDINGS: [&str; 2] = ["integration_jobs.yml", "integration_token_refresh.yml"];

/// Reads the answers of a recording whose body is a JSON array: headers and body.
pub(crate) fn answers(text: &str) -> Vec<Response> {
    let mut all = Vec::new();
    for exchange in text.split("\n  response:").skip(1) {
        let (head, rest) = exchange.split_once("    body:").unwrap();
        let body = quoted(rest.split_once("string: '").unwrap().1);
        let mut headers: Vec<Field> = Vec::new();
        let mut name = String::new();
        for line in head.split_once("headers:").unwrap().1.lines() {
            let text = line.trim();
            if let Some(value) = line.strip_prefix("      - ") {
                headers.push(Field::new(name.to_ascii_lowercase(), value.trim_matches('\'')));
            } else if line.starts_with("        ") {
                // A folded value continues.
                let value = &mut headers.last_mut().unwrap().value;
                value.push(' ');
                value.push_str(text);
            } else if let Some(key) = text.strip_suffix(':') {
                name = key.to_owned();
            }
        }
        if body.starts_with('[') {
            all.push(Response { status: 200, headers, body: body.into_bytes() });
        }
    }
    all
}

/// Reads a single-quoted scalar: `''` is a quote, a line break is a blank, an empty line is a line
/// break.
fn quoted(text: &str) -> String {
    let mut inner = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\'' {
            if characters.peek() == Some(&'\'') {
                characters.next();
            } else {
                break;
            }
        }
        inner.push(character);
    }
    let mut folded = String::new();
    for (index, line) in inner.lines().enumerate() {
        let line = if index == 0 { line } else { line.trim_start() };
        if index > 0 {
            folded.push(if line.is_empty() { '\n' } else { ' ' });
        }
        folded.push_str(line);
    }
    folded
}

/// Whether the unified record or the raw one has a member of a job.
pub(crate) fn carried(name: &str, value: &Value, item: &Item, unified: &Value) -> bool {
    let ids = |field: &str| -> Vec<String> {
        let all = unified.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
        all.iter().map(|of| of["id"].as_str().unwrap().to_owned()).collect()
    };
    let text = value.to_string();
    match name {
        "id" => item.id == text,
        "name" => unified["title"] == *value,
        "status" => unified["state"]["source"] == *value,
        "is_template" => unified.get("template").cloned().unwrap_or_default() == *value,
        "copied_from_id" => value.is_null() || unified["copied_from"]["id"] == text,
        "department_id" => ids("departments").first().map_or(value.is_null(), |id| *id == text),
        "office_ids" => {
            ids("offices")
                == value.as_array().unwrap().iter().map(Value::to_string).collect::<Vec<_>>()
        }
        "custom_fields" => value.as_object().unwrap().iter().all(|(key, entry)| {
            let read = &unified["custom_fields"][key];
            let value = if entry["type"] == "single_select" && !entry["value"].is_null() {
                &read["value"]["label"]
            } else {
                &read["value"]
            };
            read["name"] == entry["name"] && *value == entry["value"]
        }),
        same => unified.get(same).cloned().unwrap_or_default() == *value,
    }
}
