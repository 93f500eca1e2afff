//! The Greenhouse adapter as a component returns the same as natively: on real answers, and on
//! pages of every kind.
//!
//! Method: both run the same exchange, and the test compares every answer of the two whole: steps
//! with their requests and continuations, outcomes with their items, masks, cursors and places of
//! raw JSON. The real answers are outside of the project (`ATSYNC_SHARED`, else `../shared` beside
//! the workspace); without them that test says so and passes. The other one needs only the sandbox.

#![allow(
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test says what it compares and stops"
)]

use atsync::internals::adapter::Adapter;
use atsync::model::contract::{
    Given, Item, Outcome, Page, Reply, Response, Scan, Send, Since, Step, Task,
};
use atsync::model::manifest::{KindRule, ScanRule};
use atsync_tests::company::Company;
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

/// Both forms of the adapter. Their answers must always be the same.
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

    /// The page of an answer, or the next request if the adapter needs names first.
    fn page(&self, state: &[u8], response: &Response) -> Result<Page, Box<Send>> {
        let resume = |adapter: &Arc<dyn Adapter>| {
            adapter.resume(state.to_vec(), given(), Reply::Response(response.clone())).unwrap()
        };
        let native = resume(&self.native);
        let wasm = resume(&self.wasm);
        // Not assert_eq: the text of a page that differs would be megabytes.
        assert!(native == wasm, "{}", difference(&native, &wasm));
        match native {
            Ok(Step::Done(Outcome::Page(page))) => Ok(page),
            Ok(Step::Send(send)) => Err(Box::new(send)),
            Ok(_) => panic!("a page was expected"),
            Err(failure) => panic!("{failure}"),
        }
    }
}

type Answer = Result<Step, atsync::model::contract::Failure>;

fn difference(native: &Answer, wasm: &Answer) -> String {
    let (Ok(Step::Done(Outcome::Page(left))), Ok(Step::Done(Outcome::Page(right)))) =
        (native, wasm)
    else {
        return format!("{native:.400?} and {wasm:.400?}");
    };
    let differs = |(left, right): &(&Item, &Item)| left != right;
    match left.items.iter().zip(&right.items).find(differs) {
        Some((left, right)) => format!("{left:?} and {right:?}"),
        None => {
            format!("{} and {} items, or their other members", left.items.len(), right.items.len())
        }
    }
}

fn given() -> Given {
    Given { now_ms: BEGIN_MS, settings: "{}".into(), tenant: None, mark: None, grant: None }
}

fn scan(kind: &str, page_size: u32, cursor: Option<Vec<u8>>) -> Task {
    Task::Scan(Scan {
        kind: kind.into(),
        parent: None,
        since: Since::Everything,
        cursor,
        page_size,
    })
}

/// The folder of the recordings. Prints a line if it is missing.
fn recordings() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let folder = std::env::var_os("ATSYNC_SHARED")
        .map_or_else(beside, PathBuf::from)
        .join("greenhouse/recorded");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: {} is not there (ATSYNC_SHARED names its folder)", folder.display());
    None
}

#[test]
fn real_answers_are_read_completely_and_alike_natively_and_as_a_component() {
    let Some(folder) = recordings() else { return };
    let both = Both::new();
    for file in recording::RECORDINGS {
        let answers = recording::answers(&std::fs::read_to_string(folder.join(file)).unwrap());
        assert!(!answers.is_empty(), "{file} holds a page");
        for response in answers {
            let send = both.start(&scan("jobs", 2, None));
            let originals: Vec<Value> = serde_json::from_slice(&response.body).unwrap();
            let page = both.page(&send.state, &response).unwrap();
            assert_eq!(page.items.len(), originals.len(), "{file}");
            for (item, original) in page.items.iter().zip(&originals) {
                let unified: Value = serde_json::from_str(&item.body).unwrap();
                assert_eq!(
                    raw(item, &response),
                    *original,
                    "{file}: the raw JSON stays within reach"
                );
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
    let (from, to) = (
        usize::try_from(span.offset).unwrap(),
        usize::try_from(span.offset + span.length).unwrap(),
    );
    serde_json::from_slice(&response.body[from..to]).unwrap()
}

#[test]
fn pages_of_every_kind_are_the_same_natively_and_as_a_component() {
    let (both, company) = (Both::new(), Company::new(500));
    let kinds = &both.native.manifest().kinds;
    assert_eq!(json!(both.native.manifest()), json!(both.wasm.manifest()));
    let (mut compared, mut pages) = (0, 0);
    // A customer's own credential lists no webhooks, and no settings name a sensitive kind.
    let is_read = |kind: &&KindRule| {
        matches!(kind.scan, ScanRule::List {})
            && kind.opt_in.is_none()
            && kind.name != "raw_webhooks"
    };
    for kind in kinds.iter().filter(is_read) {
        let mut cursor = None;
        for _ in 0..PAGES_MAX {
            let mut send =
                both.start(&scan(&kind.name, PAGE_ROWS.min(kind.page_max), cursor.take()));
            let mut response = company.get(&send.request);
            let page = loop {
                match both.page(&send.state, &response) {
                    Ok(page) => break page,
                    Err(next) => send = *next,
                }
                response = company.get(&send.request);
            };
            for item in
                page.items.iter().filter(|item| item.kind == kind.name && item.raw.is_some())
            {
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
