//! Where the reference leaves two readings open, both are read; and what a write makes of answers
//! that differ from it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail like tests"
)]

mod common;

use atsync_adapter::PureAdapter;
use atsync_adapter::contract::*;
use atsync_lever::Lever;
use common::*;
use serde_json::{Value, json};

fn page(outcome: Result<Outcome, Failure>) -> (Page, Vec<Problem>) {
    match outcome {
        Ok(Outcome::Page(page)) => (page, Vec::new()),
        Ok(Outcome::FlawedPage(flawed)) => flawed,
        other => panic!("{other:?}"),
    }
}

fn read(given: &Given, row: &Value) -> (Page, Vec<Problem>) {
    let answer = json!({"data": [row], "hasNext": false});
    page(run(given, Task::Scan(scan("applications")), &[(200, answer)]).1)
}

fn application(page: &Page) -> (Value, &[String]) {
    let item = page.items.iter().find(|item| item.kind == "applications").unwrap();
    (serde_json::from_str(&item.body).unwrap(), &page.masks[item.mask as usize])
}

#[test]
fn ids_in_place_of_expanded_records_leave_unknown_what_they_do_not_say() {
    let mut row = opportunity();
    row["contact"] = json!("contact-1");
    row["applications"] = json!(["app-1"]);
    let (page, problems) = read(&given(), &row);
    let (body, mask) = application(&page);
    assert_eq!(
        (&body["candidate"], &body["kind"]),
        (&json!({"id": "contact-1"}), &json!("application"))
    );
    for field in ["job", "posting", "answers"] {
        assert!(!mask.iter().any(|known| known == field), "{field}");
    }
    assert!(page.items.iter().all(|item| item.kind != "candidates"));
    assert_eq!(problems, []);
}

#[test]
fn expanded_records_that_were_not_asked_for_are_read_as_their_ids() {
    let mut row = opportunity();
    row["stage"] = json!({"id": "offer", "text": "Offer"});
    row["owner"] = json!({"id": "user-3", "name": "Uma"});
    let (page, _) = read(&given(), &row);
    let (body, _) = application(&page);
    assert_eq!(
        (&body["stage"], &body["recruiter"]),
        (&json!({"id": "offer"}), &json!({"id": "user-3"}))
    );
}

#[test]
fn without_the_accounts_reason_for_hires_no_outcome_of_an_archived_one_is_claimed() {
    let unknown = Given { tenant: None, ..given() };
    let (page, _) = read(&unknown, &archived("r1"));
    let (_, mask) = application(&page);
    assert!(!mask.iter().any(|known| known == "outcome" || known == "reject_reason"));
    assert!(page.items.iter().all(|item| item.kind != "rejections"));
    let (page, _) = read(&unknown, &opportunity());
    assert_eq!(application(&page).0["outcome"], json!({"value": "active"}));
}

#[test]
fn a_bad_row_costs_itself_and_a_bad_member_its_field() {
    let mut odd = opportunity();
    (odd["id"], odd["createdAt"]) = (json!("opp-2"), json!("yesterday"));
    let mut nameless = opportunity();
    nameless["contact"] = json!({"name": "no id"});
    nameless["id"] = json!("opp-3");
    let rows = json!({"data": [7, odd, nameless, null, opportunity()], "hasNext": false});
    let (page, problems) = page(run(&given(), Task::Scan(scan("applications")), &[(200, rows)]).1);
    let ids: Vec<&str> = page
        .items
        .iter()
        .filter(|item| item.kind == "applications")
        .map(|item| item.id.as_str())
        .collect();
    assert_eq!(ids, ["opp-2", "opp-3", "opp-1"]);
    let named: Vec<(Option<&str>, Option<&str>)> =
        problems.iter().map(|one| (one.id.as_deref(), one.field.as_deref())).collect();
    assert!(named.contains(&(Some("opp-2"), Some("created_at"))), "{named:?}");
    assert!(named.contains(&(Some("opp-3"), Some("candidate"))), "{named:?}");
    assert_eq!(named.iter().filter(|(id, _)| id.is_none()).count(), 2);
    assert!(problems.iter().all(|one| !one.message.contains("yesterday")));
}

#[test]
fn the_reason_for_hires_is_left_out_even_if_the_query_is_ignored() {
    let row =
        |id: &str, kind: Value| json!({"id": id, "text": id, "status": "active", "type": kind});
    let rows = [row("r1", json!("non-hired")), row("r2", json!("hired")), row("r3", Value::Null)];
    let answer = json!({"data": rows, "hasNext": false});
    let (page, _) = page(run(&given(), Task::Scan(scan("reject_reasons")), &[(200, answer)]).1);
    let ids: Vec<&str> = page.items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, ["r1", "r3"]);
}

#[test]
fn the_token_of_a_page_is_decoded_once_whether_or_not_it_came_encoded() {
    for next in ["%5B3%2C1%2C%22opp-1%22%5D", "[3,1,\"opp-1\"]"] {
        let answer = json!({"data": [], "hasNext": true, "next": next});
        let (first, _) = page(run(&given(), Task::Scan(scan("tags")), &[(200, answer)]).1);
        let task = Task::Scan(Scan { cursor: first.next, ..scan("tags") });
        let (sent, _) = run(&given(), task, &[(200, json!({"data": [], "hasNext": false}))]);
        let Target::Path(path) = &sent[0].request.target else { panic!() };
        let offset = path.query.iter().find(|field| field.name == "offset").unwrap();
        assert_eq!(offset.value, "[3,1,\"opp-1\"]");
    }
}

#[test]
fn the_setting_for_confidential_records_is_sent_when_it_is_set() {
    let settings = json!({"confidentiality": "all"}).to_string();
    let asking = Given { settings, ..given() };
    for kind in ["applications", "jobs", "openings"] {
        let none = json!({"data": [], "hasNext": false});
        for (given, count) in [(&asking, 1), (&given(), 0)] {
            let (sent, _) = run(given, Task::Scan(scan(kind)), &[(200, none.clone())]);
            let Target::Path(path) = &sent[0].request.target else { panic!() };
            let asked = path.query.iter().filter(|field| field.name == "confidentiality");
            assert_eq!(asked.count(), count, "{kind}");
        }
    }
}

#[test]
fn nothing_is_sent_without_an_author() {
    let nobody = Given { settings: "{}".into(), ..given() };
    let of = Some(("applications", "opp-1"));
    for (name, target, input) in [
        ("candidates.create", None, inputs()[0].clone()),
        ("applications.create", None, json!({"candidate": "c"})),
        ("applications.move", of, json!({"to_stage": "s"})),
        ("applications.reject", of, json!({"reason": "r"})),
        ("applications.unreject", of, json!({})),
        ("applications.hire", of, json!({})),
        ("applications.unhire", of, json!({})),
        ("notes.create", None, json!({"candidate": "c", "body": "b"})),
    ] {
        let (sent, outcome) = run(&nobody, write(name, target, input), &[]);
        assert!(sent.is_empty() && matches!(outcome, Err(Failure::Misconfigured(_))), "{name}");
    }
}

#[test]
fn a_note_that_names_no_application_goes_to_the_oldest_opportunity_of_the_person() {
    let row = |id: &str, of: &str, at: Value| json!({"id": id, "contact": of, "createdAt": at});
    let rows = vec![
        row("newest", "c", json!(9)),
        row("oldest-b", "c", json!(5)),
        row("oldest-a", "c", json!(5)),
        row("undated", "c", Value::Null),
        row("of-another-person", "d", json!(1)),
    ];
    let shown = || (200, json!({"data": rows.clone(), "hasNext": false}));
    let input = json!({"candidate": "c", "body": "Hello"});
    let task = write("notes.create", None, input.clone());
    let (sent, outcome) = run(&given(), task, &[shown(), (201, json!({"data": {"id": "n1"}}))]);
    let Target::Path(path) = &sent[1].request.target else { panic!() };
    assert_eq!(path.path, "/opportunities/oldest-a/notes");
    let Ok(Outcome::Written(Written::Applied(applied))) = outcome else { panic!("{outcome:?}") };
    assert_eq!(applied.links[0].id, "oldest-a/n1");

    let note = json!({"id": "n1", "fields": [{"value": "Hello"}], "createdAt": 6});
    let notes = (200, json!({"data": [note], "hasNext": false}));
    let (sent, outcome) = run(&given(), probe("notes.create", None, input), &[shown(), notes]);
    let Target::Path(path) = &sent[1].request.target else { panic!() };
    assert_eq!(path.path, "/opportunities/oldest-a/notes");
    let Ok(Outcome::Probed(Probed::Found(found))) = outcome else { panic!("{outcome:?}") };
    assert_eq!(found.links[0].id, "oldest-a/n1");
}

#[test]
fn a_note_is_not_sent_where_the_oldest_opportunity_is_not_known() {
    let row = json!({"id": "opp-1", "contact": "c", "createdAt": 5});
    let other = json!({"id": "opp-2", "contact": "d", "createdAt": 5});
    for (rows, has_next) in
        [(json!([]), false), (json!([other]), false), (json!([row]), true), (Value::Null, false)]
    {
        let shown = (200, json!({"data": rows, "hasNext": has_next}));
        let input = json!({"candidate": "c", "body": "Hello"});
        for task in [write("notes.create", None, input.clone()), probe("notes.create", None, input)]
        {
            let (sent, outcome) = run(&given(), task, std::slice::from_ref(&shown));
            assert_eq!(sent.len(), 1);
            let is_known = matches!(outcome, Err(Failure::NotFound(_) | Failure::Protocol(_)));
            assert!(is_known, "{outcome:?}");
        }
    }
}

#[test]
fn a_hire_without_the_accounts_reason_for_hires_sends_nothing() {
    let unknown = Given { tenant: None, ..given() };
    let task = write("applications.hire", Some(("applications", "opp-1")), json!({}));
    let (sent, outcome) = run(&unknown, task, &[]);
    assert!(sent.is_empty() && matches!(outcome, Err(Failure::Misconfigured(_))));
}

#[test]
fn a_contact_that_does_not_show_a_list_is_not_changed() {
    let input = json!({"add": {"emails": [{"value": "new@example.com"}]}});
    for contact in [
        json!({"id": "c", "emails": ["a@example.com"]}),
        json!({"id": "c", "emails": 7, "phones": []}),
    ] {
        let task = write("candidates.update", Some(("candidates", "c")), input.clone());
        let (sent, outcome) = run(&given(), task, &[(200, json!({"data": contact}))]);
        assert_eq!(sent.len(), 1);
        assert!(matches!(outcome, Err(Failure::Protocol(_))), "{outcome:?}");
    }
}

#[test]
fn an_answer_that_does_not_say_whether_it_happened_leaves_a_create_in_doubt() {
    for (status, answer) in
        [(500, json!({})), (201, json!({"data": {}})), (201, Value::Null), (418, json!({}))]
    {
        let (_, outcome) = run(
            &given(),
            write("candidates.create", None, inputs()[0].clone()),
            &[(status, answer)],
        );
        assert!(matches!(outcome, Ok(Outcome::Written(Written::Unclear(_)))), "{status}");
    }
    let whole = json!({"data": {"id": "opp-2", "contact": {"id": "contact-1", "name": "Dana"}}});
    let (_, outcome) =
        run(&given(), write("candidates.create", None, inputs()[0].clone()), &[(201, whole)]);
    let Ok(Outcome::Written(Written::Applied(applied))) = outcome else { panic!("{outcome:?}") };
    assert_eq!(applied.links[0].id, "contact-1");
}

#[test]
fn a_search_whose_rows_cannot_be_read_is_never_an_absence() {
    let rows = json!({"data": [{"id": "opp-1"}], "hasNext": false});
    for (name, input) in [
        ("candidates.create", inputs()[0].clone()),
        ("applications.create", json!({"candidate": "contact-1"})),
    ] {
        let (_, outcome) = run(&given(), probe(name, None, input), &[(200, rows.clone())]);
        assert!(matches!(outcome, Err(Failure::Protocol(_))), "{name}: {outcome:?}");
    }
}

#[test]
fn a_webhook_without_its_signature_is_refused_and_a_test_names_nothing() {
    let hook =
        |body: Value| Task::Hook(Hook { headers: Vec::new(), body: body.to_string().into() });
    for body in [json!({}), json!({"signature": "00"}), json!([]), json!({"signature": 7})] {
        let Ok(Step::Done(Outcome::Hooked(hooked))) = Lever::start(hook(body), &given()) else {
            panic!()
        };
        assert_eq!((hooked.answer.status, hooked.hints.len()), (401, 0));
    }
    let test = json!({"signature": "00", "token": "t", "triggeredAt": MARK_MS});
    let Ok(Step::Verify(verify)) = Lever::start(hook(test), &given()) else { panic!() };
    let Ok(Step::Done(Outcome::Hooked(hooked))) =
        Lever::resume(verify.state, &given(), Reply::Verified(true))
    else {
        panic!()
    };
    assert_eq!((hooked.answer.status, hooked.hints.len()), (200, 0));
}
