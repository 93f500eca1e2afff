//! Tests every uncertain fact of the reference in each of its readings.
//!
//! Method: the same operation runs against a Greenhouse of each kind. If one request cannot satisfy
//! both, the refusal must name the other reading, and the retry with it must not name any again, so
//! that nothing ever loops.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod write_support;

use atsync_adapter::contract::{Failure, Response, Written};
use serde_json::{Value, json};
use write_support::{Run, case, empty, links, other_reading, reply};

fn application() -> Value {
    json!({"id": 2, "candidate_id": 1, "job_id": 5, "prospect": false, "status": "in_process",
        "stage_id": 900, "job_interview_stage_id": 60})
}

/// Runs a move against a Greenhouse that accepts `from_stage_id` in one meaning only.
fn move_against(accepted: u64, input: Value, settings: Value) -> Run {
    let first =
        case("applications.move", input.clone()).on("applications", "2").settings(settings.clone());
    let probe = first.replies(vec![reply(200, json!([application()])), empty(204)]).write();
    let answer = if probe.sent().body["from_stage_id"] == json!(accepted) {
        empty(204)
    } else {
        reply(422, json!({"errors": ["from_stage_id does not match the current stage"]}))
    };
    case("applications.move", input)
        .on("applications", "2")
        .settings(settings)
        .replies(vec![reply(200, json!([application()])), answer])
        .write()
}

#[test]
fn from_stage_id_is_the_stage_definition_or_the_application_stage() {
    for (accepted, right, wrong) in [
        (60, "stage-definition", "application-stage"),
        (900, "application-stage", "stage-definition"),
    ] {
        let by_setting =
            move_against(accepted, json!({"to_stage": "61"}), json!({"from_stage_reading": right}));
        assert_eq!(links(&by_setting.applied().links), "subject:applications/2");

        let refused =
            move_against(accepted, json!({"to_stage": "61"}), json!({"from_stage_reading": wrong}));
        assert_eq!(other_reading(refused.refused()), Some(right), "{:?}", refused.refused());

        let retried = move_against(
            accepted,
            json!({"to_stage": "61", "reading": right}),
            json!({"from_stage_reading": wrong}),
        );
        assert_eq!(links(&retried.applied().links), "subject:applications/2");

        let again = move_against(accepted, json!({"to_stage": "61", "reading": wrong}), json!({}));
        assert!(
            matches!(again.refused(), Failure::Invalid(_)),
            "a chosen reading is never followed by another"
        );
    }
}

#[test]
fn a_start_date_is_a_date_or_a_date_time() {
    let hire = |input: Value, settings: Value, answer: Response| {
        case("applications.hire", input)
            .on("applications", "2")
            .settings(settings)
            .replies(vec![reply(200, json!([application()])), answer])
            .write()
    };
    let input = |reading: Option<&str>| {
        let mut input = json!({"opening": "70", "start_on": "2026-12-01"});
        if let Some(reading) = reading {
            input["reading"] = json!(reading);
        }
        input
    };
    let refusal = || reply(422, json!({"errors": [{"start_date": "is not a valid format"}]}));
    for (reading, written, other) in
        [("date", "2026-12-01", "date-time"), ("date-time", "2026-12-01T00:00:00Z", "date")]
    {
        let run = hire(input(None), json!({"start_date_reading": reading}), empty(204));
        assert_eq!(run.sent().body["start_date"], json!(written));
        let run = hire(input(None), json!({"start_date_reading": reading}), refusal());
        assert_eq!(other_reading(run.refused()), Some(other), "{}", run.refused());
        let run = hire(input(Some(reading)), json!({}), refusal());
        let Failure::Invalid(errors) = run.refused() else { panic!() };
        assert_eq!(errors[0].field, "start_on");
    }
    let run =
        hire(input(None), json!({}), reply(422, json!({"errors": [{"opening_id": "is closed"}]})));
    assert!(
        matches!(run.refused(), Failure::Invalid(_)),
        "a refusal that does not name the date has another cause"
    );
}

#[test]
fn users_are_created_one_by_one_or_in_bulk() {
    let make = |reading: Option<&str>, form: &str, answer: Response| {
        let mut input = json!({"first": "E", "last": "S", "email": "e@x.com"});
        if let Some(reading) = reading {
            input["reading"] = json!(reading);
        }
        case("users.create", input)
            .settings(json!({"users_form": form}))
            .replies(vec![answer])
            .write()
    };
    for (form, path, other) in
        [("single", "POST /v3/users", "bulk"), ("bulk", "POST /v3/users/bulk", "single")]
    {
        for status in [404, 405] {
            let run = make(None, form, reply(status, json!({"message": "Resource not found"})));
            assert_eq!(run.lines(), [path]);
            assert_eq!(other_reading(run.refused()), Some(other), "{form} {status}");
            let run = make(Some(form), other, reply(status, json!({})));
            assert_eq!(run.lines(), [path], "the input overrides the setting");
            assert_eq!(other_reading(run.refused()), None, "no loop: {}", run.refused());
        }
    }
    assert_eq!(
        links(&make(None, "single", reply(201, json!({"id": 4}))).applied().links),
        "subject:users/4"
    );
    assert_eq!(
        make(None, "bulk", reply(202, json!({"bulk_action_uuid": "u"}))).written(),
        &Written::Pending("u".into())
    );
}

#[test]
fn the_author_of_a_note_is_sent_or_left_out() {
    let note = |author: Value, settings: Value, answer: Response| {
        let mut input = json!({"candidate": "1", "body": "x", "visibility": "public"});
        if !author.is_null() {
            input["author"] = author;
        }
        case("notes.create", input).settings(settings).replies(vec![answer]).of_parent().write()
    };
    let made = || reply(201, json!({"id": 1, "type": "NOTE", "visibility": "publicly_visible"}));
    assert_eq!(note(json!("3"), json!({}), made()).sent().body["user_id"], json!(3));
    assert_eq!(
        note(json!("3"), json!({"note_author": "4"}), made()).sent().body["user_id"],
        json!(3)
    );
    assert_eq!(
        note(json!(null), json!({"note_author": "4"}), made()).sent().body["user_id"],
        json!(4)
    );
    assert!(note(json!(null), json!({}), made()).sent().body.get("user_id").is_none());

    let refusal = || reply(422, json!({"errors": [{"user_id": "is not accepted"}]}));
    for settings in [json!({"note_author": "4"}), json!({})] {
        let run = note(json!(null), settings, refusal());
        assert!(
            matches!(run.refused(), Failure::Misconfigured(_)),
            "the setting is at fault, in both readings"
        );
    }
    let run = note(json!("3"), json!({}), refusal());
    assert!(
        matches!(run.refused(), Failure::Invalid(_)),
        "an author named by the record is the record's fault"
    );
}

#[test]
fn a_conversion_answers_its_new_application_in_any_shape_or_not_at_all() {
    let prospect = json!({"id": 2, "candidate_id": 1, "job_id": null, "prospect": true,
        "status": "in_process"});
    for (answer, new) in [
        (reply(200, json!({"id": 3, "job_id": 5})), Some("3")),
        (reply(201, json!({"application": {"id": 3}})), Some("3")),
        (
            reply(200, json!({"success": true, "old_application_id": 2, "new_application_id": 3})),
            Some("3"),
        ),
        (reply(200, json!({"application_id": 3})), Some("3")),
        (reply(200, json!({"id": 2, "status": "converted"})), None),
        (empty(204), None),
    ] {
        let run = case("applications.convert", json!({"job": "5"}))
            .on("applications", "2")
            .replies(vec![reply(200, json!([prospect])), answer])
            .write();
        match new {
            Some(new) => assert_eq!(
                links(&run.applied().links),
                format!("subject:applications/{new} converted_from:applications/2")
            ),
            None => assert!(matches!(run.written(), Written::Unclear(_)), "the probe finds it"),
        }
    }
}

#[test]
fn a_lifecycle_call_answers_nothing_or_something() {
    for (answer, expected) in [
        (empty(204), "applied"),
        (empty(200), "applied"),
        (reply(200, json!({"id": 2})), "applied"),
        (reply(201, json!({"message": "moved"})), "applied"),
        (reply(202, json!({"message": "queued"})), "pending"),
        (Response { status: 200, headers: vec![], body: b"<html>".to_vec() }, "unclear"),
    ] {
        let run = case("applications.unreject", json!({}))
            .on("applications", "2")
            .replies(vec![reply(200, json!([{"id": 2, "status": "rejected"}])), answer])
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

#[test]
fn a_deletion_answers_a_body_or_none_and_may_find_no_row() {
    for (answer, warnings) in [
        (empty(204), 0),
        (reply(200, json!({"id": 7, "message": "deleted"})), 0),
        (reply(404, json!({"message": "Resource not found"})), 1),
    ] {
        let run = case("applied_tags.delete", json!({}))
            .on("applied_tags", "7")
            .replies(vec![answer])
            .write();
        assert_eq!((run.applied().links.len(), run.applied().warnings.len()), (0, warnings));
    }
}

/// The text for a name that exists is not documented: words that say so are a conflict, all others
/// a fault of the record.
#[test]
fn a_name_in_use_is_a_conflict_whatever_the_message() {
    for (operation, input) in [
        ("tags.create", json!({"name": "Intro"})),
        ("custom_fields.create", json!({"name": "n", "applies_to": "job", "type": "text"})),
        ("custom_field_options.create", json!({"custom_field": "9", "name": "A"})),
        ("users.create", json!({"first": "E", "last": "S", "email": "e@x.com"})),
    ] {
        for (errors, conflict) in [
            (json!([{"name": "has already been taken"}]), true),
            (json!(["Name must be unique"]), true),
            (json!([{"message": "A record with this name exists", "field": "name"}]), true),
            (json!(["is too long"]), false),
        ] {
            let run = case(operation, input.clone())
                .replies(vec![reply(422, json!({"errors": errors}))])
                .write();
            assert_eq!(
                matches!(run.refused(), Failure::Conflict(_)),
                conflict,
                "{operation}: {}",
                run.refused()
            );
            assert_eq!(other_reading(run.refused()), None);
        }
    }
}

/// The read shows a rejection's values under `question_custom_fields`; a tenant that says
/// `custom_fields` is understood too.
#[test]
fn values_of_a_rejection_are_read_under_either_name() {
    for member in ["question_custom_fields", "custom_fields"] {
        let row = json!({"id": 800, "rejection_reason_id": 1,
            member: {"why": {"type": "short_text", "value": "y"}}});
        let input =
            json!({"custom_fields": [{"key": "why", "id": "1", "type": "text", "value": "y"}]});
        let run = case("rejections.update", input)
            .on("rejections", "800")
            .replies(vec![reply(200, json!([row]))])
            .write();
        assert_eq!(links(&run.unneeded().links), "subject:rejections/800");
    }
}

/// It is unknown whether a PATCH of custom fields replaces the set or merges by field: the request
/// must have the same effect in both cases.
#[test]
fn an_update_of_custom_fields_is_right_whether_it_replaces_or_merges() {
    let stored = json!({
        "mine": {"type": "short_text", "value": "old"},
            "gone": {"type": "short_text", "value": "x"},
        "theirs": {"type": "long_text", "value": "keep"}, "flag": {"type": "yes_no", "value": true},
    });
    let input = json!({"custom_fields": [
        {"key": "mine", "id": "1", "type": "text", "value": "new"},
            {"key": "gone", "id": "2", "type": "text", "value": null}
    ]});
    let row = json!({"id": 7, "first_name": "Ada", "last_name": "Byron", "custom_fields": stored});
    let run = case("candidates.update", input)
        .on("candidates", "7")
        .replies(vec![reply(200, json!([row])), reply(200, json!({"id": 7}))])
        .write();
    let sent = run.sent().body["custom_fields"].as_array().unwrap().clone();
    for replaces in [true, false] {
        let mut values = serde_json::Map::new();
        if !replaces {
            for (key, field) in stored.as_object().unwrap() {
                values.insert(key.clone(), field["value"].clone());
            }
        }
        for field in &sent {
            values.insert(field["name_key"].as_str().unwrap().into(), field["value"].clone());
        }
        values.retain(|_, value| !value.is_null());
        assert_eq!(
            Value::Object(values),
            json!({"mine": "new", "theirs": "keep", "flag": true}),
            "replaces: {replaces}"
        );
    }
}
