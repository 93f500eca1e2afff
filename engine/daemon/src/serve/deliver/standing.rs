//! Whether an endpoint accepts deliveries, as far as its last answers say. Pure.
//!
//! After [`DOWN_AFTER`] failures in a row, whatever they were about, one delivery at a time is
//! tried, at growing distances: an endpoint that is down gets few requests, however many changes
//! wait. One acceptance ends that. An endpoint that accepted nothing for three days is over.

use super::schedule::{delay_ms, is_over};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Failures in a row after which an endpoint counts as down.
pub(super) const DOWN_AFTER: u32 = 3;
/// The longest distance between two tries of an endpoint that is down, so that it is found soon
/// when it is back.
const PACE_MS_MAX: u64 = 10 * 60 * 1_000;
/// How long others wait for the delivery that is tried: longer than an exchange takes.
const TRY_MS: u64 = 20_000;
/// The longest wait before asking again, should the system's time jump.
const WAIT_MS_MAX: u64 = 60_000;

/// Why a delivery was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::serve) enum Reason {
    /// The answer has another status than 2xx.
    Status,
    /// The answer is a redirect, which is not followed.
    Redirect,
    /// The answer is 410: the receiver wants no more.
    Gone,
    /// No connection could be made.
    Unreachable,
    /// The egress policy refuses the address, or the request cannot be written.
    Refused,
    /// No complete answer arrived in time.
    NoAnswer,
    /// The feed no longer has the change.
    Trimmed,
}

/// A delivery that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) reason: Reason,
    pub(super) status: Option<u16>,
    /// The delay that the receiver asks for.
    pub(super) asked_ms: Option<u64>,
    /// For people.
    pub(super) detail: String,
}

/// The last failure, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(in crate::serve) struct LastFailure {
    pub(in crate::serve) reason: Reason,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::serve) status: Option<u16>,
    pub(in crate::serve) at_ms: u64,
    pub(in crate::serve) detail: String,
}

/// Whether a delivery may be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Go,
    /// Ask again after so many milliseconds.
    Wait(u64),
}

/// The standing of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    /// Failures since the last acceptance.
    pub(super) failures: u32,
    /// When the first of them was.
    pub(super) since_ms: Option<u64>,
    pub(super) last: Option<LastFailure>,
    /// When the next delivery is tried. Begins anew with the process.
    #[serde(skip)]
    due_ms: u64,
}

impl Standing {
    /// Whether a delivery may be tried now.
    pub(super) fn admit(&mut self, now_ms: u64) -> Admission {
        if self.failures < DOWN_AFTER {
            return Admission::Go;
        }
        if now_ms < self.due_ms {
            return Admission::Wait(self.due_ms.saturating_sub(now_ms).min(WAIT_MS_MAX));
        }
        self.due_ms = now_ms.saturating_add(TRY_MS);
        Admission::Go
    }

    /// A delivery was accepted. Whether that changes anything.
    pub(super) fn accepted(&mut self) -> bool {
        let was_failing = self.failures > 0;
        *self = Self { last: self.last.take(), ..Self::default() };
        was_failing
    }

    /// A delivery was not accepted. Whether the endpoint is over.
    pub(super) fn failed(&mut self, failure: &Failure, now_ms: u64, random: u64) -> bool {
        let since_ms = *self.since_ms.get_or_insert(now_ms);
        self.failures = self.failures.saturating_add(1);
        let delay_ms = delay_ms(self.failures, random, failure.asked_ms);
        self.due_ms = now_ms.saturating_add(delay_ms.min(PACE_MS_MAX));
        let Failure { reason, status, detail, .. } = failure.clone();
        self.last = Some(LastFailure { reason, status, at_ms: now_ms, detail });
        reason == Reason::Gone || is_over(since_ms, now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission, DOWN_AFTER, Failure, PACE_MS_MAX, Reason, Standing};

    const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

    fn failure(reason: Reason) -> Failure {
        Failure { reason, status: Some(500), asked_ms: None, detail: String::new() }
    }

    #[test]
    fn an_endpoint_that_is_down_is_tried_one_delivery_at_a_time_until_it_accepts() {
        let mut standing = Standing::default();
        let mut now_ms = 1_000;
        for _ in 0..DOWN_AFTER {
            assert_eq!(standing.admit(now_ms), Admission::Go);
            assert!(!standing.failed(&failure(Reason::Status), now_ms, 0));
        }
        assert!(matches!(standing.admit(now_ms), Admission::Wait(_)));
        for _ in 0..20 {
            now_ms += PACE_MS_MAX;
            assert_eq!(standing.admit(now_ms), Admission::Go);
            assert!(matches!(standing.admit(now_ms), Admission::Wait(_)), "one at a time");
            assert!(!standing.failed(&failure(Reason::NoAnswer), now_ms, 0));
        }
        assert!(standing.accepted());
        assert_eq!(standing.admit(now_ms), Admission::Go);
        assert_eq!(standing.admit(now_ms), Admission::Go);
        assert!(!standing.accepted());
    }

    #[test]
    fn three_days_without_an_acceptance_end_it_and_410_at_once() {
        let mut standing = Standing::default();
        assert!(!standing.failed(&failure(Reason::Status), 0, 0));
        assert!(!standing.failed(&failure(Reason::Status), 3 * DAY_MS - 1, 0));
        // Over a restart of the process.
        let kept = serde_json::to_vec(&standing).unwrap();
        let mut standing: Standing = serde_json::from_slice(&kept).unwrap();
        assert!(standing.failed(&failure(Reason::Status), 3 * DAY_MS, 0));
        standing.accepted();
        assert!(!standing.failed(&failure(Reason::Status), 3 * DAY_MS, 0));
        assert!(Standing::default().failed(&failure(Reason::Gone), 0, 0));
    }
}
