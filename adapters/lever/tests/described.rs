//! The adapter and the description of the same ATS (`adapters/described/lever.yaml`) say the same:
//! manifest, requests, records. Where they differ on purpose, a test here says so.

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

fn described(task: Task, answers: &[(u16, Value)]) -> (Vec<Send>, Result<Outcome, Failure>) {
    walk(
        interpret::start(&DESCRIBED, &[], task, &given()),
        |state, reply| interpret::resume(&DESCRIBED, &[], state, &given(), reply),
        answers,
    )
}

fn rust(task: Task, answers: &[(u16, Value)]) -> (Vec<Send>, Result<Outcome, Failure>) {
    run(&given(), task, answers)
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
            json!([item.kind, item.id, item.version, body, mask])
        })
        .collect();
    all.sort_by_key(ToString::to_string);
    all
}

/// What an outcome says, without what is the SDK's own.
fn said(outcome: &Result<Outcome, Failure>) -> Value {
    match outcome {
        Ok(Outcome::Page(page)) => json!(["page", items(&page.items, &page.masks), page.complete]),
        Ok(Outcome::FlawedPage((page, problems))) => {
            let mut named: Vec<Value> =
                problems.iter().map(|one| json!([one.kind, one.id, one.field])).collect();
            named.sort_by_key(ToString::to_string);
            json!(["flawed", items(&page.items, &page.masks), page.complete, named])
        }
        Ok(Outcome::Fetched(of)) => json!(["fetched", items(&of.items, &of.masks), of.missing]),
        Ok(Outcome::Tenant(tenant)) => json!([tenant.fingerprint, tenant.catalogue]),
        Ok(Outcome::Checked(checked)) => json!(format!("{:?}", checked.verdict)),
        Ok(Outcome::Written(Written::Applied(of))) => json!(["applied", of.deduplicated]),
        Ok(Outcome::Written(Written::Unneeded(_))) => json!("unneeded"),
        Ok(Outcome::Written(Written::Unclear(_))) => json!("unclear"),
        Ok(Outcome::Written(other)) => json!(format!("{other:?}")),
        Ok(Outcome::Probed(Probed::Found(found))) => {
            json!(["found", format!("{:?}", found.certainty)])
        }
        Ok(Outcome::Probed(Probed::Absent(ms))) => json!(["absent", ms]),
        Ok(Outcome::Probed(Probed::Ambiguous(all))) => json!(["ambiguous", all.len()]),
        Ok(other) => json!(format!("{other:?}")),
        Err(failure) => {
            json!(format!("{failure:?}").split(['(', ' ']).next().unwrap_or_default())
        }
    }
}

#[track_caller]
fn same(task: &Task, answers: &[(u16, Value)]) {
    let (sent, outcome) = rust(task.clone(), answers);
    let (theirs, their_outcome) = described(task.clone(), answers);
    let requests = |sent: &[Send]| sent.iter().map(request).collect::<Vec<_>>();
    assert_eq!(requests(&sent), requests(&theirs), "{task:?}");
    assert_eq!(said(&outcome), said(&their_outcome), "{task:?}\n{outcome:?}\n{their_outcome:?}");
}

/// The description has no raw kinds and none of the permissions that only they need.
fn sorted(mut manifest: Manifest) -> Value {
    let whole = manifest.clone();
    manifest.kinds.retain(|rule| !rule.raw);
    manifest.permissions.retain(|permission| !whole.is_for_raw_alone(&permission.id));
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
    for own in ["name", "version", "settings_schema"] {
        manifest.as_object_mut().unwrap().remove(own);
    }
    manifest
}

#[test]
fn the_manifests_are_the_same_but_for_their_names() {
    let ours = sorted(Lever::describe());
    let theirs = sorted(interpret::describe(&DESCRIBED).unwrap());
    for (name, value) in ours.as_object().unwrap() {
        let (one, other) = (format!("{value:#}"), format!("{:#}", theirs[name]));
        assert_eq!(one, other, "{name}");
    }
    assert_eq!(ours, theirs);
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

#[test]
fn rows_without_a_member_or_with_null_or_another_type_are_the_same() {
    for (kind, parent, rows) in rows() {
        for row in &rows {
            for member in row.as_object().unwrap().keys().filter(|name| *name != "id") {
                let mut changed = Vec::new();
                let mut without = row.clone();
                without.as_object_mut().unwrap().remove(member);
                changed.push(without);
                // A source or tag is known by its text, and the others have no documented null.
                let has_none = ["text", "type", "isAnonymized"].contains(&member.as_str())
                    || [("reject_reasons", "status")].contains(&(kind, member.as_str()));
                if !has_none {
                    let mut null = row.clone();
                    null[member] = Value::Null;
                    changed.push(null);
                }
                let task = Scan { parent: parent.clone(), ..scan(kind) };
                same(&Task::Scan(task), &[(200, json!({"data": changed, "hasNext": false}))]);
            }
        }
    }
}

#[test]
fn windows_cursors_and_fetches_are_the_same() {
    let window = Window { from: "2017-04-05T23:32:00Z".into(), to: "2017-04-05T23:33:00Z".into() };
    let none = json!({"data": [], "hasNext": false});
    for kind in ["applications", "jobs", "openings"] {
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
    let manifest = Lever::describe();
    let shared = manifest.permissions.iter().filter(|one| !manifest.is_for_raw_alone(&one.id));
    for permission in shared {
        for status in [200, 403, 404] {
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
    for change in [
        json!({"add": {"emails": [{"value": "new@example.com", "type": "work"}]},
            "remove": {"phones": [{"value": "+49 30 1234"}]}}),
        json!({"add": {"phones": [{"value": "+49 40 99", "type": "company"}]}}),
        json!({"add": {"emails": [{"value": "dana@example.com"}]}}),
        json!({"add": {"phones": [{"value": "+49301234", "type": "work"}]},
            "remove": {"phones": [{"value": "+49301234", "type": "home"}]}}),
    ] {
        same(&write("candidates.update", person, change), &[contact(), contact()]);
    }
    let seen = |value: &str| json!({"to_stage": "s2", "seen": {"stage": [{"id": value}, "s2"]}});
    same(&write("applications.move", of, seen("s1")), &[active(), done()]);
    same(&write("applications.move", of, seen("s0")), &[active()]);
    same(&write("applications.move", of, json!({"to_stage": "s1"})), &[active()]);
    for (name, input) in [
        ("applications.reject", json!({"reason": "r1"})),
        ("applications.hire", json!({"opening": "req-1"})),
        ("applications.unreject", json!({})),
        ("applications.unhire", json!({})),
    ] {
        for now in [active(), ended("r1"), ended("reason-hired")] {
            same(&write(name, of, input.clone()), &[now.clone(), done()]);
            same(&probe(name, of, input.clone()), &[now]);
        }
    }
    let guarded = json!({"reason": "r1", "seen": {"outcome": ["active"], "reject_reason": ["r1"]}});
    same(&write("applications.reject", of, guarded), &[ended("reason-hired")]);
    for visibility in [json!({}), json!({"visibility": "public"}), json!({"visibility": "private"})]
    {
        let mut input = json!({"application": "opp-1", "body": "Hello\nthere"});
        input.as_object_mut().unwrap().extend(visibility.as_object().unwrap().clone());
        same(&write("notes.create", None, input), &[(201, json!({"data": {"id": "n1"}}))]);
    }
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
    let pages = |rows: Vec<Value>| vec![(200, json!({"data": rows, "hasNext": false}))];
    let application = json!({"candidate": "contact-1", "job": "posting-1"});
    for rows in [
        vec![],
        vec![row(old)],
        vec![row(marked)],
        vec![row(old), other(old)],
        vec![other(old), row(marked)],
    ] {
        for input in inputs() {
            same(&probe("candidates.create", None, input), &pages(rows.clone()));
        }
        same(&probe("applications.create", None, application.clone()), &pages(rows.clone()));
        same(&probe("applications.create", None, json!({"candidate": "c"})), &pages(rows));
    }
    let note = |id: &str, text: &str, created_at: u64| {
        let fields = [json!({ "value": text })];
        json!({"id": id, "fields": fields, "createdAt": created_at})
    };
    let input = json!({"application": "opp-1", "body": "Hello\nthere"});
    for rows in [
        vec![note("n0", "Hello", old)],
        vec![note("n0", "Hello\nthere", old)],
        vec![note("n0", "Hello\nthere", old), note("n1", "Hello\nthere", old)],
        vec![note("n0", "Hello\nthere", old), note("n1", "Hello\nthere", marked)],
    ] {
        same(&probe("notes.create", None, input.clone()), &pages(rows));
    }
}

#[test]
fn webhooks_are_the_same() {
    for event in ["candidateStageChange", "candidateDeleted", "candidateHired"] {
        let body = json!({"event": event, "triggeredAt": MARK_MS, "token": "t", "signature": "0a",
            "data": {"opportunityId": "opp-1", "contactId": "contact-1"}});
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
