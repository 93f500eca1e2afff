//! Opaque cursors: URL-safe base64, padding included, of what a sandbox needs to continue a list.
//!
//! The content is the sandbox's own type. A cursor holds no snapshot: whoever reads it serves the
//! rows as they are then. Bound: [`CURSOR_CHARS_MAX`].

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest cursor that is read; fifty ids in each of several filters fit.
const CURSOR_CHARS_MAX: usize = 16_384;

/// Encodes the content of a cursor for a URL.
#[must_use]
pub fn encode(content: &impl Serialize) -> String {
    URL_SAFE.encode(serde_json::to_vec(content).unwrap_or_default()).replace('=', "%3D")
}

/// Decodes a query value that was percent-decoded.
#[must_use]
pub fn decode<T: DeserializeOwned>(text: &str) -> Option<T> {
    if text.len() > CURSOR_CHARS_MAX {
        return None;
    }
    serde_json::from_slice(&URL_SAFE.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_own_url() {
        let content =
            (vec![("updated_at".to_owned(), "gte|2026-01-01".to_owned())], 6_409_476_002_i64);
        let text = encode(&content);
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "-_%".contains(c)), "{text}");
        assert_eq!(decode(&text.replace("%3D", "=")), Some(content));
        assert_eq!(decode::<i64>("nonsense"), None);
    }
}
