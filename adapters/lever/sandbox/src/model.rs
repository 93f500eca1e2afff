//! The account's records, and what several reads and writes ask of them.
//!
//! Records are stored as the API shows them, with ids for references. A member that starts with `_`
//! is the sandbox's own and never shown. What Lever projects (a contact's data and a posting's tags
//! on an opportunity) is not stored but made by [`crate::render`], so that it changes everywhere at
//! once.

use std::collections::BTreeMap;

use atsync_sandbox::{Document, Documents};
use serde_json::{Value, json};

use crate::ids::uuid;

/// Every collection.
pub(crate) const COLLECTIONS: [&str; 19] = [
    "applications",
    "archive_reasons",
    "contacts",
    "deleted_opportunities",
    "feedback",
    "files",
    "forms",
    "interviews",
    "notes",
    "offers",
    "opportunities",
    "panels",
    "postings",
    "referrals",
    "requisition_fields",
    "requisitions",
    "resumes",
    "stages",
    "users",
];

/// The collections whose records lie below an opportunity, and do not name it in an answer.
pub(crate) const BELOW: [&str; 9] = [
    "feedback",
    "files",
    "forms",
    "interviews",
    "notes",
    "offers",
    "panels",
    "referrals",
    "resumes",
];

/// The account.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    pub(crate) documents: Documents,
    seed: u64,
    serials: BTreeMap<&'static str, u64>,
}

/// Returns a member's text.
pub(crate) fn text<'a>(record: &'a Document, name: &str) -> Option<&'a str> {
    record.get(name)?.as_str()
}

/// Returns the members of a list of texts.
pub(crate) fn texts(record: &Document, name: &str) -> Vec<String> {
    let list = record.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Makes a record of a JSON object.
pub(crate) fn record(value: Value) -> Document {
    match value {
        Value::Object(map) => map,
        _ => Document::new(),
    }
}

impl Model {
    pub(crate) fn new(seed: u64, now_ms: i64) -> Self {
        let documents = Documents::new(&COLLECTIONS, now_ms);
        Self { documents, seed, serials: BTreeMap::new() }
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.documents.now_ms
    }

    /// Makes an id that no record of the collection had.
    pub(crate) fn next_id(&mut self, collection: &'static str) -> String {
        let serial = self.serials.entry(collection).or_insert(0);
        *serial = serial.saturating_add(1);
        uuid(self.seed, collection, *serial)
    }

    /// Adds a record. Returns its id.
    pub(crate) fn add(&mut self, collection: &'static str, members: Value) -> String {
        let id = self.next_id(collection);
        self.add_as(collection, &id, members);
        id
    }

    /// Adds a record of an id.
    pub(crate) fn add_as(&mut self, collection: &'static str, id: &str, members: Value) {
        let mut members = record(members);
        members.insert("id".to_owned(), id.into());
        self.documents.insert(collection, id, members);
    }

    pub(crate) fn get(&self, collection: &str, id: &str) -> Option<&Document> {
        self.documents.get(collection, id)
    }

    pub(crate) fn has(&self, collection: &str, id: &str) -> bool {
        self.get(collection, id).is_some()
    }

    /// Returns a text of a record.
    pub(crate) fn text(&self, collection: &str, id: &str, name: &str) -> Option<&str> {
        text(self.get(collection, id)?, name)
    }

    /// Sets members of a record.
    pub(crate) fn set(&mut self, collection: &'static str, id: &str, members: Value) -> bool {
        self.documents.update(collection, id, |held| held.extend(record(members)))
    }

    /// Sets members of an opportunity, and the times that a change moves.
    pub(crate) fn touch(&mut self, opportunity: &str, members: Value) -> bool {
        let now_ms = self.now_ms();
        self.documents.update("opportunities", opportunity, |held| {
            held.extend(record(members));
            held.insert("updatedAt".to_owned(), now_ms.into());
            // Both move in one write, some milliseconds apart.
            held.insert("lastInteractionAt".to_owned(), now_ms.saturating_add(3).into());
        })
    }

    /// Lists the ids of the records whose member is a text, in the order in which they were made.
    pub(crate) fn find(&self, collection: &str, name: &str, value: &str) -> Vec<String> {
        let mut found: Vec<(i64, String)> = self
            .documents
            .all(collection)
            .filter(|one| text(one, name) == Some(value))
            .filter_map(|one| Some((created_ms(one), text(one, "id")?.to_owned())))
            .collect();
        found.sort();
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// Lists the stages in the order of the pipeline.
    pub(crate) fn pipeline(&self) -> Vec<&Document> {
        let mut stages: Vec<&Document> = self.documents.all("stages").collect();
        stages.sort_by(|one, other| rank(one).total_cmp(&rank(other)));
        stages
    }

    /// Returns the place of each stage in the pipeline.
    pub(crate) fn ranks(&self) -> BTreeMap<String, i64> {
        let ids = self.pipeline().into_iter().filter_map(|stage| text(stage, "id"));
        ids.map(str::to_owned).zip(0..).collect()
    }

    /// Lists the contacts with an e-mail address, compared without case, the oldest first.
    pub(crate) fn with_email(&self, email: &str) -> Vec<String> {
        let email = email.to_lowercase();
        let mut found: Vec<(i64, String)> = self
            .documents
            .all("contacts")
            .filter(|one| texts(one, "emails").iter().any(|held| held.to_lowercase() == email))
            .filter_map(|one| Some((one.get("_createdAt")?.as_i64()?, text(one, "id")?.to_owned())))
            .collect();
        found.sort();
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// Removes an opportunity with everything below it, and its contact if it was the last one.
    /// Leaves a row in the list of deleted ones.
    pub(crate) fn delete_opportunity(&mut self, id: &str) -> bool {
        let Some(held) = self.get("opportunities", id).cloned() else { return false };
        for child in self.find("applications", "opportunityId", id) {
            self.documents.remove("applications", &child);
        }
        for collection in BELOW {
            for child in self.find(collection, "_opportunity", id) {
                self.documents.remove(collection, &child);
            }
        }
        self.documents.remove("opportunities", id);
        let contact = text(&held, "contact").unwrap_or_default().to_owned();
        if self.find("opportunities", "contact", &contact).is_empty() {
            self.documents.remove("contacts", &contact);
        }
        let posting = text(&held, "_posting").map(str::to_owned);
        let deleted = json!({"deletedAt": self.now_ms(), "_contact": contact,
            "_postings": posting.into_iter().collect::<Vec<String>>()});
        self.add_as("deleted_opportunities", id, deleted);
        true
    }
}

/// Returns the time at which a record was made.
pub(crate) fn created_ms(record: &Document) -> i64 {
    let at_ms = record.get("createdAt").or_else(|| record.get("_createdAt"));
    at_ms.and_then(Value::as_i64).unwrap_or(0)
}

fn rank(stage: &Document) -> f64 {
    stage.get("rank").and_then(Value::as_f64).unwrap_or(f64::MAX)
}
