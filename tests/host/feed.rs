//! The feed: read to its end, or followed for ever.

use atsync::internals::store::memory::MemoryStore;
use atsync::internals::store::redb::{RedbOptions, RedbStore};
use atsync::internals::store::{
    Cause, Change, Guard, Keep, ObservedWrite, PageCommit, Store, StoreError,
};
use atsync::testing::SeededEntropy;
use atsync::{Clock, Connection, ConnectionOptions, Credential, Engine, ErrorKind, Secret};
use atsync_tests::{UpsetStore, World, native_greenhouse};
use futures_util::future::join;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;

/// A page of tags with these ids.
fn tags(ids: impl IntoIterator<Item = usize>) -> PageCommit {
    let record = |id: usize| ObservedWrite {
        id: id.to_string(),
        version: None,
        body: format!(r#"{{"name":"tag {id}"}}"#),
        raw: None,
        mask: 0,
    };
    PageCommit {
        kind: "tags".into(),
        parent: None,
        records: ids.into_iter().map(record).collect(),
        masks: vec![vec!["name".into()]],
        gone: Vec::new(),
        moved: Vec::new(),
        scan: None,
        sweep: None,
        cause: Cause::Observed,
        applied_by: BTreeMap::new(),
        now_ms: 1,
    }
}

async fn engine(store: Arc<dyn Store>) -> (Engine, Connection) {
    let engine = Engine::builder().store(store).build().unwrap();
    let credential =
        Credential::ClientCredentials { client_id: "c".into(), client_secret: Secret::new("s") };
    let options = ConnectionOptions::new("acme", native_greenhouse(), credential);
    let acme = engine.connect(options).await.unwrap();
    (engine, acme)
}

fn ids(changes: &[Change]) -> Vec<usize> {
    changes.iter().map(|change| change.id.parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_follower_in_another_task_is_woken_by_every_commit_and_misses_none() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.redb");
    let entropy = SeededEntropy::new(1);
    let redb = RedbStore::open(&file, RedbOptions::default(), entropy.as_ref()).unwrap();
    let stores: [Arc<dyn Store>; 3] = [
        Arc::new(redb),
        Arc::new(MemoryStore::default()),
        // A stream that wraps another.
        UpsetStore::new(Arc::new(MemoryStore::default()), Arc::default()),
    ];
    for store in stores {
        let (engine, acme) = engine(store).await;
        let reader = |consumer: &'static str| {
            let feed = acme.follow(consumer);
            tokio::spawn(feed.take(300).try_collect::<Vec<_>>())
        };
        let readers = [reader("one"), reader("two"), reader("three")];
        for first in (0..300).step_by(10) {
            // By the store itself, as another connection's handle would.
            let page = tags(first..first + 10);
            engine.store().commit_page(&Guard::sole("acme"), page).await.unwrap();
            tokio::task::yield_now().await;
        }
        for reader in readers {
            let changes = reader.await.unwrap().unwrap();
            assert_eq!(ids(&changes), (0..300).collect::<Vec<_>>());
            assert!(changes.windows(2).all(|pair| pair[1].serial == pair[0].serial + 1));
        }
    }
}

#[tokio::test]
async fn a_follower_begins_where_its_consumer_left_off_and_acknowledges_nothing_itself() {
    let (engine, acme) = engine(Arc::new(MemoryStore::default())).await;
    engine.store().commit_page(&Guard::sole("acme"), tags(0..5)).await.unwrap();
    let read = |count: usize| acme.follow("host").take(count).try_collect::<Vec<Change>>();
    assert_eq!(ids(&read(3).await.unwrap()), [0, 1, 2]);
    let again = read(3).await.unwrap();
    assert_eq!(ids(&again), [0, 1, 2], "nothing was acknowledged");
    acme.acknowledge("host", again[1].serial).await.unwrap();
    assert_eq!(ids(&read(3).await.unwrap()), [2, 3, 4]);
    assert_eq!(ids(&acme.follow("other").take(1).try_collect::<Vec<_>>().await.unwrap()), [0]);
}

#[tokio::test]
async fn a_follower_waits_where_a_bounded_read_ends() {
    let (engine, acme) = engine(Arc::new(MemoryStore::default())).await;
    engine.store().commit_page(&Guard::sole("acme"), tags(0..2)).await.unwrap();
    let ended: Vec<Change> = acme.changes(0).try_collect().await.unwrap();
    assert_eq!(ids(&ended), [0, 1]);
    let mut feed = pin!(acme.follow("host"));
    assert_eq!(feed.next().await.unwrap().unwrap().id, "0");
    assert_eq!(feed.next().await.unwrap().unwrap().id, "1");
    assert!(feed.next().now_or_never().is_none());
    // A commit of another connection wakes no follower here.
    engine.store().commit_page(&Guard::sole("zebra"), tags(0..2)).await.unwrap();
    assert!(feed.next().now_or_never().is_none());
    engine.store().commit_page(&Guard::sole("acme"), tags(2..3)).await.unwrap();
    assert_eq!(feed.next().await.unwrap().unwrap().id, "2");
}

#[tokio::test]
async fn a_reader_after_the_feed_was_trimmed_gets_an_error_and_can_go_on() {
    let (engine, acme) = engine(Arc::new(MemoryStore::default())).await;
    engine.store().commit_page(&Guard::sole("acme"), tags(0..5)).await.unwrap();
    assert_eq!(acme.trim(0, Keep::Nothing).await.unwrap(), 5);
    engine.store().commit_page(&Guard::sole("acme"), tags(5..6)).await.unwrap();
    let mut feed = pin!(acme.follow("host"));
    let error = feed.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    let source = error.cause::<StoreError>();
    assert!(matches!(source, Some(StoreError::ChangesGone { first: 6 })), "{error:?}");
    assert!(feed.next().await.is_none(), "an error is the last item");
    let first = acme.changes_first().await.unwrap();
    acme.acknowledge("host", first - 1).await.unwrap();
    assert_eq!(pin!(acme.follow("host")).next().await.unwrap().unwrap().id, "5");
}

#[tokio::test]
async fn a_host_that_restores_a_backup_follows_from_the_serial_in_it() {
    let (engine, acme) = engine(Arc::new(MemoryStore::default())).await;
    engine.store().commit_page(&Guard::sole("acme"), tags(0..5)).await.unwrap();
    // By its own offset, without a consumer.
    let read: Vec<Change> = acme.follow_after(2).take(3).try_collect().await.unwrap();
    assert_eq!(ids(&read), [2, 3, 4]);
    let mut ahead = pin!(acme.follow_after(6));
    let error = ahead.next().await.unwrap().unwrap_err();
    let source = error.cause::<StoreError>();
    assert!(matches!(source, Some(StoreError::ChangesAhead { last: 5, at: 6 })), "{error:?}");
    // By a named consumer: an acknowledgement of an older serial returns the current one, until the
    // consumer is ended.
    assert_eq!(acme.acknowledge("host", 4).await.unwrap(), 4);
    assert_eq!(acme.acknowledge("host", 2).await.unwrap(), 4);
    acme.end_consumer("host").await.unwrap();
    assert_eq!(acme.acknowledge("host", 2).await.unwrap(), 2);
    let read: Vec<Change> = acme.follow("host").take(3).try_collect().await.unwrap();
    assert_eq!(ids(&read), [2, 3, 4]);
}

#[tokio::test]
async fn a_follower_holds_back_trimming_until_it_acknowledges() {
    let (engine, acme) = engine(Arc::new(MemoryStore::default())).await;
    let mut feed = Box::pin(acme.follow("slow"));
    assert!(feed.next().now_or_never().is_none());
    engine.store().commit_page(&Guard::sole("acme"), tags(0..5)).await.unwrap();
    assert_eq!(acme.trim(0, Keep::Unacknowledged).await.unwrap(), 0);
    let change = feed.next().await.unwrap().unwrap();
    acme.acknowledge("slow", change.serial).await.unwrap();
    assert_eq!(acme.trim(0, Keep::Unacknowledged).await.unwrap(), 1);
}

#[test]
fn a_follower_reads_what_another_handle_pulls() {
    let world = World::new(1, 20);
    let acme = world.connect();
    let follow = acme.follow("host").take(5).try_collect::<Vec<Change>>();
    let pull = async {
        world.clock.sleep(1_000).await;
        acme.pull("candidates").await.unwrap()
    };
    let (changes, _) = world.run(join(follow, pull));
    assert_eq!(changes.unwrap().len(), 5);
}

#[tokio::test]
async fn a_commit_during_a_read_of_the_feed_wakes_its_follower() {
    let inner: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let store = UpsetStore::new(Arc::clone(&inner), Arc::default());
    let late = Arc::clone(&inner);
    store.after_changes(async move {
        late.commit_page(&Guard::sole("acme"), tags([1])).await.map(drop).unwrap()
    });
    let (_engine, acme) = engine(store).await;
    let mut feed = pin!(acme.follow("host"));
    let woken = tokio::time::timeout(std::time::Duration::from_secs(30), feed.next()).await;
    let change = woken.expect("the follower is woken").unwrap().unwrap();
    assert_eq!(ids(&[change]), [1]);
}
