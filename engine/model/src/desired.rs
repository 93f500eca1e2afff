//! What a host declares: candidates, with their applications and everything below them.
//!
//! One desired record is one candidate. It names only the fields that the host owns: the engine
//! never touches a field that is absent. References to records of the ATS (job, source, referrer,
//! pool) are given by name, e-mail or id and must resolve to exactly one record. Custom fields and
//! users, which a candidate's values need first, are declared as records of their own: see
//! [`definition`].
//!
//! Bounds: see [`limits`]. Left out: what the host does not decide, such as who rejected, and when.

pub mod definition;

pub use definition::{Desired, DesiredCustomField, DesiredUser};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The limits of a desired record. A declaration beyond them is refused.
pub mod limits {
    /// Bytes of a key.
    pub const KEY_BYTES_MAX: usize = 200;
    /// Bytes of one text.
    pub const TEXT_BYTES_MAX: usize = 64 * 1024;
    /// Entries of one list.
    pub const LIST_ENTRIES_MAX: usize = 200;
    /// Bytes of the whole record as JSON.
    pub const RECORD_BYTES_MAX: usize = 512 * 1024;
}

/// The types of contact entries. An ATS that lacks one of them keeps it as another.
pub const CONTACT_TYPES: [&str; 10] = [
    "personal",
    "work",
    "home",
    "mobile",
    "skype",
    "company",
    "portfolio",
    "blog",
    "social",
    "other",
];

/// The types of attachments.
pub const ATTACHMENT_TYPES: [&str; 3] = ["resume", "cover_letter", "other"];

/// A candidate as the host declares it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DesiredCandidate {
    /// The host's own key of this candidate: stable, unique within the connection, at most 200
    /// bytes.
    pub key: String,
    /// Always `candidates`; may be left out.
    #[serde(default = "candidates", skip_serializing_if = "is_candidates")]
    #[cfg_attr(feature = "schema", schemars(extend("const" = "candidates")))]
    pub kind: String,
    /// The candidate's id in the ATS, where the host knows it: the record is linked to this
    /// candidate, whatever its addresses. Without it a candidate is found by its e-mail addresses,
    /// and created where none has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Parts of the name. An ATS may require some of them for a new candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DesiredName>,
    /// Addresses that the candidate must have. A declared address finds an existing candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emails: Option<Vec<DesiredContact>>,
    /// Numbers that the candidate must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phones: Option<Vec<DesiredContact>>,
    /// Web sites and social profiles that the candidate must have, with or without a scheme; a
    /// blank is written `%20`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub links: Option<Vec<DesiredContact>>,
    /// The employer; `""` clears it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// The position; `""` clears it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Visible only to privileged users. Set at creation; on a candidate that exists it is changed
    /// only under the policy `enforce` (or `yield`, by its rules), and a plan reports where it
    /// differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    /// Values by the field's key; `null` clears. Options by their label.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_fields: BTreeMap<String, Value>,
    /// Tags that the candidate must have. A tag that the ATS lacks is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Entries of the education that the candidate must have, known by their content: a missing one
    /// is added, and one that the engine added and that is no longer listed is removed. `[]`
    /// removes all that the engine added; entries of others, and those that a recruiter changed,
    /// stay. Under `enforce`, one that a recruiter changed or removed is added again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub educations: Option<Vec<DesiredEducation>>,
    /// Entries of the work history, by the rules of `educations`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employments: Option<Vec<DesiredEmployment>>,
    /// Notes to create, each once. A note is never changed or removed: another body, visibility or
    /// application under the same key is a conflict that the plan reports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<DesiredNote>,
    /// The applications of the candidate, and the jobs or pools that it is a prospect for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub applications: Vec<DesiredApplication>,
    /// What happens when a recruiter changes a field; by field name, `custom_fields.<key>`
    /// included.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policy: BTreeMap<String, Policy>,
}

/// What happens to an owned field when a recruiter changes it in the ATS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Policy {
    /// The declared value is written again.
    Enforce,
    /// The recruiter's value is kept and reported as drift.
    Yield,
    /// It is set when the record is created and never again.
    Seed,
    /// It is set only while it is empty, and once: a field emptied afterwards stays empty.
    Fill,
}

/// Parts of a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DesiredName {
    /// Given name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<String>,
    /// Family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
    /// The name that the candidate goes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred: Option<String>,
}

/// An address, number or link. A bare string declares no type: an entry that is added gets
/// `personal` (e-mails), `mobile` (phones) or `social`/`other` (links), and the type of an existing
/// one is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum DesiredContact {
    /// Only the value.
    Bare(String),
    /// Value and type.
    Typed(TypedContact),
}

/// A value with its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TypedContact {
    /// The address, number or URL.
    pub value: String,
    /// `personal`, `work`, `home`, `mobile`, `skype`, `company`, `portfolio`, `blog`, `social`,
    /// `other`.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

impl DesiredCandidate {
    /// The name of the kind.
    pub const KIND: &str = crate::kinds::CANDIDATES;
}

impl DesiredContact {
    /// Returns the value.
    pub fn value(&self) -> &str {
        match self {
            Self::Bare(value) => value,
            Self::Typed(contact) => &contact.value,
        }
    }

    /// Returns the type, where the host declares one.
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::Bare(_) => None,
            Self::Typed(contact) => contact.kind.as_deref(),
        }
    }
}

/// An entry of a candidate's education. Dates are a day, a month or a year: `2016-09-01`,
/// `2016-09`, `2016`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DesiredEducation {
    /// The school's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub school: Option<String>,
    /// The degree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degree: Option<String>,
    /// The field of study.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discipline: Option<String>,
    /// The first day, month or year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_on: Option<String>,
    /// The last day, month or year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_on: Option<String>,
}

/// An entry of a candidate's work history. Dates are those of [`DesiredEducation`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DesiredEmployment {
    /// The employer's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// The position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The first day, month or year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_on: Option<String>,
    /// The last day, month or year; left out while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_on: Option<String>,
}

/// A note on the candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DesiredNote {
    /// The host's key, unique within the candidate.
    pub key: String,
    /// The text.
    pub body: String,
    /// Who may read it.
    #[serde(default)]
    pub visibility: Visibility,
    /// The key of the application that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,
}

/// Who may read a note.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Everyone who sees the candidate.
    #[default]
    Public,
    /// Privileged users.
    Private,
    /// Administrators.
    AdminOnly,
}

/// An application to a job, or a prospect.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DesiredApplication {
    /// The host's key, unique within the candidate.
    pub key: String,
    /// An application (the default) or a prospect.
    #[serde(default)]
    pub kind: ApplicationKind,
    /// The job; required for an application, optional for a prospect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Reference>,
    /// Prospects only: the pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Reference>,
    /// Prospects only: the stage of the pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool_stage: Option<Reference>,
    /// The source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Reference>,
    /// The employee credited with the referral, best by e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<Reference>,
    /// Values by the field's key; `null` clears.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_fields: BTreeMap<String, Value>,
    /// The stage; a new application is created in it. Not written, which the plan reports, unless
    /// the connection opted in to stage writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Reference>,
    /// The outcome. Any but `active` for a new application needs the connection's opt-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<DesiredOutcome>,
    /// The reason for `rejected`; has no meaning with another outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject_reason: Option<Reference>,
    /// The opening that `hired` fills, by its id or by the key that the customer gave it; needed
    /// where several are open. Has no meaning with another outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opening: Option<Reference>,
    /// Files to attach, each once. A file cannot be changed: another name, type or URL under the
    /// same key is a conflict that the plan reports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<DesiredAttachment>,
    /// This is a second application beside one that the record declares for the same job, or a
    /// second prospect of the same pool, and intended. Without it, a second one is refused: two
    /// keys for one job are nearly always a mistake. An ATS may still refuse a second application
    /// to a job.
    #[serde(default, skip_serializing_if = "is_false")]
    pub another: bool,
}

/// A file to attach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DesiredAttachment {
    /// The host's key, unique within the application.
    pub key: String,
    /// The file's name, in one line.
    pub filename: String,
    /// `resume`, `cover_letter` or `other`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where the ATS fetches it from: a whole `https` or `http` address, without blanks.
    pub url: String,
}

/// An application or a prospect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ApplicationKind {
    /// To a job.
    #[default]
    Application,
    /// For a possible application.
    Prospect,
}

/// The outcome that an application should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum DesiredOutcome {
    /// In process.
    Active,
    /// Rejected.
    Rejected,
    /// Hired.
    Hired,
}

/// Names one record of the ATS. A bare string is a name (for a referrer with an `@`, an e-mail).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Reference {
    /// By name.
    Bare(String),
    /// By id, name or e-mail: exactly one of them.
    Full(FullReference),
}

/// A reference spelled out: exactly one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum FullReference {
    /// The ATS's own id.
    Id(String),
    /// The name as the ATS shows it.
    Name(String),
    /// An e-mail address of a user.
    Email(String),
    /// A job's requisition id.
    RequisitionId(String),
}

fn candidates() -> String {
    crate::kinds::CANDIDATES.to_owned()
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_candidates(kind: &str) -> bool {
    kind == crate::kinds::CANDIDATES
}
