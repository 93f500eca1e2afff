//! When: each kind of a connection on its own cron schedule, and the difference worked on whenever
//! there is one.
//!
//! Cron expressions have five fields (minute first) or six (second first), in UTC. A kind that was
//! never pulled is due at once; one that missed its time while nothing ran is due at once too, and
//! once only. After a pull, and whenever something was declared, what is dirty is planned and
//! applied; so it is when a doubt is to be looked into again. A failure waits, longer each time,
//! and never stops the other kinds.
//!
//! Waits are counted by the steady clock; cron expressions name wall times, and what a jump of the
//! wall clock means for them is in [`due`].
//!
//! Bounds: [`due::BACKOFF_MAX_MS`], [`IDLE_MAX_MS`]. Left out: several processes on one store; the
//! store refuses the second.

mod cron;
mod due;
mod rounds;
mod several;

pub use cron::{Cron, CronError};

use crate::engine::Connection;
use crate::error::Error;
use rounds::{Cut, Rounds};
use std::collections::BTreeMap;
use std::future::Future;

/// The shortest wait after a refused credential, unless another is given: it rarely mends by
/// itself.
pub const REFUSED_MIN_MS: u64 = 60_000;
/// The longest sleep: the wall clock may jump, so the schedule is looked at this often.
pub const IDLE_MAX_MS: u64 = 60_000;
/// Pages that a sweep reads before other work gets its turn. Arbitrary: some seconds of a common
/// rate budget.
pub const SWEEP_PAGES_A_TURN: u64 = 8;
/// How long work on effects may go on after the stop.
pub const STOP_GRACE_MS: u64 = 25_000;

/// What [`Connection::run`] tells about its rounds. Never carries candidate data.
#[derive(Debug)]
#[non_exhaustive]
pub enum Round<'a> {
    /// A kind was pulled.
    Pulled(&'a crate::reconcile::PullReport),
    /// A turn of a sweep was taken.
    Swept(&'a crate::reconcile::SweepReport),
    /// A plan was carried out.
    Applied(&'a crate::reconcile::ApplyReport),
    /// Something failed and is tried again after the wait.
    Failed {
        /// What.
        what: &'a str,
        /// Why.
        error: &'a Error,
        /// When it is tried again.
        wait_ms: u64,
    },
}

/// What is done when, by kind.
#[derive(Clone, Debug, Default)]
pub struct Crons {
    /// When a kind is brought up to date.
    pub pulls: BTreeMap<String, Cron>,
    /// When a sweep of a kind begins. It takes [`SWEEP_PAGES_A_TURN`] pages at a time, and lets
    /// pulls and effects go first.
    pub sweeps: BTreeMap<String, Cron>,
}

impl Crons {
    /// These pulls, and no sweeps.
    pub fn of_pulls(pulls: impl IntoIterator<Item = (String, Cron)>) -> Self {
        Self { pulls: pulls.into_iter().collect(), sweeps: BTreeMap::new() }
    }
}

impl Connection {
    /// How long work on effects may go on after [`Connection::run`] was told to stop.
    pub const STOP_GRACE_MS: u64 = STOP_GRACE_MS;

    /// Keeps the connection in step until `stop` completes. Then pulls are cut at once (their pages
    /// are committed), no new effect begins, and those under way are given [`STOP_GRACE_MS`] to
    /// end.
    ///
    /// # Errors
    /// Only what no waiting mends: a wrong configuration, a failed store. A refused credential does
    /// not end it: nothing is done until [`Connection::replace_credential`] gives another, or the
    /// wait that [`Round::Failed`] tells is over.
    pub async fn run(
        &self,
        crons: Crons,
        stop: impl Future<Output = ()>,
        tell: impl FnMut(&Round<'_>),
    ) -> Result<(), Error> {
        let mut rounds = Rounds::begin(self, crons, tell).await?;
        let mut stop = std::pin::pin!(stop);
        loop {
            match rounds.round(stop.as_mut()).await {
                Ok(()) | Err(Cut::Refused) => {}
                Err(Cut::Stopped) => return Ok(()),
                Err(Cut::Failed(error)) => return Err(error),
            }
        }
    }
}
