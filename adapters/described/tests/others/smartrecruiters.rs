//! SmartRecruiters: applications as pairs, and the signature of its webhooks.

use super::support::{Described, changed, described};
use atsync_adapter::contract::*;
use serde_json::json;

fn smartrecruiters() -> Described {
    described(include_str!("../../smartrecruiters.yaml"), json!({}))
}

#[test]
fn an_application_is_a_candidate_and_a_job_in_a_list_and_by_itself() {
    let job = |id: &str| json!({"id": id, "title": "Baker"});
    let row = json!({
        "id": "c1", "firstName": "Ada", "lastName": "Byron", "email": "ada@example.com",
        "createdOn": "2026-01-01T08:00:00.000Z", "updatedOn": "2026-02-01T08:00:00.000Z",
        "primaryAssignment": {"job": job("j1"), "status": "INTERVIEW", "subStatus": "Phone"},
        "secondaryAssignments": [{"job": {"id": "j2"}}]
    });
    let task = Task::Scan(Scan {
        kind: "candidates".into(),
        parent: None,
        since: Since::Everything,
        cursor: None,
        page_size: 100,
    });
    let answer = json!({"content": [row], "totalFound": 1});
    let Ok(Outcome::Page(page)) = smartrecruiters().run(task, 200, &answer) else { panic!() };
    let of = |at: usize| -> serde_json::Value {
        let mut all = page.items.iter().filter(|item| item.kind == "applications");
        serde_json::from_str(&all.nth(at).unwrap().body).unwrap()
    };
    assert_eq!(of(0)["outcome"], json!({"value": "active", "source": "INTERVIEW"}));
    assert_eq!(of(0)["stage"], json!({"name": "Phone"}));
    // A list says nothing of the status of another one.
    assert_eq!(of(1).get("outcome"), None);
    assert_eq!(of(1)["candidate"], json!({"id": "c1"}));
    let fetch = Task::Fetch(Fetch { kind: "applications".into(), ids: vec!["c1/j2".into()] });
    let answer = json!({"status": "REJECTED", "subStatus": null, "source": "Indeed",
        "reasonOfRejection": {"id": "r1", "label": "Underqualified"}});
    let Ok(Outcome::Fetched(fetched)) = smartrecruiters().run(fetch, 200, &answer) else {
        panic!()
    };
    assert_eq!(fetched.items[0].id, "c1/j2");
    let body: serde_json::Value = serde_json::from_str(&fetched.items[0].body).unwrap();
    assert_eq!(body["candidate"], json!({"id": "c1"}));
    assert_eq!(body["job"], json!({"id": "j2"}));
    assert_eq!(body["outcome"], json!({"value": "rejected", "source": "REJECTED"}));
    assert_eq!(body["reject_reason"], json!({"id": "r1", "name": "Underqualified"}));
}

#[test]
fn a_webhook_is_signed_over_its_headers_by_any_of_several_keys() {
    let text = r#"{"job_id":"jid","candidate_id": "cid"}"#;
    let mut headers = vec![
        ("smartrecruiters-signature", "v1=ab12;v1=cd34;v9=xx"),
        ("smartrecruiters-timestamp", "1574080897"),
        ("event-id", "123"),
        ("event-name", "application.created"),
        ("event-version", "v201910"),
    ];
    let verify = smartrecruiters().signed(&headers, text).unwrap();
    assert_eq!(verify.candidates, ["ab12", "cd34"]);
    // A header that is missing is an empty text.
    let wanted = format!("1574080897.{text}.123.application.created.v201910.");
    assert_eq!(String::from_utf8(verify.message.clone()).unwrap(), wanted);
    headers.push(("link", "<https://x.example/y>; rel=self"));
    let linked = smartrecruiters().signed(&headers, text).unwrap();
    assert!(linked.message.ends_with(b"v201910.<https://x.example/y>; rel=self"));
    let (hints, at) = smartrecruiters().hinted(verify);
    assert_eq!(hints, [changed("applications", "cid/jid"), changed("candidates", "cid")]);
    assert_eq!(at, Some(1_574_080_897_000));
}

#[test]
fn a_subscription_is_activated_by_its_secret() {
    let answer = smartrecruiters().greeted(&[("X-Hook-Secret", "4jn8fs9011jj8")], "");
    assert_eq!(
        (answer.status, answer.headers),
        (200, vec![Field::new("x-hook-secret", "4jn8fs9011jj8")])
    );
    // With data it is a webhook like any other.
    let answer = smartrecruiters().greeted(&[], r#"{"id": "c1"}"#);
    assert_eq!(answer.status, 401);
}
