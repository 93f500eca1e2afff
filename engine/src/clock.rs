//! Time, as a trait: the engine never asks the operating system itself.
//!
//! There are two readings. *Wall time* dates what people and the ATS read: windows, events, marks.
//! It may jump, and another machine's may differ. *Steady time* counts durations: how long ago a
//! request left, how long a pause still lasts. It never goes back and does not jump, but is valid
//! only within one process. Neither orders events.

use futures_util::future::BoxFuture;
use std::fmt::Debug;

/// The source of the engine's time.
pub trait Clock: Debug + Send + Sync {
    /// Milliseconds since 1970-01-01T00:00:00Z. May jump either way.
    fn now_ms(&self) -> u64;

    /// Milliseconds since some moment of this process's life. Never goes back, whatever happens to
    /// the wall time.
    fn steady_ms(&self) -> u64;

    /// Completes after `wait_ms` milliseconds of steady time.
    fn sleep(&self, wait_ms: u64) -> BoxFuture<'_, ()>;
}

/// The wall time at a steady time, for people to read.
pub fn shown_ms(clock: &dyn Clock, steady_ms: u64) -> u64 {
    clock.now_ms().saturating_add(steady_ms.saturating_sub(clock.steady_ms()))
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place where the engine asks the system for the time"
    )]
    fn now_ms(&self) -> u64 {
        let since =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "the one place where the engine asks the system for the time"
    )]
    fn steady_ms(&self) -> u64 {
        static BEGAN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        u64::try_from(BEGAN.get_or_init(std::time::Instant::now).elapsed().as_millis())
            .unwrap_or(u64::MAX)
    }

    #[allow(clippy::disallowed_methods, reason = "the one place where the engine waits")]
    fn sleep(&self, wait_ms: u64) -> BoxFuture<'_, ()> {
        let wait = std::time::Duration::from_millis(wait_ms);
        Box::pin(async move {
            if crate::runtime::is_there() {
                return tokio::time::sleep(wait).await;
            }
            // Rare: a call that needs a runtime is refused before it waits. A thread waits here,
            // because tokio would panic.
            let (done, waited) = tokio::sync::oneshot::channel();
            std::thread::spawn(move || {
                std::thread::sleep(wait);
                // The caller may have stopped waiting.
                let _ = done.send(());
            });
            drop(waited.await);
        })
    }
}

/// RFC 3339 in UTC with milliseconds, as windows are written. A time beyond the year 9999 is
/// written as its last millisecond.
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
