//! A disk that does not answer shows as a late writer, and no longer when it answers. One that
//! refused a write makes the writer late for good, since the file has to be opened again.

use crate::given::{ACME, declaration, declare};
use atsync::internals::store::redb::{RedbOptions, RedbStore};
use atsync::internals::store::{Desired, Guard, StoreError};
use atsync::testing::{Disk, ManualClock};
use atsync::{Clock, Engine, LoopStatus, SystemEntropy};
use redb::StorageBackend;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};

/// A disk whose syncs wait for a message once a gate is set: each says that it began, then waits.
#[derive(Clone, Debug)]
struct Gated {
    disk: Disk,
    gate: Arc<Mutex<Option<Gate>>>,
    is_full: Arc<AtomicBool>,
}

type Gate = (mpsc::Sender<()>, mpsc::Receiver<()>);

impl StorageBackend for Gated {
    fn len(&self) -> io::Result<u64> {
        self.disk.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.disk.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        if let Some((began, go_on)) = self.gate.lock().unwrap().take() {
            began.send(()).unwrap();
            go_on.recv().unwrap();
        }
        self.disk.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.disk.write(offset, data)
    }
}

fn opened() -> (Gated, Arc<RedbStore>, Arc<ManualClock>, Engine) {
    let disk = Disk::holding(Vec::new());
    let gated = Gated { disk, gate: Arc::default(), is_full: Arc::default() };
    let store = RedbStore::with_backend(gated.clone(), RedbOptions::default(), &SystemEntropy);
    let store = Arc::new(store.unwrap());
    let clock = ManualClock::at(1_795_514_400_000);
    let engine = Engine::builder()
        .store(Arc::<RedbStore>::clone(&store))
        .clock(Arc::<ManualClock>::clone(&clock))
        .build()
        .unwrap();
    (gated, store, clock, engine)
}

fn writer(engine: &Engine) -> LoopStatus {
    let loops = engine.loops();
    assert_eq!((loops.len(), loops[0].name), (1, "writer"), "{loops:?}");
    loops[0].clone()
}

#[tokio::test]
async fn after_a_full_disk_the_writer_is_late_until_the_file_is_opened_again() {
    let (gated, store, clock, engine) = opened();
    declare(store.as_ref(), &["r1"]).await;
    gated.is_full.store(true, Ordering::Relaxed);
    let declared = async |key: &str| {
        let records = vec![declaration(key, "{}")];
        store.declare(&Guard::sole(ACME), records, 5).await.map(drop)
    };
    assert!(matches!(declared("r2").await, Err(StoreError::Io(_))));
    gated.is_full.store(false, Ordering::Relaxed);
    clock.set(clock.now_ms() + 4 * 60_000);
    let refused = declared("r3").await.unwrap_err().to_string();
    assert!(refused.contains("opened again"), "{refused}");
    clock.set(clock.now_ms() + 2 * 60_000);
    assert!(declared("r4").await.is_err());
    assert!(writer(&engine).is_late);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_does_not_answer_makes_the_writer_late_until_it_does() {
    let (gated, store, clock, engine) = opened();
    let writer = || writer(&engine);
    let pass = |minutes: u64| clock.set(clock.now_ms() + minutes * 60_000);
    declare(store.as_ref(), &["r1"]).await;
    pass(600);
    // It has nothing to do, and says so after its answer.
    while writer().is_late {
        tokio::task::yield_now().await;
    }

    let (began, begins) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel();
    *gated.gate.lock().unwrap() = Some((began, goes_on));
    let writing = tokio::spawn({
        let store = Arc::clone(&store);
        async move { declare(store.as_ref(), &["r2"]).await }
    });
    begins.recv().unwrap();
    pass(4);
    assert!(!writer().is_late);
    pass(2);
    assert!(writer().is_late && writer().age_ms >= 6 * 60_000, "{:?}", writer());
    go_on.send(()).unwrap();
    drop(writing.await);
    declare(store.as_ref(), &["r3"]).await;
    assert!(!writer().is_late, "{:?}", writer());
    assert_eq!(store.desired_counts(ACME).await.unwrap().0, 3);
}

#[tokio::test]
async fn a_closed_store_has_no_writer_that_could_be_late() {
    let (_gated, store, clock, engine) = opened();
    declare(store.as_ref(), &["r1"]).await;
    writer(&engine);
    engine.clone().close().await.unwrap();
    clock.set(clock.now_ms() + 6 * 60_000);
    let loops = engine.loops();
    assert!(loops.is_empty(), "{loops:?}");
}
