//! Checks the shape of a record in a desired file, in the words of its schema. Pure.
//!
//! Serde reports a mistake in terms of Rust types, without its place, and reads two members of one
//! name in a map as the last of them. So the text of a record is first read as a tree that keeps
//! every member, and each mistake is reported with its place and what the schema expects there.
//!
//! The table of kinds lists the members of a record ([`declarable`]). A member that it lacks is
//! refused, so a table that lags behind the model's types fails at once;
//! `every_member_of_the_model_has_a_place_in_its_form` holds them together.
//!
//! Left out: the values of members ([`super::check`]), and syntax errors, which serde reports.

use crate::near::did_you_mean;
use atsync_model::declarable::{self, DECLARABLE, Declarable, Form, Holds, KnownBy, Presence};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use std::collections::BTreeSet;
use std::fmt;

/// The place of the schema's documentation.
const SCHEMA: &str = "the schema of a desired record (`atsync::model::desired`) describes each";

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
    /// Returns the text of an object's member.
    fn text(&self, name: &str) -> Option<&str> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(member, _)| member == name).and_then(|(_, value)| match value {
            Self::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Names the type for a refusal. A text may be personal data and is not repeated.
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

    /// Returns an entry of the list at this place, by its key or else by its number from 1.
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

/// The type that the schema expects at a place.
#[derive(Clone, Debug)]
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
    List(Box<Self>),
    /// An object within a record.
    Parts(&'static str, Vec<Member>),
    /// A record, or an item below one.
    Declared(&'static Declarable),
}

/// A member that an object may have.
#[derive(Clone, Debug)]
struct Member {
    name: &'static str,
    shape: Shape,
    presence: Presence,
}

const POLICIES: &[&str] = &["enforce", "yield", "seed", "fill"];
const REFERENCES: &[&str] = &["id", "name", "email", "requisition_id"];

fn member(name: &'static str, shape: Shape, presence: Presence) -> Member {
    Member { name, shape, presence }
}

/// Lists the members of a kind, by the table.
fn members(of: &'static Declarable) -> Vec<Member> {
    let mut members = Vec::new();
    let is_record = of.below.is_none();
    if is_record && of.known_by == KnownBy::Definition {
        members.push(member("kind", Shape::Text, Presence::Required));
    }
    if of.known_by.is_key() {
        members.push(member("key", Shape::Text, Presence::Required));
    }
    if is_record && of.known_by == KnownBy::Key {
        members.push(member("kind", Shape::Text, Presence::Absent));
    }
    for field in of.fields {
        put(&mut members, field.place, holds(field.value), field.presence);
    }
    for other in of.others {
        let shape = match other.form {
            Form::Says(value) | Form::Course(value) => holds(value),
            Form::Contacts => list(Shape::Contact),
            Form::Labels(_) => list(Shape::Text),
            Form::Values(_) => Shape::Values,
        };
        put(&mut members, other.place, shape, other.presence);
    }
    for (of, below) in declarable::below(of.kind) {
        let (each, presence) = match of.known_by {
            KnownBy::Label => (Shape::Text, Presence::Optional),
            KnownBy::Content => (Shape::Declared(of), Presence::Optional),
            _ => (Shape::Declared(of), Presence::Absent),
        };
        members.push(member(below.list, list(each), presence));
    }
    if is_record && !of.policies.is_empty() {
        members.push(member("policy", Shape::Policies, Presence::Absent));
    }
    members
}

fn list(each: Shape) -> Shape {
    Shape::List(Box::new(each))
}

fn holds(value: Holds) -> Shape {
    match value {
        Holds::Text | Holds::Date | Holds::Address | Holds::Beside(_) => Shape::Text,
        Holds::Flag => Shape::Flag,
        Holds::Word(words) => Shape::Word(words),
        Holds::Reference(_) | Holds::Within(..) => Shape::Reference,
    }
}

/// Adds a member; a place of two parts is a member of an object.
fn put(members: &mut Vec<Member>, place: &'static str, shape: Shape, presence: Presence) {
    let Some((outer, inner)) = place.split_once('.') else {
        return members.push(member(place, shape, presence));
    };
    let part = member(inner, shape, presence);
    let known = members.iter_mut().find(|known| known.name == outer);
    match known.map(|known| &mut known.shape) {
        Some(Shape::Parts(_, parts)) => parts.push(part),
        _ => members.push(member(outer, Shape::Parts(outer, vec![part]), Presence::Optional)),
    }
}

/// Checks a record against its shape.
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
    let is_named = |of: &&Declarable| of.below.is_none() && record.text("kind") == Some(of.kind);
    let named = DECLARABLE.iter().find(is_named);
    let Some(of) = named.or_else(declarable::root) else { return Ok(()) };
    object(record, &of.a_noun(), &members(of), &place)
}

/// Refuses two members of one name, at any depth: only one of them would count.
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

fn object(tree: &Tree, noun: &str, known: &[Member], place: &Place) -> Result<(), String> {
    let names = || known.iter().map(|member| member.name).collect::<Vec<_>>().join(", ");
    let Tree::Object(members) = tree else {
        return Err(mismatch(place, &format!("an object with {}", names()), tree));
    };
    for (name, value) in members {
        let Some(member) = known.iter().find(|member| member.name == name) else {
            let hint = meant(name, known);
            let has = if hint.is_empty() { ", which has" } else { " It has" };
            return Err(format!(
                "{} is no member of {noun}{hint}{has} {}; {SCHEMA}",
                place.member(name),
                names()
            ));
        };
        if *value != Tree::Null || member.presence != Presence::Optional {
            fits(value, &member.shape, &place.member(name))?;
        }
    }
    let is_there = |name: &str| members.iter().any(|(member, _)| member == name);
    let mut required = known.iter().filter(|member| member.presence == Presence::Required);
    match required.find(|member| !is_there(member.name)) {
        Some(member) => Err(format!("{} is missing", place.member(member.name))),
        None => Ok(()),
    }
}

/// Words of other programs, and of ATS, for members of a record.
const OTHER_WORDS: [(&str, &str); 10] = [
    ("first_name", "name"),
    ("last_name", "name"),
    ("email_addresses", "emails"),
    ("phone_numbers", "phones"),
    ("start_date", "started_on"),
    ("start_at", "started_on"),
    ("end_date", "ended_on"),
    ("end_at", "ended_on"),
    ("school_name", "school"),
    ("company_name", "company"),
];

/// Suggests a member for a name that is none.
fn meant(name: &str, known: &[Member]) -> String {
    let names = || known.iter().map(|member| member.name);
    let other = OTHER_WORDS.iter().find(|(word, _)| *word == name);
    match other.filter(|(_, member)| names().any(|known| known == *member)) {
        Some((_, member)) => format!("; did you mean `{member}`?"),
        None => did_you_mean(name, names()),
    }
}

fn fits(tree: &Tree, shape: &Shape, place: &Place) -> Result<(), String> {
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
            let hint = did_you_mean(text, words.iter().copied());
            Err(format!("{place} is {text:?}; it is one of {}{hint}", words.join(", ")))
        }
        (Shape::Word(words), _) => {
            Err(mismatch(place, &format!("one of {}", words.join(", ")), tree))
        }
        (Shape::Policies, Tree::Object(members)) => members
            .iter()
            .try_for_each(|(field, word)| fits(word, &Shape::Word(POLICIES), &place.member(field))),
        (Shape::Policies, _) => Err(mismatch(place, "an object with policies by field", tree)),
        (Shape::List(each), Tree::List(list)) => {
            list.iter().enumerate().try_for_each(|(index, entry)| {
                fits(entry, each, &place.entry(index, entry.text("key")))
            })
        }
        (Shape::List(each), Tree::Text(_)) if matches!(**each, Shape::Text | Shape::Contact) => {
            Err(mismatch(place, "a list", tree) + "; write it in brackets: [\"…\"]")
        }
        (Shape::List(each), Tree::Object(_)) if !matches!(**each, Shape::Text) => {
            Err(mismatch(place, "a list", tree) + "; write it in brackets: [{…}]")
        }
        (Shape::List(_), _) => Err(mismatch(place, "a list", tree)),
        (Shape::Parts(noun, parts), _) => object(tree, &format!("a {noun}"), parts, place),
        (Shape::Declared(of), _) => object(tree, &of.a_noun(), &members(of), place),
        (Shape::Contact | Shape::Reference, Tree::Text(_)) => Ok(()),
        (Shape::Contact, Tree::Object(_)) => {
            let parts = [
                member("value", Shape::Text, Presence::Required),
                member("type", Shape::Text, Presence::Optional),
            ];
            object(tree, "a contact", &parts, place)
        }
        (Shape::Contact, _) => {
            Err(mismatch(place, "a text, or an object with value and type", tree))
        }
        (Shape::Reference, Tree::Object(members)) => match members.as_slice() {
            [(name, value)] if REFERENCES.contains(&name.as_str()) => {
                fits(value, &Shape::Text, &place.member(name))
            }
            _ => Err(format!("{place} must have exactly one of {}", REFERENCES.join(", "))),
        },
        (Shape::Reference, _) => {
            let expected = format!(
                "a text (a name), or an object with exactly one of {}",
                REFERENCES.join(", ")
            );
            let hint = match tree {
                Tree::Number(number) => format!("; if it is an id, write {{\"id\": \"{number}\"}}"),
                _ => String::new(),
            };
            Err(mismatch(place, &expected, tree) + &hint)
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

    fn checked(text: &str) -> Result<(), String> {
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
            assert_eq!(checked(text), Ok(()));
            let record = Desired::from_json(text).unwrap();
            let written: serde_json::Value = serde_json::to_value(&record).unwrap();
            let read: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(
                written, read,
                "each member of the model is in the example, and in its form"
            );
        }
        // An optional member may be null, which means that it is absent; the model reads it so too.
        let nulls = r#"{"key":"a","id":null,"name":null,"emails":null,"title":null,"private":null,"tags":null}"#;
        assert_eq!((checked(nulls), Desired::from_json(nulls).is_ok()), (Ok(()), true));
    }

    #[test]
    fn the_shape_names_the_place_of_each_mistake_that_the_model_refuses() {
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
            (
                r#"{"key":"k","tags":"x"}"#,
                &["`tags` must be a list, and is a text; write it in brackets: [\"…\"]"],
            ),
            (
                r#"{"key":"k","applications":{"key":"a","job":"x"}}"#,
                &["`applications` must be a list, and is an object; write it in brackets: [{…}]"],
            ),
            (
                r#"{"key":"k","applications":[{"key":"a","job":316911011002}]}"#,
                &["if it is an id, write {\"id\": \"316911011002\"}"],
            ),
            (
                r#"{"key":"k","email":"a@x.com"}"#,
                &["`email` is no member of a candidate; did you mean `emails`? It has key,"],
            ),
            (r#"{"key":"k","name":{"frist":"A"}}"#, &["; did you mean `first`? It has first,"]),
            (
                r#"{"key":"k","employments":[{"company":"X","start_date":"2020"}]}"#,
                &["`start_date` in entry 1 of `employments`", "did you mean `started_on`?"],
            ),
            (r#"{"key":"k","zebra":1}"#, &["`zebra` is no member of a candidate, which has key,"]),
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
            let refusal = checked(text).unwrap_err();
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
    fn two_members_of_one_name_are_refused_at_any_depth() {
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
            let refusal = checked(text).unwrap_err();
            assert!(refusal.contains(place), "{text}: {refusal}");
        }
    }

    #[test]
    fn a_list_is_refused_where_an_object_is_expected() {
        assert!(checked(r#"{"key":"k","name":["Ada","Byron"]}"#).is_err());
        assert!(checked(r#"["k"]"#).is_err());
    }
}
