//! Mistakes of a description are found before anything is baked, by name and with their lines.

#![cfg(feature = "host")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use atsync_described::{DESCRIPTION_BYTES_MAX, read, validate};

const SOUND: &str = r#"name: plainlist
version: 0.1.0
title: Plainlist
origins: [{name: api, base: {how: fixed, url: "https://plainlist.example"}}]
auth: [{scheme: bearer}]
settings: {type: object, properties: {team: {type: string}, sensitive: {type: array}}}
sunsets: [{last_day: "2027-03-31", announced_at: "https://plainlist.example/end", instead: Use v2.}]
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
  raw_offers:
    list: {request: /offers}
    id: row.id
    references: {job: jobs}
    fields: {created_at: row.at}
    opt_in: sensitive
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
            16,
            "calls the filter `lowr`, which there is not; did you mean `lower`?",
        ),
        (
            "path: /people, body:",
            "path: /people, content_type: json, body:",
            33,
            "`json` is no content type",
        ),
        ("path: /people, query:", "path: /people, content_type: a/b, query:", 36, "there is none"),
        (
            "  hints:\n",
            "  handshakes: [{when: row.test}]\n  hints:\n",
            44,
            "reads `row`, which there is not here",
        ),
        ("row.title", "rwo.title", 16, "reads `rwo`, which there is not here; did you mean `row`?"),
        ("row.title", "row.title +", 16, "is no expression"),
        (
            "row.title",
            "settings.taem",
            16,
            "reads the setting `taem`, which the settings lack; did you mean `team`?",
        ),
        ("row.title", "tenant.plann", 16, "`tenant.plann`, which the tenant's catalogue lacks"),
        (
            "row.title",
            "row.title is deffined",
            16,
            "uses the test `deffined`, which there is not; did you mean `defined`?",
        ),
        (
            "      title: row.title",
            "      titel: row.title",
            16,
            "jobs have no field `titel`; did you mean `title`?",
        ),
        ("  jobs:\n", "  jobz:\n", 9, "the model has no kind `jobz`; did you mean `jobs`?"),
        (
            "permission: jobs",
            "permission: job",
            14,
            "there is no permission `job`; did you mean `jobs`?",
        ),
        (
            "candidates.create",
            "candidates.creates",
            30,
            "no plan names the operation `candidates.creates`; did you mean `candidates.create`?",
        ),
        (
            "{emails: create-only}",
            "{emials: create-only}",
            32,
            "the input of candidates.create has no member `emials`; did you mean `emails`?",
        ),
        ("/people/{{ id }}", "/people", 19, "the request does not say which record"),
        (
            "request: /jobs",
            "request: DELETE /jobs",
            11,
            "a request that changes nothing is a GET or a POST",
        ),
        ("request: /jobs", "request: /jobs?a=1", 11, "parameters belong to `query`"),
        ("request: /jobs", "request: \"/jobs?a={{ size }}\"", 11, "parameters belong to `query`"),
        ("request: /jobs", "request: /jobs/{{ row.id", 11, "an expression has no end"),
        ("request: /jobs", "request: FETCH /jobs", 11, "FETCH is no method"),
        ("method: POST, ", "", 33, "a GET changes nothing"),
        ("    links: [{id: reply.id}]\n", "", 30, "a create names what it made"),
        (
            "kind: jobs, changed",
            "kind: jops, changed",
            45,
            "the description has no kind `jops`; did you mean `jobs`?",
        ),
        ("changed: body.job_id", "into: body.job_id", 45, "exactly one of"),
        ("title: Plainlist", "titel: Plainlist", 3, "unknown field `titel`"),
        ("style: page", "style: pages", 12, "unknown variant `pages`"),
        ("words: {live: open}", "wrds: {live: open}", 17, "unknown field `wrds`"),
        (
            "      emails: row.emails",
            "      emails: {value: row.emails, as: name}",
            22,
            "`emails` is no reference; take `as` out",
        ),
        (
            "words: {live: open}",
            "words: {live: opened}",
            17,
            "`state` of jobs has no word `opened`; did you mean `open`? (there are: draft, \
             pending, open, on_hold, closed, archived, other)",
        ),
        (
            "words: {live: open}",
            "words: {live: open}, other: unknown",
            17,
            "`state` of jobs has no word `unknown` (there are: draft,",
        ),
        (
            "{value: row.status, words: {live: open}}",
            "\"'open' if row.live else 'close'\"",
            17,
            "`state` of jobs has no word `close`",
        ),
        (
            "      emails: row.emails",
            "      emails: {value: row.emails, words: {priv: privat}}",
            22,
            "`emails` of candidates has no word `privat`",
        ),
        ("raw_offers:", "offers:", 23, "the model has no kind `offers`"),
        (
            "{created_at: row.at}",
            "{create_at: row.at}",
            27,
            "a raw kind has no field `create_at`, only `created_at` and `updated_at`",
        ),
        ("{created_at: row.at}", "{content: row}", 27, "`content` is made of the row; take it out"),
        (
            "{job: jobs}",
            "{job: jops}",
            26,
            "neither the model nor this file has the kind `jops`; did you mean `jobs`?",
        ),
        (
            "{job: jobs}",
            "{job: {kind: jobs, id: rwo.id}}",
            26,
            "reads `rwo`, which there is not here",
        ),
        ("opt_in: sensitive", "opt_in: team", 28, "`team` is no setting of `type: array`"),
        (
            "      title: row.title",
            "      title: {value: row.title, known: rwo}",
            16,
            "reads `rwo`",
        ),
        (
            "      title: row.title",
            "      title: {value: row.title, known: row.a, needs: [row.a]}",
            16,
            "`known` stands in place of `needs`",
        ),
        ("2027-03-31", "2027-02-30", 7, "`2027-02-30` is no day; write it as 2026-08-31"),
        ("\"https://plainlist.example/end\"", "soon", 7, "a URL that begins with https://"),
        ("instead: Use v2.", "instead: \"\"", 7, "it says nothing; the warning shows it"),
        ("last_day: ", "last_days: ", 7, "unknown field `last_days`"),
        (
            "      links: [{id: row.id}]",
            "      links: [{id: row.id}]\n      needs: [name]",
            39,
            "a path begins with `row`",
        ),
        (
            "      links: [{id: row.id}]",
            "      links: [{id: row.id}]\n      refuse: [{when: not inptu.name, message: m}]",
            39,
            "reads `inptu`, which there is not here; did you mean `input`?",
        ),
        ("tenant: {request", "tenants: {request", 41, "unknown field `tenants`"),
        ("['x-signature']", "['X-Signature']", 43, "names are in lower case: `x-signature`"),
        ("['x-signature']", ".Signature", 43, "names are in lower case: `signature`"),
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
    assert!(found.first().unwrap().starts_with("line 16: /kinds/jobs/fields/title: "));
    assert!(found.last().unwrap().starts_with("line 22: /kinds/candidates/fields/emails: "));
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
