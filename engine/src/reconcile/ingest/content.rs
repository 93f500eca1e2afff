//! A page or fetch, sorted by kind, with what could not be read of it. Pure.
//!
//! The adapter names rows and members that it could not read ([`Problem`]), and the check of its
//! answers adds what it removed. Two problems are found here: raw JSON that the store has no room
//! for, and an expected field that a whole page lacks, as after the ATS renamed it.

use crate::store::ObservedWrite;
use crate::store::limits::RECORD_BYTES_MAX;
use atsync_model::contract::{Item, Problem, Response};
use atsync_model::manifest::{KindRule, Manifest};
use std::collections::{BTreeMap, BTreeSet};

/// Rows that a page must have before a field that no row has counts as missing.
const ROWS_TELLING: usize = 3;

/// What a page or fetch contains.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// By kind.
    pub(crate) records: BTreeMap<String, Vec<ObservedWrite>>,
    pub(crate) masks: Vec<Vec<String>>,
    /// By kind.
    problems: BTreeMap<String, Vec<Problem>>,
    /// Expected fields of a kind that some row has, where the page has enough rows: kind and field.
    present: BTreeSet<(String, String)>,
}

/// Items as the adapter returned them.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) items: Vec<Item>,
    pub(crate) masks: Vec<Vec<String>>,
    pub(crate) problems: Vec<Problem>,
}

impl Content {
    /// Sorts what was received in answer to a question about the kind `asked`.
    pub(crate) fn of(
        manifest: &Manifest,
        asked: &str,
        received: Received,
        reply: Option<&Response>,
    ) -> Self {
        let Received { items, masks, mut problems } = received;
        let mut records = by_kind(items, reply);
        let mut present = BTreeSet::new();
        for (kind, records) in &mut records {
            drop_large_raw(kind, records, &mut problems);
            let rule = manifest.kind(kind).filter(|_| records.len() >= ROWS_TELLING);
            let Some(rule) = rule else { continue };
            for (field, is_present) in expected_fields(rule, records, &masks) {
                if is_present {
                    present.insert((kind.clone(), field.to_owned()));
                } else {
                    problems.push(missing(kind, field, records.len()));
                }
            }
        }
        let mut content = Self { records, masks, present, ..Self::default() };
        for problem in problems {
            let kind =
                if problem.kind.is_empty() { asked.to_owned() } else { problem.kind.clone() };
            content.problems.entry(kind).or_default().push(problem);
        }
        content
    }

    /// The ids of records of a kind whose rows could not be read.
    pub(crate) fn unread(&self, kind: &str) -> BTreeSet<String> {
        let problems = self.problems_of(kind).iter();
        let rows = problems.filter(|problem| problem.field.is_none());
        rows.filter_map(|problem| problem.id.clone()).collect()
    }

    /// The problems of a kind.
    pub(super) fn problems_of(&self, kind: &str) -> &[Problem] {
        self.problems.get(kind).map_or(&[], Vec::as_slice)
    }

    /// The kinds that have records or problems.
    pub(super) fn kinds(&self) -> BTreeSet<&str> {
        self.records.keys().chain(self.problems.keys()).map(String::as_str).collect()
    }

    /// Whether a row of the kind has an expected field.
    pub(super) fn has_field(&self, kind: &str, field: &str) -> bool {
        self.present.contains(&(kind.to_owned(), field.to_owned()))
    }
}

/// Drops raw JSON that the store has no room for. The record itself is kept.
fn drop_large_raw(kind: &str, records: &mut [ObservedWrite], problems: &mut Vec<Problem>) {
    for record in records {
        let size = record.body.len().saturating_add(record.raw.as_deref().map_or(0, str::len));
        if size > RECORD_BYTES_MAX {
            record.raw = None;
            let message = format!(
                "the ATS's own JSON of it is larger than {RECORD_BYTES_MAX} bytes and is not kept"
            );
            problems.push(Problem::field(kind, &record.id, "raw", message));
        }
    }
}

/// The expected fields of a kind, each with whether some row has it. None where every row says only
/// that its record exists: such rows lack every field.
fn expected_fields<'r>(
    rule: &'r KindRule,
    records: &[ObservedWrite],
    masks: &[Vec<String>],
) -> Vec<(&'r str, bool)> {
    let used: BTreeSet<usize> = records.iter().map(|record| record.mask).collect();
    let masks: Vec<&Vec<String>> = used.iter().filter_map(|mask| masks.get(*mask)).collect();
    if masks.iter().all(|mask| mask.is_empty()) {
        return Vec::new();
    }
    let fields = rule.expected.iter();
    fields.map(|field| (field.as_str(), masks.iter().any(|mask| mask.contains(field)))).collect()
}

fn missing(kind: &str, field: &str, rows: usize) -> Problem {
    let message = format!(
        "no row of a page of {rows} has it: the ATS may have renamed the member. What is stored of \
         it stays and grows old; once the adapter reads the new name, pull {kind} in full"
    );
    Problem { kind: kind.to_owned(), id: None, field: Some(field.to_owned()), message }
}

/// Items as the store keeps them, by kind, each with its raw JSON cut out of the reply.
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
