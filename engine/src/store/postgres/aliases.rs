//! The records that replace others: reported moves, and leads to one.
//!
//! Bounds: rows per read. Left out: how a lead is confirmed.

use super::sql::{limit, list, text, typed};
use super::tx::Tx;
use crate::store::{Alias, StoreError, check};
use atsync_model::contract::RemoteRef;
use atsync_model::resource::PERSON;
use std::collections::BTreeMap;
use tokio_postgres::GenericClient;

/// The record that replaces another one.
pub(super) async fn one(
    sql: &impl GenericClient,
    connection: &str,
    remote: &RemoteRef,
) -> Result<Option<Alias>, StoreError> {
    let row = sql
        .query_typed_opt(
            "SELECT a.continues, a.reported FROM atsync.aliases a JOIN atsync.connections c \
         ON c.number = a.connection WHERE c.name = $1 AND a.kind = $2 AND a.id = $3",
            typed![
                connection.as_bytes() => BYTEA, remote.kind.as_bytes() => BYTEA,
                remote.id.as_bytes() => BYTEA
            ],
        )
        .await?;
    let row = row;
    row.map(|row| Ok(Alias { to: text(&row, 0)?, told: row.try_get(1)? })).transpose()
}

/// The leads of a kind.
pub(super) async fn leads(
    sql: &impl GenericClient,
    connection: &str,
    kind: &str,
    rows_max: usize,
) -> Result<Vec<(String, String)>, StoreError> {
    check::rows(rows_max)?;
    let rows = sql
        .query_typed(
            "SELECT a.id, a.continues FROM atsync.aliases a WHERE a.connection = \
         (SELECT number FROM atsync.connections WHERE name = $1) AND a.kind = $2 \
         AND NOT a.reported ORDER BY a.id LIMIT $3",
            typed![
                connection.as_bytes() => BYTEA, kind.as_bytes() => BYTEA, limit(rows_max) => INT8
            ],
        )
        .await?;
    rows.iter().map(|row| Ok((text(row, 0)?, text(row, 1)?))).collect()
}

/// Drops a lead that was not confirmed.
pub(super) async fn drop_lead(tx: &Tx<'_>, remote: &RemoteRef) -> Result<(), StoreError> {
    tx.sql
        .execute_typed(
            "DELETE FROM atsync.aliases WHERE connection = $1 AND kind = $2 AND id = $3 \
             AND NOT reported",
            typed![
                tx.number => INT8, remote.kind.as_bytes() => BYTEA, remote.id.as_bytes() => BYTEA
            ],
        )
        .await?;
    Ok(())
}

/// Removes the aliases of records that exist again.
pub(super) async fn end(tx: &Tx<'_>, kind: &str, ids: &[&str]) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids = list(ids.iter().copied());
    tx.sql
        .execute_typed(
            "DELETE FROM atsync.aliases WHERE connection = $1 AND kind = $2 AND id = ANY ($3)",
            typed![tx.number => INT8, kind.as_bytes() => BYTEA, ids => BYTEA_ARRAY],
        )
        .await?;
    Ok(())
}

/// Writes leads; one never replaces a reported move.
pub(super) async fn put_leads(tx: &Tx<'_>, leads: &BTreeMap<&str, &str>) -> Result<(), StoreError> {
    if leads.is_empty() {
        return Ok(());
    }
    let (from, to) = (list(leads.keys().copied()), list(leads.values().copied()));
    tx.sql
        .execute_typed(
            "INSERT INTO atsync.aliases AS a (connection, kind, id, continues, reported) \
             SELECT $1, $2, *, false FROM unnest($3::bytea[], $4::bytea[]) \
             ON CONFLICT (connection, kind, id) DO UPDATE SET continues = excluded.continues \
             WHERE NOT a.reported",
            typed![
                tx.number => INT8, PERSON.as_bytes() => BYTEA, from => BYTEA_ARRAY,
                to => BYTEA_ARRAY
            ],
        )
        .await?;
    Ok(())
}

/// Writes a reported move.
pub(super) async fn put(tx: &Tx<'_>, kind: &str, from: &str, to: &str) -> Result<(), StoreError> {
    tx.sql
        .execute_typed(
            "INSERT INTO atsync.aliases (connection, kind, id, continues, reported) \
             VALUES ($1, $2, $3, $4, true) ON CONFLICT (connection, kind, id) \
             DO UPDATE SET continues = excluded.continues, reported = true",
            typed![
                tx.number => INT8, kind.as_bytes() => BYTEA, from.as_bytes() => BYTEA,
                to.as_bytes() => BYTEA
            ],
        )
        .await?;
    Ok(())
}
