//! Entries under the policy `enforce`: one that a recruiter changed or removed is added again, and
//! what the recruiter has stays. A sync reports drift of entries without a pull.

use super::{
    EMPLOYMENTS, Recruiter, World, acme_ltd, ada, correct, counts, held, ids, later, sync,
};
use atsync::{Connection, PlanOf};
use serde_json::{Value, json};

fn globex() -> Value {
    json!({"company": "Globex", "title": "Analyst", "started_on": "2019-01-01"})
}

fn declared(policy: &str) -> Value {
    let mut record = ada(json!([]), json!([acme_ltd(), globex()]));
    record["policy"] = json!({"employments": policy});
    record
}

fn started(policy: &str) -> (World, Connection, i64) {
    let world = World::new(1, 40);
    let acme = world.connect();
    sync(&world, &acme, &declared(policy));
    let rows = held(&world, EMPLOYMENTS);
    let row = rows.iter().find(|row| row["title"] == "Engineer").unwrap();
    let id = row["id"].as_i64().unwrap();
    (world, acme, id)
}

fn titles(world: &World) -> Vec<String> {
    let rows = held(world, EMPLOYMENTS);
    let mut titles: Vec<String> =
        rows.iter().map(|row| row["title"].as_str().unwrap_or_default().to_owned()).collect();
    titles.sort();
    titles
}

/// What a sync without a pull says, a day later.
fn next_day(world: &World, acme: &Connection) -> String {
    world.clock.set(atsync::Clock::now_ms(&*world.clock) + 24 * 3_600_000);
    let (plan, _) = world.run(acme.sync()).unwrap();
    format!("{plan}")
}

#[test]
fn enforce_adds_a_changed_entry_again_beside_the_recruiters() {
    let (world, acme, id) = started("enforce");
    correct(&world, EMPLOYMENTS, id, json!({"title": "Head of Engineering"}));
    next_day(&world, &acme);
    let all = ["Analyst", "Engineer", "Head of Engineering"];
    assert_eq!(titles(&world), all);
    for _ in 0..2 {
        assert!(later(&world, &acme, &declared("enforce")).is_empty());
    }
    // The engine's own entries are removed, the recruiter's stays.
    let mut record = declared("enforce");
    record["employments"] = json!([]);
    later(&world, &acme, &record);
    assert_eq!(ids(&world, EMPLOYMENTS), [id]);
}

#[test]
fn enforce_adds_a_removed_entry_again() {
    let (world, acme, id) = started("enforce");
    let collection = EMPLOYMENTS.into();
    world.sandbox.recruiter(&Recruiter::Remove { collection, id }).unwrap();
    world.clock.set(atsync::Clock::now_ms(&*world.clock) + 3_600_000);
    world.run(acme.sweep("employments", atsync::SweepOptions::default())).unwrap();
    next_day(&world, &acme);
    next_day(&world, &acme);
    assert_eq!(titles(&world), ["Analyst", "Engineer"]);
}

#[test]
fn enforce_restores_no_entry_of_which_a_part_was_emptied() {
    let (world, acme, id) = started("enforce");
    correct(&world, EMPLOYMENTS, id, json!({"title": ""}));
    let said = next_day(&world, &acme);
    assert!(said.contains("may be an erasure"), "{said}");
    assert_eq!(counts(&world)[1], 2);
}

#[test]
fn a_sync_reports_the_drift_of_an_entry_without_a_pull() {
    let (world, acme, id) = started("yield");
    correct(&world, EMPLOYMENTS, id, json!({"title": "Head of Engineering"}));
    let said = next_day(&world, &acme);
    assert!(said.contains("was changed in the ATS"), "{said}");
    assert_eq!(titles(&world), ["Analyst", "Head of Engineering"]);
}

#[test]
fn a_sync_reads_no_entries_where_no_record_declares_any() {
    let world = World::new(1, 40);
    let acme = world.connect();
    let record = json!({"key": "ref-1", "name": {"first": "Ada", "last": "Byron"},
        "emails": [super::ADA]});
    sync(&world, &acme, &record);
    world.sandbox.clear_logs();
    next_day(&world, &acme);
    world.run(acme.plan(PlanOf::All)).unwrap();
    let asked = format!("{:?}", world.sandbox.requests());
    assert!(!asked.contains(EMPLOYMENTS), "{asked}");
}
