//! Tests webhooks: they are accepted only when signed, and then only as hints.

use crate::support::*;
use atsync_adapter::PureAdapter;
use atsync_adapter::contract::*;
use atsync_greenhouse::Greenhouse;
use serde_json::{Value, json};

const SIGNATURE: &str = "sha256 0123456789abcdef0123456789abcdef0123456789abcdef0123456789ABCDEF";

fn hook(signature: Option<&str>, body: &str) -> Result<Step, Failure> {
    let headers = signature.map(|value| Field::new("signature", value)).into_iter().collect();
    Greenhouse::start(Task::Hook(Hook { headers, body: body.into() }), &given())
}

fn answered(step: Result<Step, Failure>) -> Hooked {
    match step {
        Ok(Step::Done(Outcome::Hooked(hooked))) => hooked,
        other => panic!("an answer was expected, not {other:?}"),
    }
}

fn hints(action: &str, payload: Value) -> Vec<Hint> {
    let body = json!({"action": action, "payload": payload, "organization_id": 1}).to_string();
    let Ok(Step::Verify(verify)) = hook(Some(SIGNATURE), &body) else {
        panic!("a check of the signature")
    };
    assert!(verify.state.len() < CONTINUATION_BYTES_MAX);
    let hooked = answered(Greenhouse::resume(verify.state, &given(), Reply::Verified(true)));
    assert_eq!(hooked.answer.status, 200, "anything but 200 is a failure to Greenhouse");
    hooked.hints
}

#[test]
fn the_signature_covers_the_raw_bytes() {
    let body = "{\"action\":\"ping\",  \"payload\":{\"name\":\"\\u003cb\\u003e\"}}\n";
    let Ok(Step::Verify(verify)) = hook(Some(SIGNATURE), body) else {
        panic!("a check of the signature")
    };
    assert_eq!(verify.message, body.as_bytes());
    assert_eq!(
        verify.candidates,
        ["0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"]
    );
    assert_eq!((verify.algorithm, verify.encoding), (Algorithm::HmacSha256, Encoding::Hex));
    assert_eq!(
        answered(Greenhouse::resume(verify.state, &given(), Reply::Verified(true))).answer.status,
        200
    );
}

#[test]
fn an_unsigned_or_wrongly_signed_webhook_gives_no_hints() {
    let body = r#"{"action":"job_deleted","payload":{"job":{"id":1}}}"#;
    for signature in
        [None, Some(""), Some("sha1 00"), Some("sha256 zz"), Some("sha256"), Some("sha256 00")]
    {
        let hooked = answered(hook(signature, body));
        assert_eq!((hooked.answer.status, hooked.hints.len()), (401, 0));
    }
    let Ok(Step::Verify(verify)) = hook(Some(SIGNATURE), body) else {
        panic!("a check of the signature")
    };
    let hooked = answered(Greenhouse::resume(verify.state, &given(), Reply::Verified(false)));
    assert_eq!((hooked.answer.status, hooked.hints.len()), (401, 0));
}

#[test]
fn payloads_are_read_wrapped_and_bare() {
    let changed = |kind: &str, id: &str| vec![Hint::Changed(RemoteRef::new(kind, id))];
    assert_eq!(
        hints("candidate_stage_change", json!({"application": {"id": 265_277}})),
        changed("applications", "265277")
    );
    assert_eq!(
        hints("update_candidate", json!({"candidate": {"id": 5}})),
        changed("candidates", "5")
    );
    assert_eq!(
        hints("update_candidate", json!({"application": {"candidate": {"id": 5}}})),
        changed("candidates", "5")
    );
    assert_eq!(hints("job_post_updated", json!({"id": 7, "job_id": 1})), changed("postings", "7"));
    assert_eq!(
        hints("job_post_deleted", json!({"job_post": {"id": 7}})),
        [Hint::Deleted(RemoteRef::new("postings", "7"))]
    );
}

/// Every event of the OpenAPI document: the payload's wrapper, and the hints for the record 7.
fn expected(event: &str) -> (&'static str, Vec<Hint>) {
    let of = |kind: &str| RemoteRef::new(kind, "7");
    let changed = |kind: &str| vec![Hint::Changed(of(kind))];
    let deleted = |kind: &str| vec![Hint::Deleted(of(kind))];
    match event {
        "new_candidate_application"
        | "new_prospect_application"
        | "application_updated"
        | "candidate_stage_change"
        | "reject_candidate"
        | "unreject_candidate"
        | "hire_candidate"
        | "unhire_candidate" => ("application", changed("applications")),
        "delete_application" => ("application", deleted("applications")),
        "update_candidate" => ("candidate", changed("candidates")),
        "delete_candidate" => ("person", deleted("candidates")),
        "merge_candidate" => {
            let winner = RemoteRef::new("candidates", "8");
            ("person", vec![Hint::Merged((of("candidates"), winner))])
        }
        "candidate_anonymized" => ("candidate", vec![Hint::Erased(of("candidates"))]),
        "job_created" | "job_updated" | "job_approved" => ("job", changed("jobs")),
        "job_deleted" => ("job", deleted("jobs")),
        "job_post_created" | "job_post_updated" => ("job_post", changed("postings")),
        "job_post_deleted" => ("job_post", deleted("postings")),
        "job_interview_stage_deleted" => ("job_interview_stage", deleted("stages")),
        "department_deleted" => ("department", deleted("departments")),
        "office_deleted" => ("office", deleted("offices")),
        "offer_created" | "offer_updated" | "offer_approved" => ("offer", changed("raw_offers")),
        "offer_deleted" => ("offer", deleted("raw_offers")),
        "interview_deleted" => ("interview", deleted("raw_interviews")),
        "scorecard_deleted" => ("scorecard", deleted("raw_scorecards")),
        other => panic!("{other}: decide what it leads to"),
    }
}

fn events() -> Vec<String> {
    let facts: Value = serde_json::from_str(include_str!("../../openapi/facts.json")).unwrap();
    let body = &facts["requests"]["POST /v3/webhooks"]["properties"]["event_action_type"];
    serde_json::from_value(body["enum"].clone()).unwrap()
}

#[test]
fn every_event_of_the_document_leads_to_a_hint_and_is_registered() {
    let wanted: std::collections::BTreeSet<String> = events().into_iter().collect();
    assert!(wanted.iter().all(|event| !expected(event).1.is_empty()));
    let rule = Greenhouse::describe().webhooks.unwrap();
    assert_eq!(rule.events.into_iter().collect::<std::collections::BTreeSet<_>>(), wanted);
}

#[test]
fn every_event_of_the_document_is_read_wrapped_and_bare_and_with_extra_members() {
    let events = events();
    assert_eq!(events.len(), 29);
    for event in &events {
        let (wrapper, wanted) = expected(event);
        let record = json!({"id": 7, "new_candidate_id": 8, "status": "not_a_status",
            "custom_fields": null, "unheard_of": {"id": 9}});
        assert_eq!(hints(event, record.clone()), wanted, "{event}, bare");
        let wrapped = json!({"offer": {"id": 10}, wrapper: record, "unheard_of": {"id": 9}});
        assert_eq!(hints(event, wrapped), wanted, "{event}, wrapped");
        let text = json!({wrapper: {"id": "7", "new_candidate_id": "8"}});
        assert_eq!(hints(event, text), wanted, "{event}, ids as texts");
    }
}

#[test]
fn a_payload_without_what_it_is_about_leads_to_nothing_and_is_answered_200() {
    for event in events() {
        for payload in [
            json!({}),
            json!(null),
            json!([7]),
            json!("7"),
            json!({"application": null, "candidate": [], "person": 7, "job": {"id": null}}),
            json!({"id": -7, "candidate_id": 0, "department": {"child_ids": "8"}}),
        ] {
            assert_eq!(hints(&event, payload.clone()), [], "{event} {payload}");
        }
    }
    assert_eq!(hints("", json!({"application": {"id": 7}})), []);
    for body in ["", "null", "[]", "{\"action\": 7}", "{\"action\": \"job_deleted\"}", "\u{0}"] {
        let Ok(Step::Verify(verify)) = hook(Some(SIGNATURE), body) else {
            panic!("a check of the signature")
        };
        let hooked = answered(Greenhouse::resume(verify.state, &given(), Reply::Verified(true)));
        assert_eq!((hooked.answer.status, hooked.hints.len()), (200, 0), "{body}");
    }
}

#[test]
fn a_new_application_leads_to_its_candidate_first() {
    let wanted = [
        Hint::Changed(RemoteRef::new("candidates", "5")),
        Hint::Changed(RemoteRef::new("applications", "7")),
    ];
    for event in ["new_candidate_application", "new_prospect_application"] {
        let nested = json!({"application": {"id": 7, "candidate": {"id": 5}}});
        assert_eq!(hints(event, nested), wanted, "{event}");
        assert_eq!(hints(event, json!({"id": 7, "candidate_id": 5})), wanted, "{event}");
    }
}

#[test]
fn a_merge_of_a_candidate_into_itself_is_none() {
    let merged = json!({"person": {"id": 1, "new_candidate_id": 1}});
    assert_eq!(hints("merge_candidate", merged), []);
}

#[test]
fn a_merge_names_loser_and_winner() {
    let merged = hints("merge_candidate", json!({"person": {"id": 1, "new_candidate_id": 2}}));
    assert_eq!(
        merged,
        [Hint::Merged((RemoteRef::new("candidates", "1"), RemoteRef::new("candidates", "2")))]
    );
}

#[test]
fn a_deletion_includes_its_children_under_either_name() {
    for name in ["deleted_application_ids", "application_ids"] {
        let gone = hints("delete_candidate", json!({"person": {"id": 1, name: [2, 3]}}));
        assert_eq!(gone.len(), 3);
        assert_eq!(gone[2], Hint::Deleted(RemoteRef::new("applications", "3")));
    }
    assert_eq!(
        hints("department_deleted", json!({"department": {"id": 1, "child_ids": [2]}})).len(),
        2
    );
    let many: Vec<u64> = (1_000_000_000_000..1_000_000_002_000).collect();
    assert_eq!(
        hints("delete_candidate", json!({"person": {"id": 1, "deleted_application_ids": many}}))
            .len(),
        500
    );
}

#[test]
fn an_erasure_is_passed_on() {
    let erased = hints(
        "candidate_anonymized",
        json!({"candidate_id": 9, "anonymized_fields": ["full_name"]}),
    );
    assert_eq!(erased, [Hint::Erased(RemoteRef::new("candidates", "9"))]);
}

#[test]
fn unknown_events_and_pings_are_answered_with_200() {
    assert_eq!(hints("scorecard_moved", json!({"scorecard": {"id": 1}})), []);
    assert_eq!(hints("ping", json!({"web_hook_id": 1})), []);
    assert_eq!(hints("update_candidate", json!({"candidate": {"id": "no id"}})), []);
}
