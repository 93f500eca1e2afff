//! The scenarios whose every step is a crash point: the records that exist before, and the records
//! that the host declares then.
//!
//! Together they use every write that a plan can contain, and all four effect classes (the
//! Greenhouse adapter has no `unsafe` operation, so one scenario declares its notes as such).

use atsync::PlanOf;
use atsync_greenhouse_sandbox::Recruiter;
use atsync_tests::{World, desired};
use serde_json::{Value, json};

/// One scenario.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Prepares the world for the scenario, without any fault.
    pub(crate) before: fn(&World),
    /// The host's declaration in the process that crashes.
    pub(crate) declared: fn(&World) -> Value,
    /// Writes to the ATS without a fault: fewer would prove nothing.
    pub(crate) writes: u64,
    /// The operation that this scenario declares as `unsafe`.
    pub(crate) harmful: Option<&'static str>,
}

const fn scenario(
    name: &'static str,
    before: fn(&World),
    declared: fn(&World) -> Value,
    writes: u64,
) -> Scenario {
    Scenario { name, before, declared, writes, harmful: None }
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    scenario("a new candidate with an application, tags and a note", nothing, referral, 2),
    scenario("a new candidate without an application", nothing, |_| candidate(json!({})), 1),
    scenario("an existing candidate is adopted and updated", recruiters_ada, adopted, 1),
    scenario("two candidates share a new tag", known_ada, shared_tag, 3),
    scenario(
        "a known candidate gets new tags",
        known_ada,
        |world| changed(world, json!({"tags": ["new tag", "other new tag"]})),
        4,
    ),
    scenario(
        "a known candidate gets notes",
        known_ada,
        |world| {
            changed(
                world,
                json!({"notes": [
        {"key": "n1", "body": "Met at the fair."},
        {"key": "n2", "body": "About the application.", "application": "a1",
            "visibility": "private"}]}),
            )
        },
        2,
    ),
    scenario("a known candidate applies to another job", known_ada, second_application, 1),
    scenario("a prospect in a pool", nothing, prospect, 1),
    scenario("a file is attached", known_ada, attachment, 1),
    scenario("a tag is removed", tagged_ada, |world| changed(world, json!({"tags": ["kept"]})), 1),
    scenario(
        "contacts and custom fields change",
        known_ada,
        |world| {
            changed(
                world,
                json!({
        "emails": ["ada@example.com", "ada.byron@example.org"], "company": "Babbage",
        "custom_fields": {"external_ref": "changed"}}),
            )
        },
        1,
    ),
    scenario("an application moves to another stage", known_ada, moved, 1),
    scenario("an application is rejected", known_ada, rejected, 1),
    scenario(
        "a new candidate with an application that is rejected in a later stage",
        nothing,
        new_and_rejected,
        2,
    ),
    scenario("a known candidate gets an application that is hired", known_ada, new_and_hired, 2),
    scenario(
        "a prospect becomes an application",
        prospective_ada,
        |world| {
            candidate(json!({"applications": [
        {"key": "a1", "job": {"id": jobs(world)[0]}}]}))
        },
        1,
    ),
    scenario("a value whose field, choice and user are declared with it", nothing, defined, 4),
    scenario(
        "a known candidate gets an education and employments",
        known_ada,
        |world| changed(world, background(&["Mill Works", "Difference Ltd"])),
        3,
    ),
    scenario(
        "an employment is removed and another one added",
        |world| bring_about(world, &changed(world, background(&["Mill Works"]))),
        |world| changed(world, background(&["Difference Ltd"])),
        2,
    ),
    Scenario {
        harmful: Some("notes.create"),
        ..scenario(
            "a note that must never be sent twice",
            known_ada,
            |world| changed(world, json!({"notes": [{"key": "n1", "body": "Met at the fair."}]})),
            1,
        )
    },
];

/// Ids of the open jobs.
pub(crate) fn jobs(world: &World) -> Vec<String> {
    let jobs = world.sandbox.rows("jobs");
    let open = jobs.iter().filter(|job| job["status"] == "open" && job["is_template"] != true);
    open.map(|job| job["id"].to_string()).collect()
}

fn candidate(more: Value) -> Value {
    let mut candidate = json!({"key": "ada", "name": {"first": "Ada", "last": "Byron"},
        "emails": ["ada@example.com"]});
    candidate.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    candidate
}

fn applicant(world: &World) -> Value {
    candidate(json!({
        "company": "Analytical", "custom_fields": {"external_ref": "ada"},
        "applications": [{"key": "a1", "job": {"id": jobs(world)[0]},
            "source": "Acme Referrals"}]}))
}

/// The known candidate with members of the record replaced.
fn changed(world: &World, members: Value) -> Value {
    let mut candidate = applicant(world);
    candidate.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    candidate
}

fn bring_about(world: &World, record: &Value) {
    let acme = world.connect();
    world.run(acme.declare(&desired(&record.to_string()))).unwrap();
    let (_, report) = world.run(acme.sync()).unwrap();
    assert!(report.is_complete(), "{report:#?}");
    assert!(world.run(acme.plan(PlanOf::All)).unwrap().is_empty());
}

fn nothing(world: &World) {
    world.run(world.connect().pull("candidates")).unwrap();
}

fn known_ada(world: &World) {
    bring_about(world, &applicant(world));
}

/// An education, and an employment with each of these companies.
fn background(companies: &[&str]) -> Value {
    let employments: Vec<Value> = companies
        .iter()
        .map(|company| json!({"company": company, "title": "Engineer", "started_on": "2018-07-01"}))
        .collect();
    json!({"employments": employments, "educations": [{"school": "ETH Zürich",
        "degree": "Master's", "discipline": "Mathematics", "started_on": "2016",
        "ended_on": "2018"}]})
}

fn tagged_ada(world: &World) {
    bring_about(world, &changed(world, json!({"tags": ["kept", "dropped"]})));
}

fn prospective_ada(world: &World) {
    bring_about(
        world,
        &candidate(json!({"applications": [
        {"key": "a1", "kind": "prospect", "job": {"id": jobs(world)[0]}}]})),
    );
}

/// A recruiter has created her: a candidate of the company is renamed, so that the engine knows
/// nothing of it.
fn recruiters_ada(world: &World) {
    let candidates = world.sandbox.rows("candidates");
    let plain = candidates.iter().find(|row| row["private"] != true && row["tags"] != json!(null));
    let id = plain.unwrap_or(&candidates[0])["id"].as_i64().unwrap();
    world
        .sandbox
        .recruiter(&Recruiter::EditEmail {
            candidate_id: id,
            from: None,
            to: "ada@example.com".into(),
        })
        .unwrap();
    nothing(world);
}

fn adopted(_: &World) -> Value {
    json!({"key": "ada", "emails": ["ada@example.com", "ada.byron@example.org"],
        "links": ["https://example.org/ada"],
           "custom_fields": {"external_ref": "adopted"}})
}

fn referral(world: &World) -> Value {
    changed(
        world,
        json!({"tags": ["new tag", "other new tag"], "notes": [{"key": "n1", "body": "Introduced \
            by Sam."}]}),
    )
}

fn shared_tag(world: &World) -> Value {
    let mut brother =
        candidate(json!({"key": "ben", "emails": ["ben@example.com"], "tags": ["family"]}));
    brother["name"]["first"] = json!("Ben");
    json!([brother, changed(world, json!({"tags": ["family"]}))])
}

fn second_application(world: &World) -> Value {
    let jobs = jobs(world);
    changed(
        world,
        json!({"applications": [
        {"key": "a1", "job": {"id": jobs[0]}, "source": "Acme Referrals"},
        {"key": "a2", "job": {"id": jobs[1]}, "custom_fields": {"external_ref": "a2"}}]}),
    )
}

fn defined(_: &World) -> Value {
    let mut record =
        candidate(json!({"custom_fields": {"channel": "Event", "mentor": "grace@example.com"}}));
    record["key"] = json!("zoe");
    json!([record,
        {"kind": "custom_fields", "key": "channel", "applies_to": "candidate", "type": "single",
            "name": "Channel?",
         "options": ["Event"]},
        {"kind": "custom_fields", "key": "mentor", "applies_to": "candidate", "type": "user",
            "name": "Mentor"},
        {"kind": "users", "email": "grace@example.com",
            "name": {"first": "Grace", "last": "Hopper"}}])
}

fn prospect(world: &World) -> Value {
    let pool = world.sandbox.rows("prospect_pools")[0]["id"].to_string();
    candidate(json!({"applications": [{"key": "p1", "kind": "prospect", "pool": {"id": pool}}]}))
}

fn attachment(world: &World) -> Value {
    let file = json!({"key": "cv", "filename": "cv.pdf", "type": "resume",
        "url": "https://example.com/cv.pdf"});
    let mut record = applicant(world);
    record["applications"][0]["attachments"] = json!([file]);
    record
}

fn moved(world: &World) -> Value {
    let job: i64 = jobs(world)[0].parse().unwrap();
    let stages = world.sandbox.rows_where("job_interview_stages", "job_id", job);
    let second = stages.get(1).unwrap_or_else(|| panic!("the job has no second stage: {stages:?}"));
    let mut record = applicant(world);
    record["applications"][0]["stage"] = json!({"id": second["id"].to_string()});
    record
}

fn new_and_rejected(world: &World) -> Value {
    let mut record = moved(world);
    let ended = rejected(world);
    for member in ["outcome", "reject_reason"] {
        record["applications"][0][member] = ended["applications"][0][member].clone();
    }
    record
}

fn new_and_hired(world: &World) -> Value {
    let mut record = second_application(world);
    let application = record["applications"].as_array_mut().unwrap().last_mut().unwrap();
    let job = application["job"]["id"].as_str().unwrap().parse().unwrap();
    let openings = world.sandbox.rows_where("openings", "job_id", job);
    let open = openings.iter().rfind(|opening| opening["open"] == true).unwrap();
    application["outcome"] = json!("hired");
    application["opening"] = json!({"id": open["id"].to_string()});
    record
}

fn rejected(world: &World) -> Value {
    let reason = world.sandbox.rows("rejection_reasons")[0]["id"].to_string();
    let mut record = applicant(world);
    record["applications"][0]["outcome"] = json!("rejected");
    record["applications"][0]["reject_reason"] = json!({"id": reason});
    record
}
