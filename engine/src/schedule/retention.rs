//! When a run removes what is older than the host keeps: events of the feed and ended intents.
//!
//! What may go is the store's decision: an event that a known consumer has not acknowledged stays,
//! without a consumer every event does, and so does an intent that a later plan or probe reads. So
//! a wrong age loses history, and no write is sent twice.
//!
//! Bounds: once at the start and every [`EVERY_MS`], by the steady clock. Left out: observed and
//! desired records, which have no age.

use super::crons::Crons;
use super::due::Times;
use super::jitter::delay_ms;

/// How often old rows are looked for. Arbitrary: ages are days, and a look reads the oldest rows
/// alone.
pub(super) const EVERY_MS: u64 = 6 * 3_600_000;

/// The ages of one connection, and when they are applied next.
#[derive(Debug)]
pub(super) struct Retention {
    /// Older events of the feed are removed.
    pub(super) feed_ms: Option<u64>,
    /// Older ended intents are removed.
    pub(super) journal_ms: Option<u64>,
    /// By the steady clock.
    due_ms: u64,
}

impl Retention {
    pub(super) fn of(crons: &Crons, connection: &str, now: &Times) -> Self {
        let Crons { keep_feed_ms: feed_ms, keep_journal_ms: journal_ms, .. } = *crons;
        let is_any = feed_ms.is_some() || journal_ms.is_some();
        let first_ms = delay_ms(connection, "retention", "", crons.jitter_ms);
        let due_ms = if is_any { now.steady_ms.saturating_add(first_ms) } else { u64::MAX };
        Self { feed_ms, journal_ms, due_ms }
    }

    /// When it is due, by the steady clock; never where everything is kept.
    pub(super) fn due_ms(&self) -> u64 {
        self.due_ms
    }

    pub(super) fn is_due(&self, now: &Times) -> bool {
        self.due_ms <= now.steady_ms
    }

    /// It was applied, and is due again later.
    pub(super) fn done(&mut self, now: &Times) {
        self.due_ms = now.steady_ms.saturating_add(EVERY_MS);
    }
}
