//! A plan and an explanation report what the engine does, and neither contradicts the other.
//!
//! Method: the real engine with the Greenhouse adapter against the sandbox, without sockets.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

use atsync::Reason;
use atsync::internals::plan::words;
use atsync::model::contract::RemoteRef;
use atsync::{Clock as _, Connection, PlanOf, SweepOptions};
use atsync_greenhouse_sandbox::{Fault, FaultKind, Recruiter};
use atsync_tests::{World, desired};
use serde_json::{Value, json};

const ADA: &str = "ada.byron@example.com";

fn ada(more: &Value) -> Value {
    let mut ada = json!({"key": "ada", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA]});
    ada.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ada
}

fn told(world: &World, acme: &Connection) -> String {
    words::plan(&world.run(acme.plan(PlanOf::All)).unwrap())
}

#[test]
fn a_prospect_is_planned_as_a_prospect_with_the_candidate_or_alone() {
    for alone in [false, true] {
        let world = World::new(71, 20);
        let acme = world.connect();
        if alone {
            world.run(acme.declare(&desired(&ada(&json!({})).to_string()))).unwrap();
            world.run(acme.sync()).unwrap();
        }
        let pool = world.sandbox.rows("prospect_pools")[0]["id"].to_string();
        let declaration =
            json!({"applications": [{"key": "a", "kind": "prospect", "pool": {"id": pool}}]});
        world.run(acme.declare(&desired(&ada(&declaration).to_string()))).unwrap();
        let text = told(&world, &acme);
        assert!(text.contains("kind = prospect"), "{text}");
    }
}

#[test]
fn a_record_that_is_in_step_has_no_heading_of_its_own() {
    let world = World::new(71, 20);
    let acme = world.connect();
    world
        .run(acme.declare(&desired(&ada(&json!({"tags": ["Of No One Yet"]})).to_string())))
        .unwrap();
    // The candidate's create carries the tag: a later plan links its own row, and reports nothing.
    world.run(acme.sync()).unwrap();
    for _ in 0..3 {
        world.clock.set(world.clock.now_ms() + 600_000);
        let text = told(&world, &acme);
        assert_eq!(text.lines().count(), 1, "{text}");
        world.run(acme.sync()).unwrap();
    }
}

#[test]
fn explain_never_contradicts_the_plan_about_a_tag() {
    let world = World::new(71, 20);
    let acme = world.connect();
    world.run(acme.declare(&desired(&ada(&json!({"tags": ["Keen"]})).to_string()))).unwrap();
    world.run(acme.sync()).unwrap();
    world.clock.set(world.clock.now_ms() + 600_000);
    world.run(acme.plan(PlanOf::All)).unwrap();
    world.run(acme.sync()).unwrap();
    let candidate_id = world.sandbox.candidates_by_email(ADA)[0]["id"].as_i64().unwrap();
    world
        .sandbox
        .recruiter(&Recruiter::RemoveTag { candidate_id, tag: "Keen".to_owned() })
        .unwrap();
    world.clock.set(world.clock.now_ms() + 600_000);
    // The candidate is read without the tag; the tag's own row is still stored.
    world.run(acme.pull_full("candidates")).unwrap();
    let before = world.run(acme.explain("ada")).unwrap().to_string();
    let plan = told(&world, &acme);
    assert!(plan.contains("\"Keen\" was removed from `tags` in the ATS"), "{plan}");
    let after = world.run(acme.explain("ada")).unwrap();
    let tag = |told: &atsync::internals::reconcile::Explanation| {
        told.fields
            .iter()
            .find(|field| field.field == "tags")
            .map(|field| field.verdict.clone())
            .unwrap()
    };
    assert!(!before.contains("tags [yield]: in step"), "{before}");
    assert!(before.contains("the next plan"), "{before}");
    assert_eq!(tag(&after), "differs: their value stands", "{after}");
}

/// A linked candidate that another one was merged into differs by the merge: no user changed a
/// value.
#[test]
fn a_difference_caused_by_a_merge_is_reported_as_the_merge_until_it_is_in_step_or_written() {
    let world = World::new(71, 20);
    let acme = world.connect();
    let pass = || world.clock.set(world.clock.now_ms() + 600_000);
    let job =
        world.sandbox.rows("jobs").into_iter().find(|job| job["status"] == "open").unwrap()["id"]
            .to_string();
    let declaration =
        ada(&json!({"title": "Countess", "applications": [{"key": "a", "job": {"id": job}}]}));
    let other = json!({"key": "other", "name": {"first": "Augusta", "last": "King"},
        "emails": ["king@example.com"], "title": "Lady"});
    let both = [declaration.to_string(), other.to_string()].join("\n");
    world.run(acme.declare(&desired(&both))).unwrap();
    world.run(acme.sync()).unwrap();
    pass();
    world.run(acme.abandon("other")).unwrap();
    let id = |email: &str| world.sandbox.candidates_by_email(email)[0]["id"].as_i64().unwrap();
    let (loser, winner) = (id(ADA), id("king@example.com"));
    world
        .sandbox
        .recruiter(&Recruiter::Merge { candidate_id: winner, secondary_candidate_id: loser })
        .unwrap();
    for round in 0..4 {
        pass();
        world.run(acme.pull_full("applications")).unwrap();
        let text = told(&world, &acme);
        for field in ["name.first", "name.last", "title"] {
            let says = format!("`{field}` is");
            let line = text.lines().find(|line| line.contains(&says));
            let of_merge = format!("on candidates/{winner}, which its candidate was merged into");
            assert!(line.is_some_and(|line| line.contains(&of_merge)), "{round}: {text}");
        }
        assert!(!text.contains("was changed in the ATS"), "{round}: {text}");
        world.run(acme.sync()).unwrap();
    }
    // The host changes its declaration: the plan reports the current value and its cause. Under
    // `enforce`, that ends.
    let mut changed = declaration.clone();
    changed["title"] = json!("Baroness");
    world.run(acme.declare(&desired(&changed.to_string()))).unwrap();
    let text = told(&world, &acme);
    let line = text.lines().find(|line| line.contains("`title` is")).unwrap_or_default();
    assert!(line.contains("conflict") && line.contains("merged into"), "{text}");
    changed["policy"] = json!({"title": "enforce"});
    world.run(acme.declare(&desired(&changed.to_string()))).unwrap();
    world.run(acme.sync()).unwrap();
    pass();
    let edit = json!({"title": "Queen"}).as_object().unwrap().clone();
    world
        .sandbox
        .recruiter(&Recruiter::Set { collection: "candidates".into(), id: winner, values: edit })
        .unwrap();
    pass();
    changed["policy"] = json!({});
    world.run(acme.declare(&desired(&changed.to_string()))).unwrap();
    let text = told(&world, &acme);
    assert!(text.contains("`title` was changed in the ATS"), "{text}");
}

#[test]
fn the_status_names_the_blocked_write_and_the_plan_has_none_of_its_dependents() {
    for status in [422, 500] {
        let world = World::new(71, 20);
        let acme = world.connect();
        let file = json!({"key": "f", "filename": "cv.pdf", "type": "resume",
            "url": "https://files.example.com/cv.pdf"});
        let application =
            json!({"key": "a", "job": {"id": world.open_jobs()[0]}, "attachments": [file]});
        let declaration = json!({"applications": [application],
            "notes": [{"key": "n", "body": "Met.", "application": "a"}]});
        let mut rule = Fault::always("/v3/candidates", FaultKind::NotApplied { status });
        rule.method = Some("POST".to_owned());
        world.sandbox.faults().add(rule);
        world.run(acme.declare(&desired(&ada(&declaration).to_string()))).unwrap();
        for _ in 0..12 {
            world.run(acme.sync()).unwrap();
            let told = world.run(acme.status()).unwrap();
            let said = &told.not_in_step["ada"];
            assert!(said.contains("candidates.create"), "{status}: {said}");
            assert_eq!(
                told.waiting_for_person > 0,
                said.contains("waits for a person"),
                "{status}: {said}"
            );
            world.clock.set(world.clock.now_ms() + 1_200_000);
        }
        assert_eq!(world.run(acme.status()).unwrap().waiting_for_person, 1, "{status}");
        let plan = world.run(acme.plan(PlanOf::All)).unwrap();
        assert!(plan.is_empty() && plan.calls == 0, "{status}: {}", words::plan(&plan));
        let (_, report) = world.run(acme.sync()).unwrap();
        assert!(report.steps.is_empty(), "{status}: {report:#?}");
    }
}

#[test]
fn a_deleted_or_merged_candidate_is_reported_with_the_candidate_who_has_the_address_now() {
    for is_merged in [true, false] {
        let world = World::new(71, 20);
        let acme = world.connect();
        world.bring(&acme, &ada(&json!({})));
        let id = world.sandbox.candidates_by_email(ADA)[0]["id"].as_i64().unwrap();
        // Without an application nothing shows that a merge happened.
        let other = world
            .sandbox
            .rows("candidates")
            .into_iter()
            .find(|row| row["private"] == false)
            .unwrap();
        let other = other["id"].as_i64().unwrap();
        let done = match is_merged {
            true => Recruiter::Merge { candidate_id: other, secondary_candidate_id: id },
            false => Recruiter::DeleteCandidate { candidate_id: id },
        };
        world.sandbox.recruiter(&done).unwrap();
        world.clock.set(world.clock.now_ms() + 600_000);
        world.run(acme.sweep("candidates", SweepOptions::default())).unwrap();
        let text = told(&world, &acme);
        assert!(
            text.contains("was deleted in the ATS, or merged into another candidate"),
            "{text}"
        );
        assert_eq!(
            text.contains(&format!("candidates/{other} has the e-mail address")),
            is_merged,
            "{text}"
        );
        if is_merged {
            // The way out that it names works.
            world.run(acme.link("ada", &RemoteRef::new("candidates", other.to_string()))).unwrap();
            world.bring(&acme, &ada(&json!({"title": "Countess", "policy": {"title": "enforce"}})));
            let rows = world.sandbox.rows("candidates");
            assert_eq!(rows.iter().filter(|row| row["title"] == "Countess").count(), 1);
        }
    }
}

/// It has a reason of its own: it is not blocked, unlike a write that the ATS ignores.
#[test]
fn a_field_that_the_ats_never_shows_keeps_no_record_from_being_in_step() {
    let world = World::new(71, 20);
    world.wire.edit_rows("/v3/candidates", |_, rows| {
        for row in rows {
            row.as_object_mut().unwrap().remove("company");
        }
    });
    let acme = world.connect();
    let mut record = ada(&json!({}));
    world.run(acme.declare(&desired(&record.to_string()))).unwrap();
    world.run(acme.sync()).unwrap();
    world.clock.set(world.clock.now_ms() + 600_000);
    world.run(acme.pull_full("candidates")).unwrap();
    record["company"] = json!("Analytical");
    world.run(acme.declare(&desired(&record.to_string()))).unwrap();
    for _ in 0..3 {
        let (plan, report) = world.run(acme.sync()).unwrap();
        let words = words::plan(&plan);
        assert!(plan.records.iter().all(|record| !record.waits()), "{words}");
        assert!(report.is_complete(), "{words} {report:#?}");
        world.clock.set(world.clock.now_ms() + 600_000);
    }
    let plan = world.run(acme.plan(PlanOf::All)).unwrap();
    assert!(plan.records[0].note(Reason::NotShown).is_some(), "{}", words::plan(&plan));
}
