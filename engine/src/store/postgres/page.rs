//! The commit of a page: what it depends on is read, [`ingest`] decides, and the changes are
//! written, each kind of them by one statement for all records of the page.
//!
//! Bounds: those of [`check::page`]; the stored rows of a page's records are in memory. Left out:
//! the decision.

use super::observed::{self, Stored, TALLY};
use super::sql::{list, signed, text, to_json, typed};
use super::terms::Terms;
use super::tx::Tx;
use super::{aliases, barred, desired, feed, journal, links};
use crate::store::ingest::{self, Decision, Effect, Move, NewRow, Outcome, Rows};
use crate::store::merge::Held;
use crate::store::{Cause, ChangeWhat, PageCommit, PageReport, StoreError, check, erase};
use atsync_model::resource::PERSON;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a page depends on.
struct Read {
    rows: HashMap<String, Stored>,
    /// By the old id: the new one, and whether the move was reported.
    aliases: BTreeMap<String, (String, bool)>,
    is_linked: bool,
}

impl Rows for Read {
    type Row = Stored;

    fn stored<T>(
        &self,
        id: &str,
        then: impl FnOnce(Option<ingest::Stored<'_>>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Some(row) = self.rows.get(id) else { return then(None) };
        let held = Held {
            version: row.version.as_deref(),
            known: &row.known,
            body: &row.body,
            raw: row.raw.as_deref(),
        };
        let Stored { gone, changed_ms, moved_in, .. } = *row;
        then(Some(ingest::Stored { gone, changed_ms, told: 0, moved_in, held }))
    }

    fn is_told(&self, from: &str, to: &str) -> Result<bool, StoreError> {
        Ok(self.aliases.get(from).is_some_and(|(held, reported)| *reported && held == to))
    }

    fn is_linked(&self) -> bool {
        self.is_linked
    }

    fn row(&self, id: &str, _: Option<ingest::Stored<'_>>, new: NewRow<'_>) -> Self::Row {
        Stored {
            id: id.to_owned(),
            version: new.version.map(str::to_owned),
            known: new.known.text().to_owned(),
            changed_ms: new.changed_ms,
            gone: new.gone,
            moved_in: new.moved_in,
            body: new.body.to_owned(),
            raw: new.raw.map(str::to_owned),
        }
    }
}

impl Read {
    async fn of(tx: &Tx<'_>, page: &PageCommit) -> Result<Self, StoreError> {
        let records = page.records.iter().map(|record| record.id.as_str());
        let moved = page.moved.iter().map(|moved| moved.from.as_str());
        let ids: BTreeSet<&str> =
            records.chain(page.gone.iter().map(String::as_str)).chain(moved).collect();
        let rows = observed::stored(&tx.sql, tx.number, &page.kind, ids).await?;
        let rows = rows.into_iter().map(|row| (row.id.clone(), row)).collect();
        let mut aliases = BTreeMap::new();
        if !page.moved.is_empty() {
            let from = list(page.moved.iter().map(|moved| moved.from.as_str()));
            let found = tx
                .sql
                .query_typed(
                    "SELECT id, continues, reported FROM atsync.aliases \
                 WHERE connection = $1 AND kind = $2 AND id = ANY ($3)",
                    typed![
                        tx.number => INT8, page.kind.as_bytes() => BYTEA, from => BYTEA_ARRAY
                    ],
                )
                .await?;
            for row in found {
                aliases.insert(text(&row, 0)?, (text(&row, 1)?, row.try_get(2)?));
            }
        }
        Ok(Self { rows, aliases, is_linked: links::is_any(tx).await? })
    }
}

/// Commits a page.
pub(super) async fn commit(
    tx: &mut Tx<'_>,
    page: &PageCommit,
    hasher: &erase::Hasher,
) -> Result<PageReport, StoreError> {
    let masks = check::page(&tx.name, page)?;
    let away = barred::away_of(tx, page, hasher).await?;
    let read = Read::of(tx, page).await?;
    let last = tx.counters.last_serial;
    let decision = ingest::decide(&read, page, &masks, |id| away.contains_key(id), last)?;
    let Decision { effects, moves, report, tombstoned, .. } = decision;
    write(tx, page, &read, &effects).await?;
    for next in &moves {
        move_on(tx, page, &read, next).await?;
    }
    let more = signed(report.created).saturating_sub(signed(tombstoned));
    tx.tally(TALLY, &page.kind, more);
    if let Some(sweep) = &page.sweep {
        see(tx, page).await?;
        tx.sql
            .execute_typed(
                "INSERT INTO atsync.sweeps (connection, kind, body) VALUES ($1, $2, $3) \
                 ON CONFLICT (connection, kind) DO UPDATE SET body = excluded.body",
                typed![
                    tx.number => INT8, page.kind.as_bytes() => BYTEA, to_json(sweep)? => BYTEA
                ],
            )
            .await?;
    }
    if let Some(scan) = &page.scan {
        super::scans::put(tx, &page.kind, page.parent.as_deref(), scan).await?;
    }
    barred::keep_away(tx, away).await?;
    Ok(report)
}

/// Remembers the records of a page as seen by the sweep, as far as they are stored.
async fn see(tx: &Tx<'_>, page: &PageCommit) -> Result<(), StoreError> {
    let ids = list(page.records.iter().map(|record| record.id.as_str()));
    tx.sql
        .execute_typed(
            "INSERT INTO atsync.seen (connection, kind, id) \
             SELECT connection, kind, id FROM atsync.observed \
             WHERE connection = $1 AND kind = $2 AND id = ANY ($3) ON CONFLICT DO NOTHING",
            typed![tx.number => INT8, page.kind.as_bytes() => BYTEA, ids => BYTEA_ARRAY],
        )
        .await?;
    Ok(())
}

/// Writes the changes by the records of a page.
async fn write(
    tx: &mut Tx<'_>,
    page: &PageCommit,
    read: &Read,
    effects: &[Effect<'_, Stored>],
) -> Result<(), StoreError> {
    if effects.is_empty() {
        return Ok(());
    }
    put(tx, &page.kind, read, effects.iter().map(|effect| &effect.row)).await?;
    let told = || effects.iter().filter_map(|effect| Some((effect, effect.event.as_ref()?)));
    let new = told().filter(|(_, (_, outcome))| matches!(outcome, Outcome::Created { .. }));
    let new: Vec<&str> = new.map(|(effect, _)| effect.id).collect();
    aliases::end(tx, &page.kind, &new).await?;
    // Of several leads the last one counts.
    let leads: BTreeMap<&str, &str> = told()
        .filter_map(|(effect, _)| effect.lead.as_ref())
        .map(|(from, to)| (from.as_str(), to.as_str()))
        .collect();
    aliases::put_leads(tx, &leads).await?;

    let first =
        told().filter(|(_, (_, outcome))| matches!(outcome, Outcome::Created { first: true }));
    let first: Vec<&str> = first.map(|(effect, _)| effect.id).collect();
    let makers = match read.is_linked {
        true => journal::makers(tx, &page.kind, &first).await?,
        false => BTreeMap::new(),
    };
    let mut events = Vec::new();
    for (effect, (_, outcome)) in told() {
        let maker = makers.get(effect.id).copied();
        let cause = check::cause(page, effect.id, maker);
        events.push(event(page, effect.id, outcome, &effect.row.body, cause));
    }
    feed::append(tx, events).await?;
    if read.is_linked {
        let candidates: BTreeSet<&str> =
            told().flat_map(|(effect, _)| &effect.candidates).map(String::as_str).collect();
        let ids: Vec<&str> = told().map(|(effect, _)| effect.id).collect();
        touch(tx, &page.kind, ids, candidates).await?;
    }
    Ok(())
}

/// Makes an event. `body` is the record's from now on.
fn event<'e>(
    page: &'e PageCommit,
    id: &'e str,
    outcome: &'e Outcome,
    body: &'e str,
    cause: Cause,
) -> feed::Event<'e> {
    let (what, before, after) = match outcome {
        Outcome::Created { .. } => (ChangeWhat::Created, "", body),
        Outcome::Updated { before, after } => {
            (ChangeWhat::Updated, before.as_str(), after.as_str())
        }
        Outcome::Anonymized { after } => (ChangeWhat::Anonymized, "", after.as_str()),
        Outcome::Deleted { before } => (ChangeWhat::Deleted, before.as_str(), ""),
        Outcome::Moved { before, after } => (ChangeWhat::Moved, before.as_str(), after.as_str()),
    };
    feed::Event { at_ms: page.now_ms, kind: &page.kind, id, what, cause, before, after }
}

/// Marks the desired records that are linked to records of a kind, and to candidates.
async fn touch<'t>(
    tx: &mut Tx<'_>,
    kind: &str,
    ids: impl IntoIterator<Item = &'t str>,
    candidates: impl IntoIterator<Item = &'t str>,
) -> Result<(), StoreError> {
    let mut keys = links::keys_of(tx, kind, ids).await?;
    keys.extend(links::keys_of(tx, PERSON, candidates).await?);
    desired::mark(tx, &keys).await
}

/// Writes records, and what differs of their terms.
async fn put<'r>(
    tx: &Tx<'_>,
    kind: &str,
    read: &Read,
    rows: impl Iterator<Item = &'r Stored> + Clone,
) -> Result<(), StoreError> {
    let ids = list(rows.clone().map(|row| row.id.as_str()));
    let versions: Vec<Option<&[u8]>> =
        rows.clone().map(|row| row.version.as_deref().map(str::as_bytes)).collect();
    let known = list(rows.clone().map(|row| row.known.as_str()));
    let changed: Vec<i64> = rows.clone().map(|row| signed(row.changed_ms)).collect();
    let gone: Vec<bool> = rows.clone().map(|row| row.gone).collect();
    let moved_in: Vec<bool> = rows.clone().map(|row| row.moved_in).collect();
    let bodies = list(rows.clone().map(|row| row.body.as_str()));
    let raw: Vec<Option<&[u8]>> =
        rows.clone().map(|row| row.raw.as_deref().map(str::as_bytes)).collect();
    tx.sql
        .execute_typed(
            "INSERT INTO atsync.observed (connection, kind, id, version, known, changed_ms, \
             gone, moved_in, body, raw) SELECT $1, $2, * FROM unnest($3::bytea[], $4::bytea[], \
             $5::bytea[], $6::bigint[], $7::boolean[], $8::boolean[], $9::bytea[], $10::bytea[]) \
             ON CONFLICT (connection, kind, id) DO UPDATE SET version = excluded.version, \
             known = excluded.known, changed_ms = excluded.changed_ms, gone = excluded.gone, \
             moved_in = excluded.moved_in, body = excluded.body, raw = excluded.raw",
            typed![
                tx.number => INT8, kind.as_bytes() => BYTEA, ids => BYTEA_ARRAY,
                versions => BYTEA_ARRAY, known => BYTEA_ARRAY, changed => INT8_ARRAY,
                gone => BOOL_ARRAY, moved_in => BOOL_ARRAY, bodies => BYTEA_ARRAY,
                raw => BYTEA_ARRAY
            ],
        )
        .await?;
    let mut terms = Terms::default();
    for row in rows {
        let before = read.rows.get(&row.id);
        terms.differ(kind, &row.id, before.map(|row| row.body.as_str()), Some(&row.body));
    }
    terms.write(tx, kind).await
}

/// Moves the links of a record to its new id, and writes the event unless it was reported.
async fn move_on(
    tx: &mut Tx<'_>,
    page: &PageCommit,
    read: &Read,
    next: &Move<'_, Stored>,
) -> Result<(), StoreError> {
    let (kind, moved) = (page.kind.as_str(), next.moved);
    let candidates = next.tombstone.as_ref().map_or(&[][..], |gone| &gone.candidates);
    let candidates = candidates.iter().map(String::as_str);
    touch(tx, kind, [moved.from.as_str()], candidates).await?;
    links::follow(tx, kind, &moved.from, &moved.to).await?;
    touch(tx, kind, [moved.to.as_str()], []).await?;
    if let Some(tombstone) = &next.tombstone {
        put(tx, kind, read, std::iter::once(&tombstone.row)).await?;
    }
    if let Some((_, outcome)) = &next.event {
        let cause = check::cause(page, &moved.from, None);
        feed::append(tx, vec![event(page, &moved.from, outcome, "", cause)]).await?;
    }
    aliases::put(tx, kind, &moved.from, &moved.to).await
}
