//! A withdrawal while the ATS does not show what the engine wrote last.

use super::{ADA, late, sync};
use atsync::internals::plan::withdraw::WithdrawOptions;
use atsync::{Clock, Finding, Reason};
use atsync_tests::World;
use serde_json::{Value, json};

/// The address of a candidate that no other candidate has.
fn plain_address(world: &World) -> String {
    let rows = world.sandbox.rows("candidates");
    let address = |row: &Value| {
        let list = row["email_addresses"].as_array()?;
        let address = list.first()?["value"].as_str()?.to_owned();
        (list.len() == 1 && world.sandbox.candidates_by_email(&address).len() == 1)
            .then_some(address)
    };
    rows.iter().filter(|row| row["private"] == false).find_map(address).unwrap()
}

/// How much the sandbox holds of a list of a candidate.
fn held(world: &World, address: &str, list: &str) -> usize {
    let rows = world.sandbox.candidates_by_email(address);
    let Some(row) = rows.first() else { return 0 };
    let id = row["id"].as_i64().unwrap();
    match list {
        "tags" => world.sandbox.rows_of_candidate("applied_candidate_tags", id).len(),
        "employments" => world.sandbox.rows_of_candidate("candidate_employments", id).len(),
        _ => row["phone_numbers"].as_array().unwrap().len(),
    }
}

/// The withdrawal says that it has to be repeated, and keeps the links. Repeated when the ATS shows
/// what the engine added to a candidate who existed, or with the creation, it removes that.
#[test]
fn what_does_not_show_yet_is_removed_by_a_later_withdrawal() {
    let job = json!({"company": "Acme", "title": "Engineer", "started_on": "2018-07"});
    for (list, entry, is_new) in [
        ("tags", json!("warm"), false),
        ("tags", json!("warm"), true),
        ("employments", job.clone(), false),
        ("employments", job, true),
        ("phones", json!("+44 20 7946 0000"), false),
    ] {
        println!("{list}, with the creation: {is_new}");
        let world = late();
        let acme = world.connect();
        let address = if is_new { ADA.to_owned() } else { plain_address(&world) };
        let before = held(&world, &address, list);
        let name = json!({"first": "Ada", "last": "Byron"});
        let mut record = json!({"key": "ada", "emails": [address], "policy": {"name": "seed"}});
        if is_new {
            record["name"] = name;
        }
        record[list] = json!([entry]);
        sync(&world, &acme, &[record]);
        assert_eq!(held(&world, &address, list), before + 1);
        let withdraw = || world.run(acme.withdraw("ada", WithdrawOptions::default())).unwrap();
        let (plan, report) = withdraw();
        if list == "phones" {
            // The update merges what it removes with its own read, so it need not show.
            assert_eq!(held(&world, &address, list), before, "{plan}");
            continue;
        }
        let is_said = |finding: &Finding| finding.reason == Reason::NotShownYet;
        assert!(plan.records[0].findings.iter().any(is_said), "{plan}");
        assert!(plan.records[0].is_blocked() && report.steps.is_empty(), "{plan}");
        assert_eq!(held(&world, &address, list), before + 1);
        world.clock.set(world.clock.now_ms() + 3_600_000);
        let (plan, report) = withdraw();
        assert!(report.is_complete(), "{plan}");
        assert_eq!(held(&world, &address, list), before, "{plan}");
    }
}
