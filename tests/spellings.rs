//! One label in several spellings: composed or decomposed letters, other blanks. The model treats
//! them as equal, so a label declared in them is created once, linked once and reported once,
//! whichever record uses which spelling.
//!
//! Method: the real engine with the Greenhouse adapter against the sandbox, which distinguishes
//! labels letter by letter, as an ATS may. The tests check the sandbox's state.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

use atsync::Reason;
use atsync::internals::plan::words;
use atsync::model::normal;
use atsync::{Connection, PlanOf};
use atsync_greenhouse_sandbox::{RepeatedOption, RepeatedTag};
use atsync_tests::{World, desired};
use serde_json::{Value, json};

/// A label, and another spelling of it.
const SPELLINGS: [(&str, &str); 4] = [
    ("T\u{e9}", "Te\u{301}"),
    ("Te\u{301}", "T\u{e9}"),
    ("Tea room", "Tea\u{a0}room"),
    ("Tea\u{a0}room", "Tea  room"),
];

fn world() -> World {
    let world = World::new(1, 12);
    world.sandbox.set_quirks(|quirks| {
        quirks.repeated_tag = RepeatedTag::AnotherRow;
        quirks.repeated_option = RepeatedOption::AnotherRow;
    });
    world
}

fn sync(world: &World, acme: &Connection, records: &[Value]) {
    use atsync::Clock as _;
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    world.run(acme.declare(&desired(&lines.join("\n")))).unwrap();
    let (plan, report) = world.run(acme.sync()).unwrap();
    assert!(report.is_complete(), "{}\n{report:#?}", words::plan(&plan));
    world.clock.set(world.clock.now_ms() + 600_000);
}

fn rests(world: &World, acme: &Connection) {
    let again = world.run(acme.plan(PlanOf::All)).unwrap();
    assert!(
        again.is_empty() && again.records.iter().all(|record| record.findings.is_empty()),
        "{}",
        words::plan(&again)
    );
}

fn candidate(key: &str, tags: &[&str]) -> Value {
    json!({"key": key, "name": {"first": key, "last": "X"},
        "emails": [format!("{key}@example.com")], "tags": tags})
}

fn called(world: &World, collection: &str, label: &str) -> usize {
    let rows = world.sandbox.rows(collection);
    rows.iter()
        .filter(|row| row["name"].as_str().is_some_and(|name| normal::is_option(name, label)))
        .count()
}

#[test]
fn one_tag_in_two_spellings_is_created_once_by_engine_or_recruiter() {
    for (one, other) in SPELLINGS {
        // The existing candidates, and the declarations after that: a new candidate's create
        // carries the tags.
        for (before, records) in [
            (vec![], vec![candidate("a", &[one]), candidate("b", &[other])]),
            (vec![candidate("a", &[])], vec![candidate("a", &[one]), candidate("b", &[other])]),
            (vec![candidate("b", &[])], vec![candidate("a", &[one]), candidate("b", &[other])]),
            (
                vec![candidate("a", &[]), candidate("b", &[])],
                vec![candidate("a", &[one]), candidate("b", &[other])],
            ),
            (
                vec![candidate("a", &[one])],
                vec![candidate("a", &[one, other]), candidate("b", &[other, one])],
            ),
            (
                vec![candidate("a", &[one])],
                vec![candidate("a", &[other]), candidate("b", &[one, other])],
            ),
        ] {
            let world = world();
            let acme = world.connect();
            if !before.is_empty() {
                sync(&world, &acme, &before);
            }
            sync(&world, &acme, &records);
            assert_eq!(called(&world, "candidate_tags", one), 1, "{one:?} {other:?} {before:?}");
            rests(&world, &acme);
            for key in ["a", "b"] {
                let row = &world.sandbox.candidates_by_email(&format!("{key}@example.com"))[0];
                assert_eq!(row["tags"].as_array().unwrap().len(), 1, "{row}");
            }
            // Declared in the other spelling nothing changes, and a tag that is no longer declared
            // is removed.
            world.sandbox.clear_logs();
            sync(&world, &acme, &[candidate("a", &[other]), candidate("b", &[one])]);
            assert_eq!(world.written(), Vec::<String>::new());
            sync(&world, &acme, &[candidate("a", &[]), candidate("b", &[])]);
            for key in ["a", "b"] {
                let row = &world.sandbox.candidates_by_email(&format!("{key}@example.com"))[0];
                assert_eq!(row["tags"], json!([]), "{row}");
            }
        }
    }
}

#[test]
fn a_new_candidate_gets_an_existing_tag_in_the_spelling_of_the_ats() {
    for (own, declared) in SPELLINGS {
        let world = world();
        let acme = world.connect();
        let candidate_id = world.sandbox.rows("candidates")[0]["id"].as_i64().unwrap();
        let deed = atsync_greenhouse_sandbox::Recruiter::AddTag { candidate_id, tag: own.into() };
        world.sandbox.recruiter(&deed).unwrap();
        sync(&world, &acme, &[candidate("a", &[declared])]);
        assert_eq!(called(&world, "candidate_tags", own), 1, "{own:?} {declared:?}");
        assert_eq!(world.sandbox.candidates_by_email("a@example.com")[0]["tags"], json!([own]));
        rests(&world, &acme);
    }
}

fn channel(options: &[&str]) -> Value {
    json!({"kind": "custom_fields", "key": "channel", "applies_to": "candidate", "type": "multi",
        "name": "Channel",
        "options": options})
}

#[test]
fn an_option_in_another_spelling_is_the_existing_option() {
    for (one, other) in SPELLINGS {
        let world = world();
        let acme = world.connect();
        let ada = |labels: Value| {
            let mut ada = candidate("ada", &[]);
            ada["custom_fields"] = json!({"channel": labels});
            ada
        };
        sync(&world, &acme, &[channel(&[one, "Else"]), ada(json!([other, one]))]);
        assert_eq!(called(&world, "custom_field_options", one), 1, "{one:?}");
        rests(&world, &acme);
        world.sandbox.clear_logs();
        sync(&world, &acme, &[channel(&["Else", other]), ada(json!([one, other]))]);
        assert_eq!(world.written(), Vec::<String>::new(), "{one:?}");
        rests(&world, &acme);
    }
}

#[test]
fn one_label_in_two_spellings_is_refused_where_it_would_become_two_options() {
    for (one, other) in SPELLINGS {
        for record in [
            channel(&[one, other]),
            json!({"key": "a", "custom_fields": {one: "x", other: "y"}}),
            json!({"key": "a", "applications": [{"key": "1", "job": "J",
                "custom_fields": {one: "x", other: "y"}}]}),
        ] {
            let refused = atsync::internals::declare::parse("test", &record.to_string())
                .unwrap_err()
                .to_string();
            assert!(refused.contains("twice, spelled"), "{refused}");
        }
    }
}

#[test]
fn a_field_named_in_two_spellings_by_two_records_is_created_once() {
    for (one, other) in SPELLINGS {
        let world = world();
        let acme = world.connect();
        let field = |key: &str, name: &str| {
            json!({"kind": "custom_fields", "key": key,
            "applies_to": "candidate", "type": "text", "name": name})
        };
        let lines = [field("a", one).to_string(), field("b", other).to_string()];
        world.run(acme.declare(&desired(&lines.join("\n")))).unwrap();
        let (plan, _) = world.run(acme.sync()).unwrap();
        assert!(
            plan.blocked().any(|finding| finding.reason == Reason::DuplicateDesired),
            "{}",
            words::plan(&plan)
        );
        assert_eq!(called(&world, "custom_fields", one), 1, "{one:?}");
    }
}

#[test]
fn explain_reports_each_item_of_a_planned_record_once() {
    let world = world();
    let acme = world.connect();
    let records = [channel(&["One", "Two"]), candidate("ada", &["Poet", "Mathematician"])];
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    world.run(acme.declare(&desired(&lines.join("\n")))).unwrap();
    for (key, field, entries) in [
        ("ada", "tags", vec!["Mathematician", "Poet"]),
        ("@custom_fields.candidate.channel", "options", vec!["One", "Two"]),
    ] {
        let explained = world.run(acme.explain(key)).unwrap();
        let told = explained.fields.iter().filter(|story| story.field == field);
        let mut told: Vec<&str> =
            told.map(|story| story.desired.as_str().unwrap_or("the whole list")).collect();
        told.sort_unstable();
        assert_eq!(told, entries, "{}", explained.words());
    }
}
