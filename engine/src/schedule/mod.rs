//! Schedules: pulls each kind of a connection by its own cron expression, and plans and applies
//! what is dirty.
//!
//! Cron expressions have five fields (minute first) or six (second first), in UTC. A kind that was
//! never pulled is due at once; so is, once, one whose time passed while nothing ran. Dirty records
//! are planned and applied after a pull, after a declaration, and when a write in doubt is due for
//! a probe. A kind that failed is retried after a growing wait, and never stops the other kinds.
//!
//! Waits are counted by the steady clock. Cron expressions name wall times; [`due`] says what a
//! jump of the wall clock does to them.
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

/// The shortest wait after a refused credential, unless another is given: the cause rarely ends by
/// itself.
pub const REFUSED_MIN_MS: u64 = 60_000;
/// The longest sleep: the wall clock may jump, so the schedule is checked this often.
pub const IDLE_MAX_MS: u64 = 60_000;
/// Pages that a sweep reads before other work runs. Arbitrary: some seconds of a common rate
/// budget.
pub const SWEEP_PAGES_A_TURN: u64 = 8;
/// How long writes under way may take after the stop.
pub const STOP_GRACE_MS: u64 = 25_000;

/// What [`Connection::run`] reports of its rounds. It never has data of candidates.
#[derive(Debug)]
#[non_exhaustive]
pub enum Round<'a> {
    /// A kind was pulled.
    Pulled(&'a crate::reconcile::PullReport),
    /// A sweep read some pages.
    Swept(&'a crate::reconcile::SweepReport),
    /// A plan was applied.
    Applied(&'a crate::reconcile::ApplyReport),
    /// Something failed and is retried after the wait.
    Failed {
        /// What.
        what: &'a str,
        /// Why.
        error: &'a Error,
        /// How long until it is retried.
        wait_ms: u64,
    },
}

/// The ATS refused the credential. Nothing is sent for a while: each further request would be
/// refused too.
#[derive(Debug, Default)]
struct Refused {
    /// By the steady clock.
    until_ms: Option<u64>,
    times: u32,
}

impl Refused {
    /// Extends the pause; longer each time.
    fn again(&mut self, now: &Times, jitter_ms: u64) -> u64 {
        self.times = self.times.saturating_add(1);
        let wait_ms = backoff_ms(self.times, jitter_ms).max(REFUSED_MIN_MS);
        self.until_ms = Some(now.steady_ms.saturating_add(wait_ms));
        wait_ms
    }
}

/// When each kind is pulled and swept.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Crons {
    /// When a kind is pulled.
    pub pulls: BTreeMap<String, Cron>,
    /// When a sweep of a kind begins. It reads [`SWEEP_PAGES_A_TURN`] pages at a time; pulls and
    /// writes go first.
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
    /// How long writes under way may take after [`Connection::run`] was stopped.
    pub const STOP_GRACE_MS: u64 = STOP_GRACE_MS;

    /// Runs the schedules of the connection until `stop` completes or the connection is closed.
    /// Then pulls end at once (their pages are committed), no new write begins, and a write under
    /// way may take [`STOP_GRACE_MS`] to end.
    ///
    /// # Errors
    /// Only permanent ones: a wrong configuration, a failed store. A refused credential does not
    /// end it: nothing is sent until [`Connection::replace_credential`] gives another, or the wait
    /// that [`Round::Failed`] reports is over.
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
            // An unfinished sweep continues; the first one begins at its time, since the first pull
            // has just read everything.
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
                        // A write under way may end, and no new one begins; the next run finds an
                        // interrupted one in the journal.
                        reconciler.hold_effects();
                        let ended = tokio::select! {
                            worked = &mut work => worked.ok(),
                            () = clock.sleep(STOP_GRACE_MS) => None,
                        };
                        connection.release_effects();
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
                    // A write in doubt is probed when its wait is over, whether or not there is
                    // other work.
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
                    // A sweep that lost a right continues when the right is back; it is retried
                    // like a failed one.
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
            // The credential was given again although it was not refused: earlier failures may have
            // been for lack of rights.
            Ok(()) = credentials.changed() => {
                work_due_ms = 0;
                let all = dues.values_mut().chain(sweeps.values_mut());
                all.filter(|due| due.has_failed()).for_each(Due::at_once);
            }
            () = clock.sleep(wait_ms) => {}
        }
    }
}

/// Whether the schedule continues after an error: a retry may succeed, or a person may act in the
/// meantime.
fn mends(kind: ErrorKind) -> bool {
    !matches!(kind, ErrorKind::Configuration | ErrorKind::Store)
}
