//! The laws of access: tokens, scopes, the Site Admin rule, budgets.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests; the lint exempts only the tests themselves"
)]

mod common;

use std::collections::BTreeSet;

use atsync_greenhouse_sandbox::{Fault, FaultKind, RetryAfter, TokenExpiry, all_scopes};
use base64::Engine as _;
use common::{NOW_MS, World, id};
use serde_json::{Value, json};

fn payload(token: &str) -> Value {
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3);
    let bytes =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(parts[1]).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

#[test]
fn a_token_answer_says_expires_at_and_nothing_else_by_default() {
    let world = World::new();
    let answer = world.ask_token("grant_type=client_credentials");
    assert_eq!(answer.status, 200);
    let body = answer.body_json();
    let keys: BTreeSet<&str> =
        body.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, BTreeSet::from(["access_token", "expires_at", "token_type"]));
    assert_eq!(body["expires_at"], "2026-11-24T07:00:00Z");
    assert_eq!(answer.header("x-ratelimit-limit"), Some("60"));
    world.sandbox.set_quirks(|quirks| quirks.token_expiry = TokenExpiry::ExpiresIn);
    let body = world.ask_token("grant_type=client_credentials").body_json();
    assert_eq!((&body["expires_in"], &body["expires_at"]), (&json!(3600), &Value::Null));
    world.sandbox.set_quirks(|quirks| quirks.token_expiry = TokenExpiry::Both);
    let body = world.ask_token("grant_type=client_credentials").body_json();
    assert!(body["expires_in"].is_i64() && body["expires_at"].is_string());
}

#[test]
fn a_token_is_a_jwt_that_names_scopes_only_if_the_switch_says_so() {
    let world = World::new();
    let claims = payload(&world.token);
    assert_eq!(claims["sub"], world.sandbox.service_user_id().to_string());
    assert_eq!(claims["exp"], NOW_MS / 1000 + 3600);
    assert!(claims.get("scope").is_none());
    world.sandbox.set_quirks(|quirks| quirks.scopes_in_token = true);
    let body = world.ask_token("grant_type=client_credentials").body_json();
    let scope = payload(body["access_token"].as_str().expect("a token"))["scope"].clone();
    assert!(
        scope
            .as_str()
            .is_some_and(|scope| scope.split(' ').any(|one| one == "harvest:candidates:list"))
    );
}

#[test]
fn the_token_endpoint_refuses_with_the_error_codes_of_oauth() {
    let world = World::new();
    let refused = |form: &str| (world.ask_token(form).status, world.ask_token(form).body_json());
    assert_eq!(
        refused("grant_type=authorization_code&code=x"),
        (400, json!({"error": "unauthorized_client"}))
    );
    assert_eq!(refused("grant_type=password"), (400, json!({"error": "unsupported_grant_type"})));
    assert_eq!(
        refused("grant_type=client_credentials&sub=12"),
        (400, json!({"error": "invalid_grant"}))
    );
    let wrong = [("authorization".to_owned(), "Basic d3Jvbmc6d3Jvbmc=".to_owned())];
    let request = atsync_greenhouse_sandbox::Request {
        method: "POST",
        path_and_query: "/token",
        headers: &wrong,
        body: b"grant_type=client_credentials",
    };
    let answer = world.sandbox.handle(&request);
    assert_eq!((answer.status, answer.body_json()), (401, json!({"error": "invalid_client"})));
}

#[test]
fn a_token_expires_after_an_hour_and_an_unknown_token_is_refused() {
    let mut world = World::new();
    world.clock.advance_ms(3_599_000);
    assert_eq!(world.get("/v3/jobs").status, 200);
    world.clock.advance_ms(1_000);
    let answer = world.get("/v3/jobs");
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.body_json(),
        json!({"message": "Unauthorized", "errors": ["Token could not be decoded"]})
    );
    world.token = "not.a.token".to_owned();
    assert_eq!(world.get("/v3/jobs").status, 401);
}

#[test]
fn a_new_token_ends_the_former_only_if_the_switch_says_so() {
    let mut world = World::new();
    let former = world.token.clone();
    world.login("");
    let latter = std::mem::replace(&mut world.token, former.clone());
    assert_eq!(world.get("/v3/jobs").status, 200);
    world.sandbox.set_quirks(|quirks| quirks.single_active_token = true);
    world.login("");
    for dead in [former, latter] {
        world.token = dead;
        assert_eq!(world.get("/v3/jobs").status, 401);
    }
}

#[test]
fn a_missing_scope_and_a_missing_admin_get_the_same_answer() {
    let world = World::new();
    world.sandbox.set_access(|access| {
        access.scopes.remove("harvest:notes:list");
        access.scopes.remove("harvest:candidates:create");
    });
    let scope = world.get("/v3/notes");
    assert_eq!(scope.status, 403);
    assert_eq!(world.post("/v3/candidates", json!({})).status, 403);
    assert_eq!(world.get("/v3/candidates").status, 200);
    world.sandbox.set_access(|access| access.site_admin = false);
    let admin = world.get("/v3/candidates");
    assert_eq!((admin.status, admin.body_json()), (403, scope.body_json()));
    // Site Admins matter only to lists: a write needs its scope alone.
    assert_eq!(world.post("/v3/candidate_tags", json!({"name": "by a mere user"})).status, 201);
}

#[test]
fn a_token_acts_as_the_user_it_names() {
    let mut world = World::new();
    let users = world.list("/v3/users?per_page=500");
    let person = |admin: bool| {
        users
            .iter()
            .find(|user| user["site_admin"] == admin && user["deactivated"] == false)
            .map(id)
            .expect("one")
    };
    let gone = users.iter().find(|user| user["deactivated"] == true).map(id).expect("one");
    let (admin, member) = (person(true), person(false));
    world.login(&format!("&sub={member}"));
    assert_eq!(world.get("/v3/jobs").status, 403);
    world.login(&format!("&sub={admin}"));
    assert_eq!(world.get("/v3/jobs").status, 200);
    let candidate = world.create_candidate("actor@example.com");
    let note = json!({"candidate_id": candidate, "body": "Hello", "note_type": "NOTE",
        "visibility": "public"});
    assert_eq!(world.post("/v3/notes", note).body_json()["user_id"], admin);
    assert_eq!(world.ask_token(&format!("grant_type=client_credentials&sub={gone}")).status, 400);
    let left = atsync_greenhouse_sandbox::Recruiter::Set {
        collection: "users".to_owned(),
        id: admin,
        values: serde_json::from_value(json!({"deactivated": true})).expect("a map"),
    };
    world.sandbox.recruiter(&left).expect("the admin leaves");
    assert_eq!(world.get("/v3/jobs").status, 403);
}

#[test]
fn every_scope_is_resource_and_action() {
    let scopes = all_scopes();
    for wanted in [
        "harvest:applications:convert_to_candidate",
        "harvest:users:create",
        "harvest:rejection_details:update",
    ] {
        assert!(scopes.contains(wanted), "{wanted}");
    }
    for never in
        ["harvest:sources:create", "harvest:referrers:create", "harvest:rejection_reasons:create"]
    {
        assert!(!scopes.contains(never), "{never}");
    }
}

#[test]
fn the_window_is_fixed_and_its_reset_header_misleads() {
    let world = World::with(|options| options.rate_limit = 3);
    world.clock.advance_ms(29_000);
    for remaining in ["2", "1", "0"] {
        assert_eq!(world.get("/v3/jobs").header("x-ratelimit-remaining"), Some(remaining));
    }
    let answer = world.get("/v3/jobs");
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")));
    let reset = ((NOW_MS + 29_000) / 1000 + 30).to_string();
    assert_eq!(answer.header("x-ratelimit-reset"), Some(reset.as_str()));
    world.clock.advance_ms(1_000);
    assert_eq!(world.get("/v3/jobs").status, 200);
}

#[test]
fn a_429_has_no_effect_and_may_lack_retry_after() {
    let world = World::with(|options| {
        options.rate_limit = 1;
        options.quirks.retry_after = RetryAfter::Missing;
    });
    assert_eq!(world.get("/v3/jobs").status, 200);
    let answer = world.post("/v3/candidate_tags", json!({"name": "never"}));
    assert_eq!((answer.status, answer.header("retry-after")), (429, None));
    assert_eq!(world.sandbox.creates("candidate_tags"), 0);
}

#[test]
fn the_token_endpoint_has_its_own_budget() {
    let world = World::with(|options| options.rate_limit = 1);
    assert_eq!(world.get("/v3/jobs").status, 200);
    let statuses: Vec<u16> =
        (0..60).map(|_| world.ask_token("grant_type=client_credentials").status).collect();
    assert_eq!((statuses[58], statuses[59]), (200, 429));
}

#[test]
fn control_calls_cost_nothing_and_are_not_logged() {
    let world = World::with(|options| options.rate_limit = 1);
    for _ in 0..5 {
        assert_eq!(world.get("/_sandbox/state").status, 200);
    }
    assert_eq!(world.get("/v3/jobs").status, 200);
    assert_eq!(world.sandbox.requests().iter().filter(|line| line.path != "/token").count(), 1);
}

#[test]
fn the_log_shows_whether_a_request_with_a_fault_was_processed() {
    let world = World::new();
    let body = || json!({"name": format!("tag {}", world.sandbox.count("candidate_tags"))});
    for (kind, applied) in [
        (FaultKind::DropBefore, false),
        (FaultKind::DropAfter, true),
        (FaultKind::AppliedThen { status: 504 }, true),
        (FaultKind::NotApplied { status: 500 }, false),
        (FaultKind::Truncate { bytes: 3 }, true),
        (FaultKind::TooManyRequests, false),
        (FaultKind::Html, true),
        (FaultKind::InvalidJson, true),
        (FaultKind::Slow { delay_ms: 9 }, true),
        (FaultKind::Unauthorized, false),
    ] {
        world.sandbox.clear_logs();
        world.sandbox.faults().add(Fault::once("POST", "/v3/candidate_tags", kind));
        let answer = world.post("/v3/candidate_tags", body());
        assert_eq!(world.sandbox.creates("candidate_tags"), usize::from(applied), "{kind:?}");
        assert_eq!(kind.applies(), applied);
        let log = world.sandbox.requests();
        assert_eq!((log.len(), log[0].fault, log[0].status), (1, Some(kind), answer.status));
        // A rule that is used up has no further effect.
        assert_eq!(world.post("/v3/candidate_tags", body()).status, 201, "{kind:?}");
    }
}
