//! The file written anew: it holds every stored row and nothing that was removed, and at every
//! moment there is a whole store.

use crate::given::{
    ACME, applied, declare, deleted_page, intent, link, open, page, path, record, redb, see, step,
};
use ::redb::{ReadableDatabase, ReadableTable, TableDefinition, TableHandle};
use atsync::SystemEntropy;
use atsync::internals::store::Connections;
use atsync::internals::store::Feed;
use atsync::internals::store::Journal;
use atsync::internals::store::Links;
use atsync::internals::store::Observed;
use atsync::internals::store::redb::{Compacted, RedbOptions, RedbStore, foreign};
use atsync::internals::store::{Guard, StoreError};
use serde_json::json;
use std::path::Path;

/// The text that must not be found afterwards.
const SECRET: &str = "zanzibar@example.com";

fn compact(path: &Path) -> Result<Compacted, StoreError> {
    RedbStore::compact(path, RedbOptions::default(), &SystemEntropy)
}

fn holds(path: &Path, text: &str) -> bool {
    let bytes = std::fs::read(path).unwrap();
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

type Rows = Vec<(String, Vec<u8>, Vec<u8>)>;

/// Every row of every table.
fn rows(path: &Path) -> Rows {
    let database = foreign::database(path).unwrap();
    let read = database.begin_read().unwrap();
    let names: Vec<String> =
        read.list_tables().unwrap().map(|table| table.name().to_owned()).collect();
    let mut rows = Vec::new();
    for name in names {
        let table = read.open_table(TableDefinition::<&[u8], &[u8]>::new(&name)).unwrap();
        for row in table.iter().unwrap() {
            let (key, value) = row.unwrap();
            rows.push((name.clone(), key.value().to_vec(), value.value().to_vec()));
        }
    }
    rows
}

/// Rows of every kind, and tags whose names were removed: many, since the store uses free pages
/// again.
async fn lived(store: &RedbStore) {
    declare(store, &["r1", "r2"]).await;
    for round in 0..300_u64 {
        see(
            store,
            "tags",
            &round.to_string(),
            json!({"name": format!("tag {round}"), "text": "x".repeat(3_000)}),
        )
        .await;
        if round % 10 == 0 {
            see(store, "tags", &format!("removed {round}"), json!({"name": SECRET})).await;
        }
    }
    store.put_links(&Guard::sole(ACME), vec![link("r1", "candidates", "7")]).await.unwrap();
    let born = store.begin_intent(&Guard::sole(ACME), intent("r1", "o")).await.unwrap();
    store.advance_intent(&Guard::sole(ACME), step(born.id, 1, applied())).await.unwrap();
    store.begin_intent(&Guard::sole(ACME), intent("r2", "o")).await.unwrap();
    let removed: Vec<String> = (0..30).map(|tenth| format!("removed {}", tenth * 10)).collect();
    let removed: Vec<&str> = removed.iter().map(String::as_str).collect();
    store.commit_page(&Guard::sole(ACME), deleted_page("tags", &removed)).await.unwrap();
    let last = store.changes_last(ACME).await.unwrap();
    store.acknowledge(&Guard::sole(ACME), "mirror", last).await.unwrap();
    store
        .trim_changes(&Guard::sole(ACME), u64::MAX, atsync::internals::store::Keep::Unacknowledged)
        .await
        .unwrap();
}

#[tokio::test]
async fn compacting_keeps_every_row_and_leaves_no_removed_byte_in_the_file() {
    let (store, directory) = redb();
    lived(&store).await;
    let identity = store.identity().await.unwrap();
    let path = path(&directory);
    drop(store);
    assert!(holds(&path, SECRET), "free pages keep removed bytes, or this test proves nothing");
    let before = rows(&path);
    let done = compact(&path).unwrap();
    println!("{done:?}");
    assert!(done.after < done.before && done.after == std::fs::metadata(&path).unwrap().len());
    assert_eq!(done.rows, u64::try_from(before.len()).unwrap());
    assert!(rows(&path) == before, "a row differs");
    assert!(!holds(&path, SECRET));
    let store = open(&path);
    assert_eq!(store.identity().await.unwrap(), identity);
    assert_eq!(store.open_intents(ACME).await.unwrap().len(), 1);
    see(&store, "tags", "new", json!({"name": "it goes on"})).await;
    assert_eq!(
        std::fs::read_dir(directory.path()).unwrap().count(),
        1,
        "nothing is left beside it"
    );
}

#[tokio::test]
async fn an_open_store_is_not_compacted_and_keeps_working() {
    let (store, directory) = redb();
    let path = path(&directory);
    assert!(matches!(compact(&path), Err(StoreError::Busy(_))));
    see(&store, "tags", "1", json!({"name": "x"})).await;
    drop(store);
    assert_eq!(open(&path).observed_counts(ACME).await.unwrap(), [("tags".to_owned(), 1)]);
}

#[tokio::test]
async fn compacting_refuses_a_file_that_is_no_store_and_leaves_it_unchanged() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing.redb");
    assert!(compact(&missing).unwrap_err().to_string().contains("missing.redb"));
    assert!(!missing.exists(), "nothing is made where nothing was");
    let other = directory.path().join("other.redb");
    std::fs::write(&other, "not a store").unwrap();
    assert!(matches!(compact(&other), Err(StoreError::Unusable(_))));
    assert_eq!(std::fs::read(&other).unwrap(), b"not a store");
}

/// An interrupted compaction leaves part of a copy, and the store unchanged.
#[tokio::test]
async fn an_interrupted_compaction_starts_again() {
    let (store, directory) = redb();
    lived(&store).await;
    drop(store);
    let path = path(&directory);
    let before = rows(&path);
    let part = directory.path().join("store.redb.compacting");
    std::fs::write(&part, &std::fs::read(&path).unwrap()[..10_000]).unwrap();
    compact(&path).unwrap();
    assert!(rows(&path) == before && !part.exists());
}

/// The copy is as private as the store, so it does not stay until the next compaction.
#[tokio::test]
async fn opening_the_store_removes_the_copy_of_a_killed_compaction() {
    let (store, directory) = redb();
    lived(&store).await;
    let (path, part) = (path(&directory), directory.path().join("store.redb.compacting"));
    std::fs::write(&part, b"half a copy").unwrap();
    assert!(
        RedbStore::open(&path, RedbOptions::default(), &SystemEntropy).is_err(),
        "the store is open"
    );
    assert!(
        part.exists(),
        "a process that does not hold the store touches nothing: a compaction may be running"
    );
    drop(store);
    let before = rows(&path);
    drop(open(&path));
    assert!(!part.exists() && rows(&path) == before);
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_can_read_the_new_file_and_a_symlink_stays_a_symlink() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (store, directory) = redb();
    store
        .commit_page(&Guard::sole(ACME), page("tags", vec![record("1", json!({"a": 1}))]))
        .await
        .unwrap();
    drop(store);
    let (path, link) = (path(&directory), directory.path().join("link.redb"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink(&path, &link).unwrap();
    compact(&link).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(open(&link).observed_counts(ACME).await.unwrap(), [("tags".to_owned(), 1)]);
}
