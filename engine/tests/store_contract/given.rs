//! The fixtures of the laws.

use atsync::internals::journal::{Intent, IntentState, Moment};
use atsync::internals::store::postgres::{PostgresOptions, PostgresStore};
use atsync::internals::store::redb::{RedbOptions, RedbStore};
use atsync::internals::store::{
    Cause, Change, ChangeWhat, Connections, Declaration, Guard, LinkHow, LinkRow, ObservedWrite,
    PageCommit, PageReport, Proof, Store, limits,
};
use atsync::model::contract::{Mark, RemoteRef};
use atsync::{SystemClock, SystemEntropy};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;

pub(crate) const ACME: &str = "acme";

/// A durable store in a directory that lives as long as the second value.
pub(crate) fn redb() -> (RedbStore, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    (open(&path(&directory)), directory)
}

pub(crate) fn redb_inline() -> (RedbStore, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let mut options = RedbOptions::default();
    options.inline = true;
    (RedbStore::open(&path(&directory), options, &SystemEntropy).unwrap(), directory)
}

/// The connections that the laws write for.
fn names() -> [String; 8] {
    let longest = "x".repeat(limits::KEY_BYTES_MAX);
    [ACME, "other", "none", "beta", "a", "ab", "a\u{0}", &longest].map(str::to_owned)
}

/// A store in a database of its own, which holds the leases of the laws' connections, so that
/// `Guard::sole` has their fence. None where PostgreSQL is not installed.
pub(crate) async fn postgres() -> Option<PostgresStore> {
    let address = atsync_test_cluster::database()?;
    let mut options = PostgresOptions::default();
    options.lease_ms = 3_600_000;
    let store = PostgresStore::open(&address, options, Arc::new(SystemClock), &SystemEntropy)
        .await
        .unwrap();
    for name in names() {
        assert_eq!(store.lease(&name).await.unwrap().fence(), Guard::sole(&name).fence());
    }
    Some(store)
}

pub(crate) fn path(directory: &tempfile::TempDir) -> PathBuf {
    directory.path().join("store.redb")
}

pub(crate) fn open(path: &std::path::Path) -> RedbStore {
    RedbStore::open(path, RedbOptions::default(), &SystemEntropy).unwrap()
}

pub(crate) fn map(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

pub(crate) fn remote(kind: &str, id: &str) -> RemoteRef {
    RemoteRef { kind: kind.to_owned(), id: id.to_owned() }
}

pub(crate) fn record(id: &str, body: Value) -> ObservedWrite {
    ObservedWrite { id: id.to_owned(), version: None, body: body.to_string(), raw: None, mask: 0 }
}

/// A page whose records know the fields that any of them has.
pub(crate) fn page(kind: &str, records: Vec<ObservedWrite>) -> PageCommit {
    let mut mask: Vec<String> = Vec::new();
    for record in &records {
        let body: Map<String, Value> = serde_json::from_str(&record.body).unwrap_or_default();
        mask.extend(body.keys().cloned());
    }
    PageCommit {
        kind: kind.to_owned(),
        parent: None,
        records,
        masks: vec![mask],
        gone: Vec::new(),
        moved: Vec::new(),
        scan: None,
        sweep: None,
        cause: Cause::Observed,
        applied_by: Default::default(),
        now_ms: 1_000,
    }
}

pub(crate) fn deleted_page(kind: &str, ids: &[&str]) -> PageCommit {
    let gone = ids.iter().map(|id| (*id).to_owned()).collect();
    PageCommit {
        gone,
        cause: Cause::Swept { proof: Proof::Fetched },
        now_ms: 2_000,
        ..page(kind, Vec::new())
    }
}

pub(crate) async fn see(store: &dyn Store, kind: &str, id: &str, body: Value) -> PageReport {
    store.commit_page(&Guard::sole(ACME), page(kind, vec![record(id, body)])).await.unwrap()
}

pub(crate) async fn changes(store: &dyn Store) -> Vec<Change> {
    store.changes(ACME, 0, 1_000).await.unwrap()
}

pub(crate) fn declaration(key: &str, body: &str) -> Declaration {
    Declaration { key: key.to_owned(), body: body.to_owned() }
}

pub(crate) async fn declare(store: &dyn Store, keys: &[&str]) {
    let records = keys.iter().map(|key| declaration(key, "{}")).collect();
    store.declare(&Guard::sole(ACME), records, 5).await.unwrap();
}

/// Marks all desired records as clean.
pub(crate) async fn clean(store: &dyn Store) {
    for row in store.dirty_page(ACME, None, 1_000).await.unwrap() {
        let (key, generation, status, dirt) = (row.key, row.generation, row.status, row.dirt);
        let update =
            atsync::internals::store::StatusUpdate { key, generation, status, dirty: false, dirt };
        assert!(store.put_status(&Guard::sole(ACME), vec![update]).await.unwrap().is_empty());
    }
}

pub(crate) async fn dirty(store: &dyn Store) -> Vec<String> {
    let dirty: Vec<_> =
        store.dirty_page(ACME, None, 1_000).await.unwrap().into_iter().map(|row| row.key).collect();
    assert_eq!(store.desired_counts(ACME).await.unwrap().1, dirty.len() as u64);
    dirty
}

pub(crate) fn link(path: &str, kind: &str, id: &str) -> LinkRow {
    let (path, remote) = (path.to_owned(), remote(kind, id));
    LinkRow { path, remote, how: LinkHow::Created, applied: Map::new(), since_ms: 7 }
}

pub(crate) fn intent(path: &str, operation: &str) -> Intent {
    Intent {
        makes: Default::default(),
        applied: Default::default(),
        last_sent: Moment::of_wall(200),
        id: 0,
        path: path.to_owned(),
        operation: operation.to_owned(),
        target: None,
        input: "{}".to_owned(),
        digest: "d".repeat(64),
        mark: Mark { text: "mark".to_owned(), time_ms: 100 },
        generation: 1,
        attempt: 0,
        first_sent: Moment::of_wall(100),
        changed: Moment::of_wall(100),
        tries: Vec::new(),
        planned_by: None,
        sent_by: None,
        state: IntentState::Sending,
    }
}

pub(crate) fn in_doubt() -> IntentState {
    IntentState::InDoubt {
        reason: "cut off".to_owned(),
        probe_after_ms: 9,
        probes: 0,
        blocked: false,
        absent: None,
    }
}

pub(crate) fn applied() -> IntentState {
    IntentState::Applied { links: vec![remote("candidates", "7")], by_probe: false }
}

pub(crate) fn step(
    id: u64,
    attempt: u32,
    to: IntentState,
) -> atsync::internals::store::IntentAdvance {
    atsync::internals::store::IntentAdvance {
        id,
        attempt,
        to,
        links: Vec::new(),
        changes: Vec::new(),
        at: Moment::of_wall(300),
        sent_by: None,
    }
}

pub(crate) fn change(kind: &str, id: &str) -> Change {
    Change {
        serial: 0,
        at_ms: 300,
        kind: kind.to_owned(),
        id: id.to_owned(),
        what: ChangeWhat::Created,
        before: Map::new(),
        after: map(serde_json::json!({"a": 1})),
        cause: Cause::Applied { intent: 1 },
    }
}
