//! The cron expressions of a connection, by kind.

use super::cron::Cron;
use std::collections::BTreeMap;

/// The cron expressions of a connection: when each kind is pulled and swept.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Crons {
    /// When a kind is pulled.
    pub pulls: BTreeMap<String, Cron>,
    /// When a sweep of a kind begins. It reads a few pages at a time; pulls and
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
