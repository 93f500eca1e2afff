//! How the answer of a token endpoint is read.

use super::*;
use crate::testing::SeededEntropy;
use atsync_model::contract::Field;

const NOW_MS: u64 = 1_778_507_624_000; // 2026-05-11T13:53:44Z

fn read(body: &str, date: Option<&str>) -> Result<Token, NotSent> {
    let headers =
        date.map(|value| Field { name: "date".into(), value: value.into() }).into_iter().collect();
    let response = Response { status: 200, headers, body: body.as_bytes().to_vec() };
    let issued = read_issued(&response, NOW_MS)?;
    Ok(issued.token(1, NOW_MS, SeededEntropy::new(7).as_ref()))
}

#[test]
fn the_lifetime_comes_from_expires_in_then_expires_at_then_a_default() {
    for (body, date, life_s) in [
        (r#"{"access_token":"t","expires_in":3600}"#, None, 3600),
        (r#"{"access_token":"t","expires_in":"1200"}"#, None, 1200),
        (r#"{"access_token":"t","expires_in":1200.9}"#, None, 1200),
        (
            r#"{"access_token":"t","token_type":"Bearer","expires_at":"2026-05-11T14:53:44Z"}"#,
            Some("Mon, 11 May 2026 13:53:44 GMT"),
            3600,
        ),
        (r#"{"access_token":"t","expires_at":"2026-05-11T16:53:44.000+02:00"}"#, None, 3600),
        // The server's clock is two hours ahead of ours: only its own date shows the lifetime.
        (
            r#"{"access_token":"t","expires_at":"2026-05-11T16:53:44Z"}"#,
            Some("Mon, 11 May 2026 15:53:44 GMT"),
            3600,
        ),
        // Expired by our clock, and the answer has no date: kept for a short while all the same.
        (r#"{"access_token":"t","expires_at":"2026-05-11T12:00:00Z"}"#, None, 30),
        (r#"{"access_token":"t","expires_in":600,"expires_at":"2030-01-01T00:00:00Z"}"#, None, 600),
        (r#"{"access_token":"t"}"#, None, 300),
        (r#"{"access_token":"t","expires_in":0}"#, None, 30),
        (r#"{"access_token":"t","expires_in":99999999999}"#, None, 86_400),
    ] {
        let token = read(body, date).unwrap();
        assert_eq!((token.ends_ms - NOW_MS) / 1000, life_s, "{body}");
        assert!(token.renew_at_ms < token.ends_ms && token.renew_at_ms > NOW_MS, "{body}");
    }
}

#[test]
fn an_answer_without_a_usable_token_is_an_error_that_shows_nothing_of_it() {
    for body in [
        "",
        "[]",
        "s3cret",
        r#"{"access_token":""}"#,
        r#"{"access_token":7}"#,
        r#"{"access_token":"s3c ret"}"#,
        "{\"access_token\":\"s3cret\\r\\nhost: x\"}",
        r#"{"access_token":"s3cret","token_type":"mac"}"#,
    ] {
        let message = read(body, None).unwrap_err().to_string();
        assert!(!message.contains("s3c"), "{message}");
    }
}

#[test]
fn scopes_come_from_the_answer_then_from_the_token_itself() {
    let jwt = |claims: &str| format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
    for (claims, scope, scopes, actor) in [
        (r#"{"sub":4212952002,"scope":"a b"}"#, "", Some(vec!["a", "b"]), Some("4212952002")),
        (r#"{"sub":"42","scopes":["a","b"]}"#, "", Some(vec!["a", "b"]), Some("42")),
        (r#"{"scp":["x"]}"#, "", Some(vec!["x"]), None),
        (r#"{"scp":["x"]}"#, r#","scope":"y z""#, Some(vec!["y", "z"]), None),
        ("no json", "", None, None),
    ] {
        let token = read(&format!(r#"{{"access_token":"{}"{scope}}}"#, jwt(claims)), None).unwrap();
        assert_eq!(
            token.grant.scopes,
            scopes.map(|list| list.into_iter().map(str::to_owned).collect::<Vec<_>>()),
            "{claims}"
        );
        assert_eq!(token.grant.actor.as_deref(), actor, "{claims}");
    }
    assert_eq!(
        read(r#"{"access_token":"opaque"}"#, None).unwrap().grant,
        Grant { scopes: None, actor: None }
    );
    assert!(
        !format!("{:?}", read(r#"{"access_token":"s3cret"}"#, None).unwrap()).contains("s3cret")
    );
}

#[test]
fn only_the_error_codes_of_the_standard_need_a_user() {
    for (body, terminal) in [
        (r#"{"error":"invalid_client"}"#, true),
        (r#"{"error":"invalid_grant"}"#, true),
        (r#"{"error":"unauthorized_client","x":1}"#, true),
        (r#"{"error":"temporarily_unavailable"}"#, false),
        (r#"{"error":"server_error"}"#, false),
        (r#"{"message":"no"}"#, false),
        (r#"{"message":"invalid_grant"}"#, true),
        (r#"{"message":"the answer is not invalid_grant"}"#, false),
        (r#"{"error":{"code":"invalid_grant"},"message":"invalid_client"}"#, true),
        ("<html>", false),
        ("", false),
    ] {
        assert_eq!(error_code(body.as_bytes()).is_some(), terminal, "{body}");
    }
}

#[test]
fn a_token_that_could_end_on_the_way_is_not_used() {
    let token = read(r#"{"access_token":"t","expires_in":600}"#, None).unwrap();
    assert!(token.usable(token.ends_ms - 5_001, 5_000));
    assert!(!token.usable(token.ends_ms - 5_000, 5_000));
}
