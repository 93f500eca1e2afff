//! The hashes that block erased candidates. See [`crate::store::erase`].
//!
//! They belong to the connection's id and not to the number of its rows, so they stay when it is
//! forgotten. Left out: what is erased.

use super::names;
use super::sql::{count, number, signed, typed};
use super::tx::Tx;
use crate::store::erase::{self, Circle, Hash, Hasher};
use crate::store::{Declaration, Erasure, PageCommit, StoreError, check};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tokio_postgres::GenericClient;

/// The erasures of stored hashes.
async fn held(
    sql: &impl GenericClient,
    id: i64,
    hashes: &[Hash],
) -> Result<HashMap<Hash, u64>, StoreError> {
    if hashes.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sql
        .query_typed(
            "SELECT digest, erasure FROM atsync.erased WHERE connection = $1 AND digest = ANY ($2)",
            typed![id => INT8, hashes => TEXT_ARRAY],
        )
        .await?;
    let held = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, number(row, 1)?));
    rows.iter().map(held).collect()
}

/// Whether any candidate of a connection was erased.
async fn is_any(tx: &Tx<'_>) -> Result<bool, StoreError> {
    // Each erasure has a number, and only undoing it removes its hashes.
    if tx.counters.last_erasure == 0 {
        return Ok(false);
    }
    let row = tx
        .sql
        .query_typed_one(
            "SELECT EXISTS (SELECT FROM atsync.erased WHERE connection = $1)",
            typed![tx.id => INT8],
        )
        .await?;
    Ok(row.try_get(0)?)
}

/// The blocked records of a page: their own hash and the erasure, by id.
pub(super) async fn away_of(
    tx: &Tx<'_>,
    page: &PageCommit,
    hasher: &Hasher,
) -> Result<BTreeMap<String, (Hash, u64)>, StoreError> {
    if !is_any(tx).await? {
        return Ok(BTreeMap::new());
    }
    let hashes: Vec<Hash> = page
        .records
        .iter()
        .flat_map(|record| hasher.of_record(&tx.name, &page.kind, &record.id, &record.body))
        .collect();
    let held = held(&tx.sql, tx.id, &hashes).await?;
    Ok(erase::away_of(&tx.name, page, hasher, |hash| held.get(hash).copied()))
}

async fn put_hashes(tx: &Tx<'_>, hashes: &BTreeMap<Hash, u64>) -> Result<(), StoreError> {
    if hashes.is_empty() {
        return Ok(());
    }
    let digests: Vec<&str> = hashes.keys().map(String::as_str).collect();
    let erasures: Vec<i64> = hashes.values().map(|erasure| signed(*erasure)).collect();
    tx.sql
        .execute_typed(
            "INSERT INTO atsync.erased (connection, digest, erasure) \
             SELECT $1, * FROM unnest($2::text[], $3::bigint[]) ON CONFLICT DO NOTHING",
            typed![tx.id => INT8, digests => TEXT_ARRAY, erasures => INT8_ARRAY],
        )
        .await?;
    Ok(())
}

/// Stores the own hashes of blocked records.
pub(super) async fn keep_away(
    tx: &Tx<'_>,
    away: BTreeMap<String, (Hash, u64)>,
) -> Result<(), StoreError> {
    put_hashes(tx, &away.into_values().collect()).await
}

/// The places in a declaration of the records that are blocked. One that is found by another hash
/// than its own is stored with its own from now on.
pub(super) async fn away_of_declared(
    tx: &Tx<'_>,
    records: &[Declaration],
    hasher: &Hasher,
) -> Result<BTreeSet<usize>, StoreError> {
    if !is_any(tx).await? {
        return Ok(BTreeSet::new());
    }
    let hashes: Vec<Vec<Hash>> = records
        .iter()
        .map(|record| hasher.of_desired(&tx.name, &record.key, &record.body))
        .collect();
    let all: Vec<Hash> = hashes.iter().flatten().cloned().collect();
    let mut held = held(&tx.sql, tx.id, &all).await?;
    let (mut away, mut learned) = (BTreeSet::new(), BTreeMap::new());
    for (at, hashes) in hashes.into_iter().enumerate() {
        let Some(erasure) = hashes.iter().find_map(|hash| held.get(hash)).copied() else {
            continue;
        };
        away.insert(at);
        if let Some(own) = hashes.into_iter().next() {
            held.entry(own.clone()).or_insert(erasure);
            learned.entry(own).or_insert(erasure);
        }
    }
    put_hashes(tx, &learned).await?;
    Ok(away)
}

/// The keys of the records that a declaration would not store. Changes nothing.
pub(super) async fn kept_away(
    sql: &impl GenericClient,
    connection: &str,
    records: &[Declaration],
    hasher: &Hasher,
) -> Result<Vec<String>, StoreError> {
    check::declarations(connection, records)?;
    let Some(id) = names::id(sql, connection).await? else { return Ok(Vec::new()) };
    let of = |record: &Declaration| hasher.of_desired(connection, &record.key, &record.body);
    let all: Vec<Hash> = records.iter().flat_map(of).collect();
    let held = held(sql, id, &all).await?;
    let is_away = |record: &&Declaration| of(record).iter().any(|hash| held.contains_key(hash));
    Ok(records.iter().filter(is_away).map(|record| record.key.clone()).collect())
}

/// Removes the hashes of the erasures that a key, id or address was part of.
pub(super) async fn undo(
    tx: &Tx<'_>,
    erasure: &Erasure,
    hasher: &Hasher,
) -> Result<bool, StoreError> {
    check::erasure(&tx.name, erasure)?;
    let hashes = hasher.of_erasure(&tx.name, erasure);
    let erasures: Vec<i64> =
        held(&tx.sql, tx.id, &hashes).await?.into_values().map(signed).collect();
    tx.sql
        .execute_typed(
            "DELETE FROM atsync.erased WHERE connection = $1 AND erasure = ANY ($2)",
            typed![tx.id => INT8, erasures => INT8_ARRAY],
        )
        .await?;
    Ok(!erasures.is_empty())
}

/// Stores the hashes of the circle, but for addresses that others have too. Returns how many.
pub(super) async fn block(
    tx: &Tx<'_>,
    circle: &Circle,
    others: &BTreeSet<String>,
    group: u64,
    hasher: &Hasher,
) -> Result<u64, StoreError> {
    let name = tx.name.as_str();
    let mut hashes: BTreeSet<Hash> =
        circle.records().map(|(kind, id)| hasher.record(name, kind, id)).collect();
    hashes.extend(circle.keys().map(|key| hasher.key(name, key)));
    let own = circle.addresses.difference(others);
    hashes.extend(own.map(|address| hasher.address(name, address)));
    // A hash of an earlier erasure belongs to this one from now on.
    let digests: Vec<&str> = hashes.iter().map(String::as_str).collect();
    tx.sql
        .execute_typed(
            "INSERT INTO atsync.erased (connection, digest, erasure) \
             SELECT $1, unnest($2::text[]), $3 \
             ON CONFLICT (connection, digest) DO UPDATE SET erasure = excluded.erasure",
            typed![tx.id => INT8, digests => TEXT_ARRAY, signed(group) => INT8],
        )
        .await?;
    Ok(count(hashes.len()))
}
