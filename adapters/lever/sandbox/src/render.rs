//! Shows records: hidden members left out, references expanded, and on an opportunity the contact's
//! data and the posting's tags.

use atsync_sandbox::Document;
use serde_json::{Value, json};

use crate::model::{Model, text, texts};

/// How an answer shows an opportunity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Whole, as a read does.
    Whole,
    /// Without `opportunityLocation`, as a creation does.
    Created,
    /// Without the contact's data, as most changes do.
    Blanked,
}

/// Shows a record.
pub(crate) struct Render<'a> {
    pub(crate) model: &'a Model,
    /// Whether to add a member that no reference names.
    pub(crate) unknown_field: bool,
}

impl Render<'_> {
    /// Shows a record without hidden members.
    pub(crate) fn plain(&self, record: &Document) -> Value {
        let shown = record.iter().filter(|(name, _)| !name.starts_with('_'));
        let mut shown: Document =
            shown.map(|(name, value)| (name.clone(), value.clone())).collect();
        if self.unknown_field {
            shown.insert("notInAnyReference".to_owned(), json!({"since": "yesterday"}));
        }
        shown.into()
    }

    /// Shows a record of a collection, each in its own way.
    pub(crate) fn record(&self, collection: &str, record: &Document) -> Value {
        match collection {
            "opportunities" => self.opportunity(record, Seen::Whole),
            "stages" => json!({"id": record.get("id"), "text": record.get("text")}),
            _ => self.plain(record),
        }
    }

    /// Shows an opportunity.
    pub(crate) fn opportunity(&self, record: &Document, seen: Seen) -> Value {
        let mut shown = match self.plain(record) {
            Value::Object(map) => map,
            other => return other,
        };
        let id = text(record, "id").unwrap_or_default();
        let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
        let contact = text(record, "contact").and_then(|id| self.model.get("contacts", id));
        let of_contact = |name: &str| contact.and_then(|held| held.get(name)).cloned();
        if seen == Seen::Blanked {
            for name in ["name", "headline", "location"] {
                put(name, json!(""));
            }
            for name in ["emails", "phones", "links"] {
                put(name, json!([]));
            }
        } else {
            for name in ["name", "headline", "emails", "phones"] {
                put(name, of_contact(name).unwrap_or_default());
            }
            let location = of_contact("location").and_then(|held| held.get("name").cloned());
            put("location", location.unwrap_or_default());
            put("links", of_contact("_links").unwrap_or_default());
        }
        put("tags", json!(self.tags(record)));
        let show = format!("https://hire.example.com/candidates/{id}");
        put("urls", json!({"list": "https://hire.example.com/candidates", "show": show}));
        let posting = text(record, "_posting").and_then(|id| self.model.get("postings", id));
        if let (Some(posting), true) = (posting, seen == Seen::Whole) {
            let location = posting.get("categories").and_then(|held| held.get("location"));
            let location = location.and_then(Value::as_str).unwrap_or_default();
            put("opportunityLocation", json!(location));
        }
        shown.into()
    }

    /// Lists the tags of an opportunity: its own, and those of its posting.
    pub(crate) fn tags(&self, record: &Document) -> Vec<String> {
        let mut tags = texts(record, "tags");
        let posting = text(record, "_posting").and_then(|id| self.model.get("postings", id));
        let Some(posting) = posting else { return tags };
        let category = |name: &str| posting.get("categories")?.get(name)?.as_str();
        let derived = [
            text(posting, "text"),
            category("team"),
            category("department"),
            category("location"),
            category("commitment"),
        ];
        for tag in derived.into_iter().flatten() {
            if !tags.iter().any(|held| held == tag) {
                tags.push(tag.to_owned());
            }
        }
        tags
    }

    /// Replaces the ids in a member by the records that they name.
    pub(crate) fn expand(&self, shown: &mut Value, member: &str, collection: &str) {
        let Some(held) = shown.get_mut(member) else { return };
        let named = |id: &Value| {
            let found = self.model.get(collection, id.as_str()?)?;
            Some(self.record(collection, found))
        };
        let expanded = match &*held {
            Value::Array(ids) => {
                ids.iter().map(|id| named(id).unwrap_or_else(|| id.clone())).collect()
            }
            id => named(id).unwrap_or_else(|| id.clone()),
        };
        *held = expanded;
    }
}
