//! The change events of a connection, and the offsets of their consumers.
//!
//! Serials are given within the transaction that has the connection's row, so they have no gap and
//! a reader never sees a later one before an earlier one.
//!
//! Bounds: rows per read. Left out: waking readers; see [`super::PostgresStore`].

use super::digest;
use super::sql::{damaged, json, limit, list, number, signed, some_number, text, to_json, typed};
use super::tx::Tx;
use crate::store::{Cause, Change, ChangeWhat, Keep, StoreError, check, merge, naming};
use tokio_postgres::{GenericClient, Row};

/// An event to write. `before` and `after` are JSON objects, empty for none.
#[derive(Clone, Debug)]
pub(super) struct Event<'e> {
    pub(super) at_ms: u64,
    pub(super) kind: &'e str,
    pub(super) id: &'e str,
    pub(super) what: ChangeWhat,
    pub(super) cause: Cause,
    pub(super) before: &'e str,
    pub(super) after: &'e str,
}

const WHATS: [(ChangeWhat, &str); 7] = [
    (ChangeWhat::Created, "created"),
    (ChangeWhat::Updated, "updated"),
    (ChangeWhat::Deleted, "deleted"),
    (ChangeWhat::Moved, "moved"),
    (ChangeWhat::Anonymized, "anonymized"),
    (ChangeWhat::Erased, "erased"),
    (ChangeWhat::Unread, "unread"),
];

fn word(what: ChangeWhat) -> &'static str {
    WHATS.iter().find(|(one, _)| *one == what).map_or("", |(_, word)| word)
}

fn what(word: &str) -> Result<ChangeWhat, StoreError> {
    let found = WHATS.iter().find(|(_, one)| *one == word);
    found.map(|(what, _)| *what).ok_or_else(|| damaged("an event"))
}

const COLUMNS: &str = "serial, at_ms, what, kind, id, cause, before, after";

fn change(row: &Row) -> Result<Change, StoreError> {
    Ok(Change {
        serial: number(row, 0)?,
        at_ms: number(row, 1)?,
        what: what(row.try_get(2)?)?,
        kind: text(row, 3)?,
        id: text(row, 4)?,
        cause: json(row, 5, "an event")?,
        before: fields(&text(row, 6)?)?,
        after: fields(&text(row, 7)?)?,
    })
}

/// Appends events.
pub(super) async fn append(tx: &mut Tx<'_>, events: Vec<Event<'_>>) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let mut serials = Vec::new();
    let (mut digests, mut named) = (Vec::new(), Vec::new());
    for event in &events {
        tx.counters.last_serial = tx.counters.last_serial.saturating_add(1);
        let serial = signed(tx.counters.last_serial);
        serials.push(serial);
        let about = (event.kind, event.id);
        for (kind, id) in naming::of_event(about, event.what, event.before, event.after) {
            digests.push(digest::record(&kind, &id));
            named.push(serial);
        }
    }
    let at: Vec<i64> = events.iter().map(|event| signed(event.at_ms)).collect();
    let whats: Vec<&str> = events.iter().map(|event| word(event.what)).collect();
    let kinds = list(events.iter().map(|event| event.kind));
    let ids = list(events.iter().map(|event| event.id));
    let causes: Vec<Vec<u8>> =
        events.iter().map(|event| to_json(&event.cause)).collect::<Result<_, _>>()?;
    let before = list(events.iter().map(|event| event.before));
    let after = list(events.iter().map(|event| event.after));
    tx.sql
        .execute_typed(
            "INSERT INTO atsync.changes (connection, serial, at_ms, what, kind, id, cause, \
             before, after) SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::text[], \
             $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[], $9::bytea[])",
            typed![
                tx.number => INT8, serials => INT8_ARRAY, at => INT8_ARRAY, whats => TEXT_ARRAY,
                kinds => BYTEA_ARRAY, ids => BYTEA_ARRAY, causes => BYTEA_ARRAY,
                before => BYTEA_ARRAY, after => BYTEA_ARRAY
            ],
        )
        .await?;
    tx.sql
        .execute_typed(
            "INSERT INTO atsync.change_names (connection, digest, serial) \
             SELECT $1, * FROM unnest($2::bytea[], $3::bigint[]) ON CONFLICT DO NOTHING",
            typed![tx.number => INT8, digests => BYTEA_ARRAY, named => INT8_ARRAY],
        )
        .await?;
    Ok(())
}

/// Appends events that are stored as they are; their serials are given here.
pub(super) async fn append_all(tx: &mut Tx<'_>, changes: &[Change]) -> Result<(), StoreError> {
    let text = |map: &serde_json::Map<String, serde_json::Value>| match map.is_empty() {
        true => Ok(String::new()),
        false => merge::text(map),
    };
    let texts: Vec<(String, String)> = changes
        .iter()
        .map(|change| Ok((text(&change.before)?, text(&change.after)?)))
        .collect::<Result<_, StoreError>>()?;
    let events = changes.iter().zip(&texts).map(|(change, (before, after))| Event {
        at_ms: change.at_ms,
        kind: &change.kind,
        id: &change.id,
        what: change.what,
        cause: change.cause.clone(),
        before,
        after,
    });
    append(tx, events.collect()).await
}

/// Empties an event of its fields; what names other records is removed, the record that it is
/// about stays.
pub(super) async fn empty(tx: &Tx<'_>, serials: &[i64]) -> Result<(), StoreError> {
    if serials.is_empty() {
        return Ok(());
    }
    let rows = tx
        .sql
        .query_typed(
            "UPDATE atsync.changes SET before = '', after = '' \
         WHERE connection = $1 AND serial = ANY ($2) RETURNING serial, kind, id",
            typed![tx.number => INT8, serials => INT8_ARRAY],
        )
        .await?;
    let (mut kept, mut of) = (Vec::new(), Vec::new());
    for row in rows {
        kept.push(digest::record(&text(&row, 1)?, &text(&row, 2)?));
        of.push(signed(number(&row, 0)?));
    }
    tx.sql
        .execute_typed(
            "DELETE FROM atsync.change_names n WHERE n.connection = $1 AND n.serial = ANY ($2) \
             AND NOT EXISTS (SELECT FROM unnest($3::bytea[], $2) k (digest, serial) \
             WHERE k.digest = n.digest AND k.serial = n.serial)",
            typed![tx.number => INT8, of => INT8_ARRAY, kept => BYTEA_ARRAY],
        )
        .await?;
    Ok(())
}

/// The events that are about a record or name it.
pub(super) async fn naming(
    tx: &Tx<'_>,
    kind: &str,
    id: &str,
) -> Result<Vec<(u64, String, String, ChangeWhat, String, String)>, StoreError> {
    let rows = tx
        .sql
        .query_typed(
            "SELECT c.serial, c.kind, c.id, c.what, c.before, c.after FROM atsync.change_names n \
         JOIN atsync.changes c ON c.connection = n.connection AND c.serial = n.serial \
         WHERE n.connection = $1 AND n.digest = $2 ORDER BY c.serial",
            typed![tx.number => INT8, digest::record(kind, id) => BYTEA],
        )
        .await?;
    let event = |row: &Row| {
        let what = what(row.try_get(3)?)?;
        Ok((number(row, 0)?, text(row, 1)?, text(row, 2)?, what, text(row, 4)?, text(row, 5)?))
    };
    rows.iter().map(event).collect()
}

/// The first serial that is left, and the last that was given.
pub(super) async fn ends(
    sql: &impl GenericClient,
    connection: &str,
) -> Result<(u64, u64), StoreError> {
    let row = sql
        .query_typed_opt(
            "SELECT (SELECT min(serial) FROM atsync.changes h WHERE h.connection = c.number), \
         c.last_serial FROM atsync.connections c WHERE c.name = $1",
            typed![connection.as_bytes() => BYTEA],
        )
        .await?;
    let Some(row) = row else { return Ok((1, 0)) };
    let last = number(&row, 1)?;
    Ok((some_number(&row, 0)?.unwrap_or(last.saturating_add(1)), last))
}

/// Events after a serial. The ends and the events are of one moment.
pub(super) async fn changes(
    sql: &impl GenericClient,
    connection: &str,
    after: u64,
    rows_max: usize,
) -> Result<Vec<Change>, StoreError> {
    check::rows(rows_max)?;
    let statement = format!(
        "SELECT {COLUMNS}, first, last FROM (SELECT c.number, c.last_serial AS last, \
         coalesce((SELECT min(serial) FROM atsync.changes h WHERE h.connection = c.number), \
         c.last_serial + 1) AS first FROM atsync.connections c WHERE c.name = $1) e \
         LEFT JOIN LATERAL (SELECT {COLUMNS} FROM atsync.changes \
         WHERE connection = e.number AND serial > $2 ORDER BY serial LIMIT $3) h ON true \
         ORDER BY serial"
    );
    let parameters = typed![
        connection.as_bytes() => BYTEA, signed(after) => INT8, limit(rows_max) => INT8
    ];
    let rows = sql.query_typed(&statement, parameters).await?;
    let Some(one) = rows.first() else {
        check::still_there(after, 1, 0)?;
        return Ok(Vec::new());
    };
    check::still_there(after, number(one, 8)?, number(one, 9)?)?;
    let is_event =
        |row: &&Row| row.try_get::<_, Option<i64>>(0).is_ok_and(|serial| serial.is_some());
    rows.iter().filter(is_event).map(change).collect()
}

/// Removes the oldest events. Returns how many.
pub(super) async fn trim(tx: &Tx<'_>, before_ms: u64, keep: Keep) -> Result<u64, StoreError> {
    let upto = match keep {
        Keep::Unacknowledged => {
            let row = tx
                .sql
                .query_typed_one(
                    "SELECT min(serial) FROM atsync.offsets WHERE connection = $1",
                    typed![tx.number => INT8],
                )
                .await?;
            some_number(&row, 0)?.unwrap_or_default()
        }
        Keep::Nothing => u64::MAX,
    };
    // The first event that stays, by its time or by its serial.
    let row = tx
        .sql
        .query_typed_one(
            "SELECT coalesce((SELECT serial FROM atsync.changes WHERE connection = $1 \
         AND at_ms >= $2 ORDER BY serial LIMIT 1), $3)",
            typed![tx.number => INT8, signed(before_ms) => INT8, i64::MAX => INT8],
        )
        .await?;
    let first = number(&row, 0)?.min(upto.saturating_add(1));
    tx.sql
        .execute_typed(
            "DELETE FROM atsync.change_names WHERE connection = $1 AND serial < $2",
            typed![tx.number => INT8, signed(first) => INT8],
        )
        .await?;
    let removed = tx
        .sql
        .execute_typed(
            "DELETE FROM atsync.changes WHERE connection = $1 AND serial < $2",
            typed![tx.number => INT8, signed(first) => INT8],
        )
        .await?;
    Ok(removed)
}

/// Stores an offset, unless it is less than the stored one. Returns the stored one.
pub(super) async fn acknowledge(
    tx: &Tx<'_>,
    consumer: &str,
    serial: u64,
) -> Result<u64, StoreError> {
    check::within(&tx.name, "a consumer's name", consumer)?;
    check::is_within(serial, tx.counters.last_serial)?;
    let row = tx
        .sql
        .query_typed_one(
            "INSERT INTO atsync.offsets AS o (connection, consumer, serial) VALUES ($1, $2, $3) \
         ON CONFLICT (connection, consumer) \
         DO UPDATE SET serial = greatest(o.serial, excluded.serial) RETURNING serial",
            typed![
                tx.number => INT8, consumer.as_bytes() => BYTEA, signed(serial) => INT8
            ],
        )
        .await?;
    number(&row, 0)
}

/// The offset of a consumer.
pub(super) async fn offset(
    sql: &impl GenericClient,
    connection: &str,
    consumer: &str,
) -> Result<u64, StoreError> {
    let row = sql
        .query_typed_opt(
            "SELECT o.serial FROM atsync.offsets o JOIN atsync.connections c \
         ON c.number = o.connection WHERE c.name = $1 AND o.consumer = $2",
            typed![connection.as_bytes() => BYTEA, consumer.as_bytes() => BYTEA],
        )
        .await?;
    row.map_or(Ok(0), |row| number(&row, 0))
}

/// Removes a consumer.
pub(super) async fn end_consumer(tx: &Tx<'_>, consumer: &str) -> Result<(), StoreError> {
    tx.sql
        .execute_typed(
            "DELETE FROM atsync.offsets WHERE connection = $1 AND consumer = $2",
            typed![tx.number => INT8, consumer.as_bytes() => BYTEA],
        )
        .await?;
    Ok(())
}

/// The text of an event's fields, where an empty one is no object.
fn fields(text: &str) -> Result<serde_json::Map<String, serde_json::Value>, StoreError> {
    if text.is_empty() { Ok(serde_json::Map::new()) } else { merge::object(text) }
}
