//! The content of an entry that the engine added, in the base of its link. Pure.
//!
//! An entry is taken away only while it shows what the engine wrote: a recruiter who corrected it
//! made it theirs. So its base has the texts that were sent, by field, and, once the ATS showed
//! them, the texts as they show ([`SHOWN`]), since an ATS may complete a month to its first day.
//! Until then, dates are compared as far as both are given; afterwards each text as it is, so that
//! a recruiter who adds the day is noticed too.
//!
//! A field that a row does not show, such as a school whose option is hidden, tells nothing: such
//! an entry stays. Left out: fields that the adapter does not read at all.

use super::{Record, base};
use crate::link::LinkRow;
use crate::plan::RecordPlan;
use crate::plan::item::text;
use atsync_model::declarable::{Declarable, Field};
use atsync_model::manifest::Manifest;
use serde_json::{Map, Value, json};

/// The member of a base that has the texts as the ATS first showed them.
const SHOWN: &str = "~shown";

/// What an entry shows of what the engine wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// The same, so nobody changed it.
    Written,
    /// Something else.
    Other,
    /// Some of it is not shown, or it is not known what was written.
    Unknown,
}

/// Iterates over the fields of a kind that the adapter reads.
pub(super) fn read<'m>(
    manifest: &'m Manifest,
    of: &'static Declarable,
) -> impl Iterator<Item = &'static Field> + use<'m> {
    let rule = manifest.kind(of.kind);
    of.fields.iter().filter(move |field| {
        let top = field.shown.split_once('.').map_or(field.shown, |(top, _)| top);
        rule.is_none_or(|rule| rule.fields.iter().any(|read| read == top))
    })
}

/// Returns the base of an entry that is to be added.
pub(super) fn content(of: &'static Declarable, members: &Map<String, Value>) -> Map<String, Value> {
    let texts = of.fields.iter().filter_map(|field| Some((field, text(members, field.place)?)));
    texts.map(|(field, text)| (field.place.to_owned(), json!(text))).collect()
}

/// Whether the base has what the engine wrote.
fn is_kept(of: &'static Declarable, applied: &Map<String, Value>) -> bool {
    of.fields.iter().any(|field| applied.contains_key(field.place))
}

/// Compares an entry with what the engine wrote of it.
pub(super) fn compare(
    manifest: &Manifest,
    of: &'static Declarable,
    applied: &Map<String, Value>,
    row: &Record,
) -> Shows {
    if !is_kept(of, applied) {
        return Shows::Unknown;
    }
    let mut shows = Shows::Written;
    for field in read(manifest, of) {
        if !row.knows(field.shown) {
            shows = Shows::Unknown;
            continue;
        }
        let now = row.text(field.shown).unwrap_or_default();
        let first = applied.get(SHOWN).and_then(|shown| shown.get(field.place)?.as_str());
        let is_same = match first {
            Some(first) => first.trim() == now.trim(),
            None => field.is_same(text(applied, field.place).unwrap_or_default(), now),
        };
        if !is_same {
            return Shows::Other;
        }
    }
    shows
}

/// Records the texts of an entry when it shows for the first time what the engine wrote.
pub(super) fn note_shown(
    plan: &mut RecordPlan,
    manifest: &Manifest,
    of: &'static Declarable,
    link: &LinkRow,
    row: &Record,
) {
    let is_first = !link.applied.contains_key(SHOWN);
    if !is_first || compare(manifest, of, &link.applied, row) != Shows::Written {
        return;
    }
    let texts = read(manifest, of)
        .map(|field| (field.place.to_owned(), json!(row.text(field.shown).unwrap_or_default())));
    let shown: Map<String, Value> = texts.collect();
    base::amend(plan, &link.path, &link.remote, &link.applied, |applied| {
        applied.insert(SHOWN.to_owned(), Value::Object(shown.clone()));
    });
}
