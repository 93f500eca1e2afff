//! Collections of JSON records by a textual id, for ATSs whose ids are texts.
//!
//! Every change goes through [`Documents::insert`], [`Documents::update`] or
//! [`Documents::remove`], which log it, delay it and note its net effect, so that webhooks fire for
//! a recruiter's change as for a request's. Which members are change times is the ATS's, and so is
//! what it shows: a stored record may have members that no answer has. Reads are by id or by a walk
//! of the whole collection; sandboxes are small. Bound: that of [`WriteLog`].

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::log::{Deed, Write, WriteLog, Writer};
use crate::versions::Versions;

/// A record.
pub type Document = Map<String, Value>;

/// A record that a write changed, as it was before.
#[derive(Debug, Clone, PartialEq)]
pub struct Touched {
    /// The collection.
    pub collection: &'static str,
    /// The record's id.
    pub id: String,
    /// None when the write created it.
    pub before: Option<Document>,
}

/// Every record of an account.
#[derive(Debug, Clone)]
pub struct Documents {
    collections: BTreeMap<&'static str, Versions<String, Document>>,
    /// The sandbox's time.
    pub now_ms: i64,
    /// The author of the present write.
    pub writer: Writer,
    /// Whether writes are logged; off while a company is made.
    pub logging: bool,
    /// The log of writes.
    pub writes: WriteLog<String>,
    /// The time for which readers see the former state, for collections without a delay of their
    /// own.
    pub delay_ms: i64,
    /// The same by collection.
    pub delays_ms: BTreeMap<String, i64>,
    touched: Vec<Touched>,
}

impl Documents {
    /// Makes empty collections.
    #[must_use]
    pub fn new(collections: &[&'static str], now_ms: i64) -> Self {
        Self {
            collections: collections.iter().map(|name| (*name, Versions::default())).collect(),
            now_ms,
            writer: Writer::Api,
            logging: false,
            writes: WriteLog::default(),
            delay_ms: 0,
            delays_ms: BTreeMap::new(),
            touched: Vec::new(),
        }
    }

    /// Starts a write: drops versions that no reader can see any more, and forgets what former
    /// writes changed.
    pub fn begin(&mut self, writer: Writer) {
        for rows in self.collections.values_mut() {
            rows.settle(self.now_ms);
        }
        self.writer = writer;
        self.touched.clear();
    }

    /// Ends a write. Returns the records that it changed, as they were before, in the order of
    /// their first change.
    pub fn end(&mut self) -> Vec<Touched> {
        std::mem::take(&mut self.touched)
    }

    /// Lists the names of the collections.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.collections.keys().copied()
    }

    /// Returns a record as it is.
    #[must_use]
    pub fn get(&self, collection: &str, id: &str) -> Option<&Document> {
        self.collections.get(collection)?.get(&id.to_owned())
    }

    /// Lists the records of a collection as they are, by id.
    pub fn all(&self, collection: &str) -> impl Iterator<Item = &Document> {
        self.collections.get(collection).into_iter().flat_map(Versions::rows)
    }

    /// How many records a collection has.
    #[must_use]
    pub fn count(&self, collection: &str) -> usize {
        self.collections.get(collection).map_or(0, Versions::len)
    }

    /// Returns a record as readers see it.
    #[must_use]
    pub fn shown(&self, collection: &str, id: &str) -> Option<&Document> {
        self.collections.get(collection)?.shown(&id.to_owned(), self.now_ms)
    }

    /// Lists the records of a collection as readers see them, by id.
    #[must_use]
    pub fn all_shown(&self, collection: &str) -> Vec<&Document> {
        let Some(rows) = self.collections.get(collection) else { return Vec::new() };
        if rows.is_settled() {
            return rows.rows().collect();
        }
        let keys = rows.keys_shown(None);
        keys.iter().filter_map(|key| rows.shown(key, self.now_ms)).collect()
    }

    /// Adds a record, or replaces the one of its id.
    pub fn insert(&mut self, collection: &'static str, id: &str, record: Document) {
        let deed = if self.get(collection, id).is_some() { Deed::Update } else { Deed::Create };
        self.log(collection, id, deed);
        let delayed = self.delayed_until_ms(collection);
        if let Some(rows) = self.collections.get_mut(collection) {
            rows.put(id.to_owned(), record, delayed);
        }
    }

    /// Changes members of a record. Returns whether it exists.
    pub fn update(
        &mut self,
        collection: &'static str,
        id: &str,
        change: impl FnOnce(&mut Document),
    ) -> bool {
        let Some(mut record) = self.get(collection, id).cloned() else { return false };
        change(&mut record);
        self.insert(collection, id, record);
        true
    }

    /// Removes a record. Returns whether it existed.
    pub fn remove(&mut self, collection: &'static str, id: &str) -> bool {
        if self.get(collection, id).is_none() {
            return false;
        }
        self.log(collection, id, Deed::Delete);
        let delayed = self.delayed_until_ms(collection);
        if let Some(rows) = self.collections.get_mut(collection) {
            rows.remove(&id.to_owned(), delayed);
        }
        true
    }

    fn delayed_until_ms(&self, collection: &str) -> Option<i64> {
        let delay_ms = self.delays_ms.get(collection).copied().unwrap_or(self.delay_ms);
        (delay_ms > 0).then(|| self.now_ms.saturating_add(delay_ms))
    }

    fn log(&mut self, collection: &'static str, id: &str, deed: Deed) {
        if !self.logging {
            return;
        }
        let known = |one: &Touched| one.collection == collection && one.id == id;
        if !self.touched.iter().any(known) {
            let before = self.get(collection, id).cloned();
            self.touched.push(Touched { collection, id: id.to_owned(), before });
        }
        let (at_ms, writer) = (self.now_ms, self.writer);
        self.writes.record(Write { at_ms, writer, deed, collection, id: id.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(text: &str) -> Document {
        json!({"text": text}).as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn a_write_is_logged_delayed_and_noted_once_by_its_net_effect() {
        let mut documents = Documents::new(&["notes"], 10);
        documents.insert("notes", "a", record("old"));
        assert!(documents.writes.is_empty(), "the company itself is not logged");
        documents.logging = true;
        documents.delay_ms = 5;
        documents.begin(Writer::Recruiter);
        assert!(documents.update("notes", "a", |note| *note = record("newer")));
        assert!(documents.update("notes", "a", |note| *note = record("newest")));
        assert!(!documents.update("notes", "b", |_| {}));
        let before = Some(record("old"));
        assert_eq!(documents.end(), [Touched { collection: "notes", id: "a".into(), before }]);
        assert_eq!(documents.shown("notes", "a"), Some(&record("old")));
        documents.now_ms = 15;
        assert_eq!(documents.all_shown("notes"), [&record("newest")]);
        assert!(documents.remove("notes", "a") && !documents.remove("notes", "a"));
        let deeds: Vec<Deed> = documents.writes.list().iter().map(|write| write.deed).collect();
        assert_eq!(deeds, [Deed::Update, Deed::Update, Deed::Delete]);
    }
}
