//! Tests writes of notes, tags, files, users, custom fields and options.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod write_support;

use atsync_adapter::contract::{Failure, Written};
use serde_json::{Value, json};
use write_support::{case, empty, links, more, reply};

/// Operation, input, path, body as sent, kind of the new record, and the member of a wrapped
/// answer.
#[test]
fn a_creation_is_one_changing_request_and_its_answer_may_be_bare_or_wrapped() {
    for (operation, input, path, sent, kind, member) in [
        (
            "notes.create",
            json!({"candidate": "1", "application": "2", "author": "3", "body": "Introduced by \
                Sam.", "visibility": "admin_only"}),
            "/v3/notes",
            json!({"candidate_id": 1, "application_id": 2, "user_id": 3, "note_type": "NOTE",
                "visibility": "admin_only", "body": "Introduced by Sam."}),
            "notes",
            "note",
        ),
        (
            "tags.create",
            json!({"name": "Intro"}),
            "/v3/candidate_tags",
            json!({"name": "Intro"}),
            "tags",
            "candidate_tag",
        ),
        (
            "attachments.create",
            json!({"application": "2", "filename": "cv.pdf", "type": "resume",
                "url": "https://files.example.com/cv", "visibility": "private"}),
            "/v3/attachments",
            json!({"application_id": 2, "filename": "cv.pdf", "type": "resume",
                "url": "https://files.example.com/cv", "visibility": "private"}),
            "attachments",
            "attachment",
        ),
        (
            "attachments.create",
            json!({"application": "2", "filename": "p.png", "type": "photo",
                "content_base64": "aGk="}),
            "/v3/attachments",
            json!({"application_id": 2, "filename": "p.png", "type": "other", "content": "aGk="}),
            "attachments",
            "attachment",
        ),
        (
            "users.create",
            json!({"first": "Erin", "last": "Smith", "email": "erin@example.com",
                "employee_id": "A1", "job_title": "CTO"}),
            "/v3/users",
            json!({"first_name": "Erin", "last_name": "Smith", "primary_email": "erin@example.com",
                "send_email_invite": false, "employee_id": "A1", "job_title": "CTO"}),
            "users",
            "user",
        ),
        (
            "custom_fields.create",
            json!({"name": "Level", "applies_to": "candidate", "type": "single", "private": true,
                "description": "d", "options": [{"name": "A"}, {"name": "B", "external_id": "b"}]}),
            "/v3/custom_fields",
            json!({"name": "Level", "field_type": "candidate", "value_type": "single_select",
                "private": true, "description": "d",
                   "custom_field_options": [{"name": "A", "sort_order": 0},
                       {"name": "B", "sort_order": 1, "external_id": "b"}]}),
            "custom_fields",
            "custom_field",
        ),
        (
            "custom_field_options.create",
            json!({"custom_field": "9", "name": "A", "order": 0, "external_id": "x"}),
            "/v3/custom_field_options",
            json!({"custom_field_id": 9, "name": "A", "sort_order": 0, "external_id": "x"}),
            "custom_field_options",
            "custom_field_option",
        ),
    ] {
        for answer in [json!({"id": 77}), json!({member: {"id": 77}})] {
            let run = case(operation, input.clone())
                .replies(vec![reply(201, answer)])
                .of_parent()
                .write();
            assert_eq!(run.sent().line, format!("POST {path}"), "{operation}");
            let looks: &[&str] = match operation {
                "notes.create" => &["GET /v3/candidates?ids=1"],
                "attachments.create" => &["GET /v3/applications?ids=2"],
                _ => &[],
            };
            assert_eq!(run.lines()[..run.lines().len() - 1], *looks, "{operation}");
            assert_eq!(run.sent().body, sent, "{operation}");
            assert_eq!(links(&run.applied().links), format!("subject:{kind}/77"), "{operation}");
        }
        for (status, body) in [(201, json!({})), (204, Value::Null), (500, json!({}))] {
            let run = case(operation, input.clone())
                .replies(vec![reply(status, body)])
                .of_parent()
                .write();
            assert!(
                matches!(run.written(), Written::Unclear(_)),
                "{operation} {status}: the outcome is unknown"
            );
        }
    }
}

#[test]
fn an_invitation_is_sent_only_when_the_input_says_so() {
    for (invite, sent) in [(json!(null), false), (json!(false), false), (json!(true), true)] {
        let input = json!({"first": "E", "last": "S", "email": "e@x.com", "invite": invite});
        let run = case("users.create", input).replies(vec![reply(201, json!({"id": 1}))]).write();
        assert_eq!(run.sent().body["send_email_invite"], json!(sent));
    }
}

#[test]
fn an_impossible_creation_is_refused_before_a_request() {
    for (operation, input, field) in [
        ("notes.create", json!({"candidate": "1", "body": "  ", "visibility": "public"}), "body"),
        (
            "notes.create",
            json!({"candidate": "1", "body": "x", "visibility": "publicly_visible"}),
            "visibility",
        ),
        (
            "notes.create",
            json!({"candidate": "a", "body": "x", "visibility": "public"}),
            "candidate",
        ),
        ("tags.create", json!({"name": ""}), "name"),
        ("applied_tags.create", json!({"candidate": "1", "tag": "t"}), "tag"),
        (
            "attachments.create",
            json!({"application": "1", "filename": "a", "type": "resume"}),
            "url",
        ),
        (
            "attachments.create",
            json!({"application": "1", "filename": "a", "type": "resume", "url": "u",
                "content_base64": "aGk="}),
            "url",
        ),
        (
            "attachments.create",
            json!({"application": "1", "filename": "a", "type": "resume", "content_base64": "%%"}),
            "content_base64",
        ),
        ("users.create", json!({"first": "E", "last": "S", "email": ""}), "email"),
        (
            "custom_fields.create",
            json!({"name": "n", "applies_to": "other", "type": "text"}),
            "applies_to",
        ),
        ("custom_fields.create", json!({"name": "n", "applies_to": "job", "type": "file"}), "type"),
        (
            "custom_fields.create",
            json!({"name": "n", "applies_to": "job", "type": "text", "options": [{"name": "A"}]}),
            "options",
        ),
    ] {
        let run = case(operation, input.clone()).write();
        let Failure::Invalid(errors) = run.failure() else {
            panic!("{operation} {input}: {}", run.failure())
        };
        assert_eq!(errors[0].field, field, "{operation} {input}");
    }
    let run = case("moods.create", json!({})).write();
    assert!(matches!(run.failure(), Failure::Bug(_)));
}

/// No document says that a second row for the same tag is harmless, so the candidate's tags are
/// read first.
#[test]
fn a_tag_is_added_to_a_candidate_once() {
    let row = |id: u64, tag: u64| json!({"id": id, "candidate_id": 1, "candidate_tag_id": tag});
    let input = || json!({"candidate": "1", "tag": "55"});
    let run = case("applied_tags.create", input())
        .replies(vec![more(json!([row(8, 54)])), reply(200, json!([row(7, 55)]))])
        .of_parent()
        .write();
    assert_eq!(run.lines()[1], "GET /v3/applied_candidate_tags?candidate_ids=1");
    assert_eq!(links(&run.unneeded().links), "subject:applied_tags/7");

    let replies = vec![reply(200, json!([])), reply(201, json!({"id": 9}))];
    let run = case("applied_tags.create", input()).replies(replies).of_parent().write();
    assert_eq!(run.sent().body, json!({"candidate_id": 1, "candidate_tag_id": 55}));
    assert_eq!(links(&run.applied().links), "subject:applied_tags/9");
}

/// A note posted for a deleted candidate becomes an orphan that cannot be deleted; for the other
/// records the result is unknown.
#[test]
fn a_record_of_a_parent_is_created_only_while_a_new_read_shows_the_parent() {
    let note = json!({"candidate": "1", "body": "Hi", "visibility": "public"});
    let erased = json!([{"id": 1, "first_name": null, "last_name": null}]);
    for (operation, input) in [
        ("notes.create", note),
        ("applications.create", json!({"candidate": "1", "job": "5"})),
        ("applied_tags.create", json!({"candidate": "1", "tag": "55"})),
        (
            "attachments.create",
            json!({"application": "1", "filename": "cv.pdf", "type": "resume",
                "url": "https://x.example/cv"}),
        ),
    ] {
        for gone in [json!([]), json!([{"id": 2}])] {
            let run = case(operation, input.clone()).replies(vec![reply(200, gone)]).write();
            assert!(
                matches!(run.failure(), Failure::NotFound(_)),
                "{operation}: {}",
                run.failure()
            );
        }
        if operation != "attachments.create" {
            for (row, expected) in [
                (erased.clone(), "anonymised"),
                (json!([{"id": 1, "message": "processing"}]), "message"),
            ] {
                let run = case(operation, input.clone()).replies(vec![reply(200, row)]).write();
                assert!(
                    run.failure().to_string().contains(expected),
                    "{operation}: {}",
                    run.failure()
                );
            }
        }
    }
}

/// An input too large for a continuation cannot wait for a read of the parent, so it is sent at
/// once.
#[test]
fn a_file_too_large_for_a_continuation_is_sent_without_confirming_its_parent() {
    let content = "aGk=".repeat(20_000);
    let input = json!({"application": "2", "filename": "p.png", "type": "other",
        "content_base64": content.replace('=', "a")});
    let run =
        case("attachments.create", input).replies(vec![reply(201, json!({"id": 77}))]).write();
    assert_eq!(run.lines(), ["POST /v3/attachments"]);
}

#[test]
fn a_definition_is_changed_only_where_it_differs() {
    let field = json!({"id": 9, "name": "Level", "private": false, "description": null});
    let option = json!({"id": 9, "name": "A", "sort_order": 1, "external_id": "x"});
    for (operation, kind, row, input, sent) in [
        (
            "custom_fields.update",
            "custom_fields",
            &field,
            json!({"name": "Grade", "private": false, "description": ""}),
            Some(json!({"name": "Grade"})),
        ),
        (
            "custom_fields.update",
            "custom_fields",
            &field,
            json!({"private": true}),
            Some(json!({"private": true})),
        ),
        (
            "custom_fields.update",
            "custom_fields",
            &field,
            json!({"name": "Level", "description": null}),
            None,
        ),
        (
            "custom_field_options.update",
            "custom_field_options",
            &option,
            json!({"name": "B", "order": 1}),
            Some(json!({"name": "B"})),
        ),
        (
            "custom_field_options.update",
            "custom_field_options",
            &option,
            json!({"order": 2, "external_id": null}),
            Some(json!({"sort_order": 2, "external_id": null})),
        ),
        (
            "custom_field_options.update",
            "custom_field_options",
            &option,
            json!({"name": "A", "order": 1, "external_id": "x"}),
            None,
        ),
    ] {
        let mut replies = vec![reply(200, json!([row]))];
        replies.extend(sent.is_some().then(|| reply(200, row.clone())));
        let run = case(operation, input.clone()).on(kind, "9").replies(replies).write();
        assert_eq!(run.lines()[0], format!("GET /v3/{kind}?ids=9"));
        match sent {
            Some(sent) => {
                assert_eq!(
                    (run.sent().line.clone(), &run.sent().body),
                    (format!("PATCH /v3/{kind}/9"), &sent),
                    "{input}"
                );
            }
            None => assert_eq!(links(&run.unneeded().links), format!("subject:{kind}/9")),
        }
    }
}

#[test]
fn a_bulk_answer_is_pending_with_its_handle() {
    let answer = json!({"bulk_action_uuid": "u-1", "status": "building",
        "status_url": "https://harvest.greenhouse.io/v3/bulk_requests/u-1"});
    let run = case("users.create", json!({"first": "E", "last": "S", "email": "e@x.com"}))
        .settings(json!({"users_form": "bulk"}))
        .replies(vec![reply(202, answer)])
        .write();
    assert_eq!(run.sent().line, "POST /v3/users/bulk");
    assert_eq!(run.sent().body["data"][0]["primary_email"], json!("e@x.com"));
    assert_eq!(run.written(), &Written::Pending("u-1".into()));
}

#[test]
fn a_tag_is_removed_by_its_row() {
    let run = case("applied_tags.delete", json!({}))
        .on("applied_tags", "7")
        .replies(vec![empty(204)])
        .write();
    assert_eq!(run.lines(), ["DELETE /v3/applied_candidate_tags/7"]);
    assert!(run.applied().links.is_empty());
}
