//! One declared item: its entry in the table, its path and its members. Pure.
//!
//! A desired record is read as JSON here, so that one planner serves every kind of the table
//! ([`atsync_model::declarable`]). Left out: checks of what is declared ([`crate::declare`]).

use super::Record;
use super::equal::digest;
use crate::path::Path;
use atsync_model::declarable::{self, Declarable, Field, Holds};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A declared item.
#[derive(Clone, Debug)]
pub(super) struct Item<'a> {
    /// Its entry in the table.
    pub(super) of: &'static Declarable,
    /// Its path.
    pub(super) path: String,
    /// Its members.
    pub(super) members: Arc<Map<String, Value>>,
    /// The records that it names, by the place that names them.
    pub(super) refs: Vec<(&'static str, &'a Arc<Record>)>,
}

impl<'a> Item<'a> {
    /// Returns the record that a place names.
    pub(super) fn named(&self, place: &str) -> Option<&'a Arc<Record>> {
        self.refs.iter().find(|(named, _)| *named == place).map(|(_, record)| *record)
    }
}

/// Returns a member by its place, one level deep at most.
pub(super) fn member_at<'m>(members: &'m Map<String, Value>, place: &str) -> Option<&'m Value> {
    match place.split_once('.') {
        Some((outer, inner)) => members.get(outer)?.get(inner),
        None => members.get(place),
    }
}

/// Returns a text by its place.
pub(super) fn text<'m>(members: &'m Map<String, Value>, place: &str) -> Option<&'m str> {
    member_at(members, place).and_then(Value::as_str)
}

/// Iterates over the objects of a list, in their order.
pub(super) fn listed<'m>(
    members: &'m Map<String, Value>,
    list: &str,
) -> impl Iterator<Item = &'m Map<String, Value>> {
    members.get(list).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// Returns the key of an object of a list.
pub(super) fn key(members: &Map<String, Value>) -> &str {
    text(members, "key").unwrap_or_default()
}

/// Returns what a record declares at a path, with its entry in the table. None where the path
/// declares nothing that has a key.
pub(super) fn at<'m>(
    record: &'m Map<String, Value>,
    path: &str,
) -> Option<(&'static Declarable, &'m Map<String, Value>)> {
    let Path::Declared { kind, above, name } = Path::of(path) else { return None };
    let of = declarable::of(kind)?;
    let Some(below) = &of.below else { return Some((of, record)) };
    let (_, above) = at(record, above)?;
    listed(above, below.list).find(|one| key(one) == name).map(|one| (of, one))
}

/// Returns the text of each field, by place: what distinguishes the record from others of its kind.
pub(super) fn texts(of: &'static Declarable, members: &Map<String, Value>) -> Vec<PlacedText> {
    let text = |place| text(members, place).unwrap_or_default().to_owned();
    of.fields.iter().map(|field| (field.place, text(field.place))).collect()
}

/// Longest name that is spelled out; a longer one is a digest.
const SPELT_BYTES_MAX: usize = 120;

/// Returns the name of an entry that is known by its content: one for all spellings of it.
pub(super) fn content_name(of: &'static Declarable, members: &Map<String, Value>) -> String {
    let form = |field: &Field| field.form(text(members, field.place).unwrap_or_default());
    let parts: Vec<String> = of.fields.iter().map(form).collect();
    let name = parts.join("|");
    let is_plain = name.len() <= SPELT_BYTES_MAX && !parts.iter().any(|part| part.contains('|'));
    if is_plain { name } else { digest(&json!(parts)) }
}

/// A declared text: its place in the desired record and its value.
pub(super) type PlacedText = (&'static str, String);

/// Iterates over the places by which a probe distinguishes two records of a kind.
pub(super) fn distinguishing_places(of: &'static Declarable) -> impl Iterator<Item = &'static str> {
    of.fields.iter().filter(|field| field.value != Holds::Address).map(|field| field.place)
}
