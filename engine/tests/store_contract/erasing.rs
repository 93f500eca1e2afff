//! Laws of erasures and of trimming the feed.

use crate::given::{
    ACME, change, changes, clean, declaration, deleted_page, dirty, intent, link, page, record,
    remote, see, step,
};
use atsync::internals::journal::{Intent, IntentState};
use atsync::internals::store::{
    Cause, Change, ChangeWhat, Declaration, Erasure, Guard, IntentAdvance, Keep, LinkHow, LinkRow,
    PageCommit, Store, StoreError,
};
use serde_json::json;

/// The text that must not be found anywhere afterwards.
pub(crate) const MARKER: &str = "zanzibar";

fn of_key(key: &str) -> Erasure {
    Erasure { keys: [key.to_owned()].into(), now_ms: 9_000, ..Erasure::default() }
}

fn of_candidate(id: &str) -> Erasure {
    Erasure { candidates: [id.to_owned()].into(), now_ms: 9_000, ..Erasure::default() }
}

fn candidate(name: &str, email: &str) -> serde_json::Value {
    json!({"name": {"first": name}, "emails": [{"value": email}]})
}

/// A candidate with a desired record, an application, a note, an attachment, intents and a history;
/// and an unrelated candidate.
pub(crate) async fn a_life(store: &dyn Store) {
    see(store, "candidates", "7", candidate(MARKER, "zanzibar@x.com")).await;
    see(store, "candidates", "7", candidate("zanzibar the second", "zanzibar@x.com")).await;
    see(store, "candidates", "8", candidate("stranger", "stranger@x.com")).await;
    see(store, "applications", "1", json!({"candidate": {"id": "7", "name": MARKER}})).await;
    see(store, "notes", "3", json!({"candidate": {"id": "7"}, "body": MARKER})).await;
    see(store, "attachments", "5", json!({"application": {"id": "1"}, "filename": MARKER})).await;
    see(store, "applications", "2", json!({"candidate": {"id": "8"}})).await;
    let body =
        json!({"key": "zanzibar-1", "emails": ["zanzibar@x.com", "zanzibar@home.com"]}).to_string();
    store
        .declare(
            &Guard::sole(ACME),
            vec![declaration("zanzibar-1", &body), declaration("s-1", "{}")],
            5,
        )
        .await
        .unwrap();
    let applied = json!({"name.first": MARKER}).as_object().unwrap().clone();
    let links = vec![
        LinkRow { applied, ..link("zanzibar-1", "candidates", "7") },
        link("zanzibar-1/notes/n", "notes", "3"),
        link("s-1", "candidates", "8"),
    ];
    store.put_links(&Guard::sole(ACME), links).await.unwrap();
    for (host, to) in [
        (
            "zanzibar-1",
            Some(IntentState::Refused {
                reason: MARKER.to_owned(),
                passing: false,
                credential: None,
            }),
        ),
        ("zanzibar-1/notes/n", None),
        ("s-1", None),
    ] {
        let input = json!({"body": MARKER}).to_string();
        let made = [("subject".to_owned(), "zanzibar-1".to_owned())].into();
        let asked = Intent { input, makes: made, ..intent(host, "o") };
        let asked = if host == "s-1" { intent(host, "o") } else { asked };
        let born = store.begin_intent(&Guard::sole(ACME), asked).await.unwrap();
        if let Some(to) = to {
            store.advance_intent(&Guard::sole(ACME), step(born.id, 1, to)).await.unwrap();
        }
    }
    clean(store).await;
}

pub(crate) async fn an_erased_candidate_is_nowhere_and_a_stranger_stays(store: &dyn Store) {
    a_life(store).await;
    let before = changes(store).await;
    let report = store.erase(&Guard::sole(ACME), of_key("zanzibar-1")).await.unwrap();
    assert_eq!(
        (report.desired, report.observed, report.links, report.intents),
        (1, 4, 2, 2),
        "{report:?}"
    );
    assert_eq!((report.changes, report.addresses_shared), (5, 0), "{report:?}");
    for (kind, id) in
        [("candidates", "7"), ("applications", "1"), ("notes", "3"), ("attachments", "5")]
    {
        assert_eq!(store.observed(ACME, &remote(kind, id)).await.unwrap(), None, "{kind}/{id}");
    }
    assert!(
        store.lookup(ACME, "candidates", "email", "zanzibar@x.com", 9).await.unwrap().is_empty()
    );
    assert_eq!(store.desired(ACME, "zanzibar-1").await.unwrap(), None);
    assert!(store.links_of(ACME, "zanzibar-1").await.unwrap().is_empty());
    let counts = store.observed_counts(ACME).await.unwrap();
    assert_eq!(counts, [("applications".to_owned(), 1), ("candidates".to_owned(), 1)]);
    // Open intents are closed, and the numbers are right.
    let open: Vec<String> =
        store.open_intents(ACME).await.unwrap().into_iter().map(|intent| intent.path).collect();
    assert_eq!(open, ["s-1"]);
    let counts = store.intent_counts(ACME).await.unwrap();
    assert_eq!(
        counts,
        [("abandoned".to_owned(), 1), ("refused".to_owned(), 1), ("sending".to_owned(), 1)]
    );
    // The feed has no gap, holds no data of the candidate, and reports the erasure to every
    // consumer that keeps a copy.
    let after = changes(store).await;
    let serials: Vec<u64> = after.iter().map(|change| change.serial).collect();
    assert_eq!(serials, (1..=before.len() as u64 + 4).collect::<Vec<_>>());
    let told: Vec<(&str, &str)> = after
        .iter()
        .filter(|change| change.what == ChangeWhat::Erased)
        .map(|change| (change.kind.as_str(), change.id.as_str()))
        .collect();
    assert_eq!(
        told,
        [("applications", "1"), ("attachments", "5"), ("candidates", "7"), ("notes", "3")]
    );
    let mut all = format!("{after:?}");
    for id in 1..=3 {
        all.push_str(&format!("{:?}", store.intent(ACME, id).await.unwrap()));
    }
    all.push_str(&format!("{:?}", store.desired_page(ACME, None, 99).await.unwrap()));
    assert!(!all.contains(MARKER), "{all}");
    // The unrelated candidate.
    assert!(store.observed(ACME, &remote("applications", "2")).await.unwrap().is_some());
    assert_eq!(store.links_of(ACME, "s-1").await.unwrap().len(), 1);
    assert!(
        after.iter().any(|change| change.after.get("name") == Some(&json!({"first": "stranger"})))
    );
}

pub(crate) async fn a_desired_record_that_names_an_erased_candidate_by_id_goes_and_stays_away(
    store: &dyn Store,
) {
    see(store, "candidates", "7", candidate(MARKER, "zanzibar@x.com")).await;
    // Declared and not linked yet; one record names the erased candidate, another names another
    // candidate.
    let body = |key: &str, id: &str| declaration(key, &json!({"key": key, "id": id}).to_string());
    store
        .declare(&Guard::sole(ACME), vec![body("theirs", "7"), body("s-1", "8")], 5)
        .await
        .unwrap();
    let report = store.erase(&Guard::sole(ACME), of_candidate("7")).await.unwrap();
    assert_eq!(report.desired, 1, "{report:?}");
    let again = store
        .declare(&Guard::sole(ACME), vec![body("new-key", "7"), body("s-2", "8")], 6)
        .await
        .unwrap();
    assert_eq!(again.erased, 1, "{again:?}");
    let mut keys = Vec::new();
    for key in ["theirs", "s-1", "new-key", "s-2"] {
        keys.extend(store.desired(ACME, key).await.unwrap().map(|row| row.key));
    }
    assert_eq!(keys, ["s-1", "s-2"]);
    // An erasure by the key of such a record erases the candidate that it names too.
    see(store, "candidates", "8", candidate("stranger", "stranger@x.com")).await;
    store.erase(&Guard::sole(ACME), of_key("s-1")).await.unwrap();
    assert_eq!(store.observed(ACME, &remote("candidates", "8")).await.unwrap(), None);
}

pub(crate) async fn an_erased_candidate_does_not_come_back_until_that_is_allowed(
    store: &dyn Store,
) {
    a_life(store).await;
    store.erase(&Guard::sole(ACME), of_candidate("7")).await.unwrap();
    let back = || async {
        // By the id; by the candidate that the row names; by an address under a new id; by the
        // desired record.
        see(store, "candidates", "7", candidate("other name", "other@x.com")).await;
        see(store, "applications", "10", json!({"candidate": {"id": "7"}})).await;
        see(store, "attachments", "11", json!({"application": {"id": "10"}})).await;
        see(store, "candidates", "12", candidate("again", " Zanzibar@X.com")).await;
        see(store, "applications", "13", json!({"candidate": {"id": "12"}})).await;
        let ids = [
            ("candidates", "7"),
            ("applications", "10"),
            ("attachments", "11"),
            ("candidates", "12"),
            ("applications", "13"),
        ];
        let mut there = Vec::new();
        for (kind, id) in ids {
            there.push(store.observed(ACME, &remote(kind, id)).await.unwrap().is_some());
        }
        there
    };
    let last = store.changes_last(ACME).await.unwrap();
    assert_eq!(back().await, [false; 5]);
    assert_eq!(store.changes_last(ACME).await.unwrap(), last, "a blocked record makes no event");
    let again = |key: &str, email: &str| Declaration {
        key: key.to_owned(),
        body: json!({"key": key, "emails": [{"value": email}]}).to_string(),
    };
    let records = vec![
        again("zanzibar-1", "new@x.com"),
        again("other", "zanzibar@home.com"),
        again("fine", "f@x.com"),
    ];
    // The preview reports which records would not be stored, and changes nothing.
    for _ in 0..2 {
        assert_eq!(store.kept_away(ACME, records.clone()).await.unwrap(), ["zanzibar-1", "other"]);
        assert_eq!(
            store.kept_away("another", records.clone()).await.unwrap(),
            Vec::<String>::new()
        );
    }
    let report = store.declare(&Guard::sole(ACME), records.clone(), 9).await.unwrap();
    assert_eq!((report.erased, report.created), (2, 1));
    assert!(store.desired(ACME, "zanzibar-1").await.unwrap().is_none());

    let unknown = Erasure { addresses: ["unknown@x.com".to_owned()].into(), ..Erasure::default() };
    assert!(!store.undo_erasure(&Guard::sole(ACME), unknown).await.unwrap());
    let address = Erasure { addresses: ["ZANZIBAR@x.com".to_owned()].into(), ..Erasure::default() };
    assert!(store.undo_erasure(&Guard::sole(ACME), address).await.unwrap());
    assert_eq!(back().await, [true; 5]);
    assert_eq!(store.declare(&Guard::sole(ACME), records, 9).await.unwrap().created, 2);
}

pub(crate) async fn an_address_that_two_candidates_share_blocks_neither(store: &dyn Store) {
    see(store, "candidates", "7", candidate("one", "agency@x.com")).await;
    see(store, "candidates", "8", candidate("two", "agency@x.com")).await;
    let report = store.erase(&Guard::sole(ACME), of_candidate("7")).await.unwrap();
    assert_eq!((report.observed, report.addresses_shared, report.kept_away), (1, 1, 1));
    see(store, "candidates", "8", candidate("two renamed", "agency@x.com")).await;
    let row = store.observed(ACME, &remote("candidates", "8")).await.unwrap().unwrap();
    assert!(row.body.contains("two renamed"));
}

pub(crate) async fn an_erasure_follows_a_merge_and_deleted_records(store: &dyn Store) {
    see(store, "candidates", "6", candidate(MARKER, "zanzibar@x.com")).await;
    see(store, "applications", "1", json!({"candidate": {"id": "6"}, "note": MARKER})).await;
    let deleted = PageCommit { gone: vec!["1".to_owned()], ..page("applications", Vec::new()) };
    store.commit_page(&Guard::sole(ACME), deleted).await.unwrap();
    see(store, "candidates", "7", candidate("kept", "kept@x.com")).await;
    store.declare(&Guard::sole(ACME), vec![declaration("a", "{}")], 5).await.unwrap();
    let born = store.begin_intent(&Guard::sole(ACME), intent("a", "o")).await.unwrap();
    let mut moved = change("candidates", "6");
    moved.what = ChangeWhat::Moved;
    moved.after = json!({"id": "7"}).as_object().unwrap().clone();
    let advance =
        IntentAdvance { changes: vec![moved], ..step(born.id, 1, crate::given::in_doubt()) };
    store.advance_intent(&Guard::sole(ACME), advance).await.unwrap();
    store.erase(&Guard::sole(ACME), of_candidate("7")).await.unwrap();
    let all = format!("{:?}", changes(store).await);
    assert!(!all.contains(MARKER) && !all.contains("kept"), "{all}");
    assert_eq!(store.observed(ACME, &remote("candidates", "6")).await.unwrap(), None);
}

pub(crate) async fn an_erasure_finds_what_only_an_event_or_an_intent_names(store: &dyn Store) {
    see(store, "candidates", "7", candidate(MARKER, "zanzibar@x.com")).await;
    see(store, "applications", "1", json!({"candidate": {"id": "7"}})).await;
    let body = json!({"body": MARKER});
    for id in ["3", "4", "5", "9"] {
        see(store, "notes", id, body.clone()).await;
    }
    see(store, "candidates", "6", candidate(MARKER, "earlier@x.com")).await;
    // The intent of another desired record made a note on the candidate.
    store.declare(&Guard::sole(ACME), vec![declaration("other", "{}")], 5).await.unwrap();
    let born = store.begin_intent(&Guard::sole(ACME), intent("other", "o")).await.unwrap();
    let event = |kind: &str, id: &str, before: serde_json::Value, after: serde_json::Value| {
        let [before, after] = [before, after].map(|map| map.as_object().unwrap().clone());
        Change { what: ChangeWhat::Updated, before, after, ..change(kind, id) }
    };
    let names = |member: &str, id: &str| json!({member: {"id": id}});
    let moved = Change {
        what: ChangeWhat::Moved,
        ..event("candidates", "6", json!({}), json!({"id": "7"}))
    };
    let changes_made = vec![
        event("notes", "3", names("candidate", "7"), json!({})),
        event("notes", "4", json!({}), names("application", "1")),
        moved,
        event("notes", "9", json!({}), names("candidate", "8")),
    ];
    let links = vec![remote("notes", "3")];
    let to = IntentState::Applied { links, by_probe: false };
    let advance = IntentAdvance { changes: changes_made, ..step(born.id, 1, to) };
    store.advance_intent(&Guard::sole(ACME), advance).await.unwrap();

    let report = store.erase(&Guard::sole(ACME), of_candidate("7")).await.unwrap();
    // Two candidates, an application and two notes; the notes 5 and 9 are a stranger's.
    assert_eq!((report.observed, report.intents, report.changes), (5, 1, 8), "{report:?}");
    for (id, is_there) in [("3", false), ("4", false), ("5", true), ("9", true)] {
        let row = store.observed(ACME, &remote("notes", id)).await.unwrap();
        assert_eq!(row.is_some(), is_there, "{id}");
    }
    // Again: the emptied events are found, and lead nowhere.
    let report = store.erase(&Guard::sole(ACME), of_candidate("7")).await.unwrap();
    assert_eq!((report.observed, report.intents, report.changes), (0, 0, 2), "{report:?}");
}

pub(crate) async fn an_erasure_finds_names_of_any_length_and_none_by_a_path(store: &dyn Store) {
    let long = "7".repeat(600);
    let address = format!("{long}@x.com");
    let body = json!({"id": long, "emails": [address]}).to_string();
    store.declare(&Guard::sole(ACME), vec![declaration("a", &body)], 5).await.unwrap();
    see(store, "notes", "3", json!({"candidate": {"id": long}})).await;
    see(store, "notes", "4", json!({"candidate": {"id": " "}})).await;
    see(store, "an_adapters_own", "5", json!({"candidate": {"id": long}})).await;
    see(store, "candidates", "8", candidate("another", &address)).await;
    let links = vec![link("a/notes/n", "notes", "3"), link("b/notes/n", "notes", "4")];
    store.put_links(&Guard::sole(ACME), links).await.unwrap();
    // No desired record has such a key, so the path is not erased.
    let report = store.erase(&Guard::sole(ACME), of_key("b/notes")).await.unwrap();
    assert_eq!((report.links, report.observed), (0, 0), "{report:?}");
    let report = store.erase(&Guard::sole(ACME), of_key("a")).await.unwrap();
    assert_eq!((report.desired, report.observed, report.links), (1, 2, 1), "{report:?}");
    assert_eq!(report.addresses_shared, 1, "{report:?}");
    let report = store.erase(&Guard::sole(ACME), of_candidate(" ")).await.unwrap();
    assert_eq!((report.observed, report.links), (1, 1), "{report:?}");
}

pub(crate) async fn an_erasure_without_a_candidate_is_refused(store: &dyn Store) {
    let refused = store.erase(&Guard::sole(ACME), Erasure::default()).await;
    assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
    // An erasure of an unknown candidate blocks their import all the same.
    let report = store.erase(&Guard::sole(ACME), of_candidate("99")).await.unwrap();
    assert_eq!((report.observed, report.kept_away), (0, 1));
    see(store, "candidates", "99", json!({"x": 1})).await;
    assert_eq!(store.observed(ACME, &remote("candidates", "99")).await.unwrap(), None);
    assert!(dirty(store).await.is_empty());
}

async fn at(store: &dyn Store, id: &str, body: serde_json::Value, now_ms: u64) {
    let page = PageCommit { now_ms, ..page("tags", vec![record(id, body)]) };
    store.commit_page(&Guard::sole(ACME), page).await.unwrap();
}

pub(crate) async fn a_trimmed_feed_says_where_it_begins(store: &dyn Store) {
    assert_eq!(store.changes_first(ACME).await.unwrap(), 1);
    for serial in 1..=5 {
        at(store, &serial.to_string(), json!({"x": serial}), serial * 100).await;
    }
    assert_eq!(store.trim_changes(&Guard::sole(ACME), 300, Keep::Nothing).await.unwrap(), 2);
    assert_eq!(store.changes_first(ACME).await.unwrap(), 3);
    for after in [0, 1] {
        let trimmed = store.changes(ACME, after, 9).await;
        assert!(matches!(trimmed, Err(StoreError::ChangesGone { first: 3 })), "{trimmed:?}");
    }
    let left: Vec<u64> =
        store.changes(ACME, 2, 9).await.unwrap().into_iter().map(|change| change.serial).collect();
    assert_eq!(left, [3, 4, 5]);
    // The record of a trimmed event stays, and the serials continue.
    at(store, "1", json!({"x": 9}), 600).await;
    assert_eq!(store.changes_last(ACME).await.unwrap(), 6);
    assert_eq!(store.trim_changes(&Guard::sole(ACME), u64::MAX, Keep::Nothing).await.unwrap(), 4);
    assert_eq!(store.changes_first(ACME).await.unwrap(), 7);
    assert!(store.changes(ACME, 6, 9).await.unwrap().is_empty());
    at(store, "9", json!({"x": 1}), 700).await;
    assert_eq!(store.changes(ACME, 6, 9).await.unwrap()[0].serial, 7);
}

pub(crate) async fn trimming_keeps_unacknowledged_events_when_asked(store: &dyn Store) {
    for serial in 1..=4 {
        at(store, &serial.to_string(), json!({"x": serial}), 100).await;
    }
    assert_eq!(
        store.trim_changes(&Guard::sole(ACME), 200, Keep::Unacknowledged).await.unwrap(),
        0,
        "no consumer is known to have read"
    );
    store.acknowledge(&Guard::sole(ACME), "quick", 3).await.unwrap();
    store.acknowledge(&Guard::sole(ACME), "slow", 1).await.unwrap();
    assert_eq!(store.trim_changes(&Guard::sole(ACME), 200, Keep::Unacknowledged).await.unwrap(), 1);
    store.end_consumer(&Guard::sole(ACME), "slow").await.unwrap();
    assert_eq!(store.offset(ACME, "slow").await.unwrap(), 0);
    assert_eq!(store.trim_changes(&Guard::sole(ACME), 200, Keep::Unacknowledged).await.unwrap(), 2);
    assert_eq!(
        store.trim_changes(&Guard::sole(ACME), 100, Keep::Nothing).await.unwrap(),
        0,
        "young events stay"
    );
}

pub(crate) async fn an_event_names_the_intent_that_caused_it(store: &dyn Store) {
    let applied_by = [("1".to_owned(), 42)].into();
    let page = page("tags", vec![record("1", json!({"x": 1})), record("2", json!({"x": 1}))]);
    store.commit_page(&Guard::sole(ACME), PageCommit { applied_by, ..page }).await.unwrap();
    let causes: Vec<Cause> = changes(store).await.into_iter().map(|change| change.cause).collect();
    assert_eq!(causes, [Cause::Applied { intent: 42 }, Cause::Observed]);
}

pub(crate) async fn a_record_that_the_engine_created_is_reported_as_applied_by_any_first_read(
    store: &dyn Store,
) {
    crate::given::declare(store, &["a"]).await;
    // Created by an intent of the path above it, like an application that its candidate's create
    // carried.
    let born = store.begin_intent(&Guard::sole(ACME), intent("a", "o")).await.unwrap();
    let state = |ids: &[&str]| {
        let links = ids.iter().map(|id| remote("tags", id)).collect();
        IntentState::Applied { links, by_probe: false }
    };
    let made = [link("a/applications/x", "tags", "1"), link("a", "tags", "2")];
    let found = LinkRow { how: LinkHow::Adopted, ..link("a/notes/n", "tags", "3") };
    let links = made.into_iter().chain([found]).collect();
    let advance = IntentAdvance { links, ..step(born.id, 1, state(&["1", "2", "3"])) };
    store.advance_intent(&Guard::sole(ACME), advance).await.unwrap();
    // Changed later by another intent, which created nothing.
    let later = store.begin_intent(&Guard::sole(ACME), intent("a", "o")).await.unwrap();
    store.advance_intent(&Guard::sole(ACME), step(later.id, 1, state(&["2"]))).await.unwrap();
    for id in ["1", "2", "3", "4"] {
        see(store, "tags", id, json!({"x": 1})).await;
    }
    let own = Cause::Applied { intent: born.id };
    let causes: Vec<Cause> = changes(store).await.into_iter().map(|change| change.cause).collect();
    assert_eq!(causes, [own.clone(), own, Cause::Observed, Cause::Observed]);
    // The intent is not the cause of a later deletion, return or change.
    store.commit_page(&Guard::sole(ACME), deleted_page("tags", &["1"])).await.unwrap();
    see(store, "tags", "1", json!({"x": 1})).await;
    see(store, "tags", "2", json!({"x": 2})).await;
    let later: Vec<Cause> =
        changes(store).await.into_iter().skip(5).map(|change| change.cause).collect();
    assert_eq!(later, [Cause::Observed, Cause::Observed]);
}
