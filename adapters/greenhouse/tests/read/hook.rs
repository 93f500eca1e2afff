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
fn unused_events_and_pings_are_answered_with_200() {
    assert_eq!(hints("scorecard_deleted", json!({"scorecard": {"id": 1}})), []);
    assert_eq!(hints("ping", json!({"web_hook_id": 1})), []);
    assert_eq!(hints("update_candidate", json!({"candidate": {"id": "no id"}})), []);
}
