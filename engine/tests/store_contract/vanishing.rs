//! Laws of deleted records and of records that moved to another id.

use crate::given::{
    ACME, changes, clean, declare, deleted_page, dirty, link, map, page, record, remote, see,
};
use atsync::internals::store::{
    Alias, Cause, ChangeWhat, Guard, HeldBy, Hold, LinkHow, MovedTo, PageCommit, PageReport, Proof,
    Store, StoreError, SweepPhase, SweepState,
};
use serde_json::{Map, json};

fn sweep(phase: SweepPhase) -> SweepState {
    SweepState {
        started_ms: 5,
        pages: 1,
        rows: 2,
        confidential: 0,
        phase,
        held: None,
        blind_spots: 0,
    }
}

async fn sweep_over(store: &dyn Store, connection: &str, kind: &str, ids: &[&str]) {
    let records = ids.iter().map(|id| record(id, json!({"a": 1}))).collect();
    let page = PageCommit { sweep: Some(sweep(SweepPhase::Walked)), ..page(kind, records) };
    store.commit_page(&Guard::sole(connection), page).await.unwrap();
}

async fn suspects(store: &dyn Store, kind: &str) -> Vec<String> {
    let rows = store.suspects_page(ACME, kind, None, 100).await.unwrap();
    rows.into_iter().map(|row| row.id).collect()
}

fn moved(from: &str, to: &str, stays: bool) -> MovedTo {
    MovedTo { from: from.to_owned(), to: to.to_owned(), stays }
}

fn moving(kind: &str, moves: Vec<MovedTo>) -> PageCommit {
    let cause = Cause::Swept { proof: Proof::Fetched };
    PageCommit { moved: moves, cause, now_ms: 3_000, ..page(kind, Vec::new()) }
}

pub(crate) async fn a_sweep_remembers_what_its_pages_showed(store: &dyn Store) {
    for id in ["1", "2", "3", "4", "5"] {
        see(store, "tags", id, json!({"a": 1})).await;
    }
    store.commit_page(&Guard::sole(ACME), deleted_page("tags", &["4"])).await.unwrap();
    sweep_over(store, ACME, "tags", &["2"]).await;
    sweep_over(store, ACME, "tags", &["3", "new"]).await;
    assert_eq!(suspects(store, "tags").await, ["1", "5"]);
    let later = store.suspects_page(ACME, "tags", Some("1"), 1).await.unwrap();
    assert_eq!(later.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["5"]);
    assert!(store.suspects_page(ACME, "tags", None, 0).await.unwrap().is_empty());
    assert_eq!(store.sweep_state(ACME, "tags").await.unwrap(), Some(sweep(SweepPhase::Walked)));
    assert_eq!(store.sweep_state(ACME, "jobs").await.unwrap(), None);
    // The sweep does not count a record that a pull or a fetch shows as seen.
    see(store, "tags", "1", json!({"a": 2})).await;
    assert_eq!(suspects(store, "tags").await, ["1", "5"]);
}

pub(crate) async fn the_reason_that_holds_a_sweep_is_stored_with_its_position(store: &dyn Store) {
    let phase = SweepPhase::Walking { parent: Some("7".to_owned()), cursor: Some(vec![0, 255]) };
    for by in [HeldBy::Right, HeldBy::Brake] {
        let held = Some(Hold { by, at_ms: 9, why: "a right is missing".to_owned() });
        let state = SweepState { held, ..sweep(phase.clone()) };
        let page = PageCommit { sweep: Some(state.clone()), ..page("tags", Vec::new()) };
        store.commit_page(&Guard::sole(ACME), page).await.unwrap();
        assert_eq!(store.sweep_state(ACME, "tags").await.unwrap(), Some(state));
    }
}

pub(crate) async fn an_event_keeps_the_level_of_its_proof(store: &dyn Store) {
    let proofs = [Proof::Fetched, Proof::Hook, Proof::HookAndFetch, Proof::Walk];
    let causes = proofs.into_iter().flat_map(|proof| {
        [Cause::Swept { proof }, Cause::Hinted { proof }, Cause::Doubted { proof }]
    });
    let causes: Vec<Cause> = causes.collect();
    for (at, cause) in causes.iter().enumerate() {
        let id = at.to_string();
        see(store, "tags", &id, json!({"a": 1})).await;
        store
            .commit_page(
                &Guard::sole(ACME),
                PageCommit { cause: cause.clone(), ..deleted_page("tags", &[&id]) },
            )
            .await
            .unwrap();
    }
    let told = changes(store).await.into_iter().filter(|change| change.what == ChangeWhat::Deleted);
    assert_eq!(told.map(|change| change.cause).collect::<Vec<_>>(), causes);
}

pub(crate) async fn a_refused_page_of_a_sweep_leaves_nothing_seen(store: &dyn Store) {
    see(store, "tags", "1", json!({"a": 1})).await;
    let mut bad = page("tags", vec![record("1", json!({"a": 1})), record("2", json!({"a": 2}))]);
    bad.records[1].body = "[]".to_owned();
    bad.sweep = Some(sweep(SweepPhase::Walked));
    assert!(store.commit_page(&Guard::sole(ACME), bad).await.is_err());
    assert_eq!(suspects(store, "tags").await, ["1"]);
    assert_eq!(store.sweep_state(ACME, "tags").await.unwrap(), None);
}

pub(crate) async fn clearing_the_seen_ids_is_bounded_and_affects_only_its_kind(store: &dyn Store) {
    sweep_over(store, ACME, "tags", &["1", "2", "3"]).await;
    sweep_over(store, ACME, "jobs", &["1"]).await;
    sweep_over(store, "other", "tags", &["1"]).await;
    assert_eq!(store.forget_seen(&Guard::sole(ACME), "tags", 2).await.unwrap(), 2);
    assert_eq!(suspects(store, "tags").await, ["1", "2"]);
    assert_eq!(store.forget_seen(&Guard::sole(ACME), "tags", 2).await.unwrap(), 1);
    assert_eq!(store.forget_seen(&Guard::sole(ACME), "tags", 2).await.unwrap(), 0);
    assert!(suspects(store, "jobs").await.is_empty());
    assert!(store.suspects_page("other", "tags", None, 9).await.unwrap().is_empty());
}

pub(crate) async fn a_move_takes_its_links_along_and_is_reported_once(store: &dyn Store) {
    declare(store, &["r1", "r2", "r3"]).await;
    see(store, "candidates", "7", json!({"name": {"first": "Ada"}})).await;
    see(store, "candidates", "8", json!({"name": {"first": "A."}})).await;
    let mut kept = link("r1", "candidates", "7");
    kept.applied = map(json!({"title": "x"}));
    store.put_links(&Guard::sole(ACME), vec![kept, link("r3", "candidates", "9")]).await.unwrap();
    clean(store).await;

    let report = store
        .commit_page(&Guard::sole(ACME), moving("candidates", vec![moved("7", "8", false)]))
        .await
        .unwrap();
    assert_eq!(report, PageReport { moved: 1, ..PageReport::default() });
    let followed = store.link(ACME, "r1").await.unwrap().unwrap();
    assert_eq!(
        (followed.remote, followed.how, followed.applied),
        (remote("candidates", "8"), LinkHow::Followed, map(json!({"title": "x"})))
    );
    assert!(store.links_to(ACME, &remote("candidates", "7")).await.unwrap().is_empty());
    assert_eq!(store.links_to(ACME, &remote("candidates", "8")).await.unwrap().len(), 1);
    assert_eq!(dirty(store).await, ["r1"]);
    assert!(store.observed(ACME, &remote("candidates", "7")).await.unwrap().unwrap().gone);
    assert_eq!(store.observed_counts(ACME).await.unwrap(), [("candidates".to_owned(), 1)]);
    assert_eq!(
        store.alias(ACME, &remote("candidates", "7")).await.unwrap(),
        Some(Alias { to: "8".into(), told: true })
    );
    let told = changes(store).await.pop().unwrap();
    assert_eq!((told.serial, told.what, told.id.as_str()), (3, ChangeWhat::Moved, "7"));
    assert_eq!(
        (told.before, told.after),
        (map(json!({"name": {"first": "Ada"}})), map(json!({"id": "8"})))
    );
    assert_eq!(told.cause, Cause::Swept { proof: Proof::Fetched });

    let again = store
        .commit_page(&Guard::sole(ACME), moving("candidates", vec![moved("7", "8", false)]))
        .await
        .unwrap();
    assert_eq!(again, PageReport::default());
    assert_eq!(
        store.commit_page(&Guard::sole(ACME), deleted_page("candidates", &["7"])).await.unwrap(),
        PageReport::default()
    );
    assert_eq!(store.changes_last(ACME).await.unwrap(), 3);
}

pub(crate) async fn a_link_that_follows_to_a_taken_record_yields(store: &dyn Store) {
    let links = vec![
        link("r1", "candidates", "1"),
        link("r2", "candidates", "2"),
        link("r3", "candidates", "3"),
    ];
    store.put_links(&Guard::sole(ACME), links).await.unwrap();
    store
        .commit_page(
            &Guard::sole(ACME),
            moving("candidates", vec![moved("1", "9", false), moved("2", "9", false)]),
        )
        .await
        .unwrap();
    store
        .commit_page(&Guard::sole(ACME), moving("candidates", vec![moved("9", "3", false)]))
        .await
        .unwrap();
    let mut hows = Vec::new();
    for link in store.links_to(ACME, &remote("candidates", "3")).await.unwrap() {
        hows.push((link.path, link.how));
    }
    let expected = [("r1", LinkHow::Yielded), ("r2", LinkHow::Yielded), ("r3", LinkHow::Created)];
    assert_eq!(hows, expected.map(|(host, how)| (host.to_owned(), how)));
}

pub(crate) async fn a_moved_record_that_the_ats_keeps_is_reported_as_moved_and_stays(
    store: &dyn Store,
) {
    let converted = record("5", json!({"outcome": {"value": "converted"}}));
    see(store, "applications", "5", json!({"outcome": {"value": "active"}})).await;
    let page = PageCommit {
        records: vec![converted],
        masks: vec![vec!["outcome".to_owned()]],
        ..moving("applications", vec![moved("5", "6", true)])
    };
    let report = store.commit_page(&Guard::sole(ACME), page).await.unwrap();
    assert_eq!(report, PageReport { updated: 1, moved: 1, ..PageReport::default() });
    assert!(!store.observed(ACME, &remote("applications", "5")).await.unwrap().unwrap().gone);
    let told: Vec<_> = changes(store)
        .await
        .into_iter()
        .map(|change| (change.serial, change.what, change.before.is_empty()))
        .collect();
    assert_eq!(
        told,
        [
            (1, ChangeWhat::Created, true),
            (2, ChangeWhat::Updated, false),
            (3, ChangeWhat::Moved, true)
        ]
    );
}

pub(crate) async fn a_page_cannot_contradict_its_moves(store: &dyn Store) {
    let mut shown = moving("tags", vec![moved("1", "2", false)]);
    shown.records = vec![record("1", json!({}))];
    let mut tombstoned = moving("tags", vec![moved("1", "2", false)]);
    tombstoned.gone = vec!["1".to_owned()];
    let twice = moving("tags", vec![moved("1", "2", true), moved("1", "3", true)]);
    let itself = moving("tags", vec![moved("1", "1", true)]);
    for page in [shown, tombstoned, twice, itself] {
        assert!(matches!(
            store.commit_page(&Guard::sole(ACME), page).await,
            Err(StoreError::Invalid(_))
        ));
    }
    assert!(changes(store).await.is_empty());
}

pub(crate) async fn an_application_of_another_candidate_leaves_a_lead(store: &dyn Store) {
    let at = |id: &str| json!({"candidate": {"id": id}});
    for (application, candidate) in [("1", "7"), ("2", "7"), ("3", "5")] {
        see(store, "applications", application, at(candidate)).await;
    }
    assert!(store.leads(ACME, "candidates", 9).await.unwrap().is_empty());
    see(store, "applications", "1", at("8")).await;
    see(store, "applications", "3", at("8")).await;
    see(store, "notes", "4", at("1")).await;
    see(store, "notes", "4", at("2")).await;
    let lead = |from: &str| (from.to_owned(), "8".to_owned());
    assert_eq!(store.leads(ACME, "candidates", 9).await.unwrap(), [lead("5"), lead("7")]);
    assert_eq!(store.leads(ACME, "candidates", 1).await.unwrap(), [lead("5")]);
    assert_eq!(
        store.alias(ACME, &remote("candidates", "7")).await.unwrap(),
        Some(Alias { to: "8".into(), told: false })
    );

    store.drop_lead(&Guard::sole(ACME), &remote("candidates", "5")).await.unwrap();
    store
        .commit_page(&Guard::sole(ACME), moving("candidates", vec![moved("7", "8", false)]))
        .await
        .unwrap();
    assert!(store.leads(ACME, "candidates", 9).await.unwrap().is_empty());
    store.drop_lead(&Guard::sole(ACME), &remote("candidates", "7")).await.unwrap();
    see(store, "applications", "1", at("7")).await;
    see(store, "applications", "1", at("9")).await;
    let told = store.alias(ACME, &remote("candidates", "7")).await.unwrap();
    assert_eq!(told, Some(Alias { to: "8".into(), told: true }), "a reported move outlives leads");

    see(store, "applications", "1", at("9")).await;
    let mut moved_in = Vec::new();
    for application in ["1", "2", "3"] {
        let row = store.observed(ACME, &remote("applications", application)).await.unwrap();
        moved_in.push(row.unwrap().moved_in);
    }
    assert_eq!(moved_in, [true, false, true], "a row says that it named another candidate");
    let gone = PageCommit { gone: vec!["2".to_owned()], ..page("applications", Vec::new()) };
    store.commit_page(&Guard::sole(ACME), gone).await.unwrap();
    see(store, "applications", "2", at("7")).await;
    let came_back = store.observed(ACME, &remote("applications", "2")).await.unwrap();
    assert!(came_back.unwrap().moved_in, "a tombstone does not say which candidate it named");
    // A record that shows again is the same record again.
    see(store, "candidates", "7", json!({"a": 1})).await;
    assert_eq!(store.alias(ACME, &remote("candidates", "7")).await.unwrap(), None);
}

pub(crate) async fn a_move_by_an_intent_is_reported_once_too(store: &dyn Store) {
    declare(store, &["r1"]).await;
    let born =
        store.begin_intent(&Guard::sole(ACME), crate::given::intent("r1", "o")).await.unwrap();
    let told = atsync::internals::store::Change {
        what: ChangeWhat::Moved,
        after: map(json!({"id": "6"})),
        ..crate::given::change("applications", "5")
    };
    let advance = atsync::internals::store::IntentAdvance {
        changes: vec![told],
        ..crate::given::step(born.id, 1, crate::given::applied())
    };
    store.advance_intent(&Guard::sole(ACME), advance).await.unwrap();
    let report = store
        .commit_page(&Guard::sole(ACME), moving("applications", vec![moved("5", "6", true)]))
        .await
        .unwrap();
    assert_eq!(report, PageReport::default());
    assert_eq!(store.changes_last(ACME).await.unwrap(), 1);
}

pub(crate) async fn an_anonymisation_is_reported_without_the_erased_data_and_is_permanent(
    store: &dyn Store,
) {
    let with = |privacy: serde_json::Value| json!({"name": {}, "privacy": privacy});
    see(store, "candidates", "1", json!({"name": {"first": "Ada"}, "privacy": {"private": true}}))
        .await;
    let report =
        see(store, "candidates", "1", with(json!({"private": true, "anonymized": true}))).await;
    assert_eq!(report, PageReport { updated: 1, ..PageReport::default() });
    let told = changes(store).await.pop().unwrap();
    assert_eq!((told.what, told.before), (ChangeWhat::Anonymized, Map::new()));
    assert_eq!(
        told.after,
        map(json!({"name": {}, "privacy": {"private": true, "anonymized": true}}))
    );

    let again = see(store, "candidates", "1", with(json!({"private": true}))).await;
    assert_eq!(again, PageReport { unchanged: 1, ..PageReport::default() });
    see(store, "candidates", "1", with(json!({"private": false}))).await;
    let row = store.observed(ACME, &remote("candidates", "1")).await.unwrap().unwrap();
    let body: serde_json::Value = serde_json::from_str(&row.body).unwrap();
    assert_eq!(body["privacy"], json!({"private": false, "anonymized": true}));
    assert_eq!(changes(store).await.pop().unwrap().what, ChangeWhat::Updated);
}
