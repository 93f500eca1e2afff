//! The names of connections, and the row that each has for ever.

use super::sql::typed;
use crate::store::{StoreError, check};
use tokio_postgres::GenericClient;

/// The id of a connection; none where the store does not know its name.
pub(super) async fn id(
    sql: &impl GenericClient,
    connection: &str,
) -> Result<Option<i64>, StoreError> {
    let row = sql
        .query_typed_opt(
            "SELECT id FROM atsync.connections WHERE name = $1",
            typed![connection.as_bytes() => BYTEA],
        )
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Makes the row of a connection, unless there is one.
pub(super) async fn make(sql: &impl GenericClient, connection: &str) -> Result<(), StoreError> {
    check::words(&[("a connection's name", connection)])?;
    sql.execute_typed(
        "INSERT INTO atsync.connections (name) VALUES ($1) ON CONFLICT DO NOTHING",
        typed![connection.as_bytes() => BYTEA],
    )
    .await?;
    Ok(())
}
