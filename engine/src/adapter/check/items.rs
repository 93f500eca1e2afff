//! The records of a page or fetch.

use super::{bounded, broke, kind, name};
use crate::adapter::AdapterError;
use crate::adapter::limits::{ITEM_BODY_BYTES_MAX, ITEMS_MAX, MASKS_MAX};
use atsync_model::contract::Item;
use atsync_model::manifest::Manifest;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// Records with what they refer to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Items<'a> {
    pub(super) items: &'a [Item],
    pub(super) masks: &'a [Vec<String>],
    pub(super) reply_bytes: Option<usize>,
}

pub(super) fn check(manifest: &Manifest, found: Items<'_>) -> Result<(), AdapterError> {
    bounded("records", found.items.len(), ITEMS_MAX)?;
    bounded("masks", found.masks.len(), MASKS_MAX)?;
    let mut proved = Vec::new();
    for (index, item) in found.items.iter().enumerate() {
        one(manifest, found, item, &mut proved).map_err(|error| at(index, error))?;
    }
    Ok(())
}

/// Adds which record it was.
fn at(index: usize, error: AdapterError) -> AdapterError {
    match error {
        AdapterError::Contract(text) => AdapterError::Contract(format!("record {index}: {text}")),
        AdapterError::Limit(text) => AdapterError::Limit(format!("record {index}: {text}")),
        other => other,
    }
}

/// `proved` holds the pairs of kind and mask that were compared already: a page has a handful of them, and hundreds of records.
fn one<'a>(
    manifest: &Manifest,
    found: Items<'a>,
    item: &'a Item,
    proved: &mut Vec<(&'a str, u32)>,
) -> Result<(), AdapterError> {
    name("an id", &item.id)?;
    if let Some(version) = &item.version {
        name("a version", version)?;
    }
    let mask = usize::try_from(item.mask).ok().and_then(|index| found.masks.get(index));
    let mask = mask.ok_or_else(|| broke("its mask is none of the page's"))?;
    if !proved.contains(&(item.kind.as_str(), item.mask)) {
        kind(manifest, &item.kind)?;
        let fields = manifest.kind(&item.kind).map_or(&[][..], |rule| &rule.fields);
        if mask.iter().any(|field| !fields.contains(field)) {
            return Err(broke("its mask has a field that the manifest does not list for its kind"));
        }
        proved.push((&item.kind, item.mask));
    }
    bounded("bytes of its body", item.body.len(), ITEM_BODY_BYTES_MAX)?;
    body(&item.body, mask)?;
    span(item, found.reply_bytes)
}

fn span(item: &Item, reply_bytes: Option<usize>) -> Result<(), AdapterError> {
    let Some(span) = &item.raw else { return Ok(()) };
    let Some(reply_bytes) = reply_bytes else {
        return Err(broke("it points into a reply, and there was none"));
    };
    let end = u64::from(span.offset) + u64::from(span.length);
    if span.length == 0 || end > u64::try_from(reply_bytes).unwrap_or(u64::MAX) {
        return Err(broke("it points outside of the reply"));
    }
    Ok(())
}

/// Whether a body is a JSON object with members of its mask only.
fn body(text: &str, mask: &[String]) -> Result<(), AdapterError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    Members(mask).deserialize(&mut reader).and_then(|()| reader.end()).map_err(|error| {
        if error.is_data() {
            return broke("its body is no JSON object, or has a member that its mask does not name");
        }
        super::not_json("its body", &error)
    })
}

/// Reads an object whose members must be among these.
struct Members<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<(), M::Error> {
        while members.next_key_seed(Member(self.0))?.is_some() {
            members.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// One member's name.
struct Member<'a>(&'a [String]);

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Member<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member of the mask")
    }

    fn visit_str<E: Error>(self, member: &str) -> Result<(), E> {
        if self.0.iter().any(|field| field == member) { Ok(()) } else { Err(E::custom("not of the mask")) }
    }
}
