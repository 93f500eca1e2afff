//! The desired records, which of them are dirty, and the links between paths and remote records.
//!
//! A table of its own says which records are dirty, so that a page marks many without reading a
//! row.
//!
//! Left out: when a plan marks a record as clean; see [`crate::reconcile`].

use super::place::Place;
use super::tables::{
    Bytes, COUNTERS, DESIRED, DIRTY, LINKED, LINKS, Tables, any, counter, each, from_json, get,
    has, number, number_of, number_value, table, to_json,
};
use super::{barred, desired_by};
use crate::path;
use crate::store::codec::{Key, KeyReader, ValueReader, ValueWriter, damaged};
use crate::store::erase::Hasher;
use crate::store::{
    Declaration, DeclareReport, DesiredRow, DesiredStatus, LinkRow, Mode, StatusUpdate, StoreError,
    check,
};
use atsync_model::contract::RemoteRef;
use redb::{ReadTransaction, ReadableTable};
use std::ops::Range;

const FORMAT: u8 = 2;
/// The format of rows that have no mode yet: they are managed.
const FORMAT_WITHOUT_MODE: u8 = 1;
const WHAT: &str = "a desired record";

struct Row<'a> {
    generation: u64,
    changed_ms: u64,
    mode: Mode,
    body: &'a str,
    status: &'a str,
}

impl<'a> Row<'a> {
    fn decode(value: &'a [u8]) -> Result<Self, StoreError> {
        let format =
            if value.first() == Some(&FORMAT_WITHOUT_MODE) { FORMAT_WITHOUT_MODE } else { FORMAT };
        let mut reader = ValueReader::new(value, format, WHAT)?;
        let (generation, changed_ms) = (reader.number()?, reader.number()?);
        let mode = match format {
            FORMAT_WITHOUT_MODE => Mode::Managed,
            _ => match reader.byte()? {
                0 => Mode::Managed,
                1 => Mode::ObservedOnly,
                2 => Mode::Paused,
                _ => return Err(damaged(WHAT)),
            },
        };
        Ok(Self { generation, changed_ms, mode, body: reader.text()?, status: reader.text()? })
    }

    fn encode(&self) -> Vec<u8> {
        let value = ValueWriter::new(FORMAT, self.body.len().saturating_add(self.status.len()));
        let mode = match self.mode {
            Mode::Managed => 0,
            Mode::ObservedOnly => 1,
            Mode::Paused => 2,
        };
        let value = value.number(self.generation).number(self.changed_ms).byte(mode);
        value.string(self.body.as_bytes()).string(self.status.as_bytes()).done()
    }

    fn owned(&self, key: String, dirt: u64) -> Result<DesiredRow, StoreError> {
        let status: DesiredStatus = serde_json::from_str(self.status).map_err(|_| damaged(WHAT))?;
        let (generation, body, changed_ms) =
            (self.generation, self.body.to_owned(), self.changed_ms);
        let (dirty, mode) = (dirt != 0, self.mode);
        Ok(DesiredRow { key, generation, body, changed_ms, status, dirty, dirt, mode })
    }
}

/// Reads a value and writes it again; see [`super::foreign`].
#[cfg(any(test, feature = "testing"))]
pub(super) fn rewritten(value: &[u8]) -> Result<Vec<u8>, StoreError> {
    let row = Row::decode(value)?;
    let status = status_text(&row.owned(String::new(), 0)?.status)?;
    Ok(Row { status: &status, ..row }.encode())
}

fn key_of(connection: &Place, key: &str) -> Key {
    connection.key().text(key)
}

fn status_text(status: &DesiredStatus) -> Result<String, StoreError> {
    serde_json::to_string(status).map_err(|error| {
        StoreError::Invalid(format!("a status cannot be written as JSON: {error}"))
    })
}

fn total(connection: &Place) -> Key {
    counter(connection, "desired", "")
}

fn dirty_total(connection: &Place) -> Key {
    counter(connection, "dirty", "")
}

/// Each mark has a number of its own, so that a status that was made before it cannot remove it.
fn set_dirty(tables: &mut Tables<'_>, connection: &Place, key: &Key) -> Result<(), StoreError> {
    let last = counter(connection, "dirt", "");
    let dirt = number(tables.counters.rows(), &last)?.saturating_add(1);
    tables.counters.put(&last, &number_value(dirt))?;
    if !tables.dirty.put(key, &number_value(dirt))? {
        tables.count_up(&dirty_total(connection), 1)?;
    }
    Ok(())
}

fn dirt_of(value: &[u8]) -> Result<u64, StoreError> {
    // An earlier build wrote marks without a number.
    if value.is_empty() { Ok(1) } else { number_of(value) }
}

fn dirt(rows: &impl ReadableTable<Bytes, Bytes>, key: &Key) -> Result<u64, StoreError> {
    get(rows, key)?.map_or(Ok(0), |value| dirt_of(value.value()))
}

fn set_clean(tables: &mut Tables<'_>, connection: &Place, key: &Key) -> Result<(), StoreError> {
    if has(tables.dirty.rows(), key)? {
        tables.dirty.remove(key)?;
        tables.count_down(&dirty_total(connection), 1)?;
    }
    Ok(())
}

/// Stores desired records. See [`crate::store::Desired::declare`].
pub(super) fn declare(
    tables: &mut Tables<'_>,
    connection: &Place,
    records: &[Declaration],
    now_ms: u64,
    hasher: &Hasher,
) -> Result<DeclareReport, StoreError> {
    let mut report = DeclareReport::default();
    let guarded = barred::any_erased(tables, connection)?;
    let fresh = status_text(&DesiredStatus::default())?;
    for record in records {
        if guarded
            && barred::kept_away(
                tables,
                connection,
                &hasher.of_desired(connection.name(), &record.key, &record.body),
            )?
        {
            report.erased = report.erased.saturating_add(1);
            continue;
        }
        let key = key_of(connection, &record.key);
        let (value, names) = {
            let held = get(tables.desired.rows(), &key)?;
            let held = held.as_ref().map(|value| Row::decode(value.value())).transpose()?;
            let mode = held.as_ref().map(|row| row.mode).unwrap_or_default();
            let (generation, status, count) = match &held {
                Some(row) if row.body == record.body => {
                    report.unchanged = report.unchanged.saturating_add(1);
                    continue;
                }
                Some(row) => (row.generation.saturating_add(1), row.status, &mut report.changed),
                None => (1, fresh.as_str(), &mut report.created),
            };
            *count = count.saturating_add(1);
            let (before, after) = (held.as_ref().map(|row| row.body), Some(record.body.as_str()));
            let names = desired_by::Difference::of(connection, &record.key, before, after);
            let row = Row { generation, changed_ms: now_ms, mode, body: &record.body, status };
            (row.encode(), names)
        };
        tables.desired.put(&key, &value)?;
        names.write(tables)?;
        set_dirty(tables, connection, &key)?;
    }
    if report.created > 0 {
        tables.count_up(&total(connection), report.created)?;
    }
    Ok(report)
}

/// The generation of a desired record.
pub(super) fn generation(
    tables: &Tables<'_>,
    connection: &Place,
    key: &str,
) -> Result<Option<(u64, Mode)>, StoreError> {
    let held = get(tables.desired.rows(), &key_of(connection, key))?;
    let parts = |row: Row<'_>| (row.generation, row.mode);
    held.map(|value| Row::decode(value.value()).map(parts)).transpose()
}

/// Refuses when a desired record has another generation than this; none: when there is one.
pub(super) fn has_generation(
    tables: &Tables<'_>,
    connection: &Place,
    key: &str,
    expected: Option<u64>,
) -> Result<(), StoreError> {
    let held = generation(tables, connection, key)?.map(|(generation, _)| generation);
    check::expected_generation(held, expected)
}

/// As [`has_generation`]; with none, whatever is stored.
pub(super) fn is_still(
    tables: &Tables<'_>,
    connection: &Place,
    key: &str,
    expected: Option<u64>,
) -> Result<(), StoreError> {
    match expected {
        Some(_) => has_generation(tables, connection, key, expected),
        None => Ok(()),
    }
}

/// Sets the mode. See [`crate::store::Desired::set_mode`].
pub(super) fn set_mode(
    tables: &mut Tables<'_>,
    connection: &Place,
    key: &str,
    mode: Mode,
) -> Result<bool, StoreError> {
    let key = key_of(connection, key);
    let value = {
        let held = get(tables.desired.rows(), &key)?;
        let Some(held) = held.as_ref() else { return Ok(false) };
        Row { mode, ..Row::decode(held.value())? }.encode()
    };
    tables.desired.put(&key, &value)?;
    set_dirty(tables, connection, &key)?;
    Ok(true)
}

/// Removes a desired record with its links, without a check of intents. Returns whether there was
/// one, and how many links were removed.
pub(super) fn remove(
    tables: &mut Tables<'_>,
    connection: &Place,
    key: &str,
) -> Result<(bool, u64), StoreError> {
    let mut paths = Vec::new();
    links_below(tables.links.rows(), connection, key, |link| paths.push(link.path))?;
    end_links(tables, connection, &paths)?;
    let links = u64::try_from(paths.len()).unwrap_or(u64::MAX);
    let place = key_of(connection, key);
    let names = {
        let held = get(tables.desired.rows(), &place)?;
        let Some(held) = held.as_ref() else { return Ok((false, links)) };
        let body = Row::decode(held.value())?.body;
        desired_by::Difference::of(connection, key, Some(body), None)
    };
    names.write(tables)?;
    set_clean(tables, connection, &place)?;
    tables.desired.remove(&place)?;
    tables.count_down(&total(connection), 1)?;
    Ok((true, links))
}

/// Visits the body of a desired record, if there is one, as a write transaction sees it.
pub(super) fn body(
    tables: &Tables<'_>,
    connection: &Place,
    key: &str,
    visit: impl FnOnce(&str),
) -> Result<(), StoreError> {
    if let Some(held) = get(tables.desired.rows(), &key_of(connection, key))? {
        visit(Row::decode(held.value())?.body);
    }
    Ok(())
}

/// The places of a path and of the paths below it, in a table whose keys are paths.
pub(super) fn below(connection: &Place, path: &str) -> [Range<Vec<u8>>; 2] {
    let own = connection.key().text(path).within();
    [own, connection.key().text_beginning(&format!("{path}/")).within()]
}

/// Visits the links of a path and of the paths below it.
pub(super) fn links_below(
    rows: &impl ReadableTable<Bytes, Bytes>,
    connection: &Place,
    path: &str,
    mut visit: impl FnMut(LinkRow),
) -> Result<(), StoreError> {
    for range in below(connection, path) {
        each(rows, range, usize::MAX, |_, value| {
            visit(from_json(value, "a link")?);
            Ok(())
        })?;
    }
    Ok(())
}

/// One desired record.
pub(super) fn desired(
    read: &ReadTransaction,
    connection: &Place,
    key: &str,
) -> Result<Option<DesiredRow>, StoreError> {
    let place = key_of(connection, key);
    let rows = table(read, DESIRED)?;
    let Some(value) = get(&rows, &place)? else { return Ok(None) };
    let dirt = dirt(&table(read, DIRTY)?, &place)?;
    Row::decode(value.value())?.owned(key.to_owned(), dirt).map(Some)
}

fn range(connection: &Place, after: Option<&str>) -> std::ops::Range<Vec<u8>> {
    let prefix = connection.key();
    match after {
        Some(after) => prefix.clone().within_after(prefix.text(after)),
        None => prefix.within(),
    }
}

/// Desired records in order.
pub(super) fn desired_page(
    read: &ReadTransaction,
    connection: &Place,
    after: Option<&str>,
    rows_max: usize,
) -> Result<Vec<DesiredRow>, StoreError> {
    check::rows(rows_max)?;
    let dirty = table(read, DIRTY)?;
    let mut found = Vec::new();
    each(&table(read, DESIRED)?, range(connection, after), rows_max, |key, value| {
        let name = KeyReader::after(key, &connection.key())?.text()?;
        let dirt = dirt(&dirty, &key_of(connection, &name))?;
        found.push(Row::decode(value)?.owned(name, dirt)?);
        Ok(())
    })?;
    Ok(found)
}

/// Dirty ones in order.
pub(super) fn dirty_page(
    read: &ReadTransaction,
    connection: &Place,
    after: Option<&str>,
    rows_max: usize,
) -> Result<Vec<DesiredRow>, StoreError> {
    check::rows(rows_max)?;
    let desired = table(read, DESIRED)?;
    let mut found = Vec::new();
    each(&table(read, DIRTY)?, range(connection, after), rows_max, |key, mark| {
        let name = KeyReader::after(key, &connection.key())?.text()?;
        let value = get(&desired, &key_of(connection, &name))?.ok_or_else(|| damaged(WHAT))?;
        found.push(Row::decode(value.value())?.owned(name, dirt_of(mark)?)?);
        Ok(())
    })?;
    Ok(found)
}

/// Writes statuses. See [`crate::store::Desired::put_status`].
pub(super) fn put_status(
    tables: &mut Tables<'_>,
    connection: &Place,
    statuses: Vec<StatusUpdate>,
) -> Result<Vec<String>, StoreError> {
    let mut left = Vec::new();
    for update in statuses {
        let key = key_of(connection, &update.key);
        let status = status_text(&update.status)?;
        let value = {
            let held = get(tables.desired.rows(), &key)?;
            let held = held.as_ref().map(|value| Row::decode(value.value())).transpose()?;
            match held.filter(|row| row.generation == update.generation) {
                Some(row) if row.status == status => None,
                Some(row) => Some(Row { status: &status, ..row }.encode()),
                None => {
                    left.push(update.key);
                    continue;
                }
            }
        };
        if let Some(value) = value {
            tables.desired.put(&key, &value)?;
        }
        let dirt = dirt(tables.dirty.rows(), &key)?;
        if update.dirty && dirt == 0 {
            set_dirty(tables, connection, &key)?;
        } else if !update.dirty && dirt == update.dirt {
            set_clean(tables, connection, &key)?;
        }
    }
    Ok(left)
}

/// Marks desired records; unknown keys are ignored.
pub(super) fn mark_dirty(
    tables: &mut Tables<'_>,
    connection: &Place,
    keys: &[String],
) -> Result<(), StoreError> {
    for key in keys {
        let key = key_of(connection, key);
        if has(tables.desired.rows(), &key)? {
            set_dirty(tables, connection, &key)?;
        }
    }
    Ok(())
}

/// How many there are, and how many are dirty.
pub(super) fn desired_counts(
    read: &ReadTransaction,
    connection: &Place,
) -> Result<(u64, u64), StoreError> {
    let counters = table(read, COUNTERS)?;
    Ok((number(&counters, &total(connection))?, number(&counters, &dirty_total(connection))?))
}

fn linked_key(connection: &Place, remote: &RemoteRef, path: &str) -> Key {
    connection.key().text(&remote.kind).text(&remote.id).text(path)
}

/// Writes links, each replacing the one of its path.
pub(super) fn put_links(
    tables: &mut Tables<'_>,
    connection: &Place,
    links: &[LinkRow],
) -> Result<(), StoreError> {
    for link in links {
        let key = key_of(connection, &link.path);
        let held: Option<LinkRow> = {
            let value = get(tables.links.rows(), &key)?;
            value.map(|value| from_json(value.value(), "a link")).transpose()?
        };
        if let Some(held) = held.filter(|held| held.remote != link.remote) {
            tables.linked.remove(&linked_key(connection, &held.remote, &link.path))?;
        }
        tables.links.put(&key, &to_json(link)?)?;
        tables.linked.put(&linked_key(connection, &link.remote, &link.path), &[])?;
    }
    Ok(())
}

/// Removes the links of paths; a path without one is ignored.
pub(super) fn end_links(
    tables: &mut Tables<'_>,
    connection: &Place,
    paths: &[String],
) -> Result<(), StoreError> {
    for path in paths {
        let key = key_of(connection, path);
        let held: Option<LinkRow> = {
            let value = get(tables.links.rows(), &key)?;
            value.map(|value| from_json(value.value(), "a link")).transpose()?
        };
        if let Some(held) = held {
            tables.linked.remove(&linked_key(connection, &held.remote, path))?;
            tables.links.remove(&key)?;
        }
    }
    Ok(())
}

/// Moves the links of the first id to the second.
pub(super) fn follow(
    tables: &mut Tables<'_>,
    connection: &Place,
    kind: &str,
    (from, to): (&str, &str),
) -> Result<(), StoreError> {
    let old = connection.key().text(kind).text(from);
    let new = connection.key().text(kind).text(to);
    let mut paths = Vec::new();
    each(tables.linked.rows(), old.clone().within(), usize::MAX, |key, _| {
        paths.push(KeyReader::after(key, &old)?.text()?);
        Ok(())
    })?;
    for path in paths {
        let taken = any(tables.linked.rows(), new.clone().within())?;
        let held: LinkRow = {
            let value = get(tables.links.rows(), &key_of(connection, &path))?
                .ok_or_else(|| damaged("a link"))?;
            from_json(value.value(), "a link")?
        };
        put_links(tables, connection, &[check::followed(held, to, taken)])?;
    }
    Ok(())
}

/// Marks the desired records that are linked to a remote record.
pub(super) fn touch(
    tables: &mut Tables<'_>,
    connection: &Place,
    kind: &str,
    id: &str,
) -> Result<(), StoreError> {
    let prefix = connection.key().text(kind).text(id);
    let mut keys = Vec::new();
    each(tables.linked.rows(), prefix.clone().within(), usize::MAX, |key, _| {
        let path = KeyReader::after(key, &prefix)?.text()?;
        keys.push(path::key(&path).to_owned());
        Ok(())
    })?;
    mark_dirty(tables, connection, &keys)
}

/// The link of a path.
pub(super) fn link(
    read: &ReadTransaction,
    connection: &Place,
    path: &str,
) -> Result<Option<LinkRow>, StoreError> {
    let rows = table(read, LINKS)?;
    let value = get(&rows, &key_of(connection, path))?;
    value.map(|value| from_json(value.value(), "a link")).transpose()
}

/// The links of a key and of the paths below it, in the order of their hosts.
pub(super) fn links_of(
    read: &ReadTransaction,
    connection: &Place,
    key: &str,
) -> Result<Vec<LinkRow>, StoreError> {
    // The key itself sorts before the paths below it, as a text sorts before every longer one.
    let mut found = Vec::new();
    links_below(&table(read, LINKS)?, connection, key, |link| found.push(link))?;
    Ok(found)
}

/// The links that lead to a remote record, in the order of their hosts.
pub(super) fn links_to(
    read: &ReadTransaction,
    connection: &Place,
    remote: &RemoteRef,
) -> Result<Vec<LinkRow>, StoreError> {
    leading_to((&table(read, LINKED)?, &table(read, LINKS)?), connection, &remote.kind, &remote.id)
}

/// As [`links_to`], as a write transaction sees them.
pub(super) fn links_to_now(
    tables: &Tables<'_>,
    connection: &Place,
    kind: &str,
    id: &str,
) -> Result<Vec<LinkRow>, StoreError> {
    leading_to((tables.linked.rows(), tables.links.rows()), connection, kind, id)
}

fn leading_to(
    (linked, links): (&impl ReadableTable<Bytes, Bytes>, &impl ReadableTable<Bytes, Bytes>),
    connection: &Place,
    kind: &str,
    id: &str,
) -> Result<Vec<LinkRow>, StoreError> {
    let prefix = connection.key().text(kind).text(id);
    let mut found = Vec::new();
    each(linked, prefix.clone().within(), usize::MAX, |key, _| {
        let path = KeyReader::after(key, &prefix)?.text()?;
        let link = get(links, &key_of(connection, &path))?.ok_or_else(|| damaged("a link"))?;
        found.push(from_json(link.value(), "a link")?);
        Ok(())
    })?;
    Ok(found)
}
