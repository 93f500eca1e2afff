//! The observed records, their index, and the states of scans.
//!
//! Bounds: rows per read. Left out: how a page is committed; see [`super::page`].

use super::naming::{COUNTED, term_key, terms};
use super::place::Place;
use super::row::{Stored, key};
use super::tables::{
    OBSERVED, OrFailed, SCANS, TERMS, Tables, counter, counters, each, from_json, get, table,
};
use crate::store::codec::{Key, KeyReader, damaged};
use crate::store::{ObservedRow, ScanState, StoreError, check};
use atsync_model::contract::RemoteRef;
use redb::ReadTransaction;

const WHAT: &str = "an observed record";

/// Removes a record or a tombstone, with its terms. Returns whether it was a record.
pub(super) fn remove(
    tables: &mut Tables<'_>,
    connection: &Place,
    kind: &str,
    id: &str,
) -> Result<bool, StoreError> {
    let place = key(connection, kind, id);
    let held = {
        let guard = get(tables.observed.rows(), &place)?;
        let stored = guard.as_ref().map(|guard| Stored::read(guard.value())).transpose()?;
        stored.map(|stored| (stored.is_gone(), terms(kind, stored.row().body)))
    };
    let Some((gone, terms)) = held else { return Ok(false) };
    tables.observed.remove(&place)?;
    for (index, term) in &terms {
        tables.terms.remove(&term_key(connection, kind, index, term).text(id))?;
    }
    if !gone {
        tables.count_down(&counter(connection, COUNTED, kind), 1)?;
    }
    Ok(!gone)
}

/// The place of a scan.
pub(super) fn scan_key(connection: &Place, kind: &str, parent: Option<&str>) -> Key {
    let key = connection.key().text(kind);
    parent.into_iter().fold(key, Key::text)
}

/// One record.
pub(super) fn observed(
    read: &ReadTransaction,
    connection: &Place,
    remote: &RemoteRef,
) -> Result<Option<ObservedRow>, StoreError> {
    let rows = table(read, OBSERVED)?;
    let Some(value) = get(&rows, &key(connection, &remote.kind, &remote.id))? else {
        return Ok(None);
    };
    Ok(Some(Stored::read(value.value())?.row().owned(&remote.kind, remote.id.clone())))
}

/// Records of a kind.
pub(super) fn observed_page(
    read: &ReadTransaction,
    connection: &Place,
    kind: &str,
    after: Option<&str>,
    rows_max: usize,
) -> Result<Vec<ObservedRow>, StoreError> {
    check::rows(rows_max)?;
    let prefix = connection.key().text(kind);
    let range = match after {
        Some(after) => prefix.clone().within_after(prefix.clone().text(after)),
        None => prefix.clone().within(),
    };
    let mut found = Vec::new();
    let rows = table(read, OBSERVED)?;
    if rows_max == 0 || range.start >= range.end {
        return Ok(found);
    }
    // Tombstones do not count, so the range ends here and not in `each`.
    for row in rows.range(range.start.as_slice()..range.end.as_slice()).or_failed()? {
        let (key, value) = row.or_failed()?;
        let stored = Stored::read(value.value())?;
        if stored.is_gone() {
            continue;
        }
        found.push(stored.row().owned(kind, KeyReader::after(key.value(), &prefix)?.text()?));
        if found.len() >= rows_max {
            break;
        }
    }
    Ok(found)
}

/// Records that carry a term of an index, after an id.
pub(super) fn lookup(
    read: &ReadTransaction,
    connection: &Place,
    kind: &str,
    (index, term): (&str, &str),
    after: Option<&str>,
    rows_max: usize,
) -> Result<Vec<ObservedRow>, StoreError> {
    check::rows(rows_max)?;
    check::words(&[("a term", term)])?;
    let observed = table(read, OBSERVED)?;
    let prefix = term_key(connection, kind, index, term);
    let mut found = Vec::new();
    let range = match after {
        Some(after) => prefix.clone().within_after(prefix.clone().text(after)),
        None => prefix.clone().within(),
    };
    each(&table(read, TERMS)?, range, rows_max, |term, _| {
        let id = KeyReader::after(term, &prefix)?.text()?;
        let value = get(&observed, &key(connection, kind, &id))?.ok_or_else(|| damaged(WHAT))?;
        found.push(Stored::read(value.value())?.row().owned(kind, id));
        Ok(())
    })?;
    Ok(found)
}

/// How many there are by kind.
pub(super) fn observed_counts(
    read: &ReadTransaction,
    connection: &Place,
) -> Result<Vec<(String, u64)>, StoreError> {
    counters(read, connection, COUNTED)
}

/// The state of one scan.
pub(super) fn scan_state(
    read: &ReadTransaction,
    connection: &Place,
    kind: &str,
    parent: Option<&str>,
) -> Result<Option<ScanState>, StoreError> {
    let rows = table(read, SCANS)?;
    let value = get(&rows, &scan_key(connection, kind, parent))?;
    value.map(|value| from_json(value.value(), "a scan's state")).transpose()
}

/// The states of all scans.
pub(super) fn scan_states(
    read: &ReadTransaction,
    connection: &Place,
) -> Result<Vec<(String, Option<String>, ScanState)>, StoreError> {
    let prefix = connection.key();
    let mut found = Vec::new();
    each(&table(read, SCANS)?, prefix.clone().within(), usize::MAX, |key, value| {
        let mut parts = KeyReader::after(key, &prefix)?;
        let kind = parts.text()?;
        let parent = if parts.is_done() { None } else { Some(parts.text()?) };
        found.push((kind, parent, from_json(value, "a scan's state")?));
        Ok(())
    })?;
    Ok(found)
}
