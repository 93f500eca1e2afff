//! How long a source of tokens waits after a failure: it returns the same failure meanwhile instead
//! of asking again.
//!
//! Bounds: [`HOLD_MS_MIN`] to [`HOLD_MS_MAX`], doubled with each failure in a row; after a refusal
//! [`HOLD_REFUSED_MS`]; a busy endpoint's own time, where that is later. Left out: failures that
//! cost no request; they are not noted.

use super::NotSent;
use super::budget::REST_MS_MAX;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::reason::AuthReason;

/// The first pause after a failure; doubled with each further one.
pub(super) const HOLD_MS_MIN: u64 = 1_000;
/// The longest pause after failures.
pub(super) const HOLD_MS_MAX: u64 = 60_000;
/// How long after a refusal the credential is tried again: a person may have corrected it in the
/// ATS.
pub(super) const HOLD_REFUSED_MS: u64 = 60_000;

/// The last failure, and until when it is returned.
#[derive(Debug, Default)]
pub(super) struct Hold {
    why: Option<NotSent>,
    until_ms: u64,
    strikes: u32,
}

impl Hold {
    /// The failure that is to be returned at this steady time.
    pub(super) fn refuses(&self, now_ms: u64) -> Option<NotSent> {
        self.why.clone().filter(|_| now_ms < self.until_ms)
    }

    /// Notes a failure, and returns it.
    pub(super) fn note(
        &mut self,
        why: NotSent,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
    ) -> NotSent {
        let now_ms = clock.steady_ms();
        self.strikes = self.strikes.saturating_add(1);
        let grown_ms = HOLD_MS_MIN.saturating_mul(1 << (self.strikes - 1).min(16)).min(HOLD_MS_MAX);
        let hold_until_ms =
            now_ms.saturating_add(grown_ms / 2).saturating_add(entropy.below(grown_ms / 2));
        self.until_ms = match &why {
            // The host gives one meanwhile, and asking the keeper costs no request.
            NotSent::Consent { reason: AuthReason::ConsentMissing, .. } => now_ms,
            NotSent::Consent {
                reason: AuthReason::ConsentUnclear | AuthReason::PairNotKept,
                ..
            } => hold_until_ms,
            NotSent::Auth(_) | NotSent::Consent { .. } => now_ms.saturating_add(HOLD_REFUSED_MS),
            NotSent::Throttled { until_ms } | NotSent::Open { until_ms } => {
                let left_ms = until_ms.saturating_sub(clock.now_ms()).min(REST_MS_MAX);
                now_ms.saturating_add(left_ms).max(hold_until_ms)
            }
            NotSent::Refused(_)
            | NotSent::Malformed(_)
            | NotSent::Moot(_)
            | NotSent::Unreachable(_)
            | NotSent::Replaced => hold_until_ms,
        };
        self.why = Some(why.clone());
        why
    }

    /// Ends the pause after a refusal of the credential.
    pub(super) fn lift(&mut self) {
        if matches!(self.why, Some(NotSent::Auth(_) | NotSent::Consent { .. })) {
            self.why = None;
            self.until_ms = 0;
        }
    }

    /// Forgets every failure.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
