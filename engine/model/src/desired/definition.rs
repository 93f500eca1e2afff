//! Records that are declared beside candidates: custom fields with their options, and users. And
//! [`Desired`], any record that can be declared.
//!
//! A candidate names a custom field by its key, an option by its label and a user by e-mail
//! address. Where the ATS lacks it, a record of this module creates it first. What such a record
//! defines also identifies it, so one field cannot be declared twice.
//!
//! Left out: deleting a field, an option or a user. That drops what others stored in it.

use super::{DesiredCandidate, DesiredName, Policy};
use crate::kinds;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Any record that can be declared. In JSON its `kind` says which; without one it is a candidate.
///
/// It is written by serde and not read by it: which record a text is, and what is wrong with it,
/// takes more than a `Deserialize` can say. Read a text of one or more records with
/// `atsync::parse_desired`, a stream with `atsync::DesiredRecords` (both check each record and name
/// the line), or one record unchecked with [`Desired::from_json`]. The structs of the variants do
/// implement `Deserialize`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly all records are candidates, so a box would save nothing"
)]
pub enum Desired {
    /// `candidates`.
    Candidate(DesiredCandidate),
    /// `custom_fields`.
    CustomField(DesiredCustomField),
    /// `users`.
    User(DesiredUser),
}

/// The member of a JSON object that says which record it is.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, default)]
    kind: Option<Cow<'a, str>>,
}

impl Desired {
    /// Reads one record.
    ///
    /// # Errors
    /// What is wrong, with its place in the text. An unknown `kind` is read as a candidate, and
    /// refused when the record is checked.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        // A record without a readable `kind` is refused below, by the form of a candidate, whose
        // message is the better one.
        let kind = serde_json::from_str::<Kind<'_>>(text).ok().and_then(|kind| kind.kind);
        Ok(match kind.as_deref() {
            Some(kinds::CUSTOM_FIELDS) => Self::CustomField(serde_json::from_str(text)?),
            Some(kinds::USERS) => Self::User(serde_json::from_str(text)?),
            _ => Self::Candidate(serde_json::from_str(text)?),
        })
    }

    /// Returns the kind.
    pub fn kind(&self) -> &str {
        match self {
            Self::Candidate(record) => &record.kind,
            Self::CustomField(record) => &record.kind,
            Self::User(record) => &record.kind,
        }
    }

    /// Returns what identifies the record within its connection: the host's key of a candidate,
    /// what the others define.
    pub fn key(&self) -> String {
        match self {
            Self::Candidate(record) => record.key.clone(),
            Self::CustomField(record) => record.path(),
            Self::User(record) => record.path(),
        }
    }

    /// Returns the candidate, if it is one.
    pub fn candidate(&self) -> Option<&DesiredCandidate> {
        match self {
            Self::Candidate(record) => Some(record),
            Self::CustomField(_) | Self::User(_) => None,
        }
    }
}

impl From<DesiredCandidate> for Desired {
    fn from(record: DesiredCandidate) -> Self {
        Self::Candidate(record)
    }
}

impl From<DesiredCustomField> for Desired {
    fn from(record: DesiredCustomField) -> Self {
        Self::CustomField(record)
    }
}

impl From<DesiredUser> for Desired {
    fn from(record: DesiredUser) -> Self {
        Self::User(record)
    }
}

/// Begins the path of a definition. No candidate's key begins with it.
pub const DEFINITION_PREFIX: char = '@';

/// A custom field of candidates, applications, jobs, openings or offers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DesiredCustomField {
    /// Always `custom_fields`.
    #[cfg_attr(feature = "schema", schemars(extend("const" = "custom_fields")))]
    pub kind: String,
    /// The key that desired records use under `custom_fields`. A field that the ATS has under this
    /// key, or under this name, is linked; the ATS chooses the key of a new one.
    pub key: String,
    /// `candidate`, `application`, `job`, `opening` or `offer`.
    pub applies_to: String,
    /// `text`, `long_text`, `boolean`, `number`, `single`, `multi`, `money`, `money_range`,
    /// `range`, `date`, `url` or `user`. It cannot be changed later.
    #[serde(rename = "type")]
    pub value_type: String,
    /// The name that users see. Needed to create the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Visible only to privileged users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    /// The description; `""` clears it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Options that the field must have, by label: for `single` and `multi` only. Others are left
    /// alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<String>>,
    /// What happens when a recruiter changes it in the ATS: `name`, `private`, `description`,
    /// `options`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policy: BTreeMap<String, Policy>,
}

impl DesiredCustomField {
    /// The name of the kind.
    pub const KIND: &str = kinds::CUSTOM_FIELDS;

    /// Returns the path of the field that records of this kind name by this key, in any spelling.
    pub fn path_of(applies_to: &str, key: &str) -> String {
        format!(
            "{DEFINITION_PREFIX}{}.{applies_to}.{}",
            kinds::CUSTOM_FIELDS,
            crate::normal::label(key)
        )
    }

    /// Returns the path that identifies the record.
    pub fn path(&self) -> String {
        Self::path_of(&self.applies_to, &self.key)
    }

    /// Returns the path of an option: one for all spellings of its label.
    pub fn option_path(&self, label: &str) -> String {
        format!("{}/options/{}", self.path(), crate::normal::label(label))
    }

    /// Whether it has options.
    pub fn has_options(&self) -> bool {
        matches!(self.value_type.as_str(), "single" | "multi")
    }

    /// Whether an option of this label is declared.
    pub fn declares(&self, label: &str) -> bool {
        self.spelling(label).is_some()
    }

    /// Returns the label as it is declared, whatever its blanks and the way its letters are
    /// composed.
    pub fn spelling(&self, label: &str) -> Option<&str> {
        let declared = || self.options.iter().flatten().map(String::as_str);
        let exact = declared().find(|declared| *declared == label);
        exact.or_else(|| declared().find(|declared| crate::normal::is_option(declared, label)))
    }
}

/// A user of the ATS, for example one that a custom field names. Only created, never changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DesiredUser {
    /// Always `users`.
    #[cfg_attr(feature = "schema", schemars(extend("const" = "users")))]
    pub kind: String,
    /// The address that identifies the user.
    pub email: String,
    /// Given and family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DesiredName>,
    /// The job title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_title: Option<String>,
    /// The employee's number in the company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<String>,
    /// Whether the ATS mails an invitation. None is sent unless this is true.
    #[serde(default)]
    pub invite: bool,
}

impl DesiredUser {
    /// The name of the kind.
    pub const KIND: &str = kinds::USERS;

    /// Returns the path of the user with this address.
    pub fn path_of(email: &str) -> String {
        format!("{DEFINITION_PREFIX}{}.{}", kinds::USERS, crate::normal::email(email))
    }

    /// Returns the path that identifies the record.
    pub fn path(&self) -> String {
        Self::path_of(&self.email)
    }
}

#[cfg(test)]
mod tests {
    use super::Desired;

    #[test]
    fn the_kind_says_which_record_it_is_and_a_mistake_is_reported_in_its_form() {
        let read = |text: &str| {
            Desired::from_json(text).map(|record| record.key()).map_err(|error| error.to_string())
        };
        assert_eq!(read(r#"{"key":"a"}"#).unwrap(), "a");
        assert_eq!(
            read(r#"{"kind":"custom_fields","key":"x","applies_to":"candidate","type":"text"}"#)
                .unwrap(),
            "@custom_fields.candidate.x"
        );
        assert_eq!(read(r#"{"kind":"users","email":"Ada@X.test"}"#).unwrap(), "@users.ada@x.test");
        assert!(
            read(r#"{"kind":"users","mail":"ada@x.test"}"#)
                .unwrap_err()
                .contains("unknown field `mail`")
        );
        assert!(read(r#"{"kind":7,"key":"a"}"#).unwrap_err().contains("invalid type: integer `7`"));
    }

    #[test]
    fn a_record_is_read_back_as_it_was_written() {
        let members = r#""applies_to":"candidate","type":"single","options":["A"]"#;
        let text = format!(r#"{{"kind":"custom_fields","key":"x",{members}}}"#);
        let record = Desired::from_json(&text).unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), text);
    }
}
