//! The ATS ends with the host's last declaration, however late its reads are.
//!
//! Method: the real engine with the Greenhouse adapter against the sandbox, on a manual clock;
//! every kind shows a change as late as its manifest allows. A host declares one value, then
//! another, and then a third, with too little time between for the reads. The tests check the
//! sandbox's state in the end.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

use atsync::{Clock, Connection};
use atsync_tests::{World, desired};
use serde_json::{Value, json};

const ADA: &str = "ada.byron@example.com";
const HOUR_MS: u64 = 3_600_000;

fn late() -> World {
    let mut world = World::new(1, 40);
    world.settings.insert("stage_writes".into(), json!(true));
    world.sandbox.set_quirks(|quirks| {
        quirks.visibility_delay_ms = 28_000;
        for slow in ["candidates", "applications"] {
            quirks.visibility_delays_ms.insert(slow.to_owned(), 118_000);
        }
    });
    world
}

fn pass(world: &World, by_ms: u64) {
    world.clock.set(world.clock.now_ms() + by_ms);
}

fn ada(more: &Value, policy: Option<&str>) -> String {
    let mut ada = json!({"key": "ada", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA]});
    ada.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    if let Some(policy) = policy {
        let of = |field: &&str| more.get(*field).map(|_| ((*field).to_owned(), json!(policy)));
        ada["policy"] = ["title", "company", "phones", "links", "emails", "custom_fields"]
            .iter()
            .filter_map(of)
            .collect();
    }
    ada.to_string()
}

fn sync(world: &World, acme: &Connection, record: &str) {
    world.run(acme.declare(&desired(record))).unwrap();
    world.run(acme.sync()).unwrap();
}

/// Everything that these tests declare, as the sandbox has it.
fn holds(world: &World) -> Value {
    let row = world.sandbox.candidates_by_email(ADA).remove(0);
    let id = row["id"].as_i64().unwrap();
    let fields = [
        "last_name",
        "title",
        "company",
        "phone_numbers",
        "email_addresses",
        "website_addresses",
        "custom_fields",
    ];
    let mut held: serde_json::Map<String, Value> =
        fields.iter().map(|field| ((*field).to_owned(), row[*field].clone())).collect();
    let mut tags: Vec<String> = world
        .sandbox
        .rows_of_candidate("applied_candidate_tags", id)
        .iter()
        .map(|tag| tag["candidate_tag_id"].to_string())
        .collect();
    tags.sort();
    held.insert("tags".into(), json!(tags));
    let outcomes = world.sandbox.applications_of(id);
    held.insert(
        "outcomes".into(),
        outcomes.iter().map(|application| application["status"].clone()).collect(),
    );
    Value::Object(held)
}

/// The final state of an ATS to which only the last of these was ever declared after the first.
fn ends_as(words: &[Value], policy: Option<&str>, gap_ms: u64) -> (Value, Value) {
    let run = |words: &[&Value], gap_ms: u64| {
        let world = late();
        let acme = world.connect();
        let job =
            world.sandbox.rows("jobs").iter().find(|job| job["status"] == "open").unwrap()["id"]
                .to_string();
        for (at, word) in words.iter().enumerate() {
            let record = ada(word, policy).replace("\"JOB\"", &format!("\"{job}\""));
            sync(&world, &acme, &record);
            pass(&world, if at == 0 { HOUR_MS } else { gap_ms });
            if at == 0 {
                world.run(acme.sync()).unwrap();
            }
        }
        for _ in 0..4 {
            world.run(acme.sync()).unwrap();
            pass(&world, 10 * 60_000);
        }
        let (_, report) = world.run(acme.sync()).unwrap();
        assert!(report.is_complete(), "{words:?}");
        holds(&world)
    };
    let all: Vec<&Value> = words.iter().collect();
    (run(&all, gap_ms), run(&all, HOUR_MS))
}

#[test]
fn the_ats_ends_with_the_last_declaration_even_if_earlier_ones_show_late() {
    let application = |outcome: &str| {
        json!({"applications": [{"key": "a", "job": {"id": "JOB"},
        "outcome": outcome}]})
    };
    let flips = [
        (json!({"title": "A"}), json!({"title": "B"})),
        (json!({"title": "A"}), json!({"title": ""})),
        (json!({"company": "A"}), json!({"company": "B"})),
        (
            json!({"name": {"first": "Ada", "last": "Byron"}}),
            json!({"name": {"first": "Ada", "last": "King"}}),
        ),
        (json!({"phones": ["+44 20 1"]}), json!({"phones": ["+44 20 2"]})),
        (json!({"phones": ["+44 20 1"]}), json!({"phones": []})),
        (json!({"links": ["https://a.dev"]}), json!({"links": []})),
        (
            json!({"emails": [{"value": ADA, "type": "work"}]}),
            json!({"emails": [{"value": ADA, "type": "personal"}]}),
        ),
        (json!({"custom_fields": {"about": "A"}}), json!({"custom_fields": {"about": null}})),
        (json!({"tags": ["Poet"]}), json!({"tags": []})),
        (application("active"), application("rejected")),
    ];
    for (one, other) in flips {
        for (policy, gap_ms) in [(None, 1_000), (None, 31_000), (Some("enforce"), 100_000)] {
            let (ended, wanted) =
                ends_as(&[one.clone(), other.clone(), one.clone()], policy, gap_ms);
            assert_eq!(ended, wanted, "{one} and {other}, {policy:?}, {gap_ms} ms");
        }
    }
}

#[test]
fn of_three_declarations_in_a_row_only_the_last_stays() {
    let word = |of: &str, tag: &str| {
        json!({"title": of, "phones": [format!("+44 20 {of}1")],
        "emails": [ADA, format!("{of}@x.example")], "tags": [tag]})
    };
    for gap_ms in [1_000, 31_000, 100_000] {
        let (ended, wanted) = ends_as(
            &[word("1", "Poet"), word("2", "Mathematician"), word("3", "Third")],
            None,
            gap_ms,
        );
        assert_eq!(ended, wanted, "{gap_ms} ms");
        assert_eq!(ended["phone_numbers"].as_array().unwrap().len(), 1, "{ended}");
    }
}

fn tags_of(world: &World) -> Vec<String> {
    let id = world.sandbox.candidates_by_email(ADA)[0]["id"].as_i64().unwrap();
    let names = world.sandbox.rows("candidate_tags");
    let name = |row: &Value| {
        names.iter().find(|tag| tag["id"] == row["candidate_tag_id"]).unwrap()["name"].clone()
    };
    let rows = world.sandbox.rows_of_candidate("applied_candidate_tags", id);
    let mut held: Vec<String> =
        rows.iter().map(|row| name(row).as_str().unwrap().to_owned()).collect();
    held.sort();
    held
}

/// Long after the last declaration, by syncs.
fn rest(world: &World, acme: &Connection) {
    for _ in 0..4 {
        world.run(acme.sync()).unwrap();
        pass(world, HOUR_MS);
    }
}

#[test]
fn a_removed_tag_is_added_again_although_the_create_carried_it_and_another_came() {
    for policy in ["yield", "enforce"] {
        for (first_ms, then_ms) in [(1, 1), (20_000, 31_000), (100_000, 1), (100_000, 100_000)] {
            let (world, with) = (late(), |tags: &[&str]| {
                ada(&json!({"tags": tags, "policy": {"tags": policy}}), None)
            });
            let acme = world.connect();
            sync(&world, &acme, &with(&["Poet", "New2", "Cafe"]));
            pass(&world, 620_000);
            sync(&world, &acme, &with(&["Poet", "New1", "New2"]));
            pass(&world, first_ms);
            sync(&world, &acme, &with(&["Poet", "New1", "Cafe"]));
            pass(&world, then_ms);
            rest(&world, &acme);
            assert_eq!(tags_of(&world), ["Cafe", "New1", "Poet"], "{policy} {first_ms} {then_ms}");
        }
    }
}

#[test]
fn tags_that_a_withdrawal_removed_come_back_when_the_record_is_resumed() {
    for policy in ["yield", "enforce"] {
        for gap_ms in [1, 20_000, 600_000] {
            let world = late();
            let acme = world.connect();
            let record = ada(&json!({"tags": ["New1", "New2"], "policy": {"tags": policy}}), None);
            sync(&world, &acme, &ada(&json!({}), None));
            pass(&world, 600_000);
            sync(&world, &acme, &record);
            pass(&world, 600_000);
            world.run(acme.withdraw("ada", Default::default())).unwrap();
            assert!(tags_of(&world).is_empty());
            pass(&world, gap_ms);
            world.run(acme.resume("ada")).unwrap();
            sync(&world, &acme, &record);
            rest(&world, &acme);
            assert_eq!(tags_of(&world), ["New1", "New2"], "{policy} {gap_ms}");
        }
    }
}

#[test]
fn a_tag_that_the_engine_added_stays_its_own_although_a_probe_found_it() {
    for gap_ms in [1, 20_000, 27_000, 60_000] {
        let (world, with) = (late(), |tags: &[&str]| {
            ada(&json!({"tags": tags, "policy": {"tags": "enforce"}}), None)
        });
        let acme = world.connect();
        sync(&world, &acme, &ada(&json!({}), None));
        pass(&world, 600_000);
        sync(&world, &acme, &with(&["New1"]));
        pass(&world, gap_ms);
        world.run(acme.sync()).unwrap();
        pass(&world, 600_000);
        assert_eq!(tags_of(&world), ["New1"]);
        sync(&world, &acme, &with(&[]));
        rest(&world, &acme);
        assert!(tags_of(&world).is_empty(), "{gap_ms}");
    }
}
