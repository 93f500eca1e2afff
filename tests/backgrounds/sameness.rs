//! Rows and entries that are the same only as far as their dates go, or whose school does not show:
//! each declared entry gets a row of its own, and an unknown school is no other entry's.

use super::{EDUCATIONS, ada, ada_id, correct, counts, eth, forget_school, held, ids, later, sync};
use super::{Fault, FaultKind, Recruiter, World};
use atsync::{Clock as _, Connection, PlanOf};
use serde_json::{Value, json};

fn month(month: &str) -> Value {
    let mut entry = eth();
    entry["started_on"] = json!(month);
    entry
}

/// A recruiter adds an education like [`eth`], of which only the years are known. Returns its id.
fn add_year(world: &World) -> i64 {
    let before = ids(world, EDUCATIONS);
    let add = Recruiter::AddEducation {
        candidate_id: ada_id(world),
        school: "ETH Zürich".into(),
        degree: Some("Master's".into()),
        discipline: Some("Mathematics".into()),
        started: Some(2016),
        ended: Some(2018),
    };
    world.sandbox.recruiter(&add).unwrap();
    world.clock.set(world.clock.now_ms() + 1000);
    let added = ids(world, EDUCATIONS).into_iter().find(|id| !before.contains(id));
    added.unwrap()
}

fn started() -> (World, Connection) {
    let world = World::new(1, 40);
    let acme = world.connect();
    sync(&world, &acme, &ada(json!([]), json!([])));
    (world, acme)
}

fn row_of(world: &World, acme: &Connection, month: &str) -> Option<String> {
    let links = world.run(acme.links("ref-1")).unwrap();
    links.into_iter().find(|link| link.path.contains(month)).map(|link| link.remote.id)
}

#[test]
fn two_entries_that_one_row_fits_get_a_row_each() {
    for adopted_first in [true, false] {
        let (world, acme) = started();
        add_year(&world);
        if adopted_first {
            later(&world, &acme, &ada(json!([month("2016-09")]), json!([])));
            assert_eq!(counts(&world)[0], 1);
        }
        let record = ada(json!([month("2016-09"), month("2016-10")]), json!([]));
        for _ in 0..2 {
            later(&world, &acme, &record);
        }
        assert_eq!(counts(&world)[0], 2, "adopted first: {adopted_first}");
        assert!(world.run(acme.plan(PlanOf::All)).unwrap().is_empty());
    }
}

#[test]
fn an_exact_row_is_given_away_before_a_loose_one() {
    for first in [0, 1] {
        for order in [["2016-10", "2016-09"], ["2016-09", "2016-10"]] {
            let (world, acme) = started();
            let rows = [add_year(&world), add_year(&world)];
            correct(&world, EDUCATIONS, rows[first], json!({"start_date_month": 10}));
            let record = ada(json!(order.map(month)), json!([]));
            let plan = later(&world, &acme, &record);
            assert!(plan.is_empty(), "both are there already: {plan}");
            let exact = Some(rows[first].to_string());
            assert_eq!(row_of(&world, &acme, "2016-10"), exact, "{first} {order:?}");
        }
    }
}

#[test]
fn as_many_entries_as_possible_have_a_row() {
    let (world, acme) = started();
    add_year(&world);
    let day = add_year(&world);
    let change = json!({"start_date_month": 9, "start_at": "2016-09-15T00:00:00.000Z"});
    correct(&world, EDUCATIONS, day, change);
    // Both rows fit the first entry, and only the one without a month fits the second one.
    let record = ada(json!([month("2016-09"), month("2016-10")]), json!([]));
    let plan = later(&world, &acme, &record);
    assert!(plan.is_empty(), "{plan}");
}

#[test]
fn a_create_in_doubt_beside_a_row_of_another_entry_is_sent_again() {
    let (world, acme) = started();
    add_year(&world);
    later(&world, &acme, &ada(json!([month("2016-09")]), json!([])));
    let path = format!("/v3/{EDUCATIONS}");
    world.sandbox.faults().add(Fault::once("POST", &path, FaultKind::DropBefore));
    let record = ada(json!([month("2016-09"), month("2016-10")]), json!([]));
    for _ in 0..4 {
        later(&world, &acme, &record);
    }
    assert_eq!(counts(&world)[0], 2);
    assert!(world.run(acme.open_intents()).unwrap().is_empty());
}

#[test]
fn a_month_that_the_host_adds_reaches_the_ats() {
    let (world, acme) = started();
    for (start, shown) in [("2016", json!(null)), ("2016-09", json!(9))] {
        for _ in 0..2 {
            later(&world, &acme, &ada(json!([month(start)]), json!([])));
        }
        let rows = held(&world, EDUCATIONS);
        assert_eq!((rows.len(), &rows[0]["start_date_month"]), (1, &shown), "{start}");
    }
}

#[test]
fn a_row_of_an_unknown_school_is_not_taken_for_another_schools() {
    let (world, acme) = started();
    let id = add_year(&world);
    forget_school(&world, id);
    // The school is an option of the account again, by another id.
    let again = add_year(&world);
    let collection = EDUCATIONS.into();
    world.sandbox.recruiter(&Recruiter::Remove { collection, id: again }).unwrap();
    let record = ada(json!([month("2016")]), json!([]));
    for _ in 0..2 {
        later(&world, &acme, &record);
    }
    assert_eq!(counts(&world)[0], 2, "the declared school is in the ATS");
    assert!(world.run(acme.plan(PlanOf::All)).unwrap().is_empty());
}
