//! Every way of paging, every outcome and every limit, by small descriptions.

#![cfg(feature = "host")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use atsync_adapter::contract::*;
use atsync_described::{BAKED_BYTES_MAX, baked, interpret, read, validate};
use serde_json::{Value, json};

const HEAD: &str = r#"name: x
version: 0.1.0
title: Xats
origins: [{name: api, base: {how: fixed, url: "https://x.example"}}]
auth: [{scheme: bearer}]
"#;

struct Adapter(String);

/// A valid description, baked.
fn adapter(text: &str) -> Adapter {
    let read = read(&format!("{HEAD}{text}")).unwrap_or_else(|error| panic!("{error}"));
    validate(&read).unwrap_or_else(|error| panic!("{error}"));
    Adapter(baked(&read.description).unwrap())
}

fn given() -> Given {
    Given { now_ms: 1, settings: "{}".into(), tenant: None, mark: None, grant: None }
}

fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
    Reply::Response(Response {
        status,
        headers: headers.iter().map(|(name, value)| Field::new(*name, *value)).collect(),
        body: body.as_bytes().to_vec(),
    })
}

impl Adapter {
    fn start(&self, task: Task) -> Result<Step, Failure> {
        interpret::start(&self.0, &[], task, &given())
    }

    fn send(&self, task: Task) -> Send {
        match self.start(task) {
            Ok(Step::Send(send)) => send,
            other => panic!("{other:?}"),
        }
    }

    fn run(&self, task: Task, reply: Reply) -> Result<Outcome, Failure> {
        match interpret::resume(&self.0, &[], self.send(task).state, &given(), reply)? {
            Step::Done(outcome) => Ok(outcome),
            other => panic!("{other:?}"),
        }
    }

    fn page(&self, task: Scan, reply: Reply) -> (Page, Vec<Problem>) {
        match self.run(Task::Scan(task), reply).unwrap() {
            Outcome::Page(page) => (page, Vec::new()),
            Outcome::FlawedPage((page, problems)) => (page, problems),
            other => panic!("{other:?}"),
        }
    }
}

fn scan(cursor: Option<Vec<u8>>, page_size: u32) -> Scan {
    Scan { kind: "jobs".into(), parent: None, since: Since::Everything, cursor, page_size }
}

fn jobs(list: &str) -> Adapter {
    adapter(&format!(
        "kinds: {{jobs: {{list: {{{list}}}, id: row.id, fields: {{title: row.title, state: row.state}}}}}}\n"
    ))
}

fn rows(ids: std::ops::Range<usize>) -> String {
    let rows: Vec<Value> = ids.map(|id| json!({"id": id, "title": "t"})).collect();
    Value::from(rows).to_string()
}

/// What a walk requests, and the ids that it finds, in pages of two of seven rows.
fn walk(adapter: &Adapter, answer: impl Fn(&Send, usize) -> Reply) -> (Vec<String>, Vec<String>) {
    let (mut asked, mut found, mut cursor) = (Vec::new(), Vec::new(), None);
    for at in 0..10 {
        let task = scan(cursor, 2);
        let send = adapter.send(Task::Scan(task.clone()));
        asked.push(match &send.request.target {
            Target::Link(url) => url.clone(),
            Target::Path(path) => {
                let query: Vec<String> = path
                    .query
                    .iter()
                    .map(|field| format!("{}={}", field.name, field.value))
                    .collect();
                let body = match &send.request.body {
                    Body::Json(body) => body.clone(),
                    _ => String::new(),
                };
                format!("{}?{}{}", path.path, query.join("&"), body)
            }
        });
        let reply = answer(&send, at);
        let (page, problems) = adapter.page(task, reply);
        assert_eq!(problems, []);
        assert_eq!(page.complete, page.next.is_none());
        found.extend(page.items.into_iter().map(|item| item.id));
        cursor = page.next;
        if cursor.is_none() {
            return (asked, found);
        }
    }
    panic!("no end: {asked:?}");
}

fn all() -> Vec<String> {
    (0..7).map(|id: usize| id.to_string()).collect()
}

fn part(at: usize) -> String {
    rows(at * 2..(at * 2 + 2).min(7))
}

#[test]
fn numbered_pages_are_walked_to_the_end() {
    let adapter = jobs("request: /jobs, paging: {style: page, parameter: page}, size: per_page");
    let (asked, found) = walk(&adapter, |_, at| reply(200, &[], &part(at)));
    assert_eq!(found, all());
    assert_eq!(asked[3], "/jobs?per_page=2&page=4");
    let more = jobs(
        "request: /jobs, paging: {style: page, parameter: p, first: 0, more: page < reply.last}, rows: items",
    );
    let (asked, found) =
        walk(&more, |_, at| reply(200, &[], &format!(r#"{{"items": {}, "last": 3}}"#, part(at))));
    assert_eq!((found, asked.len(), asked[0].as_str()), (all(), 4, "/jobs?p=0"));
}

/// Without a size in the request the ATS may send fewer rows than a page may have.
#[test]
fn a_list_whose_size_is_not_requested_ends_with_an_empty_page() {
    let adapter = jobs("request: /jobs, paging: {style: page, parameter: page}");
    let (asked, found) = walk(&adapter, |_, at| reply(200, &[], &rows(at..(at + 1).min(7))));
    assert_eq!((found, asked.len()), (all(), 8));
}

#[test]
fn a_probe_requests_the_size_by_which_it_knows_the_last_page() {
    let adapter = adapter(
        r#"
lists: {paging: {style: page, parameter: page}, size: per_page, page_max: 2}
kinds: {tags: {list: {request: /tags}, id: row.id, fields: {name: row.name}}}
tenant: {request: /me, fingerprint: reply.id}
operations:
  tags.create:
    class: probeable
    fields: {name: set}
    request: {method: POST, path: /tags}
    links: [{id: reply.id}]
    probe: {request: /tags, match: row.name == input.name, links: [{id: row.id}]}
"#,
    );
    let operation =
        Operation { name: "tags.create".into(), target: None, input: r#"{"name":"n"}"#.into() };
    let first = adapter.send(Task::Probe(Probe { operation, first_sent_ms: None }));
    let Target::Path(path) = &first.request.target else { panic!() };
    assert_eq!(path.query, [Field::new("page", "1"), Field::new("per_page", "2")]);
    let full = reply(200, &[], r#"[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]"#);
    let second = match interpret::resume(&adapter.0, &[], first.state, &given(), full) {
        Ok(Step::Send(send)) => send,
        other => panic!("{other:?}"),
    };
    let last = reply(200, &[], r#"[{"id": 3, "name": "n"}]"#);
    let done = interpret::resume(&adapter.0, &[], second.state, &given(), last).unwrap();
    assert!(
        matches!(done, Step::Done(Outcome::Probed(Probed::Found(found))) if found.links[0].id == "3")
    );
}

#[test]
fn an_offset_counts_the_rows_before() {
    let adapter = jobs("request: /jobs, paging: {style: offset, parameter: skip}, size: limit");
    let (asked, found) = walk(&adapter, |_, at| reply(200, &[], &part(at)));
    assert_eq!(found, all());
    assert_eq!(asked[2], "/jobs?limit=2&skip=4");
}

#[test]
fn a_link_in_a_header_or_in_the_answer_is_followed() {
    let link = jobs("request: /jobs, paging: {style: link-header}, size: limit");
    let (asked, found) = walk(&link, |_, at| {
        let header = format!("<https://x.example/jobs?after={at}>; rel=\"next\"");
        let headers: &[(&str, &str)] = if at < 3 { &[("link", &header)] } else { &[] };
        reply(200, headers, &part(at))
    });
    assert_eq!((found, asked[1].as_str()), (all(), "https://x.example/jobs?after=0"));
    let url =
        jobs("request: /jobs, paging: {style: next-url, from: reply.paging.next}, rows: a.rows");
    let (asked, found) = walk(&url, |_, at| {
        let paging =
            if at < 3 { json!({"next": format!("https://x.example/{at}")}) } else { json!(null) };
        reply(
            200,
            &[],
            &format!(r#"{{"a": {{"rows": {}, "x": 1}}, "paging": {paging}}}"#, part(at)),
        )
    });
    assert_eq!((found, asked[3].as_str()), (all(), "https://x.example/2"));
}

#[test]
fn a_list_by_post_has_its_parameters_in_the_body_and_ends_with_a_token() {
    let adapter = adapter(
        r#"
lists: {parameters: body, rows: results, size: limit, paging: {style: cursor, parameter: cursor, from: reply.nextCursor, more: reply.moreDataAvailable}}
outcomes:
  - {when: "reply.success == false and reply.errorInfo.code in ['sync_token_expired']", then: restart-everything}
  - {when: "reply.success == false and reply.errorInfo.code == 'cursor_invalid'", then: restart-pass}
  - {when: reply.success == false, then: invalid, message: reply.errorInfo.code}
kinds:
  jobs:
    list: {request: {method: POST, path: /job.list, body: {status: [Open]}}, token: {parameter: syncToken, from: reply.syncToken}}
    id: row.id
    fields: {title: row.title, state: row.state}
"#,
    );
    let manifest = interpret::describe(&adapter.0).unwrap();
    assert!(manifest.safe[0].covers("POST", "api", "/job.list"));
    let (asked, found) = walk(&adapter, |send, at| {
        assert_eq!((send.request.method.as_str(), send.effect), ("POST", Effect::Safe));
        let more = at < 3;
        let text = format!(
            r#"{{"success": true, "results": {}, "moreDataAvailable": {more}, "nextCursor": "c{at}", "syncToken": "t"}}"#,
            part(at)
        );
        reply(200, &[], &text)
    });
    assert_eq!(found, all());
    assert_eq!(asked[1], r#"/job.list?{"status":["Open"],"limit":2,"cursor":"c0"}"#);
    let task = Scan { since: Since::Token(b"t0".to_vec()), ..scan(None, 2) };
    let send = adapter.send(Task::Scan(task.clone()));
    assert!(matches!(&send.request.body, Body::Json(body) if body.contains(r#""syncToken":"t0""#)));
    let last = r#"{"success": true, "results": [], "moreDataAvailable": false, "syncToken": "t1"}"#;
    let (page, _) = adapter.page(task.clone(), reply(200, &[], last));
    assert_eq!(page.checkpoint.as_deref(), Some(b"t1".as_slice()));
    for (code, failure) in [
        ("sync_token_expired", Failure::Restart(Restart::Everything)),
        ("cursor_invalid", Failure::Restart(Restart::Pass)),
        (
            "invalid_input",
            Failure::Invalid(vec![FieldError {
                field: String::new(),
                message: "invalid_input".into(),
            }]),
        ),
    ] {
        let body = json!({"success": false, "errorInfo": {"code": code}}).to_string();
        assert_eq!(adapter.run(Task::Scan(task.clone()), reply(200, &[], &body)), Err(failure));
    }
}

#[test]
fn many_ids_are_fetched_at_once_and_a_row_without_an_id_leaves_none_missing() {
    let adapter = adapter(
        r#"
kinds:
  jobs:
    fetch: {request: /jobs, ids: ids, ids_max: 3}
    id: row.id
    fields: {title: row.title, state: row.state}
"#,
    );
    let fetch = || {
        Task::Fetch(Fetch { kind: "jobs".into(), ids: vec!["1".into(), "2".into(), "3".into()] })
    };
    let Target::Path(path) = adapter.send(fetch()).request.target else { panic!() };
    assert_eq!(path.query, [Field::new("ids", "1,2,3")]);
    let Ok(Outcome::Fetched(fetched)) =
        adapter.run(fetch(), reply(200, &[], r#"[{"id": 2, "title": "t"}]"#))
    else {
        panic!()
    };
    assert_eq!(fetched.missing, ["1", "3"]);
    let outcome = adapter.run(fetch(), reply(200, &[], r#"[{"id": 2, "title": "t"}, {}]"#));
    let Ok(Outcome::FlawedFetched((fetched, problems))) = outcome else { panic!() };
    assert_eq!((fetched.missing, problems.len()), (vec![], 1));
}

/// An answer of JSON:API, whose rows name records that lie beside them.
const INCLUDED: &str = r#"{
    "data": [{"id": "1", "rel": {"stage": {"id": "7"}}}, {"id": "2", "rel": {"stage": {"id": "8"}}}],
    "included": [{"type": "jobs", "id": "7", "name": "Cook"}, {"type": "stages", "id": "7", "name": "Open"}]
}"#;

#[test]
fn a_row_finds_what_it_names_in_the_rest_of_the_answer() {
    let adapter = adapter(
        r#"
lists: {rows: data, paging: {style: none}}
kinds:
  jobs:
    list: {request: /jobs}
    fetch: {request: "/jobs/{{ id }}"}
    id: row.id
    fields:
      title: "'t'"
      state:
        value: (reply.included | where('type', 'stages') | where('id', row.rel.stage.id) | first).name
        known: reply.included is defined
        words: {Open: open}
        other: closed
  stages:
    inside: {kind: jobs, each: "reply.included | where('type', 'stages')"}
    id: outer.id ~ '/' ~ row.id
    fields: {name: row.name, parent: outer.id}
"#,
    );
    let bodies = |page: &[Item]| -> Vec<(String, Value)> {
        let body = |item: &Item| serde_json::from_str(&item.body).unwrap();
        page.iter().map(|item| (item.id.clone(), body(item))).collect()
    };
    let (page, problems) = adapter.page(scan(None, 100), reply(200, &[], INCLUDED));
    assert_eq!(problems, []);
    let jobs: Vec<Item> = page.items.iter().filter(|item| item.kind == "jobs").cloned().collect();
    let open = json!({"title": "t", "state": {"value": "open", "source": "Open"}});
    let none = json!({"title": "t", "state": {"value": "other"}});
    assert_eq!(bodies(&jobs), [("1".into(), open.clone()), ("2".into(), none)]);
    let stages = page.items.iter().filter(|item| item.kind == "stages");
    assert_eq!(stages.map(|item| item.id.as_str()).collect::<Vec<_>>(), ["1/7", "2/7"]);
    // An answer without them says nothing.
    let bare = r#"{"data": [{"id": "1", "rel": {"stage": {"id": "7"}}}]}"#;
    let (page, _) = adapter.page(scan(None, 100), reply(200, &[], bare));
    assert_eq!(page.masks, [["title"]]);
    let fetch = Task::Fetch(Fetch { kind: "jobs".into(), ids: vec!["1".into()] });
    let Ok(Outcome::Fetched(fetched)) = adapter.run(fetch, reply(200, &[], INCLUDED)) else {
        panic!()
    };
    assert_eq!(bodies(&fetched.items)[0], ("1".into(), open));
}

#[test]
fn a_body_has_the_content_type_that_its_request_names() {
    let adapter = adapter(
        r#"
tenant: {request: /me, fingerprint: reply.id}
kinds: {notes: {fetch: {request: "/notes/{{ id }}"}, id: row.id, fields: {candidate: row.of, type: "'note'", visibility: "'public'"}}}
operations:
  notes.create:
    class: unsafe
    fields: {candidate: create-only, body: create-only}
    request:
      method: POST
      path: /notes
      content_type: application/vnd.api+json
      body: {data: {type: notes, note: "{{ input.body }}"}}
    links: [{id: reply.data.id}]
"#,
    );
    let input = json!({"candidate": "7", "body": "Hi"}).to_string();
    let operation = Operation { name: "notes.create".into(), target: None, input };
    let send = adapter.send(Task::Write(Write { operation, observed: None }));
    let Body::Bytes((kind, bytes)) = send.request.body else { panic!() };
    assert_eq!(kind, "application/vnd.api+json");
    let body: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(body, json!({"data": {"type": "notes", "note": "Hi"}}));
}

#[test]
fn a_signature_inside_base64_is_taken_out_with_its_time() {
    let adapter = adapter(
        r#"
times: epoch-s
kinds: {jobs: {list: {request: /jobs, paging: {style: none}}, id: row.id, fields: {title: row.title, state: row.state}}}
hook:
  signature:
    algorithm: hmac-sha256
    encoding: hex
    from: "(headers.sign | from_base64 | split('v2='))[1]"
    message: "{{ ((headers.sign | from_base64 | split(','))[0] | split('='))[1] }}.{{ raw }}"
  signed_at: "((headers.sign | from_base64 | split(','))[0] | split('='))[1] | int"
  hints: [{kind: jobs, changed: body.id}]
"#,
    );
    // t=1701234567,v2=ab12
    for sign in ["dD0xNzAxMjM0NTY3LHYyPWFiMTI=", "dD0xNzAxMjM0NTY3LHYyPWFiMTI"] {
        let headers = vec![Field::new("Sign", sign)];
        let hook = Hook { headers, body: br#"{"id": 7}"#.to_vec() };
        let Ok(Step::Verify(verify)) = adapter.start(Task::Hook(hook)) else { panic!("{sign}") };
        assert_eq!(verify.candidates, ["ab12"]);
        assert_eq!(verify.message, br#"1701234567.{"id": 7}"#);
        let valid = Reply::Verified(true);
        let Ok(Step::Done(Outcome::Hooked(hooked))) =
            interpret::resume(&adapter.0, &[], verify.state, &given(), valid)
        else {
            panic!()
        };
        assert_eq!(hooked.signed_at_ms, Some(1_701_234_567_000));
        assert_eq!(hooked.hints, [Hint::Changed(RemoteRef::new("jobs", "7"))]);
    }
    for sign in ["", "dD0*", "////", "YWJj"] {
        let headers = vec![Field::new("Sign", sign)];
        let hook = Hook { headers, body: b"{}".to_vec() };
        let Ok(Step::Done(Outcome::Hooked(hooked))) = adapter.start(Task::Hook(hook)) else {
            panic!("{sign}")
        };
        assert_eq!((hooked.answer.status, hooked.hints), (401, vec![]), "{sign}");
    }
}

#[test]
fn records_behind_a_number_cost_the_row_and_are_named() {
    let adapter = adapter(
        r#"
kinds:
  jobs: {list: {request: /jobs, paging: {style: none}}, id: row.id, fields: {title: row.title, state: row.state}}
  stages: {inside: {kind: jobs, each: row.pipeline.stages}, id: row.id, fields: {name: row.name}}
"#,
    );
    let answer = r#"[{"id": 1, "pipeline": 7}, {"id": 2, "pipeline": null}, {"id": 3},
        {"id": 4, "pipeline": {"stages": [{"id": 5, "name": "Open"}]}}]"#;
    let (page, problems) = adapter.page(scan(None, 100), reply(200, &[], answer));
    assert_eq!(page.items.iter().filter(|item| item.kind == "stages").count(), 1);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!((problems[0].kind.as_str(), problems[0].id.as_ref()), ("stages", None));
}

#[test]
fn a_table_of_outcomes_says_what_a_write_did() {
    let adapter = adapter(
        r#"
refused: [422]
kinds: {tags: {list: {request: /tags}, id: row.id, fields: {name: row.name}}}
tenant: {request: /me, fingerprint: reply.id}
operations:
  tags.create:
    class: keyed
    fields: {name: set}
    request: {method: POST, path: /tags, body: {name: "{{ input.name }}"}}
    outcomes:
      - {status: 200, when: reply.ok == false, then: invalid, field: reply.field, message: reply.why}
      - {status: 202, then: pending, message: reply.job}
      - {status: 500, when: reply.code == 'gone', then: not-found}
      - {status: 301, then: moved, id: reply.id}
      - {status: 429, then: throttled, wait_ms: reply.wait}
      - {status: 409, then: quota, wait_ms: reply.until}
    links: [{id: "(headers.location | base) or reply.id"}]
"#,
    );
    let run = |status, headers: &[(&str, &str)], body: &str| {
        let operation =
            Operation { name: "tags.create".into(), target: None, input: r#"{"name":"n"}"#.into() };
        match adapter
            .run(Task::Write(Write { operation, observed: None }), reply(status, headers, body))
        {
            Ok(Outcome::Written(written)) => written,
            other => panic!("{other:?}"),
        }
    };
    let made = |id: &str| {
        let link = Link { role: "subject".into(), kind: "tags".into(), id: id.into() };
        Written::Applied(Applied { links: vec![link], deduplicated: false, warnings: vec![] })
    };
    assert_eq!(run(200, &[], r#"{"id": 7}"#), made("7"));
    assert_eq!(run(204, &[("location", "https://x.example/tags/8/?a=1")], ""), made("8"));
    let invalid =
        Failure::Invalid(vec![FieldError { field: "name".into(), message: "taken".into() }]);
    assert_eq!(
        run(200, &[], r#"{"ok": false, "field": "name", "why": "taken"}"#),
        Written::Refused(invalid)
    );
    assert_eq!(run(202, &[], r#"{"job": "j1"}"#), Written::Pending("j1".into()));
    assert!(matches!(run(500, &[], r#"{"code": "gone"}"#), Written::Refused(Failure::NotFound(_))));
    assert!(matches!(run(500, &[], "{}"), Written::Unclear(_)));
    assert_eq!(
        run(301, &[], r#"{"id": "t9"}"#),
        Written::Refused(Failure::Moved(RemoteRef::new("tags", "t9")))
    );
    assert_eq!(
        run(429, &[], r#"{"wait": 1500}"#),
        Written::Refused(Failure::Throttled(Some(1500)))
    );
    assert_eq!(
        run(429, &[("retry-after", "2")], "{}"),
        Written::Refused(Failure::Throttled(Some(2000)))
    );
    assert_eq!(run(409, &[], r#"{"until": 99}"#), Written::Refused(Failure::Quota(99)));
    assert!(matches!(run(422, &[], "{}"), Written::Refused(Failure::Invalid(_))));
    assert!(matches!(run(400, &[], "{}"), Written::Unclear(_)), "400 is not among `refused`");
    assert!(matches!(run(201, &[], "{}"), Written::Unclear(_)), "there is no id");
    let manifest = interpret::describe(&adapter.0).unwrap();
    assert_eq!(manifest.operations[0].refused_statuses, [409, 422, 429]);
}

#[test]
fn a_write_looks_names_up_before_and_reads_back_after() {
    let adapter = adapter(
        r#"
kinds: {tags: {list: {request: /tags}, id: row.id, fields: {name: row.name}}}
tenant: {request: /me, fingerprint: reply.id}
operations:
  tags.create:
    class: unsafe
    fields: {name: set}
    before:
      - {name: group, request: /groups, keep: "(reply | where('name', input.name) | first).id"}
      - {name: never, when: "false", request: /never, keep: reply}
    refuse: [{when: not group, field: name, message: no such group}]
    request: {method: POST, path: "/groups/{{ group }}/tags"}
    keep: {at: headers.location}
    after:
      - {name: back, request: "/tags/{{ sent.at | base }}", keep: {id: reply.id}}
    links: [{id: back.id}]
"#,
    );
    let task = || {
        let operation =
            Operation { name: "tags.create".into(), target: None, input: r#"{"name":"n"}"#.into() };
        Task::Write(Write { operation, observed: None })
    };
    let resume =
        |send: Send, reply| interpret::resume(&adapter.0, &[], send.state, &given(), reply);
    let sent = |step: Result<Step, Failure>| match step {
        Ok(Step::Send(send)) => send,
        other => panic!("{other:?}"),
    };
    let path = |send: &Send| match &send.request.target {
        Target::Path(path) => path.path.clone(),
        Target::Link(url) => url.clone(),
    };
    let first = adapter.send(task());
    assert_eq!((path(&first).as_str(), first.effect), ("/groups", Effect::Safe));
    let second = sent(resume(first, reply(200, &[], r#"[{"name": "n", "id": "g 1"}]"#)));
    assert_eq!((path(&second).as_str(), second.effect), ("/groups/g%201/tags", Effect::Unsafe));
    let third = sent(resume(second.clone(), reply(201, &[("location", "/tags/t1")], "")));
    assert_eq!((path(&third).as_str(), third.effect), ("/tags/t1", Effect::Safe));
    let done = resume(third.clone(), reply(200, &[], r#"{"id": "t1"}"#)).unwrap();
    assert!(
        matches!(done, Step::Done(Outcome::Written(Written::Applied(applied))) if applied.links[0].id == "t1")
    );
    // A fault behind the changing request leaves the write in doubt.
    for (send, answer) in [(third, reply(500, &[], "")), (second, reply(201, &[], ""))] {
        let done = resume(send, answer).unwrap();
        assert!(matches!(done, Step::Done(Outcome::Written(Written::Unclear(_)))), "{done:?}");
    }
    let refused = resume(adapter.send(task()), reply(200, &[], "[]")).unwrap_err();
    assert!(matches!(refused, Failure::Invalid(errors) if errors[0].message == "no such group"));
}

#[test]
fn a_write_is_not_decided_by_a_read_before_it_whose_answer_is_no_json() {
    let adapter = adapter(
        r#"
kinds: {tags: {list: {request: /tags}, id: row.id, fields: {name: row.name}}}
tenant: {request: /me, fingerprint: reply.id}
operations:
  tags.create:
    class: unsafe
    fields: {name: set}
    before: [{name: group, request: /groups, keep: {state: reply.state}}]
    refuse: [{when: group.state == 'closed', field: name, message: the group is closed}]
    request: {method: POST, path: /tags}
    links: [{id: reply.id}]
"#,
    );
    for (status, body) in [(200, "<html>busy</html>"), (200, ""), (200, "{"), (203, "\u{feff}")] {
        let operation =
            Operation { name: "tags.create".into(), target: None, input: r#"{"name":"n"}"#.into() };
        let first = adapter.send(Task::Write(Write { operation, observed: None }));
        let answer = reply(status, &[], body);
        let ended = interpret::resume(&adapter.0, &[], first.state, &given(), answer);
        assert!(matches!(ended, Err(Failure::Protocol(_))), "{body:?}: {ended:?}");
    }
}

#[test]
fn limits_cost_the_field_or_the_row_and_never_the_page() {
    let adapter = adapter(
        r#"
kinds:
  candidates:
    list: {request: /people}
    id: row.id
    fields:
      emails: row.emails
      name: {value: {full: row.name}}
      company: "row.company ~ ''"
      linked_users: {each: row.users, value: entry.id}
  notes:
    inside: {kind: candidates, each: row.notes}
    id: row.id
    fields: {body: row.body, type: "'note'", visibility: "'public'"}
"#,
    );
    let many = |count: usize| {
        Value::from((0..count).map(|at| json!(format!("a{at}"))).collect::<Vec<_>>())
    };
    let body = json!([
        {"id": "1", "name": "n", "emails": many(1001), "users": []},
        {"id": "2", "name": "n", "users": (0..1001).map(|at| json!({"id": at})).collect::<Vec<_>>()},
        {"id": "3", "name": "n", "company": "x".repeat(600 * 1024)},
        {"id": "4", "name": {"not": "a text"}},
        {"id": "5", "name": "n", "notes": (0..1001).map(|at| json!({"id": at})).collect::<Vec<_>>()},
        {"id": "x".repeat(513), "name": "n"}, {"id": " 6"}, {"id": 1.5}, {"id": ""}, {"id": true},
        {"id": 18_446_744_073_709_551_615_u64, "name": ""}
    ])
    .to_string();
    let task = Scan { kind: "candidates".into(), ..scan(None, 100) };
    let (page, problems) = adapter.page(task, reply(200, &[], &body));
    let ids: Vec<&str> = page.items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, ["1", "2", "3", "4", "5", "18446744073709551615"]);
    let field = |id: &str, field: &str| {
        problems.iter().any(|problem| {
            problem.id.as_deref() == Some(id) && problem.field.as_deref() == Some(field)
        })
    };
    assert!(
        field("1", "emails")
            && field("2", "linked_users")
            && field("3", "company")
            && field("4", "name")
    );
    assert_eq!(problems.iter().filter(|problem| problem.field.is_none()).count(), 6);
    assert!(problems.iter().all(|problem| problem.message.len() <= 512));
    let mask = &page.masks[page.items[0].mask as usize];
    assert!(!mask.contains(&"emails".to_owned()), "what cannot be read is unknown");
}

#[test]
fn what_a_task_remembers_and_what_it_is_given_are_bounded() {
    let adapter = adapter(
        r#"
lists: {paging: {style: cursor, parameter: c, from: reply.next}, rows: rows}
kinds:
  notes: {list: {request: /notes}, id: row.id, fields: {body: row.body, type: "'note'", visibility: "'public'"}}
tenant: {request: /me, fingerprint: reply.id, catalogue: {all: reply.all}}
operations:
  notes.create:
    class: unsafe
    fields: {body: set}
    before: [{name: now, request: /now, keep: reply.x}]
    request: {method: POST, path: /notes, body: {text: "{{ input.body }}", now: "{{ now }}"}}
    links: [{id: reply.id}]
"#,
    );
    let write = |body: String| {
        let operation = Operation {
            name: "notes.create".into(),
            target: None,
            input: json!({"body": body, "unused": "u".repeat(100_000)}).to_string(),
        };
        adapter.start(Task::Write(Write { operation, observed: None }))
    };
    assert!(write("b".repeat(1000)).is_ok(), "what no expression reads is not remembered");
    assert!(matches!(write("b".repeat(70_000)), Err(Failure::Invalid(_))));
    let long = json!({"rows": [], "next": "n".repeat(20_000)}).to_string();
    let task = Scan { kind: "notes".into(), ..scan(None, 10) };
    assert!(matches!(
        adapter.run(Task::Scan(task), reply(200, &[], &long)),
        Err(Failure::Protocol(_))
    ));
    let all = json!({"id": "me", "all": "a".repeat(600_000)}).to_string();
    assert!(matches!(
        adapter.run(Task::DescribeTenant, reply(200, &[], &all)),
        Err(Failure::Protocol(_))
    ));
    let mut large = read(&format!("{HEAD}kinds: {{tags: {{list: {{request: /tags}}, id: row.id, fields: {{name: row.name}}}}}}"))
        .unwrap()
        .description;
    large.lossy = vec!["x".repeat(BAKED_BYTES_MAX)];
    assert!(baked(&large).unwrap_err().contains("bytes when baked"));
}

#[test]
fn a_component_without_a_description_says_so() {
    for text in ["", "{}", "no index\n{}"] {
        assert!(matches!(
            interpret::start(text, &[], Task::DescribeTenant, &given()),
            Err(Failure::Bug(_))
        ));
        assert!(interpret::describe(text).is_err());
    }
}
