//! Tests pages, and the link from each to the next.

use crate::support::*;
use atsync_adapter::PureAdapter;
use atsync_adapter::contract::*;
use atsync_greenhouse::Greenhouse;

const NEXT: &str = "https://harvest.greenhouse.io/v3/candidates?cursor=abc";

fn done(step: Result<Step, Failure>) -> Page {
    match step {
        Ok(Step::Done(Outcome::Page(page))) => page,
        other => panic!("a page was expected, not {other:?}"),
    }
}

#[test]
fn a_window_is_closed_and_a_page_never_exceeds_greenhouses_limit() {
    let window = Since::Window(Window {
        from: "2026-01-01T00:00:00Z".into(),
        to: "2026-02-01T00:00:00Z".into(),
    });
    let send = start(
        Task::Scan(Scan { since: window, page_size: 9000, ..everything("applications") }),
        &given(),
    );
    assert_eq!(
        asked(&send),
        "/v3/applications?updated_at=gte|2026-01-01T00:00:00Z|lte|2026-02-01T00:00:00Z&per_page=500"
    );
}

#[test]
fn a_cursor_allows_no_other_parameter() {
    let send = start(Task::Scan(everything("candidates")), &given());
    let first =
        done(resume(send, &given(), page(r#"[{"id":1}]"#, &format!("<{NEXT}>; rel=\"next\""))));
    assert!(!first.complete, "a page shorter than requested may have a next one");
    let window = Since::Window(Window { from: "a".into(), to: "b".into() });
    let send = start(
        Task::Scan(Scan { cursor: first.next, since: window, ..everything("candidates") }),
        &given(),
    );
    assert_eq!(send.request.target, Target::Link(NEXT.into()));
    let last = done(resume(send, &given(), ok("[]")));
    assert!(last.complete && last.next.is_none());
}

/// harvest-v3.md §4: both forms were seen.
#[test]
fn the_last_page_has_an_empty_link_header_or_none() {
    for response in [page("[]", ""), ok("[]")] {
        let last = scanned("jobs", response).unwrap();
        assert!(last.complete && last.next.is_none());
    }
}

#[test]
fn a_page_that_has_itself_as_the_next_is_refused() {
    let send = start(Task::Scan(everything("candidates")), &given());
    let first = done(resume(send, &given(), page("[]", &format!("<{NEXT}>; rel=\"next\""))));
    let send = start(Task::Scan(Scan { cursor: first.next, ..everything("candidates") }), &given());
    let again = resume(send, &given(), page("[]", &format!("<{NEXT}>; rel=\"next\"")));
    assert!(matches!(again, Err(Failure::Protocol(_))));
}

#[test]
fn job_posts_are_scanned_twice_since_deleted_ones_are_hidden() {
    let row = r#"{"id":1,"job_id":2,"title":"x","active":true}"#;
    let send = start(Task::Scan(everything("postings")), &given());
    assert_eq!(asked(&send), "/v3/job_posts?active=true&per_page=100");
    let first = done(resume(send, &given(), ok(&format!("[{row}]"))));
    assert!(!first.complete, "only the active posts are read");
    let send = start(Task::Scan(Scan { cursor: first.next, ..everything("postings") }), &given());
    assert_eq!(asked(&send), "/v3/job_posts?active=false&per_page=100");
    let link = "<https://harvest.greenhouse.io/v3/job_posts?cursor=z>; rel=\"next\"";
    let second = done(resume(send, &given(), page("[]", link)));
    let send = start(Task::Scan(Scan { cursor: second.next, ..everything("postings") }), &given());
    let last = done(resume(send, &given(), ok("[]")));
    assert!(last.complete);
}

#[test]
fn rows_hidden_by_default_are_requested() {
    let reasons = start(Task::Scan(everything("reject_reasons")), &given());
    assert_eq!(asked(&reasons), "/v3/rejection_reasons?include_defaults=true&per_page=500");
    let users = start(Task::Scan(everything("users")), &given());
    assert_eq!(asked(&users), "/v3/users?show_service_accounts=true&per_page=500");
}

/// Either text of an expired cursor (harvest-v3.md §4 [?]) restarts the pass; the same answer to a
/// first page does not.
#[test]
fn an_expired_cursor_begins_the_pass_again() {
    for body in [
        r#"{"errors":["Cursor expired"]}"#,
        r#"{"message":"Unprocessable Content","errors":[{"cursor":"is invalid"}]}"#,
    ] {
        let send = start(Task::Scan(everything("candidates")), &given());
        let first = done(resume(send, &given(), page("[]", &format!("<{NEXT}>; rel=\"next\""))));
        let send =
            start(Task::Scan(Scan { cursor: first.next, ..everything("candidates") }), &given());
        assert_eq!(
            resume(send, &given(), answer(422, &[], body)),
            Err(Failure::Restart(Restart::Pass))
        );
        let send = start(Task::Scan(everything("candidates")), &given());
        assert!(matches!(resume(send, &given(), answer(422, &[], body)), Err(Failure::Invalid(_))));
    }
}

#[test]
fn a_cursor_with_other_parameters_is_a_protocol_failure_and_does_not_restart_the_pass() {
    let send = start(Task::Scan(everything("candidates")), &given());
    let first = done(resume(send, &given(), page("[]", &format!("<{NEXT}>; rel=\"next\""))));
    let send = start(Task::Scan(Scan { cursor: first.next, ..everything("candidates") }), &given());
    let body = r#"{"errors":["When passing a cursor, do not include other query params."]}"#;
    assert!(matches!(resume(send, &given(), answer(422, &[], body)), Err(Failure::Protocol(_))));
}

#[test]
fn a_refused_scan_names_its_scope() {
    let Err(Failure::Denied(denied)) =
        scanned("tags", answer(403, &[], r#"{"message":"Forbidden"}"#))
    else {
        panic!("denied")
    };
    assert_eq!(denied.permission, "harvest:candidate_tags:list");
}

#[test]
fn the_position_of_a_bad_member_is_reported_and_never_its_content() {
    let (page, problems) =
        scanned_with("candidates", ok(r#"[{"id":1},7,{"id":2,"tags":{"secret":"Ada"}}]"#));
    assert_eq!(page.items.iter().map(|item| &*item.id).collect::<Vec<_>>(), ["1", "2"]);
    let told: Vec<_> =
        problems.iter().map(|problem| (problem.id.as_deref(), problem.field.as_deref())).collect();
    assert_eq!(told, [(None, None), (Some("2"), Some("tags"))]);
    assert!(problems[0].message.contains("row 1 of a page of candidates"), "{problems:?}");
    assert!(
        problems[1].message.contains("`tags`") && !format!("{problems:?}").contains("Ada"),
        "{problems:?}"
    );
}

#[test]
fn an_invalid_task_of_the_engine_is_a_bug_failure_and_not_a_panic() {
    for task in [
        Scan { since: Since::Token(vec![1]), ..everything("jobs") },
        Scan { parent: Some(RemoteRef::new("jobs", "1")), ..everything("stages") },
        Scan { cursor: Some(b"no cursor of ours".to_vec()), ..everything("jobs") },
        Scan { cursor: Some(br#"{"walk":0,"link":""}"#.to_vec()), ..everything("jobs") },
        everything("nothing"),
    ] {
        assert!(matches!(Greenhouse::start(Task::Scan(task), &given()), Err(Failure::Bug(_))));
    }
    let stray = Greenhouse::resume(b"{\"scan\":{}}".to_vec(), &given(), Reply::Verified(true));
    assert!(matches!(stray, Err(Failure::Bug(_))));
}
