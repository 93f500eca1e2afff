//! Webhooks.

use super::support::*;
use atsync_adapter::contract::*;
use serde_json::json;

fn hook(body: &serde_json::Value) -> Step {
    let hook = Hook { headers: vec![], body: body.to_string().into_bytes() };
    lever().start(Task::Hook(hook)).unwrap()
}

#[test]
fn a_webhook_is_verified_by_token_and_time_and_hints_at_what_it_names() {
    let body = json!({
        "id": "h", "event": "candidateStageChange", "triggeredAt": 1_789_999_999_123_u64,
        "token": "t0ken", "signature": "00ffab",
        "data": {"opportunityId": "opp-1", "candidateId": "opp-1", "contactId": "contact-1"}
    });
    let Step::Verify(verify) = hook(&body) else { panic!() };
    assert_eq!(verify.message, b"t0ken1789999999123");
    assert_eq!(
        (verify.secret_name.as_str(), verify.candidates),
        ("webhook", vec!["00ffab".to_owned()])
    );
    let step = lever().resume(verify.state.clone(), Reply::Verified(true)).unwrap();
    let Step::Done(Outcome::Hooked(hooked)) = step else { panic!() };
    assert_eq!(
        hooked.hints,
        [
            Hint::Changed(RemoteRef::new("applications", "opp-1")),
            Hint::Changed(RemoteRef::new("candidates", "contact-1"))
        ]
    );
    assert_eq!((hooked.answer.status, hooked.signed_at_ms), (200, Some(1_789_999_999_123)));
    let step = lever().resume(verify.state, Reply::Verified(false)).unwrap();
    let Step::Done(Outcome::Hooked(hooked)) = step else { panic!() };
    assert_eq!((hooked.answer.status, hooked.hints), (401, vec![]));
}

#[test]
fn a_webhook_without_a_signature_is_refused_and_a_test_names_nothing() {
    for body in [json!({}), json!([]), json!({"signature": "not hex"}), json!({"signature": 7})] {
        let Step::Done(Outcome::Hooked(hooked)) = hook(&body) else { panic!("{body}") };
        assert_eq!(hooked.answer.status, 401);
    }
    let Step::Verify(verify) =
        hook(&json!({"signature": "00", "event": "x", "token": "t", "triggeredAt": 1}))
    else {
        panic!()
    };
    let step = lever().resume(verify.state, Reply::Verified(true)).unwrap();
    let Step::Done(Outcome::Hooked(hooked)) = step else { panic!() };
    assert_eq!((hooked.answer.status, hooked.hints), (200, vec![]));
}

#[test]
fn a_deletion_is_hinted_as_one() {
    let body = json!({"event": "candidateDeleted", "triggeredAt": 1, "token": "t", "signature": "00",
        "data": {"opportunityId": "opp-1", "contactId": "c"}});
    let Step::Verify(verify) = hook(&body) else { panic!() };
    let step = lever().resume(verify.state, Reply::Verified(true)).unwrap();
    let Step::Done(Outcome::Hooked(hooked)) = step else { panic!() };
    assert_eq!(hooked.hints, [Hint::Deleted(RemoteRef::new("applications", "opp-1"))]);
}
