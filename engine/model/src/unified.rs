//! The unified records: one shape per kind, whatever the ATS.
//!
//! Rules. A field that is absent is *unknown* when the record's mask does not list it, and *known
//! to be empty* when it does; so fields are left out when empty, never written as `null`.
//! Enumerations are open: [`Word`] carries the unified word (or `other`) and always the ATS's own.
//! Relations are references ([`Ref`]), never copies. Times are RFC 3339 text as the ATS gave them.
//! Nothing lossy is silent: the ATS's own JSON is kept beside each record.
//!
//! A record borrows its text while it is made, because a page of 500 candidates is mostly text. A
//! reader owns it: every record implements `DeserializeOwned`, so that `Candidate<'static>` can be
//! kept and sent to another task ([`Unified`]).

use crate::kinds;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Text that may be borrowed from the reply.
pub type Text<'a> = Cow<'a, str>;

/// A record that a reader owns, and the kinds that it is the shape of.
pub trait Unified: serde::de::DeserializeOwned + Serialize + Send + Sync + 'static {
    /// The kinds; none where [`Unified::is_of`] decides.
    const KINDS: &'static [&'static str];

    /// Whether it is the shape of a kind.
    fn is_of(kind: &str) -> bool {
        Self::KINDS.contains(&kind)
    }
}

macro_rules! unified {
    ($($record:ident: $($kind:ident)|+;)*) => {
        $(impl Unified for $record<'static> {
            const KINDS: &'static [&'static str] = &[$(kinds::$kind),+];
        })*
    };
}

unified! {
    Candidate: CANDIDATES;
    Application: APPLICATIONS;
    Job: JOBS;
    Named: SOURCES | TAGS | STAGES | REJECT_REASONS | CLOSE_REASONS | POOLS | POOL_STAGES | DEPARTMENTS | OFFICES | REFERRERS | USERS;
    CustomField: CUSTOM_FIELDS;
    CustomFieldOption: CUSTOM_FIELD_OPTIONS;
    Note: NOTES;
    AppliedTag: APPLIED_TAGS;
    Education: EDUCATIONS;
    Employment: EMPLOYMENTS;
    Posting: POSTINGS;
    Opening: OPENINGS;
    TeamMember: HIRING_MANAGERS | JOB_OWNERS;
    ApplicationStage: APPLICATION_STAGES;
    Rejection: REJECTIONS;
    User: USERS;
    UserEmail: USER_EMAILS;
    Attachment: ATTACHMENTS;
    Pool: POOLS;
    PoolPlacement: POOL_PLACEMENTS;
}

/// A word of an open enumeration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word<'a> {
    /// The unified word, or `other`.
    pub value: Text<'a>,
    /// The ATS's own word; absent when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Text<'a>>,
}

/// A reference to another record; the field says of which kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ref<'a> {
    /// The remote id; absent when the ATS names the record by text alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Text<'a>>,
    /// Its name, where the ATS includes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
}

impl Ref<'_> {
    /// Whether it refers to nothing. Such a reference is left out of a body.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.id.is_none() && self.name.is_none()
    }
}

/// The field of unified records that holds custom values by key, whatever the kind.
pub const CUSTOM_VALUES: &str = "custom_fields";

/// The fields of a candidate that are lists of contacts, with a `value` each.
pub const CONTACTS: &[&str] = &["emails", "phones", "links", "addresses"];

/// The fields of unified records that are references or lists of references, whatever the kind.
pub const REFERENCES: &[&str] = &[
    "application",
    "application_stage",
    "author",
    "board",
    "candidate",
    "close_reason",
    "coordinator",
    "copied_from",
    "custom_field",
    "department",
    "departments",
    "job",
    "jobs",
    "linked_candidates",
    "linked_users",
    "note",
    "office",
    "offices",
    "owner",
    "parent",
    "pool",
    "pool_stage",
    "posting",
    "prospective_jobs",
    "recruiter",
    "referrer",
    "reject_reason",
    "rejected_by",
    "source",
    "stage",
    "tag",
    "tags",
    "user",
];

/// A custom field's value: `type` is one of `text`, `long_text`, `number`, `boolean`, `date`,
/// `date_time`, `single`, `multi`, `money`, `range`, `money_range`, `user`, `url`, `file`,
/// `unknown`; or [`UNREADABLE`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomValue<'a> {
    /// The label at the time of reading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<'a>>,
    /// How to read `value`.
    #[serde(rename = "type")]
    pub kind: Text<'a>,
    /// `single`: `{"label"}` or `{"id","label"}`; `multi`: a list of those; `money`:
    /// `{"amount","currency"}`; `range`: `{"min","max"}`; `money_range`:
    /// `{"min","max","currency"}`; `number`: decimal text or number; `user`: `{"id"}`; else text or
    /// what the ATS gave. `null`: empty.
    pub value: Value,
}

/// The type of a custom value that the ATS has and that could not be read: neither its type nor its
/// value is known, and `value` is null without meaning that it is empty.
pub const UNREADABLE: &str = "unreadable";

/// Custom values by the field's stable key.
pub type CustomValues<'a> = BTreeMap<Text<'a>, CustomValue<'a>>;

/// Values that the ATS holds in a form that it accepts for no new value: by path
/// (`custom_fields.<key>`, `phones`), with the reason and without the value. The ATS may refuse an
/// update that has to send such a value back.
pub type OddForms<'a> = BTreeMap<Text<'a>, Text<'a>>;

/// One address of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact<'a> {
    /// The address as the ATS holds it.
    pub value: Text<'a>,
    /// `personal`, `work`, `home`, `mobile`, `skype`, `company`, `portfolio`, `blog`, `social`,
    /// `other`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Word<'a>>,
}

/// The parts of a person's name; never split by guessing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name<'a> {
    /// The whole name, where the ATS has no parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full: Option<Text<'a>>,
    /// Given name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Text<'a>>,
    /// Family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Text<'a>>,
    /// The name that the person goes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferred: Option<Text<'a>>,
}

/// Limits on the use of a person's data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privacy {
    /// Visible only to privileged users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    /// The person's data were blanked, by law or on request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymized: Option<bool>,
    /// No mail to the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub do_not_contact: Option<bool>,
}

/// `candidates`: a person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct Candidate<'a> {
    #[serde(default)]
    pub name: Name<'a>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<Contact<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<Contact<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Contact<'a>>,
    /// Web sites and social profiles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Contact<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headline: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Ref<'a>>,
    #[serde(default)]
    pub privacy: Privacy,
    /// Users of the ATS that are the same person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub linked_users: Vec<Ref<'a>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_fields: CustomValues<'a>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub odd_forms: OddForms<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_activity_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// `applications`: an application or a prospect. `kind` is `application` or `prospect`; `outcome`
/// is `active`, `hired`, `rejected`, `withdrawn`, `converted` or `closed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct Application<'a> {
    #[serde(default, skip_serializing_if = "Ref::is_empty")]
    pub candidate: Ref<'a>,
    /// Absent for a prospect without a job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Ref<'a>>,
    pub kind: Text<'a>,
    /// The jobs that a prospect is considered for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prospective_jobs: Vec<Ref<'a>>,
    pub outcome: Word<'a>,
    /// The stage definition; may stay set while rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Ref<'a>>,
    /// The row of `application_stages` that is current.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_stage: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recruiter: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinator: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posting: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject_reason: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_decision: Option<bool>,
    /// Question and answer as the ATS gave them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_fields: CustomValues<'a>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub odd_forms: OddForms<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_activity_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// `jobs`. `state` is `draft`, `pending`, `open`, `on_hold`, `closed` or `archived`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct Job<'a> {
    pub title: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requisition_id: Option<Text<'a>>,
    pub state: Word<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidential: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied_from: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub departments: Vec<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offices: Vec<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_fields: CustomValues<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// The small kinds that planning resolves names by: `sources`, `tags`, `stages`, `reject_reasons`,
/// `close_reasons`, `pools`, `pool_stages`, `departments`, `offices`, `referrers`, `users`. A
/// record of them has at least these members; the adapter adds further ones that the ATS has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct Named<'a> {
    pub name: Text<'a>,
    /// Absent means: yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// `stages`: the job. `pool_stages`: the pool. `departments`, `offices`: the parent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Ref<'a>>,
    /// `stages`, `pool_stages`: position, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<i64>,
    /// `sources`, `reject_reasons`: the group. For reasons the word is `organisation`, `candidate`
    /// or `other`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Word<'a>>,
    /// `referrers`: the user, where the referrer is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Ref<'a>>,
    /// `users`: the main address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Text<'a>>,
    /// `users`: all addresses that came with the row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<Text<'a>>,
    /// `departments`, `offices`: the customer's own id. `users`: the employee id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<Text<'a>>,
    /// `offices`: where it is, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// `custom_fields`: a definition. `applies_to` is `candidate`, `application`, `job`, `opening`,
/// `offer` or `other`; `type` as in [`CustomValue`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct CustomField<'a> {
    pub name: Text<'a>,
    /// The stable key that values are filed under.
    pub key: Text<'a>,
    pub applies_to: Word<'a>,
    #[serde(rename = "type")]
    pub kind: Word<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// Absent means: yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// `custom_field_options`: a value to choose from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct CustomFieldOption<'a> {
    pub name: Text<'a>,
    #[serde(default, skip_serializing_if = "Ref::is_empty")]
    pub custom_field: Ref<'a>,
    /// Absent means: yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// `notes`: an event, not a state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct Note<'a> {
    #[serde(default, skip_serializing_if = "Ref::is_empty")]
    pub candidate: Ref<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Ref<'a>>,
    /// `note`, `activity`, `email`, …
    #[serde(rename = "type")]
    pub kind: Word<'a>,
    /// `public`, `private`, `admin_only`.
    pub visibility: Word<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// `applied_tags`: a tag on a candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct AppliedTag<'a> {
    #[serde(default, skip_serializing_if = "Ref::is_empty")]
    pub candidate: Ref<'a>,
    #[serde(default, skip_serializing_if = "Ref::is_empty")]
    pub tag: Ref<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// `educations`: one entry of a candidate's education. `started_on` and `ended_on` are a day, a
/// month or a year (`2016-09-01`, `2016-09`, `2016`), as precise as the ATS has it; they are
/// compared by [`crate::normal::is_same_date`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct Education<'a> {
    #[serde(default, skip_serializing_if = "Ref::is_empty")]
    pub candidate: Ref<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub school: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degree: Option<Text<'a>>,
    /// The field of study.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discipline: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_on: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_on: Option<Text<'a>>,
    /// The candidate's most recent entry, as the ATS marks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// `employments`: one entry of a candidate's work history; its dates are those of [`Education`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct Employment<'a> {
    #[serde(default, skip_serializing_if = "Ref::is_empty")]
    pub candidate: Ref<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_on: Option<Text<'a>>,
    /// Absent while the employment lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_on: Option<Text<'a>>,
    /// The candidate's most recent entry, as the ATS marks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// `postings`: the public form of a job.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct Posting<'a> {
    #[serde(default, skip_serializing_if = "Ref::is_empty")]
    pub job: Ref<'a>,
    pub title: Text<'a>,
    /// Not deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// Public at present.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<bool>,
    /// For employees only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub featured: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub board: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Text<'a>>,
    /// As the ATS holds it, HTML as a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internal_content: Option<Text<'a>>,
    /// The questions of the form as the ATS gave them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// `openings`: a seat of a job. `state` is `open` or `closed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct Opening<'a> {
    #[serde(default, skip_serializing_if = "Ref::is_empty")]
    pub job: Ref<'a>,
    /// The customer's own name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<Text<'a>>,
    pub state: Word<'a>,
    /// The application that was hired into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub close_reason: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<i64>,
    /// A day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_start_on: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_fields: CustomValues<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// `hiring_managers`, `job_owners`: a member of a job's hiring team. `role` is `hiring_manager`,
/// `recruiter`, `coordinator` or `sourcer`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct TeamMember<'a> {
    #[serde(default, skip_serializing_if = "Ref::is_empty")]
    pub job: Ref<'a>,
    #[serde(default, skip_serializing_if = "Ref::is_empty")]
    pub user: Ref<'a>,
    pub role: Word<'a>,
    /// The main one of that role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responsible: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// `application_stages`: the times of one application in one stage. Neither time is set before it
/// enters the stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct ApplicationStage<'a> {
    #[serde(default, skip_serializing_if = "Ref::is_empty")]
    pub application: Ref<'a>,
    #[serde(default, skip_serializing_if = "Ref::is_empty")]
    pub stage: Ref<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entered_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exited_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// `rejections`: why an application was rejected, when and by whom.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct Rejection<'a> {
    #[serde(default, skip_serializing_if = "Ref::is_empty")]
    pub application: Ref<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reject_reason: Option<Ref<'a>>,
    /// The user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_by: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_fields: CustomValues<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// `users`: a user of the ATS. Every member of [`Named`] means the same here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct User<'a> {
    pub name: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// A site administrator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_admin: Option<bool>,
    /// The main address; absent for service users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Text<'a>>,
    /// All addresses that came with the row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<Text<'a>>,
    /// The employee id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_title: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub departments: Vec<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offices: Vec<Ref<'a>>,
    /// Candidates that are the same person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub linked_candidates: Vec<Ref<'a>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub custom_fields: CustomValues<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// `user_emails`: an address of a user.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct UserEmail<'a> {
    #[serde(default, skip_serializing_if = "Ref::is_empty")]
    pub user: Ref<'a>,
    pub email: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// `attachments`: the entry of a file, not the file. Its URL grants access for a while, so it is a
/// secret and never part of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct Attachment<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Ref<'a>>,
    /// `resume`, `cover_letter`, `offer` or `other`.
    #[serde(rename = "type")]
    pub kind: Word<'a>,
    pub filename: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// `pools`: a pool of prospects. Every member of [`Named`] means the same here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct Pool<'a> {
    pub name: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub departments: Vec<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub offices: Vec<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

/// `pool_placements`: where a prospect stands in a pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the words of the unified model")]
pub struct PoolPlacement<'a> {
    #[serde(default, skip_serializing_if = "Ref::is_empty")]
    pub application: Ref<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool_stage: Option<Ref<'a>>,
    /// The user who looks after the prospect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<Ref<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Text<'a>>,
}

#[cfg(test)]
mod tests {
    use super::REFERENCES;
    use std::collections::BTreeMap;

    /// The engine holds a field of these names to what a reference is, whatever the kind.
    #[test]
    fn the_list_of_references_is_that_of_the_records() {
        let mut found: BTreeMap<&str, bool> = BTreeMap::new();
        let records =
            include_str!("unified.rs").split_once("/// `candidates`: a person.").unwrap().1;
        for line in records.lines().filter_map(|line| line.strip_prefix("    pub ")) {
            let (name, kind) = line.split_once(": ").unwrap();
            let is_reference = kind.contains("Ref<'a>");
            let known = *found.entry(name).or_insert(is_reference);
            assert_eq!(
                known, is_reference,
                "{name} is a reference in one record and none in another"
            );
        }
        let found: Vec<&str> = found
            .into_iter()
            .filter(|(_, is_reference)| *is_reference)
            .map(|(name, _)| name)
            .collect();
        assert_eq!(found, REFERENCES);
    }
}
