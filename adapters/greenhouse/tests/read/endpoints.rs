//! Compares the adapter's requests and readers with the machine-readable list of Greenhouse's own
//! endpoints.
//!
//! Method: every request that a read task can begin with is built, and each parameter is looked up
//! for that endpoint; so is every member that a reader reads. Members newer than the list are named
//! here with their source.

use crate::support::*;
use atsync_adapter::contract::*;
use atsync_greenhouse::kinds;
use serde_json::Value;

/// Members that the list of 2026-06-27 does not have yet (harvest-v3.md §9.2: "newer spec").
const NEWER: &[(&str, &str)] = &[
    ("applications", "job_interview_stage_id"),
    ("applications", "rejection_reason_id"),
    // The adapter adds these to the ids of options; v1 had them in the row.
    ("candidate_educations", "school_name"),
    ("candidate_educations", "degree"),
    ("candidate_educations", "discipline"),
];

/// Documented members that have no unified field; they stay in the raw record.
const RAW_ONLY: &[(&str, &[&str])] = &[
    ("application_stages", &["days_in_stage"]),
    ("applications", &["agency_note_id"]),
    (
        "custom_fields",
        &[
            "api_only",
            "application_type",
            "default_value",
            "expose_in_job_board_api",
            "internal_type",
            "placeholder",
            "require_approval",
            "sort_order",
            "template_token_string",
            "trigger_new_version",
            "updated_by_id",
            "use_for_job_approvals",
            "use_for_offer_approvals",
        ],
    ),
    ("job_posts", &["demographic_question_set_id"]),
    (
        "notes",
        &[
            "body_with_tags",
            "email_attachment_file_names",
            "email_cc",
            "email_from",
            "email_to",
            "import_hash",
        ],
    ),
    ("offices", &["primary_in_house_contact_user_id"]),
    ("user_emails", &["verification_token_sent_at"]),
    ("users", &["agency_id", "interviewer_tags"]),
];
/// A documented member that is never read, not even into the raw record.
const SECRET: (&str, &str) = ("attachments", "url");

fn endpoints() -> Option<Vec<Value>> {
    let path = shared("greenhouse/list-endpoints.json")?;
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

fn names(endpoint: &Value, of: &str) -> Vec<String> {
    endpoint[of]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}

fn documented<'a>(all: &'a [Value], path: &str) -> &'a Value {
    all.iter()
        .find(|endpoint| endpoint["path"] == *path)
        .unwrap_or_else(|| panic!("{path} is not documented"))
}

/// Builds every request that a read task can begin with.
fn requests() -> Vec<Send> {
    let mut all = Vec::new();
    let window = Since::Window(Window {
        from: "2026-01-01T00:00:00Z".into(),
        to: "2026-01-02T00:00:00Z".into(),
    });
    let given = opted_in;
    // The older list does not have the list of webhooks.
    for kind in kinds::all().filter(|kind| kind.collection != "webhooks") {
        let since = if kind.windowed { window.clone() } else { Since::Everything };
        all.push(start(Task::Scan(Scan { since, ..everything(kind.name) }), &given()));
        all.push(start(
            Task::Fetch(Fetch { kind: kind.name.into(), ids: vec!["1".into()] }),
            &given(),
        ));
        all.push(start(Task::Check(kind.permission()), &given()));
    }
    all.push(start(Task::DescribeTenant, &given()));
    let known = r#"{"basis":"users","oldest":"1","created_at":"2019-01-01T00:00:00Z"}"#;
    all.push(start(Task::DescribeTenant, &Given { tenant: Some(known.into()), ..given() }));
    all.push(start(
        Task::Check("setup:source".into()),
        &Given { settings: r#"{"source":"Intro"}"#.into(), ..given() },
    ));
    all
}

#[test]
fn every_parameter_is_documented_for_its_endpoint() {
    let Some(all) = endpoints() else { return };
    for send in requests() {
        let Target::Path(path) = &send.request.target else { panic!("a path") };
        let known = names(documented(&all, &path.path), "parameters");
        for field in &path.query {
            assert!(known.contains(&field.name), "{} has no parameter {}", path.path, field.name);
        }
        let (created, updated) = (
            path.query.iter().any(|f| f.name == "created_at"),
            path.query.iter().any(|f| f.name == "updated_at"),
        );
        assert!(
            !(created && updated),
            "both clocks in one request are refused (harvest-v3.md §3.1)"
        );
    }
}

#[test]
fn every_member_is_read_or_known_to_stay_raw() {
    let Some(all) = endpoints() else { return };
    for kind in kinds::KINDS {
        let documented =
            names(documented(&all, &format!("/v3/{}", kind.collection)), "responseFields");
        for member in kind.reads {
            let newer = NEWER.contains(&(kind.collection, member));
            assert!(
                newer || documented.iter().any(|known| known == member),
                "{} has no member {member}",
                kind.collection
            );
        }
        let raw: &[&str] = RAW_ONLY
            .iter()
            .find(|(collection, _)| *collection == kind.collection)
            .map_or(&[], |(_, all)| all);
        for member in documented {
            let read = kind.reads.contains(&&*member);
            let secret = (kind.collection, &*member) == SECRET;
            assert_eq!(
                read,
                !raw.contains(&&*member) && !secret,
                "{}.{member}: read or listed, never both or neither",
                kind.collection
            );
        }
    }
}
