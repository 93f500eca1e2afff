//! The states of passes and sweeps, and what they could not read.
//!
//! Bounds: rows per read and per removal. Left out: when to scan.

use super::feed;
use super::sql::{count, json, limit, some_text, text, to_json, typed};
use super::tx::Tx;
use crate::store::limits::PROBLEMS_MAX;
use crate::store::problems::bounded;
use crate::store::{ProblemRow, Problems, ScanState, StoreError, SweepState, check};
use std::collections::BTreeMap;
use tokio_postgres::{GenericClient, Row};

/// What stands before a parent's id, so that a kind that is scanned as a whole has another place
/// than one whose parent has an empty id.
const BELOW: &str = "/";

fn parent_place(parent: Option<&str>) -> String {
    parent.map_or_else(String::new, |parent| format!("{BELOW}{parent}"))
}

/// The state of one scan.
pub(super) async fn one(
    sql: &impl GenericClient,
    connection: &str,
    kind: &str,
    parent: Option<&str>,
) -> Result<Option<ScanState>, StoreError> {
    let row = sql.query_typed_opt(
        "SELECT s.body FROM atsync.scans s JOIN atsync.connections c ON c.number = s.connection \
         WHERE c.name = $1 AND s.kind = $2 AND s.parent = $3",
        typed![
            connection.as_bytes() => BYTEA, kind.as_bytes() => BYTEA,
            parent_place(parent).as_bytes() => BYTEA
        ],
    ).await?;
    row.map(|row| json(&row, 0, "a scan's state")).transpose()
}

/// A kind, a parent, and the state of their scan.
pub(super) type Scan = (String, Option<String>, ScanState);

/// The states of all scans.
pub(super) async fn all(
    sql: &impl GenericClient,
    connection: &str,
) -> Result<Vec<Scan>, StoreError> {
    let rows = sql
        .query_typed(
            "SELECT s.kind, s.parent, s.body FROM atsync.scans s JOIN atsync.connections c \
         ON c.number = s.connection WHERE c.name = $1 ORDER BY s.kind, s.parent",
            typed![connection.as_bytes() => BYTEA],
        )
        .await?;
    let scan = |row: &Row| {
        let parent = some_text(row, 1)?.unwrap_or_default();
        let parent = parent.strip_prefix(BELOW).map(str::to_owned);
        Ok((text(row, 0)?, parent, json(row, 2, "a scan's state")?))
    };
    rows.iter().map(scan).collect()
}

/// Writes the state of a scan.
pub(super) async fn put(
    tx: &Tx<'_>,
    kind: &str,
    parent: Option<&str>,
    scan: &ScanState,
) -> Result<(), StoreError> {
    tx.sql
        .execute_typed(
            "INSERT INTO atsync.scans (connection, kind, parent, body) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (connection, kind, parent) DO UPDATE SET body = excluded.body",
            typed![
                tx.number => INT8, kind.as_bytes() => BYTEA,
                parent_place(parent).as_bytes() => BYTEA, to_json(scan)? => BYTEA
            ],
        )
        .await?;
    Ok(())
}

/// The state of a sweep.
pub(super) async fn sweep(
    sql: &impl GenericClient,
    connection: &str,
    kind: &str,
) -> Result<Option<SweepState>, StoreError> {
    let row = sql.query_typed_opt(
        "SELECT s.body FROM atsync.sweeps s JOIN atsync.connections c ON c.number = s.connection \
         WHERE c.name = $1 AND s.kind = $2",
        typed![connection.as_bytes() => BYTEA, kind.as_bytes() => BYTEA],
    ).await?;
    row.map(|row| json(&row, 0, "a sweep's state")).transpose()
}

/// Removes some ids that a sweep has seen. Returns how many.
pub(super) async fn forget_seen(
    tx: &Tx<'_>,
    kind: &str,
    rows_max: usize,
) -> Result<u64, StoreError> {
    check::rows(rows_max)?;
    let removed = tx
        .sql
        .execute_typed(
            "DELETE FROM atsync.seen WHERE connection = $1 AND kind = $2 AND id IN (SELECT id \
         FROM atsync.seen WHERE connection = $1 AND kind = $2 ORDER BY id LIMIT $3)",
            typed![tx.number => INT8, kind.as_bytes() => BYTEA, limit(rows_max) => INT8],
        )
        .await?;
    Ok(removed)
}

/// What could not be read.
pub(super) async fn problems(
    sql: &impl GenericClient,
    connection: &str,
    kind: Option<&str>,
    rows_max: usize,
) -> Result<Vec<ProblemRow>, StoreError> {
    check::rows(rows_max)?;
    let kind = kind.map(str::as_bytes);
    let rows = sql
        .query_typed(
            "SELECT p.body FROM atsync.problems p JOIN atsync.connections c \
         ON c.number = p.connection WHERE c.name = $1 AND ($2::bytea IS NULL OR p.kind = $2) \
         ORDER BY p.kind, p.id, p.field LIMIT $3",
            typed![connection.as_bytes() => BYTEA, kind => BYTEA, limit(rows_max) => INT8],
        )
        .await?;
    rows.iter().map(|row| json(row, 0, "a problem")).collect()
}

/// The place of a problem below its kind.
type Place = (String, String);

fn place(id: Option<&String>, field: Option<&String>) -> Place {
    (id.cloned().unwrap_or_default(), field.cloned().unwrap_or_default())
}

/// Stores what a page could not read, and removes what it could.
pub(super) async fn note(
    tx: &mut Tx<'_>,
    problems: &Problems,
) -> Result<Vec<ProblemRow>, StoreError> {
    check::problems(&tx.name, problems)?;
    let kind = problems.kind.as_bytes();
    for (id, field) in &problems.cured {
        let (id, field) = place(id.as_ref(), field.as_ref());
        tx.sql
            .execute_typed(
                "DELETE FROM atsync.problems WHERE connection = $1 AND kind = $2 AND id = $3 \
                 AND field = $4",
                typed![
                    tx.number => INT8, kind => BYTEA, id.as_bytes() => BYTEA,
                    field.as_bytes() => BYTEA
                ],
            )
            .await?;
    }
    // At most some thousand are kept of a kind, so all of them are read.
    let rows = tx
        .sql
        .query_typed(
            "SELECT id, field, body FROM atsync.problems WHERE connection = $1 AND kind = $2",
            typed![tx.number => INT8, kind => BYTEA],
        )
        .await?;
    let mut held: BTreeMap<Place, ProblemRow> = BTreeMap::new();
    for row in rows {
        held.insert((text(&row, 0)?, text(&row, 1)?), json(&row, 2, "a problem")?);
    }
    let mut kept = held.len();
    let met = bounded(&problems.met, |met| {
        let known = held.contains_key(&place(met.id.as_ref(), met.field.as_ref()));
        kept = kept.saturating_add(usize::from(!known));
        Ok(known || count(kept) <= count(PROBLEMS_MAX))
    })?;
    let (mut new, mut events) = (Vec::new(), Vec::new());
    for met in met {
        let place = place(met.id.as_ref(), met.field.as_ref());
        let before = held.remove(&place);
        let is_new = before.is_none();
        let row = met.row(problems, before);
        held.insert(place.clone(), row.clone());
        tx.sql
            .execute_typed(
                "INSERT INTO atsync.problems (connection, kind, id, field, body) \
                 VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (connection, kind, id, field) DO UPDATE SET body = excluded.body",
                typed![
                    tx.number => INT8, kind => BYTEA, place.0.as_bytes() => BYTEA,
                    place.1.as_bytes() => BYTEA, to_json(&row)? => BYTEA
                ],
            )
            .await?;
        if is_new {
            events.push(met.event(problems));
            new.push(row);
        }
    }
    feed::append_all(tx, &events).await?;
    Ok(new)
}
