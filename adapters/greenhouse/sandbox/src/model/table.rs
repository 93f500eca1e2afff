//! One collection: rows by id, with the versions that a delayed reader still sees, and the few
//! indexes that lists and cascades need.
//!
//! A list walks ids downwards from a key, so a page costs what it returns.

use std::collections::HashMap;

use atsync_sandbox::Versions;

use super::cell::Row;
use crate::schema::Kind;

/// The columns that are indexed: parents by which children are looked up often.
const INDEXED: [&str; 6] =
    ["candidate_id", "application_id", "job_id", "user_id", "custom_field_id", "candidate_tag_id"];

/// One collection.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    rows: Versions<i64, Row>,
    indexed: Vec<usize>,
    index: HashMap<(usize, i64), Vec<i64>>,
    emails_column: Option<usize>,
    emails: HashMap<String, Vec<i64>>,
    pub(crate) last_id: i64,
    /// The id before the first one.
    pub(crate) first_id: i64,
}

impl Table {
    pub(crate) fn new(kind: Kind, first_id: i64) -> Self {
        let emails_column =
            (kind == Kind::Candidates).then(|| kind.column("email_addresses")).flatten();
        Self {
            rows: Versions::default(),
            indexed: INDEXED.iter().filter_map(|name| kind.column(name)).collect(),
            index: HashMap::new(),
            emails_column,
            emails: HashMap::new(),
            last_id: first_id,
            first_id,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn get(&self, id: i64) -> Option<&Row> {
        self.rows.get(&id)
    }

    pub(crate) fn rows(&self) -> impl DoubleEndedIterator<Item = &Row> {
        self.rows.rows()
    }

    /// Returns the ids of the rows whose indexed column is `value`; `None` when the column has no
    /// index.
    pub(crate) fn indexed(&self, column: usize, value: i64) -> Option<&[i64]> {
        self.indexed
            .contains(&column)
            .then(|| self.index.get(&(column, value)).map_or(&[][..], Vec::as_slice))
    }

    /// Returns the candidates with an e-mail address, compared without case.
    pub(crate) fn with_email(&self, email: &str) -> &[i64] {
        self.emails.get(&email.to_lowercase()).map_or(&[][..], Vec::as_slice)
    }

    /// Stores a row; readers see the former one until `delayed_until_ms`, if given.
    pub(crate) fn put(&mut self, row: Row, delayed_until_ms: Option<i64>) {
        let id = row.id;
        let emails = self.emails_of(&row);
        let value_of = |column: &usize| Some((*column, row.cell(*column).int()?));
        let values: Vec<(usize, i64)> = self.indexed.iter().filter_map(value_of).collect();
        if let Some(former) = self.rows.put(id, row, delayed_until_ms) {
            self.unindex(&former);
        }
        for value in values {
            add(self.index.entry(value).or_default(), id);
        }
        for email in emails {
            add(self.emails.entry(email).or_default(), id);
        }
        self.last_id = self.last_id.max(id);
    }

    pub(crate) fn remove(&mut self, id: i64, delayed_until_ms: Option<i64>) -> bool {
        match self.rows.remove(&id, delayed_until_ms) {
            Some(former) => {
                self.unindex(&former);
                true
            }
            None => false,
        }
    }

    fn unindex(&mut self, row: &Row) {
        for column in &self.indexed {
            if let Some(value) = row.cell(*column).int() {
                drop_id(self.index.get_mut(&(*column, value)), row.id);
            }
        }
        for email in self.emails_of(row) {
            drop_id(self.emails.get_mut(&email), row.id);
        }
    }

    fn emails_of(&self, row: &Row) -> Vec<String> {
        let Some(column) = self.emails_column else { return Vec::new() };
        let value = row.cell(column).value();
        let entries = value.as_array().map_or(&[][..], Vec::as_slice);
        entries
            .iter()
            .filter_map(|entry| entry.get("value")?.as_str())
            .map(str::to_lowercase)
            .collect()
    }

    /// Drops versions that no reader can see any more.
    pub(crate) fn settle(&mut self, now_ms: i64) {
        self.rows.settle(now_ms);
    }

    /// Lists rows as a list shows them, from `start` (inclusive) downwards; only `ids` if given.
    pub(crate) fn walk<'a>(
        &'a self,
        ids: Option<&[i64]>,
        start: i64,
        now_ms: i64,
    ) -> Box<dyn Iterator<Item = &'a Row> + 'a> {
        if ids.is_none() && self.rows.is_settled() {
            return Box::new(self.rows.up_to(start).rev().map(|(_, row)| row));
        }
        // A narrowed set has only current rows. Ids with former versions are added, and the shown
        // version decides.
        Box::new(
            self.rows
                .keys_shown(ids)
                .into_iter()
                .rev()
                .filter(move |id| *id <= start)
                .filter_map(move |id| self.rows.shown(&id, now_ms)),
        )
    }
}

fn add(ids: &mut Vec<i64>, id: i64) {
    match ids.last() {
        Some(last) if *last < id => ids.push(id),
        None => ids.push(id),
        Some(_) => {
            if let Err(at) = ids.binary_search(&id) {
                ids.insert(at, id);
            }
        }
    }
}

fn drop_id(ids: Option<&mut Vec<i64>>, id: i64) {
    if let Some(ids) = ids
        && let Ok(at) = ids.binary_search(&id)
    {
        ids.remove(at);
    }
}
