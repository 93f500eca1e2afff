//! Time, as a trait: the engine never asks the operating system itself.
//!
//! A simulation owns the clock and may let it jump. Wall time is used for windows, marks and waiting; order never depends on it.

use futures_util::future::BoxFuture;
use std::fmt::Debug;

/// Where the engine gets the time from.
pub trait Clock: Debug + Send + Sync {
    /// Milliseconds since 1970-01-01T00:00:00Z. May jump either way.
    fn now_ms(&self) -> u64;

    /// Completes after `wait_ms` milliseconds of this clock.
    fn sleep(&self, wait_ms: u64) -> BoxFuture<'_, ()>;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place where the engine asks the system for the time")]
    fn now_ms(&self) -> u64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    #[allow(clippy::disallowed_methods, reason = "the one place where the engine waits")]
    fn sleep(&self, wait_ms: u64) -> BoxFuture<'_, ()> {
        let wait = std::time::Duration::from_millis(wait_ms);
        Box::pin(async move {
            if crate::runtime::is_there() {
                return tokio::time::sleep(wait).await;
            }
            // Rare: whatever needs a runtime is refused before it waits. A thread waits, rather than
            // that tokio panics.
            let (done, waited) = tokio::sync::oneshot::channel();
            std::thread::spawn(move || {
                std::thread::sleep(wait);
                // Nobody may be waiting any more.
                let _ = done.send(());
            });
            drop(waited.await);
        })
    }
}

/// RFC 3339 in UTC with milliseconds, as windows are written. A time beyond the year 9999 is written as its last millisecond.
pub fn rfc3339(time_ms: u64) -> String {
    let last = 253_402_300_799_999_i64;
    let bounded = i64::try_from(time_ms).unwrap_or(last).min(last);
    match jiff::Timestamp::from_millisecond(bounded) {
        Ok(time) => format!("{time:.3}"),
        Err(_) => "9999-12-31T23:59:59.999Z".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_time_is_written_with_milliseconds_and_z() {
        assert_eq!(super::rfc3339(1_778_507_624_000), "2026-05-11T13:53:44.000Z");
        assert_eq!(super::rfc3339(u64::MAX), "9999-12-31T23:59:59.999Z");
    }
}
