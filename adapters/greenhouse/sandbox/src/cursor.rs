//! The opaque cursor of a list: URL-safe base64, padding included, of the original query and the id
//! where the next page starts.
//!
//! This is keyset pagination: rows that are added during a scan do not shift pages, and a cursor
//! holds no snapshot.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde::{Deserialize, Serialize};

/// The longest cursor that is read; fifty ids in each of several filters fit.
const CURSOR_CHARS_MAX: usize = 16_384;

/// The content of a cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// The original query, decoded.
    pub(crate) query: Vec<(String, String)>,
    /// The first id of the page.
    pub(crate) id: i64,
    pub(crate) page: u64,
    pub(crate) original_request_id: String,
    pub(crate) made_ms: i64,
    pub(crate) collection: String,
}

impl Cursor {
    /// Encodes it for a URL.
    pub(crate) fn encode(&self) -> String {
        let text = URL_SAFE.encode(serde_json::to_vec(self).unwrap_or_default());
        text.replace('=', "%3D")
    }

    /// Decodes a query value that was percent-decoded.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        if text.len() > CURSOR_CHARS_MAX {
            return None;
        }
        serde_json::from_slice(&URL_SAFE.decode(text).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_own_url() {
        let cursor = Cursor {
            query: vec![("updated_at".into(), "gte|2026-01-01T00:00:00Z".into())],
            id: 6_409_476_002,
            page: 2,
            original_request_id: "ab".into(),
            made_ms: 7,
            collection: "jobs".into(),
        };
        let text = cursor.encode();
        assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "-_%".contains(c)), "{text}");
        assert_eq!(Cursor::decode(&text.replace("%3D", "=")), Some(cursor));
        assert_eq!(Cursor::decode("nonsense"), None);
    }
}
