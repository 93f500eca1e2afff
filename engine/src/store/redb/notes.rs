//! The rows of notes: see [`crate::store::notes`].
//!
//! A store that an earlier version made has no such table until its first write. Left out: what the
//! values mean.

use super::place::Place;
use super::tables::{Bytes, NOTES, OrFailed, Tables, each, get};
use crate::store::codec::{Key, KeyReader};
use crate::store::{Note, StoreError, check};
use redb::{ReadOnlyTable, ReadTransaction, TableError};

fn key(connection: &Place, area: &str, key: &str) -> Key {
    connection.key().text(area).text(key)
}

/// The table; none in a store that has none yet.
fn rows(read: &ReadTransaction) -> Result<Option<ReadOnlyTable<Bytes, Bytes>>, StoreError> {
    match read.open_table(NOTES) {
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        rows => rows.map(Some).or_failed(),
    }
}

/// Changes notes, each on its condition.
pub(super) fn put(
    tables: &mut Tables<'_>,
    connection: &Place,
    notes: Vec<Note>,
) -> Result<(), StoreError> {
    // All conditions first: a refusal must leave nothing behind.
    for note in &notes {
        let stored = get(tables.notes.rows(), &key(connection, &note.area, &note.key))?;
        note.holds(stored.as_ref().map(redb::AccessGuard::value))?;
    }
    for note in notes {
        let at = key(connection, &note.area, &note.key);
        match note.value {
            Some(value) => tables.notes.put(&at, &value)?,
            None => get(tables.notes.rows(), &at)?.is_some() && tables.notes.remove(&at)?,
        };
    }
    Ok(())
}

/// One note's value.
pub(super) fn one(
    read: &ReadTransaction,
    connection: &Place,
    area: &str,
    name: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(rows) = rows(read)? else { return Ok(None) };
    Ok(get(&rows, &key(connection, area, name))?.map(|value| value.value().to_vec()))
}

/// The notes of an area after a key.
pub(super) fn page(
    read: &ReadTransaction,
    connection: &Place,
    area: &str,
    after: Option<&str>,
    rows_max: usize,
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    check::rows(rows_max)?;
    let Some(rows) = rows(read)? else { return Ok(Vec::new()) };
    let prefix = connection.key().text(area);
    let range = match after {
        Some(after) => prefix.clone().within_after(prefix.clone().text(after)),
        None => prefix.clone().within(),
    };
    let mut found = Vec::new();
    each(&rows, range, rows_max, |key, value| {
        found.push((KeyReader::after(key, &prefix)?.text()?, value.to_vec()));
        Ok(())
    })?;
    Ok(found)
}
