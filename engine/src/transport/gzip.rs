//! Unpacks gzip, and tells it from clear text that only carries its label.
//!
//! An answer is labelled by `Content-Encoding: gzip`. Some servers and proxies send clear text
//! under that label, with a `Content-Length` that fits; the first two bytes of every gzip member
//! tell (RFC 1952). A body that begins like gzip and does not unpack to its end, checksum included,
//! is cut or broken, never clear text. A lone first byte of the two counts as a cut body, since no
//! JSON and no HTML begins with it.
//!
//! Bounds: the unpacked body is at most as long as the caller allows. Left out: other encodings,
//! which the product does not ask for.

use flate2::read::MultiGzDecoder;
use reqwest::header::{GetAll, HeaderValue};
use std::io::Read;

/// The bytes that every gzip member begins with.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Whether the headers say that the body is gzip, and nothing else.
pub(super) fn is_labelled(encodings: GetAll<'_, HeaderValue>) -> bool {
    let words =
        encodings.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let words: Vec<String> = words
        .map(|word| word.trim().to_ascii_lowercase())
        .filter(|word| !word.is_empty() && word != "identity")
        .collect();
    matches!(words.as_slice(), [word] if word == "gzip" || word == "x-gzip")
}

/// Whether a labelled body is gzip, be it a cut one.
pub(super) fn is_packed(body: &[u8]) -> bool {
    !body.is_empty() && MAGIC.iter().zip(body).all(|(magic, byte)| magic == byte)
}

/// The clear text of a packed body.
///
/// # Errors
/// What is wrong with it: cut, broken, or longer than `bytes_max` once unpacked.
pub(super) fn unpacked(body: &[u8], bytes_max: usize) -> Result<Vec<u8>, String> {
    read_bounded(MultiGzDecoder::new(body), bytes_max)
}

/// Reads one byte more than the bound at most, so that a body of any length costs bounded memory.
fn read_bounded(unpacking: impl Read, bytes_max: usize) -> Result<Vec<u8>, String> {
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut clear = Vec::new();
    unpacking
        .take(limit)
        .read_to_end(&mut clear)
        .map_err(|error| format!("a compressed body that is cut or broken: {error}"))?;
    if clear.len() > bytes_max {
        return Err(format!("a body of more than {bytes_max} bytes once unpacked"));
    }
    Ok(clear)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{CONTENT_ENCODING, HeaderMap};

    fn labelled(values: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_ENCODING, HeaderValue::from_str(value).unwrap());
        }
        is_labelled(headers.get_all(CONTENT_ENCODING))
    }

    #[test]
    fn only_one_gzip_is_a_label() {
        assert!(labelled(&["gzip"]) && labelled(&["X-GZIP"]) && labelled(&["identity, gzip"]));
        assert!(!labelled(&[]) && !labelled(&["identity"]) && !labelled(&["br"]));
        assert!(!labelled(&["gzip, gzip"]) && !labelled(&["br", "gzip"]));
    }

    /// A body without an end.
    struct Endless {
        bytes: usize,
    }

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.bytes += buffer.len();
            assert!(self.bytes < 1 << 20, "{} bytes were unpacked", self.bytes);
            Ok(buffer.len())
        }
    }

    #[test]
    fn no_more_is_unpacked_than_one_byte_beyond_the_bound() {
        let mut endless = Endless { bytes: 0 };
        assert!(read_bounded(&mut endless, 1_000).unwrap_err().contains("more than 1000 bytes"));
        assert_eq!(endless.bytes, 1_001);
        assert_eq!(read_bounded(&[7; 1_000][..], 1_000).unwrap().len(), 1_000);
    }

    #[test]
    fn clear_text_never_begins_like_gzip() {
        for text in [&b"{\"id\":1}"[..], b"[]", b"<html>", b""] {
            assert!(!is_packed(text));
        }
        assert!(is_packed(&[0x1f, 0x8b, 8]) && is_packed(&[0x1f]));
        assert!(unpacked(&[0x1f], 100).is_err());
    }
}
