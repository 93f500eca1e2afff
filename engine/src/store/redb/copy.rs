//! Copies the rows of a store into another database, table by table in the order of their keys.
//!
//! The tables are found by name and not by this version's list, so a table that was added later is
//! copied too. The rows are those of one read transaction: what is written meanwhile is not in the
//! copy, and no row is of another moment than the others.
//!
//! Bounds: memory for [`BATCH_BYTES`] beside the caches. It blocks. Left out: the file that the
//! copy is in; see [`super::compact`] and [`super::backup`].

use super::tables::{Bytes, OrFailed};
use crate::store::StoreError;
use redb::{
    Database, ReadTransaction, ReadableTable, ReadableTableMetadata, StorageError, TableDefinition,
    TableHandle,
};
use std::collections::BTreeMap;

/// Bytes of rows that one transaction of the new file takes. Arbitrary, about what a page of a scan
/// has.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// How many rows each table has, by its name.
pub(super) type Counts = BTreeMap<String, u64>;

/// The names of all tables.
///
/// # Errors
/// When there is a table of a kind that no version up to this one writes.
pub(super) fn names(read: &ReadTransaction) -> Result<Vec<String>, StoreError> {
    if read.list_multimap_tables().or_failed()?.next().is_some() {
        return Err(StoreError::Unusable(
            "the store has a table of a kind that this version does not know; use the version that \
             wrote it"
                .to_owned(),
        ));
    }
    Ok(read.list_tables().or_failed()?.map(|table| table.name().to_owned()).collect())
}

/// Copies every table. `go_on` is asked between two batches; its error ends the copy.
pub(super) fn all(
    read: &ReadTransaction,
    new: &Database,
    go_on: &dyn Fn() -> Result<(), StoreError>,
) -> Result<Counts, StoreError> {
    let mut counts = Counts::new();
    for name in names(read)? {
        let rows = table(read, new, TableDefinition::new(&name), go_on)?;
        counts.insert(name, rows);
    }
    Ok(counts)
}

fn table(
    read: &ReadTransaction,
    new: &Database,
    definition: TableDefinition<'_, Bytes, Bytes>,
    go_on: &dyn Fn() -> Result<(), StoreError>,
) -> Result<u64, StoreError> {
    let from = read.open_table(definition).or_failed()?;
    let mut rows = from.iter().or_failed()?;
    let mut copied = 0_u64;
    let mut ended = false;
    while !ended {
        go_on()?;
        let write = new.begin_write().or_failed()?;
        {
            let mut to = write.open_table(definition).or_failed()?;
            let mut bytes = 0_usize;
            while bytes < BATCH_BYTES {
                let Some(row) = rows.next() else {
                    ended = true;
                    break;
                };
                let (key, value) = row.or_failed()?;
                bytes = bytes.saturating_add(key.value().len()).saturating_add(value.value().len());
                to.insert(key.value(), value.value()).or_failed()?;
                copied = copied.saturating_add(1);
            }
        }
        write.commit().or_failed()?;
    }
    known(definition.name(), from.len().or_failed()?, copied)
}

/// Reads every row of every table, so that each page that holds one is verified.
///
/// # Errors
/// The first table that cannot be read to its end, and why.
pub(super) fn read_all(read: &ReadTransaction) -> Result<Counts, String> {
    let mut counts = Counts::new();
    for name in names(read).map_err(|error| error.to_string())? {
        let rows = rows_of(read, &name).map_err(|why| format!("table {name}: {why}"))?;
        counts.insert(name, rows);
    }
    Ok(counts)
}

fn rows_of(read: &ReadTransaction, name: &str) -> Result<u64, String> {
    let why = |error: StorageError| error.to_string();
    let table = read.open_table(TableDefinition::<Bytes, Bytes>::new(name));
    let table = table.map_err(|error| error.to_string())?;
    let mut found = 0_u64;
    for row in table.iter().map_err(why)? {
        let (key, value) = row.map_err(why)?;
        let _ = (key.value(), value.value());
        found = found.saturating_add(1);
    }
    let known = table.len().map_err(why)?;
    if known == found { Ok(found) } else { Err(format!("it has {known} rows, {found} were read")) }
}

fn known(name: &str, known: u64, read: u64) -> Result<u64, StoreError> {
    if known == read {
        return Ok(read);
    }
    Err(StoreError::Io(format!("the table {name} has {known} rows, and {read} were read")))
}
