//! The inputs of operations, decoded once.
//!
//! Each operation has one structure, which refuses unknown members, so that a misspelt one is not
//! ignored. References are remote ids as text, because unified ids are text;
//! [`crate::request::id_number`] makes the JSON number that Greenhouse needs. A member that `null`
//! may clear is an `Option<Option<_>>`: the outer level says whether the input names it at all.
//! Left out: any decision, which the module of each record makes.

use crate::answer::invalid;
use crate::settings::{BackgroundDates, DateReading, ForeignReading, StageReading, UsersForm};
use atsync_adapter::contract::Failure;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The values that each field may show if no other user changed it since the plan
/// ([`crate::write::seen`]).
pub(crate) type Seen = std::collections::BTreeMap<String, Vec<Value>>;
/// A member that may be absent, `null` or a value.
pub(crate) type Clearable<T> = Option<Option<T>>;

/// Reads a present member, `null` included, as `Some`.
fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Clearable<T>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

/// Declares input structures, all of which refuse unknown members.
macro_rules! inputs {
    ($($(#[$doc:meta])* $name:ident { $($(#[$attr:meta])* $field:ident: $kind:ty),* $(,)? })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct $name { $($(#[$attr])* #[serde(skip_serializing_if = "crate::write::input::is_default")] pub(crate) $field: $kind),* }
    )* };
}

/// Whether a member can be left out, which keeps continuations small.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

inputs! {
    /// Parts of a name.
    NameInput { first: Option<String>, last: Option<String>, preferred: Option<String> }

    /// An entry of a contact list.
    ContactInput { value: String, r#type: Option<String> }

    /// A custom field's value, resolved by the planner. `value` is in unified form; `null` clears.
    CustomInput { key: String, id: Option<String>, r#type: String, name: Option<String>,
        value: Value }

    /// `candidates.create`.
    CandidateNew {
        name: NameInput,
        emails: Vec<ContactInput>,
        phones: Vec<ContactInput>,
        links: Vec<ContactInput>,
        addresses: Vec<ContactInput>,
        company: Option<String>,
        title: Option<String>,
        private: Option<bool>,
        tags: Vec<String>,
        custom_fields: Vec<CustomInput>,
        application: Option<ApplicationNew>,
    }

    /// The scalars of `candidates.update`.
    CandidateSet {
        name: NameInput,
        #[serde(deserialize_with = "named")]
        company: Clearable<String>,
        #[serde(deserialize_with = "named")]
        title: Clearable<String>,
        private: Option<bool>,
        #[serde(deserialize_with = "named")]
        time_zone: Clearable<String>,
    }

    /// The lists of `candidates.update`, once to add and once to remove.
    ContactLists {
        emails: Vec<ContactEntry>,
        phones: Vec<ContactEntry>,
        links: Vec<ContactEntry>,
        addresses: Vec<ContactEntry>,
    }

    /// `candidates.update`. `reading` says which values of other users are sent back;
    /// `may_leave_out` has the paths of those that the plan allows to leave out, `must_show` the
    /// paths whose values the plan saw, and `seen` the values that it saw of fields with the policy
    /// `yield`.
    CandidateEdit {
        set: CandidateSet,
        add: ContactLists,
        remove: ContactLists,
        custom_fields: Vec<CustomInput>,
        reading: Option<ForeignReading>,
        may_leave_out: Vec<String>,
        must_show: Vec<String>,
        seen: Seen,
    }

    /// `applications.create`, and the application within `candidates.create` (then without
    /// `candidate`).
    ApplicationNew {
        candidate: Option<String>,
        kind: ArmInput,
        job: Option<String>,
        jobs: Vec<String>,
        stage: Option<String>,
        pool: Option<String>,
        pool_stage: Option<String>,
        owner: Option<String>,
        source: Option<String>,
        referrer: Option<String>,
        recruiter: Option<String>,
        coordinator: Option<String>,
        custom_fields: Vec<CustomInput>,
    }

    /// `applications.update`.
    ApplicationEdit {
        #[serde(deserialize_with = "named")]
        source: Clearable<String>,
        #[serde(deserialize_with = "named")]
        referrer: Clearable<String>,
        #[serde(deserialize_with = "named")]
        recruiter: Clearable<String>,
        #[serde(deserialize_with = "named")]
        coordinator: Clearable<String>,
        #[serde(deserialize_with = "named")]
        pool: Clearable<String>,
        custom_fields: Vec<CustomInput>,
        reading: Option<ForeignReading>,
        may_leave_out: Vec<String>,
        must_show: Vec<String>,
        seen: Seen,
    }

    /// `applications.move`. `reading` says which id `from_stage_id` is; it overrides the setting.
    MoveInput { to_stage: Option<String>, to_job: Option<String>, reading: Option<StageReading>,
        seen: Seen }

    /// `applications.reject`.
    RejectInput { reason: String, note: Option<String>, seen: Seen }

    /// `applications.unreject`.
    UnrejectInput { seen: Seen }

    /// `applications.hire`. `reading` says how `start_date` is written.
    HireInput {
        opening: Option<String>,
        start_on: Option<String>,
        close_reason: Option<String>,
        reading: Option<DateReading>,
        seen: Seen,
    }

    /// `applications.convert`.
    ConvertInput { job: String, stage: Option<String> }

    /// `rejections.update`.
    RejectionEdit {
        reason: Option<String>,
        custom_fields: Vec<CustomInput>,
        reading: Option<ForeignReading>,
        may_leave_out: Vec<String>,
        must_show: Vec<String>,
        seen: Seen,
    }

    /// `notes.create`.
    NoteNew {
        candidate: String,
        application: Option<String>,
        author: Option<String>,
        body: String,
        visibility: String,
    }

    /// `tags.create`.
    TagNew { name: String }

    /// `applied_tags.create`.
    AppliedTagNew { candidate: String, tag: String }

    /// `applied_tags.delete`.
    AppliedTagDeletion {}

    /// `educations.create`. `reading` says how dates are written; it overrides the setting.
    EducationNew {
        candidate: String,
        school: Option<String>,
        degree: Option<String>,
        discipline: Option<String>,
        started_on: Option<String>,
        ended_on: Option<String>,
        reading: Option<BackgroundDates>,
    }

    /// `employments.create`.
    EmploymentNew {
        candidate: String,
        company: String,
        title: String,
        started_on: String,
        ended_on: Option<String>,
    }

    /// `educations.destroy` and `employments.destroy`.
    BackgroundDeletion { seen: Seen }

    /// `attachments.create`: exactly one of `url` and `content_base64`.
    AttachmentNew {
        application: String,
        filename: String,
        r#type: String,
        url: Option<String>,
        content_base64: Option<String>,
        visibility: Option<String>,
    }

    /// `users.create`. `reading` says which form of the endpoint is used; it overrides the setting.
    UserNew {
        first: String,
        last: String,
        email: String,
        job_title: Option<String>,
        employee_id: Option<String>,
        invite: Option<bool>,
        reading: Option<UsersForm>,
    }

    /// An option of a new custom field.
    OptionInput { name: String, external_id: Option<String> }

    /// `custom_fields.create`.
    FieldNew {
        name: String,
        applies_to: String,
        r#type: String,
        private: Option<bool>,
        description: Option<String>,
        options: Vec<OptionInput>,
    }

    /// `custom_fields.update`.
    FieldEdit {
        name: Option<String>,
        private: Option<bool>,
        #[serde(deserialize_with = "named")]
        description: Clearable<String>,
    }

    /// `custom_field_options.create`.
    OptionNew { custom_field: String, name: String, order: Option<i64>,
        external_id: Option<String> }

    /// `custom_field_options.update`.
    OptionEdit {
        name: Option<String>,
        order: Option<i64>,
        #[serde(deserialize_with = "named")]
        external_id: Clearable<String>,
    }
}

/// An entry to add or remove: a bare value or a value with its type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum ContactEntry {
    /// Only the value.
    Bare(String),
    /// Value and type.
    Full(ContactInput),
}

impl ContactEntry {
    /// Returns the value.
    pub(crate) fn value(&self) -> &str {
        match self {
            Self::Bare(value) => value,
            Self::Full(contact) => &contact.value,
        }
    }

    /// Returns the unified type, if one is given.
    pub(crate) fn kind(&self) -> Option<&str> {
        match self {
            Self::Bare(_) => None,
            Self::Full(contact) => contact.r#type.as_deref(),
        }
    }
}

/// An application to a job, or a prospect: the two arms of Greenhouse's creation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ArmInput {
    /// To a job.
    #[default]
    Application,
    /// A prospect.
    Prospect,
}

/// Decodes an operation's input.
pub(crate) fn parse<T: DeserializeOwned>(input: &str) -> Result<T, Failure> {
    serde_json::from_str(input).map_err(|error| {
        let message = error.to_string();
        // serde names the member between back-ticks: "unknown field `x`, expected …".
        let field = match message.split('`').nth(1) {
            Some(member)
                if message.starts_with("unknown field") || message.starts_with("missing field") =>
            {
                member
            }
            _ => "",
        };
        invalid(field, message.clone())
    })
}

/// Checks that a text is not empty.
pub(crate) fn required<'a>(field: &str, text: &'a str) -> Result<&'a str, Failure> {
    if text.trim().is_empty() { Err(invalid(field, "must not be empty")) } else { Ok(text) }
}
