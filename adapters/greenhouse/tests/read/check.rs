//! Tests the check task: it never changes Greenhouse and never guesses.

use crate::support::*;
use atsync_adapter::PureAdapter;
use atsync_adapter::contract::*;
use atsync_greenhouse::Greenhouse;

const SCOPE: &str = "harvest:candidates:list";

fn refused() -> Response {
    answer(403, &[], r#"{"message":"Forbidden"}"#)
}

/// Answers each request by `server` until there is a verdict. Returns the requested collections
/// too.
fn check(
    permission: &str,
    given: &Given,
    server: impl Fn(&str) -> Response,
) -> (Result<Checked, Failure>, Vec<String>) {
    let mut asked_for = Vec::new();
    let mut step = Greenhouse::start(Task::Check(permission.into()), given);
    loop {
        match step {
            Ok(Step::Done(Outcome::Checked(checked))) => return (Ok(checked), asked_for),
            Err(failure) => return (Err(failure), asked_for),
            other => {
                let send = sent(other);
                let url = asked(&send);
                let collection =
                    url.split("/v3/").nth(1).unwrap().split('?').next().unwrap().to_owned();
                assert!(asked_for.len() < 10, "a check ends");
                asked_for.push(collection.clone());
                step = resume(send, given, server(&collection));
            }
        }
    }
}

fn verdict(permission: &str, given: &Given, server: impl Fn(&str) -> Response) -> Verdict {
    check(permission, given, server).0.unwrap().verdict
}

#[test]
fn one_row_read_is_a_scope_granted() {
    let (checked, asked_for) = check(SCOPE, &given(), |_| ok(r#"[{"id":1}]"#));
    assert_eq!((checked.unwrap().verdict, asked_for.len()), (Verdict::Granted, 1));
}

#[test]
fn another_readable_list_shows_that_the_scope_is_missing() {
    let (checked, _) =
        check(
            SCOPE,
            &given(),
            |collection| if collection == "jobs" { ok(r#"[{"id":1}]"#) } else { refused() },
        );
    let checked = checked.unwrap();
    assert_eq!(checked.verdict, Verdict::Missing);
    assert!(
        checked.detail.contains(SCOPE) && checked.detail.contains("jobs"),
        "{}",
        checked.detail
    );
}

#[test]
fn all_lists_refused_names_both_causes() {
    let (checked, asked_for) = check(SCOPE, &given(), |_| refused());
    let checked = checked.unwrap();
    assert_eq!(checked.verdict, Verdict::Refused);
    assert!(
        checked.detail.contains("Site Admin") && checked.detail.contains(SCOPE),
        "{}",
        checked.detail
    );
    assert_eq!(asked_for.len(), 5, "at most five reads, since the budget is shared");
}

#[test]
fn a_token_that_names_its_scopes_explains_a_403() {
    assert_eq!(verdict(SCOPE, &granted(Some(&[SCOPE]), Some("7")), |_| refused()), Verdict::Actor);
    assert_eq!(
        verdict(SCOPE, &granted(Some(&["harvest:jobs:list"]), None), |_| refused()),
        Verdict::Missing
    );
    assert_eq!(verdict(SCOPE, &granted(None, Some("7")), |_| refused()), Verdict::Refused);
}

/// harvest-v3.md §2.5: a user who is not a Site Admin gets 403 "or no rows".
#[test]
fn an_empty_list_is_checked_against_the_users_that_every_account_has() {
    let one = r#"[{"id":1}]"#;
    assert_eq!(
        verdict(SCOPE, &given(), |c| ok(if c == "users" { one } else { "[]" })),
        Verdict::Granted
    );
    assert_eq!(verdict(SCOPE, &given(), |_| ok("[]")), Verdict::Actor);
    assert_eq!(verdict("harvest:users:list", &given(), |_| ok("[]")), Verdict::Actor);
    assert_eq!(
        verdict(SCOPE, &given(), |c| if c == "users" { refused() } else { ok("[]") }),
        Verdict::Granted
    );
    // Refused here, empty in every other list: nothing shows that the actor has rights.
    assert_eq!(
        verdict(SCOPE, &given(), |c| if c == "candidates" { refused() } else { ok("[]") }),
        Verdict::Refused
    );
}

#[test]
fn a_write_scope_is_read_from_the_token_or_unknown() {
    let scope = "harvest:candidates:create";
    let never = |_: &str| panic!("nothing is requested");
    assert_eq!(verdict(scope, &granted(Some(&[scope]), None), never), Verdict::Granted);
    assert_eq!(verdict(scope, &granted(Some(&[SCOPE]), None), never), Verdict::Missing);
    assert_eq!(verdict(scope, &granted(None, None), never), Verdict::Unknown);
    assert_eq!(verdict(scope, &given(), never), Verdict::Unknown);
}

#[test]
fn every_permission_of_the_manifest_can_be_checked() {
    for permission in Greenhouse::describe().permissions {
        check(&permission.id, &given(), |_| ok(r#"[{"id":1,"name":"Intro"}]"#)).0.unwrap();
    }
    assert!(matches!(
        check("harvest:nothing:list", &given(), |_| ok("[]")).0,
        Err(Failure::Bug(_))
    ));
}

#[test]
fn an_error_is_not_a_verdict() {
    assert!(matches!(check(SCOPE, &given(), |_| answer(401, &[], "")).0, Err(Failure::Auth(_))));
    assert!(matches!(
        check(SCOPE, &given(), |_| answer(429, &[], "")).0,
        Err(Failure::Throttled(_))
    ));
    assert!(matches!(
        check(SCOPE, &given(), |_| answer(502, &[], "")).0,
        Err(Failure::Unavailable(_))
    ));
    assert_eq!(
        verdict(SCOPE, &given(), |_| answer(404, &[], r#"{"message":"Resource not found"}"#)),
        Verdict::Unknown
    );
}

fn sources(rows: &str) -> Checked {
    let given = Given { settings: r#"{"source":"Intro"}"#.into(), ..given() };
    check("setup:source", &given, |_| ok(rows)).0.unwrap()
}

#[test]
fn the_source_is_found_missing_or_ambiguous() {
    let found =
        sources(r#"[{"id":4000067003,"name":"Intro","type":null},{"id":2,"name":"Other"}]"#);
    assert_eq!(found.verdict, Verdict::Granted);
    assert!(found.detail.contains("4000067003"));
    assert_eq!(sources(r#"[{"id":2,"name":"Other"}]"#).verdict, Verdict::Missing);
    let like = sources(r#"[{"id":2,"name":"intro "}]"#);
    assert_eq!(like.verdict, Verdict::Missing);
    assert!(like.detail.contains("intro "), "{}", like.detail);
    let several = sources(r#"[{"id":1,"name":"Intro"},{"id":2,"name":"Intro"}]"#);
    assert_eq!(several.verdict, Verdict::Missing);
    assert!(
        several.detail.starts_with("ambiguous") && several.detail.contains("1, 2"),
        "{}",
        several.detail
    );
    assert_eq!(sources("[]").verdict, Verdict::Unknown);
}

#[test]
fn the_source_is_searched_on_every_page() {
    let given = Given { settings: r#"{"source":"Intro"}"#.into(), ..given() };
    let send = start(Task::Check("setup:source".into()), &given);
    assert_eq!(asked(&send), "/v3/sources?per_page=500");
    let next = "https://harvest.greenhouse.io/v3/sources?cursor=x";
    let send = sent(resume(
        send,
        &given,
        page(r#"[{"id":1,"name":"Intro"}]"#, &format!("<{next}>; rel=\"next\"")),
    ));
    assert_eq!(asked(&send), next);
    let Ok(Step::Done(Outcome::Checked(checked))) =
        resume(send, &given, ok(r#"[{"id":2,"name":"Intro"}]"#))
    else {
        panic!("a verdict")
    };
    assert!(checked.detail.starts_with("ambiguous"));
}

#[test]
fn an_unnamed_or_invisible_source_is_unknown() {
    assert_eq!(
        verdict("setup:source", &given(), |_| panic!("nothing is requested")),
        Verdict::Unknown
    );
    let given = Given { settings: r#"{"source":"Intro"}"#.into(), ..given() };
    assert_eq!(verdict("setup:source", &given, |_| refused()), Verdict::Unknown);
}

#[test]
fn a_misspelt_setting_is_a_misconfigured_connection() {
    let given = Given { settings: r#"{"sauce":"Intro"}"#.into(), ..given() };
    assert!(matches!(
        check("setup:source", &given, |_| ok("[]")).0,
        Err(Failure::Misconfigured(_))
    ));
}
