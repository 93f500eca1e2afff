//! Kinds that can be listed only below their parents.

use super::*;
use atsync::PlanOf;
use atsync_tests::{BelowCandidates, desired};

#[test]
fn a_plan_reads_below_the_parents_that_it_concerns_and_below_no_others() {
    let mut world = World::new(51, 130);
    world.adapter = BelowCandidates::wrap(native_greenhouse(), "applied_tags");
    let acme = world.connect();
    world.run(acme.pull("candidates", false)).unwrap();
    let email = |row: &Value| row["email_addresses"][0]["value"].as_str().map(str::to_owned);
    let known = world.sandbox.rows("candidates");
    let addresses: Vec<String> = known.iter().filter_map(email).take(2).collect();
    let lines: Vec<String> = addresses
        .iter()
        .map(|address| {
            format!(r#"{{"key": "{}", "emails": ["{address}"], "tags": ["vip"]}}"#, address.replace(['@', '.'], "-"))
        })
        .collect();
    world.sandbox.clear_logs();
    let records = desired(&lines.join("\n"));
    world.run(acme.plan(PlanOf::Records(&records))).unwrap();
    let walked = world.reads().iter().filter(|path| path.ends_with("/applied_candidate_tags")).count();
    assert!(walked <= records.len(), "{walked} lists below candidates for {} records", records.len());
    assert!(world.reads().len() <= 8, "{:?}", world.reads());
    world.run(acme.declare(&records)).unwrap();
    let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
    world.run(acme.apply(&plan)).unwrap();
    world.sandbox.clear_logs();
    world.run(acme.plan(PlanOf::All)).unwrap();
    let walked = world.reads().iter().filter(|path| path.ends_with("/applied_candidate_tags")).count();
    assert!(walked <= records.len(), "{walked} lists for two linked records");
}
