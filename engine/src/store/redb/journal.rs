//! The intents: numbered within the store, marked within the connection, at most one open per path
//! and operation.
//!
//! Numbers and mark times are counters that only rise, so that neither is ever used twice, even
//! after the clock went back.
//!
//! Left out: which change is allowed; see [`crate::journal`] and [`check::step`].

use super::place::Place;
use super::tables::{
    BY_PATH, INTENTS, OPEN, Tables, counter, counters, each, each_back, from_json, get, number,
    number_of, number_value, table, to_json,
};
use super::{desired, feed};
use crate::journal::{Intent, IntentId};
use crate::path;
use crate::store::codec::{Key, KeyReader, damaged};
use crate::store::{IntentAdvance, StoreError, check};
use redb::{ReadTransaction, ReadableTable};
use std::collections::BTreeSet;

const WHAT: &str = "an intent";
/// The group of the counters of intents by state.
const COUNTED: &str = "intents";

/// The last intent's number, for the whole store.
fn last_number() -> Key {
    Key::of("last_intent")
}

fn last_mark(connection: &Place) -> Key {
    counter(connection, "mark", "")
}

fn key_of(connection: &Place, id: IntentId) -> Key {
    connection.key().number(id)
}

fn open_key(connection: &Place, intent: &Intent) -> Key {
    connection.key().text(&intent.path).text(&intent.operation)
}

/// Carries the time of the last mark over to another number of the connection.
pub(super) fn carry_mark(
    tables: &mut Tables<'_>,
    from: &Place,
    to: &Place,
) -> Result<(), StoreError> {
    let mark = number(tables.counters.rows(), &last_mark(from))?;
    tables.counters.put(&last_mark(to), &number_value(mark)).map(drop)
}

/// Opens an intent. See [`crate::store::Journal::begin_intent`].
pub(super) fn begin(
    tables: &mut Tables<'_>,
    connection: &Place,
    intent: Intent,
) -> Result<Intent, StoreError> {
    let open = open_key(connection, &intent);
    if let Some(id) = get(tables.open.rows(), &open)? {
        return Err(StoreError::IntentOpen(number_of(id.value())?));
    }
    let held = desired::generation(tables, connection, path::key(&intent.path))?;
    check::generation(&intent.path, held, intent.generation)?;
    let mark = last_mark(connection);
    let time_ms = check::mark_time(intent.mark.time_ms, number(tables.counters.rows(), &mark)?)?;
    let id = number(tables.meta.rows(), &last_number())?.saturating_add(1);
    let born = check::born(intent, id, time_ms);
    let value = to_json(&born)?;

    tables.intents.put(&key_of(connection, id), &value)?;
    tables.open.put(&open, &number_value(id))?;
    tables.by_path.put(&connection.key().text(&born.path).number(id), &[])?;
    put_remotes(tables, connection, None, &born)?;
    tables.counters.put(&mark, &number_value(time_ms))?;
    tables.meta.put(&last_number(), &number_value(id))?;
    tables.count_up(&counter(connection, COUNTED, born.state.word()), 1)?;
    Ok(born)
}

/// Changes the state of an intent. See [`crate::store::Journal::advance_intent`].
pub(super) fn advance(
    tables: &mut Tables<'_>,
    connection: &Place,
    advance: IntentAdvance,
) -> Result<Intent, StoreError> {
    let held = load(tables.intents.rows(), connection, advance.id)?
        .ok_or_else(|| check::no_intent(advance.id))?;
    let next = check::step(&held, &advance)?;
    let value = to_json(&next)?;

    tables.intents.put(&key_of(connection, next.id), &value)?;
    put_remotes(tables, connection, Some(&held), &next)?;
    if !next.state.is_open() {
        tables.open.remove(&open_key(connection, &next))?;
    }
    if held.state.word() != next.state.word() {
        tables.count_down(&counter(connection, COUNTED, held.state.word()), 1)?;
        tables.count_up(&counter(connection, COUNTED, next.state.word()), 1)?;
    }
    let keys: Vec<String> = check::moved_by(&next, &advance.links).into_iter().collect();
    desired::mark_dirty(tables, connection, &keys)?;
    desired::put_links(tables, connection, &advance.links)?;
    feed::append(tables, connection, &advance.changes)?;
    Ok(next)
}

/// An open intent of a key or of a path below it.
pub(super) fn open_below(
    tables: &Tables<'_>,
    connection: &Place,
    key: &str,
) -> Result<Option<IntentId>, StoreError> {
    let mut found: Option<IntentId> = None;
    for range in desired::below(connection, key) {
        each(tables.open.rows(), range, usize::MAX, |_, value| {
            let id = number_of(value)?;
            found = Some(found.map_or(id, |oldest| oldest.min(id)));
            Ok(())
        })?;
    }
    Ok(found)
}

/// The intent that created a record, by the links that say it was created.
pub(super) fn maker(
    tables: &Tables<'_>,
    connection: &Place,
    kind: &str,
    id: &str,
) -> Result<Option<IntentId>, StoreError> {
    let mut found: Option<IntentId> = None;
    for link in desired::links_to_now(tables, connection, kind, id)? {
        for path in check::makers(&link.path) {
            each(
                tables.by_path.rows(),
                connection.key().text(path).within(),
                usize::MAX,
                |key, _| {
                    let mut parts = KeyReader::after(key, &connection.key())?;
                    parts.text()?;
                    let intent = load(tables.intents.rows(), connection, parts.number()?)?
                        .ok_or_else(|| damaged(WHAT))?;
                    if check::made(&intent, &link) {
                        found = Some(found.map_or(intent.id, |oldest| oldest.min(intent.id)));
                    }
                    Ok(())
                },
            )?;
        }
    }
    Ok(found)
}

/// The places of an intent under the remote records that it is about.
fn remotes(connection: &Place, intent: &Intent) -> BTreeSet<Key> {
    let remotes = check::remotes_of(intent);
    remotes.map(|of| remote_key(connection, &of.kind, &of.id).number(intent.id)).collect()
}

fn remote_key(connection: &Place, kind: &str, id: &str) -> Key {
    connection.key().sought(kind).sought(id)
}

/// Writes which remote records an intent is about.
fn put_remotes(
    tables: &mut Tables<'_>,
    connection: &Place,
    held: Option<&Intent>,
    next: &Intent,
) -> Result<(), StoreError> {
    let was = held.map(|held| remotes(connection, held)).unwrap_or_default();
    let is = remotes(connection, next);
    for place in was.difference(&is) {
        tables.intents_of.remove(place)?;
    }
    for place in is.difference(&was) {
        tables.intents_of.put(place, &[])?;
    }
    Ok(())
}

/// Visits the intents that are about a remote record, as a write transaction sees them.
pub(super) fn each_about(
    tables: &Tables<'_>,
    connection: &Place,
    (kind, id): (&str, &str),
    mut visit: impl FnMut(Intent),
) -> Result<(), StoreError> {
    let prefix = remote_key(connection, kind, id);
    each(tables.intents_of.rows(), prefix.clone().within(), usize::MAX, |key, _| {
        let id = KeyReader::after(key, &prefix)?.number()?;
        visit(load(tables.intents.rows(), connection, id)?.ok_or_else(|| damaged(WHAT))?);
        Ok(())
    })
}

/// Visits the intents of a path and of the paths below it, as a write transaction sees them.
pub(super) fn each_below(
    tables: &Tables<'_>,
    connection: &Place,
    path: &str,
    mut visit: impl FnMut(Intent),
) -> Result<(), StoreError> {
    for range in desired::below(connection, path) {
        each(tables.by_path.rows(), range, usize::MAX, |key, _| {
            let mut parts = KeyReader::after(key, &connection.key())?;
            parts.text()?;
            let intent = load(tables.intents.rows(), connection, parts.number()?)?;
            visit(intent.ok_or_else(|| damaged(WHAT))?);
            Ok(())
        })?;
    }
    Ok(())
}

/// Replaces an intent by its emptied form.
pub(super) fn replace(
    tables: &mut Tables<'_>,
    connection: &Place,
    held: &Intent,
    next: &Intent,
) -> Result<(), StoreError> {
    let value = to_json(next)?;
    tables.intents.put(&key_of(connection, next.id), &value)?;
    if held.state.is_open() {
        tables.open.remove(&open_key(connection, held))?;
    }
    tables.by_path.remove(&connection.key().text(&held.path).number(held.id))?;
    tables.by_path.put(&connection.key().text(&next.path).number(next.id), &[])?;
    put_remotes(tables, connection, Some(held), next)?;
    tables.count_down(&counter(connection, COUNTED, held.state.word()), 1)?;
    tables.count_up(&counter(connection, COUNTED, next.state.word()), 1)
}

/// Removes an intent that has ended, with the rows that lead to it.
pub(super) fn remove(
    tables: &mut Tables<'_>,
    connection: &Place,
    ended: &Intent,
) -> Result<(), StoreError> {
    tables.intents.remove(&key_of(connection, ended.id))?;
    tables.by_path.remove(&connection.key().text(&ended.path).number(ended.id))?;
    for place in remotes(connection, ended) {
        tables.intents_of.remove(&place)?;
    }
    tables.count_down(&counter(connection, COUNTED, ended.state.word()), 1)
}

/// Visits the intents after a number, oldest first, at most `rows_max`, as a write transaction sees
/// them.
pub(super) fn each_after(
    tables: &Tables<'_>,
    connection: &Place,
    after: IntentId,
    rows_max: usize,
    mut visit: impl FnMut(Intent),
) -> Result<(), StoreError> {
    let range = connection.key().within_after(key_of(connection, after));
    each(tables.intents.rows(), range, rows_max, |_, value| {
        visit(from_json(value, WHAT)?);
        Ok(())
    })
}

/// The intents of exactly this path, oldest first, as a write transaction sees them.
pub(super) fn of_path(
    tables: &Tables<'_>,
    connection: &Place,
    path: &str,
) -> Result<Vec<Intent>, StoreError> {
    let prefix = connection.key().text(path);
    let mut found = Vec::new();
    each(tables.by_path.rows(), prefix.clone().within(), usize::MAX, |key, _| {
        let id = KeyReader::after(key, &prefix)?.number()?;
        found.push(load(tables.intents.rows(), connection, id)?.ok_or_else(|| damaged(WHAT))?);
        Ok(())
    })?;
    Ok(found)
}

fn load(
    rows: &impl ReadableTable<super::tables::Bytes, super::tables::Bytes>,
    connection: &Place,
    id: IntentId,
) -> Result<Option<Intent>, StoreError> {
    let value = get(rows, &key_of(connection, id))?;
    value.map(|value| from_json(value.value(), WHAT)).transpose()
}

fn load_all(
    read: &ReadTransaction,
    connection: &Place,
    ids: &[IntentId],
) -> Result<Vec<Intent>, StoreError> {
    let rows = table(read, INTENTS)?;
    ids.iter().map(|id| load(&rows, connection, *id)?.ok_or_else(|| damaged(WHAT))).collect()
}

/// One intent.
pub(super) fn intent(
    read: &ReadTransaction,
    connection: &Place,
    id: IntentId,
) -> Result<Option<Intent>, StoreError> {
    load(&table(read, INTENTS)?, connection, id)
}

/// All open intents, oldest first.
pub(super) fn open_intents(
    read: &ReadTransaction,
    connection: &Place,
) -> Result<Vec<Intent>, StoreError> {
    let mut ids = Vec::new();
    each(&table(read, OPEN)?, connection.key().within(), usize::MAX, |_, value| {
        ids.push(number_of(value)?);
        Ok(())
    })?;
    ids.sort_unstable();
    load_all(read, connection, &ids)
}

/// The intents of a key and of the paths below it, newest first.
pub(super) fn intents_of(
    read: &ReadTransaction,
    connection: &Place,
    key: &str,
    rows_max: usize,
) -> Result<Vec<Intent>, StoreError> {
    check::rows(rows_max)?;
    let by_path = table(read, BY_PATH)?;
    let mut ids = Vec::new();
    for range in desired::below(connection, key) {
        each(&by_path, range, usize::MAX, |key, _| {
            let mut parts = KeyReader::after(key, &connection.key())?;
            parts.text()?;
            ids.push(parts.number()?);
            Ok(())
        })?;
    }
    ids.sort_unstable_by(|a, b| b.cmp(a));
    ids.truncate(rows_max);
    load_all(read, connection, &ids)
}

/// The intents whose first request left at `since_ms` or later, newest first. It stops at the first
/// that is older.
pub(super) fn intents_since(
    read: &ReadTransaction,
    connection: &Place,
    since_ms: u64,
    rows_max: usize,
) -> Result<Vec<Intent>, StoreError> {
    check::rows(rows_max)?;
    let mut found = Vec::new();
    each_back(&table(read, INTENTS)?, connection.key().within(), |value| {
        let intent: Intent = from_json(value, WHAT)?;
        let goes_on = intent.first_sent.wall_ms >= since_ms && found.len() < rows_max;
        if goes_on {
            found.push(intent);
        }
        Ok(goes_on)
    })?;
    Ok(found)
}

/// How many there are by state.
pub(super) fn intent_counts(
    read: &ReadTransaction,
    connection: &Place,
) -> Result<Vec<(String, u64)>, StoreError> {
    counters(read, connection, COUNTED)
}
