//! Failures before a send: what a write must read first cannot be read, or forbids it.
//!
//! The journal counts what left ([`crate::journal::sends`]); it holds nothing of these. A write
//! that fails so is tried once more at once, then at growing intervals, up to once in
//! [`WAIT_MAX_MS`]. It never waits for a person: reading changes nothing, and once the read
//! succeeds, the write is sent.
//!
//! Kept in memory: after a restart, or a credential that was given again, each is tried at once. At
//! most [`KEPT_MAX`] paths are kept; a failure beyond that does not delay its write.

use crate::journal::Leave;
use crate::plan::Step;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The wait after the second failure; doubled with each further one.
const WAIT_FIRST_MS: u64 = 60_000;

/// The longest wait.
const WAIT_MAX_MS: u64 = 3_600_000;

/// Paths that are kept. Arbitrary: more than one plan has.
const KEPT_MAX: usize = 20_000;

/// The failures before a send of one connection, by path and operation.
#[derive(Debug, Default)]
pub(crate) struct EarlyFailures(Mutex<BTreeMap<(String, String), Failed>>);

#[derive(Debug)]
struct Failed {
    generation: u64,
    times: u32,
    /// By the steady clock.
    last_ms: u64,
    reason: String,
}

fn wait_ms(times: u32) -> u64 {
    match times {
        0 | 1 => 0,
        _ => WAIT_FIRST_MS.saturating_mul(1 << (times - 2).min(16)).min(WAIT_MAX_MS),
    }
}

impl EarlyFailures {
    /// Records that a step failed before it left.
    pub(crate) fn failed(&self, step: &Step, generation: u64, reason: &str, steady_ms: u64) {
        let mut kept = self.kept();
        let key = (step.path.clone(), step.operation.clone());
        let times = kept
            .get(&key)
            .filter(|known| known.generation == generation)
            .map_or(0, |known| known.times);
        if kept.len() < KEPT_MAX || kept.contains_key(&key) {
            let times = times.saturating_add(1);
            kept.insert(
                key,
                Failed { generation, times, last_ms: steady_ms, reason: reason.to_owned() },
            );
        }
    }

    /// Forgets the failures of a step that left, or was not needed.
    pub(crate) fn left(&self, step: &Step) {
        self.kept().remove(&(step.path.clone(), step.operation.clone()));
    }

    /// Forgets all failures: each write is tried at once.
    pub(crate) fn forget(&self) {
        self.kept().clear();
    }

    /// Whether a step may be tried. The time now, by the steady clock and by the wall's.
    pub(crate) fn leave(
        &self,
        path: &str,
        operation: &str,
        generation: u64,
        (steady_ms, wall_ms): (u64, u64),
    ) -> Leave {
        let kept = self.kept();
        let Some(known) = kept.get(&(path.to_owned(), operation.to_owned())) else {
            return Leave::Now;
        };
        let left_ms = known.last_ms.saturating_add(wait_ms(known.times)).saturating_sub(steady_ms);
        if left_ms == 0 || known.generation != generation {
            return Leave::Now;
        }
        let at_ms = wall_ms.saturating_add(left_ms);
        Leave::Unread { at_ms, times: known.times, reason: known.reason.clone() }
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<(String, String), Failed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{WAIT_MAX_MS, wait_ms};

    #[test]
    fn tries_come_less_and_less_often_but_never_end() {
        let waits: Vec<u64> = (0..40).map(wait_ms).collect();
        assert_eq!(waits[..4], [0, 0, 60_000, 120_000]);
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]), "{waits:?}");
        assert_eq!(wait_ms(u32::MAX), WAIT_MAX_MS);
    }
}
