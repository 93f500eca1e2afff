//! When a registry of things that may have ended is walked to forget those: after it has doubled.
//!
//! With a walk for each registration, 10,000 connections cost 10,000 walks over up to 10,000
//! entries. Here the walks together take at most two steps a registration, and a registry holds at
//! most twice the entries that were in use at its last walk, or [`LEAST`].

/// Entries below which a walk is not worth its while. Arbitrary, small beside what an entry stands
/// for.
const LEAST: usize = 64;

/// When the next walk is due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tidy {
    least: usize,
    /// The number of entries at which it is.
    at: usize,
}

impl Default for Tidy {
    fn default() -> Self {
        Self::above(LEAST)
    }
}

impl Tidy {
    /// For a registry that keeps this many entries whether they are in use or not.
    pub(crate) fn above(least: usize) -> Self {
        Self { least, at: least }
    }

    /// Whether a registry of so many entries is to be walked before it takes another one.
    pub(crate) fn is_due(self, entries: usize) -> bool {
        entries >= self.at
    }

    /// Notes a walk that left so many entries.
    pub(crate) fn walked(&mut self, left: usize) {
        self.at = left.saturating_mul(2).max(self.least);
    }
}

#[cfg(test)]
mod tests {
    use super::{LEAST, Tidy};

    /// Registers this many entries, of which each `ends_every`-th ends at once. Returns the steps
    /// of all walks, and the most entries at a time.
    fn registered(entries: usize, ends_every: usize) -> (usize, usize) {
        let (mut tidy, mut held) = (Tidy::default(), Vec::new());
        let (mut steps, mut most) = (0, 0);
        for entry in 0..entries {
            if tidy.is_due(held.len()) {
                steps += held.len();
                held.retain(|entry| entry % ends_every != 0);
                tidy.walked(held.len());
            }
            held.push(entry);
            most = most.max(held.len());
        }
        (steps, most)
    }

    #[test]
    fn walks_together_take_at_most_two_steps_a_registration() {
        for ends_every in [1, 2, 3, 100_000] {
            assert!(registered(10_000, ends_every).0 <= 20_000, "{ends_every}");
        }
    }

    #[test]
    fn entries_that_ended_do_not_pile_up() {
        assert_eq!(registered(10_000, 1).1, LEAST);
    }
}
