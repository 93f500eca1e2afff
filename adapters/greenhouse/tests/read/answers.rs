//! Tests the meaning of each answer other than the expected one (harvest-v3.md §6).

use crate::support::*;
use atsync_adapter::PureAdapter;
use atsync_adapter::contract::*;
use atsync_greenhouse::Greenhouse;
use atsync_greenhouse::answer::errors;
use serde_json::json;

fn failure(response: Response) -> Failure {
    scanned("jobs", response).unwrap_err()
}

fn flat(response: &Response) -> Vec<(String, String)> {
    errors(response).into_iter().map(|error| (error.field, error.message)).collect()
}

#[test]
fn errors_are_read_in_each_of_their_shapes() {
    let pair = |field: &str, message: &str| (field.to_owned(), message.to_owned());
    for (body, expected) in [
        (r#"{"message":"Unprocessable Content","errors":["No."]}"#, vec![pair("", "No.")]),
        (r#"{"errors":["No.","Never."]}"#, vec![pair("", "No."), pair("", "Never.")]),
        (
            r#"{"message":"m","errors":[{"per_page":"too large"}]}"#,
            vec![pair("per_page", "too large")],
        ),
        (
            r#"{"errors":[{"per_page":["too large","not nice"]}]}"#,
            vec![pair("per_page", "too large"), pair("per_page", "not nice")],
        ),
        (
            r#"{"message":"m","errors":[{"message":"bad","field":"name"}]}"#,
            vec![pair("name", "bad")],
        ),
        (r#"{"errors":{"name":"bad"}}"#, vec![pair("name", "bad")]),
        (r#"{"message":"only this"}"#, vec![pair("", "only this")]),
        ("", vec![pair("", "status 422 without a reason")]),
    ] {
        assert_eq!(flat(&answer(422, &[], body)), expected, "{body}");
    }
}

/// Twenty messages in full would exceed the contract's limit, and then none of them would arrive.
#[test]
fn many_long_messages_and_long_words_are_cut_to_the_contracts_limit() {
    let long = "\u{1f600}".repeat(400);
    let body = json!({"errors": vec![json!({&long: &long}); 30]}).to_string();
    for status in [401, 403, 404, 409, 422, 503, 302] {
        let text = failure(answer(status, &[], &body)).to_string();
        assert!(text.contains('\u{1f600}'), "{status}: {text}");
    }
    let (allowed, word) = (8 * 1024, "x".repeat(10_000));
    let Failure::Denied(denied) = failure(answer(403, &[], &body)) else { panic!("denied") };
    assert!(denied.message.len() <= allowed);
    let Err(Failure::Bug(text)) = Greenhouse::start(Task::Scan(everything(&word)), &given()) else {
        panic!("a bug")
    };
    assert!(text.len() <= allowed && text.contains("xxx"));
}

#[test]
fn each_status_has_one_consequence() {
    let unauthorised = r#"{"message":"Unauthorized","errors":["Token could not be decoded: x"]}"#;
    assert!(matches!(failure(answer(401, &[], unauthorised)),
            Failure::Auth(text) if text.contains("could not be decoded")));
    assert!(matches!(
        failure(answer(404, &[], r#"{"message":"Resource not found"}"#)),
        Failure::NotFound(_)
    ));
    assert!(matches!(failure(answer(409, &[], "")), Failure::Conflict(_)));
    assert!(matches!(failure(answer(422, &[], "{}")), Failure::Invalid(_)));
    assert!(matches!(failure(answer(400, &[], "{}")), Failure::Invalid(_)));
    assert!(matches!(failure(answer(503, &[], "<html>")), Failure::Unavailable(_)));
    assert!(matches!(failure(answer(302, &[("location", "https://x")], "")), Failure::Protocol(_)));
}

/// The text of a 403 is unknown (harvest-v3.md §2.7 [?]): the failure names the scope whether the
/// body is JSON, another text or empty.
#[test]
fn a_403_names_the_scope_whatever_it_says() {
    for body in [r#"{"message":"Forbidden"}"#, r#"{"errors":["no"]}"#, "", "no"] {
        assert!(matches!(failure(answer(403, &[], body)),
                Failure::Denied(denied) if denied.permission == "harvest:jobs:list"));
    }
    let page = answer(403, &[("content-type", "text/html")], "<html>Request blocked</html>");
    assert!(
        matches!(failure(page), Failure::Denied(denied) if denied.permission.is_empty()),
        "a firewall does not check scopes"
    );
}

#[test]
fn a_429_waits_for_retry_after_and_never_until_the_reset() {
    let headers = [("retry-after", "12"), ("x-ratelimit-reset", "1778507684")];
    assert_eq!(failure(answer(429, &headers, "")), Failure::Throttled(Some(12_000)));
    assert_eq!(
        failure(answer(429, &[("x-ratelimit-reset", "1778507684")], "")),
        Failure::Throttled(None)
    );
    assert_eq!(failure(answer(429, &[("retry-after", "soon")], "")), Failure::Throttled(None));
}

#[test]
fn a_body_that_is_not_an_array_does_not_count_as_no_rows() {
    for body in ["<html>maintenance</html>", "{\"candidates\":[]}", "[{\"id\":1}", "", "null"] {
        assert!(matches!(failure(ok(body)), Failure::Protocol(_)), "{body}");
    }
}

#[test]
fn the_failure_names_the_request_id_for_support() {
    let response =
        answer(404, &[("x-request-id", "abc123")], r#"{"message":"Resource not found"}"#);
    assert!(failure(response).to_string().contains("abc123"));
}
