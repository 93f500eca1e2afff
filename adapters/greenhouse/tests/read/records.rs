//! Tests the record of each kind of row. Every uncertain fact of the reference is read in both
//! ways.

use crate::support::*;
use atsync_greenhouse::kinds;
use serde_json::{Value, json};

const CANDIDATE: &str = r#"{"id": 20909586002, "first_name": "Vida", "last_name": "Lebsack", "preferred_name": null, "company": "Corkery",
 "title": "Hermit Crab", "private": false, "can_email": true, "time_zone": null, "linked_user_ids": [],
 "tags": ["Referral"], "phone_numbers": [{"value": "904-315-7393", "type": "mobile"}],
 "email_addresses": [{"value": "vida@example.com", "type": "personal"}], "addresses": [], "website_addresses": [{"value":"https://v.example","type":"portfolio"}],
 "social_media_addresses": [{"value": "linkedin.com/in/vida"}],
 "custom_fields": {"dialing_code": {"name": "Dialing Code", "type": "short_text", "value": "+01"}},
 "last_activity_at": "2026-10-05T22:36:05.370Z", "created_at": "2026-10-05T22:36:04.296Z",
 "updated_at": "2026-10-05T22:36:05.370Z"}"#;

const APPLICATION: &str = r#"{"id": 83660557002, "candidate_id": 20909586002, "job_id": 6409476002, "prospect": false, "prospective_job_ids": [],
 "status": "in_process", "stage_id": 90210557002, "job_interview_stage_id": 11925559004, "stage_name": "Phone Screen",
 "needs_decision": false, "source_id": 4000067003, "referrer_id": 7712, "recruiter_id": 4173307002,
 "coordinator_id": null, "job_post_id": null, "agency_note_id": null, "rejected_at": null, "rejection_reason_id": null,
 "location_address": null, "answers": [{"question":"Why?","answer":"Because"}], "custom_fields": {}, "last_activity_at": "2026-11-01T10:00:00.000Z",
 "created_at": "2026-10-20T09:00:00.000Z", "updated_at": "2026-11-01T10:00:00.000Z"}"#;

/// Changes some members of a row; `Null` at the top is written, not removed.
fn with(row: &str, changes: Value) -> String {
    let mut row: Value = serde_json::from_str(row).unwrap();
    for (name, value) in changes.as_object().unwrap() {
        row[name] = value.clone();
    }
    row.to_string()
}

fn without(row: &str, members: &[&str]) -> String {
    let mut row: Value = serde_json::from_str(row).unwrap();
    for member in members {
        row.as_object_mut().unwrap().remove(*member).unwrap();
    }
    row.to_string()
}

#[test]
fn a_candidate_reads_as_the_reference_shows_it() {
    let (body, mask) = read("candidates", CANDIDATE);
    assert_eq!(
        body,
        json!({
            "name": {"first": "Vida", "last": "Lebsack"},
            "emails": [{"value": "vida@example.com",
                "type": {"value": "personal", "source": "personal"}}],
            "phones": [{"value": "904-315-7393", "type": {"value": "mobile", "source": "mobile"}}],
            "links": [
                {"value": "https://v.example",
                    "type": {"value": "portfolio", "source": "portfolio"}},
                {"value": "linkedin.com/in/vida", "type": {"value": "social"}}
            ],
            "company": "Corkery", "title": "Hermit Crab", "tags": [{"name": "Referral"}],
            "privacy": {"private": false, "do_not_contact": false},
            "custom_fields": {"dialing_code": {"name": "Dialing Code", "type": "text",
                "value": "+01"}},
            "last_activity_at": "2026-10-05T22:36:05.370Z",
                "created_at": "2026-10-05T22:36:04.296Z",
            "updated_at": "2026-10-05T22:36:05.370Z"
        })
    );
    assert_eq!(mask, kinds::named("candidates").unwrap().fields);
}

#[test]
fn an_application_reads_as_the_reference_shows_it() {
    let (body, mask) = read("applications", APPLICATION);
    assert_eq!(
        body,
        json!({
            "candidate": {"id": "20909586002"}, "job": {"id": "6409476002"}, "kind": "application",
            "outcome": {"value": "active", "source": "in_process"},
            "stage": {"id": "11925559004", "name": "Phone Screen"},
                "application_stage": {"id": "90210557002"},
            "source": {"id": "4000067003"}, "referrer": {"id": "7712"},
                "recruiter": {"id": "4173307002"},
            "needs_decision": false, "answers": [{"question": "Why?", "answer": "Because"}],
            "last_activity_at": "2026-11-01T10:00:00.000Z",
                "created_at": "2026-10-20T09:00:00.000Z",
            "updated_at": "2026-11-01T10:00:00.000Z"
        })
    );
    assert_eq!(mask, kinds::named("applications").unwrap().fields);
}

/// harvest-v3.md §9.2: both members appeared before they were documented, so some rows lack them.
#[test]
fn a_member_that_the_official_form_lacks_is_unknown_and_not_empty() {
    let (body, mask) = read(
        "applications",
        &without(APPLICATION, &["job_interview_stage_id", "rejection_reason_id"]),
    );
    assert!(mask.contains(&"stage".to_owned()) && !mask.contains(&"reject_reason".to_owned()));
    assert_eq!(
        body["stage"],
        json!({"name": "Phone Screen"}),
        "the stage is known by its name alone"
    );
    assert_eq!(body.get("reject_reason"), None, "a body has no field beyond its mask");
    let (body, mask) =
        read("applications", &without(APPLICATION, &["job_interview_stage_id", "stage_name"]));
    assert!(!mask.contains(&"stage".to_owned()) && body.get("stage").is_none());
    assert!(mask.contains(&"application_stage".to_owned()));
    let (body, mask) = read(
        "applications",
        &with(&without(APPLICATION, &["job_interview_stage_id"]), json!({"stage_name": null})),
    );
    assert!(
        mask.contains(&"stage".to_owned()) && body.get("stage").is_none(),
        "a hired application has no stage"
    );
    let (_, mask) = read("applications", APPLICATION);
    assert!(mask.contains(&"stage".to_owned()) && mask.contains(&"reject_reason".to_owned()));
}

#[test]
fn rows_of_both_forms_share_a_page_with_a_mask_each() {
    let older = without(APPLICATION, &["rejection_reason_id"]);
    let page =
        scanned("applications", ok(&format!("[{APPLICATION},{older},{APPLICATION}]"))).unwrap();
    assert_eq!(page.items.iter().map(|item| item.mask).collect::<Vec<_>>(), [0, 1, 0]);
    assert_eq!(page.masks[0].len(), page.masks[1].len() + 1);
}

#[test]
fn statuses_keep_greenhouses_own_word() {
    for (source, value) in [
        ("in_process", "active"),
        ("active", "active"),
        ("rejected", "rejected"),
        ("hired", "hired"),
        ("converted", "converted"),
        ("paused", "other"),
    ] {
        let (body, _) = read("applications", &with(APPLICATION, json!({"status": source})));
        assert_eq!(body["outcome"], json!({"value": value, "source": source}));
    }
}

#[test]
fn a_prospect_without_a_job_is_an_application_too() {
    let (body, _) = read(
        "applications",
        &with(
            APPLICATION,
            json!({"prospect": true, "job_id": null, "prospective_job_ids": [1, 2]}),
        ),
    );
    assert_eq!(body["kind"], "prospect");
    assert_eq!(body.get("job"), None);
    assert_eq!(body["prospective_jobs"], json!([{"id": "1"}, {"id": "2"}]));
}

#[test]
fn absent_null_and_empty_differ_for_every_flag_and_list() {
    for kind in kinds::KINDS {
        let row = whole(kind);
        let never_null = |member: &str| kind.never_null.contains(&member);
        for (member, value) in row.as_object().unwrap() {
            let (is_flag, is_list) = (value.is_boolean(), value.is_array());
            if !is_flag && !is_list {
                continue;
            }
            let place = format!("{}.{member}", kind.collection);
            let (whole_body, _) = read(kind.name, &row.to_string());
            let (absent, absent_mask) = read(kind.name, &without(&row.to_string(), &[member]));
            let field = kind
                .fields
                .iter()
                .find(|field| !absent_mask.contains(&(**field).to_owned()))
                .unwrap_or_else(|| {
                    panic!("{place}: the mask is the same without it");
                });
            assert_eq!(absent.get(*field), None, "{place}");
            let (page, _) = scanned_with(
                kind.name,
                ok(&format!("[{}]", with(&row.to_string(), json!({ member: null })))),
            );
            let null: Value = serde_json::from_str(&page.items[0].body).unwrap();
            let null_mask = page.masks[0].clone();
            let is_known = null_mask.contains(&(*field).to_owned());
            assert_eq!(
                is_known,
                !never_null(member),
                "{place}: null is known where openapi has null, otherwise unknown"
            );
            assert_ne!(null.get(*field), whole_body.get(*field), "{place}");
            let empty = if is_flag { json!(false) } else { json!([]) };
            let (empty, mask) = read(kind.name, &with(&row.to_string(), json!({ member: empty })));
            assert!(mask.contains(&(*field).to_owned()), "{place}");
            if is_flag && *field != "privacy" {
                assert_ne!(empty.get(*field), None, "{place}: false is in the body");
                assert_ne!(empty.get(*field), null.get(*field), "{place}: null is not false");
            }
        }
    }
}

/// openapi: job_hiring_manager, job_owner.
#[test]
fn a_hiring_team_refers_to_job_and_users_and_has_their_roles() {
    let times = json!({"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-02T00:00:00Z"});
    let row =
        |more: Value| with(&with(r#"{"id": 7, "job_id": 5, "user_id": 3}"#, times.clone()), more);
    let (manager, _) = read("hiring_managers", &row(json!({})));
    assert_eq!((&manager["job"]["id"], &manager["user"]["id"]), (&json!("5"), &json!("3")));
    assert_eq!(manager["role"], json!({"value": "hiring_manager"}));
    for (source, value) in [
        ("recruiter", "recruiter"),
        ("coordinator", "coordinator"),
        ("sourcer", "sourcer"),
        ("new", "other"),
    ] {
        let (owner, _) = read("job_owners", &row(json!({"type": source, "responsible": false})));
        assert_eq!(
            (&owner["role"], &owner["responsible"]),
            (&json!({"value": value, "source": source}), &json!(false))
        );
    }
}

/// Official schema: `custom_field.active` may be null. That is not false.
#[test]
fn null_never_says_that_a_definition_is_archived() {
    let row = whole(kinds::named("custom_fields").unwrap());
    let (body, mask) = read("custom_fields", &with(&row.to_string(), json!({"active": null})));
    assert!(body.get("active").is_none() && mask.contains(&"active".to_owned()));
    assert_eq!(
        read("custom_fields", &with(&row.to_string(), json!({"active": false}))).0["active"],
        false
    );
}

#[test]
fn a_bad_member_or_row_loses_only_itself_whatever_the_kind() {
    for kind in kinds::KINDS {
        let row = whole(kind);
        for member in row.as_object().unwrap().keys().filter(|member| *member != "id") {
            for odd in [json!([null]), json!({"odd": {}}), json!(1e300)] {
                let page = format!("[{row},{}]", with(&row.to_string(), json!({ member: odd })));
                let (page, problems) = scanned_with(kind.name, ok(&page));
                assert_eq!(page.items.len(), 2, "{}.{member} = {odd}", kind.collection);
                assert_eq!(
                    page.masks[0], kind.fields,
                    "{}: the other row is read completely",
                    kind.collection
                );
                let mask = &page.masks[page.items[1].mask as usize];
                for problem in &problems {
                    assert_eq!(problem.id.as_deref(), Some(&*page.items[1].id));
                    assert!(
                        !mask.contains(problem.field.as_ref().unwrap()),
                        "{}.{member}: {problem:?}",
                        kind.collection
                    );
                }
                assert_eq!(
                    problems.is_empty(),
                    mask == kind.fields,
                    "{}.{member} = {odd}",
                    kind.collection
                );
            }
        }
        for odd in
            ["7", "null", "\"x\"", "[1]", "{}", r#"{"id":null}"#, r#"{"id":{}}"#, r#"{"id":1.5}"#]
        {
            let (page, problems) = scanned_with(kind.name, ok(&format!("[{odd},{row}]")));
            assert_eq!((page.items.len(), problems.len()), (1, 1), "{}: {odd}", kind.collection);
        }
    }
}

/// A member that is read as text accepts text, or a number where it may be a customer's own id; one
/// that is a time accepts only a time.
#[test]
fn a_value_of_another_type_is_unknown_and_named_and_never_a_text_or_a_time() {
    for kind in kinds::KINDS {
        let row = whole(kind);
        for (member, value) in row.as_object().unwrap() {
            let is_time = member.ends_with("_at")
                || ["target_start_on", "start_date", "end_date"].contains(&member.as_str());
            if member == "id" || !value.is_string() {
                continue;
            }
            let mut odd = vec![json!(true), json!(["x"]), json!({"value": "x"}), json!(1.5)];
            if is_time {
                let times =
                    ["zzz", "2027-13-45T99:99:99Z", "26/11/2026", "2026-02-30T00:00:00Z", " "];
                odd.extend(times.map(|time| json!(time)).into_iter().chain([json!(99), json!(-1)]));
            }
            for odd in odd {
                let place = format!("{}.{member} = {odd}", kind.collection);
                let page = format!("[{}]", with(&row.to_string(), json!({ member: odd })));
                let (page, problems) = scanned_with(kind.name, ok(&page));
                let [problem] = problems.as_slice() else { panic!("{place}: {problems:?}") };
                let field = problem.field.clone().unwrap();
                assert!(!page.masks[0].contains(&field), "{place}: {field} is unknown");
                assert_eq!(
                    page.masks[0].len(),
                    kind.fields.len() - 1,
                    "{place}: and no other field"
                );
                let body: Value = serde_json::from_str(&page.items[0].body).unwrap();
                assert_eq!(body.get(&field), None, "{place}");
                assert!(member != "updated_at" || page.items[0].version.is_none(), "{place}");
            }
        }
    }
}

/// An id is a positive whole number in its one spelling. Any other value names no record: the row
/// has no id, the reference is unknown.
#[test]
fn an_invalid_id_makes_neither_a_record_nor_a_reference() {
    let odd = [
        json!(""),
        json!(" 7 "),
        json!("07"),
        json!(0),
        json!("0"),
        json!(-5),
        json!("a/b?c\n"),
        json!("7\u{0}"),
        json!("9".repeat(400)),
        json!(u64::MAX),
        json!(true),
        json!([1]),
        json!({"id": 1}),
        json!(1.0),
    ];
    for kind in kinds::KINDS {
        let row = whole(kind);
        for (member, value) in row.as_object().unwrap() {
            let is_list = value == &json!([1, 2]);
            if !is_list && value != &json!(12) {
                continue;
            }
            for odd in &odd {
                let place = format!("{}.{member} = {odd}", kind.collection);
                let odd = if is_list { json!([1, odd]) } else { odd.clone() };
                let page = format!("[{}]", with(&row.to_string(), json!({ member: odd })));
                let (page, problems) = scanned_with(kind.name, ok(&page));
                let [problem] = problems.as_slice() else { panic!("{place}: {problems:?}") };
                match &problem.field {
                    None => assert!(
                        member == "id" && page.items.is_empty() && problem.id.is_none(),
                        "{place}"
                    ),
                    Some(field) => {
                        assert!(!page.masks[0].contains(field), "{place}: {field} is unknown");
                        let body: Value = serde_json::from_str(&page.items[0].body).unwrap();
                        assert_eq!(body.get(field), None, "{place}");
                    }
                }
            }
        }
    }
}

/// A list with an entry that shows no value is unknown as a whole: a shorter list would report that
/// entry as removed.
#[test]
fn an_entry_without_its_value_makes_the_list_unknown_and_never_shorter() {
    let contact = json!({"value": "v", "type": "home"});
    let lists = [
        ("candidates", "email_addresses", "emails", contact.clone()),
        ("candidates", "phone_numbers", "phones", contact.clone()),
        ("candidates", "addresses", "addresses", contact.clone()),
        ("candidates", "website_addresses", "links", contact.clone()),
        ("candidates", "social_media_addresses", "links", contact),
        ("candidates", "tags", "tags", json!("x")),
        ("users", "emails", "emails", json!("a@x.com")),
    ];
    for (kind, member, field, sound) in lists {
        let row = whole(kinds::named(kind).unwrap()).to_string();
        let odd = [
            json!(null),
            json!(true),
            json!([]),
            json!(["x"]),
            json!([["x"]]),
            json!({}),
            json!({"url": "x"}),
            json!({"value": null}),
            json!({"value": {}}),
        ];
        for entry in odd {
            let place = format!("{kind}.{member} = [{entry}]");
            let page = format!("[{}]", with(&row, json!({ member: [sound, entry] })));
            let (page, problems) = scanned_with(kind, ok(&page));
            assert_eq!(
                problems.iter().map(|problem| problem.field.as_deref()).collect::<Vec<_>>(),
                [Some(field)],
                "{place}"
            );
            assert!(!page.masks[0].contains(&field.to_owned()), "{place}");
        }
    }
    let blank =
        with(&whole(kinds::named("candidates").unwrap()).to_string(), json!({"tags": ["x", " "]}));
    assert_eq!(
        scanned_with("candidates", ok(&format!("[{blank}]"))).1.len(),
        1,
        "a tag needs a name"
    );
}

/// openapi: `custom_fields` is a map or null. Any other value leaves them unknown.
#[test]
fn custom_fields_are_a_map_or_null_and_any_other_value_is_unknown() {
    for kind in kinds::KINDS.iter().filter(|kind| kind.fields.contains(&"custom_fields")) {
        let row = whole(kind);
        let member = ["custom_fields", "question_custom_fields"]
            .into_iter()
            .find(|member| row.get(member).is_some());
        let read = |value: Value| {
            let page = format!("[{}]", with(&row.to_string(), json!({ member.unwrap(): value })));
            scanned_with(kind.name, ok(&page))
        };
        for odd in [
            json!([]),
            json!([null]),
            json!([["x"]]),
            json!([{"name_key": "k", "value": 1}]),
            json!("x"),
            json!(7),
            json!(true),
        ] {
            let (page, problems) = read(odd.clone());
            assert_eq!(
                problems[0].field.as_deref(),
                Some("custom_fields"),
                "{}: {odd}",
                kind.collection
            );
            assert!(
                !page.masks[0].contains(&"custom_fields".to_owned()),
                "{}: {odd}",
                kind.collection
            );
        }
        for empty in [json!(null), json!({})] {
            let (page, problems) = read(empty);
            assert_eq!(
                (page.masks[0].len(), problems.len()),
                (kind.fields.len(), 0),
                "{}",
                kind.collection
            );
        }
    }
}

/// openapi: note.candidate_id may be null. An orphan is known to have no candidate, and its body
/// has no reference.
#[test]
fn an_orphaned_note_has_no_candidate() {
    let row = whole(kinds::named("notes").unwrap()).to_string();
    let (body, mask) = read("notes", &with(&row, json!({"candidate_id": null})));
    assert!(body.get("candidate").is_none() && mask.contains(&"candidate".to_owned()), "{body}");
    let (body, mask) = read("applications", &with(APPLICATION, json!({"candidate_id": null})));
    assert!(body.get("candidate").is_none() && !mask.contains(&"candidate".to_owned()), "{body}");
}

#[test]
fn ids_keep_every_digit_as_numbers_or_texts() {
    for id in [json!(9_007_199_254_740_993_u64), json!("9007199254740993")] {
        let page = scanned("candidates", ok(&format!("[{}]", with(CANDIDATE, json!({"id": id})))))
            .unwrap();
        assert_eq!(page.items[0].id, "9007199254740993");
    }
}

#[test]
fn a_candidate_without_a_name_was_anonymised_at_least_in_part() {
    let blank = json!({
        "first_name": null, "last_name": "", "email_addresses": [], "phone_numbers": [],
            "website_addresses": [], "social_media_addresses": []
    });
    let (body, mask) = read("candidates", &with(CANDIDATE, blank.clone()));
    assert_eq!(body["privacy"]["anonymized"], true);
    assert!(mask.contains(&"name".to_owned()), "the blanks are known");
    let reachable = with(
        &with(CANDIDATE, blank.clone()),
        json!({"phone_numbers": [{"value": "1", "type": "home"}]}),
    );
    assert_eq!(
        read("candidates", &reachable).0["privacy"]["anonymized"],
        true,
        "only some groups were anonymised"
    );
    let named = with(&with(CANDIDATE, blank.clone()), json!({"last_name": "Lebsack"}));
    assert_eq!(read("candidates", &named).0["privacy"].get("anonymized"), None);
    let trimmed = without(&with(CANDIDATE, blank), &["last_name"]);
    assert_eq!(
        read("candidates", &trimmed).0["privacy"].get("anonymized"),
        None,
        "an unknown name is not blank"
    );
}

#[test]
fn a_request_not_to_be_mailed_is_read() {
    assert_eq!(
        read("candidates", &with(CANDIDATE, json!({"can_email": false}))).0["privacy"]["do_not_contact"],
        true
    );
}

/// harvest-v3.md §7 [?]: the second arm of a candidate is `{message}`. A whole candidate with a
/// message beside it is a candidate.
#[test]
fn a_stub_shows_that_the_record_exists_and_erases_nothing() {
    let stub = r#"{"id":5,"message":"processing"}"#;
    let page =
        scanned("candidates", ok(&format!("[{CANDIDATE},{stub},{{\"message\":\"processing\"}}]")))
            .unwrap();
    assert_eq!(page.items.len(), 2, "a stub without an id makes no record");
    let item = &page.items[1];
    assert_eq!(
        (&*item.id, &*item.body, page.masks[item.mask as usize].len(), item.raw.is_none()),
        ("5", "{}", 0, true)
    );
    let (body, _) = read("candidates", &with(CANDIDATE, json!({"message": "hello"})));
    assert_eq!(body["name"]["first"], "Vida");
}

#[test]
fn unknown_members_stay_in_the_raw_record() {
    let (body, mask) = read("candidates", &with(CANDIDATE, json!({"brand_new": {"a": [1]}})));
    assert_eq!(body, read("candidates", CANDIDATE).0);
    assert_eq!(mask, read("candidates", CANDIDATE).1);
}

#[test]
fn times_are_kept_as_written() {
    for time in ["2026-10-05T22:36:05Z", "2026-10-05T22:36:05.370Z", "2026-10-05T22:36:05+02:00"] {
        assert_eq!(
            read("candidates", &with(CANDIDATE, json!({"updated_at": time}))).0["updated_at"],
            time
        );
    }
}

#[test]
fn a_version_exists_only_where_every_member_is_the_records_own() {
    let tag = r#"{"id":1,"name":"a","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}"#;
    assert_eq!(
        scanned("tags", ok(&format!("[{tag}]"))).unwrap().items[0].version.as_deref(),
        Some("2026-01-01T00:00:00Z")
    );
    assert_eq!(
        scanned("candidates", ok(&format!("[{CANDIDATE}]"))).unwrap().items[0].version,
        None
    );
}

/// The URL of a file is a secret while it is valid: neither record nor raw span may contain it.
#[test]
fn the_url_of_a_file_is_never_kept() {
    let row = r#"{"id":1,"application_id":2,"candidate_id":3,"type":"resume","filename":"cv.pdf","url":"https://files/secret?sig=1","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-02T00:00:00Z"}"#;
    let page = scanned("attachments", ok(&format!("[{row}]"))).unwrap();
    assert!(!page.items[0].body.contains("secret") && page.items[0].raw.is_none());
    assert!(page.items[0].body.contains("cv.pdf"));
}

#[test]
fn a_service_user_has_no_address() {
    let row = r#"{"id":1,"first_name":"Api","last_name":"User","name":"Api User","primary_email":"","emails":[],"deactivated":false,
        "site_admin":true,"employee_id":null,"job_title":null,"office_ids":[],"department_ids":[],"linked_candidate_ids":[],"custom_fields":null,
        "created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-02T00:00:00Z"}"#;
    let (body, mask) = read("users", row);
    assert_eq!(body.get("email").or(body.get("emails")), None);
    assert_eq!((&body["active"], &body["site_admin"]), (&json!(true), &json!(true)));
    assert_eq!(mask, kinds::named("users").unwrap().fields);
}

#[test]
fn the_type_of_a_rejection_reason_says_which_side_ended_it() {
    for (key, value) in [
        ("WE_REJECTED_THEM", "organisation"),
        ("THEY_REJECTED_US", "candidate"),
        ("NONE_SPECIFIED", "other"),
    ] {
        let row = json!({"id": 1, "name": "x", "type": {"id": 1, "key": key, "name": "n"},
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-02T00:00:00Z"});
        assert_eq!(
            read("reject_reasons", &row.to_string()).0["type"],
            json!({"value": value, "source": key})
        );
    }
    let row = json!({"id": 1, "name": "Intro", "type": {"id": 2, "name": "Prospecting"},
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-02T00:00:00Z"});
    assert_eq!(
        read("sources", &row.to_string()).0["type"],
        json!({"value": "other", "source": "Prospecting"})
    );
}

#[test]
fn a_note_reads_the_same_from_either_vocabulary() {
    let row = json!({"id": 1, "candidate_id": 2, "application_id": null, "user_id": 3,
        "type": "NOTE", "visibility": "publicly_visible",
        "body": "Hi", "subject": null, "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-02T00:00:00Z"});
    let (body, _) = read("notes", &row.to_string());
    assert_eq!(body["visibility"], json!({"value": "public", "source": "publicly_visible"}));
    assert_eq!(body["type"], json!({"value": "note", "source": "NOTE"}));
    let (body, _) = read("notes", &with(&row.to_string(), json!({"visibility": "private"})));
    assert_eq!(body["visibility"]["value"], "private");
}

#[test]
fn an_offices_location_is_a_text_or_the_older_object() {
    for location in [json!("Atlanta"), json!({"name": "Atlanta"})] {
        let row = json!({"id": 1, "name": "A", "location": location, "parent_id": null,
            "external_id": null, "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-02T00:00:00Z"});
        assert_eq!(read("offices", &row.to_string()).0["location"], "Atlanta");
    }
}

/// A generated row of every kind fills every field of its mask: the table and the readers agree.
#[test]
fn every_field_of_a_mask_can_be_filled() {
    for kind in kinds::KINDS {
        let mut row = whole(kind);
        if let Some(values) = row.get_mut("custom_fields").and_then(Value::as_object_mut) {
            values.insert("o".into(), json!({"name": "O", "type": "number", "value": "7.0"}));
        }
        let (body, mask) = read(kind.name, &row.to_string());
        let filled: Vec<&str> =
            kind.fields.iter().copied().filter(|field| body.get(*field).is_some()).collect();
        assert_eq!(filled, kind.fields, "{}: {body}", kind.name);
        assert_eq!(
            body.as_object().unwrap().len(),
            kind.fields.len(),
            "{}: no field outside the mask: {body}",
            kind.name
        );
        assert_eq!(mask, kind.fields);
    }
}

/// Makes a row with all members that are read.
fn whole(kind: &kinds::Kind) -> Value {
    let members = kind.reads.iter().filter(|member| **member != "message");
    Value::Object(members.map(|member| ((*member).to_owned(), sample(kind.name, member))).collect())
}

fn sample(kind: &str, member: &str) -> Value {
    match member {
        "custom_fields" | "question_custom_fields" => {
            json!({"k": {"name": "K", "type": "short_text", "value": "v"}})
        }
        "type" if matches!(kind, "sources" | "reject_reasons") => {
            json!({"id": 1, "key": "WE_REJECTED_THEM", "name": "n"})
        }
        "answers" | "questions" => json!([{"question": "q", "answer": "a"}]),
        "emails" | "tags" => json!(["x"]),
        "sort_order" => json!(0),
        "private" | "can_email" | "prospect" | "needs_decision" | "confidential"
        | "is_template" | "internal" | "active" | "live" | "featured" | "open" | "current"
        | "verified" | "deactivated" | "site_admin" | "required" | "responsible" | "latest" => {
            json!(true)
        }
        month if month.ends_with("_month") => json!(9),
        year if year.ends_with("_year") => json!(2016),
        "addresses" | "social_media_addresses" => json!([{"value": "v", "type": "home"}]),
        list if list.ends_with("_ids") => json!([1, 2]),
        list if list.ends_with("_addresses") || list.ends_with("_numbers") => {
            json!([{"value": "v", "type": "home"}])
        }
        "opening_id" => json!("OP-1"),
        id if id == "id"
            || (id.ends_with("_id")
                && id != "external_id"
                && id != "employee_id"
                && id != "requisition_id") =>
        {
            json!(12)
        }
        time if time.ends_with("_at") => json!("2026-11-24T06:00:00.000Z"),
        "target_start_on" | "start_date" | "end_date" => json!("2026-12-01"),
        _ => json!("text"),
    }
}

#[test]
fn an_odd_form_is_noted_by_its_path_and_without_the_value() {
    let values = json!({
        "usual": {"name": "A", "type": "short_text", "value": "a"},
            "none": {"name": "B", "type": "number", "value": null},
        "date": {"name": "C", "type": "date", "value": "2026-12-01"},
            "user": {"name": "D", "type": "user", "value": 7},
        "text": {"name": "E", "type": "number", "value": "7.0"},
            "day": {"name": "F", "type": "date", "value": "1/2/27"},
        "who": {"name": "G", "type": "user", "value": {"id": 7}},
            "new": {"name": "H", "type": "brand_new", "value": 1},
        "bare": [[1]], "file": {"name": "J", "type": "attachment", "value": "u"},
    });
    let row = format!(
        r#"{{"id":1,"first_name":"A","last_name":"B","custom_fields":{values},
        "email_addresses":[{{"value":"a@x.com","type":"work"}}],"phone_numbers":[{{"value":"","type":"home"}}],
        "website_addresses":[{{"value":"a.dev","type":"blog","secret":1}}],"social_media_addresses":[{{"value":"x.com/a"}}],
        "addresses":[{{"value":"1 Road","type":"castle"}}]}}"#
    );
    let (body, _) = read("candidates", &row);
    let odd = body["odd_forms"].as_object().unwrap();
    let paths: Vec<&str> = odd.keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        [
            "addresses",
            "custom_fields.bare",
            "custom_fields.day",
            "custom_fields.new",
            "custom_fields.text",
            "custom_fields.who",
            "links",
            "phones"
        ]
    );
    assert!(
        ["1/2/27", "castle", "secret", "7.0"]
            .iter()
            .all(|held| !json!(odd).to_string().contains(held)),
        "{odd:?}"
    );
    let plain = with(
        &row,
        json!({"custom_fields": null, "phone_numbers": [], "website_addresses": [],
            "addresses": []}),
    );
    assert_eq!(read("candidates", &plain).0.get("odd_forms"), None);
}
