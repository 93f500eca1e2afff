//! The rows of one connection in the store in memory, and how an erasure and an event change them.
//!
//! Left out: the lock, and which call does what; see [`super`].

use super::super::erase::{self, Circle, Hash, Hasher};
use super::super::merge;
use super::super::*;
use crate::journal::Intent;
use crate::journal::IntentId;
use crate::path;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

#[derive(Debug, Default)]
pub(super) struct Connection {
    pub(super) row: Option<ConnectionRow>,
    pub(super) observed: BTreeMap<(String, String), ObservedRow>,
    pub(super) scans: BTreeMap<(String, Option<String>), ScanState>,
    pub(super) sweeps: BTreeMap<String, SweepState>,
    pub(super) seen: BTreeSet<(String, String)>,
    pub(super) aliases: BTreeMap<(String, String), Alias>,
    /// By kind, id and field; empty where there is none.
    pub(super) problems: BTreeMap<(String, String, String), ProblemRow>,
    pub(super) desired: BTreeMap<String, DesiredRow>,
    pub(super) links: BTreeMap<String, LinkRow>,
    pub(super) intents: BTreeMap<IntentId, Intent>,
    pub(super) last_mark_ms: u64,
    pub(super) last_dirt: u64,
    pub(super) changes: Vec<Change>,
    pub(super) last_serial: u64,
    /// Hashes of erased candidates, each with its erasure.
    pub(super) erased: HashMap<Hash, u64>,
    pub(super) last_erasure: u64,
    pub(super) offsets: BTreeMap<String, u64>,
    /// By area and key.
    pub(super) notes: BTreeMap<(String, String), Vec<u8>>,
}

impl Connection {
    /// The intent that created a record, by the links that say it was created.
    pub(super) fn maker(&self, kind: &str, id: &str) -> Option<IntentId> {
        let links =
            self.links.values().filter(|link| link.remote.kind == kind && link.remote.id == id);
        let made = |link: &LinkRow| {
            let is_of =
                |intent: &&Intent| check::makers(&link.path).any(|path| path == intent.path);
            self.intents
                .values()
                .filter(is_of)
                .find(|intent| check::made(intent, link))
                .map(|intent| intent.id)
        };
        links.filter_map(made).min()
    }

    /// Stores desired records. See [`Desired::declare`].
    pub(super) fn declare(
        &mut self,
        name: &str,
        records: Vec<Declaration>,
        now_ms: u64,
        hasher: &Hasher,
    ) -> DeclareReport {
        let mut report = DeclareReport::default();
        for Declaration { key, body } in records {
            if !self.erased.is_empty() && self.kept_away(hasher.of_desired(name, &key, &body)) {
                report.erased = report.erased.saturating_add(1);
                continue;
            }
            let marked = key.clone();
            let before = report.unchanged;
            let row = match self.desired.remove(&key) {
                None => {
                    report.created = report.created.saturating_add(1);
                    let status = DesiredStatus::default();
                    let (dirt, mode) = (0, Mode::Managed);
                    DesiredRow {
                        key,
                        generation: 1,
                        body,
                        changed_ms: now_ms,
                        status,
                        dirty: true,
                        dirt,
                        mode,
                    }
                }
                Some(row) if row.body == body => {
                    report.unchanged = report.unchanged.saturating_add(1);
                    row
                }
                Some(row) => {
                    report.changed = report.changed.saturating_add(1);
                    let generation = row.generation.saturating_add(1);
                    DesiredRow { generation, body, changed_ms: now_ms, dirty: true, ..row }
                }
            };
            self.desired.insert(row.key.clone(), row);
            if report.unchanged == before {
                self.mark(&marked);
            }
        }
        report
    }

    /// Refuses when a desired record has another generation than this; none: when there is one.
    pub(super) fn has_generation(
        &self,
        key: &str,
        expected: Option<u64>,
    ) -> Result<(), StoreError> {
        check::expected_generation(self.desired.get(key).map(|row| row.generation), expected)
    }

    /// Forgets the connection. See [`Connections::forget`].
    pub(super) fn forget(&mut self) -> u64 {
        let rows = [
            self.observed.len(),
            self.desired.len(),
            self.links.len(),
            self.intents.len(),
            self.changes.len(),
        ];
        *self = Self {
            last_mark_ms: self.last_mark_ms,
            last_serial: self.last_serial,
            erased: std::mem::take(&mut self.erased),
            last_erasure: self.last_erasure,
            ..Self::default()
        };
        rows.into_iter().fold(0, |sum, rows| u64::try_from(rows).unwrap_or(0).saturating_add(sum))
    }

    /// Removes ended intents. See [`Journal::trim_intents`].
    pub(super) fn trim_intents(&mut self, before_ms: u64) -> usize {
        let mut sequences: BTreeMap<(&str, &str), Vec<Intent>> = BTreeMap::new();
        for intent in self.intents.values() {
            let of = (intent.path.as_str(), intent.operation.as_str());
            sequences.entry(of).or_default().push(intent.clone());
        }
        let mut old = BTreeSet::new();
        for ((path, _), intents) in sequences {
            let held = self.desired.get(path::key(path)).map(|row| row.generation);
            let some = aged::removable(&intents, held, self.links.get(path), before_ms);
            old.extend(intents.iter().take(some).map(|intent| intent.id));
        }
        self.intents.retain(|id, _| !old.contains(id));
        old.len()
    }

    pub(super) fn emit(&mut self, change: Change) {
        self.last_serial = self.last_serial.saturating_add(1);
        self.changes.push(Change { serial: self.last_serial, ..change });
    }

    /// Stores what a page could not read.
    pub(super) fn note(&mut self, problems: &Problems) -> Result<Vec<ProblemRow>, StoreError> {
        let place = |id: &Option<String>, field: &Option<String>| {
            (
                problems.kind.clone(),
                id.clone().unwrap_or_default(),
                field.clone().unwrap_or_default(),
            )
        };
        for (id, field) in &problems.cured {
            self.problems.remove(&place(id, field));
        }
        let mut kept = self.problems.keys().filter(|(kind, ..)| *kind == problems.kind).count();
        let met = super::super::problems::bounded(&problems.met, |met| {
            let known = self.problems.contains_key(&place(&met.id, &met.field));
            kept = kept.saturating_add(usize::from(!known));
            Ok(known || kept <= limits::PROBLEMS_MAX)
        })?;
        let mut new = Vec::new();
        for met in met {
            let before = self.problems.remove(&place(&met.id, &met.field));
            let is_new = before.is_none();
            let row = met.row(problems, before);
            self.problems.insert(place(&met.id, &met.field), row.clone());
            if is_new {
                self.emit(met.event(problems));
                new.push(row);
            }
        }
        Ok(new)
    }

    pub(super) fn first_serial(&self) -> u64 {
        self.changes.first().map_or(self.last_serial.saturating_add(1), |change| change.serial)
    }

    /// Marks a desired record, if there is one.
    pub(super) fn mark(&mut self, key: &str) {
        if let Some(row) = self.desired.get_mut(key) {
            self.last_dirt = self.last_dirt.saturating_add(1);
            row.dirty = true;
            row.dirt = self.last_dirt;
        }
    }

    /// The erasure that blocks a record with one of these hashes. A record that is found by another
    /// hash than its own is stored with its own from now on.
    pub(super) fn kept_away(&mut self, hashes: Vec<Hash>) -> bool {
        let Some(erasure) = hashes.iter().find_map(|hash| self.erased.get(hash)).copied() else {
            return false;
        };
        if let Some(own) = hashes.into_iter().next() {
            self.erased.entry(own).or_insert(erasure);
        }
        true
    }

    /// The blocked records of a page, by id: their own hash and the erasure. Another record of the
    /// page may name a blocked one, in any order.
    pub(super) fn kept_away_of(
        &self,
        name: &str,
        page: &PageCommit,
        hasher: &Hasher,
    ) -> BTreeMap<String, (Hash, u64)> {
        if self.erased.is_empty() {
            return BTreeMap::new();
        }
        erase::away_of(name, page, hasher, |hash| self.erased.get(hash).copied())
    }

    /// Stores the hashes of the records of [`Connection::kept_away_of`]. They were seen, so rows
    /// under their ids are not missing.
    pub(super) fn keep_away(&mut self, page: &PageCommit, away: BTreeMap<String, (Hash, u64)>) {
        for (id, (own, erasure)) in away {
            self.erased.entry(own).or_insert(erasure);
            let key = (page.kind.clone(), id);
            if page.sweep.is_some() && self.observed.contains_key(&key) {
                self.seen.insert(key);
            }
        }
    }
}

impl Connection {
    /// Everything about the candidate, found by reading the rows until nothing is added.
    pub(super) fn circle(&self, erasure: &Erasure) -> Circle {
        let mut circle = Circle::of(erasure);
        loop {
            let mut grew = false;
            for link in self.links.values() {
                let key = path::key(&link.path);
                if circle.has_key(key) {
                    grew |= circle.add(&link.remote.kind, &link.remote.id);
                } else if link.path == key && circle.has(&link.remote.kind, &link.remote.id) {
                    grew |= circle.add_key(key);
                }
            }
            for row in self.desired.values() {
                grew |= circle.meet_desired(&row.key, &row.body);
            }
            for row in self.observed.values() {
                grew |= circle.meet(&row.kind, &row.id, &[&row.body]);
            }
            for change in &self.changes {
                let [before, after] =
                    [&change.before, &change.after].map(|map| merge::text(map).unwrap_or_default());
                grew |= circle.meet(&change.kind, &change.id, &[&before, &after]);
                if let Some(to) = check::moved_to(change.what, &change.after) {
                    grew |= circle.moved(&change.kind, &change.id, to);
                }
            }
            for intent in self.intents.values() {
                if !circle.has_key(path::key(&intent.path)) {
                    continue;
                }
                for remote in check::remotes_of(intent) {
                    grew |= circle.add(&remote.kind, &remote.id);
                }
            }
            if !grew {
                return circle;
            }
        }
    }

    pub(super) fn erase(
        &mut self,
        connection: &str,
        hasher: &Hasher,
        erasure: &Erasure,
    ) -> ErasureReport {
        let mut circle = self.circle(erasure);
        let mut report = ErasureReport::default();
        let group = self.last_erasure.saturating_add(1);
        self.last_erasure = group;
        let own: Vec<&DesiredRow> =
            self.desired.values().filter(|row| circle.has_key(&row.key)).collect();
        for row in own {
            circle.addresses.extend(erase::Names::of(&row.body).addresses);
        }
        let mut others = BTreeSet::new();
        for row in self.observed.values().filter(|row| !circle.has(&row.kind, &row.id)) {
            others.extend(erase::addresses(&row.kind, &row.body));
        }
        for row in self.desired.values().filter(|row| !circle.has_key(&row.key)) {
            others.extend(erase::Names::of(&row.body).addresses);
        }
        report.addresses_shared = count(circle.addresses.intersection(&others).count());
        let mut hashes: BTreeSet<Hash> =
            circle.records().map(|(kind, id)| hasher.record(connection, kind, id)).collect();
        hashes.extend(circle.keys().map(|key| hasher.key(connection, key)));
        hashes.extend(
            circle.addresses.difference(&others).map(|address| hasher.address(connection, address)),
        );
        report.kept_away = count(hashes.len());
        self.erased.extend(hashes.into_iter().map(|hash| (hash, group)));

        let before = (self.desired.len(), self.links.len());
        self.desired.retain(|key, _| !circle.has_key(key));
        self.links.retain(|path, link| {
            !circle.has_key(path::key(path)) && !circle.has(&link.remote.kind, &link.remote.id)
        });
        report.desired = count(before.0.saturating_sub(self.desired.len()));
        report.links = count(before.1.saturating_sub(self.links.len()));
        for change in self.changes.iter_mut().filter(|change| circle.has(&change.kind, &change.id))
        {
            change.before.clear();
            change.after.clear();
            report.changes = report.changes.saturating_add(1);
        }
        for intent in self.intents.values_mut() {
            if let Some(emptied) = check::emptied(intent, &circle, group, erasure.now_ms) {
                *intent = emptied;
                report.intents = report.intents.saturating_add(1);
            }
        }
        for (kind, id) in circle.records() {
            let key = (kind.to_owned(), id.to_owned());
            self.aliases.remove(&key);
            self.seen.remove(&key);
            let Some(row) = self.observed.remove(&key) else { continue };
            if !row.gone {
                report.observed = report.observed.saturating_add(1);
                self.emit(check::erased(kind, id, erasure.now_ms));
            }
        }
        report
    }
}

/// Whether a path is the key or below it.
pub(super) fn belongs(path: &str, key: &str) -> bool {
    path::is_within(path, key)
}

pub(super) fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

pub(super) fn after_text(after: Option<&str>) -> Bound<String> {
    after.map_or(Bound::Unbounded, |after| Bound::Excluded(after.to_owned()))
}
