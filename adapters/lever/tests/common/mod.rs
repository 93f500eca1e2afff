//! Tasks, and answers of the shapes that the reference documents.

#![allow(dead_code, unreachable_pub, reason = "shared between test binaries")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::result_large_err,
    reason = "helpers of tests fail like tests"
)]

use atsync_adapter::PureAdapter;
use atsync_adapter::contract::*;
use atsync_lever::Lever;
use serde_json::{Value, json};

pub const MARK_MS: u64 = 1_789_999_999_123;
pub const AT_MS: u64 = 1_491_435_120_000;

pub fn given() -> Given {
    Given {
        now_ms: 1_790_000_000_000,
        settings: json!({"perform_as": "user-1"}).to_string(),
        tenant: Some(json!({"hired": "reason-hired"}).to_string()),
        mark: Some(Mark { text: "mark".into(), time_ms: MARK_MS }),
        grant: None,
    }
}

/// Runs a task with these answers, and returns the requests and the result.
pub fn run(
    given: &Given,
    task: Task,
    answers: &[(u16, Value)],
) -> (Vec<Send>, Result<Outcome, Failure>) {
    walk(Lever::start(task, given), |state, reply| Lever::resume(state, given, reply), answers)
}

pub fn walk(
    first: Result<Step, Failure>,
    resume: impl Fn(Vec<u8>, Reply) -> Result<Step, Failure>,
    answers: &[(u16, Value)],
) -> (Vec<Send>, Result<Outcome, Failure>) {
    let (mut answers, mut sent, mut step) = (answers.iter(), Vec::new(), first);
    loop {
        match step {
            Err(failure) => return (sent, Err(failure)),
            Ok(Step::Done(outcome)) => return (sent, Ok(outcome)),
            Ok(Step::Send(send)) => {
                let (status, body) = answers.next().expect("a further answer");
                let state = send.state.clone();
                sent.push(send);
                let body = body.to_string().into_bytes();
                let response = Response { status: *status, headers: Vec::new(), body };
                step = resume(state, Reply::Response(response));
            }
            Ok(step) => panic!("no such step is expected: {step:?}"),
        }
    }
}

pub fn scan(kind: &str) -> Scan {
    Scan { kind: kind.into(), parent: None, since: Since::Everything, cursor: None, page_size: 100 }
}

pub fn operation(name: &str, target: Option<(&str, &str)>, input: Value) -> Operation {
    let target = target.map(|(kind, id)| RemoteRef::new(kind, id));
    Operation { name: name.into(), target, input: input.to_string() }
}

pub fn write(name: &str, target: Option<(&str, &str)>, input: Value) -> Task {
    Task::Write(Write { operation: operation(name, target, input), observed: None })
}

pub fn probe(name: &str, target: Option<(&str, &str)>, input: Value) -> Task {
    Task::Probe(Probe { operation: operation(name, target, input), first_sent_ms: Some(1) })
}

pub fn opportunity() -> Value {
    json!({
        "id": "opp-1", "name": "Dana Example", "headline": "", "location": "Berlin",
        "contact": {
            "id": "contact-1", "name": "Dana Example", "headline": "Engineer",
            "isAnonymized": false, "location": {"name": "Berlin"},
            "emails": ["dana@example.com", ""],
            "phones": [{"type": "mobile", "value": "+49 30 1234"}, {"type": "fax", "value": "1"}]
        },
        "emails": ["dana@example.com"], "links": [], "stage": "applicant-new", "archived": null,
        "tags": ["Engineering"], "sources": ["Referral"], "origin": "referred", "owner": "user-2",
        "applications": [
            {"id": "app-1", "posting": "posting-1", "customQuestions": [{"text": "Q"}]}
        ],
        "stageChanges": [
            {"toStageId": "applicant-new", "toStageIndex": 3, "updatedAt": AT_MS, "userId": null}
        ],
        "opportunityLocation": "Berlin",
        "createdAt": AT_MS, "updatedAt": AT_MS, "lastInteractionAt": AT_MS + 1
    })
}

pub fn archived(reason: &str) -> Value {
    let mut row = opportunity();
    row["id"] = json!(format!("opp-{reason}"));
    row["archived"] = json!({"reason": reason, "archivedAt": AT_MS + 5});
    row["applications"] = json!([]);
    row
}

pub fn posting() -> Value {
    json!({
        "id": "posting-1", "text": "Baker", "state": "published",
        "confidentiality": "non-confidential", "reqCode": "REQ-1",
        "categories": {"department": "Kitchen", "location": "Berlin", "allLocations": ["Berlin"]},
        "content": {"descriptionHtml": "<p>Bread</p>"}, "urls": {"show": "https://jobs.example/1"},
        "createdAt": AT_MS, "updatedAt": AT_MS
    })
}

pub fn requisition() -> Value {
    json!({
        "id": "req-1", "name": "Baker", "requisitionCode": "REQ-1", "status": "onHold",
        "postings": ["posting-1"], "createdAt": AT_MS, "updatedAt": AT_MS, "closedAt": null
    })
}

pub fn user() -> Value {
    json!({
        "id": "user-1", "name": "Uma", "email": "uma@example.com", "accessRole": "super admin",
        "createdAt": AT_MS, "deactivatedAt": null, "externalDirectoryId": "e-1", "jobTitle": "Lead"
    })
}

pub fn note() -> Value {
    json!({
        "id": "note-1", "text": "Note", "user": "user-1", "secret": false, "createdAt": AT_MS,
        "fields": [{"type": "note", "text": "Comment", "value": "Hello", "score": null}],
        "completedAt": null, "deletedAt": null
    })
}

/// A kind, the parent that it is listed under, and rows.
pub type Rows = (&'static str, Option<RemoteRef>, Vec<Value>);

pub fn rows() -> Vec<Rows> {
    let under = || Some(RemoteRef::new("applications", "opp-1"));
    let mut gone = note();
    (gone["id"], gone["deletedAt"]) = (json!("note-2"), json!(AT_MS));
    let deactivated = {
        let mut user = user();
        (user["id"], user["deactivatedAt"]) = (json!("user-2"), json!(AT_MS));
        user
    };
    let internal = {
        let mut posting = posting();
        (posting["id"], posting["state"]) = (json!("posting-2"), json!("internal"));
        posting["confidentiality"] = json!("confidential");
        posting
    };
    let reason = json!({"id": "r1", "text": "Late", "status": "inactive", "type": "non-hired"});
    let resume = json!({"id": "cv-1", "createdAt": AT_MS, "file": {"name": "cv.pdf"}});
    vec![
        ("applications", None, vec![opportunity(), archived("r1"), archived("reason-hired")]),
        ("jobs", None, vec![posting(), internal]),
        ("openings", None, vec![requisition()]),
        ("stages", None, vec![json!({"id": "lead-new", "text": "New lead"})]),
        ("reject_reasons", None, vec![reason]),
        ("sources", None, vec![json!({"text": "Fair", "count": 3})]),
        ("tags", None, vec![json!({"text": "Remote", "count": 1})]),
        ("users", None, vec![user(), deactivated]),
        ("notes", under(), vec![note(), gone]),
        ("attachments", under(), vec![resume]),
        ("raw_feedback", under(), vec![raw(json!({"user": "user-1", "interview": "int-1"}))]),
        ("raw_interviews", under(), vec![raw(json!({"panel": "panel-1", "stage": "s1"}))]),
        ("raw_panels", under(), vec![raw(json!({"user": "user-1", "stage": "s1"}))]),
        ("raw_offers", under(), vec![raw(json!({"posting": "posting-1", "creator": "user-1"}))]),
        (
            "raw_referrals",
            under(),
            vec![raw(json!({"user": "user-1", "referrer": "user-2", "stage": "s1"}))],
        ),
        ("raw_forms", under(), vec![raw(json!({"user": "user-1"}))]),
        ("raw_files", under(), vec![raw(json!({"name": "cv.pdf", "size": 1.50}))]),
        (
            "raw_requisitions",
            None,
            vec![raw(json!({
                "owner": "user-1", "hiringManager": "user-2",
                "postings": ["posting-1", "posting-2"], "offerIds": [],
                "customFields": {"x": [1, {"y": null}]}
            }))],
        ),
        ("raw_requisition_fields", None, vec![raw(json!({"type": "number", "isRequired": true}))]),
    ]
}

/// A row of a raw kind with these members.
fn raw(members: Value) -> Value {
    let mut row = json!({"id": "raw-1", "createdAt": AT_MS, "updatedAt": AT_MS + 7});
    row.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    row
}

/// Inputs of `candidates.create`.
pub fn inputs() -> Vec<Value> {
    vec![
        json!({
            "name": {"first": "Dana", "last": "Example"},
            "emails": [{"value": "dana@example.com", "type": "personal"}],
            "phones": [
                {"value": "+49 30 1234", "type": "company"}, {"value": "2", "type": "personal"}
            ],
            "application": {"kind": "application", "job": "posting-1", "stage": "applicant-new"}
        }),
        json!({
            "name": {"last": "Example"}, "emails": [{"value": "DANA@example.com"}],
            "links": [{"value": "https://dana.example", "type": "portfolio"}],
            "tags": ["Baker"], "application": {"kind": "prospect", "source": "Fair"}
        }),
        json!({"name": {"last": "Example"}, "emails": [{"value": "dana@example.com"}]}),
    ]
}
