//! A write loses no value of others unless the plan named it first, and does not overwrite what
//! others change meanwhile.
//!
//! Method: the real engine and the Greenhouse adapter against the sandbox, on a manual clock. The
//! test plants values of others in every form that an update may not be able to send back; the
//! sandbox replaces all values and refuses odd ones, or does not. The tests compare the sandbox's
//! state afterwards with the plan.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops when something does not hold"
)]

use atsync::Reason;
use atsync::internals::plan::{FindingKind, Plan, words};
use atsync::internals::reconcile::{ApplyReport, StepEnd};
use atsync::{Clock as _, Connection, PlanOf};
use atsync_greenhouse_sandbox::{CustomFieldsPatch, OddValues, Recruiter};
use atsync_tests::{World, desired};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const ADA: &str = "ada.byron@example.com";

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
    world.clock.set(world.clock.now_ms() + 600_000);
    report
}

fn recruiter(world: &World, deed: &Recruiter) {
    world.sandbox.recruiter(deed).unwrap();
    world.clock.set(world.clock.now_ms() + 1000);
}

fn set(world: &World, collection: &str, id: i64, values: &Value) {
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

fn id(row: &Value) -> i64 {
    row["id"].as_i64().unwrap()
}

/// A candidate whom every user may see, with Ada's address.
fn ada(world: &World) -> i64 {
    let candidate =
        id(world.sandbox.rows("candidates").iter().find(|row| row["private"] == false).unwrap());
    set(
        world,
        "candidates",
        candidate,
        &json!({"email_addresses": [{"value": ADA, "type": "personal"}]}),
    );
    candidate
}

fn option(world: &World, key: &str, name: &str) -> i64 {
    let fields = world.sandbox.rows("custom_fields");
    let field = fields
        .iter()
        .find(|row| row["name_key"] == key && row["field_type"] == "candidate")
        .unwrap();
    let options = world.sandbox.rows_where("custom_field_options", "custom_field_id", id(field));
    id(options.iter().find(|option| option["name"] == name && option["active"] == true).unwrap())
}

/// The values that others may have stored in one field.
type Left = (&'static str, fn(&World) -> Value);

fn left_by_others() -> Vec<Left> {
    fn archived(world: &World, key: &str, name: &str) -> i64 {
        let id = option(world, key, name);
        set(world, "custom_field_options", id, &json!({"active": false}));
        id
    }
    vec![
        ("dialing_code", |_| json!([[1]])),
        ("dialing_code", |_| json!({"text": "+44"})),
        ("about", |_| json!(7)),
        ("years_of_experience", |_| json!("7.0")),
        ("years_of_experience", |_| json!("seven")),
        ("hours_per_week", |_| json!({"min_value": "20.0", "max_value": "40.50", "unit": "h"})),
        ("hours_per_week", |_| json!({"min_value": 20})),
        ("salary_expectation", |_| json!("85,000 EUR")),
        (
            "salary_expectation",
            |_| json!({"amount": "85000.0", "currency_code": "EUR", "formatted": "x"}),
        ),
        (
            "salary_range",
            |_| json!({"min_amount": null, "max_amount": "9.50", "currency_code": "EUR"}),
        ),
        ("needs_a_visa_", |_| json!("maybe")),
        ("available_from", |_| json!("1/2/27")),
        ("available_from", |_| json!("0000-00-00")),
        ("buddy", |_| json!({"id": 5, "name": "Sam", "email": "sam@x.com"})),
        ("buddy", |_| json!("Sam")),
        ("buddy", |_| json!(123_456_789)),
        ("old_rating", |_| json!(3)),
        ("seniority", |world| json!(archived(world, "seniority", "Junior"))),
        ("languages", |world| {
            json!([archived(world, "languages", "Deutsch"), option(world, "languages", "English")])
        }),
    ]
}

/// The values of a row by key, without those that are empty.
fn values(row: &Value) -> Vec<(String, Value)> {
    let all = row["custom_fields"].as_object().unwrap().iter();
    let held = all.filter(|(_, field)| !field["value"].is_null());
    held.map(|(key, field)| (key.clone(), field["value"].clone())).collect()
}

fn worlds() -> Vec<World> {
    let mut worlds = Vec::new();
    for patch in [CustomFieldsPatch::ReplaceAll, CustomFieldsPatch::Merge] {
        for odd in [OddValues::TakenBack, OddValues::Refused] {
            let world = World::new(1, 12);
            world.sandbox.set_quirks(|quirks| {
                (quirks.custom_fields_patch, quirks.odd_values) = (patch, odd)
            });
            println!("== {patch:?}, {odd:?}");
            worlds.push(world);
        }
    }
    worlds
}

fn said(plan: &Plan) -> String {
    let findings = plan.records.iter().flat_map(|record| &record.findings);
    findings
        .filter(|finding| finding.reason == Reason::ForeignValues)
        .map(|finding| finding.message.as_str())
        .collect()
}

#[test]
fn no_value_of_others_is_lost_unless_the_plan_named_it_and_none_blocks_the_hosts_field() {
    for (key, left) in left_by_others() {
        for world in worlds() {
            let acme = world.connect();
            let candidate = ada(&world);
            plant(&world, candidate, key, left(&world));
            println!("-- {key}");
            let before = world.sandbox.row("candidates", candidate).unwrap();
            let record = json!({"key": "ref-1", "emails": [ADA],
                "custom_fields": {"external_ref": "ref-1"}});
            declare(&world, &acme, &record);
            let planned = plan(&world, &acme);
            assert!(
                said(&planned).contains(key),
                "{key}: a plan first names the values that may be left out"
            );
            apply(&world, &acme, &planned);
            let after = world.sandbox.row("candidates", candidate).unwrap();
            assert_eq!(
                after["custom_fields"]["external_ref"]["value"], "ref-1",
                "{key}: the host's own field is written"
            );
            for (other, value) in values(&before) {
                let is_there = after["custom_fields"][&other]["value"] == value;
                let is_user = key == "buddy" && other == key;
                assert!(
                    is_there || is_user || said(&planned).contains(&other),
                    "{key}: {other} was lost without a word"
                );
            }
            assert!(plan(&world, &acme).is_empty(), "{key}");
        }
    }
}

/// The plan could not name a value that was added later. It stays; the next plan names it.
#[test]
fn a_value_added_after_the_plan_is_left_out_only_once_a_plan_names_it() {
    for key in ["dialing_code", "available_from", "buddy", "years_of_experience"] {
        let world = World::new(1, 12);
        world.sandbox.set_quirks(|quirks| quirks.odd_values = OddValues::Refused);
        let acme = world.connect();
        let candidate = ada(&world);
        declare(
            &world,
            &acme,
            &json!({"key": "ref-1", "emails": [ADA], "custom_fields": {"external_ref": "ref-1"}}),
        );
        let planned = plan(&world, &acme);
        assert!(!said(&planned).contains(key));
        let (_, left) = left_by_others().into_iter().find(|(of, _)| *of == key).unwrap();
        plant(&world, candidate, key, left(&world));
        let before = world.sandbox.row("candidates", candidate).unwrap();
        let report = apply(&world, &acme, &planned);
        let StepEnd::Refused { reason } = &report.steps[0].end else {
            panic!("{key}: {report:#?}")
        };
        assert!(reason.contains(&format!("custom_fields.{key}")), "{key}: {reason}");
        assert_eq!(world.sandbox.row("candidates", candidate).unwrap(), before, "{key}");
        world.clock.set(world.clock.now_ms() + 24 * 3_600_000);
        world.run(acme.pull("candidates")).unwrap();
        let planned = plan(&world, &acme);
        assert!(said(&planned).contains(key), "{key}");
        apply(&world, &acme, &planned);
        let after = world.sandbox.row("candidates", candidate).unwrap();
        assert_eq!(after["custom_fields"]["external_ref"]["value"], "ref-1", "{key}");
    }
}

#[test]
fn entries_of_others_in_an_odd_form_are_named_first_and_keep_their_values() {
    for odd in [OddValues::TakenBack, OddValues::Refused] {
        let world = World::new(1, 12);
        world.sandbox.set_quirks(|quirks| quirks.odd_values = odd);
        let acme = world.connect();
        let candidate = ada(&world);
        let lists = json!({
            "phone_numbers": [{"value": "", "type": "home"}, {"value": "call me", "type": "pager"},
                {"value": "1", "type": "work"}],
            "website_addresses": [{"value": "HTTP://X.com:80/%7ea", "type": "Blog"},
                {"value": "b.dev", "type": "blog", "x": 1}],
        });
        set(&world, "candidates", candidate, &lists);
        let record = json!({
            "key": "ref-1", "emails": [ADA], "phones": ["+44 20 1234"],
                "links": ["https://ada.example"],
            "custom_fields": {"external_ref": "ref-1"},
        });
        declare(&world, &acme, &record);
        let planned = plan(&world, &acme);
        assert!(
            said(&planned).contains("`phones`") && said(&planned).contains("`links`"),
            "{}",
            said(&planned)
        );
        apply(&world, &acme, &planned);
        let after = world.sandbox.row("candidates", candidate).unwrap();
        assert_eq!(after["custom_fields"]["external_ref"]["value"], "ref-1");
        for (list, theirs, own) in [
            ("phone_numbers", vec!["call me", "1"], "+44 20 1234"),
            ("website_addresses", vec!["HTTP://X.com:80/%7ea", "b.dev"], "https://ada.example"),
        ] {
            let held: Vec<&str> = after[list]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|entry| entry["value"].as_str())
                .collect();
            assert!(
                theirs.iter().chain([&own]).all(|value| held.contains(value)),
                "{list}: {held:?}"
            );
            if odd == OddValues::TakenBack {
                let theirs = lists[list].as_array().unwrap();
                assert_eq!(after[list].as_array().unwrap()[..theirs.len()], theirs[..], "{list}");
            }
        }
        assert!(plan(&world, &acme).is_empty());
    }
}

/// The part of a row's custom fields that is left out, and how.
type Hiding = (&'static str, fn(&mut Value));

/// Hides values of custom fields in reads by id, as right before a write; counts such reads.
fn hide(world: &World, path: &str, hides: fn(&mut Value)) -> Arc<AtomicUsize> {
    let hidden = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&hidden);
    world.wire.edit_rows(path, move |request, rows| {
        if request.url.query_pairs().any(|(name, _)| name == "ids") {
            rows.iter_mut().for_each(|row| hides(&mut row["custom_fields"]));
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    hidden
}

/// An update replaces all values, and a value that the read before it does not show still exists:
/// it may be hidden from the acting user, or left out of the answer. A cleared one shows as empty,
/// or the next pull shows that it was removed.
#[test]
fn a_value_of_others_that_the_read_before_a_write_leaves_out_is_not_erased() {
    let hiding: Vec<Hiding> = vec![
        ("the field", |fields| {
            drop(fields.as_object_mut().and_then(|fields| fields.remove("about")))
        }),
        ("every field", |fields| *fields = json!({})),
    ];
    for (what, hides) in hiding {
        for also in [json!({}), json!({"title": "ours"})] {
            println!("== {what} is left out, and also {also}");
            let world = World::new(1, 12);
            let acme = world.connect();
            let candidate = ada(&world);
            plant(&world, candidate, "about", json!("theirs"));
            let mut record = json!({"key": "ref-1", "emails": [ADA]});
            declare(&world, &acme, &record);
            world.run(acme.sync()).unwrap();
            let before = world.sandbox.row("candidates", candidate).unwrap();
            assert_eq!(before["custom_fields"]["about"]["value"], "theirs");
            let hidden = hide(&world, "/v3/candidates", hides);
            record["custom_fields"] = json!({"external_ref": "ref-1"});
            record["policy"] = json!({"title": "enforce"});
            record.as_object_mut().unwrap().extend(also.as_object().unwrap().clone());
            declare(&world, &acme, &record);
            let mut reports = Vec::new();
            for _ in 0..2 {
                let planned = plan(&world, &acme);
                reports.push(apply(&world, &acme, &planned));
                let after = world.sandbox.row("candidates", candidate).unwrap();
                for (key, value) in values(&before) {
                    assert_eq!(after["custom_fields"][&key]["value"], value, "{key} was erased");
                }
            }
            assert!(hidden.load(Ordering::Relaxed) > 0);
            // The other fields of the step are written without them.
            for report in reports.iter().filter(|_| also.get("title").is_none()) {
                let StepEnd::NotSent { reason } = &report.steps[0].end else {
                    panic!("{report:#?}")
                };
                assert!(reason.contains("about: it held a value"), "{reason}");
                assert!(!report.is_complete());
            }
            world.wire.spare();
            world.clock.set(world.clock.now_ms() + 24 * 3_600_000);
            for _ in 0..3 {
                let planned = plan(&world, &acme);
                apply(&world, &acme, &planned);
            }
            let after = world.sandbox.row("candidates", candidate).unwrap();
            assert_eq!(
                after["custom_fields"]["external_ref"]["value"], "ref-1",
                "written once all shows again"
            );
            assert_eq!(after["custom_fields"]["about"]["value"], "theirs");
            assert!(plan(&world, &acme).is_empty());
        }
    }
}

#[test]
fn a_value_of_others_on_an_application_that_the_read_before_a_write_leaves_out_is_not_erased() {
    let world = World::new(1, 12);
    let acme = world.connect();
    let open = |job: &Value| job["status"] == "open" && job["is_template"] != true;
    let job = id(world.sandbox.rows("jobs").iter().find(|job| open(job)).unwrap()).to_string();
    let mut record = json!({
        "key": "ref-1", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA],
        "applications": [{"key": "a", "job": {"id": job}}],
    });
    declare(&world, &acme, &record);
    world.run(acme.sync()).unwrap();
    let candidate = id(&world.sandbox.candidates_by_email(ADA)[0]);
    let application = id(&world.sandbox.applications_of(candidate)[0]);
    let fields = world.sandbox.rows("custom_fields");
    let strength =
        id(fields.iter().find(|field| field["name_key"] == "referral_strength").unwrap());
    let choice =
        id(&world.sandbox.rows_where("custom_field_options", "custom_field_id", strength)[0]);
    let deed = Recruiter::SetCustomField {
        collection: "applications".into(),
        id: application,
        name_key: "referral_strength".into(),
        value: json!(choice),
    };
    recruiter(&world, &deed);
    world.clock.set(world.clock.now_ms() + 600_000);
    world.run(acme.sync()).unwrap();
    let hidden = hide(&world, "/v3/applications", |fields| *fields = json!({}));
    record["applications"][0]["custom_fields"] = json!({"external_ref": "ours"});
    declare(&world, &acme, &record);
    let planned = plan(&world, &acme);
    let report = apply(&world, &acme, &planned);
    let StepEnd::NotSent { reason } = &report.steps[0].end else { panic!("{report:#?}") };
    assert!(
        hidden.load(Ordering::Relaxed) > 0 && reason.contains("referral_strength: it held a value"),
        "{reason}"
    );
    let value = |key: &str| {
        let row = world.sandbox.row("applications", application).unwrap();
        row["custom_fields"][key]["value"].clone()
    };
    assert_eq!((value("referral_strength"), value("external_ref")), (json!("Weak"), json!(null)));
    world.wire.spare();
    let planned = plan(&world, &acme);
    apply(&world, &acme, &planned);
    assert_eq!((value("referral_strength"), value("external_ref")), (json!("Weak"), json!("ours")));
}

/// The opposite case: a value that a recruiter cleared, or whose field was archived, blocks nothing
/// for good.
#[test]
fn a_value_that_a_recruiter_cleared_or_whose_field_was_archived_blocks_no_write() {
    for archives in [false, true] {
        let world = World::new(1, 12);
        let acme = world.connect();
        let candidate = ada(&world);
        plant(&world, candidate, "about", json!("theirs"));
        declare(&world, &acme, &json!({"key": "ref-1", "emails": [ADA]}));
        world.run(acme.sync()).unwrap();
        declare(
            &world,
            &acme,
            &json!({"key": "ref-1", "emails": [ADA], "custom_fields": {"external_ref": "ref-1"}}),
        );
        let planned = plan(&world, &acme);
        let field = id(world
            .sandbox
            .rows("custom_fields")
            .iter()
            .find(|field| field["name_key"] == "about")
            .unwrap());
        if archives {
            set(&world, "custom_fields", field, &json!({"active": false}));
            hide(&world, "/v3/candidates", |fields| {
                drop(fields.as_object_mut().and_then(|all| all.remove("about")))
            });
        } else {
            let deed = Recruiter::SetCustomField {
                collection: "candidates".into(),
                id: candidate,
                name_key: "about".into(),
                value: json!(null),
            };
            recruiter(&world, &deed);
        }
        apply(&world, &acme, &planned);
        for _ in 0..2 {
            world.run(acme.sync()).unwrap();
            world.clock.set(world.clock.now_ms() + 600_000);
        }
        let row = world.sandbox.row("candidates", candidate).unwrap();
        assert_eq!(row["custom_fields"]["external_ref"]["value"], "ref-1", "archived: {archives}");
    }
}

/// The host's declaration in a step, a recruiter's change between plan and apply, and the check of
/// whose value it is.
struct Meanwhile {
    what: &'static str,
    field: &'static str,
    declaration: Value,
    deed: fn(&World, candidate: i64, application: i64),
    theirs: fn(&World, candidate: i64, application: i64) -> bool,
}

fn meanwhile(world: &World, job: i64) -> Vec<Meanwhile> {
    let stages = world.sandbox.rows_where("job_interview_stages", "job_id", job);
    let name = |at: usize| stages[at]["name"].clone();
    let source = id(&world.sandbox.rows("sources")[0]).to_string();
    vec![
        Meanwhile {
            what: "a title",
            field: "title",
            declaration: json!({"title": "ours"}),
            deed: |world, candidate, _| {
                set(world, "candidates", candidate, &json!({"title": "theirs"}))
            },
            theirs: |world, candidate, _| {
                world.sandbox.row("candidates", candidate).unwrap()["title"] == "theirs"
            },
        },
        Meanwhile {
            what: "a custom field",
            field: "custom_fields",
            declaration: json!({"custom_fields": {"about": "ours"}}),
            deed: |world, candidate, _| plant(world, candidate, "about", json!("theirs")),
            theirs: |world, candidate, _| {
                world.sandbox.row("candidates", candidate).unwrap()["custom_fields"]["about"]["value"]
                    == "theirs"
            },
        },
        Meanwhile {
            what: "the type of a phone",
            field: "phones",
            declaration: json!({"phones": [{"value": "+44 20 1234", "type": "work"}]}),
            deed: |world, candidate, _| {
                set(
                    world,
                    "candidates",
                    candidate,
                    &json!({"phone_numbers": [{"value": "+44 20 1234", "type": "home"}]}),
                );
            },
            theirs: |world, candidate, _| {
                world.sandbox.row("candidates", candidate).unwrap()["phone_numbers"][0]["type"]
                    == "home"
            },
        },
        Meanwhile {
            what: "a source",
            field: "source",
            declaration: json!({"applications": [{"key": "a", "job": {"id": job.to_string()},
                "source": {"id": source}}]}),
            deed: |world, _, application| {
                let source = id(&world.sandbox.rows("sources")[1]);
                set(world, "applications", application, &json!({"source_id": source}));
            },
            theirs: |world, _, application| {
                let row = world.sandbox.row("applications", application).unwrap();
                row["source_id"] == world.sandbox.rows("sources")[1]["id"]
            },
        },
        Meanwhile {
            what: "a stage",
            field: "stage",
            declaration: json!({"applications": [{"key": "a", "job": {"id": job.to_string()},
                "stage": name(1)}]}),
            deed: |world, _, application_id| {
                let job = world.sandbox.row("applications", application_id).unwrap()["job_id"]
                    .as_i64()
                    .unwrap();
                let stages = world.sandbox.rows_where("job_interview_stages", "job_id", job);
                let stage_name = stages[2]["name"].as_str().unwrap().to_owned();
                recruiter(world, &Recruiter::Move { application_id, stage_name });
            },
            theirs: |world, _, application| {
                let row = world.sandbox.row("applications", application).unwrap();
                let stages = world.sandbox.rows_where(
                    "job_interview_stages",
                    "job_id",
                    row["job_id"].as_i64().unwrap(),
                );
                row["job_interview_stage_id"] == stages[2]["id"]
            },
        },
        Meanwhile {
            what: "an outcome",
            field: "outcome",
            declaration: json!({"applications": [{"key": "a", "job": {"id": job.to_string()},
                "outcome": "hired"}]}),
            deed: |world, _, application_id| {
                recruiter(world, &Recruiter::Reject { application_id, rejection_reason_id: None });
            },
            theirs: |world, _, application| {
                world.sandbox.row("applications", application).unwrap()["status"] == "rejected"
            },
        },
    ]
}

#[test]
fn a_change_between_plan_and_apply_is_overwritten_only_under_enforce() {
    for at in 0..6 {
        for policy in ["yield", "fill", "enforce"] {
            let mut world = World::new(1, 12);
            world.settings.insert("stage_writes".into(), json!(true));
            let acme = world.connect();
            let jobs = world.sandbox.rows("jobs");
            let has_opening = |job: &i64| {
                let openings = world.sandbox.rows_where("openings", "job_id", *job);
                openings.iter().filter(|opening| opening["open"] == true).count() == 1
            };
            let open = jobs
                .iter()
                .filter(|job| job["status"] == "open" && job["is_template"] != true)
                .map(id);
            let job = open.into_iter().find(has_opening).unwrap();
            let Meanwhile { what, field, declaration, deed, theirs } =
                meanwhile(&world, job).remove(at);
            println!("== {what}, {policy}");
            let mut record = json!({
                "key": "ref-1", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA],
                    "policy": {field: policy},
                "phones": [{"value": "+44 20 1234", "type": "mobile"}],
                "applications": [{"key": "a", "job": {"id": job.to_string()}}],
            });
            declare(&world, &acme, &record);
            let planned = plan(&world, &acme);
            apply(&world, &acme, &planned);
            let rows = world.sandbox.rows("candidates");
            let candidate =
                id(rows.iter().find(|row| row["email_addresses"][0]["value"] == ADA).unwrap());
            let application =
                id(&world.sandbox.rows_where("applications", "candidate_id", candidate)[0]);
            if field == "source" {
                set(&world, "applications", application, &json!({"source_id": null}));
            }
            world.run(acme.sync()).unwrap();
            record.as_object_mut().unwrap().extend(declaration.as_object().unwrap().clone());
            declare(&world, &acme, &record);
            let planned = plan(&world, &acme);
            if planned.is_empty() {
                assert_eq!(policy, "fill", "{what}");
                continue;
            }
            deed(&world, candidate, application);
            let report = apply(&world, &acme, &planned);
            let is_theirs = theirs(&world, candidate, application);
            if policy == "enforce" {
                // Whether the ATS allows overwriting it is its own decision.
                continue;
            }
            assert!(is_theirs, "{what}, {policy}: a recruiter's change was overwritten");
            let StepEnd::NotSent { reason } = &report.steps[0].end else {
                panic!("{what}: {report:#?}")
            };
            assert!(
                reason.contains(field) && reason.contains("since the plan was made"),
                "{reason}"
            );
            // The next plan knows it, without a pull.
            let planned = plan(&world, &acme);
            assert!(planned.is_empty());
            let speaks = planned.records.iter().flat_map(|record| &record.findings);
            let speaks = speaks.filter(|finding| finding.kind != FindingKind::Blocked).count();
            assert!(speaks > 0, "{what}, {policy}");
        }
    }
}
