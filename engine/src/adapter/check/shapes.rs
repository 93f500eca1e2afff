//! Checks the shape of members that a plan compares entry by entry: contacts and custom values.
//! [`super::reference`] checks references (tags included).
//!
//! A list in another shape would be read as an empty one, which a plan would fill. So such a member
//! is unknown instead. A list with one bad entry is unknown as a whole: an update based on a partly
//! known list would remove the unread entries. Each key of a map of custom values is known on its
//! own, so a bad value makes only its key unknown ([`UNREADABLE`]).
//!
//! Every value is read as strictly as by [`Sound`]. Left out: all other members; their readers are
//! tolerant.

use super::reference::Reference;
use crate::json::{Sound, SoundBelow};
use atsync_model::resource::PERSON;
use atsync_model::unified::{CONTACTS, CUSTOM_VALUES, REFERENCES, UNREADABLE};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// The shape that a member has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `[{"value": "…"}]`.
    Contacts,
    /// `{"<key>": {"value": …}}`.
    Custom,
    /// A reference, or a list of them.
    Reference,
    /// Any.
    Any,
}

impl Shape {
    pub(super) fn of(kind: &str, member: &str) -> Self {
        match member {
            CUSTOM_VALUES => Self::Custom,
            _ if CONTACTS.contains(&member) && kind == PERSON => Self::Contacts,
            _ if REFERENCES.contains(&member) => Self::Reference,
            _ => Self::Any,
        }
    }

    /// Reads the next value of an object.
    pub(super) fn next<'de, A: MapAccess<'de>>(self, map: &mut A) -> Result<(), A::Error> {
        match self {
            Self::Contacts => map.next_value::<List<Entry>>().map(drop),
            Self::Custom => map.next_value::<Values>().map(drop),
            Self::Reference => map.next_value::<Reference>().map(drop),
            Self::Any => map.next_value::<Sound>().map(drop),
        }
    }

    /// Whether a text is a value of this shape.
    pub(super) fn fits(self, text: &str) -> bool {
        match self {
            Self::Contacts => serde_json::from_str::<List<Entry>>(text).is_ok(),
            Self::Custom => serde_json::from_str::<Values>(text).is_ok(),
            Self::Reference => serde_json::from_str::<Reference>(text).is_ok(),
            Self::Any => serde_json::from_str::<Sound>(text).is_ok(),
        }
    }
}

/// Custom values with the unreadable ones marked, and their keys. None when it is not a map.
pub(super) fn mended_values(text: &str) -> Option<(Box<RawValue>, Vec<String>)> {
    let values: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    let unreadable =
        serde_json::value::to_raw_value(&serde_json::json!({ "type": UNREADABLE, "value": null }))
            .ok()?;
    let is_sound = |value: &RawValue| serde_json::from_str::<Value>(value.get()).is_ok();
    let lost: Vec<String> =
        values.iter().filter(|(_, value)| !is_sound(value)).map(|(key, _)| key.clone()).collect();
    let kept: BTreeMap<&String, &RawValue> = values
        .iter()
        .map(|(key, value)| (key, if is_sound(value) { *value } else { &*unreadable }))
        .collect();
    Some((serde_json::value::to_raw_value(&kept).ok()?, lost))
}

/// A list, or null.
struct List<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self(std::marker::PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<T>()?.is_some() {}
        Ok(self)
    }
}

/// One entry of a list: an object with a text as `value`.
struct Entry;

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for Entry {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut has_value = false;
        while let Some(IsValue(is_value)) = map.next_key()? {
            if is_value {
                map.next_value::<Text>()?;
                has_value = true;
            } else {
                map.next_value::<SoundBelow<2>>()?;
            }
        }
        if has_value { Ok(self) } else { Err(A::Error::custom("an entry has no value")) }
    }
}

/// Custom values, or null.
struct Values;

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Values {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("custom values by key")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        while map.next_key::<IsValue>()?.is_some() {
            map.next_value::<Value>()?;
        }
        Ok(self)
    }
}

/// One custom value, or null.
struct Value;

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a custom value")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut has_value = false;
        while let Some(IsValue(is_value)) = map.next_key()? {
            has_value |= is_value;
            map.next_value::<SoundBelow<2>>()?;
        }
        if has_value { Ok(self) } else { Err(A::Error::custom("a custom value has no value")) }
    }
}

/// Whether a member is `value`.
struct IsValue(bool);

impl<'de> Deserialize<'de> for IsValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = IsValue;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_str<E>(self, name: &str) -> Result<IsValue, E> {
                Ok(IsValue(name == "value"))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

/// A text.
struct Text;

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Self)
    }
}

impl Visitor<'_> for Text {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }
}
