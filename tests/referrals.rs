//! Referrals from end to end: planned, applied exactly once, kept in step.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops when something does not hold"
)]

use atsync::PlanOf;
use atsync_tests::{UpsetStore, World, desired};
use std::sync::Arc;

fn open_job(world: &World) -> String {
    let jobs = world.sandbox.rows("jobs");
    let job =
        jobs.iter().find(|job| job["status"] == "open" && job["is_template"] != true).unwrap();
    job["id"].to_string()
}

fn ada(world: &World) -> String {
    let job = open_job(world);
    format!(
        r#"{{"key":"ref-1","name":{{"first":"Ada","last":"Byron"}},"emails":["ada.byron@example.com"],"phones":["+44 20 1234"],
        "links":["https://linkedin.com/in/ada"],"company":"Analytical","title":"Engineer","tags":["brand new tag"],
        "custom_fields":{{"external_ref":"ref-1"}},"notes":[{{"key":"n1","body":"Introduced by Sam."}}],
        "applications":[{{"key":"a1","job":{{"id":"{job}"}},"source":"Acme Referrals"}}]}}"#
    )
    .replace('\n', " ")
}

#[test]
fn a_referral_creates_exactly_one_of_each_record_and_leaves_nothing_to_do() {
    let world = World::new(1, 60);
    let acme = world.connect();
    world.run(acme.declare(&desired(&ada(&world)))).unwrap();
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    println!("{}", atsync::internals::plan::words::plan(&plan));
    let report = world.run(acme.apply(&plan)).unwrap();
    println!("{report:#?}\n{:#?}", world.written());
    assert!(report.is_complete());
    let found = world.sandbox.candidates_by_email("ada.byron@example.com");
    assert_eq!(found.len(), 1);
    let id = found[0]["id"].as_i64().unwrap();
    assert_eq!(world.sandbox.applications_of(id).len(), 1);
    assert_eq!(world.sandbox.notes_of(id).len(), 1);
    assert_eq!(world.sandbox.rows_of_candidate("applied_candidate_tags", id).len(), 1);

    world.sandbox.clear_logs();
    let again = world.run(acme.plan(PlanOf::All)).unwrap();
    println!("{}", atsync::internals::plan::words::plan(&again));
    assert!(again.is_empty(), "{}", atsync::internals::plan::words::plan(&again));
    assert!(world.written().is_empty());
    let mut reads = world.reads();
    let total = reads.len();
    reads.sort();
    reads.dedup();
    assert_eq!(reads.len(), total, "at most one call per kind");
}

#[test]
fn two_records_that_match_one_candidate_are_never_both_linked() {
    let world = World::new(3, 20);
    let acme = world.connect();
    let one = r#"{"key":"whole","name":{"first":"Ada","last":"Byron"},"emails":["ada@a.example.com","ada@b.example.com"]}"#;
    world.run(acme.declare(&desired(one))).unwrap();
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    assert!(world.run(acme.apply(&plan)).unwrap().is_complete());

    // Another store that has never seen her, and two records, each with one of her addresses.
    let (sandbox, clock) = (world.sandbox.clone(), std::sync::Arc::clone(&world.clock));
    let store = std::sync::Arc::new(atsync::internals::store::memory::MemoryStore::default());
    let other = World::with(sandbox, clock, store, atsync_tests::native_greenhouse());
    let acme = other.connect();
    let two = "{\"key\":\"a\",\"emails\":[\"ada@a.example.com\"]}\n{\"key\":\"b\",\"emails\":[\"ada@b.example.com\"]}";
    other.run(acme.declare(&desired(two))).unwrap();
    let plan = other.run(acme.plan(PlanOf::Dirty)).unwrap();
    println!("{}", atsync::internals::plan::words::plan(&plan));
    assert_eq!(plan.blocked().map(|finding| finding.path.as_str()).collect::<Vec<_>>(), ["b"]);
    assert!(other.run(acme.links("b")).unwrap().is_empty());
}

/// When a lease ends, another process may write for the connection, so no request may be under way
/// then.
#[test]
fn no_intent_begins_when_the_lease_may_end_before_its_request_does() {
    let first = World::new(1, 60);
    let store = UpsetStore::new(Arc::clone(&first.store), Arc::default());
    let world = World::with(
        first.sandbox.clone(),
        Arc::clone(&first.clock),
        Arc::clone(&store) as _,
        Arc::clone(&first.adapter),
    );
    store.end_leases_at(atsync::Clock::steady_ms(world.clock.as_ref()) + 60_000);
    let acme = world.connect();
    world.run(acme.declare(&desired(&ada(&world)))).unwrap();
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    let report = world.run(acme.apply(&plan)).unwrap();
    assert!(!report.is_complete(), "{report:#?}");
    assert_eq!(world.written(), Vec::<String>::new());
    assert!(!store.calls().contains(&"begin_intent"), "{:?}", store.calls());

    store.end_leases_at(u64::MAX);
    let acme = world.connect();
    let (_, report) = world.run(acme.sync()).unwrap();
    assert!(report.is_complete(), "{report:#?}");
    assert_eq!(world.sandbox.candidates_by_email("ada.byron@example.com").len(), 1);
}
