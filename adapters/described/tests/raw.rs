//! Raw kinds, announced ends, and what a row or an input does not say.

#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use atsync_adapter::contract::*;
use atsync_described::{baked, interpret, read, validate};
use serde_json::{Value, json};

const TEXT: &str = r#"
name: x
version: 0.1.0
title: Xats
origins: [{name: api, base: {how: fixed, url: "https://x.example"}}]
auth: [{scheme: bearer}]
settings:
  type: object
  properties: {sensitive: {type: array, items: {type: string}}, actor: {type: string}}
sunsets:
  - {api: Xats v1, last_day: "2027-03-31", announced_at: "https://x.example/end", instead: Use v2.}
kinds:
  candidates:
    list: {request: /people}
    id: row.id
    fields:
      name: {value: {full: row.name}}
      headline: {value: row.title, known: row.is_shown}
  raw_offers:
    list: {request: "/people/{{ parent.id }}/offers", under: candidates}
    fetch:
      request: "/people/{{ (id | split('/'))[0] }}/offers/{{ id | base }}"
      parent: (id | split('/'))[0]
    id: parent.id ~ '/' ~ row.id
    references:
      jobs: jobs
      offerer: {kind: users, id: row.by.id}
    fields: {created_at: row.at, updated_at: row.changed}
    opt_in: sensitive
  raw_parts:
    inside: {kind: candidates, each: row.parts}
    id: row.id
  tags: {list: {request: /tags}, id: row.id, fields: {name: row.name}}
tenant: {request: /me, fingerprint: reply.id}
operations:
  tags.create:
    class: probeable
    fields: {name: set}
    before: [{name: now, request: /now, keep: reply.at}]
    refuse:
      - {when: not settings.actor, message: set `actor`, misconfigured: true}
      - {when: now == 'never', field: name, message: not now}
    request: {method: POST, path: /tags}
    links: [{id: reply.id}]
    probe:
      refuse:
        - {when: not input.name, message: a tag without a name cannot be found}
        - {when: not settings.actor, message: set `actor`, misconfigured: true}
      request: /tags
      match: row.name == input.name
      needs: [row.name]
      links: [{id: row.id}]
"#;

fn adapter() -> String {
    adapter_of(TEXT)
}

fn adapter_of(text: &str) -> String {
    let read = read(text).unwrap_or_else(|error| panic!("{error}"));
    validate(&read).unwrap_or_else(|error| panic!("{error}"));
    baked(&read.description).unwrap()
}

fn given(settings: &str) -> Given {
    Given { now_ms: 1, settings: settings.into(), tenant: None, mark: None, grant: None }
}

const ACTOR: &str = r#"{"actor": "u"}"#;

/// The requests that a task sends, and its result.
fn run(settings: &str, task: Task, answers: &[&str]) -> (usize, Result<Outcome, Failure>) {
    run_of(TEXT, settings, task, answers)
}

fn run_of(
    text: &str,
    settings: &str,
    task: Task,
    answers: &[&str],
) -> (usize, Result<Outcome, Failure>) {
    let (baked, given) = (adapter_of(text), given(settings));
    let (mut step, mut sent) = (interpret::start(&baked, &[], task, &given), 0);
    loop {
        match step {
            Err(failure) => return (sent, Err(failure)),
            Ok(Step::Done(outcome)) => return (sent, Ok(outcome)),
            Ok(Step::Send(send)) => {
                let body = answers[sent].as_bytes().to_vec();
                sent += 1;
                let response = Response { status: 200, headers: Vec::new(), body };
                step =
                    interpret::resume(&baked, &[], send.state, &given, Reply::Response(response));
            }
            Ok(step) => panic!("{step:?}"),
        }
    }
}

fn page(kind: &str, parent: Option<RemoteRef>, rows: &str) -> (Page, Vec<Problem>) {
    let task =
        Scan { kind: kind.into(), parent, since: Since::Everything, cursor: None, page_size: 9 };
    match run("{}", Task::Scan(task), &[rows]).1.unwrap() {
        Outcome::Page(page) => (page, Vec::new()),
        Outcome::FlawedPage(flawed) => flawed,
        other => panic!("{other:?}"),
    }
}

fn body(item: &Item) -> Value {
    serde_json::from_str(&item.body).unwrap()
}

#[test]
fn the_manifest_has_raw_kinds_their_setting_and_the_announced_ends() {
    let manifest = interpret::describe(&adapter()).unwrap();
    let rule = manifest.kind("raw_offers").unwrap();
    assert!(rule.raw && rule.opt_in.as_deref() == Some("sensitive"));
    assert_eq!(rule.fields, ["references", "content", "created_at", "updated_at"]);
    let parts = manifest.kind("raw_parts").unwrap();
    assert_eq!((parts.raw, parts.fields.len(), &parts.opt_in), (true, 2, &None));
    assert!(!manifest.kind("tags").unwrap().raw);
    let [sunset] = manifest.sunsets.as_slice() else { panic!("{:?}", manifest.sunsets) };
    assert_eq!((sunset.api.as_deref(), sunset.last_day.as_str()), (Some("Xats v1"), "2027-03-31"));
}

#[test]
fn a_raw_record_is_the_row_as_the_ats_wrote_it_with_what_it_names() {
    let row = r#"{"id": 7, "jobs": [1, "2"], "by": {"id": "u-1"}, "pay": 1.50,
        "big": 12345678901234567890123, "at": "2026-01-01T00:00:00Z", "changed": null}"#;
    let of = RemoteRef::new("candidates", "p-1");
    let (listed, problems) = page("raw_offers", Some(of), &format!("[ {row} ]"));
    assert_eq!(problems, []);
    let [item] = listed.items.as_slice() else { panic!() };
    assert!(item.body.contains(row), "not a sign of it is changed: {}", item.body);
    assert_eq!((item.id.as_str(), &item.raw, &item.version), ("p-1/7", &None, &None));
    let names: Vec<(String, String)> = atsync_model::raw::references_of(&body(item))
        .map(|(kind, id)| (kind.to_owned(), id.to_owned()))
        .collect();
    let named = [("candidates", "p-1"), ("jobs", "1"), ("jobs", "2"), ("users", "u-1")];
    assert_eq!(names, named.map(|(kind, id)| (kind.to_owned(), id.to_owned())));
    assert_eq!(body(item)["created_at"], "2026-01-01T00:00:00Z");
    assert_eq!(listed.masks[0], ["references", "content", "created_at", "updated_at"]);
    let fetch = Task::Fetch(Fetch { kind: "raw_offers".into(), ids: vec!["p-1/7".into()] });
    let Ok(Outcome::Fetched(fetched)) = run("{}", fetch, &[row]).1 else { panic!() };
    assert_eq!(body(&fetched.items[0]), body(item));
}

#[test]
fn the_time_of_change_is_the_version_of_a_raw_record_and_a_bad_reference_costs_itself() {
    let of = RemoteRef::new("candidates", "p-1");
    let row = r#"[{"id": 7, "jobs": {"id": 1}, "changed": "2026-01-02T00:00:00Z"}]"#;
    let (listed, problems) = page("raw_offers", Some(of.clone()), row);
    assert_eq!(listed.items[0].version.as_deref(), Some("2026-01-02T00:00:00Z"));
    assert_eq!(listed.masks[0], ["references", "content", "updated_at"]);
    let named: Vec<(&str, Option<&str>, Option<&str>)> = problems
        .iter()
        .map(|one| (one.kind.as_str(), one.id.as_deref(), one.field.as_deref()))
        .collect();
    assert_eq!(named, [("raw_offers", Some("p-1/7"), Some("references.jobs"))]);
    assert!(listed.items[0].body.contains("p-1"), "the others stand");
    // A row without the parts of its id is lost.
    let (listed, problems) = page("raw_offers", Some(of), r#"[{"id": null}, {"jobs": []}]"#);
    assert_eq!((listed.items.len(), problems.len()), (0, 2));
}

#[test]
fn raw_records_inside_another_row_are_the_parts_themselves() {
    let rows = r#"[{"id": 1, "name": "Ada", "parts": [{"id": "a", "n": 1.5}, {"id": "b"}]}]"#;
    let (listed, problems) = page("candidates", None, rows);
    assert_eq!(problems, []);
    let parts: Vec<Value> =
        listed.items.iter().filter(|item| item.kind == "raw_parts").map(body).collect();
    assert_eq!(parts, [json!({"content": {"id": "a", "n": 1.5}}), json!({"content": {"id": "b"}})]);
}

#[test]
fn a_condition_says_whether_a_field_is_known() {
    let rows = r#"[{"id": 1, "title": "T", "is_shown": true}, {"id": 2, "title": "T"},
        {"id": 3, "is_shown": true}]"#;
    let (listed, problems) = page("candidates", None, rows);
    assert_eq!(problems, []);
    let known = |item: &Item| listed.masks[item.mask as usize].contains(&"headline".to_owned());
    let all: Vec<bool> = listed.items.iter().map(known).collect();
    assert_eq!(all, [true, false, true]);
    assert_eq!(body(&listed.items[0])["headline"], "T");
}

fn order(input: &Value) -> Operation {
    Operation { name: "tags.create".into(), target: None, input: input.to_string() }
}

#[test]
fn a_write_that_is_refused_by_what_is_known_sends_nothing() {
    let write = || Task::Write(Write { operation: order(&json!({"name": "n"})), observed: None });
    let refused = run("{}", write(), &[]);
    assert!(matches!(refused, (0, Err(Failure::Misconfigured(_)))), "{refused:?}");
    let refused = run(ACTOR, write(), &[r#"{"at": "never"}"#]);
    assert!(matches!(refused, (1, Err(Failure::Invalid(_)))), "{refused:?}");
}

/// A write and its probe that refuse alike, by a read before and by the input.
const REFUSES: &str = r#"
name: rats
version: 0.1.0
title: Rats
origins: [{name: api, base: {how: fixed, url: "https://rats.example"}}]
auth: [{scheme: bearer}]
kinds: {tags: {list: {request: /tags}, id: row.id, fields: {name: row.name}}}
tenant: {request: /me, fingerprint: reply.id}
operations:
  tags.create:
    class: probeable
    fields: {name: set}
    before: &before [{name: group, request: /groups, keep: {state: reply.state}}]
    refuse: &refuse
      - {when: group.state == 'closed', message: closed, misconfigured: true}
      - {when: input.name == 'x', message: no x}
    request: {method: POST, path: /tags}
    links: [{id: reply.id}]
    probe:
      before: *before
      refuse: *refuse
      request: /tags
      match: row.name == input.name
      links: [{id: row.id}]
"#;

#[test]
fn writes_and_probes_refuse_by_the_input_before_any_request_and_else_after_their_reads() {
    let write = |name: &str| {
        Task::Write(Write { operation: order(&json!({ "name": name })), observed: None })
    };
    let probe = |name: &str| {
        Task::Probe(Probe { operation: order(&json!({ "name": name })), first_sent_ms: Some(1) })
    };
    let closed = [r#"{"state": "closed"}"#];
    for task in [write("n"), probe("n")] {
        let ended = run_of(REFUSES, "{}", task, &closed);
        assert_eq!(ended, (1, Err(Failure::Misconfigured("closed".into()))));
    }
    let refused = run_of(REFUSES, "{}", write("x"), &closed);
    assert!(matches!(refused, (0, Err(Failure::Invalid(_)))), "{refused:?}");
    let blind = run_of(REFUSES, "{}", probe("x"), &closed);
    assert!(matches!(blind, (0, Ok(Outcome::Probed(Probed::Blind(_))))), "{blind:?}");
    let absent = run_of(REFUSES, "{}", probe("n"), &[r#"{"state": "open"}"#, "[]"]);
    assert!(matches!(absent, (2, Ok(Outcome::Probed(Probed::Absent(_))))), "{absent:?}");
}

#[test]
fn a_probe_that_could_not_tell_searches_nothing_and_a_row_that_does_not_say_is_no_absence() {
    let probe = |name: &str| {
        Task::Probe(Probe { operation: order(&json!({ "name": name })), first_sent_ms: Some(1) })
    };
    let blind = run(ACTOR, probe(""), &[]);
    assert!(matches!(blind, (0, Ok(Outcome::Probed(Probed::Blind(_))))), "{blind:?}");
    let misconfigured = run("{}", probe("n"), &[]);
    assert!(matches!(misconfigured, (0, Err(Failure::Misconfigured(_)))), "{misconfigured:?}");
    let absent = run(ACTOR, probe("n"), &[r#"[{"id": 1, "name": "other"}]"#]);
    assert!(matches!(absent, (1, Ok(Outcome::Probed(Probed::Absent(_))))), "{absent:?}");
    let unsure = run(ACTOR, probe("n"), &[r#"[{"id": 1}]"#]);
    assert!(matches!(unsure, (1, Err(Failure::Protocol(_)))), "{unsure:?}");
    let found = run(ACTOR, probe("n"), &[r#"[{"id": 1}, {"id": 2, "name": "n"}]"#]);
    assert!(matches!(found, (1, Ok(Outcome::Probed(Probed::Found(_))))), "{found:?}");
}
