//! Laws of the limits: input beyond a limit is refused and leaves nothing behind; input at the
//! limit is accepted.

use crate::given::{ACME, changes, declaration, intent, link, page, record, remote};
use atsync::internals::store::{
    ChangeWhat, ConnectionRow, Guard, Met, ObservedWrite, Problems, Store, StoreError, limits,
};
use serde_json::json;

fn is_too_large<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::TooLarge { .. }))
}

pub(crate) async fn a_record_beyond_the_limit_is_refused(store: &dyn Store) {
    let body = json!({"a": 1});
    let room = limits::RECORD_BYTES_MAX - body.to_string().len();
    let large =
        |raw: usize| ObservedWrite { raw: Some("x".repeat(raw)), ..record("1", body.clone()) };
    assert!(is_too_large(
        store.commit_page(&Guard::sole(ACME), page("tags", vec![large(room + 1)])).await
    ));
    assert!(store.observed(ACME, &remote("tags", "1")).await.unwrap().is_none());
    store.commit_page(&Guard::sole(ACME), page("tags", vec![large(room)])).await.unwrap();
    let row = store.observed(ACME, &remote("tags", "1")).await.unwrap().unwrap();
    assert_eq!(row.raw.unwrap().len(), room);
    let body = "x".repeat(limits::RECORD_BYTES_MAX + 1);
    assert!(is_too_large(
        store.declare(&Guard::sole(ACME), vec![declaration("a", &body)], 1).await
    ));
    let catalogue = ConnectionRow { catalogue: Some(body.clone()), ..ConnectionRow::default() };
    assert!(is_too_large(store.put_connection(&Guard::sole(ACME), catalogue).await));
    let mut intent = intent("a", "o");
    intent.input = body;
    assert!(is_too_large(store.begin_intent(&Guard::sole(ACME), intent).await));
}

pub(crate) async fn a_page_beyond_the_limit_is_refused(store: &dyn Store) {
    let mut page = page("tags", vec![record("1", json!({"a": 1})); limits::PAGE_RECORDS_MAX]);
    page.gone = vec!["2".to_owned()];
    assert!(is_too_large(store.commit_page(&Guard::sole(ACME), page.clone()).await));
    page.gone.clear();
    assert_eq!(store.commit_page(&Guard::sole(ACME), page).await.unwrap().created, 1);
    let many = limits::PAGE_RECORDS_MAX + 1;
    assert!(is_too_large(
        store.put_links(&Guard::sole(ACME), vec![link("a", "tags", "1"); many]).await
    ));
    assert!(is_too_large(store.mark_dirty(&Guard::sole(ACME), vec!["a".to_owned(); many]).await));
}

pub(crate) async fn a_declaration_may_be_larger_than_a_page_and_has_a_limit_of_its_own(
    store: &dyn Store,
) {
    let many = limits::PAGE_RECORDS_MAX + 1;
    let records = (0..many).map(|number| declaration(&format!("r{number:05}"), "{}")).collect();
    assert_eq!(
        store.declare(&Guard::sole(ACME), records, 1).await.unwrap().created,
        u64::try_from(many).unwrap()
    );
    assert_eq!(store.desired_counts(ACME).await.unwrap(), (many as u64, many as u64));
    let beyond = vec![declaration("a", "{}"); limits::DECLARATION_RECORDS_MAX + 1];
    assert!(is_too_large(store.declare(&Guard::sole(ACME), beyond, 1).await));
    assert!(store.desired(ACME, "a").await.unwrap().is_none());
}

pub(crate) async fn texts_beyond_the_limit_are_refused(store: &dyn Store) {
    let long = "x".repeat(limits::KEY_BYTES_MAX + 1);
    let fits = "x".repeat(limits::KEY_BYTES_MAX);
    let one = || vec![record("1", json!({"a": 1}))];
    assert!(is_too_large(store.commit_page(&Guard::sole(&long), page("tags", one())).await));
    assert!(is_too_large(store.commit_page(&Guard::sole(ACME), page(&long, one())).await));
    assert!(is_too_large(
        store
            .commit_page(&Guard::sole(ACME), page("tags", vec![record(&long, json!({"a": 1}))]))
            .await
    ));
    assert!(is_too_large(
        store.declare(&Guard::sole(ACME), vec![declaration(&long, "{}")], 1).await
    ));
    assert!(is_too_large(
        store.put_links(&Guard::sole(ACME), vec![link(&long, "tags", "1")]).await
    ));
    assert!(is_too_large(
        store.put_links(&Guard::sole(ACME), vec![link("a", "tags", &long)]).await
    ));
    assert!(is_too_large(store.acknowledge(&Guard::sole(ACME), &long, 1).await));
    assert!(is_too_large(store.begin_intent(&Guard::sole(ACME), intent("a", &long)).await));
    assert!(is_too_large(store.begin_intent(&Guard::sole(ACME), intent(&long, "o")).await));
    store
        .commit_page(&Guard::sole(&fits), page(&fits, vec![record(&fits, json!({"a": 1}))]))
        .await
        .unwrap();
    assert_eq!(store.observed_page(&fits, &fits, None, 9).await.unwrap().len(), 1);
}

pub(crate) async fn reads_beyond_the_limit_are_refused(store: &dyn Store) {
    let many = limits::READ_ROWS_MAX + 1;
    assert!(is_too_large(store.observed_page(ACME, "tags", None, many).await));
    assert!(is_too_large(store.lookup(ACME, "tags", "name", "x", many).await));
    assert!(is_too_large(store.desired_page(ACME, None, many).await));
    assert!(is_too_large(store.dirty_page(ACME, None, many).await));
    assert!(is_too_large(store.intents_of(ACME, "a", many).await));
    assert!(is_too_large(store.changes(ACME, 0, many).await));
    assert!(store.changes(ACME, 0, limits::READ_ROWS_MAX).await.unwrap().is_empty());
}

pub(crate) async fn a_body_that_is_no_object_is_refused(store: &dyn Store) {
    for body in ["", "[]", "null", "{", "{}x", "{\"a\":1e999}"] {
        let bad = ObservedWrite { body: body.to_owned(), ..record("1", json!({})) };
        let refused = store.commit_page(&Guard::sole(ACME), page("tags", vec![bad])).await;
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{body}");
    }
    let nameless =
        store.commit_page(&Guard::sole(ACME), page("tags", vec![record("", json!({}))])).await;
    assert!(matches!(nameless, Err(StoreError::Invalid(_))));
}

pub(crate) async fn a_missing_mask_is_refused(store: &dyn Store) {
    let stray = ObservedWrite { mask: 1, ..record("1", json!({})) };
    assert!(matches!(
        store.commit_page(&Guard::sole(ACME), page("tags", vec![stray])).await,
        Err(StoreError::Invalid(_))
    ));
}

fn met(id: Option<&str>, field: Option<&str>) -> Met {
    Met {
        id: id.map(str::to_owned),
        field: field.map(str::to_owned),
        message: "odd".to_owned(),
        count: 1,
    }
}

pub(crate) async fn a_problem_is_reported_once_and_kept_until_it_is_solved(store: &dyn Store) {
    let note = |met: Vec<Met>, pass_ms: u64| Problems {
        kind: "tags".to_owned(),
        met,
        cured: Vec::new(),
        pass_ms,
        now_ms: pass_ms,
    };
    let both = vec![met(Some("1"), Some("name")), met(None, None)];
    assert_eq!(
        store.note_problems(&Guard::sole(ACME), note(both.clone(), 10)).await.unwrap().len(),
        2
    );
    assert_eq!(store.note_problems(&Guard::sole(ACME), note(both, 20)).await.unwrap(), []);
    let known = store.problems(ACME, Some("tags"), 10).await.unwrap();
    assert_eq!(
        known.iter().map(|row| (row.since_ms, row.seen_ms, row.passes)).collect::<Vec<_>>(),
        [(10, 20, 2); 2]
    );
    let told = changes(store).await;
    assert!(
        told.iter().all(|change| change.what == ChangeWhat::Unread) && told.len() == 2,
        "{told:?}"
    );
    assert_eq!(store.problems(ACME, Some("jobs"), 10).await.unwrap(), []);
    let cured = vec![(Some("1".to_owned()), Some("name".to_owned())), (Some("9".to_owned()), None)];
    store
        .note_problems(&Guard::sole(ACME), Problems { cured, ..note(Vec::new(), 30) })
        .await
        .unwrap();
    let left = store.problems(ACME, None, 10).await.unwrap();
    assert_eq!(left.iter().map(|row| row.id.clone()).collect::<Vec<_>>(), [None]);
}

pub(crate) async fn problems_beyond_the_limit_are_counted_with_those_without_an_id(
    store: &dyn Store,
) {
    let beyond = 5;
    let many = (0..limits::PROBLEMS_MAX + beyond)
        .map(|number| met(Some(&number.to_string()), None))
        .collect();
    let noted = Problems { kind: "tags".to_owned(), met: many, ..Problems::default() };
    store.note_problems(&Guard::sole(ACME), noted).await.unwrap();
    let known = store.problems(ACME, Some("tags"), limits::READ_ROWS_MAX).await.unwrap();
    assert_eq!(known.len(), limits::PROBLEMS_MAX + 1);
    let nameless = known.iter().find(|row| row.id.is_none()).unwrap();
    assert_eq!(nameless.count, u64::try_from(beyond).unwrap());
    let long = "x".repeat(limits::KEY_BYTES_MAX + 1);
    let noted = Problems {
        kind: "tags".to_owned(),
        met: vec![met(Some(&long), None)],
        ..Problems::default()
    };
    assert!(is_too_large(store.note_problems(&Guard::sole(ACME), noted).await));
}
