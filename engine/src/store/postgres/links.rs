//! The links between paths and remote records.
//!
//! Bounds: those of [`crate::store::check`]. Left out: what a link means; see [`crate::link`].

use super::sql::{json, limit, list, text, to_json, typed};
use super::tx::Tx;
use crate::path;
use crate::store::{LinkRow, StoreError, check};
use atsync_model::contract::RemoteRef;
use std::collections::BTreeSet;
use tokio_postgres::{GenericClient, Row};

const WHAT: &str = "a link";

/// The number of a connection's rows, as a part of a statement whose first parameter is its name.
const NUMBER: &str = "(SELECT number FROM atsync.connections WHERE name = $1)";

fn all(rows: &[Row]) -> Result<Vec<LinkRow>, StoreError> {
    rows.iter().map(|row| json(row, 0, WHAT)).collect()
}

/// The first text after every path below a key: `/` is followed by `0`.
pub(super) fn end_of(key: &str) -> String {
    format!("{key}0")
}

/// The link of a path.
pub(super) async fn one(
    sql: &impl GenericClient,
    connection: &str,
    path: &str,
) -> Result<Option<LinkRow>, StoreError> {
    let statement =
        format!("SELECT body FROM atsync.links WHERE connection = {NUMBER} AND path = $2");
    let parameters = typed![connection.as_bytes() => BYTEA, path.as_bytes() => BYTEA];
    let row = sql.query_typed_opt(&statement, parameters).await?;
    row.map(|row| json(&row, 0, WHAT)).transpose()
}

/// The links of a key and of the paths below it.
pub(super) async fn below(
    sql: &impl GenericClient,
    connection: &str,
    key: &str,
) -> Result<Vec<LinkRow>, StoreError> {
    let statement = format!(
        "SELECT body FROM atsync.links WHERE connection = {NUMBER} \
         AND (path = $2 OR (path >= $3 AND path < $4)) ORDER BY path"
    );
    let (first, end) = (format!("{key}/"), end_of(key));
    let parameters = typed![
        connection.as_bytes() => BYTEA, key.as_bytes() => BYTEA, first.as_bytes() => BYTEA,
        end.as_bytes() => BYTEA
    ];
    let rows = all(&sql.query_typed(&statement, parameters).await?)?;
    Ok(rows.into_iter().filter(|link| path::is_within(&link.path, key)).collect())
}

/// The links to a remote record.
pub(super) async fn to(
    sql: &impl GenericClient,
    connection: &str,
    remote: &RemoteRef,
) -> Result<Vec<LinkRow>, StoreError> {
    let statement = format!(
        "SELECT body FROM atsync.links WHERE connection = {NUMBER} AND kind = $2 AND id = $3 \
         ORDER BY path"
    );
    let parameters = typed![
        connection.as_bytes() => BYTEA, remote.kind.as_bytes() => BYTEA,
        remote.id.as_bytes() => BYTEA
    ];
    all(&sql.query_typed(&statement, parameters).await?)
}

/// Whether any path is linked.
pub(super) async fn is_any(tx: &Tx<'_>) -> Result<bool, StoreError> {
    let row = tx
        .sql
        .query_typed_one(
            "SELECT EXISTS (SELECT FROM atsync.links WHERE connection = $1)",
            typed![tx.number => INT8],
        )
        .await?;
    Ok(row.try_get(0)?)
}

/// The keys of the desired records that are linked to records of a kind.
pub(super) async fn keys_of<'t>(
    tx: &Tx<'_>,
    kind: &str,
    ids: impl IntoIterator<Item = &'t str>,
) -> Result<BTreeSet<String>, StoreError> {
    let ids = list(ids);
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows = tx
        .sql
        .query_typed(
            "SELECT path FROM atsync.links WHERE connection = $1 AND kind = $2 AND id = ANY ($3)",
            typed![tx.number => INT8, kind.as_bytes() => BYTEA, ids => BYTEA_ARRAY],
        )
        .await?;
    rows.iter().map(|row| Ok(path::key(&text(row, 0)?).to_owned())).collect()
}

/// The links of a transaction's connection to records of a kind, in the order of their paths.
pub(super) async fn to_now(
    tx: &Tx<'_>,
    kind: &str,
    ids: &[&str],
) -> Result<Vec<LinkRow>, StoreError> {
    let ids = list(ids.iter().copied());
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = tx
        .sql
        .query_typed(
            "SELECT body FROM atsync.links WHERE connection = $1 AND kind = $2 AND id = ANY ($3) \
         ORDER BY path",
            typed![tx.number => INT8, kind.as_bytes() => BYTEA, ids => BYTEA_ARRAY],
        )
        .await?;
    all(&rows)
}

/// The links of a key and of the paths below it, of a transaction's connection.
pub(super) async fn below_now(tx: &Tx<'_>, key: &str) -> Result<Vec<LinkRow>, StoreError> {
    let (first, end) = (format!("{key}/"), end_of(key));
    let rows = tx
        .sql
        .query_typed(
            "SELECT body FROM atsync.links WHERE connection = $1 \
         AND (path = $2 OR (path >= $3 AND path < $4)) ORDER BY path",
            typed![
                tx.number => INT8, key.as_bytes() => BYTEA, first.as_bytes() => BYTEA,
                end.as_bytes() => BYTEA
            ],
        )
        .await?;
    all(&rows)
}

/// Writes links. Of a repeated path the last one counts.
pub(super) async fn put(tx: &Tx<'_>, links: &[LinkRow]) -> Result<(), StoreError> {
    let last: std::collections::BTreeMap<&str, &LinkRow> =
        links.iter().map(|link| (link.path.as_str(), link)).collect();
    if last.is_empty() {
        return Ok(());
    }
    let paths = list(last.keys().copied());
    let kinds = list(last.values().map(|link| link.remote.kind.as_str()));
    let ids = list(last.values().map(|link| link.remote.id.as_str()));
    let bodies: Vec<Vec<u8>> = last.values().map(to_json).collect::<Result<_, _>>()?;
    tx.sql
        .execute_typed(
            "INSERT INTO atsync.links (connection, path, kind, id, body) \
             SELECT $1, * FROM unnest($2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[]) \
             ON CONFLICT (connection, path) DO UPDATE SET kind = excluded.kind, \
             id = excluded.id, body = excluded.body",
            typed![
                tx.number => INT8, paths => BYTEA_ARRAY, kinds => BYTEA_ARRAY,
                ids => BYTEA_ARRAY, bodies => BYTEA_ARRAY
            ],
        )
        .await?;
    Ok(())
}

/// Writes links that a caller gives.
pub(super) async fn put_checked(tx: &Tx<'_>, links: &[LinkRow]) -> Result<(), StoreError> {
    check::links(&tx.name, links)?;
    put(tx, links).await
}

/// Removes the links of paths that a caller names.
pub(super) async fn end_checked(tx: &Tx<'_>, paths: &[String]) -> Result<(), StoreError> {
    check::keys(&tx.name, paths)?;
    end(tx, paths).await
}

/// Removes the links of paths.
pub(super) async fn end(tx: &Tx<'_>, paths: &[String]) -> Result<(), StoreError> {
    let paths = list(paths.iter().map(String::as_str));
    tx.sql
        .execute_typed(
            "DELETE FROM atsync.links WHERE connection = $1 AND path = ANY ($2)",
            typed![tx.number => INT8, paths => BYTEA_ARRAY],
        )
        .await?;
    Ok(())
}

/// Removes the links of a key and of the paths below it. Returns how many.
pub(super) async fn end_below(tx: &Tx<'_>, key: &str) -> Result<u64, StoreError> {
    let (first, end) = (format!("{key}/"), end_of(key));
    let removed = tx
        .sql
        .execute_typed(
            "DELETE FROM atsync.links WHERE connection = $1 \
         AND (path = $2 OR (path >= $3 AND path < $4))",
            typed![
                tx.number => INT8, key.as_bytes() => BYTEA, first.as_bytes() => BYTEA,
                end.as_bytes() => BYTEA
            ],
        )
        .await?;
    Ok(removed)
}

/// Leads the links of a record to the id under which it continues.
pub(super) async fn follow(
    tx: &Tx<'_>,
    kind: &str,
    from: &str,
    to: &str,
) -> Result<(), StoreError> {
    let links = to_now(tx, kind, &[from]).await?;
    if links.is_empty() {
        return Ok(());
    }
    let held = tx
        .sql
        .query_typed(
            "SELECT FROM atsync.links WHERE connection = $1 AND kind = $2 AND id = $3 LIMIT $4",
            typed![
                tx.number => INT8, kind.as_bytes() => BYTEA, to.as_bytes() => BYTEA,
                limit(1) => INT8
            ],
        )
        .await?;
    let mut taken = !held.is_empty();
    let mut followed = Vec::new();
    for link in links {
        followed.push(check::followed(link, to, taken));
        // The first path owns the record; the others yield to it.
        taken = true;
    }
    put(tx, &followed).await
}
