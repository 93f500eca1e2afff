//! Compares the sandbox with Greenhouse's own OpenAPI document: the rows it serves, the answers to
//! its writes, the bodies it accepts.
//!
//! In the form `official` a row has the members of the document and no others; in the default form
//! two more that were seen live. Facts and check: `../openapi/schema.rs`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests"
)]

mod common;
#[path = "../../openapi/schema.rs"]
mod schema;

use atsync_greenhouse_sandbox::{Recruiter, Rows};
use common::World;
use schema::{facts, faults};
use serde_json::{Value, json};

/// Members that the document never makes null and that are null nevertheless: a prospect need not
/// belong to a department or an office.
const NULL_BESIDE: &[(&str, &str)] =
    &[("prospect_details", "department_id"), ("prospect_details", "office_id")];

fn faults_of(collection: &str, row: &Value) -> Vec<String> {
    let mut row = row.clone();
    for (of, member) in NULL_BESIDE {
        if *of == collection && row[*member].is_null() {
            row.as_object_mut().unwrap().remove(*member);
        }
    }
    faults(&facts()["rows"][collection], &row)
}

#[test]
fn every_row_is_as_in_the_official_schema() {
    for null_flags in [false, true] {
        let mut world = World::with(|options| {
            options.quirks.rows = Rows::Official;
            options.quirks.null_flags = null_flags;
        });
        busy(&mut world);
        let mut found = std::collections::BTreeSet::new();
        // Webhooks are no table: partners alone list those that they registered (tests/webhooks).
        for collection in facts()["rows"].as_object().unwrap().keys().filter(|c| *c != "webhooks") {
            let (rows, _) = world.walk(&format!("/v3/{collection}?per_page=500"));
            if rows.is_empty() {
                found.insert(format!("{collection}: no row to check"));
            }
            let members = facts()["rows"][collection]["properties"].as_object().cloned();
            for row in rows {
                found.extend(
                    faults_of(collection, &row)
                        .into_iter()
                        .map(|fault| format!("{collection}{fault}")),
                );
                let missing: Vec<String> = members
                    .iter()
                    .flat_map(|members| members.keys())
                    // A job post's location is newer than the sandbox's table.
                    .filter(|member| row.get(member.as_str()).is_none() && *member != "location")
                    .cloned()
                    .collect();
                found.extend(
                    missing
                        .into_iter()
                        .map(|member| format!("{collection}/{member}: no row may lack it")),
                );
            }
        }
        assert_eq!(found, std::collections::BTreeSet::new());
    }
}

/// Makes at least one row of each collection.
fn busy(world: &mut World) {
    let candidate = world.list("/v3/candidates?per_page=1")[0]["id"].as_i64().unwrap();
    world
        .sandbox
        .recruiter(&Recruiter::AddNote { candidate_id: candidate, body: "Hm".into() })
        .unwrap();
    let prospect = json!({"candidate_id": candidate, "prospect": true});
    assert_eq!(world.send("POST", "/v3/applications", &prospect).status, 201);
    let application =
        world.list("/v3/applications?status=active&per_page=1")[0]["id"].as_i64().unwrap();
    let file = json!({"application_id": application, "filename": "cv.pdf", "type": "resume",
        "url": "https://x.example/cv"});
    assert_eq!(world.send("POST", "/v3/attachments", &file).status, 201);
    let users = json!({"data": [{"first_name": "Erin", "last_name": "Smith",
        "primary_email": "erin.bulk@example.com"}]});
    assert_eq!(world.send("POST", "/v3/users/bulk", &users).status, 202);
}

#[test]
fn the_default_form_has_two_members_more_and_nothing_else_differs() {
    let world = World::new();
    let rows = world.list("/v3/applications?per_page=500");
    assert!(rows.iter().any(|row| !row["job_interview_stage_id"].is_null()));
    for row in rows {
        let found = faults_of("applications", &row);
        assert_eq!(
            found,
            ["/job_interview_stage_id: no such member", "/rejection_reason_id: no such member"],
            "{row}"
        );
    }
}

#[test]
fn answers_to_writes_have_the_form_of_rows() {
    let world = World::with(|options| options.quirks.rows = Rows::Official);
    let user =
        json!({"first_name": "Erin", "last_name": "Smith", "primary_email": "erin@example.com"});
    let answer = world.send("POST", "/v3/users", &user);
    assert_eq!((answer.status, faults_of("users", &answer.body_json())), (201, vec![]));
    let application =
        world.list("/v3/applications?status=active&per_page=1")[0]["id"].as_i64().unwrap();
    let answer = world.send("PATCH", &format!("/v3/applications/{application}"), &json!({}));
    assert_eq!((answer.status, faults_of("applications", &answer.body_json())), (200, vec![]));
}

/// The sandbox refuses each body that the document refuses.
#[test]
fn a_body_that_does_not_fit_its_schema_is_refused() {
    let world = World::new();
    let application = world.list("/v3/applications?status=active&per_page=1")[0].clone();
    let (id, candidate) =
        (application["id"].as_i64().unwrap(), application["candidate_id"].as_i64().unwrap());
    for (method, path, body) in [
        ("PATCH", "/v3/applications/{id}", json!({"source_id": null})),
        ("PATCH", "/v3/applications/{id}", json!({"referrer_id": null})),
        ("PATCH", "/v3/applications/{id}", json!({"recruiter_id": "7"})),
        ("PATCH", "/v3/applications/{id}", json!({"status": "hired"})),
        ("POST", "/v3/applications", json!({"candidate_id": candidate})),
        ("POST", "/v3/applications", json!({"candidate_id": candidate, "job_id": null})),
        (
            "POST",
            "/v3/applications",
            json!({"candidate_id": candidate, "prospect": true, "initial_stage_id": 1}),
        ),
        ("POST", "/v3/applications/{id}/hire", json!({"start_date": "2026-12-01"})),
        ("POST", "/v3/applications/{id}/hire", json!({"opening_id": null})),
        ("POST", "/v3/applications/{id}/move", json!({})),
        ("POST", "/v3/applications/{id}/reject", json!({"notes": "no"})),
        ("POST", "/v3/applications/{id}/unreject", json!({"why": "not"})),
        ("POST", "/v3/applications/{id}/convert_to_candidate", json!({})),
        ("POST", "/v3/users", json!({"first_name": "Erin", "last_name": "Smith"})),
    ] {
        let schema = &facts()["requests"][format!("{method} {path}")];
        assert!(
            !faults(schema, &body).is_empty(),
            "{method} {path} {body}: the document accepts it"
        );
        let answer = world.send(method, &path.replace("{id}", &id.to_string()), &body);
        assert_eq!(answer.status, 422, "{method} {path} {body}");
    }
}

/// A single source's live probe: Greenhouse accepts such a note, and it cannot be deleted.
#[test]
fn a_note_for_a_deleted_candidate_is_accepted_and_becomes_an_orphan() {
    let world = World::new();
    let candidate = world.list("/v3/candidates?per_page=1")[0]["id"].as_i64().unwrap();
    world.sandbox.recruiter(&Recruiter::DeleteCandidate { candidate_id: candidate }).unwrap();
    let note = |candidate: i64| {
        json!({"candidate_id": candidate, "body": "Hi", "note_type": "NOTE",
        "visibility": "public"})
    };
    assert!(world.sandbox.orphan_notes().is_empty());
    assert_eq!(world.send("POST", "/v3/notes", &note(candidate)).status, 201);
    assert_eq!(world.sandbox.orphan_notes().len(), 1);
    assert_eq!(world.send("POST", "/v3/notes", &note(7)).status, 422, "an id that never existed");
}
