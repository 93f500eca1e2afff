//! An ATS that stores a value in another form than it was sent: the engine writes it once or twice,
//! reports it once, and treats it as in step from then on.
//!
//! Method: the real engine and the Greenhouse adapter against the sandbox, on a manual clock. The
//! wire changes how the ATS shows a stored value. The tests check the requests that reach the
//! sandbox, and its state.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops when something does not hold"
)]

use atsync::Reason;
use atsync::internals::plan::{FindingKind, Plan, words};
use atsync::internals::reconcile::ApplyReport;
use atsync::{Clock as _, Connection, PlanOf};
use atsync_greenhouse_sandbox::Recruiter;
use atsync_tests::{World, desired};
use serde_json::{Map, Value, json};

const ADA: &str = "ada.byron@example.com";

/// How the ATS shows a row of candidates.
type Shows = fn(&mut Map<String, Value>);

fn world() -> World {
    World::new(1, 12)
}

fn walk(value: &mut Value, change: Shows) {
    match value {
        Value::Object(members) => {
            change(members);
            members.values_mut().for_each(|member| walk(member, change));
        }
        Value::Array(all) => all.iter_mut().for_each(|each| walk(each, change)),
        _ => {}
    }
}

/// From now on every answer about candidates shows its rows this way.
fn reshape(world: &World, change: Shows) {
    world.wire.edit(move |request, response| {
        if request.url.path().starts_with("/v3/candidates")
            && response.status < 300
            && let Ok(mut value) = serde_json::from_slice::<Value>(&response.body)
        {
            walk(&mut value, change);
            response.body = serde_json::to_vec(&value).unwrap();
        }
    });
}

fn ada(more: &Value, policy: &str) -> Value {
    let mut record =
        json!({"key": "ref-1", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA]});
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let fields = ["name", "emails", "phones", "links", "company", "title", "custom_fields"];
    record["policy"] = fields.into_iter().map(|field| (field.to_owned(), json!(policy))).collect();
    record
}

fn declare(world: &World, acme: &Connection, record: &Value) {
    world.run(acme.declare(&desired(&record.to_string()))).unwrap();
}

/// Applies one plan, long enough after the last one for everything to show.
fn round(world: &World, acme: &Connection) -> (Plan, ApplyReport) {
    world.clock.set(world.clock.now_ms() + 200_000);
    let plan = world.run(acme.plan(PlanOf::All)).unwrap();
    println!("{}", words::plan(&plan));
    let report = world.run(acme.apply(&plan)).unwrap();
    println!("{report:#?}");
    (plan, report)
}

fn the_ada(world: &World) -> Value {
    let is_ada = |row: &Value| {
        let emails = row["email_addresses"].as_array().unwrap();
        emails.iter().any(|entry| entry["value"].as_str().unwrap().eq_ignore_ascii_case(ADA))
    };
    world.sandbox.rows("candidates").into_iter().find(is_ada).unwrap()
}

fn texts(row: &mut Map<String, Value>, list: &str, form: impl Fn(&str) -> String) {
    for entry in row.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(text) = entry["value"].as_str() {
            entry["value"] = json!(form(text));
        }
    }
}

fn text(row: &mut Map<String, Value>, member: &str, form: impl Fn(&str) -> String) {
    if let Some(Value::String(text)) = row.get_mut(member) {
        *text = form(text);
    }
}

fn custom(row: &mut Map<String, Value>, key: &str, form: impl Fn(&Value) -> Value) {
    let fields = row.get_mut("custom_fields").and_then(|fields| fields.get_mut(key));
    if let Some(value) =
        fields.and_then(|field| field.get_mut("value")).filter(|value| !value.is_null())
    {
        *value = form(value);
    }
}

fn e164(row: &mut Map<String, Value>) {
    texts(row, "phone_numbers", |text| {
        text.strip_prefix('0').map_or(text.to_owned(), |rest| format!("+44{rest}"))
    });
}

fn cut(row: &mut Map<String, Value>) {
    text(row, "title", |text| text.chars().take(5).collect());
}

/// The declared value, and how the ATS shows it.
fn cases() -> Vec<(&'static str, Value, Shows)> {
    let field = |key: &str, value: Value| json!({"custom_fields": {key: value}});
    let money = json!({"amount": 85000, "currency": "EUR"});
    vec![
        ("phone as E.164", json!({"phones": ["0201234567"]}), e164),
        ("two phones as E.164", json!({"phones": ["0201234567", "0301234567"]}), e164),
        ("two phones that become one", json!({"phones": ["0201234567", "+44201234567"]}), e164),
        ("link in lower case", json!({"links": ["https://linkedin.com/in/Ada"]}), |row| {
            texts(row, "social_media_addresses", str::to_lowercase);
        }),
        (
            "link without its query",
            json!({"links": ["https://linkedin.com/in/ada?trk=x"]}),
            |row| {
                texts(row, "social_media_addresses", |text| {
                    text.split('?').next().unwrap().to_owned()
                });
            },
        ),
        ("title cut short", json!({"title": "Engineer in Chief"}), cut),
        ("company squeezed", json!({"company": "A  B"}), |row| {
            text(row, "company", |text| text.replace("  ", " "))
        }),
        ("name in title case", json!({"name": {"first": "ada", "last": "Byron"}}), |row| {
            text(row, "first_name", |text| text.replace("ada", "Ada"));
        }),
        ("text escaped", field("about", json!("a & b")), |row| {
            custom(row, "about", |text| json!(text.as_str().unwrap().replace('&', "&amp;")));
        }),
        ("number rounded", field("years_of_experience", json!(7.25)), |row| {
            custom(row, "years_of_experience", |_| json!(7.3));
        }),
        ("number with thousands", field("years_of_experience", json!(1000)), |row| {
            custom(row, "years_of_experience", |_| json!("1,000"));
        }),
        ("date with an offset", field("available_from", json!("2027-01-01")), |row| {
            custom(row, "available_from", |_| json!("2027-01-01T00:00:00-05:00"));
        }),
        ("date of another country", field("available_from", json!("2027-01-01")), |row| {
            custom(row, "available_from", |_| json!("01/01/2027"));
        }),
        ("yes as a number", field("needs_a_visa_", json!(true)), |row| {
            custom(row, "needs_a_visa_", |_| json!(1))
        }),
        ("choice as a list", field("seniority", json!("Mid")), |row| {
            custom(row, "seniority", |value| json!([value]));
        }),
        ("choices as a text", field("languages", json!(["English", "Deutsch"])), |row| {
            custom(row, "languages", |_| json!("Deutsch, English"));
        }),
        ("money as a text", field("salary_expectation", money), |row| {
            custom(row, "salary_expectation", |_| json!("€85,000.00"));
        }),
        ("link that leads elsewhere", field("portfolio", json!("https://a.example")), |row| {
            custom(row, "portfolio", |_| json!("https://b.example/"));
        }),
    ]
}

#[test]
fn a_value_that_the_ats_stores_in_another_form_is_written_twice_at_most_and_then_in_step() {
    for (what, more, shows) in cases() {
        for (policy, rounds) in [("enforce", 3), ("yield", 2), ("fill", 2), ("seed", 2)] {
            for existing in [false, true] {
                if existing && what == "name in title case" {
                    // It shows the old value, like a write without effect.
                    continue;
                }
                println!("== {what}, {policy}, existing {existing}");
                let world = world();
                let acme = world.connect();
                if existing {
                    declare(&world, &acme, &ada(&json!({}), "yield"));
                    round(&world, &acme);
                }
                reshape(&world, shows);
                declare(&world, &acme, &ada(&more, policy));
                let mut said = 0;
                let says = |plan: &Plan, report: &ApplyReport| {
                    let notes = plan.records.iter().flat_map(|record| &record.findings);
                    let warnings = report.steps.iter().flat_map(|step| &step.warnings);
                    let notes =
                        notes.filter(|finding| finding.reason == Reason::KeptAsOther).count();
                    notes + warnings.filter(|text| text.contains("the ATS keeps")).count()
                };
                for _ in 1..rounds {
                    let (plan, report) = round(&world, &acme);
                    said += says(&plan, &report);
                }
                world.sandbox.clear_logs();
                for _ in 0..3 {
                    let (plan, report) = round(&world, &acme);
                    said += says(&plan, &report);
                    assert!(
                        plan.is_empty() && world.written().is_empty(),
                        "{what}, {policy}: written again"
                    );
                    assert_eq!((report.is_complete(), report.not_in_step), (true, 0));
                    let drift = plan.records.iter().flat_map(|record| &record.findings);
                    let drift =
                        drift.filter(|finding| finding.kind == FindingKind::Drifted).count();
                    assert_eq!(drift, 0, "{what}, {policy}: no user changed it");
                }
                if policy == "enforce" && what != "two phones that become one" {
                    assert!((1..=2).contains(&said), "{what}, {policy}: said {said} times");
                }
                let ada = the_ada(&world);
                for list in ["phone_numbers", "social_media_addresses"] {
                    let entries = ada[list].as_array().unwrap();
                    assert!(
                        entries.len() <= more["phones"].as_array().map_or(1, Vec::len),
                        "{what}: {entries:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_value_that_the_ats_stores_in_another_form_can_still_be_changed_and_removed() {
    for policy in ["enforce", "yield"] {
        println!("== {policy}");
        let world = world();
        let acme = world.connect();
        reshape(&world, |row| {
            e164(row);
            cut(row);
            custom(row, "about", |text| json!(format!("<p>{}</p>", text.as_str().unwrap())));
        });
        let record = |title: &str, phones: Value, about: &str| {
            ada(
                &json!({"title": title, "phones": phones, "custom_fields": {"about": about}}),
                policy,
            )
        };
        declare(&world, &acme, &record("Engineer in Chief", json!(["0201234567"]), "a"));
        (0..3).for_each(|_| drop(round(&world, &acme)));
        declare(&world, &acme, &record("Author of Notes", json!(["0301234567"]), "b"));
        (0..3).for_each(|_| drop(round(&world, &acme)));
        let ada = the_ada(&world);
        assert_eq!(ada["title"], "Author of Notes");
        assert_eq!(ada["custom_fields"]["about"]["value"], "b");
        let phones = |row: &Value| -> Vec<Value> {
            row["phone_numbers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| entry["value"].clone())
                .collect()
        };
        assert_eq!(phones(&ada), ["0301234567"], "the former number is removed, in any form");
        assert!(round(&world, &acme).0.is_empty());
        // Another spelling that shows as the same value.
        declare(&world, &acme, &record("Author of Notes", json!(["0044301234567"]), "b"));
        (0..3).for_each(|_| drop(round(&world, &acme)));
        assert_eq!(phones(&the_ada(&world)).len(), 1);
        assert!(round(&world, &acme).0.is_empty());
    }
}

#[test]
fn a_value_that_shows_as_it_was_written_gets_no_finding() {
    for policy in ["enforce", "yield"] {
        let world = world();
        let acme = world.connect();
        declare(&world, &acme, &ada(&json!({"company": "One"}), policy));
        round(&world, &acme);
        let more = json!({"company": "Two\r\n", "phones": ["+44 20 1234"],
            "custom_fields": {"about": "a\r\nb"}});
        declare(&world, &acme, &ada(&more, policy));
        let (_, report) = round(&world, &acme);
        assert!(report.steps.iter().all(|step| step.warnings.is_empty()), "{report:#?}");
        assert!(round(&world, &acme).0.records.is_empty());
    }
}

#[test]
fn a_recruiters_change_is_not_mistaken_for_a_form_of_an_enforced_value() {
    let world = world();
    let acme = world.connect();
    let id = {
        declare(&world, &acme, &ada(&json!({}), "yield"));
        round(&world, &acme);
        the_ada(&world)["id"].as_i64().unwrap()
    };
    declare(
        &world,
        &acme,
        &ada(&json!({"title": "Engineer", "custom_fields": {"about": "a"}}), "enforce"),
    );
    let edit = |values: Value| {
        let values = values.as_object().unwrap().clone();
        world
            .sandbox
            .recruiter(&Recruiter::Set { collection: "candidates".into(), id, values })
            .unwrap();
    };
    // A recruiter is as quick as the engine: each write is followed by the same change, before
    // anything is read.
    world.sandbox.clear_logs();
    round(&world, &acme);
    for _ in 0..4 {
        edit(json!({"title": "Painter"}));
        let (plan, _) = round(&world, &acme);
        assert!(!plan.is_empty(), "an enforced value overwrites a recruiter's change");
        assert_eq!(the_ada(&world)["title"], "Engineer");
    }
    assert!(round(&world, &acme).0.is_empty());
}

#[test]
fn a_recruiters_new_number_is_not_mistaken_for_the_hosts() {
    for policy in ["enforce", "yield"] {
        let world = world();
        let acme = world.connect();
        declare(&world, &acme, &ada(&json!({"phones": ["0201234567"]}), policy));
        round(&world, &acme);
        let id = the_ada(&world)["id"].as_i64().unwrap();
        let values = json!({"phone_numbers": [{"value": "+49 30 999", "type": "home"}]})
            .as_object()
            .unwrap()
            .clone();
        world
            .sandbox
            .recruiter(&Recruiter::Set { collection: "candidates".into(), id, values })
            .unwrap();
        let (plan, _) = round(&world, &acme);
        assert_eq!(!plan.is_empty(), policy == "enforce");
        // A value that the engine does not own is never removed.
        declare(&world, &acme, &ada(&json!({"phones": []}), policy));
        round(&world, &acme);
        let phones = the_ada(&world)["phone_numbers"].clone();
        assert_eq!(
            phones.as_array().unwrap().iter().map(|entry| &entry["value"]).collect::<Vec<_>>(),
            ["+49 30 999"]
        );
    }
}

#[test]
fn a_value_that_never_showed_is_not_reported_as_drift() {
    let world = world();
    let acme = world.connect();
    declare(&world, &acme, &ada(&json!({}), "yield"));
    round(&world, &acme);
    // The ATS answers each write with 200 and still shows the old value.
    reshape(&world, |row| {
        text(row, "title", |_| String::new());
        row.entry("phone_numbers").and_modify(|entries| *entries = json!([]));
        custom(row, "about", |_| Value::Null);
    });
    let more =
        json!({"title": "Engineer", "phones": ["+44 20 1234"], "custom_fields": {"about": "a"}});
    declare(&world, &acme, &ada(&more, "yield"));
    round(&world, &acme);
    for _ in 0..2 {
        let (plan, report) = round(&world, &acme);
        assert!(plan.is_empty());
        assert_eq!((report.in_step, report.held_back), (0, 1));
        let findings: Vec<_> = plan.records.iter().flat_map(|record| &record.findings).collect();
        assert!(findings.iter().all(|finding| finding.reason == Reason::NotSeen), "{findings:?}");
        assert_eq!(findings.len(), 3);
    }
    world.wire.spare();
    world.clock.set(world.clock.now_ms() + 200_000);
    world.run(acme.pull_full("candidates")).unwrap();
    let (plan, _) = round(&world, &acme);
    assert!(
        plan.records.iter().all(|record| record.findings.is_empty()),
        "once it shows, it is in step"
    );
}

#[test]
fn an_entry_that_shows_late_and_in_another_form_is_added_once() {
    for policy in ["enforce", "yield"] {
        let world = world();
        world.sandbox.set_quirks(|quirks| quirks.visibility_delay_ms = 20_000);
        let acme = world.connect();
        reshape(&world, e164);
        declare(&world, &acme, &ada(&json!({}), policy));
        (0..2).for_each(|_| drop(round(&world, &acme)));
        world.clock.set(world.clock.now_ms() + 200_000);
        declare(&world, &acme, &ada(&json!({"phones": ["0201234567"]}), policy));
        for _ in 0..6 {
            let plan = world.run(acme.plan(PlanOf::All)).unwrap();
            println!("{}", words::plan(&plan));
            println!("{:#?}", world.run(acme.apply(&plan)));
            world.clock.set(world.clock.now_ms() + 3_000);
        }
        (0..2).for_each(|_| drop(round(&world, &acme)));
        assert!(round(&world, &acme).0.is_empty());
        assert_eq!(the_ada(&world)["phone_numbers"].as_array().unwrap().len(), 1, "{policy}");
    }
}

/// The same for a stage, an outcome and a reject reason as for a candidate's own fields.
#[test]
fn a_move_a_rejection_or_a_hire_that_never_shows_is_not_reported_as_drift() {
    let stage_of = |world: &World, job: i64, at: usize| {
        let mut stages = world.sandbox.rows_where("job_interview_stages", "job_id", job);
        stages.retain(|stage| stage["active"] != json!(false));
        stages.sort_by_key(|stage| stage["priority"].as_i64().or(stage["sort_order"].as_i64()));
        stages[at]["name"].clone()
    };
    let reason =
        |world: &World, at: usize| world.sandbox.rows("rejection_reasons")[at]["name"].clone();
    type Declaration = Box<dyn Fn(&World, i64) -> Value>;
    let cases: Vec<(&str, bool, Declaration)> = vec![
        ("a stage", false, Box::new(move |world, job| json!({"stage": stage_of(world, job, 1)}))),
        (
            "the stage of a new application",
            true,
            Box::new(move |world, job| json!({"stage": stage_of(world, job, 1)})),
        ),
        (
            "a rejection",
            false,
            Box::new(
                move |world, _| json!({"outcome": "rejected", "reject_reason": reason(world, 0)}),
            ),
        ),
        ("a hire", false, Box::new(|_, _| json!({"outcome": "hired"}))),
    ];
    for (what, is_new, declaration) in cases {
        println!("== {what}");
        let mut world = world();
        world.settings.insert("stage_writes".into(), json!(true));
        let acme = world.connect();
        let is_open = |job: &i64| {
            let openings = world.sandbox.rows_where("openings", "job_id", *job);
            openings.iter().filter(|opening| opening["open"] == json!(true)).count() == 1
        };
        let jobs = world.sandbox.rows("jobs");
        let jobs =
            jobs.iter().filter(|job| job["status"] == "open" && job["is_template"] != json!(true));
        let job = jobs.filter_map(|job| job["id"].as_i64()).find(is_open).unwrap();
        let record = |more: Value| {
            let mut application = json!({"key": "a", "job": {"id": job.to_string()}});
            application.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({"key": "ref-1", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA],
                "applications": [application]})
        };
        declare(&world, &acme, &record(json!({})));
        round(&world, &acme);
        let ada = the_ada(&world)["id"].as_i64().unwrap();
        let as_it_was = world.sandbox.rows_where("applications", "candidate_id", ada)[0].clone();
        let mut declared = record(declaration(&world, job));
        if is_new {
            declared = json!({"key": "ref-2", "name": {"first": "Eve", "last": "Hill"},
                "emails": ["eve@example.com"],
                "applications": declared["applications"]});
        }
        world.wire.edit(move |request, response| {
            let Ok(mut rows) = serde_json::from_slice::<Value>(&response.body) else { return };
            if request.url.path() != "/v3/applications" || response.status >= 300 {
                return;
            }
            for row in rows.as_array_mut().into_iter().flatten() {
                for member in
                    ["stage_id", "stage_name", "job_interview_stage_id", "status", "rejected_at"]
                {
                    if (row["id"] == as_it_was["id"] || is_new) && row.get(member).is_some() {
                        row[member] = as_it_was[member].clone();
                    }
                }
            }
            response.body = serde_json::to_vec(&rows).unwrap();
        });
        declare(&world, &acme, &declared);
        world.sandbox.clear_logs();
        round(&world, &acme);
        assert!(!world.written().is_empty(), "{what}: it is written");
        world.sandbox.clear_logs();
        for _ in 0..2 {
            let (plan, report) = round(&world, &acme);
            let findings: Vec<_> =
                plan.records.iter().flat_map(|record| &record.findings).collect();
            assert!(
                findings.iter().all(|finding| finding.kind != FindingKind::Drifted),
                "{what}: {findings:?}"
            );
            assert!(
                findings.iter().any(|finding| finding.reason == Reason::NotSeen),
                "{what}: {findings:?}"
            );
            assert_eq!((report.held_back, world.written().len()), (1, 0), "{what}");
        }
    }
}
