//! The table of the kinds with a unified shape, one row per kind, and what both tables share; the
//! other lists are raw kinds ([`crate::raw`]).
//!
//! A kind is a unified name, the collection of Harvest v3 behind it, and the reader of its rows;
//! scope, manifest rule, scan and fetch all follow from the row. To add a kind, add a row and a
//! reader.
//!
//! A record's `updated_at` is its version only where every member is the record's own. It is
//! unknown whether a parent's `updated_at` changes with its children (harvest-v3.md §10 no. 13 [?],
//! pitfalls.md B27), so kinds that contain lists have no version and are compared by content, as
//! raw kinds are.

use crate::kind::{PAGE_OF_DOCUMENTS_MAX, plain};
use crate::raw::RAW;
use crate::read::{background, candidacy, custom, jobs, lists, people};
use crate::request;
use atsync_adapter::contract::{Failure, Field, Request};
use atsync_model::kinds as names;

pub use crate::kind::Kind;

/// Deleted job posts are hidden unless `active=false` is requested (harvest-v3.md §8 \[2nd\]);
/// requesting both is right whatever the default is.
const BOTH_WALKS: &[&[(&str, &str)]] = &[&[("active", "true")], &[("active", "false")]];
/// The largest page of rows that are kept while the names of their options are requested.
const PAGE_OF_NAMED_MAX: u32 = 50;
/// Reads after a write are expected to show it within this time. v1 documented minutes for
/// candidates and applications (§7 [?]).
const SLOW_MS: u64 = 120_000;

/// The kinds with a unified shape. Those that others refer to come first.
pub const KINDS: &[Kind] = &[
    Kind {
        fields: lists::DEPARTMENT_FIELDS,
        reads: lists::DEPARTMENT_READS,
        never_null: lists::DEPARTMENT_NEVER_NULL,
        hook: true,
        ..plain(names::DEPARTMENTS, "departments", lists::department)
    },
    Kind {
        fields: lists::OFFICE_FIELDS,
        reads: lists::OFFICE_READS,
        never_null: lists::OFFICE_NEVER_NULL,
        hook: true,
        ..plain(names::OFFICES, "offices", lists::office)
    },
    Kind {
        fields: people::USER_FIELDS,
        reads: people::USER_READS,
        never_null: people::USER_NEVER_NULL,
        // The official schema has it, and none of its examples.
        optional: &["emails"],
        walks: &[&[("show_service_accounts", "true")]],
        stamped: false,
        ..plain(names::USERS, "users", people::user)
    },
    Kind {
        fields: people::USER_EMAIL_FIELDS,
        reads: people::USER_EMAIL_READS,
        never_null: people::USER_EMAIL_NEVER_NULL,
        ..plain(names::USER_EMAILS, "user_emails", people::user_email)
    },
    Kind {
        fields: lists::GROUPED_FIELDS,
        reads: lists::GROUPED_READS,
        never_null: lists::GROUPED_NEVER_NULL,
        ..plain(names::SOURCES, "sources", lists::grouped)
    },
    Kind {
        fields: people::REFERRER_FIELDS,
        reads: people::REFERRER_READS,
        never_null: people::REFERRER_NEVER_NULL,
        ..plain(names::REFERRERS, "referrers", people::referrer)
    },
    Kind {
        fields: lists::GROUPED_FIELDS,
        reads: lists::GROUPED_READS,
        never_null: lists::GROUPED_NEVER_NULL,
        walks: &[&[("include_defaults", "true")]],
        ..plain(names::REJECT_REASONS, "rejection_reasons", lists::grouped)
    },
    Kind {
        fields: lists::PLAIN_FIELDS,
        reads: lists::PLAIN_READS,
        never_null: lists::PLAIN_NEVER_NULL,
        ..plain(names::CLOSE_REASONS, "close_reasons", lists::plain)
    },
    Kind {
        fields: lists::PLAIN_FIELDS,
        reads: lists::PLAIN_READS,
        never_null: lists::PLAIN_NEVER_NULL,
        ..plain(names::TAGS, "candidate_tags", lists::plain)
    },
    Kind {
        fields: custom::FIELD_FIELDS,
        reads: custom::FIELD_READS,
        never_null: custom::FIELD_NEVER_NULL,
        ..plain(names::CUSTOM_FIELDS, "custom_fields", custom::field)
    },
    Kind {
        fields: custom::OPTION_FIELDS,
        reads: custom::OPTION_READS,
        never_null: custom::OPTION_NEVER_NULL,
        scope: Some(names::CUSTOM_FIELDS),
        ..plain(names::CUSTOM_FIELD_OPTIONS, "custom_field_options", custom::option)
    },
    Kind {
        fields: lists::POOL_FIELDS,
        reads: lists::POOL_READS,
        never_null: lists::POOL_NEVER_NULL,
        stamped: false,
        ..plain(names::POOLS, "prospect_pools", lists::pool)
    },
    Kind {
        fields: lists::POOL_STAGE_FIELDS,
        reads: lists::POOL_STAGE_READS,
        never_null: lists::POOL_STAGE_NEVER_NULL,
        scope: Some(names::POOLS),
        ..plain(names::POOL_STAGES, "prospect_pool_stages", lists::pool_stage)
    },
    Kind {
        fields: jobs::JOB_FIELDS,
        reads: jobs::JOB_READS,
        never_null: jobs::JOB_NEVER_NULL,
        stamped: false,
        hook: true,
        confidential: true,
        ..plain(names::JOBS, "jobs", jobs::job)
    },
    Kind {
        fields: jobs::STAGE_FIELDS,
        reads: jobs::STAGE_READS,
        never_null: jobs::STAGE_NEVER_NULL,
        hook: true,
        confidential: true,
        scope: Some(names::JOBS),
        ..plain(names::STAGES, "job_interview_stages", jobs::stage)
    },
    Kind {
        fields: jobs::POSTING_FIELDS,
        reads: jobs::POSTING_READS,
        never_null: jobs::POSTING_NEVER_NULL,
        walks: BOTH_WALKS,
        page_max: PAGE_OF_DOCUMENTS_MAX,
        // A fetch may need two requests and cannot keep the first answer: see `fetch`.
        ids_max: 1,
        stamped: false,
        hook: true,
        confidential: true,
        ..plain(names::POSTINGS, "job_posts", jobs::posting)
    },
    Kind {
        fields: jobs::OPENING_FIELDS,
        reads: jobs::OPENING_READS,
        never_null: jobs::OPENING_NEVER_NULL,
        confidential: true,
        ..plain(names::OPENINGS, "openings", jobs::opening)
    },
    Kind {
        fields: jobs::MANAGER_FIELDS,
        reads: jobs::MANAGER_READS,
        never_null: jobs::MANAGER_NEVER_NULL,
        confidential: true,
        ..plain(names::HIRING_MANAGERS, "job_hiring_managers", jobs::manager)
    },
    Kind {
        fields: jobs::OWNER_FIELDS,
        reads: jobs::OWNER_READS,
        never_null: jobs::OWNER_NEVER_NULL,
        confidential: true,
        ..plain(names::JOB_OWNERS, "job_owners", jobs::owner)
    },
    Kind {
        fields: people::CANDIDATE_FIELDS,
        reads: people::CANDIDATE_READS,
        never_null: people::CANDIDATE_NEVER_NULL,
        stamped: false,
        hook: true,
        confidential: true,
        visible_within_ms: SLOW_MS,
        ..plain(names::CANDIDATES, "candidates", people::candidate)
    },
    Kind {
        fields: people::APPLIED_TAG_FIELDS,
        reads: people::APPLIED_TAG_READS,
        never_null: people::APPLIED_TAG_NEVER_NULL,
        confidential: true,
        ..plain(names::APPLIED_TAGS, "applied_candidate_tags", people::applied_tag)
    },
    Kind {
        fields: background::EDUCATION_FIELDS,
        reads: background::EDUCATION_READS,
        never_null: background::EDUCATION_NEVER_NULL,
        // The names are unknown where the options may not be listed.
        optional: &["school", "degree", "discipline"],
        page_max: PAGE_OF_NAMED_MAX,
        // The name of an option may change without a change of the row.
        stamped: false,
        // The rows that the reader gets are not those of the last reply.
        raw: false,
        confidential: true,
        options: background::EDUCATION_OPTIONS,
        ..plain(names::EDUCATIONS, "candidate_educations", background::education)
    },
    Kind {
        fields: background::EMPLOYMENT_FIELDS,
        reads: background::EMPLOYMENT_READS,
        never_null: background::EMPLOYMENT_NEVER_NULL,
        confidential: true,
        ..plain(names::EMPLOYMENTS, "candidate_employments", background::employment)
    },
    Kind {
        fields: candidacy::APPLICATION_FIELDS,
        reads: candidacy::APPLICATION_READS,
        never_null: candidacy::APPLICATION_NEVER_NULL,
        // `rejection_reason_id` is newer than the official schema.
        optional: &["reject_reason"],
        stamped: false,
        hook: true,
        confidential: true,
        visible_within_ms: SLOW_MS,
        ..plain(names::APPLICATIONS, "applications", candidacy::application)
    },
    Kind {
        fields: candidacy::APPLICATION_STAGE_FIELDS,
        reads: candidacy::APPLICATION_STAGE_READS,
        never_null: candidacy::APPLICATION_STAGE_NEVER_NULL,
        confidential: true,
        visible_within_ms: SLOW_MS,
        ..plain(names::APPLICATION_STAGES, "application_stages", candidacy::application_stage)
    },
    Kind {
        fields: candidacy::REJECTION_FIELDS,
        reads: candidacy::REJECTION_READS,
        never_null: candidacy::REJECTION_NEVER_NULL,
        stamped: false,
        confidential: true,
        visible_within_ms: SLOW_MS,
        ..plain(names::REJECTIONS, "rejection_details", candidacy::rejection)
    },
    Kind {
        fields: candidacy::PLACEMENT_FIELDS,
        reads: candidacy::PLACEMENT_READS,
        never_null: candidacy::PLACEMENT_NEVER_NULL,
        confidential: true,
        visible_within_ms: SLOW_MS,
        ..plain(names::POOL_PLACEMENTS, "prospect_details", candidacy::placement)
    },
    Kind {
        fields: candidacy::NOTE_FIELDS,
        reads: candidacy::NOTE_READS,
        never_null: candidacy::NOTE_NEVER_NULL,
        page_max: PAGE_OF_DOCUMENTS_MAX,
        confidential: true,
        ..plain(names::NOTES, "notes", candidacy::note)
    },
    Kind {
        fields: candidacy::ATTACHMENT_FIELDS,
        reads: candidacy::ATTACHMENT_READS,
        never_null: candidacy::ATTACHMENT_NEVER_NULL,
        raw: false,
        confidential: true,
        ..plain(names::ATTACHMENTS, "attachments", candidacy::attachment)
    },
];

/// All kinds, unified and raw.
pub fn all() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter().chain(RAW)
}

/// Returns the kind of this name.
pub fn named(name: &str) -> Option<&'static Kind> {
    all().find(|kind| kind.name == name)
}

/// Returns the kind behind a collection.
pub(crate) fn of_collection(collection: &str) -> Option<&'static Kind> {
    all().find(|kind| kind.collection == collection)
}

/// Requests records of a kind by ids, as its scan and fetch do: with the collection's own
/// parameters and `ids`.
///
/// # Errors
/// As for [`request::ids`].
pub fn by_ids(collection: &str, wanted: &[&str]) -> Result<Request, Failure> {
    let mut query: Vec<Field> =
        switches(collection).iter().map(|(name, value)| Field::new(*name, *value)).collect();
    query.push(request::ids("ids", wanted)?);
    Ok(request::get(collection, query))
}

/// Returns the parameters without which a collection hides rows (harvest-v3.md §8 \[2nd\]): those
/// of the first scan in the kind's row.
fn switches(collection: &str) -> &'static [(&'static str, &'static str)] {
    let kind = all().find(|kind| kind.collection == collection && kind.walks.len() == 1);
    kind.and_then(|kind| kind.walks.first()).copied().unwrap_or_default()
}
