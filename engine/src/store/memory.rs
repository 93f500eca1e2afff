//! A store that forgets: plain ordered maps behind a lock. The model that the durable one is compared with, and a quick stand-in for
//! tests and one-off runs.
//!
//! It is meant to be read: counts are counted and indexes are searched, nothing is kept twice.
//!
//! Bounds: memory. Left out: durability, and speed beyond some ten thousand records.

use super::forget::{self, Circle, Hash, Hasher};
use super::merge::{self, Difference, Held, Known, Merged, Seen};
use super::*;
use crate::journal::Intent;
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, PoisonError};

/// See the module.
#[derive(Debug)]
pub struct MemoryStore {
    lineage: String,
    hasher: Hasher,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    connections: BTreeMap<String, Connection>,
    last_intent: IntentId,
}

#[derive(Debug, Default)]
struct Connection {
    row: Option<ConnectionRow>,
    observed: BTreeMap<(String, String), ObservedRow>,
    scans: BTreeMap<(String, Option<String>), ScanState>,
    sweeps: BTreeMap<String, SweepState>,
    seen: BTreeSet<(String, String)>,
    aliases: BTreeMap<(String, String), Alias>,
    desired: BTreeMap<String, DesiredRow>,
    links: BTreeMap<String, LinkRow>,
    intents: BTreeMap<IntentId, Intent>,
    last_mark_ms: u64,
    last_dirt: u64,
    changes: Vec<Change>,
    last_serial: u64,
    /// Hashes of people who were forgotten, each with the erasure that it belongs to.
    forgotten: HashMap<Hash, u64>,
    last_erasure: u64,
    offsets: BTreeMap<String, u64>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new("memory")
    }
}

impl MemoryStore {
    /// An empty store of this lineage.
    pub fn new(lineage: &str) -> Self {
        Self { lineage: lineage.to_owned(), hasher: Hasher::new(lineage), state: Mutex::default() }
    }

    /// Runs one transaction on a connection. It must refuse before it changes anything: there is no way back.
    fn on<T: Send + 'static>(
        &self,
        connection: &str,
        work: impl FnOnce(&mut Connection, &mut IntentId) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'_, T> {
        let connection = connection.to_owned();
        Box::pin(async move {
            // A holder that panicked left whole rows behind, as every change is one insert.
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let State { connections, last_intent } = &mut *state;
            work(connections.entry(connection).or_default(), last_intent)
        })
    }
}

impl Connection {
    fn held(&self, kind: &str, id: &str) -> Option<&ObservedRow> {
        self.observed.get(&(kind.to_owned(), id.to_owned())).filter(|row| !row.gone)
    }

    fn emit(&mut self, change: Change) {
        self.last_serial = self.last_serial.saturating_add(1);
        self.changes.push(Change { serial: self.last_serial, ..change });
    }

    fn first_serial(&self) -> u64 {
        self.changes.first().map_or(self.last_serial.saturating_add(1), |change| change.serial)
    }

    /// Marks a desired record, if there is one.
    fn mark(&mut self, key: &str) {
        if let Some(row) = self.desired.get_mut(key) {
            self.last_dirt = self.last_dirt.saturating_add(1);
            row.dirty = true;
            row.dirt = self.last_dirt;
        }
    }

    /// The erasure that keeps away what has one of these hashes. What is met by another hash than its own is known by its own from now on.
    fn kept_away(&mut self, hashes: Vec<Hash>) -> bool {
        let Some(erasure) = hashes.iter().find_map(|hash| self.forgotten.get(hash)).copied() else { return false };
        if let Some(own) = hashes.into_iter().next() {
            self.forgotten.entry(own).or_insert(erasure);
        }
        true
    }

    /// Marks what is linked to the record, and to the candidates that it names or named.
    fn touch(&mut self, kind: &str, id: &str, bodies: [&str; 2]) {
        let mut remotes = BTreeSet::from([RemoteRef { kind: kind.to_owned(), id: id.to_owned() }]);
        let candidates = bodies.into_iter().filter_map(merge::candidate_of);
        remotes.extend(candidates.map(|id| RemoteRef { kind: atsync_model::kinds::CANDIDATES.to_owned(), id }));
        let linked = self.links.values().filter(|link| remotes.contains(&link.remote));
        let keys: Vec<String> = linked.map(|link| check::key_of(&link.host).to_owned()).collect();
        keys.iter().for_each(|key| self.mark(key));
    }

    fn take_in(&mut self, page: &PageCommit, masks: &[Known]) -> Result<PageReport, StoreError> {
        let mut report = PageReport::default();
        let mut writes = Vec::new();
        for record in check::last_of_each(page) {
            let Some(mask) = masks.get(record.mask) else { continue };
            let held = self.held(&page.kind, &record.id);
            let known = held.map(|row| Known::of(&row.known)).transpose()?;
            let pair = held.zip(known.as_ref()).map(|(row, known)| Held {
                version: row.version.as_deref(),
                known: known.text(),
                body: &row.body,
                raw: row.raw.as_deref(),
            });
            let seen =
                Seen { version: record.version.as_deref(), mask, body: &record.body, raw: record.raw.as_deref() };
            match merge::merge(pair, seen)? {
                Merged::Same => report.unchanged = report.unchanged.saturating_add(1),
                Merged::Write { known, body, raw, version, event } => {
                    let before = held.map(|row| row.body.clone()).unwrap_or_default();
                    let changed_ms = match (&event, held) {
                        (None, Some(row)) => row.changed_ms,
                        _ => page.now_ms,
                    };
                    let row = ObservedRow {
                        kind: page.kind.clone(),
                        id: record.id.clone(),
                        version: version.map(str::to_owned),
                        body: body.into_owned(),
                        raw: raw.map(str::to_owned),
                        known: known.names().map(str::to_owned).collect(),
                        changed_ms,
                        gone: false,
                    };
                    writes.push((row, before, event));
                }
            }
        }
        for (row, before, event) in writes {
            let Some(difference) = event else {
                report.unchanged = report.unchanged.saturating_add(1);
                self.observed.insert((row.kind.clone(), row.id.clone()), row);
                continue;
            };
            let what = difference.what();
            let (before_fields, after_fields) = match difference {
                Difference::Created => {
                    report.created = report.created.saturating_add(1);
                    (Map::new(), merge::object(&row.body)?)
                }
                Difference::Updated { before, after } => {
                    report.updated = report.updated.saturating_add(1);
                    (before, after)
                }
                Difference::Anonymized { after } => {
                    report.updated = report.updated.saturating_add(1);
                    (Map::new(), after)
                }
            };
            self.emit(event_of(page, &row.id, what, before_fields, after_fields));
            self.touch(&row.kind, &row.id, [&before, &row.body]);
            if what == ChangeWhat::Created {
                self.aliases.remove(&(row.kind.clone(), row.id.clone()));
            } else if let Some((from, to)) = merge::lead(&row.kind, &before, &row.body) {
                let key = (atsync_model::kinds::CANDIDATES.to_owned(), from);
                if self.aliases.get(&key).is_none_or(|alias| !alias.told) {
                    self.aliases.insert(key, Alias { to, told: false });
                }
            }
            self.observed.insert((row.kind.clone(), row.id.clone()), row);
        }
        for id in &page.gone {
            let Some(row) = self.held(&page.kind, id).cloned() else { continue };
            report.deleted = report.deleted.saturating_add(1);
            self.emit(event_of(page, id, ChangeWhat::Deleted, merge::object(&row.body)?, Map::new()));
            self.touch(&row.kind, id, [&row.body, ""]);
            self.bury(row, page.now_ms);
        }
        for moved in &page.moved {
            report.moved = report.moved.saturating_add(u64::from(self.move_on(page, moved)?));
        }
        if let Some(sweep) = &page.sweep {
            self.seen.extend(page.records.iter().map(|record| (page.kind.clone(), record.id.clone())));
            self.sweeps.insert(page.kind.clone(), sweep.clone());
        }
        if let Some(scan) = &page.scan {
            self.scans.insert((page.kind.clone(), page.parent.clone()), scan.clone());
        }
        Ok(report)
    }

    fn bury(&mut self, row: ObservedRow, now_ms: u64) {
        let key = (row.kind.clone(), row.id.clone());
        let (version, raw, known) = (None, None, Vec::new());
        let body = "{}".to_owned();
        self.observed.insert(key, ObservedRow { version, body, raw, known, changed_ms: now_ms, gone: true, ..row });
    }

    /// Takes the links of a record along to its new id. Tells whether it was told now.
    fn move_on(&mut self, page: &PageCommit, moved: &MovedTo) -> Result<bool, StoreError> {
        let held = self.held(&page.kind, &moved.from).filter(|_| !moved.stays).cloned();
        let before = held.as_ref().map_or(Ok(Map::new()), |row| merge::object(&row.body))?;
        self.touch(&page.kind, &moved.from, [held.as_ref().map_or("", |row| &row.body), ""]);
        let new = RemoteRef { kind: page.kind.clone(), id: moved.to.clone() };
        let hosts: Vec<String> = self
            .links
            .values()
            .filter(|l| l.remote.kind == page.kind && l.remote.id == moved.from)
            .map(|l| l.host.clone())
            .collect();
        for host in hosts {
            let taken = self.links.values().any(|link| link.remote == new);
            if let Some(link) = self.links.remove(&host) {
                self.links.insert(host, check::followed(link, &moved.to, taken));
            }
        }
        self.touch(&page.kind, &moved.to, ["", ""]);
        if let Some(row) = held {
            self.bury(row, page.now_ms);
        }
        let alias = Alias { to: moved.to.clone(), told: true };
        if self.aliases.insert((page.kind.clone(), moved.from.clone()), alias.clone()) == Some(alias) {
            return Ok(false);
        }
        self.emit(event_of(page, &moved.from, ChangeWhat::Moved, before, check::lives_on_as(&moved.to)));
        Ok(true)
    }
}

impl Connection {
    /// Everything about the person, found by passing over the rows until nothing is added.
    fn circle(&self, erasure: &Erasure) -> Circle {
        let mut circle = Circle::of(erasure);
        loop {
            let mut grew = false;
            for link in self.links.values() {
                let key = check::key_of(&link.host);
                if circle.keys.contains(key) {
                    grew |= circle.add(&link.remote.kind, &link.remote.id);
                } else if link.host == key && circle.has(&link.remote.kind, &link.remote.id) {
                    grew |= circle.keys.insert(key.to_owned());
                }
            }
            for row in self.observed.values() {
                grew |= circle.meet(&row.kind, &row.id, &[&row.body]);
            }
            for change in &self.changes {
                let [before, after] = [&change.before, &change.after].map(|map| merge::text(map).unwrap_or_default());
                grew |= circle.meet(&change.kind, &change.id, &[&before, &after]);
                if let Some(to) = check::moved_to(change.what, &change.after) {
                    grew |= circle.moved(&change.kind, &change.id, to);
                }
            }
            for intent in self.intents.values() {
                if !circle.keys.contains(check::key_of(&intent.host)) {
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

    fn erase(&mut self, connection: &str, hasher: &Hasher, erasure: &Erasure) -> ErasureReport {
        let mut circle = self.circle(erasure);
        let mut report = ErasureReport::default();
        let group = self.last_erasure.saturating_add(1);
        self.last_erasure = group;
        for row in self.desired.values().filter(|row| circle.keys.contains(&row.key)) {
            circle.addresses.extend(forget::desired_addresses(&row.body));
        }
        let mut others = BTreeSet::new();
        for row in self.observed.values().filter(|row| !circle.has(&row.kind, &row.id)) {
            others.extend(forget::addresses(&row.kind, &row.body));
        }
        for row in self.desired.values().filter(|row| !circle.keys.contains(&row.key)) {
            others.extend(forget::desired_addresses(&row.body));
        }
        report.addresses_shared = count(circle.addresses.intersection(&others).count());
        let mut hashes: BTreeSet<Hash> =
            circle.records().map(|(kind, id)| hasher.record(connection, kind, id)).collect();
        hashes.extend(circle.keys.iter().map(|key| hasher.key(connection, key)));
        hashes.extend(circle.addresses.difference(&others).map(|address| hasher.address(connection, address)));
        report.kept_away = count(hashes.len());
        self.forgotten.extend(hashes.into_iter().map(|hash| (hash, group)));

        let before = (self.desired.len(), self.links.len());
        self.desired.retain(|key, _| !circle.keys.contains(key));
        self.links.retain(|host, link| {
            !circle.keys.contains(check::key_of(host)) && !circle.has(&link.remote.kind, &link.remote.id)
        });
        report.desired = count(before.0.saturating_sub(self.desired.len()));
        report.links = count(before.1.saturating_sub(self.links.len()));
        for change in self.changes.iter_mut().filter(|change| circle.has(&change.kind, &change.id)) {
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
                self.emit(check::forgotten(kind, id, erasure.now_ms));
            }
        }
        report
    }
}

fn event_of(
    page: &PageCommit,
    id: &str,
    what: ChangeWhat,
    before: Map<String, serde_json::Value>,
    after: Map<String, serde_json::Value>,
) -> Change {
    let (kind, cause, id) = (page.kind.clone(), check::cause(page, id), id.to_owned());
    Change { serial: 0, at_ms: page.now_ms, kind, id, what, before, after, cause }
}

/// Whether a host path is the key or below it.
fn belongs(host: &str, key: &str) -> bool {
    host.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn after_text(after: Option<&str>) -> Bound<String> {
    after.map_or(Bound::Unbounded, |after| Bound::Excluded(after.to_owned()))
}

impl Store for MemoryStore {
    fn identity(&self) -> Stored<'_, StoreIdentity> {
        Box::pin(async { Ok(StoreIdentity { schema: SCHEMA, lineage: self.lineage.clone() }) })
    }

    fn connection(&self, connection: &str) -> Stored<'_, Option<ConnectionRow>> {
        self.on(connection, |held, _| Ok(held.row.clone()))
    }

    fn put_connection(&self, connection: &str, row: ConnectionRow) -> Stored<'_, ()> {
        let name = connection.to_owned();
        self.on(connection, move |held, _| {
            check::connection(&name, &row)?;
            held.row = Some(row);
            Ok(())
        })
    }

    fn commit_page(&self, connection: &str, page: PageCommit) -> Stored<'_, PageReport> {
        let (name, hasher) = (connection.to_owned(), self.hasher.clone());
        self.on(connection, move |held, _| {
            let masks = check::page(&name, &page)?;
            let mut page = page;
            if !held.forgotten.is_empty() {
                let of = |record: &ObservedWrite| hasher.of_record(&name, &page.kind, &record.id, &record.body);
                let hashes: Vec<_> = page.records.iter().map(|record| (record.id.clone(), of(record))).collect();
                let away = hashes.into_iter().filter_map(|(id, hashes)| held.kept_away(hashes).then_some(id));
                let away: BTreeSet<String> = away.collect();
                page.records.retain(|record| !away.contains(&record.id));
            }
            held.take_in(&page, &masks)
        })
    }

    fn observed(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Option<ObservedRow>> {
        let remote = remote.clone();
        self.on(connection, move |held, _| Ok(held.observed.get(&(remote.kind, remote.id)).cloned()))
    }

    fn observed_page(
        &self,
        connection: &str,
        kind: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>> {
        let (kind, after) = (kind.to_owned(), after.map(str::to_owned));
        self.on(connection, move |held, _| {
            check::rows(rows_max)?;
            let all = held.observed.values().filter(|row| row.kind == kind && !row.gone);
            Ok(all.filter(|row| after.as_ref().is_none_or(|after| row.id > *after)).take(rows_max).cloned().collect())
        })
    }

    fn lookup(
        &self,
        connection: &str,
        kind: &str,
        index: &str,
        term: &str,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>> {
        let (kind, index, term) = (kind.to_owned(), index.to_owned(), index::normal(term));
        self.on(connection, move |held, _| {
            check::rows(rows_max)?;
            check::words(&[("a term", &term)])?;
            let all = held.observed.values().filter(|row| row.kind == kind && !row.gone);
            let carries =
                |row: &&ObservedRow| index::terms(&kind, &row.body).iter().any(|(i, t)| *i == index && *t == term);
            Ok(all.filter(carries).take(rows_max).cloned().collect())
        })
    }

    fn observed_counts(&self, connection: &str) -> Stored<'_, Vec<(String, u64)>> {
        self.on(connection, |held, _| {
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            for row in held.observed.values().filter(|row| !row.gone) {
                let count = counts.entry(row.kind.clone()).or_default();
                *count = count.saturating_add(1);
            }
            Ok(counts.into_iter().collect())
        })
    }

    fn scan_state(&self, connection: &str, kind: &str, parent: Option<&str>) -> Stored<'_, Option<ScanState>> {
        let key = (kind.to_owned(), parent.map(str::to_owned));
        self.on(connection, move |held, _| Ok(held.scans.get(&key).cloned()))
    }

    fn scan_states(&self, connection: &str) -> Stored<'_, Vec<(String, Option<String>, ScanState)>> {
        self.on(connection, |held, _| {
            let scans = held.scans.iter();
            Ok(scans.map(|((kind, parent), scan)| (kind.clone(), parent.clone(), scan.clone())).collect())
        })
    }

    fn sweep_state(&self, connection: &str, kind: &str) -> Stored<'_, Option<SweepState>> {
        let kind = kind.to_owned();
        self.on(connection, move |held, _| Ok(held.sweeps.get(&kind).cloned()))
    }

    fn suspects_page(
        &self,
        connection: &str,
        kind: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>> {
        let (kind, after) = (kind.to_owned(), after.map(str::to_owned));
        self.on(connection, move |held, _| {
            check::rows(rows_max)?;
            let unseen = |key: &(String, String)| !held.seen.contains(key);
            let all = held.observed.iter().filter(|(key, row)| row.kind == kind && !row.gone && unseen(key));
            let later = all.map(|(_, row)| row).filter(|row| after.as_ref().is_none_or(|after| row.id > *after));
            Ok(later.take(rows_max).cloned().collect())
        })
    }

    fn forget_seen(&self, connection: &str, kind: &str, rows_max: usize) -> Stored<'_, u64> {
        let kind = kind.to_owned();
        self.on(connection, move |held, _| {
            check::rows(rows_max)?;
            let some: BTreeSet<_> = held.seen.iter().filter(|(of, _)| *of == kind).take(rows_max).cloned().collect();
            held.seen.retain(|key| !some.contains(key));
            Ok(count(some.len()))
        })
    }

    fn alias(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Option<Alias>> {
        let key = (remote.kind.clone(), remote.id.clone());
        self.on(connection, move |held, _| Ok(held.aliases.get(&key).cloned()))
    }

    fn leads(&self, connection: &str, kind: &str, rows_max: usize) -> Stored<'_, Vec<(String, String)>> {
        let kind = kind.to_owned();
        self.on(connection, move |held, _| {
            check::rows(rows_max)?;
            let leads = held.aliases.iter().filter(|((of, _), alias)| *of == kind && !alias.told);
            Ok(leads.map(|((_, from), alias)| (from.clone(), alias.to.clone())).take(rows_max).collect())
        })
    }

    fn drop_lead(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, ()> {
        let key = (remote.kind.clone(), remote.id.clone());
        self.on(connection, move |held, _| {
            if held.aliases.get(&key).is_some_and(|alias| !alias.told) {
                held.aliases.remove(&key);
            }
            Ok(())
        })
    }

    fn declare(&self, connection: &str, records: Vec<Declaration>, now_ms: u64) -> Stored<'_, DeclareReport> {
        let (name, hasher) = (connection.to_owned(), self.hasher.clone());
        self.on(connection, move |held, _| {
            check::declarations(&name, &records)?;
            let mut report = DeclareReport::default();
            for Declaration { key, body } in records {
                if !held.forgotten.is_empty() && held.kept_away(hasher.of_desired(&name, &key, &body)) {
                    report.forgotten = report.forgotten.saturating_add(1);
                    continue;
                }
                let marked = key.clone();
                let before = report.unchanged;
                let row = match held.desired.remove(&key) {
                    None => {
                        report.created = report.created.saturating_add(1);
                        let status = DesiredStatus::default();
                        let (dirt, mode) = (0, Mode::Managed);
                        DesiredRow { key, generation: 1, body, changed_ms: now_ms, status, dirty: true, dirt, mode }
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
                held.desired.insert(row.key.clone(), row);
                if report.unchanged == before {
                    held.mark(&marked);
                }
            }
            Ok(report)
        })
    }

    fn desired(&self, connection: &str, key: &str) -> Stored<'_, Option<DesiredRow>> {
        let key = key.to_owned();
        self.on(connection, move |held, _| Ok(held.desired.get(&key).cloned()))
    }

    fn desired_page(&self, connection: &str, after: Option<&str>, rows_max: usize) -> Stored<'_, Vec<DesiredRow>> {
        let after = after_text(after);
        self.on(connection, move |held, _| {
            check::rows(rows_max)?;
            let rows = held.desired.range((after, Bound::Unbounded));
            Ok(rows.map(|(_, row)| row.clone()).take(rows_max).collect())
        })
    }

    fn dirty_page(&self, connection: &str, after: Option<&str>, rows_max: usize) -> Stored<'_, Vec<DesiredRow>> {
        let after = after_text(after);
        self.on(connection, move |held, _| {
            check::rows(rows_max)?;
            let rows = held.desired.range((after, Bound::Unbounded));
            Ok(rows.map(|(_, row)| row.clone()).filter(|row| row.dirty).take(rows_max).collect())
        })
    }

    fn put_status(&self, connection: &str, statuses: Vec<StatusUpdate>) -> Stored<'_, Vec<String>> {
        let name = connection.to_owned();
        self.on(connection, move |held, _| {
            check::statuses(&name, &statuses)?;
            let mut left = Vec::new();
            for update in statuses {
                match held.desired.get_mut(&update.key).filter(|row| row.generation == update.generation) {
                    Some(row) => {
                        row.status = update.status;
                        if !update.dirty && row.dirt == update.dirt {
                            row.dirty = false;
                            row.dirt = 0;
                        } else if update.dirty && !row.dirty {
                            held.mark(&update.key);
                        }
                    }
                    None => left.push(update.key),
                }
            }
            Ok(left)
        })
    }

    fn mark_dirty(&self, connection: &str, keys: Vec<String>) -> Stored<'_, ()> {
        let name = connection.to_owned();
        self.on(connection, move |held, _| {
            check::keys(&name, &keys)?;
            keys.iter().for_each(|key| held.mark(key));
            Ok(())
        })
    }

    fn set_mode(&self, connection: &str, key: &str, mode: Mode) -> Stored<'_, bool> {
        let key = key.to_owned();
        self.on(connection, move |held, _| {
            let Some(row) = held.desired.get_mut(&key) else { return Ok(false) };
            row.mode = mode;
            held.mark(&key);
            Ok(true)
        })
    }

    fn remove_desired(&self, connection: &str, key: &str) -> Stored<'_, bool> {
        let key = key.to_owned();
        self.on(connection, move |held, _| {
            let mut open = held.intents.values().filter(|intent| intent.state.is_open());
            if let Some(open) = open.find(|intent| belongs(&intent.host, &key)) {
                return Err(StoreError::IntentOpen(open.id));
            }
            held.links.retain(|host, _| !belongs(host, &key));
            Ok(held.desired.remove(&key).is_some())
        })
    }

    fn desired_counts(&self, connection: &str) -> Stored<'_, (u64, u64)> {
        self.on(connection, |held, _| {
            Ok((count(held.desired.len()), count(held.desired.values().filter(|row| row.dirty).count())))
        })
    }

    fn link(&self, connection: &str, host: &str) -> Stored<'_, Option<LinkRow>> {
        let host = host.to_owned();
        self.on(connection, move |held, _| Ok(held.links.get(&host).cloned()))
    }

    fn links_of(&self, connection: &str, key: &str) -> Stored<'_, Vec<LinkRow>> {
        let key = key.to_owned();
        self.on(connection, move |held, _| {
            Ok(held.links.values().filter(|link| belongs(&link.host, &key)).cloned().collect())
        })
    }

    fn links_to(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Vec<LinkRow>> {
        let remote = remote.clone();
        self.on(connection, move |held, _| {
            Ok(held.links.values().filter(|link| link.remote == remote).cloned().collect())
        })
    }

    fn put_links(&self, connection: &str, links: Vec<LinkRow>) -> Stored<'_, ()> {
        let name = connection.to_owned();
        self.on(connection, move |held, _| {
            check::links(&name, &links)?;
            held.links.extend(links.into_iter().map(|link| (link.host.clone(), link)));
            Ok(())
        })
    }

    fn end_links(&self, connection: &str, hosts: Vec<String>) -> Stored<'_, ()> {
        let name = connection.to_owned();
        self.on(connection, move |held, _| {
            check::keys(&name, &hosts)?;
            hosts.iter().for_each(|host| drop(held.links.remove(host)));
            Ok(())
        })
    }

    fn begin_intent(&self, connection: &str, intent: Intent) -> Stored<'_, Intent> {
        let name = connection.to_owned();
        self.on(connection, move |held, last_intent| {
            check::intent(&name, &intent)?;
            let same = |open: &&Intent| open.host == intent.host && open.operation == intent.operation;
            if let Some(open) = held.intents.values().filter(|open| open.state.is_open()).find(same) {
                return Err(StoreError::IntentOpen(open.id));
            }
            let desired = held.desired.get(check::key_of(&intent.host)).map(|row| (row.generation, row.mode));
            check::generation(&intent.host, desired, intent.generation)?;
            let time_ms = check::mark_time(intent.mark.time_ms, held.last_mark_ms)?;
            let born = check::born(intent, last_intent.saturating_add(1), time_ms);
            *last_intent = born.id;
            held.last_mark_ms = time_ms;
            held.intents.insert(born.id, born.clone());
            Ok(born)
        })
    }

    fn advance_intent(&self, connection: &str, advance: IntentAdvance) -> Stored<'_, Intent> {
        let name = connection.to_owned();
        self.on(connection, move |held, _| {
            check::advance(&name, &advance)?;
            let intent = held.intents.get(&advance.id).ok_or_else(|| check::no_intent(advance.id))?;
            let next = check::step(intent, advance.attempt, advance.to, advance.now_ms)?;
            held.intents.insert(next.id, next.clone());
            check::moved_by(&next, &advance.links, &advance.unlink).iter().for_each(|key| held.mark(key));
            advance.unlink.iter().for_each(|host| drop(held.links.remove(host)));
            held.links.extend(advance.links.into_iter().map(|link| (link.host.clone(), link)));
            for change in advance.changes {
                if let Some(to) = check::told_move(&change) {
                    let alias = Alias { to: to.to_owned(), told: true };
                    held.aliases.insert((change.kind.clone(), change.id.clone()), alias);
                }
                held.emit(change);
            }
            Ok(next)
        })
    }

    fn intent(&self, connection: &str, id: IntentId) -> Stored<'_, Option<Intent>> {
        self.on(connection, move |held, _| Ok(held.intents.get(&id).cloned()))
    }

    fn open_intents(&self, connection: &str) -> Stored<'_, Vec<Intent>> {
        self.on(connection, |held, _| {
            Ok(held.intents.values().filter(|intent| intent.state.is_open()).cloned().collect())
        })
    }

    fn intents_of(&self, connection: &str, key: &str, rows_max: usize) -> Stored<'_, Vec<Intent>> {
        let key = key.to_owned();
        self.on(connection, move |held, _| {
            check::rows(rows_max)?;
            let newest_first = held.intents.values().rev();
            Ok(newest_first.filter(|intent| belongs(&intent.host, &key)).take(rows_max).cloned().collect())
        })
    }

    fn intent_counts(&self, connection: &str) -> Stored<'_, Vec<(String, u64)>> {
        self.on(connection, |held, _| {
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            for intent in held.intents.values() {
                let count = counts.entry(intent.state.word().to_owned()).or_default();
                *count = count.saturating_add(1);
            }
            Ok(counts.into_iter().collect())
        })
    }

    fn changes(&self, connection: &str, after: u64, rows_max: usize) -> Stored<'_, Vec<Change>> {
        self.on(connection, move |held, _| {
            check::rows(rows_max)?;
            check::still_there(after, held.first_serial())?;
            Ok(held.changes.iter().filter(|change| change.serial > after).take(rows_max).cloned().collect())
        })
    }

    fn changes_last(&self, connection: &str) -> Stored<'_, u64> {
        self.on(connection, |held, _| Ok(held.last_serial))
    }

    fn changes_first(&self, connection: &str) -> Stored<'_, u64> {
        self.on(connection, |held, _| Ok(held.first_serial()))
    }

    fn trim_changes(&self, connection: &str, before_ms: u64, keep: Keep) -> Stored<'_, u64> {
        self.on(connection, move |held, _| {
            let acknowledged = held.offsets.values().min().copied().unwrap_or_default();
            let upto = if keep == Keep::Unacknowledged { acknowledged } else { u64::MAX };
            let old = held.changes.iter().take_while(|change| change.at_ms < before_ms && change.serial <= upto);
            let old = old.count();
            held.changes.drain(..old);
            Ok(count(old))
        })
    }

    fn end_consumer(&self, connection: &str, consumer: &str) -> Stored<'_, ()> {
        let consumer = consumer.to_owned();
        self.on(connection, move |held, _| {
            held.offsets.remove(&consumer);
            Ok(())
        })
    }

    fn erase(&self, connection: &str, erasure: Erasure) -> Stored<'_, ErasureReport> {
        let (name, hasher) = (connection.to_owned(), self.hasher.clone());
        self.on(connection, move |held, _| {
            check::erasure(&name, &erasure)?;
            Ok(held.erase(&name, &hasher, &erasure))
        })
    }

    fn unforget(&self, connection: &str, erasure: Erasure) -> Stored<'_, bool> {
        let (name, hasher) = (connection.to_owned(), self.hasher.clone());
        self.on(connection, move |held, _| {
            check::erasure(&name, &erasure)?;
            let hashes = hasher.of_erasure(&name, &erasure);
            let erasures: BTreeSet<u64> = hashes.iter().filter_map(|hash| held.forgotten.get(hash)).copied().collect();
            held.forgotten.retain(|_, erasure| !erasures.contains(erasure));
            Ok(!erasures.is_empty())
        })
    }

    fn acknowledge(&self, connection: &str, consumer: &str, serial: u64) -> Stored<'_, ()> {
        let (name, consumer) = (connection.to_owned(), consumer.to_owned());
        self.on(connection, move |held, _| {
            check::within(&name, "a consumer's name", &consumer)?;
            // A consumer that acknowledges 0 is known from then on, and holds back trimming.
            let offset = held.offsets.entry(consumer).or_default();
            *offset = (*offset).max(serial);
            Ok(())
        })
    }

    fn offset(&self, connection: &str, consumer: &str) -> Stored<'_, u64> {
        let consumer = consumer.to_owned();
        self.on(connection, move |held, _| Ok(held.offsets.get(&consumer).copied().unwrap_or_default()))
    }
}
