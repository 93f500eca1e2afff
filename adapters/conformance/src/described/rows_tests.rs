//! What a described sandbox answers.

use super::rows::{Asked, State};
use super::shape::SandboxFile;
use serde_json::{Value, json};

const FILE: &str = r#"
resources:
  jobs:
    path: /jobs
    key: code
    item: "/jobs/{id}"
    rows: [{id: a1, code: BAKER, title: Baker}]
  people:
    path: /people
    item: "/people/{id}"
    rows_at: people
    row_at: person
    paging: {style: next_url, from: since_id, to: max_id, limit: limit, next_at: paging.next}
    window: {from: after, times: epoch_s}
    filters: {job: job.code}
    create:
      path: "/jobs/{id}/people"
      below: jobs
      at: person
      required: [person.email]
      set:
        job: {code: $parent.code, title: $parent.title}
        stage: $query.stage
        silent: $body.silent
      defaults: {stage: first}
      answer: {status: created, person: $row, nothing: $row.nothing}
    rows:
      - {id: 9f, job: {code: BAKER}, updated_at: "2026-01-01T00:00:00Z"}
      - {id: "100", job: {code: COOK}, updated_at: "2026-01-02T00:00:00Z"}
      - {id: 10a, job: {code: BAKER}, updated_at: "2026-01-03T00:00:00Z"}
  comments:
    path: "/people/{id}/activities"
    parent: person.id
    record: [person.id, id]
    also: [{path: "/jobs/{id}/activities", parent: job}]
    create:
      path: "/people/{id}/comments"
      below: people
      set: {job: $parent.job.code}
      answer: {id: $row.id}
    paging: {style: none}
"#;

fn state() -> State {
    let mut state = State::new(SandboxFile::read(FILE).unwrap());
    state.base = "http://here/".to_owned();
    state
}

fn ask(state: &mut State, line: &str, body: Value) -> (u16, Value) {
    let (method, rest) = line.split_once(' ').unwrap();
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let (method, path) = (method.to_owned(), path.to_owned());
    let answer = state.answer(&Asked { method, path, query, headers: Default::default(), body });
    (answer.status, answer.body)
}

fn ids(body: &Value) -> Vec<&str> {
    let rows = body.as_array().or_else(|| body["people"].as_array()).unwrap();
    rows.iter().map(|row| row["id"].as_str().unwrap()).collect()
}

#[test]
fn the_url_of_the_next_page_names_its_first_row_and_no_filter() {
    let mut state = state();
    let (_, first) = ask(&mut state, "GET /people?limit=1&job=BAKER", Value::Null);
    assert_eq!(ids(&first), ["9f"]);
    assert_eq!(first["paging"]["next"], "http://here/people?limit=1&since_id=10a");
    let (_, last) = ask(&mut state, "GET /people?limit=1&since_id=10a", Value::Null);
    assert_eq!((ids(&last), last.get("paging")), (vec!["10a"], None));
    // Both bounds are among the rows.
    let (_, one) = ask(&mut state, "GET /people?since_id=100&max_id=100", Value::Null);
    assert_eq!(ids(&one), ["100"]);
    let (_, none) = ask(&mut state, "GET /people?since_id=101&max_id=101", Value::Null);
    assert_eq!(ids(&none), Vec::<&str>::new());
}

#[test]
fn a_window_is_read_in_the_ats_s_own_times() {
    let (_, since) = ask(&mut state(), "GET /people?after=1767312000", Value::Null);
    assert_eq!(ids(&since), ["100", "10a"]);
}

#[test]
fn a_row_is_named_by_its_key() {
    let mut state = state();
    assert_eq!(ask(&mut state, "GET /jobs/BAKER", Value::Null).1["id"], "a1");
    assert_eq!(ask(&mut state, "GET /jobs/a1", Value::Null).0, 404);
    assert_eq!(state.ids("jobs").unwrap(), ["BAKER"]);
}

#[test]
fn a_create_below_a_record_takes_values_from_the_request_and_the_record() {
    let mut state = state();
    let given = json!({"person": {"email": "a@example.com"}, "silent": true});
    let (status, made) = ask(&mut state, "POST /jobs/BAKER/people?stage=second", given.clone());
    assert_eq!((status, &made["status"], made.get("nothing")), (201, &json!("created"), None));
    let person = &made["person"];
    assert_eq!(person["job"], json!({"code": "BAKER", "title": "Baker"}));
    assert_eq!((&person["stage"], &person["silent"]), (&json!("second"), &json!(true)));
    let (_, made) = ask(&mut state, "POST /jobs/BAKER/people", given.clone());
    assert_eq!(made["person"]["stage"], "first");
    assert_eq!(ask(&mut state, "POST /jobs/NONE/people", given).0, 404);
    for wrong in [json!({}), json!({"person": 7}), json!({"person": {"email": ""}}), json!([])] {
        assert_eq!(ask(&mut state, "POST /jobs/BAKER/people", wrong.clone()).0, 422, "{wrong}");
    }
    assert_eq!(state.changes, 2);
}

#[test]
fn a_row_stands_in_every_list_of_its_collection() {
    let mut state = state();
    let (_, made) = ask(&mut state, "POST /people/9f/comments", json!({"text": "Hello"}));
    for list in ["/people/9f/activities", "/jobs/BAKER/activities"] {
        let (_, rows) = ask(&mut state, &format!("GET {list}"), Value::Null);
        assert_eq!(ids(&rows), [made["id"].as_str().unwrap()], "{list}");
    }
    assert_eq!(state.ids("comments").unwrap(), ["9f/comments-1"]);
    assert_eq!(state.edit("comments").unwrap(), "9f/comments-1");
    let (_, rows) = ask(&mut state, "GET /jobs/COOK/activities", Value::Null);
    assert_eq!(ids(&rows), Vec::<&str>::new());
}

#[test]
fn a_file_that_names_what_is_not_there_is_refused_in_one_line() {
    for (from, to, wanted) in [
        ("key: code", "key: name", "resources.jobs.rows[0] has no member `name`"),
        ("below: jobs", "below: posts", "create.below names \"posts\""),
        ("path: \"/jobs/{id}/activities\"", "path: jobs", "must begin with /"),
        ("also:", "alas:", "unknown field `alas`"),
    ] {
        let error = SandboxFile::read(&FILE.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(wanted) && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn a_sandbox_whose_rows_have_numbers_as_times_and_another_key_makes_and_edits_such_rows() {
    let text = r#"
credential: {key: k}
resources:
  people:
    path: /people
    key: ref
    changed: modified
    window: {from: since, times: epoch-ms}
    filters: {mail: mails}
    create: {required: [mails]}
    edit: {mails: [z@example.com]}
    rows:
      - {ref: p1, mails: [a@example.com, b@example.com], modified: 1790000000000}
      - {ref: p2, mails: [], modified: 1790000001000}
"#;
    let mut state = State::new(SandboxFile::read(text).unwrap());
    let refs = |body: &Value| -> Vec<String> {
        let rows = body.as_array().unwrap().iter();
        rows.map(|row| row["ref"].as_str().unwrap().to_owned()).collect()
    };
    let (_, since) = ask(&mut state, "GET /people?since=1790000000500", Value::Null);
    assert_eq!(refs(&since), ["p2"]);
    let (_, one) = ask(&mut state, "GET /people?mail=b@example.com", Value::Null);
    assert_eq!(refs(&one), ["p1"]);
    let (_, made) = ask(&mut state, "POST /people", json!({"mails": ["c@example.com"]}));
    assert!(made["ref"].is_string() && made.get("id").is_none(), "{made}");
    assert!(made["modified"].as_u64().unwrap() > 1_790_000_001_000, "{made}");
    assert_eq!(state.edit("people").unwrap(), "p1");
    let (_, since) = ask(&mut state, "GET /people?since=1790000002000", Value::Null);
    assert_eq!(refs(&since), ["p1", made["ref"].as_str().unwrap()]);
}
