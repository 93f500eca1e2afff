//! The records of a page or fetch.
//!
//! Two readings of the same rules. [`check`] refuses a page for one bad record: it is the strict
//! form of the contract. The adapter runtimes call [`sift`]: it removes a record that breaks a
//! rule, a member that cannot be stored, or the key of a custom value, and names each as a
//! [`Problem`]. The store can hold the rest ([`crate::json`]).
//!
//! Bounds: [`ITEMS_MAX`] records and as many problems, [`MASKS_MAX`] masks. Messages name places,
//! never content.

use super::shapes::{self, Shape};
use super::{bounded, broke, kind, name};
use crate::adapter::AdapterError;
use crate::adapter::limits::{
    ITEM_BODY_BYTES_MAX, ITEMS_MAX, MASKS_MAX, NAME_BYTES_MAX, PROBLEM_BYTES_MAX, RAW_BYTES_MAX,
};
use atsync_model::contract::{Item, Problem};
use atsync_model::manifest::Manifest;
use atsync_model::unified::{CUSTOM_VALUES, REFERENCES};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// Records with the parts of the page that they refer to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Items<'a> {
    pub(super) items: &'a [Item],
    pub(super) masks: &'a [Vec<String>],
    pub(super) reply_bytes: Option<usize>,
}

/// Removes from a page what breaks the rules of single records, and names it in `problems`. The
/// rest passes [`check`].
///
/// # Errors
/// [`AdapterError::Limit`] for too many records, masks or problems: these are faults of the page.
pub(super) fn sift(manifest: &Manifest, found: Sifted<'_>) -> Result<(), AdapterError> {
    let Sifted { items, masks, problems, reply_bytes } = found;
    bounded("records", items.len(), ITEMS_MAX)?;
    bounded("masks", masks.len(), MASKS_MAX)?;
    bounded("problems", problems.len(), ITEMS_MAX)?;
    problems.iter_mut().for_each(|problem| tidy(manifest, problem));
    let sound = {
        let found = Items { items, masks, reply_bytes };
        let mut proved = Vec::new();
        let verdicts =
            found.items.iter().map(|item| one(manifest, found, item, &mut proved).is_ok());
        verdicts.collect::<Vec<bool>>()
    };
    if sound.iter().all(|sound| *sound) {
        return Ok(());
    }
    let mut mended = Vec::with_capacity(items.len());
    for (item, sound) in std::mem::take(items).into_iter().zip(sound) {
        if sound {
            mended.push(item);
            continue;
        }
        let id = Some(item.id.clone()).filter(|id| super::id("an id", id).is_ok());
        let of =
            if manifest.kind(&item.kind).is_some() { item.kind.clone() } else { String::new() };
        match mend(manifest, masks, item, reply_bytes) {
            Ok((item, lost)) => {
                problems.extend(lost);
                mended.push(item);
            }
            Err(error) => problems.push(Problem::row(of, id, words(&error))),
        }
    }
    problems.truncate(ITEMS_MAX);
    *items = mended;
    Ok(())
}

/// A page's records with their problems.
#[derive(Debug)]
pub(super) struct Sifted<'a> {
    pub(super) items: &'a mut Vec<Item>,
    pub(super) masks: &'a mut Vec<Vec<String>>,
    pub(super) problems: &'a mut Vec<Problem>,
    pub(super) reply_bytes: Option<usize>,
}

/// The text of a breach without its introduction.
fn words(error: &AdapterError) -> String {
    match error {
        AdapterError::Contract(text) | AdapterError::Limit(text) => text.clone(),
        AdapterError::Trap(crash) => crash.to_string(),
        AdapterError::Circle | AdapterError::Promise(_) => error.to_string(),
    }
}

/// A problem that an adapter reported, within the limits. One without a kind of the manifest gets
/// the requested kind.
fn tidy(manifest: &Manifest, problem: &mut Problem) {
    if manifest.kind(&problem.kind).is_none() {
        problem.kind.clear();
    }
    problem.id.take_if(|id| super::id("an id", id).is_err());
    if let Some(field) = &mut problem.field {
        shorten(field, NAME_BYTES_MAX);
    }
    shorten(&mut problem.message, PROBLEM_BYTES_MAX);
}

fn shorten(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max));
    }
}

/// Why a member or a custom value is unknown.
const UNKEPT: &str = "it cannot be kept: a number out of range, half a character, nesting without \
    end, or another shape than its kind has";

/// The parts of a record that can be stored, and those that it lost.
fn mend(
    manifest: &Manifest,
    masks: &mut Vec<Vec<String>>,
    mut item: Item,
    reply_bytes: Option<usize>,
) -> Result<(Item, Vec<Problem>), AdapterError> {
    let mut lost = Vec::new();
    // A version only saves comparisons.
    item.version.take_if(|version| name("a version", version).is_err());
    if let Err(error) = span(&item, reply_bytes) {
        item.raw = None;
        lost.push(Problem::field(&item.kind, &item.id, "raw", words(&error)));
    }
    let mask = usize::try_from(item.mask).ok().and_then(|index| masks.get(index)).cloned();
    let mask = mask.ok_or_else(|| {
        broke(format!("its mask is none of the page's (it names number {})", item.mask))
    })?;
    if item.body.len() <= ITEM_BODY_BYTES_MAX && body(&item.kind, &item.body, &mask).is_err() {
        let mut members: BTreeMap<String, &RawValue> = serde_json::from_str(&item.body)
            .map_err(|error| super::not_json("its body", &error))?;
        let of = item.kind.clone();
        let is_sound = |member: &str, value: &RawValue| Shape::of(&of, member).fits(value.get());
        // Custom values are known by key, each on its own.
        let values = members.get(CUSTOM_VALUES).filter(|values| !is_sound(CUSTOM_VALUES, values));
        let mended = values.and_then(|values| shapes::mended_values(values.get()));
        if let Some((values, keys)) = &mended {
            members.insert(CUSTOM_VALUES.to_owned(), values);
            for mut field in keys.iter().map(|key| format!("{CUSTOM_VALUES}.{key}")) {
                shorten(&mut field, NAME_BYTES_MAX);
                lost.push(Problem::field(&item.kind, &item.id, field, UNKEPT));
            }
        }
        let (kept, unsound): (BTreeMap<_, _>, BTreeMap<_, _>) = members
            .into_iter()
            .partition(|(member, value)| mask.contains(member) && is_sound(member, value));
        let fields = manifest.kind(&item.kind).map_or(&[][..], |rule| &rule.fields);
        if let Some(member) = unsound.keys().find(|member| !fields.contains(*member)) {
            return Err(broke(format!(
                "its body has a member of {} bytes that its kind does not have",
                member.len()
            )));
        }
        let known: Vec<String> =
            mask.into_iter().filter(|field| !unsound.contains_key(field)).collect();
        item.mask = place(masks, known)?;
        for field in unsound.into_keys() {
            let why = if REFERENCES.contains(&&*field) {
                "it is no reference: an object with an id or a name, or a list of those"
            } else {
                UNKEPT
            };
            lost.push(Problem::field(&item.kind, &item.id, field, why));
        }
        item.body =
            serde_json::to_string(&kept).map_err(|error| super::not_json("its body", &error))?;
    }
    one(manifest, Items { items: &[], masks, reply_bytes }, &item, &mut Vec::new())?;
    Ok((item, lost))
}

/// The index of a mask, which is added where the page does not have it yet.
fn place(masks: &mut Vec<Vec<String>>, mask: Vec<String>) -> Result<u32, AdapterError> {
    let index = match masks.iter().position(|known| *known == mask) {
        Some(index) => index,
        None => {
            bounded("masks", masks.len().saturating_add(1), MASKS_MAX)?;
            masks.push(mask);
            masks.len().saturating_sub(1)
        }
    };
    Ok(u32::try_from(index).unwrap_or(u32::MAX))
}

/// Refuses problems of an adapter that are too long or too many.
pub(super) fn problems(manifest: &Manifest, problems: &[Problem]) -> Result<(), AdapterError> {
    bounded("problems", problems.len(), ITEMS_MAX)?;
    for problem in problems {
        if !problem.kind.is_empty() {
            kind(manifest, &problem.kind)?;
        }
        problem.id.iter().try_for_each(|id| super::id("an id", id))?;
        problem
            .field
            .iter()
            .try_for_each(|field| bounded("bytes of a field", field.len(), NAME_BYTES_MAX))?;
        bounded("bytes of a problem", problem.message.len(), PROBLEM_BYTES_MAX)?;
    }
    Ok(())
}

pub(super) fn check(manifest: &Manifest, found: Items<'_>) -> Result<(), AdapterError> {
    bounded("records", found.items.len(), ITEMS_MAX)?;
    bounded("masks", found.masks.len(), MASKS_MAX)?;
    let mut proved = Vec::new();
    for (index, item) in found.items.iter().enumerate() {
        one(manifest, found, item, &mut proved).map_err(|error| at(index, item, error))?;
    }
    Ok(())
}

/// Adds the record: its place, and kind and id where it has them.
fn at(index: usize, item: &Item, error: AdapterError) -> AdapterError {
    let which = if item.kind.is_empty() || item.id.is_empty() {
        format!("record {index}")
    } else {
        format!("record {index} ({} {})", short(&item.kind), short(&item.id))
    };
    match error {
        AdapterError::Contract(text) => AdapterError::Contract(format!("{which}: {text}")),
        AdapterError::Limit(text) => AdapterError::Limit(format!("{which}: {text}")),
        other => other,
    }
}

/// A name from an adapter, shortened for a message.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// `proved` holds the pairs of kind and mask that were compared already: a page has a handful of
/// them, and hundreds of records.
fn one<'a>(
    manifest: &Manifest,
    found: Items<'a>,
    item: &'a Item,
    proved: &mut Vec<(&'a str, u32)>,
) -> Result<(), AdapterError> {
    super::id("an id", &item.id)?;
    if let Some(version) = &item.version {
        name("a version", version)?;
    }
    let mask = usize::try_from(item.mask).ok().and_then(|index| found.masks.get(index));
    let mask = mask.ok_or_else(|| {
        broke(format!("its mask is none of the page's (it names number {})", item.mask))
    })?;
    if !proved.contains(&(item.kind.as_str(), item.mask)) {
        kind(manifest, &item.kind)?;
        let fields = manifest.kind(&item.kind).map_or(&[][..], |rule| &rule.fields);
        if let Some(field) = mask.iter().find(|field| !fields.contains(field)) {
            return Err(broke(format!(
                "its mask has a field that the manifest does not list for its kind: {:?} of {}",
                short(field),
                short(&item.kind)
            )));
        }
        proved.push((&item.kind, item.mask));
    }
    bounded("bytes of its body", item.body.len(), ITEM_BODY_BYTES_MAX)?;
    body(&item.kind, &item.body, mask)?;
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
    bounded(
        "bytes of the row it points to",
        usize::try_from(span.length).unwrap_or(usize::MAX),
        RAW_BYTES_MAX,
    )
}

/// Whether a body is a JSON object with members of its mask only.
fn body(kind: &str, text: &str, mask: &[String]) -> Result<(), AdapterError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    Members(kind, mask).deserialize(&mut reader).and_then(|()| reader.end()).map_err(|error| {
        if error.is_data() {
            return broke(
                "its body is no JSON object, has a member that its mask does not name, or one that \
                 cannot be read back or has another shape",
            );
        }
        super::not_json("its body", &error)
    })
}

/// Reads an object of a kind whose members must be among these.
struct Members<'a>(&'a str, &'a [String]);

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
        while let Some(shape) = members.next_key_seed(Member(self.0, self.1))? {
            shape.next(&mut members)?;
        }
        Ok(())
    }
}

/// One member's name.
struct Member<'a>(&'a str, &'a [String]);

impl<'de> DeserializeSeed<'de> for Member<'_> {
    type Value = Shape;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Shape, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Member<'_> {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member of the mask")
    }

    fn visit_str<E: Error>(self, member: &str) -> Result<Shape, E> {
        let is_known = self.1.iter().any(|field| field == member);
        if is_known { Ok(Shape::of(self.0, member)) } else { Err(E::custom("not of the mask")) }
    }
}
