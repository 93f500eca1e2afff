//! Reads, step by step: answers of the reference's shapes in, records out.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use atsync_adapter::PureAdapter;
use atsync_adapter::contract::*;
use atsync_ashby::Ashby;
use serde_json::{Value, json};

fn given() -> Given {
    Given { now_ms: 0, settings: "{}".into(), tenant: None, mark: None, grant: None }
}

fn ask(task: Task) -> (String, Vec<u8>) {
    let Ok(Step::Send(send)) = Ashby::start(task, &given()) else { panic!("no request") };
    let (Target::Path(path), Body::Json(body)) = (send.request.target, send.request.body) else {
        panic!("no path or body")
    };
    (format!("{} {body}", path.path), send.state)
}

fn answer(state: Vec<u8>, status: u16, body: &Value) -> Result<Outcome, Failure> {
    let headers = vec![Field::new("content-type", "application/json")];
    let response = Response { status, headers, body: body.to_string().into_bytes() };
    match Ashby::resume(state, &given(), Reply::Response(response))? {
        Step::Done(outcome) => Ok(outcome),
        step => panic!("{step:?}"),
    }
}

fn scan(kind: &str, since: Since, cursor: Option<Vec<u8>>) -> Task {
    let parent = match kind {
        "notes" => Some(RemoteRef::new("candidates", "c1")),
        "stages" => Some(RemoteRef::new("jobs", "j1")),
        _ => None,
    };
    Task::Scan(Scan { kind: kind.into(), parent, since, cursor, page_size: 100 })
}

fn page(kind: &str, body: &Value) -> Page {
    let (_, state) = ask(scan(kind, Since::Everything, None));
    match answer(state, 200, body) {
        Ok(Outcome::Page(page)) => page,
        other => panic!("{other:?}"),
    }
}

fn body(page: &Page, kind: &str) -> Value {
    let item = page.items.iter().find(|item| item.kind == kind).unwrap();
    serde_json::from_str(&item.body).unwrap()
}

fn rows(row: Value) -> Value {
    json!({"success": true, "results": [row], "moreDataAvailable": false, "syncToken": "t9"})
}

fn application(more: Value) -> Value {
    let mut row = json!({
        "id": "a1", "createdAt": "2026-05-11T13:53:44.123Z",
        "updatedAt": "2026-05-12T13:53:44.123Z",
        "status": "Active", "candidate": {"id": "c1", "name": "Ada Lovelace"},
        "job": {"id": "j1", "title": "Baker"},
        "currentInterviewStage": {"id": "s1", "title": "Screen", "type": "Active",
            "interviewPlanId": "p1", "orderInInterviewPlan": 2},
        "hiringTeam": [{"userId": "u1", "email": "r@example.com", "firstName": "Rita",
            "lastName": "Roe", "role": "Recruiter"}],
    });
    row.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    row
}

#[test]
fn a_pass_follows_cursors_and_ends_with_the_token_of_the_next() {
    let (line, state) = ask(scan("candidates", Since::Everything, None));
    assert_eq!(line, r#"/candidate.list {"limit":100}"#);
    let more = json!({"success": true, "results": [], "moreDataAvailable": true,
        "nextCursor": "c2"});
    let Ok(Outcome::Page(page)) = answer(state, 200, &more) else { panic!() };
    assert!(!page.complete && page.checkpoint.is_none());
    let since = || Since::Token(b"99vGA7xrP".to_vec());
    let (line, state) = ask(scan("candidates", since(), page.next));
    assert_eq!(line, r#"/candidate.list {"cursor":"c2","limit":100,"syncToken":"99vGA7xrP"}"#);
    let last = json!({"success": true, "results": [], "moreDataAvailable": false,
        "syncToken": "t2"});
    let Ok(Outcome::Page(page)) = answer(state, 200, &last) else { panic!() };
    assert_eq!((page.complete, page.checkpoint), (true, Some(b"t2".to_vec())));
    let (line, _) = ask(scan("jobs", Since::Everything, None));
    assert!(line.contains(r#""status":["Draft","Open","Closed","Archived"]"#), "{line}");
}

fn refused(code: &str) -> Value {
    json!({"success": false, "errors": [code],
        "errorInfo": {"code": code, "message": "no", "requestId": "01"}})
}

#[test]
fn a_refusal_in_a_200_is_one_and_stale_tokens_and_cursors_start_again() {
    let end = |status: u16, body: &Value| {
        answer(ask(scan("candidates", Since::Token(vec![b't']), None)).1, status, body)
    };
    for code in ["sync_token_expired", "sync_token_invalid", "incremental_sync_too_large"] {
        for status in [200, 400] {
            let end = end(status, &refused(code));
            assert_eq!(end, Err(Failure::Restart(Restart::Everything)), "{code}");
        }
    }
    for code in ["next_cursor_expired", "cursor_invalid", "invalid_next_cursor"] {
        assert_eq!(end(200, &refused(code)), Err(Failure::Restart(Restart::Pass)), "{code}");
    }
    // Deprecated forms without `errorInfo`, a text or an object.
    for errors in [json!(["sync_token_expired"]), json!([{"code": "sync_token_expired"}])] {
        let body = json!({"success": false, "errors": errors});
        assert_eq!(end(200, &body), Err(Failure::Restart(Restart::Everything)));
    }
    // An unknown code stays as text.
    let Err(Failure::Invalid(fields)) = end(200, &refused("odd_thing")) else { panic!() };
    assert_eq!(fields[0].message, "odd_thing: no");
}

#[test]
fn a_missing_right_is_told_from_a_bad_key_and_from_a_firewall() {
    let end = |status: u16, body: &Value| {
        answer(ask(scan("jobs", Since::Everything, None)).1, status, body)
    };
    for status in [200, 403] {
        let Err(Failure::Denied(denied)) = end(status, &refused("missing_endpoint_permission"))
        else {
            panic!("{status}")
        };
        assert_eq!(denied.permission, "jobsRead", "{status}");
    }
    assert!(matches!(end(403, &refused("api_key_deactivated")), Err(Failure::Auth(_))));
    assert!(matches!(end(403, &json!({"success": false})), Err(Failure::Auth(_))));
    assert!(matches!(end(401, &json!({})), Err(Failure::Auth(_))));
    assert!(matches!(end(403, &json!("<html>")), Err(Failure::Denied(_))));
    assert_eq!(end(429, &json!({})), Err(Failure::Throttled(None)));
}

#[test]
fn a_person_has_one_name_and_what_is_left_out_is_empty() {
    let row = json!({
        "id": "c1", "createdAt": "2026-05-11T13:53:44.123Z",
        "updatedAt": "2026-05-12T13:53:44.123Z",
        "name": "Ada Lovelace",
        "emailAddresses": [{"value": "b@example.com", "type": "Work", "isPrimary": false},
            {"value": "a@example.com", "type": "Personal", "isPrimary": true}],
        "phoneNumbers": [], "socialLinks": [{"type": "GitHub", "url": "https://github.com/ada"}],
        "tags": [{"id": "t1", "title": "Keen", "isArchived": false}],
        "applicationIds": ["a1"], "resumeFileHandle": {"id": "f1", "name": "cv.pdf", "handle": "h"},
        "fileHandles": [],
    });
    let page = page("candidates", &rows(row));
    assert_eq!(page.checkpoint.as_deref(), Some(&b"t9"[..]));
    let person = body(&page, "candidates");
    assert_eq!(person["name"], json!({"full": "Ada Lovelace"}));
    assert_eq!(person["emails"][0]["value"], "a@example.com");
    assert_eq!(person["emails"][1]["type"], json!({"value": "work", "source": "Work"}));
    let mask = &page.masks[page.items.iter().find(|item| item.id == "c1").unwrap().mask as usize];
    assert!(mask.contains(&"company".to_owned()) && person["company"].is_null());
    assert!(!mask.contains(&"custom_fields".to_owned()), "they are unknown");
    let tag = page.items.iter().find(|item| item.kind == "applied_tags").unwrap();
    assert_eq!(tag.id, "c1/t1");
    assert_eq!(body(&page, "attachments")["type"]["value"], "resume");
}

#[test]
fn the_outcome_is_that_of_the_status_and_of_the_reason() {
    let of = |status: &str, reason: Value| {
        let more = json!({"status": status, "archiveReason": reason,
            "archivedAt": "2026-05-13T13:53:44.123Z"});
        page("applications", &rows(application(more)))
    };
    let reason = |kind: &str| json!({"id": "r1", "text": "Why", "reasonType": kind});
    for (status, reason, wanted) in [
        ("Lead", Value::Null, "active"),
        ("Active", reason("RejectedByOrg"), "active"),
        ("Hired", Value::Null, "hired"),
        ("Archived", reason("RejectedByOrg"), "rejected"),
        ("Archived", reason("RejectedByCandidate"), "withdrawn"),
        ("Archived", reason("Other"), "closed"),
        ("Archived", Value::Null, "closed"),
        ("Novel", Value::Null, "other"),
    ] {
        let page = of(status, reason);
        let application = body(&page, "applications");
        assert_eq!(application["outcome"], json!({"value": wanted, "source": status}));
        let is_archived = status == "Archived";
        assert_eq!(application["rejected_at"].is_string(), is_archived, "{status}");
        assert_eq!(page.items.iter().any(|item| item.kind == "rejections"), is_archived);
    }
    let application = body(&page("applications", &rows(application(json!({})))), "applications");
    assert_eq!(application["stage"], json!({"id": "j1/s1", "name": "Screen"}));
    assert_eq!(application["recruiter"], json!({"id": "u1", "name": "Rita Roe"}));
    assert_eq!(application["candidate"], json!({"id": "c1", "name": "Ada Lovelace"}));
}

#[test]
fn stages_belong_to_a_job_and_notes_to_a_candidate() {
    let (line, state) = ask(scan("stages", Since::Everything, None));
    assert_eq!(line, r#"/jobInterviewPlan.info {"jobId":"j1"}"#);
    let plan = json!({"success": true, "results": {"jobId": "j1", "interviewPlanId": "p1",
        "stages": [{"id": "s1", "title": "Screen", "type": "Active", "orderInInterviewPlan": 2,
            "activities": []}]}});
    let Ok(Outcome::Page(page)) = answer(state, 200, &plan) else { panic!() };
    assert_eq!(page.items[0].id, "j1/s1");
    assert_eq!(body(&page, "stages")["parent"], json!({"id": "j1"}));
    let note = json!({"id": "n1", "createdAt": "2026-05-11T13:53:44.123Z", "isPrivate": true,
        "content": "Called", "author": {"id": "u1", "firstName": "Rita", "lastName": "Roe"}});
    let note = body(&self::page("notes", &rows(note)), "notes");
    assert_eq!(note["visibility"], json!({"value": "private"}));
    assert_eq!(note["candidate"], json!({"id": "c1"}));
    assert_eq!(note["author"], json!({"id": "u1", "name": "Rita Roe"}));
}

#[test]
fn lists_without_paging_are_read_with_and_without_its_members() {
    let source = json!({"id": "x1", "title": "Fair", "isArchived": true,
        "sourceType": {"id": "y", "title": "Events", "isArchived": false}});
    for page in [
        json!({"success": true, "results": [source.clone()]}),
        json!({"success": true, "results": [source], "moreDataAvailable": false}),
    ] {
        let page = self::page("sources", &page);
        assert!(page.complete && page.checkpoint.is_none());
        let source = body(&page, "sources");
        assert_eq!((&source["name"], &source["active"]), (&json!("Fair"), &json!(false)));
        assert_eq!(source["type"]["source"], "Events");
    }
    // The answer of openings may have paging members, or none.
    let opening = json!({"id": "o1", "isArchived": false, "openingState": "Filled",
        "latestVersion": {"identifier": "REQ-1", "jobIds": ["j1"], "targetStartDate":
            "2026-09-01T00:00:00.000Z", "customFields": []}});
    for mut page in [rows(opening.clone()), json!({"success": true, "results": [opening]})] {
        let read = self::page("openings", &page);
        assert!(read.complete);
        let opening = body(&read, "openings");
        assert_eq!(opening["state"], json!({"value": "closed", "source": "Filled"}));
        assert_eq!(
            (&opening["job"]["id"], &opening["target_start_on"]),
            (&json!("j1"), &json!("2026-09-01"))
        );
        page["moreDataAvailable"] = json!(true);
        page["nextCursor"] = json!("c");
        assert!(self::page("openings", &page).next.is_some());
    }
}

#[test]
fn custom_values_are_read_by_their_form() {
    let of = |value: Value, label: Value| {
        let more = json!({"customFields": [{"id": "f1", "title": "F", "isPrivate": false,
            "value": value, "valueLabel": label}]});
        let page = page("applications", &rows(application(more)));
        let held = body(&page, "applications")["custom_fields"]["f1"].clone();
        (held["type"].as_str().unwrap().to_owned(), held["value"].clone())
    };
    let none = Value::Null;
    for (value, label, kind, wanted) in [
        (json!(true), none.clone(), "boolean", json!(true)),
        (json!(7.5), none.clone(), "number", json!(7.5)),
        (json!("x"), none.clone(), "text", json!("x")),
        (json!("2026-05-11"), none.clone(), "date", json!("2026-05-11")),
        (json!("v"), json!("V"), "single", json!({"id": "f1/v", "label": "V"})),
        (json!(["v"]), json!(["V"]), "multi", json!([{"id": "f1/v", "label": "V"}])),
        (
            json!({"value": 9, "currencyCode": "EUR"}),
            none.clone(),
            "money",
            json!({"amount": 9, "currency": "EUR"}),
        ),
        (
            json!({"type": "number-range", "minValue": 1, "maxValue": 2}),
            none.clone(),
            "range",
            json!({"min": 1, "max": 2}),
        ),
        (
            json!({"type": "c", "minValue": 1, "maxValue": 2, "currencyCode": "EUR"}),
            none.clone(),
            "money_range",
            json!({"min": 1, "max": 2, "currency": "EUR"}),
        ),
    ] {
        assert_eq!(of(value, label), (kind.to_owned(), wanted));
    }
}

#[test]
fn a_candidate_who_was_merged_or_deleted_is_missing_to_a_fetch() {
    let (line, state) =
        ask(Task::Fetch(Fetch { kind: "candidates".into(), ids: vec!["c1".into()] }));
    assert_eq!(line, r#"/candidate.info {"id": "c1"}"#);
    let end = answer(state, 200, &refused("candidate_not_found"));
    let Ok(Outcome::Fetched(fetched)) = end else { panic!("{end:?}") };
    assert_eq!(fetched.missing, ["c1"]);
}

#[test]
fn rights_are_looked_up_in_both_forms_of_their_names() {
    let check = |right: &str, scopes: Value| {
        let (line, state) = ask(Task::Check(right.into()));
        assert_eq!(line, "/apiKey.info {}");
        let body = json!({"success": true, "results": {"title": "K",
            "createdAt": "2026-05-11T13:53:44.123Z", "scopes": scopes}});
        match answer(state, 200, &body) {
            Ok(Outcome::Checked(checked)) => checked.verdict,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(check("jobsRead", json!(["jobs:read"])), Verdict::Granted);
    assert_eq!(check("jobsRead", json!(["jobsRead"])), Verdict::Granted);
    assert_eq!(check("jobsRead", json!(["jobs:write"])), Verdict::Missing);
    let (_, state) = ask(Task::Check("jobsRead".into()));
    let end = answer(state, 403, &refused("missing_endpoint_permission"));
    let Ok(Outcome::Checked(checked)) = end else { panic!("{end:?}") };
    assert_eq!(checked.verdict, Verdict::Unknown);
}

#[test]
fn a_merge_names_the_survivor() {
    let body = json!({"action": "candidateMerge", "data": {"deletedCandidate": {"id": "c2"},
        "mergedCandidate": {"id": "c1"}}});
    let headers = vec![Field::new("ashby-signature", "sha256=00ff")];
    let hook = Hook { headers, body: body.to_string().into_bytes() };
    let Ok(Step::Verify(verify)) = Ashby::start(Task::Hook(hook), &given()) else { panic!() };
    assert_eq!(verify.message, body.to_string().into_bytes());
    let end = Ashby::resume(verify.state, &given(), Reply::Verified(true));
    let Ok(Step::Done(Outcome::Hooked(hooked))) = end else { panic!("{end:?}") };
    let of = |id: &str| RemoteRef::new("candidates", id);
    assert_eq!(hooked.hints, [Hint::Merged((of("c2"), of("c1"))), Hint::Changed(of("c1"))]);
}
