//! Laws of notes.

use crate::given::ACME;
use atsync::internals::store::notes::WHOLE_STORE;
use atsync::internals::store::{Expected, Guard, Note, Store, StoreError, limits};

async fn put(store: &dyn Store, notes: Vec<Note>) -> Result<(), StoreError> {
    store.put_notes(&Guard::sole(ACME), notes).await
}

async fn read(store: &dyn Store, area: &str, key: &str) -> Option<Vec<u8>> {
    store.note(ACME, area, key).await.unwrap()
}

pub(crate) async fn a_note_is_kept_by_connection_area_and_key(store: &dyn Store) {
    put(store, vec![Note::put("hints", "a", *b"1"), Note::put("hints", "b", *b"2")]).await.unwrap();
    put(store, vec![Note::put("other", "a", *b"3")]).await.unwrap();
    store.put_notes(&Guard::sole(WHOLE_STORE), vec![Note::put("hints", "a", *b"4")]).await.unwrap();
    assert_eq!(read(store, "hints", "a").await.unwrap(), b"1");
    assert_eq!(read(store, "other", "a").await.unwrap(), b"3");
    assert_eq!(store.note(WHOLE_STORE, "hints", "a").await.unwrap().unwrap(), b"4");
    put(store, vec![Note::put("hints", "a", *b"5"), Note::remove("hints", "b")]).await.unwrap();
    assert_eq!(read(store, "hints", "a").await.unwrap(), b"5");
    assert_eq!(read(store, "hints", "b").await, None);
    put(store, vec![Note::remove("hints", "b")]).await.unwrap();
}

pub(crate) async fn notes_change_together_or_not_at_all(store: &dyn Store) {
    put(store, vec![Note::put("keys", "a", *b"1").only_if(Expected::Absent)]).await.unwrap();
    let refused = [Expected::Absent, Expected::Value(b"2".to_vec())];
    for expected in refused {
        let both = vec![Note::put("keys", "b", *b"1"), Note::remove("keys", "a").only_if(expected)];
        assert!(matches!(put(store, both).await, Err(StoreError::Stale(_))));
        assert_eq!(read(store, "keys", "a").await.unwrap(), b"1");
        assert_eq!(read(store, "keys", "b").await, None);
    }
    let held = Expected::Value(b"1".to_vec());
    put(store, vec![Note::put("keys", "a", *b"2").only_if(held)]).await.unwrap();
    assert_eq!(read(store, "keys", "a").await.unwrap(), b"2");
    let foreign = store.put_notes(&Guard::new(ACME, 7, None), vec![Note::remove("keys", "a")]);
    assert!(matches!(foreign.await, Err(StoreError::LeaseLost { .. })));
}

pub(crate) async fn notes_are_listed_in_the_order_of_their_keys(store: &dyn Store) {
    let notes = ["b", "", "c", "a\u{0}x", "a"].map(|key| Note::put("list", key, *b"v"));
    put(store, notes.into()).await.unwrap();
    put(store, vec![Note::put("list2", "z", *b"v")]).await.unwrap();
    let keys = async |after: Option<&str>, rows_max| -> Vec<String> {
        let page = store.notes_page(ACME, "list", after, rows_max).await.unwrap();
        page.into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(keys(None, 10).await, ["", "a", "a\u{0}x", "b", "c"]);
    assert_eq!(keys(None, 2).await, ["", "a"]);
    assert_eq!(keys(Some("a"), 2).await, ["a\u{0}x", "b"]);
    assert!(keys(Some("c"), 2).await.is_empty());
}

pub(crate) async fn notes_beyond_the_limit_are_refused(store: &dyn Store) {
    let is_too_large = |result| matches!(result, Err(StoreError::TooLarge { .. }));
    let long = "x".repeat(limits::KEY_BYTES_MAX + 1);
    let value = vec![0; limits::NOTE_BYTES_MAX + 1];
    assert!(is_too_large(put(store, vec![Note::put("a", &long, *b"")]).await));
    assert!(is_too_large(put(store, vec![Note::put(&long, "a", *b"")]).await));
    assert!(is_too_large(put(store, vec![Note::put("a", "a", value.clone())]).await));
    let many = vec![Note::put("a", "a", *b""); limits::NOTES_MAX + 1];
    assert!(is_too_large(put(store, many).await));
    assert_eq!(read(store, "a", "a").await, None);
    put(store, vec![Note::put("a", &long[1..], value[1..].to_vec())]).await.unwrap();
    let rows = store.notes_page(ACME, "a", None, limits::READ_ROWS_MAX + 1).await;
    assert!(matches!(rows, Err(StoreError::TooLarge { .. })));
}
