//! Laws of the age of ended intents.

use crate::given::{ACME, applied, declaration, declare, in_doubt, intent, link, step};
use atsync::internals::journal::{GivenUpBy, IntentState, Moment};
use atsync::internals::store::{Erasure, Guard, IntentAdvance, Store};
use serde_json::json;

/// Later than every intent of these laws.
const LATER_MS: u64 = 1_000;

fn refused() -> IntentState {
    IntentState::Refused { reason: "no".to_owned(), passing: false, credential: None }
}

fn abandoned() -> IntentState {
    IntentState::Abandoned { reason: "no".to_owned(), by: GivenUpBy::Host }
}

async fn begun(store: &dyn Store, path: &str, operation: &str) -> u64 {
    store.begin_intent(&Guard::sole(ACME), intent(path, operation)).await.unwrap().id
}

async fn ended(store: &dyn Store, path: &str, operation: &str, as_: IntentState) -> u64 {
    let id = begun(store, path, operation).await;
    store.advance_intent(&Guard::sole(ACME), step(id, 1, as_)).await.unwrap();
    id
}

async fn trimmed(store: &dyn Store, before_ms: u64) -> u64 {
    store.trim_intents(&Guard::sole(ACME), before_ms).await.unwrap()
}

/// The numbers of the intents below a key that are left, oldest first.
async fn left(store: &dyn Store, key: &str) -> Vec<u64> {
    let mut ids: Vec<u64> =
        store.intents_of(ACME, key, 1_000).await.unwrap().iter().map(|one| one.id).collect();
    ids.reverse();
    ids
}

pub(crate) async fn an_old_ended_intent_goes_with_all_that_leads_to_it(store: &dyn Store) {
    declare(store, &["r1", "r2"]).await;
    let old = ended(store, "r1", "candidates.create", applied()).await;
    let late = begun(store, "r1", "candidates.update").await;
    let at = Moment::of_wall(2_000);
    let advance = IntentAdvance { at, ..step(late, 1, applied()) };
    store.advance_intent(&Guard::sole(ACME), advance).await.unwrap();
    assert_eq!(trimmed(store, 300).await, 0, "it was changed at 300");
    assert_eq!(trimmed(store, LATER_MS).await, 1);
    assert_eq!(store.intent(ACME, old).await.unwrap(), None);
    assert_eq!(left(store, "r1").await, [late]);
    assert_eq!(store.intents_since(ACME, 0, 10).await.unwrap().len(), 1);
    assert_eq!(store.intent_counts(ACME).await.unwrap(), [("applied".to_owned(), 1)]);
    assert_eq!(trimmed(store, LATER_MS).await, 0);
    // Neither its number nor its mark is given again.
    assert!(begun(store, "r1", "candidates.create").await > late);
    // An erasure visits the intents of a record and finds no row missing.
    let erasure = Erasure { keys: ["r1".to_owned()].into(), now_ms: 9_000, ..Erasure::default() };
    store.erase(&Guard::sole(ACME), erasure).await.unwrap();
}

pub(crate) async fn an_intent_that_a_plan_still_counts_stays_at_every_age(store: &dyn Store) {
    declare(store, &["r1", "r2", "r3", "r4"]).await;
    let sending = begun(store, "r1", "candidates.create").await;
    let doubted = ended(store, "r2", "candidates.create", in_doubt()).await;
    let turned_down = ended(store, "r3", "candidates.create", refused()).await;
    let given_up = ended(store, "r4", "candidates.create", abandoned()).await;
    let shared = ended(store, "~tags/vip", "tags.create", refused()).await;
    assert_eq!(trimmed(store, LATER_MS).await, 0);
    // Once the records change, their refusals count no more; what is open stays.
    let changed = ["r1", "r2", "r3", "r4"].map(|key| declaration(key, "{\"x\":1}")).to_vec();
    store.declare(&Guard::sole(ACME), changed, 6).await.unwrap();
    assert_eq!(trimmed(store, LATER_MS).await, 2);
    for gone in [turned_down, given_up] {
        assert_eq!(store.intent(ACME, gone).await.unwrap(), None);
    }
    for kept in [sending, doubted, shared] {
        assert!(store.intent(ACME, kept).await.unwrap().is_some(), "{kept}");
    }
}

pub(crate) async fn a_refusal_goes_with_the_write_that_ended_it(store: &dyn Store) {
    declare(store, &["r1"]).await;
    let first = ended(store, "r1", "candidates.update", refused()).await;
    let then = ended(store, "r1", "candidates.update", applied()).await;
    let last = ended(store, "r1", "candidates.update", refused()).await;
    let other = ended(store, "r1", "candidates.create", applied()).await;
    assert_eq!(trimmed(store, LATER_MS).await, 3);
    assert_eq!(left(store, "r1").await, [last]);
    for gone in [first, then, other] {
        assert_eq!(store.intent(ACME, gone).await.unwrap(), None);
    }
}

pub(crate) async fn an_intent_stays_while_its_link_has_a_mark(store: &dyn Store) {
    declare(store, &["r1"]).await;
    let unseen = ended(store, "r1", "candidates.update", applied()).await;
    let mut marked = link("r1", "candidates", "7");
    marked.applied.insert("~unseen".to_owned(), json!({ "candidates.update": unseen }));
    store.put_links(&Guard::sole(ACME), vec![marked]).await.unwrap();
    assert_eq!(trimmed(store, LATER_MS).await, 0);
    // What was sent is remembered for good, and is no mark of a write that has not shown.
    let mut sent = link("r1", "candidates", "7");
    sent.applied.insert("~sent".to_owned(), json!({ "title": "x" }));
    store.put_links(&Guard::sole(ACME), vec![sent]).await.unwrap();
    assert_eq!(trimmed(store, LATER_MS).await, 1);
}

pub(crate) async fn more_intents_than_one_transaction_looks_at_all_go(store: &dyn Store) {
    declare(store, &["r1"]).await;
    // One that stays is among the oldest, and the walk goes past it.
    let kept = ended(store, "r1/notes/first", "notes.create", refused()).await;
    for number in 0..1_100 {
        ended(store, &format!("r1/notes/{number}"), "notes.create", applied()).await;
    }
    assert_eq!(trimmed(store, LATER_MS).await, 1_100);
    assert_eq!(left(store, "r1").await, [kept]);
}
