//! The switches: every point where the reference leaves two readings open, or where accounts
//! differ.
//!
//! The defaults are what was recorded or what most sources say. Each switch is one field, in JSON
//! as in Rust, so that a test changes exactly one behaviour. Unknown names are refused, so that a
//! misspelt switch is not ignored.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::grant_quirks::{
    GrantErrorBody, GrantErrorStatus, GrantParameters, Pkce, RefreshLifetime, RefusedScope,
    ReusedRefresh,
};
use crate::hook_quirks::HookQuirks;

/// The form in which the token endpoint says when a token ends.
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

/// The effect of a PATCH on custom fields that it does not name.
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

/// The result of an option whose name an active option of the field has.
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

/// The effect of a transfer to another job on the application. The reference says that the id
/// stays; no source shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transfer {
    /// The id stays, the job changes.
    #[default]
    KeepsId,
    /// A new application on the other job replaces the old one.
    NewId,
}

/// The members that rows of lists and answers have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// The documented ones, and two that were seen live: `job_interview_stage_id` and
    /// `rejection_reason_id` of an application.
    #[default]
    Newer,
    /// Those of Greenhouse's own OpenAPI document, which has neither.
    Official,
}

/// Whether an update may send back a stored value in a form that a new value cannot have. No source
/// shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OddValues {
    /// A stored value is accepted unchanged.
    #[default]
    TakenBack,
    /// It is refused like a new value.
    Refused,
}

/// Every switch.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// The form in which the token endpoint says when a token ends.
    pub token_expiry: TokenExpiry,
    /// Whether the token's payload has a `scope` claim.
    pub scopes_in_token: bool,
    /// Whether a new token ends the former ones of the same credential or consent, and `sub`.
    pub single_active_token: bool,
    /// The lifetime of a partner's refresh token, from its issue.
    pub refresh_lifetime: RefreshLifetime,
    /// The effect of a refresh token that was used before.
    pub reused_refresh: ReusedRefresh,
    /// The answer of the consent page to a scope that the client may not ask for.
    pub refused_scope: RefusedScope,
    /// Whether a code challenge protects a code.
    pub pkce: Pkce,
    /// Where the token endpoint reads the parameters of a partner's grant.
    pub grant_parameters: GrantParameters,
    /// The status of `invalid_grant` and `unauthorized_client`.
    pub grant_error_status: GrantErrorStatus,
    /// The body of a refusal of the token endpoint.
    pub grant_error_body: GrantErrorBody,
    /// The shape of a 422.
    pub error_shape: ErrorShape,
    /// The `Link` header of a last page.
    pub last_link: LastLink,
    /// The age beyond which a cursor is refused with 422; 0 means that cursors never expire.
    pub cursor_lifetime_ms: i64,
    /// Whether a 429 says when to retry.
    pub retry_after: RetryAfter,
    /// The time for which lists do not show a write.
    pub visibility_delay_ms: i64,
    /// The same by collection, for those that differ: `{"candidates": 90000}`.
    pub visibility_delays_ms: BTreeMap<String, i64>,
    /// The members that rows have.
    pub rows: Rows,
    /// Whether flags that the OpenAPI document lets be null come as null in place of their usual
    /// value.
    pub null_flags: bool,
    /// Whether rows have a field that no reference names.
    pub unknown_field: bool,
    /// Whether private custom fields are left out of every row.
    pub hide_private_fields: bool,
    /// The answer to a candidate's creation.
    pub create_answer: CreateAnswer,
    /// Which id `from_stage_id` of a move means.
    pub from_stage: FromStage,
    /// The effect of a PATCH on custom fields that it does not name.
    pub custom_fields_patch: CustomFieldsPatch,
    /// Whether an update may send back stored values in a form that a new value cannot have.
    pub odd_values: OddValues,
    /// The answer to a DELETE.
    pub delete_answer: DeleteAnswer,
    /// The effect of a transfer to another job on the application.
    pub transfer: Transfer,
    /// The answer to a tag that the candidate has already.
    pub repeated_tag: RepeatedTag,
    /// The result of an option whose name an active option of the field has.
    pub repeated_option: RepeatedOption,
    /// Which forms of user creation exist.
    pub user_creation: UserCreation,
    /// Whether a candidate's `updated_at` changes with its tags, notes and applications.
    pub children_touch_candidate: bool,
    /// Whether a PATCH with unchanged values leaves `updated_at`.
    pub unchanged_patch_is_silent: bool,
    /// The time for which a bulk request stays `building` after its 202.
    pub bulk_delay_ms: i64,
    /// The switches of webhooks.
    pub webhooks: HookQuirks,
}
