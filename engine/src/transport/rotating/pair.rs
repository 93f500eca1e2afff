//! A pair of tokens, and the text that the keeper stores.
//!
//! Times are wall times, since another process reads them. Left out: sealing the text.

use crate::secret::{Secret, written};
use crate::transport::token::{Issued, check_access};
use atsync_model::contract::Grant;
use serde::{Deserialize, Serialize};

/// Bytes of a kept text; arbitrary, far above two tokens.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// A pair of access and refresh token.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    /// Distinguishes consents: all pairs of one have the same.
    pub(super) consent: String,
    pub(super) refresh: Secret,
    pub(super) access: Option<Secret>,
    /// When it was issued.
    pub(super) issued_ms: u64,
    /// When the access token ends.
    pub(super) ends_ms: u64,
    pub(super) grant: Grant,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    #[serde(default)]
    consent: String,
    #[serde(with = "written")]
    refresh_token: Secret,
    #[serde(default, with = "written::option")]
    access_token: Option<Secret>,
    #[serde(default)]
    issued_ms: u64,
    #[serde(default)]
    ends_ms: u64,
    #[serde(default)]
    scopes: Option<Vec<String>>,
    #[serde(default)]
    actor: Option<String>,
}

impl Pair {
    /// The pair of an answer. `refresh`: the refresh token where the answer has none, as RFC 6749
    /// §6 allows.
    pub(super) fn issued(consent: String, refresh: Secret, issued: Issued, now_ms: u64) -> Self {
        Self {
            consent,
            refresh: issued.refresh.unwrap_or(refresh),
            access: Some(issued.access),
            issued_ms: now_ms,
            ends_ms: now_ms.saturating_add(issued.life_ms),
            grant: issued.grant,
        }
    }

    /// Reads a kept text; none when it cannot be read.
    pub(super) fn read(text: &Secret) -> Option<Self> {
        let text = text.expose();
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let kept: Kept = serde_json::from_str(text).ok()?;
        if kept.refresh_token.expose().is_empty() {
            return None;
        }
        let access = kept.access_token;
        Some(Self {
            consent: kept.consent,
            refresh: kept.refresh_token,
            access: access.filter(|access| check_access(access).is_ok()),
            issued_ms: kept.issued_ms,
            ends_ms: kept.ends_ms,
            grant: Grant { scopes: kept.scopes, actor: kept.actor },
        })
    }

    /// The text to keep.
    pub(super) fn text(&self) -> Secret {
        let kept = Kept {
            consent: self.consent.clone(),
            refresh_token: self.refresh.clone(),
            access_token: self.access.clone(),
            issued_ms: self.issued_ms,
            ends_ms: self.ends_ms,
            scopes: self.grant.scopes.clone(),
            actor: self.grant.actor.clone(),
        };
        // Texts and numbers: nothing in it can fail to be written.
        Secret::new(serde_json::to_string(&kept).unwrap_or_default())
    }

    /// Whether both have the same tokens.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.refresh == other.refresh && self.access == other.access
    }
}

#[cfg(test)]
mod tests {
    use super::{Pair, TEXT_BYTES_MAX};
    use crate::secret::Secret;

    fn read(text: impl Into<String>) -> Option<Pair> {
        Pair::read(&Secret::new(text))
    }

    #[test]
    fn a_kept_text_is_read_as_it_was_written_and_shows_nothing() {
        let text = r#"{"consent": "c", "refresh_token": "refresh-1", "access_token": "access-1",
            "issued_ms": 1, "ends_ms": 2, "scopes": ["a"], "actor": "7", "later": true}"#;
        let pair = read(text).unwrap();
        let again = Pair::read(&pair.text()).unwrap();
        assert!(again.is(&pair));
        assert_eq!((again.issued_ms, again.ends_ms, again.consent.as_str()), (1, 2, "c"));
        assert_eq!(again.grant, pair.grant);
        let shown = format!("{pair:?} {:?}", pair.text());
        assert!(!shown.contains("refresh-1") && !shown.contains("access-1"), "{shown}");
    }

    #[test]
    fn a_refresh_token_alone_is_enough_and_nothing_else_is() {
        assert!(read(r#"{"refresh_token": "r"}"#).unwrap().access.is_none());
        let sneaky = read(r#"{"refresh_token": "r", "access_token": "a\r\nb"}"#).unwrap();
        assert!(sneaky.access.is_none());
        for text in ["", "r", "{}", r#"{"refresh_token": ""}"#, r#"{"access_token": "a"}"#] {
            assert!(read(text).is_none(), "{text}");
        }
        let long = "r".repeat(TEXT_BYTES_MAX);
        assert!(read(format!(r#"{{"refresh_token": "{long}"}}"#)).is_none());
    }
}
