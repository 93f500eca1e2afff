//! The Greenhouse adapter as a component gives what it gives natively: on real answers, and on pages of every kind.
//!
//! Method: both are driven through the same exchange and every answer of the two is compared whole: steps with their requests and continuations, outcomes
//! with their items, masks, cursors and places of raw JSON. The real answers lie outside of the project (`ATSYNC_SHARED`, else `../shared` beside the
//! workspace); without them that test says so and passes. The other one needs only the sandbox.

#![allow(
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test says what it compares and stops"
)]

use atsync::adapter::Adapter;
use atsync::model::contract::{
    Given, Item, Outcome, Page, Reply, Request, Response, Scan, Send, Since, Step, Target, Task,
};
use atsync::model::manifest::ScanRule;
use atsync_greenhouse_sandbox::{ManualClock, Sandbox, SandboxOptions};
use atsync_tests::{BEGIN_MS, native_greenhouse, wasm_greenhouse};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[path = "../adapters/greenhouse/tests/read/recording.rs"]
mod recording;

/// Pages read of each kind.
const PAGES_MAX: usize = 3;
/// Rows of one page: small, so that most kinds have a second one.
const PAGE_ROWS: u32 = 100;

/// Both forms of the adapter. What they say must be the same, always.
struct Both {
    native: Arc<dyn Adapter>,
    wasm: Arc<dyn Adapter>,
}

impl Both {
    fn new() -> Self {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("adapters");
        Self { native: native_greenhouse(), wasm: wasm_greenhouse(&cache) }
    }

    fn start(&self, task: &Task) -> Send {
        let native = self.native.start(task.clone(), given()).unwrap();
        assert_eq!(native, self.wasm.start(task.clone(), given()).unwrap(), "{task:?}");
        match native {
            Ok(Step::Send(send)) => send,
            other => panic!("a request for {task:?}, not {other:?}"),
        }
    }

    fn page(&self, state: &[u8], response: &Response) -> Page {
        let resume = |adapter: &Arc<dyn Adapter>| {
            adapter.resume(state.to_vec(), given(), Reply::Response(response.clone())).unwrap()
        };
        let native = resume(&self.native);
        let wasm = resume(&self.wasm);
        // Not assert_eq: the text of a page that differs would be megabytes.
        assert!(native == wasm, "{}", difference(&native, &wasm));
        match native {
            Ok(Step::Done(Outcome::Page(page))) => page,
            Ok(_) => panic!("a page was expected"),
            Err(failure) => panic!("{failure}"),
        }
    }
}

type Answer = Result<Step, atsync::model::contract::Failure>;

fn difference(native: &Answer, wasm: &Answer) -> String {
    let (Ok(Step::Done(Outcome::Page(left))), Ok(Step::Done(Outcome::Page(right)))) = (native, wasm) else {
        return format!("{native:.400?} and {wasm:.400?}");
    };
    let differs = |(left, right): &(&Item, &Item)| left != right;
    match left.items.iter().zip(&right.items).find(differs) {
        Some((left, right)) => format!("{left:?} and {right:?}"),
        None => format!("{} and {} items, or what stands beside them", left.items.len(), right.items.len()),
    }
}

fn given() -> Given {
    Given { now_ms: BEGIN_MS, settings: "{}".into(), tenant: None, mark: None, grant: None }
}

fn scan(kind: &str, page_size: u32, cursor: Option<Vec<u8>>) -> Task {
    Task::Scan(Scan { kind: kind.into(), parent: None, since: Since::Everything, cursor, page_size })
}

/// The folder of the recordings. Says so when it is not there.
fn recordings() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let folder = std::env::var_os("ATSYNC_SHARED").map_or_else(beside, PathBuf::from).join("greenhouse/recorded");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is not there (ATSYNC_SHARED names its folder)", folder.display());
    None
}

#[test]
fn real_answers_come_out_whole_and_the_same_natively_and_as_a_component() {
    let Some(folder) = recordings() else { return };
    let both = Both::new();
    for file in recording::RECORDINGS {
        let answers = recording::answers(&std::fs::read_to_string(folder.join(file)).unwrap());
        assert!(!answers.is_empty(), "{file} holds a page");
        for response in answers {
            let send = both.start(&scan("jobs", 2, None));
            let originals: Vec<Value> = serde_json::from_slice(&response.body).unwrap();
            let page = both.page(&send.state, &response);
            assert_eq!(page.items.len(), originals.len(), "{file}");
            for (item, original) in page.items.iter().zip(&originals) {
                let unified: Value = serde_json::from_str(&item.body).unwrap();
                assert_eq!(raw(item, &response), *original, "{file}: the raw JSON stays within reach");
                for (name, value) in original.as_object().unwrap() {
                    let is_carried = recording::carried(name, value, item, &unified);
                    assert!(is_carried, "{file}: {name} = {value} is lost in {unified}");
                }
            }
        }
    }
}

/// The row that an item was read from.
fn raw(item: &Item, response: &Response) -> Value {
    let span = item.raw.as_ref().unwrap();
    let (from, to) = (usize::try_from(span.offset).unwrap(), usize::try_from(span.offset + span.length).unwrap());
    serde_json::from_slice(&response.body[from..to]).unwrap()
}

/// A company, and a token to ask it with.
struct Company {
    sandbox: Sandbox,
    token: String,
}

impl Company {
    fn new() -> Self {
        let clock = ManualClock::at(i64::try_from(BEGIN_MS).unwrap());
        let mut options = SandboxOptions::sized(11, 500);
        options.company.now_ms = Some(i64::try_from(BEGIN_MS).unwrap());
        options.clock = clock.clock();
        options.rate_limit = 10_000;
        let mut company = Self { sandbox: Sandbox::new(options), token: String::new() };
        // base64 of sandbox:sandbox-secret
        let headers = [
            ("authorization".to_owned(), "Basic c2FuZGJveDpzYW5kYm94LXNlY3JldA==".to_owned()),
            ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ];
        let answer = company.exchange("POST", "/token", &headers, b"grant_type=client_credentials");
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        company.token = format!("Bearer {}", body["access_token"].as_str().unwrap());
        company
    }

    fn exchange(&self, method: &str, path: &str, headers: &[(String, String)], body: &[u8]) -> Response {
        let request = atsync_greenhouse_sandbox::Request { method, path_and_query: path, headers, body };
        let answer = self.sandbox.handle(&request);
        let headers = answer.headers.into_iter();
        let headers = headers.map(|(name, value)| atsync::model::contract::Field { name, value }).collect();
        Response { status: answer.status, headers, body: answer.body }
    }

    fn get(&self, request: &Request) -> Response {
        let path = match &request.target {
            Target::Path(path) => {
                let pairs: Vec<String> =
                    path.query.iter().map(|field| format!("{}={}", field.name, field.value)).collect();
                if pairs.is_empty() { path.path.clone() } else { format!("{}?{}", path.path, pairs.join("&")) }
            }
            // As the engine does it: what follows the origin.
            Target::Link(link) => match link.split_once("://").map(|(_, rest)| rest) {
                Some(rest) => rest.split_once('/').map_or_else(|| "/".to_owned(), |(_, path)| format!("/{path}")),
                None => link.clone(),
            },
        };
        let response = self.exchange(&request.method, &path, &[("authorization".to_owned(), self.token.clone())], &[]);
        assert_eq!(response.status, 200, "{path}: {}", String::from_utf8_lossy(&response.body));
        response
    }
}

#[test]
fn pages_of_every_kind_are_the_same_natively_and_as_a_component() {
    let (both, company) = (Both::new(), Company::new());
    let kinds = &both.native.manifest().kinds;
    assert_eq!(json!(both.native.manifest()), json!(both.wasm.manifest()));
    let (mut compared, mut pages) = (0, 0);
    for kind in kinds.iter().filter(|kind| matches!(kind.scan, ScanRule::List {})) {
        let mut cursor = None;
        for _ in 0..PAGES_MAX {
            let send = both.start(&scan(&kind.name, PAGE_ROWS.min(kind.page_max), cursor.take()));
            let response = company.get(&send.request);
            let page = both.page(&send.state, &response);
            for item in page.items.iter().filter(|item| item.kind == kind.name && item.raw.is_some()) {
                assert_eq!(raw(item, &response)["id"].to_string(), item.id, "{}", kind.name);
            }
            compared += page.items.len();
            pages += 1;
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
    }
    println!("{compared} records on {pages} pages");
    assert!(compared > 1_000 && pages > kinds.len() / 2, "{compared} records on {pages} pages");
}
