//! The definitions that are declared beside candidates: custom fields, their options, users. They
//! are created before the values that name them, found again, and never removed.
//!
//! Method: the real engine with the Greenhouse adapter against the sandbox, on a manual clock,
//! without sockets. The tests check what the sandbox holds and which requests reached it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

use atsync::internals::plan::{FindingKind, Plan, words};
use atsync::internals::reconcile::{ApplyReport, StepEnd};
use atsync::internals::store::{Cause, Change, ChangeWhat};
use atsync::{ConditionType, Reason};
use atsync::{Connection, PlanOf};
use atsync_greenhouse_sandbox::{Fault, FaultKind, Recruiter};
use atsync_tests::{World, desired};
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};

const ADA: &str = "ada.byron@example.com";

fn world() -> World {
    World::new(1, 60)
}

fn lines(records: &[Value]) -> String {
    records.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

fn sync(world: &World, acme: &Connection, records: &[Value]) -> (Plan, ApplyReport) {
    world.run(acme.declare(&desired(&lines(records)))).unwrap();
    world.run(acme.sync()).unwrap()
}

fn ada(customs: &Value) -> Value {
    json!({"key": "ada", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA],
        "custom_fields": customs})
}

fn channel(more: &Value) -> Value {
    let mut record = json!({"kind": "custom_fields", "key": "channel", "applies_to": "candidate",
        "type": "single",
        "name": "Which channel?", "options": ["Portal", "Event"]});
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    record
}

fn grace() -> Value {
    json!({"kind": "users", "email": "Grace.Hopper@example.com",
        "name": {"first": "Grace", "last": "Hopper"}})
}

fn rows(world: &World, collection: &str, name: &str) -> Vec<Value> {
    world.sandbox.rows(collection).into_iter().filter(|row| row["name"] == name).collect()
}

fn values(world: &World) -> Value {
    let found = world.sandbox.candidates_by_email(ADA);
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0]["custom_fields"].clone()
}

fn blocked(plan: &Plan) -> Vec<String> {
    plan.blocked().map(|finding| format!("{}: {}", finding.reason, finding.message)).collect()
}

fn is_in_step(world: &World, acme: &Connection) {
    world.sandbox.clear_logs();
    let plan = world.run(acme.plan(PlanOf::All)).unwrap();
    assert!(plan.is_empty(), "{}", words::plan(&plan));
    assert_eq!(world.written(), Vec::<String>::new());
}

#[test]
fn a_field_is_created_before_its_options_and_they_before_their_values_in_one_run() {
    let world = world();
    let acme = world.connect();
    // The candidate comes before the definitions that they depend on, and the ATS derives another
    // key from the name than the host's.
    let records = [ada(&json!({"channel": "Event"})), channel(&json!({}))];
    let shown = world.run(acme.plan(PlanOf::Records(&desired(&lines(&records))))).unwrap();
    let order: Vec<(&str, &str)> = shown
        .records
        .iter()
        .flat_map(|record| &record.steps)
        .map(|step| (step.operation.as_str(), step.path.as_str()))
        .collect();
    let field = "@custom_fields.candidate.channel";
    let (portal, event) = (format!("{field}/options/Portal"), format!("{field}/options/Event"));
    assert_eq!(
        order,
        [
            ("custom_fields.create", field),
            ("custom_field_options.create", portal.as_str()),
            ("custom_field_options.create", event.as_str()),
            ("candidates.create", "ada"),
        ]
    );
    let create = &shown.records[1].steps[0];
    assert_eq!(create.after, [field.to_owned(), event.clone()], "{}", words::plan(&shown));
    let (_, report) = sync(&world, &acme, &records);
    assert!(report.is_complete() && report.not_in_step == 0, "{report:#?}");
    // The field's create carried the options, and a probe found them.
    assert_eq!(world.written(), ["POST /v3/custom_fields", "POST /v3/candidates"]);
    // The engine read the field for its options before the read-back; the event names the engine as
    // its cause all the same.
    let feed: Vec<Change> = world.run(acme.changes(0).try_collect()).unwrap();
    let made = rows(&world, "custom_fields", "Which channel?")[0]["id"].to_string();
    let told =
        feed.iter().find(|change| change.kind == "custom_fields" && change.id == made).unwrap();
    assert!(
        told.what == ChangeWhat::Created && matches!(told.cause, Cause::Applied { .. }),
        "{told:?}"
    );
    assert_eq!(values(&world)["which_channel_"]["value"], "Event");
    is_in_step(&world, &acme);
    // A later candidate costs only their own calls.
    let mut ben = ada(&json!({"channel": "Portal"}));
    ben["key"] = json!("ben");
    ben["emails"] = json!(["ben@example.com"]);
    world.sandbox.clear_logs();
    sync(&world, &acme, &[ben]);
    assert_eq!(world.written(), ["POST /v3/candidates"]);
    is_in_step(&world, &acme);
}

#[test]
fn a_definition_that_cannot_be_created_blocks_only_its_dependents() {
    let world = world();
    let acme = world.connect();
    let mut ben = ada(&json!({}));
    ben["key"] = json!("ben");
    ben["emails"] = json!(["ben@example.com"]);
    let refused = FaultKind::NotApplied { status: 403 };
    world.sandbox.faults().add(Fault::once("POST", "/v3/custom_field_options", refused));
    sync(&world, &acme, &[channel(&json!({"options": ["Old"]}))]);
    let (_, report) =
        sync(&world, &acme, &[channel(&json!({})), ada(&json!({"channel": "Portal"})), ben]);
    let end = |host: &str| report.steps.iter().find(|step| step.path == host).unwrap().end.clone();
    let portal = "@custom_fields.candidate.channel/options/Portal";
    assert!(matches!(end(portal), StepEnd::Refused { .. }), "{report:#?}");
    assert_eq!(end("@custom_fields.candidate.channel/options/Event"), StepEnd::Applied);
    assert_eq!(end("ada"), StepEnd::Skipped { waits_for: portal.into() });
    assert_eq!(end("ben"), StepEnd::Applied);
    assert!(world.sandbox.candidates_by_email(ADA).is_empty());
    let row = world.run(acme.desired("ada")).unwrap().unwrap();
    assert!(
        row.status
            .conditions
            .iter()
            .any(|held| held.kind == ConditionType::Blocked && held.message.contains(portal))
    );
    // Once the cause is removed, the next run applies the rest.
    let (_, report) = world.run(acme.sync()).unwrap();
    assert!(report.is_complete() && report.not_in_step == 0, "{report:#?}");
    assert_eq!(values(&world)["which_channel_"]["value"], "Portal");
    assert_eq!(rows(&world, "custom_field_options", "Portal").len(), 1);
    is_in_step(&world, &acme);
}

#[test]
fn an_existing_field_is_adopted_and_only_its_missing_options_are_created() {
    let world = world();
    let acme = world.connect();
    let seniority = json!({"kind": "custom_fields", "key": "seniority", "applies_to": "candidate",
        "type": "single",
        "options": ["Senior", "Fellow"]});
    let before = world.sandbox.rows("custom_field_options").len();
    let (_, report) =
        sync(&world, &acme, &[seniority.clone(), ada(&json!({"seniority": "Fellow"}))]);
    assert!(report.is_complete() && report.not_in_step == 0, "{report:#?}");
    assert_eq!(world.written(), ["POST /v3/custom_field_options", "POST /v3/candidates"]);
    assert_eq!(values(&world)["seniority"]["value"], "Fellow");
    assert_eq!(world.sandbox.rows("custom_field_options").len(), before + 1);
    is_in_step(&world, &acme);
    // An option that is no longer declared stays and has no owner.
    let mut fewer = seniority;
    fewer["options"] = json!([]);
    sync(&world, &acme, &[fewer]);
    assert_eq!(world.written(), Vec::<String>::new());
    assert_eq!(rows(&world, "custom_field_options", "Fellow")[0]["active"], true);
    let links = world.run(acme.links("@custom_fields.candidate.seniority")).unwrap();
    assert_eq!(links.len(), 1, "{links:#?}");
}

fn set(world: &World, collection: &str, id: &Value, values: Value) {
    world.clock.set(atsync::Clock::now_ms(&*world.clock) + 60_000);
    let values = values.as_object().unwrap().clone();
    let deed = Recruiter::Set { collection: collection.into(), id: id.as_i64().unwrap(), values };
    world.sandbox.recruiter(&deed).unwrap();
}

#[test]
fn an_archived_option_stays_archived_unless_the_host_insists() {
    let world = world();
    let acme = world.connect();
    sync(&world, &acme, &[channel(&json!({}))]);
    let portal = rows(&world, "custom_field_options", "Portal")[0].clone();
    set(&world, "custom_field_options", &portal["id"], json!({"active": false}));
    world.sandbox.clear_logs();
    let plan = world.run(acme.plan(PlanOf::All)).unwrap();
    let drifted: Vec<&str> = plan.records[0]
        .findings
        .iter()
        .filter(|finding| finding.kind == FindingKind::Drifted)
        .map(|finding| finding.reason.as_str())
        .collect();
    assert_eq!((drifted, plan.is_empty()), (vec!["RemovedInAts"], true), "{}", words::plan(&plan));
    // A value that names it is blocked with the existing options.
    let (plan, _) = sync(&world, &acme, &[ada(&json!({"channel": "Portal"}))]);
    assert!(
        blocked(&plan)[0].contains("no active option \"Portal\"; the options are: Event"),
        "{:?}",
        blocked(&plan)
    );
    let insisting = channel(&json!({"policy": {"options": "enforce"}}));
    let (_, report) = sync(&world, &acme, &[insisting]);
    assert!(report.is_complete(), "{report:#?}");
    let all = rows(&world, "custom_field_options", "Portal");
    assert_eq!(all.iter().filter(|row| row["active"] == true).count(), 1, "{all:#?}");
    world.run(acme.sync()).unwrap();
    assert_eq!(values(&world)["which_channel_"]["value"], "Portal");
    is_in_step(&world, &acme);
}

#[test]
fn a_renamed_option_is_still_the_same_option() {
    let world = world();
    let acme = world.connect();
    sync(&world, &acme, &[channel(&json!({})), ada(&json!({"channel": "Portal"}))]);
    let portal = rows(&world, "custom_field_options", "Portal")[0].clone();
    set(&world, "custom_field_options", &portal["id"], json!({"name": "Employee portal"}));
    for kind in ["custom_field_options", "candidates"] {
        world.run(acme.pull_full(kind)).unwrap();
    }
    is_in_step(&world, &acme);
    assert_eq!(values(&world)["which_channel_"]["value"], "Employee portal");
    // The host enforces it, and it is active again.
    sync(&world, &acme, &[channel(&json!({"policy": {"options": "enforce"}}))]);
    assert_eq!(world.written(), [format!("PATCH /v3/custom_field_options/{}", portal["id"])]);
    assert_eq!(values(&world)["which_channel_"]["value"], "Portal");
}

#[test]
fn a_field_changed_in_the_ats_stays_so_and_one_changed_by_the_host_follows() {
    let world = world();
    let acme = world.connect();
    sync(&world, &acme, &[channel(&json!({"description": "How they came."}))]);
    let field = rows(&world, "custom_fields", "Which channel?")[0].clone();
    world.sandbox.clear_logs();
    sync(&world, &acme, &[channel(&json!({"description": "How they came to us."}))]);
    assert_eq!(world.written(), [format!("PATCH /v3/custom_fields/{}", field["id"])]);
    set(&world, "custom_fields", &field["id"], json!({"description": "Theirs."}));
    world.sandbox.clear_logs();
    let plan = world.run(acme.plan(PlanOf::All)).unwrap();
    assert!(plan.is_empty(), "{}", words::plan(&plan));
    assert!(
        words::plan(&plan)
            .contains("`description` was changed in the ATS; the ATS's value is kept")
    );
    let story = world.run(acme.explain("@custom_fields.candidate.channel")).unwrap();
    let description = story.fields.iter().find(|field| field.field == "description").unwrap();
    assert_eq!(
        (&description.desired, &description.applied, &description.observed),
        (&json!("How they came to us."), &json!("How they came to us."), &json!("Theirs.")),
        "{}",
        story.words()
    );
}

#[test]
fn an_impossible_field_is_blocked_with_the_reason() {
    let world = world();
    let acme = world.connect();
    let as_text = json!({"kind": "custom_fields", "key": "seniority", "applies_to": "candidate",
        "type": "text"});
    let nameless = json!({"kind": "custom_fields", "key": "nobody_has_it",
        "applies_to": "candidate", "type": "text"});
    world.run(acme.declare(&desired(&lines(&[as_text, nameless])))).unwrap();
    let plan = world.run(acme.plan(PlanOf::All)).unwrap();
    let said = blocked(&plan);
    assert!(said.iter().any(
        |said| said.starts_with("InvalidValue") && said.contains("is of type single, not text")
    ));
    assert!(
        said.iter().any(|said| said.starts_with("MissingField") && said.contains("needs `name`")),
        "{said:?}"
    );
    assert!(plan.is_empty());
}

#[test]
fn a_paused_definition_creates_nothing_and_its_dependents_say_so() {
    let world = world();
    let acme = world.connect();
    world.run(acme.declare(&desired(&channel(&json!({})).to_string()))).unwrap();
    world.run(acme.pause("@custom_fields.candidate.channel")).unwrap();
    let (plan, report) = sync(&world, &acme, &[ada(&json!({"channel": "Portal"}))]);
    assert!(
        blocked(&plan)[0]
            .contains("is paused or only observed; resume it with `Connection::resume`"),
        "{:?}",
        blocked(&plan)
    );
    assert_eq!((report.steps.len(), world.written().len()), (0, 0));
    world.run(acme.resume("@custom_fields.candidate.channel")).unwrap();
    let (_, report) = world.run(acme.sync()).unwrap();
    assert!(report.is_complete() && report.not_in_step == 0, "{report:#?}");
    // A withdrawal reports that definitions stay.
    let (plan, _) =
        world.run(acme.withdraw("@custom_fields.candidate.channel", Default::default())).unwrap();
    assert!(words::plan(&plan).contains("the definition custom_fields/"), "{}", words::plan(&plan));
}

#[test]
fn two_definitions_never_hold_one_field() {
    let world = world();
    let acme = world.connect();
    let twin = channel(&json!({"key": "way"}));
    sync(&world, &acme, &[channel(&json!({}))]);
    let (plan, _) = sync(&world, &acme, &[twin]);
    assert!(blocked(&plan)[0].starts_with("DuplicateDesired"), "{:?}", blocked(&plan));
    assert_eq!(rows(&world, "custom_fields", "Which channel?").len(), 1);
}

fn mentor() -> Value {
    json!({"kind": "custom_fields", "key": "mentor", "applies_to": "candidate", "type": "user",
        "name": "Mentor"})
}

#[test]
fn a_user_is_identified_by_address_and_created_and_invited_only_after_opting_in() {
    let mut world = world();
    let acme = world.connect();
    let records = [grace(), mentor(), ada(&json!({"mentor": "grace.hopper@example.com"}))];
    let (plan, report) = sync(&world, &acme, &records);
    let said = words::plan(&plan);
    assert!(
        said.contains("set `user_invitations = true`") && said.contains("mailed an invitation"),
        "{said}"
    );
    assert!(!report.is_complete());
    assert_eq!((report.in_step, report.not_in_step, report.held_back), (1, 1, 1), "{report:#?}");
    assert!(!world.written().contains(&"POST /v3/users".to_owned()), "{:?}", world.written());
    assert!(world.sandbox.candidates_by_email(ADA).is_empty(), "the candidate waits for the user");

    world.settings.insert("user_invitations".into(), json!(true));
    world.restart();
    let acme = world.connect();
    world.sandbox.clear_logs();
    let (_, report) = world.run(acme.sync()).unwrap();
    assert!(report.is_complete() && report.not_in_step == 0, "{report:#?}");
    let made = world
        .sandbox
        .requests()
        .into_iter()
        .find(|request| request.method == "POST" && request.path == "/v3/users")
        .unwrap();
    let body: Value = serde_json::from_str(&made.body).unwrap();
    assert_eq!(body["send_email_invite"], false, "{body}");
    let users: Vec<Value> = world
        .sandbox
        .rows("users")
        .into_iter()
        .filter(|user| user["first_name"] == "Grace")
        .collect();
    let grace: Vec<&Value> = users.iter().filter(|user| user["last_name"] == "Hopper").collect();
    assert_eq!(grace.len(), 1, "{users:#?}");
    is_in_step(&world, &acme);
    // A user that no record declares is not created.
    let (plan, _) = sync(&world, &acme, &[ada(&json!({"mentor": "alan@example.com"}))]);
    assert!(
        blocked(&plan)[0].contains("no user of the ATS has the address alan@example.com"),
        "{:?}",
        blocked(&plan)
    );
}

#[test]
fn an_option_that_is_no_longer_declared_is_reported_as_released_and_stays() {
    let world = world();
    let acme = world.connect();
    assert!(sync(&world, &acme, &[channel(&json!({}))]).1.is_complete());
    let (plan, report) = sync(&world, &acme, &[channel(&json!({"options": ["Portal"]}))]);
    let said = plan
        .records
        .iter()
        .flat_map(|record| &record.findings)
        .find(|finding| finding.reason == Reason::Released);
    assert!(said.is_some_and(|said| said.message.contains("Event")), "{}", words::plan(&plan));
    assert!(report.is_complete() && plan.writes() == 0, "{}", words::plan(&plan));
    assert_eq!(rows(&world, "custom_field_options", "Event").len(), 1);
    let again = world.run(acme.plan(PlanOf::All)).unwrap();
    assert!(
        again.records.iter().all(|record| record.findings.is_empty()),
        "it is said once: {}",
        words::plan(&again)
    );
}
