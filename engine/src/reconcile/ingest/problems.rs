//! What could not be read: noted, told, and asked for again.
//!
//! A page or fetch names rows and members that it could not read ([`Problem`]); the check of the
//! adapter's answers adds what it took out, and this module what the store has no room for and
//! fields that a whole page lacks. Each is kept until the record is read without it.
//!
//! # Expected flow
//! 1. [`brought`] sorts what came by kind, and what is wrong with it.
//! 2. [`Reconciler::note`] keeps it, before the page itself is committed: a crash between the two
//!    reads the page again.
//! 3. The next pass asks for what is known by id ([`Reconciler::retry`]). What is not known by id
//!    keeps the watermark where it is, so that the next window shows it again, for [`PASSES_MAX`]
//!    passes.
//!
//! Bounds: [`limits::PROBLEMS_MAX`] of a kind by name, [`RETRIED_MAX`] retried in one pass. Left
//! out: sweeps, which are held by rows without an id ([`super::sweep`]).

use super::Ingest;
use crate::error::Error;
use crate::store::limits::RECORD_BYTES_MAX;
use crate::store::{Cause, Met, ObservedWrite, ProblemRow, Problems, limits};
use crate::transport::Priority;
use atsync_model::contract::{Item, Problem, Response};
use atsync_model::manifest::{KindRule, Manifest};
use std::collections::{BTreeMap, BTreeSet};

/// How often a row that cannot be asked for by id holds the watermark back. It is shown as long as
/// it lasts.
const PASSES_MAX: u64 = 3;

/// Records that one pass asks for again. The longest not seen come first.
const RETRIED_MAX: usize = 200;

/// Rows that a page must have before a field that none of them has means something.
const ROWS_TELLING: usize = 3;

/// Lines of a report.
const LINES_MAX: usize = 20;

/// What a page or fetch brought.
#[derive(Debug, Default)]
pub(crate) struct Brought {
    pub(crate) records: BTreeMap<String, Vec<ObservedWrite>>,
    pub(crate) masks: Vec<Vec<String>>,
    /// By kind.
    problems: BTreeMap<String, Vec<Problem>>,
    /// Expected fields of a kind that some row has, where the page has enough rows to tell: kind
    /// and field.
    present: BTreeSet<(String, String)>,
}

/// Items as they came.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) items: Vec<Item>,
    pub(crate) masks: Vec<Vec<String>>,
    pub(crate) problems: Vec<Problem>,
}

/// Sorts what came in answer to a question about `asked`.
pub(crate) fn brought(
    manifest: &Manifest,
    asked: &str,
    came: Came,
    reply: Option<&Response>,
) -> Brought {
    let mut brought = Brought { masks: came.masks, ..Brought::default() };
    let mut problems = came.problems;
    brought.records = by_kind(came.items, reply);
    for (kind, records) in &mut brought.records {
        for record in records.iter_mut() {
            let size = record.body.len().saturating_add(record.raw.as_deref().map_or(0, str::len));
            if size > RECORD_BYTES_MAX {
                record.raw = None;
                let message = format!(
                    "the ATS's own JSON of it is larger than {RECORD_BYTES_MAX} bytes and is not \
                     kept"
                );
                problems.push(Problem::field(kind, &record.id, "raw", message));
            }
        }
        let Some(rule) = manifest.kind(kind).filter(|_| records.len() >= ROWS_TELLING) else {
            continue;
        };
        let masks: BTreeSet<usize> = records.iter().map(|record| record.mask).collect();
        let known = |field: &String| {
            masks.iter().any(|mask| brought.masks.get(*mask).is_some_and(|of| of.contains(field)))
        };
        // A row that says only that its record exists lacks everything, and tells nothing of
        // members.
        if masks.iter().all(|mask| brought.masks.get(*mask).is_none_or(Vec::is_empty)) {
            continue;
        }
        for field in &rule.expected {
            if known(field) {
                brought.present.insert((kind.clone(), field.clone()));
                continue;
            }
            let message = format!(
                "no row of a page of {} has it: the ATS may have renamed the member. What is \
                 stored of it stays and grows old; once the adapter reads the new name, pull \
                 {kind} in full",
                records.len()
            );
            let whole =
                Problem { kind: kind.clone(), id: None, field: Some(field.clone()), message };
            problems.push(whole);
        }
    }
    for problem in problems {
        let kind = if problem.kind.is_empty() { asked.to_owned() } else { problem.kind.clone() };
        brought.problems.entry(kind).or_default().push(problem);
    }
    brought
}

impl Brought {
    /// The ids of records of a kind whose rows could not be read.
    pub(crate) fn unread(&self, kind: &str) -> BTreeSet<String> {
        let of = self.problems.get(kind).into_iter().flatten();
        of.filter(|problem| problem.field.is_none())
            .filter_map(|problem| problem.id.clone())
            .collect()
    }

    fn of(&self, kind: &str) -> &[Problem] {
        self.problems.get(kind).map_or(&[], Vec::as_slice)
    }
}

/// What could not be read in a walk so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unread {
    /// Rows.
    pub(crate) rows: u64,
    /// Of those: rows without an id, by kind.
    nameless: BTreeMap<String, u64>,
    /// Members.
    pub(crate) members: u64,
    /// Record and field of what was met, of the kind that was asked for; at most as many as the
    /// store keeps.
    met: BTreeSet<(Option<String>, Option<String>)>,
    /// For people, at most [`LINES_MAX`].
    pub(crate) lines: Vec<String>,
}

impl Unread {
    /// Adds a line for people, once.
    pub(crate) fn say(&mut self, line: String) {
        if self.lines.len() < LINES_MAX && !self.lines.contains(&line) {
            self.lines.push(line);
        }
    }
}

/// One line for people: kind, id, field, and what is wrong with the shape; never content.
impl std::fmt::Display for ProblemRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&line(self))
    }
}

fn line(problem: &ProblemRow) -> String {
    let ProblemRow { kind, id, field, message, count, .. } = problem;
    match (id, field) {
        (Some(id), Some(field)) => {
            format!("{kind}/{id}: `{field}` could not be read and is unknown: {message}")
        }
        (Some(id), None) => format!("{kind}/{id} could not be read: {message}"),
        (None, Some(field)) => format!("{kind}: `{field}` is unknown: {message}"),
        (None, None) => {
            format!("{kind}: {count} that do not say which they are could not be read: {message}")
        }
    }
}

impl Ingest {
    /// Keeps what a page could not read, and forgets what it could. `missing` was asked for and is
    /// not there, so nothing is wrong with it.
    pub(crate) async fn keep_problems(
        &self,
        brought: &Brought,
        (asked, missing): (&str, &[String]),
        pass_ms: u64,
        unread: &mut Unread,
    ) -> Result<(), Error> {
        let mut kinds: BTreeSet<&str> =
            brought.records.keys().chain(brought.problems.keys()).map(String::as_str).collect();
        kinds.insert(asked);
        for kind in kinds {
            let known = self.context.store.problems(Some(kind), limits::READ_ROWS_MAX).await?;
            let found = brought.of(kind);
            if known.is_empty() && found.is_empty() {
                continue;
            }
            let mut met: BTreeMap<(Option<String>, Option<String>), Met> = BTreeMap::new();
            for problem in found {
                let place = (problem.id.clone(), problem.field.clone());
                let nameless = place == (None, None);
                if problem.field.is_none() {
                    unread.rows = unread.rows.saturating_add(1);
                } else {
                    unread.members = unread.members.saturating_add(1);
                }
                let count = if nameless {
                    let count = unread.nameless.entry(kind.to_owned()).or_default();
                    *count = count.saturating_add(1);
                    *count
                } else {
                    1
                };
                if kind == asked && unread.met.len() < limits::READ_ROWS_MAX {
                    unread.met.insert(place.clone());
                }
                let (id, field) = place.clone();
                met.insert(place, Met { id, field, message: problem.message.clone(), count });
            }
            let shown =
                brought.records.get(kind).into_iter().flatten().map(|record| record.id.as_str());
            let absent = missing.iter().filter(|_| kind == asked).map(String::as_str);
            let told: BTreeSet<&str> = shown.chain(absent).collect();
            let cured = known.iter().filter(|row| {
                let place = (row.id.clone(), row.field.clone());
                let is_read = match (&row.id, &row.field) {
                    (Some(id), _) => {
                        told.contains(id.as_str())
                            || met.keys().any(|(met, _)| met.as_ref() == Some(id))
                    }
                    (None, Some(field)) => {
                        brought.present.contains(&(kind.to_owned(), field.clone()))
                    }
                    (None, None) => false,
                };
                is_read && !met.contains_key(&place)
            });
            let cured: Vec<_> = cured.map(|row| (row.id.clone(), row.field.clone())).collect();
            if met.is_empty() && cured.is_empty() {
                continue;
            }
            let met: Vec<Met> = met.into_values().collect();
            let now_ms = self.context.clock.now_ms();
            for met in &met {
                let problems = Problems { kind: kind.to_owned(), now_ms, ..Problems::default() };
                unread.say(line(&met.row(&problems, None)));
            }
            let problems = Problems { kind: kind.to_owned(), met, cured, pass_ms, now_ms };
            for new in self.context.store.note_problems(problems).await? {
                tracing::warn!(connection = %self.context.name, kind, id = new.id,
                    field = new.field, why = new.message, "could not be read");
            }
        }
        Ok(())
    }

    /// Whether a pass met what only the same window can show again, and should wait for it. Ends
    /// what a pass without rows that do not tell their id has cured. `resumed_ms`: when the pass
    /// began, if an earlier run did a part of it.
    pub(super) async fn must_read_again(
        &self,
        rule: &KindRule,
        unread: &Unread,
        (full, resumed_ms): (bool, Option<u64>),
    ) -> Result<bool, Error> {
        let kind = &rule.name;
        let known = self.context.store.problems(Some(kind), limits::READ_ROWS_MAX).await?;
        let is_met = |row: &ProblemRow| {
            let earlier = resumed_ms.is_some_and(|began_ms| row.seen_ms >= began_ms);
            earlier || unread.met.contains(&(row.id.clone(), row.field.clone()))
        };
        let nameless = |row: &ProblemRow| row.id.is_none() && row.field.is_none();
        let by_window = |row: &ProblemRow| nameless(row) || (row.id.is_some() && rule.ids_max == 0);
        let again =
            known.iter().any(|row| by_window(row) && is_met(row) && row.passes < PASSES_MAX);
        // A pass that covered their window, or everything, and did not meet them.
        let over =
            |row: &ProblemRow| nameless(row) && !is_met(row) && (full || row.passes < PASSES_MAX);
        if known.iter().any(over) {
            let (cured, now_ms) = (vec![(None, None)], self.context.clock.now_ms());
            let problems = Problems { kind: kind.clone(), cured, now_ms, ..Problems::default() };
            self.context.store.note_problems(problems).await?;
        }
        Ok(again)
    }

    /// Asks by id for what earlier passes could not read and this one did not show.
    pub(super) async fn retry(&self, rule: &KindRule, unread: &mut Unread) -> Result<(), Error> {
        if rule.ids_max == 0 {
            return Ok(());
        }
        let mut known =
            self.context.store.problems(Some(&rule.name), limits::READ_ROWS_MAX).await?;
        known.retain(|row| !unread.met.contains(&(row.id.clone(), row.field.clone())));
        known.sort_by_key(|row| row.seen_ms);
        let mut ids: Vec<String> = Vec::new();
        for id in known.into_iter().filter_map(|row| row.id) {
            if !ids.contains(&id) && ids.len() < RETRIED_MAX {
                ids.push(id);
            }
        }
        let size = usize::try_from(rule.ids_max).unwrap_or(1).max(1);
        for chunk in ids.chunks(size) {
            self.fetch_noting(
                &rule.name,
                chunk,
                (Cause::Observed, &BTreeMap::new()),
                Priority::Incremental,
                unread,
            )
            .await?;
        }
        Ok(())
    }

    /// Whether a walk that began at `since_ms` met rows of the kind that do not say which records
    /// they are.
    pub(crate) async fn met_nameless(&self, kind: &str, since_ms: u64) -> Result<bool, Error> {
        let known = self.context.store.problems(Some(kind), limits::READ_ROWS_MAX).await?;
        Ok(known
            .iter()
            .any(|row| row.id.is_none() && row.field.is_none() && row.seen_ms >= since_ms))
    }
}

/// Items as the store takes them, by kind, each with its raw JSON cut out of the reply.
fn by_kind(items: Vec<Item>, reply: Option<&Response>) -> BTreeMap<String, Vec<ObservedWrite>> {
    let mut kinds: BTreeMap<String, Vec<ObservedWrite>> = BTreeMap::new();
    for item in items {
        let raw = item.raw.zip(reply).and_then(|(span, reply)| {
            let start = usize::try_from(span.offset).ok()?;
            let end = start.checked_add(usize::try_from(span.length).ok()?)?;
            let bytes = reply.body.get(start..end)?;
            std::str::from_utf8(bytes).ok().map(str::to_owned)
        });
        let mask = usize::try_from(item.mask).unwrap_or(usize::MAX);
        let write =
            ObservedWrite { id: item.id, version: item.version, body: item.body, raw, mask };
        kinds.entry(item.kind).or_default().push(write);
    }
    kinds
}
