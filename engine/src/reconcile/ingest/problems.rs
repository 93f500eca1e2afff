//! Problems: what could not be read is kept, reported, and read again.
//!
//! A page or fetch names the rows and members that it could not read. Each problem is kept until
//! the record is read without it.
//!
//! # Expected flow
//! 1. [`Content`] sorts a page by kind, with its problems.
//! 2. [`Ingest::keep_problems`] stores them before the page itself is committed: after a crash
//!    between the two, the page is read again.
//! 3. The next pass fetches by id what has an id ([`Ingest::retry`]). A row without an id keeps the
//!    watermark where it is, so the next window shows it again, for [`PASSES_MAX`] passes.
//!
//! Bounds: [`limits::PROBLEMS_MAX`] of a kind by name, [`RETRIED_MAX`] retried in one pass. Left
//! out: sweeps, which are held by rows without an id.

use super::Ingest;
use super::content::Content;
use crate::error::Error;
use crate::store::{Cause, Met, ProblemRow, Problems, limits};
use crate::transport::Priority;
use atsync_model::manifest::KindRule;
use std::collections::{BTreeMap, BTreeSet};

/// How many passes a row that cannot be fetched by id keeps the watermark where it is. The problem
/// is reported as long as it lasts.
const PASSES_MAX: u64 = 3;

/// Records that one pass fetches again, those first that were not read for longest.
const RETRIED_MAX: usize = 200;

/// Lines of a report.
const LINES_MAX: usize = 20;

/// What could not be read in a walk so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unread {
    /// Rows.
    pub(crate) rows: u64,
    /// Of those: rows without an id, by kind.
    nameless: BTreeMap<String, u64>,
    /// Members.
    pub(crate) members: u64,
    /// Record and field of each problem of the kind that was asked for; at most as many as the
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
    /// Stores the problems of a page and removes those that it cured. The ids in `missing` were
    /// asked for and do not exist, so they have no problem.
    pub(crate) async fn keep_problems(
        &self,
        content: &Content,
        (asked, missing): (&str, &[String]),
        pass_ms: u64,
        unread: &mut Unread,
    ) -> Result<(), Error> {
        let mut kinds = content.kinds();
        kinds.insert(asked);
        for kind in kinds {
            let known = self.context.store.problems(Some(kind), limits::READ_ROWS_MAX).await?;
            let found = content.problems_of(kind);
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
                content.records.get(kind).into_iter().flatten().map(|record| record.id.as_str());
            let absent = missing.iter().filter(|_| kind == asked).map(String::as_str);
            let answered: BTreeSet<&str> = shown.chain(absent).collect();
            let cured = known.iter().filter(|row| {
                let place = (row.id.clone(), row.field.clone());
                let is_read = match (&row.id, &row.field) {
                    (Some(id), _) => {
                        answered.contains(id.as_str())
                            || met.keys().any(|(met, _)| met.as_ref() == Some(id))
                    }
                    (None, Some(field)) => content.has_field(kind, field),
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

    /// Whether a pass met rows that only the same window can show again, so that the watermark
    /// stays. Removes the problem of rows without an id when a pass covered their window and met
    /// none. `resumed_ms`: when the pass began, if an earlier run did a part of it.
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

    /// Fetches by id the records that earlier passes could not read and this one did not show.
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

    /// Whether a walk that began at `since_ms` met rows of the kind without an id.
    pub(crate) async fn met_nameless(&self, kind: &str, since_ms: u64) -> Result<bool, Error> {
        let known = self.context.store.problems(Some(kind), limits::READ_ROWS_MAX).await?;
        Ok(known
            .iter()
            .any(|row| row.id.is_none() && row.field.is_none() && row.seen_ms >= since_ms))
    }
}
