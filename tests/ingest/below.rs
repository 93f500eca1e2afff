//! Kinds that can be listed only below their parents.

use super::*;
use atsync::PlanOf;
use atsync::internals::plan::words;
use atsync_tests::{BelowCandidates, desired};
use serde_json::json;

/// A world in which tags on candidates, stages and options of custom fields can be listed below
/// their parents only.
fn narrow(seed: u64) -> World {
    let mut world = World::new(seed, 130);
    let adapter = BelowCandidates::wrap(native_greenhouse(), "applied_tags");
    let adapter = BelowCandidates::below(adapter, "stages", "jobs", "job_ids");
    world.adapter = BelowCandidates::below(
        adapter,
        "custom_field_options",
        "custom_fields",
        "custom_field_ids",
    );
    world.settings.insert("stage_writes".into(), true.into());
    world
}

/// How often each of these lists was read.
fn lists(world: &World) -> [usize; 3] {
    let reads = world.reads();
    ["/applied_candidate_tags", "/job_interview_stages", "/custom_field_options"]
        .map(|path| reads.iter().filter(|read| read.ends_with(path)).count())
}

#[test]
fn a_plan_reads_below_the_parents_that_it_concerns_and_below_no_others() {
    let mut world = World::new(51, 130);
    world.adapter = BelowCandidates::wrap(native_greenhouse(), "applied_tags");
    let acme = world.connect();
    world.run(acme.pull("candidates")).unwrap();
    let email = |row: &Value| row["email_addresses"][0]["value"].as_str().map(str::to_owned);
    let known = world.sandbox.rows("candidates");
    let addresses: Vec<String> = known.iter().filter_map(email).take(2).collect();
    let lines: Vec<String> = addresses
        .iter()
        .map(|address| {
            format!(
                r#"{{"key": "{}", "emails": ["{address}"], "tags": ["vip"]}}"#,
                address.replace(['@', '.'], "-")
            )
        })
        .collect();
    world.sandbox.clear_logs();
    let records = desired(&lines.join("\n"));
    world.run(acme.plan(PlanOf::Records(&records))).unwrap();
    let walked =
        world.reads().iter().filter(|path| path.ends_with("/applied_candidate_tags")).count();
    assert!(
        walked <= records.len(),
        "{walked} lists below candidates for {} records",
        records.len()
    );
    assert!(world.reads().len() <= 8, "{:?}", world.reads());
    world.run(acme.declare(&records)).unwrap();
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    world.run(acme.apply(&plan)).unwrap();
    world.sandbox.clear_logs();
    world.run(acme.plan(PlanOf::All)).unwrap();
    let walked =
        world.reads().iter().filter(|path| path.ends_with("/applied_candidate_tags")).count();
    assert!(walked <= records.len(), "{walked} lists for two linked records");
}

#[test]
fn every_call_about_one_record_reads_only_below_its_own_parents_and_the_plan_says_how_much() {
    let world = narrow(52);
    let acme = world.connect();
    let jobs = world.sandbox.rows("jobs");
    let open = |job: &&Value| {
        job["status"] == "open" && job["is_template"] != true && job["confidential"] != true
    };
    let job = jobs.iter().find(open).unwrap()["id"].as_i64().unwrap();
    let stages = world.sandbox.rows_where("job_interview_stages", "job_id", job);
    let field = json!({"kind": "custom_fields", "key": "channel", "applies_to": "candidate",
        "type": "single",
        "name": "Channel", "options": ["Portal", "Fair"]});
    let candidate = |stage: &Value, tag: &str| {
        json!({"key": "ada", "name": {"first": "Ada", "last": "Byron"},
            "emails": ["ada@new.example.com"],
            "tags": [tag], "custom_fields": {"channel": "Portal"}, "policy": {"stage": "enforce"},
            "applications": [{"key": "a", "job": {"id": job.to_string()}, "stage": stage}]})
    };
    let bring = |records: &[Value]| {
        let lines: Vec<String> = records.iter().map(Value::to_string).collect();
        world.run(acme.declare(&desired(&lines.join("\n")))).unwrap();
        world.sandbox.clear_logs();
        let plan = world.run(acme.plan(PlanOf::All)).unwrap();
        let (read, sent) = (lists(&world), world.reads().len() as u32);
        assert_eq!(plan.calls_made, sent, "the plan states the calls that it made");
        let report = world.run(acme.apply(&plan)).unwrap();
        assert!(report.is_complete(), "{}\n{report:#?}", words::plan(&plan));
        world.run(acme.sync()).unwrap();
        read
    };
    world.run(acme.pull("candidates")).unwrap();
    let first = bring(&[field.clone(), candidate(&stages[0]["name"], "one")]);
    assert!(first[0] == 0 && first[1] <= 1 && first[2] == 0, "of a new one: {first:?}");
    let second = bring(&[field.clone(), candidate(&stages[1]["name"], "two")]);
    assert!(second[0] <= 1 && second[1] <= 1 && second[2] <= 1, "of a known one: {second:?}");
    let id = world.sandbox.candidates_by_email("ada@new.example.com")[0]["id"].to_string();
    world.sandbox.clear_logs();
    world.run(acme.import(&id, "again")).unwrap();
    let import = lists(&world);
    assert!(import[0] <= 1 && import[2] <= 20 && import[1] == 0, "an import: {import:?}");
    world.sandbox.clear_logs();
    world
        .run(
            acme.plan_withdrawal(
                "ada",
                atsync::internals::plan::withdraw::WithdrawOptions::default(),
            ),
        )
        .unwrap();
    let withdrawal = lists(&world);
    assert!(withdrawal[0] <= 1 && withdrawal[1..] == [0, 0], "a withdrawal: {withdrawal:?}");
}
