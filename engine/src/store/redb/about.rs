//! The events of a record, without reading the others.
//!
//! An event that has its text is found by the record that it is about, by the candidates and
//! applications that its fields name, and by the record that it says another one continues as. An
//! event that refers to its row ([`super::feed`]) has no entry: the row has its serial. So a first
//! pull writes none; the entries come with the text, when the record first changes.
//!
//! Every write of an event goes through [`announce`] or [`replace`], every removal through
//! [`remove`]. The entry of the record that an event is about stays when an erasure empties the
//! event.
//!
//! Bounds: an event has one entry, and another for each record that it names. Left out: the events
//! themselves; see [`super::feed`].

use super::event::{After, Event, WHAT, decode};
use super::place::Place;
use super::tables::{Tables, each, get};
use crate::store::codec::{Key, KeyReader, damaged};
use crate::store::{ChangeWhat, StoreError, check, merge, naming};
use std::collections::BTreeSet;

/// The places of an event's entries.
type Entries = BTreeSet<Key>;

fn prefix(connection: &Place, kind: &str, id: &str) -> Key {
    connection.key().text(kind).sought(id)
}

/// The id that the record of an event continues under.
pub(super) fn moved_to(event: &Event<'_>) -> Option<String> {
    let After::Text(after) = event.after else { return None };
    if event.what != ChangeWhat::Moved {
        return None;
    }
    let after = merge::object(after).ok()?;
    check::moved_to(event.what, &after).map(str::to_owned)
}

fn entries(connection: &Place, serial: u64, event: &Event<'_>) -> Entries {
    let After::Text(after) = event.after else { return Entries::new() };
    let about = (event.kind, event.id);
    let named = naming::of_event(about, event.what, event.before, after);
    named.iter().map(|(kind, id)| prefix(connection, kind, id).number(serial)).collect()
}

/// Writes the entries of an event of a new serial. Returns its row, which the caller writes.
pub(super) fn announce(
    tables: &mut Tables<'_>,
    connection: &Place,
    serial: u64,
    event: &Event<'_>,
) -> Result<(Key, Vec<u8>), StoreError> {
    for entry in entries(connection, serial, event) {
        tables.events_of.put(&entry, &[])?;
    }
    Ok((connection.key().number(serial), event.encode()))
}

/// Writes an event of a new serial.
pub(super) fn put(
    tables: &mut Tables<'_>,
    connection: &Place,
    serial: u64,
    event: &Event<'_>,
) -> Result<(), StoreError> {
    let (key, value) = announce(tables, connection, serial, event)?;
    tables.changes.put(&key, &value).map(drop)
}

/// Writes an event anew, with these fields after the change, and these before it; without, it keeps
/// those.
pub(super) fn replace(
    tables: &mut Tables<'_>,
    connection: &Place,
    serial: u64,
    (before, after): (Option<&str>, &str),
) -> Result<(), StoreError> {
    let key = connection.key().number(serial);
    let (was, is, value) = {
        let held = get(tables.changes.rows(), &key)?.ok_or_else(|| damaged(WHAT))?;
        decode(held.value(), |event| {
            let was = entries(connection, serial, &event);
            let before = before.unwrap_or(event.before);
            let next = Event { before, after: After::Text(after), ..event };
            Ok((was, entries(connection, serial, &next), next.encode()))
        })?
    };
    for entry in was.difference(&is) {
        tables.events_of.remove(entry)?;
    }
    for entry in is.difference(&was) {
        tables.events_of.put(entry, &[])?;
    }
    tables.changes.put(&key, &value).map(drop)
}

/// Removes an event.
pub(super) fn remove(
    tables: &mut Tables<'_>,
    connection: &Place,
    serial: u64,
) -> Result<(), StoreError> {
    let key = connection.key().number(serial);
    let entries = {
        let held = get(tables.changes.rows(), &key)?.ok_or_else(|| damaged(WHAT))?;
        decode(held.value(), |event| Ok(entries(connection, serial, &event)))?
    };
    for entry in entries {
        tables.events_of.remove(&entry)?;
    }
    tables.changes.remove(&key).map(drop)
}

/// Visits the events that are about a record, name it, or say that another one continues as it.
pub(super) fn each_of(
    tables: &Tables<'_>,
    connection: &Place,
    (kind, id): (&str, &str),
    mut visit: impl FnMut(u64, &Event<'_>),
) -> Result<(), StoreError> {
    let prefix = prefix(connection, kind, id);
    each(tables.events_of.rows(), prefix.clone().within(), usize::MAX, |key, _| {
        let serial = KeyReader::after(key, &prefix)?.number()?;
        let held = get(tables.changes.rows(), &connection.key().number(serial))?;
        let held = held.ok_or_else(|| damaged(WHAT))?;
        decode(held.value(), |event| {
            visit(serial, &event);
            Ok(())
        })
    })
}
