//! The clocks of one connection combined: the source of each [`Moment`].
//!
//! A life begins when the connection is opened. Its number is random, so no life mistakes the
//! steady times of another one for its own. The wall clock may jump; the steady clock shows by how
//! much, and every answer here allows for it.
//!
//! Left out: the ATS's clock, which the session reads from answers.

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::journal::moment::{Moment, Now};
use crate::transport::Session;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// How far our clock may have jumped between two lives. Arbitrary: a day.
const JUMP_MAX_MS: u64 = 24 * 3_600_000;

/// The time as one connection knows it.
#[derive(Debug)]
pub(super) struct Moments {
    clock: Arc<dyn Clock>,
    session: Arc<Session>,
    life: Life,
}

impl Moments {
    /// Begins a life.
    pub(super) fn begin(
        clock: Arc<dyn Clock>,
        session: Arc<Session>,
        entropy: &dyn Entropy,
    ) -> Self {
        let life = Life::begin(clock.as_ref(), entropy);
        Self { clock, session, life }
    }

    /// This moment.
    pub(super) fn moment(&self) -> Moment {
        let (wall_ms, steady_ms) = (self.clock.now_ms(), self.clock.steady_ms());
        self.life.see(wall_ms, steady_ms);
        Moment { wall_ms, steady_ms, life: self.life.id, ahead_ms: self.session.ats_clock_ms() }
    }

    /// This moment, to measure others by.
    pub(super) fn now(&self) -> Now {
        Now {
            at: self.moment(),
            began_ms: self.life.began_ms,
            ahead_least_ms: self.session.ats_clock_least_ms(),
        }
    }

    /// By the wall clock: nothing that happened in the last `within_ms` carries an earlier time,
    /// although the clock may have jumped meanwhile, or since the last life.
    pub(super) fn wall_since_ms(&self, within_ms: u64) -> u64 {
        let now = self.now();
        let jumped_ms = match now.at.steady_ms.saturating_sub(now.began_ms) < within_ms {
            true => self.life.jumped_ms().max(JUMP_MAX_MS),
            false => self.life.jumped_ms(),
        };
        now.at.wall_ms.saturating_sub(within_ms).saturating_sub(jumped_ms)
    }

    /// How long ago this wall time was, at least and at most: they differ by what the clock jumped
    /// in this life. A time that an earlier life recorded is taken as it is.
    pub(super) fn wall_ago_ms(&self, wall_ms: u64) -> (u64, u64) {
        let ago_ms = self.moment().wall_ms.saturating_sub(wall_ms);
        let jumped_ms = self.life.jumped_ms();
        (ago_ms.saturating_sub(jumped_ms), ago_ms.saturating_add(jumped_ms))
    }

    /// How long ago the ATS says that something was, at least: by its clock and by ours.
    pub(super) fn stamped_ago_ms(&self, stamp_ms: u64) -> u64 {
        let now = self.moment();
        let theirs_ms = now.wall_ms.saturating_add_signed(now.ahead_ms.unwrap_or(0));
        now.wall_ms.min(theirs_ms).saturating_sub(stamp_ms)
    }
}

/// One life of a connection.
#[derive(Debug)]
struct Life {
    id: u64,
    began_ms: u64,
    /// The least and the most that the wall clock was ahead of the steady one: they differ when it
    /// jumped.
    offset_least_ms: AtomicI64,
    offset_most_ms: AtomicI64,
}

impl Life {
    fn begin(clock: &dyn Clock, entropy: &dyn Entropy) -> Self {
        let mut id = [0_u8; 8];
        entropy.fill(&mut id);
        let offset_ms = offset_ms(clock.now_ms(), clock.steady_ms());
        Self {
            // Zero stands for no life.
            id: u64::from_le_bytes(id).max(1),
            began_ms: clock.steady_ms(),
            offset_least_ms: AtomicI64::new(offset_ms),
            offset_most_ms: AtomicI64::new(offset_ms),
        }
    }

    fn see(&self, wall_ms: u64, steady_ms: u64) {
        let offset_ms = offset_ms(wall_ms, steady_ms);
        self.offset_least_ms.fetch_min(offset_ms, Ordering::Relaxed);
        self.offset_most_ms.fetch_max(offset_ms, Ordering::Relaxed);
    }

    /// How far the wall clock jumped in this life, as far as it was read.
    fn jumped_ms(&self) -> u64 {
        let (least_ms, most_ms) = (
            self.offset_least_ms.load(Ordering::Relaxed),
            self.offset_most_ms.load(Ordering::Relaxed),
        );
        most_ms.saturating_sub(least_ms).unsigned_abs()
    }
}

fn offset_ms(wall_ms: u64, steady_ms: u64) -> i64 {
    let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    signed(wall_ms).saturating_sub(signed(steady_ms))
}
