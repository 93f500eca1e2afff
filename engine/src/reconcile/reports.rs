//! The results of applying a plan and of settling.

use crate::reconcile::order::Touched;
use serde::Serialize;

impl ApplyReport {
    /// Adds the report of another batch.
    pub fn join(&mut self, part: Self) {
        self.steps.extend(part.steps);
        self.in_step = self.in_step.saturating_add(part.in_step);
        self.not_in_step = self.not_in_step.saturating_add(part.not_in_step);
        self.held_back = self.held_back.saturating_add(part.held_back);
        let settled = part.settled;
        if settled != SettleReport::default() {
            // A later settling looked at all open intents again, so its numbers count.
            (self.settled.open, self.settled.blocked) = (settled.open, settled.blocked);
        }
        self.settled.found = self.settled.found.saturating_add(settled.found);
        self.settled.sent_again = self.settled.sent_again.saturating_add(settled.sent_again);
        self.settled.refused = self.settled.refused.saturating_add(settled.refused);
    }
}

/// The end of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "end", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepEnd {
    /// Sent and done.
    Applied,
    /// It was there already; nothing was sent.
    Unneeded,
    /// Found by the probe before the create; linked.
    Adopted,
    /// The ATS refused it. That is what it answered, no proof of what it did: a later create of the
    /// same record is preceded by a probe that is conclusive.
    Refused {
        /// Why.
        reason: String,
    },
    /// Its outcome is not known yet.
    InDoubt,
    /// It was not sent.
    NotSent {
        /// Why.
        reason: String,
    },
    /// A step that it depends on failed.
    Skipped {
        /// Which.
        waits_for: String,
    },
}

impl StepEnd {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unneeded => "unneeded",
            Self::Adopted => "adopted",
            Self::Refused { .. } => "refused",
            Self::InDoubt => "in_doubt",
            Self::NotSent { .. } => "not_sent",
            Self::Skipped { .. } => "skipped",
        }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Applied | Self::Unneeded | Self::Adopted)
    }
}

/// One step of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StepReport {
    /// The path that it serves.
    pub path: String,
    /// The operation.
    pub operation: String,
    /// How it ended.
    #[serde(flatten)]
    pub end: StepEnd,
    /// Warnings of a step that succeeded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl StepReport {
    /// Makes the report of a step of a path, without warnings.
    pub fn new(path: impl Into<String>, operation: impl Into<String>, end: StepEnd) -> Self {
        Self { path: path.into(), operation: operation.into(), end, warnings: Vec::new() }
    }
}

/// The result of applying a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ApplyReport {
    /// Every step, in the order in which they ended.
    pub steps: Vec<StepReport>,
    /// The result of settling.
    pub settled: SettleReport,
    /// Records that are in step now.
    pub in_step: u64,
    /// Records that are not.
    pub not_in_step: u64,
    /// Records that differ and for which no step is due: their mode, a setting, the adapter, a
    /// conflict or the host's decision forbids it.
    pub held_back: u64,
}

impl ApplyReport {
    /// How many steps ended with this word.
    pub fn count(&self, word: &str) -> usize {
        self.steps.iter().filter(|step| step.end.word() == word).count()
    }

    /// Whether every planned step succeeded or was settled, and each record of the plan is in step,
    /// or differs by the host's decision, a setting, the adapter or a conflict.
    pub fn is_complete(&self) -> bool {
        self.not_in_step == 0 && self.came_about()
    }

    /// Whether every planned step succeeded or was settled, whatever else is due by now.
    pub fn came_about(&self) -> bool {
        self.settled.open == 0
            && self.settled.refused == 0
            && self.steps.iter().all(|step| step.end.is_done() || step.end == StepEnd::InDoubt)
    }
}

/// The result of settling.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct SettleReport {
    /// Found to have happened.
    pub found: u64,
    /// Absent, and sent again.
    pub sent_again: u64,
    /// Refused when sent again.
    pub refused: u64,
    /// Still in doubt.
    pub open: u64,
    /// Of those, the ones that only a person or the host can resolve.
    pub blocked: u64,
    /// Records that were made or touched; the caller reads them back.
    #[serde(skip)]
    pub(crate) touched: Vec<Touched>,
}
