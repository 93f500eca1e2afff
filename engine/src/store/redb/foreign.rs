//! Reads arbitrary bytes as rows: for the fuzz targets (feature `testing`).
//!
//! A file can be damaged, or come from a later version. Each form reads a value and writes the
//! result, so that a target can check that reading refuses rather than panics, names what it
//! refused, and that a value is written as it was read. Left out: the texts that say what the file
//! is; they are read when it is opened.

use super::tables::{OrFailed, from_json, number_of, number_value, to_json};
use super::{desired, feed, identity, row};
use crate::journal::Intent;
use crate::store::codec::{Key, KeyReader, damaged};
use crate::store::{ConnectionRow, LinkRow, ScanState, StoreError, SweepState};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The database of a closed store, for tests that read below the store.
///
/// # Errors
/// When the file cannot be opened, or is no store of this layout.
pub fn database(path: &std::path::Path) -> Result<::redb::Database, StoreError> {
    let file = super::files::open(path).map_err(|error| StoreError::Io(error.to_string()))?;
    let pages = super::pages::Pages::open(::redb::backends::FileBackend::new(file).or_failed()?);
    ::redb::Builder::new().create_with_backend(pages).or_failed()
}

/// Reads a value and writes it again.
pub type Form = fn(&[u8]) -> Result<Vec<u8>, StoreError>;

/// Every form of a stored value, under its name in refusals.
pub const FORMS: [(&str, Form); 11] = [
    ("an observed record", row::rewritten),
    ("a desired record", desired::rewritten),
    ("a change event", feed::rewritten),
    ("an alias", identity::rewritten),
    ("a counter", |value| number_of(value).map(number_value)),
    ("a key", key),
    ("a connection", |value| json::<ConnectionRow>(value, "a connection")),
    ("a scan's state", |value| json::<ScanState>(value, "a scan's state")),
    ("a sweep's state", |value| json::<SweepState>(value, "a sweep's state")),
    ("a link", |value| json::<LinkRow>(value, "a link")),
    ("an intent", |value| json::<Intent>(value, "an intent")),
];

/// A row in JSON. The written value is read once more here, where its type is known.
fn json<T: DeserializeOwned + Serialize + PartialEq>(
    value: &[u8],
    what: &str,
) -> Result<Vec<u8>, StoreError> {
    let row: T = from_json(value, what)?;
    let written = to_json(&row)?;
    if from_json::<T>(&written, what)? == row {
        return Ok(written);
    }
    Err(StoreError::Invalid(format!("{what} reads otherwise than it was written")))
}

/// A key of a text, a number and a text: the parts that keys are made of. A key has one form only,
/// so one that can be read is as it would be written.
fn key(value: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut parts = KeyReader::after(value, &Key::default())?;
    let read = Key::of(&parts.text()?).number(parts.number()?).text(&parts.text()?);
    match (parts.is_done(), read.bytes() == value) {
        (false, _) => Err(damaged("a key")),
        (true, true) => Ok(value.to_vec()),
        (true, false) => {
            Err(StoreError::Invalid("a key reads otherwise than it was written".to_owned()))
        }
    }
}
