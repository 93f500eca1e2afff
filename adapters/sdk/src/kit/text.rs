//! Texts of compile errors, put together while an adapter is compiled.
//!
//! A constant function can panic with a text, and the text may be one that it has made. There is no
//! allocation in it, so the text lies in a buffer; what does not fit is cut.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    reason = "constant functions have no other access to bytes, and a panic is a compile error"
)]

use std::panic::Location;

const BYTES_MAX: usize = 1024;

/// A text.
#[derive(Clone, Copy)]
pub(crate) struct Text {
    bytes: [u8; BYTES_MAX],
    length: usize,
}

impl Text {
    /// An empty one.
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; BYTES_MAX], length: 0 }
    }

    /// A text that begins with a place of the author's code.
    pub(crate) const fn at(place: &Location<'static>) -> Self {
        Self::new().and(place.file()).and(":").number(place.line()).and(": ")
    }

    /// Appends a text.
    pub(crate) const fn and(mut self, text: &str) -> Self {
        let bytes = text.as_bytes();
        // A character is appended whole or not at all.
        if bytes.len() <= BYTES_MAX - self.length {
            let mut index = 0;
            while index < bytes.len() {
                self.bytes[self.length] = bytes[index];
                self.length += 1;
                index += 1;
            }
        }
        self
    }

    /// Appends a number.
    pub(crate) const fn number(self, number: u32) -> Self {
        let text = if number >= 10 { self.number(number / 10) } else { self };
        let digits = "0123456789";
        let (_, from) = digits.split_at((number % 10) as usize);
        let (digit, _) = from.split_at(1);
        text.and(digit)
    }

    /// Appends names, with commas between them.
    pub(crate) const fn all(mut self, names: &[&str]) -> Self {
        let mut index = 0;
        while index < names.len() {
            if index > 0 {
                self = self.and(", ");
            }
            self = self.and(names[index]);
            index += 1;
        }
        self
    }

    /// Ends the compilation with this text.
    #[track_caller]
    pub(crate) const fn refuse(&self) -> ! {
        let (text, _) = self.bytes.split_at(self.length);
        match std::str::from_utf8(text) {
            Ok(text) => panic!("{}", text),
            Err(_) => panic!("the adapter's data are not as documented"),
        }
    }
}

/// Whether two texts are the same.
pub(crate) const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// Whether a text is one of these.
pub(crate) const fn is_one_of(text: &str, all: &[&str]) -> bool {
    let mut index = 0;
    while index < all.len() {
        if is_same(text, all[index]) {
            return true;
        }
        index += 1;
    }
    false
}

/// Whether a text begins with another one.
pub(crate) const fn begins(text: &str, with: &str) -> bool {
    text.len() >= with.len() && is_same(before(text, with.len()), with)
}

/// The first bytes of a text; all of it where it is shorter or a character lies there.
pub(crate) const fn before(text: &str, length: usize) -> &str {
    if text.is_char_boundary(length) { text.split_at(length).0 } else { text }
}

/// Where a byte of ASCII stands first; the length of the text where it does not.
pub(crate) const fn find(text: &str, byte: u8) -> usize {
    let bytes = text.as_bytes();
    let mut index = 0;
    while index < bytes.len() && bytes[index] != byte {
        index += 1;
    }
    index
}

/// Whether each byte of a text is one of these, or lies between these.
pub(crate) const fn is_made_of(text: &str, ranges: &[(u8, u8)]) -> bool {
    let bytes = text.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        let mut range = 0;
        while range < ranges.len()
            && !(ranges[range].0 <= bytes[index] && bytes[index] <= ranges[range].1)
        {
            range += 1;
        }
        if range == ranges.len() {
            return false;
        }
        index += 1;
    }
    true
}
