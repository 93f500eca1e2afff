//! When a connection's webhooks are registered, and compared with what is registered.
//!
//! At the start, when another credential is given, and each day, a part of an hour later so that
//! connections do not meet. After something was changed they are compared once more soon, since an
//! ATS that cannot reach the URL disables a webhook some moments later. What stays disabled or
//! refused is tried at growing intervals, up to [`RETRY_MS_MAX`], so that the ATS is not asked each
//! minute while a host is down for a day.
//!
//! Left out: doing it; see [`crate::webhook`].

use super::due::{BACKOFF_MAX_MS, Times, backoff_ms};
use super::jitter::{JITTER_MAX_MS, delay_ms};
use crate::secret::Secret;
use crate::webhook::{WebhooksBlocked, WebhooksReport};

/// The time between two comparisons.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// How long after a change they are compared again.
const CONFIRM_MS: u64 = 2 * 60 * 1000;
/// The longest wait until what is disabled or refused is tried again.
const RETRY_MS_MAX: u64 = 6 * 60 * 60 * 1000;

/// See the module.
#[derive(Debug)]
pub(super) struct Registrations {
    /// None where there is no URL.
    pub(super) url: Option<Secret>,
    /// By the steady clock.
    due_ms: u64,
    /// Failures and incomplete reports, one after the other.
    failures: u32,
    jitter_ms: u64,
}

impl Registrations {
    pub(super) fn new(url: Option<Secret>, connection: &str) -> Self {
        let due_ms = if url.is_some() { 0 } else { u64::MAX };
        let jitter_ms = delay_ms(connection, "webhooks", "", JITTER_MAX_MS);
        Self { url, due_ms, failures: 0, jitter_ms }
    }

    pub(super) fn due_ms(&self) -> u64 {
        self.due_ms
    }

    /// Makes it due at once.
    pub(super) fn at_once(&mut self) {
        if self.url.is_some() {
            (self.due_ms, self.failures) = (0, 0);
        }
    }

    /// Takes a report.
    pub(super) fn done(&mut self, report: &WebhooksReport, now: &Times) {
        let daily_ms = DAY_MS.saturating_add(self.jitter_ms);
        let wait_ms = match report.blocked {
            // A person resumes the writes.
            Some(WebhooksBlocked::Paused) => BACKOFF_MAX_MS,
            Some(_) => daily_ms,
            None if !report.is_complete() => {
                self.failures = self.failures.saturating_add(1);
                CONFIRM_MS.saturating_mul(1 << self.failures.min(10)).min(RETRY_MS_MAX)
            }
            None if report.has_changed() => CONFIRM_MS,
            None => {
                self.failures = 0;
                daily_ms
            }
        };
        self.due_ms = now.steady_ms.saturating_add(wait_ms);
    }

    /// Defers it after an error. Returns for how long.
    pub(super) fn defer(&mut self, now: &Times, jitter_ms: u64) -> u64 {
        self.failures = self.failures.saturating_add(1);
        let wait_ms = backoff_ms(self.failures, jitter_ms);
        self.due_ms = now.steady_ms.saturating_add(wait_ms);
        wait_ms
    }
}

#[cfg(test)]
mod tests {
    use super::{CONFIRM_MS, DAY_MS, RETRY_MS_MAX, Registrations, Times};
    use crate::secret::Secret;
    use crate::webhook::{WebhookEnd, WebhooksReport};

    fn report(end: WebhookEnd) -> WebhooksReport {
        let mut report = WebhooksReport::default();
        report.events.insert("hired".to_owned(), end);
        report
    }

    #[test]
    fn what_was_changed_is_compared_soon_and_what_is_in_step_daily() {
        let now = Times { wall_ms: 0, steady_ms: 7 };
        let mut due = Registrations::new(Some(Secret::new("https://host.example")), "acme");
        assert_eq!(due.due_ms(), 0);
        due.done(&report(WebhookEnd::Created), &now);
        assert_eq!(due.due_ms(), 7 + CONFIRM_MS);
        due.done(&report(WebhookEnd::InStep), &now);
        assert!((DAY_MS..DAY_MS * 2).contains(&(due.due_ms() - 7)));
        due.at_once();
        assert_eq!(due.due_ms(), 0);
    }

    #[test]
    fn what_stays_disabled_is_tried_at_growing_and_bounded_intervals() {
        let now = Times { wall_ms: 0, steady_ms: 0 };
        let mut due = Registrations::new(Some(Secret::new("https://host.example")), "acme");
        let mut waits = Vec::new();
        for _ in 0..20 {
            due.done(&report(WebhookEnd::Inactive), &now);
            waits.push(due.due_ms());
        }
        assert!(waits.is_sorted() && waits[0] < waits[3]);
        assert_eq!(waits.last(), Some(&RETRY_MS_MAX));
    }

    #[test]
    fn without_a_url_nothing_is_due() {
        let mut due = Registrations::new(None, "acme");
        due.at_once();
        assert_eq!(due.due_ms(), u64::MAX);
    }
}
