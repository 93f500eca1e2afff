//! Lists, writes and probes of the upper layer, in the styles of several ATSs: requests and
//! outcomes only, without an engine.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "helpers of tests fail like tests"
)]

use atsync_adapter::PureAdapter;
use atsync_adapter::contract::{
    Body, Field, Operation as Task0, Outcome, Page, Probe as ProbeTask, RemoteRef, Response, Scan,
    Send, Since, Target, Window, Write as WriteTask, Written,
};
use atsync_adapter::kit::*;

struct Styles;
atsync_adapter::adapter!(Styles);

impl Adapter for Styles {
    const ABOUT: About = About::new("styles", "0.1.0")
        .origins(&[Origin::fixed("api", "https://styles.example")])
        .auth(&[Auth::BasicUsername])
        .account(Account::at(Ask::post("/apiKey.info").body("{}"), "/results/title"))
        .kinds(&[LEVER, ASHBY, WORKABLE, TAGS])
        .operations(&[UPDATE]);

    /// Ashby refuses with status 200.
    fn failure(answer: &Answer<'_>) -> Option<Failure> {
        if answer.at("/success")?.as_bool()? {
            return None;
        }
        Some(match answer.text("/errorInfo/code")? {
            "sync_token_expired" => Failure::Restart(Restart::Everything),
            _ => Failure::Invalid(Vec::new()),
        })
    }

    fn start_by_hand(task: &Task, _: &Given) -> Option<Result<Step, Failure>> {
        let Task::Check(_) = task else { return None };
        let request = atsync_adapter::contract::Request {
            origin: "api".into(),
            method: "GET".into(),
            target: Target::Path(atsync_adapter::contract::Path {
                path: "/own".into(),
                query: Vec::new(),
            }),
            headers: Vec::new(),
            body: Body::None,
        };
        let effect = atsync_adapter::contract::Effect::Safe;
        Some(Ok(Step::Send(Send { request, state: b"own".to_vec(), effect, secrets: Vec::new() })))
    }

    fn resume_by_hand(state: Continuation, _: &Given, _: Reply) -> Result<Step, Failure> {
        let detail = String::from_utf8(state).unwrap();
        Ok(Step::Done(Outcome::Checked(Checked { verdict: Verdict::Granted, detail })))
    }
}

const LEVER: Kind = Kind::of::<Named>("stages")
    .fields(&["name"])
    .list(
        List::get("/v1/opportunities")
            .rows("/data")
            .size("limit", 100)
            .cursor("offset", "/next")
            .encoded()
            .more("/hasNext")
            .window(Clock::Millis, &[("from", "{from}"), ("to", "{to}")]),
    )
    .overlap_ms(1000);
const ASHBY: Kind = Kind::of::<Named>("sources").fields(&["name"]).list(
    List::post("/candidate.list")
        .rows("/results")
        .size("limit", 100)
        .cursor("cursor", "/nextCursor")
        .more("/moreDataAvailable")
        .token("syncToken", "/syncToken"),
);
const WORKABLE: Kind = Kind::of::<Named>("offices")
    .fields(&["name"])
    .list(List::get("/spi/v3/jobs").rows("/jobs").size("limit", 100).next_url("/paging/next"))
    .list(List::get("/spi/v3/old").rows("/jobs").offset("skip").size("limit", 100));
const TAGS: Kind =
    Kind::of::<Named>("candidates").fields(&["title"]).extra(&["name"]).list(List::get("/tags"));

#[derive(serde::Deserialize)]
struct Named {
    id: Id,
    name: Got<String>,
}

impl Row for Named {
    fn record(self, _: &Source<'_>) -> Record {
        Record::new(self.id).field("name", self.name)
    }
}

const UPDATE: Operation = Operation::new("candidates.update", EffectClass::Idempotent, merge)
    .members(&[("title", FieldMode::Set)])
    .refused(&[422])
    .probe(shown, 500);

/// Reads the list that the ATS takes as a whole, and sends it with one entry more.
fn merge(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Applied, Stop> {
    let mut tags: Vec<String> =
        ats.read(Ask::get("/people/{target}"), |answer| answer.get("/tags"))?;
    if tags.iter().any(|tag| tag == "new") {
        return Ok(op.done());
    }
    tags.push("new".into());
    let call = Call::from(Ask::put("/people/{target}/tags")).json(&tags);
    ats.send(call, |_| Ok(()))?;
    Ok(op.done())
}

fn shown(ats: &mut Ats<'_>, op: &Op<'_>) -> Result<Probed, Stop> {
    let tags: Vec<String> = ats.read(Ask::get("/people/{target}"), |answer| answer.get("/tags"))?;
    Ok(op.shown(tags.iter().any(|tag| tag == "new")))
}

fn given() -> Given {
    Given { now_ms: 0, settings: "{}".into(), tenant: None, mark: None, grant: None }
}

/// A request as a line, and its state.
fn sent(step: Result<Step, Failure>) -> (String, Vec<u8>) {
    let Ok(Step::Send(send)) = step else { panic!("no request: {step:?}") };
    let mut line = send.request.method;
    match send.request.target {
        Target::Link(link) => line += &format!(" <{link}>"),
        Target::Path(path) => {
            line += &format!(" {}", path.path);
            for (index, Field { name, value }) in path.query.iter().enumerate() {
                line += &format!("{}{name}={value}", if index == 0 { '?' } else { '&' });
            }
        }
    }
    if let Body::Json(json) = send.request.body {
        line += &format!(" {json}");
    }
    (line, send.state)
}

fn reply(state: Vec<u8>, status: u16, body: &str) -> Result<Step, Failure> {
    let response = Response { status, headers: Vec::new(), body: body.into() };
    Styles::resume(state, &given(), Reply::Response(response))
}

fn scan(kind: &str, since: Since, cursor: Option<Vec<u8>>) -> (String, Vec<u8>) {
    let task = Scan { kind: kind.into(), parent: None, since, cursor, page_size: 2 };
    sent(Styles::start(Task::Scan(task), &given()))
}

fn page(step: Result<Step, Failure>) -> Page {
    match step {
        Ok(Step::Done(Outcome::Page(page))) => page,
        step => panic!("no page: {step:?}"),
    }
}

const ROW: &str = r#"{"id": 1, "name": "a"}"#;

#[test]
fn a_token_in_the_body_is_decoded_once_and_windows_are_milliseconds() {
    let window = Window { from: "1970-01-01T00:00:01Z".into(), to: "1970-01-01T00:00:02Z".into() };
    let (line, state) = scan("stages", Since::Window(window.clone()), None);
    assert_eq!(line, "GET /v1/opportunities?limit=2&from=1000&to=2000");
    let body = format!(r#"{{"data": [{ROW}], "hasNext": true, "next": "%5B3%2C%22a%22%5D"}}"#);
    let first = page(reply(state, 200, &body));
    let (line, state) = scan("stages", Since::Window(window), first.next);
    assert_eq!(line, r#"GET /v1/opportunities?limit=2&from=1000&to=2000&offset=[3,"a"]"#);
    // The same page again is a circle, a flag without a page a fault, and neither is the end.
    let refused = |body: &str| reply(state.clone(), 200, body);
    assert!(matches!(refused(&body), Err(Failure::Protocol(_))));
    let none = r#"{"data": [], "hasNext": true}"#;
    assert!(matches!(refused(none), Err(Failure::Protocol(_))));
    assert!(matches!(refused(r#"{"data": []}"#), Err(Failure::Protocol(_))));
    assert!(matches!(refused(r#"{"hasNext": false}"#), Err(Failure::Protocol(_))));
    assert!(page(refused(r#"{"data": [], "hasNext": false}"#)).complete);
    assert!(matches!(reply(state, 400, "{}"), Err(Failure::Restart(Restart::Pass))));
}

#[test]
fn pages_that_go_in_a_circle_of_any_length_end() {
    let mut cursor = None;
    for step in 0..100 {
        let (_, state) = scan("stages", Since::Everything, cursor);
        let body = format!(r#"{{"data": [], "hasNext": true, "next": "p{}"}}"#, step % 7);
        match reply(state, 200, &body) {
            Err(Failure::Protocol(_)) => return,
            step => cursor = page(step).next,
        }
    }
    panic!("a circle of seven pages was walked a hundred times");
}

#[test]
fn a_list_by_post_has_its_parameters_in_the_body_and_ends_with_a_token() {
    assert!(Styles::describe().safe.iter().any(|safe| safe.path == "/candidate.list"));
    let (line, state) = scan("sources", Since::Token(b"t1".to_vec()), None);
    assert_eq!(line, r#"POST /candidate.list {"limit":2,"syncToken":"t1"}"#);
    let body = r#"{"success": true, "results": [], "moreDataAvailable": false, "syncToken": "t2"}"#;
    let last = page(reply(state.clone(), 200, body));
    assert_eq!((last.complete, last.checkpoint.as_deref()), (true, Some(&b"t2"[..])));
    let expired = r#"{"success": false, "errorInfo": {"code": "sync_token_expired"}}"#;
    let refused = reply(state, 200, expired);
    assert!(matches!(refused, Err(Failure::Restart(Restart::Everything))));
}

#[test]
fn a_url_of_the_next_page_is_followed_as_it_is_and_a_second_list_after_the_first() {
    let (_, state) = scan("offices", Since::Everything, None);
    let body =
        format!(r#"{{"jobs": [{ROW}], "paging": {{"next": "https://x.example/j?since_id=2"}}}}"#);
    let first = page(reply(state, 200, &body));
    let (line, state) = scan("offices", Since::Everything, first.next);
    assert_eq!(line, "GET <https://x.example/j?since_id=2>");
    let second = page(reply(state, 200, &format!(r#"{{"jobs": [{ROW}]}}"#)));
    assert!(!second.complete, "there is a second list");
    let (line, state) = scan("offices", Since::Everything, second.next);
    assert_eq!(line, "GET /spi/v3/old?limit=2&skip=0");
    let third = page(reply(state, 200, &format!(r#"{{"jobs": [{ROW}, {ROW}]}}"#)));
    let (line, state) = scan("offices", Since::Everything, third.next);
    assert_eq!(line, "GET /spi/v3/old?limit=2&skip=2");
    assert!(page(reply(state, 200, r#"{"jobs": []}"#)).complete);
}

fn update() -> Task0 {
    let target = Some(RemoteRef::new("candidates", "7/8"));
    Task0 { name: "candidates.update".into(), target, input: "{}".into() }
}

fn written(step: Result<Step, Failure>) -> Written {
    match step {
        Ok(Step::Done(Outcome::Written(written))) => written,
        step => panic!("not written: {step:?}"),
    }
}

#[test]
fn a_write_reads_first_and_sends_once() {
    let start = || {
        let task = WriteTask { operation: update(), observed: None };
        sent(Styles::start(Task::Write(task), &given()))
    };
    let (line, state) = start();
    assert_eq!(line, "GET /people/7%2F8");
    let (line, state) = sent(reply(state, 200, r#"{"tags": ["old"]}"#));
    assert_eq!(line, r#"PUT /people/7%2F8/tags ["old","new"]"#);
    assert!(matches!(written(reply(state.clone(), 200, "")), Written::Applied(_)));
    assert!(matches!(written(reply(state.clone(), 422, "")), Written::Refused(_)));
    assert!(matches!(written(reply(state.clone(), 404, "")), Written::Unclear(_)));
    let refusal = r#"{"success": false, "errorInfo": {"code": "invalid_input"}}"#;
    assert!(matches!(written(reply(state, 200, refusal)), Written::Refused(_)));
    let unneeded = reply(start().1, 200, r#"{"tags": ["new"]}"#);
    assert!(matches!(written(unneeded), Written::Unneeded(_)));
    assert!(matches!(reply(start().1, 404, ""), Err(Failure::NotFound(_))));
    assert!(matches!(reply(start().1, 200, "{}"), Err(Failure::Protocol(_))));
}

#[test]
fn a_probe_of_a_change_looks_at_the_target() {
    let probed = |body| {
        let task = ProbeTask { operation: update(), first_sent_ms: Some(1) };
        let (_, state) = sent(Styles::start(Task::Probe(task), &given()));
        match reply(state, 200, body) {
            Ok(Step::Done(Outcome::Probed(probed))) => probed,
            step => panic!("not probed: {step:?}"),
        }
    };
    assert!(matches!(probed(r#"{"tags": ["new"]}"#), Probed::Found(_)));
    assert_eq!(probed(r#"{"tags": []}"#), Probed::Absent(500));
}

#[test]
fn a_task_done_by_hand_keeps_its_own_state() {
    let (line, state) = sent(Styles::start(Task::Check("any".into()), &given()));
    assert_eq!(line, "GET /own");
    let Ok(Step::Done(Outcome::Checked(checked))) = reply(state, 200, "") else {
        panic!("not checked")
    };
    assert_eq!(checked.detail, "own");
}

#[test]
fn a_record_too_large_for_a_continuation_is_refused_before_it_is_sent() {
    let input = format!(r#"{{"title": "{}"}}"#, "x".repeat(70_000));
    let task = WriteTask { operation: Task0 { input, ..update() }, observed: None };
    let refused = Styles::start(Task::Write(task), &given());
    assert!(matches!(refused, Err(Failure::Invalid(_))));
}

#[test]
fn states_that_no_task_wrote_are_refused() {
    for state in [&b""[..], b"x", b"s", b"s{}", b"o[]", b"\xff\xff"] {
        assert!(matches!(reply(state.to_vec(), 200, "{}"), Err(Failure::Bug(_))), "{state:?}");
    }
}

/// Bodies that no ATS documents: a failure, never an end of the list and never a panic.
#[test]
fn hostile_pages_are_failures() {
    let deep = format!(r#"{{"data": {}1{}, "hasNext": false}}"#, "[".repeat(500), "]".repeat(500));
    for body in ["", "{", "[]", "null", "7", "<html>", r#"{"data": {}}"#, r#"{"data": 1}"#, &deep] {
        let (_, state) = scan("stages", Since::Everything, None);
        let refused = reply(state, 200, body);
        let is_failure = matches!(refused, Err(Failure::Protocol(_)));
        // A deep row is one that cannot be read.
        let is_problem = matches!(refused, Ok(Step::Done(Outcome::FlawedPage(_))));
        assert!(is_failure || is_problem, "{body}: {refused:?}");
    }
    for status in [100, 302, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503] {
        let (_, state) = scan("stages", Since::Everything, None);
        assert!(reply(state, status, "").is_err(), "{status}");
    }
}
