//! Backups: the rows of one moment, in a file that is whole or has no name; and stores that are
//! restored from them.

use crate::given::{ACME, applied, declaration, declare, intent, open, path, redb, see, step};
use atsync::internals::store::redb::{Backup, RedbStore, StoreFile};
use atsync::internals::store::{Connections, Desired, Feed, Guard, Journal, Observed, StoreError};
use atsync::{SystemClock, SystemEntropy};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

fn back_up(store: &RedbStore, file: &Path) -> Result<Backup, StoreError> {
    store.back_up(file, &SystemClock, &SystemEntropy)
}

fn restore(backup: &Path, store: &Path) -> Result<Backup, StoreError> {
    RedbStore::restore(backup, store, &SystemClock)
}

/// The names in a directory.
fn files(directory: &tempfile::TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(directory.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// A connection with a record of each role, an intent that is on its way, and one that ended.
async fn lived(store: &RedbStore) {
    let guard = Guard::sole(ACME);
    store.put_connection(&guard, Default::default()).await.unwrap();
    declare(store, &["r1", "r2"]).await;
    for id in 0..20 {
        see(store, "tags", &id.to_string(), json!({"name": format!("tag {id}")})).await;
    }
    let born = store.begin_intent(&guard, intent("r1", "o")).await.unwrap();
    store.advance_intent(&guard, step(born.id, 1, applied())).await.unwrap();
    store.begin_intent(&guard, intent("r2", "o")).await.unwrap();
    let last = store.changes_last(ACME).await.unwrap();
    store.acknowledge(&guard, "mirror", last).await.unwrap();
}

#[tokio::test]
async fn a_backup_of_a_store_in_use_has_its_rows_and_is_verified() {
    let (store, directory) = redb();
    lived(&store).await;
    let backup = directory.path().join("backup");
    let made = back_up(&store, &backup).unwrap();
    assert_eq!(RedbStore::verify_backup(&backup).unwrap(), made);
    assert_eq!(made.lineage, store.identity().await.unwrap().lineage);
    assert_eq!((made.rows["observed"], made.rows["desired"], made.rows["intents"]), (20, 2, 2));
    assert_eq!(files(&directory), ["backup", "store.redb"], "nothing is left beside it");
    see(&store, "tags", "later", json!({"name": "it goes on"})).await;
}

/// One write declares a pair. A copy of two moments would have half of one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_writes_has_the_rows_of_one_moment() {
    let (store, directory) = redb();
    let store = Arc::new(store);
    let done = Arc::new(AtomicBool::new(false));
    let writing = tokio::spawn({
        let (store, done) = (Arc::clone(&store), Arc::clone(&done));
        async move {
            let mut pairs = 0_u64;
            while !done.load(Ordering::Relaxed) {
                let body = "x".repeat(500);
                let pair = ["a", "z"].map(|side| {
                    declaration(&format!("{side}{pairs:06}"), &json!({"x": body}).to_string())
                });
                store.declare(&Guard::sole(ACME), pair.to_vec(), 5).await.unwrap();
                pairs += 1;
            }
            pairs
        }
    });
    let mut backups = Vec::new();
    for number in 0..5 {
        let file = directory.path().join(format!("backup {number}"));
        let (store, to) = (Arc::clone(&store), file.clone());
        tokio::task::spawn_blocking(move || back_up(&store, &to)).await.unwrap().unwrap();
        backups.push(file);
    }
    done.store(true, Ordering::Relaxed);
    let pairs = writing.await.unwrap();
    let mut before = 0;
    for (number, backup) in backups.iter().enumerate() {
        let file = directory.path().join(format!("restored {number}"));
        restore(backup, &file).unwrap();
        let restored = open(&file);
        let (rows, _) = restored.desired_counts(ACME).await.unwrap();
        let mut keys = Vec::new();
        let mut after = None::<String>;
        loop {
            let page = restored.desired_page(ACME, after.as_deref(), 1_000).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.key.clone());
            keys.extend(page.into_iter().map(|row| row.key));
        }
        let (a, z): (Vec<_>, Vec<_>) = keys.iter().partition(|key| key.starts_with('a'));
        assert!(a.len() == z.len() && rows == keys.len() as u64, "{rows}: {}", keys.len());
        assert!(rows >= before && rows <= 2 * pairs);
        before = rows;
    }
    assert!(before > 0, "nothing was written meanwhile, or this test proves nothing");
}

#[tokio::test]
async fn a_flipped_byte_anywhere_in_a_backup_is_found_and_nothing_is_restored_from_it() {
    let (store, directory) = redb();
    lived(&store).await;
    let (backup, other) = (directory.path().join("backup"), directory.path().join("other"));
    back_up(&store, &backup).unwrap();
    let whole = std::fs::read(&backup).unwrap();
    for at in (0..whole.len()).step_by(997).chain([0, 8, 14, 20, 8_191, 8_192, whole.len() - 1]) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        std::fs::write(&other, &bytes).unwrap();
        let refused = RedbStore::verify_backup(&other);
        assert!(matches!(refused, Err(StoreError::Unusable(_))), "byte {at}: {refused:?}");
        let restored = directory.path().join("restored");
        assert!(restore(&other, &restored).is_err() && !restored.exists(), "byte {at}");
    }
    for length in [0, 1, 4_096, 8_192, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&other, &whole[..length]).unwrap();
        assert!(RedbStore::verify_backup(&other).is_err(), "{length} bytes");
    }
    std::fs::write(&other, [&whole[..], b"more"].concat()).unwrap();
    assert!(RedbStore::verify_backup(&other).is_err(), "more bytes than were written");
    assert!(RedbStore::verify_backup(&backup).is_ok());
}

#[tokio::test]
async fn no_backup_and_no_restore_takes_the_name_of_another_file() {
    let (store, directory) = redb();
    lived(&store).await;
    let backup = directory.path().join("backup");
    std::fs::write(&backup, "precious").unwrap();
    assert!(matches!(back_up(&store, &backup), Err(StoreError::Invalid(_))));
    assert_eq!(std::fs::read(&backup).unwrap(), b"precious");
    let nowhere = back_up(&store, &directory.path().join("missing/backup")).unwrap_err();
    assert!(nowhere.to_string().contains("directory exists"), "{nowhere}");
    std::fs::remove_file(&backup).unwrap();
    back_up(&store, &backup).unwrap();
    drop(store);
    let before = std::fs::read(path(&directory)).unwrap();
    assert!(matches!(restore(&backup, &path(&directory)), Err(StoreError::Invalid(_))));
    assert!(std::fs::read(path(&directory)).unwrap() == before);
    assert_eq!(files(&directory), ["backup", "store.redb"]);
}

#[tokio::test]
async fn a_restored_store_has_its_intents_and_pauses_the_writes_of_its_connections() {
    let (store, directory) = redb();
    lived(&store).await;
    assert_eq!(store.connection(ACME).await.unwrap().unwrap().writes_paused_ms, None);
    let (backup, restored) = (directory.path().join("backup"), directory.path().join("restored"));
    let made = back_up(&store, &backup).unwrap();
    restore(&backup, &restored).unwrap();
    let restored = open(&restored);
    assert_eq!(restored.identity().await.unwrap().lineage, made.lineage);
    let paused_ms = restored.connection(ACME).await.unwrap().unwrap().writes_paused_ms;
    assert!(paused_ms.is_some_and(|paused_ms| paused_ms >= made.created_ms), "{paused_ms:?}");
    let open_intents = restored.open_intents(ACME).await.unwrap();
    assert_eq!(open_intents, store.open_intents(ACME).await.unwrap());
    assert_eq!(open_intents.len(), 1);
    assert_eq!(restored.observed_counts(ACME).await.unwrap(), [("tags".to_owned(), 20)]);
}

/// Readers of the feed with events that the backup does not have get an error, however far the
/// feed has come since; the others lose nothing.
#[tokio::test]
async fn a_reader_beyond_the_backup_is_told_so_for_ever_and_the_others_go_on() {
    let (store, directory) = redb();
    lived(&store).await;
    let backup = directory.path().join("backup");
    back_up(&store, &backup).unwrap();
    let last = store.changes_last(ACME).await.unwrap();
    for id in 0..9 {
        see(&store, "jobs", &id.to_string(), json!({"name": "lost"})).await;
    }
    let mut file = directory.path().join("restored");
    restore(&backup, &file).unwrap();
    for round in 0..2 {
        let restored = open(&file);
        for id in 0..20 {
            let name = format!("new {round}");
            see(&restored, "jobs", &id.to_string(), json!({ "name": name })).await;
        }
        for at in [last + 1, last + 9, last + 20] {
            let read = restored.changes(ACME, at, 10).await;
            assert!(
                matches!(read, Err(StoreError::ChangesAhead { last: told, at: stands })
                    if told == last && stands == at),
                "{read:?}"
            );
            let guard = Guard::sole(ACME);
            assert!(restored.acknowledge(&guard, "other", at).await.is_err());
        }
        let read = restored.changes(ACME, last, 10).await.unwrap();
        assert_eq!((read.len(), read[0].kind.as_str()), (10, "jobs"));
        assert!(read[0].serial > last + 20, "{}", read[0].serial);
        assert_eq!(restored.offset(ACME, "mirror").await.unwrap(), last);
        // A backup of the restored store, restored again: the readers get the error all the same.
        let (again, next) = (directory.path().join("again"), directory.path().join("next"));
        if round == 0 {
            back_up(&restored, &again).unwrap();
            restore(&again, &next).unwrap();
            file = next;
        }
    }
}

#[tokio::test]
async fn verifying_changes_nothing_and_needs_no_right_to_write() {
    let (store, directory) = redb();
    lived(&store).await;
    let backup = directory.path().join("backup");
    back_up(&store, &backup).unwrap();
    let before = (std::fs::read(&backup).unwrap(), std::fs::metadata(&backup).unwrap());
    let mut rights = before.1.permissions();
    rights.set_readonly(true);
    std::fs::set_permissions(&backup, rights).unwrap();
    RedbStore::verify_backup(&backup).unwrap();
    let after = std::fs::metadata(&backup).unwrap();
    assert!(std::fs::read(&backup).unwrap() == before.0);
    assert_eq!(after.modified().unwrap(), before.1.modified().unwrap());
    assert_eq!(files(&directory), ["backup", "store.redb"]);
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_can_read_a_backup_and_a_restored_store() {
    use std::os::unix::fs::PermissionsExt;
    let (store, directory) = redb();
    lived(&store).await;
    let (backup, restored) = (directory.path().join("backup"), directory.path().join("restored"));
    back_up(&store, &backup).unwrap();
    restore(&backup, &restored).unwrap();
    for file in [backup, restored] {
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_closed_store_makes_no_backup_and_leaves_no_file() {
    let (store, directory) = redb();
    lived(&store).await;
    store.close().await.unwrap();
    let refused = back_up(&store, &directory.path().join("backup"));
    assert!(matches!(refused, Err(StoreError::Closed)), "{refused:?}");
    assert_eq!(files(&directory), ["store.redb"]);
}

#[tokio::test]
async fn a_backup_is_not_opened_as_a_store() {
    let (store, directory) = redb();
    lived(&store).await;
    let backup = directory.path().join("backup");
    back_up(&store, &backup).unwrap();
    let refused = RedbStore::open(&backup, Default::default(), &SystemEntropy).unwrap_err();
    assert!(refused.to_string().contains("restore it"), "{refused}");
}

#[tokio::test]
async fn a_file_is_called_what_it_is_and_stays_unchanged() {
    let (store, directory) = redb();
    lived(&store).await;
    let file = |name: &str| directory.path().join(name);
    let inspect = |name: &str| RedbStore::inspect(&file(name)).unwrap();
    assert_eq!(inspect("store.redb"), StoreFile::InUse);
    back_up(&store, &file("backup")).unwrap();
    drop(store);
    assert_eq!(inspect("missing"), StoreFile::Missing);
    std::fs::create_dir(file("directory")).unwrap();
    assert_eq!(inspect("directory"), StoreFile::NoRegularFile);
    let found = inspect("store.redb");
    assert!(matches!(&found, StoreFile::Store { rows, .. } if rows["observed"] == 20), "{found:?}");
    let found = inspect("backup");
    assert!(matches!(&found, StoreFile::Backup(made) if made.rows["observed"] == 20), "{found:?}");
    let (store, backup) =
        (std::fs::read(file("store.redb")).unwrap(), std::fs::read(file("backup")).unwrap());
    let with = |bytes: &[u8], at: usize, new: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes[at..at + new.len()].copy_from_slice(new);
        bytes
    };
    let other = |found| StoreFile::OtherVersion { found, oldest: 2, newest: 2 };
    let zeros = [vec![0; 8_192], store.clone()].concat();
    for (bytes, expected) in [
        (Vec::new(), StoreFile::Empty),
        (b"\x1f\x8b\x08 and so on".to_vec(), StoreFile::Compressed { by: "gzip" }),
        (b"\x28\xb5\x2f\xfd and so on".to_vec(), StoreFile::Compressed { by: "zstd" }),
        (b"SQLite format 3\0".to_vec(), StoreFile::Foreign { what: "a database of SQLite" }),
        (b"{\"key\": \"ref-1\"}".to_vec(), StoreFile::Foreign { what: "a text" }),
        (b"\xff\xfe\xfd".to_vec(), StoreFile::Foreign { what: "a file of an unknown kind" }),
        (vec![0; 9_000], StoreFile::Foreign { what: "a file that begins with zeros" }),
        (with(&with(&store, 13, b"3"), 4_096 + 13, b"3"), other(3)),
        (with(&with(&store, 13, b"1"), 4_096 + 13, b"1"), other(1)),
        (with(&backup, 14, b"7"), StoreFile::OtherVersion { found: 7, oldest: 1, newest: 1 }),
        (zeros, StoreFile::Unfinished),
    ] {
        std::fs::write(file("other"), &bytes).unwrap();
        assert_eq!(inspect("other"), expected);
        assert!(std::fs::read(file("other")).unwrap() == bytes, "{expected:?}");
    }
    // One slot of the header is enough to read it.
    std::fs::write(file("other"), with(&store, 0, &[0; 4_096])).unwrap();
    assert!(matches!(inspect("other"), StoreFile::Store { .. }));
    for bytes in [
        store[..store.len() / 2].to_vec(),
        with(&with(&store, 20, &[!store[20]]), 4_096 + 20, &[!store[4_116]]),
        with(&store, 8_192, &vec![7; store.len() - 8_192]),
        with(&backup, 40, &[!backup[40]]),
        backup[..backup.len() - 1].to_vec(),
    ] {
        std::fs::write(file("other"), &bytes).unwrap();
        let found = inspect("other");
        assert!(matches!(found, StoreFile::Damaged { .. }), "{found:?}");
        assert!(std::fs::read(file("other")).unwrap() == bytes, "it is unchanged");
    }
}
