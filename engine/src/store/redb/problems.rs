//! The rows and fields that could not be read, until they are.
//!
//! One row for each record and field, and one for all rows of a kind without an id. They are few,
//! so a page reads all of its kind.
//!
//! Bounds: [`PROBLEMS_MAX`] of a kind. Left out: what counts as a problem and when it is solved;
//! the reconciler decides.

use super::feed;
use super::place::Place;
use super::tables::{Bytes, PROBLEMS, Tables, each, from_json, get, has, table, to_json};
use crate::store::codec::Key;
use crate::store::limits::PROBLEMS_MAX;
use crate::store::{ProblemRow, Problems, StoreError, check};
use redb::{ReadTransaction, ReadableTable};

const WHAT: &str = "a problem";

fn key(connection: &Place, kind: &str, id: Option<&str>, field: Option<&str>) -> Key {
    connection.key().text(kind).text(id.unwrap_or_default()).text(field.unwrap_or_default())
}

fn rows_of(
    rows: &impl ReadableTable<Bytes, Bytes>,
    prefix: Key,
    rows_max: usize,
) -> Result<Vec<ProblemRow>, StoreError> {
    let mut found = Vec::new();
    each(rows, prefix.within(), rows_max, |_, value| {
        found.push(from_json(value, WHAT)?);
        Ok(())
    })?;
    Ok(found)
}

pub(super) fn problems(
    read: &ReadTransaction,
    connection: &Place,
    kind: Option<&str>,
    rows_max: usize,
) -> Result<Vec<ProblemRow>, StoreError> {
    check::rows(rows_max)?;
    let prefix = kind.map_or_else(|| connection.key(), |kind| connection.key().text(kind));
    rows_of(&table(read, PROBLEMS)?, prefix, rows_max)
}

pub(super) fn note(
    tables: &mut Tables<'_>,
    connection: &Place,
    problems: &Problems,
) -> Result<Vec<ProblemRow>, StoreError> {
    let kind = problems.kind.as_str();
    for (id, field) in &problems.cured {
        let key = key(connection, kind, id.as_deref(), field.as_deref());
        if has(tables.problems.rows(), &key)? {
            tables.problems.remove(&key)?;
        }
    }
    let mut kept = rows_of(tables.problems.rows(), connection.key().text(kind), usize::MAX)?.len();
    let mut new = Vec::new();
    for met in crate::store::problems::bounded(&problems.met, |met| {
        let known = has(
            tables.problems.rows(),
            &key(connection, kind, met.id.as_deref(), met.field.as_deref()),
        )?;
        kept = kept.saturating_add(usize::from(!known));
        Ok(known || kept <= PROBLEMS_MAX)
    })? {
        let key = key(connection, kind, met.id.as_deref(), met.field.as_deref());
        let before = match get(tables.problems.rows(), &key)? {
            Some(value) => Some(from_json::<ProblemRow>(value.value(), WHAT)?),
            None => None,
        };
        let is_new = before.is_none();
        let row = met.row(problems, before);
        tables.problems.put(&key, &to_json(&row)?)?;
        if is_new {
            feed::append(tables, connection, &[met.event(problems)])?;
            new.push(row);
        }
    }
    Ok(new)
}
