//! Tests that the same account is recognised, whatever rights are granted or lost.

use crate::support::*;
use atsync_adapter::contract::*;

fn tenant(step: Result<Step, Failure>) -> Tenant {
    match step {
        Ok(Step::Done(Outcome::Tenant(tenant))) => tenant,
        other => panic!("a tenant was expected, not {other:?}"),
    }
}

fn refused() -> Response {
    answer(403, &[], r#"{"message":"Forbidden"}"#)
}

const NEXT: &str = "https://harvest.greenhouse.io/v3/users?cursor=x";

#[test]
fn the_oldest_user_is_found_by_a_walk_and_again_by_one_request() {
    let send = start(Task::DescribeTenant, &given());
    assert_eq!(
        asked(&send),
        "/v3/users?fields=id,created_at&per_page=500&show_service_accounts=true"
    );
    let rows = r#"[{"id":9,"created_at":"2021-01-01T00:00:00Z"},{"id":8,"created_at":"2020-01-01T00:00:00Z"}]"#;
    let send = sent(resume(send, &given(), page(rows, &format!("<{NEXT}>; rel=\"next\""))));
    let first =
        tenant(resume(send, &given(), ok(r#"[{"id":3,"created_at":"2019-01-01T00:00:00.027Z"}]"#)));
    let known = Given { tenant: Some(first.catalogue.clone()), ..given() };
    let send = start(Task::DescribeTenant, &known);
    assert!(asked(&send).ends_with("created_at=lte|2019-01-01T00:00:00.999Z"), "{}", asked(&send));
    let again =
        tenant(resume(send, &known, ok(r#"[{"id":3,"created_at":"2019-01-01T00:00:00.027Z"}]"#)));
    assert_eq!(first, again);
}

#[test]
fn another_account_has_another_fingerprint() {
    let known = Given {
        tenant: Some(
            r#"{"basis":"users","oldest":"3","created_at":"2019-01-01T00:00:00Z"}"#.into(),
        ),
        ..given()
    };
    // The other account is younger: the filtered request shows no user, and the full scan decides.
    let send = start(Task::DescribeTenant, &known);
    let send = sent(resume(send, &known, ok("[]")));
    let other =
        tenant(resume(send, &known, ok(r#"[{"id":77,"created_at":"2024-01-01T00:00:00Z"}]"#)));
    assert_eq!(other.fingerprint, "greenhouse:users:77");
}

#[test]
fn without_users_the_oldest_source_identifies_the_account_from_then_on() {
    let send = start(Task::DescribeTenant, &given());
    let send = sent(resume(send, &given(), refused()));
    assert_eq!(asked(&send), "/v3/sources?fields=id,created_at&per_page=500");
    let by_source = tenant(resume(send, &given(), ok(r#"[{"id":5},{"id":4}]"#)));
    assert_eq!(by_source.fingerprint, "greenhouse:sources:4");
    let known = Given { tenant: Some(by_source.catalogue), ..given() };
    assert!(asked(&start(Task::DescribeTenant, &known)).starts_with("/v3/sources"));
}

#[test]
fn a_right_that_is_lost_does_not_change_the_fingerprint() {
    let known = Given { tenant: Some(r#"{"basis":"users","oldest":"3"}"#.into()), ..given() };
    let send = start(Task::DescribeTenant, &known);
    assert!(matches!(resume(send, &known, refused()), Err(Failure::Denied(_))));
}

#[test]
fn an_empty_list_of_users_is_a_lack_of_rights_and_not_a_tenant() {
    let send = start(Task::DescribeTenant, &given());
    assert!(matches!(resume(send, &given(), ok("[]")), Err(Failure::Denied(_))));
}

#[test]
fn an_unreadable_row_is_ignored_before_and_after_it_becomes_readable() {
    let send = start(Task::DescribeTenant, &given());
    let rows = r#"[null, {"id":"3","created_at":"2019-01-01T00:00:00Z"}, {"id":null,"created_at":"2018-01-01T00:00:00Z"}]"#;
    let first = tenant(resume(send, &given(), ok(rows)));
    assert_eq!(first.fingerprint, "greenhouse:users:3");
    let known = Given { tenant: Some(first.catalogue.clone()), ..given() };
    let send = start(Task::DescribeTenant, &known);
    let rows = rows.replace(r#""id":null"#, r#""id":2"#);
    assert_eq!(
        tenant(resume(send, &known, ok(&rows))),
        first,
        "an older row that has become readable changes nothing"
    );
    let send = start(Task::DescribeTenant, &given());
    assert!(matches!(
        resume(send, &given(), ok(r#"[null, {"id":"x/y"}]"#)),
        Err(Failure::Protocol(_))
    ));
}
