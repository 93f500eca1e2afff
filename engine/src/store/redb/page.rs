//! Commits a page: reads the rows that it depends on, decides ([`ingest`]), writes the changes.
//!
//! Bounds: those of [`check::page`]. Left out: the decision; and reading records, see
//! [`super::observed`].

use super::event::{After, Event};
use super::place::Place;
use super::row::{self, Row};
use super::tables::{Tables, any, counter, get, to_json};
use super::{about, barred, desired, feed, identity, journal, naming, observed};
use crate::store::codec::Key;
use crate::store::erase::Hasher;
use crate::store::ingest::{self, Effect, Move, NewRow, Outcome, Rows, Stored};
use crate::store::merge::Known;
use crate::store::{ChangeWhat, PageCommit, PageReport, StoreError, check};
use atsync_model::resource::PERSON;
use std::collections::{BTreeMap, BTreeSet};

/// A row of this file, with its other changes.
struct Encoded {
    key: Key,
    /// Whether the table has no row of this key.
    is_new: bool,
    value: Vec<u8>,
    /// The event that read its record from the row, and that body.
    settle: Option<(u64, String)>,
    terms_gone: naming::Terms,
    terms_new: naming::Terms,
}

/// The stored rows of the page's kind.
struct Of<'a, 't> {
    tables: &'a Tables<'t>,
    connection: &'a Place,
    kind: &'a str,
    linked: bool,
}

impl Rows for Of<'_, '_> {
    type Row = Encoded;

    fn stored<T>(
        &self,
        id: &str,
        then: impl FnOnce(Option<Stored<'_>>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let key = row::key(self.connection, self.kind, id);
        let guard = get(self.tables.observed.rows(), &key)?;
        let held = guard.as_ref().map(|guard| row::Stored::read(guard.value())).transpose()?;
        then(held.as_ref().map(row::Stored::row).map(|row| Stored {
            gone: row.gone,
            changed_ms: row.changed_ms,
            told: row.told,
            moved_in: row.moved_in,
            held: row.held(),
        }))
    }

    fn is_told(&self, from: &str, to: &str) -> Result<bool, StoreError> {
        identity::is_told(self.tables, self.connection, self.kind, from, to)
    }

    fn is_linked(&self) -> bool {
        self.linked
    }

    fn row(&self, id: &str, before: Option<Stored<'_>>, new: NewRow<'_>) -> Encoded {
        let settled = before.filter(|before| before.told != 0 && before.told != new.told);
        let settle = settled.map(|before| (before.told, before.held.body.to_owned()));
        let old = before.map_or("", |before| before.held.body);
        let (mut terms_gone, mut terms_new) = (Vec::new(), Vec::new());
        if new.gone {
            terms_gone = naming::terms(self.kind, old);
        } else if new.body != old {
            (terms_gone, terms_new) =
                (naming::terms(self.kind, old), naming::terms(self.kind, new.body));
            if !terms_gone.is_empty() {
                let held = std::mem::take(&mut terms_gone);
                terms_gone =
                    held.iter().filter(|term| !terms_new.contains(term)).cloned().collect();
                terms_new.retain(|term| !held.contains(term));
            }
        }
        let row = Row {
            gone: new.gone,
            changed_ms: new.changed_ms,
            told: new.told,
            moved_in: new.moved_in,
            version: new.version,
            known: new.known.text(),
            body: new.body,
            raw: new.raw,
        };
        let key = row::key(self.connection, self.kind, id);
        let (is_new, value) = (before.is_none(), row.encode());
        Encoded { key, is_new, value, settle, terms_gone, terms_new }
    }
}

/// The common parts of everything that a page writes.
struct Frame<'p> {
    page: &'p PageCommit,
    connection: &'p Place,
    linked: bool,
    /// Whether any record has an alias.
    aliased: bool,
    /// New rows, which are written together, in the order of their keys.
    new: New,
}

/// The new rows of a page.
#[derive(Default)]
struct New {
    observed: BTreeMap<Key, Vec<u8>>,
    terms: BTreeSet<Key>,
    changes: BTreeMap<Key, Vec<u8>>,
}

/// Commits a page. See [`crate::store::Observed::commit_page`].
pub(super) fn commit(
    tables: &mut Tables<'_>,
    connection: &Place,
    page: &PageCommit,
    masks: &[Known],
    hasher: &Hasher,
) -> Result<PageReport, StoreError> {
    let kept_away = barred::of_page(tables, connection, page, hasher)?;
    let linked = any(tables.linked.rows(), connection.key().within())?;
    let aliased = any(tables.aliases.rows(), connection.key().within())?;
    let first = feed::last_serial(tables, connection)?;
    let rows = Of { tables, connection, kind: &page.kind, linked };
    let decision = ingest::decide(&rows, page, masks, |id| kept_away.contains_key(id), first)?;

    let mut frame = Frame { page, connection, linked, aliased, new: New::default() };
    for effect in decision.effects {
        frame.write(tables, effect)?;
    }
    for next in decision.moves {
        frame.move_on(tables, next)?;
    }
    let new = frame.new;
    tables.observed.put_new(new.observed)?;
    // Terms lie between others, and in order they are found faster.
    for key in &new.terms {
        tables.terms.put(key, &[])?;
    }
    tables.changes.put_new(new.changes)?;
    barred::learn(tables, connection, &page.kind, &kept_away, hasher)?;
    if decision.last_serial > first {
        feed::put_last_serial(tables, connection, decision.last_serial)?;
    }
    let (created, tombstoned) = (decision.report.created, decision.tombstoned);
    let counted = counter(connection, naming::COUNTED, &page.kind);
    if created > tombstoned {
        tables.count_up(&counted, created.saturating_sub(tombstoned))?;
    } else if tombstoned > created {
        tables.count_down(&counted, tombstoned.saturating_sub(created))?;
    }
    if let Some(sweep) = &page.sweep {
        identity::see(tables, connection, &page.kind, &page.records, sweep)?;
    }
    if let Some(scan) = &page.scan {
        let key = observed::scan_key(connection, &page.kind, page.parent.as_deref());
        tables.scans.put(&key, &to_json(scan)?)?;
    }
    Ok(decision.report)
}

impl Frame<'_> {
    fn write(
        &mut self,
        tables: &mut Tables<'_>,
        effect: Effect<'_, Encoded>,
    ) -> Result<(), StoreError> {
        let (connection, kind) = (self.connection, self.page.kind.as_str());
        let Effect { id, row, event, candidates, lead } = effect;
        self.put(tables, id, row)?;
        let Some(event) = &event else { return Ok(()) };
        self.tell(tables, id, event)?;
        if self.aliased && matches!(event, (_, Outcome::Created { .. })) {
            identity::end(tables, connection, kind, id)?;
        }
        if let Some((from, to)) = &lead {
            identity::put(tables, connection, PERSON, from, to, false)?;
        }
        self.touch(tables, id, &candidates)
    }

    /// Writes a row, its terms, and the event that referred to it until now.
    fn put(&mut self, tables: &mut Tables<'_>, id: &str, row: Encoded) -> Result<(), StoreError> {
        let (connection, kind) = (self.connection, self.page.kind.as_str());
        if let Some((serial, body)) = &row.settle {
            feed::settle(tables, connection, *serial, body)?;
        }
        if row.is_new {
            self.new.observed.insert(row.key, row.value);
        } else {
            tables.observed.put(&row.key, &row.value)?;
        }
        for (index, term) in &row.terms_gone {
            tables.terms.remove(&naming::term_key(connection, kind, index, term).text(id))?;
        }
        let place = |(index, term): (&str, String)| {
            naming::term_key(connection, kind, index, &term).text(id)
        };
        self.new.terms.extend(row.terms_new.into_iter().map(place));
        Ok(())
    }

    /// Marks the desired records that are linked to a record and to the candidates that it names.
    fn touch(
        &self,
        tables: &mut Tables<'_>,
        id: &str,
        candidates: &[String],
    ) -> Result<(), StoreError> {
        if !self.linked {
            return Ok(());
        }
        desired::touch(tables, self.connection, &self.page.kind, id)?;
        for candidate in candidates {
            desired::touch(tables, self.connection, PERSON, candidate)?;
        }
        Ok(())
    }

    /// Writes a move: the links, the tombstone, the event, the alias.
    fn move_on(
        &mut self,
        tables: &mut Tables<'_>,
        next: Move<'_, Encoded>,
    ) -> Result<(), StoreError> {
        let (connection, kind) = (self.connection, self.page.kind.as_str());
        let (from, to) = (next.moved.from.as_str(), next.moved.to.as_str());
        let candidates = next.tombstone.as_ref().map_or(&[][..], |gone| &gone.candidates);
        self.touch(tables, from, candidates)?;
        if self.linked {
            desired::follow(tables, connection, kind, (from, to))?;
        }
        self.touch(tables, to, &[])?;
        if let Some(tombstone) = next.tombstone {
            self.put(tables, from, tombstone.row)?;
        }
        if let Some(event) = &next.event {
            self.tell(tables, from, event)?;
        }
        identity::put(tables, connection, kind, from, to, true).map(drop)
    }

    /// Makes an event, and writes its entries.
    fn tell(
        &mut self,
        tables: &mut Tables<'_>,
        id: &str,
        (serial, outcome): &(u64, Outcome),
    ) -> Result<(), StoreError> {
        let text = After::Text;
        let (what, before, after) = match outcome {
            Outcome::Created { .. } => (ChangeWhat::Created, "", After::ToldByRow),
            Outcome::Updated { before, after } => {
                (ChangeWhat::Updated, before.as_str(), text(after.as_str()))
            }
            Outcome::Anonymized { after } => (ChangeWhat::Anonymized, "", text(after.as_str())),
            Outcome::Deleted { before } => (ChangeWhat::Deleted, before.as_str(), text("")),
            Outcome::Moved { before, after } => {
                (ChangeWhat::Moved, before.as_str(), text(after.as_str()))
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
        let event = Event { at_ms, kind, id, what, cause, before, after };
        let (key, value) = about::announce(tables, self.connection, *serial, &event)?;
        self.new.changes.insert(key, value);
        Ok(())
    }
}
