//! The store and its input: pages of any content.
//!
//! Each line of the input is a page of one record: a character whose bits choose the mask, one that
//! chooses the id and whether the record is deleted, then the body. Both stores ingest all pages
//! and must give the same answers.

use atsync::Entropy;
use atsync::internals::store::Observed;
use atsync::internals::store::memory::MemoryStore;
use atsync::internals::store::redb::{RedbOptions, RedbStore};
use atsync::internals::store::{Cause, Guard, ObservedWrite, PageCommit, Store};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

const CONNECTION: &str = "acme";
const KIND: &str = "candidates";
const FIELDS: [&str; 4] = ["name", "emails", "tags", "anonymized"];
const PAGES_MAX: usize = 12;
const ROWS_MAX: usize = 100;

/// See the module.
pub fn record(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let memory = MemoryStore::new("fuzz");
    let mut options = RedbOptions::default();
    options.inline = true;
    let redb = RedbStore::with_backend(redb::backends::InMemoryBackend::new(), options, &Zeros)
        .expect("it opens");
    for (line, now_ms) in text.lines().take(PAGES_MAX).zip(1..) {
        let page = page(line, now_ms);
        let told = [
            at_once(memory.commit_page(&Guard::sole(CONNECTION), page.clone())),
            at_once(redb.commit_page(&Guard::sole(CONNECTION), page)),
        ];
        let [one, other] = told.map(|told| told.map_err(|error| error.to_string()));
        assert_eq!(one, other, "both stores say the same of {line:?}");
    }
    alike(|store| store.observed_page(CONNECTION, KIND, None, ROWS_MAX), &memory, &redb);
    alike(|store| store.changes(CONNECTION, 0, ROWS_MAX), &memory, &redb);
    alike(|store| store.observed_counts(CONNECTION), &memory, &redb);
    let Ok(rows) = at_once(memory.observed_page(CONNECTION, KIND, None, ROWS_MAX)) else { return };
    for row in rows {
        assert!(
            serde_json::from_str::<serde_json::Map<_, _>>(&row.body).is_ok(),
            "a stored body is an object"
        );
    }
}

fn page(line: &str, now_ms: u64) -> PageCommit {
    let mut letters = line.chars();
    let mask = letters.next().map_or(0, u32::from);
    let what = letters.next().map_or(0, u32::from);
    let id = (what % 3 + 1).to_string();
    let is_deleted = what % 8 == 7;
    let mask = FIELDS
        .iter()
        .zip(0..)
        .filter(|(_, bit)| mask & (1 << bit) != 0)
        .map(|(field, _)| (*field).to_owned());
    let body = letters.as_str().to_owned();
    let record = ObservedWrite {
        id: id.clone(),
        version: None,
        body: body.clone(),
        raw: Some(body),
        mask: 0,
    };
    PageCommit {
        kind: KIND.to_owned(),
        parent: None,
        records: if is_deleted { Vec::new() } else { vec![record] },
        masks: vec![mask.collect()],
        gone: if is_deleted { vec![id] } else { Vec::new() },
        moved: Vec::new(),
        scan: None,
        sweep: None,
        cause: Cause::Observed,
        applied_by: Default::default(),
        now_ms,
    }
}

fn alike<'a, T: PartialEq + std::fmt::Debug>(
    ask: impl Fn(&'a dyn Store) -> atsync::internals::store::Stored<'a, T>,
    memory: &'a MemoryStore,
    redb: &'a RedbStore,
) {
    let told = [at_once(ask(memory)), at_once(ask(redb))];
    let [one, other] = told.map(|told| told.map_err(|error| error.to_string()));
    assert_eq!(one, other, "both stores hold the same");
}

/// Neither store ever waits.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a store without a thread answers at once"),
    }
}

/// The store's salt; no secret is kept here.
#[derive(Debug)]
struct Zeros;

impl Entropy for Zeros {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}
