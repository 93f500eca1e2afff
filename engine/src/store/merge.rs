//! Merges an observed record into the stored one. Pure; both stores use it.
//!
//! A list often shows part of a record only, so each record comes with the mask of the top fields
//! that it *knows*. A field in the mask is authoritative: absent, or `null`, means known to be
//! empty. A field outside the mask is unknown and keeps what is stored. The known fields grow to
//! the union. Most records of a pass are unchanged, byte for byte, which is found without parsing.
//! Where bytes differ, values decide, so that the order of keys and white space never cause an
//! event.
//!
//! A tombstone keeps no fields: a record that comes back is new. An anonymised record stays
//! anonymised: a later record without that mark does not undo it, or erased values would be written
//! back.
//!
//! Bounds: those of [`super::check`]. Left out: serials, the index, the links.

use super::StoreError;
use super::limits::KEY_BYTES_MAX;
use crate::index;
use crate::json::Sound;
use atsync_model::resource::{self, PERSON_MEMBER};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

/// Between the names of a known set. A name has no control characters.
const SEPARATOR: &str = "\n";

/// A set of top field names, as a list to search and in the form in which it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// Sorted.
    names: Vec<String>,
    text: String,
}

impl Known {
    /// The set of these names.
    pub(crate) fn of(names: &[String]) -> Result<Self, StoreError> {
        for name in names {
            if name.is_empty() || name.len() > KEY_BYTES_MAX || name.chars().any(char::is_control) {
                return Err(StoreError::Invalid(format!(
                    "a mask names a field that cannot be one: {name:?}"
                )));
            }
        }
        Ok(Self::join(names.iter().map(String::as_str).collect()))
    }

    /// The form to store.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The names, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    fn has(&self, name: &str) -> bool {
        self.names.binary_search_by(|known| known.as_str().cmp(name)).is_ok()
    }

    fn join(names: BTreeSet<&str>) -> Self {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let text = names.join(SEPARATOR);
        Self { names, text }
    }
}

/// The names of a set in its stored form.
pub(crate) fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(SEPARATOR).filter(|name| !name.is_empty())
}

/// What is stored of a record that is not a tombstone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held<'a> {
    pub(crate) version: Option<&'a str>,
    pub(crate) known: &'a str,
    pub(crate) body: &'a str,
    pub(crate) raw: Option<&'a str>,
}

/// The observed record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) version: Option<&'a str>,
    pub(crate) mask: &'a Known,
    pub(crate) body: &'a str,
    pub(crate) raw: Option<&'a str>,
}

/// The result of a merge.
#[derive(Debug)]
pub(crate) enum Merged<'a> {
    /// Nothing to write.
    Same,
    /// To write, with an event if it differs in a value.
    Write {
        known: Cow<'a, Known>,
        body: Cow<'a, str>,
        /// The stored one stays when none was given.
        raw: Option<&'a str>,
        version: Option<&'a str>,
        event: Option<Difference>,
    },
}

/// The content of the event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Difference {
    /// It is new: `after` is the body.
    Created,
    /// These fields changed. A field that was unknown is missing in `before`; one that is known to
    /// be empty is `null`.
    Updated { before: Map<String, Value>, after: Map<String, Value> },
    /// Its personal data were blanked; the fields that this changed.
    Anonymized { after: Map<String, Value> },
}

/// Merges an observed record into the stored one (none: not known, or a tombstone).
///
/// # Errors
/// [`StoreError::Invalid`] when the body is no JSON object. A body that equals the stored one is
/// one already.
pub(crate) fn merge<'a>(held: Option<Held<'a>>, seen: Seen<'a>) -> Result<Merged<'a>, StoreError> {
    let Some(held) = held else {
        let body = match shape(seen)? {
            Shape::Within => Cow::Borrowed(seen.body),
            Shape::Beyond => Cow::Owned(text(&known_part(object(seen.body)?, seen.mask))?),
        };
        return Ok(Merged::Write {
            known: Cow::Borrowed(seen.mask),
            body,
            raw: seen.raw,
            version: seen.version,
            event: Some(Difference::Created),
        });
    };
    let raw = seen.raw.or(held.raw);
    let (version, same_frame) = (seen.version, raw == held.raw && seen.version == held.version);
    if held.body == seen.body && held.known == seen.mask.text() {
        if same_frame {
            return Ok(Merged::Same);
        }
        let (known, body) = (Cow::Borrowed(seen.mask), Cow::Borrowed(held.body));
        return Ok(Merged::Write { known, body, raw, version, event: None });
    }
    let stored = object(held.body)?;
    let mut incoming = known_part(object(seen.body)?, seen.mask);
    let stays_anonymized =
        seen.mask.has(PRIVACY) && is_anonymized(&stored) && !is_anonymized(&incoming);
    if stays_anonymized {
        anonymize(&mut incoming);
    }
    let known_before: BTreeSet<&str> = names(held.known).collect();
    let (mut before, mut after) = (Map::new(), Map::new());
    for name in seen.mask.names() {
        let was = stored.get(name).filter(|value| !value.is_null());
        let is = incoming.get(name).filter(|value| !value.is_null());
        if was == is {
            continue;
        }
        if known_before.contains(name) {
            before.insert(name.to_owned(), was.cloned().unwrap_or_default());
        }
        after.insert(name.to_owned(), is.cloned().unwrap_or_default());
    }
    let whole = known_before.iter().all(|name| seen.mask.has(name));
    let (known, body) = if whole {
        // A record that knows every field replaces the stored one.
        let beyond = matches!(shape(seen)?, Shape::Beyond) || stays_anonymized;
        (
            Cow::Borrowed(seen.mask),
            if beyond { Cow::Owned(text(&incoming)?) } else { Cow::Borrowed(seen.body) },
        )
    } else {
        let mut union = known_before;
        let mut merged = stored.clone();
        for name in seen.mask.names() {
            union.insert(name);
            match incoming.get(name) {
                Some(value) => merged.insert(name.to_owned(), value.clone()),
                None => merged.remove(name),
            };
        }
        let body =
            if merged == stored { Cow::Borrowed(held.body) } else { Cow::Owned(text(&merged)?) };
        (Cow::Owned(Known::join(union)), body)
    };
    if after.is_empty() && same_frame && body == held.body && known.text() == held.known {
        return Ok(Merged::Same);
    }
    let event = match (is_anonymized(&stored), is_anonymized(&incoming)) {
        _ if after.is_empty() => None,
        (false, true) => Some(Difference::Anonymized { after }),
        _ => Some(Difference::Updated { before, after }),
    };
    Ok(Merged::Write { known, body, raw, version, event })
}

/// The member of a candidate that limits the use of their data.
const PRIVACY: &str = "privacy";

fn is_anonymized(body: &Map<String, Value>) -> bool {
    body.get(PRIVACY).and_then(|privacy| privacy.get("anonymized")) == Some(&Value::Bool(true))
}

/// Whether a body says that its candidate's data were blanked.
fn anonymize(body: &mut Map<String, Value>) {
    let privacy = body.entry(PRIVACY).or_insert_with(|| Value::Object(Map::new()));
    match privacy {
        Value::Object(privacy) => drop(privacy.insert("anonymized".to_owned(), Value::Bool(true))),
        other => {
            *other = Value::Object(Map::from_iter([("anonymized".to_owned(), Value::Bool(true))]))
        }
    }
}

/// The body with the mark that its candidate's data were blanked.
pub(crate) fn anonymized(body: &str) -> Result<String, StoreError> {
    let mut map = object(body)?;
    anonymize(&mut map);
    text(&map)
}

/// A body as a map.
pub(crate) fn object(body: &str) -> Result<Map<String, Value>, StoreError> {
    serde_json::from_str(body).map_err(|error| not_an_object(&error))
}

/// A map as a body.
pub(crate) fn text(map: &Map<String, Value>) -> Result<String, StoreError> {
    serde_json::to_string(map).map_err(|error| {
        StoreError::Invalid(format!("a record cannot be written as JSON: {error}"))
    })
}

/// The id of the candidate that a body names.
pub(crate) fn person_of(body: &str) -> Option<String> {
    index::id(body, PERSON_MEMBER)
}

/// The lead to a merge, from a record that names another candidate than before: the ids of the old
/// and the new one.
pub(crate) fn lead(kind: &str, before: &str, after: &str) -> Option<(String, String)> {
    let member = resource::of(kind)?.tells_merge?;
    let (from, to) = (index::id(before, member)?, index::id(after, member)?);
    (from != to && !from.is_empty() && !to.is_empty()).then_some((from, to))
}

fn not_an_object(error: &serde_json::Error) -> StoreError {
    // The place only: serde_json's text can quote the record.
    StoreError::Invalid(format!(
        "a record's body is not a JSON object (line {}, column {})",
        error.line(),
        error.column()
    ))
}

fn known_part(mut map: Map<String, Value>, mask: &Known) -> Map<String, Value> {
    map.retain(|name, _| mask.has(name));
    map
}

/// Whether the body has fields outside its mask.
enum Shape {
    Within,
    Beyond,
}

/// Proves that the body is an object that [`object`] can read, and compares its fields with the
/// mask, without building it.
fn shape(seen: Seen<'_>) -> Result<Shape, StoreError> {
    struct Fields<'m>(&'m Known);

    impl<'de> Visitor<'de> for Fields<'_> {
        type Value = Shape;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
            let mut shape = Shape::Within;
            while let Some((name, Sound)) = map.next_entry::<Name<'de>, Sound>()? {
                if !self.0.has(&name.0) {
                    shape = Shape::Beyond;
                }
            }
            Ok(shape)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(seen.body);
    let shape =
        deserializer.deserialize_map(Fields(seen.mask)).map_err(|error| not_an_object(&error))?;
    deserializer.end().map_err(|error| not_an_object(&error))?;
    Ok(shape)
}

#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
#[path = "merge_tests.rs"]
mod tests;
