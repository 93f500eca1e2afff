//! The plan for one desired record, as data. Pure.

use super::finding::{Finding, FindingKind};
use super::form::Form;
use super::step::Step;
use crate::path;
use crate::reason::Reason;
use atsync_model::contract::RemoteRef;
use serde::Serialize;
use serde_json::{Map, Value};

/// A record that is there already and will be linked without any request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Adoption {
    /// The path.
    pub host: String,
    /// The record.
    pub remote: RemoteRef,
    /// What is recorded as last applied.
    pub applied: Map<String, Value>,
    /// Why it is the same record; none where the adoption only records values that are in step,
    /// which no rendered plan shows.
    pub reason: Option<String>,
}

impl Adoption {
    /// An adoption that only records a base.
    pub(super) fn of_base(
        path: impl Into<String>,
        remote: RemoteRef,
        applied: Map<String, Value>,
    ) -> Self {
        Self { host: path.into(), remote, applied, reason: None }
    }
}

/// The plan for one desired record.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RecordPlan {
    /// The desired record.
    pub key: String,
    /// The generation that it was made from.
    pub generation: u64,
    /// What is linked without a request.
    pub adoptions: Vec<Adoption>,
    /// Host paths whose links end without a request: what was released is no longer managed, and
    /// its value stays.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<String>,
    /// What is done, in an order that respects `after`.
    pub steps: Vec<Step>,
    /// What else there is to say.
    pub findings: Vec<Finding>,
    /// The openings that its hires fill, each with the application that is hired into it: nobody
    /// else of the run can be.
    #[serde(skip)]
    pub hires: Vec<(String, String)>,
    /// In step, and yet to be planned again by the next plan: something that it is to be linked to
    /// was seen and has no id so far.
    #[serde(skip)]
    pub look_again: bool,
    /// What is to be remembered of how the ATS keeps values, whether or not steps are left.
    #[serde(skip)]
    pub forms: Vec<Form>,
}

impl RecordPlan {
    /// Whether it is of a definition, which candidates' records depend on. Such plans are carried
    /// out before the others.
    pub fn is_definition(&self) -> bool {
        path::is_definition(&self.key)
    }

    /// Whether the record is blocked until a person acts.
    pub fn is_blocked(&self) -> bool {
        self.findings.iter().any(|finding| finding.kind == FindingKind::Blocked)
    }

    /// Whether nothing blocks it but records that the ATS does not show: those may only show late.
    pub fn is_unseen(&self) -> bool {
        let mut blocked =
            self.findings.iter().filter(|finding| finding.kind == FindingKind::Blocked).peekable();
        blocked.peek().is_some() && blocked.all(|finding| finding.reason == Reason::NotVisible)
    }

    /// Whether something of it is not in the ATS and waits: for a probe, for a time, or for a
    /// person. Its findings say which.
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

    /// What says that the record is blocked because something that its plan asks about may not be
    /// read, or could not be.
    pub fn denied(&self) -> Option<&Finding> {
        let is_unread =
            |finding: &&Finding| [Reason::Denied, Reason::NotRead].contains(&finding.reason);
        self.findings.iter().filter(|finding| finding.kind == FindingKind::Blocked).find(is_unread)
    }

    /// The first note of this reason.
    pub fn note(&self, reason: Reason) -> Option<&Finding> {
        self.findings
            .iter()
            .find(|finding| finding.kind == FindingKind::Note && finding.reason == reason)
    }
}
