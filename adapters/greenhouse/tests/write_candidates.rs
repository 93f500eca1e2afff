//! Tests writes of candidates: the requests that create and change one, and the meaning of every
//! answer.
//!
//! Method: replies are JSON as the reference shows them; the proof is the request that would be
//! sent, and the outcome.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod write_support;

use atsync_adapter::contract::{Effect, Failure, Response, Written};
use serde_json::{Value, json};
use write_support::{Case, Run, case, empty, links, more, other_reading, reply};

fn ada() -> Value {
    json!({"name": {"first": "Ada", "last": "Byron"},
        "emails": [{"value": "ada@example.com", "type": "personal"}]})
}

fn create(input: Value, answer: atsync_adapter::contract::Response) -> Run {
    case("candidates.create", input).replies(vec![answer]).write()
}

#[test]
fn a_new_candidate_is_one_request_with_greenhouses_members() {
    let input = json!({
        "name": {"first": "Ada", "last": "Byron", "preferred": "Countess"},
        "emails": [{"value": "ada@example.com", "type": "home"}, {"value": "ADA@example.com"}],
        "phones": [{"value": "904", "type": null}],
        "links": [{"value": "https://linkedin.com/in/ada", "type": "social"},
            {"value": "ada.dev", "type": "blog"}],
        "company": "Analytical", "title": "", "private": true,
        "custom_fields": [
            {"key": "level", "id": "9", "type": "single", "value": {"id": "55", "label": "Senior"}},
            {"key": "gone", "id": "8", "type": "text", "value": null}
        ],
        "application": {"kind": "application", "job": "6409476002", "stage": "11925559004",
            "source": "4000067003", "referrer": "7712"},
    });
    let run = case("candidates.create", input)
        .settings(json!({"marker_field": "external_ref"}))
        .replies(vec![reply(
            201,
            json!({"candidate": {"id": 20_909_586_002_u64},
                "application": {"id": 83_660_557_002_u64}}),
        )])
        .write();
    assert_eq!(run.lines(), ["POST /v3/candidates"]);
    assert_eq!(
        run.sent().body,
        json!({
            "first_name": "Ada", "last_name": "Byron", "preferred_name": "Countess",
                "company": "Analytical", "is_private": true,
            "email_addresses": [{"value": "ada@example.com", "type": "other"}],
            "phone_numbers": [{"value": "904", "type": "mobile"}],
            "website_addresses": [{"value": "ada.dev", "type": "blog"}],
            "social_media_addresses": [{"value": "https://linkedin.com/in/ada"}],
            "custom_fields": [{"name_key": "level", "value": 55},
                {"name_key": "external_ref", "value": "atsync-42"}],
            "application": {"job_id": 6_409_476_002_u64, "initial_stage_id": 11_925_559_004_u64,
                "source_id": 4_000_067_003_u64, "referrer_id": 7712},
        })
    );
    assert_eq!(
        links(&run.applied().links),
        "subject:candidates/20909586002 applications:applications/83660557002"
    );
}

#[test]
fn a_new_candidate_can_have_a_prospect_in_its_own_arm() {
    let mut input = ada();
    input["application"] = json!({"kind": "prospect", "jobs": ["5"], "pool": "31",
        "pool_stage": "77", "owner": "9", "source": "4"});
    let run = create(input, reply(201, json!({"candidate": {"id": 1}, "application": {"id": 2}})));
    assert_eq!(
        run.sent().body["application"],
        json!({"prospect": true, "job_ids": [5], "prospect_pool_id": 31,
            "prospect_pool_stage_id": 77, "prospect_owner_id": 9})
    );
    assert_eq!(
        run.applied().warnings.len(),
        1,
        "an update must write the source: {:?}",
        run.applied().warnings
    );
}

/// The shapes of the answer that are reported (harvest-v3.md §9.1, §7; harvest-v1.md §6).
#[test]
fn every_shape_of_the_answer_is_understood() {
    let mut carrying = ada();
    carrying["application"] = json!({"kind": "application", "job": "5"});
    for (law, status, body, expected) in [
        (
            "wrapped",
            201,
            json!({"candidate": {"id": 1}, "application": {"id": 2}}),
            "applied subject:candidates/1 applications:applications/2",
        ),
        ("bare", 201, json!({"id": 1, "first_name": "Ada"}), "applied subject:candidates/1"),
        (
            "bare with ids as v1 had them",
            201,
            json!({"id": 1, "application_ids": [2]}),
            "applied subject:candidates/1 applications:applications/2",
        ),
        (
            "wrapped without application",
            201,
            json!({"candidate": {"id": 1}, "application": null}),
            "applied subject:candidates/1",
        ),
        ("truncated but named, for later", 202, json!({"id": 1}), "applied subject:candidates/1"),
        ("a stub", 201, json!({"message": "being processed"}), "pending"),
        ("a wrapped stub", 200, json!({"candidate": {"message": "being processed"}}), "pending"),
        ("neither id nor message", 201, json!({"candidate": {}}), "unclear"),
        ("not an object", 201, json!([]), "unclear"),
    ] {
        let run = create(carrying.clone(), reply(status, body));
        let got = match run.written() {
            Written::Applied(applied) => format!("applied {}", links(&applied.links)),
            Written::Pending(_) => "pending".into(),
            Written::Unclear(_) => "unclear".into(),
            other => format!("{other:?}"),
        };
        assert_eq!(got, expected, "{law}");
    }
    let run = create(carrying, reply(201, json!({"id": 1})));
    assert!(run.applied().warnings[0].contains("application"), "a warning names the missing link");
}

#[test]
fn a_success_that_cannot_be_read_is_unclear_and_not_an_error() {
    for body in [&b"<html>"[..], b"{\"id\":", b"", b"null"] {
        let answer = atsync_adapter::contract::Response {
            status: 201,
            headers: vec![],
            body: body.to_vec(),
        };
        assert!(
            matches!(create(ada(), answer).written(), Written::Unclear(_)),
            "{}",
            String::from_utf8_lossy(body)
        );
    }
}

#[test]
fn a_refusal_names_the_member_of_the_input() {
    for (body, field) in [
        (
            json!({"message": "Unprocessable Content",
                "errors": [{"email_addresses": "is wrong"}]}),
            "emails",
        ),
        (json!({"errors": [{"message": "missing", "field": "first_name"}]}), "name.first"),
        (json!({"errors": ["job is closed"]}), ""),
        (json!({"errors": [{"application.job_id": "closed"}]}), "application.job"),
    ] {
        let run = create(ada(), reply(422, body.clone()));
        let Failure::Invalid(errors) = run.refused() else { panic!("{body}") };
        assert_eq!(errors[0].field, field, "{body}");
    }
}

#[test]
fn each_status_has_one_meaning() {
    for (status, expected) in [
        (400, "refused not accepted"),
        (401, "refused the credential"),
        (403, "refused not permitted (harvest:candidates:create)"),
        (404, "refused not found"),
        (409, "refused it was changed"),
        (429, "refused throttled"),
        (408, "unclear"),
        (301, "unclear"),
        (500, "unclear"),
        (503, "unclear"),
    ] {
        let run = create(ada(), reply(status, json!({"message": "m"})));
        let got = match run.written() {
            Written::Refused(failure) => format!("refused {failure}"),
            Written::Unclear(_) => "unclear".into(),
            other => format!("{other:?}"),
        };
        assert!(got.starts_with(expected), "{status}: {got}");
    }
}

#[test]
fn an_invalid_input_is_refused_before_anything_is_sent() {
    for (input, field) in [
        (json!({"name": {"first": "Ada"}}), "name.last"),
        (json!({"name": {"first": "A", "last": "B"}, "nick": "x"}), "nick"),
        (
            json!({"name": {"first": "A", "last": "B"}, "application": {"kind": "application"}}),
            "application.job",
        ),
        (
            json!({"name": {"first": "A", "last": "B"},
                "application": {"kind": "application", "job": "12a"}}),
            "application.job",
        ),
        (
            json!({"name": {"first": "A", "last": "B"},
                "application": {"kind": "application", "job": "1", "pool": "2"}}),
            "application.pool",
        ),
        (
            json!({"name": {"first": "A", "last": "B"},
                "application": {"kind": "prospect", "stage": "2"}}),
            "application.stage",
        ),
    ] {
        let run = case("candidates.create", input.clone()).write();
        let Failure::Invalid(errors) = run.failure() else { panic!("{input}") };
        assert_eq!(errors[0].field, field, "{input}");
        assert!(run.asked.is_empty());
    }
}

fn stored() -> Value {
    json!({
        "id": 7, "first_name": "Ada", "last_name": "Byron", "preferred_name": null,
            "company": "Old", "title": "Countess", "private": false,
        "email_addresses": [{"value": "Ada@Example.com", "type": "work"},
            {"value": "other@example.com", "type": "personal"}],
        "phone_numbers": [], "addresses": [], "website_addresses": [],
            "social_media_addresses": [{"value": "linkedin.com/in/ada"}],
        "tags": ["Referral"],
        "custom_fields": {
            "ref": {"name": "Ref", "type": "short_text", "value": "a"},
            "note": {"name": "Note", "type": "long_text", "value": "keep"},
        },
    })
}

fn update(input: Value, replies: Vec<atsync_adapter::contract::Response>) -> Case {
    case("candidates.update", input).on("candidates", "7").replies(replies)
}

#[test]
fn an_update_reads_first_and_sends_the_smallest_difference() {
    for (law, input, sent) in [
        (
            "a scalar",
            json!({"set": {"company": "New", "title": "Countess"}}),
            json!({"company": "New"}),
        ),
        ("a cleared scalar", json!({"set": {"company": null}}), json!({"company": ""})),
        ("privacy has two names", json!({"set": {"private": true}}), json!({"is_private": true})),
        (
            "a list whole when it changes",
            json!({"add": {"emails": [{"value": "new@example.com", "type": "home"},
                {"value": "ada@example.com"}]}}),
            json!({"email_addresses": [
                {"value": "Ada@Example.com", "type": "work"},
                    {"value": "other@example.com", "type": "personal"},
                    {"value": "new@example.com", "type": "other"}
            ]}),
        ),
        (
            "the complete set of custom fields",
            json!({"custom_fields": [{"key": "ref", "id": "1", "type": "text", "value": null}]}),
            json!({"custom_fields": [{"name_key": "ref", "value": null},
                {"name_key": "note", "value": "keep"}]}),
        ),
    ] {
        let run = update(input, vec![reply(200, json!([stored()])), reply(200, stored())]).write();
        assert_eq!(run.lines(), ["GET /v3/candidates?ids=7", "PATCH /v3/candidates/7"], "{law}");
        assert_eq!(run.sent().body, sent, "{law}");
        assert_eq!(links(&run.applied().links), "subject:candidates/7", "{law}");
    }
}

#[test]
fn a_desired_value_that_is_stored_already_is_not_sent() {
    for input in [
        json!({}),
        json!({"set": {"name": {"first": "Ada", "preferred": ""}, "company": "Old",
            "private": false, "time_zone": ""}}),
        json!({"add": {"emails": ["ADA@example.com"], "links": ["https://LinkedIn.com/in/ada/"]},
            "remove": {"phones": ["1"]}}),
        json!({"custom_fields": [{"key": "ref", "id": "1", "type": "text", "value": "a"},
            {"key": "none", "id": "2", "type": "text", "value": null}]}),
    ] {
        let run = update(input, vec![reply(200, json!([stored()]))]).write();
        assert_eq!(links(&run.unneeded().links), "subject:candidates/7");
    }
}

#[test]
fn a_candidate_that_is_not_shown_or_incomplete_is_not_written() {
    let input = json!({"set": {"company": "New"}});
    for (row, expected) in [
        (json!([]), "not found"),
        (json!([{"id": 8, "first_name": "Eve"}]), "not found"),
        (json!([{"id": 7, "message": "being processed"}]), "not found"),
        (
            json!([{"id": 7, "first_name": "", "last_name": null, "email_addresses": []}]),
            "it was changed meanwhile",
        ),
        // In part: an address remains.
        (
            json!([{"id": 7, "first_name": null, "last_name": null,
                "email_addresses": [{"value": "a@x.com", "type": "work"}]}]),
            "it was changed meanwhile",
        ),
    ] {
        let run = update(input.clone(), vec![reply(200, row.clone())]).write();
        assert!(run.failure().to_string().starts_with(expected), "{row}: {}", run.failure());
    }
    let run = update(input, vec![reply(403, json!({"message": "Forbidden"}))]).write();
    assert!(run.failure().to_string().contains("harvest:candidates:list"));
}

/// A PATCH replaces lists and values as a whole, so entries that the row hides would be lost.
#[test]
fn a_list_that_the_fresh_read_does_not_show_is_never_replaced() {
    let value = json!({"custom_fields": [{"key": "ref", "id": "1", "type": "text", "value": "b"}]});
    for (input, missing) in [
        (json!({"add": {"emails": ["b@x.com"]}}), "email_addresses"),
        (json!({"remove": {"phones": ["1"]}}), "phone_numbers"),
        (json!({"add": {"links": ["b.dev"]}}), "social_media_addresses"),
        (value, "custom_fields"),
    ] {
        let mut row = stored();
        row.as_object_mut().unwrap().remove(missing);
        let run = update(input.clone(), vec![reply(200, json!([row]))]).write();
        let text = run.failure().to_string();
        assert!(text.contains(missing) && text.contains("nothing is written"), "{text}");
    }
}

/// A PATCH answers the bare candidate; wrapped, nothing and a stub are accepted too.
#[test]
fn the_answer_to_an_update_is_understood_in_every_shape() {
    for (answer, expected) in [
        (reply(200, stored()), "applied"),
        (reply(200, json!({"candidate": stored()})), "applied"),
        (empty(204), "applied"),
        (reply(200, json!({"message": "being processed"})), "pending"),
        (reply(200, json!({"id": 8})), "unclear"),
        (reply(200, json!([])), "unclear"),
    ] {
        let run =
            update(json!({"set": {"company": "New"}}), vec![reply(200, json!([stored()])), answer])
                .write();
        let got = match run.written() {
            Written::Applied(_) => "applied",
            Written::Pending(_) => "pending",
            Written::Unclear(_) => "unclear",
            _ => "else",
        };
        assert_eq!(got, expected);
    }
}

/// Makes a candidate with options that another user selected.
fn with_options() -> Value {
    let mut row = stored();
    row["custom_fields"]["work"] =
        json!({"name": "Work", "type": "single_select", "value": "Part-time"});
    row["custom_fields"]["langs"] =
        json!({"name": "Langs", "type": "multi_select", "value": ["Rust", "C"]});
    row
}

fn definitions() -> Value {
    json!([
        {"id": 90, "name_key": "work", "private": false, "active": true},
        {"id": 91, "name_key": "langs", "private": false, "active": true},
        {"id": 92, "name_key": "salary", "private": true, "active": true},
        {"id": 93, "name_key": "old_secret", "private": true, "active": false},
    ])
}

fn option(id: u64, field: u64, name: &str, active: bool) -> Value {
    json!({"id": id, "custom_field_id": field, "name": name, "active": active})
}

fn reference(set: Value) -> Value {
    json!({"set": set, "custom_fields": [{"key": "ref", "id": "1", "type": "text", "value": "b"}]})
}

#[test]
fn stored_labels_of_other_users_are_sent_back_as_option_ids() {
    let options = json!([
        option(1, 90, "Part-time", true),
        option(2, 91, "Rust", true),
        option(9, 90, "Rust", true)
    ]);
    let rest = json!([option(3, 91, "C", false), option(4, 91, "C", true)]);
    let replies = vec![
        reply(200, json!([with_options()])),
        reply(200, definitions()),
        more(options),
        reply(200, rest),
        reply(200, json!([with_options()])),
        reply(200, stored()),
    ];
    let run = update(reference(json!({})), replies).write();
    assert_eq!(
        run.lines()[1..3],
        [
            "GET /v3/custom_fields?field_type=candidate",
            "GET /v3/custom_field_options?custom_field_ids=90,91"
        ]
    );
    let mut fields = run.sent().body["custom_fields"].as_array().unwrap().clone();
    fields.sort_by_key(|field| field["name_key"].to_string());
    assert_eq!(
        json!(fields),
        json!([
            {"name_key": "langs", "value": [2, 4]}, {"name_key": "note", "value": "keep"},
                {"name_key": "ref", "value": "b"},
            {"name_key": "work", "value": 1}
        ]),
        "the active option wins over an archived one of the same label"
    );
    let warnings = &run.applied().warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("salary"),
        "a private field that is not shown cannot be preserved"
    );
}

/// A label that several options have, or none has, cannot become an id; the host's own field is
/// written nevertheless.
#[test]
fn a_stored_label_without_a_single_option_blocks_no_other_field() {
    let ambiguous = json!([
        option(1, 90, "Part-time", true),
        option(5, 90, "Part-time", true),
        option(2, 91, "Rust", true),
        option(3, 91, "C", true)
    ]);
    let missing = json!([option(2, 91, "Rust", true), option(3, 91, "C", true)]);
    for options in [ambiguous, missing] {
        let row = || reply(200, json!([with_options()]));
        let looks = || vec![row(), reply(200, definitions()), reply(200, options.clone()), row()];
        let sent = |input: Value, answer: Response| {
            let run = update(input, [looks(), vec![answer]].concat()).write();
            let mut fields = run.sent().body["custom_fields"].as_array().unwrap().clone();
            fields.sort_by_key(|field| field["name_key"].to_string());
            (run, fields)
        };
        let (as_read, fields) = sent(reference(json!({})), reply(200, stored()));
        assert!(fields.contains(&json!({"name_key": "work", "value": "Part-time"})), "{fields:?}");
        assert!(fields.contains(&json!({"name_key": "ref", "value": "b"})), "{fields:?}");
        assert!(as_read.applied().warnings.iter().all(|warning| !warning.contains("work")));
        // If Greenhouse refuses the set, it is sent once more without the value.
        let refusal =
            || reply(422, json!({"errors": [{"message": "is invalid", "field": "custom_fields"}]}));
        let (unnamed, _) = sent(reference(json!({})), refusal());
        assert_eq!(
            other_reading(unnamed.refused()),
            None,
            "only values that the plan named are left out"
        );
        assert!(
            unnamed.refused().to_string().contains("custom_fields.work"),
            "{}",
            unnamed.refused()
        );
        let named = || {
            let mut input = reference(json!({}));
            input["may_leave_out"] = json!(["custom_fields.work"]);
            input
        };
        let (refused, _) = sent(named(), refusal());
        let other = other_reading(refused.refused());
        assert_eq!(other, Some("left-out"), "{}", refused.refused());
        let mut input = named();
        input["reading"] = json!("left-out");
        let (left_out, fields) = sent(input, reply(200, stored()));
        assert!(fields.iter().all(|field| field["name_key"] != "work"), "{fields:?}");
        assert!(fields.contains(&json!({"name_key": "langs", "value": [2, 3]})), "{fields:?}");
        assert!(left_out.applied().warnings.iter().any(|warning| warning.contains("work")));
    }
}

/// Resolving options takes several requests, so the candidate is read once more before the write.
#[test]
fn a_change_made_while_options_were_resolved_is_kept() {
    let options = json!([
        option(1, 90, "Part-time", true),
        option(2, 91, "Rust", true),
        option(3, 91, "C", true)
    ]);
    let run = |later: Value, sent: bool| {
        let mut replies = vec![
            reply(200, json!([with_options()])),
            reply(200, definitions()),
            reply(200, options.clone()),
            reply(200, json!([later])),
        ];
        replies.extend(sent.then(|| reply(200, stored())));
        update(reference(json!({"company": "New"})), replies).write()
    };
    let mut edited = with_options();
    edited["custom_fields"]["note"]["value"] = json!("changed meanwhile");
    edited["custom_fields"]["langs"]["value"] = json!(["C"]);
    edited["company"] = json!("New");
    let kept = run(edited, true);
    let body = &kept.sent().body;
    assert!(body.get("company").is_none(), "another user has set it");
    let fields = body["custom_fields"].as_array().unwrap();
    assert!(fields.contains(&json!({"name_key": "note", "value": "changed meanwhile"})));
    assert!(fields.contains(&json!({"name_key": "langs", "value": [3]})));

    let mut selected = with_options();
    selected["custom_fields"]["work"]["value"] = json!("Full-time");
    assert!(
        matches!(run(selected, false).failure(), Failure::Conflict(_)),
        "an option that was not resolved"
    );
}

#[test]
fn if_the_operator_knows_that_updates_merge_only_the_change_is_sent() {
    let run = update(
        reference(json!({})),
        vec![reply(200, json!([with_options()])), reply(200, stored())],
    )
    .settings(json!({"custom_fields_reading": "merge"}))
    .write();
    assert_eq!(run.lines().len(), 2);
    assert_eq!(run.sent().body, json!({"custom_fields": [{"name_key": "ref", "value": "b"}]}));
}

#[test]
fn an_input_too_large_for_a_continuation_is_refused_unsent() {
    let run = update(json!({"set": {"company": "x".repeat(70_000)}}), vec![]).write();
    assert!(matches!(run.failure(), Failure::Invalid(_)));
    assert!(run.asked.iter().all(|asked| asked.effect == Effect::Safe));
}
