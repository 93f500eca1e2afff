//! What a host remembers between the two halves of a consent.

use crate::secret::Secret;
use serde::{Deserialize, Serialize};

/// How long a consent may take, from its beginning to its callback.
pub(super) const CONSENT_LIFE_MS: u64 = 10 * 60_000;
/// Bytes of a remembered text; arbitrary, above the longest redirect URI.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// A consent that was begun.
#[derive(Serialize, Deserialize)]
pub(super) struct Remembered {
    pub(super) connection: String,
    pub(super) client_id: String,
    pub(super) token_url: String,
    pub(super) redirect_uri: String,
    #[serde(with = "crate::secret::written")]
    pub(super) state: Secret,
    #[serde(with = "crate::secret::written::option")]
    pub(super) verifier: Option<Secret>,
    pub(super) ends_ms: u64,
}

impl Remembered {
    /// The text to remember.
    pub(super) fn text(&self) -> Secret {
        // Texts and numbers: nothing in it can fail to be written.
        Secret::new(serde_json::to_string(self).unwrap_or_default())
    }

    /// Reads a text that [`Self::text`] made.
    pub(super) fn read(text: &Secret) -> Option<Self> {
        let text = text.expose();
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        // An empty one would be equal to an empty parameter.
        serde_json::from_str(text).ok().filter(|it: &Self| it.state.expose().len() >= 32)
    }
}
