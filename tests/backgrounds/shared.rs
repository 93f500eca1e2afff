//! Rows that several records are linked to, as after a merge: what one record gives up stays as
//! long as another is linked to it.

use super::{EMPLOYMENTS, acme_ltd, ada, ada_id, counts, ids, later, sync};
use atsync::internals::plan::withdraw::WithdrawOptions;
use atsync::{Clock as _, Connection, SweepOptions};
use atsync_greenhouse_sandbox::Recruiter;
use atsync_tests::World;
use serde_json::{Value, json};

const TAG: &str = "shared tag";

fn ben(world: &World, employments: Value) -> Value {
    let job = world.open_jobs()[0].clone();
    json!({"key": "ref-2", "name": {"first": "Ben", "last": "Bell"}, "emails": ["ben@example.com"],
        "employments": employments, "applications": [{"key": "a", "job": {"id": job}}],
        "tags": [TAG]})
}

fn tagged_ada(employments: Value) -> Value {
    let mut record = ada(json!([]), employments);
    record["tags"] = json!([TAG]);
    record
}

/// A recruiter merges Ben into Ada, and the engine follows.
fn merge(world: &World, acme: &Connection) {
    let ben = world.sandbox.candidates_by_email("ben@example.com")[0]["id"].as_i64().unwrap();
    let merge = Recruiter::Merge { candidate_id: ada_id(world), secondary_candidate_id: ben };
    world.sandbox.recruiter(&merge).unwrap();
    for _ in 0..3 {
        world.clock.set(world.clock.now_ms() + 3_600_000);
        world.run(acme.pull("applications")).unwrap();
        world.run(acme.sync()).unwrap();
    }
}

fn tags(world: &World) -> usize {
    world.sandbox.rows_of_candidate("applied_candidate_tags", ada_id(world)).len()
}

fn links_of(world: &World, acme: &Connection, key: &str, kind: &str) -> Vec<String> {
    let links = world.run(acme.links(key)).unwrap();
    links.into_iter().filter(|link| link.remote.kind == kind).map(|link| link.remote.id).collect()
}

#[test]
fn what_another_record_is_linked_to_is_not_removed_with_a_withdrawal() {
    let world = World::new(1, 40);
    let acme = world.connect();
    sync(&world, &acme, &ada(json!([]), json!([])));
    let ben = ben(&world, json!([acme_ltd()]));
    sync(&world, &acme, &ben);
    merge(&world, &acme);
    let ada = tagged_ada(json!([acme_ltd()]));
    for _ in 0..2 {
        later(&world, &acme, &ada);
    }
    assert_eq!((counts(&world)[1], tags(&world)), (1, 1));
    world.run(acme.withdraw("ref-2", WithdrawOptions::default())).unwrap();
    assert_eq!((counts(&world)[1], tags(&world)), (1, 1), "ref-1 declares both");
    for kind in ["employments", "applied_tags"] {
        assert!(links_of(&world, &acme, "ref-2", kind).is_empty(), "the link alone ends: {kind}");
        assert_eq!(links_of(&world, &acme, "ref-1", kind).len(), 1, "{kind}");
    }
    assert!(later(&world, &acme, &ada).is_empty());
}

#[test]
fn an_entry_that_a_record_took_over_survives_the_withdrawal_of_its_first_holder() {
    let world = World::new(1, 40);
    let acme = world.connect();
    let ada = ada(json!([]), json!([acme_ltd()]));
    sync(&world, &acme, &ada);
    sync(&world, &acme, &ben(&world, json!([acme_ltd()])));
    merge(&world, &acme);
    // A recruiter removes one of the two rows, the one that ref-1 is linked to.
    let id = links_of(&world, &acme, "ref-1", "employments")[0].parse().unwrap();
    let collection = EMPLOYMENTS.into();
    world.sandbox.recruiter(&Recruiter::Remove { collection, id }).unwrap();
    world.clock.set(world.clock.now_ms() + 3_600_000);
    world.run(acme.sweep("employments", SweepOptions::default())).unwrap();
    later(&world, &acme, &ada);
    let left = ids(&world, EMPLOYMENTS);
    assert_eq!(left.len(), 1);
    world.run(acme.withdraw("ref-2", WithdrawOptions::default())).unwrap();
    assert_eq!(ids(&world, EMPLOYMENTS), left, "ref-1 still declares it");
}

#[test]
fn an_entry_is_removed_by_the_last_record_that_gives_it_up() {
    let world = World::new(1, 40);
    let acme = world.connect();
    sync(&world, &acme, &ada(json!([]), json!([])));
    sync(&world, &acme, &ben(&world, json!([acme_ltd()])));
    merge(&world, &acme);
    later(&world, &acme, &ada(json!([]), json!([acme_ltd()])));
    later(&world, &acme, &ada(json!([]), json!([])));
    assert_eq!(counts(&world)[1], 1, "ref-2 declares it");
    world.run(acme.withdraw("ref-2", WithdrawOptions::default())).unwrap();
    assert_eq!(counts(&world)[1], 0);
}
