//! Shorthands for the read tests.

use atsync_adapter::PureAdapter;
use atsync_adapter::contract::*;
use atsync_greenhouse::Greenhouse;
use serde_json::Value;
use std::path::PathBuf;

pub(crate) fn given() -> Given {
    Given {
        now_ms: 1_795_500_000_000,
        settings: "{}".into(),
        tenant: None,
        mark: None,
        grant: None,
    }
}

/// Returns a `given` whose settings name every sensitive kind.
pub(crate) fn opted_in() -> Given {
    let kinds: Vec<&str> = atsync_greenhouse::raw::RAW
        .iter()
        .filter(|kind| kind.sensitive)
        .map(|kind| kind.name)
        .collect();
    Given { settings: serde_json::json!({"sensitive_kinds": kinds}).to_string(), ..given() }
}

/// Returns a `given` with the scopes and the actor of a token.
pub(crate) fn granted(scopes: Option<&[&str]>, actor: Option<&str>) -> Given {
    let scopes = scopes.map(|all| all.iter().map(|scope| (*scope).to_owned()).collect());
    Given { grant: Some(Grant { scopes, actor: actor.map(str::to_owned) }), ..given() }
}

pub(crate) fn ok(body: &str) -> Response {
    answer(200, &[("content-type", "application/json;charset=utf-8")], body)
}

pub(crate) fn page(body: &str, link: &str) -> Response {
    answer(200, &[("content-type", "application/json;charset=utf-8"), ("link", link)], body)
}

pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = headers.iter().map(|(name, value)| Field::new(*name, *value)).collect();
    Response { status, headers, body: body.into() }
}

pub(crate) fn everything(kind: &str) -> Scan {
    Scan { kind: kind.into(), parent: None, since: Since::Everything, cursor: None, page_size: 500 }
}

pub(crate) fn sent(step: Result<Step, Failure>) -> Send {
    match step {
        Ok(Step::Send(send)) => {
            assert_eq!(send.effect, Effect::Safe, "the read half changes nothing");
            assert_eq!((&*send.request.origin, &*send.request.method), ("api", "GET"));
            assert!(send.state.len() < CONTINUATION_BYTES_MAX);
            send
        }
        other => panic!("a request was expected, not {other:?}"),
    }
}

pub(crate) fn start(task: Task, given: &Given) -> Send {
    sent(Greenhouse::start(task, given))
}

pub(crate) fn resume(send: Send, given: &Given, response: Response) -> Result<Step, Failure> {
    Greenhouse::resume(send.state, given, Reply::Response(response))
}

/// Formats a request as `path?name=value&…`, unencoded.
pub(crate) fn asked(send: &Send) -> String {
    match &send.request.target {
        Target::Link(link) => link.clone(),
        Target::Path(path) => {
            let query: Vec<String> =
                path.query.iter().map(|field| format!("{}={}", field.name, field.value)).collect();
            if query.is_empty() {
                path.path.clone()
            } else {
                format!("{}?{}", path.path, query.join("&"))
            }
        }
    }
}

/// Reads one page of a kind from one answer.
pub(crate) fn scanned(kind: &str, response: Response) -> Result<Page, Failure> {
    let send = start(Task::Scan(everything(kind)), &given());
    match resume(send, &given(), response)? {
        Step::Done(Outcome::Page(page)) => Ok(page),
        other => panic!("a page was expected, not {other:?}"),
    }
}

/// Reads one page of a kind from one answer, and returns its problems too.
pub(crate) fn scanned_with(kind: &str, response: Response) -> (Page, Vec<Problem>) {
    let send = start(Task::Scan(everything(kind)), &given());
    match resume(send, &given(), response) {
        Ok(Step::Done(Outcome::Page(page))) => (page, Vec::new()),
        Ok(Step::Done(Outcome::FlawedPage(flawed))) => flawed,
        other => panic!("a page was expected, not {other:?}"),
    }
}

/// Returns the unified record and mask of the only row.
pub(crate) fn read(kind: &str, row: &str) -> (Value, Vec<String>) {
    let page = scanned(kind, ok(&format!("[{row}]"))).unwrap();
    assert_eq!(page.items.len(), 1);
    let item = &page.items[0];
    (serde_json::from_str(&item.body).unwrap(), page.masks[item.mask as usize].clone())
}

/// Finds the folder with the reference, which is not part of the project; prints that it is skipped
/// when it is missing.
pub(crate) fn shared(file: &str) -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder =
        std::env::var_os("ATSYNC_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let path = folder.join(file);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} does not exist (ATSYNC_SHARED names its folder)", path.display());
    None
}
