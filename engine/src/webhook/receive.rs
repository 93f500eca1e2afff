//! Receives a webhook: verifies it, compares it with the handled ones, and fetches what it names,
//! or stores that for the schedules.

use super::limits;
use super::memory::{self, Key};
use super::{Received, Verdict};
use crate::engine::Connection;
use crate::error::{Error, ErrorKind};
use crate::reconcile::Hooking;
use atsync_model::contract::{Field, Hint, Hook};
use futures_util::future::BoxFuture;
use std::sync::PoisonError;

impl Connection {
    /// Receives a webhook: its headers and its body, both as received. Verifies it, ignores a
    /// handled one, and fetches the records that it names. The future is owned; it may be spawned.
    ///
    /// Headers are anything that gives names and values, such as `&http::HeaderMap`; case does not
    /// count. The body must not have been parsed and written anew, decompressed or trimmed: its
    /// bytes are signed.
    ///
    /// Answer with [`Received::status`]. On an error answer 503, and the ATS will deliver it again:
    /// the fetch was not possible. A fetch takes a read or a few. An ATS that waits only briefly
    /// for its answer delivers again, which costs nothing: the second call shares the fetch.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] when [`crate::ConnectionOptions::webhook_secrets`] is empty;
    /// [`ErrorKind::Adapter`] when the adapter takes no webhooks, or accepts one without having it
    /// verified; [`ErrorKind::Unavailable`] when too many wait; else as for [`Connection::hint`].
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

    /// Accepts a webhook: verifies it as [`Connection::receive`] does, stores what it names, and
    /// leaves the fetch to [`Connection::run`]. What it stored is durable when this returns, so
    /// that the ATS may be answered at once.
    ///
    /// # Errors
    /// As for [`Connection::receive`], but for those of a fetch. [`ErrorKind::Store`] when it
    /// cannot be stored: answer 503, and the ATS will deliver it again.
    pub fn accept<N: AsRef<str>, V: AsRef<[u8]>>(
        &self,
        headers: impl IntoIterator<Item = (N, V)>,
        body: impl AsRef<[u8]>,
    ) -> BoxFuture<'static, Result<Received, Error>> {
        let hook = hook(headers, body.as_ref());
        let acme = self.clone();
        Box::pin(async move {
            match hook {
                Some(hook) => acme.accepted(hook).await,
                None => Ok(Verdict::TooLarge.into()),
            }
        })
    }

    /// Verifies a webhook; what it suggests, and what identifies it.
    async fn verified(&self, hook: Hook) -> Result<Result<(Vec<Hint>, Key), Verdict>, Error> {
        let webhooks = self.webhooks();
        if webhooks.secrets.is_empty() {
            let message = format!(
                "{}: a webhook came, and there is no secret to verify it with: set \
                 `webhook_secrets`, or `webhook_secret` in the configuration file",
                self.name()
            );
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        let reconciler = self.work()?;
        let ids = memory::delivery_ids(&hook.headers);
        let (message, hints, signed_at_ms) =
            match reconciler.requests.hook(hook, &webhooks.secrets).await? {
                Hooking::Forged => return Ok(Err(Verdict::Forged)),
                Hooking::Authentic { message, hints, signed_at_ms } => {
                    (message, hints, signed_at_ms)
                }
            };
        // Fresh by either clock: one of them may be wrong, and a hint is only a hint.
        let clocks = [reconciler.context.clock.now_ms(), reconciler.context.session.ats_now_ms()];
        if signed_at_ms.is_some_and(|at_ms| clocks.iter().all(|now_ms| is_stale(at_ms, *now_ms))) {
            return Ok(Err(Verdict::Stale));
        }
        let key = Key::of(&ids, &message);
        let now_ms = reconciler.context.clock.now_ms();
        let mut seen = webhooks.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(if seen.knows(&key, now_ms) { Err(Verdict::Duplicate) } else { Ok((hints, key)) })
    }

    fn remember(&self, key: Key) -> Result<(), Error> {
        let now_ms = self.work()?.context.clock.now_ms();
        let mut seen = self.webhooks().seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.remember(key, now_ms);
        Ok(())
    }

    async fn accepted(&self, hook: Hook) -> Result<Received, Error> {
        let (hints, key) = match self.verified(hook).await? {
            Ok(verified) => verified,
            Err(verdict) => return Ok(verdict.into()),
        };
        let work = self.work()?;
        let now_ms = work.context.clock.now_ms();
        {
            let mut waiting = self.webhooks().hints.waiting.lock().await;
            waiting.add(&work.context.store, &hints, now_ms).await?;
        }
        self.webhooks().hints.stored.notify_one();
        self.remember(key)?;
        Ok(Verdict::Stored.into())
    }

    async fn received(&self, hook: Hook) -> Result<Received, Error> {
        let (hints, key) = match self.verified(hook).await? {
            Ok(verified) => verified,
            Err(verdict) => return Ok(verdict.into()),
        };
        let (webhooks, reconciler) = (self.webhooks(), self.work()?);
        let mut ends = Vec::with_capacity(hints.len());
        let mut failed = None;
        for hint in hints {
            let looked = webhooks.looks.share(&hint, || reconciler.ingest.hint(hint.clone())).await;
            match looked {
                Ok(end) => ends.push((hint, end)),
                // The others are fetched all the same: the next delivery may be an hour away.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed {
            return Err(error.at("looking into a webhook"));
        }
        self.remember(key)?;
        Ok(Verdict::Accepted(ends).into())
    }
}

fn is_stale(at_ms: u64, now_ms: u64) -> bool {
    at_ms.saturating_add(limits::REMEMBERED_MS) < now_ms
        || at_ms > now_ms.saturating_add(limits::AHEAD_MS_MAX)
}

/// The delivery as a type of the contract; none when it is too large. A header that is not text is
/// left out: it holds no signature.
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
    use super::{hook, is_stale};
    use crate::webhook::limits::{
        AHEAD_MS_MAX, BODY_BYTES_MAX, HEADER_BYTES_MAX, HEADERS_MAX, REMEMBERED_MS,
    };

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
