//! A connection within the file: its name, and the number that stands for the name in keys.
//!
//! Each row has the connection in its key, and so have the entries of the indexes, of which a
//! record has several. A name has up to some hundred bytes, and the number one or two.
//!
//! Left out: how a connection gets its number; see [`super::names`].

use crate::store::codec::Key;

/// A connection within the file.
#[derive(Clone, Debug)]
pub(super) struct Place {
    name: String,
    number: u64,
}

impl Place {
    /// The connection of this name, which has this number.
    pub(super) fn new(name: String, number: u64) -> Self {
        Self { name, number }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its number.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The beginning of its keys.
    pub(super) fn key(&self) -> Key {
        Key::at(self.number)
    }
}
