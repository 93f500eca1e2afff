//! Forgetting a connection.
//!
//! The rows of a connection are found by its number. So it is forgotten at once, in a small
//! transaction that gives its name another number, and its rows, which no reader finds any more,
//! are removed in steps that delay no other writer. A step that a kill prevents is made by the next
//! call.
//!
//! What a later connection of the name must not repeat is carried over: serials that readers may
//! have, the times of marks, and the hashes of erased candidates.
//!
//! Bounds: [`ROWS_MAX`] rows of one step. Left out: whether the connection is open; the engine
//! knows.

use super::place::Place;
use super::tables::{Space, Tables, any, has};
use super::{barred, feed, gap, journal, names};
use crate::store::StoreError;
use crate::store::codec::Key;

/// Rows that one step removes.
const ROWS_MAX: usize = 20_000;

/// Forgets a connection. See [`crate::store::Connections::forget`].
pub(super) fn forget(tables: &mut Tables<'_>, connection: &Place) -> Result<(), StoreError> {
    let row = Key::of(connection.name());
    let has_row = has(tables.connections.rows(), &row)?;
    let mut has_rows = has_row;
    for rows in content(tables) {
        has_rows = has_rows || any(rows.rows(), connection.key().within())?;
    }
    if !has_rows {
        return Ok(());
    }
    let last = feed::last_serial(tables, connection)?;
    let fresh = names::renumbered(tables, connection)?;
    feed::begin_after(tables, &fresh, last)?;
    gap::carry(tables, connection, &fresh)?;
    journal::carry_mark(tables, connection, &fresh)?;
    barred::carry(tables, connection, &fresh)?;
    if has_row {
        tables.connections.remove(&row)?;
    }
    Ok(())
}

/// Removes rows of forgotten connections. Returns how many; 0 when none is left.
pub(super) fn clear(tables: &mut Tables<'_>) -> Result<u64, StoreError> {
    while let Some(number) = names::forgotten(tables)? {
        let removed = remove(tables, number)?;
        if removed > 0 {
            return Ok(u64::try_from(removed).unwrap_or(u64::MAX));
        }
        names::cleared(tables, number)?;
    }
    Ok(0)
}

/// What a connection has, but for what is carried over.
fn content<'a, 't>(tables: &'a mut Tables<'t>) -> [&'a mut Space<'t>; 20] {
    [
        &mut tables.observed,
        &mut tables.terms,
        &mut tables.scans,
        &mut tables.sweeps,
        &mut tables.seen,
        &mut tables.aliases,
        &mut tables.problems,
        &mut tables.desired,
        &mut tables.dirty,
        &mut tables.desired_by,
        &mut tables.links,
        &mut tables.linked,
        &mut tables.intents,
        &mut tables.open,
        &mut tables.by_path,
        &mut tables.intents_of,
        &mut tables.changes,
        &mut tables.events_of,
        &mut tables.offsets,
        &mut tables.notes,
    ]
}

fn remove(tables: &mut Tables<'_>, number: u64) -> Result<usize, StoreError> {
    let mut removed = 0_usize;
    let mut remove = |rows: &mut Space<'_>| {
        let left = ROWS_MAX.saturating_sub(removed);
        let some = rows.remove_first(Key::at(number).within(), left)?;
        removed = removed.saturating_add(some);
        Ok::<_, StoreError>(())
    };
    for rows in content(tables) {
        remove(rows)?;
    }
    remove(&mut tables.erased)?;
    remove(&mut tables.counters)?;
    Ok(removed)
}
