//! Entries that a recruiter corrected: the engine takes an entry away only while it shows what the
//! engine wrote.

use super::{EDUCATIONS, EMPLOYMENTS, acme_ltd, ada, correct, counts, eth, held, ids, later, sync};
use atsync::internals::plan::withdraw::WithdrawOptions;
use atsync::{Connection, PlanOf};
use atsync_tests::{World, desired};
use serde_json::{Value, json};

/// A world in which the engine added [`acme_ltd`]; with the id of its row.
fn added() -> (World, Connection, i64) {
    let world = World::new(1, 40);
    let acme = world.connect();
    sync(&world, &acme, &ada(json!([]), json!([acme_ltd()])));
    let id = ids(&world, EMPLOYMENTS)[0];
    (world, acme, id)
}

fn head() -> Value {
    json!({"title": "Head of Engineering"})
}

fn titles(world: &World) -> Vec<Value> {
    held(world, EMPLOYMENTS).iter().map(|row| row["title"].clone()).collect()
}

#[test]
fn a_corrected_entry_stays_when_it_is_no_longer_declared() {
    for is_seen_before in [true, false] {
        let (world, acme, id) = added();
        correct(&world, EMPLOYMENTS, id, head());
        if is_seen_before {
            later(&world, &acme, &ada(json!([]), json!([acme_ltd()])));
        }
        let plan = later(&world, &acme, &ada(json!([]), json!([])));
        assert_eq!(titles(&world), [json!("Head of Engineering")]);
        let said = format!("{plan}");
        assert!(said.contains("it was changed in the ATS since the engine added it"), "{said}");
        assert!(later(&world, &acme, &ada(json!([]), json!([]))).is_empty());
    }
}

#[test]
fn a_corrected_entry_stays_when_another_one_is_declared() {
    let (world, acme, id) = added();
    correct(&world, EMPLOYMENTS, id, head());
    let other = json!({"company": "Acme Ltd", "title": "Engineer", "started_on": "2018-07-01",
        "ended_on": "2021-01-01"});
    later(&world, &acme, &ada(json!([]), json!([other])));
    assert_eq!(titles(&world), [json!("Head of Engineering"), json!("Engineer")]);
}

#[test]
fn a_corrected_entry_stays_when_the_record_is_withdrawn() {
    for is_seen_before in [true, false] {
        let (world, acme, id) = added();
        correct(&world, EMPLOYMENTS, id, head());
        if is_seen_before {
            later(&world, &acme, &ada(json!([]), json!([acme_ltd()])));
        }
        world.run(acme.withdraw("ref-1", WithdrawOptions::default())).unwrap();
        assert_eq!(titles(&world), [json!("Head of Engineering")]);
    }
}

#[test]
fn a_date_that_a_recruiter_made_more_precise_is_a_correction() {
    let world = World::new(1, 40);
    let acme = world.connect();
    let month = json!({"company": "Acme Ltd", "title": "Engineer", "started_on": "2018-07"});
    sync(&world, &acme, &ada(json!([]), json!([month])));
    assert_eq!(held(&world, EMPLOYMENTS)[0]["start_date"], "2018-07-01");
    let id = ids(&world, EMPLOYMENTS)[0];
    correct(&world, EMPLOYMENTS, id, json!({"start_date": "2018-07-15"}));
    later(&world, &acme, &ada(json!([]), json!([])));
    assert_eq!(counts(&world), [0, 1]);
}

#[test]
fn a_correction_between_plan_and_removal_is_kept() {
    for collection in [EDUCATIONS, EMPLOYMENTS] {
        let world = World::new(1, 40);
        let acme = world.connect();
        sync(&world, &acme, &ada(json!([eth()]), json!([acme_ltd()])));
        world.run(acme.declare(&desired(&ada(json!([]), json!([])).to_string()))).unwrap();
        let plan = world.run(acme.plan(PlanOf::All)).unwrap();
        assert_eq!(plan.writes(), 2, "{plan}");
        let id = ids(&world, collection)[0];
        let change = match collection {
            EDUCATIONS => json!({"end_date_year": 2019}),
            _ => head(),
        };
        correct(&world, collection, id, change);
        let report = world.run(acme.apply(&plan)).unwrap();
        assert!(!report.is_complete());
        assert_eq!(ids(&world, collection), [id], "{collection}");
        assert_eq!(counts(&world).iter().sum::<usize>(), 1, "the other one is removed");
        later(&world, &acme, &ada(json!([]), json!([])));
        assert_eq!(ids(&world, collection), [id], "{collection}: the next plan keeps it");
    }
}

#[test]
fn an_entry_whose_school_was_deleted_from_the_account_is_still_the_engines() {
    let world = World::new(1, 40);
    let acme = world.connect();
    sync(&world, &acme, &ada(json!([eth()]), json!([])));
    super::forget_school(&world, ids(&world, EDUCATIONS)[0]);
    later(&world, &acme, &ada(json!([]), json!([])));
    assert_eq!(counts(&world), [0, 0]);
}
