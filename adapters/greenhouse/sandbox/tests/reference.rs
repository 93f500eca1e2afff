//! Compares the endpoint table with the reference itself, if that is available.
//!
//! The reference is `greenhouse/list-endpoints.json` in `$ATSYNC_SHARED`, or in `../shared` beside
//! the workspace. This repository may not copy it, so without it this test prints that it is
//! skipped, and passes. With it, every endpoint, every parameter with its kind and its closed
//! words, and every response field with its kind must agree, in both directions.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests; the lint exempts only the tests themselves"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use atsync_greenhouse_sandbox::{all_scopes, endpoint_shapes};
use serde_json::Value;

fn shared(file: &str) -> Option<String> {
    let folder = std::env::var_os("ATSYNC_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared"),
        PathBuf::from,
    );
    let text = std::fs::read_to_string(folder.join("greenhouse").join(file)).ok();
    if text.is_none() {
        println!("skipped: no greenhouse/{file} in $ATSYNC_SHARED or ../shared");
    }
    text
}

type Named = BTreeMap<String, (String, BTreeSet<String>)>;

fn named(entry: &Value, list: &str) -> Named {
    let one = |item: &Value| {
        let words = item["enumValues"].as_array().map_or(&[][..], Vec::as_slice);
        let words = words.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
        (text("name"), (text("type"), words))
    };
    let in_query = |item: &&Value| item["in"].as_str().is_none_or(|place| place == "query");
    entry[list].as_array().expect("a list").iter().filter(in_query).map(one).collect()
}

#[test]
fn every_endpoint_parameter_and_field_is_the_references() {
    let Some(text) = shared("list-endpoints.json") else { return };
    let reference: Value = serde_json::from_str(&text).expect("the reference is JSON");
    let reference: BTreeMap<&str, &Value> = reference
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|entry| Some((entry["path"].as_str()?, entry)))
        .collect();
    let shapes = endpoint_shapes();
    let ours: BTreeSet<&str> = shapes.iter().map(|shape| shape.path.as_str()).collect();
    assert_eq!(ours, reference.keys().copied().collect::<BTreeSet<_>>());
    assert_eq!(ours.len(), 72);
    for shape in &shapes {
        let entry = reference[shape.path.as_str()];
        let params: Named = shape
            .params
            .iter()
            .map(|(name, kind, words)| {
                (name.clone(), ((*kind).to_owned(), words.iter().cloned().collect()))
            })
            .collect();
        let fields: Named = shape
            .fields
            .iter()
            .map(|(name, kind)| (name.clone(), ((*kind).to_owned(), BTreeSet::new())))
            .collect();
        assert_eq!(params, named(entry, "parameters"), "parameters of {}", shape.path);
        assert_eq!(fields, named(entry, "responseFields"), "fields of {}", shape.path);
    }
}

#[test]
fn exactly_the_members_newer_than_the_reference_are_marked() {
    for shape in endpoint_shapes() {
        let (params, fields) = match shape.path.as_str() {
            "/v3/applications" => (
                vec!["job_interview_stage_ids"],
                vec!["job_interview_stage_id", "rejection_reason_id"],
            ),
            _ => (Vec::new(), Vec::new()),
        };
        assert_eq!(shape.newer_params, params, "{}", shape.path);
        let mut newer = shape.newer_fields.clone();
        newer.sort_unstable();
        assert_eq!(newer, fields, "{}", shape.path);
    }
}

#[test]
fn every_scope_that_the_permission_map_names_is_checked_by_an_endpoint() {
    let Some(text) = shared("permissions.md") else { return };
    let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '_' || c == ':'));
    let named: BTreeSet<&str> = words
        .filter(|word| word.starts_with("harvest:") && word.matches(':').count() == 2)
        .collect();
    let ours = all_scopes();
    let whole = |scope: &&str| !scope.ends_with(':') && !scope.contains("::");
    // The sandbox does not offer the removal of custom fields.
    let left_out = ["harvest:custom_fields:destroy"];
    let missing: Vec<&str> = named
        .into_iter()
        .filter(whole)
        .filter(|scope| !ours.contains(*scope) && !left_out.contains(scope))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
    assert!(ours.contains("harvest:applications:convert_to_candidate"));
}
