//! The encoding of an observed record in the file.
//!
//! Left out: reading and writing rows; see [`super::observed`] and [`super::page`].

use crate::store::codec::{Key, ValueReader, ValueWriter};
use crate::store::merge::{self, Held};
use crate::store::{ObservedRow, StoreError};

const FORMAT: u8 = 1;
const WHAT: &str = "an observed record";
const GONE: u8 = 1;
const HAS_VERSION: u8 = 2;
const HAS_RAW: u8 = 4;

/// A row as it is stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) gone: bool,
    pub(super) changed_ms: u64,
    /// The serial of the event that reads its record from here; 0 for none. See [`feed`].
    pub(super) told: u64,
    pub(super) version: Option<&'a str>,
    pub(super) known: &'a str,
    pub(super) body: &'a str,
    pub(super) raw: Option<&'a str>,
}

impl<'a> Row<'a> {
    /// Reads a row.
    pub(super) fn decode(value: &'a [u8]) -> Result<Self, StoreError> {
        let mut reader = ValueReader::new(value, FORMAT, WHAT)?;
        let flags = reader.byte()?;
        let (changed_ms, told) = (reader.number()?, reader.number()?);
        let (version, known, body, raw) =
            (reader.text()?, reader.text()?, reader.text()?, reader.text()?);
        let version = (flags & HAS_VERSION != 0).then_some(version);
        let raw = (flags & HAS_RAW != 0).then_some(raw);
        Ok(Self { gone: flags & GONE != 0, changed_ms, told, version, known, body, raw })
    }

    /// The value to write.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut flags = 0;
        for (holds, flag) in [
            (self.gone, GONE),
            (self.version.is_some(), HAS_VERSION),
            (self.raw.is_some(), HAS_RAW),
        ] {
            if holds {
                flags |= flag;
            }
        }
        let texts =
            [self.version.unwrap_or_default(), self.known, self.body, self.raw.unwrap_or_default()];
        let size = texts.iter().map(|text| text.len()).fold(0, usize::saturating_add);
        let value =
            ValueWriter::new(FORMAT, size).byte(flags).number(self.changed_ms).number(self.told);
        texts.into_iter().fold(value, |value, text| value.string(text.as_bytes())).done()
    }

    /// The stored record, for a merge.
    pub(super) fn held(&self) -> Held<'a> {
        Held { version: self.version, known: self.known, body: self.body, raw: self.raw }
    }

    /// The row as the store returns it.
    pub(super) fn owned(&self, kind: &str, id: String) -> ObservedRow {
        ObservedRow {
            kind: kind.to_owned(),
            id,
            version: self.version.map(str::to_owned),
            body: self.body.to_owned(),
            raw: self.raw.map(str::to_owned),
            known: merge::names(self.known).map(str::to_owned).collect(),
            changed_ms: self.changed_ms,
            gone: self.gone,
        }
    }
}

/// Reads a value and writes it again; see [`super::foreign`].
#[cfg(any(test, feature = "testing"))]
pub(super) fn rewritten(value: &[u8]) -> Result<Vec<u8>, StoreError> {
    Ok(Row::decode(value)?.encode())
}

/// The key of a record.
pub(super) fn key(connection: &str, kind: &str, id: &str) -> Key {
    Key::of(connection).text(kind).text(id)
}
