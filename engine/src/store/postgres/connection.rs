//! What is kept about a connection, and its end.
//!
//! Bounds: rows of one removal. Left out: its lease; see [`super::lease`].

use super::sql::{json, to_json, typed};
use super::tx::Tx;
use crate::store::{ConnectionRow, StoreError, check};
use tokio_postgres::{Client, GenericClient};

/// Rows that one transaction of a removal takes from a table.
const REMOVED_MAX: i64 = 5_000;

/// The tables of a connection's rows, each with the columns of its key. The rows of the first five
/// are counted for the caller.
const TABLES: [(&str, &str); 17] = [
    ("observed", "kind, id"),
    ("desired", "key"),
    ("links", "path"),
    ("intents", "id"),
    ("changes", "serial"),
    ("terms", "digest, kind, id"),
    ("tallies", "of, word"),
    ("aliases", "kind, id"),
    ("scans", "kind, parent"),
    ("sweeps", "kind"),
    ("seen", "kind, id"),
    ("problems", "kind, id, field"),
    ("desired_names", "digest, key"),
    ("intent_names", "digest, id"),
    ("change_names", "digest, serial"),
    ("offsets", "consumer"),
    ("kept_notes", "area, key"),
];
/// How many of them are counted.
const COUNTED: usize = 5;

/// What is kept about a connection.
pub(super) async fn row(
    sql: &impl GenericClient,
    connection: &str,
) -> Result<Option<ConnectionRow>, StoreError> {
    let row = sql
        .query_typed_opt(
            "SELECT body FROM atsync.connections WHERE name = $1 AND body IS NOT NULL",
            typed![connection.as_bytes() => BYTEA],
        )
        .await?;
    row.map(|row| json(&row, 0, "the row of a connection")).transpose()
}

/// Writes what is kept about a connection.
pub(super) async fn put(tx: &Tx<'_>, row: &ConnectionRow) -> Result<(), StoreError> {
    check::connection(&tx.name, row)?;
    tx.sql
        .execute_typed(
            "UPDATE atsync.connections SET body = $2 WHERE id = $1",
            typed![tx.id => INT8, to_json(row)? => BYTEA],
        )
        .await?;
    Ok(())
}

/// Forgets a connection: from now on it has no rows. [`remove_forgotten`] removes those that it
/// had.
pub(super) async fn forget(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    tx.sql
        .execute_typed(
            "INSERT INTO atsync.forgotten (number) VALUES ($1)",
            typed![tx.number => INT8],
        )
        .await?;
    tx.counters.last_dirt = 0;
    tx.sql
        .execute_typed(
            "UPDATE atsync.connections SET number = nextval('atsync.numbers'), body = NULL, \
             last_dirt = 0 WHERE id = $1",
            typed![tx.id => INT8],
        )
        .await?;
    Ok(())
}

/// Removes the rows of forgotten connections, those of a removal that was killed too. Returns how
/// many.
pub(super) async fn remove_forgotten(sql: &Client) -> Result<u64, StoreError> {
    let mut removed = 0_u64;
    let numbers =
        sql.query_typed("SELECT number FROM atsync.forgotten ORDER BY number", &[]).await?;
    for row in numbers {
        let number: i64 = row.try_get(0)?;
        for (at, (table, key)) in TABLES.iter().enumerate() {
            let statement = format!(
                "DELETE FROM atsync.{table} WHERE connection = $1 AND ({key}) IN \
                 (SELECT {key} FROM atsync.{table} WHERE connection = $1 LIMIT $2)"
            );
            loop {
                let some = sql
                    .execute_typed(&statement, typed![number => INT8, REMOVED_MAX => INT8])
                    .await?;
                if at < COUNTED {
                    removed = removed.saturating_add(some);
                }
                if some == 0 {
                    break;
                }
            }
        }
        sql.execute_typed("DELETE FROM atsync.forgotten WHERE number = $1", typed![number => INT8])
            .await?;
    }
    Ok(removed)
}
