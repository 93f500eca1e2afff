//! A moment by all clocks, so that the time since then can be bounded whatever the clocks did in
//! between. Pure.
//!
//! There are three clocks, and two of them may be wrong. The *steady* one of this process counts
//! durations and is never wrong, but ends with the process. The *wall* clock of this machine may
//! jump. The *ATS's*, as answers show it, may be cached, wrong or forged.
//!
//! # How long ago
//! Within one run of the engine the steady clock alone decides. After a restart, time counts from
//! the start of this run, or from as long ago as our wall clock and the ATS's *both* say. So one
//! wrong clock never makes a wait shorter, and a wrong ATS never makes it longer than from the
//! start, or than [`DAY_MS`] by our own clock.
//!
//! # How early
//! [`Moment::earliest_ms`] is compared with the times that the ATS puts on records, so it errs to
//! the early side: the least offset that any answer showed. An error there can make the engine take
//! an equal, older record of another writer for its own.

use serde::{Deserialize, Serialize};

/// Beyond this, our own wall clock decides alone: no clock is wrong by more for long.
const DAY_MS: u64 = 24 * 3_600_000;

/// One moment by all clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// By this machine's wall clock, for people to read.
    pub wall_ms: u64,
    /// By the steady clock of the process.
    #[serde(default)]
    pub steady_ms: u64,
    /// The run of the engine that the steady time belongs to; a random number.
    #[serde(default)]
    pub life: u64,
    /// How far the ATS's clock was ahead of the wall (below nought: behind), as the last dated
    /// answer had it.
    #[serde(default)]
    pub ahead_ms: Option<i64>,
}

/// Now, and what is known of this run of the engine.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The moment.
    pub at: Moment,
    /// When this run began, by the steady clock.
    pub began_ms: u64,
    /// The least that the ATS's clock was ahead in any answer of this run.
    pub ahead_least_ms: Option<i64>,
}

impl Moment {
    /// A moment of which only the wall time is known.
    pub fn of_wall(wall_ms: u64) -> Self {
        Self { wall_ms, ..Self::default() }
    }

    /// The least time that has passed since then.
    pub fn elapsed_ms(&self, now: &Now) -> u64 {
        if self.life == now.at.life {
            return now.at.steady_ms.saturating_sub(self.steady_ms);
        }
        let since_start_ms = now.at.steady_ms.saturating_sub(now.began_ms);
        let ours_ms = now.at.wall_ms.saturating_sub(self.wall_ms);
        if ours_ms >= DAY_MS {
            return ours_ms;
        }
        let both_ms = match (self.ahead_ms, now.at.ahead_ms) {
            (Some(then_ms), Some(now_ms)) => {
                ours_ms.saturating_add_signed(now_ms.saturating_sub(then_ms)).min(ours_ms)
            }
            // The ATS has shown its clock before and will again; until then only this run counts.
            (Some(_), None) => 0,
            (None, _) => ours_ms,
        };
        since_start_ms.max(both_ms)
    }

    /// The rest of a wait that began then.
    pub fn left_ms(&self, wait_ms: u64, now: &Now) -> u64 {
        wait_ms.saturating_sub(self.elapsed_ms(now))
    }

    /// The earliest that the ATS's clock may have shown then.
    pub fn earliest_ms(&self, now: &Now) -> u64 {
        let least_ms =
            [self.ahead_ms, now.ahead_least_ms].into_iter().flatten().min().unwrap_or(0).min(0);
        self.wall_ms.saturating_add_signed(least_ms)
    }

    /// The later of two; within one run by the steady clock.
    pub fn later(self, other: Self) -> Self {
        let is_later = match self.life == other.life {
            true => self.steady_ms >= other.steady_ms,
            false => self.wall_ms >= other.wall_ms,
        };
        if is_later { self } else { other }
    }
}

#[cfg(test)]
#[path = "moment_tests.rs"]
mod tests;
