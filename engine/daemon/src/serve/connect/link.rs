//! A connect link, as the store has it: what it allows, whose browser uses it, and how far it came.
//!
//! Its token has 256 random bits; the store has the SHA-256, which is also its key. A link allows
//! to give the credential of one connection, with the adapter, origins and settings that the host
//! chose, and nothing else. Each change is made on the condition that the link is the one that was
//! read, so of two requests at once one is refused.
//!
//! Bounds: [`LINKS_MAX`] links; those that ended a day ago are removed when another is made.

use super::theme::Theme;
use crate::tokens::{mark, random};
use atsync::{Clock, Engine, Expected, Note, Secret, StoreError, SystemClock};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The area of the notes.
const AREA: &str = "connect-links";
/// Links at once.
pub(super) const LINKS_MAX: usize = 1_000;
/// Characters of a link's id: the first of its token's hash.
const ID_LENGTH: usize = 16;
/// How long a link is known after its end: people ask why it does not work.
const KNOWN_MS: u64 = 24 * 60 * 60 * 1_000;

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Link {
    pub(super) connection: String,
    pub(super) adapter: String,
    /// The OAuth client that can be consented to; none where there is none.
    #[serde(default)]
    pub(super) client: Option<String>,
    #[serde(default)]
    pub(super) origins: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) settings: Map<String, Value>,
    #[serde(default)]
    pub(super) allow_private_network: bool,
    #[serde(default)]
    pub(super) return_url: Option<String>,
    #[serde(default)]
    pub(super) theme: Option<Theme>,
    pub(super) created_ms: u64,
    pub(super) ends_ms: u64,
    /// SHA-256 of the cookie of the browser that uses it.
    #[serde(default)]
    pub(super) browser: Option<String>,
    /// What the last check of the connection found; none before a credential was given.
    #[serde(default)]
    pub(super) checked: Option<Checked>,
    #[serde(default)]
    pub(super) used_ms: Option<u64>,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Checked {
    pub(super) at_ms: u64,
    pub(super) granted: u64,
    pub(super) unknown: u64,
    pub(super) missing: Vec<Missing>,
}

/// A permission that is missing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Missing {
    pub(super) permission: String,
    pub(super) label: String,
    pub(super) detail: String,
    pub(super) grant_at: String,
    pub(super) without_it: String,
    pub(super) optional: bool,
}

/// How far a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Open,
    Ended,
    Used,
}

impl Link {
    pub(super) fn phase(&self) -> Phase {
        match self.used_ms {
            Some(_) => Phase::Used,
            None if SystemClock.now_ms() >= self.ends_ms => Phase::Ended,
            None => Phase::Open,
        }
    }

    /// The host's name.
    pub(super) fn host(&self) -> &str {
        self.theme.as_ref().map_or("atsync", |theme| theme.name.as_str())
    }
}

/// A link that was read.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The SHA-256 of its token.
    pub(super) key: String,
    pub(super) link: Link,
    /// As it is stored.
    value: Vec<u8>,
}

/// The id of the link with this key.
pub(super) fn id_of(key: &str) -> String {
    key.get(..ID_LENGTH).unwrap_or_default().to_owned()
}

fn parsed(key: String, value: Vec<u8>) -> Option<Found> {
    let link = serde_json::from_slice(&value).ok()?;
    Some(Found { key, link, value })
}

/// Finds a link by its token.
///
/// # Errors
/// When the store fails.
pub(super) async fn find(engine: &Engine, token: &str) -> Result<Option<Found>, atsync::Error> {
    find_by_key(engine, mark(token)).await
}

/// Finds a link by its key.
///
/// # Errors
/// When the store fails.
pub(super) async fn find_by_key(
    engine: &Engine,
    key: String,
) -> Result<Option<Found>, atsync::Error> {
    let value = engine.note(AREA, &key).await?;
    Ok(value.and_then(|value| parsed(key, value)))
}

/// All links.
///
/// # Errors
/// When the store fails.
pub(super) async fn all(engine: &Engine) -> Result<Vec<Found>, atsync::Error> {
    let rows = engine.notes_page(AREA, None, LINKS_MAX).await?;
    Ok(rows.into_iter().filter_map(|(key, value)| parsed(key, value)).collect())
}

/// Why a link is not made.
#[derive(Debug)]
pub(super) enum NotMade {
    TooMany,
    NoRandomness,
    Store(atsync::Error),
}

impl From<atsync::Error> for NotMade {
    fn from(error: atsync::Error) -> Self {
        Self::Store(error)
    }
}

/// Stores a new link; returns its token and its key.
///
/// # Errors
/// See [`NotMade`].
pub(super) async fn make(engine: &Engine, link: &Link) -> Result<(Secret, String), NotMade> {
    let now_ms = SystemClock.now_ms();
    let known = all(engine).await?;
    let is_over = |one: &&Found| {
        one.link.used_ms.unwrap_or(one.link.ends_ms).saturating_add(KNOWN_MS) < now_ms
    };
    let over: Vec<Note> =
        known.iter().filter(is_over).map(|one| Note::remove(AREA, &one.key)).collect();
    if known.len().saturating_sub(over.len()) >= LINKS_MAX {
        return Err(NotMade::TooMany);
    }
    let token = random().ok_or(NotMade::NoRandomness)?;
    let key = mark(token.expose());
    let value = serde_json::to_vec(link).unwrap_or_default();
    let mut notes = over;
    notes.push(Note::put(AREA, &key, value).only_if(Expected::Absent));
    engine.put_notes(notes).await?;
    Ok((token, key))
}

impl Found {
    /// Stores a change. False when another request changed the link meanwhile.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn change(
        &mut self,
        engine: &Engine,
        change: impl FnOnce(&mut Link),
    ) -> Result<bool, atsync::Error> {
        let mut link = self.link.clone();
        change(&mut link);
        let value = serde_json::to_vec(&link).unwrap_or_default();
        let before = Expected::Value(self.value.clone());
        let note = Note::put(AREA, &self.key, value.clone()).only_if(before);
        match engine.put_notes(vec![note]).await {
            Ok(()) => {
                (self.link, self.value) = (link, value);
                Ok(true)
            }
            Err(error) if matches!(error.cause::<StoreError>(), Some(StoreError::Stale(_))) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Removes the link.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn remove(&self, engine: &Engine) -> Result<(), atsync::Error> {
        engine.put_notes(vec![Note::remove(AREA, &self.key)]).await
    }
}
