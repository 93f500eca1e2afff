//! Notes: small named values beside the records, for what the engine or its host keeps with a
//! connection, or with the store as a whole.
//!
//! A note has an area and a key below it; its value is bytes that the store does not read. Several
//! notes change in one transaction, each on a condition, so that a reader who decides by a note can
//! have its decision refused when the note changed meanwhile. That is enough for what a host needs
//! beside records: hints that wait, sealed secrets, keys of requests that were answered.
//!
//! Bounds: [`super::limits`]. Left out: search, and candidates' data: an erasure does not look into
//! notes, so none may be written there.

use super::error::StoreError;

/// The name under which notes of the store as a whole are kept. A connection's name has no control
/// character, so none can have it.
pub const WHOLE_STORE: &str = "\u{1}store";

/// A change of one note: small bytes under a name, beside the records.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// What kind of note it is.
    pub area: String,
    /// Its key within the area; keys are listed in the order of their bytes.
    pub key: String,
    /// The value from now on; none removes the note.
    pub value: Option<Vec<u8>>,
    /// What must hold before the change.
    pub expected: Expected,
}

/// The condition of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// None.
    #[default]
    Anything,
    /// There is no such note.
    Absent,
    /// The note has this value.
    Value(Vec<u8>),
}

impl Note {
    /// Writes a note, whatever it was before.
    pub fn put(area: &str, key: &str, value: impl Into<Vec<u8>>) -> Self {
        Self {
            area: area.to_owned(),
            key: key.to_owned(),
            value: Some(value.into()),
            expected: Expected::Anything,
        }
    }

    /// Removes a note, if there is one.
    pub fn remove(area: &str, key: &str) -> Self {
        Self {
            area: area.to_owned(),
            key: key.to_owned(),
            value: None,
            expected: Expected::Anything,
        }
    }

    /// The same change, on a condition.
    #[must_use]
    pub fn only_if(self, expected: Expected) -> Self {
        Self { expected, ..self }
    }

    /// Whether the condition holds for what is stored.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it does not.
    pub(super) fn holds(&self, stored: Option<&[u8]>) -> Result<(), StoreError> {
        let holds = match &self.expected {
            Expected::Anything => true,
            Expected::Absent => stored.is_none(),
            Expected::Value(value) => stored == Some(value.as_slice()),
        };
        if holds {
            return Ok(());
        }
        Err(StoreError::Stale(format!(
            "the note {}/{} is another than the caller read; nothing was written, so read it again",
            self.area, self.key
        )))
    }
}
