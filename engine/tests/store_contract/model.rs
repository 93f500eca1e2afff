//! The durable store against the model: any sequence of operations gives the same answers, and the
//! same state after a reopening.
//!
//! The alphabets are small so that ids, keys, masks and intents collide. The test compares errors
//! by their text, since they come from the same checks. proptest prints a failing sequence and
//! keeps its seed.

use crate::given::{
    ACME, applied, change, deleted_page, in_doubt, intent, link, open, path, remote, step,
};
use atsync::internals::journal::IntentState;
use atsync::internals::store::memory::MemoryStore;
use atsync::internals::store::{
    Declaration, DesiredRow, DesiredStatus, Erasure, Guard, IntentAdvance, Keep, Mode, MovedTo,
    ObservedWrite, PageCommit, StatusUpdate, Store, StoreError, SweepPhase, SweepState,
};
use proptest::prelude::*;
use serde_json::json;

#[derive(Clone, Debug)]
enum Step {
    Page(Box<PageCommit>),
    Declare(Vec<(String, u8)>),
    Status(String, u64, bool),
    Dirty(String),
    Link(String, String, String),
    Begin(String, u64, u64),
    Advance(u64, u32, u8),
    Acknowledge(u64),
    Forget(String, usize),
    DropLead(String),
    Mode(String, bool),
    Remove(String),
    Trim(u64, bool),
    Erase(String, String),
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
    prop_oneof![
        Just("candidates".to_owned()),
        Just("applications".to_owned()),
        Just("tags".to_owned())
    ]
}

fn body() -> impl Strategy<Value = String> {
    let fields = (
        prop::option::of(0..3_u8),
        prop::option::of(prop_oneof![
            Just(json!(null)),
            Just(json!({"id": "1"})),
            Just(json!({"id": "2"}))
        ]),
        prop::option::of("[xy]"),
    );
    let object = fields.prop_map(|(number, candidate, name)| {
        let mut body = serde_json::Map::new();
        number.map(|number| body.insert("number".to_owned(), json!(number)));
        candidate.map(|candidate| body.insert("candidate".to_owned(), candidate));
        name.map(|name| {
            body.insert("name".to_owned(), json!(name));
            body.insert("emails".to_owned(), json!([{"value": name}]))
        });
        serde_json::Value::Object(body).to_string()
    });
    prop_oneof![20 => object.clone(), 4 => object.prop_map(|body| format!(" {body}")),
        1 => Just("[]".to_owned())]
}

fn mask() -> impl Strategy<Value = Vec<String>> {
    prop::sample::subsequence(vec!["number", "candidate", "name", "emails", "other"], 0..=5)
        .prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

fn page() -> impl Strategy<Value = PageCommit> {
    let record = ("[123]", body(), prop::option::of("[rs]"), 0..2_usize)
        .prop_map(|(id, body, raw, mask)| ObservedWrite { id, version: None, body, raw, mask });
    let records = prop::collection::vec(record, 0..4);
    let ids = prop::collection::vec("[123]", 0..2);
    let moved = prop::collection::vec(("[123]", "[123]", any::<bool>()), 0..2);
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

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = prop_oneof![
        6 => page().prop_map(|page| Step::Page(Box::new(page))),
        2 => prop::collection::vec((key(), 0..2_u8), 1..3).prop_map(Step::Declare),
        1 => (key(), 1..3_u64, any::<bool>()).prop_map(|(key, generation, dirty)| Step::Status(key,
            generation, dirty)),
        1 => key().prop_map(Step::Dirty),
        2 => (host(), kind(), "[123]").prop_map(|(host, kind, id)| Step::Link(host, kind, id)),
        3 => (host(), 1..3_u64, 0..5_u64).prop_map(|(host, generation, time)| Step::Begin(host,
            generation, time)),
        3 => (1..6_u64, 1..3_u32, 0..4_u8).prop_map(|(id, attempt, to)| Step::Advance(id, attempt,
            to)),
        1 => (0..9_u64).prop_map(Step::Acknowledge),
        1 => (kind(), 0..3_usize).prop_map(|(kind, rows_max)| Step::Forget(kind, rows_max)),
        1 => "[123]".prop_map(Step::DropLead),
        1 => (key(), any::<bool>()).prop_map(|(key, paused)| Step::Mode(key, paused)),
        1 => key().prop_map(Step::Remove),
        1 => (1..9_u64, any::<bool>()).prop_map(|(before_ms, all)| Step::Trim(before_ms, all)),
        1 => (key(), "[123]").prop_map(|(key, id)| Step::Erase(key, id)),
        1 => "[123]".prop_map(Step::UndoErasure),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(one, 1..25)
}

/// Runs a step; returns its answer.
async fn take(store: &dyn Store, step_of: Step) -> String {
    fn said<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
        format!("{result:?}")
    }
    match step_of {
        Step::Page(page) => said(store.commit_page(&Guard::sole(ACME), *page).await),
        Step::Declare(records) => {
            let records = records
                .into_iter()
                .map(|(key, body)| Declaration { key, body: format!("{{\"b\":{body}}}") });
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
        Step::Begin(host, generation, time_ms) => {
            let mut asked = intent(&host, "o");
            (asked.generation, asked.mark.time_ms) = (generation, time_ms);
            said(store.begin_intent(&Guard::sole(ACME), asked).await)
        }
        Step::Advance(id, attempt, to) => {
            let to = match to {
                0 => applied(),
                1 => in_doubt(),
                2 => IntentState::Sending,
                _ => IntentState::Refused {
                    reason: "no".to_owned(),
                    passing: false,
                    credential: None,
                },
            };
            let (links, changes) =
                (vec![link("a", "candidates", "1")], vec![change("candidates", "1")]);
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
        Step::Remove(key) => said(store.remove_desired(&Guard::sole(ACME), &key).await),
        Step::Trim(before_ms, all) => {
            let keep = if all { Keep::Nothing } else { Keep::Unacknowledged };
            said(store.trim_changes(&Guard::sole(ACME), before_ms, keep).await)
        }
        Step::Erase(key, id) => {
            let erasure = Erasure {
                keys: [key].into(),
                candidates: [id].into(),
                now_ms: 4,
                ..Erasure::default()
            };
            said(store.erase(&Guard::sole(ACME), erasure).await)
        }
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
    for kind in ["candidates", "applications", "tags"] {
        for id in ["1", "2", "3"] {
            read!(
                observed(&remote(kind, id)),
                links_to(&remote(kind, id)),
                alias(&remote(kind, id))
            );
        }
        for term in ["x", "y", "1", "2"] {
            read!(
                lookup(kind, "email", term, 9),
                lookup(kind, "name", term, 9),
                lookup(kind, "candidate", term, 9)
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
    for key in ["a", "b", "ab", "bb"] {
        seen.push(format!("{:?}", store.desired(ACME, key).await.unwrap().map(unnumbered)));
        read!(links_of(key), link(key), intents_of(key, 9));
    }
    for rows in
        [store.desired_page(ACME, None, 99).await, store.dirty_page(ACME, Some("a"), 99).await]
    {
        seen.push(format!("{:?}", rows.unwrap().into_iter().map(unnumbered).collect::<Vec<_>>()));
    }
    read!(observed_counts(), desired_counts(), open_intents());
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
            Ok(())
        })?;
    }
}
