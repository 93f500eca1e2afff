//! How well a record shows an entry that is known by its content. Pure.
//!
//! Texts are compared by the form of labels, dates as far as both are given: a month is the same as
//! each of its days. That is not transitive, since a year is the same as two months that differ, so
//! a fit says whether it is exact, and exact ones are given away first. A field that does not show,
//! such as a school whose option was deleted, may be any, so it makes no record the declared one.
//!
//! Left out: fields that the adapter does not read at all.

use super::Record;
use super::item::text;
use atsync_model::declarable::{Declarable, Field};
use atsync_model::manifest::Manifest;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

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

/// How well a record shows what is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// All of it.
    Exact,
    /// All of it, as far as both go: a date is less precise on one side.
    Loose,
    /// No field that shows is another, but a field does not show.
    Unknown,
}

/// Compares a record with what is declared by the fields that the adapter reads. None where a field
/// shows something else.
pub(super) fn of(
    manifest: &Manifest,
    kind: &'static Declarable,
    members: &Map<String, Value>,
    record: &Record,
) -> Option<Fit> {
    let mut fit = Fit::Exact;
    for field in read(manifest, kind) {
        if !record.knows(field.shown) {
            fit = Fit::Unknown;
            continue;
        }
        let declared = text(members, field.place).unwrap_or_default();
        let shown = record.text(field.shown).unwrap_or_default();
        if !field.is_same(declared, shown) {
            return None;
        }
        if fit == Fit::Exact && field.form(declared) != field.form(shown) {
            fit = Fit::Loose;
        }
    }
    Some(fit)
}

/// Pairs entries with rows so that as many entries as possible have one. `fits`: the rows that each
/// entry may have. Returns the entry of each row that is given away.
pub(super) fn pairs(fits: &[Vec<usize>]) -> BTreeMap<usize, usize> {
    let mut taken = BTreeMap::new();
    for entry in 0..fits.len() {
        place(fits, entry, &mut taken, &mut BTreeSet::new());
    }
    taken
}

/// Gives an entry a row, if another entry can have a further one instead. As deep as there are
/// entries.
fn place(
    fits: &[Vec<usize>],
    entry: usize,
    taken: &mut BTreeMap<usize, usize>,
    tried: &mut BTreeSet<usize>,
) -> bool {
    for row in fits.get(entry).into_iter().flatten() {
        if !tried.insert(*row) {
            continue;
        }
        let holder = taken.get(row).copied();
        if holder.is_none_or(|holder| place(fits, holder, taken, tried)) {
            taken.insert(*row, entry);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn an_entry_gives_its_row_to_one_that_fits_no_other() {
        let entries = |fits: &[Vec<usize>]| {
            let mut entries: Vec<usize> = pairs(fits).into_values().collect();
            entries.sort_unstable();
            entries
        };
        assert_eq!(entries(&[vec![0, 1], vec![0]]), [0, 1]);
        assert_eq!(entries(&[vec![0, 1], vec![0, 2], vec![0]]), [0, 1, 2]);
        assert_eq!(entries(&[vec![0], vec![0], vec![]]), [0], "the first one keeps it");
    }
}
