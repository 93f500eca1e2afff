//! The switches: every point where the reference leaves two readings open, or where accounts
//! differ.
//!
//! The defaults are what was recorded or what most sources say. Each switch is one field, in JSON
//! as in Rust, so that a test changes exactly one behaviour. Unknown names are refused, so that a
//! misspelt switch is not ignored.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the token endpoint says when a token ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenExpiry {
    /// Only `expires_at`, as recorded in May 2026.
    #[default]
    ExpiresAt,
    /// Both.
    Both,
    /// Only `expires_in`.
    ExpiresIn,
}

/// The shape of a 422.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorShape {
    /// The four shapes of v3 in turn.
    #[default]
    Rotate,
    /// `{"message": …, "errors": ["text"]}`
    Strings,
    /// `{"message": …, "errors": [{"field": "text"}]}`
    Objects,
    /// `{"errors": ["text"]}`
    StringsWithoutMessage,
    /// `{"errors": [{"field": "text"}]}`
    ObjectsWithoutMessage,
    /// `{"message": …, "errors": [{"message": …, "field": …}]}`, as v1 did.
    V1,
}

/// The `Link` header of a last page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LastLink {
    /// Present and empty, as recorded.
    #[default]
    Empty,
    /// Not sent.
    Absent,
}

/// The answer to a candidate's creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreateAnswer {
    /// `{"candidate": …, "application": …}`
    #[default]
    Wrapped,
    /// The bare candidate.
    Bare,
    /// `{"id": …, "message": …}`: the stub arm.
    Stub,
}

/// Which id `from_stage_id` of a move means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromStage {
    /// The stage's definition (`job_interview_stage_id`).
    #[default]
    JobInterviewStage,
    /// The application's own row (`stage_id`).
    ApplicationStage,
}

/// What a PATCH does with custom fields that it does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CustomFieldsPatch {
    /// The sent list replaces all.
    #[default]
    ReplaceAll,
    /// Fields not sent stay.
    Merge,
}

/// The answer to a DELETE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeleteAnswer {
    /// 200 `{"id": …, "message": …}`
    #[default]
    Message,
    /// 204 without a body.
    NoContent,
}

/// The answer to a tag that the candidate has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepeatedTag {
    /// Another row.
    #[default]
    AnotherRow,
    /// 422.
    Refuse,
}

/// What happens when a field gets an option of a name that an active one has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepeatedOption {
    /// 422.
    #[default]
    Refuse,
    /// Another row.
    AnotherRow,
}

/// Which forms of user creation exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserCreation {
    /// `POST /v3/users` and `POST /v3/users/bulk`.
    #[default]
    SingleAndBulk,
    /// Only `POST /v3/users/bulk`.
    BulkOnly,
}

/// Whether a 429 says when to retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// With `Retry-After`, in seconds to the end of the window.
    #[default]
    Sent,
    /// Without.
    Missing,
}

/// What a transfer to another job does to the application. The reference says that the id stays,
/// and no source shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transfer {
    /// The id stays, the job changes.
    #[default]
    KeepsId,
    /// A new application on the other job, and the old one is gone.
    NewId,
}

/// Which members the rows of lists and answers have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// With what was seen live before it was documented: `job_interview_stage_id` and
    /// `rejection_reason_id` of an application.
    #[default]
    Newer,
    /// As in Greenhouse's own OpenAPI document, which has neither.
    Official,
}

/// Whether an update may send back what the row holds, where a new value of that form is refused.
/// No source shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OddValues {
    /// A stored value is accepted unchanged.
    #[default]
    TakenBack,
    /// It is refused like a new one.
    Refused,
}

/// Every switch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// How the token endpoint says when a token ends.
    pub token_expiry: TokenExpiry,
    /// The token's payload carries a `scope` claim.
    pub scopes_in_token: bool,
    /// A new token ends the former ones of the same client and `sub`.
    pub single_active_token: bool,
    /// The shape of a 422.
    pub error_shape: ErrorShape,
    /// The `Link` header of a last page.
    pub last_link: LastLink,
    /// A cursor older than this is refused with 422; nought means that it never expires.
    pub cursor_lifetime_ms: i64,
    /// Whether a 429 says when to retry.
    pub retry_after: RetryAfter,
    /// New and changed rows are invisible or stale to lists until this has passed.
    pub visibility_delay_ms: i64,
    /// The same by collection, for those that differ: `{"candidates": 90000}`.
    pub visibility_delays_ms: BTreeMap<String, i64>,
    /// Which members rows have.
    pub rows: Rows,
    /// Flags that the OpenAPI document lets be null come as null in place of their usual value.
    pub null_flags: bool,
    /// Rows carry a field that no reference names.
    pub unknown_field: bool,
    /// Custom fields marked private are left out of every row.
    pub hide_private_fields: bool,
    /// The answer to a candidate's creation.
    pub create_answer: CreateAnswer,
    /// Which id `from_stage_id` of a move means.
    pub from_stage: FromStage,
    /// What a PATCH does with custom fields that it does not name.
    pub custom_fields_patch: CustomFieldsPatch,
    /// What becomes of held values that a new one could not have the form of.
    pub odd_values: OddValues,
    /// The answer to a DELETE.
    pub delete_answer: DeleteAnswer,
    /// What a transfer to another job does to the application.
    pub transfer: Transfer,
    /// The answer to a tag that the candidate has already.
    pub repeated_tag: RepeatedTag,
    /// What happens when a field gets an option of a name that an active one has.
    pub repeated_option: RepeatedOption,
    /// Which forms of user creation exist.
    pub user_creation: UserCreation,
    /// A candidate's `updated_at` changes when their tags, notes or applications change.
    pub children_touch_candidate: bool,
    /// A PATCH with unchanged values does not change `updated_at`.
    pub unchanged_patch_is_silent: bool,
    /// A bulk request is still `building` for this long after its 202.
    pub bulk_delay_ms: i64,
}
