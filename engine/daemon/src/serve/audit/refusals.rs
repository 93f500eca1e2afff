//! Changing requests that were refused before they reached their route: counted, and each sort one
//! entry a minute.
//!
//! They did nothing, and every peer of the server can send them, so none is a write of its own. A
//! kill loses those of the last minute.
//!
//! Bounds: [`SORTS_MAX`]; of further sorts the names of the tokens are left out.

use super::act::Act;
use super::entry::{By, Entry, Outcome, bounded};
use super::log::{Log, Written};
use crate::serve::problem::ProblemType;
use atsync::{Clock, Engine, Entropy, SystemClock, SystemEntropy};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Sorts of a minute that have the name of their token.
const SORTS_MAX: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sort {
    what: Act,
    by: By,
    who: Option<String>,
    problem: &'static str,
}

/// When the first one came, and how many.
#[derive(Clone, Copy, Debug)]
struct Counted {
    first_ms: u64,
    count: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(in crate::serve) struct Refusals(Mutex<BTreeMap<Sort, Counted>>);

impl Refusals {
    /// Counts a request.
    pub(in crate::serve) fn count(
        &self,
        what: Act,
        (by, who): (By, Option<&str>),
        problem: ProblemType,
    ) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sort = Sort { what, by, who: who.map(bounded), problem: problem.word() };
        if all.len() >= SORTS_MAX && !all.contains_key(&sort) {
            sort.who = None;
        }
        let new = Counted { first_ms: SystemClock.now_ms(), count: 0 };
        let counted = all.entry(sort).or_insert(new);
        counted.count = counted.count.saturating_add(1);
    }

    /// Writes what was counted, and waits until it is durable.
    pub(in crate::serve) async fn write(&self, log: &Arc<Log>, engine: &Engine) {
        if log.head().is_none() {
            return;
        }
        let all = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut last = None;
        for (Sort { what, by, who, problem }, Counted { first_ms, count }) in all {
            let mut entry = Entry::new(first_ms, by, what, &SystemEntropy.id());
            (entry.who, entry.count) = (who, Some(count));
            (entry.result, entry.problem) = (Some(Outcome::Refused), Some(problem.to_owned()));
            last = log.begin(engine, &entry).or(last);
        }
        let Some((_, written)) = last else { return };
        if written.await != Ok(Written::Yes) {
            tracing::error!("refused requests were counted and are not in the audit log");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Refusals, SORTS_MAX};
    use crate::serve::audit::act::Act;
    use crate::serve::audit::entry::By;
    use crate::serve::problem::ProblemType;

    #[test]
    fn refused_requests_of_one_sort_are_counted_and_sorts_are_few() {
        let refusals = Refusals::default();
        for _ in 0..1_000 {
            refusals.count(Act::SignIn, (By::Stranger, None), ProblemType::Unauthenticated);
        }
        assert_eq!(refusals.0.lock().unwrap().len(), 1);
        for number in 0..5 * SORTS_MAX {
            let who = number.to_string();
            refusals.count(Act::Pull, (By::Token, Some(&who)), ProblemType::Forbidden);
        }
        let all = refusals.0.lock().unwrap();
        assert_eq!(all.len(), SORTS_MAX + 1);
        let counts = all.values().map(|counted| counted.count).sum::<u64>();
        assert_eq!(counts, 1_000 + 5 * SORTS_MAX as u64);
    }
}
