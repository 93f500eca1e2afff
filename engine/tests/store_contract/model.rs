//! The durable store against the model: any sequence of operations gives the same answers, and the
//! same state after a reopening.
//!
//! The alphabets are small so that ids, keys, masks and intents collide. The test compares errors
//! by their text, since they come from the same checks. proptest prints a failing sequence and
//! keeps its seed.
//!
//! The durable store finds the rows of a candidate by indexes, and the one in memory by reading all
//! rows. So a second test makes histories that end in erasures, of which many find something; and
//! the first one proves at its end that no index keeps an entry of a row that is gone.

use crate::given::{
    ACME, applied, change, declaration, deleted_page, in_doubt, intent, link, open, path, remote,
    step,
};
use atsync::SystemEntropy;
use atsync::internals::journal::{Intent, IntentState};
use atsync::internals::store::memory::MemoryStore;
use atsync::internals::store::redb::{RedbOptions, RedbStore, foreign};
use atsync::internals::store::{
    Change, ChangeWhat, Declaration, DesiredRow, DesiredStatus, Erasure, Guard, IntentAdvance,
    Keep, Mode, MovedTo, ObservedWrite, PageCommit, StatusUpdate, Store, StoreError, SweepPhase,
    SweepState,
};
use atsync::model::contract::RemoteRef;
use atsync::testing::Disk;
use proptest::prelude::*;
use redb::{ReadableDatabase, ReadableTableMetadata, TableDefinition};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const KINDS: [&str; 5] = ["candidates", "applications", "tags", "attachments", "an_adapters_own"];
const IDS: [&str; 5] = ["1", "2", "3", "a", "A"];
const KEYS: [&str; 6] = ["a", "b", "aa", "ab", "ba", "bb"];

#[derive(Clone, Debug)]
enum Step {
    Page(Box<PageCommit>),
    Declare(Vec<(String, String)>),
    Status(String, u64, bool),
    Dirty(String),
    Link(String, String, String),
    Begin(String, u64, u64, Option<RemoteRef>),
    Advance(u64, u32, u8, Box<Change>),
    Acknowledge(u64),
    Forget(String, usize),
    DropLead(String),
    Mode(String, bool),
    Remove(String, Option<u64>),
    DeclareIf(String, Option<u64>),
    ForgetAll,
    Trim(u64, bool),
    Erase(Erasure),
    UndoErasure(String),
    Reopen,
}

fn key() -> impl Strategy<Value = String> {
    "[ab]{1,2}"
}

fn host() -> impl Strategy<Value = String> {
    "[ab]{1,2}(/n/[12])?"
}

fn kind() -> impl Strategy<Value = String> {
    prop::sample::select([0, 0, 0, 1, 1, 2, 3, 4].map(|at| KINDS[at].to_owned()).to_vec())
}

/// Ids, of which some differ in case alone.
fn id() -> impl Strategy<Value = String> {
    prop_oneof![6 => "[123]", 1 => "[aA]"]
}

/// Ids that a body names: no record has the rare ones.
fn named() -> impl Strategy<Value = String> {
    prop_oneof![20 => id(), 1 => Just("7".repeat(600)), 1 => "[ ]?"]
}

fn body() -> impl Strategy<Value = String> {
    let fields = (
        prop::option::of(0..3_u8),
        prop::option::of(prop_oneof![
            1 => Just(json!(null)),
            4 => named().prop_map(|id| json!({"id": id})),
        ]),
        prop::option::weighted(0.3, named()),
        prop::option::of("[xy]"),
    );
    let object = fields.prop_map(|(number, candidate, application, name)| {
        let mut body = serde_json::Map::new();
        number.map(|number| body.insert("number".to_owned(), json!(number)));
        candidate.map(|candidate| body.insert("candidate".to_owned(), candidate));
        application.map(|id| body.insert("application".to_owned(), json!({"id": id})));
        name.map(|name| {
            body.insert("name".to_owned(), json!(name));
            body.insert("emails".to_owned(), json!([{"value": name}]))
        });
        Value::Object(body).to_string()
    });
    (object, 0..25_u8).prop_map(|(body, form)| match form {
        0 => "[]".to_owned(),
        1..5 => format!(" {body}"),
        _ => body,
    })
}

/// What a desired record says of its candidate.
fn desired_body() -> impl Strategy<Value = String> {
    let email = ("[xy]", any::<bool>()).prop_map(|(email, is_entry)| match is_entry {
        true => json!({"value": email}),
        false => json!(email.to_uppercase()),
    });
    let emails = prop::option::of(prop::collection::vec(email, 0..3));
    let fields = (0..2_u8, prop::option::weighted(0.3, named()), emails);
    fields.prop_map(|(number, id, emails)| {
        let mut body = serde_json::Map::from_iter([("b".to_owned(), json!(number))]);
        id.map(|id| body.insert("id".to_owned(), json!(id)));
        emails.map(|emails| body.insert("emails".to_owned(), json!(emails)));
        Value::Object(body).to_string()
    })
}

/// An event of the engine's own.
fn event() -> impl Strategy<Value = Change> {
    (kind(), id(), named(), 0..5_u8).prop_map(|(kind, id, other, what)| {
        let mut event = change(&kind, &id);
        let object = |value: Value| value.as_object().unwrap().clone();
        match what {
            0 => {}
            1 => {
                event.what = ChangeWhat::Moved;
                event.after = object(json!({"id": other}));
            }
            2 => event.before = object(json!({"candidate": {"id": other}})),
            3 => event.after = object(json!({"candidate": {"id": other}})),
            _ => event.after = object(json!({"application": {"id": other}})),
        }
        event
    })
}

fn erasure() -> impl Strategy<Value = Erasure> {
    let keys = prop::collection::btree_set(prop_oneof![8 => key(), 1 => host()], 0..2);
    let candidates = prop::collection::btree_set(id(), 0..2);
    let addresses = prop::collection::btree_set("[xyX]", 0..2);
    (keys, candidates, addresses).prop_map(|(keys, candidates, addresses)| Erasure {
        keys,
        candidates,
        addresses,
        now_ms: 4,
    })
}

fn mask() -> impl Strategy<Value = Vec<String>> {
    let all = vec!["number", "candidate", "application", "name", "emails", "other"];
    let some = prop::sample::subsequence(all.clone(), 0..=6);
    prop_oneof![2 => Just(all), 1 => some]
        .prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

fn page() -> impl Strategy<Value = PageCommit> {
    let record = (id(), body(), prop::option::of("[rs]"), 0..2_usize)
        .prop_map(|(id, body, raw, mask)| ObservedWrite { id, version: None, body, raw, mask });
    let records = prop::collection::vec(record, 0..4);
    let ids = prop::collection::vec(id(), 0..2);
    let moved = prop::collection::vec((id(), id(), any::<bool>()), 0..2);
    let vanishing = (ids, moved, any::<bool>());
    (kind(), records, mask(), mask(), vanishing, 1..9_u64).prop_map(
        |(kind, records, one, two, (ids, moved, sweeps), now_ms)| {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            let moved =
                moved.into_iter().map(|(from, to, stays)| MovedTo { from, to, stays }).collect();
            let phase = SweepPhase::Walking { parent: None, cursor: None };
            let sweep = sweeps.then_some(SweepState {
                started_ms: now_ms,
                pages: 1,
                rows: 1,
                confidential: 0,
                phase,
                held: None,
                blind_spots: 0,
            });
            PageCommit {
                records,
                moved,
                sweep,
                masks: vec![one, two],
                now_ms,
                ..deleted_page(&kind, &ids)
            }
        },
    )
}

/// Histories of everything.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let others = prop_oneof![
        1 => (key(), 1..3_u64, any::<bool>()).prop_map(|(key, generation, dirty)| Step::Status(key,
            generation, dirty)),
        1 => key().prop_map(Step::Dirty),
        1 => (0..9_u64).prop_map(Step::Acknowledge),
        1 => (kind(), 0..3_usize).prop_map(|(kind, rows_max)| Step::Forget(kind, rows_max)),
        1 => id().prop_map(Step::DropLead),
        1 => (key(), any::<bool>()).prop_map(|(key, paused)| Step::Mode(key, paused)),
        1 => Just(Step::ForgetAll),
        1 => Just(Step::Reopen),
    ];

    prop::collection::vec(prop_oneof![3 => about_candidates(), 1 => others], 1..25)
}

/// Histories of what an erasure finds, and erasures. Every key is declared at first, so that most
/// intents begin.
fn erasures() -> impl Strategy<Value = Vec<Step>> {
    let declared = Vec::from(KEYS.map(|key| (Just(key.to_owned()), desired_body())));
    let steps = prop::collection::vec(about_candidates(), 5..40);
    (declared, steps).prop_map(|(declared, steps)| {
        std::iter::once(Step::Declare(declared)).chain(steps).collect()
    })
}

fn generation() -> impl Strategy<Value = Option<u64>> {
    prop_oneof![1 => Just(None), 1 => (1..3_u64).prop_map(Some)]
}

fn about_candidates() -> impl Strategy<Value = Step> {
    let declared = prop::collection::vec((key(), desired_body()), 1..3);
    let target = prop::option::of((kind(), id()).prop_map(|(kind, id)| remote(&kind, &id)));
    let mostly_1 = || prop_oneof![3 => Just(1_u32), 1 => Just(2_u32)];
    let begin = (host(), mostly_1(), 0..5_u64, target).prop_map(|(host, generation, time, of)| {
        Step::Begin(host, u64::from(generation), time, of)
    });
    let advance = (1..6_u64, mostly_1(), 0..4_u8, event())
        .prop_map(|(id, attempt, to, event)| Step::Advance(id, attempt, to, Box::new(event)));
    prop_oneof![
        6 => page().prop_map(|page| Step::Page(Box::new(page))),
        2 => declared.prop_map(Step::Declare),
        2 => (host(), kind(), id()).prop_map(|(host, kind, id)| Step::Link(host, kind, id)),
        3 => begin,
        3 => advance,
        1 => (key(), generation()).prop_map(|(key, generation)| Step::Remove(key, generation)),
        1 => (key(), generation()).prop_map(|(key, generation)| Step::DeclareIf(key, generation)),
        1 => (1..9_u64, any::<bool>()).prop_map(|(before_ms, all)| Step::Trim(before_ms, all)),
        1 => erasure().prop_map(Step::Erase),
        1 => id().prop_map(Step::UndoErasure),
    ]
}

/// Runs a step; returns its answer.
async fn take(store: &dyn Store, step_of: Step) -> String {
    fn said<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
        format!("{result:?}")
    }
    match step_of {
        Step::Page(page) => said(store.commit_page(&Guard::sole(ACME), *page).await),
        Step::Declare(records) => {
            let records = records.into_iter().map(|(key, body)| Declaration { key, body });
            said(store.declare(&Guard::sole(ACME), records.collect(), 3).await)
        }
        Step::Status(key, generation, dirty) => {
            let status = DesiredStatus { observed_generation: generation, conditions: Vec::new() };
            // Either store numbers marks in its own order; the test compares only whether a new one
            // appeared.
            let dirt = store.desired(ACME, &key).await.unwrap().map_or(0, |row| row.dirt);
            said(
                store
                    .put_status(
                        &Guard::sole(ACME),
                        vec![StatusUpdate { key, generation, status, dirty, dirt }],
                    )
                    .await,
            )
        }
        Step::Dirty(key) => said(store.mark_dirty(&Guard::sole(ACME), vec![key]).await),
        Step::Link(host, kind, id) => {
            said(store.put_links(&Guard::sole(ACME), vec![link(&host, &kind, &id)]).await)
        }
        Step::Begin(host, generation, time_ms, target) => {
            let mut asked = Intent { target, ..intent(&host, "o") };
            (asked.generation, asked.mark.time_ms) = (generation, time_ms);
            said(store.begin_intent(&Guard::sole(ACME), asked).await)
        }
        Step::Advance(id, attempt, to, event) => {
            let to = match to {
                0 => match applied() {
                    IntentState::Applied { by_probe, mut links } => {
                        links.push(remote(&event.kind, &event.id));
                        IntentState::Applied { by_probe, links }
                    }
                    other => other,
                },
                1 => in_doubt(),
                2 => IntentState::Sending,
                _ => IntentState::Refused {
                    reason: "no".to_owned(),
                    passing: false,
                    credential: None,
                },
            };
            let (links, changes) = (vec![link("a", "candidates", "1")], vec![*event]);
            said(
                store
                    .advance_intent(
                        &Guard::sole(ACME),
                        IntentAdvance { links, changes, ..step(id, attempt, to) },
                    )
                    .await,
            )
        }
        Step::Acknowledge(serial) => {
            said(store.acknowledge(&Guard::sole(ACME), "host", serial).await)
        }
        Step::Forget(kind, rows_max) => {
            said(store.forget_seen(&Guard::sole(ACME), &kind, rows_max).await)
        }
        Step::DropLead(id) => {
            said(store.drop_lead(&Guard::sole(ACME), &remote("candidates", &id)).await)
        }
        Step::Mode(key, paused) => {
            let mode = if paused { Mode::Paused } else { Mode::Managed };
            said(store.set_mode(&Guard::sole(ACME), &key, mode).await)
        }
        Step::Remove(key, generation) => {
            said(store.remove_desired(&Guard::sole(ACME), &key, generation).await)
        }
        Step::DeclareIf(key, generation) => {
            let body = format!("{{\"title\":{generation:?}}}");
            let record = Declaration { key, body };
            said(store.declare_if(&Guard::sole(ACME), record, generation, 4).await)
        }
        // How many rows there are is the store's own matter.
        Step::ForgetAll => said(store.forget(&Guard::sole(ACME)).await.map(drop)),
        Step::Trim(before_ms, all) => {
            let keep = if all { Keep::Nothing } else { Keep::Unacknowledged };
            said(store.trim_changes(&Guard::sole(ACME), before_ms, keep).await)
        }
        Step::Erase(erasure) => said(store.erase(&Guard::sole(ACME), erasure).await),
        Step::UndoErasure(id) => said(
            store
                .undo_erasure(
                    &Guard::sole(ACME),
                    Erasure { candidates: [id].into(), ..Erasure::default() },
                )
                .await,
        ),
        Step::Reopen => String::new(),
    }
}

fn unnumbered(row: DesiredRow) -> DesiredRow {
    assert_eq!(row.dirty, row.dirt != 0);
    DesiredRow { dirt: 0, ..row }
}

/// Everything that can be read, as text.
async fn all(store: &dyn Store) -> Vec<String> {
    let mut seen = Vec::new();
    macro_rules! read {
        ($($call:ident($($argument:expr),*)),+ $(,)?) => {
            $(seen.push(format!("{}: {:?}", stringify!($call),
                store.$call(ACME, $($argument),*).await.unwrap()));)+
        };
    }
    for kind in KINDS {
        for id in IDS {
            read!(
                observed(&remote(kind, id)),
                links_to(&remote(kind, id)),
                alias(&remote(kind, id))
            );
        }
        for term in ["x", "y", "1", "2", "a"] {
            read!(
                lookup(kind, "email", term, 9),
                lookup(kind, "name", term, 9),
                lookup(kind, "candidate", term, 9),
                lookup(kind, "parent", term, 9)
            );
        }
        read!(
            observed_page(kind, None, 9),
            observed_page(kind, Some("1"), 1),
            leads(kind, 9),
            sweep_state(kind)
        );
        read!(suspects_page(kind, None, 9), suspects_page(kind, Some("1"), 1));
    }
    for key in KEYS {
        seen.push(format!("{:?}", store.desired(ACME, key).await.unwrap().map(unnumbered)));
        read!(links_of(key), link(key), intents_of(key, 9));
    }
    for rows in
        [store.desired_page(ACME, None, 99).await, store.dirty_page(ACME, Some("a"), 99).await]
    {
        seen.push(format!("{:?}", rows.unwrap().into_iter().map(unnumbered).collect::<Vec<_>>()));
    }
    // Which records an erasure blocks: by their key, the candidate that they name, an address.
    let blocked = |body: Value| vec![declaration("new", &body.to_string())];
    for word in ["x", "y"].into_iter().chain(IDS).map(str::to_owned).chain(["7".repeat(600)]) {
        read!(
            kept_away(blocked(json!({"id": word}))),
            kept_away(blocked(json!({"emails": [word]})))
        );
    }
    read!(kept_away(KEYS.map(|key| declaration(key, "{}")).to_vec()));
    read!(observed_counts(), desired_counts(), open_intents(), intents_since(0, 999));
    read!(intent_counts(), changes_first(), changes_last(), offset("host"), scan_states());
    for after in [0, 2] {
        seen.push(format!(
            "{:?}",
            store.changes(ACME, after, 999).await.map_err(|error| error.to_string())
        ));
    }
    let first = store.changes_first(ACME).await.unwrap();
    read!(changes(first - 1, 999));
    seen
}

/// Removes all that can be removed.
async fn remove_all(store: &dyn Store) {
    let guard = Guard::sole(ACME);
    for kind in KINDS {
        store.commit_page(&guard, deleted_page(kind, &IDS)).await.unwrap();
    }
    // Closes the open intents, too.
    let keys = KEYS.map(str::to_owned).into();
    store.erase(&guard, Erasure { keys, ..Erasure::default() }).await.unwrap();
    store.trim_changes(&guard, u64::MAX, Keep::Nothing).await.unwrap();
}

/// How many remote records the intents are about, each counted.
async fn intents_about(store: &dyn Store) -> u64 {
    let intents = store.intents_since(ACME, 0, 999).await.unwrap();
    let about = |intent: &Intent| {
        let links = match &intent.state {
            IntentState::Applied { links, .. } => links.as_slice(),
            _ => &[],
        };
        let about = intent.target.iter().chain(links);
        about.map(|remote| (&remote.kind, &remote.id)).collect::<BTreeSet<_>>().len() as u64
    };
    intents.iter().map(about).sum()
}

/// How many rows the tables of indexes have.
fn rows(path: &std::path::Path) -> [(&'static str, u64); 5] {
    let database = foreign::database(path).unwrap();
    let read = database.begin_read().unwrap();
    ["terms", "desired_by", "linked", "events_of", "intents_of"].map(|name| {
        let table: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new(name);
        (name, read.open_table(table).unwrap().len().unwrap())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None,
        ..ProptestConfig::default() })]

    #[test]
    fn both_stores_answer_alike(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let directory = tempfile::tempdir().unwrap();
            let (model, mut store) = (MemoryStore::default(), Some(open(&path(&directory))));
            for step in steps {
                if matches!(step, Step::Reopen) {
                    store = None;
                }
                let durable = store.get_or_insert_with(|| open(&path(&directory)));
                let (expected, said) = (take(&model, step.clone()).await,
                    take(durable, step.clone()).await);
                prop_assert_eq!(expected, said, "{:?}", step);
                prop_assert_eq!(all(&model).await, all(durable).await, "after {:?}", step);
            }
            let durable = store.get_or_insert_with(|| open(&path(&directory)));
            remove_all(durable).await;
            let about = intents_about(durable).await;
            drop(store);
            let rows = rows(&path(&directory));
            prop_assert_eq!(rows, [("terms", 0), ("desired_by", 0), ("linked", 0),
                ("events_of", 0), ("intents_of", about)]);
            Ok(())
        })?;
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None,
        ..ProptestConfig::default() })]

    #[test]
    fn a_store_in_postgres_answers_as_the_one_in_memory(
        steps in prop_oneof![steps(), erasures()]
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let Some(durable) = crate::given::postgres().await else { return Ok(()) };
            let model = MemoryStore::default();
            for step in steps {
                let (expected, said) = (take(&model, step.clone()).await,
                    take(&durable, step.clone()).await);
                prop_assert_eq!(expected, said, "{:?}", step);
                prop_assert_eq!(all(&model).await, all(&durable).await, "after {:?}", step);
            }
            Ok(())
        })?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None,
        ..ProptestConfig::default() })]

    #[test]
    fn an_erasure_finds_by_indexes_what_a_reading_of_all_rows_finds(steps in erasures()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut options = RedbOptions::default();
            options.inline = true;
            let model = MemoryStore::default();
            let durable = RedbStore::with_backend(Disk::holding(Vec::new()), options,
                &SystemEntropy).unwrap();
            for step in steps {
                let (expected, said) = (take(&model, step.clone()).await,
                    take(&durable, step.clone()).await);
                prop_assert_eq!(expected, said, "{:?}", step);
                if matches!(step, Step::Erase(_)) {
                    prop_assert_eq!(all(&model).await, all(&durable).await, "after {:?}", step);
                }
            }
            prop_assert_eq!(all(&model).await, all(&durable).await);
            Ok(())
        })?;
    }
}
