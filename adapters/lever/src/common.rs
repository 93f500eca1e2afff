//! The conventions of Lever's answers: where rows lie, how pages follow each other, what is empty.

use atsync_adapter::kit::*;
use atsync_adapter::model::unified::{Contact, Ref};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// The most rows of a page.
const ROWS_MAX: u32 = 100;
/// Two times of one write differ by some milliseconds; minutes are safe.
pub(crate) const OVERLAP_MS: u64 = 300_000;
/// The window of the time of change.
const UPDATED: &[(&str, &str)] = &[("updated_at_start", "{from}"), ("updated_at_end", "{to}")];
/// Confidential records are left out unless the query asks for them.
pub(crate) const CONFIDENTIALITY: (&str, &str) = ("confidentiality", "{settings.confidentiality?}");

/// A list, as far as all are the same. The token of the next page comes percent-encoded.
pub(crate) const fn pages(path: &'static str) -> List {
    List::get(path).rows("/data").cursor("offset", "/next").encoded().more("/hasNext")
}

pub(crate) const fn list(path: &'static str) -> List {
    pages(path).size("limit", ROWS_MAX)
}

/// A list that takes a window of the time of change.
pub(crate) const fn changing(path: &'static str) -> List {
    list(path).window(Clock::Millis, UPDATED)
}

pub(crate) const fn one(path: &'static str) -> Fetch {
    Fetch::get(path).at("/data")
}

/// The version of a record: the time of change as Lever writes it. Often `null`.
pub(crate) fn version(updated_at: &Got<Millis>) -> Got<i64> {
    Got::from(updated_at.as_ref().map(|at| at.0))
}

/// An empty text says that there is none.
pub(crate) fn filled(text: Got<String>) -> Got<String> {
    match text {
        Got::Here(text) if text.is_empty() => Got::Empty,
        other => other,
    }
}

pub(crate) fn reference(id: Got<Id>) -> Got<Ref<'static>> {
    id.map(Id::reference)
}

/// The addresses of a list, without those that are blank.
pub(crate) fn contacts(texts: Vec<Option<String>>) -> Vec<Contact<'static>> {
    let filled = texts.into_iter().flatten().filter(|text| !text.trim().is_empty());
    filled.map(|text| contact(text, None)).collect()
}

/// A member that `expand` turns from an id into the record. Both forms are read, since an expansion
/// that is not documented for a list may be ignored.
#[derive(Clone, Debug)]
pub(crate) enum Expanded<T> {
    Id(Id),
    Whole(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Expanded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either(PhantomData))
    }
}

struct Either<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
    type Value = Expanded<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id or a record")
    }

    fn visit_str<E: Error>(self, id: &str) -> Result<Expanded<T>, E> {
        let id = Id::of(&id.into()).ok_or_else(|| E::custom("a text that is no id"))?;
        Ok(Expanded::Id(id))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Expanded<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Expanded::Whole)
    }
}
