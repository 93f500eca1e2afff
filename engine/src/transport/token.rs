//! Reads the answer of a token endpoint: the token, its life and its rights. Pure but for the
//! jitter.

use super::NotSent;
use super::budget::date;
use super::headers::check_value;
use crate::entropy::Entropy;
use crate::secret::Secret;
use atsync_model::contract::{Grant, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The life of a token whose answer does not state it.
const LIFE_ASSUMED_MS: u64 = 300_000;
/// A token with a shorter life is kept this long all the same: clocks that differ must not cause a
/// token per request.
const LIFE_MS_MIN: u64 = 30_000;
/// And no longer than this.
pub(super) const LIFE_MS_MAX: u64 = 24 * 3_600_000;
/// How long a renewed token that was refused at once is not renewed again.
const RENEWED_IN_VAIN_MS: u64 = 30_000;
/// A token is renewed at most this long before it ends.
const MARGIN_MS_MAX: u64 = 300_000;

/// An access token.
#[derive(Debug)]
pub(super) struct Token {
    /// The whole value of `Authorization`.
    pub(super) header: Secret,
    /// Counts the tokens of a source.
    pub(super) generation: u64,
    /// When it was asked for.
    pub(super) fetched_ms: u64,
    /// From then on one request renews it.
    pub(super) renew_at_ms: u64,
    /// When it ends.
    pub(super) ends_ms: u64,
    /// It was fetched because the one before was refused.
    pub(super) renewed: bool,
    /// It was accepted at least once.
    pub(super) accepted: Arc<AtomicBool>,
    /// The rights that it states.
    pub(super) grant: Grant,
    /// The number of the consent that it comes from, within its source.
    pub(super) consent: u64,
}

impl Token {
    /// Whether it is valid for a request that leaves now and takes `margin_ms` to arrive.
    pub(super) fn usable(&self, now_ms: u64, margin_ms: u64) -> bool {
        // A clock set back far makes the token's age unknown.
        now_ms.saturating_add(margin_ms) < self.ends_ms
            && now_ms.saturating_add(LIFE_MS_MAX) > self.fetched_ms
    }

    /// Whether it was fetched because the one before was refused, was never accepted, and is too
    /// new for another renewal.
    pub(super) fn is_renewed_in_vain(&self, now_ms: u64) -> bool {
        self.renewed
            && !self.accepted.load(Ordering::Relaxed)
            && now_ms.saturating_sub(self.fetched_ms) < RENEWED_IN_VAIN_MS
    }
}

/// What a successful answer gives.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) access: Secret,
    pub(super) refresh: Option<Secret>,
    pub(super) life_ms: u64,
    pub(super) grant: Grant,
}

impl Issued {
    /// The access token as requests carry it. `asked_ms`: the steady time at which it was asked
    /// for.
    pub(super) fn token(self, generation: u64, asked_ms: u64, entropy: &dyn Entropy) -> Token {
        let margin_ms = (self.life_ms / 5).min(MARGIN_MS_MAX);
        let ahead_ms = margin_ms.saturating_add(entropy.below(margin_ms));
        Token {
            grant: self.grant,
            header: Secret::new(format!("Bearer {}", self.access.expose())),
            generation,
            fetched_ms: asked_ms,
            renew_at_ms: asked_ms.saturating_add(self.life_ms.saturating_sub(ahead_ms)),
            ends_ms: asked_ms.saturating_add(self.life_ms),
            renewed: false,
            accepted: Arc::default(),
            consent: 0,
        }
    }
}

/// Reads a successful answer. `wall_ms`: the wall time now.
///
/// # Errors
/// A sentence that shows nothing of the answer. An answer that is not JSON may come from a proxy,
/// and is temporary; an answer of another endpoint, or a token that no request can carry, is
/// permanent.
pub(super) fn read_issued(response: &Response, wall_ms: u64) -> Result<Issued, NotSent> {
    let odd = |text: &str| NotSent::Auth(text.to_owned());
    let answer: Value = serde_json::from_slice(&response.body).map_err(|_| {
        NotSent::Unreachable(
            "the token endpoint answered with something that is no JSON; if that stays so, check \
             its address"
                .to_owned(),
        )
    })?;
    let text = answer.get("access_token").and_then(Value::as_str).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| {
        odd("the token endpoint's answer holds no access_token; check its address")
    })?;
    let kind = answer.get("token_type").and_then(Value::as_str).unwrap_or("Bearer");
    if !kind.eq_ignore_ascii_case("bearer") {
        return Err(odd("the token endpoint gave a token that is not a bearer token"));
    }
    if text.contains(' ') {
        return Err(odd("the access_token holds a space"));
    }
    let access = Secret::new(text);
    check_access(&access).map_err(NotSent::Auth)?;
    let refresh = answer.get("refresh_token").and_then(Value::as_str);
    Ok(Issued {
        grant: grant(&answer, text),
        access,
        refresh: refresh.filter(|text| !text.is_empty()).map(Secret::new),
        life_ms: life_ms(&answer, response, wall_ms).clamp(LIFE_MS_MIN, LIFE_MS_MAX),
    })
}

/// Refuses an access token that no request can carry.
pub(super) fn check_access(access: &Secret) -> Result<(), String> {
    check_value("authorization", Secret::new(format!("Bearer {}", access.expose())).expose())
}

fn life_ms(answer: &Value, response: &Response, wall_ms: u64) -> u64 {
    let seconds = answer.get("expires_in").and_then(|value| match value {
        Value::Number(number) => {
            number.as_u64().or_else(|| number.as_f64().filter(|n| *n >= 0.0).map(whole))
        }
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    });
    if let Some(seconds) = seconds {
        return seconds.saturating_mul(1000);
    }
    let ends = answer
        .get("expires_at")
        .and_then(Value::as_str)
        .and_then(|text| text.trim().parse::<jiff::Timestamp>().ok());
    match ends.and_then(|time| u64::try_from(time.as_millisecond()).ok()) {
        Some(ends_ms) => ends_ms.saturating_sub(date(&response.headers).unwrap_or(wall_ms)),
        None => LIFE_ASSUMED_MS,
    }
}

/// A fractional number of seconds, cut.
fn whole(number: f64) -> u64 {
    format!("{:.0}", number.min(1e12).floor()).parse().unwrap_or(0)
}

/// The rights in answer and token. Scopes of the answer go before those in the token, which not
/// every token has.
fn grant(answer: &Value, token: &str) -> Grant {
    let claims = claims(token).unwrap_or(Value::Null);
    let scopes = scopes(answer.get("scope")).or_else(|| {
        ["scope", "scopes", "scp"].into_iter().find_map(|name| scopes(claims.get(name)))
    });
    let actor = match claims.get("sub") {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    Grant { scopes, actor }
}

fn scopes(value: Option<&Value>) -> Option<Vec<String>> {
    let list: Vec<String> = match value? {
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => return None,
    };
    (!list.is_empty()).then_some(list)
}

/// The payload of a JWT, unverified: it is our own token, and its content is only a hint.
fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?).ok()
}

/// The error codes of RFC 6749 §5.2. A repeat of the same request has the same result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    InvalidRequest,
    UnsupportedGrantType,
    InvalidScope,
}

impl Code {
    const ALL: [Self; 6] = [
        Self::InvalidClient,
        Self::InvalidGrant,
        Self::UnauthorizedClient,
        Self::InvalidRequest,
        Self::UnsupportedGrantType,
        Self::InvalidScope,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::InvalidRequest => "invalid_request",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
        }
    }
}

/// The error code of a refusal, when the body has one: in `error`, or in `message`, which
/// some servers have in its place. A sentence is no code.
pub(super) fn error_code(body: &[u8]) -> Option<Code> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let text = ["error", "message"].iter().find_map(|name| answer.get(name)?.as_str())?;
    Code::ALL.into_iter().find(|code| code.as_str() == text)
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
