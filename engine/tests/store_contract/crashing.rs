//! Crashes of the durable store, on a disk that the test owns.
//!
//! The disk keeps what was synced apart from what was only written. A power cut at the n-th operation stops the disk for good; what
//! is found afterwards is all that was synced and an arbitrary part of the writes since, chosen from n. Every n of a short history
//! is tried. Proof: what was acknowledged is there, and what was not is there as a whole or not at all.

use crate::given::{ACME, applied, declare, intent, page, record, step};
use atsync::SystemEntropy;
use atsync::store::redb::{RedbOptions, RedbStore};
use atsync::store::{PageCommit, ScanState, Store, StoreError};
use redb::StorageBackend;
use serde_json::json;
use std::io;
use std::sync::{Arc, Mutex};

#[derive(Clone, Debug)]
enum Write {
    Length(usize),
    Bytes(usize, Vec<u8>),
}

impl Write {
    fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Length(length) => image.resize(*length, 0),
            Self::Bytes(at, bytes) => {
                // The file may have grown in a write that was lost; a file system then keeps zeros up to here.
                image.resize(image.len().max(at + bytes.len()), 0);
                image[*at..at + bytes.len()].copy_from_slice(bytes);
            }
        }
    }
}

#[derive(Debug, Default)]
struct State {
    live: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<Write>,
    /// Operations until the power is cut; none: never.
    fuse: Option<u32>,
    operations: u32,
}

#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<State>>);

impl Disk {
    fn holding(image: Vec<u8>) -> Self {
        let state = State { synced: image.clone(), live: image, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    fn burn_at(&self, operation: u32) {
        self.0.lock().unwrap().fuse = Some(operation);
    }

    fn operations(&self) -> u32 {
        self.0.lock().unwrap().operations
    }

    /// What is found after the cut: each write since the last sync is kept or lost by the bits of `chance`.
    fn remains(&self, mut chance: u64) -> Vec<u8> {
        let state = self.0.lock().unwrap();
        let mut image = state.synced.clone();
        for write in &state.unsynced {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            if chance >> 63 == 0 {
                write.apply(&mut image);
            }
        }
        image
    }

    fn store(&self) -> Result<RedbStore, StoreError> {
        RedbStore::with_backend(self.clone(), RedbOptions::default(), &SystemEntropy)
    }

    fn change(&self, change: impl FnOnce(&mut State)) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.operations += 1;
        if state.fuse.is_some_and(|fuse| state.operations > fuse) {
            return Err(io::Error::other("the power is cut"));
        }
        change(&mut state);
        Ok(())
    }

    fn write(&self, write: Write) -> io::Result<()> {
        self.change(|state| {
            write.apply(&mut state.live);
            state.unsynced.push(write);
        })
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().live.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let at = usize::try_from(offset).unwrap();
        let state = self.0.lock().unwrap();
        out.copy_from_slice(state.live.get(at..at + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::write(self, Write::Length(usize::try_from(len).unwrap()))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change(|state| {
            state.synced = state.live.clone();
            state.unsynced.clear();
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        Self::write(self, Write::Bytes(usize::try_from(offset).unwrap(), data.to_vec()))
    }
}

/// Three rounds of a page, an intent and its outcome. Gives how many calls were acknowledged before the first failure.
async fn history(store: &dyn Store) -> u64 {
    let mut done = 0;
    for round in 0..3_u64 {
        let records = (0..3).map(|id| record(&format!("{round}-{id}"), json!({"name": "x"}))).collect();
        let scan = Some(ScanState { passes: round + 1, ..ScanState::default() });
        if store.commit_page(ACME, PageCommit { scan, ..page("tags", records) }).await.is_err() {
            break;
        }
        done += 1;
        let Ok(born) = store.begin_intent(ACME, intent("r1", "o")).await else { break };
        done += 1;
        if store.advance_intent(ACME, step(born.id, 1, applied())).await.is_err() {
            break;
        }
        done += 1;
    }
    done
}

/// How many calls of the history the store shows, after proving that each is there as a whole.
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
    let whole = Disk::default();
    let store = whole.store().unwrap();
    declare(&store, &["r1"]).await;
    drop(store);
    let begun = whole.remains(0);

    let rehearsal = Disk::holding(begun.clone());
    let store = rehearsal.store().unwrap();
    assert_eq!(history(&store).await, 9);
    drop(store);
    let operations = rehearsal.operations();
    assert!(operations > 50, "{operations} operations are no history");

    for operation in 0..operations {
        let disk = Disk::holding(begun.clone());
        disk.burn_at(operation);
        let done = match disk.store() {
            Ok(store) => history(&store).await,
            Err(_) => 0,
        };
        for chance in 0..4_u64 {
            let after = Disk::holding(disk.remains(u64::from(operation) * 4 + chance));
            let store = after.store().unwrap_or_else(|error| panic!("cut at {operation}, chance {chance}: {error}"));
            let shown = shown(&store).await;
            assert!(shown == done || shown == done + 1, "cut at {operation}: {done} acknowledged, {shown} shown");
        }
    }
}

/// Making a store is cut short: the next opening makes it again, or says that the file is no store; it never shows half of one.
#[tokio::test]
async fn a_power_cut_while_a_store_is_made_leaves_no_half_store() {
    let mut made = 0;
    for operation in 0..60 {
        let disk = Disk::default();
        disk.burn_at(operation);
        let acknowledged = disk.store().is_ok();
        match Disk::holding(disk.remains(u64::from(operation))).store() {
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

#[tokio::test]
async fn a_failing_disk_fails_the_calls_that_need_it() {
    let disk = Disk::default();
    let store = disk.store().unwrap();
    declare(&store, &["r1", "r2", "r3"]).await;
    store.begin_intent(ACME, intent("r1", "o")).await.unwrap();
    disk.burn_at(0);
    for host in ["r2", "r3"] {
        assert!(matches!(store.begin_intent(ACME, intent(host, "o")).await, Err(StoreError::Io(_))));
    }
}
