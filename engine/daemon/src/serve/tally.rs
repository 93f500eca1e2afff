//! What the rounds of a connection did since the process started. Pure.

use atsync::Round;
use std::collections::BTreeMap;

/// The work of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Work {
    Pull,
    Sweep,
    Hints,
    Register,
    Apply,
    Trim,
}

impl Work {
    /// Its word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Sweep => "sweep",
            Self::Hints => "hints",
            Self::Register => "register",
            Self::Apply => "apply",
            Self::Trim => "trim",
        }
    }
}

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Outcome {
    Succeeded,
    Failed,
}

impl Outcome {
    /// Its word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// The counts of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// Rounds.
    pub(super) rounds: BTreeMap<(Work, Outcome), u64>,
    /// Records that pulls read.
    pub(super) records: u64,
    /// Of those, the ones that were new or changed.
    pub(super) changes: u64,
    /// Writes that the ATS confirmed.
    pub(super) writes: u64,
    /// Webhooks that were accepted.
    pub(super) hooks: u64,
    /// Webhooks that were refused.
    pub(super) hooks_refused: u64,
}

impl Tally {
    /// Counts a webhook.
    pub(super) fn hook(&mut self, is_accepted: bool) {
        let count = if is_accepted { &mut self.hooks } else { &mut self.hooks_refused };
        *count = count.saturating_add(1);
    }

    /// Counts a round.
    pub(super) fn round(&mut self, round: &Round<'_>) {
        let work = match round {
            Round::Pulled(report) => {
                let changes = report.created.saturating_add(report.updated);
                self.records = self.records.saturating_add(report.records);
                self.changes = self.changes.saturating_add(changes);
                Work::Pull
            }
            Round::Applied(report) => {
                let writes = u64::try_from(report.count("applied")).unwrap_or(u64::MAX);
                self.writes = self.writes.saturating_add(writes);
                Work::Apply
            }
            Round::PullFailed { .. } => Work::Pull,
            Round::Swept(_) | Round::SweepFailed { .. } => Work::Sweep,
            Round::Hinted(_) | Round::HintsFailed { .. } => Work::Hints,
            Round::Registered(_) | Round::RegisterFailed { .. } => Work::Register,
            Round::InStep | Round::ApplyFailed { .. } => Work::Apply,
            Round::Trimmed { .. } => Work::Trim,
            _ => return,
        };
        let outcome = if round.failure().is_some() { Outcome::Failed } else { Outcome::Succeeded };
        let rounds = self.rounds.entry((work, outcome)).or_default();
        *rounds = rounds.saturating_add(1);
    }
}
