//! Crashes of the durable store, on a disk that the test owns ([`Disk`]).
//!
//! A power cut at the n-th operation stops the disk for good; afterwards the disk holds everything
//! that was synced and an arbitrary part of the later writes, chosen from n. The test tries every n
//! of a short history. Proof: every acknowledged write is there, and every other is there as a
//! whole or not at all.

use crate::given::{ACME, applied, declare, intent, page, record, step};
use atsync::SystemEntropy;
use atsync::internals::store::redb::{RedbOptions, RedbStore};
use atsync::internals::store::{Guard, PageCommit, ScanState, Store, StoreError};
use atsync::internals::store::{Journal, Observed};
use atsync::testing::Disk;
use serde_json::json;
use std::time::Duration;

fn opened(disk: &Disk) -> Result<RedbStore, StoreError> {
    RedbStore::with_backend(disk.clone(), RedbOptions::default(), &SystemEntropy)
}

/// Three rounds of a page, an intent and its outcome. Returns how many calls were acknowledged
/// before the first failure.
async fn history(store: &dyn Store) -> u64 {
    let mut done = 0;
    for round in 0..3_u64 {
        let records =
            (0..3).map(|id| record(&format!("{round}-{id}"), json!({"name": "x"}))).collect();
        let scan = Some(ScanState { passes: round + 1, ..ScanState::default() });
        if store
            .commit_page(&Guard::sole(ACME), PageCommit { scan, ..page("tags", records) })
            .await
            .is_err()
        {
            break;
        }
        done += 1;
        let Ok(born) = store.begin_intent(&Guard::sole(ACME), intent("r1", "o")).await else {
            break;
        };
        done += 1;
        if store.advance_intent(&Guard::sole(ACME), step(born.id, 1, applied())).await.is_err() {
            break;
        }
        done += 1;
    }
    done
}

/// Returns how many calls of the history the store shows, after proving that each is there as a
/// whole.
async fn shown(store: &dyn Store) -> u64 {
    let pages = store.scan_state(ACME, "tags", None).await.unwrap().map_or(0, |scan| scan.passes);
    assert_eq!(store.observed_page(ACME, "tags", None, 99).await.unwrap().len() as u64, pages * 3);
    assert_eq!(store.lookup(ACME, "tags", "name", "x", 99).await.unwrap().len() as u64, pages * 3);
    assert_eq!(store.changes(ACME, 0, 99).await.unwrap().len() as u64, pages * 3);
    assert_eq!(store.changes_last(ACME).await.unwrap(), pages * 3);
    let intents = store.intents_of(ACME, "r1", 99).await.unwrap().len() as u64;
    let open = store.open_intents(ACME).await.unwrap().len() as u64;
    pages + intents + (intents - open)
}

#[tokio::test]
async fn a_power_cut_at_any_operation_loses_nothing_acknowledged() {
    let whole = Disk::holding(Vec::new());
    let store = opened(&whole).unwrap();
    declare(&store, &["r1"]).await;
    drop(store);
    let begun = whole.remains(0);

    let rehearsal = Disk::holding(begun.clone());
    let store = opened(&rehearsal).unwrap();
    assert_eq!(history(&store).await, 9);
    drop(store);
    let operations = rehearsal.operations();
    assert!(operations > 50, "{operations} operations are no history");

    for operation in 0..operations {
        let disk = Disk::holding(begun.clone());
        disk.cut_after(operation);
        let done = match opened(&disk) {
            Ok(store) => history(&store).await,
            Err(_) => 0,
        };
        for chance in 0..4_u64 {
            let after = Disk::holding(disk.remains(operation * 4 + chance));
            let store = opened(&after)
                .unwrap_or_else(|error| panic!("cut at {operation}, chance {chance}: {error}"));
            let shown = shown(&store).await;
            assert!(
                shown == done || shown == done + 1,
                "cut at {operation}: {done} acknowledged, {shown} shown"
            );
        }
    }
}

/// The creation of a store is cut short: the next opening creates it again, or says that the file
/// is no store; it never shows half of one.
#[tokio::test]
async fn a_power_cut_while_a_store_is_made_leaves_no_half_store() {
    let mut made = 0;
    for operation in 0..60 {
        let disk = Disk::holding(Vec::new());
        disk.cut_after(operation);
        let acknowledged = opened(&disk).is_ok();
        match opened(&Disk::holding(disk.remains(operation))) {
            Ok(store) => {
                made += 1;
                assert_eq!(shown(&store).await, 0);
                declare(&store, &["r1"]).await;
                assert_eq!(history(&store).await, 9);
            }
            Err(StoreError::Unusable(_)) if !acknowledged => {}
            Err(error) => panic!("cut at {operation}: {error}"),
        }
    }
    assert!(made > 0);
}

/// A store that keeps the list of free pages as one in a long file does.
fn as_long(disk: &Disk) -> RedbStore {
    let mut options = RedbOptions::default();
    options.list_kept_bytes_max = 0;
    RedbStore::with_backend(disk.clone(), options, &SystemEntropy).unwrap()
}

/// Whether opening a file with these bytes reads all of it. It holds every record in any case.
async fn is_walked(bytes: Vec<u8>) -> bool {
    let store = as_long(&Disk::holding(bytes));
    assert_eq!(store.observed_counts(ACME).await.unwrap(), [("tags".to_owned(), 500)]);
    store.was_walked()
}

/// A store that is killed amid writes is walked when it is opened; one that was quiet for a second
/// is not. Both hold everything.
#[tokio::test]
async fn a_quiet_store_opens_after_a_crash_without_a_walk() {
    let disk = Disk::holding(Vec::new());
    let store: Box<dyn Store> = Box::new(as_long(&disk));
    let records = (0..500).map(|id| record(&id.to_string(), json!({"name": "x"}))).collect();
    store.commit_page(&Guard::sole(ACME), page("tags", records)).await.unwrap();
    assert!(is_walked(disk.remains(0)).await);
    let quiet = async {
        // A kill at any moment of the commit that follows leaves the same records.
        while is_walked(disk.remains(0)).await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), quiet).await.unwrap();
    declare(store.as_ref(), &["r1"]).await;
    assert!(is_walked(disk.remains(0)).await);
    drop(store);
    assert!(!is_walked(disk.remains(0)).await);
}

#[tokio::test]
async fn a_failing_disk_fails_the_calls_that_need_it() {
    let disk = Disk::holding(Vec::new());
    let store = opened(&disk).unwrap();
    declare(&store, &["r1", "r2", "r3"]).await;
    store.begin_intent(&Guard::sole(ACME), intent("r1", "o")).await.unwrap();
    disk.cut_after(0);
    for host in ["r2", "r3"] {
        assert!(matches!(
            store.begin_intent(&Guard::sole(ACME), intent(host, "o")).await,
            Err(StoreError::Io(_))
        ));
    }
}
