//! Tests reads of records by id.

use crate::support::*;
use atsync_adapter::PureAdapter;
use atsync_adapter::contract::*;
use atsync_greenhouse::Greenhouse;

fn fetch(kind: &str, ids: &[&str]) -> Task {
    Task::Fetch(Fetch { kind: kind.into(), ids: ids.iter().map(|id| (*id).to_owned()).collect() })
}

fn fetched(step: Result<Step, Failure>) -> Fetched {
    match step {
        Ok(Step::Done(Outcome::Fetched(fetched))) => fetched,
        other => panic!("records were expected, not {other:?}"),
    }
}

#[test]
fn each_id_is_requested_once_and_a_record_not_shown_is_missing() {
    let send = start(fetch("tags", &["3", "1", "3", "x"]), &given());
    assert_eq!(asked(&send), "/v3/candidate_tags?ids=3,1");
    let fetched = fetched(resume(
        send,
        &given(),
        ok(r#"[{"id":1,"name":"a","created_at":null,"updated_at":null}]"#),
    ));
    assert_eq!(fetched.items[0].id, "1");
    assert_eq!(fetched.missing, ["3", "x"], "an impossible id is missing, and is not requested");
}

#[test]
fn a_fetch_sends_the_parameters_of_a_scan() {
    assert_eq!(
        asked(&start(fetch("users", &["1"]), &given())),
        "/v3/users?show_service_accounts=true&ids=1"
    );
    let reasons = start(fetch("reject_reasons", &["1"]), &given());
    assert_eq!(asked(&reasons), "/v3/rejection_reasons?include_defaults=true&ids=1");
}

/// No source says whether `ids` shows a deleted job post; the fetch finds it either way.
#[test]
fn a_deleted_job_post_is_requested_twice() {
    let row = r#"[{"id":7,"job_id":2,"title":"x","active":false}]"#;
    let send = start(fetch("postings", &["7"]), &given());
    assert_eq!(asked(&send), "/v3/job_posts?active=true&ids=7");
    let send = sent(resume(send, &given(), ok("[]")));
    assert_eq!(asked(&send), "/v3/job_posts?active=false&ids=7");
    let found = fetched(resume(send, &given(), ok(row)));
    assert_eq!((found.items.len(), found.missing.len()), (1, 0));
    let send = start(fetch("postings", &["7"]), &given());
    let send = sent(resume(send, &given(), ok("[]")));
    assert_eq!(fetched(resume(send, &given(), ok("[]"))).missing, ["7"]);
}

/// harvest-v3.md §7 [?]: a stub may have its id or not. With it, the record exists and is unknown;
/// without, no record may be reported as missing.
#[test]
fn a_stub_is_neither_missing_nor_empty() {
    let send = start(fetch("candidates", &["5"]), &given());
    let fetched = fetched(resume(
        send,
        &given(),
        ok(r#"[{"id":5,"message":"Candidate is being processed"}]"#),
    ));
    assert_eq!((fetched.items.len(), fetched.missing.len()), (1, 0));
    assert_eq!((&*fetched.items[0].body, fetched.masks[0].len()), ("{}", 0), "it erases nothing");
    let send = start(fetch("candidates", &["5"]), &given());
    let nameless = resume(send, &given(), ok(r#"[{"message":"Candidate is being processed"}]"#));
    assert!(matches!(nameless, Err(Failure::Unavailable(_))));
}

#[test]
fn more_ids_than_a_filter_takes_are_a_bug_of_the_caller() {
    let ids: Vec<String> = (1..52).map(|id| id.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert!(matches!(Greenhouse::start(fetch("jobs", &ids), &given()), Err(Failure::Bug(_))));
}

#[test]
fn records_that_were_not_requested_are_refused() {
    let send = start(fetch("tags", &["1"]), &given());
    assert!(matches!(
        resume(send, &given(), ok(r#"[{"id":2,"name":"b"}]"#)),
        Err(Failure::Protocol(_))
    ));
}

#[test]
fn a_fetch_of_no_ids_needs_no_request() {
    let fetched = fetched(Greenhouse::start(fetch("jobs", &["nonsense"]), &given()));
    assert_eq!(fetched.missing, ["nonsense"]);
}
