//! Computes when a scheduled kind is due, by both clocks.
//!
//! A cron expression names wall times. The duration until then is counted by the steady clock, so a
//! jump of the wall clock alone makes nothing due. The next check of the schedule detects a jump.
//! Then a kind is due at its next wall time by the new clock, or when its present wait is over,
//! whichever is earlier: no kind waits longer than its cron expression says.
//!
//! Bounds: a difference of less than [`JUMP_MIN_MS`] is no jump. Left out: waits after failures,
//! which no jump changes.

use super::cron::Cron;
use crate::clock::Clock;

/// The first wait after a failure.
pub(super) const BACKOFF_FIRST_MS: u64 = 5_000;
/// The longest wait after failures.
pub(super) const BACKOFF_MAX_MS: u64 = 15 * 60_000;

/// The least difference between the clocks that counts as a jump: a smaller one is a clock that is
/// being adjusted gradually.
const JUMP_MIN_MS: u64 = 1_000;

/// The times of both clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) wall_ms: u64,
    pub(super) steady_ms: u64,
}

impl Times {
    pub(super) fn at(clock: &dyn Clock) -> Self {
        Self { wall_ms: clock.now_ms(), steady_ms: clock.steady_ms() }
    }

    /// The steady time at which the wall clock shows this, if it does not jump.
    pub(super) fn steady_of(&self, wall_ms: u64) -> u64 {
        self.steady_ms.saturating_add(wall_ms.saturating_sub(self.wall_ms))
    }

    /// Whether the wall clock jumped since an earlier look.
    pub(super) fn jumped_since(&self, before: &Self) -> bool {
        let passed_ms = self.steady_ms.saturating_sub(before.steady_ms);
        self.wall_ms.abs_diff(before.wall_ms.saturating_add(passed_ms)) >= JUMP_MIN_MS
    }
}

/// A kind on a cron schedule.
#[derive(Debug)]
pub(super) struct Due {
    cron: Cron,
    /// The wall time that it waits for.
    wall_ms: u64,
    /// When it is due, by the steady clock.
    steady_ms: u64,
    failures: u32,
}

impl Due {
    /// Due at once.
    pub(super) fn now(cron: Cron) -> Self {
        Self { cron, wall_ms: 0, steady_ms: 0, failures: 0 }
    }

    /// Due at the first time after a wall time. A time in the future, stored by a wrong clock,
    /// counts as now.
    pub(super) fn after(cron: Cron, last_ms: u64, now: &Times) -> Self {
        let mut due = Self::now(cron);
        due.wait_from(last_ms.min(now.wall_ms), now);
        due
    }

    fn wait_from(&mut self, wall_ms: u64, now: &Times) {
        match self.cron.next_ms(wall_ms) {
            Some(next_ms) => (self.wall_ms, self.steady_ms) = (next_ms, now.steady_of(next_ms)),
            None => (self.wall_ms, self.steady_ms) = (u64::MAX, u64::MAX),
        }
    }

    /// When it is due, by the steady clock.
    pub(super) fn steady_ms(&self) -> u64 {
        self.steady_ms
    }

    pub(super) fn is_due(&self, now: &Times) -> bool {
        self.steady_ms <= now.steady_ms
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// Resets its failures; when it is due stays.
    pub(super) fn is_well(&mut self) {
        self.failures = 0;
    }

    /// Makes it due at once, as if it had never failed.
    pub(super) fn at_once(&mut self) {
        (self.failures, self.steady_ms) = (0, 0);
    }

    /// It was done, and is due at the next time.
    pub(super) fn done(&mut self, now: &Times) {
        self.failures = 0;
        // The clocks differ slightly: a kind that was done just before its time is not done again
        // at its time.
        let is_early =
            self.wall_ms.checked_sub(now.wall_ms).is_some_and(|early_ms| early_ms < JUMP_MIN_MS);
        self.wait_from(if is_early { self.wall_ms } else { now.wall_ms }, now);
    }

    /// Defers it after a failure; longer each time.
    pub(super) fn defer(&mut self, now: &Times, jitter_ms: u64) -> u64 {
        self.failures = self.failures.saturating_add(1);
        let wait_ms = backoff_ms(self.failures, jitter_ms);
        self.steady_ms = now.steady_ms.saturating_add(wait_ms);
        wait_ms
    }

    /// Recomputes when it is due after a jump of the wall clock: at its next wall time, and no
    /// later than before.
    pub(super) fn jumped(&mut self, now: &Times) {
        if self.failures > 0 || self.is_due(now) {
            return;
        }
        let before_ms = self.steady_ms;
        self.wait_from(now.wall_ms, now);
        self.steady_ms = self.steady_ms.min(before_ms);
    }
}

/// The wait after so many failures in a row.
pub(super) fn backoff_ms(failures: u32, jitter_ms: u64) -> u64 {
    let doubled = BACKOFF_FIRST_MS.saturating_mul(1 << failures.saturating_sub(1).min(10));
    doubled.min(BACKOFF_MAX_MS).saturating_add(jitter_ms)
}

#[cfg(test)]
mod tests {
    use super::{BACKOFF_MAX_MS, Due, Times, backoff_ms};
    use crate::schedule::Cron;

    const HOUR_MS: u64 = 3_600_000;
    const DAY_MS: u64 = 24 * HOUR_MS;
    /// A full hour.
    const NOON_MS: u64 = 1_764_072_000_000;

    fn look(wall_ms: u64, steady_ms: u64) -> Times {
        Times { wall_ms, steady_ms }
    }

    fn hourly() -> Cron {
        Cron::parse("0 * * * *").unwrap()
    }

    #[test]
    fn a_clock_that_jumps_makes_nothing_due_and_stops_nothing_for_longer_than_its_schedule() {
        let start = look(NOON_MS + 60_000, 0);
        for wall_ms in
            [NOON_MS - DAY_MS, NOON_MS - 1_800_000, NOON_MS + 1_800_000, NOON_MS + DAY_MS]
        {
            let mut due = Due::after(hourly(), start.wall_ms, &start);
            let jumped = look(wall_ms, 600_000);
            assert!(jumped.jumped_since(&start));
            due.jumped(&jumped);
            assert!(!due.is_due(&jumped), "to {wall_ms}");
            assert!(due.is_due(&look(wall_ms, HOUR_MS)), "to {wall_ms}");
        }
    }

    #[test]
    fn a_wait_after_a_failure_is_as_long_whatever_the_clock_does() {
        let start = look(NOON_MS, 1_000);
        let mut due = Due::now(hourly());
        let wait_ms = due.defer(&start, 0);
        due.jumped(&look(NOON_MS + DAY_MS, 1_001));
        assert_eq!(due.steady_ms(), 1_000 + wait_ms);
    }

    #[test]
    fn what_is_done_a_moment_before_its_time_is_not_done_again_at_its_time() {
        let start = look(NOON_MS + 1, 0);
        let mut due = Due::after(hourly(), start.wall_ms, &start);
        due.done(&look(NOON_MS + HOUR_MS - 5, HOUR_MS));
        assert_eq!(due.steady_ms(), 2 * HOUR_MS + 5);
    }

    #[test]
    fn a_last_time_from_the_future_keeps_nothing_waiting() {
        let start = look(NOON_MS, 7);
        let due = Due::after(hourly(), NOON_MS + 365 * DAY_MS, &start);
        assert_eq!(due.steady_ms(), 7 + HOUR_MS);
    }

    #[test]
    fn a_clock_that_goes_its_way_has_not_jumped() {
        assert!(!look(NOON_MS + 60_020, 60_000).jumped_since(&look(NOON_MS, 0)));
    }

    #[test]
    fn waits_grow_and_are_bounded() {
        assert!(backoff_ms(1, 0) < backoff_ms(2, 0));
        assert_eq!(backoff_ms(60, 0), BACKOFF_MAX_MS);
    }
}
