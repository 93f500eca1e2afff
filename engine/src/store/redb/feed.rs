//! The change events, their serials, and the offsets of consumers.
//!
//! The event of a new record holds all of it, which the observed row holds too. So the event is
//! written as a *reference to the row*, and reads the record from there. The row stores the serial;
//! the first transaction that changes its body writes the old body into the event before
//! ([`settle`]). So the feed costs a pull only a short row, and an event never changes.
//!
//! Trimming removes from the old end only, so that the rest has no gap. A row may keep the serial
//! of a trimmed event; the number of the first event that is left shows that.
//!
//! Bounds: rows per read; [`TRIM_EVENTS_MAX`] events of one trimming. Left out: when to trim.

use super::event::{After, Event, WHAT, decode};
use super::place::Place;
use super::tables::{
    Bytes, CHANGES, COUNTERS, OBSERVED, OFFSETS, OrFailed, Tables, counter, each, get, number,
    number_of, number_value, table,
};
use super::{about, gap, identity, row};
use crate::store::codec::{Key, KeyReader, damaged};
use crate::store::merge::{object, text};
use crate::store::{Change, Keep, StoreError, check};
use redb::{ReadTransaction, ReadableTable};
use serde_json::Map;

/// Events that one trimming removes at most: more would delay writers for seconds. The caller
/// repeats it while it removes this many.
pub(super) const TRIM_EVENTS_MAX: usize = 50_000;

/// Reads a value and writes it anew; see [`super::foreign`].
#[cfg(any(test, feature = "testing"))]
pub(super) fn rewritten(value: &[u8]) -> Result<Vec<u8>, StoreError> {
    decode(value, |event| {
        let before = text(&fields(event.before)?)?;
        match event.after {
            After::Text(after) => {
                let after = text(&fields(after)?)?;
                Ok(Event { before: &before, after: After::Text(&after), ..event }.encode())
            }
            After::ToldByRow => Ok(Event { before: &before, ..event }.encode()),
        }
    })
}

fn serial_key(connection: &Place) -> Key {
    counter(connection, "serial", "")
}

/// The newest serial, as a write transaction sees it.
pub(super) fn last_serial(tables: &Tables<'_>, connection: &Place) -> Result<u64, StoreError> {
    number(tables.counters.rows(), &serial_key(connection))
}

/// Stores the newest serial.
pub(super) fn put_last_serial(
    tables: &mut Tables<'_>,
    connection: &Place,
    serial: u64,
) -> Result<(), StoreError> {
    tables.told.insert(connection.name().to_owned());
    tables.counters.put(&serial_key(connection), &number_value(serial)).map(drop)
}

/// Writes the body into the event that referred to the row until now.
pub(super) fn settle(
    tables: &mut Tables<'_>,
    connection: &Place,
    serial: u64,
    body: &str,
) -> Result<(), StoreError> {
    if !is_left(tables, connection, serial)? {
        return Ok(());
    }
    about::replace(tables, connection, serial, (None, body))
}

/// Appends events that the engine made itself.
pub(super) fn append(
    tables: &mut Tables<'_>,
    connection: &Place,
    changes: &[Change],
) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut serial = last_serial(tables, connection)?;
    for change in changes {
        serial = serial.saturating_add(1);
        if let Some(to) = check::told_move(change) {
            identity::put(tables, connection, &change.kind, &change.id, to, true)?;
        }
        let (before, after) = (text(&change.before)?, text(&change.after)?);
        let (at_ms, kind, id, what) =
            (change.at_ms, change.kind.as_str(), change.id.as_str(), change.what);
        let event = Event {
            at_ms,
            kind,
            id,
            what,
            cause: &change.cause,
            before: &before,
            after: After::Text(&after),
        };
        about::put(tables, connection, serial, &event)?;
    }
    put_last_serial(tables, connection, serial)
}

/// The events after a serial.
pub(super) fn changes(
    read: &ReadTransaction,
    connection: &Place,
    after: u64,
    rows_max: usize,
) -> Result<Vec<Change>, StoreError> {
    check::rows(rows_max)?;
    let counters = table(read, COUNTERS)?;
    let last = number(&counters, &serial_key(connection))?;
    gap::refuse(&counters, connection, after)?;
    check::still_there(after, first_serial(&counters, connection)?, last)?;
    let observed = table(read, OBSERVED)?;
    let prefix = connection.key();
    let mut found = Vec::new();
    let range = prefix.clone().within_after(prefix.clone().number(after));
    each(&table(read, CHANGES)?, range, rows_max, |key, value| {
        let serial = KeyReader::after(key, &prefix)?.number()?;
        found.push(decode(value, |event| change(&observed, connection, serial, event))?);
        Ok(())
    })?;
    Ok(found)
}

/// The fields of an event, as it holds them.
fn fields(text: &str) -> Result<Map<String, serde_json::Value>, StoreError> {
    if text.is_empty() { Ok(Map::new()) } else { object(text).map_err(|_| damaged(WHAT)) }
}

fn change(
    rows: &impl ReadableTable<super::tables::Bytes, super::tables::Bytes>,
    connection: &Place,
    serial: u64,
    event: Event<'_>,
) -> Result<Change, StoreError> {
    let after = match event.after {
        After::Text(text) => fields(text)?,
        After::ToldByRow => {
            let value = get(rows, &row::key(connection, event.kind, event.id))?
                .ok_or_else(|| damaged(WHAT))?;
            let stored = row::Stored::read(value.value())?;
            let row = stored.row();
            if row.told != serial {
                return Err(damaged(WHAT));
            }
            fields(row.body)?
        }
    };
    Ok(Change {
        serial,
        at_ms: event.at_ms,
        kind: event.kind.to_owned(),
        id: event.id.to_owned(),
        what: event.what,
        before: fields(event.before)?,
        after,
        cause: event.cause.clone(),
    })
}

/// The newest serial.
pub(super) fn changes_last(read: &ReadTransaction, connection: &Place) -> Result<u64, StoreError> {
    number(&table(read, COUNTERS)?, &serial_key(connection))
}

fn first_key(connection: &Place) -> Key {
    counter(connection, "first_serial", "")
}

/// The oldest serial that is left, or the next one. 1 before anything was trimmed.
fn first_serial(
    counters: &impl ReadableTable<Bytes, Bytes>,
    connection: &Place,
) -> Result<u64, StoreError> {
    Ok(number(counters, &first_key(connection))?.max(1))
}

/// As [`first_serial`], for readers.
pub(super) fn changes_first(read: &ReadTransaction, connection: &Place) -> Result<u64, StoreError> {
    first_serial(&table(read, COUNTERS)?, connection)
}

/// Begins a feed after a serial: what came before is trimmed.
pub(super) fn begin_after(
    tables: &mut Tables<'_>,
    connection: &Place,
    serial: u64,
) -> Result<(), StoreError> {
    put_last_serial(tables, connection, serial)?;
    tables.counters.put(&first_key(connection), &number_value(serial.saturating_add(1))).map(drop)
}

/// Removes the oldest events. See [`crate::store::Feed::trim_changes`].
pub(super) fn trim(
    tables: &mut Tables<'_>,
    connection: &Place,
    before_ms: u64,
    keep: Keep,
) -> Result<u64, StoreError> {
    let mut upto = u64::MAX;
    if keep == Keep::Unacknowledged {
        let mut least: Option<u64> = None;
        each(tables.offsets.rows(), connection.key().within(), usize::MAX, |_, value| {
            let offset = number_of(value)?;
            least = Some(least.map_or(offset, |least| least.min(offset)));
            Ok(())
        })?;
        upto = least.unwrap_or(0);
    }
    let prefix = connection.key();
    let mut old = Vec::new();
    let mut young = false;
    each(tables.changes.rows(), prefix.clone().within(), TRIM_EVENTS_MAX, |key, value| {
        let serial = KeyReader::after(key, &prefix)?.number()?;
        young = young || serial > upto || decode(value, |event| Ok(event.at_ms >= before_ms))?;
        if !young {
            old.push(serial);
        }
        Ok(())
    })?;
    for serial in &old {
        about::remove(tables, connection, *serial)?;
    }
    if let Some(last) = old.last() {
        tables.counters.put(&first_key(connection), &number_value(last.saturating_add(1)))?;
    }
    Ok(u64::try_from(old.len()).unwrap_or(u64::MAX))
}

/// Whether trimming left the event of this serial.
pub(super) fn is_left(
    tables: &Tables<'_>,
    connection: &Place,
    serial: u64,
) -> Result<bool, StoreError> {
    Ok(serial >= first_serial(tables.counters.rows(), connection)?)
}

/// Empties the event of this serial.
pub(super) fn empty(
    tables: &mut Tables<'_>,
    connection: &Place,
    serial: u64,
) -> Result<(), StoreError> {
    about::replace(tables, connection, serial, (Some(""), ""))
}

/// Removes a consumer.
pub(super) fn end_consumer(
    tables: &mut Tables<'_>,
    connection: &Place,
    consumer: &str,
) -> Result<(), StoreError> {
    let key = connection.key().text(consumer);
    if get(tables.offsets.rows(), &key)?.is_some() {
        tables.offsets.remove(&key)?;
    }
    Ok(())
}

/// Increases a consumer's offset, and returns the stored one.
pub(super) fn acknowledge(
    tables: &mut Tables<'_>,
    connection: &Place,
    consumer: &str,
    serial: u64,
) -> Result<u64, StoreError> {
    check::is_within(serial, last_serial(tables, connection)?)?;
    gap::refuse(tables.counters.rows(), connection, serial)?;
    let key = connection.key().text(consumer);
    // A consumer that acknowledges 0 is known from then on, and trimming keeps its events.
    let held =
        get(tables.offsets.rows(), &key)?.map(|value| number_of(value.value())).transpose()?;
    match held {
        Some(held) if held >= serial => Ok(held),
        _ => {
            tables.offsets.put(&key, &number_value(serial))?;
            Ok(serial)
        }
    }
}

/// A consumer's offset.
pub(super) fn offset(
    read: &ReadTransaction,
    connection: &Place,
    consumer: &str,
) -> Result<u64, StoreError> {
    let offsets = read.open_table(OFFSETS).or_failed()?;
    number(&offsets, &connection.key().text(consumer))
}
