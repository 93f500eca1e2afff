//! The observed records, their index, and where scans stand.
//!
//! A page is first compared with what is stored, without writing, and then written: so a page that
//! is refused leaves nothing behind in the transaction that it shares with others.
//!
//! Bounds: what [`check::page`] let in; the changed rows of one page are in memory twice. Left out:
//! merging; see [`merge`].

use super::tables::{
    Bytes, OBSERVED, OrFailed, SCANS, TERMS, Tables, any, counter, counters, each, from_json, get,
    table, to_json,
};
use super::{desired, feed, forgotten, identity, journal};
use crate::store::codec::{Key, KeyReader, ValueReader, ValueWriter, damaged};
use crate::store::forget::Hasher;
use crate::store::limits::KEY_BYTES_MAX;
use crate::store::merge::{self, Difference, Held, Known, Merged, Seen};
use crate::store::{
    ChangeWhat, MovedTo, ObservedRow, ObservedWrite, PageCommit, PageReport, ScanState, StoreError,
    check, index,
};
use atsync_model::contract::RemoteRef;
use redb::{ReadTransaction, ReadableTable};

const FORMAT: u8 = 1;
const WHAT: &str = "an observed record";
const GONE: u8 = 1;
const HAS_VERSION: u8 = 2;
const HAS_RAW: u8 = 4;
/// The group of the counters of observed records.
const COUNTED: &str = "observed";

/// A row as it is stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) gone: bool,
    pub(super) changed_ms: u64,
    /// The serial of the event that reads its record from here; 0 for none. See [`feed`].
    pub(super) told: u64,
    pub(super) version: Option<&'a str>,
    pub(super) known: &'a str,
    pub(super) body: &'a str,
    pub(super) raw: Option<&'a str>,
}

impl<'a> Row<'a> {
    pub(super) fn decode(value: &'a [u8]) -> Result<Self, StoreError> {
        let mut reader = ValueReader::new(value, FORMAT, WHAT)?;
        let flags = reader.byte()?;
        let (changed_ms, told) = (reader.number()?, reader.number()?);
        let (version, known, body, raw) =
            (reader.text()?, reader.text()?, reader.text()?, reader.text()?);
        let version = (flags & HAS_VERSION != 0).then_some(version);
        let raw = (flags & HAS_RAW != 0).then_some(raw);
        Ok(Self { gone: flags & GONE != 0, changed_ms, told, version, known, body, raw })
    }

    fn encode(&self) -> Vec<u8> {
        let mut flags = 0;
        for (holds, flag) in [
            (self.gone, GONE),
            (self.version.is_some(), HAS_VERSION),
            (self.raw.is_some(), HAS_RAW),
        ] {
            if holds {
                flags |= flag;
            }
        }
        let texts =
            [self.version.unwrap_or_default(), self.known, self.body, self.raw.unwrap_or_default()];
        let size = texts.iter().map(|text| text.len()).fold(0, usize::saturating_add);
        let value =
            ValueWriter::new(FORMAT, size).byte(flags).number(self.changed_ms).number(self.told);
        texts.into_iter().fold(value, |value, text| value.string(text.as_bytes())).done()
    }

    fn held(&self) -> Held<'a> {
        Held { version: self.version, known: self.known, body: self.body, raw: self.raw }
    }

    pub(super) fn owned(&self, kind: &str, id: String) -> ObservedRow {
        ObservedRow {
            kind: kind.to_owned(),
            id,
            version: self.version.map(str::to_owned),
            body: self.body.to_owned(),
            raw: self.raw.map(str::to_owned),
            known: merge::names(self.known).map(str::to_owned).collect(),
            changed_ms: self.changed_ms,
            gone: self.gone,
        }
    }
}

/// Reads a value and writes it anew; see [`super::foreign`].
#[cfg(any(test, feature = "testing"))]
pub(super) fn rewritten(value: &[u8]) -> Result<Vec<u8>, StoreError> {
    Ok(Row::decode(value)?.encode())
}

pub(super) fn key(connection: &str, kind: &str, id: &str) -> Key {
    Key::of(connection).text(kind).text(id)
}

/// What one record of a page comes to.
struct Effect<'p> {
    id: &'p str,
    key: Key,
    value: Vec<u8>,
    event: Option<(u64, Outcome)>,
    /// The event that reads its record from the row, and the body that it speaks of.
    settle: Option<(u64, String)>,
    terms_gone: Terms,
    terms_new: Terms,
    candidates: Vec<String>,
    lead: Option<(String, String)>,
}

type Terms = Vec<(&'static str, String)>;

enum Outcome {
    /// `first`: no row of it was there before, not even a tombstone.
    Created {
        first: bool,
    },
    Updated {
        before: String,
        after: String,
    },
    Anonymized {
        after: String,
    },
    Deleted {
        before: String,
    },
    Moved {
        before: String,
        after: String,
    },
}

/// What one move of a page comes to.
struct Move<'p> {
    moved: &'p MovedTo,
    /// The old record's, with the event; none when it stays, or is gone already.
    tombstone: Option<Effect<'p>>,
    /// The event, where there is no tombstone to carry it.
    event: Option<(u64, Outcome)>,
}

/// What is the same for all records of a page.
struct Frame<'p> {
    page: &'p PageCommit,
    connection: &'p str,
    /// Some desired record is linked at all; without, nothing can become dirty.
    linked: bool,
    /// Some record has an alias.
    aliased: bool,
}

/// Takes in a page. See [`crate::store::Store::commit_page`].
pub(super) fn commit_page(
    tables: &mut Tables<'_>,
    connection: &str,
    page: &PageCommit,
    masks: &[Known],
    hasher: &Hasher,
) -> Result<PageReport, StoreError> {
    let kept_away = forgotten::of_page(tables, connection, page, hasher)?;
    let linked = any(tables.linked.rows(), Key::of(connection).within())?;
    let aliased = any(tables.aliases.rows(), Key::of(connection).within())?;
    let frame = Frame { page, connection, linked, aliased };
    let mut report = PageReport::default();
    let first = feed::last_serial(tables, connection)?;
    let mut serial = first;
    let mut effects = Vec::new();
    for record in check::last_of_each(page) {
        let Some(mask) = masks.get(record.mask) else { continue };
        if kept_away.contains_key(record.id.as_str()) {
            continue;
        }
        let effect = frame.seen(tables.observed.rows(), record, mask, &mut serial)?;
        let count = match effect.as_ref().and_then(|effect| effect.event.as_ref()) {
            None => &mut report.unchanged,
            Some((_, Outcome::Created { .. })) => &mut report.created,
            Some(_) => &mut report.updated,
        };
        *count = count.saturating_add(1);
        effects.extend(effect);
    }
    let mut gone: Vec<&String> = page.gone.iter().collect();
    // In the order of the page, each once.
    let mut met = std::collections::HashSet::new();
    gone.retain(|id| met.insert(id.as_str()));
    for id in gone {
        let effect = frame.gone(tables.observed.rows(), id, &mut serial)?;
        report.deleted = report.deleted.saturating_add(u64::from(effect.is_some()));
        effects.extend(effect);
    }
    let mut moves = Vec::new();
    for moved in &page.moved {
        // A record that this page shows as new is itself again: its alias ends before the move is
        // told.
        let is_new = |effect: &Effect<'_>| {
            effect.id == moved.from && matches!(effect.event, Some((_, Outcome::Created { .. })))
        };
        let told = !effects.iter().any(is_new)
            && identity::is_told(tables, connection, &page.kind, &moved.from, &moved.to)?;
        let next = frame.moved(tables.observed.rows(), moved, told, &mut serial)?;
        report.moved = report.moved.saturating_add(u64::from(!told));
        moves.push(next);
    }
    for effect in effects {
        frame.write(tables, effect)?;
    }
    let mut buried = report.deleted;
    for next in moves {
        buried = buried.saturating_add(u64::from(next.tombstone.is_some()));
        frame.move_on(tables, next)?;
    }
    forgotten::learn(tables, connection, &page.kind, &kept_away, hasher)?;
    if serial > first {
        feed::put_last_serial(tables, connection, serial)?;
    }
    let counted = counter(connection, COUNTED, &page.kind);
    if report.created > buried {
        tables.count_up(&counted, report.created.saturating_sub(buried))?;
    } else if buried > report.created {
        tables.count_down(&counted, buried.saturating_sub(report.created))?;
    }
    if let Some(sweep) = &page.sweep {
        identity::see(tables, connection, &page.kind, &page.records, sweep)?;
    }
    if let Some(scan) = &page.scan {
        tables
            .scans
            .put(&scan_key(connection, &page.kind, page.parent.as_deref()), &to_json(scan)?)?;
    }
    Ok(report)
}

impl<'p> Frame<'p> {
    /// What a record that was seen comes to; none when all is as before. Writes nothing.
    fn seen(
        &self,
        rows: &impl ReadableTable<Bytes, Bytes>,
        record: &'p ObservedWrite,
        mask: &Known,
        serial: &mut u64,
    ) -> Result<Option<Effect<'p>>, StoreError> {
        let kind = &self.page.kind;
        let key = key(self.connection, kind, &record.id);
        let guard = get(rows, &key)?;
        let stored = guard.as_ref().map(|guard| Row::decode(guard.value())).transpose()?;
        let first = stored.is_none();
        let stored = stored.filter(|row| !row.gone);
        let (version, raw) = (record.version.as_deref(), record.raw.as_deref());
        let merged = merge::merge(
            stored.map(|row| row.held()),
            Seen { version, mask, body: &record.body, raw },
        )?;
        let Merged::Write { known, body, raw, version, event } = merged else { return Ok(None) };
        let event = event.map(|difference| {
            *serial = serial.saturating_add(1);
            (*serial, difference)
        });
        let (before, told_before) = stored.map_or(("", 0), |row| (row.body, row.told));
        let differs = body != before;
        let settle = (differs && told_before != 0).then(|| (told_before, before.to_owned()));
        let (mut terms_gone, mut terms_new) = (Vec::new(), Vec::new());
        if differs {
            (terms_gone, terms_new) = (terms(kind, before), terms(kind, &body));
            if !terms_gone.is_empty() {
                let held = std::mem::take(&mut terms_gone);
                terms_gone =
                    held.iter().filter(|term| !terms_new.contains(term)).cloned().collect();
                terms_new.retain(|term| !held.contains(term));
            }
        }
        let told = match &event {
            Some((serial, Difference::Created)) => *serial,
            _ if differs => 0,
            _ => told_before,
        };
        let changed_ms = match (&event, stored) {
            (None, Some(row)) => row.changed_ms,
            _ => self.page.now_ms,
        };
        let row =
            Row { gone: false, changed_ms, told, version, known: known.text(), body: &body, raw };
        let candidates =
            if event.is_some() { self.candidates([before, &body]) } else { Vec::new() };
        let lead = if event.is_some() { merge::lead(kind, before, &body) } else { None };
        let event = match event {
            None => None,
            Some((serial, Difference::Created)) => Some((serial, Outcome::Created { first })),
            Some((serial, Difference::Updated { before, after })) => Some((
                serial,
                Outcome::Updated { before: merge::text(&before)?, after: merge::text(&after)? },
            )),
            Some((serial, Difference::Anonymized { after })) => {
                Some((serial, Outcome::Anonymized { after: merge::text(&after)? }))
            }
        };
        let (id, value) = (record.id.as_str(), row.encode());
        Ok(Some(Effect { id, key, value, event, settle, terms_gone, terms_new, candidates, lead }))
    }

    /// What it comes to that a record is gone; none when it was not there. Writes nothing.
    fn gone(
        &self,
        rows: &impl ReadableTable<Bytes, Bytes>,
        id: &'p str,
        serial: &mut u64,
    ) -> Result<Option<Effect<'p>>, StoreError> {
        let key = key(self.connection, &self.page.kind, id);
        let Some(guard) = get(rows, &key)? else { return Ok(None) };
        let row = Row::decode(guard.value())?;
        if row.gone {
            return Ok(None);
        }
        *serial = serial.saturating_add(1);
        let event = Some((*serial, Outcome::Deleted { before: row.body.to_owned() }));
        Ok(Some(self.tombstone(id, key.clone(), row, event)))
    }

    fn tombstone(
        &self,
        id: &'p str,
        key: Key,
        row: Row<'_>,
        event: Option<(u64, Outcome)>,
    ) -> Effect<'p> {
        let tombstone = Row {
            gone: true,
            changed_ms: self.page.now_ms,
            told: 0,
            version: None,
            known: "",
            body: "{}",
            raw: None,
        };
        Effect {
            id,
            value: tombstone.encode(),
            event,
            settle: (row.told != 0).then(|| (row.told, row.body.to_owned())),
            terms_gone: terms(&self.page.kind, row.body),
            terms_new: Vec::new(),
            candidates: self.candidates([row.body, ""]),
            lead: None,
            key,
        }
    }

    /// What it comes to that a record lives on under another id. Writes nothing.
    fn moved(
        &self,
        rows: &impl ReadableTable<Bytes, Bytes>,
        moved: &'p MovedTo,
        told: bool,
        serial: &mut u64,
    ) -> Result<Move<'p>, StoreError> {
        let key = key(self.connection, &self.page.kind, &moved.from);
        let guard = get(rows, &key)?;
        let row = guard.as_ref().map(|guard| Row::decode(guard.value())).transpose()?;
        let row = row.filter(|row| !row.gone && !moved.stays);
        let mut event = None;
        if !told {
            *serial = serial.saturating_add(1);
            let before = row.map_or_else(String::new, |row| row.body.to_owned());
            event = Some((
                *serial,
                Outcome::Moved { before, after: merge::text(&check::lives_on_as(&moved.to))? },
            ));
        }
        Ok(match row {
            Some(row) => {
                let tombstone = self.tombstone(&moved.from, key.clone(), row, event);
                Move { moved, tombstone: Some(tombstone), event: None }
            }
            None => Move { moved, tombstone: None, event },
        })
    }

    /// Writes a move: the tombstone, the event, the links, the alias.
    fn move_on(&self, tables: &mut Tables<'_>, next: Move<'_>) -> Result<(), StoreError> {
        let (connection, kind) = (self.connection, self.page.kind.as_str());
        let (from, to) = (next.moved.from.as_str(), next.moved.to.as_str());
        if self.linked {
            desired::touch(tables, connection, kind, from)?;
            let candidates = next.tombstone.iter().flat_map(|tombstone| &tombstone.candidates);
            for candidate in candidates {
                desired::touch(tables, connection, atsync_model::kinds::CANDIDATES, candidate)?;
            }
            desired::follow(tables, connection, kind, (from, to))?;
            desired::touch(tables, connection, kind, to)?;
        }
        if let Some(tombstone) = next.tombstone {
            self.write(tables, tombstone)?;
        }
        if let Some(event) = &next.event {
            self.tell(tables, from, event)?;
        }
        identity::put(tables, connection, kind, from, to, true).map(drop)
    }

    fn candidates(&self, bodies: [&str; 2]) -> Vec<String> {
        if !self.linked {
            return Vec::new();
        }
        bodies.into_iter().filter_map(merge::candidate_of).collect()
    }

    fn write(&self, tables: &mut Tables<'_>, effect: Effect<'_>) -> Result<(), StoreError> {
        let (connection, page) = (self.connection, self.page);
        if let Some((serial, body)) = &effect.settle {
            feed::settle(tables, connection, *serial, body)?;
        }
        tables.observed.put(&effect.key, &effect.value)?;
        for (index, term) in &effect.terms_gone {
            tables.terms.remove(&term_key(connection, &page.kind, index, term).text(effect.id))?;
        }
        for (index, term) in &effect.terms_new {
            tables
                .terms
                .put(&term_key(connection, &page.kind, index, term).text(effect.id), &[])?;
        }
        let Some(event) = &effect.event else { return Ok(()) };
        self.tell(tables, effect.id, event)?;
        if self.aliased && matches!(event, (_, Outcome::Created { .. })) {
            identity::end(tables, connection, &page.kind, effect.id)?;
        }
        if let Some((from, to)) = &effect.lead {
            identity::put(tables, connection, atsync_model::kinds::CANDIDATES, from, to, false)?;
        }
        if self.linked {
            desired::touch(tables, connection, &page.kind, effect.id)?;
            for candidate in &effect.candidates {
                desired::touch(tables, connection, atsync_model::kinds::CANDIDATES, candidate)?;
            }
        }
        Ok(())
    }

    /// Writes an event.
    fn tell(
        &self,
        tables: &mut Tables<'_>,
        id: &str,
        event: &(u64, Outcome),
    ) -> Result<(), StoreError> {
        let (serial, outcome) = event;
        let (what, before, after) = match outcome {
            Outcome::Created { .. } => (ChangeWhat::Created, "", feed::After::ToldByRow),
            Outcome::Updated { before, after } => {
                (ChangeWhat::Updated, before.as_str(), feed::After::Text(after.as_str()))
            }
            Outcome::Anonymized { after } => {
                (ChangeWhat::Anonymized, "", feed::After::Text(after.as_str()))
            }
            Outcome::Deleted { before } => {
                (ChangeWhat::Deleted, before.as_str(), feed::After::Text(""))
            }
            Outcome::Moved { before, after } => {
                (ChangeWhat::Moved, before.as_str(), feed::After::Text(after.as_str()))
            }
        };
        let (kind, at_ms) = (self.page.kind.as_str(), self.page.now_ms);
        let maker = match outcome {
            Outcome::Created { first: true } if self.linked => {
                journal::maker(tables, self.connection, kind, id)?
            }
            _ => None,
        };
        let cause = &check::cause(self.page, id, maker);
        feed::put(
            tables,
            self.connection,
            *serial,
            &feed::Event { at_ms, kind, id, what, cause, before, after },
        )
    }
}

/// Visits kind, id and body of every record that is not a tombstone, as a write transaction sees
/// them.
pub(super) fn bodies(
    tables: &Tables<'_>,
    connection: &str,
    mut visit: impl FnMut(&str, &str, &str),
) -> Result<(), StoreError> {
    let prefix = Key::of(connection);
    each(tables.observed.rows(), prefix.clone().within(), usize::MAX, |key, value| {
        let row = Row::decode(value)?;
        if !row.gone {
            let mut parts = KeyReader::after(key, &prefix)?;
            let (kind, id) = (parts.text()?, parts.text()?);
            visit(&kind, &id, row.body);
        }
        Ok(())
    })
}

/// Removes a record with its terms, tombstones too. Tells whether it was one to be seen.
pub(super) fn remove(
    tables: &mut Tables<'_>,
    connection: &str,
    kind: &str,
    id: &str,
) -> Result<bool, StoreError> {
    let place = key(connection, kind, id);
    let held = {
        let guard = get(tables.observed.rows(), &place)?;
        let row = guard.as_ref().map(|guard| Row::decode(guard.value())).transpose()?;
        row.map(|row| (row.gone, terms(kind, row.body)))
    };
    let Some((gone, terms)) = held else { return Ok(false) };
    tables.observed.remove(&place)?;
    for (index, term) in &terms {
        tables.terms.remove(&term_key(connection, kind, index, term).text(id))?;
    }
    if !gone {
        tables.count_down(&counter(connection, COUNTED, kind), 1)?;
    }
    Ok(!gone)
}

/// The terms that fit a key. No lookup can ask for one that does not.
fn terms(kind: &str, body: &str) -> Terms {
    let mut terms = if body.is_empty() { Vec::new() } else { index::terms(kind, body) };
    terms.retain(|(_, term)| term.len() <= KEY_BYTES_MAX);
    terms
}

fn term_key(connection: &str, kind: &str, index: &str, term: &str) -> Key {
    Key::of(connection).text(kind).text(index).text(term)
}

fn scan_key(connection: &str, kind: &str, parent: Option<&str>) -> Key {
    let key = Key::of(connection).text(kind);
    parent.into_iter().fold(key, Key::text)
}

/// One record.
pub(super) fn observed(
    read: &ReadTransaction,
    connection: &str,
    remote: &RemoteRef,
) -> Result<Option<ObservedRow>, StoreError> {
    let rows = table(read, OBSERVED)?;
    let Some(value) = get(&rows, &key(connection, &remote.kind, &remote.id))? else {
        return Ok(None);
    };
    Ok(Some(Row::decode(value.value())?.owned(&remote.kind, remote.id.clone())))
}

/// Records of a kind.
pub(super) fn observed_page(
    read: &ReadTransaction,
    connection: &str,
    kind: &str,
    after: Option<&str>,
    rows_max: usize,
) -> Result<Vec<ObservedRow>, StoreError> {
    check::rows(rows_max)?;
    let prefix = Key::of(connection).text(kind);
    let range = match after {
        Some(after) => prefix.clone().within_after(prefix.clone().text(after)),
        None => prefix.clone().within(),
    };
    let mut found = Vec::new();
    let rows = table(read, OBSERVED)?;
    if rows_max == 0 || range.start >= range.end {
        return Ok(found);
    }
    // Tombstones do not count, so the range ends here and not in `each`.
    for row in rows.range(range.start.as_slice()..range.end.as_slice()).or_failed()? {
        let (key, value) = row.or_failed()?;
        let row = Row::decode(value.value())?;
        if row.gone {
            continue;
        }
        found.push(row.owned(kind, KeyReader::after(key.value(), &prefix)?.text()?));
        if found.len() >= rows_max {
            break;
        }
    }
    Ok(found)
}

/// Records that carry a term of an index, after an id.
pub(super) fn lookup(
    read: &ReadTransaction,
    connection: &str,
    kind: &str,
    (index, term): (&str, &str),
    after: Option<&str>,
    rows_max: usize,
) -> Result<Vec<ObservedRow>, StoreError> {
    check::rows(rows_max)?;
    check::words(&[("a term", term)])?;
    let observed = table(read, OBSERVED)?;
    let prefix = term_key(connection, kind, index, term);
    let mut found = Vec::new();
    let range = match after {
        Some(after) => prefix.clone().within_after(prefix.clone().text(after)),
        None => prefix.clone().within(),
    };
    each(&table(read, TERMS)?, range, rows_max, |term, _| {
        let id = KeyReader::after(term, &prefix)?.text()?;
        let value = get(&observed, &key(connection, kind, &id))?.ok_or_else(|| damaged(WHAT))?;
        found.push(Row::decode(value.value())?.owned(kind, id));
        Ok(())
    })?;
    Ok(found)
}

/// How many there are by kind.
pub(super) fn observed_counts(
    read: &ReadTransaction,
    connection: &str,
) -> Result<Vec<(String, u64)>, StoreError> {
    counters(read, connection, COUNTED)
}

/// Where one scan stands.
pub(super) fn scan_state(
    read: &ReadTransaction,
    connection: &str,
    kind: &str,
    parent: Option<&str>,
) -> Result<Option<ScanState>, StoreError> {
    let rows = table(read, SCANS)?;
    let value = get(&rows, &scan_key(connection, kind, parent))?;
    value.map(|value| from_json(value.value(), "a scan's state")).transpose()
}

/// Where all scans stand.
pub(super) fn scan_states(
    read: &ReadTransaction,
    connection: &str,
) -> Result<Vec<(String, Option<String>, ScanState)>, StoreError> {
    let prefix = Key::of(connection);
    let mut found = Vec::new();
    each(&table(read, SCANS)?, prefix.clone().within(), usize::MAX, |key, value| {
        let mut parts = KeyReader::after(key, &prefix)?;
        let kind = parts.text()?;
        let parent = if parts.is_done() { None } else { Some(parts.text()?) };
        found.push((kind, parent, from_json(value, "a scan's state")?));
        Ok(())
    })?;
    Ok(found)
}
