//! The idempotency keys whose actions are under way in this process.
//!
//! Left out: what is stored of a key; see [`super::repeats`].

use super::problem::{Problem, ProblemType};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keys of one day.
pub(super) const KEYS_A_DAY: usize = 100_000;

/// The keys whose actions are under way in this process, and the day whose predecessors were
/// removed.
#[derive(Debug, Default)]
pub(super) struct Repeats(Mutex<Keys>);

#[derive(Debug, Default)]
struct Keys {
    underway: BTreeSet<String>,
    day: u64,
    keys_of_day: usize,
}

/// A key whose action is under way, until it is dropped.
#[derive(Debug)]
pub(super) struct Underway<'a> {
    repeats: &'a Repeats,
    key: String,
    is_new_day: bool,
}

impl Underway<'_> {
    /// Whether it is the first key of its day in this process.
    pub(super) fn is_new_day(&self) -> bool {
        self.is_new_day
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.repeats.state().underway.remove(&self.key);
    }
}

impl Repeats {
    fn state(&self) -> MutexGuard<'_, Keys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks a key as under way.
    ///
    /// # Errors
    /// When it is under way already, or too many keys were used today.
    pub(super) fn begin(&self, day: u64, key: &str) -> Result<Underway<'_>, Problem> {
        let is_new_day = {
            let mut state = self.state();
            let is_new_day = state.day != day;
            if is_new_day {
                (state.day, state.keys_of_day) = (day, 0);
            }
            if state.keys_of_day >= KEYS_A_DAY {
                let detail = format!("{KEYS_A_DAY} keys were used today; send it without a key");
                return Err(Problem::new(ProblemType::Busy, detail));
            }
            if !state.underway.insert(key.to_owned()) {
                let detail = "the action of this key is under way; ask again when it has ended";
                return Err(Problem::new(ProblemType::InProgress, detail));
            }
            state.keys_of_day = state.keys_of_day.saturating_add(1);
            is_new_day
        };
        Ok(Underway { repeats: self, key: key.to_owned(), is_new_day })
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::ProblemType;
    use super::{KEYS_A_DAY, Repeats};

    #[test]
    fn a_key_is_under_way_once_and_a_day_has_so_many() {
        let repeats = Repeats::default();
        let first = repeats.begin(7, "a").unwrap();
        assert!(first.is_new_day());
        assert_eq!(repeats.begin(7, "a").unwrap_err().what(), ProblemType::InProgress);
        assert!(!repeats.begin(7, "b").unwrap().is_new_day());
        drop(first);
        for number in 2..KEYS_A_DAY {
            drop(repeats.begin(7, &number.to_string()).unwrap());
        }
        assert_eq!(repeats.begin(7, "a").unwrap_err().what(), ProblemType::Busy);
        assert!(repeats.begin(8, "a").is_ok());
    }
}
