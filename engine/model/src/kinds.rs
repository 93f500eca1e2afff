//! The words for the unified kinds: one word each, plural, used alike in code, store, command line
//! and desired files.
//!
//! Kinds are open: an adapter may have more. These are the ones that the engine knows the meaning
//! of.

/// A person.
pub const CANDIDATES: &str = "candidates";
/// A candidacy: a person on a job, or a prospect.
pub const APPLICATIONS: &str = "applications";
/// A job.
pub const JOBS: &str = "jobs";
/// What the public sees of a job.
pub const POSTINGS: &str = "postings";
/// A seat of a job.
pub const OPENINGS: &str = "openings";
/// A hiring manager of a job.
pub const HIRING_MANAGERS: &str = "hiring_managers";
/// A recruiter, coordinator or sourcer of a job.
pub const JOB_OWNERS: &str = "job_owners";
/// A step of a pipeline.
pub const STAGES: &str = "stages";
/// One application's way through one stage.
pub const APPLICATION_STAGES: &str = "application_stages";
/// Why an application was rejected, when and by whom.
pub const REJECTIONS: &str = "rejections";
/// A reason to choose from when rejecting.
pub const REJECT_REASONS: &str = "reject_reasons";
/// A reason to choose from when closing an opening.
pub const CLOSE_REASONS: &str = "close_reasons";
/// Where a candidacy came from.
pub const SOURCES: &str = "sources";
/// Who can be credited with a referral.
pub const REFERRERS: &str = "referrers";
/// A word to put on candidates.
pub const TAGS: &str = "tags";
/// A tag on a candidate.
pub const APPLIED_TAGS: &str = "applied_tags";
/// An entry of a candidate's education.
pub const EDUCATIONS: &str = "educations";
/// An entry of a candidate's work history.
pub const EMPLOYMENTS: &str = "employments";
/// Somebody who works in the ATS.
pub const USERS: &str = "users";
/// An address of a user.
pub const USER_EMAILS: &str = "user_emails";
/// A department.
pub const DEPARTMENTS: &str = "departments";
/// An office.
pub const OFFICES: &str = "offices";
/// A note on a candidate.
pub const NOTES: &str = "notes";
/// A file on a candidate or application.
pub const ATTACHMENTS: &str = "attachments";
/// A pool of prospects.
pub const POOLS: &str = "pools";
/// A step of a pool.
pub const POOL_STAGES: &str = "pool_stages";
/// Where a prospect stands in a pool.
pub const POOL_PLACEMENTS: &str = "pool_placements";
/// The definition of a field of the customer's own.
pub const CUSTOM_FIELDS: &str = "custom_fields";
/// A value to choose from in a custom field.
pub const CUSTOM_FIELD_OPTIONS: &str = "custom_field_options";

/// All of these.
pub const ALL: &[&str] = &[
    CANDIDATES,
    APPLICATIONS,
    JOBS,
    POSTINGS,
    OPENINGS,
    STAGES,
    APPLICATION_STAGES,
    REJECTIONS,
    REJECT_REASONS,
    CLOSE_REASONS,
    SOURCES,
    REFERRERS,
    TAGS,
    APPLIED_TAGS,
    EDUCATIONS,
    EMPLOYMENTS,
    USERS,
    USER_EMAILS,
    DEPARTMENTS,
    OFFICES,
    NOTES,
    ATTACHMENTS,
    POOLS,
    POOL_STAGES,
    POOL_PLACEMENTS,
    CUSTOM_FIELDS,
    CUSTOM_FIELD_OPTIONS,
];
