//! Mistakes of a description are found before anything is baked, by name and with their lines.

#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use atsync_described::{DESCRIPTION_BYTES_MAX, read, validate};

const SOUND: &str = r#"name: plainlist
version: 0.1.0
title: Plainlist
origins: [{name: api, base: {how: fixed, url: "https://plainlist.example"}}]
auth: [{scheme: bearer}]
settings: {type: object, properties: {team: {type: string}}}
kinds:
  jobs:
    list:
      request: /jobs
      paging: {style: page, parameter: page}
    id: row.id
    permission: jobs
    fields:
      title: row.title
      state: {value: row.status, words: {live: open}}
  candidates:
    fetch: {request: "/people/{{ id }}"}
    id: row.id
    fields:
      emails: row.emails
operations:
  candidates.create:
    class: probeable
    fields: {emails: create-only}
    request: {method: POST, path: /people, body: {email: "{{ input.emails | values | first }}"}}
    links: [{id: reply.id}]
    probe:
      request: {path: /people, query: {email: "{{ input.emails | values | first }}"}}
      match: row.email | same(input.emails, 'email')
      links: [{id: row.id}]
permissions:
  - {id: jobs, label: Jobs, grant_at: Settings, without_it: No jobs.}
tenant: {request: /me, fingerprint: reply.account, catalogue: {plan: reply.plan}}
hook:
  signature: {algorithm: hmac-sha256, encoding: hex, from: "headers['x-signature']"}
  hints:
    - {kind: jobs, changed: body.job_id}
"#;

/// Line, pointer and message of each mistake.
fn mistakes(text: &str) -> Vec<String> {
    match read(text) {
        Err(mistakes) => mistakes.0.iter().map(ToString::to_string).collect(),
        Ok(read) => match validate(&read) {
            Ok(()) => Vec::new(),
            Err(mistakes) => mistakes.0.iter().map(ToString::to_string).collect(),
        },
    }
}

#[test]
fn a_sound_description_has_no_mistakes() {
    assert_eq!(mistakes(SOUND), Vec::<String>::new());
}

#[test]
fn each_mistake_is_named_with_its_line() {
    for (from, to, line, words) in [
        (
            "row.title",
            "row.title | lowr",
            15,
            "calls the filter `lowr`, which there is not; did you mean `lower`?",
        ),
        ("row.title", "rwo.title", 15, "reads `rwo`, which there is not here; did you mean `row`?"),
        ("row.title", "row.title +", 15, "is no expression"),
        (
            "row.title",
            "settings.taem",
            15,
            "reads the setting `taem`, which the settings lack; did you mean `team`?",
        ),
        ("row.title", "tenant.plann", 15, "`tenant.plann`, which the tenant's catalogue lacks"),
        (
            "row.title",
            "row.title is deffined",
            15,
            "uses the test `deffined`, which there is not; did you mean `defined`?",
        ),
        (
            "      title: row.title",
            "      titel: row.title",
            15,
            "jobs have no field `titel`; did you mean `title`?",
        ),
        ("  jobs:\n", "  jobz:\n", 8, "the model has no kind `jobz`; did you mean `jobs`?"),
        (
            "permission: jobs",
            "permission: job",
            13,
            "there is no permission `job`; did you mean `jobs`?",
        ),
        (
            "candidates.create",
            "candidates.creates",
            23,
            "no plan names the operation `candidates.creates`; did you mean `candidates.create`?",
        ),
        (
            "{emails: create-only}",
            "{emials: create-only}",
            25,
            "the input of candidates.create has no member `emials`; did you mean `emails`?",
        ),
        ("/people/{{ id }}", "/people", 18, "the request does not say which record"),
        (
            "request: /jobs",
            "request: DELETE /jobs",
            10,
            "a request that changes nothing is a GET or a POST",
        ),
        ("request: /jobs", "request: /jobs?a=1", 10, "parameters belong to `query`"),
        ("request: /jobs", "request: /jobs/{{ row.id", 10, "an expression has no end"),
        ("request: /jobs", "request: FETCH /jobs", 10, "FETCH is no method"),
        ("method: POST, ", "", 26, "a GET changes nothing"),
        ("    links: [{id: reply.id}]\n", "", 23, "a create names what it made"),
        (
            "kind: jobs, changed",
            "kind: jops, changed",
            38,
            "the description has no kind `jops`; did you mean `jobs`?",
        ),
        ("changed: body.job_id", "into: body.job_id", 38, "exactly one of"),
        ("title: Plainlist", "titel: Plainlist", 3, "unknown field `titel`"),
        ("style: page", "style: pages", 11, "unknown variant `pages`"),
        ("words: {live: open}", "wrds: {live: open}", 16, "unknown field `wrds`"),
        (
            "      emails: row.emails",
            "      emails: {value: row.emails, as: name}",
            21,
            "`emails` is no reference; take `as` out",
        ),
        ("tenant: {request", "tenants: {request", 34, "unknown field `tenants`"),
    ] {
        let text = SOUND.replacen(from, to, 1);
        assert!(text != SOUND, "{from}");
        let found = mistakes(&text);
        let is_it = |mistake: &String| {
            mistake.starts_with(&format!("line {line}: ")) && mistake.contains(words)
        };
        assert!(found.iter().any(is_it), "{to}: line {line}: {words}\n{found:#?}");
    }
}

#[test]
fn several_mistakes_are_reported_at_once_in_the_order_of_their_lines() {
    let text = SOUND.replace("row.title", "rwo.title").replace("row.emails", "rwo.emails");
    let found = mistakes(&text);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found.first().unwrap().starts_with("line 15: /kinds/jobs/fields/title: "));
    assert!(found.last().unwrap().starts_with("line 21: /kinds/candidates/fields/emails: "));
}

#[test]
fn a_description_that_is_too_large_or_explodes_is_refused() {
    let long = format!("{SOUND}# {}", "x".repeat(DESCRIPTION_BYTES_MAX));
    assert!(mistakes(&long).concat().contains("bytes"));
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for at in 1..12 {
        let entry = format!("*a{}", at - 1);
        bomb.push_str(&format!("a{at}: &a{at} [{}]\n", vec![entry; 10].join(", ")));
    }
    let text = format!("{bomb}{SOUND}");
    assert!(!mistakes(&text).is_empty());
    let nested = format!("{SOUND}lossy: {}{}", "[".repeat(5000), "]".repeat(5000));
    assert!(!mistakes(&nested).is_empty());
    for text in ["", "7", "[]", "name", "\t", "{", "name: [", "\u{0}"] {
        assert!(!mistakes(text).is_empty(), "{text:?}");
    }
}
