//! The promises of the durable store alone: it survives, it reports what is wrong with a file, it
//! shares commits.

use crate::given::{
    ACME, applied, declare, intent, open, page, path, record, redb, remote, see, step,
};
use atsync::SystemEntropy;
use atsync::internals::store::Connections;
use atsync::internals::store::Desired;
use atsync::internals::store::Erasures;
use atsync::internals::store::Feed;
use atsync::internals::store::Journal;
use atsync::internals::store::Observed;
use atsync::internals::store::redb::{RedbOptions, RedbStore};
use atsync::internals::store::{Guard, StoreError};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::task::Poll;

fn refused(path: &Path) -> StoreError {
    match RedbStore::open(path, RedbOptions::default(), &SystemEntropy) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

/// Proves that a file is refused with a message that names it and the way out.
fn is_unusable(path: &Path) {
    let error = refused(path);
    let StoreError::Unusable(text) = &error else { panic!("{error:?}") };
    assert!(text.contains(&path.display().to_string()), "{text}");
    assert!(text.contains("restore a copy"), "{text}");
}

#[tokio::test]
async fn every_acknowledged_write_survives_a_reopening() {
    let (store, directory) = redb();
    let identity = store.identity().await.unwrap();
    declare(&store, &["r1"]).await;
    see(&store, "tags", "1", json!({"name": "x"})).await;
    let born = store.begin_intent(&Guard::sole(ACME), intent("r1", "o")).await.unwrap();
    drop(store);
    let store = open(&path(&directory));
    assert_eq!(store.identity().await.unwrap(), identity);
    assert_eq!(identity.lineage.len(), 32);
    assert_eq!(store.open_intents(ACME).await.unwrap(), [born]);
    assert_eq!(store.lookup(ACME, "tags", "name", "x", 9).await.unwrap().len(), 1);
    assert_eq!(store.changes_last(ACME).await.unwrap(), 1);
    assert_eq!(store.desired_counts(ACME).await.unwrap(), (1, 1));
}

/// The test copies the file while the store is open, between two calls: what a power cut at that
/// moment leaves, with all writes kept.
#[tokio::test]
async fn every_acknowledged_write_survives_a_kill() {
    let (store, directory) = redb();
    declare(&store, &["r1"]).await;
    for round in 0..10_u64 {
        see(&store, "tags", &round.to_string(), json!({"name": round.to_string()})).await;
        let born = store.begin_intent(&Guard::sole(ACME), intent("r1", "o")).await.unwrap();
        let copy = directory.path().join(format!("copy{round}.redb"));
        std::fs::copy(path(&directory), &copy).unwrap();
        let after = open(&copy);
        assert_eq!(after.open_intents(ACME).await.unwrap(), std::slice::from_ref(&born));
        assert_eq!(after.changes_last(ACME).await.unwrap(), round + 1);
        assert_eq!(after.observed_counts(ACME).await.unwrap(), [("tags".to_owned(), round + 1)]);
        store.advance_intent(&Guard::sole(ACME), step(born.id, 1, applied())).await.unwrap();
    }
}

#[tokio::test]
async fn two_stores_have_two_lineages() {
    let (a, _in_a) = redb();
    let (b, _in_b) = redb();
    assert_ne!(a.identity().await.unwrap().lineage, b.identity().await.unwrap().lineage);
}

#[tokio::test]
async fn a_store_in_use_is_busy() {
    let (store, directory) = redb();
    let path = path(&directory);
    assert!(
        matches!(refused(&path), StoreError::Busy(place) if place == path.display().to_string())
    );
    drop(store);
    open(&path);
}

#[test]
fn a_directory_and_an_impossible_path_are_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    assert!(refused(directory.path()).to_string().contains("is a directory"));
    let text = refused(&directory.path().join("no/such/store.redb")).to_string();
    assert!(text.contains("no/such/store.redb") && text.contains("its directory exists"), "{text}");
}

#[test]
fn a_file_that_is_no_store_is_refused_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = path(&directory);
    for content in [b"not a database".to_vec(), vec![0; 100_000], b"redb".to_vec()] {
        std::fs::write(&path, &content).unwrap();
        is_unusable(&path);
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
}

#[test]
fn an_empty_file_is_refused_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = path(&directory);
    std::fs::write(&path, b"").unwrap();
    is_unusable(&path);
    assert!(refused(&path).to_string().contains("is empty"));
    assert_eq!(std::fs::read(&path).unwrap(), b"");
}

/// The first change marks the file as open, so a process that only reads leaves no trace.
#[tokio::test]
async fn opening_and_reading_leave_the_bytes_of_the_file() {
    let (store, directory) = redb();
    see(&store, "tags", "1", json!({"name": "x"})).await;
    drop(store);
    let before = std::fs::read(path(&directory)).unwrap();
    let store = open(&path(&directory));
    assert!(store.observed(ACME, &remote("tags", "1")).await.unwrap().is_some());
    drop(store);
    assert!(std::fs::read(path(&directory)).unwrap() == before, "the file was changed");
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_a_store_and_wider_permissions_are_repaired() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = path(&directory);
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    drop(open(&path));
    assert_eq!(mode(), 0o600);
    assert_eq!(
        std::fs::read_dir(directory.path()).unwrap().count(),
        1,
        "nothing is left beside it"
    );
    for wider in [0o644, 0o660, 0o604] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(wider)).unwrap();
        drop(open(&path));
        assert_eq!(mode(), 0o600);
    }
}

#[test]
fn a_database_of_another_program_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = path(&directory);
    let database = ::redb::Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    let table: ::redb::TableDefinition<'_, &str, u64> = ::redb::TableDefinition::new("theirs");
    transaction.open_table(table).unwrap().insert("a", 1).unwrap();
    transaction.commit().unwrap();
    drop(database);
    is_unusable(&path);
    assert!(refused(&path).to_string().contains("layout 1"));
}

#[test]
fn another_layout_is_refused() {
    let (store, directory) = redb();
    drop(store);
    let path = path(&directory);
    for layout in ["2", "3", "5"] {
        let database = atsync::internals::store::redb::foreign::database(&path).unwrap();
        let transaction = database.begin_write().unwrap();
        let meta: ::redb::TableDefinition<'_, &[u8], &[u8]> = ::redb::TableDefinition::new("meta");
        let mut rows = transaction.open_table(meta).unwrap();
        rows.insert(&b"schema\x00\x01"[..], layout.as_bytes()).unwrap();
        drop(rows);
        transaction.commit().unwrap();
        drop(database);
        is_unusable(&path);
        assert!(refused(&path).to_string().contains(&format!("has layout {layout};")));
    }
}

#[tokio::test]
async fn a_file_that_was_cut_short_is_refused() {
    let (store, directory) = redb();
    let records =
        (0..500).map(|id| record(&id.to_string(), json!({"a": "x".repeat(1_000)}))).collect();
    store.commit_page(&Guard::sole(ACME), page("tags", records)).await.unwrap();
    drop(store);
    let path = path(&directory);
    let whole = std::fs::read(&path).unwrap();
    for length in [1, 9, 100, 4_096, 10_000, whole.len() / 2, whole.len() - 4_096] {
        std::fs::write(&path, &whole[..length]).unwrap();
        is_unusable(&path);
    }
}

/// Damage in parts that redb does not check when it opens must end in an error, never in a panic
/// that reaches the caller.
#[tokio::test]
async fn damage_in_the_middle_ends_in_an_error() {
    let (store, directory) = redb();
    let records =
        (0..200).map(|id| record(&id.to_string(), json!({"a": "x".repeat(1_000)}))).collect();
    store.commit_page(&Guard::sole(ACME), page("tags", records)).await.unwrap();
    drop(store);
    let path = path(&directory);
    let whole = std::fs::read(&path).unwrap();
    let mut told = 0;
    for at in (4_096..whole.len()).step_by(8_192) {
        let mut damaged = whole.clone();
        damaged[at..at + 4_096.min(whole.len() - at)].fill(0xa5);
        std::fs::write(&path, &damaged).unwrap();
        match RedbStore::open(&path, RedbOptions::default(), &SystemEntropy) {
            Err(StoreError::Unusable(_)) => told += 1,
            Err(error) => panic!("{error:?}"),
            Ok(store) => {
                told += usize::from(store.observed_page(ACME, "tags", None, 1_000).await.is_err());
                drop(
                    store
                        .commit_page(
                            &Guard::sole(ACME),
                            page("tags", vec![record("1", json!({"a": 2}))]),
                        )
                        .await,
                );
            }
        }
    }
    assert!(told > 0, "some of the damage must have been where the rows are");
}

/// Many callers at once: far fewer commits than calls prove that they shared them; distinct numbers
/// and marks prove that none disturbed another.
#[tokio::test]
async fn concurrent_intents_share_commits() {
    let (store, _directory) = redb();
    let keys: Vec<String> = (0..200).map(|key| format!("r{key}")).collect();
    declare(&store, &keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let store = Arc::new(store);
    let commits = store.commits();
    // Every fifth call is refused: its record has another generation.
    let calls = keys.into_iter().enumerate().map(|(at, key)| {
        let store = Arc::clone(&store);
        let mut intent = intent(&key, "o");
        intent.generation = if at % 5 == 0 { 2 } else { 1 };
        tokio::spawn(async move { store.begin_intent(&Guard::sole(ACME), intent).await })
    });
    let (mut marks, mut stale) = (std::collections::BTreeSet::new(), 0);
    for call in calls.collect::<Vec<_>>() {
        match call.await.unwrap() {
            Ok(intent) => assert!(marks.insert(intent.mark.time_ms)),
            Err(StoreError::Stale(_)) => stale += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((marks.len(), stale), (160, 40));
    assert!(store.commits() - commits <= 40, "{} commits", store.commits() - commits);
    assert_eq!(store.open_intents(ACME).await.unwrap().len(), 160);
}

#[tokio::test]
async fn a_refusal_costs_no_commit() {
    let (store, _directory) = redb();
    let commits = store.commits();
    assert!(store.begin_intent(&Guard::sole(ACME), intent("nobody", "o")).await.is_err());
    assert_eq!(store.commits(), commits);
}

/// The caller drops its future before the answer: dropping the store still writes the queue.
#[tokio::test]
async fn dropping_the_store_writes_its_queue() {
    let (store, directory) = redb();
    let mut call =
        store.commit_page(&Guard::sole(ACME), page("tags", vec![record("1", json!({"a": 1}))]));
    let begun = std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
    assert!(begun.is_pending());
    drop(call);
    drop(store);
    let store = open(&path(&directory));
    assert!(store.observed(ACME, &remote("tags", "1")).await.unwrap().is_some());
}

#[tokio::test]
async fn the_store_works_on_a_custom_backend() {
    let backend = ::redb::backends::InMemoryBackend::new();
    let store = RedbStore::with_backend(backend, RedbOptions::default(), &SystemEntropy).unwrap();
    see(&store, "tags", "1", json!({"a": 1})).await;
    assert_eq!(store.changes_last(ACME).await.unwrap(), 1);
}

/// Method: a history with a marker in every text about a candidate; afterwards the test searches
/// each key and value of each table, as bytes.
#[tokio::test]
async fn no_table_has_a_byte_of_an_erased_candidate() {
    use crate::erasing::{MARKER, a_life};
    use atsync::internals::store::Erasure;
    use redb::{ReadableDatabase, ReadableTable, TableHandle};
    let has = |path: &std::path::Path| {
        let database = atsync::internals::store::redb::foreign::database(path).unwrap();
        let read = database.begin_read().unwrap();
        let mut found = Vec::new();
        for handle in read.list_tables().unwrap() {
            let name = handle.name().to_owned();
            let table = read.open_table(redb::TableDefinition::<&[u8], &[u8]>::new(&name)).unwrap();
            for row in table.iter().unwrap() {
                let (key, value) = row.unwrap();
                let holds = |bytes: &[u8]| {
                    bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes())
                };
                if holds(key.value()) || holds(value.value()) {
                    found.push(name.clone());
                }
            }
        }
        found.dedup();
        found
    };
    let directory = tempfile::tempdir().unwrap();
    let store = open(&path(&directory));
    a_life(&store).await;
    drop(store);
    let before = has(&path(&directory));
    assert!(before.len() >= 9, "the marker is all over: {before:?}");
    let store = open(&path(&directory));
    store
        .erase(
            &Guard::sole("acme"),
            Erasure { keys: ["zanzibar-1".to_owned()].into(), ..Erasure::default() },
        )
        .await
        .unwrap();
    drop(store);
    assert_eq!(has(&path(&directory)), Vec::<String>::new());
    // An erased candidate stays erased after a reopening: the store keeps the salt.
    let store = open(&path(&directory));
    crate::given::see(&store, "candidates", "7", serde_json::json!({"x": 1})).await;
    assert!(
        store.observed("acme", &crate::given::remote("candidates", "7")).await.unwrap().is_none()
    );
}
