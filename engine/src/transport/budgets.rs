//! Waiting for the rate budget, and the registry through which sessions share it.
//!
//! [`Budget`] puts a queue and a clock around the pure [`Window`]: by priority, then by arrival;
//! only the head of the queue asks. A waiter that is dropped leaves the queue. A [`Permit`] that is
//! dropped without [`Permit::settle`] counts as spent, because the server may have counted an
//! interrupted request.
//!
//! Bounds: the caller says how long it waits at most; the registry keeps [`BUDGETS_KEPT`] unused
//! budgets and removes others in time ([`Tidy`]).

use super::Priority;
use super::budget::{Decision, Ended, Window};
use crate::clock::{Clock, shown_ms};
use crate::entropy::Entropy;
use crate::tidy::Tidy;
use atsync_model::manifest::RateRule;
use futures_util::future::{Either, select};
use std::collections::{BTreeSet, HashMap};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Unused budgets that are kept, so that a session that is opened again finds its window.
/// Arbitrary.
const BUDGETS_KEPT: usize = 4_096;
/// The spread of a pause after a refusal.
const PAUSE_JITTER_MS: u64 = 500;

/// One rate rule for one credential, shared by all its sessions.
#[derive(Debug)]
pub struct Budget {
    name: String,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    window: Window,
    queue: BTreeSet<Place>,
    arrivals: u64,
}

/// A place in the queue: priority first, then arrival.
type Place = (Priority, u64);

/// The budget is used up for longer than the caller waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// When it may be tried again, by the wall clock.
    pub until_ms: u64,
}

impl Budget {
    /// A budget for a rule.
    pub fn new(rule: &RateRule, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let window = Window::new(rule).at(clock.now_ms(), clock.steady_ms());
        let state = State { window, queue: BTreeSet::new(), arrivals: 0 };
        Self {
            name: rule.name.clone(),
            clock,
            entropy,
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    /// The rule's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The limit by the last answer, and how many requests the current window still allows.
    pub fn level(&self) -> (u32, u32) {
        let now_ms = self.clock.steady_ms();
        let mut state = self.lock();
        (state.window.limit(), state.window.left(now_ms))
    }

    /// Waits until one request may leave.
    ///
    /// # Errors
    /// [`Exhausted`] when that is not before `deadline_ms` of steady time; returned at once where
    /// the budget knows when it turns.
    ///
    /// # Cancellation
    /// A dropped future leaves the queue, and nothing is counted.
    pub async fn acquire(
        self: &Arc<Self>,
        priority: Priority,
        deadline_ms: u64,
    ) -> Result<Permit, Exhausted> {
        let waiting = Waiting::join(self, priority);
        loop {
            // Created before the check, so that no change between check and wait is missed.
            let changed = self.changed.notified();
            let now_ms = self.clock.steady_ms();
            let until_ms = match self.look(waiting.place, now_ms) {
                Some(Decision::Go) => {
                    return Ok(Permit {
                        budget: Arc::clone(self),
                        sent_ms: now_ms,
                        settled: false,
                    });
                }
                Some(Decision::WaitUntil(until_ms)) => until_ms,
                None => u64::MAX,
            };
            if now_ms >= deadline_ms {
                return Err(Exhausted {
                    until_ms: self.shown_ms(if until_ms == u64::MAX {
                        now_ms.saturating_add(1_000)
                    } else {
                        until_ms
                    }),
                });
            }
            // A waiter that is not at the head does not know when its turn comes, but it comes
            // after the pause of a refusal.
            let blocked_until_ms = self.lock().window.blocked_until(now_ms);
            if until_ms > deadline_ms && blocked_until_ms > deadline_ms {
                return Err(Exhausted { until_ms: self.shown_ms(blocked_until_ms) });
            }
            let wait_ms = until_ms.min(deadline_ms).saturating_sub(now_ms).max(1);
            match select(pin!(changed), self.clock.sleep(wait_ms)).await {
                Either::Left(_) | Either::Right(_) => {}
            }
        }
    }

    fn shown_ms(&self, steady_ms: u64) -> u64 {
        shown_ms(self.clock.as_ref(), steady_ms)
    }

    /// Only the head of the queue asks; `None` for the others.
    fn look(&self, place: Place, now_ms: u64) -> Option<Decision> {
        let mut state = self.lock();
        if state.queue.first() != Some(&place) {
            return None;
        }
        Some(state.window.ask(now_ms, place.0))
    }

    fn end(&self, sent_ms: u64, ended: Ended<'_>) {
        let (now_ms, jitter_ms) = (self.clock.steady_ms(), self.entropy.below(PAUSE_JITTER_MS));
        self.lock().window.end(sent_ms, now_ms, ended, jitter_ms);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue, released when dropped.
struct Waiting<'a> {
    budget: &'a Budget,
    place: Place,
}

impl<'a> Waiting<'a> {
    fn join(budget: &'a Budget, priority: Priority) -> Self {
        let mut state = budget.lock();
        state.arrivals += 1;
        let place = (priority, state.arrivals);
        state.queue.insert(place);
        Self { budget, place }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.budget.lock().queue.remove(&self.place);
        self.budget.changed.notify_waiters();
    }
}

/// Permission for one request. Settle it with how the request ended.
#[derive(Debug)]
#[must_use = "a permit that is dropped unsettled counts as spent"]
pub struct Permit {
    budget: Arc<Budget>,
    sent_ms: u64,
    settled: bool,
}

impl Permit {
    /// Records how the request ended.
    pub fn settle(mut self, ended: Ended<'_>) {
        self.settled = true;
        self.budget.end(self.sent_ms, ended);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.settled {
            self.budget.end(self.sent_ms, Ended::Unclear);
        }
    }
}

/// The budgets of a process, by credential. Two connections with the same credential share theirs.
#[derive(Debug)]
pub struct Budgets {
    known: Mutex<(HashMap<String, Arc<Budget>>, Tidy)>,
}

impl Default for Budgets {
    fn default() -> Self {
        Self { known: Mutex::new((HashMap::new(), Tidy::above(BUDGETS_KEPT))) }
    }
}

impl Budgets {
    /// The budget of a rule for a credential's identity, created if there is none.
    pub fn of(
        &self,
        identity: &str,
        rule: &RateRule,
        clock: &Arc<dyn Clock>,
        entropy: &Arc<dyn Entropy>,
    ) -> Arc<Budget> {
        let mut locked = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, tidy) = &mut *locked;
        if tidy.is_due(known.len()) {
            known.retain(|_, budget| Arc::strong_count(budget) > 1);
            tidy.walked(known.len());
        }
        let key = format!("{identity}\n{}", rule.name);
        Arc::clone(
            known.entry(key).or_insert_with(|| {
                Arc::new(Budget::new(rule, Arc::clone(clock), Arc::clone(entropy)))
            }),
        )
    }
}
