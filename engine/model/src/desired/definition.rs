//! What is declared beside people: custom fields with their choices, and users. And [`Desired`],
//! any record that can be declared.
//!
//! People name a custom field by its key, a choice by its label and a user by e-mail address. Where
//! the ATS does not have it yet, a record of this module has it made first. Such a record is known
//! by what it defines, so the same field cannot be declared twice.
//!
//! Left out: taking a field, a choice or a user away again. That drops what others stored in it.

use super::{DesiredCandidate, DesiredName, Policy};
use crate::kinds;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Any record that can be declared. In JSON its `kind` says which; without one it is a candidate.
///
/// It is written by serde and not read by it: which record a text is, and what is wrong with it,
/// takes more than a `Deserialize` can say. Read a text of one or more records with
/// `atsync::declare::parse`, a stream with `atsync::declare::Records` (both check each record and
/// name the line), or one record unchecked with [`Desired::from_json`]. The structs of the variants
/// do implement `Deserialize`.
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

/// Reads which record a JSON object is.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, default)]
    kind: Option<Cow<'a, str>>,
}

impl Desired {
    /// Reads one record.
    ///
    /// # Errors
    /// What is wrong, with its place in the text. An unknown `kind` is read as a person's, and
    /// refused when it is checked.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        // What has no readable `kind` is refused below, by the record's own form, which knows
        // better what is wrong.
        let kind = serde_json::from_str::<Kind<'_>>(text).ok().and_then(|kind| kind.kind);
        Ok(match kind.as_deref() {
            Some(kinds::CUSTOM_FIELDS) => Self::CustomField(serde_json::from_str(text)?),
            Some(kinds::USERS) => Self::User(serde_json::from_str(text)?),
            _ => Self::Candidate(serde_json::from_str(text)?),
        })
    }

    /// The kind.
    pub fn kind(&self) -> &str {
        match self {
            Self::Candidate(record) => &record.kind,
            Self::CustomField(record) => &record.kind,
            Self::User(record) => &record.kind,
        }
    }

    /// What the record is known by within its connection: a person by the host's key, the others by
    /// what they define.
    pub fn key(&self) -> String {
        match self {
            Self::Candidate(record) => record.key.clone(),
            Self::CustomField(record) => record.path(),
            Self::User(record) => record.path(),
        }
    }

    /// The person, if it is one.
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

/// What the path of a definition begins with. No person's key does.
pub const DEFINITION_PREFIX: char = '@';

/// A custom field that people's or applications' values are filed under.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DesiredCustomField {
    /// Always `custom_fields`.
    #[cfg_attr(feature = "schema", schemars(extend("const" = "custom_fields")))]
    pub kind: String,
    /// What desired records name it by under `custom_fields`. A field that the ATS has under this
    /// key, or under this name, is taken; the key of one that is made is the ATS's to choose.
    pub key: String,
    /// `candidate`, `application`, `job`, `opening` or `offer`.
    pub applies_to: String,
    /// `text`, `long_text`, `boolean`, `number`, `single`, `multi`, `money`, `money_range`,
    /// `range`, `date`, `url` or `user`. It cannot be changed later.
    #[serde(rename = "type")]
    pub value_type: String,
    /// What people see. Needed to make the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Shown to few.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    /// What it is for; `""` clears it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Choices that must be there, by label: for `single` and `multi` only. Others are left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<String>>,
    /// What happens when somebody changes it in the ATS: `name`, `private`, `description`,
    /// `options`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub policy: BTreeMap<String, Policy>,
}

impl DesiredCustomField {
    /// The kind.
    pub const KIND: &str = kinds::CUSTOM_FIELDS;

    /// The path of the field that records of this kind name by this key, in whatever spelling.
    pub fn path_of(applies_to: &str, key: &str) -> String {
        format!(
            "{DEFINITION_PREFIX}{}.{applies_to}.{}",
            kinds::CUSTOM_FIELDS,
            crate::normal::label(key)
        )
    }

    /// What the record is known by.
    pub fn path(&self) -> String {
        Self::path_of(&self.applies_to, &self.key)
    }

    /// The path of a choice: one for all spellings of its label.
    pub fn option_path(&self, label: &str) -> String {
        format!("{}/options/{}", self.path(), crate::normal::label(label))
    }

    /// Whether it has choices.
    pub fn has_options(&self) -> bool {
        matches!(self.value_type.as_str(), "single" | "multi")
    }

    /// Whether a choice of this label is declared.
    pub fn declares(&self, label: &str) -> bool {
        self.spelling(label).is_some()
    }

    /// The label as it is declared, whatever its blanks and the way its letters are composed.
    pub fn spelling(&self, label: &str) -> Option<&str> {
        let declared = || self.options.iter().flatten().map(String::as_str);
        let exact = declared().find(|declared| *declared == label);
        exact.or_else(|| declared().find(|declared| crate::normal::is_option(declared, label)))
    }
}

/// Somebody who works with the ATS: to be named in a custom field, for example. Only ever made,
/// never changed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DesiredUser {
    /// Always `users`.
    #[cfg_attr(feature = "schema", schemars(extend("const" = "users")))]
    pub kind: String,
    /// The address that they are known by.
    pub email: String,
    /// Given and family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DesiredName>,
    /// What they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_title: Option<String>,
    /// Their number in the company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<String>,
    /// Mail them an invitation. Nobody is mailed unless this is true.
    #[serde(default)]
    pub invite: bool,
}

impl DesiredUser {
    /// The kind.
    pub const KIND: &str = kinds::USERS;

    /// The path of the user with this address.
    pub fn path_of(email: &str) -> String {
        format!("{DEFINITION_PREFIX}{}.{}", kinds::USERS, crate::normal::email(email))
    }

    /// What the record is known by.
    pub fn path(&self) -> String {
        Self::path_of(&self.email)
    }
}

#[cfg(test)]
mod tests {
    use super::Desired;

    #[test]
    fn the_kind_says_which_record_it_is_and_a_mistake_is_told_in_its_own_form() {
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
    fn a_record_comes_back_as_it_was_written() {
        let text = r#"{"kind":"custom_fields","key":"x","applies_to":"candidate","type":"single","options":["A"]}"#;
        let record = Desired::from_json(text).unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), text);
    }
}
