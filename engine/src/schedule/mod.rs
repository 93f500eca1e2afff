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
mod several;

pub use cron::{Cron, CronError};

use crate::engine::Connection;
use crate::error::{Error, ErrorKind};
use crate::reconcile::SweepOptions;
use crate::store::{HeldBy, Hold, SweepPhase};
use due::{BACKOFF_FIRST_MS, Due, Times, backoff_ms};
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

/// That the ATS refused the credential. Everything rests meanwhile: each further request would be
/// refused too.
#[derive(Debug, Default)]
struct Refused {
    /// By the steady clock.
    until_ms: Option<u64>,
    times: u32,
}

impl Refused {
    /// Rests once more; longer each time.
    fn again(&mut self, now: &Times, jitter_ms: u64) -> u64 {
        self.times = self.times.saturating_add(1);
        let wait_ms = backoff_ms(self.times, jitter_ms).max(REFUSED_MIN_MS);
        self.until_ms = Some(now.steady_ms.saturating_add(wait_ms));
        wait_ms
    }
}

/// What is done when, by kind.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
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

    /// The same with these sweeps.
    #[must_use]
    pub fn with_sweeps(mut self, sweeps: impl IntoIterator<Item = (String, Cron)>) -> Self {
        self.sweeps = sweeps.into_iter().collect();
        self
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
        run(self, crons, stop, tell).await
    }
}

async fn run(
    connection: &Connection,
    crons: Crons,
    stop: impl Future<Output = ()>,
    mut tell: impl FnMut(&Round<'_>),
) -> Result<(), Error> {
    let stop = async {
        tokio::select! {
            () = stop => {}
            () = connection.closed() => {}
        }
    };
    tokio::pin!(stop);
    let reconciler = connection.work()?;
    let clock = &reconciler.clock;
    let times = || Times::at(clock.as_ref());
    let mut seen = times();
    let mut dues = BTreeMap::new();
    for (kind, cron) in crons.pulls {
        let completed =
            reconciler.store.scan_state(&kind, None).await?.and_then(|state| state.completed_ms);
        let due = match completed {
            Some(completed_ms) => Due::after(cron, completed_ms, &seen),
            None => Due::now(cron),
        };
        dues.insert(kind, due);
    }
    let mut sweeps = BTreeMap::new();
    for (kind, cron) in crons.sweeps {
        let stored = reconciler.store.sweep_state(&kind).await?;
        let due = match stored.map(|state| (state.phase, state.held)) {
            Some((SweepPhase::Ended { at_ms }, _)) => Due::after(cron, at_ms, &seen),
            Some((_, Some(Hold { by: HeldBy::Brake | HeldBy::Unread, at_ms, .. }))) => {
                Due::after(cron, at_ms, &seen)
            }
            // One that was cut off goes on; the first begins when its time comes, since the first
            // pull has just shown everything.
            Some((SweepPhase::Walking { .. } | SweepPhase::Walked, _)) => Due::now(cron),
            None => Due::after(cron, seen.wall_ms, &seen),
        };
        sweeps.insert(kind, due);
    }
    let mut work_due_ms = 0;
    let mut work_failures = 0;
    let mut credentials = connection.credentials().subscribe();
    let mut refused = Refused::default();
    loop {
        if let Some(until_ms) = refused.until_ms {
            let wait_ms = until_ms.saturating_sub(clock.steady_ms()).min(IDLE_MAX_MS);
            let replaced = tokio::select! {
                biased;
                () = &mut stop => return Ok(()),
                replaced = credentials.changed() => replaced.is_ok(),
                () = clock.sleep(wait_ms.max(1)) => false,
            };
            if replaced {
                refused = Refused::default();
            } else if clock.steady_ms() < until_ms {
                continue;
            }
            refused.until_ms = None;
        }
        let now = times();
        if now.jumped_since(&seen) {
            dues.values_mut().chain(sweeps.values_mut()).for_each(|due| due.jumped(&now));
            seen = now;
        }
        let due: Vec<String> =
            dues.iter().filter(|(_, due)| due.is_due(&now)).map(|(kind, _)| kind.clone()).collect();
        for kind in due {
            let pulled = tokio::select! {
                biased;
                () = &mut stop => return Ok(()),
                pulled = connection.pull(&kind) => pulled,
            };
            let Some(entry) = dues.get_mut(&kind) else { continue };
            let now = times();
            match pulled {
                Ok(report) => {
                    refused.times = 0;
                    entry.done(&now);
                    work_due_ms = work_due_ms.min(now.steady_ms);
                    tell(&Round::Pulled(&report));
                }
                Err(error) if error.kind() == ErrorKind::Auth => {
                    let wait_ms = refused.again(&now, reconciler.entropy.below(1_000));
                    tell(&Round::Failed { what: &kind, error: &error, wait_ms });
                    break;
                }
                Err(error) => {
                    if !mends(error.kind()) {
                        return Err(error);
                    }
                    let wait_ms = entry.put_off(&now, reconciler.entropy.below(1_000));
                    tell(&Round::Failed { what: &kind, error: &error, wait_ms });
                }
            }
        }
        if refused.until_ms.is_some() {
            continue;
        }
        if work_due_ms <= clock.steady_ms() {
            let worked = {
                let work = connection.sync();
                tokio::pin!(work);
                tokio::select! {
                    biased;
                    worked = &mut work => worked,
                    () = &mut stop => {
                        // What is on its way may end, and nothing new begins; what is cut is found
                        // in the journal by the next run.
                        reconciler.hold_effects();
                        let ended = tokio::select! {
                            worked = &mut work => worked.ok(),
                            () = clock.sleep(STOP_GRACE_MS) => None,
                        };
                        reconciler.release_effects();
                        if let Some((_, report)) = ended.filter(|(_,
                            report)| !report.steps.is_empty()) {
                            tell(&Round::Applied(&report));
                        }
                        return Ok(());
                    }
                }
            };
            match worked {
                Ok((_, report)) => {
                    work_failures = 0;
                    // A doubt is looked into when its wait is over, whether or not anything else is
                    // to be done.
                    let next_look_ms = reconciler.next_look_ms().await?;
                    let now = times();
                    let soonest_ms = now.steady_ms.saturating_add(BACKOFF_FIRST_MS);
                    work_due_ms =
                        next_look_ms.map_or(u64::MAX, |at_ms| now.steady_of(at_ms).max(soonest_ms));
                    if !report.steps.is_empty() {
                        tell(&Round::Applied(&report));
                    }
                }
                Err(error) if error.kind() == ErrorKind::Auth => {
                    let wait_ms = refused.again(&times(), reconciler.entropy.below(1_000));
                    tell(&Round::Failed { what: "apply", error: &error, wait_ms });
                    continue;
                }
                Err(error) => {
                    if !mends(error.kind()) {
                        return Err(error);
                    }
                    work_failures += 1;
                    let wait_ms = backoff_ms(work_failures, reconciler.entropy.below(1_000));
                    work_due_ms = clock.steady_ms().saturating_add(wait_ms);
                    tell(&Round::Failed { what: "apply", error: &error, wait_ms });
                }
            }
        }
        let now = times();
        let others_wait = work_due_ms <= now.steady_ms || dues.values().any(|due| due.is_due(&now));
        let due = sweeps
            .iter()
            .filter(|(_, due)| due.is_due(&now))
            .min_by_key(|(_, due)| due.steady_ms());
        if let Some(kind) = due.map(|(kind, _)| kind.clone()).filter(|_| !others_wait) {
            let swept = tokio::select! {
                biased;
                () = &mut stop => return Ok(()),
                swept = connection.sweep(&kind,
                    SweepOptions::default().pages_max(SWEEP_PAGES_A_TURN)) => swept,
            };
            let now = times();
            if let Some(entry) = sweeps.get_mut(&kind) {
                match swept {
                    // One that lost a right goes on when it is back; it is tried as what failed is.
                    Ok(report) if report.held_by == Some(HeldBy::Right) => {
                        entry.put_off(&now, reconciler.entropy.below(1_000));
                        tell(&Round::Swept(&report));
                    }
                    Ok(report) => {
                        if report.complete || report.held.is_some() {
                            entry.done(&now);
                        } else {
                            entry.is_well();
                        }
                        if report.confirmed > 0 || report.moved > 0 {
                            work_due_ms = work_due_ms.min(now.steady_ms);
                        }
                        tell(&Round::Swept(&report));
                    }
                    Err(error) if error.kind() == ErrorKind::Auth => {
                        let wait_ms = refused.again(&now, reconciler.entropy.below(1_000));
                        tell(&Round::Failed {
                            what: &format!("sweep of {kind}"),
                            error: &error,
                            wait_ms,
                        });
                        continue;
                    }
                    Err(error) => {
                        if !mends(error.kind()) {
                            return Err(error);
                        }
                        let wait_ms = entry.put_off(&now, reconciler.entropy.below(1_000));
                        tell(&Round::Failed {
                            what: &format!("sweep of {kind}"),
                            error: &error,
                            wait_ms,
                        });
                    }
                }
            }
        }
        let next_ms = dues.values().chain(sweeps.values()).map(Due::steady_ms).min();
        let next_ms = next_ms.unwrap_or(u64::MAX).min(work_due_ms);
        let wait_ms = next_ms.saturating_sub(clock.steady_ms()).clamp(1, IDLE_MAX_MS);
        tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            () = connection.declared().notified() => work_due_ms = 0,
            // Given anew although it was not refused: what failed may have failed for want of
            // rights.
            Ok(()) = credentials.changed() => {
                work_due_ms = 0;
                let all = dues.values_mut().chain(sweeps.values_mut());
                all.filter(|due| due.has_failed()).for_each(Due::at_once);
            }
            () = clock.sleep(wait_ms) => {}
        }
    }
}

/// Whether the schedule goes on in spite of it: waiting mends it, or somebody may while it waits.
fn mends(kind: ErrorKind) -> bool {
    !matches!(kind, ErrorKind::Configuration | ErrorKind::Store)
}
