//! The shapes of unified fields: what a mapped value has to become.
//!
//! The tables repeat the structs of `atsync_model::unified`; a test compares them with its source.
//! A value is brought into shape here, so that a mapping need not: a scalar becomes a reference, a
//! text a word or a contact, a number a time. A value that cannot be is a fault of that field.

use crate::description::{RefForm, Times};
use crate::helpers;
use crate::json::Json;
use crate::time;
use atsync_model::kinds;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The entries of one list of a record.
pub const ENTRIES_MAX: usize = 1_000;

/// The shape of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A text.
    Text,
    /// A moment, or a day where the field's name ends in `_on`.
    Time,
    /// A flag.
    Flag,
    /// A whole number.
    Number,
    /// A word of an open enumeration.
    Word,
    /// A text of a closed set: the unified word alone.
    Plain,
    /// A reference.
    Ref,
    /// References.
    Refs,
    /// Contacts of a candidate.
    Contacts,
    /// Texts.
    Texts,
    /// The parts of a name.
    Name,
    /// Limits on the use of data.
    Privacy,
    /// Custom values by key.
    Custom,
    /// Texts by path.
    Odd,
    /// Values as the ATS gave them.
    Values,
}

use Shape::{
    Contacts, Custom, Flag, Name, Number, Odd, Plain, Privacy, Ref, Refs, Text, Texts, Time,
    Values, Word,
};

/// The fields of a kind of record.
pub type Fields = &'static [(&'static str, Shape)];

const CANDIDATE: Fields = &[
    ("name", Name),
    ("emails", Contacts),
    ("phones", Contacts),
    ("addresses", Contacts),
    ("links", Contacts),
    ("company", Text),
    ("title", Text),
    ("headline", Text),
    ("time_zone", Text),
    ("tags", Refs),
    ("privacy", Privacy),
    ("linked_users", Refs),
    ("custom_fields", Custom),
    ("odd_forms", Odd),
    ("last_activity_at", Time),
    ("created_at", Time),
    ("updated_at", Time),
];

const APPLICATION: Fields = &[
    ("candidate", Ref),
    ("job", Ref),
    ("kind", Plain),
    ("prospective_jobs", Refs),
    ("outcome", Word),
    ("stage", Ref),
    ("application_stage", Ref),
    ("source", Ref),
    ("referrer", Ref),
    ("recruiter", Ref),
    ("coordinator", Ref),
    ("posting", Ref),
    ("reject_reason", Ref),
    ("rejected_at", Time),
    ("location", Text),
    ("needs_decision", Flag),
    ("answers", Values),
    ("custom_fields", Custom),
    ("odd_forms", Odd),
    ("last_activity_at", Time),
    ("created_at", Time),
    ("updated_at", Time),
];

const JOB: Fields = &[
    ("title", Text),
    ("requisition_id", Text),
    ("state", Word),
    ("confidential", Flag),
    ("template", Flag),
    ("copied_from", Ref),
    ("departments", Refs),
    ("offices", Refs),
    ("notes", Text),
    ("custom_fields", Custom),
    ("opened_at", Time),
    ("closed_at", Time),
    ("created_at", Time),
    ("updated_at", Time),
];

const NAMED: Fields = &[
    ("name", Text),
    ("active", Flag),
    ("parent", Ref),
    ("order", Number),
    ("type", Word),
    ("user", Ref),
    ("email", Text),
    ("emails", Texts),
    ("external_id", Text),
    ("location", Text),
    ("created_at", Time),
    ("updated_at", Time),
];

const CUSTOM_FIELD: Fields = &[
    ("name", Text),
    ("key", Text),
    ("applies_to", Word),
    ("type", Word),
    ("private", Flag),
    ("required", Flag),
    ("active", Flag),
    ("description", Text),
    ("created_at", Time),
    ("updated_at", Time),
];

const CUSTOM_FIELD_OPTION: Fields = &[
    ("name", Text),
    ("custom_field", Ref),
    ("active", Flag),
    ("order", Number),
    ("external_id", Text),
    ("created_at", Time),
    ("updated_at", Time),
];

const NOTE: Fields = &[
    ("candidate", Ref),
    ("application", Ref),
    ("author", Ref),
    ("type", Word),
    ("visibility", Word),
    ("subject", Text),
    ("body", Text),
    ("created_at", Time),
    ("updated_at", Time),
];

const APPLIED_TAG: Fields =
    &[("candidate", Ref), ("tag", Ref), ("created_at", Time), ("updated_at", Time)];

const EDUCATION: Fields = &[
    ("candidate", Ref),
    ("school", Text),
    ("degree", Text),
    ("discipline", Text),
    ("started_on", Time),
    ("ended_on", Time),
    ("latest", Flag),
    ("created_at", Time),
    ("updated_at", Time),
];

const EMPLOYMENT: Fields = &[
    ("candidate", Ref),
    ("company", Text),
    ("title", Text),
    ("started_on", Time),
    ("ended_on", Time),
    ("latest", Flag),
    ("created_at", Time),
    ("updated_at", Time),
];

const POSTING: Fields = &[
    ("job", Ref),
    ("title", Text),
    ("active", Flag),
    ("live", Flag),
    ("internal", Flag),
    ("featured", Flag),
    ("board", Ref),
    ("url", Text),
    ("language", Text),
    ("content", Text),
    ("internal_content", Text),
    ("questions", Values),
    ("published_at", Time),
    ("created_at", Time),
    ("updated_at", Time),
];

const OPENING: Fields = &[
    ("job", Ref),
    ("external_id", Text),
    ("state", Word),
    ("application", Ref),
    ("close_reason", Ref),
    ("order", Number),
    ("target_start_on", Time),
    ("custom_fields", Custom),
    ("opened_at", Time),
    ("closed_at", Time),
    ("created_at", Time),
    ("updated_at", Time),
];

const TEAM_MEMBER: Fields = &[
    ("job", Ref),
    ("user", Ref),
    ("role", Word),
    ("responsible", Flag),
    ("created_at", Time),
    ("updated_at", Time),
];

const APPLICATION_STAGE: Fields = &[
    ("application", Ref),
    ("stage", Ref),
    ("current", Flag),
    ("entered_at", Time),
    ("exited_at", Time),
    ("created_at", Time),
    ("updated_at", Time),
];

const REJECTION: Fields = &[
    ("application", Ref),
    ("reject_reason", Ref),
    ("rejected_by", Ref),
    ("note", Ref),
    ("custom_fields", Custom),
    ("rejected_at", Time),
    ("created_at", Time),
    ("updated_at", Time),
];

const USER: Fields = &[
    ("name", Text),
    ("first_name", Text),
    ("last_name", Text),
    ("active", Flag),
    ("site_admin", Flag),
    ("email", Text),
    ("emails", Texts),
    ("external_id", Text),
    ("job_title", Text),
    ("departments", Refs),
    ("offices", Refs),
    ("linked_candidates", Refs),
    ("custom_fields", Custom),
    ("created_at", Time),
    ("updated_at", Time),
];

const USER_EMAIL: Fields = &[
    ("user", Ref),
    ("email", Text),
    ("verified", Flag),
    ("created_at", Time),
    ("updated_at", Time),
];

const ATTACHMENT: Fields = &[
    ("candidate", Ref),
    ("application", Ref),
    ("type", Word),
    ("filename", Text),
    ("created_at", Time),
    ("updated_at", Time),
];

const POOL: Fields = &[
    ("name", Text),
    ("active", Flag),
    ("description", Text),
    ("departments", Refs),
    ("offices", Refs),
    ("jobs", Refs),
    ("created_at", Time),
    ("updated_at", Time),
];

const POOL_PLACEMENT: Fields = &[
    ("application", Ref),
    ("pool", Ref),
    ("pool_stage", Ref),
    ("owner", Ref),
    ("department", Ref),
    ("office", Ref),
    ("created_at", Time),
    ("updated_at", Time),
];

/// The fields of each kind, and the name of its struct.
const KINDS: &[(&str, &str, Fields)] = &[
    (kinds::CANDIDATES, "Candidate", CANDIDATE),
    (kinds::APPLICATIONS, "Application", APPLICATION),
    (kinds::JOBS, "Job", JOB),
    (kinds::POSTINGS, "Posting", POSTING),
    (kinds::OPENINGS, "Opening", OPENING),
    (kinds::HIRING_MANAGERS, "TeamMember", TEAM_MEMBER),
    (kinds::JOB_OWNERS, "TeamMember", TEAM_MEMBER),
    (kinds::STAGES, "Named", NAMED),
    (kinds::APPLICATION_STAGES, "ApplicationStage", APPLICATION_STAGE),
    (kinds::REJECTIONS, "Rejection", REJECTION),
    (kinds::REJECT_REASONS, "Named", NAMED),
    (kinds::CLOSE_REASONS, "Named", NAMED),
    (kinds::SOURCES, "Named", NAMED),
    (kinds::REFERRERS, "Named", NAMED),
    (kinds::TAGS, "Named", NAMED),
    (kinds::APPLIED_TAGS, "AppliedTag", APPLIED_TAG),
    (kinds::EDUCATIONS, "Education", EDUCATION),
    (kinds::EMPLOYMENTS, "Employment", EMPLOYMENT),
    (kinds::USERS, "User", USER),
    (kinds::USER_EMAILS, "UserEmail", USER_EMAIL),
    (kinds::DEPARTMENTS, "Named", NAMED),
    (kinds::OFFICES, "Named", NAMED),
    (kinds::NOTES, "Note", NOTE),
    (kinds::ATTACHMENTS, "Attachment", ATTACHMENT),
    (kinds::POOLS, "Pool", POOL),
    (kinds::POOL_STAGES, "Named", NAMED),
    (kinds::POOL_PLACEMENTS, "PoolPlacement", POOL_PLACEMENT),
    (kinds::CUSTOM_FIELDS, "CustomField", CUSTOM_FIELD),
    (kinds::CUSTOM_FIELD_OPTIONS, "CustomFieldOption", CUSTOM_FIELD_OPTION),
];

/// The fields that a record of the struct cannot be without. Where the ATS has nothing, they are an
/// empty text or the word `other`.
const REQUIRED: &[(&str, &[&str])] = &[
    ("Application", &["kind", "outcome"]),
    ("Attachment", &["type", "filename"]),
    ("CustomField", &["name", "key", "applies_to", "type"]),
    ("CustomFieldOption", &["name"]),
    ("Job", &["title", "state"]),
    ("Named", &["name"]),
    ("Note", &["type", "visibility"]),
    ("Opening", &["state"]),
    ("Pool", &["name"]),
    ("Posting", &["title"]),
    ("TeamMember", &["role"]),
    ("User", &["name"]),
    ("UserEmail", &["email"]),
];

/// The fields that a record of a kind cannot be without.
#[must_use]
pub fn required(kind: &str) -> &'static [&'static str] {
    let record = KINDS.iter().find(|(name, _, _)| *name == kind).map(|(_, record, _)| *record);
    REQUIRED.iter().find(|(name, _)| Some(*name) == record).map_or(&[], |(_, fields)| *fields)
}

/// The fields of a kind; `None` for a kind that the model does not unify.
#[must_use]
pub fn fields(kind: &str) -> Option<Fields> {
    KINDS.iter().find(|(name, _, _)| *name == kind).map(|(_, _, fields)| *fields)
}

/// The shape of a field.
#[must_use]
pub fn shape(kind: &str, field: &str) -> Option<Shape> {
    fields(kind)?.iter().find(|(name, _)| *name == field).map(|(_, shape)| *shape)
}

/// How the values of a field are read, beside their shape.
#[derive(Debug)]
pub(crate) struct Reading<'d> {
    pub(crate) shape: Shape,
    pub(crate) words: &'d BTreeMap<String, String>,
    pub(crate) other: &'d str,
    pub(crate) form: RefForm,
    pub(crate) times: Times,
    /// A record cannot be without the field.
    pub(crate) is_required: bool,
    /// The field holds a day.
    pub(crate) is_day: bool,
}

type Shaped<'a> = Result<Option<Json<'a>>, String>;

impl Reading<'_> {
    /// Brings a value into shape; none when it is empty.
    ///
    /// # Errors
    /// What is wrong with its shape, without its content.
    pub(crate) fn shaped<'a>(&self, value: Cow<'_, Json<'a>>) -> Shaped<'a> {
        if value.is_empty() {
            return Ok(match self.shape {
                Text | Plain if self.is_required => Some(Json::text("")),
                Word if self.is_required => {
                    Some(Json::Map(vec![(Cow::Borrowed("value"), Json::text("other"))]))
                }
                _ => None,
            });
        }
        match self.shape {
            Text | Plain => self.text(&value),
            Time => self.time(&value),
            Flag => match *value {
                Json::Bool(flag) => Ok(Some(Json::Bool(flag))),
                _ => wrong(&value, "a flag"),
            },
            Number => match *value {
                Json::Int(number) => Ok(Some(Json::Int(number))),
                // A rank such as 105.5 keeps its order among whole ones only roughly; the row
                // decides, by `int`.
                _ => wrong(&value, "a whole number"),
            },
            Word => self.word(&value),
            Ref => self.reference(&value),
            Refs => entries(&value, |entry| self.reference(entry)),
            Contacts => entries(&value, |entry| self.contact(entry)),
            Texts => entries(&value, |entry| self.text(entry)),
            Name => self.parts(value, &["full", "first", "last", "preferred"], Self::text),
            Privacy => self.parts(
                value,
                &["private", "anonymized", "do_not_contact"],
                |_, flag| match flag {
                    Json::Bool(flag) => Ok(Some(Json::Bool(*flag))),
                    other => wrong(other, "a flag"),
                },
            ),
            Custom => custom(value.into_owned()),
            Odd => match &*value {
                Json::Map(members)
                    if members.iter().all(|(_, reason)| reason.as_text().is_some()) =>
                {
                    Ok(Some(value.into_owned()))
                }
                _ => wrong(&value, "texts by path"),
            },
            Values => match &*value {
                Json::List(entries) if entries.len() > ENTRIES_MAX => too_many(),
                Json::List(_) => Ok(Some(value.into_owned())),
                _ => wrong(&value, "a list"),
            },
        }
    }

    fn text<'a>(&self, value: &Json<'a>) -> Shaped<'a> {
        match value {
            Json::Text(_) => Ok(Some(value.clone())),
            Json::Int(_) | Json::Big(_) | Json::Float(_) => Ok(value.scalar().map(Json::Text)),
            _ => wrong(value, "a text"),
        }
    }

    fn time<'a>(&self, value: &Json<'a>) -> Shaped<'a> {
        let made = match (value, self.times) {
            (Json::Text(text), _) if self.is_day => {
                let day = text.get(..10).unwrap_or(text);
                atsync_model::normal::part_date(day)
                    .map(Json::text)
                    .ok_or("a text that is no date".to_owned())
            }
            (Json::Text(text), _) => match time::to_ms(text) {
                // As the ATS gave it, where it is RFC 3339.
                Some(_)
                    if text.len() > 16
                        && (text.ends_with('Z')
                            || text.get(19..).is_some_and(|zone| zone.contains(['+', '-']))) =>
                {
                    Ok(value.clone())
                }
                Some(ms) if text.len() > 10 => {
                    time::from_ms(ms).map(Json::text).ok_or_else(no_time)
                }
                Some(_) => Ok(value.clone()),
                None => Err(no_time()),
            },
            (_, Times::EpochMs) => helpers::from_ms(value, &[]),
            (_, Times::EpochS) => helpers::from_s(value, &[]),
            (_, Times::Rfc3339) => return wrong(value, "a time"),
        };
        match made {
            Ok(Json::Text(text)) if self.is_day && text.len() > 10 => {
                Ok(Some(Json::text(text.get(..10).unwrap_or_default().to_owned())))
            }
            other => other.map(Some),
        }
    }

    fn word<'a>(&self, value: &Json<'a>) -> Shaped<'a> {
        if let Json::Map(_) = value {
            let unified = value.get("value");
            return match (unified, value.get("source")) {
                (Json::Text(word), Json::Absent | Json::Null | Json::Text(_))
                    if !word.is_empty() =>
                {
                    Ok(Some(value.clone()))
                }
                _ => wrong(value, "a word"),
            };
        }
        let Some(source) = value.scalar() else { return wrong(value, "a word") };
        let unified = match self.words.get(source.as_ref()) {
            Some(word) => Cow::Owned(word.clone()),
            // Without a table the expression yields the unified word.
            None if self.words.is_empty() => source.clone(),
            None => Cow::Owned(self.other.to_owned()),
        };
        let mut members = vec![(Cow::Borrowed("value"), Json::Text(unified))];
        if !self.words.is_empty() {
            members.push((Cow::Borrowed("source"), Json::Text(source)));
        }
        Ok(Some(Json::Map(members)))
    }

    fn reference<'a>(&self, value: &Json<'a>) -> Shaped<'a> {
        let mut members = Vec::with_capacity(2);
        match value {
            Json::Map(_) => {
                for (from, to) in [("id", "id"), ("name", "name")] {
                    match value.get(from) {
                        member if member.is_empty() => {}
                        member => match member.scalar() {
                            Some(text) => members.push((Cow::Borrowed(to), Json::Text(text))),
                            None => return wrong(member, "an id or a name"),
                        },
                    }
                }
                if members.is_empty() {
                    return Err(
                        "an object without id and name where a reference is expected".to_owned()
                    );
                }
            }
            Json::Text(_) | Json::Int(_) | Json::Big(_) => {
                let Some(text) = value.scalar() else { return wrong(value, "a reference") };
                if self.form != RefForm::Name {
                    members.push((Cow::Borrowed("id"), Json::Text(text.clone())));
                }
                if self.form != RefForm::Id {
                    members.push((Cow::Borrowed("name"), Json::Text(text)));
                }
            }
            _ => return wrong(value, "a reference"),
        }
        if let Some((_, Json::Text(id))) = members.iter().find(|(name, _)| name == "id")
            && !is_id(id)
        {
            return Err("an id that is blank, too long or has control characters".to_owned());
        }
        Ok(Some(Json::Map(members)))
    }

    fn contact<'a>(&self, value: &Json<'a>) -> Shaped<'a> {
        match value {
            Json::Text(_) => Ok(Some(Json::Map(vec![(Cow::Borrowed("value"), value.clone())]))),
            Json::Map(_) => {
                let address = value.get("value");
                if matches!(address, Json::Absent) {
                    return wrong(value, "a contact");
                }
                if address.is_empty() {
                    return Ok(None);
                }
                let Some(text) = address.scalar() else { return wrong(address, "a text") };
                let mut members = vec![(Cow::Borrowed("value"), Json::Text(text))];
                let kind = value.get("type");
                if !kind.is_empty()
                    && let Some(word) = self.word(kind)?
                {
                    members.push((Cow::Borrowed("type"), word));
                }
                Ok(Some(Json::Map(members)))
            }
            _ => wrong(value, "a contact"),
        }
    }

    fn parts<'a>(
        &self,
        value: Cow<'_, Json<'a>>,
        names: &[&'static str],
        part: impl Fn(&Self, &Json<'a>) -> Shaped<'a>,
    ) -> Shaped<'a> {
        if !matches!(*value, Json::Map(_)) {
            return wrong(&value, "an object");
        }
        let mut members = Vec::new();
        for name in names {
            let member = value.get(name);
            if !member.is_empty()
                && let Some(made) = part(self, member)?
            {
                members.push((Cow::Borrowed(*name), made));
            }
        }
        Ok((!members.is_empty()).then_some(Json::Map(members)))
    }
}

fn no_time() -> String {
    "a text that is no time".to_owned()
}

fn custom(value: Json<'_>) -> Shaped<'_> {
    let Json::Map(members) = &value else { return wrong(&value, "custom values by key") };
    if members.len() > ENTRIES_MAX {
        return too_many();
    }
    for (_, value) in members {
        if value.get("type").as_text().is_none() || matches!(value.get("value"), Json::Absent) {
            return Err("a custom value without `type` or `value`".to_owned());
        }
    }
    Ok(Some(value))
}

/// Brings each entry of a list into shape. A list with one bad entry is bad as a whole: an update
/// based on a partly known list would remove the unread entries.
fn entries<'a>(value: &Json<'a>, shaped: impl Fn(&Json<'a>) -> Shaped<'a>) -> Shaped<'a> {
    let one;
    let all = match value {
        Json::List(entries) => entries.as_slice(),
        other => {
            one = [other.clone()];
            one.as_slice()
        }
    };
    if all.len() > ENTRIES_MAX {
        return too_many();
    }
    let mut made = Vec::with_capacity(all.len());
    for entry in all.iter().filter(|entry| !entry.is_empty()) {
        made.extend(shaped(entry)?);
    }
    Ok((!made.is_empty()).then_some(Json::List(made)))
}

fn too_many<'a>() -> Shaped<'a> {
    Err(format!("a list of more than {ENTRIES_MAX} entries"))
}

fn wrong<'a>(value: &Json<'_>, expected: &str) -> Shaped<'a> {
    Err(format!("{} where {expected} is expected", value.shape()))
}

/// Whether a text is an id by the contract: 1 to 512 bytes, no control characters, no blanks at its
/// ends.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 512 && text.trim() == text && !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::{KINDS, REQUIRED, Shape};
    use std::collections::BTreeMap;

    /// The tables are those of the model, in fields and in shapes.
    #[test]
    fn the_fields_are_those_of_the_unified_records() {
        let source = include_str!("../../../engine/model/src/unified.rs");
        let mut structs: BTreeMap<&str, Vec<(String, Shape)>> = BTreeMap::new();
        let mut required: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let (mut name, mut renamed, mut has_default) = ("", None, false);
        for line in source.lines() {
            if let Some(rest) = line.strip_prefix("pub struct ") {
                name = rest.split(['<', ' ']).next().unwrap();
            } else if line.contains("#[serde(") && line.contains("default") {
                has_default = true;
            }
            if let Some(at) = line.find("rename = \"") {
                renamed = line[at + 10..].split('"').next();
            } else if let Some((field, kind)) =
                line.strip_prefix("    pub ").and_then(|rest| rest.split_once(": "))
            {
                let kind = kind.trim_end_matches(',');
                let inner =
                    kind.strip_prefix("Option<").map_or(kind, |kind| &kind[..kind.len() - 1]);
                let field = renamed.take().unwrap_or(field).to_owned();
                let shape = match inner {
                    "Text<'a>" if field.ends_with("_at") || field.ends_with("_on") => Shape::Time,
                    "Text<'a>" if field == "kind" => Shape::Plain,
                    "Text<'a>" => Shape::Text,
                    "bool" => Shape::Flag,
                    "i64" => Shape::Number,
                    "Word<'a>" => Shape::Word,
                    "Ref<'a>" => Shape::Ref,
                    "Vec<Ref<'a>>" => Shape::Refs,
                    "Vec<Contact<'a>>" => Shape::Contacts,
                    "Vec<Text<'a>>" => Shape::Texts,
                    "Name<'a>" => Shape::Name,
                    "Privacy" => Shape::Privacy,
                    "CustomValues<'a>" => Shape::Custom,
                    "OddForms<'a>" => Shape::Odd,
                    "Vec<Value>" => Shape::Values,
                    other if ["Value"].contains(&other) => Shape::Values,
                    other => panic!("{name}.{field} has the new type {other}; give it a shape"),
                };
                if !std::mem::take(&mut has_default) {
                    required.entry(name).or_default().push(field.clone());
                }
                structs.entry(name).or_default().push((field, shape));
            }
        }
        for (record, fields) in REQUIRED {
            assert_eq!(required.get(record).unwrap(), fields, "{record}");
        }
        let without: Vec<&&str> = required
            .keys()
            .filter(|name| KINDS.iter().any(|(_, record, _)| record == *name))
            .collect();
        assert_eq!(without.len(), REQUIRED.len(), "{without:?}");
        assert_eq!(KINDS.len(), atsync_model::kinds::ALL.len());
        for (kind, record, fields) in KINDS {
            let ours: Vec<(String, Shape)> =
                fields.iter().map(|(name, shape)| ((*name).to_owned(), *shape)).collect();
            assert_eq!(Some(&ours), structs.get(record), "{kind}");
        }
    }
}
