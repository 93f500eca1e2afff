//! Educations and employments of a candidate: identified by their content, added once, and removed
//! only if the engine added them.
//!
//! Method: the real engine with the Greenhouse adapter against the sandbox, on a manual clock. The
//! tests check what the sandbox holds and which requests reached it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops when something does not hold"
)]

mod corrections;
mod enforced;
mod sameness;
mod shared;

use atsync::internals::plan::withdraw::WithdrawOptions;
use atsync::internals::plan::{Plan, words};
use atsync::internals::reconcile::ApplyReport;
use atsync::{Clock as _, Connection, Person};
use atsync_greenhouse_sandbox::{Fault, FaultKind, Recruiter};
use atsync_tests::{World, desired};
use serde_json::{Value, json};

const ADA: &str = "ada.byron@example.com";
const EDUCATIONS: &str = "candidate_educations";
const EMPLOYMENTS: &str = "candidate_employments";

fn eth() -> Value {
    json!({"school": "ETH Zürich", "degree": "Master's", "discipline": "Mathematics",
        "started_on": "2016-09", "ended_on": "2018"})
}

fn acme_ltd() -> Value {
    json!({"company": "Acme Ltd", "title": "Engineer", "started_on": "2018-07-01"})
}

fn ada(educations: Value, employments: Value) -> Value {
    json!({"key": "ref-1", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA],
        "educations": educations, "employments": employments})
}

fn sync(world: &World, acme: &Connection, record: &Value) -> (Plan, ApplyReport) {
    world.clock.set(world.clock.now_ms() + 600_000);
    world.run(acme.declare(&desired(&record.to_string()))).unwrap();
    world.sandbox.clear_logs();
    let (plan, report) = world.run(acme.sync()).unwrap();
    println!("{}{report:#?}", words::plan(&plan));
    (plan, report)
}

/// Declares a record an hour later and applies the plan.
fn later(world: &World, acme: &Connection, record: &Value) -> Plan {
    world.clock.set(world.clock.now_ms() + 3_600_000);
    sync(world, acme, record).0
}

/// Changes a row by hand.
fn correct(world: &World, collection: &str, id: i64, values: Value) {
    let values = values.as_object().unwrap().clone();
    world.sandbox.recruiter(&Recruiter::Set { collection: collection.into(), id, values }).unwrap();
    world.clock.set(world.clock.now_ms() + 1000);
}

/// Deletes the option that names the school of an education.
fn forget_school(world: &World, education: i64) {
    let rows = held(world, EDUCATIONS);
    let row = rows.iter().find(|row| row["id"] == education).unwrap();
    let id = row["school_name_custom_field_option_id"].as_i64().unwrap();
    let collection = "custom_field_options".into();
    world.sandbox.recruiter(&Recruiter::Remove { collection, id }).unwrap();
    world.clock.set(world.clock.now_ms() + 1000);
}

/// The ids of the candidate's rows.
fn ids(world: &World, collection: &str) -> Vec<i64> {
    held(world, collection).iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

fn ada_id(world: &World) -> i64 {
    let found = world.sandbox.candidates_by_email(ADA);
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0]["id"].as_i64().unwrap()
}

fn held(world: &World, collection: &str) -> Vec<Value> {
    world.sandbox.rows_of_candidate(collection, ada_id(world))
}

fn counts(world: &World) -> [usize; 2] {
    [EDUCATIONS, EMPLOYMENTS].map(|collection| held(world, collection).len())
}

/// A recruiter's own entries; with `same`, they have the content of [`eth`] and [`acme_ltd`].
fn recruiter(world: &World, same: bool) {
    let candidate_id = ada_id(world);
    let education = Recruiter::AddEducation {
        candidate_id,
        school: if same { "ETH Zürich" } else { "USP" }.into(),
        degree: Some("Master's".into()),
        discipline: Some("Mathematics".into()),
        started: Some(2016),
        ended: Some(2018),
    };
    let employment = Recruiter::AddEmployment {
        candidate_id,
        company: if same { "Acme Ltd" } else { "Lagos Data" }.into(),
        title: "Engineer".into(),
        started_on: "2018-07-01".into(),
        ended_on: None,
    };
    for deed in [education, employment] {
        world.sandbox.recruiter(&deed).unwrap();
        world.clock.set(world.clock.now_ms() + 1000);
    }
}

#[test]
fn a_declared_entry_is_added_once() {
    let world = World::new(1, 40);
    let acme = world.connect();
    let record = ada(json!([eth()]), json!([acme_ltd()]));
    let (_, report) = sync(&world, &acme, &record);
    assert!(report.is_complete());
    assert_eq!(counts(&world), [1, 1]);
    let row = &held(&world, EDUCATIONS)[0];
    assert_eq!((&row["start_date_year"], &row["start_date_month"]), (&json!(2016), &json!(9)));
    for _ in 0..2 {
        let (plan, _) = sync(&world, &acme, &record);
        assert!(plan.is_empty(), "{}", words::plan(&plan));
        assert_eq!(counts(&world), [1, 1]);
        assert_eq!(world.written(), Vec::<String>::new());
    }
}

#[test]
fn an_existing_entry_is_found_and_stays_the_recruiters() {
    let world = World::new(1, 40);
    let acme = world.connect();
    sync(&world, &acme, &ada(json!([]), json!([])));
    recruiter(&world, true);
    let (_, report) = sync(&world, &acme, &ada(json!([eth()]), json!([acme_ltd()])));
    assert!(report.is_complete());
    assert_eq!(counts(&world), [1, 1], "nothing is added beside it");
    sync(&world, &acme, &ada(json!([]), json!([])));
    assert_eq!(counts(&world), [1, 1], "the engine removes only what it added");
}

#[test]
fn an_entry_that_is_no_longer_declared_is_removed_and_no_other() {
    let world = World::new(1, 40);
    let acme = world.connect();
    sync(&world, &acme, &ada(json!([eth()]), json!([acme_ltd()])));
    recruiter(&world, false);
    assert_eq!(counts(&world), [2, 2]);
    let (_, report) = sync(&world, &acme, &ada(json!([]), json!([acme_ltd()])));
    assert!(report.is_complete());
    assert_eq!(counts(&world), [1, 2]);
    sync(&world, &acme, &ada(json!([]), json!([])));
    assert_eq!(counts(&world), [1, 1]);
    assert_eq!(held(&world, EMPLOYMENTS)[0]["company_name"], "Lagos Data");
}

#[test]
fn an_entry_with_other_content_is_another_entry() {
    let world = World::new(1, 40);
    let acme = world.connect();
    sync(&world, &acme, &ada(json!([]), json!([acme_ltd()])));
    let former = held(&world, EMPLOYMENTS)[0]["id"].clone();
    let ended = json!({"company": "Acme Ltd", "title": "Engineer", "started_on": "2018-07-01",
        "ended_on": "2020-12-31"});
    let (_, report) = sync(&world, &acme, &ada(json!([]), json!([ended])));
    assert!(report.is_complete());
    let now = held(&world, EMPLOYMENTS);
    assert_eq!(now.len(), 1);
    assert_ne!(now[0]["id"], former);
    assert_eq!(now[0]["end_date"], "2020-12-31");
}

#[test]
fn a_create_in_doubt_is_probed_and_never_duplicated() {
    for collection in [EDUCATIONS, EMPLOYMENTS] {
        let world = World::new(1, 40);
        let acme = world.connect();
        sync(&world, &acme, &ada(json!([]), json!([])));
        let path = format!("/v3/{collection}");
        world.sandbox.faults().add(Fault::once("POST", &path, FaultKind::DropAfter));
        let record = ada(json!([eth()]), json!([acme_ltd()]));
        sync(&world, &acme, &record);
        for _ in 0..3 {
            sync(&world, &acme, &record);
        }
        assert_eq!(counts(&world), [1, 1], "{collection}");
    }
}

#[test]
fn a_withdrawal_removes_the_entries_that_the_engine_added() {
    let world = World::new(1, 40);
    let acme = world.connect();
    sync(&world, &acme, &ada(json!([]), json!([])));
    recruiter(&world, false);
    sync(&world, &acme, &ada(json!([eth()]), json!([acme_ltd()])));
    assert_eq!(counts(&world), [2, 2]);
    let (_, report) = world.run(acme.withdraw("ref-1", WithdrawOptions::default())).unwrap();
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(counts(&world), [1, 1]);
    assert_eq!(held(&world, EMPLOYMENTS)[0]["company_name"], "Lagos Data");
}

#[test]
fn erasing_a_candidate_erases_their_background() {
    let world = World::new(1, 40);
    let acme = world.connect();
    sync(&world, &acme, &ada(json!([eth()]), json!([acme_ltd()])));
    let of = |kind: &str| {
        let id = if kind == "educations" { EDUCATIONS } else { EMPLOYMENTS };
        held(&world, id)[0]["id"].to_string()
    };
    let ids = ["educations", "employments"].map(|kind| (kind, of(kind)));
    for (kind, id) in &ids {
        let known = world.run(acme.observed_one(kind, id)).unwrap();
        assert!(known.is_some(), "{kind}/{id} was read");
    }
    world.run(acme.erase(&Person::Key("ref-1".into()))).unwrap();
    for (kind, id) in &ids {
        assert!(world.run(acme.observed_one(kind, id)).unwrap().is_none(), "{kind}/{id}");
    }
    for kind in ["educations", "employments"] {
        world.run(acme.pull(kind)).unwrap();
    }
    for (kind, id) in &ids {
        let again = world.run(acme.observed_one(kind, id)).unwrap();
        assert!(again.is_none(), "{kind}/{id} is kept away");
    }
}

#[test]
fn explain_shows_each_entry() {
    let world = World::new(1, 40);
    let acme = world.connect();
    sync(&world, &acme, &ada(json!([eth()]), json!([acme_ltd()])));
    let story = format!("{:?}", world.run(acme.explain("ref-1")).unwrap());
    for text in ["educations", "employments", "ETH Zürich", "Acme Ltd"] {
        assert!(story.contains(text), "{text}: {story}");
    }
}
