//! Laws of a connection that is forgotten.

use crate::given::{
    ACME, applied, change, declaration, declare, intent, link, open, page, path, record, redb,
    remote, see, step,
};
use atsync::internals::store::{
    Connections, Erasure, Guard, IntentAdvance, Keep, Note, Observed, ObservedRow, Store,
    StoreError,
};
use atsync::{RedbStore, StoreFile};
use serde_json::json;

const OTHER: &str = "beta";

/// Leaves something of everything.
async fn lived(store: &dyn Store, name: &str) {
    let guard = Guard::sole(name);
    let ada = record("1", json!({"emails": [{"value": "ada@x.com"}], "name": "Ada"}));
    store.commit_page(&guard, page("candidates", vec![ada])).await.unwrap();
    let records = vec![declaration("r1", r#"{"emails":["ada@x.com"]}"#), declaration("r2", "{}")];
    store.declare(&guard, records, 5).await.unwrap();
    store.put_links(&guard, vec![link("r1", "candidates", "1")]).await.unwrap();
    let begun = store.begin_intent(&guard, intent("r1", "candidates.update")).await.unwrap();
    let events = vec![change("candidates", "1")];
    let advance = IntentAdvance { changes: events, ..step(begun.id, 1, applied()) };
    store.advance_intent(&guard, advance).await.unwrap();
    store.begin_intent(&guard, intent("r1/notes/n", "notes.create")).await.unwrap();
    store.acknowledge(&guard, "reader", 1).await.unwrap();
    store.put_notes(&guard, vec![Note::put("hints", "a", *b"1")]).await.unwrap();
}

async fn observed(store: &dyn Store, name: &str) -> Vec<ObservedRow> {
    store.observed_page(name, "candidates", None, 10).await.unwrap()
}

pub(crate) async fn a_forgotten_connection_has_nothing_and_another_has_all(store: &dyn Store) {
    lived(store, ACME).await;
    lived(store, OTHER).await;
    let row = store.connection(OTHER).await.unwrap();
    assert!(store.forget(&Guard::sole(ACME)).await.unwrap() > 0);
    assert!(observed(store, ACME).await.is_empty());
    let found = store.lookup(ACME, "candidates", "email", "ada@x.com", 9).await.unwrap();
    assert!(found.is_empty());
    assert_eq!(store.connection(ACME).await.unwrap(), None);
    assert_eq!(store.desired_counts(ACME).await.unwrap(), (0, 0));
    assert!(store.observed_counts(ACME).await.unwrap().is_empty());
    assert!(store.intent_counts(ACME).await.unwrap().is_empty());
    assert!(store.open_intents(ACME).await.unwrap().is_empty());
    assert!(store.links_to(ACME, &remote("candidates", "1")).await.unwrap().is_empty());
    assert!(store.scan_states(ACME).await.unwrap().is_empty());
    assert_eq!(store.note(ACME, "hints", "a").await.unwrap(), None);

    assert_eq!(observed(store, OTHER).await.len(), 1);
    assert_eq!(store.desired_counts(OTHER).await.unwrap().0, 2);
    assert_eq!(store.open_intents(OTHER).await.unwrap().len(), 1);
    assert_eq!(store.offset(OTHER, "reader").await.unwrap(), 1);
    assert_eq!(store.connection(OTHER).await.unwrap(), row);
    // It may come again.
    lived(store, ACME).await;
    assert_eq!(observed(store, ACME).await.len(), 1);
    assert_eq!(store.open_intents(ACME).await.unwrap().len(), 1);
}

pub(crate) async fn a_reader_of_a_forgotten_feed_is_told_to_read_anew(store: &dyn Store) {
    lived(store, ACME).await;
    let last = store.changes_last(ACME).await.unwrap();
    store.forget(&Guard::sole(ACME)).await.unwrap();
    assert_eq!(store.changes_last(ACME).await.unwrap(), last);
    assert_eq!(store.changes_first(ACME).await.unwrap(), last + 1);
    see(store, "candidates", "2", json!({"name": "Eve"})).await;
    let late = store.changes(ACME, 0, 10).await;
    assert!(matches!(late, Err(StoreError::ChangesGone { first }) if first == last + 1));
    let after = store.changes(ACME, last, 10).await.unwrap();
    assert_eq!(after.iter().map(|one| one.serial).collect::<Vec<_>>(), [last + 1]);
    assert_eq!(store.trim_changes(&Guard::sole(ACME), 0, Keep::Nothing).await.unwrap(), 0);
}

pub(crate) async fn an_erased_candidate_stays_away_when_all_is_forgotten(store: &dyn Store) {
    see(store, "candidates", "1", json!({"name": "Ada"})).await;
    let erasure = Erasure { candidates: ["1".to_owned()].into(), ..Erasure::default() };
    store.erase(&Guard::sole(ACME), erasure.clone()).await.unwrap();
    store.forget(&Guard::sole(ACME)).await.unwrap();
    see(store, "candidates", "1", json!({"name": "Ada"})).await;
    assert!(observed(store, ACME).await.is_empty());
    assert!(store.undo_erasure(&Guard::sole(ACME), erasure).await.unwrap());
}

pub(crate) async fn a_connection_that_never_was_is_forgotten_in_vain(store: &dyn Store) {
    assert_eq!(store.forget(&Guard::sole("none")).await.unwrap(), 0);
    lived(store, ACME).await;
    assert!(store.forget(&Guard::sole(ACME)).await.unwrap() > 0);
    assert_eq!(store.forget(&Guard::sole(ACME)).await.unwrap(), 0, "again");
    let foreign = store.forget(&Guard::new(ACME, 7, None)).await;
    assert!(matches!(foreign, Err(StoreError::LeaseLost { .. })), "{foreign:?}");
}

pub(crate) async fn a_record_is_declared_and_removed_only_with_the_generation_that_was_read(
    store: &dyn Store,
) {
    let guard = Guard::sole(ACME);
    let declared = async |body: &str, generation| {
        store.declare_if(&guard, declaration("r1", body), generation, 5).await
    };
    let is_stale = |result| matches!(result, Err(StoreError::Stale(_)));
    assert!(is_stale(declared("{}", Some(1)).await), "there is none");
    assert_eq!(declared("{}", None).await.unwrap().created, 1);
    assert!(is_stale(declared(r#"{"title":"A"}"#, None).await));
    assert!(is_stale(declared(r#"{"title":"A"}"#, Some(2)).await));
    assert_eq!(store.desired(ACME, "r1").await.unwrap().unwrap().body, "{}");
    assert_eq!(declared(r#"{"title":"A"}"#, Some(1)).await.unwrap().changed, 1);
    let refused = store.remove_desired(&guard, "r1", Some(1)).await;
    assert!(matches!(refused, Err(StoreError::Stale(_))), "{refused:?}");
    assert!(store.remove_desired(&guard, "r1", Some(2)).await.unwrap());
    declare(store, &["r1"]).await;
}

#[tokio::test]
async fn a_forgotten_connection_leaves_no_row_of_any_table() {
    let (store, directory) = redb();
    let rows = |store: RedbStore| {
        drop(store);
        match RedbStore::inspect(&path(&directory)).unwrap() {
            StoreFile::Store { rows, .. } => rows,
            other => panic!("{other:?}"),
        }
    };
    lived(&store, ACME).await;
    // As many as several steps remove.
    let named = |id: i32| record(&id.to_string(), json!({"name": "A"}));
    let many: Vec<_> = (0..11_000).map(named).collect();
    for some in many.chunks(500) {
        let page = page("candidates", some.to_vec());
        store.commit_page(&Guard::sole(ACME), page).await.unwrap();
    }
    let before = rows(store);
    let store = open(&path(&directory));
    let removed = store.forget(&Guard::sole(ACME)).await.unwrap();
    assert!(removed > 20_000, "{removed}");
    let after = rows(store);
    // The names of both numbers and of the whole store; newest serial, oldest one, last mark.
    let left = |table: &str| match table {
        "meta" => before["meta"],
        "names" => before["names"] + 2,
        "counters" => 3,
        _ => 0,
    };
    for (table, rows) in &after {
        let rows = *rows;
        assert!(rows <= left(table), "{table}: {rows} rows");
    }
}
