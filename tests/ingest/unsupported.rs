//! Adapters that lack a kind or an operation.

use super::*;
use atsync::ConditionType;
use atsync::PlanOf;
use atsync::model::Manifest;
use atsync::model::manifest::ScanRule;
use atsync_tests::{Altered, desired};

/// A record that needs only a candidate, and one that needs other kinds.
fn records(world: &World) -> String {
    let fields = world.sandbox.rows("custom_fields");
    let key = fields
        .iter()
        .find(|row| row["field_type"] == "candidate" && row["value_type"] == "short_text");
    let key = key.unwrap()["name_key"].as_str().unwrap();
    let job = world.sandbox.rows("jobs").into_iter().find(|row| row["status"] == "open").unwrap();
    let stage = world
        .sandbox
        .rows("job_interview_stages")
        .into_iter()
        .find(|row| row["job_id"] == job["id"])
        .unwrap();
    let source = &world.sandbox.rows("sources")[0]["name"];
    let (job, stage) = (&job["id"], &stage["name"]);
    [
        r#"{"key": "plain", "emails": ["plain@example.test"], "name": {"first": "P", "last": "L"}}"#.to_owned(),
        format!(
            r#"{{"key": "rich", "emails": ["rich@example.test"], "name": {{"first": "R", "last": "I"}}, "tags": ["vip"],
            "notes": [{{"key": "n", "body": "x"}}], "custom_fields": {{"{key}": "x"}},
            "applications": [{{"key": "a", "job": {{"id": "{job}"}}, "stage": {stage}, "source": {source}}}]}}"#
        )
        .replace('\n', " "),
    ]
    .join("\n")
}

fn plans(change: impl FnOnce(&mut Manifest), what: &str) {
    let mut world = World::new(61, 20);
    world.adapter = Altered::wrap(native_greenhouse(), change);
    world.settings.insert("stage_writes".into(), serde_json::json!(true));
    let acme = world.connect();
    let records = desired(&records(&world));
    world.run(acme.declare(&records)).unwrap();
    let plan = world
        .run(acme.plan(PlanOf::Dirty))
        .unwrap_or_else(|error| panic!("without {what}: {error}"));
    let plain = plan.records.iter().find(|record| record.key == "plain").expect("it is planned");
    assert!(!plain.steps.is_empty() && !plain.is_blocked(), "without {what}: {plain:?}");
    let rich = plan.records.iter().find(|record| record.key == "rich").expect("it is spoken of");
    let said: Vec<&str> = rich.findings.iter().map(|finding| finding.reason.as_str()).collect();
    assert!(said.contains(&"NotSupported"), "without {what}: {:?}", rich.findings);
    world.run(acme.apply(&plan)).unwrap_or_else(|error| panic!("without {what}: {error}"));
    let row = world.run(acme.desired("plain")).unwrap().unwrap();
    assert!(
        row.status
            .conditions
            .iter()
            .any(|condition| condition.kind == ConditionType::Synced && condition.status),
        "{what}"
    );
}

#[test]
fn a_kind_that_the_adapter_lacks_blocks_the_records_that_need_it_and_no_others() {
    for kind in ["custom_fields", "sources", "stages", "jobs"] {
        plans(|manifest| manifest.kinds.retain(|rule| rule.name != kind), kind);
    }
}

#[test]
fn a_kind_that_the_adapter_cannot_list_blocks_the_records_that_look_it_up_and_no_others() {
    for kind in ["custom_fields", "sources", "stages"] {
        let change = |manifest: &mut Manifest| {
            let rule = manifest.kinds.iter_mut().find(|rule| rule.name == kind).unwrap();
            (rule.scan, rule.ids_max) = (ScanRule::None {}, 0);
        };
        plans(change, kind);
    }
}

#[test]
fn an_operation_that_the_adapter_lacks_is_reported_for_the_record_that_needs_it() {
    let operation = "notes.create";
    plans(|manifest| manifest.operations.retain(|rule| rule.name != operation), operation);
}
