//! What is kept about the webhooks that a connection registered: one note for each event.
//!
//! A URL has a part that cannot be guessed, and a secret is one, so a note has their digests. It is
//! written before a request that changes something, so that a lost answer is known after a crash.
//!
//! Left out: webhooks that a person created; nothing is kept of them.

use crate::error::Error;
use crate::secret::Secret;
use crate::store::Note;
use crate::store::handle::ConnectionStore;
use crate::transport::auth::digest;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The area of the notes.
const AREA: &str = "webhooks";
/// Rows of one read: more than an adapter has events.
const ROWS: usize = 1_000;

/// What is kept about one webhook.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Row {
    /// The ATS's id of it; none while no answer has named it.
    pub(super) id: Option<String>,
    /// The URL that the ATS confirmed.
    pub(super) url: Option<String>,
    /// URL and secret that the ATS confirmed.
    pub(super) mark: Option<String>,
    /// The URL of a request whose answer is not known.
    pub(super) sent: Option<String>,
    /// Creations, one after the other, whose answers were lost.
    pub(super) lost: u32,
    /// URL and secret of those.
    pub(super) lost_mark: Option<String>,
    /// When the ATS last confirmed it, by the wall clock.
    pub(super) confirmed_ms: u64,
    /// Whether it sent deliveries then.
    pub(super) active: bool,
}

/// The digest of a URL.
pub(super) fn url_digest(url: &str) -> String {
    digest(&["the url of a webhook", url])
}

/// The digest of a URL and a secret.
pub(super) fn mark(url: &Secret, secret: &Secret) -> String {
    digest(&["url and secret of a webhook", url.expose(), secret.expose()])
}

/// The notes of a connection, by event.
#[derive(Debug)]
pub(super) struct Rows<'s> {
    store: &'s ConnectionStore,
    by_event: BTreeMap<String, Row>,
}

impl<'s> Rows<'s> {
    pub(super) async fn read(store: &'s ConnectionStore) -> Result<Self, Error> {
        let notes = store.notes_page(AREA, None, ROWS).await?;
        // What cannot be read counts as unknown: the webhook is registered again.
        let read = |value: Vec<u8>| serde_json::from_slice(&value).unwrap_or_default();
        let by_event = notes.into_iter().map(|(event, value)| (event, read(value)));
        Ok(Self { store, by_event: by_event.collect() })
    }

    pub(super) fn all(&self) -> &BTreeMap<String, Row> {
        &self.by_event
    }

    /// The row of an event; an empty one where there is none.
    pub(super) fn of(&self, event: &str) -> Row {
        self.by_event.get(event).cloned().unwrap_or_default()
    }

    /// The digests of the URLs that webhooks of this connection have or may have.
    pub(super) fn urls(&self) -> BTreeSet<String> {
        self.by_event.values().flat_map(|row| [&row.url, &row.sent]).flatten().cloned().collect()
    }

    /// Keeps a row. Durable when it returns.
    pub(super) async fn put(&mut self, event: &str, row: Row) -> Result<(), Error> {
        let value = serde_json::to_vec(&row).unwrap_or_default();
        self.store.put_notes(vec![Note::put(AREA, event, value)]).await?;
        self.by_event.insert(event.to_owned(), row);
        Ok(())
    }

    /// Removes a row.
    pub(super) async fn remove(&mut self, event: &str) -> Result<(), Error> {
        if self.by_event.contains_key(event) {
            self.store.put_notes(vec![Note::remove(AREA, event)]).await?;
            self.by_event.remove(event);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Row;

    #[test]
    fn a_note_that_lacks_a_member_keeps_the_others() {
        let read: Row = serde_json::from_str(r#"{"id":"7","url":"digest"}"#).unwrap();
        let (id, url) = (Some("7".to_owned()), Some("digest".to_owned()));
        assert_eq!(read, Row { id, url, ..Row::default() });
    }
}
