//! The rounds of one connection: keep the credential alive, register webhooks, pull what is due,
//! fetch what webhooks named, work on effects, take one turn of a sweep, remove what is too old,
//! wait.
//!
//! Pulls go before effects, since a plan needs what they read, and effects before sweeps, which
//! have time. A refused credential ends the round: each further request would be refused too. A
//! stop ends it as well, at any await.
//!
//! Bounds: one pull of each kind, [`HINTS_A_TURN`] hints, one sync and [`SWEEP_PAGES_A_TURN`] pages
//! of one sweep in a round; [`IDLE_MAX_MS`] between two. Left out: when something is due
//! ([`super::due`]).

use super::cron::Cron;
use super::crons::Crons;
use super::due::{BACKOFF_FIRST_MS, Due, Times, backoff_ms};
use super::registering::Registrations;
use super::retention::Retention;
use super::round::{Deed, Round};
use super::sunsets::Sunsets;
use crate::clock::Clock;
use crate::engine::{Connection, Work};
use crate::error::{Error, ErrorKind};
use crate::heartbeat;
use crate::reconcile::{ApplyReport, Reconciler, SweepOptions, SweepReport};
use crate::store::{HeldBy, Hold, Keep, SweepPhase};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use tokio::sync::watch;

/// The shortest wait after a refused credential, unless another is given: the cause rarely ends by
/// itself.
pub(super) const REFUSED_MIN_MS: u64 = 60_000;
/// The longest sleep: the wall clock may jump, so the schedule is checked this often.
pub(super) const IDLE_MAX_MS: u64 = 60_000;
/// Pages that a sweep reads before other work runs. Arbitrary: some seconds of a common rate
/// budget.
pub(super) const SWEEP_PAGES_A_TURN: u64 = 8;
/// Hints of webhooks that are fetched before other work runs. Arbitrary: some seconds of a common
/// rate budget.
pub(super) const HINTS_A_TURN: usize = 20;
/// How long writes under way may take after the stop.
pub(super) const STOP_GRACE_MS: u64 = 25_000;

/// Why a round ends before its end.
pub(super) enum Cut {
    /// The host said stop.
    Stopped,
    /// The ATS refused the credential; the next round begins with a wait.
    Refused,
    /// Waiting does not mend it.
    Failed(Error),
}

impl From<Error> for Cut {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<crate::store::StoreError> for Cut {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// A refusal of the credential by the ATS, and until when nothing is sent.
#[derive(Debug, Default)]
struct Refused {
    /// By the steady clock.
    until_ms: Option<u64>,
    times: u32,
}

impl Refused {
    /// Waits once more; longer each time.
    fn again(&mut self, now: &Times, jitter_ms: u64) -> u64 {
        self.times = self.times.saturating_add(1);
        let wait_ms = backoff_ms(self.times, jitter_ms).max(REFUSED_MIN_MS);
        self.until_ms = Some(now.steady_ms.saturating_add(wait_ms));
        wait_ms
    }
}

/// See the module.
pub(super) struct Rounds<'c, T> {
    connection: &'c Connection,
    /// The run counts as one call, so a close waits for it.
    work: Work<'c>,
    pulls: BTreeMap<String, Due>,
    sweeps: BTreeMap<String, Due>,
    retention: Retention,
    /// When effects are worked on next, by the steady clock.
    work_due_ms: u64,
    work_failures: u32,
    /// When what webhooks named is fetched next, by the steady clock.
    hints_due_ms: u64,
    hints_failures: u32,
    /// When the credential is kept alive next, by the steady clock.
    alive_due_ms: u64,
    alive_failures: u32,
    registrations: Registrations,
    sunsets: Sunsets,
    refused: Refused,
    credentials: watch::Receiver<u64>,
    /// The clocks when a jump was last looked for.
    seen: Times,
    report: T,
}

impl<'c, T: FnMut(&Round<'_>)> Rounds<'c, T> {
    pub(super) async fn begin(
        connection: &'c Connection,
        mut crons: Crons,
        report: T,
    ) -> Result<Self, Error> {
        let work = connection.work()?;
        // Waiting mends no kind that cannot be read, so a schedule of one is refused at once.
        crons.pulls.keys().try_for_each(|kind| work.ingest.to_pull(kind).map(drop))?;
        crons.sweeps.keys().try_for_each(|kind| work.sweeper.to_sweep(kind).map(drop))?;
        crons.keep_journal_ms.map_or(Ok(()), |age_ms| connection.check_journal_age(age_ms))?;
        let seen = Times::at(work.context.clock.as_ref());
        crons.spread(connection.name());
        Ok(Self {
            connection,
            retention: Retention::of(&crons, connection.name(), &seen),
            pulls: pulls(&work, crons.pulls, &seen).await?,
            sweeps: sweeps(&work, crons.sweeps, &seen).await?,
            work,
            work_due_ms: 0,
            work_failures: 0,
            // What an earlier process accepted.
            hints_due_ms: 0,
            hints_failures: 0,
            alive_due_ms: 0,
            alive_failures: 0,
            registrations: Registrations::new(crons.webhooks.take(), connection.name()),
            sunsets: Sunsets::default(),
            refused: Refused::default(),
            credentials: connection.credentials().subscribe(),
            seen,
            report,
        })
    }

    fn reconciler(&self) -> &'c Reconciler {
        self.work.reconciler()
    }

    fn times(&self) -> Times {
        Times::at(self.reconciler().context.clock.as_ref())
    }

    fn jitter_ms(&self) -> u64 {
        self.reconciler().context.entropy.below(1_000)
    }

    /// One round, and the wait until the next.
    pub(super) async fn round<S: Future<Output = ()>>(
        &mut self,
        mut stop: Pin<&mut S>,
    ) -> Result<(), Cut> {
        self.rest(stop.as_mut()).await?;
        heartbeat::works();
        let now = self.times();
        if now.jumped_since(&self.seen) {
            self.dues().for_each(|due| due.jumped(&now));
            self.seen = now;
        }
        self.sunsets.log(self.connection, self.work.reconciler(), &now).await?;
        self.keep_alive(stop.as_mut()).await?;
        self.register(stop.as_mut()).await?;
        self.pull(stop.as_mut()).await?;
        if self.hints_due_ms <= self.times().steady_ms {
            self.hints(stop.as_mut()).await?;
        }
        if self.work_due_ms <= self.times().steady_ms {
            self.work(stop.as_mut()).await?;
        }
        self.sweep(stop.as_mut()).await?;
        self.retain(stop.as_mut()).await?;
        self.wait(stop).await
    }

    fn dues(&mut self) -> impl Iterator<Item = &mut Due> {
        self.pulls.values_mut().chain(self.sweeps.values_mut())
    }

    /// Waits while the credential is refused, or until there is another.
    async fn rest<S: Future<Output = ()>>(&mut self, stop: Pin<&mut S>) -> Result<(), Cut> {
        let Some(until_ms) = self.refused.until_ms else { return Ok(()) };
        let wait_ms = until_ms.saturating_sub(self.times().steady_ms).clamp(1, IDLE_MAX_MS);
        let clock = &self.reconciler().context.clock;
        heartbeat::waits(wait_ms);
        let is_replaced = tokio::select! {
            biased;
            () = stop => return Err(Cut::Stopped),
            replaced = self.credentials.changed() => replaced.is_ok(),
            () = clock.sleep(wait_ms) => false,
        };
        if is_replaced {
            self.refused = Refused::default();
            self.alive_due_ms = 0;
            self.registrations.at_once();
        } else if self.times().steady_ms < until_ms {
            return Err(Cut::Refused);
        }
        self.refused.until_ms = None;
        Ok(())
    }

    /// Refreshes a credential that ends unused, before it does. What is pulled often refreshes it
    /// anyway, and then there is nothing to do here.
    async fn keep_alive<S: Future<Output = ()>>(&mut self, stop: Pin<&mut S>) -> Result<(), Cut> {
        if self.alive_due_ms > self.times().steady_ms {
            return Ok(());
        }
        let kept = tokio::select! {
            biased;
            () = stop => return Err(Cut::Stopped),
            kept = self.connection.keep_alive() => kept,
        };
        match kept {
            Ok(again_ms) => {
                self.alive_failures = 0;
                self.alive_due_ms = again_ms
                    .map_or(u64::MAX, |again_ms| self.times().steady_ms.saturating_add(again_ms));
                Ok(())
            }
            Err(error) => self.failed(Deed::KeepAlive, error, |rounds, now, jitter_ms| {
                rounds.alive_failures = rounds.alive_failures.saturating_add(1);
                let wait_ms = backoff_ms(rounds.alive_failures, jitter_ms);
                rounds.alive_due_ms = now.steady_ms.saturating_add(wait_ms);
                wait_ms
            }),
        }
    }

    /// Pulls each kind that is due.
    async fn pull<S: Future<Output = ()>>(&mut self, mut stop: Pin<&mut S>) -> Result<(), Cut> {
        let now = self.times();
        let due: Vec<String> = kinds_due(&self.pulls, &now).cloned().collect();
        for kind in due {
            let pulled = tokio::select! {
                biased;
                () = &mut stop => return Err(Cut::Stopped),
                pulled = self.connection.pull(&kind) => pulled,
            };
            let now = self.times();
            match pulled {
                Ok(pulled) => {
                    self.refused.times = 0;
                    if let Some(due) = self.pulls.get_mut(&kind) {
                        due.done(&now);
                    }
                    self.work_due_ms = self.work_due_ms.min(now.steady_ms);
                    (self.report)(&Round::Pulled(&pulled));
                }
                Err(error) => self.failed(Deed::Pull(&kind), error, |rounds, now, jitter_ms| {
                    rounds.pulls.get_mut(&kind).map_or(0, |due| due.defer(now, jitter_ms))
                })?,
            }
        }
        Ok(())
    }

    /// Registers webhooks, or compares them with what is registered.
    async fn register<S: Future<Output = ()>>(&mut self, stop: Pin<&mut S>) -> Result<(), Cut> {
        let now = self.times();
        let url = self.registrations.url.clone();
        let Some(url) = url.filter(|_| self.registrations.due_ms() <= now.steady_ms) else {
            return Ok(());
        };
        let registering = self.connection.register_webhooks(&url);
        let clock = self.reconciler().context.clock.as_ref();
        match finished(self.connection, clock, registering, stop).await {
            Err(ended) => {
                if let Some(Ok(report)) = ended {
                    (self.report)(&Round::Registered(&report));
                }
                Err(Cut::Stopped)
            }
            Ok(Ok(report)) => {
                let now = self.times();
                self.registrations.done(&report, &now);
                (self.report)(&Round::Registered(&report));
                Ok(())
            }
            // A configuration error of webhooks defers them; the other schedules go on.
            Ok(Err(error))
                if error.kind() == ErrorKind::Configuration && !self.connection.is_closed() =>
            {
                let (now, jitter_ms) = (self.times(), self.jitter_ms());
                let wait_ms = self.registrations.defer(&now, jitter_ms);
                (self.report)(&Deed::Register.failed(&error, wait_ms));
                Ok(())
            }
            Ok(Err(error)) => self.failed(Deed::Register, error, |rounds, now, jitter_ms| {
                rounds.registrations.defer(now, jitter_ms)
            }),
        }
    }

    /// Fetches what webhooks named, one turn.
    async fn hints<S: Future<Output = ()>>(&mut self, stop: Pin<&mut S>) -> Result<(), Cut> {
        // Before the look: what comes during it is not missed.
        self.hints_due_ms = u64::MAX;
        let handled = tokio::select! {
            biased;
            () = stop => return Err(Cut::Stopped),
            handled = self.connection.handle_accepted(HINTS_A_TURN) => handled,
        };
        match handled {
            Ok(report) => {
                let now = self.times();
                self.hints_failures = 0;
                if report.more {
                    self.hints_due_ms = now.steady_ms;
                }
                if report.handled > 0 {
                    self.work_due_ms = self.work_due_ms.min(now.steady_ms);
                }
                if report.handled > 0 || report.dropped > 0 {
                    (self.report)(&Round::Hinted(&report));
                }
                Ok(())
            }
            Err(error) => self.failed(Deed::Hints, error, |rounds, now, jitter_ms| {
                rounds.hints_failures = rounds.hints_failures.saturating_add(1);
                let wait_ms = backoff_ms(rounds.hints_failures, jitter_ms);
                rounds.hints_due_ms = now.steady_ms.saturating_add(wait_ms);
                wait_ms
            }),
        }
    }

    /// Works on effects. What a stop cuts is found in the journal by the next run.
    async fn work<S: Future<Output = ()>>(&mut self, stop: Pin<&mut S>) -> Result<(), Cut> {
        let clock = self.reconciler().context.clock.as_ref();
        match finished(self.connection, clock, self.connection.sync(), stop).await {
            Err(ended) => {
                let ended = ended.and_then(Result::ok);
                self.applied(ended.map(|(_, report)| report).as_ref());
                Err(Cut::Stopped)
            }
            Ok(Ok((_, report))) => {
                self.work_failures = 0;
                // A write in doubt is probed when its wait is over, whatever else is to be done.
                let next_ms = self.reconciler().settler.next_probe_ms().await?;
                let now = self.times();
                let soonest_ms = now.steady_ms.saturating_add(BACKOFF_FIRST_MS);
                self.work_due_ms =
                    next_ms.map_or(u64::MAX, |at_ms| now.steady_of(at_ms).max(soonest_ms));
                self.applied(Some(&report));
                Ok(())
            }
            Ok(Err(error)) => self.failed(Deed::Apply, error, |rounds, now, jitter_ms| {
                rounds.work_failures = rounds.work_failures.saturating_add(1);
                let wait_ms = backoff_ms(rounds.work_failures, jitter_ms);
                rounds.work_due_ms = now.steady_ms.saturating_add(wait_ms);
                wait_ms
            }),
        }
    }

    fn applied(&mut self, report: Option<&ApplyReport>) {
        match report {
            Some(report) if report.steps.is_empty() => (self.report)(&Round::InStep),
            Some(report) => (self.report)(&Round::Applied(report)),
            None => {}
        }
    }

    /// Takes a turn of the sweep that has been due longest, unless something else waits.
    async fn sweep<S: Future<Output = ()>>(&mut self, stop: Pin<&mut S>) -> Result<(), Cut> {
        let now = self.times();
        let others_wait = self.work_due_ms.min(self.hints_due_ms) <= now.steady_ms
            || kinds_due(&self.pulls, &now).next().is_some();
        let due = self.sweeps.iter().filter(|(_, due)| due.is_due(&now));
        let next = due.min_by_key(|(_, due)| due.steady_ms()).map(|(kind, _)| kind.clone());
        let Some(kind) = next.filter(|_| !others_wait) else { return Ok(()) };
        let options = SweepOptions::default().pages_max(SWEEP_PAGES_A_TURN);
        let swept = tokio::select! {
            biased;
            () = stop => return Err(Cut::Stopped),
            swept = self.connection.sweep(&kind, options) => swept,
        };
        match swept {
            Ok(report) => {
                self.swept(&kind, &report);
                (self.report)(&Round::Swept(&report));
                Ok(())
            }
            Err(error) => self.failed(Deed::Sweep(&kind), error, |rounds, now, jitter_ms| {
                rounds.sweeps.get_mut(&kind).map_or(0, |due| due.defer(now, jitter_ms))
            }),
        }
    }

    fn swept(&mut self, kind: &str, report: &SweepReport) {
        let now = self.times();
        // One that lost a right goes on when it is back; it is tried as what failed is.
        let jitter_ms = (report.held_by == Some(HeldBy::Right)).then(|| self.jitter_ms());
        let Some(due) = self.sweeps.get_mut(kind) else { return };
        if let Some(jitter_ms) = jitter_ms {
            due.defer(&now, jitter_ms);
            return;
        }
        if report.complete || report.held.is_some() {
            due.done(&now);
        } else {
            due.is_well();
        }
        if report.confirmed > 0 || report.moved > 0 {
            self.work_due_ms = self.work_due_ms.min(now.steady_ms);
        }
    }

    /// Removes what is older than the host keeps. Only the store can fail, and that ends the run.
    async fn retain<S: Future<Output = ()>>(&mut self, stop: Pin<&mut S>) -> Result<(), Cut> {
        if !self.retention.is_due(&self.times()) {
            return Ok(());
        }
        let (connection, retention) = (self.connection, &self.retention);
        let trim = async {
            let events = match retention.feed_ms {
                Some(age_ms) => connection.trim(age_ms, Keep::Unacknowledged).await?,
                None => 0,
            };
            let intents = match retention.journal_ms {
                Some(age_ms) => connection.trim_journal(age_ms).await?,
                None => 0,
            };
            Ok::<_, Error>((events, intents))
        };
        let trimmed = tokio::select! {
            biased;
            () = stop => return Err(Cut::Stopped),
            trimmed = trim => trimmed,
        };
        match trimmed {
            Ok((events, intents)) => {
                self.retention.done(&self.times());
                if events > 0 || intents > 0 {
                    (self.report)(&Round::Trimmed { events, intents });
                }
                Ok(())
            }
            // The close came after the stop was last polled, and refused the call.
            Err(_) if self.connection.is_closed() => Err(Cut::Stopped),
            Err(error) => Err(Cut::Failed(error)),
        }
    }

    /// Reports a failure. `defer` says how long it waits before it is tried again.
    fn failed(
        &mut self,
        deed: Deed<'_>,
        error: Error,
        defer: impl FnOnce(&mut Self, &Times, u64) -> u64,
    ) -> Result<(), Cut> {
        let is_refused = error.kind() == ErrorKind::Auth;
        if error.kind() == ErrorKind::Configuration && self.connection.is_closed() {
            // The close came after the stop was last polled, and refused the call.
            return Err(Cut::Stopped);
        }
        if !is_refused && !mends(error.kind()) {
            return Err(Cut::Failed(error));
        }
        let (now, jitter_ms) = (self.times(), self.jitter_ms());
        let wait_ms = match is_refused {
            true => self.refused.again(&now, jitter_ms),
            false => defer(self, &now, jitter_ms),
        };
        (self.report)(&deed.failed(&error, wait_ms));
        if is_refused { Err(Cut::Refused) } else { Ok(()) }
    }

    /// Waits until something is due, declared, or given anew.
    async fn wait<S: Future<Output = ()>>(&mut self, stop: Pin<&mut S>) -> Result<(), Cut> {
        let next_ms = self.dues().map(|due| due.steady_ms()).min();
        let next_ms = next_ms
            .unwrap_or(u64::MAX)
            .min(self.work_due_ms)
            .min(self.hints_due_ms)
            .min(self.alive_due_ms)
            .min(self.registrations.due_ms())
            .min(self.retention.due_ms());
        let wait_ms = next_ms.saturating_sub(self.times().steady_ms).clamp(1, IDLE_MAX_MS);
        let clock = &self.reconciler().context.clock;
        let stored = &self.connection.webhooks().hints.stored;
        heartbeat::waits(wait_ms);
        let is_given = tokio::select! {
            biased;
            () = stop => return Err(Cut::Stopped),
            () = self.connection.declared().notified() => {
                self.work_due_ms = 0;
                false
            }
            // After failures it waits as they say.
            () = stored.notified(), if self.hints_failures == 0 => {
                self.hints_due_ms = 0;
                false
            }
            Ok(()) = self.credentials.changed() => true,
            () = clock.sleep(wait_ms) => false,
        };
        if is_given {
            // It was not refused, and what failed may have failed for want of rights.
            (self.work_due_ms, self.hints_due_ms, self.alive_due_ms) = (0, 0, 0);
            self.registrations.at_once();
            self.dues().filter(|due| due.has_failed()).for_each(Due::at_once);
        }
        Ok(())
    }
}

/// Awaits a call that changes the ATS. At the stop no new effect begins, and the request under way
/// may take [`STOP_GRACE_MS`] to end; the error has what the call returned, if it did.
async fn finished<T, S: Future<Output = ()>>(
    connection: &Connection,
    clock: &dyn Clock,
    call: impl Future<Output = T>,
    stop: Pin<&mut S>,
) -> Result<T, Option<T>> {
    tokio::pin!(call);
    tokio::select! {
        biased;
        ended = &mut call => Ok(ended),
        () = stop => {
            connection.hold_effects();
            let ended = tokio::select! {
                ended = &mut call => Some(ended),
                () = clock.sleep(STOP_GRACE_MS) => None,
            };
            connection.release_effects();
            Err(ended)
        }
    }
}

/// When each kind is pulled first.
async fn pulls(
    reconciler: &Reconciler,
    crons: BTreeMap<String, Cron>,
    now: &Times,
) -> Result<BTreeMap<String, Due>, Error> {
    let store = &reconciler.context.store;
    let mut dues = BTreeMap::new();
    for (kind, cron) in crons {
        let state = store.scan_state(&kind, None).await?;
        let due = match state.and_then(|state| state.completed_ms) {
            Some(completed_ms) => Due::after(cron, completed_ms, now),
            None => Due::now(cron),
        };
        dues.insert(kind, due);
    }
    Ok(dues)
}

/// When a sweep of each kind begins, or goes on.
async fn sweeps(
    reconciler: &Reconciler,
    crons: BTreeMap<String, Cron>,
    now: &Times,
) -> Result<BTreeMap<String, Due>, Error> {
    let store = &reconciler.context.store;
    let mut dues = BTreeMap::new();
    for (kind, cron) in crons {
        let stored = store.sweep_state(&kind).await?;
        let due = match stored.map(|state| (state.phase, state.held)) {
            Some((SweepPhase::Ended { at_ms }, _)) => Due::after(cron, at_ms, now),
            Some((_, Some(Hold { by: HeldBy::Brake | HeldBy::Unread, at_ms, .. }))) => {
                Due::after(cron, at_ms, now)
            }
            // One that was cut off goes on. The first begins when its time comes, since the first
            // pull has just read everything.
            Some((SweepPhase::Walking { .. } | SweepPhase::Walked, _)) => Due::now(cron),
            None => Due::after(cron, now.wall_ms, now),
        };
        dues.insert(kind, due);
    }
    Ok(dues)
}

fn kinds_due<'d>(dues: &'d BTreeMap<String, Due>, now: &Times) -> impl Iterator<Item = &'d String> {
    dues.iter().filter(|(_, due)| due.is_due(now)).map(|(kind, _)| kind)
}

/// Whether the schedule continues in spite of it: the failure ends by waiting, or a person may
/// correct its cause meanwhile.
fn mends(kind: ErrorKind) -> bool {
    !matches!(kind, ErrorKind::Configuration | ErrorKind::Store)
}
