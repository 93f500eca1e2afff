//! Equal values, values of others that are sent back unchanged, and the rules of a manifest.
//!
//! Method: the real engine and the Greenhouse adapter against the sandbox, on a manual clock. The
//! tests check the sandbox's state and the requests that reached it. Where an adapter must lie, it
//! is Greenhouse's with one answer changed. Seeds are printed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops when something does not hold"
)]

mod lies;
mod manifest;

use atsync::Reason;
use atsync::internals::adapter::{Adapter, AdapterError};
use atsync::internals::plan::{FindingKind, Plan, words};
use atsync::internals::reconcile::{ApplyReport, StepEnd};
use atsync::model::Manifest;
use atsync::model::contract::{
    Applied, Continuation, Failure, Given, Link, Outcome, Reply, Step, Task, Written,
};
use atsync::model::manifest::FieldMode;
use atsync::{Clock as _, Connection, PlanOf};
use atsync_greenhouse_sandbox::{CustomFieldsPatch, OddValues, Recruiter};
use atsync_tests::{Altered, World, desired, native_greenhouse};
use serde_json::{Map, Value, json};
use std::sync::Arc;

const ADA: &str = "ada.byron@example.com";

fn world() -> World {
    World::new(1, 12)
}

fn declare(world: &World, acme: &Connection, record: &Value) {
    world.run(acme.declare(&desired(&record.to_string()))).unwrap();
}

fn plan(world: &World, acme: &Connection) -> Plan {
    let plan = world.run(acme.plan(PlanOf::All)).unwrap();
    println!("{}", words::plan(&plan));
    plan
}

fn apply(world: &World, acme: &Connection, plan: &Plan) -> ApplyReport {
    let report = world.run(acme.apply(plan)).unwrap();
    println!("{report:#?}");
    world.clock.set(world.clock.now_ms() + 200_000);
    report
}

fn bring(world: &World, acme: &Connection, record: &Value) -> ApplyReport {
    declare(world, acme, record);
    let plan = plan(world, acme);
    apply(world, acme, &plan)
}

fn ada(more: &Value) -> Value {
    let mut record =
        json!({"key": "ref-1", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA]});
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    record
}

fn the_ada(world: &World) -> Value {
    let found: Vec<Value> = world
        .sandbox
        .rows("candidates")
        .into_iter()
        .filter(|row| {
            row["email_addresses"].as_array().unwrap().iter().any(|entry| entry["value"] == ADA)
        })
        .collect();
    assert_eq!(found.len(), 1, "there is one Ada");
    found.into_iter().next().unwrap()
}

fn id(row: &Value) -> i64 {
    row["id"].as_i64().unwrap()
}

fn recruiter(world: &World, deed: &Recruiter) {
    world.sandbox.recruiter(deed).unwrap();
    world.clock.set(world.clock.now_ms() + 1000);
}

fn set(world: &World, collection: &str, id: i64, values: Value) {
    let values = values.as_object().unwrap().clone();
    recruiter(world, &Recruiter::Set { collection: collection.into(), id, values });
}

fn plant(world: &World, id: i64, key: &str, value: Value) {
    let deed = Recruiter::PlantCustomField {
        collection: "candidates".into(),
        id,
        name_key: key.into(),
        value,
    };
    recruiter(world, &deed);
}

fn field(world: &World, key: &str) -> Value {
    let rows = world.sandbox.rows("custom_fields");
    rows.into_iter().find(|row| row["name_key"] == key && row["field_type"] == "candidate").unwrap()
}

fn option(world: &World, key: &str, name: &str) -> i64 {
    let options =
        world.sandbox.rows_where("custom_field_options", "custom_field_id", id(&field(world, key)));
    id(options.iter().find(|option| option["name"] == name && option["active"] == true).unwrap())
}

/// The host's declaration, first in one spelling and then in another, of every kind of contact and
/// type of value.
fn spellings() -> Vec<(&'static str, Value, Vec<Value>)> {
    let custom = |key: &str, value: Value| json!({"custom_fields": {key: value}});
    vec![
        ("emails", json!({"emails": [ADA]}), vec![json!({"emails": ["Ada.Byron@EXAMPLE.com"]})]),
        (
            "phones",
            json!({"phones": ["+44 20 1234"]}),
            vec![
                json!({"phones": ["+44 (0)20 12-34"]}),
                json!({"phones": ["0044 201234"]}),
                json!({"phones": ["tel:+44.20.1234"]}),
            ],
        ),
        (
            "social profiles",
            json!({"links": ["https://linkedin.com/in/ada"]}),
            vec![
                json!({"links": ["https://www.linkedin.com/in/ada/"]}),
                json!({"links": ["HTTP://LinkedIn.com/in/ada"]}),
                json!({"links": ["www.linkedin.com:443/in/%61da?"]}),
            ],
        ),
        (
            "web sites",
            json!({"links": [{"value": "https://ada.dev/a?b=1", "type": "portfolio"}]}),
            vec![json!({"links": [{"value": "http://www.ADA.dev/a/?b=1#", "type": "portfolio"}]})],
        ),
        (
            "company",
            json!({"company": "Caf\u{e9} Noir"}),
            vec![json!({"company": " Cafe\u{301} Noir "})],
        ),
        ("title", json!({"title": "Engineer"}), vec![json!({"title": "Engineer\r\n"})]),
        (
            "text",
            custom("dialing_code", json!("+44")),
            vec![custom("dialing_code", json!(" +44 "))],
        ),
        (
            "long_text",
            custom("about", json!("Two\nlines")),
            vec![
                custom("about", json!("Two\r\nlines\r\n")),
                custom("about", json!("Two \rlines ")),
            ],
        ),
        (
            "url",
            custom("portfolio", json!("https://ada.example")),
            vec![custom("portfolio", json!("https://www.Ada.example/"))],
        ),
        (
            "date",
            custom("available_from", json!("2027-01-01")),
            vec![custom("available_from", json!("2027-01-01T00:00:00Z"))],
        ),
        (
            "number",
            custom("years_of_experience", json!(7)),
            vec![
                custom("years_of_experience", json!("7.0")),
                custom("years_of_experience", json!(7.0)),
            ],
        ),
        (
            "money",
            custom("salary_expectation", json!({"amount": 85000, "currency": "EUR"})),
            vec![custom("salary_expectation", json!({"amount": "85000.00", "currency": "eur"}))],
        ),
        (
            "money_range",
            custom("salary_range", json!({"min": 1, "max": 2.5, "currency": "EUR"})),
            vec![custom("salary_range", json!({"min": "1.0", "max": "2.50", "currency": "EUR"}))],
        ),
        (
            "range",
            custom("hours_per_week", json!({"min": 20, "max": 40})),
            vec![custom("hours_per_week", json!({"min": "20", "max": 40.0}))],
        ),
        (
            "single",
            custom("seniority", json!("Senior")),
            vec![custom("seniority", json!(" Senior "))],
        ),
        (
            "multi",
            custom("languages", json!(["Deutsch", "English"])),
            vec![custom("languages", json!(["English", "Deutsch", "English"]))],
        ),
    ]
}

/// Whichever spelling the ATS has and whichever is declared: the plan is empty, nothing is sent,
/// and the next plan is empty too.
#[test]
fn a_value_in_another_spelling_is_neither_planned_nor_sent() {
    for (what, first, others) in spellings() {
        println!("== {what}");
        let world = world();
        let acme = world.connect();
        let mut all = vec![first.clone()];
        all.extend(others);
        let report = bring(&world, &acme, &ada(&first));
        assert!(report.is_complete(), "{what}");
        for spelling in all.iter().chain([&first]) {
            world.sandbox.clear_logs();
            declare(&world, &acme, &ada(spelling));
            let planned = plan(&world, &acme);
            assert!(planned.is_empty(), "{what}: {spelling}");
            let report = apply(&world, &acme, &planned);
            assert_eq!((report.not_in_step, world.written()), (0, Vec::new()), "{what}");
        }
    }
}

/// Random values with random decorations, which a recruiter changes at random: the adapter sends
/// every change that the plan names, and then the plan is empty.
#[test]
fn the_adapter_sends_every_planned_change_and_then_nothing_is_left() {
    let mut state: u64 = 0x5eed;
    println!("seed {state:#x}");
    let mut draw = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let world = world();
    let acme = world.connect();
    bring(&world, &acme, &ada(&json!({})));
    let cases = spellings();
    for round in 0..40 {
        let mut record = Map::new();
        let mut customs = Map::new();
        for (_, first, others) in &cases {
            let spelling = match draw(others.len() + 2) {
                0 => continue,
                1 => first,
                other => &others[other - 2],
            };
            for (name, value) in spelling.as_object().unwrap() {
                match value.as_object().filter(|_| name == "custom_fields") {
                    Some(values) => customs.extend(values.clone()),
                    None => drop(record.insert(name.clone(), value.clone())),
                }
            }
        }
        record.insert("custom_fields".into(), Value::Object(customs));
        record.insert(
            "policy".into(),
            json!({"company": "enforce", "title": "enforce", "phones": "enforce",
                "links": "enforce"}),
        );
        if draw(3) == 0 {
            let edits = [
                json!({"company": "Another"}),
                json!({"title": null}),
                json!({"phone_numbers": []}),
                json!({"social_media_addresses": [{"value": "https://x.com/ada"}]}),
            ];
            set(&world, "candidates", id(&the_ada(&world)), edits[draw(edits.len())].clone());
            world.run(acme.pull("candidates")).unwrap();
        }
        declare(&world, &acme, &ada(&Value::Object(record)));
        let planned = plan(&world, &acme);
        world.sandbox.clear_logs();
        let report = apply(&world, &acme, &planned);
        assert_eq!(
            report.count("unneeded"),
            0,
            "round {round}: the adapter found nothing to send for a planned step"
        );
        assert_eq!(planned.is_empty(), world.written().is_empty(), "round {round}");
        assert!(plan(&world, &acme).is_empty(), "round {round}: something is left");
    }
}

/// Values in every form that others may have stored, with one of the host's own beside them.
fn leftovers(world: &World) -> i64 {
    let candidate =
        id(world.sandbox.rows("candidates").iter().find(|row| row["private"] == false).unwrap());
    set(
        world,
        "candidates",
        candidate,
        json!({
            "email_addresses": [{"value": ADA, "type": "home", "verified": true},
                {"value": "b@x.com", "type": null}],
            "phone_numbers": [{"value": "call me", "type": "pager", "note": {"by": "Sam"}}],
            "addresses": [{"value": "1 Main St", "type": "castle"}],
            "website_addresses": [{"value": "ada.dev", "type": "gopher", "x": 1}],
            "social_media_addresses": [{"value": "x.com/ada", "handle": "@ada"}],
        }),
    );
    plant(world, candidate, "old_rating", json!(3));
    plant(world, candidate, "seniority", json!(option(world, "seniority", "Junior")));
    plant(
        world,
        candidate,
        "languages",
        json!([option(world, "languages", "Deutsch"), option(world, "languages", "English")]),
    );
    plant(world, candidate, "hours_per_week", json!({"min_value": 20}));
    plant(
        world,
        candidate,
        "salary_range",
        json!({"min_amount": null, "max_amount": "9.50", "currency_code": "EUR"}),
    );
    plant(
        world,
        candidate,
        "salary_expectation",
        json!({"amount": "85000.0", "currency_code": "EUR", "formatted": "€85,000"}),
    );
    plant(world, candidate, "years_of_experience", json!("seven"));
    for (key, name) in [("seniority", "Junior"), ("languages", "Deutsch")] {
        set(world, "custom_field_options", option(world, key, name), json!({"active": false}));
    }
    candidate
}

fn own() -> Value {
    json!({
        "key": "ref-1", "emails": [ADA], "phones": ["+44 20 1234"],
            "links": ["https://ada.example", "linkedin.com/in/ada"],
        "custom_fields": {"external_ref": "ref-1"},
    })
}

#[test]
fn values_of_others_are_sent_back_unchanged_and_do_not_block_the_hosts_field() {
    for patch in [CustomFieldsPatch::ReplaceAll, CustomFieldsPatch::Merge] {
        println!("== {patch:?}");
        let world = world();
        world.sandbox.set_quirks(|quirks| quirks.custom_fields_patch = patch);
        let acme = world.connect();
        let candidate = leftovers(&world);
        let before = world.sandbox.row("candidates", candidate).unwrap();
        declare(&world, &acme, &own());
        let planned = plan(&world, &acme);
        let said = words::plan(&planned);
        for key in ["old_rating", "hours_per_week", "salary_range", "years_of_experience"] {
            assert!(said.contains(key), "a plan first names the values that are sent along: {key}");
        }
        assert!(apply(&world, &acme, &planned).is_complete());
        let after = world.sandbox.row("candidates", candidate).unwrap();
        assert_eq!(after["custom_fields"]["external_ref"]["value"], "ref-1");
        for (key, value) in before["custom_fields"].as_object().unwrap() {
            if key != "external_ref" {
                assert_eq!(&after["custom_fields"][key], value, "{key}");
            }
        }
        for list in [
            "email_addresses",
            "phone_numbers",
            "addresses",
            "website_addresses",
            "social_media_addresses",
        ] {
            let (before, after) =
                (before[list].as_array().unwrap(), after[list].as_array().unwrap());
            assert_eq!(after[..before.len()], before[..], "{list}");
        }
        assert!(plan(&world, &acme).is_empty());
    }
}

/// If the ATS refuses a value that it holds, and merges updates, the refused values are left out
/// and stay.
#[test]
fn values_that_the_ats_does_not_take_back_are_left_out_and_the_hosts_field_is_written() {
    for reading in [None, Some("merge")] {
        println!("== {reading:?}");
        let mut world = world();
        world.sandbox.set_quirks(|quirks| {
            quirks.custom_fields_patch = CustomFieldsPatch::Merge;
            quirks.odd_values = OddValues::Refused;
        });
        if let Some(reading) = reading {
            world.settings.insert("custom_fields_reading".into(), json!(reading));
        }
        let acme = world.connect();
        let candidate = leftovers(&world);
        let before = world.sandbox.row("candidates", candidate).unwrap();
        let record =
            json!({"key": "ref-1", "emails": [ADA], "custom_fields": {"external_ref": "ref-1"}});
        let report = bring(&world, &acme, &record);
        assert!(report.is_complete());
        let after = world.sandbox.row("candidates", candidate).unwrap();
        assert_eq!(after["custom_fields"]["external_ref"]["value"], "ref-1");
        for (key, value) in before["custom_fields"].as_object().unwrap() {
            if key != "external_ref" {
                assert_eq!(&after["custom_fields"][key], value, "{key}");
            }
        }
        assert!(plan(&world, &acme).is_empty());
    }
}

/// A value of others shows by a label that two active options have: no id follows from it, and the
/// host's own field is written.
#[test]
fn a_stored_label_that_matches_two_options_does_not_block_the_hosts_field() {
    for (patch, odd) in [
        (CustomFieldsPatch::Merge, OddValues::Refused),
        (CustomFieldsPatch::ReplaceAll, OddValues::TakenBack),
    ] {
        println!("== {patch:?}");
        let world = world();
        world
            .sandbox
            .set_quirks(|quirks| (quirks.custom_fields_patch, quirks.odd_values) = (patch, odd));
        let acme = world.connect();
        let candidate = leftovers(&world);
        plant(&world, candidate, "languages", json!([option(&world, "languages", "English")]));
        set(
            &world,
            "custom_field_options",
            option_of(&world, "Deutsch"),
            json!({"active": true, "name": "English"}),
        );
        let before = world.sandbox.row("candidates", candidate).unwrap();
        let record =
            json!({"key": "ref-1", "emails": [ADA], "custom_fields": {"external_ref": "ref-1"}});
        declare(&world, &acme, &record);
        let planned = plan(&world, &acme);
        let said = words::plan(&planned);
        assert!(said.contains("languages (several options have the label of its value)"), "{said}");
        assert!(said.contains("seniority (its value is an archived option)"), "{said}");
        apply(&world, &acme, &planned);
        let after = world.sandbox.row("candidates", candidate).unwrap();
        assert_eq!(after["custom_fields"]["external_ref"]["value"], "ref-1");
        if patch == CustomFieldsPatch::Merge {
            assert_eq!(after["custom_fields"]["languages"], before["custom_fields"]["languages"]);
        }
        assert!(plan(&world, &acme).is_empty());
    }
}

/// An option of the languages, possibly archived.
fn option_of(world: &World, name: &str) -> i64 {
    let options = world.sandbox.rows_where(
        "custom_field_options",
        "custom_field_id",
        id(&field(world, "languages")),
    );
    id(options.iter().find(|option| option["name"] == name).unwrap())
}

#[test]
fn a_custom_field_that_its_policy_leaves_alone_is_not_written() {
    for (policy, theirs) in
        [("seed", json!("theirs")), ("fill", json!("theirs")), ("yield", json!("theirs"))]
    {
        println!("== {policy}");
        let mut world = world();
        world.sandbox.set_quirks(|quirks| quirks.custom_fields_patch = CustomFieldsPatch::Merge);
        world.settings.insert("custom_fields_reading".into(), json!("merge"));
        let acme = world.connect();
        let record = |years: u32| {
            ada(&json!({
                "custom_fields": {"external_ref": "ours", "years_of_experience": years},
                "policy": {"custom_fields.external_ref": policy},
            }))
        };
        bring(&world, &acme, &record(1));
        plant(&world, id(&the_ada(&world)), "external_ref", theirs.clone());
        world.run(acme.pull("candidates")).unwrap();
        declare(&world, &acme, &record(2));
        let planned = plan(&world, &acme);
        let inputs: Vec<&Value> = planned
            .records
            .iter()
            .flat_map(|record| &record.steps)
            .filter_map(|step| step.input.get("custom_fields"))
            .collect();
        assert_eq!(inputs.len(), 1);
        assert!(!inputs[0].to_string().contains("external_ref"), "{}", inputs[0]);
        apply(&world, &acme, &planned);
        let after = the_ada(&world);
        assert_eq!(after["custom_fields"]["external_ref"]["value"], theirs);
        assert_eq!(after["custom_fields"]["years_of_experience"]["value"], 2);
    }
}

#[test]
fn adopting_a_candidate_does_not_say_that_a_recruiter_changed_it() {
    let world = world();
    let acme = world.connect();
    let candidate =
        id(world.sandbox.rows("candidates").iter().find(|row| row["private"] == false).unwrap());
    set(
        &world,
        "candidates",
        candidate,
        json!({
            "email_addresses": [{"value": ADA, "type": "work"}], "first_name": "Augusta",
                "company": "Elsewhere",
        }),
    );
    declare(&world, &acme, &ada(&json!({"company": "Acme"})));
    let planned = plan(&world, &acme);
    let said: Vec<Reason> = planned.records[0]
        .findings
        .iter()
        .filter(|finding| finding.kind == FindingKind::Drifted)
        .map(|finding| finding.reason)
        .collect();
    assert!(said.len() >= 2 && said.iter().all(|reason| *reason == Reason::WasThere), "{said:?}");
    assert!(!words::plan(&planned).contains("was changed"));
    apply(&world, &acme, &planned);
    assert_eq!(the_ada(&world)["first_name"], "Augusta");
}

#[test]
fn an_ambiguous_address_is_refused_at_declaration() {
    for address in [
        "a b@x.com",
        "a@x.com, b@x.com",
        "Ada <a@x.com>",
        "a@x.com\n",
        "a\u{0}@x.com",
        "a@x\u{200b}.com",
        "a@b@c",
        " a@x.com",
    ] {
        for record in
            [ada(&json!({"emails": [address]})), json!({"kind": "users", "email": address})]
        {
            let refused = atsync::internals::declare::parse("test", &record.to_string());
            assert!(refused.is_err(), "{record}");
        }
    }
}

/// KELVIN SIGN is no k: the two addresses belong to different candidates.
#[test]
fn an_address_with_a_similar_letter_matches_no_candidate() {
    let world = world();
    let acme = world.connect();
    let candidate =
        id(world.sandbox.rows("candidates").iter().find(|row| row["private"] == false).unwrap());
    set(
        &world,
        "candidates",
        candidate,
        json!({"email_addresses": [{"value": "kay@example.com", "type": "work"}]}),
    );
    let record = json!({"key": "ref-1", "name": {"first": "K", "last": "Elvin"},
        "emails": ["\u{212a}ay@example.com"]});
    declare(&world, &acme, &record);
    let planned = plan(&world, &acme);
    assert!(planned.records.iter().all(|record| record.adoptions.is_empty()));
    assert!(planned.records[0].steps.iter().any(|step| step.operation == "candidates.create"));
}

/// Spellings of a tag that the model treats as equal are one tag, whichever is declared, in one
/// record or in two.
#[test]
fn a_tag_in_another_spelling_is_the_same_tag() {
    let world = world();
    let acme = world.connect();
    let record = |key: &str, email: &str, tags: Value| {
        json!({"key": key, "name": {"first": "Ada", "last": "Byron"}, "emails": [email],
            "tags": tags})
        .to_string()
    };
    let bring = |tags: Value| {
        let lines = [
            record("ref-1", ADA, tags.clone()),
            record("ref-2", "other@example.com", json!(["Cafe\u{301}"])),
        ];
        world.run(acme.declare(&desired(&lines.join("\n")))).unwrap();
        let planned = plan(&world, &acme);
        assert!(apply(&world, &acme, &planned).is_complete());
        planned
    };
    // Candidates first, so that each tag is added by itself.
    let lines = [record("ref-1", ADA, json!([])), record("ref-2", "other@example.com", json!([]))];
    world.run(acme.declare(&desired(&lines.join("\n")))).unwrap();
    let planned = plan(&world, &acme);
    apply(&world, &acme, &planned);
    bring(json!(["Caf\u{e9}", "Cafe\u{301}", "Night\u{a0}owl"]));
    let made = world.sandbox.rows("candidate_tags");
    let cafes =
        made.iter().filter(|tag| tag["name"].as_str().is_some_and(|name| name.starts_with("Caf")));
    assert_eq!(cafes.count(), 1, "the ATS has the tag once");
    for tags in [json!(["Cafe\u{301}", "Night owl"]), json!(["Caf\u{e9}", "Night  owl"])] {
        world.sandbox.clear_logs();
        assert!(bring(tags).is_empty());
        assert_eq!(world.written(), Vec::<String>::new());
    }
    bring(json!([]));
    let applied =
        world.sandbox.rows_where("applied_candidate_tags", "candidate_id", id(&the_ada(&world)));
    assert!(applied.is_empty(), "a tag that is no longer declared is removed, in any spelling");
}

/// The plan blocks values that do not fit a custom field's type, member by member; nothing of them
/// is sent.
#[test]
fn a_value_that_does_not_fit_its_type_is_blocked_and_never_sent() {
    let world = world();
    let acme = world.connect();
    let first =
        json!({"custom_fields": {"salary_expectation": {"amount": 85000, "currency": "EUR"}}});
    assert!(bring(&world, &acme, &ada(&first)).is_complete());
    for (key, value) in [
        ("salary_expectation", json!({"amount": "lots", "currency": "EUR"})),
        ("salary_expectation", json!({"amount": true, "currency": "EUR"})),
        ("salary_expectation", json!({"amount": 85000, "currency": null})),
        ("salary_range", json!({"min": 1, "max": {}, "currency": "EUR"})),
        ("hours_per_week", json!({"min": 1, "max": null})),
        ("hours_per_week", json!({"min": "a", "max": "b"})),
    ] {
        world.sandbox.clear_logs();
        declare(&world, &acme, &ada(&json!({"custom_fields": {key: value}})));
        let planned = plan(&world, &acme);
        assert!(
            planned.blocked().any(|finding| finding.reason == Reason::InvalidValue),
            "{key}: {value}"
        );
        let report = apply(&world, &acme, &planned);
        assert_eq!(report.not_in_step, 1, "a blocked record is not in step");
        assert_eq!(world.written(), Vec::<String>::new());
    }
    // A value without any member clears the field.
    let none = json!({"custom_fields": {"salary_expectation": {"amount": null, "currency": null}}});
    assert!(bring(&world, &acme, &ada(&none)).is_complete());
    assert_eq!(the_ada(&world)["custom_fields"]["salary_expectation"]["value"], Value::Null);
    assert!(plan(&world, &acme).is_empty());
}
