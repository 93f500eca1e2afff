//! The fields of the unified kinds as data: their shapes, which of them a record cannot be without,
//! and the words that they can have.
//!
//! The structs of [`crate::unified`] are what a reader compiles against; a checker of adapters
//! needs the same as a table, also in constant functions. It stands here once, beside the structs,
//! and a test compares both. Left out: the kinds that the model has no shape for ([`crate::raw`]).

use crate::kinds;

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

/// Every kind, with the name of its struct and its fields.
pub const KINDS: &[(&str, &str, Fields)] = &[
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

/// The types that contacts of a candidate can have.
const CONTACT: &[&str] = &[
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

/// The words of the fields of a struct, where the model names them all.
const WORDS: &[(&str, &str, &[&str])] = &[
    (
        "Application",
        "outcome",
        &["active", "hired", "rejected", "withdrawn", "converted", "closed", "other"],
    ),
    ("Application", "kind", &["application", "prospect"]),
    ("Attachment", "type", &["resume", "cover_letter", "offer", "other"]),
    ("Candidate", "emails", CONTACT),
    ("Candidate", "phones", CONTACT),
    ("Candidate", "addresses", CONTACT),
    ("Candidate", "links", CONTACT),
    (
        "CustomField",
        "applies_to",
        &["candidate", "application", "job", "opening", "offer", "other"],
    ),
    (
        "CustomField",
        "type",
        &[
            "text",
            "long_text",
            "number",
            "boolean",
            "date",
            "date_time",
            "single",
            "multi",
            "money",
            "range",
            "money_range",
            "user",
            "url",
            "file",
            "unknown",
            "other",
        ],
    ),
    ("Job", "state", &["draft", "pending", "open", "on_hold", "closed", "archived", "other"]),
    ("Note", "type", &["note", "activity", "email", "other"]),
    ("Note", "visibility", &["public", "private", "admin_only", "other"]),
    ("Opening", "state", &["open", "closed", "other"]),
    ("TeamMember", "role", &["hiring_manager", "recruiter", "coordinator", "sourcer", "other"]),
];

/// The words that a field, or the type of its contacts, can have. `None` where the model leaves
/// them open, or has none.
#[must_use]
pub fn words(kind: &str, field: &str) -> Option<&'static [&'static str]> {
    // The other small kinds name their groups themselves.
    if (kind, field) == (kinds::REJECT_REASONS, "type") {
        return Some(&["organisation", "candidate", "other"]);
    }
    let (_, record, _) = KINDS.iter().find(|(name, _, _)| *name == kind)?;
    let of = |(name, member, _): &&(&str, &str, _)| name == record && *member == field;
    WORDS.iter().find(of).map(|(_, _, words)| *words)
}

#[cfg(test)]
mod tests {
    use super::{KINDS, REQUIRED, Shape, WORDS, shape, words};
    use std::collections::BTreeMap;

    /// The tables are those of the model, in fields and in shapes.
    #[test]
    fn the_fields_are_those_of_the_unified_records() {
        let source = include_str!("unified.rs");
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
        assert_eq!(KINDS.len(), crate::kinds::ALL.len());
        for (kind, record, fields) in KINDS {
            let ours: Vec<(String, Shape)> =
                fields.iter().map(|(name, shape)| ((*name).to_owned(), *shape)).collect();
            assert_eq!(Some(&ours), structs.get(record), "{kind}");
        }
    }

    /// The words are named where the structs are documented.
    #[test]
    fn every_word_is_one_that_the_model_documents_and_every_closed_field_has_its_words() {
        let source = include_str!("unified.rs");
        for (record, field, all) in WORDS {
            let (kind, _, _) = KINDS.iter().find(|(_, name, _)| name == record).unwrap();
            let shape = shape(kind, field);
            assert!(
                matches!(shape, Some(Shape::Word | Shape::Plain | Shape::Contacts)),
                "{record}.{field}"
            );
            for word in *all {
                assert!(source.contains(&format!("`{word}`")), "{record}.{field}: {word}");
            }
        }
        for (kind, record, fields) in KINDS.iter().filter(|(_, record, _)| *record != "Named") {
            for (field, shape) in *fields {
                let has_words = matches!(shape, Shape::Word | Shape::Plain | Shape::Contacts);
                assert_eq!(words(kind, field).is_some(), has_words, "{record}.{field}");
            }
        }
        assert_eq!(words("reject_reasons", "type").map(<[_]>::len), Some(3));
        assert_eq!(words("sources", "type"), None);
        assert_eq!(words("raw_offers", "type"), None);
    }
}
