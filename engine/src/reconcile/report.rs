//! What carrying out a plan brought.

use serde::Serialize;

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "end", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepEnd {
    /// Sent and done.
    Applied,
    /// It was there already; nothing was sent.
    Unneeded,
    /// Found to be there just before it was made; linked.
    Adopted,
    /// The ATS refused it; nothing was changed.
    Refused {
        /// Why.
        reason: String,
    },
    /// Nobody knows yet.
    InDoubt,
    /// It was not sent.
    NotSent {
        /// Why.
        reason: String,
    },
    /// A step that it hangs on did not come about.
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
    pub host: String,
    /// The operation.
    pub operation: String,
    /// How it ended.
    #[serde(flatten)]
    pub end: StepEnd,
    /// What the adapter had to say although it worked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What carrying out a plan brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ApplyReport {
    /// Every step, in the order in which they ended.
    pub steps: Vec<StepReport>,
    /// What settling brought.
    pub settled: super::SettleReport,
    /// Records that are in step now.
    pub in_step: u64,
    /// Records that are not.
    pub not_in_step: u64,
    /// Records that differ and that nothing is to be done for: their mode, a setting, the adapter,
    /// a conflict or the host's own word keeps it back.
    pub held_back: u64,
}

impl ApplyReport {
    /// How many steps ended so.
    pub fn count(&self, word: &str) -> usize {
        self.steps.iter().filter(|step| step.end.word() == word).count()
    }

    /// Whether everything that was planned came about or was settled, and each record of the plan
    /// is in step, or is held back by the host's own word, a setting, the adapter or a conflict.
    pub fn is_complete(&self) -> bool {
        self.not_in_step == 0 && self.came_about()
    }

    /// Whether everything that was planned came about or was settled, whatever else there is to do
    /// by now.
    pub fn came_about(&self) -> bool {
        self.settled.open == 0
            && self.settled.refused == 0
            && self.steps.iter().all(|step| step.end.is_done() || step.end == StepEnd::InDoubt)
    }
}
