//! More records than one write of the store takes.

use atsync::PlanOf;
use atsync::model::desired::{Desired, DesiredCandidate};
use atsync::plan::{Plan, words};
use atsync::store::limits::PAGE_RECORDS_MAX;
use atsync::store::memory::MemoryStore;
use atsync_tests::{UpsetStore, World};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

#[test]
fn a_plan_may_speak_of_more_records_than_one_write_of_the_store_takes() {
    let world = World::new(1, 20);
    let acme = world.connect();
    let many = PAGE_RECORDS_MAX + 1;
    let records: Vec<DesiredCandidate> = (0..many)
        .map(|number| {
            let record = json!({
                "key": format!("r{number}"),
                "name": { "first": "Some", "last": "Body" },
                "emails": [format!("r{number}@new.example.com")],
                "applications": [{ "key": "a", "job": "No Such Job At All" }],
            });
            serde_json::from_value(record).unwrap()
        })
        .collect();
    assert_eq!(world.run(acme.declare(&records)).unwrap().created as usize, many);
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    assert_eq!((plan.looked_at as usize, plan.blocked().count(), plan.writes()), (many, many, 0));
    for key in ["r0".to_owned(), format!("r{}", many - 1)] {
        let row = world.run(acme.desired(&key)).unwrap().unwrap();
        assert!(row.status.conditions.iter().any(|condition| condition.kind == "Blocked"), "{row:?}");
    }
}

/// A long plan forgets from time to time what the store can tell again (more than 5,000 facts). What it decided itself must outlast that: whose address
/// was claimed, which record of the ATS was taken. Method: the same records planned as a file, which forgets nothing, and as declared, which does; far
/// apart stand records that mean the same person, new or known.
#[test]
fn a_plan_that_forgets_facts_on_its_way_is_the_plan_that_forgets_none() {
    let first = World::new(1, 60);
    let store = UpsetStore::new(Arc::new(MemoryStore::default()), Arc::default());
    let world = World::with(
        first.sandbox.clone(),
        Arc::clone(&first.clock),
        Arc::clone(&store) as _,
        Arc::clone(&first.adapter),
    );
    let candidates = world.sandbox.rows("candidates");
    let known: Vec<&str> =
        candidates.iter().filter_map(|row| row["email_addresses"][0]["value"].as_str()).take(20).collect();
    let jobs = world.sandbox.rows("jobs");
    let open = |job: &&Value| job["status"] == "open" && job["is_template"] != true && job["confidential"] != true;
    let job = jobs.iter().find(open).unwrap()["id"].to_string();
    let many = 4_000;
    let record = |number: usize| {
        let email = match number {
            // The first and the last mean people whom the ATS knows; in between stand pairs of one new person, far apart.
            number if number < 20 => known[number].to_owned(),
            number if number >= many - 20 => known[many - 1 - number].to_owned(),
            number => format!("n{}@new.example.com", number % (many - 1_000)),
        };
        let record = json!({
            "key": format!("r{number:05}"), "name": { "first": "Some", "last": "Body" }, "emails": [email, format!("x{number}@new.example.com"), format!("y{number}@new.example.com")],
            "tags": [format!("tag {}", number % 7)], "applications": [{ "key": "a", "job": { "id": job } }],
        });
        Desired::from(serde_json::from_value::<DesiredCandidate>(record).unwrap())
    };
    let records: Vec<Desired> = (0..many).map(record).collect();
    let acme = world.connect();
    let asked = |of: PlanOf<'_>| {
        let before = store.lookups();
        let plan = world.run(acme.plan(of)).unwrap();
        (plan, store.lookups() - before)
    };
    let (whole, lookups) = asked(PlanOf::Records(&records));
    assert_eq!(world.run(acme.declare(&records)).unwrap().created as usize, many);
    let (forgetful, lookups_again) = asked(PlanOf::All);
    println!("{lookups} lookups, and {lookups_again} with facts forgotten; {}", words::summary(&whole));
    assert!(lookups_again > lookups, "nothing was forgotten, so nothing was tried");
    assert!(lookups > 5_000, "{lookups} facts are not enough");
    let reasons: BTreeSet<&str> =
        whole.records.iter().flat_map(|record| &record.findings).map(|finding| finding.reason.as_str()).collect();
    println!("{reasons:?}");
    assert!(whole.blocked().count() >= 900, "pairs block each other: {reasons:?}");
    for (one, other) in whole.records.iter().zip(&forgetful.records) {
        assert_eq!(one, other);
    }
    // What it took to make a plan is not what it says.
    let said = |plan: &Plan| Plan { calls_made: 0, ..plan.clone() };
    assert_eq!(said(&whole), said(&forgetful));
}

/// Two connections of one engine, each with a record of the same key.
#[test]
fn a_plan_is_carried_out_by_its_own_connection_only() {
    let world = World::new(1, 12);
    let acme = world.connect();
    let mut options = world.options();
    options.name = "other".to_owned();
    let other = world.run(world.engine().connect(options)).unwrap();
    let record = |first: &str, email: &str| {
        let record = json!({"key": "ref-1", "name": {"first": first, "last": "Byron"}, "emails": [email]});
        Desired::from(serde_json::from_value::<DesiredCandidate>(record).unwrap())
    };
    world.run(acme.declare(&[record("Ada", "ada@example.com")])).unwrap();
    world.run(other.declare(&[record("Bob", "bob@example.com")])).unwrap();
    let plan = world.run(other.plan(PlanOf::All)).unwrap();
    world.sandbox.clear_logs();
    let refused = world.run(acme.apply(&plan)).unwrap_err();
    assert!(refused.to_string().contains("acme") && refused.to_string().contains("`other`"), "{refused}");
    assert_eq!((world.written(), world.reads()), (Vec::new(), Vec::new()), "nothing was sent");
}
