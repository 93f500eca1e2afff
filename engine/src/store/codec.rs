//! Encodes keys and values as bytes. No other module knows the encoding.
//!
//! A key is a tuple of parts; its encoding sorts like the tuple. A text part is its bytes with each
//! `00` written as `00 ff`, closed by `00 01`: the close is smaller than whatever can follow inside
//! a text, so a text sorts before every longer one, and the range of key `a` never covers key `ab`.
//! A connection's number is one byte for each seven bits ([`Key::at`]), any other number eight
//! bytes, big-endian. A part that comes out of a body may be of any length; beyond the limit of a
//! key its digest stands for it, behind `00 02`: no text begins so. A value begins with a format
//! byte, so that a later layout can tell an earlier one; fields follow as big-endian numbers and as
//! byte strings with a four-byte length.
//!
//! Bounds: [`super::check`] checks the parts before. Left out: what the parts mean.

use super::StoreError;
use super::limits::KEY_BYTES_MAX;
use sha2::{Digest, Sha256};
use std::ops::Range;

const ESCAPE: u8 = 0x00;
const ESCAPED_ZERO: u8 = 0xff;
const CLOSE: u8 = 0x01;
const DIGEST: u8 = 0x02;

/// A key, or the beginning of one, under construction.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// The key that begins with a name.
    pub(crate) fn of(name: &str) -> Self {
        Self(Vec::with_capacity(64)).text(name)
    }

    /// The key that begins with a connection's number, as nearly all do: seven bits a byte, the
    /// lowest first, the highest bit set in each but the last. So no number begins another one.
    pub(crate) fn at(number: u64) -> Self {
        let (mut key, mut rest) = (Vec::with_capacity(64), number);
        loop {
            let [low, ..] = rest.to_le_bytes();
            rest >>= 7;
            if rest == 0 {
                key.push(low & 0x7f);
                return Self(key);
            }
            key.push(low | 0x80);
        }
    }

    /// Adds a text part.
    pub(crate) fn text(mut self, part: &str) -> Self {
        self.push_escaped(part);
        self.0.extend_from_slice(&[ESCAPE, CLOSE]);
        self
    }

    /// Adds a text part of any length, to be looked up by: a longer one than a key may have as its
    /// digest. Such a part cannot be read back.
    pub(crate) fn sought(mut self, part: &str) -> Self {
        if part.len() <= KEY_BYTES_MAX {
            return self.text(part);
        }
        self.0.extend_from_slice(&[ESCAPE, DIGEST]);
        self.0.extend_from_slice(&Sha256::digest(part.as_bytes()));
        self
    }

    /// Adds the beginning of a text part: what follows is any text that begins so. Only for ranges.
    pub(crate) fn text_beginning(mut self, part: &str) -> Self {
        self.push_escaped(part);
        self
    }

    /// Adds a number.
    pub(crate) fn number(mut self, part: u64) -> Self {
        self.0.extend_from_slice(&part.to_be_bytes());
        self
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// All keys that begin with this one.
    pub(crate) fn within(self) -> Range<Vec<u8>> {
        let end = self.successor();
        self.0..end
    }

    /// The keys that begin with this one and come after `last`, a key that begins so too.
    pub(crate) fn within_after(self, last: Self) -> Range<Vec<u8>> {
        let end = self.successor();
        let mut start = last.0;
        // The smallest byte string above a key is the key with a zero behind it.
        start.push(0);
        start..end
    }

    /// The smallest byte string that is above all that begin with this one.
    fn successor(&self) -> Vec<u8> {
        let mut end = self.0.clone();
        while let Some(last) = end.pop() {
            if let Some(next) = last.checked_add(1) {
                end.push(next);
                return end;
            }
        }
        // Nothing is above a prefix of `ff` bytes alone. UTF-8 has no `ff`, so only the empty
        // prefix comes here, and no key begins with nine of them (a number has eight).
        vec![0xff; 9]
    }

    fn push_escaped(&mut self, part: &str) {
        if part.as_bytes().contains(&ESCAPE) {
            for byte in part.bytes() {
                self.0.push(byte);
                if byte == ESCAPE {
                    self.0.push(ESCAPED_ZERO);
                }
            }
        } else {
            self.0.extend_from_slice(part.as_bytes());
        }
    }
}

/// Reads the parts of a key in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyReader<'a>(&'a [u8]);

impl<'a> KeyReader<'a> {
    /// Begins behind the parts that the key is known to begin with.
    pub(crate) fn after(key: &'a [u8], beginning: &Key) -> Result<Self, StoreError> {
        key.strip_prefix(beginning.bytes()).map(Self).ok_or_else(|| damaged("a key"))
    }

    /// Whether all parts are read.
    pub(crate) fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    /// The next part, a text.
    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        let mut text = Vec::new();
        let mut rest = self.0.iter();
        loop {
            match rest.next() {
                Some(&ESCAPE) => match rest.next() {
                    Some(&ESCAPED_ZERO) => text.push(ESCAPE),
                    Some(&CLOSE) => break,
                    _ => return Err(damaged("a key")),
                },
                Some(&byte) => text.push(byte),
                None => return Err(damaged("a key")),
            }
        }
        self.0 = rest.as_slice();
        String::from_utf8(text).map_err(|_| damaged("a key"))
    }

    /// The next part, a number.
    pub(crate) fn number(&mut self) -> Result<u64, StoreError> {
        let (number, rest) = self.0.split_first_chunk().ok_or_else(|| damaged("a key"))?;
        self.0 = rest;
        Ok(u64::from_be_bytes(*number))
    }
}

/// A value under construction.
#[derive(Debug)]
pub(crate) struct ValueWriter(Vec<u8>);

impl ValueWriter {
    /// Begins with the format byte.
    pub(crate) fn new(format: u8, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(capacity.saturating_add(64));
        bytes.push(format);
        Self(bytes)
    }

    /// Adds a byte.
    pub(crate) fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    /// Adds a number.
    pub(crate) fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Adds a length.
    pub(crate) fn length(mut self, length: usize) -> Self {
        // The limits of the store keep every string far below four gigabytes.
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        debug_assert!(length < u32::MAX, "a string of a value fits its length");
        self.0.extend_from_slice(&length.to_be_bytes());
        self
    }

    /// Adds bytes without their length: the last field.
    pub(crate) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Adds a byte string.
    pub(crate) fn string(self, bytes: &[u8]) -> Self {
        self.length(bytes.len()).bytes(bytes)
    }

    /// The bytes.
    pub(crate) fn done(self) -> Vec<u8> {
        self.0
    }
}

/// Reads the fields of a value in order.
#[derive(Debug)]
pub(crate) struct ValueReader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> ValueReader<'a> {
    /// Begins after the format byte, which must be `format`. `what` names the value in errors.
    pub(crate) fn new(bytes: &'a [u8], format: u8, what: &'static str) -> Result<Self, StoreError> {
        match bytes.split_first() {
            Some((first, rest)) if *first == format => Ok(Self { rest, what }),
            _ => Err(damaged(what)),
        }
    }

    /// The next byte.
    pub(crate) fn byte(&mut self) -> Result<u8, StoreError> {
        let (byte, rest) = self.rest.split_first().ok_or_else(|| damaged(self.what))?;
        self.rest = rest;
        Ok(*byte)
    }

    /// The next number.
    pub(crate) fn number(&mut self) -> Result<u64, StoreError> {
        let (number, rest) = self.rest.split_first_chunk().ok_or_else(|| damaged(self.what))?;
        self.rest = rest;
        Ok(u64::from_be_bytes(*number))
    }

    /// The next length.
    pub(crate) fn length(&mut self) -> Result<usize, StoreError> {
        let (length, rest) = self.rest.split_first_chunk().ok_or_else(|| damaged(self.what))?;
        self.rest = rest;
        usize::try_from(u32::from_be_bytes(*length)).map_err(|_| damaged(self.what))
    }

    /// All the bytes that are left: the last field.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// The next string, which must be text.
    pub(crate) fn text(&mut self) -> Result<&'a str, StoreError> {
        let length = self.length()?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or_else(|| damaged(self.what))?;
        self.rest = rest;
        std::str::from_utf8(text).map_err(|_| damaged(self.what))
    }
}

/// The error for bytes that this version did not write.
pub(crate) fn damaged(what: &str) -> StoreError {
    StoreError::Unusable(format!(
        "{what} in the store cannot be read: the file is damaged or was written by another \
         version; restore a copy of it, or move \
         it away and pull again"
    ))
}

#[cfg(test)]
mod tests {
    use super::{Key, KeyReader, ValueReader, ValueWriter};
    use proptest::prelude::*;

    fn key(connection: &str, number: u64, id: &str) -> Key {
        Key::of(connection).number(number).text(id)
    }

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof!["[\u{0}\u{1}ab\u{ff}]{0,4}", any::<String>()]
    }

    /// Texts around the limit of a key, and short ones.
    fn long() -> impl Strategy<Value = String> {
        prop_oneof![texts(), (510..515_usize).prop_map(|length| "\u{2}".repeat(length))]
    }

    proptest! {
        #[test]
        fn keys_sort_as_their_tuples(a in (texts(), any::<u64>(), texts()),
            b in (texts(), any::<u64>(), texts())) {
            let tuples = (a.0.as_bytes(), a.1,
                a.2.as_bytes()).cmp(&(b.0.as_bytes(), b.1, b.2.as_bytes()));
            prop_assert_eq!(key(&a.0, a.1, &a.2).cmp(&key(&b.0, b.1, &b.2)), tuples);
        }

        #[test]
        fn a_key_is_read_as_it_was_written((a, n, b) in (texts(), any::<u64>(), texts())) {
            let key = key(&a, n, &b);
            let mut reader = KeyReader::after(key.bytes(), &Key::default()).unwrap();
            prop_assert_eq!(reader.text().unwrap(), a);
            prop_assert_eq!(reader.number().unwrap(), n);
            prop_assert_eq!(reader.text().unwrap(), b);
        }

        #[test]
        fn a_range_covers_its_own_keys_alone(a in texts(), b in texts(), id in texts()) {
            let range = Key::of(&a).within();
            prop_assert!(range.contains(&Key::of(&a).text(&id).bytes().to_vec()));
            prop_assert_eq!(range.contains(&Key::of(&b).text(&id).bytes().to_vec()), a == b);
            let begins = Key::of("c").text_beginning(&a).within();
            prop_assert_eq!(begins.contains(&Key::of("c").text(&b).bytes().to_vec()),
                b.starts_with(&a));
        }

        #[test]
        fn a_part_of_any_length_is_found_by_itself_alone(a in long(), b in long(), id in texts()) {
            let range = Key::of("c").sought(&a).within();
            let key = Key::of("c").sought(&b).text(&id);
            prop_assert_eq!(range.contains(&key.bytes().to_vec()), a == b);
            let read = KeyReader::after(key.bytes(), &Key::of("c").sought(&b)).unwrap().text();
            prop_assert_eq!(read.unwrap(), id);
        }

        #[test]
        fn the_keys_of_one_connection_are_those_of_no_other(
            a in any::<u64>(), b in prop_oneof![0..300_u64, any::<u64>()], id in texts()) {
            let key = Key::at(b).text(&id);
            prop_assert_eq!(Key::at(a).within().contains(&key.bytes().to_vec()), a == b);
            prop_assert!(Key::at(b).within().contains(&key.bytes().to_vec()));
        }

        #[test]
        fn a_range_goes_on_after_its_last_key(a in texts(), last in texts(), id in texts()) {
            let range = Key::of(&a).within_after(Key::of(&a).text(&last));
            prop_assert_eq!(range.contains(&Key::of(&a).text(&id).bytes().to_vec()),
                id.as_bytes() > last.as_bytes());
        }

        #[test]
        fn foreign_bytes_are_refused_and_never_panic(bytes in any::<Vec<u8>>()) {
            let mut reader = KeyReader::after(&bytes, &Key::default()).unwrap();
            while reader.text().is_ok() && reader.number().is_ok() {}
            if let Ok(mut reader) = ValueReader::new(&bytes, 1, "a value") {
                while reader.text().is_ok() && reader.number().is_ok() && reader.byte().is_ok() {}
            }
        }

        #[test]
        fn a_value_is_read_as_it_was_written(byte in any::<u8>(), number in any::<u64>(),
            text in texts()) {
            let bytes = ValueWriter::new(3,
                0).byte(byte).number(number).string(text.as_bytes()).done();
            prop_assert!(ValueReader::new(&bytes, 4, "a value").is_err());
            let mut reader = ValueReader::new(&bytes, 3, "a value").unwrap();
            prop_assert_eq!(reader.byte().unwrap(), byte);
            prop_assert_eq!(reader.number().unwrap(), number);
            prop_assert_eq!(reader.text().unwrap(), text);
            prop_assert!(reader.byte().is_err());
        }
    }
}
