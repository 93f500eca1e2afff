//! Jobs: work that a page starts and that may outlast its request. Each keeps its result for some
//! minutes.
//!
//! A plan stays with its job, so that what is applied is what was shown. It can be applied once:
//! the second attempt leads to the first one's job. A restart drops jobs; what they committed
//! stays.
//!
//! Bounds: [`KEPT_MS`] after its end; [`OF_CONNECTION_MAX`] and [`JOBS_MAX`], beyond which the
//! oldest that ended goes; [`RUNNING_MAX`] of a connection at once.

use super::plan::Planned;
use crate::serve::problem::{Problem, ProblemType};
use atsync::{ApplyReport, CheckResult, Clock, Entropy, PullReport, SweepReport};
use atsync::{SystemClock, SystemEntropy};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// How long a result is kept: time to read a plan.
pub(super) const KEPT_MS: u64 = 15 * 60 * 1_000;
/// Jobs that are kept of one connection.
const OF_CONNECTION_MAX: usize = 16;
/// Jobs that are kept of all connections. A plan that is shown has some hundred kilobytes at most.
const JOBS_MAX: usize = 256;
/// Jobs of one connection that run at once.
const RUNNING_MAX: usize = 4;

/// What a job does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Check,
    /// Of this kind.
    Pull(String),
    /// Of this kind.
    Sweep(String),
    Plan,
    Apply,
}

/// How a job ended.
#[derive(Debug)]
pub(super) enum Outcome {
    Checked(Vec<CheckResult>),
    Pulled(PullReport),
    Swept(SweepReport),
    Planned(Planned),
    Applied(ApplyReport),
    /// The plan was not applied: planned again, these records differ.
    Moved(Vec<String>),
    Failed(Problem),
}

/// A job, as a page shows it.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) begun_ms: u64,
    /// When it ended, and how.
    pub(super) ended: Option<(u64, Arc<Outcome>)>,
    /// Of a plan: the job that applies it.
    pub(super) applied_by: Option<String>,
}

#[derive(Debug)]
struct Held {
    connection: String,
    job: Job,
    /// Rises with every job.
    number: u64,
    /// By the steady clock: of the end, or of the beginning while it runs.
    steady_ms: u64,
    ended: watch::Sender<bool>,
}

/// The way to apply a plan.
pub(super) enum Apply {
    /// This job has begun, and applies this plan.
    Begun(String, Arc<Outcome>),
    /// This job applies it already, or did.
    Already(String),
}

/// The jobs by id.
#[derive(Debug, Default)]
pub(super) struct Jobs(Mutex<BTreeMap<String, Held>>);

impl Jobs {
    /// Begins a job.
    pub(super) fn begin(&self, connection: &str, work: Work) -> Result<String, Problem> {
        begun(&mut self.held(), connection, work)
    }

    /// Begins the job that applies a plan.
    pub(super) fn begin_apply(&self, connection: &str, plan: &str) -> Result<Apply, Problem> {
        let mut held = self.held();
        let gone = || {
            Problem::new(
                ProblemType::NoSuchRecord,
                "The plan is no longer kept, and nothing was written. Plan again.",
            )
        };
        let known = held.get(plan).filter(|held| held.connection == connection);
        let Job { ended, applied_by, .. } = known.map(|held| held.job.clone()).ok_or_else(gone)?;
        if let Some(job) = applied_by {
            return Ok(Apply::Already(job));
        }
        let (_, outcome) = ended.ok_or_else(gone)?;
        if !matches!(*outcome, Outcome::Planned(_)) {
            return Err(gone());
        }
        let id = begun(&mut held, connection, Work::Apply)?;
        if let Some(plan) = held.get_mut(plan) {
            plan.job.applied_by = Some(id.clone());
        }
        Ok(Apply::Begun(id, outcome))
    }

    /// A job has ended.
    pub(super) fn end(&self, id: &str, outcome: Outcome) {
        if let Some(held) = self.held().get_mut(id) {
            held.job.ended = Some((SystemClock.now_ms(), Arc::new(outcome)));
            held.steady_ms = SystemClock.steady_ms();
            held.ended.send_replace(true);
        }
    }

    /// Waits for the end of a job, for so long at most.
    pub(super) async fn wait(&self, id: &str, wait_ms: u64) {
        let Some(mut ended) = self.held().get(id).map(|held| held.ended.subscribe()) else {
            return;
        };
        tokio::select! {
            // An error means that the job was dropped.
            _ = ended.wait_for(|ended| *ended) => {}
            () = SystemClock.sleep(wait_ms) => {}
        }
    }

    /// A job of a connection.
    pub(super) fn of(&self, connection: &str, id: &str) -> Result<Job, Problem> {
        let held = self.held();
        let known = held.get(id).filter(|held| held.connection == connection);
        known.map(|held| held.job.clone()).ok_or_else(|| {
            let minutes = KEPT_MS / 60_000;
            Problem::new(
                ProblemType::NoSuchRecord,
                format!("Results are kept for {minutes} minutes. Start it again."),
            )
        })
    }

    /// The jobs, without those whose time is over.
    fn held(&self) -> MutexGuard<'_, BTreeMap<String, Held>> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now_ms = SystemClock.steady_ms();
        held.retain(|_, held| {
            held.job.ended.is_none() || now_ms.saturating_sub(held.steady_ms) < KEPT_MS
        });
        held
    }
}

fn begun(
    held: &mut BTreeMap<String, Held>,
    connection: &str,
    work: Work,
) -> Result<String, Problem> {
    let of = |held: &Held| held.connection == connection;
    let running = held.values().filter(|held| of(held) && held.job.ended.is_none()).count();
    if running >= RUNNING_MAX {
        return Err(Problem::new(
            ProblemType::Busy,
            format!("{RUNNING_MAX} jobs of {connection} are running. Wait until one has ended."),
        ));
    }
    while held.values().filter(|held| of(held)).count() >= OF_CONNECTION_MAX && drop_one(held, of) {
    }
    while held.len() >= JOBS_MAX && drop_one(held, |_| true) {}
    let number = held.values().map(|held| held.number).max().unwrap_or_default().saturating_add(1);
    let id = SystemEntropy.id();
    let job = Job { work, begun_ms: SystemClock.now_ms(), ended: None, applied_by: None };
    let (connection, steady_ms) = (connection.to_owned(), SystemClock.steady_ms());
    drop(held.insert(
        id.clone(),
        Held { connection, job, number, steady_ms, ended: watch::Sender::new(false) },
    ));
    Ok(id)
}

/// Drops the oldest of these jobs that has ended; false when none has.
fn drop_one(held: &mut BTreeMap<String, Held>, of: impl Fn(&Held) -> bool) -> bool {
    let ended = held.iter().filter(|(_, held)| of(held) && held.job.ended.is_some());
    let oldest = ended.min_by_key(|(_, held)| held.number).map(|(id, _)| id.clone());
    oldest.and_then(|id| held.remove(&id)).is_some()
}

#[cfg(test)]
mod tests {
    use super::{Apply, JOBS_MAX, Jobs, OF_CONNECTION_MAX, Outcome, Planned, RUNNING_MAX, Work};

    fn planned(jobs: &Jobs, connection: &str) -> String {
        let id = jobs.begin(connection, Work::Plan).unwrap();
        jobs.end(&id, Outcome::Planned(Planned::default()));
        id
    }

    #[test]
    fn a_plan_is_applied_once() {
        let jobs = Jobs::default();
        let plan = planned(&jobs, "acme");
        let Ok(Apply::Begun(first, _)) = jobs.begin_apply("acme", &plan) else { panic!() };
        let Ok(Apply::Already(again)) = jobs.begin_apply("acme", &plan) else { panic!() };
        assert_eq!(first, again);
        assert_eq!(jobs.of("acme", &plan).unwrap().applied_by, Some(first));
    }

    #[test]
    fn only_a_plan_of_the_connection_is_applied() {
        let jobs = Jobs::default();
        let plan = planned(&jobs, "acme");
        let check = jobs.begin("acme", Work::Check).unwrap();
        for (connection, id) in [("beta", plan.as_str()), ("acme", &check), ("acme", "none")] {
            assert!(jobs.begin_apply(connection, id).is_err(), "{connection} {id}");
        }
        assert!(jobs.of("beta", &plan).is_err());
    }

    #[test]
    fn a_job_too_many_is_refused_and_the_oldest_that_ended_is_dropped() {
        let jobs = Jobs::default();
        let first = planned(&jobs, "acme");
        for _ in 0..OF_CONNECTION_MAX {
            planned(&jobs, "acme");
        }
        assert!(jobs.of("acme", &first).is_err());
        for number in 0..JOBS_MAX {
            planned(&jobs, &format!("c{number}"));
        }
        assert_eq!(jobs.held().len(), JOBS_MAX);
        for _ in 0..RUNNING_MAX {
            jobs.begin("acme", Work::Check).unwrap();
        }
        assert!(jobs.begin("acme", Work::Check).is_err());
        assert!(jobs.begin("beta", Work::Check).is_ok());
    }

    #[tokio::test]
    async fn a_waiter_is_woken_by_the_end() {
        let jobs = Jobs::default();
        let id = jobs.begin("acme", Work::Check).unwrap();
        let wait = jobs.wait(&id, u64::MAX / 2);
        let end = async { jobs.end(&id, Outcome::Checked(Vec::new())) };
        tokio::join!(wait, end);
        assert!(jobs.of("acme", &id).unwrap().ended.is_some());
    }
}
