//! The observed records: reads by id, by page and by term.
//!
//! Bounds: rows per read. Left out: how a page is committed; see [`super::page`].

use super::digest;
use super::sql::{limit, list, number, some_text, text, typed};
use crate::index;
use crate::store::{ObservedRow, StoreError, check, merge};
use atsync_model::contract::RemoteRef;
use tokio_postgres::{GenericClient, Row};

/// The columns of a record, in the order in which [`row`] reads them.
pub(super) const COLUMNS: &str = "o.id, o.version, o.known, o.changed_ms, o.gone, o.moved_in, \
    o.body, o.raw";

/// A record as it is stored.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) version: Option<String>,
    pub(super) known: String,
    pub(super) changed_ms: u64,
    pub(super) gone: bool,
    pub(super) moved_in: bool,
    pub(super) body: String,
    pub(super) raw: Option<String>,
}

impl Stored {
    pub(super) fn of(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: text(row, 0)?,
            version: some_text(row, 1)?,
            known: text(row, 2)?,
            changed_ms: number(row, 3)?,
            gone: row.try_get(4)?,
            moved_in: row.try_get(5)?,
            body: text(row, 6)?,
            raw: some_text(row, 7)?,
        })
    }

    fn owned(self, kind: &str) -> ObservedRow {
        ObservedRow {
            kind: kind.to_owned(),
            id: self.id,
            version: self.version,
            body: self.body,
            raw: self.raw,
            known: merge::names(&self.known).map(str::to_owned).collect(),
            changed_ms: self.changed_ms,
            gone: self.gone,
            moved_in: self.moved_in,
        }
    }
}

fn all(kind: &str, rows: &[Row]) -> Result<Vec<ObservedRow>, StoreError> {
    rows.iter().map(|row| Ok(Stored::of(row)?.owned(kind))).collect()
}

/// One record.
pub(super) async fn one(
    sql: &impl GenericClient,
    connection: &str,
    remote: &RemoteRef,
) -> Result<Option<ObservedRow>, StoreError> {
    let statement = format!(
        "SELECT {COLUMNS} FROM atsync.observed o JOIN atsync.connections c \
         ON c.number = o.connection WHERE c.name = $1 AND o.kind = $2 AND o.id = $3"
    );
    let (kind, id) = (remote.kind.as_bytes(), remote.id.as_bytes());
    let parameters = typed![connection.as_bytes() => BYTEA, kind => BYTEA, id => BYTEA];
    let row = sql.query_typed_opt(&statement, parameters).await?;
    row.map(|row| Ok(Stored::of(&row)?.owned(&remote.kind))).transpose()
}

/// Records of a kind, in the order of their ids.
pub(super) async fn page(
    sql: &impl GenericClient,
    connection: &str,
    kind: &str,
    after: Option<&str>,
    rows_max: usize,
) -> Result<Vec<ObservedRow>, StoreError> {
    check::rows(rows_max)?;
    let statement = format!(
        "SELECT {COLUMNS} FROM atsync.observed o WHERE o.connection = \
         (SELECT number FROM atsync.connections WHERE name = $1) AND o.kind = $2 \
         AND ($3::bytea IS NULL OR o.id > $3) AND NOT o.gone ORDER BY o.id LIMIT $4"
    );
    let after = after.map(str::as_bytes);
    let parameters = typed![
        connection.as_bytes() => BYTEA, kind.as_bytes() => BYTEA, after => BYTEA,
        limit(rows_max) => INT8
    ];
    all(kind, &sql.query_typed(&statement, parameters).await?)
}

/// Records that carry a term, in the order of their ids.
pub(super) async fn lookup(
    sql: &impl GenericClient,
    connection: &str,
    (kind, index, term): (&str, &str, &str),
    after: Option<&str>,
    rows_max: usize,
) -> Result<Vec<ObservedRow>, StoreError> {
    check::rows(rows_max)?;
    let term = index::form(index, term);
    check::words(&[("a term", &term)])?;
    let statement = format!(
        "SELECT {COLUMNS} FROM atsync.terms t JOIN atsync.observed o \
         ON o.connection = t.connection AND o.kind = t.kind AND o.id = t.id \
         WHERE t.connection = (SELECT number FROM atsync.connections WHERE name = $1) \
         AND t.digest = $2 AND t.kind = $3 AND ($4::bytea IS NULL OR t.id > $4) AND NOT o.gone \
         ORDER BY t.id LIMIT $5"
    );
    let after = after.map(str::as_bytes);
    let parameters = typed![
        connection.as_bytes() => BYTEA, digest::term(kind, index, &term) => BYTEA,
        kind.as_bytes() => BYTEA, after => BYTEA, limit(rows_max) => INT8
    ];
    let mut rows = all(kind, &sql.query_typed(&statement, parameters).await?)?;
    let carries = |row: &ObservedRow| {
        index::terms(kind, &row.body).iter().any(|(name, held)| *name == index && *held == term)
    };
    rows.retain(carries);
    Ok(rows)
}

/// Records of a kind that its sweep has not seen.
pub(super) async fn suspects(
    sql: &impl GenericClient,
    connection: &str,
    kind: &str,
    after: Option<&str>,
    rows_max: usize,
) -> Result<Vec<ObservedRow>, StoreError> {
    check::rows(rows_max)?;
    let statement = format!(
        "SELECT {COLUMNS} FROM atsync.observed o WHERE o.connection = \
         (SELECT number FROM atsync.connections WHERE name = $1) AND o.kind = $2 \
         AND ($3::bytea IS NULL OR o.id > $3) AND NOT o.gone \
         AND NOT EXISTS (SELECT FROM atsync.seen s WHERE s.connection = o.connection \
         AND s.kind = o.kind AND s.id = o.id) ORDER BY o.id LIMIT $4"
    );
    let after = after.map(str::as_bytes);
    let parameters = typed![
        connection.as_bytes() => BYTEA, kind.as_bytes() => BYTEA, after => BYTEA,
        limit(rows_max) => INT8
    ];
    all(kind, &sql.query_typed(&statement, parameters).await?)
}

/// The stored records of a kind with these ids, tombstones too.
pub(super) async fn stored(
    sql: &impl GenericClient,
    number: i64,
    kind: &str,
    ids: impl IntoIterator<Item = &str>,
) -> Result<Vec<Stored>, StoreError> {
    let ids = list(ids);
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let statement = format!(
        "SELECT {COLUMNS} FROM atsync.observed o \
         WHERE o.connection = $1 AND o.kind = $2 AND o.id = ANY ($3)"
    );
    let parameters = typed![number => INT8, kind.as_bytes() => BYTEA, ids => BYTEA_ARRAY];
    sql.query_typed(&statement, parameters).await?.iter().map(Stored::of).collect()
}

/// How many records there are by kind.
pub(super) async fn counts(
    sql: &impl GenericClient,
    connection: &str,
) -> Result<Vec<(String, u64)>, StoreError> {
    super::tx::tallies(sql, connection, TALLY).await
}

/// The word under which records are counted, by kind.
pub(super) const TALLY: &str = "observed";
