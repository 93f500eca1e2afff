//! Accepted JSON can be stored: whatever JSON a row or a declaration has, either the check refuses
//! it, or the store returns it unchanged.
//!
//! Method: odd JSON, from a grammar of known problems and from examples, goes through the check of
//! an adapter's answers, or through a declaration, into both stores, and is read back in every way
//! that the engine reads it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a law that does not hold ends the test; helpers are part of it"
)]

use atsync::SystemEntropy;
use atsync::internals::adapter::check;
use atsync::internals::index;
use atsync::internals::store::memory::MemoryStore;
use atsync::internals::store::redb::{RedbOptions, RedbStore};
use atsync::internals::store::{Cause, Guard, ObservedWrite, PageCommit, Store};
use atsync::model::Manifest;
use atsync::model::contract::{Item, Outcome, Page, Problem, RemoteRef, Span, Step};
use atsync_tests::native_greenhouse;
use futures_util::FutureExt as _;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

/// Neither store ever waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("the first poll is the last")
}

fn nested(levels: usize, list: bool) -> String {
    let (open, close) = if list { ("[", "]") } else { ("{\"a\":", "}") };
    format!("{}1{}", open.repeat(levels), close.repeat(levels))
}

/// Values that broke readers, or may.
const ODD: [&str; 44] = [
    "1e999",
    "-1e999",
    "1E400",
    "1e-999",
    "-0",
    "-0.0",
    "0.1",
    "1.0",
    "1e5",
    "1.50e+2",
    "18446744073709551615",
    "18446744073709551616",
    "-9223372036854775809",
    "123456789012345678901234567890123456789012345678901234567890",
    "0.1234567890123456789012345678901234567890",
    "4.9e-324",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    r#""\ud800""#,
    r#""\udfff""#,
    r#""\ud800\u0041""#,
    r#""\udc00\ud800""#,
    r#""\ud83d\ude00""#,
    r#""\u0000""#,
    "\"\u{0}\"",
    "\"\n\"",
    r#""\x41""#,
    r#""\/\b\f""#,
    "\"\u{feff}\"",
    "\u{feff}1",
    "01",
    "+1",
    ".5",
    "1.",
    "NaN",
    "Infinity",
    "nul",
    "",
    "  ",
    r#"{"a":1,"a":2}"#,
    r#"{"":1,"":{"":[]}}"#,
    r#"{"\ud800":1}"#,
    r#"{"a\u0000":1}"#,
    "[1,]",
];

fn odd() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => prop::sample::select(ODD.to_vec()).prop_map(str::to_owned),
        1 => (90_usize..140, any::<bool>()).prop_map(|(levels, list)| nested(levels, list)),
        1 => any::<f64>().prop_map(|number| number.to_string()),
        1 => "[0-9]{1,40}(\\.[0-9]{1,40})?(e[+-]?[0-9]{1,4})?",
        2 => ".{0,12}".prop_map(|text| json!(text).to_string()),
        1 => Just("null".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[ {} ]", items.join(" ,\n"))),
            prop::collection::vec(
                (prop::sample::select(vec!["a", "b", "value", "id", "\\u0061"]), inner),
                0..4
            )
            .prop_map(|members| {
                let members: Vec<String> = members
                    .into_iter()
                    .map(|(name, value)| format!("\"{name}\" : {value}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// A store in memory and one in a file.
struct Stores {
    memory: MemoryStore,
    file: RedbStore,
    _directory: tempfile::TempDir,
}

impl Stores {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut options = RedbOptions::default();
        options.inline = true;
        let file =
            RedbStore::open(&directory.path().join("s.redb"), options, &SystemEntropy).unwrap();
        Self { memory: MemoryStore::default(), file, _directory: directory }
    }

    fn each(&self) -> [&dyn Store; 2] {
        [&self.memory, &self.file]
    }
}

/// The part of a page with one row that the check accepts, and its problems.
fn checked(manifest: &Manifest, item: Item, reply_bytes: usize) -> (Page, Vec<Problem>) {
    let fields = manifest.kind(&item.kind).unwrap().fields.clone();
    let page = Page {
        items: vec![item],
        masks: vec![fields],
        next: None,
        checkpoint: None,
        complete: true,
    };
    let mut given = Ok(Step::Done(Outcome::Page(page)));
    check::receive(manifest, &mut given, Some(reply_bytes)).expect("one row never costs the page");
    match given.unwrap() {
        Step::Done(Outcome::Page(page)) => (page, Vec::new()),
        Step::Done(Outcome::FlawedPage(flawed)) => flawed,
        other => panic!("{other:?}"),
    }
}

fn commit(page: Page, raw: Option<&str>, now_ms: u64) -> PageCommit {
    let write = |item: Item| ObservedWrite {
        raw: item.raw.as_ref().and_then(|_| raw.map(str::to_owned)),
        id: item.id,
        version: item.version,
        body: item.body,
        mask: usize::try_from(item.mask).unwrap(),
    };
    PageCommit {
        kind: "candidates".to_owned(),
        parent: None,
        records: page.items.into_iter().map(write).collect(),
        masks: page.masks,
        gone: Vec::new(),
        moved: Vec::new(),
        scan: None,
        sweep: None,
        cause: Cause::Observed,
        applied_by: Default::default(),
        now_ms,
    }
}

/// One row: accepted and stored unchanged, or refused and named.
fn a_row(manifest: &Manifest, stores: &Stores, id: &str, text: &str) {
    let body = format!(
        r#"{{"company":{text},"emails":[{{"value":"a@x.com"}}],"custom_fields":{{"k":{{"type":"text","value":{text}}},"l":{{"value":1}}}}}}"#
    );
    let raw = Some(Span { offset: 0, length: u32::try_from(text.len()).unwrap() })
        .filter(|span| span.length > 0);
    let item = Item {
        kind: "candidates".into(),
        id: id.into(),
        version: None,
        body: body.clone(),
        mask: 0,
        raw,
    };
    let (page, problems) = checked(manifest, item, text.len());
    let Some(kept) = page.items.first().cloned() else {
        assert!(!problems.is_empty(), "a row vanished without a word: {text}");
        return;
    };
    let meaning: Value = serde_json::from_str(&kept.body).expect("a value that passes can be read");
    if problems.is_empty() {
        assert_eq!(meaning, serde_json::from_str::<Value>(&body).unwrap(), "{text}");
    }
    let remote = RemoteRef::new("candidates", id);
    for store in stores.each() {
        let before = now(store.changes_last("acme")).unwrap();
        now(store.commit_page(&Guard::sole("acme"), commit(page.clone(), Some(text), 1_000)))
            .unwrap();
        let row = now(store.observed("acme", &remote)).unwrap().unwrap();
        let read: Value = serde_json::from_str(&row.body).expect("a stored row can be read");
        // A field that is known to be empty is not stored.
        for (member, value) in
            meaning.as_object().unwrap().iter().filter(|(_, value)| !value.is_null())
        {
            assert_eq!(read.get(member), Some(value), "{text}");
        }
        assert_eq!(row.raw.as_deref(), kept.raw.as_ref().map(|_| text));
        // The same row again is no event; another value is one, and a follower of the feed can read
        // each.
        now(store.commit_page(&Guard::sole("acme"), commit(page.clone(), Some(text), 2_000)))
            .unwrap();
        let mut other = page.clone();
        let mut changed = meaning.clone();
        changed["title"] = json!("other");
        other.items[0].body = changed.to_string();
        now(store.commit_page(&Guard::sole("acme"), commit(other, Some(text), 3_000))).unwrap();
        let changes = now(store.changes("acme", before, 10)).unwrap();
        assert_eq!(changes.len(), 2, "{text}: {changes:?}");
        for change in changes {
            let line = serde_json::to_string(&change).unwrap();
            assert!(serde_json::from_str::<Value>(&line).is_ok(), "{text}");
        }
        if meaning.get("emails").is_some() {
            assert!(
                !now(store.lookup("acme", "candidates", index::EMAIL, "a@x.com", 9))
                    .unwrap()
                    .is_empty(),
                "{text}"
            );
        }
    }
}

#[test]
fn any_json_of_a_row_is_refused_by_the_check_or_returned_by_the_store() {
    let adapter = native_greenhouse();
    let (stores, count) = (Stores::new(), AtomicU64::new(0));
    let id = || count.fetch_add(1, Ordering::Relaxed).to_string();
    let deep = [90, 99, 100, 101, 110, 125, 126, 127, 128, 140]
        .map(|levels| [nested(levels, true), nested(levels, false)]);
    for text in ODD.iter().map(|text| (*text).to_owned()).chain(deep.into_iter().flatten()) {
        a_row(adapter.manifest(), &stores, &id(), &text);
    }
    let mut runner =
        TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    runner
        .run(&odd(), |text| {
            a_row(adapter.manifest(), &stores, &id(), &text);
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_row_whose_own_json_is_too_long_costs_that_json_and_not_the_page() {
    let adapter = native_greenhouse();
    let stores = Stores::new();
    let raw = "x".repeat(5 * 1024 * 1024);
    let span = Span { offset: 0, length: u32::try_from(raw.len()).unwrap() };
    let body = r#"{"company":"x"}"#.to_owned();
    let item = Item {
        kind: "candidates".into(),
        id: "1".into(),
        version: None,
        body,
        mask: 0,
        raw: Some(span),
    };
    let (page, problems) = checked(adapter.manifest(), item, raw.len());
    assert_eq!(
        problems.iter().map(|problem| problem.field.as_deref()).collect::<Vec<_>>(),
        [Some("raw")]
    );
    for store in stores.each() {
        now(store.commit_page(&Guard::sole("acme"), commit(page.clone(), Some(&raw), 1_000)))
            .unwrap();
        assert!(now(store.observed("acme", &RemoteRef::new("candidates", "1"))).unwrap().is_some());
    }
}

#[test]
fn any_json_of_a_declaration_is_refused_or_returned() {
    let stores = Stores::new();
    let a_record = |text: &str| {
        let line = format!(r#"{{"key":"k","emails":["a@x.com"],"custom_fields":{{"f":{text}}}}}"#)
            .replace('\n', " ");
        let Ok(records) = atsync::internals::declare::parse("f", &line) else { return false };
        let Ok(declarations) = atsync::internals::declare::declarations(&records) else {
            return false;
        };
        for store in stores.each() {
            now(store.declare(&Guard::sole("acme"), declarations.clone(), 1_000)).unwrap();
            let row = now(store.desired("acme", "k")).unwrap().unwrap();
            let read: Value = serde_json::from_str(&row.body).expect("a stored row can be read");
            let declared: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(read["custom_fields"], declared["custom_fields"], "{text}");
            // Within the limit of what wraps it in a plan, a link or an answer to a host.
            let wrapped = format!("{}{}{}", "[".repeat(20), row.body, "]".repeat(20));
            assert!(serde_json::from_str::<Value>(&wrapped).is_ok(), "{text}");
        }
        true
    };
    for text in ODD {
        a_record(text);
    }
    assert!(
        a_record(&nested(90, true))
            && !a_record(&nested(110, true))
            && !a_record(&nested(120, false))
    );
    let mut runner =
        TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    runner
        .run(&odd(), |text| {
            a_record(&text);
            Ok(())
        })
        .unwrap();
}
