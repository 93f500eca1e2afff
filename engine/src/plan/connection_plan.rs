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
    /// Steps that serve several records, done first.
    pub shared: Vec<Step>,
    /// One plan per record that needs attention. Records in step do not appear.
    pub records: Vec<RecordPlan>,
    /// How many records were planned.
    pub looked_at: u64,
    /// Requests that carrying it out will cost: writes, the looks and reads that go with them, and
    /// the reads that show at the end what came of them. More are sent only where an answer is
    /// unclear, where several tries are needed, or where a value can only be written together with
    /// choices of others whose ids have to be looked up: at most three more for such a step (the
    /// fields, their choices, the record once more), and one for each further page of fields or
    /// choices. Fewer are sent where something is found to be done already.
    pub calls: u32,
    /// Requests that were sent to make the plan: kinds brought up to date, records read.
    pub calls_made: u32,
}

impl Plan {
    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.shared.is_empty() && self.records.iter().all(|record| record.steps.is_empty())
    }

    /// How many effects it has.
    pub fn writes(&self) -> usize {
        self.shared.len() + self.records.iter().map(|record| record.steps.len()).sum::<usize>()
    }

    /// The findings that keep a record from being worked on.
    pub fn blocked(&self) -> impl Iterator<Item = &Finding> {
        self.records
            .iter()
            .flat_map(|record| &record.findings)
            .filter(|finding| finding.kind == FindingKind::Blocked)
    }
}
