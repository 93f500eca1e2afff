//! The browser that uses a link: known by a cookie of the link, and its forms by a value of the
//! cookie.
//!
//! The first form of a link, not the first look at it, binds it to its browser: programs that scan
//! mail follow every link, and must not use one up. From then on only that browser sees more than
//! that the link is taken.
//!
//! The cookie is `SameSite=Lax`, unlike the console's: the ATS sends the browser back with a
//! navigation from its own site, and `Strict` would withhold the cookie then. A form of another
//! site does not get it either way. The store has the cookie's SHA-256 alone, so the link goes on
//! after a restart. The value of the forms is derived from the cookie, which no other site can
//! read.

use super::link::Found;
use crate::tokens::{mark, random};
use atsync::Secret;
use axum::http::{HeaderMap, HeaderValue, header};
use subtle::ConstantTimeEq;

/// The characters of a random text.
const VALUE_LENGTH: usize = 64;

/// A browser at a link.
#[derive(Clone, Debug)]
pub(super) struct Browser {
    cookie: Secret,
    /// It needs its cookie.
    is_new: bool,
}

/// The cookie's name: that of the link, so that a browser can use several.
fn name(key: &str) -> String {
    format!("atsync_connect_{}", key.get(..16).unwrap_or_default())
}

fn is_same(one: &str, other: &str) -> bool {
    bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}

impl Browser {
    /// The browser of a request; one without a cookie of the link gets a new one. None when the
    /// system gives no randomness.
    pub(super) fn of(headers: &HeaderMap, found: &Found) -> Option<Self> {
        match Self::known(headers, &found.key) {
            Some(known) => Some(known),
            None => Some(Self { cookie: random()?, is_new: true }),
        }
    }

    /// The browser of a request that has the link's cookie.
    pub(super) fn known(headers: &HeaderMap, key: &str) -> Option<Self> {
        let name = name(key);
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|all| all.to_str().ok());
        let mut values = cookies.flat_map(|all| all.split(';')).filter_map(|cookie| {
            let (other, value) = cookie.trim().split_once('=')?;
            let is_ours = other == name
                && value.len() == VALUE_LENGTH
                && value.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_ours.then(|| Secret::new(value))
        });
        values.next().map(|cookie| Self { cookie, is_new: false })
    }

    /// What a link stores of it.
    pub(super) fn mark(&self) -> String {
        mark(self.cookie.expose())
    }

    /// Whether a link that is bound is bound to this browser.
    pub(super) fn may_use(&self, found: &Found) -> bool {
        found.link.browser.as_ref().is_none_or(|bound| is_same(bound, &self.mark()))
    }

    /// Whether a link is bound to this browser.
    pub(super) fn uses(&self, found: &Found) -> bool {
        found.link.browser.is_some() && self.may_use(found)
    }

    /// The value that its forms carry.
    pub(super) fn form_value(&self) -> String {
        mark(&format!("a form of the connect page\n{}", self.cookie.expose()))
    }

    /// Whether a form carries that value.
    pub(super) fn sent(&self, value: &str) -> bool {
        is_same(value, &self.form_value())
    }

    /// The header that sets the cookie of a new browser until the link ends.
    pub(super) fn header(
        &self,
        found: &Found,
        age_ms: u64,
        is_secure: bool,
    ) -> Option<HeaderValue> {
        if !self.is_new {
            return None;
        }
        let secure = if is_secure { "; Secure" } else { "" };
        let text = format!(
            "{}={}; Path=/connect; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
            name(&found.key),
            self.cookie.expose(),
            age_ms / 1_000
        );
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}
