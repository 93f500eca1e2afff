//! The adapter and the description of the same ATS (`adapters/described/lever.yaml`) say the same:
//! manifest, requests, records and outcomes, over all kinds and operations, without an exception.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::result_large_err,
    reason = "helpers of tests fail like tests"
)]

mod common;

use atsync_adapter::contract::*;
use atsync_adapter::manifest::{KindRule, ScanRule};
use atsync_adapter::{Manifest, PureAdapter};
use atsync_described::{baked, interpret};
use atsync_lever::Lever;
use common::*;
use serde_json::{Value, json};
use std::sync::LazyLock;

static DESCRIBED: LazyLock<String> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../described/lever.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let read = atsync_described::read(&text).unwrap_or_else(|error| panic!("{error}"));
    baked(&read.description).unwrap()
});

fn described(
    given: &Given,
    task: Task,
    answers: &[(u16, Value)],
) -> (Vec<Send>, Result<Outcome, Failure>) {
    walk(
        interpret::start(&DESCRIBED, &[], task, given),
        |state, reply| interpret::resume(&DESCRIBED, &[], state, given, reply),
        answers,
    )
}

/// A request as text, with its parameters in order of their names.
fn request(send: &Send) -> (String, Value, Effect) {
    let Target::Path(path) = &send.request.target else { panic!("a path") };
    let mut query: Vec<String> =
        path.query.iter().map(|field| format!("{}={}", field.name, field.value)).collect();
    query.sort_unstable();
    let body = match &send.request.body {
        Body::Json(text) => serde_json::from_str(text).unwrap(),
        Body::None => Value::Null,
        other => panic!("{other:?}"),
    };
    let line = format!("{} {} {}", send.request.method, path.path, query.join("&"));
    (line, body, send.effect)
}

fn items(items: &[Item], masks: &[Vec<String>]) -> Vec<Value> {
    let mut all: Vec<Value> = items
        .iter()
        .map(|item| {
            let mut mask = masks[item.mask as usize].clone();
            mask.sort_unstable();
            let body: Value = serde_json::from_str(&item.body).unwrap();
            let span = item.raw.as_ref().map(|span| [span.offset, span.length]);
            json!([item.kind, item.id, item.version, body, mask, span])
        })
        .collect();
    all.sort_by_key(ToString::to_string);
    all
}

fn links(all: &[Link]) -> Vec<Value> {
    all.iter().map(|link| json!([link.role, link.kind, link.id])).collect()
}

/// What an outcome says, without its words.
fn said(outcome: &Result<Outcome, Failure>) -> Value {
    match outcome {
        Ok(Outcome::Page(page)) => json!(["page", items(&page.items, &page.masks), page.complete]),
        Ok(Outcome::FlawedPage((page, problems))) => {
            let items = items(&page.items, &page.masks);
            json!(["flawed", items, page.complete, flaws(problems)])
        }
        Ok(Outcome::Fetched(of)) => json!(["fetched", items(&of.items, &of.masks), of.missing]),
        Ok(Outcome::FlawedFetched((of, problems))) => {
            json!(["flawed", items(&of.items, &of.masks), of.missing, flaws(problems)])
        }
        Ok(Outcome::Tenant(tenant)) => json!([tenant.fingerprint, tenant.catalogue]),
        Ok(Outcome::Checked(checked)) => json!(format!("{:?}", checked.verdict)),
        Ok(Outcome::Written(Written::Applied(of))) => {
            json!(["applied", links(&of.links), of.deduplicated, of.warnings])
        }
        Ok(Outcome::Written(Written::Unneeded(of))) => {
            json!(["unneeded", links(&of.links), of.deduplicated, of.warnings])
        }
        Ok(Outcome::Written(Written::Unclear(_))) => json!("unclear"),
        Ok(Outcome::Written(Written::Refused(failure))) => json!(["refused", failed(failure)]),
        Ok(Outcome::Written(other)) => json!(format!("{other:?}")),
        Ok(Outcome::Probed(Probed::Found(found))) => {
            json!(["found", format!("{:?}", found.certainty), links(&found.links)])
        }
        Ok(Outcome::Probed(Probed::Absent(ms))) => json!(["absent", ms]),
        Ok(Outcome::Probed(Probed::Ambiguous(all))) => {
            json!(["ambiguous", all.iter().map(|of| json!([of.kind, of.id])).collect::<Vec<_>>()])
        }
        Ok(Outcome::Probed(Probed::Blind(_))) => json!("blind"),
        Ok(other) => json!(format!("{other:?}")),
        Err(failure) => failed(failure),
    }
}

fn failed(failure: &Failure) -> Value {
    let kind = format!("{failure:?}").split(['(', ' ']).next().unwrap_or_default().to_owned();
    match failure {
        Failure::Denied(denied) => json!([kind, denied.permission]),
        Failure::Invalid(fields) => {
            json!([kind, fields.iter().map(|one| one.field.as_str()).collect::<Vec<_>>()])
        }
        _ => json!(kind),
    }
}

fn flaws(problems: &[Problem]) -> Vec<Value> {
    let mut named: Vec<Value> =
        problems.iter().map(|one| json!([one.kind, one.id, one.field])).collect();
    named.sort_by_key(ToString::to_string);
    named
}

#[track_caller]
fn same(task: &Task, answers: &[(u16, Value)]) {
    for given in given_by() {
        same_with(&given, task, answers);
    }
}

/// As a rule, and where the account or the author of writes is not known.
fn given_by() -> [Given; 4] {
    let whole = given();
    let no_settings = || "{}".to_owned();
    [
        given(),
        Given { tenant: None, ..given() },
        Given { settings: no_settings(), ..given() },
        Given { mark: None, ..whole },
    ]
}

#[track_caller]
fn same_with(given: &Given, task: &Task, answers: &[(u16, Value)]) {
    assert_eq!(difference(given, task, answers), None);
}

/// Where the two differ, if they do.
fn difference(given: &Given, task: &Task, answers: &[(u16, Value)]) -> Option<String> {
    let (sent, outcome) = run(given, task.clone(), answers);
    let (theirs, their_outcome) = described(given, task.clone(), answers);
    let requests = |sent: &[Send]| sent.iter().map(request).collect::<Vec<_>>();
    let (ours, theirs) = (requests(&sent), requests(&theirs));
    if ours != theirs {
        return Some(format!("{task:?}\n{ours:?}\n{theirs:?}"));
    }
    let found = unequal("", &said(&outcome), &said(&their_outcome));
    (!found.is_empty()).then(|| {
        let answers: Vec<String> =
            answers.iter().map(|(status, body)| format!("{status} {body}")).collect();
        format!("{task:?}\n{}\n{}", answers.join("\n"), found.join("\n"))
    })
}

/// The places where two values differ.
fn unequal(at: &str, one: &Value, other: &Value) -> Vec<String> {
    match (one, other) {
        (Value::Array(all), Value::Array(others)) if all.len() == others.len() => {
            let pairs = all.iter().zip(others).enumerate();
            pairs.flat_map(|(index, (a, b))| unequal(&format!("{at}/{index}"), a, b)).collect()
        }
        (Value::Object(all), Value::Object(others)) if all.keys().eq(others.keys()) => all
            .iter()
            .flat_map(|(name, a)| unequal(&format!("{at}/{name}"), a, &others[name]))
            .collect(),
        (one, other) if one == other => Vec::new(),
        (one, other) => vec![format!("{at}: {one} and {other}")],
    }
}

fn sorted(mut manifest: Manifest) -> Value {
    manifest.kinds.sort_by(|one, other| one.name.cmp(&other.name));
    let sort = |rule: &mut KindRule| {
        rule.fields.sort_unstable();
        rule.expected.sort_unstable();
        if matches!(rule.scan, ScanRule::Inside { .. }) {
            // Such a kind has no pages of its own.
            rule.page_max = 0;
        }
    };
    manifest.kinds.iter_mut().for_each(sort);
    manifest.operations.sort_by(|one, other| one.name.cmp(&other.name));
    for rule in &mut manifest.operations {
        rule.fields.sort_by(|one, other| one.name.cmp(&other.name));
    }
    let mut manifest = serde_json::to_value(manifest).unwrap();
    for own in ["name", "version"] {
        manifest.as_object_mut().unwrap().remove(own);
    }
    manifest
}

#[test]
fn the_manifests_are_the_same_but_for_their_names() {
    let ours = sorted(Lever::describe());
    let theirs = sorted(interpret::describe(&DESCRIBED).unwrap());
    assert_eq!(unequal("", &ours, &theirs), Vec::<String>::new());
}

#[test]
fn pages_of_every_kind_are_the_same() {
    for (kind, parent, rows) in rows() {
        let page = json!({"data": rows, "hasNext": true, "next": "%5B3%2C%22a%22%5D"});
        let task = Scan { parent, ..scan(kind) };
        same(&Task::Scan(task.clone()), &[(200, page)]);
        for status in [400, 401, 403, 404, 429, 503] {
            same(&Task::Scan(task.clone()), &[(status, json!({"message": "no"}))]);
        }
    }
}

/// The members whose text is an id, which is never empty.
const IDS: &[&str] = &[
    "creator",
    "hiringManager",
    "interview",
    "owner",
    "panel",
    "posting",
    "reason",
    "referrer",
    "stage",
    "toStageId",
    "user",
];

/// The row with each member but the id, at any depth, in turn left out, null, and empty.
fn changed(row: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    let parts: Vec<String> = match row {
        Value::Object(members) => members.keys().filter(|name| *name != "id").cloned().collect(),
        Value::Array(entries) => (0..entries.len()).map(|at| at.to_string()).collect(),
        _ => Vec::new(),
    };
    for part in parts {
        let pointer = format!("/{part}");
        let of = row.pointer(&pointer).unwrap();
        let mut set = |value: Value| {
            let mut made = row.clone();
            *made.pointer_mut(&pointer).unwrap() = value;
            all.push(made);
        };
        // No list is documented to have a null, and blank addresses are in the row already.
        if row.is_object() {
            set(Value::Null);
            if of.is_string() && !IDS.contains(&part.as_str()) {
                set(json!(""));
            }
        }
        if of.is_array() {
            set(json!([]));
        }
        changed(of).into_iter().for_each(set);
        let mut without = row.clone();
        match &mut without {
            Value::Object(members) => drop(members.remove(&part)),
            Value::Array(entries) => drop(entries.remove(part.parse().unwrap())),
            _ => {}
        }
        all.push(without);
    }
    all
}

#[test]
fn rows_without_a_member_or_with_null_or_nothing_in_it_are_the_same() {
    let mut found = Vec::new();
    let nobody = Given { tenant: None, ..given() };
    for (kind, parent, rows) in rows() {
        for row in rows.iter().flat_map(changed) {
            let task = Task::Scan(Scan { parent: parent.clone(), ..scan(kind) });
            let page = [(200, json!({"data": [row], "hasNext": false}))];
            found.extend(difference(&given(), &task, &page));
            found.extend(difference(&nobody, &task, &page));
        }
    }
    for row in changed(&opportunity()["contact"]) {
        let task = Task::Fetch(Fetch { kind: "candidates".into(), ids: vec!["contact-1".into()] });
        found.extend(difference(&given(), &task, &[(200, json!({"data": row}))]));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// What the conformance suite tries with a row of a sandbox, with every row of these tests.
#[test]
fn a_member_of_another_shape_is_reported_and_costs_no_more_than_its_fields() {
    for (kind, parent, rows) in rows() {
        for row in &rows {
            let task = || Task::Scan(Scan { parent: parent.clone(), ..scan(kind) });
            let run = |row: &Value| {
                let answer = [(200, json!({"data": [row], "hasNext": false}))];
                described(&given(), task(), &answer).1
            };
            let usual = said(&run(row));
            for (name, value) in row.as_object().unwrap().iter().filter(|(_, of)| !of.is_null()) {
                let mut bad = row.clone();
                bad[name] = match value {
                    Value::Object(_) | Value::Array(_) => json!(7),
                    _ => json!({"unexpected": [1]}),
                };
                let found = run(&bad);
                let is_same = || {
                    let spans = |said: &Value| {
                        let mut said = said.clone();
                        for item in said[1].as_array_mut().unwrap() {
                            item[5] = Value::Null;
                        }
                        said
                    };
                    spans(&said(&found)) == spans(&usual)
                };
                let is_raw = kind.starts_with("raw_");
                assert!(
                    is_raw || matches!(found, Ok(Outcome::FlawedPage(_))) || is_same(),
                    "{kind}.{name}: {found:?}"
                );
            }
        }
    }
}

#[test]
fn records_that_are_expanded_or_not_are_read_the_same() {
    let mut broken = opportunity();
    broken["stageChanges"] = json!("surprise");
    let mut row = opportunity();
    row["contact"] = json!("contact-1");
    row["applications"] = json!(["app-1"]);
    let mut other = opportunity();
    other["stage"] = json!({"id": "offer", "text": "Offer"});
    other["owner"] = json!({"id": "user-3", "name": "Uma"});
    let hired = json!({"id": "r", "text": "Hired", "status": "active", "type": "hired"});
    for (kind, rows) in
        [("applications", vec![row, other, broken]), ("reject_reasons", vec![hired])]
    {
        let page = json!({"data": rows, "hasNext": false});
        same(&Task::Scan(scan(kind)), &[(200, page)]);
    }
}

#[test]
fn windows_cursors_and_fetches_are_the_same() {
    let window = Window { from: "2017-04-05T23:32:00Z".into(), to: "2017-04-05T23:33:00Z".into() };
    let none = json!({"data": [], "hasNext": false});
    for kind in ["applications", "jobs", "openings", "raw_requisitions"] {
        let since = Since::Window(window.clone());
        same(&Task::Scan(Scan { since, page_size: 7, ..scan(kind) }), &[(200, none.clone())]);
    }
    for (kind, id, row) in [
        ("applications", "opp-1", opportunity()),
        ("candidates", "contact-1", opportunity()["contact"].clone()),
        ("jobs", "posting-1", posting()),
        ("notes", "opp-1/note-1", note()),
        ("users", "user-1", user()),
    ] {
        let task = Task::Fetch(Fetch { kind: kind.into(), ids: vec![id.into()] });
        same(&task, &[(200, json!({"data": row}))]);
        same(&task, &[(404, json!({"message": "gone"}))]);
        same(&task, &[(403, json!({"message": "no"}))]);
    }
}

#[test]
fn the_account_and_the_permissions_are_the_same() {
    let reasons = json!({"data": [
        {"id": "r1", "text": "Underqualified", "status": "active", "type": "non-hired"},
        {"id": "r2", "text": "Hired", "status": "active", "type": "hired"}
    ]});
    same(&Task::DescribeTenant, &[(200, reasons)]);
    same(&Task::DescribeTenant, &[(200, json!({"data": []}))]);
    for permission in Lever::describe().permissions {
        for status in [200, 401, 403, 404, 429, 500] {
            same(&Task::Check(permission.id.clone()), &[(status, json!({"message": "x"}))]);
        }
    }
}

#[test]
fn writes_and_probes_are_the_same() {
    let active = || (200, json!({"data": {"id": "opp-1", "stage": "s1", "archived": null}}));
    let ended = |reason: &str| {
        let archived = json!({"reason": reason, "archivedAt": 1});
        (200, json!({"data": {"id": "opp-1", "stage": "s1", "archived": archived}}))
    };
    let done = || (200, json!({"data": {"id": "opp-1", "name": ""}}));
    let made = || (201, json!({"data": {"id": "opp-2", "contact": "contact-1"}, "deduped": true}));
    let of = Some(("applications", "opp-1"));
    let person = Some(("candidates", "contact-1"));
    let contact = || {
        (
            200,
            json!({"data": {"id": "contact-1", "emails": ["Dana@Example.com"],
            "phones": [{"type": "home", "value": "+49301234"}]}}),
        )
    };
    for input in inputs() {
        same(&write("candidates.create", None, input.clone()), &[made()]);
        same(&write("candidates.create", None, input.clone()), &[(500, json!({}))]);
        same(&write("candidates.create", None, input), &[(400, json!({"message": "no"}))]);
    }
    let application = json!({"candidate": "contact-1", "job": "posting-1", "source": "Fair"});
    same(&write("applications.create", None, application), &[made()]);
    same(&write("applications.create", None, json!({"candidate": "contact-1"})), &[made()]);
    for shown in [
        json!({"id": "contact-1", "emails": null, "phones": []}),
        json!({"id": "contact-1", "phones": []}),
        json!({"id": "contact-1", "emails": []}),
    ] {
        for change in [
            json!({"remove": {"emails": [{"value": "a@b.c"}]}}),
            json!({"add": {"emails": ["a@b.c"]}}),
        ] {
            let shown = (200, json!({"data": shown}));
            same(&probe("candidates.update", person, change.clone()), std::slice::from_ref(&shown));
            same(&write("candidates.update", person, change), &[shown.clone(), shown]);
        }
    }
    for change in [
        json!({"add": {"emails": [{"value": "new@example.com", "type": "work"}]},
            "remove": {"phones": [{"value": "+49 30 1234"}]}}),
        json!({"add": {"phones": [{"value": "+49 40 99", "type": "company"}]}}),
        json!({"add": {"emails": [{"value": "dana@example.com"}]}}),
        json!({"add": {"phones": [{"value": "+49301234", "type": "work"}]},
            "remove": {"phones": [{"value": "+49301234", "type": "home"}]}}),
    ] {
        for answer in [contact(), (404, json!({})), (403, json!({}))] {
            same(&probe("candidates.update", person, change.clone()), &[answer]);
        }
        same(&write("candidates.update", person, change), &[contact(), contact()]);
    }
    let seen = |value: &str| json!({"to_stage": "s2", "seen": {"stage": [{"id": value}, "s2"]}});
    same(&write("applications.move", of, seen("s1")), &[active(), done()]);
    same(&write("applications.move", of, seen("s0")), &[active()]);
    same(&write("applications.move", of, json!({"to_stage": "s1"})), &[active()]);
    let expanded = json!({"data": {"id": "opp-1", "stage": {"id": "s1"}, "archived": null}});
    same(&write("applications.move", of, seen("s1")), &[(200, expanded.clone()), done()]);
    for to_stage in ["s1", "s2"] {
        let task = probe("applications.move", of, json!({ "to_stage": to_stage }));
        for answer in [active(), (200, expanded.clone()), (404, json!({})), (403, json!({}))] {
            same(&task, &[answer]);
        }
    }
    let unsaid = || (200, json!({"data": {"id": "opp-1", "stage": "s1"}}));
    let no_reason = || (200, json!({"data": {"id": "opp-1", "archived": {"archivedAt": 1}}}));
    for (name, input) in [
        ("applications.reject", json!({"reason": "r1"})),
        ("applications.hire", json!({"opening": "req-1"})),
        ("applications.unreject", json!({})),
        ("applications.unhire", json!({})),
    ] {
        let gone = || (404, json!({"message": "gone"}));
        let answers = [active(), ended("r1"), ended("reason-hired"), unsaid(), no_reason(), gone()];
        for now in answers {
            for answer in [done(), (400, json!({"message": "no"})), (502, json!({}))] {
                same(&write(name, of, input.clone()), &[now.clone(), answer]);
            }
            same(&probe(name, of, input.clone()), &[now]);
        }
    }
    let guarded = json!({"reason": "r1", "seen": {"outcome": ["active"], "reject_reason": ["r1"]}});
    same(&write("applications.reject", of, guarded), &[ended("reason-hired")]);
    for visibility in [json!({}), json!({"visibility": "public"}), json!({"visibility": "private"})]
    {
        let mut input =
            json!({"candidate": "contact-1", "application": "opp-1", "body": "Hello\nthere"});
        input.as_object_mut().unwrap().extend(visibility.as_object().unwrap().clone());
        same(&write("notes.create", None, input), &[(201, json!({"data": {"id": "n1"}}))]);
    }
    let input = json!({"candidate": "contact-1", "body": "Hello"});
    for shown in opportunities_of_a_person() {
        for answer in [(201, json!({"data": {"id": "n1"}})), (400, json!({"message": "no"}))] {
            same(&write("notes.create", None, input.clone()), &[shown.clone(), answer]);
        }
        let notes = json!({"data": [note()], "hasNext": false});
        same(&probe("notes.create", None, input.clone()), &[shown, (200, notes)]);
    }
}

/// What Lever may answer to the search for a person's opportunities.
fn opportunities_of_a_person() -> Vec<(u16, Value)> {
    let row = |id: &str, of: Value, at: Value| json!({"id": id, "contact": of, "createdAt": at});
    let own = || json!("contact-1");
    let old = || row("opp-2", own(), json!(5));
    let rows = [
        json!([]),
        json!([old()]),
        json!([row("opp-1", own(), json!(9)), old(), row("opp-3", own(), json!(7))]),
        json!([old(), row("opp-1", own(), json!(5))]),
        json!([row("opp-1", json!("contact-2"), json!(1)), old()]),
        json!([row("opp-1", json!({"id": "contact-1"}), json!(1)), old()]),
        json!([row("opp-1", Value::Null, json!(1))]),
        json!([row("opp-1", own(), Value::Null), old()]),
        json!([row("opp-1", own(), Value::Null)]),
        Value::Null,
    ];
    let mut all: Vec<(u16, Value)> =
        rows.into_iter().map(|rows| (200, json!({"data": rows, "hasNext": false}))).collect();
    all.push((200, json!({"data": [old()], "hasNext": true})));
    all.push((200, json!({"data": [old()]})));
    all.push((502, json!({"message": "no"})));
    all
}

#[test]
fn searches_of_probes_are_the_same() {
    let row = |created_at: u64| {
        let mut row = opportunity();
        row["createdAt"] = json!(created_at);
        row
    };
    let other = |created_at: u64| {
        let mut row = row(created_at);
        (row["id"], row["contact"]["id"]) = (json!("opp-2"), json!("contact-2"));
        row
    };
    let (marked, old) = (MARK_MS, 1);
    let unexpanded = |created_at: u64| {
        let mut row = row(created_at);
        (row["contact"], row["applications"]) = (json!("contact-1"), json!(["app-1"]));
        row
    };
    let unapplied = {
        let mut row = row(old);
        row["applications"] = json!([]);
        row
    };
    let unsaid = {
        let mut row = row(old);
        row.as_object_mut().unwrap().remove("applications");
        row
    };
    let pages = |rows: Vec<Value>| vec![(200, json!({"data": rows, "hasNext": false}))];
    let application = json!({"candidate": "contact-1", "job": "posting-1"});
    for rows in [
        vec![],
        vec![row(old)],
        vec![row(marked)],
        vec![row(old), other(old)],
        vec![other(old), row(marked)],
        vec![unexpanded(old)],
        vec![unexpanded(marked)],
        vec![unapplied],
        vec![unsaid],
    ] {
        for input in inputs() {
            same(&probe("candidates.create", None, input), &pages(rows.clone()));
        }
        same(&probe("applications.create", None, application.clone()), &pages(rows.clone()));
        same(&probe("applications.create", None, json!({"candidate": "c"})), &pages(rows));
    }
    let blank = json!({"name": {"last": "Example"}, "emails": [{"value": " "}]});
    same(&probe("candidates.create", None, blank), &pages(vec![]));
    let note = |id: &str, text: &str, created_at: u64| {
        let fields = [json!({ "value": text })];
        json!({"id": id, "fields": fields, "createdAt": created_at})
    };
    let input = json!({"candidate": "c", "application": "opp-1", "body": "Hello\nthere"});
    for rows in [
        vec![note("n0", "Hello", old)],
        vec![
            json!({"id": "n2", "fields": [{"value": "Hello"}, {"value": "there"}], "createdAt": 2}),
        ],
        vec![json!({"id": "n2", "createdAt": 2})],
        vec![note("n0", "Hello\nthere", old)],
        vec![note("n0", "Hello\nthere", old), note("n1", "Hello\nthere", old)],
        vec![note("n0", "Hello\nthere", old), note("n1", "Hello\nthere", marked)],
    ] {
        same(&probe("notes.create", None, input.clone()), &pages(rows));
    }
}

#[test]
fn webhooks_are_the_same() {
    let data = json!({"opportunityId": "opp-1", "contactId": "contact-1"});
    for (event, data) in [
        ("candidateStageChange", data.clone()),
        ("candidateDeleted", data.clone()),
        ("candidateHired", data),
        ("candidateHired", json!({"opportunityId": "opp-1"})),
        ("candidateDeleted", json!({"opportunityId": null})),
        ("test", json!({})),
        ("test", Value::Null),
    ] {
        let body = json!({"event": event, "triggeredAt": MARK_MS, "token": "t", "signature": "0a",
            "data": data});
        let hook = Hook { headers: Vec::new(), body: body.to_string().into_bytes() };
        let ours = Lever::start(Task::Hook(hook.clone()), &given()).unwrap();
        let theirs = interpret::start(&DESCRIBED, &[], Task::Hook(hook), &given()).unwrap();
        let (Step::Verify(ours), Step::Verify(theirs)) = (ours, theirs) else { panic!() };
        assert_eq!(ours.message, theirs.message);
        assert_eq!((ours.candidates, ours.algorithm), (theirs.candidates, theirs.algorithm));
        let ours = Lever::resume(ours.state, &given(), Reply::Verified(true));
        let reply = Reply::Verified(true);
        let theirs = interpret::resume(&DESCRIBED, &[], theirs.state, &given(), reply);
        let (Ok(Step::Done(Outcome::Hooked(ours))), Ok(Step::Done(Outcome::Hooked(theirs)))) =
            (ours, theirs)
        else {
            panic!()
        };
        assert_eq!((ours.hints, ours.signed_at_ms), (theirs.hints, theirs.signed_at_ms));
    }
}
