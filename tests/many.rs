//! More records than one write of the store takes.

use atsync::PlanOf;
use atsync::model::desired::DesiredCandidate;
use atsync::store::limits::PAGE_RECORDS_MAX;
use atsync_tests::World;
use serde_json::json;

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
