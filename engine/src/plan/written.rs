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

use super::fit::read;
use super::item::text;
use super::{Record, RecordPlan, base};
use crate::link::LinkRow;
use atsync_model::declarable::Declarable;
use atsync_model::manifest::Manifest;
use serde_json::{Map, Value, json};

/// The member of a base that has the texts as the ATS first showed them.
const SHOWN: &str = "~shown";

/// What an entry shows of what the engine wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// The same.
    Written,
    /// Something else.
    Other,
    /// Some of it is not shown, or it is not known what was written.
    Unknown,
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

/// Whether the engine wrote just what is declared.
pub(super) fn is_declared(
    of: &'static Declarable,
    applied: &Map<String, Value>,
    members: &Map<String, Value>,
) -> bool {
    of.fields.iter().all(|field| {
        let form = |texts| field.form(text(texts, field.place).unwrap_or_default());
        form(applied) == form(members)
    })
}

/// Whether the entry once showed what the engine wrote.
pub(super) fn has_shown(applied: &Map<String, Value>) -> bool {
    applied.contains_key(SHOWN)
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
    if has_shown(&link.applied) || compare(manifest, of, &link.applied, row) != Shows::Written {
        return;
    }
    let texts = read(manifest, of)
        .map(|field| (field.place.to_owned(), json!(row.text(field.shown).unwrap_or_default())));
    let shown: Map<String, Value> = texts.collect();
    base::amend(plan, &link.path, &link.remote, &link.applied, |applied| {
        applied.insert(SHOWN.to_owned(), Value::Object(shown.clone()));
    });
}
