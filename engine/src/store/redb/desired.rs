//! The desired records, which of them are dirty, and the links between host paths and remote records.
//!
//! Whether a record is dirty is told by a table of its own and not by the row, so that a page marks many without reading one.
//!
//! Left out: what makes a plan clean a record; see [`crate::reconcile`].

use super::tables::{
    COUNTERS, DESIRED, DIRTY, LINKED, LINKS, Tables, any, counter, each, from_json, get, has, number, table, to_json,
};
use crate::store::codec::{Key, KeyReader, ValueReader, ValueWriter, damaged};
use crate::store::{Declaration, DeclareReport, DesiredRow, DesiredStatus, LinkRow, StatusUpdate, StoreError, check};
use atsync_model::contract::RemoteRef;
use redb::ReadTransaction;

const FORMAT: u8 = 1;
const WHAT: &str = "a desired record";

struct Row<'a> {
    generation: u64,
    changed_ms: u64,
    body: &'a str,
    status: &'a str,
}

impl<'a> Row<'a> {
    fn decode(value: &'a [u8]) -> Result<Self, StoreError> {
        let mut reader = ValueReader::new(value, FORMAT, WHAT)?;
        let (generation, changed_ms) = (reader.number()?, reader.number()?);
        Ok(Self { generation, changed_ms, body: reader.text()?, status: reader.text()? })
    }

    fn encode(&self) -> Vec<u8> {
        let value = ValueWriter::new(FORMAT, self.body.len().saturating_add(self.status.len()));
        let value = value.number(self.generation).number(self.changed_ms);
        value.string(self.body.as_bytes()).string(self.status.as_bytes()).done()
    }

    fn owned(&self, key: String, dirty: bool) -> Result<DesiredRow, StoreError> {
        let status: DesiredStatus = serde_json::from_str(self.status).map_err(|_| damaged(WHAT))?;
        let (generation, body, changed_ms) = (self.generation, self.body.to_owned(), self.changed_ms);
        Ok(DesiredRow { key, generation, body, changed_ms, status, dirty })
    }
}

fn key_of(connection: &str, key: &str) -> Key {
    Key::of(connection).text(key)
}

fn status_text(status: &DesiredStatus) -> Result<String, StoreError> {
    serde_json::to_string(status)
        .map_err(|error| StoreError::Invalid(format!("a status cannot be written as JSON: {error}")))
}

fn total(connection: &str) -> Key {
    counter(connection, "desired", "")
}

fn dirty_total(connection: &str) -> Key {
    counter(connection, "dirty", "")
}

fn set_dirty(tables: &mut Tables<'_>, connection: &str, key: &Key) -> Result<(), StoreError> {
    if !has(tables.dirty.rows(), key)? {
        tables.dirty.put(key, &[])?;
        tables.count_up(&dirty_total(connection), 1)?;
    }
    Ok(())
}

fn set_clean(tables: &mut Tables<'_>, connection: &str, key: &Key) -> Result<(), StoreError> {
    if has(tables.dirty.rows(), key)? {
        tables.dirty.remove(key)?;
        tables.count_down(&dirty_total(connection), 1)?;
    }
    Ok(())
}

/// Stores desired records. See [`crate::store::Store::declare`].
pub(super) fn declare(
    tables: &mut Tables<'_>,
    connection: &str,
    records: &[Declaration],
    now_ms: u64,
) -> Result<DeclareReport, StoreError> {
    let mut report = DeclareReport::default();
    let fresh = status_text(&DesiredStatus::default())?;
    for record in records {
        let key = key_of(connection, &record.key);
        let value = {
            let held = get(tables.desired.rows(), &key)?;
            let held = held.as_ref().map(|value| Row::decode(value.value())).transpose()?;
            let (generation, status, count) = match &held {
                Some(row) if row.body == record.body => {
                    report.unchanged = report.unchanged.saturating_add(1);
                    continue;
                }
                Some(row) => (row.generation.saturating_add(1), row.status, &mut report.changed),
                None => (1, fresh.as_str(), &mut report.created),
            };
            *count = count.saturating_add(1);
            Row { generation, changed_ms: now_ms, body: &record.body, status }.encode()
        };
        tables.desired.put(&key, &value)?;
        set_dirty(tables, connection, &key)?;
    }
    if report.created > 0 {
        tables.count_up(&total(connection), report.created)?;
    }
    Ok(report)
}

/// The generation of a desired record.
pub(super) fn generation(tables: &Tables<'_>, connection: &str, key: &str) -> Result<Option<u64>, StoreError> {
    let held = get(tables.desired.rows(), &key_of(connection, key))?;
    held.map(|value| Ok(Row::decode(value.value())?.generation)).transpose()
}

/// One desired record.
pub(super) fn desired(read: &ReadTransaction, connection: &str, key: &str) -> Result<Option<DesiredRow>, StoreError> {
    let place = key_of(connection, key);
    let rows = table(read, DESIRED)?;
    let Some(value) = get(&rows, &place)? else { return Ok(None) };
    let dirty = has(&table(read, DIRTY)?, &place)?;
    Row::decode(value.value())?.owned(key.to_owned(), dirty).map(Some)
}

fn range(connection: &str, after: Option<&str>) -> std::ops::Range<Vec<u8>> {
    let prefix = Key::of(connection);
    match after {
        Some(after) => prefix.clone().within_after(prefix.text(after)),
        None => prefix.within(),
    }
}

/// Desired records in order.
pub(super) fn desired_page(
    read: &ReadTransaction,
    connection: &str,
    after: Option<&str>,
    rows_max: usize,
) -> Result<Vec<DesiredRow>, StoreError> {
    check::rows(rows_max)?;
    let dirty = table(read, DIRTY)?;
    let mut found = Vec::new();
    each(&table(read, DESIRED)?, range(connection, after), rows_max, |key, value| {
        let name = KeyReader::after(key, &Key::of(connection))?.text()?;
        let is_dirty = has(&dirty, &key_of(connection, &name))?;
        found.push(Row::decode(value)?.owned(name, is_dirty)?);
        Ok(())
    })?;
    Ok(found)
}

/// Dirty ones in order.
pub(super) fn dirty_page(
    read: &ReadTransaction,
    connection: &str,
    after: Option<&str>,
    rows_max: usize,
) -> Result<Vec<DesiredRow>, StoreError> {
    check::rows(rows_max)?;
    let desired = table(read, DESIRED)?;
    let mut found = Vec::new();
    each(&table(read, DIRTY)?, range(connection, after), rows_max, |key, _| {
        let name = KeyReader::after(key, &Key::of(connection))?.text()?;
        let value = get(&desired, &key_of(connection, &name))?.ok_or_else(|| damaged(WHAT))?;
        found.push(Row::decode(value.value())?.owned(name, true)?);
        Ok(())
    })?;
    Ok(found)
}

/// Writes statuses. See [`crate::store::Store::put_status`].
pub(super) fn put_status(
    tables: &mut Tables<'_>,
    connection: &str,
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
        if update.dirty {
            set_dirty(tables, connection, &key)?;
        } else {
            set_clean(tables, connection, &key)?;
        }
    }
    Ok(left)
}

/// Marks desired records; unknown keys are passed over.
pub(super) fn mark_dirty(tables: &mut Tables<'_>, connection: &str, keys: &[String]) -> Result<(), StoreError> {
    for key in keys {
        let key = key_of(connection, key);
        if has(tables.desired.rows(), &key)? {
            set_dirty(tables, connection, &key)?;
        }
    }
    Ok(())
}

/// How many there are, and how many are dirty.
pub(super) fn desired_counts(read: &ReadTransaction, connection: &str) -> Result<(u64, u64), StoreError> {
    let counters = table(read, COUNTERS)?;
    Ok((number(&counters, &total(connection))?, number(&counters, &dirty_total(connection))?))
}

fn linked_key(connection: &str, remote: &RemoteRef, host: &str) -> Key {
    Key::of(connection).text(&remote.kind).text(&remote.id).text(host)
}

/// Writes links, each replacing the one of its host path.
pub(super) fn put_links(tables: &mut Tables<'_>, connection: &str, links: &[LinkRow]) -> Result<(), StoreError> {
    for link in links {
        let key = key_of(connection, &link.host);
        let held: Option<LinkRow> = {
            let value = get(tables.links.rows(), &key)?;
            value.map(|value| from_json(value.value(), "a link")).transpose()?
        };
        if let Some(held) = held.filter(|held| held.remote != link.remote) {
            tables.linked.remove(&linked_key(connection, &held.remote, &link.host))?;
        }
        tables.links.put(&key, &to_json(link)?)?;
        tables.linked.put(&linked_key(connection, &link.remote, &link.host), &[])?;
    }
    Ok(())
}

/// Ends the links of host paths; a path without one is passed over.
pub(super) fn end_links(tables: &mut Tables<'_>, connection: &str, hosts: &[String]) -> Result<(), StoreError> {
    for host in hosts {
        let key = key_of(connection, host);
        let held: Option<LinkRow> = {
            let value = get(tables.links.rows(), &key)?;
            value.map(|value| from_json(value.value(), "a link")).transpose()?
        };
        if let Some(held) = held {
            tables.linked.remove(&linked_key(connection, &held.remote, host))?;
            tables.links.remove(&key)?;
        }
    }
    Ok(())
}

/// Takes the links that lead to the first id along to the second.
pub(super) fn follow(
    tables: &mut Tables<'_>,
    connection: &str,
    kind: &str,
    (from, to): (&str, &str),
) -> Result<(), StoreError> {
    let old = Key::of(connection).text(kind).text(from);
    let new = Key::of(connection).text(kind).text(to);
    let mut hosts = Vec::new();
    each(tables.linked.rows(), old.clone().within(), usize::MAX, |key, _| {
        hosts.push(KeyReader::after(key, &old)?.text()?);
        Ok(())
    })?;
    for host in hosts {
        let taken = any(tables.linked.rows(), new.clone().within())?;
        let held: LinkRow = {
            let value = get(tables.links.rows(), &key_of(connection, &host))?.ok_or_else(|| damaged("a link"))?;
            from_json(value.value(), "a link")?
        };
        put_links(tables, connection, &[check::followed(held, to, taken)])?;
    }
    Ok(())
}

/// Marks the desired records that are linked to a remote record.
pub(super) fn touch(tables: &mut Tables<'_>, connection: &str, kind: &str, id: &str) -> Result<(), StoreError> {
    let prefix = Key::of(connection).text(kind).text(id);
    let mut keys = Vec::new();
    each(tables.linked.rows(), prefix.clone().within(), usize::MAX, |key, _| {
        let host = KeyReader::after(key, &prefix)?.text()?;
        keys.push(check::key_of(&host).to_owned());
        Ok(())
    })?;
    mark_dirty(tables, connection, &keys)
}

/// The link of a host path.
pub(super) fn link(read: &ReadTransaction, connection: &str, host: &str) -> Result<Option<LinkRow>, StoreError> {
    let rows = table(read, LINKS)?;
    let value = get(&rows, &key_of(connection, host))?;
    value.map(|value| from_json(value.value(), "a link")).transpose()
}

/// The links of a key and of the paths below it, in the order of their hosts.
pub(super) fn links_of(read: &ReadTransaction, connection: &str, key: &str) -> Result<Vec<LinkRow>, StoreError> {
    let rows = table(read, LINKS)?;
    // The key itself sorts before the paths below it, as a text sorts before every longer one.
    let mut found: Vec<LinkRow> = link(read, connection, key)?.into_iter().collect();
    let below = Key::of(connection).text_beginning(&format!("{key}/")).within();
    each(&rows, below, usize::MAX, |_, value| {
        found.push(from_json(value, "a link")?);
        Ok(())
    })?;
    Ok(found)
}

/// The links that lead to a remote record, in the order of their hosts.
pub(super) fn links_to(
    read: &ReadTransaction,
    connection: &str,
    remote: &RemoteRef,
) -> Result<Vec<LinkRow>, StoreError> {
    let prefix = Key::of(connection).text(&remote.kind).text(&remote.id);
    let mut found = Vec::new();
    each(&table(read, LINKED)?, prefix.clone().within(), usize::MAX, |key, _| {
        let host = KeyReader::after(key, &prefix)?.text()?;
        found.push(link(read, connection, &host)?.ok_or_else(|| damaged("a link"))?);
        Ok(())
    })?;
    Ok(found)
}
