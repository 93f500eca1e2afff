//! The adapter is a pure function, so its tests are JSON in, records out: no server, no engine, no
//! WebAssembly.

#![allow(clippy::panic, reason = "helpers of tests fail like tests")]

use atsync_adapter::PureAdapter;
use atsync_adapter::contract::{
    Continuation, Failure, Field, Given, Outcome, Page, Reply, Response, Scan, Since, Step, Target,
    Task,
};
use atsync_adapter_minimal::Plainlist;

fn given() -> Given {
    Given { now_ms: 0, settings: "{}".into(), tenant: None, mark: None, grant: None }
}

fn scan(cursor: Option<Vec<u8>>) -> Task {
    Task::Scan(Scan {
        kind: "jobs".into(),
        parent: None,
        since: Since::Everything,
        cursor,
        page_size: 2,
    })
}

/// The query that the adapter asks with, and its state.
fn asked(cursor: Option<Vec<u8>>) -> (Vec<Field>, Continuation) {
    let Ok(Step::Send(send)) = Plainlist::start(scan(cursor), &given()) else {
        panic!("no request")
    };
    let Target::Path(path) = send.request.target else { panic!("no path") };
    assert_eq!(path.path, "/jobs");
    (path.query, send.state)
}

fn answered(state: Continuation, status: u16, body: &str) -> Result<Page, Failure> {
    let reply = Reply::Response(Response { status, headers: Vec::new(), body: body.into() });
    match Plainlist::resume(state, &given(), reply)? {
        Step::Done(Outcome::Page(page)) => Ok(page),
        step => panic!("no page: {step:?}"),
    }
}

const FULL: &str = include_str!("full_page.json");
const LAST: &str = include_str!("last_page.json");

#[test]
fn a_full_page_leads_to_the_next_and_a_short_one_ends_the_pass() {
    let (query, state) = asked(None);
    assert_eq!(query, [Field::new("page", "1"), Field::new("per_page", "2")]);
    let page = answered(state, 200, FULL).unwrap();
    assert!(!page.complete);
    let (query, state) = asked(page.next);
    assert_eq!(query[0], Field::new("page", "2"));
    let page = answered(state, 200, LAST).unwrap();
    assert!(page.complete && page.next.is_none());
}

#[test]
fn a_job_is_unified_and_points_to_its_own_json() {
    let page = answered(asked(None).1, 200, FULL).unwrap();
    let job = &page.items[0];
    assert_eq!((job.kind.as_str(), job.id.as_str()), ("jobs", "7"));
    assert_eq!(job.body, r#"{"state":{"source":"live","value":"open"},"title":"Baker"}"#);
    let raw = job.raw.as_ref().unwrap();
    assert!(FULL[raw.offset as usize..][..raw.length as usize].starts_with(r#"{ "id": 7"#));
}

#[test]
fn refusals_say_what_the_engine_should_do() {
    assert!(matches!(answered(asked(None).1, 401, ""), Err(Failure::Auth(_))));
    assert!(matches!(answered(asked(None).1, 429, ""), Err(Failure::Throttled(None))));
    assert!(matches!(answered(asked(None).1, 503, ""), Err(Failure::Unavailable(_))));
    assert!(matches!(answered(asked(None).1, 200, "<html>"), Err(Failure::Protocol(_))));
}
