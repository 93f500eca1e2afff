//! The control calls that one suite drives every ATS's sandbox with: about, edit, reset.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests; the lint exempts only the tests themselves"
)]

mod common;

use atsync_greenhouse_sandbox::{CompanySpec, Sandbox, SandboxOptions};
use common::World;
use serde_json::{Value, json};

#[test]
fn about_names_what_a_suite_needs_to_begin() {
    let world = World::new();
    let about = world.get("/_sandbox/about").body_json();
    assert_eq!(about["ats"], "greenhouse");
    assert_eq!(about["origins"], json!({"api": "", "auth": ""}));
    let credential = json!({"client_id": "sandbox", "client_secret": "sandbox-secret"});
    assert_eq!(about["credential"], credential);
    for collection in about["collections"].as_array().expect("a list") {
        let scope = collection["permission"].as_str().expect("a scope").to_owned();
        assert!(world.sandbox.access().scopes.contains(&scope), "{scope}");
    }
}

#[test]
fn an_edit_changes_an_old_record_and_its_stamp() {
    let world = World::new();
    for collection in ["candidates", "jobs", "offices", "rejection_details"] {
        let old = world.sandbox.rows(collection).first().cloned().expect("a row");
        let edit = json!({"collection": collection, "id": old["id"]});
        let answer = world.post("/_sandbox/edit", edit);
        assert_eq!((answer.status, answer.body_json()), (200, json!({"id": old["id"]})));
        let new = world.sandbox.row(collection, old["id"].as_i64().expect("an id"));
        let new = new.expect("a row");
        assert!(new["updated_at"].as_str() > old["updated_at"].as_str(), "{collection}");
        if collection != "rejection_details" {
            let differs = |name: &&str| new[*name] != old[*name];
            assert!(["first_name", "name"].iter().any(differs), "{collection}");
        }
    }
    let answer = world.post("/_sandbox/edit", json!({"collection": "jobs", "id": 1}));
    assert_eq!(answer.status, 400);
}

#[test]
fn a_reset_makes_another_company_as_if_it_had_been_there_from_the_start() {
    let world = World::new();
    world.create_candidate("ada@example.com");
    assert_eq!(world.post("/_sandbox/reset", json!({"seed": 9, "candidates": 41})).status, 200);
    let fresh = Sandbox::new(SandboxOptions {
        company: CompanySpec::sized(9, 41),
        clock: world.clock.clock(),
        ..SandboxOptions::default()
    });
    assert_eq!(world.sandbox.rows("candidates"), fresh.rows("candidates"));
    assert_eq!((world.sandbox.creates("candidates"), world.sandbox.write_count()), (0, 0));
    assert_eq!(world.get("/v3/candidates").status, 401, "tokens are forgotten");
    assert_eq!(world.sandbox.requests().len(), 1);
    assert_eq!(world.send("POST", "/_sandbox/reset", &Value::Null).status, 200);
    assert_eq!(world.sandbox.count("candidates"), 120, "without values, as at the start");
}
