//! Laws of the desired records, the links and the connection's row.

use crate::given::{
    ACME, applied, clean, declaration, declare, dirty, intent, link, page, record, remote, see,
    step,
};
use atsync::internals::journal::{GivenUpBy, IntentState};
use atsync::internals::store::{
    Condition, ConnectionRow, DeclareReport, DesiredStatus, Erasure, Guard, Keep, Mode, Problems,
    StatusUpdate, Store, StoreError,
};
use atsync::{ConditionType, Reason};
use serde_json::json;

fn declared(created: u64, changed: u64, unchanged: u64) -> DeclareReport {
    let mut report = DeclareReport::default();
    (report.created, report.changed, report.unchanged) = (created, changed, unchanged);
    report
}

pub(crate) async fn a_generation_rises_with_every_change_of_the_body(store: &dyn Store) {
    let first = vec![declaration("a", "{}"), declaration("b", "{}")];
    let report = store.declare(&Guard::sole(ACME), first.clone(), 5).await.unwrap();
    assert_eq!(report, declared(2, 0, 0));
    assert_eq!(dirty(store).await, ["a", "b"]);
    clean(store).await;
    assert_eq!(store.declare(&Guard::sole(ACME), first, 6).await.unwrap(), declared(0, 0, 2));
    assert!(dirty(store).await.is_empty());
    let twice =
        vec![declaration("b", "{\"x\":1}"), declaration("b", "{\"x\":2}"), declaration("c", "{}")];
    let report = store.declare(&Guard::sole(ACME), twice, 7).await.unwrap();
    assert_eq!(report, declared(1, 2, 0));
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

pub(crate) async fn keys_that_would_break_paths_are_refused(store: &dyn Store) {
    for key in ["", "a/b", "/", "a\nb", "a\u{0}", "\u{7f}"] {
        let records = vec![declaration("fine", "{}"), declaration(key, "{}")];
        let refused = store.declare(&Guard::sole(ACME), records, 5).await;
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
        .put_status(
            &Guard::sole(ACME),
            vec![update("b", 2, false), update("a", 1, false), update("no", 1, true)],
        )
        .await;
    assert_eq!(left.unwrap(), ["b", "no"]);
    let row = store.desired(ACME, "a").await.unwrap().unwrap();
    assert_eq!((row.status, row.dirty), (status.clone(), false));
    assert_eq!(store.desired(ACME, "b").await.unwrap().unwrap().status, DesiredStatus::default());
    assert_eq!(dirty(store).await, ["b"]);
    // A changed record keeps the status of the older generation.
    store.declare(&Guard::sole(ACME), vec![declaration("a", "{\"x\":1}")], 8).await.unwrap();
    assert_eq!(store.desired(ACME, "a").await.unwrap().unwrap().status, status);
    assert!(
        store.put_status(&Guard::sole(ACME), vec![update("a", 2, true)]).await.unwrap().is_empty()
    );
    assert_eq!(dirty(store).await, ["a", "b"]);
}

pub(crate) async fn marking_dirty_passes_over_unknown_keys(store: &dyn Store) {
    declare(store, &["a", "b"]).await;
    clean(store).await;
    store
        .mark_dirty(&Guard::sole(ACME), vec!["b".to_owned(), "no".to_owned(), "b".to_owned()])
        .await
        .unwrap();
    assert_eq!(dirty(store).await, ["b"]);
    assert_eq!(store.desired_counts(ACME).await.unwrap(), (2, 1));
}

pub(crate) async fn links_are_found_by_path_and_by_remote(store: &dyn Store) {
    let links = vec![
        link("b/tags/x", "tags", "1"),
        link("a/tags/x", "tags", "1"),
        link("a", "candidates", "1"),
    ];
    store.put_links(&Guard::sole(ACME), links.clone()).await.unwrap();
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
    store.put_links(&Guard::sole(ACME), vec![link("a", "candidates", "1")]).await.unwrap();
    store.put_links(&Guard::sole(ACME), vec![link("a", "candidates", "2")]).await.unwrap();
    assert!(store.links_to(ACME, &remote("candidates", "1")).await.unwrap().is_empty());
    assert_eq!(store.links_to(ACME, &remote("candidates", "2")).await.unwrap().len(), 1);
}

pub(crate) async fn links_of_a_key_are_not_those_of_a_longer_key(store: &dyn Store) {
    let hosts = ["a", "a!", "a/n/1", "a/n/2", "a0", "ab", "ab/n/1"];
    store
        .put_links(&Guard::sole(ACME), hosts.map(|host| link(host, "notes", host)).to_vec())
        .await
        .unwrap();
    let found: Vec<_> =
        store.links_of(ACME, "a").await.unwrap().into_iter().map(|link| link.path).collect();
    assert_eq!(found, ["a", "a/n/1", "a/n/2"]);
}

/// Every write of every role: a store that one process holds grants one fence.
pub(crate) async fn a_write_with_another_fence_is_refused_and_keeps_nothing(store: &dyn Store) {
    let granted = store.lease(ACME).await.unwrap();
    assert_eq!(granted, Guard::sole(ACME));
    declare(store, &["r1"]).await;
    store.put_links(&granted, vec![link("r1", "tags", "1")]).await.unwrap();
    let born = store.begin_intent(&granted, intent("r1", "o")).await.unwrap();
    let seen = store.observed_counts(ACME).await.unwrap();
    let serial = store.changes_last(ACME).await.unwrap();
    for fence in [0, granted.fence() + 1, u64::MAX] {
        let late = Guard::new(ACME, fence, None);
        let erasure = || Erasure { keys: ["r1".to_owned()].into(), ..Erasure::default() };
        let status = DesiredStatus { observed_generation: 1, conditions: Vec::new() };
        let status =
            StatusUpdate { key: "r1".to_owned(), generation: 1, status, dirty: false, dirt: 1 };
        let problems = Problems { kind: "tags".to_owned(), ..Problems::default() };
        let host = vec!["r1".to_owned()];
        let answers = [
            store.put_connection(&late, ConnectionRow::default()).await,
            store.commit_page(&late, page("tags", vec![record("1", json!({}))])).await.map(drop),
            store.drop_lead(&late, &remote("tags", "1")).await,
            store.forget_seen(&late, "tags", 9).await.map(drop),
            store.note_problems(&late, problems).await.map(drop),
            store.declare(&late, vec![declaration("r2", "{}")], 1).await.map(drop),
            store.put_status(&late, vec![status]).await.map(drop),
            store.mark_dirty(&late, host.clone()).await,
            store.set_mode(&late, "r1", Mode::Paused).await.map(drop),
            store.remove_desired(&late, "r1", None).await.map(drop),
            store.put_links(&late, vec![link("r1", "tags", "2")]).await,
            store.end_links(&late, host).await,
            store.begin_intent(&late, intent("r1", "p")).await.map(drop),
            store.advance_intent(&late, step(born.id, 1, applied())).await.map(drop),
            store.trim_changes(&late, u64::MAX, Keep::Nothing).await.map(drop),
            store.acknowledge(&late, "c", 0).await.map(drop),
            store.end_consumer(&late, "c").await,
            store.erase(&late, erasure()).await.map(drop),
            store.undo_erasure(&late, erasure()).await.map(drop),
        ];
        for (at, answer) in answers.into_iter().enumerate() {
            assert!(
                matches!(answer, Err(StoreError::LeaseLost { fence: told, .. }) if told == fence),
                "write {at} with fence {fence}: {answer:?}"
            );
        }
    }
    assert_eq!(store.connection(ACME).await.unwrap(), None);
    assert_eq!(store.observed_counts(ACME).await.unwrap(), seen);
    assert_eq!(store.changes_last(ACME).await.unwrap(), serial);
    assert_eq!(store.desired_page(ACME, None, 9).await.unwrap().len(), 1);
    assert_eq!(store.link(ACME, "r1").await.unwrap().unwrap().remote, remote("tags", "1"));
    assert_eq!(store.open_intents(ACME).await.unwrap(), vec![born]);
}

pub(crate) async fn a_connection_is_kept(store: &dyn Store) {
    assert_eq!(store.connection(ACME).await.unwrap(), None);
    let row = ConnectionRow {
        adapter: "greenhouse".to_owned(),
        fingerprint: Some("f".to_owned()),
        ..Default::default()
    };
    store.put_connection(&Guard::sole(ACME), row.clone()).await.unwrap();
    assert_eq!(store.connection(ACME).await.unwrap(), Some(row));
    assert_eq!(store.connection("other").await.unwrap(), None);
    assert_eq!(store.identity().await.unwrap().schema, atsync::internals::store::SCHEMA);
}

pub(crate) async fn a_mark_that_came_after_the_row_was_read_is_not_taken_away(store: &dyn Store) {
    declare(store, &["a"]).await;
    store.put_links(&Guard::sole(ACME), vec![link("a", "candidates", "1")]).await.unwrap();
    let read = store.desired(ACME, "a").await.unwrap().unwrap();
    // A page commits between reading the row and writing the status made from it.
    see(store, "candidates", "1", serde_json::json!({"x": 1})).await;
    let update = |row: &atsync::internals::store::DesiredRow| StatusUpdate {
        key: row.key.clone(),
        generation: row.generation,
        status: DesiredStatus { observed_generation: 1, conditions: Vec::new() },
        dirty: false,
        dirt: row.dirt,
    };
    assert!(store.put_status(&Guard::sole(ACME), vec![update(&read)]).await.unwrap().is_empty());
    let row = store.desired(ACME, "a").await.unwrap().unwrap();
    assert!(row.dirty && row.dirt > read.dirt, "the mark of the page stays");
    assert_eq!(row.status.observed_generation, 1, "the status is written all the same");
    store.put_status(&Guard::sole(ACME), vec![update(&row)]).await.unwrap();
    assert!(dirty(store).await.is_empty());
    // Nor does a status that was made while the row was clean.
    let clean_row = store.desired(ACME, "a").await.unwrap().unwrap();
    store.mark_dirty(&Guard::sole(ACME), vec!["a".to_owned()]).await.unwrap();
    store.put_status(&Guard::sole(ACME), vec![update(&clean_row), update(&row)]).await.unwrap();
    assert_eq!(dirty(store).await, ["a"]);
}

pub(crate) async fn a_mode_is_kept_over_declarations_and_wakes_the_record(store: &dyn Store) {
    declare(store, &["a"]).await;
    clean(store).await;
    assert!(!store.set_mode(&Guard::sole(ACME), "no", Mode::Paused).await.unwrap());
    assert!(store.set_mode(&Guard::sole(ACME), "a", Mode::Paused).await.unwrap());
    assert_eq!(dirty(store).await, ["a"]);
    store.declare(&Guard::sole(ACME), vec![declaration("a", "{\"x\":1}")], 6).await.unwrap();
    let row = store.desired(ACME, "a").await.unwrap().unwrap();
    assert_eq!((row.mode, row.generation), (Mode::Paused, 2));
}

pub(crate) async fn no_intent_begins_for_a_paused_record(store: &dyn Store) {
    declare(store, &["a"]).await;
    store.set_mode(&Guard::sole(ACME), "a", Mode::Paused).await.unwrap();
    let refused = store.begin_intent(&Guard::sole(ACME), intent("a/notes/1", "notes.create")).await;
    assert!(matches!(refused, Err(StoreError::Stale(_))), "{refused:?}");
    store.set_mode(&Guard::sole(ACME), "a", Mode::Managed).await.unwrap();
    store.begin_intent(&Guard::sole(ACME), intent("a/notes/1", "notes.create")).await.unwrap();
}

pub(crate) async fn a_removed_record_takes_its_links_and_leaves_the_rest(store: &dyn Store) {
    declare(store, &["a", "ab"]).await;
    let links = ["a", "a/notes/1", "ab"].map(|host| link(host, "candidates", host)).to_vec();
    store.put_links(&Guard::sole(ACME), links).await.unwrap();
    see(store, "candidates", "a", serde_json::json!({"x": 1})).await;
    let open =
        store.begin_intent(&Guard::sole(ACME), intent("a/notes/1", "notes.create")).await.unwrap();
    let refused = store.remove_desired(&Guard::sole(ACME), "a", None).await;
    assert!(matches!(refused, Err(StoreError::IntentOpen(id)) if id == open.id), "{refused:?}");
    let closed = IntentState::Abandoned { reason: "given up".to_owned(), by: GivenUpBy::Host };
    store.advance_intent(&Guard::sole(ACME), step(open.id, 1, closed)).await.unwrap();
    assert!(store.remove_desired(&Guard::sole(ACME), "a", None).await.unwrap());
    assert!(!store.remove_desired(&Guard::sole(ACME), "a", None).await.unwrap());
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
        .put_links(
            &Guard::sole(ACME),
            vec![link("a", "candidates", "1"), link("b", "candidates", "1")],
        )
        .await
        .unwrap();
    store.end_links(&Guard::sole(ACME), vec!["a".to_owned(), "no".to_owned()]).await.unwrap();
    assert_eq!(store.link(ACME, "a").await.unwrap(), None);
    let left: Vec<_> = store.links_to(ACME, &remote("candidates", "1")).await.unwrap();
    assert_eq!(left.iter().map(|link| link.path.as_str()).collect::<Vec<_>>(), ["b"]);
}
