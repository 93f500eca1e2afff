//! Checks the lists of a record: their length, and entries that are known by content. Pure.
//!
//! An entry that is known by content must say something, have readable dates, and differ from every
//! other entry. The table of declarable kinds lists the kinds, so a new kind is checked before any
//! code names it.

use super::shape::Place;
use atsync_model::declarable::{self, Declarable, Holds, KnownBy};
use atsync_model::desired::limits;
use atsync_model::normal;
use serde::Serialize;
use serde_json::{Map, Value};

/// Checks the lists of a record of this kind.
///
/// # Errors
/// A sentence that names the entry.
pub(super) fn check(record: &impl Serialize, kind: &str) -> Result<(), String> {
    let record = serde_json::to_value(record)
        .map_err(|error| format!("it cannot be written as JSON: {error}"))?;
    let list = |name: &str| record.get(name).and_then(Value::as_array).into_iter().flatten();
    let labels = declarable::of(kind).and_then(Declarable::labels).map(|(list, _)| list);
    for name in labels.into_iter().chain(declarable::below(kind).map(|(_, below)| below.list)) {
        let count = list(name).count();
        if count > limits::LIST_ENTRIES_MAX {
            return Err(format!(
                "`{name}` has {count} entries; at most {} are allowed",
                limits::LIST_ENTRIES_MAX
            ));
        }
    }
    for (of, below) in declarable::below(kind).filter(|(of, _)| of.known_by == KnownBy::Content) {
        let entries: Vec<&Map<String, Value>> =
            list(below.list).filter_map(Value::as_object).collect();
        let place = Place::default().member(below.list);
        for (index, entry) in entries.iter().enumerate() {
            one(of, entry, &place.entry(index, None))?;
            if let Some(first) =
                entries.iter().take(index).position(|other| is_same(of, entry, other))
            {
                return Err(format!(
                    "`{}` has the same {} twice, entries {} and {}; remove one of them, or make \
                     them differ",
                    below.list,
                    of.noun,
                    first.saturating_add(1),
                    index.saturating_add(1)
                ));
            }
        }
    }
    Ok(())
}

fn text<'m>(entry: &'m Map<String, Value>, place: &str) -> &'m str {
    entry.get(place).and_then(Value::as_str).unwrap_or_default()
}

fn is_same(of: &Declarable, one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    of.fields.iter().all(|field| field.is_same(text(one, field.place), text(other, field.place)))
}

fn one(of: &Declarable, entry: &Map<String, Value>, place: &Place) -> Result<(), String> {
    if of.fields.iter().all(|field| text(entry, field.place).trim().is_empty()) {
        return Err(format!("{place} is empty; set a member, or remove it"));
    }
    for field in of.fields.iter().filter(|field| field.value == Holds::Date) {
        let date = text(entry, field.place);
        if !date.is_empty() && normal::part_date(date).is_none() {
            return Err(format!(
                "{} is {date:?}, which is no date; write a day, a month or a year, as in \
                 2016-09-01, 2016-09 or 2016",
                place.member(field.place)
            ));
        }
    }
    Ok(())
}
