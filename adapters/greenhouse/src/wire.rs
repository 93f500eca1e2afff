//! The types that rows of Greenhouse's JSON are read into.
//!
//! A member has one of four states ([`Got`]): absent (unknown), `null`, a value, or a value of an
//! undocumented shape. `null` means empty only where openapi-v3.json lets the member be null. A
//! null flag or list that is never null by the document is a flaw: the field is unknown, neither
//! false nor empty. An empty text means none, since scalars are cleared with `""` (harvest-v3.md §7
//! \[2nd\]). Ids are whole numbers beyond 32 and perhaps beyond 53 bits (§3 \[ok\]) and become text
//! without passing through a floating number; ids written as text are accepted too. An invalid id
//! ([`request::is_id`]) or time, or a flag in place of a text, is a flaw, never a value. Text
//! without escapes is borrowed: serde's own `Option<Cow<str>>` always copies, which is why [`Str`]
//! exists.
//!
//! A row is read strictly first, in one pass. If that fails, it is read member by member, so that
//! only bad members are unknown. Unknown members are ignored: the raw record keeps them.

use crate::{instant, request};
use atsync_model::unified::{Ref, Text};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// The state of a member of a row.
#[derive(Debug, Default, PartialEq)]
pub(crate) enum Got<T> {
    /// The row does not have it: the field is unknown.
    #[default]
    Absent,
    /// `null`.
    Empty,
    /// A value.
    Here(T),
    /// The row has it in an unreadable form: the field is unknown.
    Flawed(Flaw),
}

/// The flaw of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// The member of the row.
    pub(crate) member: &'static str,
    /// Whether it is `null` where the document has no null; otherwise its value has an undocumented
    /// shape.
    pub(crate) is_null: bool,
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.is_null {
            "is null, which is not documented"
        } else {
            "differs from the documented shape"
        };
        write!(f, "`{}` {what}", self.member)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Got<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Empty, Self::Here))
    }
}

impl<T> Got<T> {
    /// Returns the value; if the row does not have the member in a readable form, records the
    /// unified field as unknown.
    pub(crate) fn take(self, field: &'static str, lacking: &mut Lacking) -> Option<T> {
        match self {
            Self::Here(value) => Some(value),
            Self::Empty => None,
            Self::Absent => {
                lacking.note(field);
                None
            }
            Self::Flawed(flaw) => {
                lacking.flaw(field, flaw);
                None
            }
        }
    }

    /// Calls [`Got::take`] for a unified field that cannot be empty: `null` leaves it unknown.
    pub(crate) fn take_some(self, field: &'static str, lacking: &mut Lacking) -> Option<T> {
        if matches!(self, Self::Empty) {
            lacking.note(field);
        }
        self.take(field, lacking)
    }

    /// Returns the value of a member that no unified field depends on alone.
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Here(value) => Some(value),
            Self::Empty | Self::Absent | Self::Flawed(_) => None,
        }
    }

    /// Whether the row does not have the member.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// Converts `null` to a flaw.
    pub(crate) fn forbid_null(&mut self, member: &'static str) {
        if matches!(self, Self::Empty) {
            *self = Self::Flawed(Flaw { member, is_null: true });
        }
    }
}

/// Reads one member by itself.
pub(crate) fn member<'a, T: Deserialize<'a>>(name: &'static str, text: &'a str) -> Got<T> {
    serde_json::from_str(text).unwrap_or(Got::Flawed(Flaw { member: name, is_null: false }))
}

/// Splits a JSON object into its members, each as its text; the last one of a name counts.
///
/// # Errors
/// When the text is not a JSON object.
pub(crate) fn members(
    text: &str,
) -> Result<std::collections::BTreeMap<Cow<'_, str>, &RawValue>, serde_json::Error> {
    let members: std::collections::BTreeMap<Str<'_>, &RawValue> = serde_json::from_str(text)?;
    Ok(members.into_iter().map(|(name, value)| (name.0, value)).collect())
}

impl<'a> Got<Str<'a>> {
    /// Whether the member is absent, `null` or a blank text.
    pub(crate) fn is_blank(&self) -> bool {
        !matches!(self, Self::Here(text) if !text.0.is_empty())
    }

    /// Returns a text; an empty one means none.
    pub(crate) fn text(self, field: &'static str, lacking: &mut Lacking) -> Option<Text<'a>> {
        self.take(field, lacking).map(|text| text.0).filter(|text| !text.is_empty())
    }

    /// Returns a text that a record always has: `null` leaves it unknown.
    pub(crate) fn some_text(self, field: &'static str, lacking: &mut Lacking) -> Text<'a> {
        self.take_some(field, lacking).map(|text| text.0).unwrap_or_default()
    }
}

impl<'a> Got<Time<'a>> {
    /// Returns a time; an empty text means none.
    pub(crate) fn text(self, field: &'static str, lacking: &mut Lacking) -> Option<Text<'a>> {
        self.take(field, lacking).map(|time| time.0).filter(|text| !text.is_empty())
    }
}

impl<'a> Got<Id<'a>> {
    /// Returns a reference.
    pub(crate) fn reference(self, field: &'static str, lacking: &mut Lacking) -> Option<Ref<'a>> {
        self.take(field, lacking).map(Id::reference)
    }

    /// Returns a reference that a record always has: `null` leaves it unknown.
    pub(crate) fn some_reference(self, field: &'static str, lacking: &mut Lacking) -> Ref<'a> {
        self.take_some(field, lacking).map(Id::reference).unwrap_or_default()
    }
}

impl<'a> Got<Vec<Id<'a>>> {
    /// Returns references; none for `null`, where the document has it.
    pub(crate) fn references(self, field: &'static str, lacking: &mut Lacking) -> Vec<Ref<'a>> {
        self.take(field, lacking).unwrap_or_default().into_iter().map(Id::reference).collect()
    }
}

/// The unified fields that a row leaves unknown, with the reason where a member is unreadable.
/// Empty for a documented row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lacking {
    fields: Vec<&'static str>,
    flaws: Vec<(&'static str, Flaw)>,
    /// Parts of fields that cannot be read, while the rest of the field is known.
    parts: Vec<String>,
}

impl Lacking {
    /// Adds a field.
    pub(crate) fn note(&mut self, field: &'static str) {
        if !self.fields.contains(&field) {
            self.fields.push(field);
        }
    }

    /// Adds a field whose member is unreadable.
    pub(crate) fn flaw(&mut self, field: &'static str, flaw: Flaw) {
        self.note(field);
        self.flaws.push((field, flaw));
    }

    /// Takes the unified fields whose members cannot be read, and why.
    pub(crate) fn take_flaws(&mut self) -> Vec<(&'static str, Flaw)> {
        std::mem::take(&mut self.flaws)
    }

    /// Adds a part of a field that cannot be read.
    pub(crate) fn part(&mut self, path: String) {
        self.parts.push(path);
    }

    /// Takes the parts that cannot be read.
    pub(crate) fn take_parts(&mut self) -> Vec<String> {
        std::mem::take(&mut self.parts)
    }

    /// Whether every field is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether this field is unknown.
    pub(crate) fn contains(&self, field: &str) -> bool {
        self.fields.contains(&field)
    }

    /// Marks every field as unknown.
    pub(crate) fn all(fields: &[&'static str]) -> Self {
        Self { fields: fields.to_vec(), ..Self::default() }
    }

    /// Returns those of these fields that are known.
    pub(crate) fn mask(&self, fields: &[&'static str]) -> Vec<String> {
        fields
            .iter()
            .filter(|field| !self.contains(field))
            .map(|field| (*field).to_owned())
            .collect()
    }
}

/// A text, borrowed where possible. A number becomes text, since the reference leaves the type of
/// some members open. Flags, lists and objects are refused.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Str<'a>(pub(crate) Text<'a>);

struct StrVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for StrVisitor<'a> {
    type Value = Str<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Str<'a>, E> {
        Ok(Str(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Str<'a>, E> {
        Ok(Str(Cow::Owned(text.to_owned())))
    }
    fn visit_string<E: Error>(self, text: String) -> Result<Str<'a>, E> {
        Ok(Str(Cow::Owned(text)))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Str<'a>, E> {
        Ok(Str(Cow::Owned(number.to_string())))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Str<'a>, E> {
        Ok(Str(Cow::Owned(number.to_string())))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrVisitor(PhantomData))
    }
}

/// A text that is not blank: the name of a record that is known by its name alone.
#[derive(Debug)]
pub(crate) struct Label<'a>(pub(crate) Text<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Label<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Str::deserialize(deserializer)?.0;
        if text.trim().is_empty() { Err(D::Error::custom("a blank name")) } else { Ok(Self(text)) }
    }
}

/// A time or a day, as it was written, or an empty text. A text that is neither is refused: it
/// could not be compared.
#[derive(Debug)]
pub(crate) struct Time<'a>(Text<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Time<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Str::deserialize(deserializer)?.0;
        let is_time = text.is_empty() || instant::parse(&text).is_some() || instant::is_day(&text);
        if is_time { Ok(Self(text)) } else { Err(D::Error::custom("not a time")) }
    }
}

/// An id: a whole number, or the same as text.
#[derive(Debug, PartialEq)]
pub(crate) struct Id<'a>(pub(crate) Text<'a>);

impl<'a> Id<'a> {
    /// Makes a reference to the record of this id.
    pub(crate) fn reference(self) -> Ref<'a> {
        Ref { id: Some(self.0), name: None }
    }
}

struct IdVisitor<'a>(PhantomData<&'a ()>);

impl IdVisitor<'_> {
    fn checked<E: Error>(text: Text<'_>) -> Result<Id<'_>, E> {
        if request::is_id(&text) { Ok(Id(text)) } else { Err(E::custom("not an id")) }
    }
}

impl<'de: 'a, 'a> Visitor<'de> for IdVisitor<'a> {
    type Value = Id<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id")
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Id<'a>, E> {
        Self::checked(Cow::Owned(number.to_string()))
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Id<'a>, E> {
        Self::checked(Cow::Borrowed(text))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Id<'a>, E> {
        Self::checked(Cow::Owned(text.to_owned()))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Id<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// Reads an object and nothing else. Serde would read a list as the members in their order.
fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(ObjectVisitor(PhantomData))
}

/// An entry `{value, type}` of a contact list. Without a value it is refused: a renamed member must
/// not empty the list.
#[derive(Debug)]
pub(crate) struct ContactRow<'a> {
    pub(crate) value: Text<'a>,
    pub(crate) kind: Option<Text<'a>>,
    /// Whether it has further members.
    pub(crate) more: bool,
}

struct ContactVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for ContactVisitor<'a> {
    type Value = ContactRow<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ContactRow<'a>, A::Error> {
        let (mut value, mut kind, mut more) = (None, None, false);
        while let Some(member) = map.next_key::<Str<'a>>()? {
            match &*member.0 {
                "value" => value = Some(map.next_value::<Str<'a>>()?.0),
                "type" => kind = map.next_value::<Got<Str<'a>>>()?.value().map(|kind| kind.0),
                _ => {
                    more = true;
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let value = value.ok_or_else(|| A::Error::missing_field("value"))?;
        Ok(ContactRow { value, kind, more })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ContactRow<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContactVisitor(PhantomData))
    }
}

/// `{id, key, name}`: the group of a source or a rejection reason, by its key, or by its name if it
/// has no key.
#[derive(Debug)]
pub(crate) struct GroupRow<'a>(pub(crate) Text<'a>);

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct GroupMembers<'a> {
    #[serde(default)]
    key: Got<Str<'a>>,
    #[serde(default)]
    name: Got<Str<'a>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for GroupRow<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let GroupMembers { key, name } = object(deserializer)?;
        let word = key
            .value()
            .or_else(|| name.value())
            .ok_or_else(|| D::Error::custom("neither key nor name"))?;
        Ok(Self(word.0))
    }
}

/// The location of an office: a text, or the older `{"name": text}`, whose name may be null. An
/// empty text is none.
#[derive(Debug)]
pub(crate) struct Location<'a>(pub(crate) Option<Text<'a>>);

struct LocationVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for LocationVisitor<'a> {
    type Value = Location<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a location")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Location<'a>, E> {
        Ok(Location(Some(Cow::Borrowed(text)).filter(|text| !text.is_empty())))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Location<'a>, E> {
        Ok(Location(Some(Cow::Owned(text.to_owned())).filter(|text: &Text<'_>| !text.is_empty())))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Location<'a>, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<Str<'a>>()? {
            if key.0 == "name" {
                found = Some(
                    map.next_value::<Option<Str<'a>>>()?
                        .map(|name| name.0)
                        .filter(|name| !name.is_empty()),
                );
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        found.map(Location).ok_or_else(|| A::Error::custom("no name"))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Location<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LocationVisitor(PhantomData))
    }
}

/// An address of a user: a text, or an object that contains one. The reference says only `emails[]`
/// (harvest-v3.md §9.10).
#[derive(Debug)]
pub(crate) struct Address<'a>(pub(crate) Text<'a>);

struct AddressVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for AddressVisitor<'a> {
    type Value = Address<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Address<'a>, E> {
        Ok(Address(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Address<'a>, E> {
        Ok(Address(Cow::Owned(text.to_owned())))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Address<'a>, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<Str<'a>>()? {
            if matches!(&*key.0, "value" | "email" | "address") {
                found = Some(map.next_value::<Str<'a>>()?.0);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        found.map(Address).ok_or_else(|| A::Error::custom("no address"))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Address<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AddressVisitor(PhantomData))
    }
}

/// Declares the row of a collection: every member is a [`Got`], and `id` is always one.
///
/// `not null` marks a flag or list that openapi-v3.json never makes null. `READS` lists the members
/// that are read, `NEVER_NULL` the marked ones.
macro_rules! row {
    ($(#[$meta:meta])* $name:ident { $($field:ident $(as $json:literal)? $(not $null:ident)? : $kind:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Default, serde::Deserialize)]
        #[serde(default, bound(deserialize = "'de: 'a"))]
        struct $name<'a> {
            id: $crate::wire::Got<$crate::wire::Id<'a>>,
            $($(#[serde(rename = $json)])? $field: $crate::wire::Got<$kind>,)*
        }

        impl<'a> $name<'a> {
            const READS: &'static [&'static str] = &["id",
                $($crate::wire::json_name!($field $(as $json)?)),*];
            const NEVER_NULL: &'static [&'static str] =
                &[$($crate::wire::never_null!($crate::wire::json_name!($field $(as $json)?) $(,
                    $null)?)),*];

            /// Reads a row; a member that cannot be read is [`Got::Flawed`]($crate::wire::Got).
            fn read(
                element: &atsync_adapter::rows::Element<'a>,
            ) -> Result<Self, serde_json::Error> {
                // Serde would read a list as the members in their order.
                let strict = element.is_object().then(|| element.read());
                let mut row: Self = match strict {
                    Some(Ok(row)) => row,
                    _ => Self::piecemeal(element.text()?)?,
                };
                row.forbid_nulls();
                Ok(row)
            }

            /// In place, since a row is a kilobyte or two, and each move copies it.
            fn forbid_nulls(&mut self) {
                $($crate::wire::check!(self.$field,
                    $crate::wire::json_name!($field $(as $json)?) $(, $null)?);)*
            }

            fn piecemeal(text: &'a str) -> Result<Self, serde_json::Error> {
                let members = $crate::wire::members(text)?;
                let mut row = Self::default();
                if let Some(member) = members.get("id") {
                    row.id = $crate::wire::member("id", member.get());
                }
                $(
                    let name = $crate::wire::json_name!($field $(as $json)?);
                    if let Some(member) = members.get(name) {
                        row.$field = $crate::wire::member(name, member.get());
                    }
                )*
                Ok(row)
            }
        }
    };
}

/// Expands to the name of a member that is never null, otherwise to the empty text.
macro_rules! never_null {
    ($name:expr) => {
        ""
    };
    ($name:expr, $null:ident) => {
        $name
    };
}

/// Expands to the JSON name of a member of [`row!`].
macro_rules! json_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident as $json:literal) => {
        $json
    };
}

/// Makes `null` a flaw, in a member that is never null.
macro_rules! check {
    ($got:expr, $name:expr) => {};
    ($got:expr, $name:expr, $null:ident) => {
        $got.forbid_null($name)
    };
}

pub(crate) use {check, json_name, never_null, row};

#[cfg(test)]
mod tests {
    use super::*;
    use atsync_adapter::rows::Element;

    row!(Sample { name: Str<'a>, parent_id: Id<'a>, office_ids: Vec<Id<'a>>,
        tags not null: Vec<Str<'a>>, kind as "type": Str<'a> });

    #[test]
    fn text_is_borrowed_unless_it_holds_escapes() {
        let row: Sample = serde_json::from_str(r#"{"name":"Ada","type":"a\nb"}"#).unwrap();
        assert!(matches!(row.name, Got::Here(Str(Cow::Borrowed("Ada")))));
        assert!(matches!(row.kind, Got::Here(Str(Cow::Owned(_)))));
        assert_eq!(Sample::READS, ["id", "name", "parent_id", "office_ids", "tags", "type"]);
        assert_eq!(
            Sample::NEVER_NULL.iter().copied().filter(|name| !name.is_empty()).collect::<Vec<_>>(),
            ["tags"]
        );
    }

    #[test]
    fn absent_null_and_present_members_differ() {
        let mut lacking = Lacking::default();
        let row: Sample =
            serde_json::from_str(r#"{"id":1,"name":null,"unheard_of":{"of":[]}}"#).unwrap();
        assert_eq!(row.name.text("name", &mut lacking), None);
        assert_eq!(lacking, Lacking::default());
        assert_eq!(row.parent_id.reference("parent", &mut lacking), None);
        assert_eq!(lacking.mask(&["name", "parent"]), ["name"]);
    }

    #[test]
    fn an_id_keeps_every_digit_whether_number_or_text() {
        for text in [r#"{"id":9007199254740993}"#, r#"{"id":"9007199254740993"}"#] {
            let row: Sample = serde_json::from_str(text).unwrap();
            assert_eq!(row.id, Got::Here(Id("9007199254740993".into())));
        }
        for odd in [
            "1.5",
            "0",
            "-1",
            "\"\"",
            "\" 7 \"",
            "\"07\"",
            "\"a/b?c\\n\"",
            "true",
            "[1]",
            "1e25",
            &format!("\"{}\"", "9".repeat(400)),
        ] {
            assert!(serde_json::from_str::<Id<'_>>(odd).is_err(), "{odd} is not an id");
        }
    }

    #[test]
    fn null_is_empty_only_where_the_document_has_null() {
        for text in [r#"{"office_ids":[]}"#, r#"{"office_ids":null}"#] {
            let mut lacking = Lacking::default();
            let row = Sample::read(&Element::of(text)).unwrap();
            assert_eq!(row.office_ids.references("offices", &mut lacking), []);
            assert_eq!(lacking, Lacking::default());
        }
        let mut lacking = Lacking::default();
        assert_eq!(
            Sample::read(&Element::of(r#"{"tags":null}"#)).unwrap().tags.take("tags", &mut lacking),
            None
        );
        assert_eq!(lacking.take_flaws(), [("tags", Flaw { member: "tags", is_null: true })]);
        assert!(lacking.contains("tags"));
    }

    #[test]
    fn an_unreadable_member_loses_only_itself() {
        let mut lacking = Lacking::default();
        let row = Sample::read(&Element::of(
            r#"{"id":7,"tags":[null],"name":"Ada","name":"Bea","parent_id":1.5}"#,
        ))
        .unwrap();
        assert_eq!((row.id, row.name), (Got::Here(Id("7".into())), Got::Here(Str("Bea".into()))));
        assert_eq!(row.tags.take("tags", &mut lacking), None);
        assert_eq!(row.parent_id.reference("parent", &mut lacking), None);
        let flaw = |member| Flaw { member, is_null: false };
        assert_eq!(lacking.take_flaws(), [("tags", flaw("tags")), ("parent", flaw("parent_id"))]);
        assert!(["[1]", "7"].iter().all(|odd| Sample::read(&Element::of(odd)).is_err()));
    }

    #[test]
    fn a_text_is_not_a_flag_list_or_object_and_a_time_is_valid() {
        for odd in ["true", "[]", "[\"x\"]", "{}", "{\"value\":\"x\"}"] {
            assert!(serde_json::from_str::<Str<'_>>(odd).is_err(), "{odd} is not a text");
        }
        for odd in
            ["true", "99", "\"zzz\"", "\"2027-13-45T99:99:99Z\"", "\"26/11/2026\"", "-1", "\" \""]
        {
            assert!(serde_json::from_str::<Time<'_>>(odd).is_err(), "{odd} is not a time");
        }
        for time in ["\"\"", "\"2026-11-24\"", "\"2026-11-24T06:00:00.123Z\""] {
            assert!(serde_json::from_str::<Time<'_>>(time).is_ok(), "{time}");
        }
    }

    #[test]
    fn an_object_is_not_a_list_and_has_its_needed_members() {
        for odd in [
            "{}",
            "[]",
            "[\"x\"]",
            "[[\"x\"]]",
            "{\"value\":null}",
            "{\"value\":true}",
            "{\"address\":\"x\"}",
            "7",
            "\"x\"",
        ] {
            assert!(serde_json::from_str::<ContactRow<'_>>(odd).is_err(), "{odd} is not a contact");
            assert!(serde_json::from_str::<GroupRow<'_>>(odd).is_err(), "{odd} is not a group");
        }
        for odd in ["{}", "[]", "[\"x\"]", "{\"value\":null}", "{\"verified\":true}", "7"] {
            let is_address = serde_json::from_str::<Address<'_>>(odd).is_ok();
            assert!(!is_address, "{odd}");
        }
        assert!(serde_json::from_str::<Label<'_>>("\" \"").is_err());
    }

    #[test]
    fn an_address_may_be_a_text_or_an_object() {
        let all: Vec<Address> =
            serde_json::from_str(r#"["a@x", {"verified":true,"value":"b@x"}]"#).unwrap();
        assert_eq!(all.iter().map(|address| &*address.0).collect::<Vec<_>>(), ["a@x", "b@x"]);
    }
}
