//! Writes and probes.

use super::support::*;
use atsync_adapter::contract::*;
use serde_json::{Value, json};

fn operation(name: &str, target: Option<(&str, &str)>, input: Value) -> Operation {
    let target = target.map(|(kind, id)| RemoteRef::new(kind, id));
    Operation { name: name.into(), target, input: input.to_string() }
}

fn write(name: &str, target: Option<(&str, &str)>, input: Value) -> Task {
    Task::Write(Write { operation: operation(name, target, input), observed: None })
}

fn probe(name: &str, target: Option<(&str, &str)>, input: Value) -> Task {
    Task::Probe(Probe { operation: operation(name, target, input), first_sent_ms: Some(1) })
}

fn written(outcome: Result<Outcome, Failure>) -> Written {
    let Outcome::Written(written) = outcome.unwrap() else { panic!() };
    written
}

fn probed(outcome: Result<Outcome, Failure>) -> Probed {
    let Outcome::Probed(probed) = outcome.unwrap() else { panic!() };
    probed
}

fn dana() -> Value {
    json!({
        "name": {"first": "Dana", "last": "Example"},
        "emails": [{"value": "dana@example.com", "type": "personal"}],
        "phones": [{"value": "+49 30 1234", "type": "company"}],
        "application": {"kind": "application", "job": "posting-1", "stage": "applicant-new"}
    })
}

#[test]
fn a_candidate_is_created_with_its_application_and_the_mark() {
    let answer = json!({"data": {"id": "opp-1", "contact": "contact-1"}, "deduped": true});
    let (sent, outcome) = lever().run(write("candidates.create", None, dana()), &[(201, answer)]);
    assert_eq!(path(&sent[0]), ("POST /opportunities".into(), "perform_as=user-1".into()));
    assert_eq!(sent[0].effect, Effect::Unsafe);
    assert_eq!(
        body(&sent[0]),
        json!({
            "name": "Dana Example", "emails": ["dana@example.com"],
            "phones": [{"value": "+49 30 1234", "type": "other"}], "links": [],
            "postings": ["posting-1"], "sources": [], "stage": "applicant-new",
            "createdAt": 1_789_999_999_123_u64
        })
    );
    // Nothing of the input is remembered beyond what the answer's links need.
    assert!(!String::from_utf8_lossy(&sent[0].state).contains("dana@"));
    let link = |role: &str, kind: &str, id: &str| Link {
        role: role.into(),
        kind: kind.into(),
        id: id.into(),
    };
    assert_eq!(
        written(outcome),
        Written::Applied(Applied {
            links: vec![
                link("subject", "candidates", "contact-1"),
                link("applications", "applications", "opp-1")
            ],
            deduplicated: true,
            warnings: vec![],
        })
    );
}

#[test]
fn an_answer_that_does_not_say_whether_it_happened_leaves_the_write_in_doubt() {
    for (status, body) in [
        (500, json!({})),
        (201, json!({"data": {}})),
        (200, Value::Null),
        (418, json!({})),
        (302, json!({})),
    ] {
        let (_, outcome) = lever().run(write("candidates.create", None, dana()), &[(status, body)]);
        assert!(matches!(written(outcome), Written::Unclear(_)), "{status}");
    }
    let refusal = json!({"code": "X", "message": "no such stage"});
    let (_, outcome) = lever().run(write("candidates.create", None, dana()), &[(400, refusal)]);
    assert!(matches!(written(outcome), Written::Refused(Failure::Invalid(_))));
}

#[test]
fn a_create_in_doubt_is_found_by_its_mark_or_by_its_address() {
    let lever = lever();
    let mut row = opportunity();
    let found = |row: &Value, more: &[Value]| {
        let mut rows = vec![row.clone()];
        rows.extend_from_slice(more);
        let answer = json!({"data": rows, "hasNext": false});
        let (sent, outcome) = lever.run(probe("candidates.create", None, dana()), &[(200, answer)]);
        assert_eq!(path(&sent[0]).1, "email=dana@example.com&expand=applications&expand=contact");
        probed(outcome)
    };
    let Probed::Found(by_address) = found(&row, &[]) else { panic!() };
    assert_eq!((by_address.certainty, by_address.links.len()), (Certainty::Matched, 1));
    let other = {
        let mut other = row.clone();
        other["contact"]["id"] = json!("contact-2");
        other
    };
    assert!(
        matches!(found(&row, std::slice::from_ref(&other)), Probed::Ambiguous(of) if of.len() == 2)
    );
    row["createdAt"] = json!(1_789_999_999_123_u64);
    let Probed::Found(by_mark) = found(&row, &[other]) else { panic!() };
    assert_eq!((by_mark.certainty, by_mark.links.len()), (Certainty::Marked, 2));
    row["emails"] = json!(["someone@example.com"]);
    row["createdAt"] = json!(1);
    assert_eq!(found(&row, &[]), Probed::Absent(60_000));
}

#[test]
fn a_search_beyond_its_pages_is_blind_and_never_absent() {
    let page = |at: u32| (200, json!({"data": [], "hasNext": true, "next": format!("t{at}")}));
    let pages: Vec<(u16, Value)> = (0..5).map(page).collect();
    let (sent, outcome) = lever().run(probe("candidates.create", None, dana()), &pages);
    assert_eq!(sent.len(), 5);
    assert!(matches!(probed(outcome), Probed::Blind(_)));
}

#[test]
fn contacts_of_others_stay_when_a_list_is_replaced() {
    let input = json!({
        "add": {"emails": [{"value": "new@example.com", "type": "work"}]},
        "remove": {"phones": [{"value": "+49 30 1234"}]}
    });
    let contact = json!({"data": {"id": "contact-1", "emails": ["Dana@Example.com"],
        "phones": [{"type": "home", "value": "+49301234"}, {"type": "work", "value": "+49 40 99"}]}});
    let target = Some(("candidates", "contact-1"));
    let (sent, outcome) = lever().run(
        write("candidates.update", target, input),
        &[(200, contact.clone()), (200, contact.clone())],
    );
    assert_eq!(path(&sent[0]).0, "GET /contacts/contact-1");
    assert_eq!(
        (path(&sent[1]).0.as_str(), sent[1].effect),
        ("PUT /contacts/contact-1", Effect::Unsafe)
    );
    assert_eq!(
        body(&sent[1]),
        json!({
            "emails": ["Dana@Example.com", "new@example.com"],
            "phones": [{"type": "work", "value": "+49 40 99"}]
        })
    );
    assert!(matches!(written(outcome), Written::Applied(_)));
    let there = json!({"add": {"emails": [{"value": "dana@example.com"}]}});
    let (sent, outcome) = lever().run(write("candidates.update", target, there), &[(200, contact)]);
    assert_eq!(sent.len(), 1);
    assert!(matches!(written(outcome), Written::Unneeded(_)));
}

#[test]
fn a_stage_that_a_recruiter_changed_is_not_overwritten() {
    let target = Some(("applications", "opp-1"));
    let now = |stage: &str| (200, json!({"data": {"stage": stage, "archived": null}}));
    let input = json!({"to_stage": "offer", "seen": {"stage": [{"id": "applicant-new"}, "offer"]}});
    let (sent, outcome) =
        lever().run(write("applications.move", target, input.clone()), &[now("screen")]);
    assert_eq!(sent.len(), 1);
    assert!(matches!(outcome, Err(Failure::Conflict(_))));
    let (sent, outcome) = lever().run(
        write("applications.move", target, input.clone()),
        &[now("applicant-new"), (200, json!({"data": {"id": "opp-1", "name": ""}}))],
    );
    assert_eq!(path(&sent[1]).0, "PUT /opportunities/opp-1/stage");
    assert!(matches!(written(outcome), Written::Applied(_)));
    let (_, outcome) =
        lever().run(write("applications.move", target, input.clone()), &[now("offer")]);
    assert!(matches!(written(outcome), Written::Unneeded(_)));
    let (_, outcome) =
        lever().run(probe("applications.move", target, input.clone()), &[now("offer")]);
    assert!(matches!(probed(outcome), Probed::Found(_)));
    let (_, outcome) = lever().run(probe("applications.move", target, input), &[now("screen")]);
    assert_eq!(probed(outcome), Probed::Absent(0));
}

#[test]
fn a_rejection_a_hire_and_a_return_are_archived_states() {
    let target = Some(("applications", "opp-1"));
    let active = (200, json!({"data": {"stage": "s", "archived": null}}));
    let done = (200, json!({"data": {"id": "opp-1"}}));
    let archived =
        (200, json!({"data": {"stage": "s", "archived": {"reason": "r1", "archivedAt": 1}}}));
    for (name, input, before, sent_body) in [
        ("applications.reject", json!({"reason": "r1"}), &active, json!({"reason": "r1"})),
        ("applications.hire", json!({}), &active, json!({"reason": "reason-hired"})),
        ("applications.unreject", json!({}), &archived, json!({"reason": null})),
        ("applications.unhire", json!({}), &archived, json!({"reason": null})),
    ] {
        let (sent, outcome) =
            lever().run(write(name, target, input), &[before.clone(), done.clone()]);
        assert_eq!(path(&sent[1]).0, "PUT /opportunities/opp-1/archived");
        assert_eq!(body(&sent[1]), sent_body, "{name}");
        assert!(matches!(written(outcome), Written::Applied(_)), "{name}");
    }
}

#[test]
fn a_note_is_found_again_by_its_mark() {
    let input = json!({
        "candidate": "c", "application": "opp-1", "body": "Hello\nthere", "visibility": "private"
    });
    let made = json!({"data": {"id": "n1", "noteId": "n1"}});
    let (sent, outcome) = lever().run(write("notes.create", None, input.clone()), &[(201, made)]);
    assert_eq!(
        body(&sent[0]),
        json!({"value": "Hello\nthere", "secret": true, "createdAt": 1_789_999_999_123_u64})
    );
    let Written::Applied(applied) = written(outcome) else { panic!() };
    assert_eq!(applied.links[0].id, "opp-1/n1");
    let rows = json!({"data": [
        {"id": "n0", "fields": [{"value": "Hello"}], "createdAt": 1},
        {"id": "n1", "fields": [{"value": "Hello\nthere"}], "createdAt": 1_789_999_999_123_u64}
    ], "hasNext": false});
    let (_, outcome) = lever().run(probe("notes.create", None, input), &[(200, rows)]);
    let Probed::Found(found) = probed(outcome) else { panic!() };
    assert_eq!((found.certainty, found.links[0].id.as_str()), (Certainty::Marked, "opp-1/n1"));
}

#[test]
fn every_write_sends_one_unsafe_request_and_every_other_task_none() {
    let description = description();
    for name in description.operations.keys() {
        let create = name.ends_with(".create");
        let target = (!create).then_some((name.split('.').next().unwrap(), "id-1"));
        let mut input = dana();
        for (member, value) in
            [("candidate", "c"), ("to_stage", "s"), ("reason", "r"), ("body", "b")]
        {
            input[member] = json!(value);
        }
        if name == "notes.create" {
            input["application"] = json!("opp-1");
        }
        let row = opportunity();
        let single = json!({"data": {"id": "x", "contact": "c", "stage": "t", "emails": [], "phones": [],
            "archived": if name.contains(".un") { json!({"reason": "q"}) } else { Value::Null }}});
        let (sent, _) = lever().run(
            write(name, target, input.clone()),
            &[(200, single.clone()), (200, single.clone())],
        );
        let count = sent.iter().filter(|send| send.effect == Effect::Unsafe).count();
        // An update that adds nothing sends nothing.
        assert_eq!(count, usize::from(name != "candidates.update"), "{name}");
        if description.operations[name].probe.is_some() {
            let answer = json!({"data": [row], "hasNext": false});
            let (sent, _) = lever().run(probe(name, target, input), &[(200, answer)]);
            assert!(sent.iter().all(|send| send.effect == Effect::Safe), "{name}");
        }
    }
}
