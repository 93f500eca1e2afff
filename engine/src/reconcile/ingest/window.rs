//! Windows of changes, by two clocks that may differ. Pure.
//!
//! The ATS stamps changes by its own clock, so a window ends by that clock where an answer's `Date`
//! has shown it. Our clock alone may lag, and hide recent changes, or run ahead, and skip changes
//! until the ATS catches up.
//!
//! # Guarantees
//! Two ends are told apart. What is *asked for* ends with the second that the ATS's clock shows, so
//! that nothing fresh is hidden. What is *remembered* as read (the watermark) is the earlier of
//! both clocks when the pass began: an answer's date may be cached or wrong, and a watermark that
//! is too late skips changes for good, while one that is too early only has them read twice. A
//! clock that differs by more than [`SANE_MS`] is not asked for either.
//!
//! Left out: reading the clocks; see [`crate::transport::Session::ats_clock_ms`].

/// How far two clocks may differ for the ATS's to be used. Beyond that, one of them is set to
/// another day, and it is not known which.
pub(super) const SANE_MS: u64 = crate::transport::session::CLOCK_SANE_MS;

/// A larger difference is reported. A `Date` has whole seconds, and answers take their time.
pub(super) const REPORTED_MS: u64 = 10_000;

/// The part of a second that a `Date` does not show.
const SECOND_MS: u64 = 1_000;

/// Both clocks: ours, and how far the ATS's is ahead of it (negative: behind). None: no answer had
/// a date yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clocks {
    pub(super) now_ms: u64,
    pub(super) ahead_ms: Option<i64>,
}

impl Clocks {
    /// The ATS's time, or ours where it is not known. Never later than it is.
    fn ats_ms(self) -> u64 {
        self.now_ms.saturating_add_signed(self.ahead_ms.unwrap_or(0))
    }

    /// The end of the window that is asked for.
    pub(super) fn asked_to_ms(self) -> u64 {
        match self.ahead_ms {
            Some(ahead_ms) if ahead_ms > 0 => self.ats_ms().saturating_add(SECOND_MS),
            // A difference below what a date can show does not count.
            Some(ahead_ms)
                if ahead_ms.unsigned_abs() > REPORTED_MS && ahead_ms.unsigned_abs() <= SANE_MS =>
            {
                self.ats_ms().saturating_add(SECOND_MS)
            }
            _ => self.now_ms,
        }
    }

    /// The latest time up to which a pass that began now may say that it has read.
    pub(super) fn read_to_ms(self) -> u64 {
        self.now_ms.min(self.ats_ms())
    }

    /// Whether a window that was requested before the ATS's clock was known ends too early by it.
    pub(super) fn was_short(self, asked_to_ms: u64) -> bool {
        self.ahead_ms.is_some() && self.ats_ms() > asked_to_ms.saturating_add(SECOND_MS)
    }

    /// The warning about clocks that differ.
    pub(crate) fn warning(self) -> Option<String> {
        let ahead_ms = self.ahead_ms?;
        if ahead_ms.unsigned_abs() <= REPORTED_MS {
            return None;
        }
        let (seconds, side) =
            (ahead_ms.unsigned_abs() / 1_000, if ahead_ms > 0 { "behind" } else { "ahead of" });
        let then = if ahead_ms.unsigned_abs() <= SANE_MS {
            "windows end by the ATS's clock"
        } else {
            "that is too far to believe either, so windows overlap by the difference"
        };
        Some(format!(
            "the clock of this machine is {seconds} s {side} the ATS's; {then}. Set it right"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::{Clocks, SANE_MS};

    const NOW_MS: u64 = 1_795_514_400_500;

    fn clocks(ahead_ms: i64) -> Clocks {
        Clocks { now_ms: NOW_MS, ahead_ms: Some(ahead_ms) }
    }

    #[test]
    fn a_clock_that_lags_hides_nothing_fresh() {
        for ahead_ms in [1, 999, 5_000, 60_000, 3_600_000, 86_400_000, 400 * 86_400_000] {
            let ats_ms = NOW_MS.saturating_add_signed(ahead_ms);
            assert!(
                clocks(ahead_ms).asked_to_ms() >= ats_ms + 999,
                "{ahead_ms}: a date does not show its milliseconds"
            );
        }
    }

    #[test]
    fn what_is_remembered_as_read_is_never_later_than_the_atss_clock() {
        for ahead_ms in
            [-400 * 86_400_000, -3_600_000, -60_000, -5_000, -1, 0, 1, 60_000, 400 * 86_400_000]
        {
            assert!(
                clocks(ahead_ms).read_to_ms() <= NOW_MS.saturating_add_signed(ahead_ms),
                "{ahead_ms}"
            );
        }
    }

    #[test]
    fn a_date_from_another_age_moves_no_window_into_the_future() {
        let ahead_ms = i64::try_from(SANE_MS).unwrap() + 1;
        assert_eq!(clocks(ahead_ms).read_to_ms(), NOW_MS);
        assert!(clocks(ahead_ms).warning().unwrap().contains("too far"));
    }

    #[test]
    fn clocks_that_agree_say_nothing_and_end_windows_now() {
        assert_eq!((clocks(-500).asked_to_ms(), clocks(-500).warning()), (NOW_MS, None));
        assert!(
            !clocks(-500).was_short(NOW_MS)
                && !clocks(900).was_short(NOW_MS)
                && clocks(5_000).was_short(NOW_MS)
        );
        let unknown = Clocks { now_ms: NOW_MS, ahead_ms: None };
        assert_eq!(
            (unknown.asked_to_ms(), unknown.read_to_ms(), unknown.warning()),
            (NOW_MS, NOW_MS, None)
        );
    }
}
