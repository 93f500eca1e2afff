//! The checks that every part of an answer shares: lengths, names, ids, references, JSON.

use crate::adapter::AdapterError;
use crate::adapter::limits::{NAME_BYTES_MAX, TEXT_BYTES_MAX};
use crate::json::Sound;
use atsync_model::contract::RemoteRef;
use atsync_model::manifest::Manifest;

/// A breach of the contract.
pub(super) fn broke(text: impl Into<String>) -> AdapterError {
    AdapterError::Contract(text.into())
}

/// Refuses a value that is too long or too large.
pub(super) fn bounded(what: &str, found: usize, allowed: usize) -> Result<(), AdapterError> {
    if found <= allowed {
        return Ok(());
    }
    Err(AdapterError::Limit(format!("{what}: {found}, of at most {allowed}")))
}

/// A word that is used as a key: not empty, not long.
pub(super) fn name(what: &str, text: &str) -> Result<(), AdapterError> {
    if text.is_empty() {
        return Err(broke(format!("{what} is empty")));
    }
    bounded(what, text.len(), NAME_BYTES_MAX)
}

/// Whether a text can be a record's id: not empty, at most [`NAME_BYTES_MAX`] bytes, without
/// control characters, and without blanks at its edges. An id is compared byte for byte and becomes
/// part of paths and keys, so two spellings of one id would be two records.
pub(super) fn is_id(text: &str) -> bool {
    id("", text).is_ok()
}

pub(super) fn id(what: &str, text: &str) -> Result<(), AdapterError> {
    name(what, text)?;
    if text.contains(char::is_control) || text.trim().len() != text.len() {
        return Err(broke(format!("{what} has control characters, or blanks at its edges")));
    }
    Ok(())
}

/// A text for people.
pub(super) fn text(what: &str, text: &str) -> Result<(), AdapterError> {
    bounded(what, text.len(), TEXT_BYTES_MAX)
}

pub(super) fn kind(manifest: &Manifest, kind: &str) -> Result<(), AdapterError> {
    if manifest.kind(kind).is_some() {
        return Ok(());
    }
    Err(broke("a kind is named that the manifest does not list"))
}

pub(super) fn remote_ref(manifest: &Manifest, found: &RemoteRef) -> Result<(), AdapterError> {
    kind(manifest, &found.kind)?;
    id("an id", &found.id)
}

/// JSON of any kind that can be stored, read to its end.
pub(super) fn json(what: &str, text: &str) -> Result<(), AdapterError> {
    match serde_json::from_str::<Sound>(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(not_json(what, &error)),
    }
}

/// The place of a fault in JSON. Serde's own message may quote the text, so only the place is
/// reported.
pub(super) fn not_json(what: &str, error: &serde_json::Error) -> AdapterError {
    broke(format!(
        "{what} is not JSON as it should be, at line {}, column {}",
        error.line(),
        error.column()
    ))
}
