//! Tests probes of changes: a change happened if no difference is left.

use super::*;

#[test]
fn a_change_happened_when_no_difference_is_left() {
    let person = json!({"id": 7, "first_name": "Ada", "last_name": "Byron", "company": "New",
        "private": true, "email_addresses": [{"value": "a@x.com", "type": "work"}],
        "custom_fields": {"l": {"type": "single_select", "value": "A"}}});
    for (operation, kind, input, row, happened) in [
        (
            "candidates.update",
            "candidates",
            json!({"set": {"company": "New", "private": true}, "add": {"emails": ["A@x.com"]},
                "custom_fields": [{"key": "l", "id": "1", "type": "single",
                "value": {"id": "5", "label": "A"}}]}),
            &person,
            true,
        ),
        ("candidates.update", "candidates", json!({"set": {"company": "Newer"}}), &person, false),
        (
            "candidates.update",
            "candidates",
            json!({"remove": {"emails": ["a@x.com"]}}),
            &person,
            false,
        ),
        (
            "applications.update",
            "applications",
            json!({"source": "4", "referrer": null}),
            &application(7, json!({"source_id": 4})),
            true,
        ),
        (
            "applications.update",
            "applications",
            json!({"source": "5"}),
            &application(7, json!({"source_id": 4})),
            false,
        ),
        (
            "applications.move",
            "applications",
            json!({"to_stage": "60"}),
            &application(7, json!({"job_interview_stage_id": 60})),
            true,
        ),
        (
            "applications.move",
            "applications",
            json!({"to_stage": "61"}),
            &application(7, json!({"job_interview_stage_id": 60})),
            false,
        ),
        (
            "applications.move",
            "applications",
            json!({"to_job": "5"}),
            &application(7, json!({})),
            true,
        ),
        (
            "applications.reject",
            "applications",
            json!({"reason": "1"}),
            &application(7, json!({"status": "rejected"})),
            true,
        ),
        (
            "applications.reject",
            "applications",
            json!({"reason": "1"}),
            &application(7, json!({})),
            false,
        ),
        ("applications.unreject", "applications", json!({}), &application(7, json!({})), true),
        (
            "applications.unreject",
            "applications",
            json!({}),
            &application(7, json!({"status": "rejected"})),
            false,
        ),
        (
            "applications.hire",
            "applications",
            json!({}),
            &application(7, json!({"status": "hired"})),
            true,
        ),
        ("applications.hire", "applications", json!({}), &application(7, json!({})), false),
        (
            "applications.convert",
            "applications",
            json!({"job": "5"}),
            &application(7, json!({"prospect": true})),
            false,
        ),
        (
            "rejections.update",
            "rejections",
            json!({"reason": "1"}),
            &json!({"id": 7, "rejection_reason_id": 1}),
            true,
        ),
        (
            "custom_fields.update",
            "custom_fields",
            json!({"name": "A"}),
            &json!({"id": 7, "name": "A"}),
            true,
        ),
        (
            "custom_field_options.update",
            "custom_field_options",
            json!({"order": 1}),
            &json!({"id": 7, "sort_order": 2}),
            false,
        ),
    ] {
        for sent in [None, Some(SENT_MS)] {
            let run = case(operation, input.clone())
                .on(kind, "7")
                .replies(vec![reply(200, json!([row]))])
                .probe(sent);
            let expected = match (happened, kind) {
                (true, _) => format!("found subject:{kind}/7 matched"),
                (false, "candidates" | "applications") => "absent 30000".into(),
                (false, _) => "absent 10000".into(),
            };
            assert_eq!(run.verdict(), expected, "{operation} {input}");
        }
    }
}

#[test]
fn a_move_is_settled_without_the_stage_definition_on_the_row() {
    for (stage, verdict) in [(60, "found subject:applications/7 matched"), (61, "absent 30000")] {
        let stages = json!([{"id": 900, "application_id": 7, "job_interview_stage_id": stage,
            "current": true}]);
        let run = case("applications.move", json!({"to_stage": "60"}))
            .on("applications", "7")
            .replies(vec![
                reply(200, json!([application(7, json!({"stage_id": 900}))])),
                reply(200, stages),
            ])
            .probe(Some(SENT_MS));
        assert_eq!(run.verdict(), verdict);
    }
}

#[test]
fn a_conversion_is_found_as_the_new_application() {
    let old = application(
        7,
        json!({"prospect": true, "status": "converted", "job_id": null, "created_at": BEFORE}),
    );
    for (siblings, sent, verdict) in [
        (
            json!([application(9, json!({})), old]),
            Some(SENT_MS),
            "found subject:applications/9 converted_from:applications/7 matched",
        ),
        (
            json!([application(9, json!({"created_at": BEFORE})), old]),
            Some(SENT_MS),
            "absent 30000",
        ),
        (
            json!([application(9, json!({"created_at": BEFORE})), old]),
            None,
            "found subject:applications/9 converted_from:applications/7 matched",
        ),
        (json!([old]), Some(SENT_MS), "absent 30000"),
    ] {
        let run = case("applications.convert", json!({"job": "5"}))
            .on("applications", "7")
            .replies(vec![reply(200, json!([old])), reply(200, siblings)])
            .probe(sent);
        assert_eq!(run.verdict(), verdict);
    }
}

/// Found by fuzzing: a matching row without an id became a link without an id.
#[test]
fn a_matching_row_without_an_id_neither_proves_nor_disproves_the_conversion() {
    let old = application(
        7,
        json!({"prospect": true, "status": "converted", "job_id": null, "created_at": BEFORE}),
    );
    let nameless = application(9, json!({"id": null}));
    let replies = vec![reply(200, json!([old])), reply(200, json!([nameless, old]))];
    let case =
        case("applications.convert", json!({"job": "5"})).on("applications", "7").replies(replies);
    assert!(matches!(case.probe(Some(SENT_MS)).failure(), Failure::Protocol(_)));
}

#[test]
fn a_deletion_is_proved_by_the_row_not_being_shown() {
    for (rows, verdict) in [(json!([]), "found  matched"), (json!([{"id": 7}]), "absent 10000")] {
        let run = case("applied_tags.delete", json!({}))
            .on("applied_tags", "7")
            .replies(vec![reply(200, rows)])
            .probe(Some(SENT_MS));
        assert_eq!(run.lines(), ["GET /v3/applied_candidate_tags?ids=7"]);
        assert_eq!(run.verdict(), verdict);
    }
}
