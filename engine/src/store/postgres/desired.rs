//! The desired records, and their status.
//!
//! Bounds: rows per read, records per declaration. Left out: what a declaration means.

use super::barred;
use super::digest;
use super::links;
use super::sql::{damaged, json, limit, list, number, signed, text, to_json, typed, unsigned};
use super::tx::{Tx, tallies};
use crate::store::erase::{Hasher, Names};
use crate::store::{
    Declaration, DeclareReport, DesiredRow, DesiredStatus, Mode, StatusUpdate, StoreError, check,
};
use std::collections::{BTreeMap, BTreeSet};
use tokio_postgres::{GenericClient, Row};

const COLUMNS: &str = "d.key, d.generation, d.body, d.changed_ms, d.status, d.dirt, d.mode";

/// What desired records are counted under, and the words.
const TALLY: &str = "desired";
const ALL: &str = "all";
const DIRTY: &str = "dirty";

fn mode_of(word: &str) -> Result<Mode, StoreError> {
    [Mode::Managed, Mode::ObservedOnly, Mode::Paused]
        .into_iter()
        .find(|mode| mode.word() == word)
        .ok_or_else(|| damaged("a desired record's mode"))
}

fn row_of(row: &Row) -> Result<DesiredRow, StoreError> {
    let dirt = number(row, 5)?;
    Ok(DesiredRow {
        key: text(row, 0)?,
        generation: number(row, 1)?,
        body: text(row, 2)?,
        changed_ms: number(row, 3)?,
        status: json(row, 4, "a desired record's status")?,
        dirty: dirt != 0,
        dirt,
        mode: mode_of(row.try_get(6)?)?,
    })
}

/// One desired record.
pub(super) async fn one(
    sql: &impl GenericClient,
    connection: &str,
    key: &str,
) -> Result<Option<DesiredRow>, StoreError> {
    let statement = format!(
        "SELECT {COLUMNS} FROM atsync.desired d JOIN atsync.connections c \
         ON c.number = d.connection WHERE c.name = $1 AND d.key = $2"
    );
    let parameters = typed![connection.as_bytes() => BYTEA, key.as_bytes() => BYTEA];
    let row = sql.query_typed_opt(&statement, parameters).await?;
    row.as_ref().map(row_of).transpose()
}

/// Desired records, all or those that are dirty, in the order of their keys.
pub(super) async fn page(
    sql: &impl GenericClient,
    connection: &str,
    after: Option<&str>,
    rows_max: usize,
    only_dirty: bool,
) -> Result<Vec<DesiredRow>, StoreError> {
    check::rows(rows_max)?;
    let only = if only_dirty { "AND d.dirt <> 0" } else { "" };
    let statement = format!(
        "SELECT {COLUMNS} FROM atsync.desired d WHERE d.connection = \
         (SELECT number FROM atsync.connections WHERE name = $1) \
         AND ($2::bytea IS NULL OR d.key > $2) {only} ORDER BY d.key LIMIT $3"
    );
    let after = after.map(str::as_bytes);
    let parameters =
        typed![connection.as_bytes() => BYTEA, after => BYTEA, limit(rows_max) => INT8];
    sql.query_typed(&statement, parameters).await?.iter().map(row_of).collect()
}

/// How many there are, and how many are dirty.
pub(super) async fn counts(
    sql: &impl GenericClient,
    connection: &str,
) -> Result<(u64, u64), StoreError> {
    let counts: BTreeMap<String, u64> =
        tallies(sql, connection, TALLY).await?.into_iter().collect();
    let of = |word: &str| counts.get(word).copied().unwrap_or_default();
    Ok((of(ALL), of(DIRTY)))
}

/// Generation, mode and body of some records.
pub(super) struct Held {
    pub(super) generation: u64,
    pub(super) mode: Mode,
    pub(super) dirt: u64,
    pub(super) body: String,
}

/// The stored records with these keys.
pub(super) async fn held<'t>(
    tx: &Tx<'_>,
    keys: impl IntoIterator<Item = &'t str>,
) -> Result<BTreeMap<String, Held>, StoreError> {
    let keys = list(keys);
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = tx
        .sql
        .query_typed(
            "SELECT key, generation, mode, dirt, body FROM atsync.desired \
         WHERE connection = $1 AND key = ANY ($2)",
            typed![tx.number => INT8, keys => BYTEA_ARRAY],
        )
        .await?;
    let held = |row: &Row| {
        let mode = mode_of(row.try_get(2)?)?;
        let (generation, dirt, body) = (number(row, 1)?, number(row, 3)?, text(row, 4)?);
        Ok((text(row, 0)?, Held { generation, mode, dirt, body }))
    };
    rows.iter().map(held).collect()
}

/// Refuses when a record has another generation than this; none: when there is one.
pub(super) async fn has_generation(
    tx: &Tx<'_>,
    key: &str,
    expected: Option<u64>,
) -> Result<(), StoreError> {
    let held = held(tx, [key]).await?;
    check::expected_generation(held.get(key).map(|row| row.generation), expected)
}

/// A record to write.
struct New {
    generation: u64,
    changed_ms: u64,
    dirt: u64,
    body: String,
}

/// Stores desired records. See [`crate::store::Desired::declare`].
pub(super) async fn declare(
    tx: &mut Tx<'_>,
    records: Vec<Declaration>,
    now_ms: u64,
    hasher: &Hasher,
) -> Result<DeclareReport, StoreError> {
    check::declarations(&tx.name, &records)?;
    let mut report = DeclareReport::default();
    let away = barred::away_of_declared(tx, &records, hasher).await?;
    let stored = held(tx, records.iter().map(|record| record.key.as_str())).await?;
    let mut new: BTreeMap<String, New> = BTreeMap::new();
    for (at, Declaration { key, body }) in records.into_iter().enumerate() {
        if away.contains(&at) {
            report.erased = report.erased.saturating_add(1);
            continue;
        }
        let known = match (new.get(&key), stored.get(&key)) {
            (Some(new), _) => Some((new.generation, new.body.as_str())),
            (None, Some(held)) => Some((held.generation, held.body.as_str())),
            (None, None) => None,
        };
        let generation = match known {
            Some((_, held)) if held == body => {
                report.unchanged = report.unchanged.saturating_add(1);
                continue;
            }
            Some((generation, _)) => {
                report.changed = report.changed.saturating_add(1);
                generation.saturating_add(1)
            }
            None => {
                report.created = report.created.saturating_add(1);
                1
            }
        };
        tx.counters.last_dirt = tx.counters.last_dirt.saturating_add(1);
        let dirt = tx.counters.last_dirt;
        new.insert(key, New { generation, changed_ms: now_ms, dirt, body });
    }
    write(tx, &stored, &new).await?;
    Ok(report)
}

/// Stores one desired record, if what is stored has this generation.
pub(super) async fn declare_if(
    tx: &mut Tx<'_>,
    record: Declaration,
    generation: Option<u64>,
    now_ms: u64,
    hasher: &Hasher,
) -> Result<DeclareReport, StoreError> {
    has_generation(tx, &record.key, generation).await?;
    declare(tx, vec![record], now_ms, hasher).await
}

async fn write(
    tx: &mut Tx<'_>,
    stored: &BTreeMap<String, Held>,
    new: &BTreeMap<String, New>,
) -> Result<(), StoreError> {
    if new.is_empty() {
        return Ok(());
    }
    let created = new.keys().filter(|key| !stored.contains_key(*key)).count();
    let clean = new.keys().filter(|key| stored.get(*key).is_none_or(|held| held.dirt == 0));
    let clean = clean.count();
    tx.tally(TALLY, ALL, limit(created));
    tx.tally(TALLY, DIRTY, limit(clean));
    let keys = list(new.keys().map(String::as_str));
    let generations: Vec<i64> = new.values().map(|row| signed(row.generation)).collect();
    let changed: Vec<i64> = new.values().map(|row| signed(row.changed_ms)).collect();
    let dirt: Vec<i64> = new.values().map(|row| signed(row.dirt)).collect();
    let bodies = list(new.values().map(|row| row.body.as_str()));
    let (mode, status) = (Mode::Managed.word(), to_json(&DesiredStatus::default())?);
    tx.sql
        .execute_typed(
            "INSERT INTO atsync.desired (connection, key, generation, changed_ms, dirt, body, \
             mode, status) SELECT $1, e.*, $7, $8 FROM unnest($2::bytea[], $3::bigint[], \
             $4::bigint[], $5::bigint[], $6::bytea[]) e \
             ON CONFLICT (connection, key) DO UPDATE SET generation = excluded.generation, \
             changed_ms = excluded.changed_ms, dirt = excluded.dirt, body = excluded.body",
            typed![
                tx.number => INT8, keys => BYTEA_ARRAY, generations => INT8_ARRAY,
                changed => INT8_ARRAY, dirt => INT8_ARRAY, bodies => BYTEA_ARRAY, mode => TEXT,
                status => BYTEA
            ],
        )
        .await?;
    for (key, row) in new {
        let before = stored.get(key).map(|held| held.body.as_str());
        name(tx, key, before, Some(&row.body)).await?;
    }
    Ok(())
}

fn digests(body: &str) -> BTreeSet<Vec<u8>> {
    let names = Names::of(body);
    let ids = names.id.iter().map(|id| digest::declared_id(id));
    ids.chain(names.addresses.iter().map(|address| digest::declared_address(address))).collect()
}

/// Writes what differs of the names of two bodies.
async fn name(
    tx: &Tx<'_>,
    key: &str,
    before: Option<&str>,
    after: Option<&str>,
) -> Result<(), StoreError> {
    let was = before.map(digests).unwrap_or_default();
    let is = after.map(digests).unwrap_or_default();
    let gone: Vec<&[u8]> = was.difference(&is).map(Vec::as_slice).collect();
    let new: Vec<&[u8]> = is.difference(&was).map(Vec::as_slice).collect();
    for (digests, statement) in [
        (
            gone,
            "DELETE FROM atsync.desired_names WHERE connection = $1 AND key = $2 \
             AND digest = ANY ($3)",
        ),
        (
            new,
            "INSERT INTO atsync.desired_names (connection, key, digest) \
             SELECT $1, $2, unnest($3::bytea[]) ON CONFLICT DO NOTHING",
        ),
    ] {
        if !digests.is_empty() {
            let parameters = typed![
                tx.number => INT8, key.as_bytes() => BYTEA, digests => BYTEA_ARRAY
            ];
            tx.sql.execute_typed(statement, parameters).await?;
        }
    }
    Ok(())
}

/// The keys of the desired records that a digest leads to, with their bodies.
pub(super) async fn named(tx: &Tx<'_>, digest: &[u8]) -> Result<Vec<(String, String)>, StoreError> {
    let rows = tx
        .sql
        .query_typed(
            "SELECT d.key, d.body FROM atsync.desired_names n JOIN atsync.desired d \
         ON d.connection = n.connection AND d.key = n.key \
         WHERE n.connection = $1 AND n.digest = $2 ORDER BY d.key",
            typed![tx.number => INT8, digest => BYTEA],
        )
        .await?;
    rows.iter().map(|row| Ok((text(row, 0)?, text(row, 1)?))).collect()
}

/// Marks desired records; one that is not stored is ignored.
pub(super) async fn mark(tx: &mut Tx<'_>, keys: &BTreeSet<String>) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    let keys = list(keys.iter().map(String::as_str));
    let marked = tx
        .sql
        .query_typed_one(
            "WITH was AS (SELECT key, dirt, row_number() OVER (ORDER BY key) AS place \
         FROM atsync.desired WHERE connection = $1 AND key = ANY ($2)), \
         marked AS (UPDATE atsync.desired d SET dirt = $3 + was.place FROM was \
         WHERE d.connection = $1 AND d.key = was.key RETURNING was.dirt) \
         SELECT count(*), count(*) FILTER (WHERE dirt = 0) FROM marked",
            typed![
                tx.number => INT8, keys => BYTEA_ARRAY, signed(tx.counters.last_dirt) => INT8
            ],
        )
        .await?;
    let marked = marked;
    let (all, clean): (i64, i64) = (marked.try_get(0)?, marked.try_get(1)?);
    tx.counters.last_dirt = tx.counters.last_dirt.saturating_add(unsigned(all));
    tx.tally(TALLY, DIRTY, clean);
    Ok(())
}

/// Marks desired records that a caller names.
pub(super) async fn mark_all(tx: &mut Tx<'_>, keys: Vec<String>) -> Result<(), StoreError> {
    check::keys(&tx.name, &keys)?;
    mark(tx, &keys.into_iter().collect()).await
}

/// Writes statuses. Returns the keys of those that describe another generation.
pub(super) async fn put_status(
    tx: &mut Tx<'_>,
    statuses: Vec<StatusUpdate>,
) -> Result<Vec<String>, StoreError> {
    check::statuses(&tx.name, &statuses)?;
    let mut held = held(tx, statuses.iter().map(|update| update.key.as_str())).await?;
    let (mut left, mut to_mark) = (Vec::new(), BTreeSet::new());
    // A key may come twice; the last status counts.
    let mut written: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    let mut cleaned = 0_i64;
    for update in &statuses {
        let row = held.get_mut(&update.key).filter(|row| row.generation == update.generation);
        let Some(row) = row else {
            left.push(update.key.clone());
            continue;
        };
        if !update.dirty && row.dirt == update.dirt {
            cleaned = cleaned.saturating_add(i64::from(row.dirt != 0));
            row.dirt = 0;
        } else if update.dirty && row.dirt == 0 {
            to_mark.insert(update.key.clone());
        }
        written.insert(&update.key, to_json(&update.status)?);
    }
    let keys = list(written.keys().copied());
    let bodies: Vec<&[u8]> = written.values().map(Vec::as_slice).collect();
    let dirt = written.keys().filter_map(|key| held.get(*key));
    let dirt: Vec<i64> = dirt.map(|row| signed(row.dirt)).collect();
    if !keys.is_empty() {
        tx.sql
            .execute_typed(
                "UPDATE atsync.desired d SET status = e.status, dirt = e.dirt \
                 FROM unnest($2::bytea[], $3::bytea[], $4::bigint[]) e (key, status, dirt) \
                 WHERE d.connection = $1 AND d.key = e.key",
                typed![
                    tx.number => INT8, keys => BYTEA_ARRAY, bodies => BYTEA_ARRAY,
                    dirt => INT8_ARRAY
                ],
            )
            .await?;
    }
    tx.tally(TALLY, DIRTY, cleaned.saturating_neg());
    mark(tx, &to_mark).await?;
    Ok(left)
}

/// Sets the mode of a desired record, and marks it.
pub(super) async fn set_mode(tx: &mut Tx<'_>, key: &str, mode: Mode) -> Result<bool, StoreError> {
    let set = tx
        .sql
        .execute_typed(
            "UPDATE atsync.desired SET mode = $3 WHERE connection = $1 AND key = $2",
            typed![tx.number => INT8, key.as_bytes() => BYTEA, mode.word() => TEXT],
        )
        .await?;
    let is_there = set > 0;
    mark(tx, &BTreeSet::from([key.to_owned()])).await?;
    Ok(is_there)
}

/// Removes a desired record and its links. Returns whether there was one, and how many links.
pub(super) async fn remove(tx: &mut Tx<'_>, key: &str) -> Result<(bool, u64), StoreError> {
    let links = links::end_below(tx, key).await?;
    let Some(row) = held(tx, [key]).await?.remove(key) else { return Ok((false, links)) };
    name(tx, key, Some(&row.body), None).await?;
    tx.sql
        .execute_typed(
            "DELETE FROM atsync.desired WHERE connection = $1 AND key = $2",
            typed![tx.number => INT8, key.as_bytes() => BYTEA],
        )
        .await?;
    tx.tally(TALLY, ALL, -1);
    if row.dirt != 0 {
        tx.tally(TALLY, DIRTY, -1);
    }
    Ok((true, links))
}
