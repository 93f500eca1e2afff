//! The ids that sweeps have seen, and the aliases of merged records.
//!
//! An alias is written when a move is reported, and as a lead when an application is ingested under
//! another candidate than before. The lead is stored, so that a later process still finds the
//! winner of a merge.
//!
//! Bounds: rows per read and per removal. Left out: when to sweep and how to confirm; see
//! [`crate::reconcile`].

use super::place::Place;
use super::row;
use super::tables::{
    ALIASES, OBSERVED, OrFailed, SEEN, SWEEPS, Tables, each, from_json, get, has, table, to_json,
};
use crate::store::codec::{KeyReader, ValueReader, ValueWriter};
use crate::store::{Alias, ObservedRow, ObservedWrite, StoreError, SweepState, check};
use atsync_model::contract::RemoteRef;
use redb::ReadTransaction;

const FORMAT: u8 = 1;
const WHAT: &str = "an alias";

fn decode(value: &[u8]) -> Result<Alias, StoreError> {
    let mut reader = ValueReader::new(value, FORMAT, WHAT)?;
    let told = reader.byte()? == 1;
    Ok(Alias { to: reader.text()?.to_owned(), told })
}

fn encode(to: &str, told: bool) -> Vec<u8> {
    ValueWriter::new(FORMAT, to.len()).byte(u8::from(told)).string(to.as_bytes()).done()
}

/// Reads a value and writes it again; see [`super::foreign`].
#[cfg(any(test, feature = "testing"))]
pub(super) fn rewritten(value: &[u8]) -> Result<Vec<u8>, StoreError> {
    let alias = decode(value)?;
    Ok(encode(&alias.to, alias.told))
}

/// Writes an alias. Returns whether it is new; a lead never replaces a reported move.
pub(super) fn put(
    tables: &mut Tables<'_>,
    connection: &Place,
    kind: &str,
    id: &str,
    to: &str,
    told: bool,
) -> Result<bool, StoreError> {
    let key = row::key(connection, kind, id);
    let held = get(tables.aliases.rows(), &key)?.map(|value| decode(value.value())).transpose()?;
    if held
        .as_ref()
        .is_some_and(|held| (held.told && !told) || (held.told == told && held.to == to))
    {
        return Ok(false);
    }
    tables.aliases.put(&key, &encode(to, told))?;
    Ok(true)
}

/// Whether a move to this id was reported.
pub(super) fn is_told(
    tables: &Tables<'_>,
    connection: &Place,
    kind: &str,
    id: &str,
    to: &str,
) -> Result<bool, StoreError> {
    let held = get(tables.aliases.rows(), &row::key(connection, kind, id))?;
    let held = held.map(|value| decode(value.value())).transpose()?;
    Ok(held.is_some_and(|held| held.told && held.to == to))
}

/// Removes the alias of a record that exists again.
pub(super) fn end(
    tables: &mut Tables<'_>,
    connection: &Place,
    kind: &str,
    id: &str,
) -> Result<(), StoreError> {
    let key = row::key(connection, kind, id);
    if has(tables.aliases.rows(), &key)? {
        tables.aliases.remove(&key)?;
    }
    Ok(())
}

/// Removes what a sweep saw of a record, and its alias.
pub(super) fn erase(
    tables: &mut Tables<'_>,
    connection: &Place,
    kind: &str,
    id: &str,
) -> Result<(), StoreError> {
    end(tables, connection, kind, id)?;
    let key = row::key(connection, kind, id);
    if has(tables.seen.rows(), &key)? {
        tables.seen.remove(&key)?;
    }
    Ok(())
}

/// Drops a lead.
pub(super) fn drop_lead(
    tables: &mut Tables<'_>,
    connection: &Place,
    remote: &RemoteRef,
) -> Result<(), StoreError> {
    let key = row::key(connection, &remote.kind, &remote.id);
    let held = get(tables.aliases.rows(), &key)?.map(|value| decode(value.value())).transpose()?;
    if held.is_some_and(|held| !held.told) {
        tables.aliases.remove(&key)?;
    }
    Ok(())
}

/// The alias of a record.
pub(super) fn alias(
    read: &ReadTransaction,
    connection: &Place,
    remote: &RemoteRef,
) -> Result<Option<Alias>, StoreError> {
    let rows = table(read, ALIASES)?;
    let value = get(&rows, &row::key(connection, &remote.kind, &remote.id))?;
    value.map(|value| decode(value.value())).transpose()
}

/// The leads of a kind.
pub(super) fn leads(
    read: &ReadTransaction,
    connection: &Place,
    kind: &str,
    rows_max: usize,
) -> Result<Vec<(String, String)>, StoreError> {
    check::rows(rows_max)?;
    let prefix = connection.key().text(kind);
    let mut found = Vec::new();
    each(&table(read, ALIASES)?, prefix.clone().within(), usize::MAX, |key, value| {
        let alias = decode(value)?;
        if !alias.told && found.len() < rows_max {
            found.push((KeyReader::after(key, &prefix)?.text()?, alias.to));
        }
        Ok(())
    })?;
    Ok(found)
}

/// Stores the ids of a page of a sweep, and the state of the sweep. Nothing of an erased candidate
/// is stored; but a stored record with such an id was seen, and is not missing.
pub(super) fn see(
    tables: &mut Tables<'_>,
    connection: &Place,
    kind: &str,
    records: &[ObservedWrite],
    sweep: &SweepState,
) -> Result<(), StoreError> {
    for record in records {
        let key = row::key(connection, kind, &record.id);
        if has(tables.observed.rows(), &key)? {
            tables.seen.put(&key, &[])?;
        }
    }
    tables.sweeps.put(&connection.key().text(kind), &to_json(sweep)?).map(drop)
}

/// The state of the sweep of a kind.
pub(super) fn sweep_state(
    read: &ReadTransaction,
    connection: &Place,
    kind: &str,
) -> Result<Option<SweepState>, StoreError> {
    let rows = table(read, SWEEPS)?;
    let value = get(&rows, &connection.key().text(kind))?;
    value.map(|value| from_json(value.value(), "a sweep's state")).transpose()
}

/// Records that the sweep has not seen. Both tables are in the order of ids, so they are read side
/// by side.
pub(super) fn suspects_page(
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
    if rows_max == 0 || range.start >= range.end {
        return Ok(found);
    }
    let (observed, seen) = (table(read, OBSERVED)?, table(read, SEEN)?);
    let mut seen = seen.range(range.start.as_slice()..range.end.as_slice()).or_failed()?;
    let mut next_seen = seen.next().transpose().or_failed()?;
    for row in observed.range(range.start.as_slice()..range.end.as_slice()).or_failed()? {
        let (key, value) = row.or_failed()?;
        while next_seen.as_ref().is_some_and(|(seen, _)| seen.value() < key.value()) {
            next_seen = seen.next().transpose().or_failed()?;
        }
        if next_seen.as_ref().is_some_and(|(seen, _)| seen.value() == key.value()) {
            continue;
        }
        let stored = row::Stored::read(value.value())?;
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

/// Removes some ids that the sweep of a kind has seen. Returns how many.
pub(super) fn forget_seen(
    tables: &mut Tables<'_>,
    connection: &Place,
    kind: &str,
    rows_max: usize,
) -> Result<u64, StoreError> {
    let prefix = connection.key().text(kind);
    let mut ids = Vec::new();
    each(tables.seen.rows(), prefix.clone().within(), rows_max, |key, _| {
        ids.push(KeyReader::after(key, &prefix)?.text()?);
        Ok(())
    })?;
    for id in &ids {
        tables.seen.remove(&row::key(connection, kind, id))?;
    }
    Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX))
}
