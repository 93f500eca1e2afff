//! What the durable store reads, counted by its disk: a cache of nothing makes each page that a
//! call touches a read.

use crate::given::{ACME, declaration, intent, link, page, record, step};
use atsync::SystemEntropy;
use atsync::internals::journal::{Intent, IntentState};
use atsync::internals::store::redb::{RedbOptions, RedbStore};
use atsync::internals::store::{Erasure, ErasureReport, Erasures, Guard, Store};
use atsync::testing::Disk;
use redb::StorageBackend;
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
struct Counting {
    disk: Disk,
    reads: Arc<AtomicU64>,
}

impl StorageBackend for Counting {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.disk.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.write(offset, data)
    }
}

async fn see_all(store: &dyn Store, kind: &str, body: impl Fn(usize) -> Value, people: usize) {
    let ids: Vec<usize> = (0..people).collect();
    for ids in ids.chunks(500) {
        let records = ids.iter().map(|id| record(&id.to_string(), body(*id))).collect();
        store.commit_page(&Guard::sole(ACME), page(kind, records)).await.unwrap();
    }
}

/// Candidates with an application, a note, an attachment, a tag of an adapter's own kind, a desired
/// record with a link, an intent and a history. Two share an address.
async fn a_connection_of(store: &dyn Store, people: usize) {
    let guard = Guard::sole(ACME);
    let address = |id: usize| {
        if id < 2 { "shared@x.com".to_owned() } else { format!("{id}@x.com") }
    };
    for round in 0..2 {
        let body = |id: usize| json!({"n": round, "emails": [{"value": address(id)}]});
        see_all(store, "candidates", body, people).await;
        let id = |id: usize| json!({"id": id.to_string()});
        let of = |at: usize| json!({"n": round, "candidate": id(at), "application": id(at)});
        let body = |at: usize| json!({"n": round, "candidate": id(at)});
        see_all(store, "applications", body, people).await;
        for kind in ["notes", "attachments", "an_adapters_own"] {
            see_all(store, kind, of, people).await;
        }
    }
    let desired = |id: usize| json!({"key": format!("k{id}"), "emails": [address(id)]}).to_string();
    let records =
        (0..people).map(|id| declaration(&format!("k{id}"), &desired(id))).collect::<Vec<_>>();
    store.declare(&guard, records, 5).await.unwrap();
    for ids in (0..people).collect::<Vec<_>>().chunks(500) {
        let links = ids.iter().map(|id| link(&format!("k{id}"), "candidates", &id.to_string()));
        store.put_links(&guard, links.collect()).await.unwrap();
    }
    // Each costs a transaction of its own, so there are fewer.
    for id in 0..people / 10 {
        let target = Some(crate::given::remote("applications", &id.to_string()));
        let asked = Intent { target, ..intent(&format!("k{id}"), "o") };
        let born = store.begin_intent(&guard, asked).await.unwrap();
        let links = vec![crate::given::remote("notes", &id.to_string())];
        let to = IntentState::Applied { links, by_probe: false };
        let advance = step(born.id, 1, to);
        store.advance_intent(&guard, advance).await.unwrap();
    }
}

/// Erases one candidate among so many. Returns the report and how many pages were read.
async fn erased_among(people: usize) -> (ErasureReport, u64) {
    let reads = Arc::new(AtomicU64::new(0));
    let backend = Counting { disk: Disk::holding(Vec::new()), reads: Arc::clone(&reads) };
    let mut options = RedbOptions::default();
    (options.inline, options.cache_bytes) = (true, 0);
    let store = RedbStore::with_backend(backend, options, &SystemEntropy).unwrap();
    a_connection_of(&store, people).await;
    let keys = ["k1".to_owned()].into();
    let erasure = Erasure { keys, now_ms: 9_000, ..Erasure::default() };
    let before = reads.load(Ordering::Relaxed);
    let report = store.erase(&Guard::sole(ACME), erasure).await.unwrap();
    (report, reads.load(Ordering::Relaxed) - before)
}

#[tokio::test]
async fn an_erasure_reads_as_much_among_ten_times_as_many_candidates() {
    let (few_report, few) = erased_among(200).await;
    let (many_report, many) = erased_among(2_000).await;
    assert_eq!(few_report, many_report);
    assert_eq!(
        (few_report.observed, few_report.changes, few_report.intents, few_report.links),
        (5, 10, 1, 1),
        "{few_report:?}"
    );
    assert_eq!(few_report.addresses_shared, 1);
    println!("pages: {few} of 200, {many} of 2,000");
    // The trees are deeper by a level.
    assert!(many < few * 3 / 2, "{few} pages among 200 candidates, {many} among 2,000");
}
