//! Real answers through the scan of jobs.
//!
//! Method: the pairs of a recording are replayed as they were made. Proof that nothing is dropped: every span of raw JSON parses to the row it
//! came from, and every value of the row is found in the unified record.

use crate::support::*;
use atsync_adapter::Adapter;
use atsync_adapter::contract::*;
use atsync_greenhouse::Greenhouse;
use serde_json::Value;

/// The answers of a recording (YAML as VCR writes it) whose body is a JSON array: headers and body.
fn answers(text: &str) -> Vec<Response> {
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
                // A folded value goes on.
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

/// A single-quoted scalar: `''` is a quote, a line break is a blank, an empty line is a line break.
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

fn recordings() -> Vec<(String, Vec<Response>)> {
    let mut all = Vec::new();
    for file in ["integration_jobs.yml", "integration_token_refresh.yml"] {
        if let Some(path) = shared(&format!("greenhouse/recorded/{file}")) {
            all.push((file.to_owned(), answers(&std::fs::read_to_string(path).unwrap())));
        }
    }
    all
}

#[test]
fn a_recorded_page_of_jobs_comes_out_whole() {
    for (file, answers) in recordings() {
        assert!(!answers.is_empty(), "{file} holds a page");
        for response in answers {
            let send = start(Task::Scan(Scan { page_size: 2, ..everything("jobs") }), &given());
            assert_eq!(asked(&send), "/v3/jobs?per_page=2");
            let originals: Vec<Value> = serde_json::from_slice(&response.body).unwrap();
            let body = response.body.clone();
            let linked = response.header("link").is_some_and(|link| !link.is_empty());
            let Ok(Step::Done(Outcome::Page(page))) =
                Greenhouse::resume(send.state, &given(), Reply::Response(response))
            else {
                panic!("a page")
            };
            assert_eq!(page.items.len(), originals.len());
            assert_eq!(page.next.is_some(), linked, "{file}: the next page is found");
            assert_eq!(page.masks.len(), 1, "recorded rows have every documented member");
            for (item, original) in page.items.iter().zip(&originals) {
                let span = item.raw.clone().unwrap();
                let (from, to) = (span.offset as usize, (span.offset + span.length) as usize);
                assert_eq!(serde_json::from_slice::<Value>(&body[from..to]).unwrap(), *original);
                let unified: Value = serde_json::from_str(&item.body).unwrap();
                for (name, value) in original.as_object().unwrap() {
                    assert!(carried(name, value, item, &unified), "{file}: {name} = {value} is lost in {unified}");
                }
            }
        }
    }
}

/// Where each member of a job went.
fn carried(name: &str, value: &Value, item: &Item, unified: &Value) -> bool {
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
        "office_ids" => ids("offices") == value.as_array().unwrap().iter().map(Value::to_string).collect::<Vec<_>>(),
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
