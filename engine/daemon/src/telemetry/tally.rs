//! Spans that were sent, and those that were lost, since the process started.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// The counts.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sent: AtomicU64,
    lost: AtomicU64,
}

/// The process has one subscriber, so one tally; none while no traces are sent.
static TALLY: OnceLock<Arc<Tally>> = OnceLock::new();

impl Tally {
    /// The tally of the process; none while no traces are sent.
    pub(crate) fn shown() -> Option<Arc<Self>> {
        TALLY.get().cloned()
    }

    /// The tally of the process, from now on.
    #[cfg(feature = "otel")]
    pub(super) fn begun() -> Arc<Self> {
        Arc::clone(TALLY.get_or_init(Arc::default))
    }

    /// Spans that the collector accepted.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Spans that it did not.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// The collector accepted so many more.
    #[cfg(feature = "otel")]
    pub(super) fn add_sent(&self, count: u64) {
        self.sent.fetch_add(count, Ordering::Relaxed);
    }

    /// So many more were lost.
    #[cfg(feature = "otel")]
    pub(super) fn add_lost(&self, count: u64) {
        self.lost.fetch_add(count, Ordering::Relaxed);
    }
}
