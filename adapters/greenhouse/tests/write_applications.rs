//! Tests writes of applications: both arms, updates, and the lifecycle.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod write_support;

use atsync_adapter::contract::{Failure, Response, Written};
use serde_json::{Value, json};
use write_support::{Case, case, empty, links, reply};

#[test]
fn each_arm_has_its_own_members() {
    for (law, input, sent) in [
        (
            "an application",
            json!({"candidate": "1", "kind": "application", "job": "5", "stage": "6", "source": "4",
                "referrer": "7", "recruiter": "8", "coordinator": "9",
                   "custom_fields": [{"key": "k", "id": "1", "type": "boolean", "value": true}]}),
            json!({"candidate_id": 1, "job_id": 5, "initial_stage_id": 6, "source_id": 4,
                "referrer_id": 7, "recruiter_id": 8, "coordinator_id": 9,
                   "custom_fields": [{"name_key": "k", "value": true}]}),
        ),
        (
            "a prospect",
            json!({"candidate": "1", "kind": "prospect", "job": "5", "jobs": ["5", "6"],
                "pool": "31", "pool_stage": "77", "owner": "3", "source": "4"}),
            json!({"candidate_id": 1, "prospect": true, "job_ids": [5, 6], "prospect_pool_id": 31,
                "prospect_pool_stage_id": 77, "prospect_owner_id": 3,
                   "source_id": 4}),
        ),
        (
            "a prospect for nothing yet",
            json!({"candidate": "1", "kind": "prospect"}),
            json!({"candidate_id": 1, "prospect": true, "job_ids": []}),
        ),
    ] {
        for answer in [json!({"id": 2}), json!({"application": {"id": 2}})] {
            let run = case("applications.create", input.clone())
                .replies(vec![reply(201, answer)])
                .of_parent()
                .write();
            assert_eq!(run.lines(), ["GET /v3/candidates?ids=1", "POST /v3/applications"], "{law}");
            assert_eq!(run.sent().body, sent, "{law}");
            assert_eq!(links(&run.applied().links), "subject:applications/2", "{law}");
        }
    }
}

/// The text of a refusal for a second application on a job is unknown, so the write does not
/// interpret it: the probe decides.
#[test]
fn a_refused_application_quotes_greenhouses_message() {
    let run = case("applications.create", json!({"candidate": "1", "job": "5"}))
        .replies(vec![reply(422, json!({"errors": [{"job_id": "already applied"}]}))])
        .of_parent()
        .write();
    let Failure::Invalid(errors) = run.refused() else { panic!() };
    assert_eq!((errors[0].field.as_str(), errors[0].message.as_str()), ("job", "already applied"));
}

fn row(more: Value) -> Value {
    let mut row = json!({
        "id": 2, "candidate_id": 1, "job_id": 5, "prospect": false, "status": "in_process",
            "stage_id": 900, "job_interview_stage_id": 60,
        "source_id": 4, "referrer_id": null, "rejection_reason_id": null, "custom_fields": {},
    });
    for (key, value) in more.as_object().unwrap() {
        row[key] = value.clone();
    }
    row
}

fn on(operation: &'static str, input: Value, row: Value, rest: Vec<Response>) -> Case {
    let mut replies = vec![reply(200, json!([row]))];
    replies.extend(rest);
    case(operation, input).on("applications", "2").replies(replies)
}

#[test]
fn an_update_sends_only_differences() {
    let input = json!({"source": "4", "referrer": "7", "recruiter": "8"});
    let run = on(
        "applications.update",
        input,
        row(json!({"recruiter_id": 3})),
        vec![reply(200, row(json!({})))],
    )
    .write();
    assert_eq!(run.sent().line, "PATCH /v3/applications/2");
    assert_eq!(run.sent().body, json!({"referrer_id": 7, "recruiter_id": 8}));

    let run =
        on("applications.update", json!({"source": "4", "referrer": null}), row(json!({})), vec![])
            .write();
    run.unneeded();
}

#[test]
fn a_pool_is_read_from_prospect_details() {
    for (pool, sent) in [(json!(30), Some(json!({"prospect_pool_id": 31}))), (json!(31), None)] {
        let mut replies = vec![
            reply(200, json!([{"id": 1, "application_id": 2, "pool_id": pool}])),
            reply(200, json!([row(json!({}))])),
        ];
        replies.extend(sent.is_some().then(|| reply(200, row(json!({})))));
        let run = case("applications.update", json!({"pool": "31"}))
            .on("applications", "2")
            .replies(replies)
            .write();
        assert_eq!(
            run.lines()[..2],
            ["GET /v3/prospect_details?application_ids=2", "GET /v3/applications?ids=2"]
        );
        match sent {
            Some(sent) => assert_eq!(run.sent().body, sent),
            None => assert!(run.unneeded().warnings.is_empty()),
        }
    }
}

/// Each case: the request's body, `unneeded`, or `conflict`, by the application's standing.
#[test]
fn a_call_is_sent_only_if_the_standing_differs() {
    let active = || row(json!({}));
    let rejected = || row(json!({"status": "rejected", "rejection_reason_id": 9}));
    let hired = || row(json!({"status": "hired"}));
    let prospect = || {
        row(json!({"prospect": true, "job_id": null, "stage_id": null,
                "job_interview_stage_id": null}))
    };
    for (law, operation, input, standing, expected) in [
        (
            "move",
            "applications.move",
            json!({"to_stage": "61"}),
            active(),
            "move {\"from_stage_id\":60,\"to_stage_id\":61}",
        ),
        (
            "the filter's word for under way",
            "applications.move",
            json!({"to_stage": "61"}),
            row(json!({"status": "active"})),
            "move {\"from_stage_id\":60,\"to_stage_id\":61}",
        ),
        ("there already", "applications.move", json!({"to_stage": "60"}), active(), "unneeded"),
        (
            "to a job",
            "applications.move",
            json!({"to_job": "6"}),
            active(),
            "move {\"from_stage_id\":60,\"to_job_id\":6}",
        ),
        ("on the job already", "applications.move", json!({"to_job": "5"}), active(), "unneeded"),
        ("rejected stay", "applications.move", json!({"to_stage": "61"}), rejected(), "conflict"),
        (
            "reject",
            "applications.reject",
            json!({"reason": "9", "note": "no"}),
            active(),
            "reject {\"notes\":\"no\",\"rejection_reason_id\":9}",
        ),
        ("rejected already", "applications.reject", json!({"reason": "9"}), rejected(), "unneeded"),
        (
            "rejected for another reason",
            "applications.reject",
            json!({"reason": "8"}),
            rejected(),
            "unneeded, 1 warnings",
        ),
        (
            "a hire is not rejected",
            "applications.reject",
            json!({"reason": "9"}),
            hired(),
            "conflict",
        ),
        ("unreject", "applications.unreject", json!({}), rejected(), "unreject {}"),
        ("not rejected", "applications.unreject", json!({}), active(), "unneeded"),
        ("hired are not unrejected", "applications.unreject", json!({}), hired(), "conflict"),
        (
            "hire",
            "applications.hire",
            json!({"opening": "70", "close_reason": "3", "start_on": "2026-12-01"}),
            active(),
            "hire {\"close_reason_id\":3,\"opening_id\":70,\"start_date\":\"2026-12-01T00:00:00Z\"}",
        ),
        ("hired already", "applications.hire", json!({}), hired(), "unneeded"),
        ("a prospect is not hired", "applications.hire", json!({}), prospect(), "conflict"),
        ("rejected are not hired", "applications.hire", json!({}), rejected(), "conflict"),
        (
            "convert",
            "applications.convert",
            json!({"job": "5", "stage": "60"}),
            prospect(),
            "convert_to_candidate {\"job_id\":5,\"to_job_interview_stage_id\":60}",
        ),
        ("converted already", "applications.convert", json!({"job": "5"}), active(), "unneeded"),
        (
            "an application to another job",
            "applications.convert",
            json!({"job": "6"}),
            active(),
            "conflict",
        ),
    ] {
        let needs_reply = !expected.starts_with("unneeded") && expected != "conflict";
        let answer =
            if operation.ends_with("convert") { reply(201, json!({"id": 3})) } else { empty(204) };
        let run =
            on(operation, input, standing, needs_reply.then_some(answer).into_iter().collect())
                .write();
        let got = match &run.end {
            Err(Failure::Conflict(_)) => "conflict".into(),
            Err(failure) => failure.to_string(),
            Ok(_) => match run.written() {
                Written::Unneeded(applied) if applied.warnings.is_empty() => "unneeded".into(),
                Written::Unneeded(applied) => {
                    format!("unneeded, {} warnings", applied.warnings.len())
                }
                Written::Applied(_) => {
                    let sent = run.sent();
                    format!(
                        "{} {}",
                        sent.line.strip_prefix("POST /v3/applications/2/").unwrap(),
                        sent.body
                    )
                }
                other => format!("{other:?}"),
            },
        };
        assert_eq!(got, expected, "{law}");
    }
}

#[test]
fn a_move_needs_exactly_one_goal() {
    for input in [json!({}), json!({"to_stage": "1", "to_job": "2"})] {
        let run = on("applications.move", input, row(json!({})), vec![]).write();
        assert!(matches!(run.failure(), Failure::Invalid(_)));
    }
}

/// Rows of the older spec have no `job_interview_stage_id` (harvest-v3.md §9.2): the row in
/// application_stages has it.
#[test]
fn a_row_without_the_stage_definition_is_completed_from_its_stages() {
    let old = || {
        let mut row = row(json!({}));
        row.as_object_mut().unwrap().remove("job_interview_stage_id");
        row
    };
    let stages = || {
        reply(
            200,
            json!([
                {"id": 901, "application_id": 2, "job_interview_stage_id": 61, "current": false},
                {"id": 900, "application_id": 2, "job_interview_stage_id": 60, "current": true},
            ]),
        )
    };
    let run = on("applications.move", json!({"to_stage": "61"}), old(), vec![stages(), empty(204)])
        .write();
    assert_eq!(run.lines()[1], "GET /v3/application_stages?application_ids=2");
    assert_eq!(run.sent().body, json!({"from_stage_id": 60, "to_stage_id": 61}));
    let run = on("applications.move", json!({"to_stage": "60"}), old(), vec![stages()]).write();
    run.unneeded();
    // If `stage_id` is the definition's id after all, the current stage gives the same result.
    let mut other = old();
    other["stage_id"] = json!(60);
    on("applications.move", json!({"to_stage": "60"}), other, vec![stages()]).write().unneeded();
    let run =
        on("applications.move", json!({"to_stage": "60"}), old(), vec![reply(200, json!([]))])
            .write();
    assert!(matches!(run.failure(), Failure::Conflict(_)), "no stage is named anywhere");
}

#[test]
fn a_hire_with_several_open_openings_must_name_one() {
    let opening = |id: u64, open: bool| json!({"id": id, "job_id": 5, "open": open});
    for (openings, expected) in [
        (json!([]), Some(json!({}))),
        (json!([opening(70, true)]), Some(json!({"opening_id": 70}))),
        (json!([opening(70, true), opening(71, false)]), Some(json!({"opening_id": 70}))),
        (json!([opening(70, true), opening(71, true)]), None),
    ] {
        let mut rest = vec![reply(200, openings)];
        rest.extend(expected.is_some().then(|| empty(204)));
        let run = on("applications.hire", json!({}), row(json!({})), rest).write();
        assert_eq!(run.lines()[1], "GET /v3/openings?job_ids=5&open=true");
        match expected {
            Some(body) => assert_eq!(run.sent().body, body),
            None => {
                let Failure::Invalid(errors) = run.failure() else { panic!() };
                assert_eq!(errors[0].field, "opening");
                assert!(errors[0].message.contains("70, 71"));
            }
        }
    }
}

#[test]
fn a_conversion_done_already_links_its_new_application() {
    let old = row(json!({"prospect": true, "status": "converted", "job_id": null}));
    let siblings = json!([row(json!({"id": 3})), row(json!({"id": 4, "job_id": 6})), old.clone()]);
    let run =
        on("applications.convert", json!({"job": "5"}), old, vec![reply(200, siblings)]).write();
    assert_eq!(run.lines()[1], "GET /v3/applications?candidate_ids=1");
    assert_eq!(
        links(&run.unneeded().links),
        "subject:applications/3 converted_from:applications/2"
    );
}

#[test]
fn an_application_that_is_not_shown_is_not_found() {
    for operation in [
        "applications.update",
        "applications.move",
        "applications.reject",
        "applications.unreject",
        "applications.hire",
        "applications.convert",
    ] {
        let input = match operation {
            "applications.reject" => json!({"reason": "1"}),
            "applications.convert" => json!({"job": "1"}),
            _ => json!({}),
        };
        let run = case(operation, input)
            .on("applications", "2")
            .replies(vec![reply(200, json!([]))])
            .write();
        assert!(matches!(run.failure(), Failure::NotFound(_)), "{operation}");
    }
}

#[test]
fn an_operation_needs_its_target() {
    let run = case("applications.move", json!({"to_stage": "1"})).write();
    assert!(matches!(run.failure(), Failure::Invalid(_)));
    let run = case("applications.move", json!({"to_stage": "1"})).on("candidates", "1").write();
    assert!(matches!(run.failure(), Failure::Invalid(_)));
    let run = case("applications.move", json!({"to_stage": "1"})).on("applications", "x").write();
    assert!(matches!(run.failure(), Failure::Invalid(_)));
}

/// openapi: the update of an application takes ids and no null, so none of them can be cleared.
#[test]
fn a_reference_that_greenhouse_cannot_clear_is_refused_with_the_reason() {
    for field in ["source", "referrer", "recruiter", "coordinator"] {
        let held =
            row(json!({"source_id": 4, "referrer_id": 7, "recruiter_id": 8, "coordinator_id": 9}));
        let run = on("applications.update", json!({ field: null }), held, vec![]).write();
        let Failure::Invalid(errors) = run.failure() else { panic!("{}", run.failure()) };
        assert_eq!(errors[0].field, field);
        assert!(errors[0].message.contains("cannot clear"), "{}", errors[0].message);
        let empty = row(json!({"source_id": null, "referrer_id": null, "recruiter_id": null,
                "coordinator_id": null}));
        on("applications.update", json!({ field: null }), empty, vec![]).write().unneeded();
    }
}

/// openapi: the ranges in a rejection's body have both ends, that of an amount a currency too.
#[test]
fn a_range_of_a_rejection_needs_both_ends() {
    for (kind, value, is_whole) in [
        ("range", json!({"min": 1, "max": 2}), true),
        ("range", json!({"min": 1}), false),
        ("range", json!({"min": null, "max": 2}), false),
        ("money_range", json!({"min": 1, "max": 2, "currency": "EUR"}), true),
        ("money_range", json!({"min": 1, "max": 2}), false),
        ("money_range", json!({"max": 2, "currency": "EUR"}), false),
    ] {
        let row = json!({"id": 800, "application_id": 2, "rejection_reason_id": 701,
            "question_custom_fields": {}});
        let input =
            json!({"custom_fields": [{"key": "pay", "id": "1", "type": kind, "value": value}]});
        let mut replies = vec![reply(200, json!([row]))];
        replies.extend(is_whole.then(|| reply(200, json!({"id": 800}))));
        let run = case("rejections.update", input).on("rejections", "800").replies(replies).write();
        if is_whole {
            run.applied();
        } else {
            assert!(
                run.failure().to_string().contains("a range of a rejection needs"),
                "{value}: {}",
                run.failure()
            );
        }
    }
}

#[test]
fn a_reason_is_corrected_in_rejection_details() {
    let row = json!({"id": 800, "application_id": 2, "rejection_reason_id": 701,
        "question_custom_fields": {"why": {"type": "short_text", "value": "x"}}});
    let input = json!({"reason": "702", "custom_fields": [{"key": "why", "id": "1", "type": "text",
        "value": "y"}]});
    let run = case("rejections.update", input)
        .on("rejections", "800")
        .replies(vec![reply(200, json!([row])), reply(200, json!({"id": 800}))])
        .write();
    assert_eq!(
        run.lines(),
        ["GET /v3/rejection_details?ids=800", "PATCH /v3/rejection_details/800"]
    );
    assert_eq!(
        run.sent().body,
        json!({"rejection_reason_id": 702, "custom_fields": [{"name_key": "why", "value": "y"}]})
    );
}
