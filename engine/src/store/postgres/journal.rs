//! The write attempts.
//!
//! Bounds: rows per read; intents of one removal. Left out: which change of a state is allowed; see
//! [`crate::journal`].

use super::sql::{count, json, limit, list, number, signed, text, to_json, typed};
use super::tx::{Tx, tallies};
use super::{aliases, desired, digest, feed, links};
use crate::journal::{Intent, IntentId};
use crate::path;
use crate::store::aged::{self, TRIM_INTENTS_MAX};
use crate::store::{IntentAdvance, LinkRow, StoreError, check};
use std::collections::{BTreeMap, BTreeSet};
use tokio_postgres::{GenericClient, Row};

const WHAT: &str = "an intent";
const TALLY: &str = "intents";
/// Paths and operations that one transaction of a trimming looks at.
const SEQUENCES_MAX: i64 = 100;

/// The number of a connection's rows, as a part of a statement whose first parameter is its name.
const NUMBER: &str = "(SELECT number FROM atsync.connections WHERE name = $1)";

fn all(rows: &[Row]) -> Result<Vec<Intent>, StoreError> {
    rows.iter().map(|row| json(row, 0, WHAT)).collect()
}

/// One intent.
pub(super) async fn one(
    sql: &impl GenericClient,
    connection: &str,
    id: IntentId,
) -> Result<Option<Intent>, StoreError> {
    let statement =
        format!("SELECT body FROM atsync.intents WHERE connection = {NUMBER} AND id = $2");
    let parameters = typed![connection.as_bytes() => BYTEA, signed(id) => INT8];
    let row = sql.query_typed_opt(&statement, parameters).await?;
    row.map(|row| json(&row, 0, WHAT)).transpose()
}

/// The open intents, oldest first.
pub(super) async fn open(
    sql: &impl GenericClient,
    connection: &str,
) -> Result<Vec<Intent>, StoreError> {
    let statement =
        format!("SELECT body FROM atsync.intents WHERE connection = {NUMBER} AND open ORDER BY id");
    all(&sql.query_typed(&statement, typed![connection.as_bytes() => BYTEA]).await?)
}

/// The intents of a path and below it, newest first.
pub(super) async fn of(
    sql: &impl GenericClient,
    connection: &str,
    key: &str,
    rows_max: usize,
) -> Result<Vec<Intent>, StoreError> {
    check::rows(rows_max)?;
    let statement = format!(
        "SELECT body FROM atsync.intents WHERE connection = {NUMBER} \
         AND (path = $2 OR (path >= $3 AND path < $4)) ORDER BY id DESC LIMIT $5"
    );
    let (first, end) = (format!("{key}/"), links::end_of(key));
    let parameters = typed![
        connection.as_bytes() => BYTEA, key.as_bytes() => BYTEA, first.as_bytes() => BYTEA,
        end.as_bytes() => BYTEA, limit(rows_max) => INT8
    ];
    all(&sql.query_typed(&statement, parameters).await?)
}

/// The intents whose first request left at a time or later, newest first.
pub(super) async fn since(
    sql: &impl GenericClient,
    connection: &str,
    since_ms: u64,
    rows_max: usize,
) -> Result<Vec<Intent>, StoreError> {
    check::rows(rows_max)?;
    let statement = format!(
        "SELECT body FROM atsync.intents i WHERE i.connection = {NUMBER} AND i.id > coalesce( \
         (SELECT id FROM atsync.intents WHERE connection = {NUMBER} AND first_sent_ms < $2 \
         ORDER BY id DESC LIMIT 1), -1) ORDER BY i.id DESC LIMIT $3"
    );
    let parameters = typed![
        connection.as_bytes() => BYTEA, signed(since_ms) => INT8, limit(rows_max) => INT8
    ];
    all(&sql.query_typed(&statement, parameters).await?)
}

/// How many intents there are by state.
pub(super) async fn counts(
    sql: &impl GenericClient,
    connection: &str,
) -> Result<Vec<(String, u64)>, StoreError> {
    tallies(sql, connection, TALLY).await
}

/// Opens an intent.
pub(super) async fn begin(tx: &mut Tx<'_>, intent: Intent) -> Result<Intent, StoreError> {
    check::intent(&tx.name, &intent)?;
    let key = path::key(&intent.path);
    let open = tx
        .sql
        .query_typed_opt(
            "SELECT id FROM atsync.intents WHERE connection = $1 AND path = $2 AND operation = $3 \
         AND open",
            typed![
                tx.number => INT8, intent.path.as_bytes() => BYTEA,
                intent.operation.as_bytes() => BYTEA
            ],
        )
        .await?;
    if let Some(open) = open {
        return Err(StoreError::IntentOpen(number(&open, 0)?));
    }
    let held = desired::held(tx, [key]).await?;
    let held = held.get(key).map(|row| (row.generation, row.mode));
    check::generation(&intent.path, held, intent.generation)?;
    let time_ms = check::mark_time(intent.mark.time_ms, tx.counters.last_mark)?;
    let next = tx.sql.query_typed_one("SELECT nextval('atsync.intent_ids')", &[]).await?;
    let born = check::born(intent, number(&next, 0)?, time_ms);
    tx.counters.last_mark = time_ms;
    put(tx, None, &born).await?;
    Ok(born)
}

/// Writes an intent, new or instead of another one.
pub(super) async fn put(
    tx: &mut Tx<'_>,
    before: Option<&Intent>,
    intent: &Intent,
) -> Result<(), StoreError> {
    tx.sql
        .execute_typed(
            "INSERT INTO atsync.intents (connection, id, path, operation, open, first_sent_ms, \
             changed_ms, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (connection, id) DO UPDATE SET path = excluded.path, \
             open = excluded.open, changed_ms = excluded.changed_ms, body = excluded.body",
            typed![
                tx.number => INT8, signed(intent.id) => INT8, intent.path.as_bytes() => BYTEA,
                intent.operation.as_bytes() => BYTEA, intent.state.is_open() => BOOL,
                signed(intent.first_sent.wall_ms) => INT8, signed(intent.changed.wall_ms) => INT8,
                to_json(intent)? => BYTEA
            ],
        )
        .await?;
    if let Some(before) = before {
        tx.tally(TALLY, before.state.word(), -1);
    }
    tx.tally(TALLY, intent.state.word(), 1);
    name(tx, before, Some(intent)).await
}

fn digests(intent: &Intent) -> BTreeSet<Vec<u8>> {
    check::remotes_of(intent).map(|remote| digest::record(&remote.kind, &remote.id)).collect()
}

/// Writes what differs of the records that an intent is about.
async fn name(
    tx: &Tx<'_>,
    before: Option<&Intent>,
    after: Option<&Intent>,
) -> Result<(), StoreError> {
    let Some(id) = before.or(after).map(|intent| intent.id) else { return Ok(()) };
    let was = before.map(digests).unwrap_or_default();
    let is = after.map(digests).unwrap_or_default();
    for (digests, statement) in [
        (
            was.difference(&is),
            "DELETE FROM atsync.intent_names WHERE connection = $1 AND id = $2 \
             AND digest = ANY ($3)",
        ),
        (
            is.difference(&was),
            "INSERT INTO atsync.intent_names (connection, id, digest) \
             SELECT $1, $2, unnest($3::bytea[]) ON CONFLICT DO NOTHING",
        ),
    ] {
        let digests: Vec<&[u8]> = digests.map(Vec::as_slice).collect();
        if !digests.is_empty() {
            let parameters = typed![tx.number => INT8, signed(id) => INT8, digests => BYTEA_ARRAY];
            tx.sql.execute_typed(statement, parameters).await?;
        }
    }
    Ok(())
}

/// Changes the state of an intent.
pub(super) async fn advance(tx: &mut Tx<'_>, advance: IntentAdvance) -> Result<Intent, StoreError> {
    check::advance(&tx.name, &advance)?;
    let held = tx
        .sql
        .query_typed_opt(
            "SELECT body FROM atsync.intents WHERE connection = $1 AND id = $2",
            typed![tx.number => INT8, signed(advance.id) => INT8],
        )
        .await?;
    let held = held.ok_or_else(|| check::no_intent(advance.id))?;
    let held: Intent = json(&held, 0, WHAT)?;
    let next = check::step(&held, &advance)?;
    put(tx, Some(&held), &next).await?;
    desired::mark(tx, &check::moved_by(&next, &advance.links)).await?;
    links::put(tx, &advance.links).await?;
    for change in &advance.changes {
        if let Some(to) = check::told_move(change) {
            aliases::put(tx, &change.kind, &change.id, to).await?;
        }
    }
    feed::append_all(tx, &advance.changes).await?;
    Ok(next)
}

/// The intents of a transaction's connection with these paths.
async fn with_paths(tx: &Tx<'_>, paths: &BTreeSet<&str>) -> Result<Vec<Intent>, StoreError> {
    let paths = list(paths.iter().copied());
    let rows = tx
        .sql
        .query_typed(
            "SELECT body FROM atsync.intents WHERE connection = $1 AND path = ANY ($2) ORDER BY id",
            typed![tx.number => INT8, paths => BYTEA_ARRAY],
        )
        .await?;
    all(&rows)
}

/// The intent that created each of these records, by the links that say so.
pub(super) async fn makers(
    tx: &Tx<'_>,
    kind: &str,
    ids: &[&str],
) -> Result<BTreeMap<String, IntentId>, StoreError> {
    let links = links::to_now(tx, kind, ids).await?;
    if links.is_empty() {
        return Ok(BTreeMap::new());
    }
    let paths: BTreeSet<&str> = links.iter().flat_map(|link| check::makers(&link.path)).collect();
    let intents = with_paths(tx, &paths).await?;
    let mut makers: BTreeMap<String, IntentId> = BTreeMap::new();
    for link in &links {
        let is_of = |intent: &&Intent| check::makers(&link.path).any(|path| path == intent.path);
        let made = intents.iter().filter(is_of).find(|intent| check::made(intent, link));
        if let Some(made) = made {
            let maker = makers.entry(link.remote.id.clone()).or_insert(made.id);
            *maker = made.id.min(*maker);
        }
    }
    Ok(makers)
}

/// The first open intent of a path and below it.
pub(super) async fn open_below(tx: &Tx<'_>, key: &str) -> Result<Option<IntentId>, StoreError> {
    let (first, end) = (format!("{key}/"), links::end_of(key));
    let row = tx
        .sql
        .query_typed_opt(
            "SELECT id FROM atsync.intents WHERE connection = $1 AND open \
         AND (path = $2 OR (path >= $3 AND path < $4)) ORDER BY id LIMIT 1",
            typed![
                tx.number => INT8, key.as_bytes() => BYTEA, first.as_bytes() => BYTEA,
                end.as_bytes() => BYTEA
            ],
        )
        .await?;
    row.map(|row| number(&row, 0)).transpose()
}

/// The intents of a key and below it.
pub(super) async fn below(tx: &Tx<'_>, key: &str) -> Result<Vec<Intent>, StoreError> {
    let (first, end) = (format!("{key}/"), links::end_of(key));
    let rows = tx
        .sql
        .query_typed(
            "SELECT body FROM atsync.intents WHERE connection = $1 \
         AND (path = $2 OR (path >= $3 AND path < $4)) ORDER BY id",
            typed![
                tx.number => INT8, key.as_bytes() => BYTEA, first.as_bytes() => BYTEA,
                end.as_bytes() => BYTEA
            ],
        )
        .await?;
    all(&rows)
}

/// The intents about a record.
pub(super) async fn about(tx: &Tx<'_>, kind: &str, id: &str) -> Result<Vec<Intent>, StoreError> {
    let rows = tx
        .sql
        .query_typed(
            "SELECT i.body FROM atsync.intent_names n JOIN atsync.intents i \
         ON i.connection = n.connection AND i.id = n.id \
         WHERE n.connection = $1 AND n.digest = $2 ORDER BY i.id",
            typed![tx.number => INT8, digest::record(kind, id) => BYTEA],
        )
        .await?;
    let is_about =
        |intent: &Intent| check::remotes_of(intent).any(|of| of.kind == kind && of.id == id);
    Ok(all(&rows)?.into_iter().filter(is_about).collect())
}

/// Where a trimming goes on: after this path and operation.
pub(super) type After = Option<(String, String)>;

/// Removes the old intents of the next paths and operations. Returns how many, and where to go on;
/// none when all were looked at.
pub(super) async fn trim(
    tx: &mut Tx<'_>,
    after: After,
    before_ms: u64,
) -> Result<(u64, After), StoreError> {
    let (path, operation) = after.unwrap_or_default();
    let rows = tx
        .sql
        .query_typed(
            "SELECT path, operation FROM atsync.intents WHERE connection = $1 AND NOT open \
         AND changed_ms < $2 AND (path, operation) > ($3, $4) \
         GROUP BY path, operation ORDER BY path, operation LIMIT $5",
            typed![
                tx.number => INT8, signed(before_ms) => INT8, path.as_bytes() => BYTEA,
                operation.as_bytes() => BYTEA, SEQUENCES_MAX => INT8
            ],
        )
        .await?;
    let found: Vec<(String, String)> = rows
        .iter()
        .map(|row| Ok((text(row, 0)?, text(row, 1)?)))
        .collect::<Result<_, StoreError>>()?;
    let next = found.last().cloned();
    let paths: BTreeSet<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
    let mut sequences: BTreeMap<(String, String), Vec<Intent>> = BTreeMap::new();
    for intent in with_paths(tx, &paths).await? {
        let of = (intent.path.clone(), intent.operation.clone());
        sequences.entry(of).or_default().push(intent);
    }
    let held = desired::held(tx, paths.iter().map(|path| path::key(path))).await?;
    let links = linked(tx, &paths).await?;
    let mut old: Vec<&Intent> = Vec::new();
    for of in &found {
        let Some(intents) = sequences.get(of) else { continue };
        let generation = held.get(path::key(&of.0)).map(|row| row.generation);
        let some = aged::removable(intents, generation, links.get(&of.0), before_ms);
        old.extend(intents.iter().take(some));
    }
    // What is left of a longer one goes with the next call for the same place.
    let is_more = old.len() > TRIM_INTENTS_MAX;
    old.truncate(TRIM_INTENTS_MAX);
    let ids: Vec<i64> = old.iter().map(|intent| signed(intent.id)).collect();
    for statement in [
        "DELETE FROM atsync.intent_names WHERE connection = $1 AND id = ANY ($2)",
        "DELETE FROM atsync.intents WHERE connection = $1 AND id = ANY ($2)",
    ] {
        tx.sql.execute_typed(statement, typed![tx.number => INT8, ids => INT8_ARRAY]).await?;
    }
    for intent in &old {
        tx.tally(TALLY, intent.state.word(), -1);
    }
    let next = if is_more { Some((path, operation)) } else { next };
    Ok((count(old.len()), next))
}

/// The links of these paths.
async fn linked(
    tx: &Tx<'_>,
    paths: &BTreeSet<&str>,
) -> Result<BTreeMap<String, LinkRow>, StoreError> {
    let paths = list(paths.iter().copied());
    let rows = tx
        .sql
        .query_typed(
            "SELECT body FROM atsync.links WHERE connection = $1 AND path = ANY ($2)",
            typed![tx.number => INT8, paths => BYTEA_ARRAY],
        )
        .await?;
    let mut links = BTreeMap::new();
    for row in rows {
        let link: LinkRow = json(&row, 0, "a link")?;
        links.insert(link.path.clone(), link);
    }
    Ok(links)
}
