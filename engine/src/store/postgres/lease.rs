//! The leases of connections, in the database's time.
//!
//! A claim raises the fence, unless the same holder claims what it knows to have. It succeeds where
//! no lease is or the held one has ended; else the error names the holder. A process renews all its
//! leases by one statement.
//!
//! Left out: when to renew and what to give back.

use super::names;
use super::sql::{number, signed, typed};
use crate::store::StoreError;
use tokio_postgres::{Client, GenericClient};

/// A lease that was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Granted {
    /// The connection's id.
    pub(super) id: i64,
    pub(super) fence: u64,
}

/// Claims the lease of a connection for some time. `known`: the fence of the one that this process
/// has.
pub(super) async fn claim(
    sql: &Client,
    name: &str,
    holder: &str,
    known: Option<u64>,
    length_ms: i64,
) -> Result<Granted, StoreError> {
    let known = known.map_or(-1, signed);
    names::make(sql, name).await?;
    let id = names::id(sql, name).await?;
    let id = id.ok_or_else(|| super::sql::damaged("the row of a connection"))?;
    let claimed = sql
        .query_typed_opt(
            "INSERT INTO atsync.leases AS l (connection, holder, fence, until) \
         VALUES ($1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond') \
         ON CONFLICT (connection) DO UPDATE SET holder = $2, until = excluded.until, \
         fence = CASE WHEN l.fence = $4 AND l.until > clock_timestamp() \
         THEN l.fence ELSE l.fence + 1 END \
         WHERE l.holder = $2 OR l.until <= clock_timestamp() RETURNING fence",
            typed![id => INT8, holder => TEXT, length_ms => INT8, known => INT8],
        )
        .await?;
    match claimed {
        Some(row) => Ok(Granted { id, fence: number(&row, 0)? }),
        None => Err(StoreError::LeaseHeld {
            connection: name.to_owned(),
            holder: held_by(sql, id).await?,
        }),
    }
}

/// The holder of a lease, for people.
async fn held_by(sql: &impl GenericClient, id: i64) -> Result<String, StoreError> {
    let row = sql
        .query_typed_opt(
            "SELECT holder FROM atsync.leases WHERE connection = $1",
            typed![id => INT8],
        )
        .await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.unwrap_or_default())
}
