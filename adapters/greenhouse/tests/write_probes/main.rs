//! Tests probes: found, absent, ambiguous or blind, before a creation and for a write in doubt.
//!
//! Method: each probe gets the row that it must recognise, next to rows that only resemble it.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "../write_support/mod.rs"]
mod write_support;

mod changes;

use atsync_adapter::contract::{Failure, Response};
use serde_json::{Value, json};
use write_support::{AFTER, BEFORE, Run, SENT_MS, case, more, reply};

fn ada(id: u64, created: &str) -> Value {
    json!({"id": id, "first_name": "Ada", "last_name": "Byron", "created_at": created,
        "email_addresses": [{"value": "ada@example.com", "type": "personal"}], "custom_fields": {}})
}

fn marked(id: u64, mark: &str) -> Value {
    let mut row = ada(id, AFTER);
    row["custom_fields"]["ref"] = json!({"name": "Ref", "type": "short_text", "value": mark});
    row
}

/// Makes a candidate with the address that Ada's becomes when Unicode folds it: U+212A KELVIN SIGN
/// and the like.
fn stranger(id: u64) -> Value {
    let mut row = ada(id, AFTER);
    row["email_addresses"][0]["value"] = json!("\u{ff41}da@example.com");
    row
}

fn eve(id: u64, created: &str) -> Value {
    let mut row = ada(id, created);
    row["first_name"] = json!("Eve");
    row
}

fn candidate(rows: Value, sent: Option<u64>, settings: Value) -> Run {
    let input = json!({"name": {"first": " ada", "last": "BYRON "},
        "emails": [{"value": "ada@example.com"}]});
    case("candidates.create", input).settings(settings).replies(vec![reply(200, rows)]).probe(sent)
}

#[test]
fn a_candidate_is_found_by_address_name_time_and_mark() {
    let marker = json!({"marker_field": "ref"});
    let plain = json!({});
    for (law, rows, sent, settings, verdict) in [
        ("no rows, before", json!([]), None, &plain, "absent 30000"),
        ("no rows, after", json!([]), Some(SENT_MS), &plain, "absent 30000"),
        (
            "a match before, however old",
            json!([ada(1, BEFORE)]),
            None,
            &plain,
            "found subject:candidates/1 matched",
        ),
        (
            "the address is enough before",
            json!([eve(1, BEFORE)]),
            None,
            &plain,
            "found subject:candidates/1 matched",
        ),
        (
            "two, before",
            json!([ada(2, AFTER), ada(1, BEFORE)]),
            None,
            &plain,
            "ambiguous candidates/2 candidates/1",
        ),
        (
            "created after the request",
            json!([ada(2, AFTER), ada(1, BEFORE)]),
            Some(SENT_MS),
            &plain,
            "found subject:candidates/2 matched",
        ),
        (
            "the probe before found none, so an older match counts: the clocks differ",
            json!([ada(1, BEFORE)]),
            Some(SENT_MS),
            &plain,
            "found subject:candidates/1 matched",
        ),
        (
            "an older one of another name is another candidate",
            json!([eve(1, BEFORE)]),
            Some(SENT_MS),
            &plain,
            "absent 30000",
        ),
        (
            "two older ones",
            json!([ada(2, BEFORE), ada(1, BEFORE)]),
            Some(SENT_MS),
            &plain,
            "ambiguous candidates/2 candidates/1",
        ),
        (
            "the name of one and the time of another",
            json!([eve(2, AFTER), ada(1, BEFORE)]),
            Some(SENT_MS),
            &plain,
            "ambiguous candidates/2 candidates/1",
        ),
        (
            "two created after",
            json!([ada(3, AFTER), ada(2, AFTER)]),
            Some(SENT_MS),
            &plain,
            "ambiguous candidates/3 candidates/2",
        ),
        (
            "another name of that time proves nothing",
            json!([eve(2, AFTER)]),
            Some(SENT_MS),
            &plain,
            "ambiguous candidates/2",
        ),
        (
            "the name decides between two",
            json!([eve(3, AFTER), ada(2, AFTER)]),
            Some(SENT_MS),
            &plain,
            "found subject:candidates/2 matched",
        ),
        (
            "the mark is certain",
            json!([ada(3, AFTER), marked(2, "atsync-42")]),
            Some(SENT_MS),
            &marker,
            "found subject:candidates/2 marked",
        ),
        (
            "another intent's mark",
            json!([marked(2, "atsync-41")]),
            Some(SENT_MS),
            &marker,
            "absent 30000",
        ),
        (
            "a mark that is not shown",
            json!([ada(2, AFTER)]),
            Some(SENT_MS),
            &marker,
            "found subject:candidates/2 matched",
        ),
        (
            "a row without a time may be the candidate",
            json!([{"id": 2, "first_name": "Ada", "last_name": "Byron",
                "email_addresses": [{"value": "ADA@example.com"}]}]),
            Some(SENT_MS),
            &plain,
            "found subject:candidates/2 matched",
        ),
        (
            "a row that does not show its addresses may be another candidate",
            json!([{"id": 2, "first_name": "Ada", "last_name": "Byron"}]),
            None,
            &plain,
            "ambiguous candidates/2",
        ),
        (
            "another address is another candidate, whatever the search matched",
            json!([stranger(2)]),
            None,
            &plain,
            "absent 30000",
        ),
    ] {
        let run = candidate(rows, sent, settings.clone());
        assert_eq!(run.lines(), ["GET /v3/candidates?email=ada@example.com"]);
        assert_eq!(run.verdict(), verdict, "{law}");
    }
}

#[test]
fn the_clock_of_greenhouse_may_be_two_minutes_off() {
    for (created, verdict) in [
        ("2026-11-24T05:57:31Z", "ambiguous candidates/1"),
        ("2026-11-24T05:57:29Z", "absent 30000"),
    ] {
        // The other name leaves only the time to decide.
        assert_eq!(
            candidate(json!([eve(1, created)]), Some(SENT_MS), json!({})).verdict(),
            verdict
        );
    }
}

/// No source explains the stub: it may be a candidate that is being created, or one that is hidden
/// for good (harvest-v3.md §7).
#[test]
fn a_stub_is_neither_found_nor_absent() {
    let stub = || json!([{"id": 1, "message": "being processed"}]);
    let making = candidate(stub(), Some(SENT_MS), json!({}));
    assert!(
        matches!(making.failure(), Failure::Unavailable(_)),
        "shortly after the request the probe waits for it"
    );
    let hidden = candidate(stub(), Some(SENT_MS - 3_600_000), json!({}));
    assert_eq!(hidden.verdict(), "ambiguous candidates/1", "later a user decides");
    assert_eq!(candidate(stub(), None, json!({})).verdict(), "ambiguous candidates/1");
    let nameless = candidate(json!([{"message": "being processed"}]), None, json!({}));
    assert!(matches!(nameless.failure(), Failure::Unavailable(_)));
}

#[test]
fn every_address_is_searched_and_one_candidate_counts_once() {
    let input = json!({"name": {"first": "Ada", "last": "Byron"},
        "emails": [{"value": "a@x.com"}, {"value": "B@x.com"}, {"value": "A@X.com"}]});
    let mut row = ada(1, AFTER);
    row["email_addresses"] =
        json!([{"value": "b@X.com", "type": "work"}, {"value": "a@x.com", "type": null}]);
    let run = case("candidates.create", input)
        .replies(vec![more(json!([])), reply(200, json!([row])), reply(200, json!([row]))])
        .probe(Some(SENT_MS));
    assert_eq!(
        (run.lines()[0], run.lines()[2]),
        ("GET /v3/candidates?email=a@x.com", "GET /v3/candidates?email=b@x.com")
    );
    assert_eq!(run.verdict(), "found subject:candidates/1 matched");
}

#[test]
fn without_an_address_the_candidates_of_the_time_are_read_or_the_probe_is_blind() {
    let input = || json!({"name": {"first": "Ada", "last": "Byron"}});
    let run = case("candidates.create", input()).probe(None);
    assert_eq!((run.verdict().as_str(), run.asked.len()), ("blind", 0));

    let run = case("candidates.create", input())
        .replies(vec![
            more(json!([eve(3, AFTER)])),
            reply(200, json!([ada(2, AFTER), ada(1, BEFORE)])),
        ])
        .probe(Some(SENT_MS));
    assert_eq!(run.lines()[0], "GET /v3/candidates?created_at=gte|2026-11-24T05:57:30.000Z");
    assert_eq!(run.verdict(), "found subject:candidates/2 matched");

    let endless: Vec<Response> = (0..5).map(|_| more(json!([eve(3, AFTER)]))).collect();
    assert_eq!(
        case("candidates.create", input()).replies(endless).probe(Some(SENT_MS)).verdict(),
        "blind"
    );
}

#[test]
fn an_application_in_the_candidates_request_is_found_too() {
    let input = json!({"name": {"first": "Ada", "last": "Byron"},
        "emails": [{"value": "ada@example.com"}],
        "application": {"kind": "application", "job": "5"}});
    for (rows, verdict) in [
        (
            json!([application(9, json!({}))]),
            "found subject:candidates/1 applications:applications/9 matched",
        ),
        (json!([application(9, json!({"job_id": 6}))]), "found subject:candidates/1 matched"),
    ] {
        let run = case("candidates.create", input.clone())
            .replies(vec![reply(200, json!([ada(1, AFTER)])), reply(200, rows)])
            .probe(Some(SENT_MS));
        assert_eq!(run.lines()[1], "GET /v3/applications?candidate_ids=1");
        assert_eq!(run.verdict(), verdict);
    }
}

fn application(id: u64, more: Value) -> Value {
    let mut row = json!({"id": id, "candidate_id": 1, "job_id": 5, "prospect": false,
        "status": "in_process", "prospective_job_ids": [], "created_at": AFTER});
    for (key, value) in more.as_object().unwrap() {
        row[key] = value.clone();
    }
    row
}

#[test]
fn an_application_is_found_by_arm_and_job() {
    let job = json!({"candidate": "1", "kind": "application", "job": "5"});
    let prospect = json!({"candidate": "1", "kind": "prospect", "jobs": ["5", "6"]});
    let loose = json!({"candidate": "1", "kind": "prospect"});
    let as_prospect = |id: u64, job: Value, jobs: Value| {
        application(id, json!({"prospect": true, "job_id": job, "prospective_job_ids": jobs}))
    };
    for (law, input, rows, sent, verdict) in [
        (
            "on the job",
            &job,
            json!([application(9, json!({}))]),
            None,
            "found subject:applications/9 matched",
        ),
        (
            "one per job, so an old one counts, which explains a 422 for a second",
            &job,
            json!([application(9, json!({"created_at": BEFORE, "status": "rejected"}))]),
            Some(SENT_MS),
            "found subject:applications/9 matched",
        ),
        (
            "another job",
            &job,
            json!([application(9, json!({"job_id": 6}))]),
            Some(SENT_MS),
            "absent 30000",
        ),
        (
            "a prospect is not an application",
            &job,
            json!([as_prospect(9, json!(5), json!([5]))]),
            None,
            "absent 30000",
        ),
        (
            "prospect for the same jobs",
            &prospect,
            json!([as_prospect(9, json!(null), json!([6, 5]))]),
            Some(SENT_MS),
            "found subject:applications/9 matched",
        ),
        (
            "a job in the other member",
            &prospect,
            json!([as_prospect(9, json!(5), json!([6]))]),
            Some(SENT_MS),
            "found subject:applications/9 matched",
        ),
        (
            "prospect for fewer jobs",
            &prospect,
            json!([as_prospect(9, json!(null), json!([5]))]),
            None,
            "absent 30000",
        ),
        (
            "prospect for nothing",
            &loose,
            json!([as_prospect(9, json!(null), json!(null))]),
            None,
            "found subject:applications/9 matched",
        ),
        (
            "an old prospect is not from this write",
            &loose,
            json!([application(
                9,
                json!({"prospect": true, "job_id": null, "created_at": BEFORE})
            )]),
            Some(SENT_MS),
            "absent 30000",
        ),
        (
            "a converted prospect does not count",
            &loose,
            json!([application(
                9,
                json!({"prospect": true, "job_id": null, "status": "converted"})
            )]),
            None,
            "absent 30000",
        ),
        (
            "two prospects",
            &loose,
            json!([as_prospect(9, json!(null), json!([])), as_prospect(8, json!(null), json!([]))]),
            None,
            "ambiguous applications/9 applications/8",
        ),
    ] {
        let run =
            case("applications.create", input.clone()).replies(vec![reply(200, rows)]).probe(sent);
        assert_eq!(run.verdict(), verdict, "{law}");
    }
}

#[test]
fn a_matching_row_without_an_id_does_not_count_as_absent() {
    let row = json!([{"candidate_id": 1, "job_id": 5, "prospect": false, "status": "in_process",
        "created_at": AFTER}]);
    let run =
        case("applications.create", json!({"candidate": "1", "kind": "application", "job": "5"}))
            .replies(vec![reply(200, row)])
            .probe(Some(SENT_MS));
    assert!(matches!(run.failure(), Failure::Protocol(_)));
}

#[test]
fn a_pool_distinguishes_prospects() {
    let rows = json!([
        application(9, json!({"prospect": true, "job_id": null})),
        application(8, json!({"prospect": true, "job_id": null})),
    ]);
    let details =
        json!([{"application_id": 9, "pool_id": 30}, {"application_id": 8, "pool_id": 31}]);
    let run =
        case("applications.create", json!({"candidate": "1", "kind": "prospect", "pool": "31"}))
            .replies(vec![reply(200, rows), reply(200, details)])
            .probe(None);
    assert_eq!(run.lines()[1], "GET /v3/prospect_details?application_ids=9,8");
    assert_eq!(run.verdict(), "found subject:applications/8 matched");
}

#[test]
fn a_note_is_recognised_in_the_read_vocabulary_and_an_old_equal_one_is_ambiguous() {
    let note = |id: u64, body: &str, visibility: &str, created: &str| {
        json!({"id": id, "candidate_id": 1, "application_id": null, "type": "NOTE",
        "visibility": visibility, "body": body, "created_at": created})
    };
    for (law, rows, sent, verdict) in [
        (
            "read vocabulary",
            json!([note(7, "Hi\r\nthere\n", "publicly_visible", AFTER)]),
            Some(SENT_MS),
            "found subject:notes/7 matched",
        ),
        (
            "write vocabulary",
            json!([note(7, "Hi\nthere", "public", AFTER)]),
            Some(SENT_MS),
            "found subject:notes/7 matched",
        ),
        (
            "another visibility",
            json!([note(7, "Hi\nthere", "privately_visible", AFTER)]),
            Some(SENT_MS),
            "absent 10000",
        ),
        (
            "another text",
            json!([note(7, "Hi there", "public", AFTER)]),
            Some(SENT_MS),
            "absent 10000",
        ),
        (
            "before, any time",
            json!([note(7, "Hi\nthere", "public", BEFORE)]),
            None,
            "found subject:notes/7 matched",
        ),
        (
            "an equal one that is too old is ambiguous",
            json!([note(7, "Hi\nthere", "public", BEFORE)]),
            Some(SENT_MS),
            "ambiguous notes/7",
        ),
        (
            "two",
            json!([note(8, "Hi\nthere", "public", AFTER), note(7, "Hi\nthere", "public", AFTER)]),
            Some(SENT_MS),
            "ambiguous notes/8 notes/7",
        ),
    ] {
        let run = case(
            "notes.create",
            json!({"candidate": "1", "body": "Hi\nthere", "visibility": "public"}),
        )
        .replies(vec![reply(200, rows)])
        .probe(sent);
        assert_eq!(run.lines(), ["GET /v3/notes?candidate_ids=1"]);
        assert_eq!(run.verdict(), verdict, "{law}");
    }
}

#[test]
fn other_new_records_are_found_by_their_natural_keys() {
    for (law, operation, input, rows, sent, line, verdict) in [
        (
            "a tag's name is case-sensitive",
            "tags.create",
            json!({"name": "Intro"}),
            json!([{"id": 1, "name": "intro"}, {"id": 2, "name": "Intro"}]),
            None,
            "GET /v3/candidate_tags",
            "found subject:tags/2 matched",
        ),
        (
            "a tag's name is unique, so its age does not matter",
            "tags.create",
            json!({"name": "Intro"}),
            json!([{"id": 2, "name": "Intro", "created_at": BEFORE}]),
            Some(SENT_MS),
            "GET /v3/candidate_tags",
            "found subject:tags/2 matched",
        ),
        (
            "no such tag",
            "tags.create",
            json!({"name": "Intro"}),
            json!([{"id": 1, "name": "intro"}]),
            None,
            "GET /v3/candidate_tags",
            "absent 10000",
        ),
        (
            "tag on candidate",
            "applied_tags.create",
            json!({"candidate": "1", "tag": "5"}),
            json!([{"id": 3, "candidate_id": 1, "candidate_tag_id": 5}]),
            Some(SENT_MS),
            "GET /v3/applied_candidate_tags?candidate_ids=1",
            "found subject:applied_tags/3 matched",
        ),
        (
            "file",
            "attachments.create",
            json!({"application": "2", "filename": "cv.pdf", "type": "resume", "url": "u"}),
            json!([{"id": 4, "filename": "cv.pdf", "type": "resume", "created_at": AFTER}]),
            Some(SENT_MS),
            "GET /v3/attachments?application_ids=2",
            "found subject:attachments/4 matched",
        ),
        (
            "an old file is another",
            "attachments.create",
            json!({"application": "2", "filename": "cv.pdf", "type": "resume", "url": "u"}),
            json!([{"id": 4, "filename": "cv.pdf", "type": "resume", "created_at": BEFORE}]),
            Some(SENT_MS),
            "GET /v3/attachments?application_ids=2",
            "absent 10000",
        ),
        (
            "field",
            "custom_fields.create",
            json!({"name": "Ref", "applies_to": "candidate", "type": "text"}),
            json!([{"id": 5, "name": "Ref", "field_type": "candidate", "value_type": "short_text",
                "active": true}]),
            None,
            "GET /v3/custom_fields?field_type=candidate",
            "found subject:custom_fields/5 matched",
        ),
        (
            "a field of another type",
            "custom_fields.create",
            json!({"name": "Ref", "applies_to": "candidate", "type": "text"}),
            json!([{"id": 5, "name": "Ref", "field_type": "candidate", "value_type": "yes_no"}]),
            None,
            "GET /v3/custom_fields?field_type=candidate",
            "absent 10000",
        ),
        (
            "an archived option does not count",
            "custom_field_options.create",
            json!({"custom_field": "9", "name": "A"}),
            json!([{"id": 6, "custom_field_id": 9, "name": "A", "active": false}]),
            None,
            "GET /v3/custom_field_options?custom_field_ids=9",
            "absent 10000",
        ),
        (
            "option",
            "custom_field_options.create",
            json!({"custom_field": "9", "name": "A"}),
            json!([{"id": 6, "custom_field_id": 9, "name": "A"}]),
            None,
            "GET /v3/custom_field_options?custom_field_ids=9",
            "found subject:custom_field_options/6 matched",
        ),
        (
            "user",
            "users.create",
            json!({"first": "E", "last": "S", "email": "E@x.com"}),
            json!([{"id": 7, "primary_email": "e@x.com", "deactivated": true}]),
            None,
            "GET /v3/users?primary_email=E@x.com",
            "found subject:users/7 matched",
        ),
    ] {
        let run = case(operation, input).replies(vec![reply(200, rows)]).probe(sent);
        assert_eq!(run.lines(), [line], "{law}");
        assert_eq!(run.verdict(), verdict, "{law}");
    }
}

#[test]
fn a_user_is_found_by_any_address_as_far_as_the_scopes_allow() {
    for (second, verdict) in [
        (
            reply(200, json!([{"id": 1, "user_id": 7, "email": "E@x.com"}])),
            "found subject:users/7 matched",
        ),
        (reply(200, json!([])), "absent 10000"),
        (reply(403, json!({"message": "Forbidden"})), "absent 10000"),
    ] {
        let run = case("users.create", json!({"first": "E", "last": "S", "email": "e@x.com"}))
            .replies(vec![reply(200, json!([])), second])
            .probe(Some(SENT_MS));
        assert_eq!(
            run.lines(),
            ["GET /v3/users?primary_email=e@x.com", "GET /v3/user_emails?email=e@x.com"]
        );
        assert_eq!(run.verdict(), verdict);
    }
}

#[test]
fn a_list_of_tags_without_end_is_blind_and_not_absent() {
    let endless: Vec<Response> = (0..20).map(|_| more(json!([{"id": 1, "name": "x"}]))).collect();
    assert_eq!(
        case("tags.create", json!({"name": "Intro"})).replies(endless).probe(None).verdict(),
        "blind"
    );
}

#[test]
fn a_target_that_is_not_shown_is_not_found_and_a_refusal_is_passed_on() {
    let look = |answer: Response| {
        case("applications.move", json!({"to_stage": "1"}))
            .on("applications", "7")
            .replies(vec![answer])
            .probe(Some(SENT_MS))
    };
    assert!(matches!(look(reply(200, json!([]))).failure(), Failure::NotFound(_)));
    assert!(matches!(look(reply(403, json!({}))).failure(), Failure::Denied(_)));
    assert!(matches!(look(reply(503, json!({}))).failure(), Failure::Unavailable(_)));
    assert!(matches!(look(reply(200, json!({"message": "x"}))).failure(), Failure::Protocol(_)));
}
