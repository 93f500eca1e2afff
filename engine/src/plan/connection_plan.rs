//! The plan for a connection, as data. Pure.

use super::finding::{Finding, FindingKind};
use super::record_plan::RecordPlan;
use super::step::Step;
use serde::Serialize;

/// The plan for a connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// The connection.
    pub connection: String,
    /// Steps that serve several records; they run first.
    pub shared: Vec<Step>,
    /// One plan per record that needs attention. Records in step do not appear.
    pub records: Vec<RecordPlan>,
    /// The number of planned records.
    pub planned: u64,
    /// The requests that the plan costs: writes, probes, and the reads at the end. It may send more
    /// where an answer is unclear, where an operation takes several tries, and where a value can
    /// only be written together with options of others whose ids have to be looked up: at most
    /// three more for such a step (the fields, their options, the record), and one for each further
    /// page of fields or options. It sends fewer where a probe finds a record.
    pub calls: u32,
    /// The requests that were sent to plan: kinds brought up to date, records read.
    pub calls_made: u32,
    /// SHA-256 of the component that it was planned with; none for an adapter that is linked in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
}

impl Plan {
    /// Whether the plan sends nothing.
    pub fn is_empty(&self) -> bool {
        self.steps().next().is_none()
    }

    /// Iterates over all steps.
    pub(super) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.shared.iter().chain(self.records.iter().flat_map(|record| &record.steps))
    }

    /// Counts the steps.
    pub fn writes(&self) -> usize {
        self.steps().count()
    }

    /// Iterates over the findings that block a record.
    pub fn blocked(&self) -> impl Iterator<Item = &Finding> {
        self.records
            .iter()
            .flat_map(|record| &record.findings)
            .filter(|finding| finding.kind == FindingKind::Blocked)
    }
}
