//! The circuit breaker of a connection: while the ATS fails, most calls end here instead of adding
//! load. Pure.
//!
//! Whole calls are counted, repeats included. [`FAILURES_MAX`] calls in a row without an answer, or
//! with an answer of 500 and above, open the circuit. Then no request leaves for a pause that grows
//! each time, with jitter so that many connections do not return at once. After the pause one call
//! may try; its result closes the circuit or opens it again. Every answer below 500 closes it: the
//! ATS is available.
//!
//! Left out: 429, which the budget handles; refused credentials, which no pause cures.

use std::sync::{Mutex, PoisonError};

/// Failures in a row that open the circuit. Arbitrary: more than the repeats of one call on one
/// page.
pub const FAILURES_MAX: u32 = 5;
/// How long the first opening lasts.
pub const OPEN_FIRST_MS: u64 = 5_000;
/// How long an opening lasts at most.
pub const OPEN_MAX_MS: u64 = 5 * 60_000;
/// How long a trial blocks other calls at most; a dropped one must not block them without end.
const TRIAL_MS: u64 = 120_000;

/// How a call ended, for the circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The ATS is available.
    Well,
    /// The ATS is unavailable or failed.
    Ill,
    /// It shows nothing about the ATS.
    Neither,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Circuit {
    failures: u32,
    openings: u32,
    /// Nothing leaves before this time.
    open_until_ms: u64,
}

/// The circuit of one connection.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<Circuit>);

impl Breaker {
    /// Whether a call may leave. While the circuit is open, the time at which one may try.
    ///
    /// # Errors
    /// The time.
    pub fn enter(&self, now_ms: u64) -> Result<(), u64> {
        let mut circuit = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if circuit.failures < FAILURES_MAX {
            return Ok(());
        }
        if now_ms < circuit.open_until_ms {
            return Err(circuit.open_until_ms);
        }
        // This call tries; the others wait for its result.
        circuit.open_until_ms = now_ms.saturating_add(TRIAL_MS);
        Ok(())
    }

    /// Records how a call ended. `jitter` is below [`OPEN_FIRST_MS`].
    pub fn ended(&self, ended: Ended, now_ms: u64, jitter_ms: u64) {
        let mut circuit = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match ended {
            Ended::Well => *circuit = Circuit::default(),
            Ended::Neither => {
                // After a trial without a result the next call may try.
                circuit.open_until_ms = circuit.open_until_ms.min(now_ms);
            }
            Ended::Ill => {
                circuit.failures = circuit.failures.saturating_add(1);
                if circuit.failures >= FAILURES_MAX {
                    let length_ms = OPEN_FIRST_MS
                        .saturating_mul(1 << circuit.openings.min(10))
                        .min(OPEN_MAX_MS);
                    circuit.open_until_ms =
                        now_ms.saturating_add(length_ms).saturating_add(jitter_ms);
                    circuit.openings = circuit.openings.saturating_add(1);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Breaker, Ended, FAILURES_MAX, OPEN_FIRST_MS, OPEN_MAX_MS};

    fn opened() -> Breaker {
        let breaker = Breaker::default();
        (0..FAILURES_MAX).for_each(|_| breaker.ended(Ended::Ill, 0, 0));
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_answer_closes_it() {
        let breaker = Breaker::default();
        for _ in 1..FAILURES_MAX {
            breaker.ended(Ended::Ill, 0, 0);
        }
        assert_eq!(breaker.enter(0), Ok(()));
        breaker.ended(Ended::Well, 0, 0);
        breaker.ended(Ended::Ill, 0, 0);
        assert_eq!(breaker.enter(0), Ok(()), "the row was broken");
        assert_eq!(opened().enter(1), Err(OPEN_FIRST_MS));
    }

    #[test]
    fn one_call_tries_when_the_while_is_over_and_the_others_wait_for_it() {
        let breaker = opened();
        assert_eq!(breaker.enter(OPEN_FIRST_MS), Ok(()));
        assert!(breaker.enter(OPEN_FIRST_MS).is_err());
        breaker.ended(Ended::Well, OPEN_FIRST_MS, 0);
        assert_eq!(breaker.enter(OPEN_FIRST_MS), Ok(()));
    }

    #[test]
    fn openings_grow_and_are_bounded() {
        let breaker = opened();
        let mut now_ms = 0;
        let mut last_ms = 0;
        for _ in 0..20 {
            let until_ms = breaker.enter(now_ms).unwrap_err();
            assert!(until_ms - now_ms >= last_ms && until_ms - now_ms <= OPEN_MAX_MS);
            last_ms = until_ms - now_ms;
            now_ms = until_ms;
            assert_eq!(breaker.enter(now_ms), Ok(()));
            breaker.ended(Ended::Ill, now_ms, 0);
        }
        assert_eq!(last_ms, OPEN_MAX_MS);
    }

    #[test]
    fn a_trial_that_says_nothing_lets_the_next_one_try() {
        let breaker = opened();
        assert_eq!(breaker.enter(OPEN_FIRST_MS), Ok(()));
        breaker.ended(Ended::Neither, OPEN_FIRST_MS, 0);
        assert_eq!(breaker.enter(OPEN_FIRST_MS), Ok(()));
    }
}
