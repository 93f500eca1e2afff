//! The adapter is a pure function, so its tests are recorded answers in, records out: no server, no
//! engine, no WebAssembly. A test says what the adapter asks for, gives it the answer, and looks at
//! the outcome.

#![allow(clippy::panic, clippy::result_large_err, reason = "helpers of tests fail like tests")]

use atsync_adapter::PureAdapter;
use atsync_adapter::contract::{
    Certainty, Effect, Failure, Fetch, Field, Given, Hint, Hook, Operation, Outcome, Page, Probe,
    Probed, Problem, RemoteRef, Reply, Request, Response, Scan, Since, Step, Target, Task, Verdict,
    Window, Write, Written,
};
use atsync_adapter_minimal::Plainlist;

fn given() -> Given {
    let settings = r#"{"author": "3"}"#.into();
    Given { now_ms: 0, settings, tenant: None, mark: None, grant: None }
}

/// A task under way.
struct Under {
    state: Vec<u8>,
    effect: Effect,
    /// For example `GET /jobs?page=1`, with the body after it.
    line: String,
}

fn step(step: Result<Step, Failure>) -> Result<Under, Result<Outcome, Failure>> {
    match step {
        Ok(Step::Send(send)) => {
            Ok(Under { state: send.state, effect: send.effect, line: line(&send.request) })
        }
        Ok(Step::Done(outcome)) => Err(Ok(outcome)),
        Ok(step) => panic!("neither a request nor an outcome: {step:?}"),
        Err(failure) => Err(Err(failure)),
    }
}

fn line(request: &Request) -> String {
    let Target::Path(path) = &request.target else { panic!("no path") };
    let mut line = format!("{} {}", request.method, path.path);
    for (index, Field { name, value }) in path.query.iter().enumerate() {
        line += &format!("{}{name}={value}", if index == 0 { '?' } else { '&' });
    }
    if let atsync_adapter::contract::Body::Json(body) = &request.body {
        line += &format!(" {body}");
    }
    line
}

fn start(task: Task) -> Under {
    step(Plainlist::start(task, &given())).unwrap_or_else(|end| panic!("no request: {end:?}"))
}

impl Under {
    fn next(self, status: u16, body: &str) -> Result<Under, Result<Outcome, Failure>> {
        let response = Response { status, headers: Vec::new(), body: body.into() };
        step(Plainlist::resume(self.state, &given(), Reply::Response(response)))
    }

    fn ends(self, status: u16, body: &str) -> Result<Outcome, Failure> {
        match self.next(status, body) {
            Err(end) => end,
            Ok(under) => panic!("not the end: {}", under.line),
        }
    }

    fn page(self, body: &str) -> (Page, Vec<Problem>) {
        match self.ends(200, body) {
            Ok(Outcome::Page(page)) => (page, Vec::new()),
            Ok(Outcome::FlawedPage(flawed)) => flawed,
            end => panic!("no page: {end:?}"),
        }
    }
}

fn scan(kind: &str, since: Since, cursor: Option<Vec<u8>>) -> Task {
    let parent = (kind == "notes").then(|| RemoteRef::new("candidates", "11"));
    Task::Scan(Scan { kind: kind.into(), parent, since, cursor, page_size: 2 })
}

const FULL: &str = include_str!("answers/jobs_full.json");
const LAST: &str = include_str!("answers/jobs_last.json");
const PEOPLE: &str = include_str!("answers/people.json");
const NOTES: &str = include_str!("answers/notes.json");

#[test]
fn a_full_page_leads_to_the_next_and_a_short_one_ends_the_pass() {
    let first = start(scan("jobs", Since::Everything, None));
    assert_eq!(first.line, "GET /jobs?per_page=2&page=1");
    let (page, _) = first.page(FULL);
    assert!(!page.complete);
    let second = start(scan("jobs", Since::Everything, page.next));
    assert_eq!(second.line, "GET /jobs?per_page=2&page=2");
    let (page, _) = second.page(LAST);
    assert!(page.complete && page.next.is_none());
}

#[test]
fn a_job_is_unified_and_points_to_its_own_json() {
    let (page, problems) = start(scan("jobs", Since::Everything, None)).page(FULL);
    let job = &page.items[0];
    assert_eq!((job.kind.as_str(), job.id.as_str()), ("jobs", "7"));
    assert_eq!(job.version.as_deref(), Some("2026-05-11T13:53:44Z"));
    let body = r#"{"title":"Baker","state":{"value":"open","source":"live"},"updated_at":"#;
    assert_eq!(job.body, format!("{body}\"2026-05-11T13:53:44Z\"}}"));
    let raw = job.raw.as_ref().unwrap();
    assert!(FULL[raw.offset as usize..][..raw.length as usize].starts_with(r#"{ "id": 7"#));
    assert_eq!(page.masks, [["title", "state", "updated_at"]]);
    assert!(problems.is_empty());
}

#[test]
fn absent_members_are_unknown_null_ones_empty_and_bad_ones_are_reported() {
    let since = Since::Window(Window {
        from: "2026-05-01T00:00:00Z".into(),
        to: "2026-06-01T00:00:00Z".into(),
    });
    let first = start(scan("candidates", since, None));
    let asked =
        "GET /people?per_page=2&updated_from=2026-05-01T00:00:00Z&updated_to=2026-06-01T00:00:00Z";
    assert_eq!(first.line, asked);
    let (page, problems) = first.page(PEOPLE);
    let mask = |index: usize| page.masks[page.items[index].mask as usize].join(" ");
    assert_eq!(mask(0), "name emails company created_at updated_at");
    assert_eq!(mask(1), "name emails company updated_at");
    assert_eq!(mask(2), "name");
    assert_eq!(
        page.items[1].body,
        r#"{"name":{"first":"Grace"},"updated_at":"2026-05-12T08:00:00Z"}"#
    );
    let reported: Vec<String> = problems
        .iter()
        .map(|one| format!("{:?} {:?} {}", one.id, one.field, one.message))
        .collect();
    let fault = "differs from the documented shape";
    assert_eq!(
        reported,
        [
            format!("Some(\"13\") Some(\"emails\") `email` {fault}"),
            format!("Some(\"13\") Some(\"updated_at\") `updated_at` {fault}"),
            format!("None None the row {fault}: it has no `id` (at byte 443)"),
        ]
    );
    assert!(!page.complete);
    let next = start(scan("candidates", Since::Everything, page.next));
    assert_eq!(next.line, "GET /people?per_page=2&after=b2Zmc2V0");
}

#[test]
fn notes_are_listed_under_their_candidate() {
    let asked = start(scan("notes", Since::Everything, None));
    assert_eq!(asked.line, "GET /people/11/notes");
    let (page, _) = asked.page(NOTES);
    assert!(page.complete && page.items[0].body.contains(r#""candidate":{"id":"11"}"#));
}

#[test]
fn a_record_that_is_gone_is_missing() {
    let fetch = || Task::Fetch(Fetch { kind: "candidates".into(), ids: vec!["11".into()] });
    assert_eq!(start(fetch()).line, "GET /people/11");
    let Ok(Outcome::Fetched(found)) = start(fetch()).ends(200, r#"{"id": 11, "first": "Ada"}"#)
    else {
        panic!("not fetched")
    };
    assert_eq!((found.items.len(), found.missing.len()), (1, 0));
    let Ok(Outcome::Fetched(found)) = start(fetch()).ends(404, "") else { panic!("not fetched") };
    assert_eq!(found.missing, ["11"]);
}

fn note() -> Operation {
    let input = r#"{"candidate": "11", "body": "Prefers mail"}"#.into();
    Operation { name: "notes.create".into(), target: None, input }
}

fn write() -> Under {
    start(Task::Write(Write { operation: note(), observed: None }))
}

#[test]
fn a_note_is_written_by_one_request() {
    let sent = write();
    assert_eq!(sent.line, r#"POST /people/11/notes {"text":"Prefers mail","author":"3"}"#);
    assert_eq!(sent.effect, Effect::Unsafe);
    let Ok(Outcome::Written(Written::Applied(applied))) = sent.ends(201, r#"{"id": 8}"#) else {
        panic!("not applied")
    };
    assert_eq!((applied.links[0].role.as_str(), applied.links[0].id.as_str()), ("subject", "8"));
    let written = |status, body| match write().ends(status, body) {
        Ok(Outcome::Written(written)) => written,
        end => panic!("not written: {end:?}"),
    };
    assert!(matches!(written(422, r#"{"error": "no text"}"#), Written::Refused(_)));
    assert!(matches!(written(500, ""), Written::Unclear(_)));
    assert!(matches!(written(201, "<html>"), Written::Unclear(_)));
}

#[test]
fn a_note_in_doubt_is_found_by_its_text() {
    let probe = || start(Task::Probe(Probe { operation: note(), first_sent_ms: Some(1) }));
    assert_eq!(probe().line, "GET /people/11/notes");
    let probed = |body| match probe().ends(200, body) {
        Ok(Outcome::Probed(probed)) => probed,
        end => panic!("not probed: {end:?}"),
    };
    let Probed::Found(found) = probed(NOTES) else { panic!("not found") };
    assert_eq!((found.links[0].id.as_str(), found.certainty), ("6", Certainty::Matched));
    assert_eq!(probed(r#"{"notes": []}"#), Probed::Absent(10_000));
    let twice =
        r#"{"notes": [{"id": 6, "text": "Prefers mail"}, {"id": 7, "text": "Prefers mail"}]}"#;
    assert!(matches!(probed(twice), Probed::Ambiguous(of) if of.len() == 2));
}

#[test]
fn a_permission_is_checked_without_changing_anything() {
    let check = || start(Task::Check("people".into()));
    assert_eq!(check().line, "GET /people?per_page=1");
    let verdict = |status| match check().ends(status, "{}") {
        Ok(Outcome::Checked(checked)) => checked.verdict,
        end => panic!("not checked: {end:?}"),
    };
    assert_eq!((verdict(200), verdict(403)), (Verdict::Granted, Verdict::Missing));
}

#[test]
fn a_webhook_is_used_after_its_signature_is_checked() {
    let headers = vec![Field::new("X-Plainlist-Signature", "sha256=AB12")];
    let body = include_bytes!("answers/hook.json").to_vec();
    let hook = Task::Hook(Hook { headers, body });
    let Ok(Step::Verify(verify)) = Plainlist::start(hook, &given()) else { panic!("no signature") };
    assert_eq!(verify.candidates, ["ab12"]);
    let hooked = |is_right| match Plainlist::resume(
        verify.state.clone(),
        &given(),
        Reply::Verified(is_right),
    ) {
        Ok(Step::Done(Outcome::Hooked(hooked))) => hooked,
        step => panic!("not hooked: {step:?}"),
    };
    let person = RemoteRef::new("candidates", "11");
    assert_eq!(hooked(true).hints, [Hint::Changed(person)]);
    assert_eq!((hooked(false).answer.status, hooked(false).hints.len()), (401, 0));
}

#[test]
fn refusals_say_what_the_engine_should_do() {
    let refused = |status| start(scan("jobs", Since::Everything, None)).ends(status, "");
    assert!(matches!(refused(401), Err(Failure::Auth(_))));
    assert!(matches!(refused(429), Err(Failure::Throttled(None))));
    assert!(matches!(refused(503), Err(Failure::Unavailable(_))));
    let html = start(scan("jobs", Since::Everything, None)).ends(200, "<html>");
    assert!(matches!(html, Err(Failure::Protocol(_))));
}
