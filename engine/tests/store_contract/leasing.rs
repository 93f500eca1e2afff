//! Two processes on one PostgreSQL: one writes for a connection at a time, and the other learns it.

use crate::given::{ACME, declaration};
use atsync::internals::store::notes::WHOLE_STORE;
use atsync::internals::store::postgres::{PostgresOptions, PostgresStore};
use atsync::internals::store::{
    Connections, Desired, Erasure, Erasures, Feed, Guard, Note, Notes, Store, StoreError,
};
use atsync::{Clock, SystemClock, SystemEntropy};
use std::sync::Arc;

/// Longer than a test.
const LEASE_MS: u64 = 600_000;
/// With a third that passes during a test, and more than the skew that a guard spares.
const SHORT_MS: u64 = 9_000;

/// The store of one process.
async fn process(address: &str, lease_ms: u64) -> PostgresStore {
    let mut options = PostgresOptions::default();
    options.lease_ms = lease_ms;
    PostgresStore::open(address, options, Arc::new(SystemClock), &SystemEntropy).await.unwrap()
}

async fn write(store: &dyn Store, guard: &Guard, key: &str) -> Result<(), StoreError> {
    store.declare(guard, vec![declaration(key, "{}")], 1).await.map(drop)
}

fn is_lost<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::LeaseLost { .. }))
}

#[tokio::test]
async fn a_connection_is_granted_to_one_process_until_it_gives_it_back() {
    let Some(address) = atsync_test_cluster::database() else { return };
    let (one, two) = (process(&address, LEASE_MS).await, process(&address, LEASE_MS).await);
    let first = one.lease(ACME).await.unwrap();
    write(&one, &first, "a").await.unwrap();
    let refused = two.lease(ACME).await.unwrap_err();
    let StoreError::LeaseHeld { connection, holder } = &refused else { panic!("{refused}") };
    assert!(connection == ACME && holder.starts_with("atsync-"), "{refused}");
    // The same process may claim it again: it is the same lease.
    assert_eq!(one.lease(ACME).await.unwrap().fence(), first.fence());

    one.close().await.unwrap();
    assert!(!first.outlives(0, 0), "its guards see the end");
    let second = two.lease(ACME).await.unwrap();
    assert_eq!(second.fence(), first.fence() + 1);
    write(&two, &second, "b").await.unwrap();
}

#[tokio::test]
async fn a_process_that_slept_past_its_lease_writes_nothing() {
    let Some(address) = atsync_test_cluster::database() else { return };
    // The lease ends at once in the database's time, and the process does not notice.
    let (one, two) = (process(&address, 0).await, process(&address, LEASE_MS).await);
    let first = one.lease(ACME).await.unwrap();
    write(&one, &first, "a").await.unwrap();
    let second = two.lease(ACME).await.unwrap();
    assert!(second.fence() > first.fence());
    assert!(is_lost(write(&one, &first, "b").await));
    assert!(is_lost(one.acknowledge(&first, "host", 0).await));
    let erasure = Erasure { keys: ["a".to_owned()].into(), ..Erasure::default() };
    assert!(is_lost(one.erase(&first, erasure).await));
    assert!(is_lost(one.forget(&first).await));
    assert_eq!(two.desired_counts(ACME).await.unwrap(), (1, 1));
    write(&two, &second, "b").await.unwrap();
}

#[tokio::test]
async fn of_many_claims_at_once_one_is_granted() {
    let Some(address) = atsync_test_cluster::database() else { return };
    let mut processes = Vec::new();
    for _ in 0..8 {
        processes.push(process(&address, LEASE_MS).await);
    }
    let claims = processes.iter().map(|process| process.lease(ACME));
    let claims = futures_util::future::join_all(claims).await;
    assert_eq!(claims.iter().filter(|claim| claim.is_ok()).count(), 1, "{claims:?}");
    for claim in claims.into_iter().filter_map(Result::err) {
        assert!(matches!(claim, StoreError::LeaseHeld { .. }), "{claim}");
    }
}

#[tokio::test]
async fn a_lease_is_renewed_while_a_guard_lives_and_given_back_when_none_does() {
    let Some(address) = atsync_test_cluster::database() else { return };
    let (one, two) = (process(&address, SHORT_MS).await, process(&address, LEASE_MS).await);
    let guard = one.lease(ACME).await.unwrap();
    let first_end_ms = SystemClock.steady_ms() + SHORT_MS;
    // Each round asks the database, until the task has renewed the lease.
    while !guard.outlives(first_end_ms, 0) {
        assert!(matches!(two.lease(ACME).await, Err(StoreError::LeaseHeld { .. })));
    }
    drop(guard);
    let second = loop {
        match two.lease(ACME).await {
            Ok(second) => break second,
            Err(error) => assert!(matches!(error, StoreError::LeaseHeld { .. }), "{error}"),
        }
    };
    assert!(SystemClock.steady_ms() < first_end_ms + SHORT_MS, "it did not wait for the end");
    write(&two, &second, "a").await.unwrap();
}

#[tokio::test]
async fn what_the_store_keeps_as_a_whole_is_written_by_every_process() {
    let Some(address) = atsync_test_cluster::database() else { return };
    let (one, two) = (process(&address, LEASE_MS).await, process(&address, LEASE_MS).await);
    for (store, key) in [(&one, "a"), (&two, "b")] {
        let notes = vec![Note::put("tokens", key, *b"1")];
        store.put_notes(&Guard::sole(WHOLE_STORE), notes).await.unwrap();
    }
    let kept = one.notes_page(WHOLE_STORE, "tokens", None, 10).await.unwrap();
    assert_eq!(kept.len(), 2);
}

#[tokio::test]
async fn processes_that_start_together_make_one_store() {
    let Some(address) = atsync_test_cluster::database() else { return };
    let opened = (0..6).map(|_| process(&address, LEASE_MS));
    let opened = futures_util::future::join_all(opened).await;
    let mut lineages = Vec::new();
    for store in &opened {
        lineages.push(store.identity().await.unwrap().lineage);
    }
    lineages.dedup();
    assert_eq!(lineages.len(), 1);
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_without_its_password() {
    for address in ["postgres://u:hunter2@h:port/db", "nothing", "postgres://u:hunter2@h/db?x=y"] {
        let options = PostgresOptions::default();
        let opened = PostgresStore::open(address, options, Arc::new(SystemClock), &SystemEntropy);
        let error = opened.await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid(_)), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
