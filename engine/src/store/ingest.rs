//! Decides what a page changes: rows, events, moves. Pure; both stores use it.
//!
//! A store commits a page in three steps: it reads what the page depends on ([`Rows`]), decides
//! here, and writes the [`Decision`]. Nothing is written before all is decided, so a refused page
//! writes nothing in the transaction that it shares with others.
//!
//! Serials follow the order of the page: records, then deletions, then moves. The store makes a row
//! while it has the stored one, so that a store with encoded rows encodes each once and copies
//! none.
//!
//! Bounds: those of [`super::check::page`]; the changed rows of a page are in memory twice. Left
//! out: the index, links and marks, which a store keeps in its own way.

use super::merge::{self, Difference, Held, Known, Merged, Seen};
use super::{MovedTo, ObservedWrite, PageCommit, PageReport, StoreError, check};
use atsync_model::resource;
use std::collections::HashSet;

/// The stored row of a record, a tombstone or not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored<'a> {
    pub(crate) gone: bool,
    pub(crate) changed_ms: u64,
    /// The serial of the event that reads its record from the row; 0 for none.
    pub(crate) told: u64,
    /// See [`super::ObservedRow::moved_in`].
    pub(crate) moved_in: bool,
    pub(crate) held: Held<'a>,
}

/// A row to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewRow<'a> {
    pub(crate) gone: bool,
    pub(crate) changed_ms: u64,
    /// The serial of the event that may read its record from the row; 0 for none.
    pub(crate) told: u64,
    /// See [`super::ObservedRow::moved_in`].
    pub(crate) moved_in: bool,
    pub(crate) version: Option<&'a str>,
    pub(crate) known: &'a Known,
    pub(crate) body: &'a str,
    pub(crate) raw: Option<&'a str>,
}

/// The stored rows that a page depends on.
pub(crate) trait Rows {
    /// A row as this store writes it.
    type Row;

    /// Reads the stored row of a record.
    fn stored<T>(
        &self,
        id: &str,
        then: impl FnOnce(Option<Stored<'_>>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError>;

    /// Whether an event reported that the second id replaces the first.
    fn is_told(&self, from: &str, to: &str) -> Result<bool, StoreError>;

    /// Whether any desired record is linked; if none is, none can become dirty.
    fn is_linked(&self) -> bool;

    /// Makes the row to write. `before` is the stored row, unless that is a tombstone.
    fn row(&self, id: &str, before: Option<Stored<'_>>, new: NewRow<'_>) -> Self::Row;
}

/// The changes of a page.
#[derive(Debug)]
pub(crate) struct Decision<'p, R> {
    /// Records that changed, then tombstones, in the order of their events.
    pub(crate) effects: Vec<Effect<'p, R>>,
    /// Records that have another id now.
    pub(crate) moves: Vec<Move<'p, R>>,
    pub(crate) report: PageReport,
    /// Records that became tombstones, deleted or moved.
    pub(crate) tombstoned: u64,
    /// The serial of the newest event.
    pub(crate) last_serial: u64,
}

/// The changes by one record.
#[derive(Debug)]
pub(crate) struct Effect<'p, R> {
    pub(crate) id: &'p str,
    pub(crate) row: R,
    /// Its serial and content; none when no value differs.
    pub(crate) event: Option<(u64, Outcome)>,
    /// The candidates that it names and named, whose desired records become dirty with its own.
    pub(crate) candidates: Vec<String>,
    /// A lead: its candidate may have been merged into another one.
    pub(crate) lead: Option<(String, String)>,
}

/// The changes by one move.
#[derive(Debug)]
pub(crate) struct Move<'p, R> {
    pub(crate) moved: &'p MovedTo,
    /// The tombstone of the old record; none when the record stays, or is not stored.
    pub(crate) tombstone: Option<Effect<'p, R>>,
    /// The event; none when it was reported before.
    pub(crate) event: Option<(u64, Outcome)>,
}

/// The content of an event, with bodies and fields as JSON; empty for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// `first`: no row of it was there before, not even a tombstone. The row has the record.
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

impl Outcome {
    fn of(difference: Difference, first: bool) -> Result<Self, StoreError> {
        Ok(match difference {
            Difference::Created => Self::Created { first },
            Difference::Updated { before, after } => {
                Self::Updated { before: merge::text(&before)?, after: merge::text(&after)? }
            }
            Difference::Anonymized { after } => Self::Anonymized { after: merge::text(&after)? },
        })
    }
}

/// Allots serials.
struct Serials(u64);

impl Serials {
    fn next(&mut self) -> u64 {
        self.0 = self.0.saturating_add(1);
        self.0
    }
}

/// Decides the changes of a page. `masks` are the page's, `is_kept_away` says whether an id is of
/// an erased candidate, `last_serial` is the newest event's.
///
/// # Errors
/// When a body is not an object, and those of `rows`.
pub(crate) fn decide<'p, R: Rows>(
    rows: &R,
    page: &'p PageCommit,
    masks: &[Known],
    is_kept_away: impl Fn(&str) -> bool,
    last_serial: u64,
) -> Result<Decision<'p, R::Row>, StoreError> {
    let mut serials = Serials(last_serial);
    let mut report = PageReport::default();
    let mut effects = Vec::new();
    for record in check::last_of_each(page) {
        let Some(mask) = masks.get(record.mask) else { continue };
        if is_kept_away(&record.id) {
            continue;
        }
        let effect = seen(rows, page, record, mask, &mut serials)?;
        let count = match effect.as_ref().and_then(|effect| effect.event.as_ref()) {
            None => &mut report.unchanged,
            Some((_, Outcome::Created { .. })) => &mut report.created,
            Some(_) => &mut report.updated,
        };
        *count = count.saturating_add(1);
        effects.extend(effect);
    }
    // In the order of the page, each once.
    let mut met = HashSet::new();
    for id in page.gone.iter().filter(|id| met.insert(id.as_str())) {
        let effect = gone(rows, page, id, &mut serials)?;
        report.deleted = report.deleted.saturating_add(u64::from(effect.is_some()));
        effects.extend(effect);
    }
    let (mut moves, mut tombstoned) = (Vec::new(), report.deleted);
    for moved in &page.moved {
        // A record that this page shows as new exists again: its alias ends before the move is
        // reported.
        let is_new = effects.iter().any(|effect: &Effect<'_, R::Row>| {
            effect.id == moved.from && matches!(effect.event, Some((_, Outcome::Created { .. })))
        });
        let told = !is_new && rows.is_told(&moved.from, &moved.to)?;
        let next = moves_on(rows, page, moved, told, &mut serials)?;
        report.moved = report.moved.saturating_add(u64::from(!told));
        tombstoned = tombstoned.saturating_add(u64::from(next.tombstone.is_some()));
        moves.push(next);
    }
    Ok(Decision { effects, moves, report, tombstoned, last_serial: serials.0 })
}

/// The changes by an observed record; none when it is unchanged.
fn seen<'p, R: Rows>(
    rows: &R,
    page: &'p PageCommit,
    record: &'p ObservedWrite,
    mask: &Known,
    serials: &mut Serials,
) -> Result<Option<Effect<'p, R::Row>>, StoreError> {
    rows.stored(&record.id, |stored| {
        let first = stored.is_none();
        let stored = stored.filter(|row| !row.gone);
        // A tombstone does not say which candidate its record named.
        let came_back = !first && stored.is_none() && resource::tells_merges(&page.kind);
        let (version, raw) = (record.version.as_deref(), record.raw.as_deref());
        let seen = Seen { version, mask, body: &record.body, raw };
        let merged = merge::merge(stored.map(|row| row.held), seen)?;
        let Merged::Write { known, body, raw, version, event } = merged else { return Ok(None) };
        let event = match event {
            Some(difference) => Some((serials.next(), Outcome::of(difference, first)?)),
            None => None,
        };
        let before = stored.map_or("", |row| row.held.body);
        let told = match (&event, stored) {
            (Some((serial, Outcome::Created { .. })), _) => *serial,
            (_, Some(row)) if body == before => row.told,
            _ => 0,
        };
        let changed_ms = match (&event, stored) {
            (None, Some(row)) => row.changed_ms,
            _ => page.now_ms,
        };
        let (mut candidates, mut lead) = (Vec::new(), None);
        if event.is_some() {
            candidates = named(rows, [before, &body]);
            lead = merge::lead(&page.kind, before, &body);
        }
        let new = NewRow {
            gone: false,
            changed_ms,
            told,
            moved_in: came_back || lead.is_some() || stored.is_some_and(|row| row.moved_in),
            version,
            known: &known,
            body: &body,
            raw,
        };
        let row = rows.row(&record.id, stored, new);
        Ok(Some(Effect { id: &record.id, row, event, candidates, lead }))
    })
}

/// The candidates that bodies name.
fn named(rows: &impl Rows, bodies: [&str; 2]) -> Vec<String> {
    if !rows.is_linked() {
        return Vec::new();
    }
    bodies.into_iter().filter_map(merge::person_of).collect()
}

/// The changes by a deletion; none when the record is not stored.
fn gone<'p, R: Rows>(
    rows: &R,
    page: &'p PageCommit,
    id: &'p str,
    serials: &mut Serials,
) -> Result<Option<Effect<'p, R::Row>>, StoreError> {
    rows.stored(id, |stored| {
        let Some(row) = stored.filter(|row| !row.gone) else { return Ok(None) };
        let event = (serials.next(), Outcome::Deleted { before: row.held.body.to_owned() });
        Ok(Some(tombstone(rows, page, id, row, Some(event))))
    })
}

fn tombstone<'p, R: Rows>(
    rows: &R,
    page: &PageCommit,
    id: &'p str,
    before: Stored<'_>,
    event: Option<(u64, Outcome)>,
) -> Effect<'p, R::Row> {
    let new = NewRow {
        gone: true,
        changed_ms: page.now_ms,
        told: 0,
        moved_in: false,
        version: None,
        known: &Known::default(),
        body: "{}",
        raw: None,
    };
    let candidates = named(rows, [before.held.body, ""]);
    Effect { id, row: rows.row(id, Some(before), new), event, candidates, lead: None }
}

/// The changes by a move.
fn moves_on<'p, R: Rows>(
    rows: &R,
    page: &PageCommit,
    moved: &'p MovedTo,
    told: bool,
    serials: &mut Serials,
) -> Result<Move<'p, R::Row>, StoreError> {
    rows.stored(&moved.from, |stored| {
        let row = stored.filter(|row| !row.gone && !moved.stays);
        let mut event = None;
        if !told {
            let before = row.map_or_else(String::new, |row| row.held.body.to_owned());
            let after = merge::text(&check::lives_on_as(&moved.to))?;
            event = Some((serials.next(), Outcome::Moved { before, after }));
        }
        let tombstone = row.map(|row| tombstone(rows, page, &moved.from, row, None));
        Ok(Move { moved, tombstone, event })
    })
}

#[cfg(test)]
#[path = "ingest_tests.rs"]
mod tests;
