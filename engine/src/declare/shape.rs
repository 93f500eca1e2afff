//! The shape of a record in a desired file, held against the words of its schema. Pure.
//!
//! Serde reports a mistake in the words of Rust types, without its place, and reads two members of
//! one name in a map as the last of them. So the text of a record is read as a tree first, which
//! keeps every member, and each mistake is reported with its place and with what the schema expects
//! there.
//!
//! The forms below repeat what the model reads. A member that they lack is refused, so a form that
//! falls behind the model fails at once; `every_member_of_the_model_has_a_place_in_its_form` holds
//! them together.
//!
//! Left out: what the members say ([`super::check`]), and the texts of syntax errors, which serde
//! reports.

use atsync_model::declarable::{self, Declarable, KnownBy};
use atsync_model::kinds;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use std::collections::BTreeSet;
use std::fmt;

/// Where the schema is documented.
const SCHEMA: &str = "`atsync::model::desired` has the shape of a record";

/// A JSON value with every member of its objects, in their order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    Null,
    Flag(bool),
    Number(Number),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Tree, E> {
        Ok(Tree::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
        Ok(Number::from_f64(number).map_or(Tree::Null, Tree::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element()? {
            entries.push(entry);
        }
        Ok(Tree::List(entries))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Tree::Object(members))
    }
}

impl Tree {
    /// The text of an object's member.
    fn text(&self, name: &str) -> Option<&str> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(member, _)| member == name).and_then(|(_, value)| match value {
            Self::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// What it is, in the words of a refusal. A text may be personal data and is not repeated.
    fn noun(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => format!("the number {number}"),
            Self::Text(_) => "a text".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Object(_) => "an object".to_owned(),
        }
    }
}

/// A place in a record: `applications[a1].job`, or a member of an entry that has no key.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    entry: Option<(usize, String)>,
    path: String,
}

impl Place {
    pub(super) fn member(&self, name: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self { entry: self.entry.clone(), path: format!("{}{dot}{name}", self.path) }
    }

    /// An entry of the list that this place is, by its key or else by its number from 1.
    pub(super) fn entry(&self, index: usize, key: Option<&str>) -> Self {
        match key {
            Some(key) => Self { entry: self.entry.clone(), path: format!("{}[{key}]", self.path) },
            None => Self {
                entry: Some((index.saturating_add(1), self.path.clone())),
                path: String::new(),
            },
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.entry {
            None if self.path.is_empty() => formatter.write_str("the record"),
            None => write!(formatter, "`{}`", self.path),
            Some((number, list)) if self.path.is_empty() => {
                write!(formatter, "entry {number} of `{list}`")
            }
            Some((number, list)) => {
                write!(formatter, "`{}` in entry {number} of `{list}`", self.path)
            }
        }
    }
}

/// What may stand at a place.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Text,
    Flag,
    Word(&'static [&'static str]),
    /// Values by key, of any shape.
    Values,
    /// Policies by field.
    Policies,
    Contact,
    Reference,
    List(&'static Shape),
    Object(&'static Form),
}

/// What an object holds.
#[derive(Debug)]
struct Form {
    /// What it is, for a refusal of an unknown member.
    noun: &'static str,
    /// The kind, whose lists of entries the table of declarable kinds has; empty where it is none.
    kind: &'static str,
    members: &'static [Member],
}

#[derive(Debug)]
struct Member {
    name: &'static str,
    shape: Shape,
    presence: Presence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Required,
    /// Absent, or null, which says the same.
    Optional,
    /// Absent, but not null.
    Absent,
}

const fn required(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, presence: Presence::Required }
}

const fn optional(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, presence: Presence::Optional }
}

const fn absent(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, presence: Presence::Absent }
}

const POLICIES: &[&str] = &["enforce", "yield", "seed", "fill"];
const REFERENCES: &[&str] = &["id", "name", "email", "requisition_id"];

const NAME: Form = Form {
    noun: "a name",
    kind: "",
    members: &[
        optional("first", Shape::Text),
        optional("last", Shape::Text),
        optional("preferred", Shape::Text),
    ],
};

const CONTACT: Form = Form {
    noun: "a contact",
    kind: "",
    members: &[required("value", Shape::Text), optional("type", Shape::Text)],
};

const NOTE: Form = Form {
    noun: "a note",
    kind: kinds::NOTES,
    members: &[
        required("key", Shape::Text),
        required("body", Shape::Text),
        absent("visibility", Shape::Word(&["public", "private", "admin_only"])),
        optional("application", Shape::Text),
    ],
};

const ATTACHMENT: Form = Form {
    noun: "an attachment",
    kind: kinds::ATTACHMENTS,
    members: &[
        required("key", Shape::Text),
        required("filename", Shape::Text),
        required("type", Shape::Text),
        required("url", Shape::Text),
    ],
};

const APPLICATION: Form = Form {
    noun: "an application",
    kind: kinds::APPLICATIONS,
    members: &[
        required("key", Shape::Text),
        absent("kind", Shape::Word(&["application", "prospect"])),
        optional("job", Shape::Reference),
        optional("pool", Shape::Reference),
        optional("pool_stage", Shape::Reference),
        optional("source", Shape::Reference),
        optional("referrer", Shape::Reference),
        absent("custom_fields", Shape::Values),
        optional("stage", Shape::Reference),
        optional("outcome", Shape::Word(&["active", "rejected", "hired"])),
        optional("reject_reason", Shape::Reference),
        optional("opening", Shape::Reference),
        absent("attachments", Shape::List(&Shape::Object(&ATTACHMENT))),
        absent("another", Shape::Flag),
    ],
};

const CANDIDATE: Form = Form {
    noun: "a candidate",
    kind: kinds::CANDIDATES,
    members: &[
        required("key", Shape::Text),
        absent("kind", Shape::Text),
        optional("id", Shape::Text),
        optional("name", Shape::Object(&NAME)),
        optional("emails", Shape::List(&Shape::Contact)),
        optional("phones", Shape::List(&Shape::Contact)),
        optional("links", Shape::List(&Shape::Contact)),
        optional("company", Shape::Text),
        optional("title", Shape::Text),
        optional("private", Shape::Flag),
        absent("custom_fields", Shape::Values),
        optional("tags", Shape::List(&Shape::Text)),
        absent("notes", Shape::List(&Shape::Object(&NOTE))),
        absent("applications", Shape::List(&Shape::Object(&APPLICATION))),
        absent("policy", Shape::Policies),
    ],
};

const CUSTOM_FIELD: Form = Form {
    noun: "a custom field",
    kind: kinds::CUSTOM_FIELDS,
    members: &[
        required("kind", Shape::Text),
        required("key", Shape::Text),
        required("applies_to", Shape::Text),
        required("type", Shape::Text),
        optional("name", Shape::Text),
        optional("private", Shape::Flag),
        optional("description", Shape::Text),
        optional("options", Shape::List(&Shape::Text)),
        absent("policy", Shape::Policies),
    ],
};

const USER: Form = Form {
    noun: "a user",
    kind: kinds::USERS,
    members: &[
        required("kind", Shape::Text),
        required("email", Shape::Text),
        optional("name", Shape::Object(&NAME)),
        optional("job_title", Shape::Text),
        optional("employee_id", Shape::Text),
        absent("invite", Shape::Flag),
    ],
};

/// Holds a record against its form.
///
/// # Errors
/// A sentence that names the place of the first mistake and what is expected there.
pub(super) fn check(record: &Tree) -> Result<(), String> {
    let place = Place::default();
    if !matches!(record, Tree::Object(_)) {
        return Err(format!(
            "a record must be an object, as in {{\"key\": \"ref-1\"}}, and is {}",
            record.noun()
        ));
    }
    twice(record, &place)?;
    let form = match record.text("kind") {
        Some(kinds::CUSTOM_FIELDS) => &CUSTOM_FIELD,
        Some(kinds::USERS) => &USER,
        _ => &CANDIDATE,
    };
    object(record, form, &place)
}

/// Two members of one name, at any depth: only one of them would count.
fn twice(tree: &Tree, place: &Place) -> Result<(), String> {
    match tree {
        Tree::Object(members) => {
            let mut names = BTreeSet::new();
            for (name, value) in members {
                if !names.insert(name) {
                    return Err(format!(
                        "{place} has the member {name:?} twice; take one of them out"
                    ));
                }
                twice(value, &place.member(name))?;
            }
            Ok(())
        }
        Tree::List(list) => list
            .iter()
            .enumerate()
            .try_for_each(|(index, each)| twice(each, &place.entry(index, each.text("key")))),
        _ => Ok(()),
    }
}

fn object(tree: &Tree, form: &Form, place: &Place) -> Result<(), String> {
    let entries = || declarable::below(form.kind).filter(|(of, _)| of.known_by == KnownBy::Content);
    let names = || {
        let lists = entries().map(|(_, below)| below.list);
        form.members.iter().map(|member| member.name).chain(lists).collect::<Vec<_>>().join(", ")
    };
    let Tree::Object(members) = tree else {
        return Err(mismatch(place, &format!("an object with {}", names()), tree));
    };
    for (name, value) in members {
        let Some(member) = form.members.iter().find(|member| member.name == name) else {
            let there = place.member(name);
            if let Some((of, _)) = entries().find(|(_, below)| below.list == name) {
                list_of(value, of, &there)?;
                continue;
            }
            return Err(format!(
                "{there} is no member of {}, which has {}; {SCHEMA}",
                form.noun,
                names()
            ));
        };
        if *value != Tree::Null || member.presence != Presence::Optional {
            fits(value, member.shape, &place.member(name))?;
        }
    }
    let is_there = |name: &str| members.iter().any(|(member, _)| member == name);
    match form
        .members
        .iter()
        .find(|member| member.presence == Presence::Required && !is_there(member.name))
    {
        Some(member) => Err(format!("{} is missing", place.member(member.name))),
        None => Ok(()),
    }
}

/// A list of entries that are known by what they say: objects of texts.
fn list_of(tree: &Tree, of: &Declarable, place: &Place) -> Result<(), String> {
    let list = match tree {
        Tree::Null => return Ok(()),
        Tree::List(list) => list,
        _ => return Err(mismatch(place, "a list", tree)),
    };
    let names = || of.fields.iter().map(|field| field.place).collect::<Vec<_>>().join(", ");
    for (index, entry) in list.iter().enumerate() {
        let place = place.entry(index, None);
        let Tree::Object(members) = entry else {
            return Err(mismatch(&place, &format!("an object with {}", names()), entry));
        };
        for (name, value) in members {
            let there = place.member(name);
            if !of.fields.iter().any(|field| field.place == name) {
                let a_noun = of.a_noun();
                return Err(format!(
                    "{there} is no member of {a_noun}, which has {}; {SCHEMA}",
                    names()
                ));
            }
            if *value != Tree::Null {
                fits(value, Shape::Text, &there)?;
            }
        }
    }
    Ok(())
}

fn fits(tree: &Tree, shape: Shape, place: &Place) -> Result<(), String> {
    match (shape, tree) {
        (Shape::Text, Tree::Text(_))
        | (Shape::Flag, Tree::Flag(_))
        | (Shape::Values, Tree::Object(_)) => Ok(()),
        (Shape::Text, Tree::Number(_)) => {
            Err(mismatch(place, "a text", tree) + "; write it in quotation marks")
        }
        (Shape::Text, _) => Err(mismatch(place, "a text", tree)),
        (Shape::Flag, _) => Err(mismatch(place, "true or false", tree)),
        (Shape::Values, _) => {
            Err(mismatch(place, "an object with values by the key of their field", tree))
        }
        (Shape::Word(words), Tree::Text(text)) if words.contains(&text.as_str()) => Ok(()),
        (Shape::Word(words), Tree::Text(text)) => {
            Err(format!("{place} is {text:?}; it is one of {}", words.join(", ")))
        }
        (Shape::Word(words), _) => {
            Err(mismatch(place, &format!("one of {}", words.join(", ")), tree))
        }
        (Shape::Policies, Tree::Object(members)) => members
            .iter()
            .try_for_each(|(field, word)| fits(word, Shape::Word(POLICIES), &place.member(field))),
        (Shape::Policies, _) => Err(mismatch(place, "an object with policies by field", tree)),
        (Shape::List(each), Tree::List(list)) => {
            list.iter().enumerate().try_for_each(|(index, entry)| {
                fits(entry, *each, &place.entry(index, entry.text("key")))
            })
        }
        (Shape::List(_), _) => Err(mismatch(place, "a list", tree)),
        (Shape::Object(form), _) => object(tree, form, place),
        (Shape::Contact | Shape::Reference, Tree::Text(_)) => Ok(()),
        (Shape::Contact, Tree::Object(_)) => object(tree, &CONTACT, place),
        (Shape::Contact, _) => {
            Err(mismatch(place, "a text, or an object with value and type", tree))
        }
        (Shape::Reference, Tree::Object(members)) => match members.as_slice() {
            [(name, value)] if REFERENCES.contains(&name.as_str()) => {
                fits(value, Shape::Text, &place.member(name))
            }
            _ => Err(format!("{place} must have exactly one of {}", REFERENCES.join(", "))),
        },
        (Shape::Reference, _) => {
            let expected = format!(
                "a text (a name), or an object with exactly one of {}",
                REFERENCES.join(", ")
            );
            Err(mismatch(place, &expected, tree))
        }
    }
}

fn mismatch(place: &Place, expected: &str, found: &Tree) -> String {
    format!("{place} must be {expected}, and is {}", found.noun())
}

#[cfg(test)]
mod tests {
    use super::{Tree, check};
    use atsync_model::desired::Desired;

    fn says(text: &str) -> Result<(), String> {
        check(&serde_json::from_str::<Tree>(text).unwrap())
    }

    /// Every member that the model writes, in each of its forms.
    const FULL: [&str; 3] = [
        r#"{"key":"a","id":"7","name":{"first":"A","last":"B","preferred":"C"},"emails":["a@x.com",
        {"value":"b@x.com","type":"work"}],"phones":["1"],"links":["x.com"],"company":"X","title":"Y","private":true,
        "custom_fields":{"f":{"amount":1,"currency":"EUR"}},"tags":["t"],"notes":[{"key":"n","body":"Hi",
        "visibility":"admin_only","application":"a1"}],"applications":[{"key":"a1","kind":"prospect","job":"J",
        "pool":{"id":"1"},"pool_stage":{"name":"S"},"source":"X","referrer":{"email":"r@x.com"},"custom_fields":{"g":1},
        "stage":"S","outcome":"rejected","reject_reason":"R","opening":{"requisition_id":"1"},"attachments":[{"key":"f",
        "filename":"cv.pdf","type":"resume","url":"https://x/1"}],"another":true}],"policy":{"title":"fill"}}"#,
        r#"{"kind":"custom_fields","key":"x","applies_to":"candidate","type":"single","name":"X","private":false,
        "description":"d","options":["A"],"policy":{"options":"seed"}}"#,
        r#"{"kind":"users","email":"a@x.com","name":{"first":"A"},"job_title":"J","employee_id":"1","invite":true}"#,
    ];

    #[test]
    fn every_member_of_the_model_has_a_place_in_its_form() {
        for text in FULL {
            assert_eq!(says(text), Ok(()));
            let record = Desired::from_json(text).unwrap();
            let written: serde_json::Value = serde_json::to_value(&record).unwrap();
            let read: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(
                written, read,
                "each member of the model is in the example, and in its form"
            );
        }
        // What is optional may be null, and says nothing then; the model reads it so too.
        let nulls = r#"{"key":"a","id":null,"name":null,"emails":null,"title":null,"private":null,"tags":null}"#;
        assert_eq!((says(nulls), Desired::from_json(nulls).is_ok()), (Ok(()), true));
    }

    #[test]
    fn what_the_model_refuses_the_shape_refuses_first_with_its_place() {
        for (text, parts) in [
            (
                r#"{"key":"k","emails":[null]}"#,
                &["entry 1 of `emails`", "a text, or an object with value and type"][..],
            ),
            (
                r#"{"key":"k","emails":["a@x.com",{"value":7}]}"#,
                &["`value` in entry 2 of `emails`", "the number 7"],
            ),
            (
                r#"{"key":"k","emails":[{"valeu":"x"}]}"#,
                &["`valeu` in entry 1 of `emails`", "value, type"],
            ),
            (
                r#"{"key":"k","name":"Ada Byron"}"#,
                &["`name` must be an object with first, last, preferred", "a text"],
            ),
            (r#"{"key":"k","tags":"x"}"#, &["`tags` must be a list, and is a text"]),
            (
                r#"{"key":"k","applications":[{"key":"a","job":7}]}"#,
                &["`applications[a].job`", "id, name, email"],
            ),
            (
                r#"{"key":"k","applications":[{"key":"a","job":{"id":7}}]}"#,
                &["`applications[a].job.id`", "quotation"],
            ),
            (
                r#"{"key":"k","applications":[{"key":"a","job":{"id":"7","name":"x"}}]}"#,
                &["exactly one of"],
            ),
            (
                r#"{"key":"k","applications":[{"job":"x"}]}"#,
                &["`key` in entry 1 of `applications` is missing"],
            ),
            (r#"{"key":"k","notes":null}"#, &["`notes` must be a list, and is null"]),
            (
                r#"{"key":"k","policy":{"title":"never"}}"#,
                &["`policy.title` is \"never\"", "enforce, yield, seed, fill"],
            ),
            (r#"{"emails":[]}"#, &["`key` is missing"]),
            (r#"{"key":"k","emial":[]}"#, &["`emial` is no member of a candidate", "emails"]),
            (r#"{"kind":"users","mail":"a@x.com"}"#, &["`mail` is no member of a user"]),
            ("7", &["a record must be an object", "the number 7"]),
        ] {
            let refusal = says(text).unwrap_err();
            assert!(parts.iter().all(|part| refusal.contains(part)), "{text}: {refusal}");
            assert!(
                !["struct", "enum", "sequence", "Desired", "variant"]
                    .iter()
                    .any(|word| refusal.contains(word))
            );
            assert!(Desired::from_json(text).is_err(), "{text}");
        }
    }

    #[test]
    fn two_members_of_one_name_are_refused_wherever_they_stand() {
        for (text, place) in [
            (r#"{"key":"k","key":"l"}"#, "the record has the member \"key\" twice"),
            (
                r#"{"key":"k","custom_fields":{"x":"1","x":"2"}}"#,
                "`custom_fields` has the member \"x\" twice",
            ),
            (
                r#"{"key":"k","custom_fields":{"x":{"min":1,"min":2}}}"#,
                "`custom_fields.x` has the member \"min\"",
            ),
            (
                r#"{"key":"k","policy":{"title":"fill","title":"seed"}}"#,
                "`policy` has the member \"title\"",
            ),
            (
                r#"{"key":"k","applications":[{"key":"a","job":"J","custom_fields":{"x":1,"x":1}}]}"#,
                "`applications[a].custom_fields` has the member \"x\"",
            ),
        ] {
            let refusal = says(text).unwrap_err();
            assert!(refusal.contains(place), "{text}: {refusal}");
        }
    }

    #[test]
    fn a_list_is_no_object_though_the_model_would_read_it() {
        assert!(says(r#"{"key":"k","name":["Ada","Byron"]}"#).is_err());
        assert!(says(r#"["k"]"#).is_err());
    }
}
