//! Webhooks: taken in raw, believed only when signed, and then only as a hint to look.
//!
//! [`Connection::receive`] is what a host's HTTP handler calls with the bytes as they came. The
//! adapter says what the ATS signed and where the signature stands; the engine, which alone knows
//! the secret, computes and compares it in constant time (`reconcile::signature`). What an
//! authentic webhook suggests is looked into by a read through the API, and never taken from its
//! payload: order is not promised, a delivery may be hours old, and who knows the secret could say
//! anything.
//!
//! # Replay
//! A delivery that was dealt with is remembered ([`memory`]) by what it signed and by the ids that
//! its headers give it, and answered without a look when it comes again. Where the ATS signs a
//! time, older deliveries than the memory holds are refused. One whose look failed is not
//! remembered, so that the ATS delivers it again. The memory is the process's: after a restart a
//! replay costs one read, and changes nothing.
//!
//! # Floods
//! Looks of a connection are taken one at a time, within its rate budget, and hints about one
//! record that arrive while one is looked into share the next look.
//!
//! Bounds: [`limits`]. Left out: HTTP, and another secret in the URL's path; they are the host's.

mod memory;

use crate::engine::Connection;
use crate::error::{Error, ErrorKind};
use crate::reconcile::{HintEnd, Hooking};
use crate::secret::Secret;
use atsync_model::contract::{Field, Hint, Hook};
use futures_util::future::BoxFuture;
use memory::{Key, Looks, Seen};
use std::sync::{Mutex, PoisonError};

/// The limits of webhooks. What goes beyond them is refused.
pub mod limits {
    /// Bytes of a body. A payload has some ten KiB.
    pub const BODY_BYTES_MAX: usize = 1024 * 1024;
    /// Headers of a delivery. Proxies add some; forty are many.
    pub const HEADERS_MAX: usize = 100;
    /// Bytes of all headers together: what servers commonly take.
    pub const HEADER_BYTES_MAX: usize = 32 * 1024;
    /// How long a delivery is remembered, and how old a signed one may be. Senders are known to try
    /// for 15 hours.
    pub const REMEMBERED_MS: u64 = 24 * 60 * 60 * 1000;
    /// How far in the future a signed time may lie: clocks differ.
    pub const AHEAD_MS_MAX: u64 = 5 * 60 * 1000;
    /// Deliveries that a connection remembers; the oldest go first. Some megabytes.
    pub const REMEMBERED_MAX: usize = 50_000;
    /// Hints of a connection that wait for their look. More deliveries are refused until some have
    /// had it.
    pub const WAITING_MAX: usize = 16_384;
}

/// What became of a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is authentic. Each hint with what a look at it gave; none for a ping, or for an event of
    /// no use here.
    Accepted(Vec<(Hint, HintEnd)>),
    /// It was dealt with before; nothing was done.
    Duplicate,
    /// No secret of the connection made its signature, or it has none. Nothing is believed of it.
    Forged,
    /// It is authentic, and signed too long ago, or in the future.
    Stale,
    /// It is larger than is allowed. Nothing of it was read.
    TooLarge,
}

/// A webhook that was taken in, and what to answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// What became of it.
    pub verdict: Verdict,
    /// The HTTP status to answer with: 200 for what was accepted or is known, 401 for what is
    /// forged or stale, 413 for what is too large. An empty body is enough.
    pub status: u16,
}

impl From<Verdict> for Received {
    fn from(verdict: Verdict) -> Self {
        let status = match &verdict {
            Verdict::Accepted(_) | Verdict::Duplicate => 200,
            Verdict::Forged | Verdict::Stale => 401,
            Verdict::TooLarge => 413,
        };
        Self { verdict, status }
    }
}

/// What a connection holds for its webhooks.
#[derive(Debug)]
pub(crate) struct Webhooks {
    secrets: Vec<Secret>,
    seen: Mutex<Seen>,
    looks: Looks,
}

impl Webhooks {
    pub(crate) fn new(secrets: Vec<Secret>) -> Self {
        let secrets = secrets.into_iter().filter(|secret| !secret.expose().is_empty()).collect();
        Self { secrets, seen: Mutex::default(), looks: Looks::default() }
    }
}

impl Connection {
    /// Takes a webhook: its headers and its body, both as they came. Verifies, drops what was dealt
    /// with, and looks into what it suggests. The future is owned; it may be spawned.
    ///
    /// Headers are anything that gives names and values, such as `&http::HeaderMap`; case does not
    /// count. The body must not have been parsed and written anew, decompressed or trimmed: its
    /// bytes are signed.
    ///
    /// Answer with [`Received::status`]. On an error answer 503, and the ATS will deliver it again:
    /// the look was not possible. Looking takes a read or a few. An ATS that waits for its answer
    /// only briefly then delivers again, which costs nothing: whoever asks meanwhile shares the
    /// look.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] when [`crate::ConnectionOptions::webhook_secrets`] is empty;
    /// [`ErrorKind::Adapter`] when the adapter takes no webhooks, or vouches for one that it did
    /// not have verified; [`ErrorKind::Unavailable`] when too many wait; else as for
    /// [`Connection::hint`].
    pub fn receive<N: AsRef<str>, V: AsRef<[u8]>>(
        &self,
        headers: impl IntoIterator<Item = (N, V)>,
        body: impl AsRef<[u8]>,
    ) -> BoxFuture<'static, Result<Received, Error>> {
        let hook = hook(headers, body.as_ref());
        let acme = self.clone();
        Box::pin(async move {
            match hook {
                Some(hook) => acme.received(hook).await,
                None => Ok(Verdict::TooLarge.into()),
            }
        })
    }

    async fn received(&self, hook: Hook) -> Result<Received, Error> {
        let webhooks = self.webhooks();
        if webhooks.secrets.is_empty() {
            let message = format!(
                "{}: a webhook came, and there is no secret to verify it with: set \
                 `webhook_secrets`, or `webhook_secret` in the configuration file",
                self.name()
            );
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        let reconciler = self.reconciler();
        let ids = memory::delivery_ids(&hook.headers);
        let (message, hints, signed_at_ms) = match reconciler.hook(hook, &webhooks.secrets).await? {
            Hooking::Forged => return Ok(Verdict::Forged.into()),
            Hooking::Authentic { message, hints, signed_at_ms } => (message, hints, signed_at_ms),
        };
        // Fresh by either clock: one of them may be wrong, and a hint is only a hint.
        let clocks = [reconciler.clock.now_ms(), reconciler.session.ats_now_ms()];
        if signed_at_ms.is_some_and(|at_ms| clocks.iter().all(|now_ms| is_stale(at_ms, *now_ms))) {
            return Ok(Verdict::Stale.into());
        }
        let key = Key::of(&ids, &message);
        let now_ms = reconciler.clock.now_ms();
        let known = {
            let mut seen = webhooks.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.knows(&key, now_ms)
        };
        if known {
            return Ok(Verdict::Duplicate.into());
        }
        let mut ends = Vec::with_capacity(hints.len());
        let mut failed = None;
        for hint in hints {
            let looked = webhooks.looks.share(&hint, || reconciler.hint(hint.clone())).await;
            match looked {
                Ok(end) => ends.push((hint, end)),
                // The others are looked into all the same: the next delivery may be an hour away.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed {
            return Err(error.at("looking into a webhook"));
        }
        let mut seen = webhooks.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.remember(key, now_ms);
        Ok(Verdict::Accepted(ends).into())
    }
}

fn is_stale(at_ms: u64, now_ms: u64) -> bool {
    at_ms.saturating_add(limits::REMEMBERED_MS) < now_ms
        || at_ms > now_ms.saturating_add(limits::AHEAD_MS_MAX)
}

/// The delivery in the contract's words; none when it is too large. A header that is not text is
/// not passed on: no signature is in it.
fn hook<N: AsRef<str>, V: AsRef<[u8]>>(
    headers: impl IntoIterator<Item = (N, V)>,
    body: &[u8],
) -> Option<Hook> {
    if body.len() > limits::BODY_BYTES_MAX {
        return None;
    }
    let (mut fields, mut bytes) = (Vec::new(), 0_usize);
    for (number, (name, value)) in headers.into_iter().enumerate() {
        let (name, value) = (name.as_ref(), value.as_ref());
        bytes = bytes.saturating_add(name.len()).saturating_add(value.len());
        if number >= limits::HEADERS_MAX || bytes > limits::HEADER_BYTES_MAX {
            return None;
        }
        if let Ok(value) = std::str::from_utf8(value) {
            fields.push(Field::new(name.to_ascii_lowercase(), value));
        }
    }
    Some(Hook { headers: fields, body: body.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::limits::{
        AHEAD_MS_MAX, BODY_BYTES_MAX, HEADER_BYTES_MAX, HEADERS_MAX, REMEMBERED_MS,
    };
    use super::{hook, is_stale};

    #[test]
    fn what_is_too_large_is_refused_before_it_is_read() {
        let none: [(&str, &str); 0] = [];
        assert!(hook(none, &vec![0; BODY_BYTES_MAX]).is_some());
        assert!(hook(none, &vec![0; BODY_BYTES_MAX + 1]).is_none());
        let many = |count: usize| (0..count).map(|number| (format!("x-{number}"), "1"));
        assert_eq!(hook(many(HEADERS_MAX), b"").unwrap().headers.len(), HEADERS_MAX);
        assert!(hook(many(HEADERS_MAX + 1), b"").is_none());
        assert!(hook([("x", "1".repeat(HEADER_BYTES_MAX))], b"").is_none());
    }

    #[test]
    fn a_signed_time_is_believed_within_a_day_and_some_minutes() {
        let now_ms = 1_795_514_400_000;
        assert!(
            !is_stale(now_ms - REMEMBERED_MS, now_ms)
                && is_stale(now_ms - REMEMBERED_MS - 1, now_ms)
        );
        assert!(
            !is_stale(now_ms + AHEAD_MS_MAX, now_ms) && is_stale(now_ms + AHEAD_MS_MAX + 1, now_ms)
        );
    }
}
