//! Scans and fetches.

use super::support::*;
use atsync_adapter::contract::*;
use atsync_adapter::model::unified::{Application, Candidate, Job};
use serde_json::{Value, json};

#[test]
fn one_page_gives_applications_candidates_rejections_and_stages() {
    let rows = json!({"data": [opportunity()], "hasNext": true, "next": "%5B3%2C%22opp-1%22%5D"});
    let (sent, outcome) = lever().run(Task::Scan(scan("applications")), &[(200, rows.clone())]);
    assert_eq!(
        path(&sent[0]),
        ("GET /opportunities".into(), "expand=applications&expand=contact&limit=100".into())
    );
    let (page, problems) = page(outcome.unwrap());
    assert_eq!(problems, []);
    assert!(!page.complete);
    let kinds: Vec<&str> = page.items.iter().map(|item| item.kind.as_str()).collect();
    assert_eq!(kinds, ["applications", "application_stages", "candidates"]);
    let application = record(&page.items[0]);
    assert_eq!(
        application,
        json!({
            "candidate": {"id": "contact-1", "name": "Dana Example"},
            "created_at": "2017-04-05T23:32:00.000Z",
            "job": {"id": "posting-1"}, "kind": "application",
            "last_activity_at": "2017-04-05T23:32:00.001Z",
            "outcome": {"value": "active"}, "posting": {"id": "posting-1"},
            "source": {"id": "Referral", "name": "Referral"}, "stage": {"id": "applicant-new"}
        })
    );
    let mask = &page.masks[page.items[0].mask as usize];
    assert!(mask.contains(&"updated_at".to_owned()), "null is known to be empty");
    assert!(!mask.contains(&"location".to_owned()), "absent is unknown");
    serde_json::from_str::<Application<'static>>(&page.items[0].body).unwrap();
    let candidate = record(&page.items[2]);
    assert_eq!(
        candidate,
        json!({
            "emails": [{"value": "dana@example.com"}], "headline": "Engineer",
            "name": {"full": "Dana Example"},
            "phones": [{"value": "+49 30 1234", "type": {"value": "mobile", "source": "mobile"}}],
            "privacy": {"anonymized": false}
        })
    );
    serde_json::from_str::<Candidate<'static>>(&page.items[2].body).unwrap();
    // The raw record is the row, where it lies in the answer.
    let span = page.items[0].raw.clone().unwrap();
    let text = rows.to_string();
    let raw: Value = serde_json::from_str(
        &text[span.offset as usize..span.offset as usize + span.length as usize],
    )
    .unwrap();
    assert_eq!(raw, opportunity());
}

#[test]
fn the_walk_repeats_the_query_with_the_token_decoded_once_and_ends_with_the_last_page() {
    let lever = lever();
    let rows = json!({"data": [], "hasNext": true, "next": "%5B3%2C%22opp-1%22%5D"});
    let (_, outcome) = lever.run(Task::Scan(scan("jobs")), &[(200, rows)]);
    let (first, _) = page(outcome.unwrap());
    let task = Scan { cursor: first.next.clone(), ..scan("jobs") };
    let last = json!({"data": [], "hasNext": false});
    let (sent, outcome) = lever.run(Task::Scan(task.clone()), &[(200, last)]);
    assert_eq!(path(&sent[0]).1, "limit=100&offset=[3,\"opp-1\"]");
    assert!(page(outcome.unwrap()).0.complete);
    // The same token again is no next page.
    let circle = json!({"data": [], "hasNext": true, "next": "%5B3%2C%22opp-1%22%5D"});
    let (_, outcome) = lever.run(Task::Scan(task), &[(200, circle)]);
    assert!(matches!(outcome, Err(Failure::Protocol(_))));
    // Another page without a token would end the pass early.
    let cut = json!({"data": [], "hasNext": true});
    let (_, outcome) = lever.run(Task::Scan(scan("jobs")), &[(200, cut)]);
    assert!(matches!(outcome, Err(Failure::Protocol(_))));
}

#[test]
fn a_window_is_written_in_milliseconds() {
    let window = Window { from: "2017-04-05T23:32:00Z".into(), to: "2017-04-05T23:33:00Z".into() };
    let task = Scan { since: Since::Window(window), page_size: 7, ..scan("jobs") };
    let (sent, _) = lever().run(Task::Scan(task), &[(200, json!({"data": [], "hasNext": false}))]);
    assert_eq!(
        path(&sent[0]).1,
        "limit=7&updated_at_start=1491435120000&updated_at_end=1491435180000"
    );
}

#[test]
fn an_archived_opportunity_is_hired_or_rejected_by_its_reason() {
    for (reason, outcome, rejections) in [("reason-hired", "hired", 0), ("reason-2", "rejected", 1)]
    {
        let mut row = opportunity();
        row["archived"] = json!({"reason": reason, "archivedAt": 1_491_435_120_000_u64});
        row["applications"] = json!([]);
        let answer = json!({"data": [row], "hasNext": false});
        let (_, result) = lever().run(Task::Scan(scan("applications")), &[(200, answer)]);
        let (page, problems) = page(result.unwrap());
        assert_eq!(problems, []);
        let application = record(&page.items[0]);
        assert_eq!(application["outcome"], json!({"value": outcome, "source": reason}));
        assert_eq!(application["kind"], "prospect");
        assert_eq!(application.get("reject_reason").is_some(), outcome == "rejected");
        let count = page.items.iter().filter(|item| item.kind == "rejections").count();
        assert_eq!(count, rejections);
    }
}

#[test]
fn jobs_come_with_their_postings() {
    let row = json!({
        "id": "posting-1", "text": "Baker", "state": "published", "confidentiality": "non-confidential",
        "categories": {"department": "Kitchen", "location": null}, "reqCode": null,
        "content": {"descriptionHtml": "<p>Bread</p>"}, "urls": {"show": "https://jobs.lever.co/x/1"},
        "createdAt": 1_491_435_120_000_u64, "updatedAt": 1_491_435_120_000_u64
    });
    let answer = json!({"data": [row], "hasNext": false});
    let (_, outcome) = lever().run(Task::Scan(scan("jobs")), &[(200, answer)]);
    let (page, _) = page(outcome.unwrap());
    let job = record(&page.items[0]);
    assert_eq!(job["state"], json!({"value": "open", "source": "published"}));
    assert_eq!(job["departments"], json!([{"name": "Kitchen"}]));
    assert_eq!(page.items[0].version.as_deref(), Some("1491435120000"));
    assert_eq!(page.items[1].kind, "postings");
    assert_eq!(record(&page.items[1])["live"], true);
    serde_json::from_str::<Job<'static>>(&page.items[0].body).unwrap();
}

#[test]
fn a_record_is_fetched_by_its_id_and_a_missing_one_is_reported() {
    let lever = lever();
    let fetch =
        |kind: &str, id: &str| Task::Fetch(Fetch { kind: kind.into(), ids: vec![id.into()] });
    let contact = opportunity()["contact"].clone();
    let (sent, outcome) =
        lever.run(fetch("candidates", "contact-1"), &[(200, json!({"data": contact}))]);
    assert_eq!(path(&sent[0]).0, "GET /contacts/contact-1");
    let Outcome::Fetched(fetched) = outcome.unwrap() else { panic!() };
    assert_eq!((fetched.items[0].id.as_str(), fetched.missing), ("contact-1", vec![]));
    let gone = json!({"code": "ResourceNotFound", "message": "not found"});
    let (_, outcome) = lever.run(fetch("jobs", "a/b"), &[(404, gone)]);
    let Outcome::Fetched(fetched) = outcome.unwrap() else { panic!() };
    assert_eq!(fetched.missing, ["a/b"]);
    let note = json!({"data": {"id": "n1", "fields": [{"value": "Hello"}], "user": "u", "secret": true,
        "deletedAt": null, "createdAt": 1_491_435_120_000_u64}});
    let (sent, outcome) = lever.run(fetch("notes", "opp-1/n1"), &[(200, note)]);
    assert_eq!(path(&sent[0]).0, "GET /opportunities/opp-1/notes/n1");
    let Outcome::Fetched(fetched) = outcome.unwrap() else { panic!() };
    assert_eq!(fetched.items[0].id, "opp-1/n1");
    assert_eq!(record(&fetched.items[0])["body"], "Hello");
}

#[test]
fn a_bad_row_costs_itself_and_a_bad_member_costs_its_field() {
    let good = opportunity();
    let mut odd = opportunity();
    odd["id"] = json!("opp-2");
    odd["createdAt"] = json!("yesterday");
    let mut nameless = opportunity();
    nameless["id"] = json!({"no": "id"});
    let answer = json!({"data": [7, good, odd, nameless, null], "hasNext": false});
    let (_, outcome) = lever().run(Task::Scan(scan("applications")), &[(200, answer)]);
    let (page, problems) = page(outcome.unwrap());
    let ids: Vec<&str> = page
        .items
        .iter()
        .filter(|item| item.kind == "applications")
        .map(|item| item.id.as_str())
        .collect();
    assert_eq!(ids, ["opp-1", "opp-2"]);
    let of = problems.iter().find(|problem| problem.id.as_deref() == Some("opp-2")).unwrap();
    assert_eq!(of.field.as_deref(), Some("created_at"));
    assert!(!of.message.contains("yesterday"), "{of:?}");
    assert!(problems.len() >= 4, "{problems:?}");
}

#[test]
fn refusals_have_their_meanings() {
    let lever = lever();
    let said = json!({"code": "X", "message": "Words of Lever"});
    let run =
        |status| lever.run(Task::Scan(scan("jobs")), &[(status, said.clone())]).1.unwrap_err();
    assert_eq!(run(401), Failure::Auth("Words of Lever".into()));
    let denied = Denied { permission: "postings:read".into(), message: "Words of Lever".into() };
    assert_eq!(run(403), Failure::Denied(denied));
    assert_eq!(run(429), Failure::Throttled(None));
    assert_eq!(run(503), Failure::Unavailable("Words of Lever".into()));
    for body in ["", "<html>", "{\"data\": [1", "[]", "{\"data\": {}}", "{}", "null", "7"] {
        for status in [200, 404, 500] {
            let Step::Send(send) = lever.start(Task::Scan(scan("jobs"))).unwrap() else { panic!() };
            let response = Response { status, headers: vec![], body: body.as_bytes().to_vec() };
            let result = lever.resume(send.state, Reply::Response(response));
            assert!(result.is_err(), "{status} {body}: {result:?}");
        }
    }
}

#[test]
fn the_account_is_identified_by_its_reason_for_hires() {
    let reasons = json!({"data": [
        {"id": "r1", "text": "Underqualified", "status": "active", "type": "non-hired"},
        {"id": "r2", "text": "Hired", "status": "active", "type": "hired"}
    ]});
    let (_, outcome) = lever().run(Task::DescribeTenant, &[(200, reasons)]);
    let Outcome::Tenant(tenant) = outcome.unwrap() else { panic!() };
    assert_eq!(tenant, Tenant { fingerprint: "r2".into(), catalogue: r#"{"hired":"r2"}"#.into() });
    let (_, outcome) = lever().run(Task::DescribeTenant, &[(200, json!({"data": []}))]);
    assert!(matches!(outcome, Err(Failure::Protocol(_))));
}

#[test]
fn a_permission_is_checked_by_a_harmless_read() {
    let lever = lever();
    let check = |id: &str, status: u16| {
        let (sent, outcome) =
            lever.run(Task::Check(id.into()), &[(status, json!({"message": "no"}))]);
        assert!(
            sent.iter().all(|send| send.effect == Effect::Safe && send.request.method == "GET")
        );
        let Outcome::Checked(checked) = outcome.unwrap() else { panic!() };
        checked.verdict
    };
    assert_eq!(check("postings:read", 200), Verdict::Granted);
    assert_eq!(check("postings:read", 403), Verdict::Missing);
    assert_eq!(check("contacts:read", 404), Verdict::Granted);
    assert_eq!(check("notes:write", 0), Verdict::Unknown);
}
