//! The plan of one desired record, as data. Pure.

use super::finding::{Finding, FindingKind};
use super::form::Form;
use super::step::Step;
use crate::path;
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use serde::Serialize;
use serde_json::{Map, Value};

/// A link to an existing record, made without a request.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Adoption {
    /// The path.
    pub path: String,
    /// The record.
    pub remote: RemoteRef,
    /// The base of the link.
    pub applied: Map<String, Value>,
    /// Why it is the declared record; none where the adoption only records a base, which no
    /// rendered plan shows.
    pub reason: Option<String>,
}

impl Adoption {
    /// Returns an adoption that only records a base.
    pub(super) fn of_base(
        path: impl Into<String>,
        remote: RemoteRef,
        applied: Map<String, Value>,
    ) -> Self {
        Self { path: path.into(), remote, applied, reason: None }
    }
}

/// The plan of one desired record.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecordPlan {
    /// The desired record.
    pub key: String,
    /// The generation that it was made from.
    pub generation: u64,
    /// The links that are made without a request.
    pub adoptions: Vec<Adoption>,
    /// Paths whose links end without a request: the record is no longer managed and stays as it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<String>,
    /// The steps, in an order that respects `after`.
    pub steps: Vec<Step>,
    /// The findings.
    pub findings: Vec<Finding>,
    /// The openings that its hires fill, each with its application: no other application of the run
    /// can be hired into them.
    #[serde(skip)]
    pub hires: Vec<(String, String)>,
    /// In step, but planned again by the next plan: a record to link was seen and has no id so far.
    #[serde(skip)]
    pub look_again: bool,
    /// The forms in which the ATS keeps values, recorded whether or not steps are left.
    #[serde(skip)]
    pub forms: Vec<Form>,
}

impl RecordPlan {
    /// Whether it is the plan of a definition. Such plans are carried out first, since candidates
    /// depend on them.
    pub fn is_definition(&self) -> bool {
        path::is_definition(&self.key)
    }

    /// Whether the record is blocked.
    pub fn is_blocked(&self) -> bool {
        self.findings.iter().any(|finding| finding.kind == FindingKind::Blocked)
    }

    /// Whether only records that the ATS does not show block it: those may show late.
    pub fn is_unseen(&self) -> bool {
        let mut blocked =
            self.findings.iter().filter(|finding| finding.kind == FindingKind::Blocked).peekable();
        blocked.peek().is_some() && blocked.all(|finding| finding.reason == Reason::NotVisible)
    }

    /// Whether something of it is not in the ATS and waits for a probe, a time or an action. Its
    /// findings say which.
    pub fn waits(&self) -> bool {
        [
            Reason::InDoubt,
            Reason::OwnWriteHidden,
            Reason::Refused,
            Reason::Unread,
            Reason::RefusedTooOften,
            Reason::Ignored,
            Reason::IgnoredTooOften,
        ]
        .iter()
        .any(|reason| self.note(*reason).is_some())
    }

    /// Returns the finding that blocks the record because a read was denied or failed.
    pub fn denied(&self) -> Option<&Finding> {
        let is_unread =
            |finding: &&Finding| [Reason::Denied, Reason::NotRead].contains(&finding.reason);
        self.findings.iter().filter(|finding| finding.kind == FindingKind::Blocked).find(is_unread)
    }

    /// Returns the first note of this reason.
    pub fn note(&self, reason: Reason) -> Option<&Finding> {
        self.findings
            .iter()
            .find(|finding| finding.kind == FindingKind::Note && finding.reason == reason)
    }
}
