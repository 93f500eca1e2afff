//! Erasures: remove a candidate from every table, and block re-import by hashes
//! ([`super::barred`]).
//!
//! The rows are read until nothing is added to the candidate's circle, within the transaction that
//! then removes them. So no reader sees a candidate that is partly erased. See
//! [`crate::store::erase`] for the rows that it removes.
//!
//! Bounds: an erasure reads observed records, events and intents of the connection as a whole, at
//! least twice, and other writers wait meanwhile: about a second per million rows. Left out: the
//! file's free pages, which keep their bytes until they are used again or the file is rewritten
//! ([`super::compact`]).

use super::barred::place;
use super::tables::{Tables, number, number_value};
use super::{desired, feed, identity, journal, observed};
use crate::store::codec::Key;
use crate::store::erase::{self, Circle, Hash, Hasher};
use crate::store::{Erasure, ErasureReport, StoreError, check};
use std::collections::BTreeSet;

/// The number of the last erasure, for the whole store.
fn last_erasure() -> Key {
    Key::of("last_erasure")
}

/// Everything about the candidate.
fn circle(tables: &Tables<'_>, connection: &str, erasure: &Erasure) -> Result<Circle, StoreError> {
    let mut circle = Circle::of(erasure);
    loop {
        let mut grew = false;
        desired::links(tables, connection, |link| {
            let key = crate::path::key(&link.path);
            if circle.keys.contains(key) {
                grew |= circle.add(&link.remote.kind, &link.remote.id);
            } else if link.path == key && circle.has(&link.remote.kind, &link.remote.id) {
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
                // The row has it, which was read above.
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
            if circle.keys.contains(crate::path::key(&intent.path)) {
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

/// The addresses that a candidate outside of the circle has too.
fn addresses_of_others(
    tables: &Tables<'_>,
    connection: &str,
    circle: &mut Circle,
) -> Result<BTreeSet<String>, StoreError> {
    let mut others = BTreeSet::new();
    let (keys, mut own) = (circle.keys.clone(), Vec::new());
    desired::bodies(tables, connection, |key, body| {
        let addresses = erase::desired_addresses(body);
        if keys.contains(key) { own.extend(addresses) } else { others.extend(addresses) }
    })?;
    circle.addresses.extend(own);
    observed::bodies(tables, connection, |kind, id, body| {
        if !circle.has(kind, id) {
            others.extend(erase::addresses(kind, body));
        }
    })?;
    others.retain(|address| circle.addresses.contains(address));
    Ok(others)
}

/// Erases a candidate. See [`crate::store::Erasures::erase`].
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
    let mut paths = Vec::new();
    desired::links(tables, connection, |link| {
        if circle.has(&link.remote.kind, &link.remote.id)
            && !circle.keys.contains(crate::path::key(&link.path))
        {
            paths.push(link.path);
        }
    })?;

    tables.meta.put(&last_erasure(), &number_value(group))?;
    report.kept_away = count(hashes.len());
    for hash in hashes {
        tables.erased.put(&place(connection, &hash), &number_value(group))?;
    }
    report.changes = count(events.len());
    for serial in events {
        feed::empty(tables, connection, serial)?;
    }
    report.intents = count(intents.len());
    for (held, emptied) in &intents {
        journal::replace(tables, connection, held, emptied)?;
    }
    report.links = count(paths.len());
    desired::end_links(tables, connection, &paths)?;
    for key in &circle.keys {
        let (was, links) = desired::remove(tables, connection, key)?;
        report.desired = report.desired.saturating_add(u64::from(was));
        report.links = report.links.saturating_add(links);
    }
    let mut told = Vec::new();
    for (kind, id) in circle.records() {
        identity::erase(tables, connection, kind, id)?;
        if observed::remove(tables, connection, kind, id)? {
            report.observed = report.observed.saturating_add(1);
            told.push(check::erased(kind, id, erasure.now_ms));
        }
    }
    feed::append(tables, connection, &told)?;
    Ok(report)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
