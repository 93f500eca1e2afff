//! After a plan, every declared leaf is a step, in step, a finding, or blocked with a message: the
//! plan never drops one silently.
//!
//! Method: the test reads the leaves of a desired record from its JSON Schema, so that it covers a
//! member added to the model by itself. A record that has all of them is applied to the sandbox;
//! then each leaf is changed alone, declared and planned, and the plan must report it. The same for
//! each policy that could keep it silent. Besides: one fact seen in two places, one job under two
//! keys, and the stated cost of a plan against the sent requests.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

mod costs;

use atsync::Reason;
use atsync::internals::plan::{FindingKind, Plan, words};
use atsync::model::desired::Desired;
use atsync::{Connection, PlanOf};
use atsync_greenhouse_sandbox::Recruiter;
use atsync_tests::{World, desired};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const ADA: &str = "ada.byron@example.com";

fn id_of(row: &Value) -> String {
    row["id"].to_string()
}

/// Open jobs of the company, by id.
fn ids(world: &World, collection: &str) -> Vec<String> {
    world.sandbox.rows(collection).iter().map(id_of).collect()
}

fn by_id(id: &str) -> Value {
    json!({ "id": id })
}

fn plan_of(world: &World, acme: &Connection, records: &[Value]) -> Plan {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    let records: Vec<Desired> = desired(&lines.join("\n"));
    world.run(acme.plan(PlanOf::Records(&records))).unwrap()
}

fn bring_about(world: &World, acme: &Connection, records: &[Value]) -> Plan {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    world.run(acme.declare(&desired(&lines.join("\n")))).unwrap();
    let (plan, report) = world.run(acme.sync()).unwrap();
    assert!(report.is_complete(), "{}\n{report:#?}", words::plan(&plan));
    // A record that another create carried is linked once its own row is known.
    world.run(acme.sync()).unwrap();
    plan
}

fn later(world: &World) {
    use atsync::Clock as _;
    world.clock.set(world.clock.now_ms() + 600_000);
}

/// A record of each kind in which every member of the schema is there.
fn whole(world: &World) -> Vec<Value> {
    let jobs = world.open_jobs();
    let pools = world.sandbox.rows("prospect_pools");
    let stages = world.sandbox.rows("prospect_pool_stages");
    let stage = stages.iter().find(|stage| stage["prospect_pool_id"] == pools[0]["id"]).unwrap();
    let (sources, referrers) = (ids(world, "sources"), ids(world, "referrers"));
    vec![
        json!({
            "key": "ref-1", "kind": "candidates",
            "name": {"first": "Ada", "last": "Byron", "preferred": "Ada"},
            "emails": [{"value": ADA, "type": "personal"}],
                "phones": [{"value": "+44 20 1234", "type": "mobile"}],
            "links": [{"value": "https://ada.example.org", "type": "blog"}],
            "company": "Analytical", "title": "Engineer", "private": false,
                "custom_fields": {"external_ref": "ref-1"},
            "tags": ["brand new tag"],
            "educations": [{"school": "ETH Zürich", "degree": "Master's",
                "discipline": "Mathematics", "started_on": "2016-09", "ended_on": "2018"}],
            "employments": [{"company": "Acme Ltd", "title": "Engineer",
                "started_on": "2018-07-01", "ended_on": "2020-12-31"}],
            "notes": [{"key": "n1", "body": "Introduced by Sam.", "visibility": "public",
                "application": "a1"}],
            "applications": [
                {"key": "a1", "kind": "application", "job": by_id(&jobs[0]),
                    "source": by_id(&sources[0]),
                 "referrer": by_id(&referrers[0]), "another": false,
                 "attachments": [{"key": "f1", "filename": "cv.pdf", "type": "resume",
                     "url": "https://files.example.com/cv.pdf"}]},
                {"key": "p1", "kind": "prospect", "pool": by_id(&id_of(&pools[0])),
                    "pool_stage": by_id(&id_of(stage))},
            ],
            "policy": {},
        }),
        json!({"kind": "custom_fields", "key": "channel", "applies_to": "candidate",
            "type": "single", "name": "Channel",
            "private": false, "description": "Where from.", "options": ["Portal"], "policy": {}}),
        json!({"kind": "users", "email": "grace@acme.example",
            "name": {"first": "Grace", "last": "Hopper"},
            "job_title": "Admiral", "employee_id": "7", "invite": false}),
    ]
}

/// The whole records with the further states of an application: one in progress in a stage, one
/// rejected, one hired. For a connection that has opted in to stage writes.
fn walked(world: &World) -> Vec<Value> {
    let mut records = whole(world);
    let jobs = world.open_jobs();
    let reasons = ids(world, "rejection_reasons");
    let openings = world.sandbox.rows("openings");
    let opening =
        openings.iter().find(|one| is_of_job(one, &jobs[2]) && one["open"] == true).unwrap();
    let applications = records[0]["applications"].as_array_mut().unwrap();
    applications[0]["custom_fields"] = json!({"referral_strength": "Fair"});
    applications[0]["stage"] = by_id(&stages_of(world, &jobs[0])[1]);
    applications[0]["outcome"] = json!("active");
    applications.push(
        json!({"key": "a2", "kind": "application", "job": by_id(&jobs[1]), "outcome": "rejected",
        "reject_reason": by_id(&reasons[0])}),
    );
    applications.push(
        json!({"key": "a3", "kind": "application", "job": by_id(&jobs[2]), "outcome": "hired",
        "opening": by_id(&id_of(opening))}),
    );
    records
}

fn is_of_job(row: &Value, job: &str) -> bool {
    row["job_id"].as_i64() == job.parse().ok()
}

/// The stages of a job, by id.
fn stages_of(world: &World, job: &str) -> Vec<String> {
    let rows = world.sandbox.rows("job_interview_stages");
    rows.iter()
        .filter(|stage| is_of_job(stage, job) && stage["active"] != false)
        .map(id_of)
        .collect()
}

/// Members that the whole record lacks, with the reason. Each has a test of its own that changes
/// it.
const ELSEWHERE: &[&str] = &[
    // It says which candidate the record is, and is no value to write: the laws of `life`.
    "id",
    // Users have none, which the plan says.
    "name.preferred",
];

/// The members of the schema: dotted, lists and references as one.
fn members(schema: &Value, root: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    let resolved = |schema: &Value| -> Value {
        match schema["$ref"].as_str() {
            Some(name) => root.pointer(name.trim_start_matches('#')).unwrap().clone(),
            None => schema.clone(),
        }
    };
    let schema = resolved(schema);
    if let Some(items) = schema.get("items") {
        return members(items, root, prefix, found);
    }
    let arms = ["anyOf", "oneOf"].iter().find_map(|arm| schema.get(*arm)).and_then(Value::as_array);
    for arm in arms.into_iter().flatten() {
        members(arm, root, prefix, found);
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    // A reference is one leaf, however it is written: an arm for each way, with one member.
    let is_way = |name: &String| ["id", "name", "email", "requisition_id"].contains(&name.as_str());
    let is_reference = properties.is_some_and(|known| known.len() == 1 && known.keys().all(is_way));
    match properties.filter(|_| !is_reference) {
        Some(properties) => {
            for (name, member) in properties {
                let path =
                    if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                members(member, root, &path, found);
            }
        }
        None => drop(found.insert(prefix.to_owned())),
    }
}

/// The members that a JSON record has, in the same form.
fn has(value: &Value, prefix: &str, found: &mut BTreeSet<String>) {
    found.insert(prefix.to_owned());
    match value {
        Value::Object(object) if object.contains_key("id") || prefix.ends_with("custom_fields") => {
        }
        Value::Object(object) => object.iter().for_each(|(name, value)| {
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            has(value, &path, found);
        }),
        Value::Array(list) => list.iter().for_each(|each| has(each, prefix, found)),
        _ => {}
    }
}

#[test]
fn the_test_record_has_every_member_of_the_schema() {
    let world = World::new(1, 60);
    let schema = serde_json::to_value(schemars::schema_for!(Desired)).unwrap();
    let mut covered = BTreeSet::new();
    walked(&world).iter().for_each(|record| has(record, "", &mut covered));
    let mut known = BTreeSet::new();
    members(&schema, &schema, "", &mut known);
    let missing: Vec<&String> = known
        .iter()
        .filter(|member| !covered.contains(*member) && !ELSEWHERE.contains(&member.as_str()))
        .collect();
    assert!(missing.is_empty(), "new members of the schema that no test changes: {missing:?}");
}

/// Every place in a record whose value can be changed: JSON pointers. Keys and policies are left
/// out.
fn places(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(object) if object.contains_key("id") => found.push(pointer.to_owned()),
        Value::Object(object) => {
            for (name, value) in object {
                let is_top_kind = pointer.is_empty() && name == "kind";
                if name != "key" && name != "policy" && !is_top_kind {
                    places(value, &format!("{pointer}/{name}"), found);
                }
            }
        }
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(at, each)| places(each, &format!("{pointer}/{at}"), found));
        }
        _ => found.push(pointer.to_owned()),
    }
}

/// Another value for the leaf.
fn another(world: &World, record: &Value, pointer: &str) -> Value {
    let value = record.pointer(pointer).unwrap();
    let member = pointer.rsplit('/').next().unwrap();
    let other = |collection: &str| {
        let ids = ids(world, collection);
        by_id(ids.iter().find(|id| json!(id) != value["id"]).unwrap())
    };
    match (member, value) {
        ("job", _) => by_id(&world.open_jobs()[3]),
        ("stage", stage) => {
            let all = stages_of(world, &world.open_jobs()[0]);
            by_id(all.iter().find(|id| json!(id) != stage["id"]).unwrap())
        }
        ("outcome", Value::String(outcome)) => {
            json!(if outcome == "active" { "rejected" } else { "active" })
        }
        ("reject_reason", _) => other("rejection_reasons"),
        ("opening", held) => {
            let openings = world.sandbox.rows("openings");
            let of_job = openings.iter().filter(|one| is_of_job(one, &world.open_jobs()[2]));
            by_id(&of_job.map(id_of).find(|id| json!(id) != held["id"]).unwrap())
        }
        ("referral_strength", _) => json!("Strong"),
        ("pool", _) => other("prospect_pools"),
        ("pool_stage", _) => {
            let stages = world.sandbox.rows("prospect_pool_stages");
            let here =
                stages.iter().find(|stage| json!(id_of(stage)) == value["id"]).unwrap()["prospect_pool_id"].clone();
            let sibling = stages
                .iter()
                .find(|stage| {
                    stage["prospect_pool_id"] == here && json!(id_of(stage)) != value["id"]
                })
                .unwrap();
            by_id(&id_of(sibling))
        }
        ("source", _) => other("sources"),
        ("referrer", _) => other("referrers"),
        ("visibility", _) => json!("private"),
        ("application", _) => json!("p1"),
        ("kind", value) => json!(if value == "prospect" { "application" } else { "prospect" }),
        ("type", value) if pointer.contains("phones") => {
            json!(if value == "work" { "home" } else { "work" })
        }
        ("type", value) if pointer.contains("links") => {
            json!(if value == "blog" { "portfolio" } else { "blog" })
        }
        ("type", value) if pointer.contains("emails") => {
            json!(if value == "work" { "personal" } else { "work" })
        }
        ("type", _) if pointer.contains("attachments") => json!("cover_letter"),
        ("type", _) => json!("multi"),
        ("applies_to", _) => json!("application"),
        ("url", _) => json!("https://files.example.com/other.pdf"),
        ("email", _) | ("value", _) if pointer.contains("mail") => json!("other@acme.example"),
        ("value", _) if pointer.contains("links") => json!("https://other.example.org"),
        ("started_on", _) => json!("2015-07-01"),
        ("ended_on", _) => json!("2019-12-31"),
        (_, Value::Bool(flag)) => json!(!flag),
        (_, Value::String(text)) => json!(format!("{text} 2")),
        (_, other) => panic!("no other value for {pointer}: {other}"),
    }
}

/// Whether the plan reports this leaf: a step or a finding on its path, or above, that names it.
fn speaks_of(plan: &Plan, record: &Value, pointer: &str) -> bool {
    let key = desired(&record.to_string())[0].key();
    let mut path = key;
    let mut place = Vec::new();
    let mut at = String::new();
    for part in pointer.split('/').skip(1) {
        let before = at.clone();
        at = format!("{at}/{part}");
        let here = record.pointer(&at).unwrap();
        match here.get("key").and_then(Value::as_str).filter(|_| part.parse::<usize>().is_ok()) {
            Some(key) => {
                let list = before.rsplit('/').next().unwrap().to_owned();
                path = format!("{path}/{list}/{key}");
                place.clear();
            }
            None if part.parse::<usize>().is_ok() => {}
            None => place.push(part.to_owned()),
        }
    }
    let dotted = place.join(".");
    let word = place.last().unwrap().clone();
    let own = |host: &str| host == path || host.starts_with(&format!("{path}/"));
    let named = |field: &str| {
        field == dotted || field.starts_with(&format!("{}[", place[0])) || field == place[0]
    };
    let steps = plan.shared.iter().chain(plan.records.iter().flat_map(|record| &record.steps));
    let mut steps = steps.filter(|step| own(&step.path));
    let by_step = steps.any(|step| {
        step.operation.ends_with(".convert") && word == "kind"
            || step.fields.iter().any(|change| named(&change.field))
            // An entry without a key has a path of its own, below the list.
            || step.path.starts_with(&format!("{path}/{}/", place[0]))
                && step.fields.iter().any(|change| change.field == word)
    });
    let mut findings = plan.records.iter().flat_map(|record| &record.findings);
    // The words of its entries may name the same list of the ATS.
    by_step
        || findings.any(|finding| {
            own(&finding.path)
                && (finding.message.contains(&word)
                    || finding.message.contains(&place[0])
                    || names_member(&word, &finding.message))
        })
}

/// Findings that describe a member in other words than its name.
fn names_member(member: &str, message: &str) -> bool {
    match member {
        "kind" => message.contains("prospect") || message.contains("applications.convert"),
        _ => false,
    }
}

fn opted_in() -> Map<String, Value> {
    let mut settings = Map::new();
    settings.insert("user_invitations".into(), json!(true));
    settings.insert("stage_writes".into(), json!(true));
    settings
}

#[test]
fn every_changed_leaf_is_reported_under_every_policy() {
    let mut world = World::new(1, 60);
    world.settings = opted_in();
    let acme = world.connect();
    let records = walked(&world);
    bring_about(&world, &acme, &records);
    let again = plan_of(&world, &acme, &records);
    assert!(again.is_empty(), "{}", words::plan(&again));
    let unplanned = again
        .records
        .iter()
        .flat_map(|record| &record.findings)
        .filter(|finding| finding.reason == Reason::NotPlanned);
    assert_eq!(
        unplanned.map(|finding| finding.message.as_str()).collect::<Vec<_>>(),
        Vec::<&str>::new()
    );
    let mut silent = Vec::new();
    for (at, record) in records.iter().enumerate() {
        let mut found = Vec::new();
        places(record, "", &mut found);
        for pointer in found {
            // Changes that make it another record: a new key, planned as such.
            let is_identity = ["/email", "/applies_to"].contains(&pointer.as_str());
            for policy in ["yield", "enforce", "seed", "fill"] {
                let mut changed = records.clone();
                *changed[at].pointer_mut(&pointer).unwrap() = another(&world, record, &pointer);
                let fields: &[&str] = match record["kind"].as_str().unwrap() {
                    "candidates" => &[
                        "name",
                        "emails",
                        "phones",
                        "links",
                        "company",
                        "title",
                        "private",
                        "tags",
                        "educations",
                        "employments",
                        "custom_fields",
                        "source",
                        "referrer",
                        "stage",
                        "outcome",
                        "reject_reason",
                    ],
                    "custom_fields" => &["name", "private", "description", "options"],
                    _ => &[],
                };
                for field in fields {
                    changed[at]["policy"][*field] = json!(policy);
                }
                if pointer.ends_with("/kind")
                    && changed[at].pointer(&pointer) == Some(&json!("application"))
                {
                    // An application is to a job, and has no pool.
                    let place = pointer.trim_end_matches("/kind");
                    let application =
                        changed[at].pointer_mut(place).unwrap().as_object_mut().unwrap();
                    application.retain(|member, _| !member.starts_with("pool"));
                    application.insert("job".into(), by_id(&world.open_jobs()[3]));
                }
                if pointer.ends_with("/pool") {
                    let place = pointer.trim_end_matches("/pool");
                    changed[at]
                        .pointer_mut(place)
                        .unwrap()
                        .as_object_mut()
                        .unwrap()
                        .remove("pool_stage");
                }
                let plan = plan_of(&world, &acme, &changed);
                let is_fine = if is_identity {
                    !plan.is_empty()
                } else {
                    speaks_of(&plan, &changed[at], &pointer)
                };
                // Marking it as possibly another application changes nothing if it is alone.
                if !is_fine && !pointer.ends_with("/another") {
                    silent.push(format!("{pointer} ({policy}):\n{}", words::plan(&plan)));
                }
            }
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

#[test]
fn a_field_that_is_no_longer_declared_is_left_as_it_is_and_reported_once() {
    let world = World::new(1, 60);
    let acme = world.connect();
    let record = whole(&world)[0].clone();
    bring_about(&world, &acme, std::slice::from_ref(&record));
    world.sandbox.clear_logs();
    let bare = json!({"key": "ref-1", "name": {"first": "Ada"}, "emails": [ADA]});
    let said = plan_of(&world, &acme, std::slice::from_ref(&bare));
    let reasons: Vec<(&str, &str)> = said.records[0]
        .findings
        .iter()
        .map(|finding| (finding.path.as_str(), finding.reason.as_str()))
        .collect();
    for path in ["ref-1", "ref-1/notes/n1", "ref-1/applications/a1", "ref-1/applications/p1"] {
        assert!(reasons.contains(&(path, "Released")), "{path}: {}", words::plan(&said));
    }
    bring_about(&world, &acme, std::slice::from_ref(&bare));
    assert_eq!(world.written(), Vec::<String>::new());
    let again = plan_of(&world, &acme, std::slice::from_ref(&bare));
    assert!(
        again.records.iter().all(|record| record.note(Reason::Released).is_none()),
        "{}",
        words::plan(&again)
    );
    // The same key never creates a second one.
    let back = plan_of(&world, &acme, std::slice::from_ref(&record));
    assert!(
        back.records.iter().flat_map(|record| &record.steps).all(|step| step.target.is_some()),
        "{}",
        words::plan(&back)
    );
}

#[test]
fn another_type_another_source_and_privacy_are_written_under_enforce() {
    let world = World::new(1, 60);
    let acme = world.connect();
    let mut record = whole(&world)[0].clone();
    bring_about(&world, &acme, std::slice::from_ref(&record));
    later(&world);
    record["emails"][0]["type"] = json!("work");
    record["private"] = json!(true);
    record["applications"][0]["source"] = another(&world, &record, "/applications/0/source");
    record["policy"] = json!({"private": "enforce", "source": "enforce"});
    bring_about(&world, &acme, std::slice::from_ref(&record));
    let ada = world.sandbox.candidates_by_email(ADA)[0].clone();
    assert_eq!(ada["email_addresses"], json!([{"value": ADA, "type": "work"}]));
    assert_eq!(ada["private"], json!(true));
    let applications = world.sandbox.applications_of(ada["id"].as_i64().unwrap());
    let application = applications.iter().find(|row| row["prospect"] != true).unwrap();
    assert_eq!(
        json!(application["source_id"].to_string()),
        record["applications"][0]["source"]["id"]
    );
    assert!(plan_of(&world, &acme, std::slice::from_ref(&record)).is_empty());
}

fn tags_of(world: &World, id: i64) -> usize {
    world.sandbox.rows_of_candidate("applied_candidate_tags", id).len()
}

#[test]
fn the_next_plan_notices_a_tag_that_a_recruiter_removed_wherever_it_shows() {
    // The candidate's create carried the tag and its row was never read; or a request of its own
    // added it, and its row was read.
    for (came_along, policy) in
        [(true, "yield"), (true, "enforce"), (false, "yield"), (false, "enforce")]
    {
        let world = World::new(1, 60);
        let acme = world.connect();
        let bare = json!({"key": "ref-1", "name": {"first": "Ada", "last": "Byron"},
            "emails": [ADA], "policy": {"tags": policy}});
        let mut tagged = bare.clone();
        tagged["tags"] = json!(["vip"]);
        if !came_along {
            bring_about(&world, &acme, std::slice::from_ref(&bare));
            later(&world);
        }
        world.run(acme.declare(&desired(&tagged.to_string()))).unwrap();
        let (_, report) = world.run(acme.sync()).unwrap();
        assert!(report.is_complete() && report.not_in_step == 0, "{report:#?}");
        let ada = world.sandbox.candidates_by_email(ADA)[0].clone();
        let id = ada["id"].as_i64().unwrap();
        assert_eq!(tags_of(&world, id), 1);
        later(&world);
        world
            .sandbox
            .recruiter(&Recruiter::RemoveTag { candidate_id: id, tag: "vip".into() })
            .unwrap();
        // As in an ATS where a change of a tag moves the candidate's stamp.
        let touch = json!({"title": "Countess"}).as_object().unwrap().clone();
        world
            .sandbox
            .recruiter(&Recruiter::Set { collection: "candidates".into(), id, values: touch })
            .unwrap();
        later(&world);
        let plan = world.run(acme.plan(PlanOf::Dirty)).unwrap();
        let drifted = plan.records.iter().flat_map(|record| &record.findings).any(|finding| {
            finding.kind == FindingKind::Drifted && finding.reason == Reason::RemovedInAts
        });
        assert_eq!(
            (drifted, plan.is_empty()),
            (policy == "yield", policy == "yield"),
            "{came_along} {policy}: {}",
            words::plan(&plan)
        );
        world.run(acme.apply(&plan)).unwrap();
        assert_eq!(tags_of(&world, id), usize::from(policy == "enforce"), "{came_along} {policy}");
    }
}

#[test]
fn a_tag_that_the_candidates_create_carried_can_be_removed_by_the_engine() {
    let world = World::new(1, 60);
    let acme = world.connect();
    let record = |tags: Value| {
        json!({"key": "ref-1", "name": {"first": "Ada", "last": "Byron"},
        "emails": [ADA], "tags": tags})
    };
    world.run(acme.declare(&desired(&record(json!(["vip", "intro"])).to_string()))).unwrap();
    world.run(acme.sync()).unwrap();
    assert_eq!(world.written(), ["POST /v3/candidates"]);
    let id = world.sandbox.candidates_by_email(ADA)[0]["id"].as_i64().unwrap();
    bring_about(&world, &acme, &[record(json!(["intro"]))]);
    assert_eq!(tags_of(&world, id), 1);
    bring_about(&world, &acme, &[record(json!([]))]);
    assert_eq!(tags_of(&world, id), 0);
}

#[test]
fn two_keys_for_one_job_are_refused_in_any_spelling_and_never_share_an_application() {
    let world = World::new(1, 60);
    let acme = world.connect();
    let rows = world.sandbox.rows("jobs");
    let job = rows.iter().find(|job| json!(id_of(job)) == json!(world.open_jobs()[0])).unwrap();
    let two = |another: bool| {
        json!({"key": "ref-1", "name": {"first": "Ada", "last": "Byron"}, "emails": [ADA],
            "applications": [{"key": "a1", "job": by_id(&id_of(job))},
                {"key": "a2", "job": job["name"], "another": another}]})
    };
    let plan = plan_of(&world, &acme, &[two(false)]);
    let blocked: Vec<(&str, &str)> =
        plan.blocked().map(|finding| (finding.path.as_str(), finding.reason.as_str())).collect();
    assert_eq!(blocked, [("ref-1/applications/a2", "DuplicateDesired")], "{}", words::plan(&plan));
    // Intended: the ATS decides, and the second is never mistaken for the first.
    world.run(acme.declare(&desired(&two(true).to_string()))).unwrap();
    let (_, report) = world.run(acme.sync()).unwrap();
    let links = world.run(acme.links("ref-1")).unwrap();
    let remotes: Vec<&str> = links
        .iter()
        .filter(|link| link.path.contains("/applications/"))
        .map(|link| link.remote.id.as_str())
        .collect();
    let once: BTreeSet<&&str> = remotes.iter().collect();
    assert_eq!(once.len(), remotes.len(), "{links:#?}\n{report:#?}");
}

#[test]
fn a_tag_that_is_declared_again_is_added_again_although_an_old_read_still_shows_it() {
    let world = World::new(1, 60);
    let acme = world.connect();
    let record = |tags: Value| {
        json!({"key": "ref-1", "name": {"first": "Ada", "last": "Byron"},
        "emails": [ADA], "tags": tags})
    };
    for tags in [json!(["vip"]), json!([]), json!(["vip"]), json!([]), json!(["vip"])] {
        bring_about(&world, &acme, &[record(tags.clone())]);
        let id = world.sandbox.candidates_by_email(ADA)[0]["id"].as_i64().unwrap();
        assert_eq!(tags_of(&world, id), tags.as_array().unwrap().len(), "{tags}");
        world.sandbox.clear_logs();
        assert!(plan_of(&world, &acme, &[record(tags.clone())]).is_empty());
        assert!(world.reads().len() <= 4, "both observations agree: {:?}", world.reads());
        later(&world);
    }
}

/// The plan looks up a user who is named by id like one who is named by address.
#[test]
fn a_plan_blocks_a_record_that_names_an_unknown_user_by_id_or_address() {
    let world = World::new(1, 12);
    let acme = world.connect();
    let ada = |buddy: Value| {
        json!({"key": "ref-1", "name": {"first": "Ada", "last": "Byron"},
        "emails": [ADA], "custom_fields": {"buddy": buddy}})
    };
    let user = ids(&world, "users")[0].clone();
    for unknown in
        [json!("99999999"), json!({"id": "99999999"}), json!("Sam"), json!("nobody@example.com")]
    {
        let plan = plan_of(&world, &acme, &[ada(unknown.clone())]);
        let blocked: Vec<_> = plan.blocked().collect();
        assert_eq!(blocked.len(), 1, "{unknown}: {}", words::plan(&plan));
        assert_eq!(blocked[0].reason, Reason::UnknownReference, "{unknown}");
        assert!(
            blocked[0].message.contains("buddy") || blocked[0].message.contains("nobody@"),
            "{}",
            blocked[0].message
        );
    }
    bring_about(&world, &acme, &[ada(json!(user))]);
    later(&world);
    // A blank text clears, as null does.
    bring_about(&world, &acme, &[ada(json!(" "))]);
    later(&world);
    let rows = world.sandbox.rows("candidates");
    let is_ada = |row: &&Value| row["email_addresses"][0]["value"] == json!(ADA);
    assert_eq!(rows.iter().find(is_ada).unwrap()["custom_fields"]["buddy"]["value"], Value::Null);
}
