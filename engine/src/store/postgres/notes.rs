//! Notes: small named values beside the records. See [`crate::store::notes`].
//!
//! Bounds: those of [`check`].

use super::sql::{bytes, limit, list, text, typed};
use super::tx::Tx;
use crate::store::{Note, StoreError, check};
use std::collections::BTreeMap;
use tokio_postgres::{GenericClient, Row};

/// Changes notes, each on its condition.
pub(super) async fn put(tx: &Tx<'_>, notes: &[Note]) -> Result<(), StoreError> {
    check::notes(&tx.name, notes)?;
    let areas = list(notes.iter().map(|note| note.area.as_str()));
    let keys = list(notes.iter().map(|note| note.key.as_str()));
    let rows = tx
        .sql
        .query_typed(
            "SELECT n.area, n.key, n.value FROM atsync.kept_notes n \
         JOIN (SELECT DISTINCT * FROM unnest($2::bytea[], $3::bytea[]) e (area, key)) e \
         ON e.area = n.area AND e.key = n.key WHERE n.connection = $1",
            typed![tx.number => INT8, areas => BYTEA_ARRAY, keys => BYTEA_ARRAY],
        )
        .await?;
    let mut held: BTreeMap<(String, String), Vec<u8>> = BTreeMap::new();
    for row in rows {
        held.insert((text(&row, 0)?, text(&row, 1)?), bytes(&row, 2)?.to_owned());
    }
    for note in notes {
        let at = (note.area.clone(), note.key.clone());
        note.holds(held.get(&at).map(Vec::as_slice))?;
    }
    for Note { area, key, value, .. } in notes {
        let (area, key) = (area.as_bytes(), key.as_bytes());
        match value {
            Some(value) => {
                tx.sql
                    .execute_typed(
                        "INSERT INTO atsync.kept_notes (connection, area, key, value) \
                     VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (connection, area, key) DO UPDATE SET value = excluded.value",
                        typed![
                            tx.number => INT8, area => BYTEA, key => BYTEA, value => BYTEA
                        ],
                    )
                    .await?;
            }
            None => {
                tx.sql
                    .execute_typed(
                        "DELETE FROM atsync.kept_notes \
                     WHERE connection = $1 AND area = $2 AND key = $3",
                        typed![tx.number => INT8, area => BYTEA, key => BYTEA],
                    )
                    .await?;
            }
        }
    }
    Ok(())
}

/// The value of one note.
pub(super) async fn one(
    sql: &impl GenericClient,
    connection: &str,
    area: &str,
    key: &str,
) -> Result<Option<Vec<u8>>, StoreError> {
    check::note_of(connection, area, key)?;
    let row = sql
        .query_typed_opt(
            "SELECT n.value FROM atsync.kept_notes n JOIN atsync.connections c \
             ON c.number = n.connection \
         WHERE c.name = $1 AND n.area = $2 AND n.key = $3",
            typed![
                connection.as_bytes() => BYTEA, area.as_bytes() => BYTEA, key.as_bytes() => BYTEA
            ],
        )
        .await?;
    row.map(|row| Ok(bytes(&row, 0)?.to_owned())).transpose()
}

/// The notes of an area, in the order of their keys.
pub(super) async fn page(
    sql: &impl GenericClient,
    connection: &str,
    area: &str,
    after: Option<&str>,
    rows_max: usize,
) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    check::rows(rows_max)?;
    let after = after.map(str::as_bytes);
    let rows = sql
        .query_typed(
            "SELECT n.key, n.value FROM atsync.kept_notes n WHERE n.connection = \
         (SELECT number FROM atsync.connections WHERE name = $1) AND n.area = $2 \
         AND ($3::bytea IS NULL OR n.key > $3) ORDER BY n.key LIMIT $4",
            typed![
                connection.as_bytes() => BYTEA, area.as_bytes() => BYTEA, after => BYTEA,
                limit(rows_max) => INT8
            ],
        )
        .await?;
    let note = |row: &Row| Ok((text(row, 0)?, bytes(row, 1)?.to_owned()));
    rows.iter().map(note).collect()
}
