//! The numbers of the connections.
//!
//! A connection gets its number in the transaction that first writes anything of it, and keeps it
//! until it is forgotten: then its name gets another one. Numbers are not used again, and the table
//! never shrinks; a forgotten number has a row of its own, which says whether rows of it are left.
//!
//! Left out: the rows of `connections`, which are found by name; see [`super`].

use super::place::Place;
use super::tables::{NAMES, OrFailed, Tables, each, number, number_of, number_value, table};
use crate::store::StoreError;
use crate::store::codec::Key;
use redb::{ReadTransaction, ReadableTableMetadata};

/// The number of a connection that nothing was written of; no key has it.
const NONE: u64 = 0;

/// What the names begin with that are no connection's: none has a control character.
pub(super) const INTERNAL: char = '\u{1}';

/// What the names of forgotten numbers begin with.
const FORGOTTEN: &str = "\u{1}forgotten/";

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

/// Gives a connection's name a number that no row has, and marks the former one as forgotten.
pub(super) fn renumbered(tables: &mut Tables<'_>, old: &Place) -> Result<Place, StoreError> {
    let next = tables.names.rows().len().or_failed()?.saturating_add(1);
    let forgotten = Key::of(&format!("{FORGOTTEN}{}", old.number()));
    tables.names.put(&forgotten, &number_value(old.number()))?;
    tables.names.put(&Key::of(old.name()), &number_value(next))?;
    Ok(Place::new(old.name().to_owned(), next))
}

/// A forgotten number of which rows may be left.
pub(super) fn forgotten(tables: &Tables<'_>) -> Result<Option<u64>, StoreError> {
    let mut found = None;
    let range = Key::default().text_beginning(FORGOTTEN).within();
    each(tables.names.rows(), range, usize::MAX, |_, value| {
        let number = number_of(value)?;
        found = found.or((number != NONE).then_some(number));
        Ok(())
    })?;
    Ok(found)
}

/// Notes that no row of a forgotten number is left.
pub(super) fn cleared(tables: &mut Tables<'_>, number: u64) -> Result<(), StoreError> {
    tables.names.put(&Key::of(&format!("{FORGOTTEN}{number}")), &number_value(NONE)).map(drop)
}
