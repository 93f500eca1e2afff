//! Laws of the journal and of the feed's consumers.

use crate::given::{
    ACME, applied, change, changes, declaration, declare, in_doubt, intent, link, step,
};
use atsync::internals::journal::{Intent, IntentState, Moment};
use atsync::internals::store::{Guard, IntentAdvance, Store, StoreError};

fn is_stale<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Stale(_)))
}

pub(crate) async fn an_intent_starts_as_sending_with_a_number(store: &dyn Store) {
    declare(store, &["r1", "r2"]).await;
    store.declare(&Guard::sole("other"), vec![declaration("r1", "{}")], 5).await.unwrap();
    let mut asked = intent("r1/notes/n1", "notes.create");
    (asked.id, asked.attempt, asked.state) = (77, 9, applied());
    let first = store.begin_intent(&Guard::sole(ACME), asked).await.unwrap();
    assert_eq!((first.id, first.attempt, &first.state), (1, 1, &IntentState::Sending));
    assert_eq!(store.intent(ACME, 1).await.unwrap(), Some(first));
    let other =
        store.begin_intent(&Guard::sole("other"), intent("r1", "candidates.create")).await.unwrap();
    assert_eq!(other.id, 2, "numbers are the store's");
    assert_eq!(store.intent(ACME, 2).await.unwrap(), None);
    assert_eq!(store.intent_counts(ACME).await.unwrap(), [("sending".to_owned(), 1)]);
}

pub(crate) async fn one_intent_is_open_per_object_and_operation(store: &dyn Store) {
    declare(store, &["r1", "r2"]).await;
    let first =
        store.begin_intent(&Guard::sole(ACME), intent("r1", "candidates.create")).await.unwrap();
    let again = store.begin_intent(&Guard::sole(ACME), intent("r1", "candidates.create")).await;
    assert!(matches!(again, Err(StoreError::IntentOpen(id)) if id == first.id));
    for (host, operation) in
        [("r1", "tags.add"), ("r1/x", "candidates.create"), ("r2", "candidates.create")]
    {
        store.begin_intent(&Guard::sole(ACME), intent(host, operation)).await.unwrap();
    }
    store.advance_intent(&Guard::sole(ACME), step(first.id, 1, in_doubt())).await.unwrap();
    let doubted = store.begin_intent(&Guard::sole(ACME), intent("r1", "candidates.create")).await;
    assert!(matches!(doubted, Err(StoreError::IntentOpen(id)) if id == first.id));
    let blocked = IntentState::InDoubt {
        reason: "several fit".to_owned(),
        probe_after_ms: 9,
        probes: 1,
        blocked: true,
        absent: None,
    };
    store.advance_intent(&Guard::sole(ACME), step(first.id, 1, blocked)).await.unwrap();
    let waiting = store.begin_intent(&Guard::sole(ACME), intent("r1", "candidates.create")).await;
    assert!(
        matches!(waiting, Err(StoreError::IntentOpen(id)) if id == first.id),
        "a user decides first"
    );
    store.advance_intent(&Guard::sole(ACME), step(first.id, 1, applied())).await.unwrap();
    store.begin_intent(&Guard::sole(ACME), intent("r1", "candidates.create")).await.unwrap();
}

pub(crate) async fn an_intent_of_an_older_generation_is_stale(store: &dyn Store) {
    assert!(
        is_stale(store.begin_intent(&Guard::sole(ACME), intent("r1", "a")).await),
        "nothing is declared"
    );
    declare(store, &["r1"]).await;
    store.declare(&Guard::sole(ACME), vec![declaration("r1", "{\"x\":1}")], 6).await.unwrap();
    assert!(is_stale(store.begin_intent(&Guard::sole(ACME), intent("r1/notes/n", "a")).await));
    let mut planned = intent("r1/notes/n", "a");
    planned.generation = 2;
    assert_eq!(
        store.begin_intent(&Guard::sole(ACME), planned).await.unwrap().id,
        1,
        "a refusal takes no number"
    );
}

pub(crate) async fn no_two_intents_of_a_connection_share_a_mark(store: &dyn Store) {
    declare(store, &["r1"]).await;
    let mut times = Vec::new();
    // The clock stops, advances, and goes back.
    for (at, asked) in [100, 100, 100, 500, 100, 501, 502].into_iter().enumerate() {
        let mut intent = intent("r1", &format!("o{at}"));
        intent.mark.time_ms = asked;
        times.push(store.begin_intent(&Guard::sole(ACME), intent).await.unwrap().mark.time_ms);
    }
    assert_eq!(times, [100, 101, 102, 500, 501, 502, 503]);
    let mut last = intent("r1", "last");
    last.mark.time_ms = u64::MAX;
    assert_eq!(store.begin_intent(&Guard::sole(ACME), last).await.unwrap().mark.time_ms, u64::MAX);
    assert!(is_stale(store.begin_intent(&Guard::sole(ACME), intent("r1", "beyond")).await));
}

pub(crate) async fn a_transition_needs_the_current_attempt_and_must_be_allowed_by_the_journal(
    store: &dyn Store,
) {
    declare(store, &["r1"]).await;
    assert!(
        is_stale(store.advance_intent(&Guard::sole(ACME), step(1, 1, applied())).await),
        "there is no such intent"
    );
    let born = store.begin_intent(&Guard::sole(ACME), intent("r1", "a")).await.unwrap();
    assert!(is_stale(store.advance_intent(&Guard::sole(ACME), step(born.id, 2, applied())).await));
    assert!(is_stale(
        store.advance_intent(&Guard::sole(ACME), step(born.id, 1, IntentState::Sending)).await
    ));
    assert!(is_stale(
        store.advance_intent(&Guard::sole("other"), step(born.id, 1, applied())).await
    ));
    assert_eq!(store.intent(ACME, born.id).await.unwrap(), Some(born.clone()));
    let refused =
        IntentState::Refused { reason: "no".to_owned(), passing: false, credential: None };
    let next = store.advance_intent(&Guard::sole(ACME), step(born.id, 1, refused)).await.unwrap();
    assert_eq!((next.attempt, next.changed.wall_ms, next.state.word()), (1, 300, "refused"));
    for to in [applied(), in_doubt(), IntentState::Sending] {
        assert!(is_stale(store.advance_intent(&Guard::sole(ACME), step(born.id, 1, to)).await));
    }
}

pub(crate) async fn sending_again_counts_the_attempt(store: &dyn Store) {
    declare(store, &["r1"]).await;
    let id = store.begin_intent(&Guard::sole(ACME), intent("r1", "a")).await.unwrap().id;
    for attempt in 1..4 {
        let doubted =
            store.advance_intent(&Guard::sole(ACME), step(id, attempt, in_doubt())).await.unwrap();
        assert_eq!(doubted.attempt, attempt);
        store.advance_intent(&Guard::sole(ACME), step(id, attempt, in_doubt())).await.unwrap();
        assert_eq!(store.intent_counts(ACME).await.unwrap(), [("in_doubt".to_owned(), 1)]);
        let sent = store
            .advance_intent(&Guard::sole(ACME), step(id, attempt, IntentState::Sending))
            .await
            .unwrap();
        assert_eq!(sent.attempt, attempt + 1);
    }
    assert!(is_stale(store.advance_intent(&Guard::sole(ACME), step(id, 1, applied())).await));
}

pub(crate) async fn the_last_send_is_the_latest_time_at_which_a_request_can_have_left(
    store: &dyn Store,
) {
    declare(store, &["r1"]).await;
    let born = store.begin_intent(&Guard::sole(ACME), intent("r1", "a")).await.unwrap();
    assert_eq!(born.last_sent.wall_ms, 200);
    let moment = |life, wall_ms, steady_ms| Moment { wall_ms, steady_ms, life, ahead_ms: None };
    let at = |attempt, to, at| IntentAdvance { at, ..step(born.id, attempt, to) };
    // An intent is written before its request waits for the budget.
    let doubted = store
        .advance_intent(&Guard::sole(ACME), at(1, in_doubt(), moment(1, 900, 10)))
        .await
        .unwrap();
    assert_eq!(doubted.last_sent, moment(1, 900, 10));
    // A probe sends nothing.
    let probed = store
        .advance_intent(&Guard::sole(ACME), at(1, in_doubt(), moment(1, 2_000, 20)))
        .await
        .unwrap();
    assert_eq!(probed.last_sent, doubted.last_sent);
    let again = store
        .advance_intent(&Guard::sole(ACME), at(1, IntentState::Sending, moment(1, 5_000, 50)))
        .await
        .unwrap();
    assert_eq!(again.last_sent, moment(1, 5_000, 50));
    // A wall clock that went back, in another process, makes no send earlier.
    let doubted = store
        .advance_intent(&Guard::sole(ACME), at(2, in_doubt(), moment(2, 100, 1)))
        .await
        .unwrap();
    assert_eq!((doubted.last_sent, doubted.first_sent), (again.last_sent, born.first_sent));
}

pub(crate) async fn an_intent_keeps_who_planned_it_and_who_sent_it_last(store: &dyn Store) {
    declare(store, &["r1"]).await;
    let by = |code: &str| Some(code.to_owned());
    let asked = Intent { planned_by: by("old"), sent_by: by("old"), ..intent("r1", "a") };
    let born = store.begin_intent(&Guard::sole(ACME), asked).await.unwrap();
    let advance = |attempt, to, sent_by| IntentAdvance { sent_by, ..step(born.id, attempt, to) };
    let advance = async |attempt, to, sent_by| {
        store.advance_intent(&Guard::sole(ACME), advance(attempt, to, sent_by)).await.unwrap()
    };
    let doubted = advance(1, in_doubt(), by("another")).await;
    assert_eq!(doubted.sent_by, by("old"), "an outcome does not send");
    advance(1, IntentState::Sending, by("new")).await;
    let ended = advance(2, applied(), None).await;
    assert_eq!((&ended.planned_by, &ended.sent_by), (&by("old"), &by("new")));
    assert_eq!(store.intent(ACME, born.id).await.unwrap(), Some(ended));
}

pub(crate) async fn a_step_brings_its_links_and_events(store: &dyn Store) {
    declare(store, &["r1"]).await;
    let id = store.begin_intent(&Guard::sole(ACME), intent("r1", "a")).await.unwrap().id;
    let advance = |attempt| IntentAdvance {
        links: vec![link("r1", "candidates", "7"), link("r1/applications/a", "applications", "8")],
        changes: vec![change("candidates", "7"), change("applications", "8")],
        ..step(id, attempt, applied())
    };
    assert!(is_stale(store.advance_intent(&Guard::sole(ACME), advance(2)).await));
    assert!(store.link(ACME, "r1").await.unwrap().is_none() && changes(store).await.is_empty());
    store.advance_intent(&Guard::sole(ACME), advance(1)).await.unwrap();
    assert_eq!(store.links_of(ACME, "r1").await.unwrap(), advance(1).links);
    let told = changes(store).await;
    assert_eq!(told.iter().map(|change| change.serial).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(
        told[1],
        atsync::internals::store::Change { serial: 2, ..change("applications", "8") }
    );
}

pub(crate) async fn intents_are_listed_newest_first_and_open_ones_oldest_first(store: &dyn Store) {
    declare(store, &["r1", "r10", "r2"]).await;
    for host in ["r1", "r10", "r1/notes/n", "r2", "r1/tags/t", "r10/notes/n"] {
        store.begin_intent(&Guard::sole(ACME), intent(host, "o")).await.unwrap();
    }
    store.advance_intent(&Guard::sole(ACME), step(3, 1, applied())).await.unwrap();
    let of = async |key: &str, rows_max| {
        let rows = store.intents_of(ACME, key, rows_max).await.unwrap();
        rows.into_iter().map(|intent| intent.id).collect::<Vec<_>>()
    };
    assert_eq!(of("r1", 10).await, [5, 3, 1]);
    assert_eq!(of("r1", 2).await, [5, 3]);
    assert_eq!(of("r10", 10).await, [6, 2]);
    let open: Vec<_> =
        store.open_intents(ACME).await.unwrap().into_iter().map(|intent| intent.id).collect();
    assert_eq!(open, [1, 2, 4, 5, 6]);
    assert_eq!(
        store.intent_counts(ACME).await.unwrap(),
        [("applied".to_owned(), 1), ("sending".to_owned(), 5)]
    );
}

pub(crate) async fn intents_since_a_time_are_newest_first_and_bounded(store: &dyn Store) {
    declare(store, &["r1"]).await;
    store.declare(&Guard::sole("other"), vec![declaration("r1", "{}")], 5).await.unwrap();
    for sent_ms in [100, 200, 200, 300] {
        let asked =
            Intent { first_sent: Moment::of_wall(sent_ms), ..intent("r1", &format!("o{sent_ms}")) };
        let born = store.begin_intent(&Guard::sole(ACME), asked).await.unwrap();
        // The outcome does not matter: closed intents are listed too.
        store.advance_intent(&Guard::sole(ACME), step(born.id, 1, applied())).await.unwrap();
    }
    store
        .begin_intent(
            &Guard::sole("other"),
            Intent { first_sent: Moment::of_wall(900), ..intent("r1", "o") },
        )
        .await
        .unwrap();
    let since = async |since_ms, rows_max| {
        let rows = store.intents_since(ACME, since_ms, rows_max).await.unwrap();
        rows.into_iter().map(|intent| intent.id).collect::<Vec<_>>()
    };
    assert_eq!(since(200, 10).await, [4, 3, 2], "one that was sent at that very time counts");
    assert_eq!(since(201, 10).await, [4]);
    assert_eq!(since(0, 2).await, [4, 3]);
    assert_eq!(
        since(301, 10).await,
        Vec::<u64>::new(),
        "those of another connection are not listed"
    );
}

pub(crate) async fn a_follower_is_woken_by_events_of_its_connection_alone(store: &dyn Store) {
    let mut acme = store.watch_changes(ACME);
    let mut other = store.watch_changes("other");
    acme.mark_unchanged();
    other.mark_unchanged();
    declare(store, &["r1"]).await;
    assert!(!acme.has_changed().unwrap(), "no event was written");
    crate::given::see(store, "tags", "1", serde_json::json!({"a": 1})).await;
    assert!(acme.has_changed().unwrap());
    assert!(!other.has_changed().unwrap());
    acme.mark_unchanged();
    let id = store.begin_intent(&Guard::sole(ACME), intent("r1", "o")).await.unwrap().id;
    let advance = IntentAdvance { changes: vec![change("tags", "1")], ..step(id, 1, applied()) };
    store.advance_intent(&Guard::sole(ACME), advance).await.unwrap();
    assert!(acme.has_changed().unwrap(), "events that the engine makes itself wake too");
}

pub(crate) async fn the_feed_has_no_gap_and_offsets_never_go_back(store: &dyn Store) {
    declare(store, &["r1"]).await;
    assert_eq!(store.changes_last(ACME).await.unwrap(), 0);
    for round in 0..3 {
        crate::given::see(store, "tags", "1", serde_json::json!({"a": round})).await;
        let id = store.begin_intent(&Guard::sole(ACME), intent("r1", "o")).await.unwrap().id;
        let advance =
            IntentAdvance { changes: vec![change("tags", "1")], ..step(id, 1, applied()) };
        store.advance_intent(&Guard::sole(ACME), advance).await.unwrap();
    }
    let (mut serials, mut after) = (Vec::new(), 0);
    while let Some(last) = store.changes(ACME, after, 4).await.unwrap().last() {
        serials.extend(after + 1..=last.serial);
        after = last.serial;
    }
    assert_eq!(serials, [1, 2, 3, 4, 5, 6]);
    assert_eq!(
        store
            .changes(ACME, 4, 10)
            .await
            .unwrap()
            .iter()
            .map(|change| change.serial)
            .collect::<Vec<_>>(),
        [5, 6]
    );
    // A consumer beyond the end reads a store that is older than the one it read before.
    for ahead in [7, u64::MAX] {
        let told = store.changes(ACME, ahead, 10).await.unwrap_err();
        assert!(matches!(told, StoreError::ChangesAhead { last: 6, at } if at == ahead), "{told}");
        assert!(store.acknowledge(&Guard::sole(ACME), "host", ahead).await.is_err());
    }
    assert!(store.changes(ACME, 6, 10).await.unwrap().is_empty());

    assert_eq!(store.offset(ACME, "host").await.unwrap(), 0);
    for (acknowledged, stands) in [(4, 4), (2, 4), (6, 6)] {
        assert_eq!(
            store.acknowledge(&Guard::sole(ACME), "host", acknowledged).await.unwrap(),
            stands
        );
        assert_eq!(store.offset(ACME, "host").await.unwrap(), stands);
    }
    assert_eq!(store.offset(ACME, "other").await.unwrap(), 0);
}

pub(crate) async fn a_step_that_closes_wakes_the_record_that_it_serves(store: &dyn Store) {
    crate::given::declare(store, &["a", "b"]).await;
    let born = store.begin_intent(&Guard::sole(ACME), intent("a/notes/1", "o")).await.unwrap();
    crate::given::clean(store).await;
    store.advance_intent(&Guard::sole(ACME), step(born.id, 1, in_doubt())).await.unwrap();
    assert!(crate::given::dirty(store).await.is_empty(), "a write in doubt marks no record dirty");
    store.advance_intent(&Guard::sole(ACME), step(born.id, 1, applied())).await.unwrap();
    assert_eq!(crate::given::dirty(store).await, ["a"]);
}
