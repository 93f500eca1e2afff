//! The words for the unified kinds: one word each, plural, used alike in code, store, command line
//! and desired files.
//!
//! Kinds are open: an adapter may have more. The engine gives a meaning to these.

/// A candidate.
pub const CANDIDATES: &str = "candidates";
/// An application of a candidate to a job, or a prospect.
pub const APPLICATIONS: &str = "applications";
/// A job.
pub const JOBS: &str = "jobs";
/// The public form of a job.
pub const POSTINGS: &str = "postings";
/// A seat of a job.
pub const OPENINGS: &str = "openings";
/// A hiring manager of a job.
pub const HIRING_MANAGERS: &str = "hiring_managers";
/// A recruiter, coordinator or sourcer of a job.
pub const JOB_OWNERS: &str = "job_owners";
/// A stage of a pipeline.
pub const STAGES: &str = "stages";
/// The times of one application in one stage.
pub const APPLICATION_STAGES: &str = "application_stages";
/// Why an application was rejected, when and by whom.
pub const REJECTIONS: &str = "rejections";
/// A reason for rejections, to select from.
pub const REJECT_REASONS: &str = "reject_reasons";
/// A reason for closing an opening, to select from.
pub const CLOSE_REASONS: &str = "close_reasons";
/// Where an application came from.
pub const SOURCES: &str = "sources";
/// A person who can be credited with a referral.
pub const REFERRERS: &str = "referrers";
/// A tag that candidates can have.
pub const TAGS: &str = "tags";
/// A tag on a candidate.
pub const APPLIED_TAGS: &str = "applied_tags";
/// An entry of a candidate's education.
pub const EDUCATIONS: &str = "educations";
/// An entry of a candidate's work history.
pub const EMPLOYMENTS: &str = "employments";
/// A user of the ATS.
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
/// A stage of a pool.
pub const POOL_STAGES: &str = "pool_stages";
/// Where a prospect stands in a pool.
pub const POOL_PLACEMENTS: &str = "pool_placements";
/// The definition of a field of the customer's own.
pub const CUSTOM_FIELDS: &str = "custom_fields";
/// An option of a custom field.
pub const CUSTOM_FIELD_OPTIONS: &str = "custom_field_options";

/// All of these.
pub const ALL: &[&str] = &[
    CANDIDATES,
    APPLICATIONS,
    JOBS,
    POSTINGS,
    OPENINGS,
    HIRING_MANAGERS,
    JOB_OWNERS,
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
