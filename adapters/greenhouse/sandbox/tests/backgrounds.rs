//! The laws of educations and employments: creation, lists, visibility, merge and removal.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests; the lint exempts only the tests themselves"
)]

mod common;

use atsync_greenhouse_sandbox::{Fault, FaultKind, Recruiter, Sandbox, SandboxOptions};
use common::{World, id, ids};
use serde_json::{Value, json};

const COLLECTIONS: [&str; 2] = ["candidate_educations", "candidate_employments"];

fn option(world: &World, key: &str) -> i64 {
    let path = format!("/v3/custom_field_options?custom_field_key={key}&active=true");
    id(world.list(&path).last().expect("an option"))
}

fn employment(candidate: i64) -> Value {
    json!({"candidate_id": candidate, "company_name": "Acme", "title": "Engineer",
        "start_date": "2016-09-01"})
}

#[test]
fn some_candidates_have_entries_which_are_listed_like_other_rows() {
    let world = World::new();
    for collection in COLLECTIONS {
        let (all, _) = world.walk(&format!("/v3/{collection}?per_page=500"));
        let (paged, pages) = world.walk(&format!("/v3/{collection}?per_page=7"));
        assert!(all.len() > 20 && pages > 2, "{collection}: {}", all.len());
        assert_eq!(all, paged, "{collection}");
        let candidate = all[0]["candidate_id"].as_i64().expect("a candidate");
        let own = world.list(&format!("/v3/{collection}?candidate_ids={candidate}"));
        assert!(!own.is_empty() && own.iter().all(|row| row["candidate_id"] == candidate));
        assert_eq!(ids(&world.list(&format!("/v3/{collection}?ids={}", id(&all[0])))).len(), 1);
    }
}

#[test]
fn the_rest_of_a_company_does_not_depend_on_the_entries() {
    let world = World::new();
    let first = world.create_candidate("next@example.com");
    let again = Sandbox::new(SandboxOptions {
        clock: world.clock.clock(),
        ..SandboxOptions::sized(7, 120)
    });
    let newest = again.rows("candidates").iter().map(id).max().expect("candidates");
    assert!(first > newest && first - newest < 10_000, "ids go on where they did");
}

#[test]
fn an_education_takes_options_of_its_fields_and_dates_in_two_forms() {
    let world = World::new();
    let candidate = world.create_candidate("ada@example.com");
    let school = option(&world, "school_name");
    let degree = option(&world, "degree");
    let make = |more: Value| {
        let mut body = json!({"candidate_id": candidate});
        body.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        world.post("/v3/candidate_educations", body)
    };
    let made = make(json!({"school_name_custom_field_option_id": school,
        "start_date": "2016-09-15", "end_date_year": 2018, "end_date_month": 6}));
    assert_eq!(made.status, 201);
    let row = made.body_json();
    assert_eq!((&row["start_date_year"], &row["start_date_month"]), (&json!(2016), &json!(9)));
    assert_eq!(row["start_at"], "2016-09-15T00:00:00.000Z");
    assert_eq!(
        (&row["latest"], &row["school_name_custom_field_option_id"]),
        (&json!(true), &json!(school))
    );
    assert_eq!(make(json!({})).body_json()["latest"], false);
    for refused in [
        json!({"school_name_custom_field_option_id": degree}),
        json!({"school_name": "ETH Zürich"}),
        json!({"start_date": "2016"}),
        json!({"start_date": "2016-09-01", "start_date_year": 2016}),
        json!({"start_date_month": 9}),
        json!({"candidate_id": 7}),
    ] {
        assert_eq!(make(refused.clone()).status, 422, "{refused}");
    }
    assert_eq!(world.sandbox.creates("candidate_educations"), 2);
}

#[test]
fn a_repeated_creation_adds_a_row_and_an_unanswered_one_is_processed() {
    let world = World::new();
    let candidate = world.create_candidate("ada@example.com");
    for _ in 0..2 {
        assert_eq!(world.post("/v3/candidate_employments", employment(candidate)).status, 201);
    }
    let path = "/v3/candidate_employments";
    world.sandbox.faults().add(Fault::once("POST", path, FaultKind::DropAfter));
    world.post(path, employment(candidate));
    assert_eq!(world.sandbox.rows_of_candidate("candidate_employments", candidate).len(), 3);
    let mut bad = employment(candidate);
    bad["start_date"] = json!("September");
    assert_eq!(world.post(path, bad).status, 422);
}

#[test]
fn an_entry_is_removed_once_and_lists_show_it_late_if_the_switch_says_so() {
    let world = World::new();
    let candidate = world.create_candidate("ada@example.com");
    let made = world.post("/v3/candidate_employments", employment(candidate)).body_json();
    let path = format!("/v3/candidate_employments/{}", id(&made));
    world.sandbox.set_quirks(|quirks| quirks.visibility_delay_ms = 10_000);
    assert_eq!(world.send("DELETE", &path, &Value::Null).status, 200);
    assert_eq!(world.send("DELETE", &path, &Value::Null).status, 404);
    let shown = || world.list(&format!("/v3/candidate_employments?candidate_ids={candidate}"));
    assert_eq!(shown().len(), 1, "lists are late");
    world.clock.advance_ms(11_000);
    assert_eq!(shown().len(), 0);
}

#[test]
fn a_recruiters_entries_are_merged_and_erased_with_the_candidate() {
    let world = World::new();
    let (one, other) =
        (world.create_candidate("one@example.com"), world.create_candidate("two@example.com"));
    let deed = Recruiter::AddEducation {
        candidate_id: one,
        school: "A new school".into(),
        degree: Some("Doctorate".into()),
        discipline: None,
        started: Some(2001),
        ended: None,
    };
    world.sandbox.recruiter(&deed).expect("done");
    let deed = Recruiter::AddEmployment {
        candidate_id: one,
        company: "Acme".into(),
        title: "Engineer".into(),
        started_on: "2016-09-01".into(),
        ended_on: None,
    };
    world.sandbox.recruiter(&deed).expect("done");
    let held = |candidate: i64| {
        COLLECTIONS.map(|collection| world.sandbox.rows_of_candidate(collection, candidate).len())
    };
    assert_eq!(held(one), [1, 1]);
    let merge = Recruiter::Merge { candidate_id: other, secondary_candidate_id: one };
    world.sandbox.recruiter(&merge).expect("done");
    assert_eq!((held(one), held(other)), ([0, 0], [1, 1]), "a merge moves them");
    let some = Recruiter::Anonymise { candidate_id: other, fields: vec!["education".into()] };
    world.sandbox.recruiter(&some).expect("done");
    assert_eq!(held(other), [0, 1], "an anonymisation erases the groups that it names");
    world.sandbox.recruiter(&Recruiter::DeleteCandidate { candidate_id: other }).expect("done");
    assert_eq!(held(other), [0, 0]);
}

#[test]
fn entries_of_a_private_candidate_are_hidden_too() {
    let world = World::new();
    let candidate = world.create_candidate("ada@example.com");
    let made = world.post("/v3/candidate_employments", employment(candidate)).body_json();
    world.patch(&format!("/v3/candidates/{candidate}"), json!({"is_private": true}));
    world.sandbox.set_access(|access| access.sees_private_candidates = false);
    let path = format!("/v3/candidate_employments?ids={}", id(&made));
    assert_eq!(world.list(&path).len(), 0);
    assert_eq!(world.post("/v3/candidate_employments", employment(candidate)).status, 422);
}
