//! The encoding of an observed record in the file.
//!
//! A row is a head of fixed length and four texts: version, names of the known fields, body, raw
//! JSON. The texts are packed ([`super::packed`]) where that is shorter, so a row is read in two
//! steps: [`Stored::read`] reads the head and unpacks, [`Stored::row`] borrows the texts.
//!
//! Left out: reading and writing rows; see [`super::observed`] and [`super::page`].

use super::packed;
use super::place::Place;
use crate::store::codec::{Key, ValueReader, ValueWriter, damaged};
use crate::store::merge::{self, Held};
use crate::store::{ObservedRow, StoreError};
use std::borrow::Cow;

const FORMAT: u8 = 2;
const WHAT: &str = "an observed record";
const GONE: u8 = 1;
const HAS_VERSION: u8 = 2;
const HAS_RAW: u8 = 4;
const PACKED: u8 = 8;
const MOVED_IN: u8 = 16;

/// A row as it was read from the file.
#[derive(Debug)]
pub(super) struct Stored<'v> {
    flags: u8,
    changed_ms: u64,
    told: u64,
    texts: Cow<'v, str>,
    /// Where version, known fields and body end in the texts.
    ends: [usize; 3],
}

impl<'v> Stored<'v> {
    /// Reads a row and checks that each of its texts is one.
    pub(super) fn read(value: &'v [u8]) -> Result<Self, StoreError> {
        let mut reader = ValueReader::new(value, FORMAT, WHAT)?;
        let flags = reader.byte()?;
        let (changed_ms, told) = (reader.number()?, reader.number()?);
        let ends = [reader.length()?, reader.length()?, reader.length()?];
        let size = reader.length()?;
        let bytes = reader.rest();
        let texts = if flags & PACKED != 0 {
            Cow::Owned(packed::unpack(bytes, size, WHAT)?)
        } else {
            let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() == size);
            Cow::Borrowed(text.ok_or_else(|| damaged(WHAT))?)
        };
        let stored = Self { flags, changed_ms, told, texts, ends };
        stored.parts().ok_or_else(|| damaged(WHAT))?;
        Ok(stored)
    }

    /// The four texts; `None` where an end is beyond the next one or inside a character.
    fn parts(&self) -> Option<[&str; 4]> {
        let [version, known, body] = self.ends;
        Some([
            self.texts.get(..version)?,
            self.texts.get(version..known)?,
            self.texts.get(known..body)?,
            self.texts.get(body..)?,
        ])
    }

    /// Whether it is a tombstone.
    pub(super) fn is_gone(&self) -> bool {
        self.flags & GONE != 0
    }

    /// The row.
    pub(super) fn row(&self) -> Row<'_> {
        let [version, known, body, raw] = self.parts().unwrap_or_default();
        Row {
            gone: self.is_gone(),
            changed_ms: self.changed_ms,
            told: self.told,
            moved_in: self.flags & MOVED_IN != 0,
            version: (self.flags & HAS_VERSION != 0).then_some(version),
            known,
            body,
            raw: (self.flags & HAS_RAW != 0).then_some(raw),
        }
    }
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) gone: bool,
    pub(super) changed_ms: u64,
    /// The serial of the event that reads its record from here; 0 for none. See [`super::feed`].
    pub(super) told: u64,
    /// See [`ObservedRow::moved_in`].
    pub(super) moved_in: bool,
    pub(super) version: Option<&'a str>,
    pub(super) known: &'a str,
    pub(super) body: &'a str,
    pub(super) raw: Option<&'a str>,
}

impl<'a> Row<'a> {
    /// The value to write.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut flags = 0;
        for (holds, flag) in [
            (self.gone, GONE),
            (self.version.is_some(), HAS_VERSION),
            (self.raw.is_some(), HAS_RAW),
            (self.moved_in, MOVED_IN),
        ] {
            if holds {
                flags |= flag;
            }
        }
        let texts =
            [self.version.unwrap_or_default(), self.known, self.body, self.raw.unwrap_or_default()];
        let all = texts.concat();
        let packed = packed::pack(&all);
        let (flags, bytes) = if packed.len() < all.len() {
            (flags | PACKED, packed.as_slice())
        } else {
            (flags, all.as_bytes())
        };
        let value = ValueWriter::new(FORMAT, bytes.len()).byte(flags);
        let mut value = value.number(self.changed_ms).number(self.told);
        let mut end = 0_usize;
        for text in &texts[..3] {
            end = end.saturating_add(text.len());
            value = value.length(end);
        }
        value.length(all.len()).bytes(bytes).done()
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
            moved_in: self.moved_in,
        }
    }
}

/// Reads a value and writes it again; see [`super::foreign`].
#[cfg(any(test, feature = "testing"))]
pub(super) fn rewritten(value: &[u8]) -> Result<Vec<u8>, StoreError> {
    Ok(Stored::read(value)?.row().encode())
}

/// The key of a record.
pub(super) fn key(connection: &Place, kind: &str, id: &str) -> Key {
    connection.key().text(kind).text(id)
}
