//! The terms of observed records in the file, and the records that name another one by them. See
//! [`crate::store::naming`].
//!
//! Bounds: a look-up per kind that has records. Left out: which terms a record has.

use super::place::Place;
use super::tables::{Tables, counters_in, each};
use crate::store::StoreError;
use crate::store::codec::{Key, KeyReader};
pub(super) use crate::store::naming::{Terms, found_by, terms};

/// The group of the counters of observed records.
pub(super) const COUNTED: &str = "observed";

/// The place of a term, without the id.
pub(super) fn term_key(connection: &Place, kind: &str, index: &str, term: &str) -> Key {
    connection.key().text(kind).text(index).sought(term)
}

/// Visits kind and id of each record that may name this one: those that do, and those that name one
/// with the same normalised id.
pub(super) fn each_naming(
    tables: &Tables<'_>,
    connection: &Place,
    (kind, id): (&str, &str),
    mut visit: impl FnMut(&str, &str) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    if found_by("", (kind, id)).is_none() {
        return Ok(());
    }
    let named = (kind, id);
    for (kind, _) in counters_in(tables.counters.rows(), connection, COUNTED)? {
        let Some((index, term)) = found_by(&kind, named) else { continue };
        let prefix = term_key(connection, &kind, index, &term);
        each(tables.terms.rows(), prefix.clone().within(), usize::MAX, |key, _| {
            visit(&kind, &KeyReader::after(key, &prefix)?.text()?)
        })?;
    }
    Ok(())
}
