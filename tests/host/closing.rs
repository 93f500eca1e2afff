//! Closing a connection and an engine: what ends, what is waited for, and what is free afterwards.

use atsync::internals::store::StoreError;
use atsync::{
    Clock, Connection, ConnectionOptions, Credential, Cron, Crons, Engine, Error, ErrorKind,
    PlanOf, Secret,
};
use atsync_tests::{World, desired, native_greenhouse};
use futures_util::future::join;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

const ADA: &str = r#"{"key": "ref-1", "name": {"first": "Ada", "last": "Byron"},
    "emails": ["ada@h.example.com"], "tags": ["Met"], "notes": [{"key": "n", "body": "Hello"}]}"#;

async fn connect(engine: &Engine, name: &str) -> Result<Connection, Error> {
    let credential =
        Credential::ClientCredentials { client_id: "c".into(), client_secret: Secret::new("s") };
    engine.connect(ConnectionOptions::new(name, native_greenhouse(), credential)).await
}

fn says(ended: Result<(), Error>, words: &str) {
    let error = ended.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[tokio::test]
async fn the_file_of_a_closed_engine_opens_at_once_whatever_handles_remain() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.redb");
    let engine = Engine::builder().store_file(&file).unwrap().build().unwrap();
    let (clone, store) = (engine.clone(), Arc::clone(engine.store()));
    let acme = connect(&engine, "acme").await.unwrap();
    let (other, observed) = (acme.clone(), acme.observed("jobs"));
    acme.declare(&desired(ADA)).await.unwrap();
    acme.close().await;
    engine.close().await.unwrap();

    let again = Engine::builder().store_file(&file).unwrap().build().unwrap();
    let acme = connect(&again, "acme").await.unwrap();
    assert_eq!(acme.status().await.unwrap().desired, 1, "the written record is there");
    says(other.status().await.map(drop), "closed");
    says(observed.try_collect::<Vec<_>>().await.map(drop), "closed");
    says(connect(&clone, "acme").await.map(drop), "the engine was closed");
    let refusal = store.connection("acme").await.unwrap_err();
    assert!(matches!(refusal, StoreError::Closed), "{refusal}");
    clone.close().await.unwrap();
}

#[tokio::test]
async fn writes_under_way_are_finished_before_the_file_is_closed() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.redb");
    let engine = Engine::builder().store_file(&file).unwrap().build().unwrap();
    let acme = connect(&engine, "acme").await.unwrap();
    let declared = (0..50).map(|at| {
        let (acme, record) = (acme.clone(), ADA.replace("ref-1", &format!("ref-{at}")));
        tokio::spawn(async move { acme.declare(&desired(&record)).await.map(drop) })
    });
    let declared: Vec<_> = declared.collect();
    tokio::task::yield_now().await;
    acme.close().await;
    engine.close().await.unwrap();
    let mut done = 0;
    for one in declared {
        match one.await.unwrap() {
            Ok(()) => done += 1,
            refused => says(refused, "closed"),
        }
    }
    let again = Engine::builder().store_file(&file).unwrap().build().unwrap();
    let acme = connect(&again, "acme").await.unwrap();
    assert_eq!(acme.status().await.unwrap().desired, done);
}

#[tokio::test]
async fn an_engine_with_open_connections_stays_open_and_names_them() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.redb");
    let engine = Engine::builder().store_file(&file).unwrap().build().unwrap();
    let acme = connect(&engine, "acme").await.unwrap();
    let feed = acme.follow("mailer");
    drop(connect(&engine, "dropped").await.unwrap());
    let zebra = connect(&engine, "zebra").await.unwrap();
    let refusal = engine.clone().close().await;
    let text = refusal.as_ref().unwrap_err().to_string();
    assert!(text.contains(r#""acme" (2 handles), "zebra" (1 handle)"#), "{text}");
    says(refusal, "stays open");

    acme.declare(&desired(ADA)).await.unwrap();
    assert!(Engine::builder().store_file(&file).is_err(), "the file is still held");
    drop((acme, feed));
    says(engine.clone().close().await, r#"open: "zebra" (1 handle); close"#);
    zebra.close().await;
    engine.close().await.unwrap();
    Engine::builder().store_file(&file).unwrap();
}

/// Notifies when a write leaves.
fn a_write_leaves(world: &World) -> Arc<Notify> {
    let left = Arc::new(Notify::new());
    let note = Arc::clone(&left);
    world.wire.meddle(move |request| {
        if request.method != "GET" && request.url.path() != "/token" {
            note.notify_one();
        }
        None
    });
    left
}

#[test]
fn a_closed_connection_refuses_every_clone_and_frees_its_name() {
    let world = World::new(1, 20);
    let acme = world.connect();
    let (clone, beside) = (acme.clone(), world.connect());
    let mut planner = acme.planner();
    world.run(acme.close());
    world.sandbox.clear_logs();
    says(world.run(clone.pull("jobs")).map(drop), "acme: the connection was closed");
    says(world.run(clone.sync()).map(drop), "closed");
    says(world.run(clone.declare(&desired(ADA))).map(drop), "closed");
    says(world.run(clone.status()).map(drop), "closed");
    says(world.run(planner.plan(&desired(ADA))).map(drop), "closed");
    says(world.run(clone.changes(0).try_collect::<Vec<_>>()).map(drop), "closed");
    assert_eq!(world.sandbox.requests().len(), 0);

    assert!(world.run(beside.pull("jobs")).unwrap().records > 0, "another handle goes on");
    let again = world.connect();
    world.bring(&again, &serde_json::from_str(ADA).unwrap());
}

#[test]
fn a_sent_write_gets_its_answer_before_a_close_ends_and_no_other_leaves() {
    let world = World::new(1, 20);
    let acme = world.connect();
    world.run(acme.declare(&desired(ADA))).unwrap();
    let plan = world.run(acme.plan(PlanOf::All)).unwrap();
    assert!(plan.writes() > 1);
    world.sandbox.clear_logs();
    let left = a_write_leaves(&world);
    let written = AtomicUsize::new(0);
    let close = async {
        left.notified().await;
        // Another task that allows writes again does not undo the close.
        join(acme.clone().close(), async { acme.release_effects() }).await;
        written.store(world.written().len(), Ordering::SeqCst);
    };
    let (applied, ()) = world.run(join(acme.apply(&plan), close));
    let report = applied.unwrap();
    assert!(!report.is_complete(), "{report:?}");
    assert_eq!(world.written().len(), 1, "{:?}", world.written());
    assert_eq!(written.load(Ordering::SeqCst), 1, "its request was over when the close ended");

    world.wire.spare();
    let again = world.connect();
    assert!(world.run(again.open_intents()).unwrap().is_empty(), "nothing is in doubt");
    world.bring(&again, &serde_json::from_str(ADA).unwrap());
}

#[test]
fn a_close_interrupts_a_pull_which_resumes_where_it_stopped() {
    let world = World::new(1, 1_200);
    let acme = world.connect();
    let close = async {
        while candidates(&acme).await == 0 {
            world.clock.sleep(1).await;
        }
        acme.clone().close().await;
    };
    let (pulled, ()) = world.run(join(acme.pull("candidates"), close));
    says(pulled.map(drop), "closed");
    let again = world.connect();
    let before = world.run(candidates(&again));
    assert!((1..1_200).contains(&before), "{before}");
    let report = world.run(again.pull("candidates")).unwrap();
    assert!(report.created < 1_200, "{report:?}");
}

/// The number of candidates in the store.
async fn candidates(acme: &Connection) -> u64 {
    acme.status().await.unwrap().observed.get("candidates").copied().unwrap_or(0)
}

#[test]
fn a_close_ends_a_run_as_its_stop_does_and_a_follower_with_an_error() {
    let world = World::new(1, 20);
    let acme = world.connect();
    let crons = [("jobs".to_owned(), Cron::parse("*/5 * * * *").unwrap())];
    let run = acme.run(Crons::of_pulls(crons), std::future::pending(), |_| {});
    let follow = async {
        let mut feed = pin!(acme.follow("mailer"));
        loop {
            match feed.next().await.unwrap() {
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    };
    let close = async {
        world.clock.sleep(600_000).await;
        acme.clone().close().await;
    };
    let (ran, (error, ())) = world.run(join(run, join(follow, close)));
    ran.unwrap();
    says(Err(error), "closed");
}

#[test]
fn a_close_from_the_report_of_a_round_ends_a_run_as_its_stop_does() {
    let world = World::new(1, 20);
    let acme = world.connect();
    let crons = [("jobs".to_owned(), Cron::parse("*/5 * * * *").unwrap())];
    let closing = acme.clone();
    let run = acme.run(Crons::of_pulls(crons), std::future::pending(), move |_| {
        // Begins the close, as another task does between two polls of the run.
        assert!(closing.clone().close().now_or_never().is_none(), "it waits for the call");
    });
    world.run(run).unwrap();
}

#[test]
fn an_engine_stays_open_while_a_call_of_a_closing_connection_is_under_way() {
    let world = World::new(1, 20);
    let acme = world.connect();
    world.run(acme.declare(&desired(ADA))).unwrap();
    let plan = world.run(acme.plan(PlanOf::All)).unwrap();
    let left = a_write_leaves(&world);
    let close = async {
        left.notified().await;
        // A close that the host's own time limit cut short.
        assert!(acme.clone().close().now_or_never().is_none());
        world.engine().clone().close().await
    };
    let (applied, closed) = world.run(join(acme.apply(&plan), close));
    says(closed, r#"open: "acme" (1 handle)"#);
    applied.unwrap();
    world.run(world.engine().clone().close()).unwrap();
}

#[tokio::test]
async fn a_connection_is_forgotten_only_while_no_handle_of_it_is_open() {
    let engine = Engine::builder().store(Arc::new(atsync::MemoryStore::default())).build().unwrap();
    let acme = connect(&engine, "acme").await.unwrap();
    acme.declare(&desired(ADA)).await.unwrap();
    let clone = acme.clone();
    says(engine.forget("acme").await.map(drop), "is open; close it first");
    acme.close().await;
    assert!(engine.forget("acme").await.unwrap() > 0);
    says(clone.status().await.map(drop), "closed");
    let again = connect(&engine, "acme").await.unwrap();
    assert_eq!(again.status().await.unwrap().desired, 0);
    says(engine.forget(" acme").await.map(drop), "a connection's name");
    assert_eq!(engine.forget("never").await.unwrap(), 0);
}

#[tokio::test]
async fn a_record_is_declared_and_abandoned_only_with_its_generation() {
    let engine = Engine::builder().store(Arc::new(atsync::MemoryStore::default())).build().unwrap();
    let acme = connect(&engine, "acme").await.unwrap();
    let record = &desired(ADA)[0];
    let is_stale = |ended: Result<(), Error>| {
        matches!(ended.unwrap_err().cause::<StoreError>(), Some(StoreError::Stale(_)))
    };
    assert!(is_stale(acme.declare_if(record, Some(1)).await.map(drop)));
    assert_eq!(acme.declare_if(record, None).await.unwrap().created, 1);
    assert!(is_stale(acme.declare_if(record, None).await.map(drop)));
    assert!(is_stale(acme.abandon_if("ref-1", 2).await));
    acme.abandon_if("ref-1", 1).await.unwrap();
    assert!(acme.abandon_if("ref-1", 1).await.is_err());
}
