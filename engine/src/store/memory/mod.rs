//! The store in memory: plain ordered maps behind a lock. The model that the durable store is
//! compared with, and a fast store for tests and one-off runs.
//!
//! It is simple: it computes counts and searches its rows, and stores nothing twice. The code that
//! decides the changes of a page is that of the durable store ([`super::ingest`], which has its own
//! tests); the comparison covers everything around it.
//!
//! Bounds: memory. Left out: durability, and speed beyond some ten thousand records.

mod held;
mod page;

use super::erase::Hasher;
use super::signal::Signals;
use super::*;
use crate::index;
use crate::journal::{Intent, IntentId};
use crate::path;
use atsync_model::contract::RemoteRef;
use held::{Connection, after_text, belongs, count};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Mutex, PoisonError};

/// The store in memory, for tests and one-off runs: nothing outlives the process.
#[derive(Debug)]
pub struct MemoryStore {
    lineage: String,
    hasher: Hasher,
    state: Mutex<State>,
    signals: Signals,
}

#[derive(Debug, Default)]
struct State {
    connections: BTreeMap<String, Connection>,
    last_intent: IntentId,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new("memory")
    }
}

impl MemoryStore {
    /// An empty store of this lineage.
    pub fn new(lineage: &str) -> Self {
        Self {
            lineage: lineage.to_owned(),
            hasher: Hasher::new(lineage),
            state: Mutex::default(),
            signals: Signals::default(),
        }
    }

    /// Runs one transaction on a connection. It must refuse before it changes anything, because
    /// there is no rollback.
    fn on<T: Send + 'static>(
        &self,
        connection: &str,
        work: impl FnOnce(&mut Connection, &mut IntentId) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'_, T> {
        let connection = connection.to_owned();
        Box::pin(async move {
            // A holder that panicked left whole rows, as every change is one insert.
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let State { connections, last_intent } = &mut *state;
            let held = connections.entry(connection.clone()).or_default();
            let last_serial = held.last_serial;
            let done = work(held, last_intent);
            let told = held.last_serial > last_serial;
            drop(state);
            if told {
                self.signals.wake(&connection);
            }
            done
        })
    }
}

impl MemoryStore {
    /// As [`Self::on`], for a transaction that writes.
    fn change<T: Send + 'static>(
        &self,
        guard: &Guard,
        work: impl FnOnce(&mut Connection, &mut IntentId) -> Result<T, StoreError> + Send + 'static,
    ) -> Stored<'_, T> {
        let allowed = guard.held_alone();
        self.on(guard.connection(), move |held, last_intent| {
            allowed?;
            work(held, last_intent)
        })
    }
}

impl Connections for MemoryStore {
    fn identity(&self) -> Stored<'_, StoreIdentity> {
        Box::pin(async { Ok(StoreIdentity { schema: SCHEMA, lineage: self.lineage.clone() }) })
    }

    fn connection(&self, connection: &str) -> Stored<'_, Option<ConnectionRow>> {
        self.on(connection, |held, _| Ok(held.row.clone()))
    }

    fn put_connection(&self, guard: &Guard, row: ConnectionRow) -> Stored<'_, ()> {
        let name = guard.connection().to_owned();
        self.change(guard, move |held, _| {
            check::connection(&name, &row)?;
            held.row = Some(row);
            Ok(())
        })
    }

    fn forget(&self, guard: &Guard) -> Stored<'_, u64> {
        self.change(guard, |held, _| Ok(held.forget()))
    }

    fn lease(&self, connection: &str) -> Stored<'_, Guard> {
        let guard = Guard::sole(connection);
        Box::pin(async { Ok(guard) })
    }
}

impl Observed for MemoryStore {
    fn commit_page(&self, guard: &Guard, page: PageCommit) -> Stored<'_, PageReport> {
        let (name, hasher) = (guard.connection().to_owned(), self.hasher.clone());
        self.change(guard, move |held, _| {
            let masks = check::page(&name, &page)?;
            let away = held.kept_away_of(&name, &page, &hasher);
            let report = held.commit(&page, &masks, |id| away.contains_key(id))?;
            held.keep_away(&page, away);
            Ok(report)
        })
    }

    fn observed(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Option<ObservedRow>> {
        let remote = remote.clone();
        self.on(connection, move |held, _| {
            Ok(held.observed.get(&(remote.kind, remote.id)).cloned())
        })
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
            Ok(all
                .filter(|row| after.as_ref().is_none_or(|after| row.id > *after))
                .take(rows_max)
                .cloned()
                .collect())
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
        let (kind, term) = (kind.to_owned(), index::form(index, term));
        let index = index.to_owned();
        self.on(connection, move |held, _| {
            check::rows(rows_max)?;
            check::words(&[("a term", &term)])?;
            let all = held.observed.values().filter(|row| row.kind == kind && !row.gone);
            let carries = |row: &&ObservedRow| {
                index::terms(&kind, &row.body).iter().any(|(i, t)| *i == index && *t == term)
            };
            Ok(all.filter(carries).take(rows_max).cloned().collect())
        })
    }

    fn lookup_page(
        &self,
        connection: &str,
        kind: &str,
        index: &str,
        term: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ObservedRow>> {
        let (kind, term) = (kind.to_owned(), index::form(index, term));
        let (index, after) = (index.to_owned(), after.map(str::to_owned));
        self.on(connection, move |held, _| {
            check::rows(rows_max)?;
            check::words(&[("a term", &term)])?;
            let all = held.observed.values().filter(|row| row.kind == kind && !row.gone);
            let all = all.filter(|row| after.as_ref().is_none_or(|after| row.id > *after));
            let carries = |row: &&ObservedRow| {
                index::terms(&kind, &row.body).iter().any(|(i, t)| *i == index && *t == term)
            };
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

    fn alias(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Option<Alias>> {
        let key = (remote.kind.clone(), remote.id.clone());
        self.on(connection, move |held, _| Ok(held.aliases.get(&key).cloned()))
    }

    fn leads(
        &self,
        connection: &str,
        kind: &str,
        rows_max: usize,
    ) -> Stored<'_, Vec<(String, String)>> {
        let kind = kind.to_owned();
        self.on(connection, move |held, _| {
            check::rows(rows_max)?;
            let leads = held.aliases.iter().filter(|((of, _), alias)| *of == kind && !alias.told);
            Ok(leads
                .map(|((_, from), alias)| (from.clone(), alias.to.clone()))
                .take(rows_max)
                .collect())
        })
    }

    fn drop_lead(&self, guard: &Guard, remote: &RemoteRef) -> Stored<'_, ()> {
        let key = (remote.kind.clone(), remote.id.clone());
        self.change(guard, move |held, _| {
            if held.aliases.get(&key).is_some_and(|alias| !alias.told) {
                held.aliases.remove(&key);
            }
            Ok(())
        })
    }
}

impl Scans for MemoryStore {
    fn scan_state(
        &self,
        connection: &str,
        kind: &str,
        parent: Option<&str>,
    ) -> Stored<'_, Option<ScanState>> {
        let key = (kind.to_owned(), parent.map(str::to_owned));
        self.on(connection, move |held, _| Ok(held.scans.get(&key).cloned()))
    }

    fn scan_states(
        &self,
        connection: &str,
    ) -> Stored<'_, Vec<(String, Option<String>, ScanState)>> {
        self.on(connection, |held, _| {
            let scans = held.scans.iter();
            Ok(scans
                .map(|((kind, parent), scan)| (kind.clone(), parent.clone(), scan.clone()))
                .collect())
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
            let all = held
                .observed
                .iter()
                .filter(|(key, row)| row.kind == kind && !row.gone && unseen(key));
            let later = all
                .map(|(_, row)| row)
                .filter(|row| after.as_ref().is_none_or(|after| row.id > *after));
            Ok(later.take(rows_max).cloned().collect())
        })
    }

    fn forget_seen(&self, guard: &Guard, kind: &str, rows_max: usize) -> Stored<'_, u64> {
        let kind = kind.to_owned();
        self.change(guard, move |held, _| {
            check::rows(rows_max)?;
            let some: BTreeSet<_> =
                held.seen.iter().filter(|(of, _)| *of == kind).take(rows_max).cloned().collect();
            held.seen.retain(|key| !some.contains(key));
            Ok(count(some.len()))
        })
    }

    fn problems(
        &self,
        connection: &str,
        kind: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<ProblemRow>> {
        let kind = kind.map(str::to_owned);
        self.on(connection, move |held, _| {
            check::rows(rows_max)?;
            let of = held
                .problems
                .values()
                .filter(|row| kind.as_ref().is_none_or(|kind| *kind == row.kind));
            Ok(of.take(rows_max).cloned().collect())
        })
    }

    fn note_problems(&self, guard: &Guard, problems: Problems) -> Stored<'_, Vec<ProblemRow>> {
        let name = guard.connection().to_owned();
        self.change(guard, move |held, _| {
            check::problems(&name, &problems)?;
            held.note(&problems)
        })
    }
}

impl Desired for MemoryStore {
    fn declare(
        &self,
        guard: &Guard,
        records: Vec<Declaration>,
        now_ms: u64,
    ) -> Stored<'_, DeclareReport> {
        let (name, hasher) = (guard.connection().to_owned(), self.hasher.clone());
        self.change(guard, move |held, _| {
            check::declarations(&name, &records)?;
            Ok(held.declare(&name, records, now_ms, &hasher))
        })
    }

    fn declare_if(
        &self,
        guard: &Guard,
        record: Declaration,
        generation: Option<u64>,
        now_ms: u64,
    ) -> Stored<'_, DeclareReport> {
        let (name, hasher) = (guard.connection().to_owned(), self.hasher.clone());
        self.change(guard, move |held, _| {
            held.has_generation(&record.key, generation)?;
            let record = vec![record];
            check::declarations(&name, &record)?;
            Ok(held.declare(&name, record, now_ms, &hasher))
        })
    }

    fn desired(&self, connection: &str, key: &str) -> Stored<'_, Option<DesiredRow>> {
        let key = key.to_owned();
        self.on(connection, move |held, _| Ok(held.desired.get(&key).cloned()))
    }

    fn desired_page(
        &self,
        connection: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<DesiredRow>> {
        let after = after_text(after);
        self.on(connection, move |held, _| {
            check::rows(rows_max)?;
            let rows = held.desired.range((after, Bound::Unbounded));
            Ok(rows.map(|(_, row)| row.clone()).take(rows_max).collect())
        })
    }

    fn dirty_page(
        &self,
        connection: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<DesiredRow>> {
        let after = after_text(after);
        self.on(connection, move |held, _| {
            check::rows(rows_max)?;
            let rows = held.desired.range((after, Bound::Unbounded));
            Ok(rows.map(|(_, row)| row.clone()).filter(|row| row.dirty).take(rows_max).collect())
        })
    }

    fn put_status(&self, guard: &Guard, statuses: Vec<StatusUpdate>) -> Stored<'_, Vec<String>> {
        let name = guard.connection().to_owned();
        self.change(guard, move |held, _| {
            check::statuses(&name, &statuses)?;
            let mut left = Vec::new();
            for update in statuses {
                match held
                    .desired
                    .get_mut(&update.key)
                    .filter(|row| row.generation == update.generation)
                {
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

    fn mark_dirty(&self, guard: &Guard, keys: Vec<String>) -> Stored<'_, ()> {
        let name = guard.connection().to_owned();
        self.change(guard, move |held, _| {
            check::keys(&name, &keys)?;
            keys.iter().for_each(|key| held.mark(key));
            Ok(())
        })
    }

    fn set_mode(&self, guard: &Guard, key: &str, mode: Mode) -> Stored<'_, bool> {
        let key = key.to_owned();
        self.change(guard, move |held, _| {
            let Some(row) = held.desired.get_mut(&key) else { return Ok(false) };
            row.mode = mode;
            held.mark(&key);
            Ok(true)
        })
    }

    fn remove_desired(
        &self,
        guard: &Guard,
        key: &str,
        generation: Option<u64>,
    ) -> Stored<'_, bool> {
        let key = key.to_owned();
        self.change(guard, move |held, _| {
            if generation.is_some() {
                held.has_generation(&key, generation)?;
            }
            let mut open = held.intents.values().filter(|intent| intent.state.is_open());
            if let Some(open) = open.find(|intent| belongs(&intent.path, &key)) {
                return Err(StoreError::IntentOpen(open.id));
            }
            held.links.retain(|path, _| !belongs(path, &key));
            Ok(held.desired.remove(&key).is_some())
        })
    }

    fn desired_counts(&self, connection: &str) -> Stored<'_, (u64, u64)> {
        self.on(connection, |held, _| {
            Ok((
                count(held.desired.len()),
                count(held.desired.values().filter(|row| row.dirty).count()),
            ))
        })
    }
}

impl Links for MemoryStore {
    fn link(&self, connection: &str, path: &str) -> Stored<'_, Option<LinkRow>> {
        let path = path.to_owned();
        self.on(connection, move |held, _| Ok(held.links.get(&path).cloned()))
    }

    fn links_of(&self, connection: &str, key: &str) -> Stored<'_, Vec<LinkRow>> {
        let key = key.to_owned();
        self.on(connection, move |held, _| {
            Ok(held.links.values().filter(|link| belongs(&link.path, &key)).cloned().collect())
        })
    }

    fn links_to(&self, connection: &str, remote: &RemoteRef) -> Stored<'_, Vec<LinkRow>> {
        let remote = remote.clone();
        self.on(connection, move |held, _| {
            Ok(held.links.values().filter(|link| link.remote == remote).cloned().collect())
        })
    }

    fn put_links(&self, guard: &Guard, links: Vec<LinkRow>) -> Stored<'_, ()> {
        let name = guard.connection().to_owned();
        self.change(guard, move |held, _| {
            check::links(&name, &links)?;
            held.links.extend(links.into_iter().map(|link| (link.path.clone(), link)));
            Ok(())
        })
    }

    fn end_links(&self, guard: &Guard, paths: Vec<String>) -> Stored<'_, ()> {
        let name = guard.connection().to_owned();
        self.change(guard, move |held, _| {
            check::keys(&name, &paths)?;
            paths.iter().for_each(|path| drop(held.links.remove(path)));
            Ok(())
        })
    }
}

impl Journal for MemoryStore {
    fn begin_intent(&self, guard: &Guard, intent: Intent) -> Stored<'_, Intent> {
        let name = guard.connection().to_owned();
        self.change(guard, move |held, last_intent| {
            check::intent(&name, &intent)?;
            let same =
                |open: &&Intent| open.path == intent.path && open.operation == intent.operation;
            if let Some(open) = held.intents.values().filter(|open| open.state.is_open()).find(same)
            {
                return Err(StoreError::IntentOpen(open.id));
            }
            let desired =
                held.desired.get(path::key(&intent.path)).map(|row| (row.generation, row.mode));
            check::generation(&intent.path, desired, intent.generation)?;
            let time_ms = check::mark_time(intent.mark.time_ms, held.last_mark_ms)?;
            let born = check::born(intent, last_intent.saturating_add(1), time_ms);
            *last_intent = born.id;
            held.last_mark_ms = time_ms;
            held.intents.insert(born.id, born.clone());
            Ok(born)
        })
    }

    fn advance_intent(&self, guard: &Guard, advance: IntentAdvance) -> Stored<'_, Intent> {
        let name = guard.connection().to_owned();
        self.change(guard, move |held, _| {
            check::advance(&name, &advance)?;
            let intent =
                held.intents.get(&advance.id).ok_or_else(|| check::no_intent(advance.id))?;
            let next = check::step(intent, &advance)?;
            held.intents.insert(next.id, next.clone());
            check::moved_by(&next, &advance.links).iter().for_each(|key| held.mark(key));
            held.links.extend(advance.links.into_iter().map(|link| (link.path.clone(), link)));
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
            Ok(newest_first
                .filter(|intent| belongs(&intent.path, &key))
                .take(rows_max)
                .cloned()
                .collect())
        })
    }

    fn intents_since(
        &self,
        connection: &str,
        since_ms: u64,
        rows_max: usize,
    ) -> Stored<'_, Vec<Intent>> {
        self.on(connection, move |held, _| {
            check::rows(rows_max)?;
            let newest_first = held.intents.values().rev();
            let young = newest_first.take_while(|intent| intent.first_sent.wall_ms >= since_ms);
            Ok(young.take(rows_max).cloned().collect())
        })
    }

    fn trim_intents(&self, guard: &Guard, before_ms: u64) -> Stored<'_, u64> {
        self.change(guard, move |held, _| Ok(count(held.trim_intents(before_ms))))
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
}

impl Feed for MemoryStore {
    fn changes(&self, connection: &str, after: u64, rows_max: usize) -> Stored<'_, Vec<Change>> {
        self.on(connection, move |held, _| {
            check::rows(rows_max)?;
            check::still_there(after, held.first_serial(), held.last_serial)?;
            Ok(held
                .changes
                .iter()
                .filter(|change| change.serial > after)
                .take(rows_max)
                .cloned()
                .collect())
        })
    }

    fn watch_changes(&self, connection: &str) -> tokio::sync::watch::Receiver<()> {
        self.signals.watch(connection)
    }

    fn changes_last(&self, connection: &str) -> Stored<'_, u64> {
        self.on(connection, |held, _| Ok(held.last_serial))
    }

    fn changes_first(&self, connection: &str) -> Stored<'_, u64> {
        self.on(connection, |held, _| Ok(held.first_serial()))
    }

    fn trim_changes(&self, guard: &Guard, before_ms: u64, keep: Keep) -> Stored<'_, u64> {
        self.change(guard, move |held, _| {
            let acknowledged = held.offsets.values().min().copied().unwrap_or_default();
            let upto = if keep == Keep::Unacknowledged { acknowledged } else { u64::MAX };
            let old = held
                .changes
                .iter()
                .take_while(|change| change.at_ms < before_ms && change.serial <= upto);
            let old = old.count();
            held.changes.drain(..old);
            Ok(count(old))
        })
    }

    fn acknowledge(&self, guard: &Guard, consumer: &str, serial: u64) -> Stored<'_, u64> {
        let (name, consumer) = (guard.connection().to_owned(), consumer.to_owned());
        self.change(guard, move |held, _| {
            check::within(&name, "a consumer's name", &consumer)?;
            check::is_within(serial, held.last_serial)?;
            // A consumer that acknowledges 0 is known from then on, and trimming keeps its events.
            let offset = held.offsets.entry(consumer).or_default();
            *offset = (*offset).max(serial);
            Ok(*offset)
        })
    }

    fn offset(&self, connection: &str, consumer: &str) -> Stored<'_, u64> {
        let consumer = consumer.to_owned();
        self.on(connection, move |held, _| {
            Ok(held.offsets.get(&consumer).copied().unwrap_or_default())
        })
    }

    fn end_consumer(&self, guard: &Guard, consumer: &str) -> Stored<'_, ()> {
        let consumer = consumer.to_owned();
        self.change(guard, move |held, _| {
            held.offsets.remove(&consumer);
            Ok(())
        })
    }
}

impl Erasures for MemoryStore {
    fn erase(&self, guard: &Guard, erasure: Erasure) -> Stored<'_, ErasureReport> {
        let (name, hasher) = (guard.connection().to_owned(), self.hasher.clone());
        self.change(guard, move |held, _| {
            check::erasure(&name, &erasure)?;
            Ok(held.erase(&name, &hasher, &erasure))
        })
    }

    fn kept_away(&self, connection: &str, records: Vec<Declaration>) -> Stored<'_, Vec<String>> {
        let (name, hasher) = (connection.to_owned(), self.hasher.clone());
        self.on(connection, move |held, _| {
            check::declarations(&name, &records)?;
            let away = |record: &Declaration| {
                let hashes = hasher.of_desired(&name, &record.key, &record.body);
                hashes.iter().any(|hash| held.erased.contains_key(hash))
            };
            Ok(records
                .iter()
                .filter(|record| away(record))
                .map(|record| record.key.clone())
                .collect())
        })
    }

    fn undo_erasure(&self, guard: &Guard, erasure: Erasure) -> Stored<'_, bool> {
        let (name, hasher) = (guard.connection().to_owned(), self.hasher.clone());
        self.change(guard, move |held, _| {
            check::erasure(&name, &erasure)?;
            let hashes = hasher.of_erasure(&name, &erasure);
            let erasures: BTreeSet<u64> =
                hashes.iter().filter_map(|hash| held.erased.get(hash)).copied().collect();
            held.erased.retain(|_, erasure| !erasures.contains(erasure));
            Ok(!erasures.is_empty())
        })
    }
}

impl Notes for MemoryStore {
    fn put_notes(&self, guard: &Guard, notes: Vec<Note>) -> Stored<'_, ()> {
        let name = guard.connection().to_owned();
        self.change(guard, move |held, _| {
            check::notes(&name, &notes)?;
            for note in &notes {
                let at = (note.area.clone(), note.key.clone());
                note.holds(held.notes.get(&at).map(Vec::as_slice))?;
            }
            for Note { area, key, value, .. } in notes {
                match value {
                    Some(value) => drop(held.notes.insert((area, key), value)),
                    None => drop(held.notes.remove(&(area, key))),
                }
            }
            Ok(())
        })
    }

    fn note(&self, connection: &str, area: &str, key: &str) -> Stored<'_, Option<Vec<u8>>> {
        let (name, area, key) = (connection.to_owned(), area.to_owned(), key.to_owned());
        self.on(connection, move |held, _| {
            check::note_of(&name, &area, &key)?;
            Ok(held.notes.get(&(area, key)).cloned())
        })
    }

    fn notes_page(
        &self,
        connection: &str,
        area: &str,
        after: Option<&str>,
        rows_max: usize,
    ) -> Stored<'_, Vec<(String, Vec<u8>)>> {
        let (area, after) = (area.to_owned(), after.map(str::to_owned));
        self.on(connection, move |held, _| {
            check::rows(rows_max)?;
            let is_later = |key: &String| after.as_ref().is_none_or(|after| key > after);
            let of_area = held.notes.iter().filter(|((of, key), _)| *of == area && is_later(key));
            Ok(of_area
                .take(rows_max)
                .map(|((_, key), value)| (key.clone(), value.clone()))
                .collect())
        })
    }
}
