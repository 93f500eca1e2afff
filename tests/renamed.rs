//! Items of a record under another key than before: the new key keeps the record of the old one,
//! nothing is created again, and the next plan is empty.
//!
//! Method: the real engine with the Greenhouse adapter against the sandbox. A record is applied,
//! then declared with other keys; the tests check that no write leaves for an existing item, and
//! that the links follow.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

use atsync::Reason;
use atsync::internals::plan::{Plan, words};
use atsync::internals::store::Guard;
use atsync::internals::store::LinkRow;
use atsync::{Connection, PlanOf};
use atsync_tests::{World, desired};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Ada with an application, a file below it, and a note about it.
fn ada(world: &World) -> Value {
    json!({
        "key": "ada", "name": {"first": "Ada", "last": "Byron"}, "emails": ["ada@example.com"],
        "notes": [{"key": "n", "body": "Introduced by Sam.", "application": "a"}],
        "applications": [{"key": "a", "job": {"id": world.open_jobs()[0]},
            "custom_fields": {"referral_strength": "Fair"},
            "attachments": [{"key": "f", "filename": "cv.pdf", "type": "resume",
                "url": "https://files.example.com/cv.pdf"}]}],
    })
}

fn links(world: &World, acme: &Connection) -> BTreeMap<String, String> {
    let links = world.run(acme.links("ada")).unwrap();
    links.into_iter().map(|link| (link.path, link.remote.id)).collect()
}

fn rests(world: &World, acme: &Connection) -> Plan {
    let again = world.run(acme.plan(PlanOf::All)).unwrap();
    assert!(again.is_empty(), "{}", words::plan(&again));
    for record in &again.records {
        let odd = record.findings.iter().find(|finding| finding.reason != Reason::WasThere);
        assert!(odd.is_none(), "{}", words::plan(&again));
    }
    again
}

fn world() -> World {
    World::new(1, 60)
}

/// The renamed item, and the paths before and after.
type Case = (&'static str, fn(&mut Value), &'static [(&'static str, &'static str)]);

const CASES: [Case; 5] = [
    (
        "an application",
        |ada| {
            ada["applications"][0]["key"] = json!("b");
            ada["notes"][0]["application"] = json!("b");
        },
        &[
            ("ada/applications/a", "ada/applications/b"),
            ("ada/applications/a/attachments/f", "ada/applications/b/attachments/f"),
        ],
    ),
    (
        "an application and the file below it",
        |ada| {
            ada["applications"][0]["key"] = json!("b");
            ada["applications"][0]["attachments"][0]["key"] = json!("g");
            ada["notes"][0]["application"] = json!("b");
        },
        &[
            ("ada/applications/a", "ada/applications/b"),
            ("ada/applications/a/attachments/f", "ada/applications/b/attachments/g"),
        ],
    ),
    (
        "a file",
        |ada| ada["applications"][0]["attachments"][0]["key"] = json!("g"),
        &[("ada/applications/a/attachments/f", "ada/applications/a/attachments/g")],
    ),
    ("a note", |ada| ada["notes"][0]["key"] = json!("m"), &[("ada/notes/n", "ada/notes/m")]),
    (
        "everything",
        |ada| {
            ada["applications"][0]["key"] = json!("b");
            ada["applications"][0]["attachments"][0]["key"] = json!("g");
            ada["notes"][0]["key"] = json!("m");
            ada["notes"][0]["application"] = json!("b");
        },
        &[
            ("ada/applications/a", "ada/applications/b"),
            ("ada/applications/a/attachments/f", "ada/applications/b/attachments/g"),
            ("ada/notes/n", "ada/notes/m"),
        ],
    ),
];

#[test]
fn items_below_a_renamed_path_follow_it_and_none_is_created_again() {
    for (name, rename, moves) in CASES {
        let world = world();
        let acme = world.connect();
        let mut record = ada(&world);
        world.bring(&acme, &record);
        rests(&world, &acme);
        let before = links(&world, &acme);
        rename(&mut record);
        world.bring(&acme, &record);
        assert_eq!(world.written(), Vec::<String>::new(), "{name}");
        let after = links(&world, &acme);
        for (old, new) in moves {
            assert_eq!(
                (after.get(*new), after.get(*old)),
                (before.get(*old), None),
                "{name}: {after:#?}"
            );
        }
        assert_eq!(after.len(), before.len(), "{name}: {after:#?}");
        rests(&world, &acme);
    }
}

#[test]
fn a_change_together_with_the_key_is_written_and_a_new_item_is_created() {
    let world = world();
    let acme = world.connect();
    let mut record = ada(&world);
    world.bring(&acme, &record);
    record["applications"][0]["key"] = json!("b");
    record["applications"][0]["custom_fields"]["referral_strength"] = json!("Strong");
    record["notes"][0]["application"] = json!("b");
    let more = json!({"key": "m", "body": "Asked again.", "application": "b"});
    record["notes"].as_array_mut().unwrap().push(more);
    world.bring(&acme, &record);
    let written = world.written();
    assert_eq!(written.len(), 2, "{written:?}");
    assert!(written.iter().any(|one| one == "POST /v3/notes"), "{written:?}");
    assert!(written.iter().any(|one| one.starts_with("PATCH /v3/applications/")), "{written:?}");
    rests(&world, &acme);
}

#[test]
fn another_job_under_another_key_is_another_application_without_the_old_items() {
    let world = world();
    let acme = world.connect();
    let mut record = ada(&world);
    world.bring(&acme, &record);
    record["applications"][0]["key"] = json!("b");
    record["applications"][0]["job"] = json!({"id": world.open_jobs()[1]});
    record["notes"] = json!([]);
    world.bring(&acme, &record);
    let written = world.written();
    assert!(written.contains(&"POST /v3/applications".to_owned()), "{written:?}");
    assert!(written.contains(&"POST /v3/attachments".to_owned()), "{written:?}");
    let after = links(&world, &acme);
    assert_ne!(after["ada/applications/a"], after["ada/applications/b"]);
    assert_ne!(
        after["ada/applications/a/attachments/f"],
        after["ada/applications/b/attachments/f"]
    );
    rests(&world, &acme);
}

/// As an earlier version left it: the new key adopted the application, and the old path still holds
/// the items below it.
#[test]
fn the_next_plan_repairs_a_half_done_rename() {
    let world = world();
    let acme = world.connect();
    let mut record = ada(&world);
    world.bring(&acme, &record);
    let before = links(&world, &acme);
    let application = before["ada/applications/a"].clone();
    record["applications"][0]["key"] = json!("b");
    record["notes"][0]["application"] = json!("b");
    world.run(acme.declare(&desired(&record.to_string()))).unwrap();
    let held = world
        .run(acme.links("ada"))
        .unwrap()
        .into_iter()
        .find(|link| link.path == "ada/applications/a")
        .unwrap();
    assert_eq!(held.remote.id, application);
    let adopted = LinkRow { path: "ada/applications/b".to_owned(), ..held };
    world.run(world.store.put_links(&Guard::sole("acme"), vec![adopted])).unwrap();
    world.bring(&acme, &record);
    assert_eq!(world.written(), Vec::<String>::new());
    let after = links(&world, &acme);
    assert_eq!(
        after.get("ada/applications/b/attachments/f"),
        before.get("ada/applications/a/attachments/f")
    );
    assert!(!after.keys().any(|path| path.starts_with("ada/applications/a")), "{after:#?}");
    rests(&world, &acme);
}

/// A declaration for one job never reaches the application for another: neither fields, values,
/// files nor notes about it.
#[test]
fn nothing_is_written_to_an_application_whose_key_is_declared_for_another_job() {
    for policy in ["yield", "enforce"] {
        let world = world();
        let acme = world.connect();
        let mut record = ada(&world);
        world.bring(&acme, &record);
        let id = world.sandbox.candidates_by_email("ada@example.com")[0]["id"].as_i64().unwrap();
        let before = world.sandbox.applications_of(id);
        let files = world.sandbox.rows_of_candidate("attachments", id).len();
        let application = &mut record["applications"][0];
        application["job"] = json!({"id": world.open_jobs()[1]});
        application["source"] = json!({"id": world.sandbox.rows("sources")[1]["id"].to_string()});
        application["custom_fields"] = json!({"referral_strength": "Strong"});
        application["attachments"]
            .as_array_mut()
            .unwrap()
            .push(json!({"key": "g", "filename": "more.pdf", "type": "other",
                "url": "https://files.example.com/more.pdf"}));
        record["notes"]
            .as_array_mut()
            .unwrap()
            .push(json!({"key": "m", "body": "About the other job.", "application": "a"}));
        record["policy"] = json!({"source": policy, "custom_fields": policy});
        record["title"] = json!("Countess");
        let plan = world.bring(&acme, &record);
        let said = |host: &str, reason: Reason| {
            plan.records[0]
                .findings
                .iter()
                .any(|finding| finding.path == host && finding.reason == reason)
        };
        assert!(said("ada/applications/a", Reason::OtherJob), "{}", words::plan(&plan));
        assert!(said("ada/notes/m", Reason::OtherApplication), "{}", words::plan(&plan));
        assert_eq!(world.sandbox.applications_of(id), before, "{policy}");
        assert_eq!(world.sandbox.rows_of_candidate("attachments", id).len(), files, "{policy}");
        assert_eq!(world.sandbox.rows_of_candidate("notes", id).len(), 1, "{policy}");
        // The candidate itself is still synced.
        assert_eq!(world.sandbox.candidates_by_email("ada@example.com")[0]["title"], "Countess");
    }
}
