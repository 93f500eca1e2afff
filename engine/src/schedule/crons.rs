//! What a run of a connection does by time: cron expressions by kind, their jitter, and how long
//! old rows are kept.

use super::cron::Cron;
use super::jitter::delay_ms;
use crate::secret::Secret;
use std::collections::BTreeMap;

/// The schedules of a connection: when each kind is pulled and swept, and how long old rows are
/// kept.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Crons {
    /// When a kind is pulled.
    pub pulls: BTreeMap<String, Cron>,
    /// When a sweep of a kind begins. It reads a few pages at a time; pulls and
    /// writes go first.
    pub sweeps: BTreeMap<String, Cron>,
    /// The URL to which the ATS sends the connection's webhooks: they are registered there at the
    /// start, when another credential is given, and repaired each day. None: by hand, or by
    /// [`Connection::register_webhooks`](crate::Connection::register_webhooks).
    pub webhooks: Option<Secret>,
    /// Up to how much later than its times each schedule is due, so that many connections with the
    /// same expression do not begin at the same moment; 0 without jitter, an hour at most. The
    /// delay is a hash of the names of connection and kind: the same after a restart. An expression
    /// with seconds has none.
    pub jitter_ms: u64,
    /// The age after which events of the feed are removed that every consumer has acknowledged;
    /// without a consumer all are kept. None keeps all. See
    /// [`Connection::trim`](crate::Connection::trim).
    pub keep_feed_ms: Option<u64>,
    /// The age after which ended intents are removed; none keeps all. See
    /// [`Connection::trim_journal`](crate::Connection::trim_journal).
    pub keep_journal_ms: Option<u64>,
}

impl Crons {
    /// These pulls, and no sweeps.
    pub fn of_pulls(pulls: impl IntoIterator<Item = (String, Cron)>) -> Self {
        Self { pulls: pulls.into_iter().collect(), ..Self::default() }
    }

    /// The same with these sweeps.
    #[must_use]
    pub fn with_sweeps(mut self, sweeps: impl IntoIterator<Item = (String, Cron)>) -> Self {
        self.sweeps = sweeps.into_iter().collect();
        self
    }

    /// The same with this [jitter](Self::jitter_ms).
    #[must_use]
    pub fn with_jitter(mut self, jitter_ms: u64) -> Self {
        self.jitter_ms = jitter_ms;
        self
    }

    /// The same with this [URL for webhooks](Self::webhooks).
    #[must_use]
    pub fn with_webhooks(mut self, url: Option<Secret>) -> Self {
        self.webhooks = url;
        self
    }

    /// The same with these ages: [of the feed](Self::keep_feed_ms) and [of the
    /// journal](Self::keep_journal_ms).
    #[must_use]
    pub fn with_retention(mut self, feed_ms: Option<u64>, journal_ms: Option<u64>) -> Self {
        (self.keep_feed_ms, self.keep_journal_ms) = (feed_ms, journal_ms);
        self
    }

    /// Delays each schedule by its part of the jitter.
    pub(super) fn spread(&mut self, connection: &str) {
        let jitter_ms = self.jitter_ms;
        for (purpose, crons) in [("pull", &mut self.pulls), ("sweep", &mut self.sweeps)] {
            for (kind, cron) in crons {
                cron.delay(delay_ms(connection, purpose, kind, jitter_ms));
            }
        }
    }
}
