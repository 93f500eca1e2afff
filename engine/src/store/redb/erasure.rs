//! Erasures: remove a candidate from every table, and block re-import by hashes
//! ([`super::barred`]).
//!
//! Each member of the candidate's circle, a remote record or the key of a desired one, is looked up
//! once ([`Walk`]): its row, what names it, its links, events and intents. The transaction that
//! reads them then removes them. So no reader sees a candidate that is partly erased. See
//! [`crate::store::erase`] for the rows that it removes.
//!
//! Bounds: an erasure reads what it removes, one look-up per kind and member that other records may
//! name, and one per address. The rest of the connection costs nothing. Left out: the file's free
//! pages, which keep their bytes until they are used again or the file is rewritten
//! ([`super::compact`]).

use super::barred::place;
use super::desired_by::{self, By};
use super::event::After;
use super::place::Place;
use super::row::{Stored, key as row_key};
use super::tables::{Tables, each, get, number, number_value};
use super::{about, desired, feed, identity, journal, naming, observed};
use crate::journal::{Intent, IntentId};
use crate::path;
use crate::store::codec::{Key, KeyReader};
use crate::store::erase::{Circle, Hash, Hasher, Member, Names};
use crate::store::{Erasure, ErasureReport, StoreError, check};
use atsync_model::resource::PERSON;
use std::collections::{BTreeMap, BTreeSet};

/// The number of the last erasure, for the whole store.
fn last_erasure() -> Key {
    Key::of("last_erasure")
}

/// Finds everything about a candidate.
struct Walk<'a, 't> {
    tables: &'a Tables<'t>,
    connection: &'a Place,
    circle: Circle,
    /// The events of its records.
    events: BTreeSet<u64>,
    /// The intents of its keys, and those about its records.
    intents: BTreeMap<IntentId, Intent>,
    /// The paths that are linked to its records.
    paths: BTreeSet<String>,
}

impl Walk<'_, '_> {
    fn run(&mut self) -> Result<(), StoreError> {
        while let Some(member) = self.circle.take_new() {
            match member {
                Member::Record(kind, id) => {
                    self.row(&kind, &id)?;
                    self.events(&kind, &id)?;
                    self.named_by(&kind, &id)?;
                    self.linked(&kind, &id)?;
                    self.desired_by(&kind, &id)?;
                    let intents = &mut self.intents;
                    journal::each_about(self.tables, self.connection, (&kind, &id), |intent| {
                        intents.insert(intent.id, intent);
                    })?;
                }
                Member::Key(key) => self.key(&key)?,
            }
        }
        Ok(())
    }

    /// The addresses of a record, and its event if that refers to the row.
    fn row(&mut self, kind: &str, id: &str) -> Result<(), StoreError> {
        let held = get(self.tables.observed.rows(), &row_key(self.connection, kind, id))?;
        let Some(held) = held else { return Ok(()) };
        let stored = Stored::read(held.value())?;
        let row = stored.row();
        if !row.gone {
            self.circle.meet(kind, id, &[row.body]);
        }
        if row.told != 0 && feed::is_left(self.tables, self.connection, row.told)? {
            self.events.insert(row.told);
        }
        Ok(())
    }

    /// The events about a record, and those that lead to another record of the circle.
    fn events(&mut self, kind: &str, id: &str) -> Result<(), StoreError> {
        let (circle, events) = (&mut self.circle, &mut self.events);
        about::each_of(self.tables, self.connection, (kind, id), |serial, event| {
            if (event.kind, event.id) == (kind, id) {
                events.insert(serial);
            }
            let after = match event.after {
                After::Text(text) => text,
                // The row has it.
                After::ToldByRow => "",
            };
            circle.meet(event.kind, event.id, &[event.before, after]);
            if let Some(to) = about::moved_to(event) {
                circle.moved(event.kind, event.id, &to);
            }
        })
    }

    /// The records that name a record of the circle.
    fn named_by(&mut self, kind: &str, id: &str) -> Result<(), StoreError> {
        let (tables, connection, circle) = (self.tables, self.connection, &mut self.circle);
        naming::each_naming(tables, connection, (kind, id), |kind, id| {
            if circle.has(kind, id) {
                return Ok(());
            }
            if let Some(held) = get(tables.observed.rows(), &row_key(connection, kind, id))? {
                circle.meet(kind, id, &[Stored::read(held.value())?.row().body]);
            }
            Ok(())
        })
    }

    /// The paths that are linked to a record, and the desired record that is itself.
    fn linked(&mut self, kind: &str, id: &str) -> Result<(), StoreError> {
        for link in desired::links_to_now(self.tables, self.connection, kind, id)? {
            if path::key(&link.path) == link.path {
                self.circle.add_key(&link.path);
            }
            self.paths.insert(link.path);
        }
        Ok(())
    }

    /// The desired records that name a candidate by id.
    fn desired_by(&mut self, kind: &str, id: &str) -> Result<(), StoreError> {
        if kind != PERSON {
            return Ok(());
        }
        for key in desired_by::keys(self.tables, self.connection, (By::Id, id), usize::MAX)? {
            let circle = &mut self.circle;
            desired::body(self.tables, self.connection, &key, |body| {
                circle.meet_desired(&key, body);
            })?;
        }
        Ok(())
    }

    /// The links and intents of a desired record, and what its body names.
    fn key(&mut self, key: &str) -> Result<(), StoreError> {
        let (tables, connection) = (self.tables, self.connection);
        let (circle, intents) = (&mut self.circle, &mut self.intents);
        desired::body(tables, connection, key, |body| {
            circle.meet_desired(key, body);
            circle.addresses.extend(Names::of(body).addresses);
        })?;
        // No path belongs to a key with a separator, which a request may name.
        if path::key(key) != key {
            return Ok(());
        }
        desired::links_below(tables.links.rows(), connection, key, |link| {
            circle.add(&link.remote.kind, &link.remote.id);
        })?;
        journal::each_below(tables, connection, key, |intent| {
            for remote in check::remotes_of(&intent) {
                circle.add(&remote.kind, &remote.id);
            }
            intents.insert(intent.id, intent);
        })
    }

    /// The addresses that a candidate outside of the circle has too.
    fn addresses_of_others(&self) -> Result<BTreeSet<String>, StoreError> {
        let mut others = BTreeSet::new();
        for address in &self.circle.addresses {
            if self.is_of_another(address)? {
                others.insert(address.clone());
            }
        }
        Ok(others)
    }

    fn is_of_another(&self, address: &str) -> Result<bool, StoreError> {
        let (tables, connection, circle) = (self.tables, self.connection, &self.circle);
        // One entry more than the circle has members shows a stranger.
        let mut is_of_another = false;
        let rows_max = circle.keys().count().saturating_add(1);
        for key in desired_by::keys(tables, connection, (By::Email, address), rows_max)? {
            is_of_another |= !circle.has_key(&key);
        }
        let rows_max = circle.records().count().saturating_add(1);
        let prefix = naming::term_key(connection, PERSON, crate::index::EMAIL, address);
        each(tables.terms.rows(), prefix.clone().within(), rows_max, |term, _| {
            is_of_another |= !circle.has(PERSON, &KeyReader::after(term, &prefix)?.text()?);
            Ok(())
        })?;
        Ok(is_of_another)
    }
}

/// Erases a candidate. See [`crate::store::Erasures::erase`].
pub(super) fn erase(
    tables: &mut Tables<'_>,
    connection: &Place,
    erasure: &Erasure,
    hasher: &Hasher,
) -> Result<ErasureReport, StoreError> {
    let mut walk = Walk {
        tables,
        connection,
        circle: Circle::of(erasure),
        events: BTreeSet::new(),
        intents: BTreeMap::new(),
        paths: BTreeSet::new(),
    };
    walk.run()?;
    let others = walk.addresses_of_others()?;
    let Walk { circle, events, intents, paths, .. } = walk;
    // The links of its own keys are removed, and counted, with these.
    let paths: Vec<String> =
        paths.into_iter().filter(|path| !circle.has_key(path::key(path))).collect();

    let mut report =
        ErasureReport { addresses_shared: count(others.len()), ..ErasureReport::default() };
    let group = number(tables.meta.rows(), &last_erasure())?.saturating_add(1);
    let mut hashes: BTreeSet<Hash> =
        circle.records().map(|(kind, id)| hasher.record(connection.name(), kind, id)).collect();
    hashes.extend(circle.keys().map(|key| hasher.key(connection.name(), key)));
    hashes.extend(
        circle
            .addresses
            .difference(&others)
            .map(|address| hasher.address(connection.name(), address)),
    );

    tables.meta.put(&last_erasure(), &number_value(group))?;
    report.kept_away = count(hashes.len());
    for hash in hashes {
        tables.erased.put(&place(connection, &hash), &number_value(group))?;
    }
    report.changes = count(events.len());
    for serial in events {
        feed::empty(tables, connection, serial)?;
    }
    for held in intents.values() {
        if let Some(emptied) = check::emptied(held, &circle, group, erasure.now_ms) {
            journal::replace(tables, connection, held, &emptied)?;
            report.intents = report.intents.saturating_add(1);
        }
    }
    report.links = count(paths.len());
    desired::end_links(tables, connection, &paths)?;
    for key in circle.keys().filter(|key| path::key(key) == *key) {
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
