//! The numbers of the connections.
//!
//! A connection gets its number in the transaction that first writes anything of it, and keeps it:
//! numbers are not used again, and the table never shrinks.
//!
//! Left out: the rows of `connections`, which are found by name; see [`super`].

use super::place::Place;
use super::tables::{NAMES, OrFailed, Tables, number, number_value, table};
use crate::store::StoreError;
use crate::store::codec::Key;
use redb::{ReadTransaction, ReadableTableMetadata};

/// The number of a connection that nothing was written of; no key has it.
const NONE: u64 = 0;

/// A connection, for a reader.
pub(super) fn place(read: &ReadTransaction, name: &str) -> Result<Place, StoreError> {
    Ok(Place::new(name.to_owned(), number(&table(read, NAMES)?, &Key::of(name))?))
}

/// Does work on a connection, which gets its number if the work wrote.
pub(super) fn within<T>(
    tables: &mut Tables<'_>,
    name: &str,
    work: impl FnOnce(&mut Tables<'_>, &Place) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let (rows, key) = (tables.names.rows(), Key::of(name));
    let held = number(rows, &key)?;
    let next = rows.len().or_failed()?.saturating_add(1);
    let place = Place::new(name.to_owned(), if held == NONE { next } else { held });
    let before = tables.writes();
    let done = work(tables, &place)?;
    if held == NONE && tables.writes() > before {
        tables.names.put(&key, &number_value(place.number()))?;
    }
    Ok(done)
}
