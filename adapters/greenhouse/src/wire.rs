//! How Greenhouse writes its JSON: the types that rows are read into.
//!
//! Three states of a member must stay apart: absent (nothing is known), `null` (known to be empty) and here; [`Got`] keeps them. An empty
//! list and `null` both mean empty (harvest-v3.md §3 \[2nd\]), and so does an empty text, since scalars are cleared with `""`
//! (harvest-v3.md §7 \[2nd\]). Ids are whole numbers beyond 32 and perhaps beyond 53 bits (§3 \[ok\]) and become text without passing through
//! a floating number; ids written as text are taken too. Text is borrowed from the reply wherever it holds no escapes.
//!
//! Serde's own `Option<Cow<str>>` always copies, which is why [`Str`] exists. Unknown members are ignored: the raw record keeps them.

use atsync_model::unified::{Ref, Text};
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// A member of a row.
#[derive(Debug, Default, PartialEq)]
pub(crate) enum Got<T> {
    /// The row does not have it: nothing is known.
    #[default]
    Absent,
    /// `null`.
    Empty,
    /// A value.
    Here(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Got<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Empty, Self::Here))
    }
}

impl<T> Got<T> {
    /// The value, noting the unified field as unknown when the row does not have the member.
    pub(crate) fn take(self, field: &'static str, lacking: &mut Lacking) -> Option<T> {
        match self {
            Self::Here(value) => Some(value),
            Self::Empty => None,
            Self::Absent => {
                lacking.note(field);
                None
            }
        }
    }

    /// The value, for a member that no unified field stands on alone.
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Here(value) => Some(value),
            Self::Empty | Self::Absent => None,
        }
    }
}

impl<'a> Got<Str<'a>> {
    /// Neither here nor with anything in it.
    pub(crate) fn is_blank(&self) -> bool {
        !matches!(self, Self::Here(text) if !text.0.is_empty())
    }

    /// A text; an empty one is none.
    pub(crate) fn text(self, field: &'static str, lacking: &mut Lacking) -> Option<Text<'a>> {
        self.take(field, lacking).map(|text| text.0).filter(|text| !text.is_empty())
    }
}

impl<'a> Got<Id<'a>> {
    /// A reference.
    pub(crate) fn reference(self, field: &'static str, lacking: &mut Lacking) -> Option<Ref<'a>> {
        self.take(field, lacking).and_then(Id::reference)
    }
}

impl<'a> Got<Vec<Id<'a>>> {
    /// References; none for `null`.
    pub(crate) fn references(self, field: &'static str, lacking: &mut Lacking) -> Vec<Ref<'a>> {
        self.take(field, lacking).unwrap_or_default().into_iter().filter_map(Id::reference).collect()
    }
}

/// The unified fields that a row says nothing about. Empty for a row as documented.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lacking(Vec<&'static str>);

impl Lacking {
    /// One more.
    pub(crate) fn note(&mut self, field: &'static str) {
        if !self.0.contains(&field) {
            self.0.push(field);
        }
    }

    /// Everything is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this field is unknown.
    pub(crate) fn contains(&self, field: &str) -> bool {
        self.0.contains(&field)
    }

    /// Nothing is known at all.
    pub(crate) fn all(fields: &[&'static str]) -> Self {
        Self(fields.to_vec())
    }

    /// What remains of these fields.
    pub(crate) fn mask(&self, fields: &[&'static str]) -> Vec<String> {
        fields.iter().filter(|field| !self.contains(field)).map(|field| (*field).to_owned()).collect()
    }
}

/// A text, borrowed where possible. Numbers and truth values are taken as text, for members whose type the reference leaves open.
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
    fn visit_bool<E: Error>(self, value: bool) -> Result<Str<'a>, E> {
        Ok(Str(Cow::Borrowed(if value { "true" } else { "false" })))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrVisitor(PhantomData))
    }
}

/// An id: a whole number, or the same as text.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Id<'a>(pub(crate) Text<'a>);

impl<'a> Id<'a> {
    /// A reference to the record of this id.
    pub(crate) fn reference(self) -> Option<Ref<'a>> {
        (!self.0.is_empty()).then_some(Ref { id: Some(self.0), name: None })
    }
}

struct IdVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for IdVisitor<'a> {
    type Value = Id<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id")
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Id<'a>, E> {
        Ok(Id(Cow::Owned(number.to_string())))
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Id<'a>, E> {
        Ok(Id(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Id<'a>, E> {
        Ok(Id(Cow::Owned(text.to_owned())))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Id<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor(PhantomData))
    }
}

/// `{value, type}` of a contact list.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct ContactRow<'a> {
    pub(crate) value: Got<Str<'a>>,
    #[serde(rename = "type")]
    pub(crate) kind: Got<Str<'a>>,
}

/// `{id, key, name}`: the group of a source or a rejection reason.
#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(crate) struct GroupRow<'a> {
    pub(crate) key: Got<Str<'a>>,
    pub(crate) name: Got<Str<'a>>,
}

/// An address of a user: a text, or an object that holds one. The reference says only `emails[]` (harvest-v3.md §9.10).
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
        let mut found = Text::default();
        while let Some(key) = map.next_key::<Str<'a>>()? {
            if matches!(&*key.0, "value" | "email" | "address") {
                found = map.next_value::<Str<'a>>()?.0;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Address(found))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Address<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AddressVisitor(PhantomData))
    }
}

/// Declares the row of a collection: every member is a [`Got`], `id` comes by itself, and `READS` lists what is read.
macro_rules! row {
    ($(#[$meta:meta])* $name:ident { $($field:ident $(as $json:literal)? : $kind:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Default, serde::Deserialize)]
        #[serde(default, bound(deserialize = "'de: 'a"))]
        struct $name<'a> {
            id: $crate::wire::Got<$crate::wire::Id<'a>>,
            $($(#[serde(rename = $json)])? $field: $crate::wire::Got<$kind>,)*
        }

        impl $name<'_> {
            const READS: &'static [&'static str] = &["id", $($crate::wire::json_name!($field $(as $json)?)),*];
        }
    };
}

/// The JSON name of a member of [`row!`].
macro_rules! json_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident as $json:literal) => {
        $json
    };
}

pub(crate) use {json_name, row};

#[cfg(test)]
mod tests {
    use super::*;

    row!(Sample { name: Str<'a>, parent_id: Id<'a>, office_ids: Vec<Id<'a>>, kind as "type": Str<'a> });

    #[test]
    fn text_is_borrowed_unless_it_holds_escapes() {
        let row: Sample = serde_json::from_str(r#"{"name":"Ada","type":"a\nb"}"#).unwrap();
        assert!(matches!(row.name, Got::Here(Str(Cow::Borrowed("Ada")))));
        assert!(matches!(row.kind, Got::Here(Str(Cow::Owned(_)))));
        assert_eq!(Sample::READS, ["id", "name", "parent_id", "office_ids", "type"]);
    }

    #[test]
    fn absent_null_and_here_stay_apart() {
        let mut lacking = Lacking::default();
        let row: Sample = serde_json::from_str(r#"{"id":1,"name":null,"unheard_of":{"of":[]}}"#).unwrap();
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
        assert!(serde_json::from_str::<Sample>(r#"{"id":1.5}"#).is_err(), "a broken number is no id");
    }

    #[test]
    fn an_empty_list_and_null_are_both_empty() {
        for text in [r#"{"office_ids":[]}"#, r#"{"office_ids":null}"#] {
            let mut lacking = Lacking::default();
            let row: Sample = serde_json::from_str(text).unwrap();
            assert_eq!(row.office_ids.references("offices", &mut lacking), []);
            assert_eq!(lacking, Lacking::default());
        }
    }

    #[test]
    fn an_address_may_be_a_text_or_an_object() {
        let all: Vec<Address> = serde_json::from_str(r#"["a@x", {"verified":true,"value":"b@x"}]"#).unwrap();
        assert_eq!(all.iter().map(|address| &*address.0).collect::<Vec<_>>(), ["a@x", "b@x"]);
    }
}
