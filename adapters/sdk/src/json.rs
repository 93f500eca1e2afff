//! Writes a record as JSON, in the way that costs a guest least.
//!
//! serde_json writes a record in some hundred pieces: names, marks, values. A copy of a length that
//! is not known before is a call of the host in WebAssembly (`memory.copy`), which costs more than
//! a short piece itself. Here short pieces are copied in steps of fixed lengths.
//!
//! Left out: reading, see [`crate::rows`].

use serde::Serialize;
use serde::ser::Error as _;
use std::io;

/// The longest piece that is copied in steps; a call of the host is faster from about here on.
const SHORT: usize = 64;

/// Returns a value as JSON. `bytes`: the length that the text probably has.
///
/// # Errors
/// serde's error when the value has no JSON, such as a map whose keys are not texts.
pub fn text<T: Serialize>(value: &T, bytes: usize) -> Result<String, serde_json::Error> {
    let mut pieces = Pieces(Vec::with_capacity(bytes));
    serde_json::to_writer(&mut pieces, value)?;
    // JSON is written as UTF-8; this checks it all the same.
    String::from_utf8(pieces.0).map_err(serde_json::Error::custom)
}

/// A text that grows by short pieces.
struct Pieces(Vec<u8>);

impl io::Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.len() > SHORT {
            self.0.extend_from_slice(bytes);
            return Ok(());
        }
        let mut rest = bytes;
        while let Some((step, after)) = rest.split_first_chunk::<8>() {
            self.0.extend_from_slice(step);
            rest = after;
        }
        if let Some((step, after)) = rest.split_first_chunk::<4>() {
            self.0.extend_from_slice(step);
            rest = after;
        }
        if let Some((step, after)) = rest.split_first_chunk::<2>() {
            self.0.extend_from_slice(step);
            rest = after;
        }
        self.0.extend(rest.first());
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Pieces, SHORT, text};
    use std::io::Write as _;

    #[test]
    fn pieces_of_every_length_are_written_whole() {
        let all: Vec<u8> = (0..=u8::MAX).collect();
        for length in 0..=2 * SHORT {
            let mut pieces = Pieces(Vec::new());
            assert_eq!(pieces.write(&all[..length]).unwrap(), length);
            pieces.write_all(b"|").unwrap();
            assert_eq!(pieces.0, [&all[..length], b"|"].concat());
        }
    }

    #[test]
    fn a_value_is_written_as_serde_json_writes_it() {
        let value = serde_json::json!({"name": "Ada \"Byron\"\n", "at": [1, 2.5, null, true],
            "long": "x".repeat(200), "": {}});
        assert_eq!(text(&value, 0).unwrap(), value.to_string());
        let keyed: std::collections::BTreeMap<Vec<u8>, u8> = [(vec![1], 2)].into();
        assert!(text(&keyed, 0).is_err());
    }
}
