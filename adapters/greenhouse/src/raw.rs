//! The table of the raw kinds: one row per list of Harvest v3 that has no unified shape.
//!
//! A row names the collection and, member by member, the records that its rows refer to; name,
//! scope, manifest rule, scan and fetch follow, as for [`crate::kinds`]. `tests/openapi.rs`
//! compares the table with Greenhouse's own document: every list is here or unified, every id of a
//! row is a reference or listed there with the reason, and every list takes the parameters that its
//! scan sends.
//!
//! A raw kind is read by connections that name it, since most hosts need none of them and each
//! costs requests. Demographic and EEOC data are *sensitive*: the setting
//! [`crate::kind::SENSITIVE_KINDS`] must name the kind too. Members that may have secrets are never
//! kept ([`Kind::never_kept`]).
//!
//! Two lists are not in the document and are in the older reference (list-endpoints.json \[2nd\]):
//! `job_boards` and `job_post_searchable_locations`.

use crate::kind::{Kind, PAGE_OF_DOCUMENTS_MAX, raw as base};

/// One row: collection, references by member, and what differs from the defaults.
macro_rules! raw {
    (
        $collection:literal, [$($member:literal => $kind:literal),*]
        $(, $field:ident: $value:expr)*
    ) => {
        Kind {
            references: &[$(($member, $kind)),*],
            $($field: $value,)*
            ..base(concat!("raw_", $collection), $collection)
        }
    };
}

/// The raw kinds. Those that others refer to come first.
#[rustfmt::skip]
pub const RAW: &[Kind] = &[
    // The account: roles, rights, settings.
    raw!("user_roles", []),
    raw!("user_job_permissions",
        ["job_id" => "jobs", "user_id" => "users", "role_id" => "raw_user_roles"],
        confidential: true),
    raw!("future_job_permissions",
        ["department_id" => "departments", "office_id" => "offices", "user_id" => "users",
         "role_id" => "raw_user_roles"]),
    raw!("interviewer_tags", []),
    raw!("email_templates", ["user_id" => "users"], page_max: PAGE_OF_DOCUMENTS_MAX),
    raw!("blocked_spam_sources", []),
    raw!("bulk_requests", ["requested_by_user_id" => "users"],
        // Both may have a secret of the host.
        never_kept: &["callback_url", "callback_response"]),
    raw!("webhooks", [],
        page_max: PAGE_OF_DOCUMENTS_MAX,
        // The document has no contents for the list: no parameter of it is known (REFERENCE.md).
        windowed: false, ids_max: 0,
        // They may have credentials of the receiver.
        never_kept: &["additional_headers"]),
    raw!("custom_field_departments",
        ["custom_field_id" => "custom_fields", "department_id" => "departments"]),
    raw!("custom_field_offices",
        ["custom_field_id" => "custom_fields", "office_id" => "offices"]),
    // Job boards, posts and pay.
    raw!("job_boards", [], page_max: PAGE_OF_DOCUMENTS_MAX),
    raw!("job_board_custom_locations", ["greenhouse_job_board_id" => "raw_job_boards"]),
    raw!("job_post_locations",
        ["job_post_id" => "postings", "office_id" => "offices",
         "custom_location_id" => "raw_job_board_custom_locations"],
        confidential: true),
    raw!("job_post_searchable_locations", ["job_post_id" => "postings"], confidential: true),
    raw!("pay_inputs", ["linked_custom_field_id" => "custom_fields"]),
    raw!("pay_input_ranges",
        ["pay_input_id" => "raw_pay_inputs", "job_post_id" => "postings"],
        confidential: true),
    raw!("tracking_links",
        ["job_id" => "jobs", "job_post_id" => "postings", "job_board_id" => "raw_job_boards",
         "source_id" => "sources", "referrer_id" => "referrers"],
        confidential: true),
    raw!("job_notes", ["job_id" => "jobs", "user_id" => "users"],
        page_max: PAGE_OF_DOCUMENTS_MAX, confidential: true),
    // How a job is interviewed for.
    raw!("candidate_attribute_types", ["job_id" => "jobs"], confidential: true),
    raw!("job_candidate_attributes",
        ["job_id" => "jobs", "candidate_attribute_type_id" => "raw_candidate_attribute_types"],
        confidential: true),
    raw!("job_interviews", ["job_id" => "jobs", "job_interview_stage_id" => "stages"],
        page_max: PAGE_OF_DOCUMENTS_MAX, confidential: true),
    raw!("interview_kits", ["job_id" => "jobs", "job_interview_id" => "raw_job_interviews"],
        page_max: PAGE_OF_DOCUMENTS_MAX, confidential: true),
    raw!("default_interviewers",
        ["interview_kit_id" => "raw_interview_kits", "user_id" => "users"],
        confidential: true),
    raw!("focus_candidate_attributes",
        ["interview_kit_id" => "raw_interview_kits",
         "job_candidate_attribute_id" => "raw_job_candidate_attributes"],
        confidential: true),
    raw!("scorecard_questions", ["interview_kit_id" => "raw_interview_kits"], confidential: true),
    raw!("scorecard_question_options", ["scorecard_question_id" => "raw_scorecard_questions"],
        confidential: true),
    raw!("scorecard_question_candidate_attributes",
        ["scorecard_question_id" => "raw_scorecard_questions",
         "focus_candidate_attribute_id" => "raw_focus_candidate_attributes"],
        confidential: true),
    // What belongs to an application.
    raw!("interviews",
        ["application_id" => "applications", "job_id" => "jobs",
         "job_interview_id" => "raw_job_interviews", "organizer_id" => "users"],
        hook: true, confidential: true),
    raw!("scorecards",
        ["application_id" => "applications", "interview_kit_id" => "raw_interview_kits",
         // "The user ids of the interviewers" (openapi: GET /v3/scorecards, interviewer_ids).
         "interviewer_id" => "users", "submitter_id" => "users"],
        page_max: PAGE_OF_DOCUMENTS_MAX, hook: true, confidential: true),
    raw!("interviewers",
        ["interview_id" => "raw_interviews", "user_id" => "users",
         "scorecard_id" => "raw_scorecards"],
        confidential: true),
    raw!("scorecard_candidate_attributes",
        ["scorecard_id" => "raw_scorecards",
         "job_candidate_attribute_id" => "raw_job_candidate_attributes"],
        confidential: true),
    raw!("scorecard_question_answers",
        ["scorecard_id" => "raw_scorecards", "scorecard_question_id" => "raw_scorecard_questions"],
        page_max: PAGE_OF_DOCUMENTS_MAX, confidential: true),
    raw!("scorecard_question_answer_options",
        ["scorecard_question_answer_id" => "raw_scorecard_question_answers",
         "scorecard_question_option_id" => "raw_scorecard_question_options"],
        confidential: true),
    raw!("offers",
        ["application_id" => "applications", "candidate_id" => "candidates", "job_id" => "jobs",
         "opening_id" => "openings"],
        hook: true, confidential: true),
    raw!("approval_flows",
        ["job_id" => "jobs", "offer_id" => "raw_offers", "requested_by_id" => "users"],
        confidential: true),
    raw!("approver_groups", ["approval_flow_id" => "raw_approval_flows"], confidential: true),
    raw!("approvers",
        ["approver_group_id" => "raw_approver_groups", "user_id" => "users",
         "resolved_by_id" => "users", "reminder_sent_by_id" => "users",
         "added_by_custom_field_id" => "custom_fields"],
        confidential: true),
    // Demographic and EEOC data. Questions and their options take neither time (reference §3.1).
    raw!("demographic_question_sets", [], sensitive: true),
    raw!("demographic_questions",
        ["demographic_question_set_id" => "raw_demographic_question_sets"],
        sensitive: true, windowed: false),
    raw!("demographic_answer_options",
        ["demographic_question_id" => "raw_demographic_questions"],
        sensitive: true, windowed: false),
    raw!("demographic_answers",
        ["application_id" => "applications",
         "demographic_question_id" => "raw_demographic_questions",
         "demographic_answer_option_id" => "raw_demographic_answer_options"],
        sensitive: true, confidential: true),
    raw!("eeoc", ["application_id" => "applications", "candidate_id" => "candidates"],
        sensitive: true, confidential: true),
];
