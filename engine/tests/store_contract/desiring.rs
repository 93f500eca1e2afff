//! Laws of the desired records, the links and the connection's row.

use crate::given::{ACME, clean, declaration, declare, dirty, intent, link, remote, see, step};
use atsync::journal::{GivenUpBy, IntentState};
use atsync::store::{
    Condition, ConnectionRow, DeclareReport, DesiredStatus, Mode, StatusUpdate, Store, StoreError,
};
use atsync::{ConditionType, Reason};

pub(crate) async fn a_generation_rises_with_every_change_of_the_body(store: &dyn Store) {
    let first = vec![declaration("a", "{}"), declaration("b", "{}")];
    let report = store.declare(ACME, first.clone(), 5).await.unwrap();
    assert_eq!(report, DeclareReport { created: 2, ..DeclareReport::default() });
    assert_eq!(dirty(store).await, ["a", "b"]);
    clean(store).await;
    assert_eq!(
        store.declare(ACME, first, 6).await.unwrap(),
        DeclareReport { unchanged: 2, ..DeclareReport::default() }
    );
    assert!(dirty(store).await.is_empty());
    let twice =
        vec![declaration("b", "{\"x\":1}"), declaration("b", "{\"x\":2}"), declaration("c", "{}")];
    let report = store.declare(ACME, twice, 7).await.unwrap();
    assert_eq!(report, DeclareReport { created: 1, changed: 2, ..DeclareReport::default() });
    let row = store.desired(ACME, "b").await.unwrap().unwrap();
    assert_eq!(
        (row.generation, row.body.as_str(), row.changed_ms, row.dirty),
        (3, "{\"x\":2}", 7, true)
    );
    assert_eq!(store.desired(ACME, "a").await.unwrap().unwrap().generation, 1);
    assert_eq!(store.desired_counts(ACME).await.unwrap(), (3, 2));
    let page = store.desired_page(ACME, Some("a"), 1).await.unwrap();
    assert_eq!(page, [row]);
    assert_eq!(store.dirty_page(ACME, Some("b"), 10).await.unwrap().len(), 1);
}

pub(crate) async fn keys_that_would_break_host_paths_are_refused(store: &dyn Store) {
    for key in ["", "a/b", "/", "a\nb", "a\u{0}", "\u{7f}"] {
        let records = vec![declaration("fine", "{}"), declaration(key, "{}")];
        let refused = store.declare(ACME, records, 5).await;
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{key:?}");
    }
    assert_eq!(store.desired_counts(ACME).await.unwrap(), (0, 0));
}

pub(crate) async fn a_status_is_written_only_for_its_generation(store: &dyn Store) {
    declare(store, &["a", "b"]).await;
    let condition = Condition {
        kind: ConditionType::Synced,
        status: true,
        reason: Reason::InStep,
        message: "It is there.".to_owned(),
        since_ms: 9,
    };
    let status = DesiredStatus { observed_generation: 1, conditions: vec![condition] };
    let dirt = store.desired(ACME, "a").await.unwrap().unwrap().dirt;
    let update = |key: &str, generation, dirty| StatusUpdate {
        key: key.to_owned(),
        generation,
        status: status.clone(),
        dirty,
        dirt,
    };
    let left = store
        .put_status(ACME, vec![update("b", 2, false), update("a", 1, false), update("no", 1, true)])
        .await;
    assert_eq!(left.unwrap(), ["b", "no"]);
    let row = store.desired(ACME, "a").await.unwrap().unwrap();
    assert_eq!((row.status, row.dirty), (status.clone(), false));
    assert_eq!(store.desired(ACME, "b").await.unwrap().unwrap().status, DesiredStatus::default());
    assert_eq!(dirty(store).await, ["b"]);
    // A changed record keeps the status, which speaks of the older generation.
    store.declare(ACME, vec![declaration("a", "{\"x\":1}")], 8).await.unwrap();
    assert_eq!(store.desired(ACME, "a").await.unwrap().unwrap().status, status);
    assert!(store.put_status(ACME, vec![update("a", 2, true)]).await.unwrap().is_empty());
    assert_eq!(dirty(store).await, ["a", "b"]);
}

pub(crate) async fn marking_dirty_passes_over_unknown_keys(store: &dyn Store) {
    declare(store, &["a", "b"]).await;
    clean(store).await;
    store.mark_dirty(ACME, vec!["b".to_owned(), "no".to_owned(), "b".to_owned()]).await.unwrap();
    assert_eq!(dirty(store).await, ["b"]);
    assert_eq!(store.desired_counts(ACME).await.unwrap(), (2, 1));
}

pub(crate) async fn links_are_found_by_host_and_by_remote(store: &dyn Store) {
    let links = vec![
        link("b/tags/x", "tags", "1"),
        link("a/tags/x", "tags", "1"),
        link("a", "candidates", "1"),
    ];
    store.put_links(ACME, links.clone()).await.unwrap();
    assert_eq!(store.link(ACME, "a").await.unwrap(), Some(links[2].clone()));
    assert_eq!(store.link(ACME, "b").await.unwrap(), None);
    assert_eq!(
        store.links_to(ACME, &remote("tags", "1")).await.unwrap(),
        [links[1].clone(), links[0].clone()]
    );
    assert_eq!(store.links_of(ACME, "a").await.unwrap(), [links[2].clone(), links[1].clone()]);
    assert!(store.links_of("other", "a").await.unwrap().is_empty());
}

pub(crate) async fn a_replaced_link_no_longer_leads_to_the_old_record(store: &dyn Store) {
    store.put_links(ACME, vec![link("a", "candidates", "1")]).await.unwrap();
    store.put_links(ACME, vec![link("a", "candidates", "2")]).await.unwrap();
    assert!(store.links_to(ACME, &remote("candidates", "1")).await.unwrap().is_empty());
    assert_eq!(store.links_to(ACME, &remote("candidates", "2")).await.unwrap().len(), 1);
}

pub(crate) async fn links_of_a_key_are_not_those_of_a_longer_key(store: &dyn Store) {
    let hosts = ["a", "a!", "a/n/1", "a/n/2", "a0", "ab", "ab/n/1"];
    store.put_links(ACME, hosts.map(|host| link(host, "notes", host)).to_vec()).await.unwrap();
    let found: Vec<_> =
        store.links_of(ACME, "a").await.unwrap().into_iter().map(|link| link.host).collect();
    assert_eq!(found, ["a", "a/n/1", "a/n/2"]);
}

pub(crate) async fn a_connection_is_kept(store: &dyn Store) {
    assert_eq!(store.connection(ACME).await.unwrap(), None);
    let row = ConnectionRow {
        adapter: "greenhouse".to_owned(),
        fingerprint: Some("f".to_owned()),
        ..Default::default()
    };
    store.put_connection(ACME, row.clone()).await.unwrap();
    assert_eq!(store.connection(ACME).await.unwrap(), Some(row));
    assert_eq!(store.connection("other").await.unwrap(), None);
    assert_eq!(store.identity().await.unwrap().schema, atsync::store::SCHEMA);
}

pub(crate) async fn a_mark_that_came_after_the_row_was_read_is_not_taken_away(store: &dyn Store) {
    declare(store, &["a"]).await;
    store.put_links(ACME, vec![link("a", "candidates", "1")]).await.unwrap();
    let read = store.desired(ACME, "a").await.unwrap().unwrap();
    // A page lands between reading the row and writing what was made of it.
    see(store, "candidates", "1", serde_json::json!({"x": 1})).await;
    let update = |row: &atsync::store::DesiredRow| StatusUpdate {
        key: row.key.clone(),
        generation: row.generation,
        status: DesiredStatus { observed_generation: 1, conditions: Vec::new() },
        dirty: false,
        dirt: row.dirt,
    };
    assert!(store.put_status(ACME, vec![update(&read)]).await.unwrap().is_empty());
    let row = store.desired(ACME, "a").await.unwrap().unwrap();
    assert!(row.dirty && row.dirt > read.dirt, "the mark of the page stays");
    assert_eq!(row.status.observed_generation, 1, "the status is written all the same");
    store.put_status(ACME, vec![update(&row)]).await.unwrap();
    assert!(dirty(store).await.is_empty());
    // Nor does a status that was made while the row was clean.
    let clean_row = store.desired(ACME, "a").await.unwrap().unwrap();
    store.mark_dirty(ACME, vec!["a".to_owned()]).await.unwrap();
    store.put_status(ACME, vec![update(&clean_row), update(&row)]).await.unwrap();
    assert_eq!(dirty(store).await, ["a"]);
}

pub(crate) async fn a_mode_is_kept_over_declarations_and_wakes_the_record(store: &dyn Store) {
    declare(store, &["a"]).await;
    clean(store).await;
    assert!(!store.set_mode(ACME, "no", Mode::Paused).await.unwrap());
    assert!(store.set_mode(ACME, "a", Mode::Paused).await.unwrap());
    assert_eq!(dirty(store).await, ["a"]);
    store.declare(ACME, vec![declaration("a", "{\"x\":1}")], 6).await.unwrap();
    let row = store.desired(ACME, "a").await.unwrap().unwrap();
    assert_eq!((row.mode, row.generation), (Mode::Paused, 2));
}

pub(crate) async fn no_intent_begins_for_a_paused_record(store: &dyn Store) {
    declare(store, &["a"]).await;
    store.set_mode(ACME, "a", Mode::Paused).await.unwrap();
    let refused = store.begin_intent(ACME, intent("a/notes/1", "notes.create")).await;
    assert!(matches!(refused, Err(StoreError::Stale(_))), "{refused:?}");
    store.set_mode(ACME, "a", Mode::Managed).await.unwrap();
    store.begin_intent(ACME, intent("a/notes/1", "notes.create")).await.unwrap();
}

pub(crate) async fn a_removed_record_takes_its_links_and_leaves_the_rest(store: &dyn Store) {
    declare(store, &["a", "ab"]).await;
    let links = ["a", "a/notes/1", "ab"].map(|host| link(host, "candidates", host)).to_vec();
    store.put_links(ACME, links).await.unwrap();
    see(store, "candidates", "a", serde_json::json!({"x": 1})).await;
    let open = store.begin_intent(ACME, intent("a/notes/1", "notes.create")).await.unwrap();
    let refused = store.remove_desired(ACME, "a").await;
    assert!(matches!(refused, Err(StoreError::IntentOpen(id)) if id == open.id), "{refused:?}");
    let closed = IntentState::Abandoned { reason: "given up".to_owned(), by: GivenUpBy::Host };
    store.advance_intent(ACME, step(open.id, 1, closed)).await.unwrap();
    assert!(store.remove_desired(ACME, "a").await.unwrap());
    assert!(!store.remove_desired(ACME, "a").await.unwrap());
    assert_eq!(store.desired(ACME, "a").await.unwrap(), None);
    assert!(store.links_of(ACME, "a").await.unwrap().is_empty());
    assert!(store.links_to(ACME, &remote("candidates", "a")).await.unwrap().is_empty());
    assert!(store.observed(ACME, &remote("candidates", "a")).await.unwrap().is_some());
    assert_eq!(store.intents_of(ACME, "a", 9).await.unwrap().len(), 1);
    assert_eq!(
        (dirty(store).await, store.desired_counts(ACME).await.unwrap().0),
        (vec!["ab".to_owned()], 1)
    );
    assert_eq!(store.links_of(ACME, "ab").await.unwrap().len(), 1);
}

pub(crate) async fn a_link_that_ended_leads_nowhere(store: &dyn Store) {
    store
        .put_links(ACME, vec![link("a", "candidates", "1"), link("b", "candidates", "1")])
        .await
        .unwrap();
    store.end_links(ACME, vec!["a".to_owned(), "no".to_owned()]).await.unwrap();
    assert_eq!(store.link(ACME, "a").await.unwrap(), None);
    let left: Vec<_> = store.links_to(ACME, &remote("candidates", "1")).await.unwrap();
    assert_eq!(left.iter().map(|link| link.host.as_str()).collect::<Vec<_>>(), ["b"]);
}
