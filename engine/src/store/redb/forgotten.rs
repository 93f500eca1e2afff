//! Erasures: a person taken out of every table, and kept away by hashes.
//!
//! The rows are passed over until nothing is added to the person's circle, all within the
//! transaction that then removes them. So there is no moment at which half of somebody is left. See
//! [`crate::store::forget`] for whom it concerns.
//!
//! Bounds: an erasure reads observed records, events and intents of the connection as a whole, at
//! least twice, and holds up other writers meanwhile: about a second per million rows. Left out:
//! the file's free pages, which keep what they held until they are used again or the file is
//! written anew ([`super::compact`]).

use super::tables::{
    FORGOTTEN, Tables, any, each, get, has, number, number_of, number_value, table,
};
use super::{desired, feed, identity, journal, observed};
use crate::path;
use crate::store::codec::{Key, KeyReader};
use crate::store::forget::{self, Circle, Hash, Hasher};
use crate::store::{Declaration, Erasure, ErasureReport, PageCommit, StoreError, check};
use redb::ReadTransaction;
use std::collections::{BTreeMap, BTreeSet};

/// The number of the last erasure, for the whole store.
fn last_erasure() -> Key {
    Key::of("last_erasure")
}

fn place(connection: &str, hash: &str) -> Key {
    Key::of(connection).text(hash)
}

/// Whether anybody of the connection was forgotten; without, nothing has to be hashed.
pub(super) fn any_forgotten(tables: &Tables<'_>, connection: &str) -> Result<bool, StoreError> {
    any(tables.forgotten.rows(), Key::of(connection).within())
}

/// The erasure that keeps away what has one of these hashes.
fn erasure_of(
    tables: &Tables<'_>,
    connection: &str,
    hashes: &[Hash],
) -> Result<Option<u64>, StoreError> {
    for hash in hashes {
        if let Some(value) = get(tables.forgotten.rows(), &place(connection, hash))? {
            return Ok(Some(number_of(value.value())?));
        }
    }
    Ok(None)
}

fn put_own(
    tables: &mut Tables<'_>,
    connection: &str,
    own: &str,
    erasure: u64,
) -> Result<(), StoreError> {
    let key = place(connection, own);
    if get(tables.forgotten.rows(), &key)?.is_none() {
        tables.forgotten.put(&key, &number_value(erasure))?;
    }
    Ok(())
}

/// Whether something is kept away. What is met by another hash than its own, the first, is known by
/// its own from now on.
pub(super) fn kept_away(
    tables: &mut Tables<'_>,
    connection: &str,
    hashes: &[Hash],
) -> Result<bool, StoreError> {
    let Some(erasure) = erasure_of(tables, connection, hashes)? else { return Ok(false) };
    if let Some(own) = hashes.first() {
        put_own(tables, connection, own, erasure)?;
    }
    Ok(true)
}

/// The keys of the declarations that are kept away. Writes nothing.
pub(super) fn declarations_of(
    read: &ReadTransaction,
    connection: &str,
    records: &[Declaration],
    hasher: &Hasher,
) -> Result<Vec<String>, StoreError> {
    let rows = table(read, FORGOTTEN)?;
    let mut keys = Vec::new();
    if !any(&rows, Key::of(connection).within())? {
        return Ok(keys);
    }
    for record in records {
        for hash in hasher.of_desired(connection, &record.key, &record.body) {
            if has(&rows, &place(connection, &hash))? {
                keys.push(record.key.clone());
                break;
            }
        }
    }
    Ok(keys)
}

/// The records of a page that are kept away, by id, with their erasure. Writes nothing.
pub(super) fn of_page<'p>(
    tables: &Tables<'_>,
    connection: &str,
    page: &'p PageCommit,
    hasher: &Hasher,
) -> Result<BTreeMap<&'p str, u64>, StoreError> {
    let mut found = BTreeMap::new();
    if !any_forgotten(tables, connection)? {
        return Ok(found);
    }
    // A record that is kept away may be what another one of the page names, in whatever order they
    // stand.
    let mut learned: BTreeMap<Hash, u64> = BTreeMap::new();
    loop {
        let before = found.len();
        for record in &page.records {
            if found.contains_key(record.id.as_str()) {
                continue;
            }
            let hashes = hasher.of_record(connection, &page.kind, &record.id, &record.body);
            let erasure = match erasure_of(tables, connection, &hashes)? {
                Some(erasure) => Some(erasure),
                None => hashes.iter().find_map(|hash| learned.get(hash)).copied(),
            };
            if let Some(erasure) = erasure {
                learned.extend(hashes.into_iter().next().map(|own| (own, erasure)));
                found.insert(record.id.as_str(), erasure);
            }
        }
        if found.len() == before {
            return Ok(found);
        }
    }
}

/// Remembers the records of [`of_page`] by their own hashes.
pub(super) fn learn(
    tables: &mut Tables<'_>,
    connection: &str,
    kind: &str,
    kept_away: &BTreeMap<&str, u64>,
    hasher: &Hasher,
) -> Result<(), StoreError> {
    for (id, erasure) in kept_away {
        put_own(tables, connection, &hasher.record(connection, kind, id), *erasure)?;
    }
    Ok(())
}

/// Everything about the person.
fn circle(tables: &Tables<'_>, connection: &str, erasure: &Erasure) -> Result<Circle, StoreError> {
    let mut circle = Circle::of(erasure);
    loop {
        let mut grew = false;
        desired::links(tables, connection, |link| {
            let key = path::key(&link.host);
            if circle.keys.contains(key) {
                grew |= circle.add(&link.remote.kind, &link.remote.id);
            } else if link.host == key && circle.has(&link.remote.kind, &link.remote.id) {
                grew |= circle.keys.insert(key.to_owned());
            }
        })?;
        desired::bodies(tables, connection, |key, body| grew |= circle.meet_desired(key, body))?;
        observed::bodies(tables, connection, |kind, id, body| {
            grew |= circle.meet(kind, id, &[body])
        })?;
        feed::each_event(tables, connection, |_, event| {
            let after = match event.after {
                feed::After::Text(text) => text,
                // The row has it, which was met above.
                feed::After::ToldByRow => "",
            };
            grew |= circle.meet(event.kind, event.id, &[event.before, after]);
            if event.what == crate::store::ChangeWhat::Moved
                && let Ok(after) = crate::store::merge::object(after)
                && let Some(to) = check::moved_to(event.what, &after)
            {
                grew |= circle.moved(event.kind, event.id, to);
            }
            Ok(())
        })?;
        journal::each_intent(tables, connection, |intent| {
            if circle.keys.contains(path::key(&intent.host)) {
                for remote in check::remotes_of(&intent) {
                    grew |= circle.add(&remote.kind, &remote.id);
                }
            }
        })?;
        if !grew {
            return Ok(circle);
        }
    }
}

/// The addresses that somebody outside of the circle has.
fn addresses_of_others(
    tables: &Tables<'_>,
    connection: &str,
    circle: &mut Circle,
) -> Result<BTreeSet<String>, StoreError> {
    let mut others = BTreeSet::new();
    let (keys, mut own) = (circle.keys.clone(), Vec::new());
    desired::bodies(tables, connection, |key, body| {
        let addresses = forget::desired_addresses(body);
        if keys.contains(key) { own.extend(addresses) } else { others.extend(addresses) }
    })?;
    circle.addresses.extend(own);
    observed::bodies(tables, connection, |kind, id, body| {
        if !circle.has(kind, id) {
            others.extend(forget::addresses(kind, body));
        }
    })?;
    others.retain(|address| circle.addresses.contains(address));
    Ok(others)
}

/// Forgets a person. See [`crate::store::Store::erase`].
pub(super) fn erase(
    tables: &mut Tables<'_>,
    connection: &str,
    erasure: &Erasure,
    hasher: &Hasher,
) -> Result<ErasureReport, StoreError> {
    let mut circle = circle(tables, connection, erasure)?;
    let others = addresses_of_others(tables, connection, &mut circle)?;
    let mut report =
        ErasureReport { addresses_shared: count(others.len()), ..ErasureReport::default() };
    let group = number(tables.meta.rows(), &last_erasure())?.saturating_add(1);

    let mut hashes: BTreeSet<Hash> =
        circle.records().map(|(kind, id)| hasher.record(connection, kind, id)).collect();
    hashes.extend(circle.keys.iter().map(|key| hasher.key(connection, key)));
    hashes.extend(
        circle.addresses.difference(&others).map(|address| hasher.address(connection, address)),
    );
    let mut events = Vec::new();
    feed::each_event(tables, connection, |serial, event| {
        if circle.has(event.kind, event.id) {
            events.push(serial);
        }
        Ok(())
    })?;
    let mut intents = Vec::new();
    journal::each_intent(tables, connection, |intent| {
        if let Some(emptied) = check::emptied(&intent, &circle, group, erasure.now_ms) {
            intents.push((intent, emptied));
        }
    })?;
    let mut hosts = Vec::new();
    desired::links(tables, connection, |link| {
        if circle.has(&link.remote.kind, &link.remote.id)
            && !circle.keys.contains(path::key(&link.host))
        {
            hosts.push(link.host);
        }
    })?;

    tables.meta.put(&last_erasure(), &number_value(group))?;
    report.kept_away = count(hashes.len());
    for hash in hashes {
        tables.forgotten.put(&place(connection, &hash), &number_value(group))?;
    }
    report.changes = count(events.len());
    for serial in events {
        feed::empty(tables, connection, serial)?;
    }
    report.intents = count(intents.len());
    for (held, emptied) in &intents {
        journal::replace(tables, connection, held, emptied)?;
    }
    report.links = count(hosts.len());
    desired::end_links(tables, connection, &hosts)?;
    for key in &circle.keys {
        let (was, links) = desired::remove(tables, connection, key)?;
        report.desired = report.desired.saturating_add(u64::from(was));
        report.links = report.links.saturating_add(links);
    }
    let mut told = Vec::new();
    for (kind, id) in circle.records() {
        identity::forget(tables, connection, kind, id)?;
        if observed::remove(tables, connection, kind, id)? {
            report.observed = report.observed.saturating_add(1);
            told.push(check::forgotten(kind, id, erasure.now_ms));
        }
    }
    feed::append(tables, connection, &told)?;
    Ok(report)
}

/// Lets a person come back. See [`crate::store::Store::unforget`].
pub(super) fn unforget(
    tables: &mut Tables<'_>,
    connection: &str,
    erasure: &Erasure,
    hasher: &Hasher,
) -> Result<bool, StoreError> {
    let mut erasures = BTreeSet::new();
    for hash in hasher.of_erasure(connection, erasure) {
        erasures.extend(erasure_of(tables, connection, &[hash])?);
    }
    let prefix = Key::of(connection);
    let mut hashes = Vec::new();
    each(tables.forgotten.rows(), prefix.clone().within(), usize::MAX, |key, value| {
        if erasures.contains(&number_of(value)?) {
            hashes.push(KeyReader::after(key, &prefix)?.text()?);
        }
        Ok(())
    })?;
    for hash in hashes {
        tables.forgotten.remove(&place(connection, &hash))?;
    }
    Ok(!erasures.is_empty())
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
