//! Laws of observation.

use crate::given::{
    ACME, changes, clean, declare, deleted_page, dirty, link, map, page, record, remote, see,
};
use atsync::internals::store::{
    Cause, ChangeWhat, Guard, ObservedWrite, PageCommit, PageReport, Pass, Proof, ScanState, Store,
    StoreError,
};
use serde_json::{Map, json};

fn scan(cursor: &[u8]) -> ScanState {
    let pass = Pass {
        from_ms: None,
        to_ms: 9,
        token: Some(vec![0, 255]),
        cursor: Some(cursor.to_vec()),
        pages: 1,
        records: 2,
        started_ms: 1,
    };
    ScanState { pass: Some(pass), watermark_ms: Some(u64::MAX), ..ScanState::default() }
}

pub(crate) async fn a_page_commits_rows_events_and_scan_together(store: &dyn Store) {
    let mut records = vec![record("1", json!({"a": 1})), record("2", json!({"a": 2}))];
    records[0].raw = Some("{\"raw\":1}".to_owned());
    records[0].version = Some("v1".to_owned());
    let page = PageCommit { scan: Some(scan(b"next")), ..page("tags", records) };
    let report = store.commit_page(&Guard::sole(ACME), page).await.unwrap();
    assert_eq!(report, PageReport { created: 2, ..PageReport::default() });

    let row = store.observed(ACME, &remote("tags", "1")).await.unwrap().unwrap();
    assert_eq!((row.kind.as_str(), row.id.as_str(), row.body.as_str()), ("tags", "1", "{\"a\":1}"));
    assert_eq!((row.version.as_deref(), row.raw.as_deref()), (Some("v1"), Some("{\"raw\":1}")));
    assert_eq!((row.known, row.changed_ms, row.gone), (vec!["a".to_owned()], 1_000, false));
    assert_eq!(store.scan_state(ACME, "tags", None).await.unwrap(), Some(scan(b"next")));
    assert_eq!(store.observed_counts(ACME).await.unwrap(), [("tags".to_owned(), 2)]);

    let changes = changes(store).await;
    assert_eq!(changes.iter().map(|change| change.serial).collect::<Vec<_>>(), [1, 2]);
    let first = &changes[0];
    assert_eq!(
        (first.what, first.at_ms, first.cause.clone()),
        (ChangeWhat::Created, 1_000, Cause::Observed)
    );
    assert_eq!((first.before.clone(), first.after.clone()), (Map::new(), map(json!({"a": 1}))));
    assert_eq!(store.changes_last(ACME).await.unwrap(), 2);
}

pub(crate) async fn a_record_seen_again_as_before_makes_no_event(store: &dyn Store) {
    see(store, "tags", "1", json!({"a": 1, "b": 2})).await;
    let again = see(store, "tags", "1", json!({"a": 1, "b": 2})).await;
    let other_order = ObservedWrite {
        body: "{ \"b\": 2, \"a\": 1 }".to_owned(),
        ..record("1", json!({"a": 1, "b": 2}))
    };
    let reordered =
        store.commit_page(&Guard::sole(ACME), page("tags", vec![other_order])).await.unwrap();
    let other_raw =
        ObservedWrite { raw: Some("new".to_owned()), ..record("1", json!({"a": 1, "b": 2})) };
    let later = PageCommit { now_ms: 5_000, ..page("tags", vec![other_raw]) };
    let rawer = store.commit_page(&Guard::sole(ACME), later).await.unwrap();
    for report in [again, reordered, rawer] {
        assert_eq!(report, PageReport { unchanged: 1, ..PageReport::default() });
    }
    let row = store.observed(ACME, &remote("tags", "1")).await.unwrap().unwrap();
    assert_eq!((row.raw.as_deref(), row.changed_ms), (Some("new"), 1_000));
    let changes = changes(store).await;
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].after, map(json!({"a": 1, "b": 2})));
}

pub(crate) async fn an_update_event_names_only_the_changed_fields(store: &dyn Store) {
    see(store, "tags", "1", json!({"a": 1, "b": {"x": 1}, "c": 3, "d": 4})).await;
    let next = PageCommit {
        masks: vec!["abcd".chars().map(String::from).collect()],
        ..page("tags", vec![record("1", json!({"a": 1, "b": {"x": 2}, "c": null}))])
    };
    let report = store.commit_page(&Guard::sole(ACME), next).await.unwrap();
    assert_eq!(report, PageReport { updated: 1, ..PageReport::default() });
    let change = changes(store).await.pop().unwrap();
    assert_eq!((change.serial, change.what), (2, ChangeWhat::Updated));
    assert_eq!(change.before, map(json!({"b": {"x": 1}, "c": 3, "d": 4})));
    assert_eq!(change.after, map(json!({"b": {"x": 2}, "c": null, "d": null})));
}

pub(crate) async fn the_created_event_says_the_same_after_the_record_changed(store: &dyn Store) {
    for id in ["1", "2", "3"] {
        see(store, "tags", id, json!({"a": id})).await;
    }
    let before = changes(store).await;
    see(store, "tags", "1", json!({"a": "other"})).await;
    store.commit_page(&Guard::sole(ACME), deleted_page("tags", &["2"])).await.unwrap();
    see(store, "tags", "2", json!({"a": "back"})).await;
    let after = changes(store).await;
    assert_eq!(after[..3], before[..]);
    assert_eq!(after.len(), 6);
}

pub(crate) async fn a_partial_record_keeps_what_it_does_not_know(store: &dyn Store) {
    see(store, "tags", "1", json!({"a": 1, "b": 2})).await;
    see(store, "tags", "1", json!({"c": 3})).await;
    let row = store.observed(ACME, &remote("tags", "1")).await.unwrap().unwrap();
    assert_eq!(row.known, ["a", "b", "c"]);
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&row.body).unwrap(),
        json!({"a": 1, "b": 2, "c": 3})
    );
    assert_eq!(changes(store).await.pop().unwrap().before, Map::new());
}

pub(crate) async fn the_last_of_a_repeated_id_wins(store: &dyn Store) {
    let records = ["first", "second", "third"].map(|text| record("1", json!({"a": text})));
    let mut page = page("tags", records.to_vec());
    page.records.insert(1, record("2", json!({"a": "other"})));
    page.gone = vec!["3".to_owned(), "3".to_owned()];
    page.records.push(record("3", json!({"a": "seen and deleted in one page"})));
    let report = store.commit_page(&Guard::sole(ACME), page).await.unwrap();
    assert_eq!(report, PageReport { created: 2, ..PageReport::default() });
    let told: Vec<_> =
        changes(store).await.into_iter().map(|change| (change.id, change.after)).collect();
    assert_eq!(
        told,
        [("2".into(), map(json!({"a": "other"}))), ("1".into(), map(json!({"a": "third"})))]
    );
}

pub(crate) async fn a_deleted_record_is_a_tombstone_and_comes_back_as_new(store: &dyn Store) {
    see(store, "tags", "1", json!({"name": "x"})).await;
    let deleted = PageReport { deleted: 1, ..PageReport::default() };
    assert_eq!(
        store
            .commit_page(&Guard::sole(ACME), deleted_page("tags", &["1", "1", "never-seen"]))
            .await
            .unwrap(),
        deleted
    );
    assert_eq!(
        store.commit_page(&Guard::sole(ACME), deleted_page("tags", &["1"])).await.unwrap(),
        PageReport::default()
    );

    let row = store.observed(ACME, &remote("tags", "1")).await.unwrap().unwrap();
    assert!(
        row.gone
            && row.body == "{}"
            && row.raw.is_none()
            && row.known.is_empty()
            && row.changed_ms == 2_000
    );
    assert!(store.observed_page(ACME, "tags", None, 10).await.unwrap().is_empty());
    assert!(store.lookup(ACME, "tags", "name", "x", 10).await.unwrap().is_empty());
    assert!(store.observed_counts(ACME).await.unwrap().is_empty());
    let told = changes(store).await.pop().unwrap();
    assert_eq!(
        (told.what, told.cause, told.after),
        (ChangeWhat::Deleted, Cause::Swept { proof: Proof::Fetched }, Map::new())
    );
    assert_eq!(told.before, map(json!({"name": "x"})));

    assert_eq!(see(store, "tags", "1", json!({"b": 2})).await.created, 1);
    let row = store.observed(ACME, &remote("tags", "1")).await.unwrap().unwrap();
    assert_eq!((row.gone, row.known), (false, vec!["b".to_owned()]));
}

pub(crate) async fn the_index_follows_the_record(store: &dyn Store) {
    let candidate = |email: &str| json!({"emails": [{"value": email}]});
    see(store, "candidates", "2", candidate("Ada@Example.com")).await;
    see(store, "candidates", "1", candidate("ada@example.com")).await;
    let find = async |term: &str, rows_max| {
        let rows = store.lookup(ACME, "candidates", "email", term, rows_max).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(find(" ADA@example.com", 10).await, ["1", "2"]);
    assert_eq!(find("ada@example.com", 1).await, ["1"]);
    assert!(find("ada@example.co", 10).await.is_empty());
    let page = async |after: Option<&str>, rows_max| {
        let rows = store
            .lookup_page(ACME, "candidates", "email", "Ada@example.com", after, rows_max)
            .await
            .unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 1).await, ["1"]);
    assert_eq!(page(Some("1"), 10).await, ["2"]);
    assert!(page(Some("2"), 10).await.is_empty());
    see(store, "candidates", "1", candidate("other@example.com")).await;
    assert_eq!(find("ada@example.com", 10).await, ["2"]);
    assert_eq!(find("other@example.com", 10).await, ["1"]);
    // The index leaves out a term that no key can hold, and a lookup of it is refused.
    see(store, "tags", "long", json!({"name": "x".repeat(600)})).await;
    let refused = store.lookup(ACME, "tags", "name", &"x".repeat(600), 10).await;
    assert!(matches!(refused, Err(StoreError::TooLarge { .. })));
}

pub(crate) async fn connections_and_kinds_do_not_leak_into_each_other(store: &dyn Store) {
    for (connection, kind) in
        [("a", "tags"), ("ab", "tags"), ("a\u{0}", "tags"), ("a", "tagsx"), ("a", "ta")]
    {
        store
            .commit_page(
                &Guard::sole(connection),
                page(kind, vec![record("1", json!({"name": "x"}))]),
            )
            .await
            .unwrap();
    }
    for connection in ["a", "ab", "a\u{0}"] {
        assert_eq!(store.observed_page(connection, "tags", None, 10).await.unwrap().len(), 1);
        assert_eq!(store.lookup(connection, "tags", "name", "x", 10).await.unwrap().len(), 1);
    }
    assert_eq!(store.changes("a", 0, 10).await.unwrap().len(), 3);
    assert_eq!(store.changes("ab", 0, 10).await.unwrap().len(), 1);
    assert_eq!(store.observed_counts("a\u{0}").await.unwrap(), [("tags".to_owned(), 1)]);
    assert!(store.observed_counts("").await.unwrap().is_empty());
}

pub(crate) async fn pages_run_in_the_order_of_ids(store: &dyn Store) {
    let ids = ["b", "a", "a\u{0}b", "ab", "10", "9", "ü"];
    store
        .commit_page(
            &Guard::sole(ACME),
            page("tags", ids.map(|id| record(id, json!({"a": 1}))).to_vec()),
        )
        .await
        .unwrap();
    store.commit_page(&Guard::sole(ACME), deleted_page("tags", &["ab"])).await.unwrap();
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let rows = store.observed_page(ACME, "tags", after.as_deref(), 2).await.unwrap();
        let Some(last) = rows.last() else { break };
        after = Some(last.id.clone());
        found.extend(rows.into_iter().map(|row| row.id));
    }
    assert_eq!(found, ["10", "9", "a", "a\u{0}b", "b", "ü"]);
    assert!(store.observed_page(ACME, "tags", None, 0).await.unwrap().is_empty());
}

pub(crate) async fn a_fetch_moves_no_scan(store: &dyn Store) {
    let scanned = PageCommit { scan: Some(scan(b"x")), ..page("tags", Vec::new()) };
    store.commit_page(&Guard::sole(ACME), scanned).await.unwrap();
    see(store, "tags", "1", json!({"a": 1})).await;
    assert_eq!(store.scan_state(ACME, "tags", None).await.unwrap(), Some(scan(b"x")));
}

pub(crate) async fn scans_are_kept_by_kind_and_parent(store: &dyn Store) {
    for (kind, parent) in
        [("stages", Some("2")), ("stages", Some("")), ("jobs", None), ("stages", None)]
    {
        let cursor = format!("{kind}{parent:?}").into_bytes();
        let parent = parent.map(str::to_owned);
        store
            .commit_page(
                &Guard::sole(ACME),
                PageCommit { parent, scan: Some(scan(&cursor)), ..page(kind, Vec::new()) },
            )
            .await
            .unwrap();
    }
    let scans = store.scan_states(ACME).await.unwrap();
    let places: Vec<_> =
        scans.iter().map(|(kind, parent, _)| (kind.as_str(), parent.as_deref())).collect();
    assert_eq!(
        places,
        [("jobs", None), ("stages", None), ("stages", Some("")), ("stages", Some("2"))]
    );
    for (kind, parent, state) in &scans {
        assert_eq!(
            store.scan_state(ACME, kind, parent.as_deref()).await.unwrap().as_ref(),
            Some(state)
        );
    }
    assert_eq!(store.scan_state(ACME, "stages", Some("3")).await.unwrap(), None);
}

pub(crate) async fn a_refused_page_leaves_nothing_behind(store: &dyn Store) {
    let mut bad = page("tags", vec![record("1", json!({"a": 1})), record("2", json!({"a": 2}))]);
    bad.records[1].body = "{\"a\":".to_owned();
    bad.scan = Some(scan(b"x"));
    assert!(matches!(
        store.commit_page(&Guard::sole(ACME), bad).await,
        Err(StoreError::Invalid(_))
    ));
    assert!(store.observed_page(ACME, "tags", None, 10).await.unwrap().is_empty());
    assert_eq!(store.scan_state(ACME, "tags", None).await.unwrap(), None);
    assert!(changes(store).await.is_empty());
}

pub(crate) async fn a_desired_record_linked_to_a_changed_record_becomes_dirty(store: &dyn Store) {
    declare(store, &["r1", "r2", "r3"]).await;
    let links = vec![
        link("r1/tags/x", "tags", "1"),
        link("r2/tags/x", "tags", "1"),
        link("r3", "tags", "2"),
    ];
    store.put_links(&Guard::sole(ACME), links).await.unwrap();
    clean(store).await;
    see(store, "tags", "1", json!({"a": 1})).await;
    assert_eq!(dirty(store).await, ["r1", "r2"]);
    clean(store).await;
    see(store, "tags", "1", json!({"a": 1})).await;
    assert!(dirty(store).await.is_empty(), "an unchanged record makes no desired record dirty");
    see(store, "tags", "1", json!({"a": 2})).await;
    assert_eq!(dirty(store).await, ["r1", "r2"]);
    clean(store).await;
    store.commit_page(&Guard::sole(ACME), deleted_page("tags", &["1", "2"])).await.unwrap();
    assert_eq!(dirty(store).await, ["r1", "r2"], "record 2 was never there");
}

pub(crate) async fn a_change_of_a_candidates_application_makes_her_record_dirty(store: &dyn Store) {
    declare(store, &["r1", "r2"]).await;
    store
        .put_links(
            &Guard::sole(ACME),
            vec![link("r1", "candidates", "7"), link("r2", "candidates", "Q8")],
        )
        .await
        .unwrap();
    clean(store).await;
    see(store, "applications", "1", json!({"candidate": {"id": "7"}})).await;
    assert_eq!(dirty(store).await, ["r1"]);
    clean(store).await;
    // From one candidate to the other: both have changed.
    see(store, "applications", "1", json!({"candidate": {"id": "Q8"}})).await;
    assert_eq!(dirty(store).await, ["r1", "r2"]);
    clean(store).await;
    store.commit_page(&Guard::sole(ACME), deleted_page("applications", &["1"])).await.unwrap();
    assert_eq!(dirty(store).await, ["r2"]);
}
