//! Constants that several parts share: how late a write may show. Pure.

use crate::journal::{Intent, IntentState, Moment};

/// How long a request may take from its intent to its last byte: the session's wait for the budget,
/// a renewal and the exchange itself.
pub(super) const SEND_WAIT_MAX_MS: u64 = 300_000;

/// The first pause between two probes; doubled each time.
pub(super) const PAUSE_FIRST_MS: u64 = 500;

/// The ATS's clock is known from dates that count whole seconds.
pub(super) const CLOCK_GRAIN_MS: u64 = 1_000;

/// When the effect of an intent had happened at the latest.
pub(super) fn done_by(intent: &Intent) -> Moment {
    match intent.state {
        IntentState::Applied { by_probe: false, .. } | IntentState::Refused { .. } => {
            intent.changed
        }
        _ => intent.last_sent,
    }
}
