//! Turns rows of Greenhouse into unified records.
//!
//! There is a module per group of kinds, and one for all raw kinds; each reader takes one row's
//! JSON and returns one [`Record`]. The raw record keeps members without a unified field, and the
//! crate's tests list them. Missing and unreadable members make their unified field unknown
//! ([`Lacking`]), never empty, because older and newer forms of the same row are both in use
//! (harvest-v3.md §9.2).
//!
//! Left out: other rows. A record contains only what its own row says; [`crate::named`] first puts
//! the names of options into rows that have only their ids.

pub(crate) mod background;
pub(crate) mod candidacy;
pub(crate) mod custom;
pub(crate) mod jobs;
pub(crate) mod lists;
pub(crate) mod people;
pub(crate) mod raw;
pub(crate) mod value;

use crate::wire::{Got, Id, Lacking, Str};
use atsync_adapter::json;
use atsync_adapter::rows::Element;
use atsync_model::unified::{Text, Word};
use serde::Serialize;
use std::borrow::Cow;

/// The result of a reader.
#[derive(Debug)]
pub(crate) enum Read {
    /// A record.
    Record(Record),
    /// A row that shows only that the record exists, with its id if it has one.
    Stub(Option<String>),
}

/// A row in unified form.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) id: String,
    pub(crate) updated_at: Option<String>,
    pub(crate) body: String,
    pub(crate) lacking: Lacking,
}

/// A reader of one row.
pub(crate) type Reader = fn(&Element<'_>) -> Result<Read, Unreadable>;

/// The reason why a row could not be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// It differs from the documented shape.
    Shape(serde_json::Error),
    /// It has no id.
    NoId,
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        Self::Shape(error)
    }
}

/// Ends a reader: serialises the unified record as JSON.
fn record<T: Serialize>(
    id: Got<Id<'_>>,
    unified: &T,
    row: &Element<'_>,
    lacking: Lacking,
) -> Result<Record, Unreadable> {
    let id = id
        .value()
        .map(|id| id.0.into_owned())
        .filter(|id| !id.is_empty())
        .ok_or(Unreadable::NoId)?;
    // The unified form is about as long as the row.
    let mut body = json::write(unified, row.length() + row.length() / 4 + 64)?;
    if !lacking.is_empty() {
        // This is rare: a body must not have fields that its mask leaves out.
        let mut members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&body)?;
        members.retain(|field, _| !lacking.contains(field));
        body = serde_json::to_string(&members)?;
    }
    Ok(Record { id, updated_at: None, body, lacking })
}

impl Record {
    /// Sets the change time, which may become the record's version.
    fn changed(mut self, updated_at: Option<&Text<'_>>) -> Read {
        self.updated_at = updated_at.map(|text| text.as_ref().to_owned());
        Read::Record(self)
    }
}

/// Translates a word to the unified one, or `other`, and keeps Greenhouse's own word.
fn word<'a>(source: Option<Text<'a>>, known: fn(&str) -> Option<&'static str>) -> Word<'a> {
    let value = source.as_deref().and_then(known).unwrap_or("other");
    Word { value: Cow::Borrowed(value), source }
}

/// Calls [`word`] for a member that may be absent or `null`.
fn word_of<'a>(
    got: Got<Str<'a>>,
    field: &'static str,
    lacking: &mut Lacking,
    known: fn(&str) -> Option<&'static str>,
) -> Word<'a> {
    word(Some(got.some_text(field, lacking)).filter(|source| !source.is_empty()), known)
}
