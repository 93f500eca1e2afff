//! The tables of the file, and their accessors.
//!
//! Keys are [`Key`] tuples that begin with the connection's number, except in `META`, `NAMES` and
//! `CONNECTIONS`. Values begin with a format byte: frequent rows have binary fields (`observed`,
//! `changes`, `desired`), the others are JSON. Counters are stored with the rows, so that no count
//! reads a table.
//!
//! Left out: what the rows mean; see the modules beside this one.

use super::place::Place;
use crate::store::StoreError;
use crate::store::codec::{Key, damaged};
use redb::{AccessGuard, ReadTransaction, ReadableTable, Table, TableDefinition, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, Range};

pub(super) type Bytes = &'static [u8];
type Definition = TableDefinition<'static, Bytes, Bytes>;

/// `name` → text: what the file is.
pub(super) const META: Definition = TableDefinition::new("meta");
/// `name` → the number that the other tables have for the connection; see [`super::names`].
pub(super) const NAMES: Definition = TableDefinition::new("names");
/// `name` → JSON.
pub(super) const CONNECTIONS: Definition = TableDefinition::new("connections");
/// `(connection, kind, id)` → record.
pub(super) const OBSERVED: Definition = TableDefinition::new("observed");
/// `(connection, kind, index, term, id)` → nothing.
pub(super) const TERMS: Definition = TableDefinition::new("terms");
/// `(connection, kind)` or `(connection, kind, parent)` → JSON.
pub(super) const SCANS: Definition = TableDefinition::new("scans");
/// `(connection, kind)` → JSON: the state of the kind's sweep.
pub(super) const SWEEPS: Definition = TableDefinition::new("sweeps");
/// `(connection, kind, id)` → nothing: the ids that the kind's sweep has seen.
pub(super) const SEEN: Definition = TableDefinition::new("seen");
/// `(connection, kind, id)` → the id that replaces it, and whether that was reported.
pub(super) const ALIASES: Definition = TableDefinition::new("aliases");
/// `(connection, kind, id, field)` → JSON: what could not be read.
pub(super) const PROBLEMS: Definition = TableDefinition::new("problems");
/// `(connection, key)` → record.
pub(super) const DESIRED: Definition = TableDefinition::new("desired");
/// `(connection, key)` → nothing.
pub(super) const DIRTY: Definition = TableDefinition::new("dirty");
/// `(connection, name, term, key)` → nothing: the desired records by what their bodies name.
pub(super) const DESIRED_BY: Definition = TableDefinition::new("desired_by");
/// `(connection, path)` → JSON.
pub(super) const LINKS: Definition = TableDefinition::new("links");
/// `(connection, kind, id, path)` → nothing: the links by their remote record.
pub(super) const LINKED: Definition = TableDefinition::new("linked");
/// `(connection, number)` → JSON.
pub(super) const INTENTS: Definition = TableDefinition::new("intents");
/// `(connection, path, operation)` → number of the open intent.
pub(super) const OPEN: Definition = TableDefinition::new("open_intents");
/// `(connection, path, number)` → nothing.
pub(super) const BY_PATH: Definition = TableDefinition::new("intents_by_path");
/// `(connection, kind, id, number)` → nothing: the intents by the remote records they are about.
pub(super) const INTENTS_OF: Definition = TableDefinition::new("intents_of");
/// `(connection, serial)` → event.
pub(super) const CHANGES: Definition = TableDefinition::new("changes");
/// `(connection, kind, id, serial)` → nothing: the events by the records that they name.
pub(super) const EVENTS_OF: Definition = TableDefinition::new("events_of");
/// `(connection, consumer)` → serial.
pub(super) const OFFSETS: Definition = TableDefinition::new("offsets");
/// `(connection, hash)` → number of the erasure: blocks re-import.
pub(super) const ERASED: Definition = TableDefinition::new("erased");
/// `(connection, area, key)` → the value as it was given.
pub(super) const NOTES: Definition = TableDefinition::new("side_notes");
/// `(connection, group, name)` → number.
pub(super) const COUNTERS: Definition = TableDefinition::new("counters");

/// The format byte of JSON rows and of numbers.
const FORMAT: u8 = 1;

/// Turns the database's errors into the store's.
pub(super) trait OrFailed<T> {
    /// The value, or [`StoreError::Unusable`] where the file is damaged, or [`StoreError::Io`].
    fn or_failed(self) -> Result<T, StoreError>;
}

impl<T, E: Into<redb::Error>> OrFailed<T> for Result<T, E> {
    fn or_failed(self) -> Result<T, StoreError> {
        self.map_err(|error| match error.into() {
            redb::Error::Corrupted(what) => damaged(&format!("what is stored ({what})")),
            redb::Error::Io(error) if is_damage(&error) => {
                damaged(&format!("what is stored ({error})"))
            }
            redb::Error::PreviousIo => StoreError::Io(
                "an error of the disk before, after which its file takes no more until it is \
                 opened again: restart this process"
                    .to_owned(),
            ),
            error => StoreError::Io(error.to_string()),
        })
    }
}

/// Whether a read failed because the bytes are missing or not those that were written.
fn is_damage(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof)
}

/// A table that a transaction writes to. Counts its writes.
#[derive(Debug)]
pub(super) struct Space<'t> {
    rows: Table<'t, Bytes, Bytes>,
    writes: u64,
}

impl<'t> Space<'t> {
    fn open(transaction: &'t WriteTransaction, definition: Definition) -> Result<Self, StoreError> {
        Ok(Self { rows: transaction.open_table(definition).or_failed()?, writes: 0 })
    }

    /// The rows, to read.
    pub(super) fn rows(&self) -> &Table<'t, Bytes, Bytes> {
        &self.rows
    }

    /// Writes a row. Returns whether it replaced one.
    pub(super) fn put(&mut self, key: &Key, value: &[u8]) -> Result<bool, StoreError> {
        self.writes = self.writes.saturating_add(1);
        Ok(self.rows.insert(key.bytes(), value).or_failed()?.is_some())
    }

    /// Writes rows that have no older version here. Keys between which the table has none are one
    /// run: its leaves are filled, where single writes in ascending order leave each half empty,
    /// and written once.
    pub(super) fn put_new(&mut self, rows: BTreeMap<Key, Vec<u8>>) -> Result<(), StoreError> {
        let mut rows = rows.into_iter().peekable();
        while let Some((key, value)) = rows.next() {
            let mut cursor = self.rows.lower_bound_mut(Bound::Included(key.bytes())).or_failed()?;
            let next = cursor.peek_next().or_failed()?.map(|(next, _)| next.value().to_vec());
            let fits = |key: &Key| next.as_ref().is_none_or(|next| key.bytes() < next.as_slice());
            if !fits(&key) {
                // The row is there after all, so it is replaced.
                cursor.close().or_failed()?;
                self.put(&key, &value)?;
                continue;
            }
            cursor.insert_before(key.bytes(), value.as_slice()).or_failed()?;
            self.writes = self.writes.saturating_add(1);
            while let Some((key, value)) = rows.next_if(|(key, _)| fits(key)) {
                cursor.insert_before(key.bytes(), value.as_slice()).or_failed()?;
                self.writes = self.writes.saturating_add(1);
            }
            cursor.close().or_failed()?;
        }
        Ok(())
    }

    /// Removes the first rows of a range, at most `rows_max`. Returns how many.
    pub(super) fn remove_first(
        &mut self,
        range: Range<Vec<u8>>,
        rows_max: usize,
    ) -> Result<usize, StoreError> {
        let mut keys = Vec::new();
        each(&self.rows, range, rows_max, |key, _| {
            keys.push(key.to_vec());
            Ok(())
        })?;
        for key in &keys {
            self.writes = self.writes.saturating_add(1);
            self.rows.remove(key.as_slice()).or_failed()?;
        }
        Ok(keys.len())
    }

    /// Removes a row. Returns whether there was one.
    pub(super) fn remove(&mut self, key: &Key) -> Result<bool, StoreError> {
        self.writes = self.writes.saturating_add(1);
        Ok(self.rows.remove(key.bytes()).or_failed()?.is_some())
    }
}

macro_rules! tables {
    ($($field:ident: $definition:ident),* $(,)?) => {
        /// All tables of one write transaction, opened once.
        #[derive(Debug)]
        pub(super) struct Tables<'t> {
            $(pub(super) $field: Space<'t>,)*
            /// The connections that events were written for: their readers are woken after the
            /// commit.
            pub(super) told: BTreeSet<String>,
        }

        impl<'t> Tables<'t> {
            /// Opens them, and creates missing ones.
            pub(super) fn open(transaction: &'t WriteTransaction) -> Result<Self, StoreError> {
                Ok(Self { $($field: Space::open(transaction,
                    $definition)?,)* told: BTreeSet::new() })
            }

            /// How many writes there were.
            pub(super) fn writes(&self) -> u64 {
                [$(self.$field.writes,)*].into_iter().fold(0, u64::saturating_add)
            }
        }
    };
}

tables! {
    meta: META, names: NAMES, connections: CONNECTIONS, observed: OBSERVED, terms: TERMS,
    scans: SCANS, sweeps: SWEEPS, seen: SEEN, aliases: ALIASES, problems: PROBLEMS,
    desired: DESIRED, dirty: DIRTY, desired_by: DESIRED_BY, links: LINKS, linked: LINKED,
    intents: INTENTS, open: OPEN, by_path: BY_PATH, intents_of: INTENTS_OF, changes: CHANGES,
    events_of: EVENTS_OF, offsets: OFFSETS,
    erased: ERASED, notes: NOTES, counters: COUNTERS,
}

impl Tables<'_> {
    /// Adds to a counter.
    pub(super) fn count_up(&mut self, key: &Key, by: u64) -> Result<(), StoreError> {
        let count = number(self.counters.rows(), key)?.saturating_add(by);
        self.counters.put(key, &number_value(count)).map(drop)
    }

    /// Subtracts from a counter.
    pub(super) fn count_down(&mut self, key: &Key, by: u64) -> Result<(), StoreError> {
        let count = number(self.counters.rows(), key)?.saturating_sub(by);
        self.counters.put(key, &number_value(count)).map(drop)
    }
}

/// A counter's key.
pub(super) fn counter(connection: &Place, group: &str, name: &str) -> Key {
    connection.key().text(group).text(name)
}

/// The counters of a group that are not zero, by name.
pub(super) fn counters(
    read: &ReadTransaction,
    connection: &Place,
    group: &str,
) -> Result<Vec<(String, u64)>, StoreError> {
    counters_in(&table(read, COUNTERS)?, connection, group)
}

/// As [`counters`], of a table that is open.
pub(super) fn counters_in(
    rows: &impl ReadableTable<Bytes, Bytes>,
    connection: &Place,
    group: &str,
) -> Result<Vec<(String, u64)>, StoreError> {
    let mut found = Vec::new();
    let prefix = connection.key().text(group);
    each(rows, prefix.clone().within(), usize::MAX, |key, value| {
        let name = crate::store::codec::KeyReader::after(key, &prefix)?.text()?;
        let count = number_of(value)?;
        if count > 0 {
            found.push((name, count));
        }
        Ok(())
    })?;
    Ok(found)
}

/// A table to read.
pub(super) fn table(
    read: &ReadTransaction,
    definition: Definition,
) -> Result<redb::ReadOnlyTable<Bytes, Bytes>, StoreError> {
    read.open_table(definition).or_failed()
}

/// One row.
pub(super) fn get<'a>(
    rows: &'a impl ReadableTable<Bytes, Bytes>,
    key: &Key,
) -> Result<Option<AccessGuard<'a, Bytes>>, StoreError> {
    rows.get(key.bytes()).or_failed()
}

/// Whether there is a row.
pub(super) fn has(rows: &impl ReadableTable<Bytes, Bytes>, key: &Key) -> Result<bool, StoreError> {
    Ok(get(rows, key)?.is_some())
}

/// Visits the rows of a range, at most `rows_max`, in the order of their keys.
pub(super) fn each(
    rows: &impl ReadableTable<Bytes, Bytes>,
    range: Range<Vec<u8>>,
    rows_max: usize,
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    if range.start >= range.end {
        return Ok(());
    }
    for row in rows.range(range.start.as_slice()..range.end.as_slice()).or_failed()?.take(rows_max)
    {
        let (key, value) = row.or_failed()?;
        visit(key.value(), value.value())?;
    }
    Ok(())
}

/// Visits the values of a range from its end, while `visit` returns true.
pub(super) fn each_back(
    rows: &impl ReadableTable<Bytes, Bytes>,
    range: Range<Vec<u8>>,
    mut visit: impl FnMut(&[u8]) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    if range.start >= range.end {
        return Ok(());
    }
    for row in rows.range(range.start.as_slice()..range.end.as_slice()).or_failed()?.rev() {
        let (_, value) = row.or_failed()?;
        if !visit(value.value())? {
            break;
        }
    }
    Ok(())
}

/// Whether the range has a row.
pub(super) fn any(
    rows: &impl ReadableTable<Bytes, Bytes>,
    range: Range<Vec<u8>>,
) -> Result<bool, StoreError> {
    let mut found = false;
    each(rows, range, 1, |_, _| {
        found = true;
        Ok(())
    })?;
    Ok(found)
}

/// A number's row; 0 when there is none.
pub(super) fn number(
    rows: &impl ReadableTable<Bytes, Bytes>,
    key: &Key,
) -> Result<u64, StoreError> {
    get(rows, key)?.map_or(Ok(0), |value| number_of(value.value()))
}

/// A number from its value.
pub(super) fn number_of(value: &[u8]) -> Result<u64, StoreError> {
    crate::store::codec::ValueReader::new(value, FORMAT, "a counter")?.number()
}

/// A number as a value.
pub(super) fn number_value(number: u64) -> Vec<u8> {
    crate::store::codec::ValueWriter::new(FORMAT, 0).number(number).done()
}

/// A row's JSON.
pub(super) fn from_json<T: DeserializeOwned>(value: &[u8], what: &str) -> Result<T, StoreError> {
    match value.split_first() {
        Some((&FORMAT, json)) => serde_json::from_slice(json).map_err(|_| damaged(what)),
        _ => Err(damaged(what)),
    }
}

/// A row as JSON behind its format byte.
pub(super) fn to_json<T: Serialize>(row: &T) -> Result<Vec<u8>, StoreError> {
    let mut value = vec![FORMAT];
    serde_json::to_writer(&mut value, row).map_err(|error| {
        StoreError::Invalid(format!("a row cannot be written as JSON: {error}"))
    })?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::{Key, OBSERVED, Space};
    use redb::backends::InMemoryBackend;
    use redb::{Database, ReadableTable, ReadableTableMetadata};

    const ROW: [u8; 800] = [7; 800];

    fn key(number: u64) -> Key {
        Key::at(1).number(number)
    }

    #[test]
    fn new_rows_in_order_fill_their_pages_and_replace_what_is_there() {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let transaction = database.begin_write().unwrap();
        {
            let mut space = Space::open(&transaction, OBSERVED).unwrap();
            // Two rows are there already, one of them with a key that a page writes too.
            space.put(&key(250), b"old").unwrap();
            space.put(&key(9_999), b"other").unwrap();
            for page in 0..4 {
                let numbers = page * 500..(page + 1) * 500;
                space.put_new(numbers.map(|number| (key(number), ROW.to_vec())).collect()).unwrap();
            }
            assert_eq!(space.writes, 2_002);
            assert_eq!(space.rows().len().unwrap(), 2_001);
            for number in 0..2_000 {
                let row = space.rows().get(key(number).bytes()).unwrap();
                assert_eq!(row.unwrap().value(), ROW, "{number}");
            }
            assert_eq!(space.rows().get(key(9_999).bytes()).unwrap().unwrap().value(), b"other");
            // Four rows of 800 bytes fill a page of 4,096; half-full pages have two or three.
            let pages = space.rows().stats().unwrap().leaf_pages();
            assert!(pages < 520, "{pages} pages for 500 full ones");
        }
        transaction.commit().unwrap();
    }
}
